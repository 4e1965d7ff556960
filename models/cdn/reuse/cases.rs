//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Reuse;
use super::{check, defects};

/// The cases of this sub-model: both readings of `s-maxage`, and each defect.
pub(crate) fn cases() -> Vec<Case> {
    let ours = |model: Reuse| {
        let larger = Reuse { changes_max: 100, stale_kept: 8, ..model.clone() };
        check(model).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new)
    };
    let lenient = Reuse { s_maxage_forbids_stale: false, ..Reuse::small() };
    let mut cases = vec![Case::new("cdn/reuse", ours(Reuse::small())), Case::new("cdn/reuse_lenient", ours(lenient))];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
