//! Events: a log of a running implementation, explained by some behaviour of the model, or not.
//!
//! The implementation is not driven: it runs as it does, on as many threads as it has, and what it records is judged
//! afterwards. An event is an interval ([`Recorded`]); each must be explained by one step of the model, taken somewhere
//! between its begin and its end, so that one that ended before another began is explained first. A [`LogReader`] says
//! which steps a record can be of, and which steps nobody records. What the log leaves out is open: every state that
//! explains what was seen so far is followed.
//!
//! # An example
//! A lamp that two people switch, and a log that says what they did but not always what they found.
//! ```
//! use counterpart::conform::events::{ByText, Event, Log, Recorded};
//! use counterpart::{Check, Interface};
//! use stateright::Model;
//!
//! #[derive(Clone)]
//! struct Lamp;
//!
//! #[derive(Clone, Debug, PartialEq)]
//! enum Do { Switch, Look }
//!
//! impl Model for Lamp {
//!     type State = bool;
//!     type Action = Do;
//!     fn init_states(&self) -> Vec<bool> { vec![false] }
//!     fn actions(&self, _: &bool, actions: &mut Vec<Do>) { actions.extend([Do::Switch, Do::Look]) }
//!     fn next_state(&self, lit: &bool, action: Do) -> Option<bool> {
//!         match action { Do::Switch => Some(!lit), Do::Look => None }
//!     }
//! }
//!
//! struct LampInterface;
//!
//! impl Interface for LampInterface {
//!     type Model = Lamp;
//!     type Input = Do;
//!     type Output = bool;
//!     type Snapshot = ();
//!     fn label(&self, _: &Lamp, lit: &bool, action: &Do, to: Option<&bool>) -> Option<(Do, bool)> {
//!         Some((action.clone(), *to.unwrap_or(lit)))
//!     }
//! }
//!
//! let at = |begin, end, event| Recorded { begin, end: Some(end), event };
//! let switched = |who: &str| Event::new(who, "lamp").with("input", "Switch");
//! let looked = |who: &str, found: &str| Event::new(who, "lamp").with("input", "Look").with("output", found);
//!
//! // She looks while he switches: whichever of the two was first, it can be explained.
//! let fine = [at(1, 4, switched("he")), at(2, 3, looked("she", "false")), at(5, 6, looked("she", "true"))];
//! Check::of(Lamp).interface(LampInterface).events(ByText, move || Log::new(fine.to_vec())).assert();
//!
//! // He has switched before she looks, and she finds it dark.
//! let wrong = [at(1, 2, switched("he")), at(3, 4, looked("she", "false"))];
//! let report = Check::of(Lamp).interface(LampInterface).events(ByText, move || Log::new(wrong.to_vec())).run();
//! let said = report.cases[0].conformance[0].why.as_deref().unwrap_or_default();
//! assert!(said.starts_with("line 2, lamp input=Look output=false by she: "), "{said}");
//! ```
//! # Logs of the size that people have
//! The model is not explored: it unfolds as the log asks. A log of many overlapping calls is explained just in time and
//! with memory. What makes it cheaper still is said by the interface and the reader: which inputs an event can be a record
//! of ([`LogReader::inputs`]), which actions carry an input ([`Interface::offers`]), which inputs only look
//! ([`Interface::changes`]), and which parts of the model have nothing to do with each other ([`Interface::key`]).
//!
//! What an event follows may be known otherwise than by intervals: see [`Link`].
//!
//! A log can be read from a file ([`Log::read`]) or recorded by `tracing` (feature `events`): put a span around the
//! call, and hang an `EventLog`'s layer into the subscriber. [`Logged`] does the first for a binding.
//!
//! # What a pass does not show
//! That *this* run is one of the model's, and nothing of any other; no coverage is counted, because more than one set
//! of transitions may explain a log. The less a log says, the more explains it. What is written down as done before it
//! took effect, or after, is taken at its word.

#[cfg(feature = "edn")]
mod edn;
#[cfg(feature = "edn")]
mod edn_text;
mod event;
mod explain;
mod line;
mod links;
mod log;
mod logged;
mod reading;
#[cfg(feature = "events")]
mod record;
mod tell;

use std::path::Path;
use std::sync::Arc;

use stateright::Model;

use super::drive::quietly;
use super::linear::Bounds;
use super::lts::Lts;
use super::narrate;
use super::typed::State;
use super::watch::watched;
use super::{Agreement, Bound, CannotReplay, Conformance, Divergence, Effort, How, Job, Limits, Mode, Setting};
use crate::explore::ModelError;
use crate::model::Interface;
use crate::trace::Trace;

use self::explain::{By, Explained, Unknown, explain};
use self::reading::{Reading, Reads};

pub use self::event::{Event, Fields};
pub use self::links::Link;
pub use self::log::{Log, LogError, Recorded};
pub use self::logged::{LogWriter, Logged};
#[cfg(feature = "events")]
pub use self::record::EventLog;

/// Ways of explaining (a state and the events explained so far) that are followed at most, unless said otherwise.
pub const EXPLANATIONS_MAX: usize = 4_000_000;

