//! What is promised of answers that are believed.

use counterpart::model::{Chance, Temporal};
use stateright::Property;

use super::model::{Action, Breach, Known, Poison, State};

/// RFC 5452 §9.1.
pub const MATCHES: &str = "what is believed matches id, port, question and server";
/// RFC 5452 §5.
pub const ONCE: &str = "no question is on its way twice";
/// The zone of the server that was asked.
pub const IN_ZONE: &str = "nothing is kept that is not the server's to say";
/// A positive answer brings what was asked for, and no more.
pub const ASKED_FOR: &str = "nothing is kept that nobody has asked for";
/// RFC 2181 §5.4.1.
pub const NO_GLUE: &str = "glue is told to nobody";
/// The bound is one for the guesses that the model has.
pub const UNLIKELY: &str = "a guess is believed once in four times at most";

fn no(state: &State, breach: Breach) -> bool {
    state.breach != Some(breach)
}

/// Safety.
pub(super) fn all(model: &Poison) -> Vec<Property<Poison>> {
    let mut all = vec![
        Property::always(MATCHES, |_: &Poison, state: &State| no(state, Breach::Mismatched)),
        Property::always(ONCE, |_, state: &State| state.open.iter().all(|open| open[1].is_none())),
        Property::sometimes("a guess is believed", |_, state: &State| state.known.contains(&Known::Forged)),
    ];
    if model.adds {
        all.extend([
            Property::always(IN_ZONE, |_: &Poison, state: &State| no(state, Breach::OutOfZone)),
            Property::always(ASKED_FOR, |_, state: &State| no(state, Breach::Unasked)),
            Property::always(NO_GLUE, |_, state: &State| no(state, Breach::Glue)),
        ]);
    }
    if model.names > 1 {
        all.push(Property::sometimes("both names are known", |_, state: &State| state.known == [Known::True; 2]));
    }
    all
}

/// What is drawn, and how likely.
pub(super) fn temporal() -> Vec<Temporal<Poison>> {
    let forged = |_: &Poison, state: &State| state.known.contains(&Known::Forged);
    vec![Temporal::probability(UNLIKELY, forged).at_most(0.25)]
}

/// Id and port are drawn at random.
pub(super) fn chance(action: &Action) -> Option<Chance> {
    match action {
        Action::Ask { name, .. } => Some(Chance::of(("what is drawn for", name), 1)),
        Action::Guess { .. } | Action::Forge { .. } | Action::Answer { .. } => None,
    }
}
