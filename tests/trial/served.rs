//! `counterpart explore` in a thread of its own, for those who look at what it serves.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use counterpart::Case;
use counterpart::cli::{self, Exit, Host};

/// The command, until this is dropped.
pub(crate) struct Served {
    /// What it has said: `http://PLACE/TOKEN/`.
    pub(crate) address: String,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<Exit>>,
}

impl Served {
    pub(crate) fn of(case: Case) -> Self {
        let (told, said) = channel();
        let ends = Arc::new(AtomicBool::new(false));
        let interrupted = ends.clone();
        let thread = std::thread::spawn(move || {
            let name = case.name().to_string();
            let out = Box::new(Told(told));
            let mut host = Host { out, err: Box::new(io::sink()), progress: false, interrupted };
            cli::run(vec![case], ["counterpart", "explore", &name], &mut host)
        });
        let mut address = String::new();
        while !address.ends_with('\n') {
            address.push_str(&said.recv().expect("it says where it is"));
        }
        Served { address: address.trim().into(), ends, thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let ended = self.thread.take().expect("it is ended once").join();
        assert!(std::thread::panicking() || matches!(ended, Ok(Exit::AsExpected)), "{ended:?}");
    }
}

struct Told(Sender<String>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Once the address is known nobody listens.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
