//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Parts;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Parts { changes_max: 100, ..Parts::small() };
    let ours = check(Parts::small()).sequential(larger, Walk::new().runs(100).steps(100), Bound::new, Bound::new);
    let mut cases = vec![Case::new("cdn/parts", ours)];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
