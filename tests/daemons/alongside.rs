//! What is run alongside: a case with a daemon in it, its one run, and the traces that are kept of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use counterpart::check::Options;
use counterpart::conform::{Agreement, Job, Tour};
use counterpart::report::{CaseReport, Report};
use counterpart::trace::Trace;
use counterpart::{Case, Check, Counterpart, Interface};

use crate::daemon::{Daemon, FAKETIME};
use crate::root;

/// The folder of the traces, from the repository's root.
pub(crate) const TRACES: &str = "tests/daemons/traces";

/// Set to write traces and tables instead of comparing them.
pub(crate) const UPDATE: &str = "COUNTERPART_UPDATE";

/// A deviation counts if it is shown so many times of as many: a daemon runs in real time.
pub(crate) const TIMES: usize = 3;

/// `check` with `daemon` alongside, and nothing else of it: a deviation has to be shown three times of three.
pub(crate) fn beside<F: Interface, C: Counterpart<F> + 'static>(
    daemon: &Daemon,
    check: Check<F::Model, F>,
    make: impl Fn() -> C + Send + Sync + 'static,
) -> Check<F::Model, F> {
    check.alongside_only().traces_in(TRACES).subject(daemon.subject, Tour::new().times(TIMES).of(make))
}

/// `check` with `daemon` alongside by a walk of `job`, where a tour of all transitions would take too long.
pub(crate) fn walked<F: Interface>(
    daemon: &Daemon,
    check: Check<F::Model, F>,
    job: Arc<dyn Job<F>>,
) -> Check<F::Model, F> {
    check.alongside_only().traces_in(TRACES).subject(daemon.subject, job)
}

/// A case with one daemon in it.
#[derive(Clone)]
pub(crate) struct Alongside(Arc<Inner>);

struct Inner {
    daemon: &'static Daemon,
    checked: &'static str,
    case: Case,
    has_our_clock: bool,
    report: OnceLock<CaseReport>,
}

impl Alongside {
    /// The case `name`, in which `checked` is what `daemon` is asked.
    pub(crate) fn new<F: Interface>(
        daemon: &'static Daemon,
        name: &str,
        checked: &'static str,
        check: Check<F::Model, F>,
    ) -> Self {
        let (case, report) = (Case::new(name, check), OnceLock::new());
        Alongside(Arc::new(Inner { daemon, checked, case, has_our_clock: false, report }))
    }

    /// The same, where the daemon runs by a clock that is moved by hand.
    ///
    /// # Panics
    /// If it is in use already.
    pub(crate) fn by_our_clock(mut self) -> Self {
        Arc::get_mut(&mut self.0).expect("nobody else has it yet").has_our_clock = true;
        self
    }

    /// The same, of a daemon that deviates.
    pub(crate) fn deviating<F: Interface>(
        daemon: &'static Daemon,
        name: &str,
        checked: &'static str,
        check: Check<F::Model, F>,
        because: &str,
    ) -> Self {
        Alongside::new(daemon, name, checked, check.because(daemon.subject, because).diverges(daemon.subject))
    }

    pub(crate) fn name(&self) -> &str {
        self.0.case.name()
    }

    pub(crate) fn case(&self) -> &Case {
        &self.0.case
    }

    pub(crate) fn daemon(&self) -> &'static Daemon {
        self.0.daemon
    }

    /// What has to be installed.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &'static Daemon> {
        [self.0.daemon].into_iter().chain(self.0.has_our_clock.then_some(&FAKETIME))
    }

    /// What the daemon is asked, in a few words.
    pub(crate) fn checked(&self) -> &'static str {
        self.0.checked
    }

    /// Its report, once somebody has asked for it: trials share one run.
    pub(crate) fn report(&self) -> &CaseReport {
        self.0.report.get_or_init(|| self.0.case.run(&Options::default()).0)
    }

    /// Whether the daemon was seen to deviate.
    pub(crate) fn deviates(&self) -> bool {
        self.report().conformance.iter().any(|subject| subject.verdict == Agreement::Diverges)
    }

    /// The traces that its run leaves, by name below [`TRACES`], as they are to be committed.
    pub(crate) fn traces(&self) -> BTreeMap<String, Trace> {
        let kept = |(file, trace): (&PathBuf, &Trace)| {
            let file = file.strip_prefix(TRACES).expect("kept below the traces").to_str().expect("a name in UTF-8");
            let replay = format!("cargo test -p counterpart-daemons -- traces::{file}");
            (file.to_string(), Trace { replay, ..trace.clone() })
        };
        self.report().counterexamples().map(kept).collect()
    }

    /// Asserts that the run is as expected, and that its traces are the committed ones.
    pub(crate) fn assert(&self) {
        Report::new(vec![self.report().clone()], Vec::new()).assert();
        for (file, trace) in self.traces() {
            let path = root().join(TRACES).join(&file);
            if std::env::var_os(UPDATE).is_some() {
                trace.write(&path).unwrap_or_else(|error| panic!("{error}"));
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == trace.to_json(),
                "{file}: a run gives another trace than is committed; write it anew with {UPDATE}=1\n{}",
                trace.to_json()
            );
        }
    }
}

/// The committed traces, by name below [`TRACES`].
pub(crate) fn committed() -> Vec<String> {
    fn below(folder: &Path, prefix: &str, files: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries.map(|entry| entry.expect("readable")) {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.path().is_dir() {
                true => below(&entry.path(), &format!("{name}/"), files),
                false => files.push(name),
            }
        }
    }
    let mut files = Vec::new();
    below(&root().join(TRACES), "", &mut files);
    files.sort();
    files
}
