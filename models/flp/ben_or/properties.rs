//! What is always so, and what the coin is for.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{BenOr, Inputs, State};
pub(super) use crate::flp::properties::{AGREEMENT, VALIDITY};

/// The promise that the coin is made for.
pub const ALL_DECIDE_ALMOST_SURELY: &str = "all who go on decide with probability 1";

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<BenOr>> {
    vec![
        Property::always(AGREEMENT, |_, state: &State| {
            let mut decided = state.decided();
            let first = decided.next();
            decided.all(|value| Some(value) == first)
        }),
        Property::always(VALIDITY, |_, state: &State| match state.inputs {
            Inputs::Kept(inputs) => state.decided().all(|value| inputs.contains(&value)),
            Inputs::None | Inputs::Forgotten => true,
        }),
        Property::sometimes("0 is decided", |_, state: &State| state.decided().any(|value| value == 0)),
        Property::sometimes("1 is decided", |_, state: &State| state.decided().any(|value| value == 1)),
    ]
}

/// What is asked of whole runs; `decides` where rounds have no bound that keeps them from it.
pub(super) fn temporal(decides: bool) -> Vec<Temporal<BenOr>> {
    let decide = Temporal::almost_surely(ALL_DECIDE_ALMOST_SURELY, BenOr::all_have_decided);
    if decides { vec![decide] } else { Vec::new() }
}
