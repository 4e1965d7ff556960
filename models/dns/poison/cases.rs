//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::model::Poison;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("dns/{name}"), check);
    let with_ours = |model: Poison| {
        let larger = Poison { names: 2, ids: 8, ports: 4, guesses_max: 60, ..model.clone() };
        check(model).sequential(larger, Walk::new().runs(100).steps(200), Bound::new, Bound::new)
    };
    let two = Poison { names: 2, ..Poison::small() };
    let explored = two.clone();
    let mut cases = vec![
        case("poison", with_ours(Poison::small())),
        case("poison_guesses", with_ours(Poison::drawn())),
        case("poison_two_names", check(two.clone()).product(move || Bound::new(&explored))),
        case("poison_large", check(Poison { ids: 16, ports: 4, guesses_max: 8, ..two })).large(),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
