//! The cases of this sub-model.

use counterpart::conform::Walk;
use counterpart::{Case, Check};

use super::bindings::Members;
use super::conformance::ChordInterface;
use super::model::{Chord, Rules, Variant};
use super::properties::*;
use super::repair::{BeyondRepair, BeyondRepairSpec};
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = original();
    cases.extend(corrected());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}

fn case(name: &str, check: Check<Chord, ChordInterface>) -> Case {
    Case::new(format!("hash_ring/chord_{name}"), check)
}

/// The rules of the first papers, and where they fail.
fn original() -> Vec<Case> {
    let joins = |nodes| Chord { fails: false, settles: true, ..Chord::original(nodes) };
    let live = |nodes| Chord { rules: Rules::AdoptsTheLive, ..Chord::original(nodes) };
    let late = [ORDERED_MERGES, VALID_LISTS];
    let spoilt = [AT_MOST_ONE_RING, ORDERED_RING, ORDERED_APPENDAGES, ORDERED_MERGES, VALID_LISTS];
    vec![
        case(
            "original_two_nodes",
            check(Chord { settles: true, ..Chord::original(2) }).violates_all(&[
                AT_LEAST_ONE_RING,
                CONNECTED_APPENDAGES,
                CAN_BE_IDEAL,
                BECOMES_IDEAL,
            ]),
        ),
        case("original_without_failures", check(joins(4)).violates_all(&late)),
        case(
            "original_adopts_the_live",
            check(Chord { settles: true, ..live(3) })
                .violates_all(&spoilt)
                .violates_all(&[CAN_BE_IDEAL, BECOMES_IDEAL]),
        ),
        // The larger rows of the table, by their counts: what fails has its traces in the smaller ones.
        case("original_adopts_the_live_4", check(live(4)).violates_all(&spoilt).counts(7_923_891, 65_357_156)).large(),
        // Those of them that no repair leads out of.
        Case::new(
            "hash_ring/chord_beyond_repair_4",
            Check::of(BeyondRepair::of(live(4))).spec(BeyondRepairSpec).counts(636_460, 0),
        )
        .large(),
        case("original_without_failures_5", check(joins(5)).violates_all(&late).counts(751_256, 4_751_274)).large(),
        // Where a stabilize and what it tells are one step two depths are less by one.
        case("original_stabilizes_and_tells", check(Chord { tells: true, ..live(3) }).violates_all(&spoilt)),
    ]
}

/// The corrected rules.
fn corrected() -> Vec<Case> {
    let settling = |nodes, list| Chord { settles: true, ..Chord::corrected(nodes, list) };
    let messages = |nodes, list| Chord { messages: true, ..Chord::corrected(nodes, list) };
    let (driven, larger) = (Chord::corrected(4, 2), Chord::corrected(6, 3));
    let (explored, toured) = (Chord::corrected(5, 2), driven.clone());
    vec![
        case("corrected", check(explored.clone()).product(move || Members::new(&explored))),
        case(
            "corrected_driven",
            check(driven).tour(move || Members::new(&toured)).subject("implementation", {
                let walked = larger.clone();
                Walk::new().beside(larger).runs(200).steps(300).of(move || Members::new(&walked))
            }),
        ),
        case("corrected_settles_1_of_5", check(settling(5, 1))),
        case("corrected_settles_2_of_5", check(settling(5, 2))),
        case("corrected_messages", check(Chord { settles: true, ..messages(3, 1) })),
        case("corrected_messages_1_of_5", check(messages(5, 1)).counts(66_672, 557_150)).large(),
        case("corrected_messages_driven", {
            let (explored, toured) = (messages(3, 1), messages(3, 1));
            check(messages(3, 1)).product(move || Members::new(&explored)).tour(move || Members::new(&toured))
        }),
        case("corrected_messages_of_four", {
            let explored = messages(4, 2);
            check(messages(4, 2)).product(move || Members::new(&explored))
        }),
        case(
            "shrinks_base_4",
            check(Chord::corrected(4, 2).with(Variant::ShrinksBase))
                .violates_all(&[AT_MOST_ONE_RING, ORDERED_RING, SOUND_LISTS, PRINCIPALS])
                .counts(1_486_294, 12_294_768),
        )
        .large(),
        case("corrected_2_of_6", check(Chord::corrected(6, 2)).counts(3_522_819, 31_214_658)).large(),
        case("corrected_messages_2_of_5", check(messages(5, 2)).counts(1_076_144, 10_254_000)).large(),
    ]
}
