//! A defect, as an implementation beside the sound model.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Algorithm, Select};

/// The table of defects: one, since what else is wrong is an algorithm that somebody ships.
fn defects() -> Vec<Defect<Select>> {
    let tightest = Select::small(Algorithm::TakesTightest);
    let why = "whoever claims the least error is believed, whatever all others say";
    vec![Defect::new("takes_tightest", why).as_an_implementation(tightest)]
}

/// The case of the defect beside the sound model.
pub(super) fn case() -> Case {
    let check = check(Select::small(Algorithm::Majority)).alongside_only();
    Case::new("ntp/select_defects", check.defects(&defects()).because_of(&defects()))
}
