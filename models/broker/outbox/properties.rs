//! What is promised of an outbox (P9).

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Business, ORDERS_MAX, Ordering, State};

/// One half of P9.
pub const COMMITTED: &str = "nothing is published that is not committed";
/// The other half of P9. Liveness.
pub const PUBLISHED: &str = "what is committed is published in the end";

/// Whoever reads the queue has to expect that.
pub const TWICE: &str = "an order is published twice";

/// What is assumed of runs.
pub(super) const RELAYS: &str = "the relay goes on";

/// Safety.
pub(super) fn all() -> Vec<Property<Ordering>> {
    vec![
        Property::always(COMMITTED, |_: &Ordering, state: &State| {
            (0..ORDERS_MAX).all(|order| state.published[order] == 0 || state.business[order] == Business::Committed)
        }),
        Property::sometimes(TWICE, |_, state: &State| state.published.contains(&2)),
    ]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Ordering>> {
    let waits = |_: &Ordering, state: &State| {
        (0..ORDERS_MAX).any(|order| state.published[order] == 0 && state.business[order] == Business::Committed)
    };
    vec![Temporal::leads_to(PUBLISHED, waits, move |model, state| !waits(model, state)).under(RELAYS)]
}

/// What must not be put off for ever. A service that has crashed has forgotten what it was about to do.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Read | Action::Publish | Action::Mark | Action::WriteRow { .. } => {
            vec![FairKey::weak(RELAYS).of_each(action)]
        }
        Action::Commit { .. } | Action::RollBack { .. } | Action::CrashRelay | Action::CrashService => Vec::new(),
    }
}
