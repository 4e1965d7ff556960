//! The cases of the catalogue: a second inserted, deleted and smeared, and each defect.

use counterpart::conform::Walk;
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::LeapInterface;
use super::model::{Leap, Second};
use super::properties::{FORWARD, NOT_LATE};
use super::{check, defects};

/// A check with our own clock in every sequential mode.
fn with_ours(model: Leap) -> Check<Leap, LeapInterface> {
    let larger = Leap { sleeps: vec![1, 2, 3, 4, 5, 6, 9], follows: true, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new)
}

/// A model without applications, with servers that smear and others that do not.
pub(super) fn following() -> Leap {
    Leap { apps: 0, follows: true, ..Leap::small(Second::Insert) }
}

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let one = |second| Leap { apps: 1, ..Leap::small(second) };
    let case = |name: &str, check| Case::new(format!("ntp/{name}"), check);
    let mut cases = vec![
        case("leap_insert", with_ours(one(Second::Insert)).violates(FORWARD)),
        case("leap_delete", with_ours(one(Second::Delete)).violates(NOT_LATE)),
        case("leap_smear", with_ours(one(Second::Smear))),
        case("leap_insert_two", check(Leap::small(Second::Insert)).violates(FORWARD)),
        case("leap_smear_two", check(Leap::small(Second::Smear))),
        case("leap_following", with_ours(following()).violates(FORWARD)),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
