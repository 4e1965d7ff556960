//! One implementation driven one input at a time beside the belief; what all sequential modes share.

use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};

use super::Limits;
use super::lts::{Belief, Edge, Lts, Node};
use super::watch::{Hung, Watch, watched};
use crate::explore::panic_message;

/// Why the model cannot follow an implementation.
#[derive(Clone, Debug, PartialEq)]
pub enum Deviation {
    /// An answer that no state of the belief allows.
    Answer {
        /// What was answered.
        got: String,
        /// What the model allows.
        allowed: Vec<String>,
    },
    /// The right answer, after which a wrong state is seen.
    Snapshot {
        /// What was seen.
        got: String,
        /// What the model's states would show.
        allowed: Vec<String>,
    },
    /// The implementation panicked.
    Panicked(String),
    /// The implementation did not answer.
    Silent {
        /// Time that was waited, in milliseconds.
        waited_ms: u128,
    },
    /// The implementation was not made.
    NotMade {
        /// Time that was waited, in milliseconds.
        waited_ms: u128,
    },
    /// Its answer does not equal itself, as `NaN` does not.
    Incomparable(String),
    /// The same inputs had other answers from a fresh start.
    Nondeterministic {
        /// The answer of the first run.
        first: String,
        /// The answer of the second.
        second: String,
    },
    /// [`canonical`](crate::model::Counterpart::canonical) changed what the implementation does.
    Canonical {
        /// The answer without `canonical`.
        plain: String,
        /// The answer after `canonical`.
        canonical: String,
    },
}

impl Deviation {
    /// What the implementation did, as a trace shows it.
    pub(crate) fn observed(&self) -> String {
        match self {
            Deviation::Answer { got, .. } => got.clone(),
            Deviation::Snapshot { got, .. } => format!("shows {got}"),
            Deviation::Panicked(message) => format!("panics: {message}"),
            Deviation::Silent { waited_ms } => format!("no answer within {waited_ms} ms"),
            Deviation::NotMade { waited_ms } => format!("not made within {waited_ms} ms"),
            Deviation::Incomparable(got) => format!("{got}, which does not equal itself"),
            Deviation::Nondeterministic { first, second } => format!("{first}, and in a second run {second}"),
            Deviation::Canonical { plain, canonical } => format!("{plain}, but {canonical} after canonical()"),
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deviation::Answer { got, allowed } => {
                write!(f, "the implementation answers {got}, the model allows {}", alternatives(allowed))
            }
            Deviation::Snapshot { got, allowed } => {
                write!(
                    f,
                    "the answer is right, but the implementation then shows {got}, the model {}",
                    alternatives(allowed)
                )
            }
            Deviation::Panicked(message) => write!(f, "the implementation panics: {message}"),
            Deviation::Silent { waited_ms } => write!(
                f,
                "the implementation does not answer within {waited_ms} ms; it loops or waits for something that no \
                 input brings"
            ),
            Deviation::NotMade { waited_ms } => write!(
                f,
                "the implementation is not made within {waited_ms} ms, and nothing was asked of it yet; see what its \
                 making waits for, or set a longer start_within"
            ),
            Deviation::Incomparable(got) => write!(
                f,
                "the answer {got} does not equal itself, so nothing can be checked of it; give outputs a type whose == \
                 is reflexive (no NaN)"
            ),
            Deviation::Nondeterministic { first, second } => write!(
                f,
                "the implementation is not deterministic: given the same inputs from a fresh start it answers {first} in \
                 one run and {second} in another; pass time and randomness in as inputs"
            ),
            Deviation::Canonical { plain, canonical } => write!(
                f,
                "canonical() is not neutral: the implementation answers {plain} without it and {canonical} after it"
            ),
        }
    }
}

fn alternatives(allowed: &[String]) -> String {
    if allowed.is_empty() { "nothing here".into() } else { allowed.join(" or ") }
}

/// What an implementation did with one input, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Observed {
    pub(crate) output: u32,
    pub(crate) snapshot: Option<u32>,
}

impl Observed {
    /// What was observed, as text.
    pub(crate) fn told(self, lts: &Lts) -> String {
        let output = lts.words().output(self.output);
        match self.snapshot {
            None => output,
            Some(snapshot) => format!("{output}, shows {}", lts.words().snapshot(snapshot)),
        }
    }
}

/// The answer and the snapshot that are likely. They are compared first, without a look into any index.
#[derive(Clone, Copy, Default)]
pub(crate) struct Likely<'a> {
    pub(crate) outputs: &'a [u32],
    pub(crate) snapshots: &'a [u32],
}

