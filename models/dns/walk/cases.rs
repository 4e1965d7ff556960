//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk as Walking;

use super::bindings::Bound;
use super::model::Walk;
use super::properties::STORY;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("dns/{name}"), check);
    let with_ours = |model: Walk| {
        let larger = Walk { upper_ttl: 9, lower_ttl: 5, own_ttls: [2, 8, 6], ..model.clone() };
        check(model).sequential(larger, Walking::new().runs(100).steps(200), Bound::new, Bound::new)
    };
    let large = Walk { upper_ttl: 40, lower_ttl: 20, own_ttls: [10, 30, 25], ..Walk::small() };
    let story = Walk { revokes: false, is_story: true, ..Walk::small() };
    let mut cases = vec![
        case("walk", with_ours(Walk::small())),
        case("walk_above_ends_first", with_ours(Walk { upper_ttl: 2, lower_ttl: 4, ..Walk::small() })),
        case("cold_walk", check(story).violates(STORY)),
        case("walk_large", check(large)).large(),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
