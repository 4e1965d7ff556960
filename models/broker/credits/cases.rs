//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Exchange;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Exchange { capacity: 5, requests: 100, ..Exchange::small() };
    let ours = check(Exchange::small()).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new);
    let narrow = Exchange { capacity: 1, ..Exchange::small() };
    let mut cases = vec![Case::new("broker/credits", ours), Case::new("broker/credits_one_place", check(narrow))];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
