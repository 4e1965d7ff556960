//! The one entry: what is explored, what is run alongside, and what is expected of both.

mod case;
mod checkpoint;
mod defect;
mod evidence;
mod explorer;
mod face;
mod limits;
mod look;
mod names;
mod place;
mod replay;
mod run;
mod survey;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::conform::events::{Log, LogError, LogReader};
use crate::conform::{self, Job, Limits};
use crate::explore::{Budget, Surveyor};
use crate::model::{CheckedModel, Counterpart, Interface, NoInterface, PlainSpec, Spec};
use crate::report::{Counts, Report};
use crate::trace::Trace;
use crate::view::Written;

pub use case::{Case, JudgedLog};
pub use checkpoint::Checkpoint;
pub use defect::Defect;
#[cfg(feature = "cli")]
pub(crate) use limits::limited;
#[cfg(feature = "cli")]
pub(crate) use place::{in_workspace, named};
pub use replay::{ReplayError, Replayed};

/// Most states for which stateright's own search is asked.
pub const REFEREE_STATES_MAX: usize = 1_000_000;

/// A model, what is said of it, what is run alongside, and what is expected.
///
/// Nothing runs before [`run`](Check::run) or [`assert`](Check::assert).
pub struct Check<M: CheckedModel, F: Interface<Model = M> = NoInterface<M>> {
    model: Arc<M>,
    spec: Arc<dyn Spec<Model = M>>,
    interface: Arc<F>,
    subjects: Vec<(String, Arc<dyn Job<F>>)>,
    surveyor: Option<Surveyor<M>>,
    plan: Plan,
}

/// The part of a check that has nothing to do with the model's types.
#[derive(Clone, Debug)]
struct Plan {
    name: String,
    not_run: Vec<(String, String)>,
    expected: BTreeMap<String, Expected>,
    because: BTreeMap<String, String>,
    allow_incomplete: Option<String>,
    judged: bool,
    counts: Option<Counts>,
    /// Left out unless asked for; what it finds as expected is not kept.
    large: bool,
    /// It stands in a catalogue.
    is_listed: bool,
    /// The folder that its traces are kept in.
    traces: PathBuf,
    options: Options,
}

/// What is expected where it is not the default, that all holds and conforms.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// The property is violated, the subject diverges.
    Refuted,
    /// It cannot be known, for this reason.
    Incomplete(String),
}

/// How a check is run; none of it changes what is true.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How far to explore.
    pub budget: Budget,
    /// How long a run may take, from its beginning; no limit by default.
    pub time_max: Option<Duration>,
    /// How much memory the process may hold, in MiB; no limit by default.
    pub memory_max_mib: Option<usize>,
    /// Where the exploration of the model is left behind now and then; nowhere by default.
    pub checkpoint: Option<Checkpoint>,
    /// Whether stateright's own search is asked for a second opinion. Default true.
    pub referee: bool,
    /// Seed of every random choice. Default 0.
    pub seed: u64,
    /// Time in which an implementation has to answer; one that has not by then never will. Default 10 s.
    pub answer_within: Duration,
    /// Time in which an implementation has to be made; one that is not by then never will be. Default 10 s.
    pub start_within: Duration,
    /// Counts the events of a log that are explained, for whoever shows how far it is.
    pub explained: Arc<AtomicUsize>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            budget: Budget::default(),
            time_max: None,
            memory_max_mib: None,
            checkpoint: None,
            referee: true,
            seed: 0,
            answer_within: Duration::from_secs(10),
            start_within: Duration::from_secs(10),
            explained: Arc::default(),
        }
    }
}

impl Options {
    /// The limits on a run alongside.
    fn limits(&self) -> Limits {
        Limits {
            budget: self.budget.clone(),
            answer_within: self.answer_within,
            start_within: self.start_within,
            seed: self.seed,
            explained: self.explained.clone(),
        }
    }
}

