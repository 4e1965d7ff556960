//! Defects: each as a model and, where it shows beside the sound one, as an implementation.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Product;

use super::cases::with_ours;
use super::check;
use super::model::{Eviction, Policy, Variant};
use super::properties::{COSTLY, NAMED, ROOM};

fn lru() -> Eviction {
    Eviction::of(Policy::Lru, 2)
}

fn defects() -> Vec<Defect<Eviction>> {
    let of = |variant, model: Eviction, violates| {
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.with(variant), violates)
    };
    let both = |variant, model, violates| of(variant, model, violates).as_an_implementation(lru().with(variant));
    vec![
        both(Variant::OrphansNode, Eviction { keys: 3, ..lru() }, &[ROOM]),
        both(Variant::HoldsOneTooMany, lru(), &[ROOM]),
        both(Variant::OverlooksGets, lru(), &[NAMED]),
        both(Variant::EvictsNewest, lru(), &[NAMED]),
        of(Variant::IgnoresCost, Eviction::scan(Policy::Gdsf { frequency_max: 2 }), &[COSTLY]),
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cache", &defects(), |model| match model.variant {
        Variant::IgnoresCost => check(model).because(COSTLY, "without its cost it is a key like any other"),
        _ => check(model),
    })
}

/// Each defect as an implementation, in product.
pub(super) fn as_implementations() -> Case {
    let mut beside = with_ours(lru()).alongside_only();
    for defect in defects() {
        let Some(model) = defect.implementation else { continue };
        let make = beside.simulating(model);
        beside = beside
            .subject(defect.name.as_str(), Product::new().of(make))
            .because(defect.name.as_str(), defect.why)
            .diverges(defect.name);
    }
    Case::new("cache/defects_of_eviction", beside)
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::OrphansNode => {
            "the removed key's node is still in the list: it belongs to nobody, and nothing behind it ever goes"
        }
        Variant::OverlooksGets => "what was just asked for goes, and what nobody asks for stays",
        Variant::EvictsNewest => "what was just stored goes first",
        Variant::IgnoresCost => "all keys are taken to cost the same",
        Variant::HoldsOneTooMany => "it makes room only when one too many is there already",
    }
}
