//! What is promised of a clock under discipline.

use stateright::Property;

use super::model::{Discipline, REACH, State};

/// The promise that a spike is not followed.
pub const STEPOUT: &str = "a set clock is stepped only if the offset stays";
/// The promise that nothing beyond the panic threshold is believed, either way.
pub const PANIC: &str = "no clock is stepped beyond the panic threshold, either way";
/// The promise that samples are shifted with a step.
pub const SHIFTED: &str = "samples that are kept speak of the clock as it is";
/// The promise of a steady clock: 500 ppm.
pub const SLEW: &str = "a clock is slewed by 500 ppm at most";
/// The promise of the register.
pub const REACHABLE: &str = "a server is reachable if one of eight questions was answered";
/// The witness of a step.
pub const STEPS: &str = "a clock is stepped";

/// Properties that make sense of `model`.
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