/// An implementation that speaks in numbers.
pub(crate) trait Driven {
    /// Gives an input, and looks at it afterwards. `Err` where what was seen does not equal itself.
    fn apply(&mut self, input: u32, likely: Likely<'_>) -> Result<Observed, Observed>;

    /// What it shows, which may well be one of `likely`.
    fn observe(&self, likely: &[u32]) -> Option<u32>;

    fn supports(&self, input: u32) -> bool;

    fn canonical(&mut self);
}

/// Makes a fresh implementation, as it is before anything was done to it.
pub(crate) type Make = Arc<dyn Fn() -> Box<dyn Driven> + Send + Sync>;

/// A model, an implementation to be driven beside it, and how far.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) lts: Arc<Lts>,
    pub(crate) make: Make,
    pub(crate) limits: Limits,
    /// A deviation counts only if it is shown so many times of so many.
    pub(crate) times: usize,
}

impl Bench {
    /// Runs `work` on a thread of its own, and gives up when the implementation does not answer.
    pub(crate) fn watched<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bench, &Watch) -> T + Send + 'static,
    ) -> Result<T, Hung> {
        let bench = self.clone();
        watched(&self.limits, move |watch| work(&bench, watch))
    }
}

/// Gives `input` to `subject` and catches what may go wrong with it.
pub(crate) fn apply(
    lts: &Lts,
    subject: &mut dyn Driven,
    input: u32,
    likely: Likely<'_>,
    watch: &Watch,
) -> Result<Observed, Deviation> {
    let observed = quietly(|| {
        let _call = watch.call();
        subject.apply(input, likely)
    })
    .map_err(Deviation::Panicked)?;
    observed.map_err(|observed| Deviation::Incomparable(observed.told(lts)))
}

/// The states that still explain a subject, and the steps that do, after `input` was answered as `observed`.
pub(crate) struct Explained {
    pub(crate) belief: Belief,
    /// Each with the node it starts from.
    pub(crate) steps: Vec<(Node, Edge)>,
}

/// Moves `belief` on.
pub(crate) fn explain(lts: &Lts, belief: &[Node], input: u32, observed: Observed) -> Result<Explained, Deviation> {
    let would = lts.answers(belief, input).into_iter();
    let mut steps: Vec<(Node, Edge)> =
        would.filter(|(_, _, label)| label.output == observed.output).map(|(node, edge, _)| (node, edge)).collect();
    if steps.is_empty() {
        let got = lts.words().output(observed.output);
        return Err(Deviation::Answer { got, allowed: lts.allowed(belief, input) });
    }
    let targets = steps.iter().map(|(_, edge)| edge.to).collect();
    let belief = seen_as(lts, lts.closed(targets), observed.snapshot)?;
    if observed.snapshot.is_some() && steps.len() > 1 {
        // A step into a state that does not show what was seen was not taken.
        steps.retain(|(_, edge)| lts.closed(vec![edge.to]).iter().any(|node| belief.contains(node)));
    }
    Ok(Explained { belief, steps })
}

/// The states of `belief` that would show `snapshot`.
pub(crate) fn seen_as(lts: &Lts, mut belief: Belief, snapshot: Option<u32>) -> Result<Belief, Deviation> {
    let Some(snapshot) = snapshot else { return Ok(belief) };
    let shown: Vec<Option<u32>> = belief.iter().map(|node| lts.shows(*node)).collect();
    let mut agrees = shown.iter().map(|shown| shown.is_none_or(|shown| shown == snapshot));
    belief.retain(|_| agrees.next().unwrap_or(false));
    if belief.is_empty() {
        let mut allowed: Vec<u32> = Vec::new();
        for shown in shown.into_iter().flatten() {
            if !allowed.contains(&shown) {
                allowed.push(shown);
            }
        }
        let text = |number| lts.words().snapshot(number);
        return Err(Deviation::Snapshot { got: text(snapshot), allowed: allowed.into_iter().map(text).collect() });
    }
    Ok(belief)
}

/// The one step that the model allows, and what is seen of it.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) output: u32,
    /// What `to` shows, if it is known to show anything.
    pub(crate) snapshot: Option<u32>,
    pub(crate) to: Node,
}

/// A subject, the belief that explains it, and the inputs that led there.
pub(crate) struct Driver<'a> {
    pub(crate) lts: &'a Lts,
    pub(crate) belief: Belief,
    subject: Box<dyn Driven>,
    watch: &'a Watch,
    pub(crate) inputs: Vec<u32>,
    pub(crate) observed: Vec<Observed>,
}

impl<'a> Driver<'a> {
    /// A fresh subject.
    pub(crate) fn start(bench: &'a Bench, watch: &'a Watch) -> Result<Self, Deviation> {
        watch.restart();
        let lts = &*bench.lts;
        let (subject, snapshot) = quietly(|| {
            let _call = watch.making();
            let subject = (bench.make)();
            let snapshot = subject.observe(lts.initially_shown());
            (subject, snapshot)
        })
        .map_err(Deviation::Panicked)?;
        let belief = seen_as(lts, lts.initial(), snapshot)?;
        Ok(Driver { lts, belief, subject, watch, inputs: Vec::new(), observed: Vec::new() })
    }

