//! The cases of the catalogue: both step thresholds of the RFC, with and without the waiver, and each defect.

use counterpart::conform::Walk;
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::DisciplineInterface;
use super::model::Discipline;
use super::{check, defects};

/// A check with our own discipline in every sequential mode.
fn with_ours(model: Discipline) -> Check<Discipline, DisciplineInterface> {
    let offsets = if model.asks { vec![0] } else { vec![0, 1, -1, 2, -2, 3, -3, 40, -40, 20_000, -20_000] };
    let larger = Discipline { offsets, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new)
}

/// A model of few offsets, so that every transition can be driven.
pub(super) fn narrow() -> Discipline {
    let far = Discipline::small().panic_s * 1_000 / super::model::UNIT_MS + 1;
    Discipline { offsets: vec![2, 3, -3, far, -far], ..Discipline::small() }
}

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("ntp/{name}"), check);
    let mut cases = vec![
        case("discipline", with_ours(narrow())),
        case("discipline_125_ms", with_ours(Discipline { step_ms: 125, ..narrow() })),
        case("discipline_first_unlimited", with_ours(Discipline { first_is_unlimited: true, ..narrow() })),
        case("discipline_reach", with_ours(Discipline::asking())),
        case("discipline_thresholds", check(Discipline::small())),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
