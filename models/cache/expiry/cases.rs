//! The cases of this sub-model.

use counterpart::Case;

use super::check;
use super::model::{Expiry, Spread};
use super::properties::{LIKELY, WHATEVER_IS_DRAWN};

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let drawn = Expiry { keys: 6, spread_ticks: 6, burst_max: 4, spread: Spread::Drawn };
    vec![
        Case::new(
            "cache/expiry_with_jitter",
            check(drawn.clone()).violates(WHATEVER_IS_DRAWN).because(
                WHATEVER_IS_DRAWN,
                "draws are free to be all the same: jitter makes that unlikely, not impossible",
            ),
        ),
        Case::new("cache/expiry_in_turn", check(Expiry { spread: Spread::InTurn, ..drawn.clone() })),
        Case::new(
            "cache/expiry_with_one_ttl",
            check(Expiry { spread: Spread::OneTtl, ..drawn }).violates(WHATEVER_IS_DRAWN).violates(LIKELY),
        ),
    ]
}
