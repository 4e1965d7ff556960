//! Trials of libtest-mimic, shared by all test binaries (`#[path]`): a claim and a closure, and what a person sees,
//! compared word for word.

#[path = "trial/claims.rs"]
mod claims;
#[path = "trial/typed.rs"]
#[allow(dead_code, reason = "not every test binary has a use for it")]
mod typed;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use insta::{Settings, assert_snapshot};
use libtest_mimic::{Arguments, Trial};

pub(crate) use self::claims::claim;
#[allow(unused_imports, reason = "not every test binary has a use for them")]
pub(crate) use self::typed::{typed, typed_until};

/// Runs the trials that the arguments ask for.
pub(crate) fn run(trials: Vec<Trial>) -> ExitCode {
    claims::remember_panics();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
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
