//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Storing;
use super::{check, defects};

/// The cases of this sub-model. Ours is not explored together with the model: a node remembers in which order what it keeps
/// was used, and of that the model knows nothing.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Storing { life: 5, error_life: 2, writes_max: 100, failures_max: 100, ..Storing::small() };
    let ours = check(Storing::small()).driven(larger, Walk::new().runs(100).steps(300), Bound::new);
    let mut cases = vec![Case::new("cdn/storing", ours)];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