impl<M: CheckedModel> Check<M> {
    /// A check of `model`: its own properties, explored exhaustively.
    pub fn of(model: M) -> Self {
        let plan = Plan {
            name: std::any::type_name::<M>().split('<').next().unwrap_or_default().replace("::", "_"),
            not_run: Vec::new(),
            expected: BTreeMap::new(),
            because: BTreeMap::new(),
            allow_incomplete: None,
            judged: true,
            counts: None,
            large: false,
            is_listed: false,
            traces: PathBuf::from("traces"),
            options: Options::default(),
        };
        Check {
            model: Arc::new(model),
            spec: Arc::new(PlainSpec::default()),
            interface: Arc::new(NoInterface::default()),
            subjects: Vec::new(),
            surveyor: None,
            plan,
        }
    }

    /// Sets what the outside sees of the model. From here on implementations can be run alongside.
    pub fn interface<F: Interface<Model = M>>(self, interface: F) -> Check<M, F> {
        Check {
            model: self.model,
            spec: self.spec,
            interface: Arc::new(interface),
            subjects: Vec::new(),
            surveyor: self.surveyor,
            plan: self.plan,
        }
    }
}

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    /// Sets the name in reports and traces. Default: the model type's.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.plan.name = name.into();
        self
    }

    /// Sets how the model reads, and what its runs promise.
    #[must_use]
    pub fn spec(mut self, spec: impl Spec<Model = M>) -> Self {
        self.spec = Arc::new(spec);
        self
    }

    /// Threads that explore. Default 1. No result depends on it. In a catalogue the command line decides.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.plan.options.budget.threads = threads;
        self
    }

    /// States kept at most. Default 10,000,000. What lies beyond is not known: [`Incomplete`](crate::verdict::Verdict::Incomplete).
    #[must_use]
    pub fn states_max(mut self, states_max: usize) -> Self {
        self.plan.options.budget.states_max = states_max;
        self
    }

    /// Steps from an initial state at most. No limit by default. What lies beyond is not known.
    #[must_use]
    pub fn depth_max(mut self, depth_max: usize) -> Self {
        self.plan.options.budget.depth_max = depth_max;
        self
    }

    /// Time that a run may take, from its beginning. No limit by default. What is not known by then stays unknown. A
    /// run that this limit ends does not always end with the same result.
    #[must_use]
    pub fn time_max(mut self, limit: Duration) -> Self {
        self.plan.options.time_max = Some(limit);
        self
    }

    /// Memory that the process may hold, in MiB: exploring ends when it holds as much. No limit by default, nor where
    /// the operating system does not say. A run that this limit ends does not always end with the same result.
    #[must_use]
    pub fn memory_max_mib(mut self, limit_mib: usize) -> Self {
        self.plan.options.memory_max_mib = Some(limit_mib);
        self
    }

    /// Whether stateright's own search is asked for a second opinion. By default it is, up to [`REFEREE_STATES_MAX`].
    #[must_use]
    pub fn referee(mut self, asked: bool) -> Self {
        self.plan.options.referee = asked;
        self
    }

    /// Expects exactly so many states and transitions, refusals not counted. Where something stops exploring early the
    /// counts are unknown, and the report says so.
    #[must_use]
    pub fn counts(mut self, states: usize, edges: usize) -> Self {
        self.plan.counts = Some(Counts { states, edges });
        self
    }

    /// Folder that the traces are kept in, seen from the workspace. Default `traces`. A package whose traces stand beside
    /// it sets another.
    #[must_use]
    pub fn traces_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.plan.traces = folder.into();
        self
    }

    /// Seed of every random choice. Default 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.plan.options.seed = seed;
        self
    }

    /// Time in which an implementation has to answer; one that has not by then never will. Default 10 s.
    #[must_use]
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.plan.options.answer_within = limit;
        self
    }

    /// Time in which an implementation has to be made; one that is not by then never will be. Default 10 s. What is
    /// slow to start and quick to answer, as a process is, needs a time of its own.
    #[must_use]
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.plan.options.start_within = limit;
        self
    }

    /// Runs `subject` alongside, in the way that `job` says.
    #[must_use]
    pub fn subject(mut self, name: impl Into<String>, job: Arc<dyn Job<F>>) -> Self {
        self.subjects.push((name.into(), job));
        self
    }

    /// Explores the model together with implementations that `factory` makes.
    #[must_use]
    pub fn product<C>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self
    where
        C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static,
    {
        self.subject(IMPLEMENTATION, conform::Product::new().of(factory))
    }

    /// Drives every transition of the model through implementations that `factory` makes.
    #[must_use]
    pub fn tour<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self {
        self.subject(IMPLEMENTATION, conform::Tour::new().of(factory))
    }

    /// Expects a defective implementation to be caught by product and by tour, both.
    #[must_use]
    pub fn defective<C>(self, name: impl Into<String>, factory: impl Fn() -> C + Clone + Send + Sync + 'static) -> Self
    where
        C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static,
    {
        let name = name.into();
        self.subject(name.as_str(), conform::Product::new().of(factory.clone()))
            .subject(name.as_str(), conform::Tour::new().of(factory))
            .diverges(name)
    }

    /// Walks at random through implementations that `factory` makes: 256 seeded walks of up to 200 inputs. Needs the
    /// feature `walk`.
    #[cfg(feature = "walk")]
    #[must_use]
    pub fn walk<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self {
        self.subject(IMPLEMENTATION, conform::Walk::new().runs(256).steps(200).of(factory))
    }

    /// Runs a [tour](Check::tour), and after it, with the feature `walk`, 256 seeded walks of up to 200 inputs.
    #[must_use]
    pub fn lockstep<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self {
        let factory = Arc::new(factory);
        let again = factory.clone();
        let check = self.tour(move || factory());
        #[cfg(feature = "walk")]
        let check = check.walk(move || again());
        #[cfg(not(feature = "walk"))]
        drop(again);
        check
    }

    /// Runs `scripts` through every interleaving that loom distinguishes, on implementations made of loom's types.
    #[cfg(feature = "interleave")]
    #[must_use]
    pub fn interleave<S: crate::model::Shared<F> + 'static>(
        self,
        scripts: Vec<conform::interleave::Script<F::Input>>,
        factory: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        self.subject(IMPLEMENTATION, conform::interleave::Interleave::new(scripts).of(factory))
    }

    /// Looks for a behaviour of the model that explains the log that `source` gives: one that was read, or what a run
    /// of the implementation has recorded. The run as a whole has to end within
    /// [`answer_within`](Check::answer_within).
    #[must_use]
    pub fn events(
        self,
        reader: impl LogReader<F>,
        source: impl Fn() -> Result<Log, LogError> + Send + Sync + 'static,
    ) -> Self {
        self.subject(IMPLEMENTATION, conform::events::Events::new(reader).of(source))
    }

    /// Says that `subject` is not run here, and why.
    #[must_use]
    pub fn not_run(mut self, subject: impl Into<String>, why: impl Into<String>) -> Self {
        self.plan.not_run.push((subject.into(), why.into()));
        self
    }

    /// Expects `property` to be violated.
    #[must_use]
    pub fn violates(mut self, property: impl Into<String>) -> Self {
        self.plan.expected.insert(property.into(), Expected::Refuted);
        self
    }

    /// Expects `subject` to diverge, in every mode it is run in.
    #[must_use]
    pub fn diverges(mut self, subject: impl Into<String>) -> Self {
        self.plan.expected.insert(subject.into(), Expected::Refuted);
        self
    }

    /// Expects that `name`, a property or a subject, cannot be judged, for `reason`.
    #[must_use]
    pub fn incomplete(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.plan.expected.insert(name.into(), Expected::Incomplete(reason.into()));
        self
    }

    /// Says why `name`, a property or a subject, comes to be violated or to diverge here. These are the last words of
    /// its trace.
    #[must_use]
    pub fn because(mut self, name: impl Into<String>, why: impl Into<String>) -> Self {
        self.plan.because.insert(name.into(), why.into());
        self
    }

    /// Judges no property: the model only says what a subject does, for better or worse. The referee still counts.
    #[must_use]
    pub fn alongside_only(mut self) -> Self {
        self.plan.judged = false;
        self
    }

    /// Allows whatever is incomplete to be so, for `reason`, which is printed.
    #[must_use]
    pub fn allow_incomplete(mut self, reason: impl Into<String>) -> Self {
        self.plan.allow_incomplete = Some(reason.into());
        self
    }

    /// Explores the model and judges its properties; runs nothing alongside.
    pub fn explore(&self) -> Report {
        let check = self.forgotten();
        Report::new(vec![check.case_report(&self.plan.options, false)], Vec::new())
    }

    /// Explores the model and runs everything alongside.
    pub fn run(&self) -> Report {
        let check = self.forgotten();
        Report::new(vec![check.case_report(&self.plan.options, true)], check.left_out())
    }

    /// Runs, and fails the test unless all is as expected.
    ///
    /// With `COUNTERPART_REPLAY=FILE` set, and a file that is this check's, only that trace is replayed.
    ///
    /// # Panics
    /// If a verdict differs from what is expected, an implementation diverges, or something is incomplete.
    #[track_caller]
    pub fn assert(&self) {
        match self.forgotten().replay_asked(&self.plan.options) {
            None => self.run().assert(),
            Some(Ok(())) => {}
            Some(Err(words)) => panic!("{words}"),
        }
    }
}

