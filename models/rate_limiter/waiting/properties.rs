//! What is promised to whoever waits.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, State, Waiting};

/// The promise under weak fairness: a caller that can take a token all the time does so in the end.
pub const IN_THE_END: &str = "who waits is let through or gives up";

/// The promise under strong fairness: nobody is unlucky for ever.
pub const WITH_LUCK: &str = "who waits is let through or gives up, if nobody is unlucky for ever";

const THEY_TRY: &str = "time passes and callers try";
const WITHOUT_BAD_LUCK: &str = "who could again and again take a token takes one";

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<Waiting>> {
    vec![Property::sometimes("everybody waits", |model: &Waiting, state: &State| {
        state.waits[..usize::from(model.callers)].iter().all(|waits| *waits)
    })]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Waiting>> {
    // Callers are alike: what is promised to the first is promised to each.
    let waits = |_: &Waiting, state: &State| state.waits[0];
    let served = |_: &Waiting, state: &State| !state.waits[0];
    vec![
        Temporal::leads_to(IN_THE_END, waits, served).under(THEY_TRY),
        Temporal::leads_to(WITH_LUCK, waits, served).under(WITHOUT_BAD_LUCK),
    ]
}

/// The fairness sets of an action that must not be put off for ever.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Take { caller } => vec![
            FairKey::weak(THEY_TRY).of_each(("take", caller)),
            FairKey::strong(WITHOUT_BAD_LUCK).of_each(("take", caller)),
        ],
        Action::Tick => vec![FairKey::weak(THEY_TRY), FairKey::weak(WITHOUT_BAD_LUCK)],
        Action::Ask { .. } | Action::GiveUp { .. } => Vec::new(),
    }
}
