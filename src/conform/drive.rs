//! One implementation driven one input at a time beside the belief; what all sequential modes share.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::lts::{Belief, Edge, Lts, Node};
use super::watch::Watch;
use super::{Make, Subject};
use crate::model::{Counterpart, Interface};

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
    /// The right answer, and then a wrong state to be seen.
    Snapshot {
        /// What was seen.
        got: String,
        /// What the model's states would show.
        allowed: Vec<String>,
    },
    /// It panicked.
    Panicked(String),
    /// It did not answer.
    Silent {
        /// How long was waited.
        waited_ms: u128,
    },
    /// Its answer does not equal itself, as `NaN` does not.
    Incomparable(String),
    /// The same inputs, from a fresh start, had other answers.
    Nondeterministic {
        /// The answer of the first run.
        first: String,
        /// The answer of the second.
        second: String,
    },
    /// [`Counterpart::canonical`] changed what it does.
    Canonical {
        /// The answer without it.
        plain: String,
        /// The answer after it.
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

/// What an implementation did with one input.
pub(crate) struct Observed<F: Interface> {
    pub(crate) output: F::Output,
    pub(crate) snapshot: Option<F::Snapshot>,
}

impl<F: Interface> Clone for Observed<F> {
    fn clone(&self) -> Self {
        Observed { output: self.output.clone(), snapshot: self.snapshot.clone() }
    }
}

impl<F: Interface> fmt::Display for Observed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.snapshot {
            None => write!(f, "{:?}", self.output),
            Some(snapshot) => write!(f, "{:?}, shows {snapshot:?}", self.output),
        }
    }
}

impl<F: Interface> PartialEq for Observed<F> {
    fn eq(&self, other: &Self) -> bool {
        self.output == other.output && self.snapshot == other.snapshot
    }
}

/// Gives `input` to `subject` and catches what may go wrong with it.
pub(crate) fn apply<F: Interface>(
    subject: &mut (impl Counterpart<F> + ?Sized),
    input: &F::Input,
    watch: &Watch,
) -> Result<Observed<F>, Deviation> {
    let observed = quietly(|| {
        let _call = watch.call();
        let output = subject.apply(input);
        Observed::<F> { output, snapshot: subject.observe() }
    })
    .map_err(Deviation::Panicked)?;
    if observed != observed.clone() {
        return Err(Deviation::Incomparable(observed.to_string()));
    }
    Ok(observed)
}

/// The states that still explain a subject, and the steps that do, after `input` was answered as `observed`.
pub(crate) struct Explained {
    pub(crate) belief: Belief,
    /// Each with the node it starts from.
    pub(crate) steps: Vec<(Node, Edge)>,
}

/// Moves `belief` on.
pub(crate) fn explain<F: Interface>(
    lts: &Lts<F>,
    belief: &[Node],
    input: u32,
    observed: &Observed<F>,
) -> Result<Explained, Deviation> {
    let mut steps = lts.answers_as(belief, input, &observed.output);
    if steps.is_empty() {
        let would = lts.answers(belief, input);
        let allowed = distinct(would.iter().map(|(_, _, label)| format!("{:?}", lts.output(label.output))));
        return Err(Deviation::Answer { got: format!("{:?}", observed.output), allowed });
    }
    let targets = steps.iter().map(|(_, edge)| edge.to).collect();
    let belief = seen_as(lts, lts.closed(targets), observed.snapshot.as_ref())?;
    if observed.snapshot.is_some() && steps.len() > 1 {
        // A step into a state that does not show what was seen was not taken.
        steps.retain(|(_, edge)| lts.closed(vec![edge.to]).iter().any(|node| belief.contains(node)));
    }
    Ok(Explained { belief, steps })
}

/// The states of `belief` that would show `snapshot`.
pub(crate) fn seen_as<F: Interface>(
    lts: &Lts<F>,
    mut belief: Belief,
    snapshot: Option<&F::Snapshot>,
) -> Result<Belief, Deviation> {
    let Some(snapshot) = snapshot else { return Ok(belief) };
    let shown: Vec<Option<F::Snapshot>> = belief.iter().map(|node| lts.snapshot(*node)).collect();
    let mut agrees = shown.iter().map(|shown| shown.as_ref().is_none_or(|shown| shown == snapshot));
    belief.retain(|_| agrees.next().unwrap_or(false));
    if belief.is_empty() {
        let allowed = distinct(shown.into_iter().flatten().map(|shown| format!("{shown:?}")));
        return Err(Deviation::Snapshot { got: format!("{snapshot:?}"), allowed });
    }
    Ok(belief)
}

fn distinct(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    items.for_each(|item| {
        if !seen.contains(&item) {
            seen.push(item);
        }
    });
    seen
}

/// The one step that the model allows, and what is seen of it.
pub(crate) struct Expected<'a, F: Interface> {
    pub(crate) input: &'a F::Input,
    pub(crate) output: &'a F::Output,
    /// What `to` shows, if it is known to show anything.
    pub(crate) snapshot: Option<&'a F::Snapshot>,
    pub(crate) to: Node,
}

/// A subject, the belief that explains it, and the inputs that led there.
pub(crate) struct Driver<'a, F: Interface> {
    pub(crate) lts: &'a Lts<F>,
    pub(crate) belief: Belief,
    subject: Subject<F>,
    watch: &'a Watch,
    pub(crate) inputs: Vec<u32>,
    pub(crate) observed: Vec<Observed<F>>,
}

