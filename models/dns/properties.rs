//! What is promised of caches.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Breach, Cache, Held, Kind, State};

/// RFC 1035 §3.2.1: a TTL bounds how long a record may be kept.
pub const IN_TIME: &str = "nothing is told as living after its end";
/// RFC 8767 §5.
pub const STALE_LAST: &str = "what has ended is told only when asking anew has failed or takes too long";
/// RFC 8767 §4.
pub const STALE_TTL: &str = "what has ended is told with the TTL that is set for it";
/// A record's TTL counts down.
pub const COUNTS_DOWN: &str = "no TTL is above what the authority gave less the time since";
/// RFC 1035 §7.3 and RFC 2181 §8 leave it to the cache.
pub const CAPPED: &str = "no TTL is above the bound";
/// RFC 2308 §5.
pub const NEGATIVE: &str = "a denial lives for the lesser of its SOA's TTL and MINIMUM";
/// RFC 2308 §5.
pub const NO_SOA: &str = "a denial without SOA changes nothing";
/// RFC 8020 §2.
pub const SUBTREE: &str = "nothing is asked for at or below a name that does not exist";
/// RFC 2308 §2.2.
pub const TRUE_ONCE: &str = "what is told was so in some version of the zone";
/// Caches above one another pass on what is left.
pub const PASSED_ON: &str = "a cache tells what is left";
/// What three caches that do not pass it on add up to.
pub const ONE_LIFE: &str = "what is told ended no longer ago than one TTL";
/// RFC 2181 §9.
pub const WHOLE: &str = "no truncated answer is kept";
/// RFC 9520 §3.2.
pub const REMEMBERED: &str = "what has failed is not asked for again at once";
/// Liveness.
pub const ANSWERED: &str = "who asks is answered in the end";
/// Liveness.
pub const SETTLES: &str = "what is told is in the end what the authority has";

/// What is assumed for the one.
pub(super) const TIME_PASSES: &str = "time passes";
/// What is assumed for the other.
pub(super) const GOES_ON: &str = "time passes, and answers arrive";

fn no(breach: Breach) -> impl Fn(&State) -> bool {
    move |state| state.seen.breach != Some(breach)
}

fn all_held(state: &State, layers: std::ops::Range<usize>, holds: impl Fn(&Held) -> bool) -> bool {
    state.layers[layers].iter().flat_map(|layer| &layer.held).flatten().all(holds)
}

fn positive(held: &Held) -> bool {
    held.kind == Kind::Address
}

fn in_due_time(held: &Held) -> bool {
    held.left <= held.due.max(0)
}

/// Those that make sense of `model`.
pub(super) fn all(model: &Cache) -> Vec<Property<Cache>> {
    let mut all = vec![
        Property::always(IN_TIME, |_: &Cache, state: &State| no(Breach::ToldEnded)(state)),
        Property::always(COUNTS_DOWN, |model: &Cache, state: &State| {
            let last = usize::from(model.layers) - 1;
            all_held(state, last..last + 1, |held| !positive(held) || in_due_time(held))
        }),
        Property::always(NEGATIVE, |model: &Cache, state: &State| {
            let last = usize::from(model.layers) - 1;
            all_held(state, last..last + 1, |held| positive(held) || in_due_time(held))
        }),
        Property::always(CAPPED, |model: &Cache, state: &State| {
            all_held(state, 0..model.layers.into(), |held| held.left <= model.ttl_max.cast_signed())
        }),
        Property::always(REMEMBERED, |_, state: &State| no(Breach::AskedFailed)(state)),
        Property::sometimes("a client is told something from the cache", |_, state: &State| state.seen.hit),
    ];
    if model.soa.is_none() {
        all.push(Property::always(NO_SOA, |_, state: &State| no(Breach::DroppedForNothing)(state)));
    }
    if model.questions > 1 {
        all.extend([
            Property::always(SUBTREE, |_: &Cache, state: &State| no(Breach::AskedDenied)(state)),
            Property::always(TRUE_ONCE, |_, state: &State| no(Breach::ToldUntrue)(state)),
        ]);
    }
    if model.layers > 1 {
        all.extend([
            Property::always(PASSED_ON, |model: &Cache, state: &State| {
                all_held(state, 0..usize::from(model.layers) - 1, in_due_time)
            }),
            Property::always(ONE_LIFE, |model: &Cache, state: &State| state.seen.overdue <= model.ttl_max),
        ]);
    }
    if model.truncates {
        all.push(Property::always(WHOLE, |model: &Cache, state: &State| {
            all_held(state, 0..model.layers.into(), |held| !held.partial)
        }));
    }
    if model.stale.is_some() {
        all.extend([
            Property::always(STALE_LAST, |_: &Cache, state: &State| no(Breach::ToldStaleAtOnce)(state)),
            Property::always(STALE_TTL, |_, state: &State| no(Breach::ToldStaleTtl)(state)),
            Property::sometimes("a client is told what has ended", |_, state: &State| state.seen.stale),
        ]);
    }
    all
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Cache>> {
    let waits = |_: &Cache, state: &State| state.clients[0].is_some();
    vec![
        Temporal::leads_to(ANSWERED, waits, move |model, state| !waits(model, state)).under(TIME_PASSES),
        Temporal::eventually_always(SETTLES, |_: &Cache, state: &State| !state.seen.outdated).under(GOES_ON),
    ]
}

/// What must not be put off for ever. What is asked again and again is read, and arrives, again and again, even if each
/// time it may fail first: that takes strong fairness. The zone may stay as it is, and nobody has to ask.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Tick => vec![FairKey::weak(TIME_PASSES), FairKey::weak(GOES_ON).of_each("tick")],
        Action::Read { layer, question, how: super::model::How::Whole } | Action::Deliver { layer, question } => {
            let is_read = matches!(action, Action::Read { .. });
            vec![FairKey::strong(GOES_ON).of_each((layer, question, is_read))]
        }
        Action::Query { .. } | Action::Read { .. } | Action::Change | Action::SetBack => Vec::new(),
    }
}
