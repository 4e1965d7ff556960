//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::bindings::Bound;
use super::cases::narrow;
use super::check;
use super::model::{Discipline, Variant};
use super::properties::{PANIC, REACHABLE, SHIFTED, SLEW, STEPOUT};

/// Defects that show in offsets.
fn of_offsets() -> Vec<Defect<Discipline>> {
    let defect = |variant, why, violates| {
        Defect::new(crate::snake(variant), why)
            .as_a_model(narrow().with(variant), violates)
            .as_an_implementation(narrow().with(variant))
    };
    vec![
        defect(Variant::StepsAtOnce, "it steps at the first offset that is too large to be slewed", &[STEPOUT]),
        defect(Variant::PanicsForwardOnly, "an offset below 0 is below every threshold", &[PANIC]),
        defect(Variant::BelievesAnyYear, "a server says that it is the year 2000, and so it is", &[PANIC]),
        defect(Variant::KeepsOldSamples, "samples of before the step are kept as they were", &[SHIFTED]),
        // Two units are what a tick may slew: a threshold below them hides it.
        Defect::new(crate::snake(Variant::SlewsAtOnce), "all that is to be slewed is slewed in the next tick")
            .as_a_model(wide().with(Variant::SlewsAtOnce), &[SLEW]),
    ]
}

/// A discipline with a step threshold of a quarter of a second, so that there is something left to slew after a tick.
fn wide() -> Discipline {
    Discipline { step_ms: 256, offsets: vec![2, 3, -3, 5], ..narrow() }
}

fn of_the_waiver() -> Vec<Defect<Discipline>> {
    let model = Discipline { first_is_unlimited: true, ..narrow() };
    let why = "what is waived for a clock that was never set is waived for ever";
    let defective = model.with(Variant::WaivesAlways);
    vec![
        Defect::new(crate::snake(Variant::WaivesAlways), why)
            .as_a_model(defective.clone(), &[PANIC])
            .as_an_implementation(defective),
    ]
}

fn of_reach() -> Vec<Defect<Discipline>> {
    let defective = Discipline::asking().with(Variant::ForgetsEighth);
    vec![
        Defect::new(crate::snake(Variant::ForgetsEighth), "the register has a bit too few")
            .as_a_model(defective.clone(), &[REACHABLE])
            .as_an_implementation(defective),
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    let defects = [of_offsets(), of_the_waiver(), of_reach()].concat();
    Defect::cases("ntp", &defects, check)
}

/// Each defect as an implementation, and ours, beside the sound model of its bounds.
pub(super) fn as_implementations() -> Vec<Case> {
    let beside = |name: &str, model: Discipline, defects: &[Defect<Discipline>]| {
        let check = check(model.clone()).alongside_only().defects(defects).because_of(defects);
        let check = check.product(move || Bound::new(&model));
        Case::new(format!("ntp/discipline_{name}"), check)
    };
    let slewing =
        [Defect::new(crate::snake(Variant::SlewsAtOnce), "all that is to be slewed is slewed in the next tick")
            .as_an_implementation(wide().with(Variant::SlewsAtOnce))];
    let waiving = Discipline { first_is_unlimited: true, ..narrow() };
    vec![
        beside("defects", narrow(), &of_offsets()),
        beside("defect_of_slewing", wide(), &slewing),
        beside("defect_of_the_waiver", waiving, &of_the_waiver()),
        beside("defect_of_reach", Discipline::asking(), &of_reach()),
    ]
}
