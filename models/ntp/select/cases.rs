//! The cases of the catalogue: each algorithm in small bounds, and the same in numbers.

use std::fmt::Write;

use counterpart::{Case, Check};
use stateright::Model as _;

use super::bindings::{Reporting, WithAlgorithm};
use super::conformance::SelectInterface;
use super::model::{Algorithm, Select, State};
use super::properties::{ANSWERS, APART, MIRROR, ORDER, SURVIVOR, TRUTH_INSIDE};
use super::{check, defects};

fn with_ours(model: Select) -> Check<Select, SelectInterface> {
    let algorithm = model.algorithm;
    let make = move || Reporting::new(WithAlgorithm(algorithm));
    check(model).product(make).tour(make)
}

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("ntp/{name}"), check);
    let violating =
        |check, violated: &[&str]| violated.iter().fold(check, |check: Check<_, _>, name| check.violates(*name));
    let small = Select::small;
    let of = |truechimers, falsetickers, centre_max| Select {
        truechimers,
        falsetickers,
        centre_max,
        ..small(Algorithm::Majority)
    };
    let mut cases = vec![
        case("select_majority", with_ours(small(Algorithm::Majority))),
        case("select_majority_four", check(of(3, 1, 7))),
        case("select_majority_five", check(of(3, 2, 6))),
        case("select_majority_half_lie", violating(check(of(2, 2, 6)), &[TRUTH_INSIDE, ANSWERS])),
        case("select_rfc_5905", violating(with_ours(small(Algorithm::Rfc5905)), &[TRUTH_INSIDE, ANSWERS])),
        case("select_rfc_5905_text", violating(with_ours(small(Algorithm::Rfc5905Text)), &[TRUTH_INSIDE, ANSWERS])),
        case("select_max_overlap", violating(with_ours(small(Algorithm::MaxOverlap)), &[TRUTH_INSIDE, MIRROR])),
        case("select_max_overlap_span", violating(check(small(Algorithm::MaxOverlapSpan)), &[TRUTH_INSIDE])),
        case(
            "select_max_overlap_as_listed",
            violating(check(small(Algorithm::MaxOverlapAsListed)), &[TRUTH_INSIDE, ORDER, MIRROR]),
        ),
        case(
            "select_takes_tightest",
            violating(check(small(Algorithm::TakesTightest)), &[TRUTH_INSIDE, SURVIVOR, APART, ORDER]),
        ),
    ];
    cases.push(defects::case());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

/// The verdicts in numbers, for the folder's README.
pub fn table() -> String {
    let mut table = String::from(
        "| algorithm | servers, of which lie | cases | the truth is outside | nothing is found |\n|---|---|---|---|---|\n",
    );
    let rows = [
        Select::small(Algorithm::Majority),
        Select { truechimers: 3, ..Select::small(Algorithm::Majority) },
        Select { truechimers: 2, falsetickers: 2, centre_max: 6, ..Select::small(Algorithm::Majority) },
        Select::small(Algorithm::Rfc5905),
        Select::small(Algorithm::Rfc5905Text),
        Select::small(Algorithm::MaxOverlap),
        Select::small(Algorithm::MaxOverlapSpan),
    ];
    for model in rows {
        let all = complete(&model);
        let missed = all.iter().filter(|state| model.misses(state)).count();
        let nothing = all.iter().filter(|state| model.finds_nothing(state)).count();
        let (servers, cases) = (model.truechimers + model.falsetickers, all.len());
        let _ = writeln!(
            table,
            "| {:?} | {servers}, {} | {cases} | {missed} | {nothing} |",
            model.algorithm, model.falsetickers
        );
    }
    table
}

/// Every state in which all have reported.
fn complete(model: &Select) -> Vec<State> {
    let mut states = model.init_states();
    for _ in 0..model.truechimers + model.falsetickers {
        states = states.iter().flat_map(|state| model.next_steps(state).into_iter().map(|(_, next)| next)).collect();
    }
    states
}
