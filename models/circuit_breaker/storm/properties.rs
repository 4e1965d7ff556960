//! What is asked of a storm: that the service can recover, and again and again does.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, State, Storm};

/// The property that the whole sub-model is about.
pub const RECOVERED: &str = "all serve and the queue is empty";

/// The same promise for whole runs, so that a trace shows the storm going round.
pub const AGAIN_AND_AGAIN: &str = "again and again all serve and the queue is empty";

/// The one assumption: the clock is not stopped.
const TIME_PASSES: &str = "time passes";

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<Storm>> {
    vec![Property::sometimes("the service works for nobody", |_, state: &State| {
        state.queue.first().is_some_and(|request| !request.awaited)
    })]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Storm>> {
    vec![
        Temporal::recoverable(RECOVERED, Storm::is_recovered),
        Temporal::infinitely_often(AGAIN_AND_AGAIN, Storm::is_recovered).under(TIME_PASSES),
    ]
}

/// The fairness sets of an action that must not be put off for ever.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Tick => vec![FairKey::weak(TIME_PASSES)],
        Action::Blip | Action::Pause => Vec::new(),
    }
}
