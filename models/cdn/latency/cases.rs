//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Latency;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Latency { losses_max: 100, ..Latency::small() };
    let ours = check(Latency::small()).sequential(larger, Walk::new().runs(100).steps(100), Bound::new, Bound::new);
    let mut cases = vec![Case::new("cdn/latency", ours)];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
