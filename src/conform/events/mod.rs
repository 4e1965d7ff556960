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
//! A log can be read from a file ([`Log::read`]) or recorded by `tracing` (feature `events`): put a span around the
//! call, and hang an `EventLog`'s layer into the subscriber. [`Logged`] does the first for a binding.
//!
//! # What a pass does not show
//! That *this* run is one of the model's, and nothing of any other; no coverage is counted, because more than one set
//! of transitions may explain a log. The less a log says, the more explains it. What is written down as done before it
//! took effect, or after, is taken at its word.

mod log;
mod logged;
#[cfg(feature = "events")]
mod record;
mod search;
mod tell;

use std::path::Path;
use std::sync::Arc;

use stateright::Model;

use super::drive::quietly;
use super::lts::{Edge, Lts, Node};
use super::typed::{State, Typed};
use super::watch::watched;
use super::{Bound, CannotReplay, Conformance, Divergence, Effort, How, Job, Limits, Mode, Setting};
use crate::explore::ModelError;
use crate::model::Interface;
use crate::trace::Trace;

use self::search::{Outcome, explain};

pub use self::log::{Event, Log, LogError, Recorded};
pub use self::logged::{LogWriter, Logged};
#[cfg(feature = "events")]
pub use self::record::EventLog;

/// Ways of explaining (a state and the events explained so far) that are followed at most, unless said otherwise.
pub const EXPLANATIONS_MAX: usize = 4_000_000;

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
}

impl<W> Events<W> {
    /// Events that are read as `reader` says. [`EXPLANATIONS_MAX`] ways of explaining are followed at most.
    pub fn new(reader: W) -> Self {
        Events { reader: Arc::new(reader), explanations_max: EXPLANATIONS_MAX }
    }

    /// Follows at most so many ways of explaining the log. If there are more, the verdict is incomplete.
    #[must_use]
    pub fn explanations_max(self, explanations_max: usize) -> Self {
        Events { explanations_max, ..self }
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
        let reading = Reading { typed: typed.clone(), reader: self.events.reader.clone() };
        let judges = Judges {
            lts: Arc::new(Lts::new(typed)),
            reading: Box::new(reading),
            explanations_max: self.events.explanations_max,
            source: self.source.clone(),
            limits: setting.limits.clone(),
        };
        Bound::new(&judges.lts.clone(), judges)
    }
}

/// A reader of logs, by number.
trait Reads {
    /// Which of a state's steps, by place among `edges`, an event may be the record of.
    fn admitted(&self, event: &Event, node: Node, edges: &[Edge]) -> Vec<u32>;

    /// Whether an event may be the record of somebody reading off the state.
    fn reads(&self, event: &Event, node: Node) -> bool;

    /// Which of a state's labelled steps may happen without a record.
    fn hidden(&self, node: Node, edges: &[Edge]) -> Vec<u32>;
}

struct Reading<F: Interface, W> {
    typed: Arc<Typed<F>>,
    reader: Arc<W>,
}

impl<F: Interface, W: LogReader<F>> Reading<F, W> {
    /// The labelled steps of `node` that `wanted` holds of, by place among `edges`.
    fn those(&self, node: Node, edges: &[Edge], wanted: &dyn Fn(&Edge, &Labelled<'_, F>) -> bool) -> Vec<u32> {
        let (typed, model, from) = (&*self.typed, &*self.typed.model, self.typed.state_of(node));
        let mut actions = Vec::new();
        model.actions(from, &mut actions);
        let is_wanted = |edge: &Edge| {
            edge.label.is_some_and(|label| {
                let labelled = Labelled {
                    model,
                    from,
                    action: &actions[edge.action as usize],
                    input: typed.inputs.at(label.input),
                    output: typed.outputs.at(label.output),
                    to: typed.state_of(edge.to),
                };
                wanted(edge, &labelled)
            })
        };
        (0..).zip(edges).filter(|(_, edge)| is_wanted(edge)).map(|(place, _)| place).collect()
    }
}

impl<F: Interface, W: LogReader<F>> Reads for Reading<F, W> {
    fn admitted(&self, event: &Event, node: Node, edges: &[Edge]) -> Vec<u32> {
        self.those(node, edges, &|_, labelled| self.reader.admits(event, labelled))
    }

    fn reads(&self, event: &Event, node: Node) -> bool {
        self.reader.reads(event, &self.typed.model, self.typed.state_of(node))
    }

    fn hidden(&self, node: Node, edges: &[Edge]) -> Vec<u32> {
        self.those(node, edges, &|edge, labelled| !edge.refused && self.reader.hidden(labelled))
    }
}

struct Judges {
    lts: Arc<Lts>,
    reading: Box<dyn Reads>,
    explanations_max: usize,
    source: Source,
    limits: Limits,
}

impl How for Judges {
    fn run(&self) -> Result<Conformance, ModelError> {
        let _span = tracing::debug_span!("events").entered();
        let explanations_max = self.explanations_max;
        let result = Effort::Events { events: 0, explanations_max };
        let source = self.source.clone();
        let ran = watched(&self.limits, move |watch| {
            let _call = watch.call();
            quietly(|| source())
        });
        let log = match ran {
            Ok(Ok(Ok(log))) => log,
            Ok(Ok(Err(error))) => return Ok(result.incomplete(error.to_string())),
            Ok(Err(panic)) => {
                return Ok(result.incomplete(format!("the run that was to be recorded panicked: {panic}")));
            }
            Err(hung) => {
                return Ok(result.incomplete(format!(
                    "the run that was to be recorded did not end within {} ms; see where it hangs, or give it longer",
                    hung.waited_ms
                )));
            }
        };
        let result = Effort::Events { events: log.events().len(), explanations_max };
        Ok(match self.judge(&log) {
            Judged::Explained => result.conforms(),
            Judged::Unknown(why) => result.incomplete(why),
            Judged::Unexplained(divergence) => result.diverges(divergence),
        })
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        let text = trace.extra.get(LOG).ok_or(CannotReplay::Lacks("carries no log"))?;
        let log = Log::parse(Path::new("the trace's log"), text.as_bytes())
            .map_err(|error| CannotReplay::Nonsense(error.to_string()))?;
        match self.judge(&log) {
            Judged::Explained => Ok(None),
            Judged::Unknown(why) => Err(CannotReplay::Unknown(why)),
            Judged::Unexplained(divergence) => Ok(Some(divergence)),
        }
    }
}

/// Where a trace keeps the log, up to the event that nothing explains.
const LOG: &str = "log";

/// What became of a log.
enum Judged {
    Explained,
    Unexplained(Divergence),
    Unknown(String),
}

impl Judges {
    fn judge(&self, log: &Log) -> Judged {
        if log.events().is_empty() {
            return Judged::Unknown("the log is empty: record a run, or mind the target that is recorded".into());
        }
        if log.events().iter().all(|recorded| recorded.end.is_none()) {
            return Judged::Unknown("no event of the log has ended, so that none had to be explained".into());
        }
        match explain(&self.lts, &*self.reading, log, self.explanations_max, &self.limits.budget.interrupt) {
            Outcome::Explained => Judged::Explained,
            Outcome::Unexplained(dead) => Judged::Unexplained(tell::tell(&self.lts, log, &dead)),
            Outcome::TooMany => Judged::Unknown(format!(
                "more than {} ways of explaining the log were followed; record more of each event, or less at once",
                self.explanations_max
            )),
            Outcome::Stopped(stop) => Judged::Unknown(stop.to_string()),
        }
    }
}
