//! The cases of the catalogue: all servers answer, some are silent, some say DENY; and each defect.

use counterpart::conform::Walk;
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::SourcesInterface;
use super::model::Sources;
use super::{check, defects};

/// A check with our own client in every sequential mode.
fn with_ours(model: Sources) -> Check<Sources, SourcesInterface> {
    let lies = if model.lies.is_empty() { Vec::new() } else { vec![-7, -3, -1, 0, 1, 3, 7] };
    let larger = Sources { drift_max: 5, distance_max: 5, lies, off_max: 30, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new)
}

/// A model whose answers may not come. The clock is left alone, so that every transition can be driven.
pub(super) fn silent() -> Sources {
    Sources { is_silent: true, steps: false, ..Sources::small() }
}

/// A model of which one server says nothing, ever.
pub(super) fn one_dead() -> Sources {
    Sources { lies: Vec::new(), ..Sources::small() }
}

/// A model whose servers may say DENY.
pub(super) fn denying() -> Sources {
    Sources { denies: true, ..Sources::small() }
}

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("ntp/{name}"), check);
    let mut cases = vec![
        case("sources", with_ours(Sources::small())),
        case("sources_silent", with_ours(silent())),
        case("sources_one_dead", with_ours(one_dead())),
        case("sources_denying", with_ours(denying())),
    ];
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases
}
