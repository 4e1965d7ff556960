//! The cases of the catalogue: one cache, caches above one another, stale data, each defect.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::explore::{Budget, explore};
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::CacheInterface;
use super::defects::{denials, layered, long, stale, without_soa};
use super::model::{Action, Cache, Content, Soa, Stale, State, Variant};
use super::properties::*;
use super::{check, defects, poison, walk, work};
use crate::{Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "dns", cases, generated, pictures: &[] };

fn generated() -> Vec<Generated> {
    vec![Generated::part("diagram", format!("```mermaid\n{}```\n", diagram()))]
}

/// What becomes of an answer in a cache that tells stale data, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let model = stale();
    let of = model.clone();
    let graph = explore(Arc::new(model), &Budget::default()).expect("the sound model can be explored");
    let at = move |state: &State| {
        let layer = &state.layers[0];
        let held = layer.held.iter().flatten().next();
        let holds = match held {
            None => "Nothing",
            Some(held) if of.lives(held) => "Living",
            Some(_) => "Ended",
        };
        let asks = if layer.fetches[0].is_some() { "_asking" } else { "" };
        format!("{holds}{asks}")
    };
    counterpart::view::state_diagram(&graph, at, |action| {
        match action {
            Action::Query { .. } => "query",
            Action::Read { .. } => "read",
            Action::Deliver { .. } => "deliver",
            Action::Change => "change",
            Action::Tick => "tick",
            Action::SetBack => "set back",
        }
        .into()
    })
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(stories());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(poison::cases());
    cases.extend(work::cases());
    cases.extend(walk::cases());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

/// A check with our own cache in every sequential mode.
fn with_ours(model: Cache) -> Check<Cache, CacheInterface> {
    let larger = Cache { ttl_max: 9, timeout: 5, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new)
}

fn case(name: &str, check: Check<Cache, CacheInterface>) -> Case {
    Case::new(format!("dns/{name}"), check)
}

fn sound() -> Vec<Case> {
    let small = Cache::small();
    let large = Cache { questions: 3, clients: 2, truncates: true, ..Cache::small() };
    vec![
        case("cache", with_ours(small.clone())),
        case("cache_two_questions", with_ours(Cache { questions: 2, truncates: true, ..small.clone() })),
        case("cache_served_at_zero", with_ours(Cache { serve_at_zero: true, clients: 1, ..small })),
        case("cache_denials", with_ours(denials())),
        case("cache_without_soa", with_ours(without_soa())),
        case("cache_truncated", with_ours(long())),
        case("cache_stale", with_ours(stale())),
        case("cache_two_layers", with_ours(layered(2))),
        case("cache_large", check(large)).large(),
    ]
}

/// What is told under a name of its own.
fn stories() -> Vec<Case> {
    let for_ever = Stale { max: None, client_timer: 0, retry: 1, ttl: 1 };
    let unbound = Cache {
        clients: 1,
        zone: vec![Content::Absent, Content::Has { ttl: 0 }],
        soa: Some(Soa { ttl: 1, minimum: 1 }),
        stale: Some(for_ever),
        fails: false,
        ..Cache::small()
    };
    let recovers = Cache { zone: vec![Content::Absent, Content::Has { ttl: 1 }], ..unbound.clone() };
    let old = Cache { zone: vec![Content::Has { ttl: 4 }; 2], ttl_max: 4, ..layered(3) };
    vec![
        case("layered_staleness", check(old.with(Variant::RestartsTtl)).violates_all(&[PASSED_ON, ONE_LIFE])),
        case(
            "unbound_860",
            check(unbound.clone().with(Variant::KeepsEndedOnZeroTtl)).violates(SETTLES).because(
                SETTLES,
                "the name was denied once, and now exists with a TTL of 0: the authority is asked each time, its answer may \
                 not be kept, and so the denial that has long ended is told for ever",
            ),
        ),
        case("unbound_860_with_ttl_1", check(recovers.with(Variant::KeepsEndedOnZeroTtl))),
        case("unbound_860_mended", check(unbound.clone()).product(move || Bound::new(&unbound))),
    ]
}
