//! What a counter in a store promises.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Commands, Distributed, State};

/// The promise that a life of the key never admits more than the limit.
pub const AT_MOST_LIMIT: &str = "one life of the key admits at most the limit";

/// The promise that there is a way to be let through again.
pub const CAN_PASS: &str = "some schedule lets somebody through again";

/// The promise that this comes about by itself.
pub const EXPIRES: &str = "a full key expires";

/// The assumption that nobody rests for ever, and that crashes are few.
const LIFE_GOES_ON: &str = "time passes, clients ask again and again and finish what they began";

/// What is always so, or sometimes.
pub(super) fn properties(model: &Distributed) -> Vec<Property<Distributed>> {
    let mut properties = vec![
        Property::always(AT_MOST_LIMIT, |model: &Distributed, state: &State| state.admitted <= model.limit),
        Property::sometimes("the key is full", |model: &Distributed, state: &State| !model.has_room(state)),
    ];
    if model.commands == Commands::GetThenIncrement {
        properties.push(Property::sometimes(
            "all clients but one are let through beyond the limit",
            |model: &Distributed, state: &State| state.admitted == model.limit + model.clients - 1,
        ));
    }
    properties
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Distributed>> {
    vec![
        Temporal::recoverable(CAN_PASS, Distributed::has_room),
        Temporal::leads_to(
            EXPIRES,
            |model: &Distributed, state| !model.has_room(state),
            |_, state| state.key.is_none(),
        )
        .under(LIFE_GOES_ON),
    ]
}

/// The fairness sets of an action that must not be put off for ever.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Begin { client } => vec![FairKey::weak(LIFE_GOES_ON).of_each(("begin", client))],
        Action::GoOn { client } => vec![FairKey::weak(LIFE_GOES_ON).of_each(("go on", client))],
        Action::Tick => vec![FairKey::weak(LIFE_GOES_ON).of_each("tick")],
        Action::Crash { .. } => Vec::new(),
    }
}