    pub(crate) fn supports(&self, input: u32) -> bool {
        self.subject.supports(input)
    }

    /// The inputs that can be given now.
    pub(crate) fn offers(&self) -> Vec<u32> {
        let mut offers = self.lts.offers(&self.belief);
        offers.retain(|input| self.supports(*input));
        offers
    }

    /// Whether `input` can be given now.
    pub(crate) fn may_be_given(&self, input: u32) -> bool {
        self.lts.is_offered(&self.belief, input) && self.supports(input)
    }

    /// The input that can be given now and reads so.
    pub(crate) fn offered(&self, text: &str) -> Option<u32> {
        self.offers().into_iter().find(|input| self.lts.words().input(*input) == text)
    }

    /// Gives one input. Returns the steps of the model that explain the answer.
    pub(crate) fn step(&mut self, input: u32) -> Result<Vec<(Node, Edge)>, Deviation> {
        let (outputs, snapshots) = allowed(self.lts, &self.belief, input);
        let observed = self.give(input, Likely { outputs: &outputs, snapshots: &snapshots })?;
        let explained = explain(self.lts, &self.belief, input, observed);
        self.observed.push(observed);
        let explained = explained?;
        self.belief = explained.belief;
        Ok(explained.steps)
    }

    /// Gives one input, and is quicker than [`step`](Driver::step) where the model allows one answer and one target, of
    /// which no internal step leads on.
    pub(crate) fn expect(&mut self, input: u32, expected: Expected) -> Result<(), Deviation> {
        let likely = Likely { outputs: &[expected.output], snapshots: expected.snapshot.as_slice() };
        let observed = self.give(input, likely)?;
        let shown = observed.snapshot;
        if observed.output == expected.output && (shown.is_none() || shown == expected.snapshot) {
            self.belief.clear();
            self.belief.push(expected.to);
            self.observed.push(observed);
            return Ok(());
        }
        let explained = explain(self.lts, &self.belief, input, observed);
        self.observed.push(observed);
        self.belief = explained?.belief;
        Ok(())
    }

    fn give(&mut self, input: u32, likely: Likely<'_>) -> Result<Observed, Deviation> {
        self.inputs.push(input);
        self.watch.given(input);
        apply(self.lts, &mut *self.subject, input, likely, self.watch)
    }

    /// Makes the subject canonical, as a product does between two steps.
    pub(crate) fn canonicalise(&mut self) -> Result<(), Deviation> {
        quietly(|| self.subject.canonical()).map_err(Deviation::Panicked)
    }
}

/// What the model allows to be answered to `input`, and to be shown then, but for internal steps.
pub(crate) fn allowed(lts: &Lts, belief: &[Node], input: u32) -> (Vec<u32>, Vec<u32>) {
    let would = lts.answers(belief, input);
    let outputs = would.iter().map(|(_, _, label)| label.output).collect();
    (outputs, would.iter().filter_map(|(_, edge, _)| lts.shows(edge.to)).collect())
}

/// A run that ended in a deviation.
pub(crate) struct Deviating {
    /// The inputs given; it deviates at the last of them.
    pub(crate) inputs: Vec<u32>,
    /// What was observed; one fewer than inputs where there was no answer.
    pub(crate) observed: Vec<Observed>,
    pub(crate) deviation: Deviation,
}

impl Deviating {
    /// The subject cannot even be made, or is wrong before it is given anything.
    pub(crate) fn before_anything(deviation: Deviation) -> Self {
        Deviating { inputs: Vec::new(), observed: Vec::new(), deviation }
    }

    /// Where `driver` has come to.
    pub(crate) fn at(driver: Driver<'_>, deviation: Deviation) -> Self {
        Deviating { inputs: driver.inputs, observed: driver.observed, deviation }
    }
}

/// Drives `inputs`, passing over those that the belief does not offer (so that a shortened run stays one of the model).
/// Returns `None` where the model follows to the end.
pub(crate) fn drive(bench: &Bench, watch: &Watch, inputs: &[u32]) -> Option<Deviating> {
    let mut driver = match Driver::start(bench, watch) {
        Ok(driver) => driver,
        Err(deviation) => return Some(Deviating::before_anything(deviation)),
    };
    for input in inputs {
        if !driver.may_be_given(*input) {
            continue;
        }
        if let Err(deviation) = driver.step(*input) {
            return Some(Deviating::at(driver, deviation));
        }
    }
    None
}

thread_local! {
    /// Whether a panic on this thread is an answer rather than a failure, and not to be printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call`; a panic is returned as its message, and not printed.
pub(crate) fn quietly<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                previous(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(before);
    result.map_err(|panic| panic_message(&*panic))
}
