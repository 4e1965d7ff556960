//! Defects of the corrected rules: each as a model, and most as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::check;
use super::model::{Chord, Variant};
use super::properties::*;

/// The table of defects.
fn defects() -> Vec<Defect<Chord>> {
    let model = |nodes, list, variant| Chord { settles: true, ..Chord::corrected(nodes, list) }.with(variant);
    let defect = |name: &str, why, of: Chord, violated| {
        let driven = Chord { settles: false, ..of.clone() };
        let defect = Defect::new(format!("chord_{name}"), why).as_a_model(of, violated);
        match driven {
            // Who fails is up to the world.
            Chord { variant: Variant::ShrinksBase, .. } => defect,
            Chord { messages: true, .. } => defect.as_an_implementation(driven),
            _ => defect.as_an_implementation(Chord { nodes: 4, list: 2, ..driven }),
        }
    };
    vec![
        defect(
            "keeps_dead_predecessor",
            "whoever is notified keeps a predecessor that is dead, and leads those that ask to it for ever",
            model(4, 2, Variant::KeepsDeadPredecessor),
            &[CAN_BE_IDEAL, BECOMES_IDEAL],
        ),
        defect(
            "copies_successor_only",
            "a node that joins takes over one successor and knows nobody behind it",
            model(4, 2, Variant::CopiesSuccessorOnly),
            &[SOUND_LISTS],
        ),
        defect(
            "pads_with_last",
            "a list that has lost its head names its last entry twice: it looks longer than it is",
            model(4, 2, Variant::PadsWithLast),
            &[SOUND_LISTS, PRINCIPALS],
        ),
        defect(
            "never_moves_closer",
            "nobody asks its successor's predecessor, and a node that has joined is never found",
            model(4, 2, Variant::NeverMovesCloser),
            &[CAN_BE_IDEAL, BECOMES_IDEAL],
        ),
        defect(
            "shrinks_base",
            "members fail until too few are left whom nobody skips",
            Chord { settles: false, ..model(3, 2, Variant::ShrinksBase) },
            &[AT_MOST_ONE_RING, ORDERED_RING, SOUND_LISTS, PRINCIPALS],
        ),
        defect(
            "adopts_unasked",
            "it takes its successor's word for a member that has failed since",
            Chord { messages: true, settles: false, ..model(3, 1, Variant::AdoptsUnasked) },
            &[AT_LEAST_ONE_RING, CONNECTED_APPENDAGES, LIVE_SUCCESSOR],
        ),
        defect(
            "adopts_unasked_in_whole_steps",
            "it takes its successor's word for a member that has failed, and does not notice that nobody answers",
            Chord { settles: false, ..model(3, 1, Variant::AdoptsUnasked) },
            &[AT_LEAST_ONE_RING, CONNECTED_APPENDAGES, LIVE_SUCCESSOR],
        ),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    let defects = defects();
    let check = |model: Chord| {
        // Where nobody closer is asked no node that joins is ever found, so that the ring of all never comes about.
        let check = check(model.clone());
        if model.variant == Variant::NeverMovesCloser { check.violates(ALL_AND_IDEAL) } else { check }
    };
    Defect::cases("hash_ring", &defects, check)
}

/// Each as an implementation, against the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let is_of_messages = |defect: &Defect<Chord>| defect.implementation.as_ref().is_some_and(|model| model.messages);
    let (of_messages, defects): (Vec<_>, Vec<_>) =
        defects().into_iter().filter(|defect| defect.implementation.is_some()).partition(is_of_messages);
    let sound = Chord::corrected(4, 2);
    let check = check(sound.clone()).alongside_only().because_of(&defects).defects(&defects);
    let walking = check.simulating(sound.with(Variant::NeverMovesCloser));
    let walk = Walk::new().runs(200).steps(60).of(walking);
    let in_two_steps = Chord { messages: true, ..Chord::corrected(3, 1) };
    let in_two_steps = super::check(in_two_steps).alongside_only().because_of(&of_messages).defects(&of_messages);
    vec![
        Case::new("hash_ring/chord_defects", check.subject("chord_never_moves_closer", walk)),
        Case::new("hash_ring/chord_defects_of_messages", in_two_steps),
    ]
}
