//! What is promised of a clock under discipline.

use stateright::Property;

use super::model::{Discipline, REACH, State};

/// A spike is not followed.
pub const STEPOUT: &str = "a set clock is stepped only if the offset stays";
/// Either way.
pub const PANIC: &str = "no clock is stepped beyond the panic threshold, either way";
/// After a step.
pub const SHIFTED: &str = "samples that are kept speak of the clock as it is";
/// 500 ppm.
pub const SLEW: &str = "a clock is slewed by 500 ppm at most";
/// The register.
pub const REACHABLE: &str = "a server is reachable if one of eight questions was answered";
/// Witness.
pub const STEPS: &str = "a clock is stepped";

/// Those that make sense of `model`.
pub(super) fn all(model: &Discipline) -> Vec<Property<Discipline>> {
    if model.asks {
        return vec![Property::always(REACHABLE, |_: &Discipline, state: &State| {
            (state.reach != 0) == (state.unanswered < REACH)
        })];
    }
    vec![
        Property::always(STEPOUT, |_: &Discipline, state: &State| !state.seen.hasty),
        Property::always(PANIC, |_, state: &State| !state.seen.unbelievable),
        Property::always(SHIFTED, |_, state: &State| state.samples.iter().flatten().all(|(kept, now)| kept == now)),
        Property::always(SLEW, |_, state: &State| !state.seen.fast),
        Property::sometimes(STEPS, |_, state: &State| state.seen.stepped),
    ]
}
