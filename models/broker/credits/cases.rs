//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;
use counterpart::conform::interleave::Interleave;

use super::bindings::Bound;
use super::model::Exchange;
use super::{check, defects, races};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let larger = Exchange { capacity: 5, requests: 100, ..Exchange::small() };
    let ours = check(Exchange::small()).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new);
    let narrow = Exchange { capacity: 1, ..Exchange::small() };
    let mut cases = vec![Case::new("broker/credits", ours), Case::new("broker/credits_one_place", check(narrow))];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(raced());
    cases
}

/// Threads at once: on ours, and on inboxes whose locks are taken one after the other.
fn raced() -> Vec<Case> {
    let narrow = Exchange { capacity: 1, ..Exchange::small() };
    let sound = |scripts| {
        let model = narrow.clone();
        check(narrow.clone()).alongside_only().interleave(scripts, move || races::Raced::new(&model))
    };
    let model = narrow.clone();
    let one_by_one = sound(vec![races::two_requests()])
        .subject(
            "locks_one_by_one",
            Interleave::new(vec![races::two_requests()]).of(move || races::OneByOne::new(&model)),
        )
        .because("locks_one_by_one", "each has set a place aside, finds the other's taken, and both are refused")
        .diverges("locks_one_by_one");
    vec![
        Case::new("broker/credits_races", sound(races::scripts())),
        Case::new("broker/credits_between_threads", one_by_one),
    ]
}
