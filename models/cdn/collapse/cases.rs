//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Collapse;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Collapse { clients: 4, ..Collapse::small() };
    let ours = check(Collapse::small()).sequential(larger, Walk::new().runs(1_000).steps(20), Bound::new, Bound::new);
    let mut cases = vec![Case::new("cdn/collapse", ours)];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