/// Memory that the ways of explaining take at most, unless said otherwise, in MiB.
pub const MEMORY_MAX_MIB: usize = 1024;

/// A labelled step of the model. A refused one leads back to where it came from.
pub struct Labelled<'a, F: Interface> {
    /// The model.
    pub model: &'a F::Model,
    /// The state before.
    pub from: &'a State<F>,
    /// What the scheduler makes happen.
    pub action: &'a <F::Model as Model>::Action,
    /// What is given.
    pub input: &'a F::Input,
    /// What is answered.
    pub output: &'a F::Output,
    /// The state after.
    pub to: &'a State<F>,
}

/// What the records of a running implementation are records of.
///
/// It is given what an event says and not when it was; that is judged already. Events that say the same are asked about
/// once.
pub trait LogReader<F: Interface>: Send + Sync + 'static {
    /// Whether `event` may be the record of `step`. A field that the event has not contradicts nothing:
    /// [`Event::agrees`] is made for that.
    fn admits(&self, event: &Event, step: &Labelled<'_, F>) -> bool;

    /// The inputs that `event` can be a record of, where the event says. [`admits`](LogReader::admits) is then asked of
    /// no others: a log is judged by what it says, however many inputs there could have been, and is split by
    /// [`Interface::key`]. By default every input is tried.
    fn inputs(&self, _event: &Event) -> Option<Vec<F::Input>> {
        None
    }

    /// Whether `event` may be the record of somebody reading off `state`, without a step of the model.
    fn reads(&self, _event: &Event, _model: &F::Model, _state: &State<F>) -> bool {
        false
    }

    /// Whether `step` may happen without a record of it, as the passing of time. Steps without a label always may.
    fn hidden(&self, _step: &Labelled<'_, F>) -> bool {
        false
    }
}

/// Events with the fields `input` and `output`, which hold the interface's words as `Debug` prints them; either may be
/// left out. Every labelled step is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByText;

impl<F: Interface> LogReader<F> for ByText {
    fn admits(&self, event: &Event, step: &Labelled<'_, F>) -> bool {
        event.agrees_with_debug("input", step.input) && event.agrees_with_debug("output", step.output)
    }
}

/// A log, explained by a behaviour of the model or not.
#[derive(Clone, Debug)]
pub struct Events<W> {
    reader: Arc<W>,
    explanations_max: usize,
    memory_max_mib: usize,
}

impl<W> Events<W> {
    /// Events that are read as `reader` says. [`EXPLANATIONS_MAX`] ways of explaining are followed at most, and as many
    /// as [`MEMORY_MAX_MIB`] hold.
    pub fn new(reader: W) -> Self {
        Events { reader: Arc::new(reader), explanations_max: EXPLANATIONS_MAX, memory_max_mib: MEMORY_MAX_MIB }
    }

    /// Follows at most so many ways of explaining the log. If there are more, the verdict is incomplete.
    #[must_use]
    pub fn explanations_max(self, explanations_max: usize) -> Self {
        Events { explanations_max, ..self }
    }

    /// Takes at most so much memory for the ways of explaining the log. If they need more, the verdict is incomplete.
    /// The model's states that are met are not counted: `--max-memory` is a limit on those too.
    #[must_use]
    pub fn memory_max_mib(self, memory_max_mib: usize) -> Self {
        Events { memory_max_mib, ..self }
    }

    /// Judges the log that `source` gives, each time anew: one that was read, or what a run has recorded.
    pub fn of<F: Interface>(self, source: impl Fn() -> Result<Log, LogError> + Send + Sync + 'static) -> Arc<dyn Job<F>>
    where
        W: LogReader<F>,
    {
        Arc::new(OfLog { events: self, source: Arc::new(source) })
    }
}

struct OfLog<W> {
    events: Events<W>,
    source: Source,
}

type Source = Arc<dyn Fn() -> Result<Log, LogError> + Send + Sync>;

impl<F: Interface, W: LogReader<F>> Job<F> for OfLog<W> {
    fn mode(&self) -> Mode {
        Mode::Events
    }

    fn bind(&self, setting: &Setting<F>) -> Bound {
        let typed = setting.typed(None);
        let lts = Arc::new(Lts::new(typed.clone()));
        let judges = Judges {
            reading: Box::new(Reading { typed, lts: lts.clone(), reader: self.events.reader.clone() }),
            lts,
            explanations_max: self.events.explanations_max,
            memory_max_mib: self.events.memory_max_mib,
            source: self.source.clone(),
            limits: setting.limits.clone(),
        };
        Bound::new(&judges.lts.clone(), judges)
    }
}

struct Judges {
    lts: Arc<Lts>,
    reading: Box<dyn Reads>,
    explanations_max: usize,
    memory_max_mib: usize,
    source: Source,
    limits: Limits,
}

impl How for Judges {
    fn run(&self) -> Result<Conformance, ModelError> {
        let _span = tracing::debug_span!("events").entered();
        let explanations_max = self.ways_max();
        let result = Effort::Events { events: 0, explanations_max };
        Ok(match self.recorded() {
            Run::Recorded(log) => self.judgement(&log).conformance,
            Run::Panicked(words) => result.diverges(self.panicked(words)),
            Run::Unknown(why) => result.incomplete(why),
        })
    }

