//! What is promised of queues that credit each other (P10).

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Exchange, State};

/// A bound is a bound.
pub const BOUNDED: &str = "no inbox has more than it has places";
/// P10, as what it is for.
pub const ANSWERED: &str = "every request is sent and answered in the end";
/// P10, as it is said: from nowhere the only way is to wait.
pub const NO_DEADLOCK: &str = "from everywhere all can still be answered";

/// What is assumed of runs.
pub(super) const GOES_ON: &str = "services go on";

/// Safety.
pub(super) fn all(model: &Exchange) -> Vec<Property<Exchange>> {
    let mut all = vec![Property::always(BOUNDED, |model: &Exchange, state: &State| {
        state.services.iter().all(|service| service.taken() <= model.capacity)
    })];
    if model.capacity > 1 {
        all.push(Property::sometimes("both work at the same time", |_, state: &State| {
            state.services.iter().all(|service| service.works)
        }));
    }
    all
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Exchange>> {
    let done =
        |_: &Exchange, state: &State| state.services.iter().all(|service| service.to_send == 0 && service.open == 0);
    vec![Temporal::eventually(ANSWERED, done).under(GOES_ON), Temporal::recoverable(NO_DEADLOCK, done)]
}

/// What must not be put off for ever. Room in the other's inbox comes and goes: that takes strong fairness.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    vec![FairKey::strong(GOES_ON).of_each(action)]
}
