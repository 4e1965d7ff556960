//! Trials of libtest-mimic, shared by all test binaries (`#[path]`): a claim and a closure, and what a person sees,
//! compared word for word.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use insta::{Settings, assert_snapshot};
use libtest_mimic::{Arguments, Failed, Trial};

thread_local! {
    /// Where the last panic of this thread was raised.
    static RAISED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs the trials that the arguments ask for.
pub(crate) fn run(trials: Vec<Trial>) -> ExitCode {
    remember_panics();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A trial that fails when `test` panics, with the panic's words and place.
pub(crate) fn claim(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        catch_unwind(AssertUnwindSafe(test)).map_err(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_string()));
            let place = RAISED_AT.with_borrow(String::clone);
            Failed::from(format!("{}\n(at {place})", words.unwrap_or_else(|| "a panic without words".into())))
        })
    })
}

/// Every panic is told once, with its trial: the hook only remembers where it was.
fn remember_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        RAISED_AT.with_borrow_mut(|at| *at = place);
    }));
}

/// The repository's root, whichever package is tested.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("traces").is_dir());
    root.expect("the repository keeps traces").to_path_buf()
}

/// Compares with `tests/snapshots/NAME.snap`, without colours.
#[track_caller]
pub(crate) fn snapshot(name: &str, text: &str) {
    let plain = anstream::adapter::strip_str(text).to_string();
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(root().join("tests").join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, plain));
}