    fn judge(&self, log: &Log) -> Option<Judgement> {
        Some(self.judgement(log))
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        if trace.extra.contains_key(PANICKED) {
            return match self.recorded() {
                Run::Panicked(words) => Ok(Some(self.panicked(words))),
                Run::Recorded(_) => Ok(None),
                Run::Unknown(why) => Err(CannotReplay::Unknown(why)),
            };
        }
        let text = trace.extra.get(LOG).ok_or(CannotReplay::Lacks("carries no log"))?;
        let log = Log::parse_recorded(Path::new("the trace's log"), text.as_bytes())
            .map_err(|error| CannotReplay::Nonsense(error.to_string()))?;
        let Conformance { agreement, why, divergence, .. } = self.judgement(&log).conformance;
        match agreement {
            Agreement::Incomplete => Err(CannotReplay::Unknown(why.unwrap_or_default())),
            Agreement::Conforms | Agreement::Diverges => Ok(divergence),
        }
    }
}

/// Where a trace keeps the log, up to the event that nothing explains.
const LOG: &str = "log";

/// Where a trace keeps the words of a run that panicked while it was recorded. It has no log: replaying runs it anew.
const PANICKED: &str = "panicked";

/// How it went to get a log.
enum Run {
    Recorded(Log),
    /// With these words.
    Panicked(String),
    /// There is none, and this is why.
    Unknown(String),
}

/// What is known of a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Judgement {
    /// Whether the model explains it.
    pub conformance: Conformance,
    /// The events explained, by their places in the log (0-based), in an order that explains them: for each part that was
    /// judged by itself, or for that alone whose event nothing explains. Empty where nothing is known.
    pub orders: Vec<Vec<usize>>,
    /// The first event that nothing explains.
    pub unexplained: Option<usize>,
}

/// The events on a path, in its order.
fn events_of(path: &[(u32, By)]) -> Vec<usize> {
    let event = |(_, by): &(u32, By)| match by {
        By::Start | By::Hidden { .. } => None,
        By::Recorded { event, .. } | By::Read { event } => Some(*event),
    };
    path.iter().filter_map(event).collect()
}

impl Judges {
    fn recorded(&self) -> Run {
        let source = self.source.clone();
        let ran = watched(&self.limits, move |watch| {
            let _call = watch.call();
            quietly(|| source())
        });
        match ran {
            Ok(Ok(Ok(log))) => Run::Recorded(log),
            Ok(Ok(Err(error))) => Run::Unknown(error.to_string()),
            Ok(Err(words)) => Run::Panicked(words),
            Err(hung) => Run::Unknown(format!(
                "the run that was to be recorded did not end within {} ms; see where it hangs, or give it longer",
                hung.waited_ms
            )),
        }
    }

    fn panicked(&self, words: String) -> Divergence {
        Divergence {
            steps: narrate::told(&self.lts, &[], &[]),
            what: format!("the run that was recorded panicked: {words}"),
            extra: [(PANICKED.into(), words)].into(),
        }
    }

    fn judgement(&self, log: &Log) -> Judgement {
        let result = Effort::Events { events: log.events().len(), explanations_max: self.ways_max() };
        let unknown = |why: String| Judgement {
            conformance: result.clone().incomplete(why),
            orders: Vec::new(),
            unexplained: None,
        };
        if log.events().is_empty() {
            return unknown("the log is empty: record a run, or mind the target that is recorded".into());
        }
        if (0..log.events().len()).all(|event| !log.call(event).required) {
            return unknown("no event of the log has ended, so that none had to be explained".into());
        }
        let bounds = Bounds { ways_max: self.ways_max(), bytes_max: self.memory_max_mib.saturating_mul(1 << 20) };
        match explain(&self.lts, &*self.reading, log, bounds, &self.limits) {
            Explained::Whole(orders) => Judgement { conformance: result.conforms(), orders, unexplained: None },
            Explained::Not(dead) => Judgement {
                conformance: result.diverges(tell::tell(&self.lts, log, &dead)),
                orders: vec![events_of(&dead.path)],
                unexplained: Some(dead.event),
            },
            Explained::Unknown(why) => unknown(self.told(&why)),
        }
    }

    /// Each way is of some state, so that a limit on states is one on ways.
    fn ways_max(&self) -> usize {
        self.explanations_max.min(self.limits.budget.states_max)
    }

    fn told(&self, unknown: &Unknown) -> String {
        const LESS: &str = "record more of each event, or less at once";
        match unknown {
            Unknown::TooMany => {
                format!("more than {} ways of explaining the log were followed; {LESS}", self.ways_max())
            }
            Unknown::TooMuch => {
                format!("the ways of explaining the log took more than {} MiB; {LESS}", self.memory_max_mib)
            }
            Unknown::Changes { said, state } => format!(
                "the interface says that {said} changes nothing (`Interface::changes`), and the model changes by it in {state}"
            ),
            Unknown::Stopped(stop) => stop.to_string(),
        }
    }
}
