//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::cases::following;
use super::check;
use super::model::{Leap, Second, Variant};
use super::properties::{FORWARD, NOT_EARLY, ONCE, TIME_GOES_ON, UNMIXED, WAKES};

/// Name of the story's own defect, which is also a case's.
pub(super) const STORY: &str = "leap_second_2012";

/// The table of defects.
fn defects() -> Vec<Defect<Leap>> {
    let insert = |variant| Leap { apps: 1, ..Leap::small(Second::Insert) }.with(variant);
    vec![
        Defect::new(
            STORY,
            "the kernel stepped the wall clock back and did not tell its timers: their base is a second ahead for good",
        )
        .as_a_model(
            Leap::small(Second::Insert).with(Variant::ForgetsClockWasSet),
            &[FORWARD, NOT_EARLY, WAKES, TIME_GOES_ON],
        )
        .as_an_implementation(insert(Variant::ForgetsClockWasSet)),
        Defect::new(
            "never_clears_flag",
            "the flag is up when the second is over, and at the end of the day it comes again",
        )
        .as_a_model(insert(Variant::NeverClearsFlag), &[FORWARD, ONCE])
        .as_an_implementation(insert(Variant::NeverClearsFlag)),
        Defect::new("believes_stale_flag", "some server's flag is still up when the second is over, and is believed")
            .as_a_model(insert(Variant::BelievesStaleFlag), &[FORWARD, ONCE])
            .as_an_implementation(insert(Variant::BelievesStaleFlag)),
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    let mut cases = Defect::cases("ntp", &defects(), check);
    let mixing = following().with(Variant::MixesSmears);
    cases.push(Case::new("ntp/mixes_smears", check(mixing).violates(FORWARD).violates(UNMIXED)));
    cases
}

/// Each defect as an implementation.
pub(super) fn as_implementations() -> Vec<Case> {
    let sound = Leap { apps: 1, ..Leap::small(Second::Insert) };
    let mixing = following().with(Variant::MixesSmears);
    let mixes = [Defect::new("mixes_smears", "smeared and unsmeared servers are up to a second apart for a day")
        .as_an_implementation(mixing)];
    let beside = |model, defects: &[Defect<Leap>]| check(model).alongside_only().defects(defects).because_of(defects);
    vec![
        Case::new("ntp/leap_defects", beside(sound, &defects())),
        Case::new("ntp/leap_defect_of_following", beside(following(), &mixes)),
    ]
}