impl<'a, F: Interface> Driver<'a, F> {
    /// A fresh subject.
    pub(crate) fn start(lts: &'a Lts<F>, factory: &Make<F>, watch: &'a Watch) -> Result<Self, Deviation> {
        watch.restart();
        let (subject, snapshot) = quietly(|| {
            let _call = watch.call();
            let subject = factory();
            let snapshot = subject.observe();
            (subject, snapshot)
        })
        .map_err(Deviation::Panicked)?;
        let belief = seen_as(lts, lts.initial(), snapshot.as_ref())?;
        Ok(Driver { lts, belief, subject, watch, inputs: Vec::new(), observed: Vec::new() })
    }

    pub(crate) fn supports(&self, input: u32) -> bool {
        self.subject.supports(&self.lts.input(input))
    }

    /// The inputs that can be given now.
    pub(crate) fn offers(&self) -> Vec<u32> {
        let mut offers = self.lts.offers(&self.belief);
        offers.retain(|input| self.supports(*input));
        offers
    }

    /// Gives one input. Returns the steps of the model that explain the answer.
    pub(crate) fn step(&mut self, input: u32) -> Result<Vec<(Node, Edge)>, Deviation> {
        let observed = self.give(input, &self.lts.input(input))?;
        let explained = explain(self.lts, &self.belief, input, &observed);
        self.observed.push(observed);
        let explained = explained?;
        self.belief = explained.belief;
        Ok(explained.steps)
    }

    /// Gives one input, and is quicker than [`step`](Driver::step) where the model allows one answer and one target, of
    /// which no internal step leads on.
    pub(crate) fn expect(&mut self, input: u32, expected: &Expected<'_, F>) -> Result<(), Deviation> {
        let observed = self.give(input, expected.input)?;
        let shown = observed.snapshot.as_ref();
        if observed.output == *expected.output && shown.is_none_or(|shown| expected.snapshot == Some(shown)) {
            self.belief.clear();
            self.belief.push(expected.to);
            self.observed.push(observed);
            return Ok(());
        }
        let explained = explain(self.lts, &self.belief, input, &observed);
        self.observed.push(observed);
        self.belief = explained?.belief;
        Ok(())
    }

    fn give(&mut self, number: u32, input: &F::Input) -> Result<Observed<F>, Deviation> {
        self.inputs.push(number);
        self.watch.given(number);
        apply::<F>(&mut *self.subject, input, self.watch)
    }

    /// Makes the subject canonical, as a product does between two steps.
    pub(crate) fn canonicalise(&mut self) -> Result<(), Deviation> {
        quietly(|| self.subject.canonical()).map_err(Deviation::Panicked)
    }
}

/// A run that ended in a deviation.
pub(crate) struct Deviating<F: Interface> {
    /// The last of them is where it deviates.
    pub(crate) inputs: Vec<u32>,
    /// One fewer than inputs where there was no answer.
    pub(crate) observed: Vec<Observed<F>>,
    pub(crate) deviation: Deviation,
}

impl<F: Interface> Deviating<F> {
    /// The subject cannot even be made, or is wrong before it is given anything.
    pub(crate) fn before_anything(deviation: Deviation) -> Self {
        Deviating { inputs: Vec::new(), observed: Vec::new(), deviation }
    }
}

/// Drives `inputs`, passing over those that the belief does not offer (so that a shortened run stays one of the model).
/// `None`: the model follows to the end.
pub(crate) fn drive<F: Interface>(
    lts: &Lts<F>,
    factory: &Make<F>,
    watch: &Watch,
    inputs: &[u32],
) -> Option<Deviating<F>> {
    let mut driver = match Driver::start(lts, factory, watch) {
        Ok(driver) => driver,
        Err(deviation) => return Some(Deviating::before_anything(deviation)),
    };
    for input in inputs {
        if !driver.offers().contains(input) {
            continue;
        }
        if let Err(deviation) = driver.step(*input) {
            return Some(Deviating { inputs: driver.inputs, observed: driver.observed, deviation });
        }
    }
    None
}

/// Leaves out what it can of a deviating run: first halves, then quarters, at last single inputs, until no single one
/// can be left out. The result is 1-minimal, not shortest.
///
/// # Errors
/// The run does not deviate a second time: the subject is not deterministic.
pub(crate) fn shrink<F: Interface>(
    lts: &Lts<F>,
    factory: &Make<F>,
    watch: &Watch,
    found: Deviating<F>,
) -> Deviating<F> {
    let Some(mut best) = drive(lts, factory, watch, &found.inputs) else {
        return Deviating {
            deviation: Deviation::Nondeterministic {
                first: found.deviation.observed(),
                second: "as the model allows".into(),
            },
            ..found
        };
    };
    let mut chunk = best.inputs.len().div_ceil(2);
    while chunk > 0 {
        let mut shorter = false;
        let mut from = 0;
        while from < best.inputs.len() {
            let mut rest = best.inputs.clone();
            rest.drain(from..best.inputs.len().min(from + chunk));
            match drive(lts, factory, watch, &rest) {
                Some(deviating) if deviating.inputs.len() < best.inputs.len() => {
                    best = deviating;
                    shorter = true;
                }
                _ => from += chunk,
            }
        }
        if chunk == 1 && !shorter {
            break;
        }
        chunk = if shorter { chunk.min(best.inputs.len().div_ceil(2)) } else { chunk / 2 };
    }
    best
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

/// The words a panic was raised with.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|message| (*message).to_string()))
        .unwrap_or_else(|| "with a payload that is not text".into())
}
