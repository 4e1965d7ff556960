//! A command, typed in this process over a catalogue of a trial's own.

use std::io::{self, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use counterpart::Case;
use counterpart::cli::{Exit, Host};

/// How `counterpart ARGUMENTS` ends over `cases`, and what it says on stdout and on stderr, without colours.
pub(crate) fn typed(cases: Vec<Case>, arguments: &[&str]) -> (Exit, String, String) {
    typed_until(cases, arguments, Arc::default())
}

/// The same; a case may set the flag that a signal sets.
pub(crate) fn typed_until(
    cases: Vec<Case>,
    arguments: &[&str],
    interrupted: Arc<AtomicBool>,
) -> (Exit, String, String) {
    let (out, err) = (Said::default(), Said::default());
    let mut host = Host { out: Box::new(out.clone()), err: Box::new(err.clone()), progress: false, interrupted };
    let exit = counterpart::cli::run(cases, ["counterpart"].iter().chain(arguments).copied(), &mut host);
    (exit, out.text(), err.text())
}

#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anstream::adapter::strip_str(std::str::from_utf8(&bytes).expect("what is printed is UTF-8")).to_string()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
