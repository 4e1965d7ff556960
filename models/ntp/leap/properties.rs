//! What is promised of clocks and timers at a leap second.

use stateright::Property;

use super::model::{Leap, State};

/// The promise that a timer of a second or more breaks if it is fired early.
pub const NOT_EARLY: &str = "no timer fires before it is due";
/// The promise that a shorter timer breaks, because it spins.
pub const WAKES: &str = "an application wakes once a tick at most";
/// The promise that a deleted second breaks for timers inside it.
pub const NOT_LATE: &str = "no step of the clock makes a timer late";
/// The promise that an inserted second breaks for the wall clock.
pub const FORWARD: &str = "the wall clock never goes back";
/// The promise of the flag.
pub const ONCE: &str = "one leap second is one";
/// The promise of RFC 8633 §3.7.1.
pub const UNMIXED: &str = "no client follows smeared and unsmeared servers at once";
/// The promise that there is no loop that takes no time.
pub const TIME_GOES_ON: &str = "time goes on, whoever runs";
/// The witness of a leap second.
pub const LEAPS: &str = "a leap second comes and goes";

/// Properties that make sense of `model`.
pub(super) fn all(model: &Leap) -> Vec<Property<Leap>> {
    let mut all = vec![
        Property::always(FORWARD, |_: &Leap, state: &State| !state.seen.backwards),
        Property::always(ONCE, |_, state: &State| state.leaps < 2),
        Property::sometimes(LEAPS, |_, state: &State| state.leaps > 0),
    ];
    if model.apps > 0 {
        all.extend([
            Property::always(NOT_EARLY, |_: &Leap, state: &State| !state.seen.early),
            Property::always(WAKES, |model: &Leap, state: &State| state.wakes <= model.wakes_max()),
            Property::always(NOT_LATE, |_, state: &State| !state.seen.late),
        ]);
    }
    if model.follows {
        all.push(Property::always(UNMIXED, |_: &Leap, state: &State| state.followed != [true; 2]));
    }
    all
}
