//! What the chord table says of states from which no repair leads back to a ring, where they are few enough to be counted
//! in a moment. Those of four identifiers are a large case, `chord_beyond_repair_4`.

use counterpart_models::hash_ring::chord::model::{Chord, Rules};
use counterpart_models::hash_ring::chord::repair::beyond_repair;
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("hash_ring::720_states_of_the_original_rules_with_fixes_cannot_be_repaired", unrepairable),
        claim("hash_ring::without_failures_every_state_of_the_original_rules_can_be_repaired", repairable),
    ]
}

fn unrepairable() {
    let (count, beyond) = beyond_repair(&Chord { rules: Rules::AdoptsTheLive, ..Chord::original(3) });
    assert_eq!((count, beyond.len()), (12_808, 720));
}

fn repairable() {
    let (count, beyond) = beyond_repair(&Chord { fails: false, ..Chord::original(4) });
    assert_eq!((count, beyond.len()), (10_318, 0));
}
