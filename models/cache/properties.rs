//! What is always so, the history variables that remember whether it was, and what whole runs promise.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Cache, Cached, Client, State};

/// The promise that nobody is left waiting. It speaks of client 1, and so of each: they are alike.
pub const TOLD: &str = "who waits is told in the end";

/// The promise that nothing is lost for good.
pub const ALL_IDLE: &str = "some schedule makes all clients idle";

/// The one assumption: the clock is not stopped. Loads may take for ever, and holders die.
const TIME_PASSES: &str = "time passes";

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Whether somebody joined a load that a delete had voided.
    pub joined_voided: bool,
    /// Whether a load was charged otherwise than its cost.
    pub miscounted: bool,
    /// Whether a value was served after its end.
    pub served_expired: bool,
}

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<Cache>> {
    vec![
        Property::always("one load at most that may store a key", |model: &Cache, state: &State| {
            (0..model.keys).all(|key| {
                let current = Some((key, state.versions[usize::from(key)]));
                model.clients_of(state).iter().filter(|client| client.lease() == current).count() <= 1
            })
        }),
        Property::always("what is cached is what the database has", |_, state: &State| {
            let version = |cached: &Option<Cached>| cached.map(|cached| cached.version);
            state.cached.iter().zip(state.versions).all(|(cached, now)| version(cached).is_none_or(|old| old == now))
        }),
        Property::always("no more loads than the database is to bear", |model: &Cache, state: &State| {
            model.loads(state) <= model.loads_max
        }),
        Property::always("nobody joins a load that a delete has voided", |_, state: &State| {
            !state.history.joined_voided
        }),
        Property::always("no value is served after its end", |_, state: &State| !state.history.served_expired),
        Property::always("the ledger is the sum of the costs", |_, state: &State| !state.history.miscounted),
        Property::sometimes("who waited is told the value of a load that was voided", |_, state: &State| {
            let old = |client: &Client| matches!(client, Client::Told { version: Some(0) });
            state.versions[0] > 0 && state.clients.iter().any(old)
        }),
    ]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Cache>> {
    let waits = |_: &Cache, state: &State| matches!(state.clients[1], Client::Waiting { .. } | Client::Stranded);
    vec![
        Temporal::leads_to(TOLD, waits, move |model, state| !waits(model, state)).under(TIME_PASSES),
        Temporal::recoverable(ALL_IDLE, |_, state: &State| state.clients.iter().all(|client| *client == Client::Idle)),
    ]
}

/// The fairness sets of an action that must not be put off for ever.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Tick => vec![FairKey::weak(TIME_PASSES)],
        Action::Get { .. }
        | Action::Wait { .. }
        | Action::EndLoad { .. }
        | Action::Die { .. }
        | Action::Insert { .. }
        | Action::Invalidate { .. }
        | Action::InvalidateAll => Vec::new(),
    }
}
