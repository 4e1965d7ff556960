//! The cases of this sub-model.

use counterpart::conform::Walk;
use counterpart::{Case, Check};

use super::bindings::StoreBinding;
use super::conformance::EvictionInterface;
use super::model::{Eviction, KEYS_MAX, Policy};
use super::properties::COSTLY;
use super::{check, defects};

/// A check with our own store in every sequential mode.
pub(super) fn with_ours(model: Eviction) -> Check<Eviction, EvictionInterface> {
    let larger = Eviction { keys: KEYS_MAX as u8, capacity: model.capacity + 1, scan_max: None, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(200), StoreBinding::new, StoreBinding::new)
}

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let gdsf = Policy::Gdsf { frequency_max: 2 };
    let sized = Eviction { sizes: [1, 2, 1, 2, 1], costs: [4, 1, 1, 2, 1], ..Eviction::of(gdsf, 3) };
    let mut cases = vec![
        Case::new("cache/lru", with_ours(Eviction::of(Policy::Lru, 3))),
        Case::new("cache/fifo", with_ours(Eviction::of(Policy::Fifo, 3))),
        Case::new("cache/gdsf", with_ours(sized)),
        Case::new("cache/gdsf_keeps_the_costly_object", with_ours(Eviction::scan(gdsf))),
        Case::new("cache/lru_loses_the_costly_object", with_ours(Eviction::scan(Policy::Lru)).violates(COSTLY)),
        Case::new(
            "cache/fifo_loses_the_costly_object",
            with_ours(Eviction::scan(Policy::Fifo))
                .violates(COSTLY)
                .because(COSTLY, "what was stored first goes first, whatever it costs to have it back"),
        ),
    ];
    cases.extend(defects::as_models());
    cases.push(defects::as_implementations());
    cases
}