impl<M: CheckedModel, F: Interface<Model = M>> fmt::Debug for Check<M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subjects: Vec<&str> = self.subjects.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Check").field("plan", &self.plan).field("subjects", &subjects).finish_non_exhaustive()
    }
}

const IMPLEMENTATION: &str = "implementation";

impl Report {
    /// Fails a test unless everything is as expected, with the traces of what is not, the files they are in, and the
    /// command that replays each.
    ///
    /// # Panics
    /// If a verdict differs from what is expected, or is incomplete and not allowed to be.
    #[track_caller]
    pub fn assert(&self) {
        if !self.as_expected {
            panic!("{}", crate::view::failure(self, &keep_surprises(self, &TestName::here())));
        }
    }
}

/// Writes the traces of what is not as expected where the test `name` may write. Returns where each is, seen from the
/// workspace, and what replays it.
fn keep_surprises(report: &Report, test: &TestName) -> Vec<Result<Written, String>> {
    let folder = place::target().unwrap_or_else(std::env::temp_dir).join("counterpart").join(test.folder());
    let mut written = Vec::new();
    for case in &report.cases {
        for (kept, trace) in case.surprises() {
            let file = case.below(kept, &folder);
            let named = place::from_workspace(&file);
            let replay = match case.case.contains('/') {
                true => format!("cargo run --release -- replay {}", named.display()),
                false => format!("COUNTERPART_REPLAY={} cargo test{}", named.display(), test.filter()),
            };
            let trace = Trace { replay: replay.clone(), ..trace.clone() };
            let outcome = trace.write(&file).map(|_| Written { file: named, replay });
            written.push(outcome.map_err(|error| error.to_string()));
        }
    }
    written
}

/// What a test is known by: the name that the test harness gave to its thread, or else where it asks.
struct TestName {
    thread: Option<String>,
    place: &'static Location<'static>,
}

impl TestName {
    #[track_caller]
    fn here() -> Self {
        let thread = std::thread::current().name().filter(|name| *name != "main").map(str::to_string);
        TestName { thread, place: Location::caller() }
    }

    /// The folder of its traces, so that no two tests write the same file.
    fn folder(&self) -> String {
        let name = self.thread.clone().unwrap_or_else(|| format!("{}-{}", self.place.file(), self.place.line()));
        name.replace(|letter: char| !letter.is_alphanumeric() && letter != '_', "-")
    }

    /// What makes `cargo test` run it and few others, with a blank before it.
    fn filter(&self) -> String {
        self.thread.as_ref().map(|name| format!(" {name}")).unwrap_or_default()
    }
}
