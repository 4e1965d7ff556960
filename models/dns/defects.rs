//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::check;
use super::model::{Cache, Content, Soa, Stale, Variant};
use super::properties::*;

/// Two questions of one name, and one below it.
pub(super) fn denials() -> Cache {
    Cache {
        questions: 3,
        clients: 1,
        zone: vec![Content::Absent, Content::Has { ttl: 2 }],
        fails: false,
        timeout: 1,
        ..Cache::small()
    }
}

/// What has ended can be told.
pub(super) fn stale() -> Cache {
    let stale = Stale { max: Some(2), client_timer: 1, retry: 2, ttl: 1 };
    Cache { clients: 1, stale: Some(stale), timeout: 2, ..Cache::small() }
}

/// Two or three caches above one another.
pub(super) fn layered(layers: u8) -> Cache {
    Cache { layers, clients: 1, fails: false, zone: vec![Content::Has { ttl: 2 }; 2], ttl_max: 2, ..Cache::small() }
}

/// Answers can be too long.
pub(super) fn long() -> Cache {
    Cache { truncates: true, ..Cache::small() }
}

/// A denial says nothing of how long it is good for.
pub(super) fn without_soa() -> Cache {
    Cache { soa: None, ..denials() }
}

/// Bounds by name, and the defects that show in them, each with what it violates there.
type Shown = (&'static str, Cache, Vec<(Variant, &'static [&'static str])>);

/// The bounds in which defects show, by name, and what each of them violates there.
fn table() -> Vec<Shown> {
    let small = Cache::small;
    let bare = Cache { zone: vec![Content::Has { ttl: 2 }, Content::Absent], ..without_soa() };
    let of_denials = Cache { soa: Some(Soa { ttl: 3, minimum: 1 }), ..small() };
    vec![
        (
            "defects",
            small(),
            vec![
                (Variant::ServesOneTickMore, &[IN_TIME]),
                (Variant::NeverRemembersFailures, &[REMEMBERED]),
                (Variant::NeverTimesOut, &[ANSWERED]),
            ],
        ),
        ("defects_layered", layered(2), vec![(Variant::RestartsTtl, &[PASSED_ON])]),
        ("defects_capped", Cache { ttl_max: 1, ..small() }, vec![(Variant::IgnoresCap, &[CAPPED])]),
        ("defects_of_denials", of_denials, vec![(Variant::TakesSoaTtlAlone, &[NEGATIVE])]),
        ("defects_without_soa", bare, vec![(Variant::KeepsDenialWithoutSoa, &[NO_SOA])]),
        (
            "defects_of_names",
            denials(),
            vec![(Variant::CoversTypeOnly, &[SUBTREE]), (Variant::NoDataCoversName, &[TRUE_ONCE, SETTLES])],
        ),
        ("defects_truncated", long(), vec![(Variant::CachesTruncated, &[WHOLE])]),
        (
            "defects_stale",
            stale(),
            vec![
                (Variant::TellsStaleAtOnce, &[STALE_LAST]),
                (Variant::RetriesStaleAtOnce, &[REMEMBERED]),
                (Variant::TellsStaleZero, &[STALE_TTL]),
            ],
        ),
        (
            "defects_set_back",
            Cache { setbacks_max: 1, ..small() },
            vec![(Variant::TrustsWallClock, &[COUNTS_DOWN, NEGATIVE, CAPPED])],
        ),
    ]
}

fn defects(model: &Cache, shown: &[(Variant, &'static [&'static str])]) -> Vec<Defect<Cache>> {
    let defect = |(variant, violated): &(Variant, &'static [&'static str])| {
        let model = model.clone().with(*variant);
        Defect::new(crate::snake(variant), why(*variant))
            .as_a_model(model.clone(), violated)
            .as_an_implementation(model)
    };
    shown.iter().map(defect).collect()
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    table().iter().flat_map(|(_, model, shown)| Defect::cases("dns", &defects(model, shown), check)).collect()
}

/// Each as an implementation, and ours, beside the sound model in the bounds that it shows in.
pub(super) fn as_implementations() -> Vec<Case> {
    let case = |(name, model, shown): (&str, Cache, Vec<_>)| {
        let defects = defects(&model, &shown);
        let check = check(model.clone()).alongside_only().because_of(&defects).defects(&defects);
        let check = check.product(move || Bound::new(&model));
        // One walk is enough to show that walks can fail.
        let walked = crate::snake(Variant::ServesOneTickMore);
        let check = check.walked(&defects, &walked, Walk::new().runs(200).steps(60));
        Case::new(format!("dns/{name}"), check)
    };
    table().into_iter().map(case).collect()
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::ServesOneTickMore => "in the tick in which its life ends it is told all the same",
        Variant::RestartsTtl => "it tells the TTL that it was told, and whoever asks keeps it for that long again",
        Variant::IgnoresCap => "it keeps a record for as long as the record says",
        Variant::TakesSoaTtlAlone => "it does not look at the SOA's MINIMUM",
        Variant::KeepsDenialWithoutSoa => "a denial that nobody vouches for takes a good answer away",
        Variant::CoversTypeOnly => "that there is no such name is kept as if it were said of one type",
        Variant::CoversNameOnly => "that there is no such name is kept, and what is below it is asked for",
        Variant::NoDataCoversName => "that there is no IPv6 address is told of the address",
        Variant::CachesTruncated => "the part of an answer that did fit is kept",
        Variant::NeverRemembersFailures => "each client's question goes to the server that has just failed",
        Variant::NeverTimesOut => "an answer that was lost is waited for",
        Variant::TellsStaleAtOnce => "whoever asks is told what has ended before anybody has looked for better",
        Variant::RetriesStaleAtOnce => "asking has failed, and it asks again with the next client",
        Variant::TellsStaleZero => "what has ended is told with a TTL of 0, and every client comes back at once",
        Variant::KeepsEndedOnZeroTtl => "the answer may not be kept, and so what has ended stays, to be told again",
        Variant::SharesSoa => "a fresh denial is told with what is left of an older one's SOA record",
        Variant::KeepsNothingForZero => "it asks twice in an instant, though what has nothing left is told in the next",
        Variant::TellsUncapped => "whoever waits is told the TTL that the record came with, and keeps it for as long",
        Variant::TrustsWallClock => "the clock is set back, and what is held lives so much longer",
    }
}
