//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Work;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("dns/{name}"), check);
    let with_ours = |model: Work| {
        let larger = Work { questions_max: 40, aliases_max: 5, names: 6, tries_max: 3, ..model.clone() };
        check(model).sequential(larger, Walk::new().runs(100).steps(60), Bound::new, Bound::new)
    };
    let large = Work { questions_max: 16, aliases_max: 5, names: 6, tries_max: 3, ..Work::small() };
    let mut cases = vec![
        case("work", with_ours(Work::small())),
        case("work_one_good_server", with_ours(defects::good())),
        case("work_large", check(large)).large(),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
