//! What is shown, looked at in a real browser: Debian's chromium and chromium-driver. Without them nothing of this is
//! tried, and each trial is named as one that was not.

#[path = "../trial/claims.rs"]
mod claims;
mod driver;
mod explorer;
mod pages;
mod pictures;
#[path = "../trial/served.rs"]
mod served;
mod theatre;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Trial};

use self::claims::claim;
use self::driver::Browser;

/// Something that a browser is asked to show.
type Look = fn(&Browser);

fn main() -> ExitCode {
    let missing = Browser::missing();
    if let Some(missing) = &missing {
        eprintln!("not run, since {missing} (Debian: chromium, chromium-driver); each trial is listed as ignored");
    }
    // One browser for all of them, one after the other.
    let browser: Arc<Mutex<Option<Browser>>> = Arc::default();
    let trial = |(name, look): (&'static str, Look)| {
        let browser = browser.clone();
        let trial: Trial = claim(name, move || {
            let mut browser = browser.lock().unwrap_or_else(PoisonError::into_inner);
            let browser = browser.get_or_insert_with(|| Browser::start().unwrap_or_else(|error| panic!("{error}")));
            look(browser);
        });
        trial.with_ignored_flag(missing.is_some())
    };
    let trials = [pages::trials(), explorer::trials(), pictures::trials()].concat().into_iter().map(trial).collect();
    claims::remember_panics();
    let ended = libtest_mimic::run(&Arguments::from_args(), trials);
    // What ends here is the browser.
    browser.lock().unwrap_or_else(PoisonError::into_inner).take();
    ended.exit_code()
}

/// The repository's root.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("a workspace").to_path_buf()
}
