//! Defects: each as a model, with one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::check;
use super::model::{Purge, Variant};
use super::properties::*;

/// Time passes; nothing is served stale.
pub(super) fn timed() -> Purge {
    Purge { ttl: Some(3), edges: 1, ..Purge::small() }
}

/// The shield's clock is a tick ahead of the origin's, and the edge's two behind.
pub(super) fn skewed() -> Purge {
    Purge { skews: [1, -2, 0], ..timed() }
}

/// What is stale is served for a tick while it is asked for anew.
pub(super) fn stale() -> Purge {
    Purge { ttl: Some(2), window: 1, ..timed() }
}

/// Messages are lost and nodes restarted.
pub(super) fn faulty() -> Purge {
    Purge { edges: 1, losses_max: 1, restarts_max: 1, ..Purge::small() }
}

/// An unsafe request goes through the first edge.
pub(super) fn written() -> Purge {
    Purge { updates_max: 0, writes_max: 1, ..Purge::small() }
}

/// Bounds by name, and the defects that show in them, each with what it violates there.
type Shown = (&'static str, Purge, Vec<(Variant, &'static [&'static str])>);

/// The bounds in which defects show, by name, and what each of them violates there.
pub(super) fn table() -> Vec<Shown> {
    vec![
        (
            "defects",
            Purge::small(),
            vec![(Variant::PurgesBeforeDeploy, &[PURGED, CLEAN]), (Variant::AcknowledgesUnconfirmed, &[PURGED])],
        ),
        (
            "defects_of_faults",
            faulty(),
            vec![(Variant::NeverSendsAgain, &[EFFECTIVE, CLEAN]), (Variant::PurgesMemoryAlone, &[PURGED, CLEAN])],
        ),
        (
            "defects_timed",
            timed(),
            vec![
                (Variant::DropsAge, &[IN_TIME]),
                (Variant::IgnoresDelay, &[IN_TIME]),
                (Variant::NeverTimesOut, &[FILLED]),
            ],
        ),
        ("defects_skewed", skewed(), vec![(Variant::TrustsDates, &[AGE, IN_TIME])]),
        (
            "defects_stale",
            stale(),
            vec![
                (Variant::PurgesShieldSoftly, &[PURGED, CLEAN]),
                (Variant::PurgesFreshAlone, &[PURGED]),
                (Variant::RevivesBy304, &[PURGED]),
                (Variant::ServesStaleForEver, &[IN_TIME]),
            ],
        ),
        (
            "defects_of_writes",
            written(),
            vec![(Variant::InvalidatesBeforeAnswer, &[WRITTEN]), (Variant::InvalidatesStoredAlone, &[WRITTEN])],
        ),
    ]
}

/// The defects of a row.
pub(super) fn defects(model: &Purge, shown: &[(Variant, &'static [&'static str])]) -> Vec<Defect<Purge>> {
    let defect = |(variant, violated): &(Variant, &'static [&'static str])| {
        let model = model.clone().with(*variant);
        let defect = Defect::new(crate::snake(variant), why(*variant)).as_a_model(model.clone(), violated);
        // When a purge is called done is the purger's to say: no node shows it.
        let is_shown = *variant != Variant::AcknowledgesUnconfirmed;
        if is_shown { defect.as_an_implementation(model) } else { defect }
    };
    shown.iter().map(defect).collect()
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    table().iter().flat_map(|(_, model, shown)| Defect::cases("cdn", &defects(model, shown), check)).collect()
}

/// Each as an implementation, and ours, beside the sound model in the bounds that it shows in.
pub(super) fn as_implementations() -> Vec<Case> {
    let case = |(name, model, shown): (&str, Purge, Vec<_>)| {
        let defects = defects(&model, &shown);
        let check = check(model.clone()).alongside_only().because_of(&defects).defects(&defects);
        let check = check.product(move || Bound::new(&model));
        // One walk is enough to show that walks can fail.
        let walked = crate::snake(Variant::IgnoresDelay);
        let check = check.walked(&defects, &walked, Walk::new().runs(200).steps(60));
        Case::new(format!("cdn/{name}"), check)
    };
    table().into_iter().map(case).collect()
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::PurgesShieldSoftly => {
            "the shield keeps what was purged as stale, and serves it to the edges on and on"
        }
        Variant::PurgesBeforeDeploy => {
            "the purge is over before the origin has the new content, and the old one is read again"
        }
        Variant::AcknowledgesUnconfirmed => "the purge is called done when it has been sent",
        Variant::NeverSendsAgain => "one message was lost",
        Variant::PurgesMemoryAlone => "the entry is on the disk, and the restarted node finds it there",
        Variant::PurgesFreshAlone => "what is stale is not looked for, and is served while it is asked for anew",
        Variant::RevivesBy304 => {
            "the node holds on to what it asked about, and stores it again when it is told that it is the same"
        }
        Variant::IgnoresDelay => "what was a tick on its way is a tick older than anybody thinks",
        Variant::TrustsDates => "the clock of the one that reckons is behind that of the one that wrote the date",
        Variant::DropsAge => "each tier counts from when it was answered, not from when the origin was",
        Variant::BeginsLifeAnew => "each tier counts from when the content arrived there",
        Variant::CollapsesFirstFillAlone => {
            "each tier counts from when the content arrived there, and has it sent again"
        }
        Variant::DiscardsOldReadAlone => "what was fetched before the purge is told to whoever asks after it",
        Variant::ServesStaleForEver => "nobody looks how long ago its life ended",
        Variant::NeverTimesOut => "the upstream hangs",
        Variant::InvalidatesBeforeAnswer => "between the request and its being done the old content is read again",
        Variant::InvalidatesStoredAlone => "a fill that read the old content stores it after the request was answered",
    }
}
