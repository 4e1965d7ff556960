//! Daemons as Debian ships them, driven through the models of the catalogue. `install.sh` installs them; one that is not
//! there is named, and its trials are listed as ignored, unless `COUNTERPART_DAEMONS=required` is set: then they fail.

mod alongside;
mod broker;
mod cdn;
#[path = "../trial/claims.rs"]
mod claims;
mod clock;
mod daemon;
mod dns;
mod load_balancer;
mod nats;
mod nginx;
mod ntp;
mod rate_limiter;
mod readme;
mod redis;
mod servers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use counterpart::check::Options;
use counterpart::trace::Trace;
use libtest_mimic::{Arguments, Trial};

use self::alongside::{Alongside, TRACES, committed};
use self::claims::claim;
use self::daemon::{DAEMONS, Daemon};

/// Set to `required` where a daemon that is not installed is a failure.
const REQUIRED: &str = "COUNTERPART_DAEMONS";

/// Trials at a time, unless it is said otherwise.
const THREADS: usize = 4;

fn main() -> ExitCode {
    let cases: Arc<[Alongside]> =
        [broker::cases(), cdn::cases(), dns::cases(), load_balancer::cases(), ntp::cases(), rate_limiter::cases()]
            .concat()
            .into();
    let is_required = std::env::var_os(REQUIRED).is_some_and(|value| value == "required");
    let missing: Vec<&Daemon> = DAEMONS.iter().filter(|daemon| daemon.path().is_none()).collect();
    for daemon in &missing {
        eprintln!(
            "not run: {} is not installed (Debian: {}; tests/daemons/install.sh)",
            daemon.program, daemon.package
        );
    }
    let is_missing = |daemon: &Daemon| missing.iter().any(|other| other.program == daemon.program);
    let lacks = |case: &Alongside| case.needs().any(is_missing);
    let unless = |left_out: bool, trial: Trial| trial.with_ignored_flag(left_out && !is_required);
    let mut trials: Vec<Trial> = Vec::new();
    for daemon in DAEMONS {
        let trial = claim(format!("installed::{}", daemon.program), || installed(daemon));
        trials.push(unless(is_missing(daemon), trial));
    }
    for case in cases.iter() {
        let (ran, name) = (case.clone(), format!("runs::{}", case.name()));
        trials.push(unless(lacks(case), claim(name, move || ran.assert())));
    }
    for file in committed() {
        let case = cases.iter().find(|case| file.starts_with(&format!("{}--", case.name()))).cloned();
        let left_out = case.as_ref().is_some_and(lacks);
        trials.push(unless(left_out, claim(format!("traces::{file}"), move || replays(&file, case.as_ref()))));
    }
    let all = |name: &str, test: fn(&[Alongside])| {
        let cases = cases.clone();
        unless(!missing.is_empty(), claim(name, move || test(&cases)))
    };
    trials.push(all("traces::none_is_missing_and_none_is_an_orphan", whole));
    trials.push(all("runs::what_deviates_conforms_to_a_variant", both));
    trials.push(all("readme::the_table_is_what_the_runs_give", readme::compare));
    claims::remember_panics();
    let mut arguments = Arguments::from_args();
    // They wait for daemons more than they work.
    arguments.test_threads.get_or_insert(THREADS);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The repository's root.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("a workspace").to_path_buf()
}

/// A revision of Debian's may differ and behave alike; another version of the program is another subject.
fn installed(daemon: &'static Daemon) {
    assert!(daemon.path().is_some(), "{} is not installed: tests/daemons/install.sh", daemon.program);
    let installed = daemon.installed().unwrap_or_else(|| panic!("no package {} is installed", daemon.package));
    let (name, recorded) = daemon.subject.rsplit_once(' ').expect("a name and a version");
    let upstream = |version: &str| version.rsplit_once('-').map_or(version, |(upstream, _)| upstream).to_string();
    assert_eq!(upstream(&installed), upstream(recorded), "{name}: the traces are of another version");
    if installed != recorded {
        eprintln!("{name}: {installed} is run here, the traces are of {recorded}");
    }
}

fn replays(file: &str, case: Option<&Alongside>) {
    let case = case.unwrap_or_else(|| panic!("{file}: it is no case's"));
    let trace = Trace::read(&root().join(TRACES).join(file)).unwrap_or_else(|error| panic!("{error}"));
    let text = std::fs::read_to_string(root().join(TRACES).join(file)).expect("readable");
    serde_json::from_str::<itf::Trace<itf::Value>>(&text).unwrap_or_else(|error| panic!("{file}: itf: {error}"));
    let replayed = case.case().replay(&trace, &Options::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(replayed.reproduces && replayed.as_expected, "{file}: {}", replayed.summary());
}

fn whole(cases: &[Alongside]) {
    let left: BTreeSet<String> = cases.iter().flat_map(|case| case.traces().into_keys()).collect();
    assert_eq!(left, committed().into_iter().collect());
}

/// One deviation that is known must not hide another: but for it the daemon does what the model does.
fn both(cases: &[Alongside]) {
    for case in cases.iter().filter(|case| case.deviates()) {
        let beginning = format!("{}_but_for_", case.name());
        let variant = cases.iter().find(|other| other.name().starts_with(&beginning));
        let variant = variant.unwrap_or_else(|| panic!("{}: there is no case {beginning}…", case.name()));
        assert!(!variant.deviates() && variant.daemon().program == case.daemon().program, "{}", variant.name());
    }
}
