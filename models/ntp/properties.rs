//! What is promised of the exchange.

use stateright::Property;

use super::model::{Exchange, State};

/// The promise of authenticity.
pub const SERVERS_ONLY: &str = "only the server's answers are believed";

/// The promise of robustness.
pub const UNDISTURBED: &str = "what is no answer changes nothing";

/// The promise that there is no replay.
pub const ONCE: &str = "an exchange is counted once";

/// The bound on the offset (RFC 5905 §8): what delays that are not the same both ways can hide.
pub const HALF: &str = "the offset is wrong by half the round trip at most";

/// The bound on the offset with a clock that drifts meanwhile.
pub const HALF_AND_DRIFT: &str = "the offset is wrong by half the round trip and the drift at most";

/// The promise that stamps are of one exchange.
pub const OF_THE_NETWORK: &str = "a round trip is never longer than the network makes it";

/// The promise of the kiss RATE.
pub const NOT_SHORTENED: &str = "a kiss never makes the client ask more often";

/// The promise of the kiss DENY.
pub const DENIED: &str = "who was denied asks no more";

/// The promise about servers without time.
pub const HAS_TIME: &str = "a server without time is not believed";

/// The promise of the server.
pub const QUESTIONS_ONLY: &str = "the server answers questions only";

/// The witness that the bound on the offset cannot be narrowed.
pub const TIGHT: &str = "the offset is wrong by half the round trip";

/// The witness of the rollover.
pub const ROLLS_OVER: &str = "the era ends between question and answer";

/// The witness of interleaved mode.
pub const INTERLEAVES: &str = "an interleaved answer is counted";

/// The witness of the negative round trip.
pub const NEGATIVE: &str = "a round trip is negative, and told as such";

/// The promise of liveness.
pub const SYNCHRONISED: &str = "the client is synchronised in the end";

type Asked = Property<Exchange>;

/// Properties that make sense of `model`.
pub(super) fn all(model: &Exchange) -> Vec<Asked> {
    let mut all: Vec<Asked> = vec![
        Property::always(SERVERS_ONLY, |_, state: &State| !state.history.seen.believed_forged),
        Property::always(UNDISTURBED, |_, state: &State| !state.history.seen.disturbed),
        Property::always(ONCE, |_, state: &State| !state.history.seen.counted_twice),
        Property::always(HALF, |_, state: &State| !state.history.seen.beyond_half),
        Property::always(NOT_SHORTENED, |_, state: &State| !state.history.seen.shortened),
        Property::always(DENIED, |_, state: &State| !state.history.seen.asked_denied),
        Property::always(HAS_TIME, |_, state: &State| !state.history.seen.believed_timeless),
        Property::always(QUESTIONS_ONLY, |_, state: &State| !state.history.seen.answered_answer),
    ];
    if model.slips_max > 0 {
        all.push(Property::always(HALF_AND_DRIFT, |_, state: &State| !state.history.seen.beyond_drift));
    } else {
        all.push(Property::always(OF_THE_NETWORK, |_, state: &State| !state.history.seen.too_long));
    }
    if model.answers.contains(&super::model::Answer::Time) {
        if model.delay_max > 0 {
            all.push(Property::sometimes(TIGHT, |_, state: &State| state.history.seen.tight));
        }
        all.push(Property::sometimes(ROLLS_OVER, |_, state: &State| state.history.seen.rolled_over));
    }
    if model.interleaved {
        all.push(Property::sometimes(INTERLEAVES, |_, state: &State| state.history.seen.interleaved));
    }
    if model.answers.contains(&super::model::Answer::Stepped) {
        all.push(Property::sometimes(NEGATIVE, |_, state: &State| state.history.seen.negative));
    }
    all
}
