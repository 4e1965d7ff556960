//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Ordering;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Ordering { orders: 3, crashes_max: 20, ..Ordering::small() };
    let ours = check(Ordering::small()).sequential(larger, Walk::new().runs(100).steps(100), Bound::new, Bound::new);
    let mut cases = vec![Case::new("broker/outbox", ours)];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
