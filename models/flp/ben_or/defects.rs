//! Defects: each as a model that disagrees, and as an implementation.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::check;
use super::model::{BenOr, Variant};
use super::properties::AGREEMENT;

/// The table of defects. The reasons are not told in traces, which have that of the property.
const DEFECTS: [(Variant, &str); 3] = [
    (Variant::DecidesOnOneProposal, "one proposal is enough for it to decide"),
    (Variant::ProposesAnyReport, "it proposes what one has reported, and not more than half"),
    (Variant::DecidesItsCoin, "it decides what its coin shows"),
];

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    let defects = DEFECTS.map(|(variant, why)| {
        let model = BenOr { variant, ..BenOr::sound(1) };
        Defect::new(format!("ben_or_{}", crate::snake(variant)), why).as_a_model(model, &[AGREEMENT])
    });
    Defect::cases("flp", &defects, check)
}

/// Each defect as an implementation beside `sound`: product, tour and walks.
pub(super) fn as_implementations(sound: &BenOr) -> Case {
    let mut beside = check(sound.clone());
    for (variant, why) in DEFECTS {
        let model = BenOr { variant, ..sound.clone() };
        let defect = Defect::new(crate::snake(variant), why).as_an_implementation(model.clone());
        let walked = Walk::new().runs(200).steps(60).of(beside.simulating(model));
        beside = beside.defects(std::slice::from_ref(&defect)).subject(defect.name.as_str(), walked);
    }
    Case::new("flp/ben_or_defects", beside)
}
