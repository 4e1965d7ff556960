//! The cases of this sub-model.

use std::sync::Arc;

use counterpart::Case;
use counterpart::conform::Walk;
use counterpart::explore::{Budget, explore};

use super::bindings::Pair;
use super::model::{Action, Giving, Handoff, State, Taking, Variant};
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let small = Handoff::small();
    let larger = Handoff { keys: 3, clients: 3, writes_max: 200, crashes_max: 200, ..small.clone() };
    let walk = Walk::new().runs(200).steps(300);
    let two_keys = Handoff::two_keys();
    let explored = two_keys.clone();
    let mut cases = vec![
        Case::new("hash_ring/handoff", check(small).sequential(larger, walk, Pair::new, Pair::new)),
        Case::new("hash_ring/handoff_two_keys", check(two_keys).product(move || Pair::new(&explored))),
        Case::new(
            "hash_ring/handoff_three_clients",
            check(Handoff { keys: 2, clients: 3, writes_max: 5, crashes_max: 2, variant: Variant::Sound }),
        ),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}

/// What the two owners go through and what leads from one to the next, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let graph = explore(Arc::new(Handoff::small()), &Budget::default()).expect("the sound model can be explored");
    let phase = |state: &State| {
        let old = match state.giving {
            Giving::Owns => "Owns",
            Giving::Frozen => "Frozen",
            Giving::Acknowledged => "Acknowledged",
            Giving::Released => "Released",
        };
        let new = match state.taking {
            Taking::Empty => "Empty",
            Taking::Received => "Received",
            Taking::Active => "Active",
        };
        format!("{old}_{new}")
    };
    counterpart::view::state_diagram(&graph, phase, |action| {
        match action {
            Action::Write { .. } => "write",
            Action::Read { .. } => "read",
            Action::Refresh { .. } => "refresh",
            Action::Freeze => "freeze",
            Action::Copy => "copy",
            Action::Deliver => "deliver",
            Action::Acknowledge => "acknowledge",
            Action::Release => "release",
            Action::Activate => "activate",
            Action::Delete => "delete",
            Action::Crash => "crash",
        }
        .into()
    })
}
