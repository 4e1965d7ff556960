//! The cases of the catalogue: the database behind a cache, the cache itself, each defect, what goes and what ends, crates.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::explore::{Budget, explore};
use counterpart::model::{Plain, Sequential};
use counterpart::{Case, Check};

use super::bindings::{Binding, deleting_scripts, scripts, two_loads_end};
use super::conformance::CacheInterface;
use super::implementation::Core;
use super::model::{self, Cache};
use super::{check, database, defects, eviction, expiry, loomed, shared};
use crate::{Drawn, Generated, Protocol};

type Alone = Binding<Plain<Core<u8, u8>>>;
type Shipped = Binding<shared::Cache<u8, u8>>;
pub(super) type Raced = Binding<loomed::shared::Cache<u8, u8>>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "cache", cases, generated, pictures: PICTURES };

/// What is drawn of its cases.
const PICTURES: &[Drawn] = &[
    #[cfg(feature = "cli")]
    Drawn {
        file: "collapse.svg",
        case: "cache/collapse_at_99_percent",
        caption: "hit ratio and database load",
        draw: database::chart::svg,
    },
    #[cfg(feature = "cli")]
    Drawn { file: "zipf.svg", case: "cache/cache", caption: "hit ratio and cost by capacity", draw: super::zipf::svg },
];

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        #[cfg(feature = "cli")]
        Generated::part("zipf", super::zipf::table()),
    ]
}

/// What becomes of a key, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let graph = explore(Arc::new(Cache { clients: 2, ..Cache::small() }), &Budget::default())
        .expect("the sound model can be explored");
    let key = |state: &model::State| {
        let current = state.versions[0];
        let loads = state.clients.iter().any(|client| client.lease() == Some((0, current)));
        match (state.cached[0].is_some(), loads) {
            (true, _) => "Cached".to_string(),
            (false, true) => "Loading".to_string(),
            (false, false) => "Absent".to_string(),
        }
    };
    counterpart::view::state_diagram(&graph, key, |action| match action {
        model::Action::Get { .. } => "get".into(),
        model::Action::Wait { .. } => "wait".into(),
        model::Action::EndLoad { ending: model::Ending::Value { .. }, .. } => "value".into(),
        model::Action::EndLoad { ending: model::Ending::Error, .. } => "error".into(),
        model::Action::EndLoad { ending: model::Ending::Cancelled, .. } => "cancelled".into(),
        model::Action::Die { .. } => "die".into(),
        model::Action::Insert { .. } => "insert".into(),
        model::Action::Invalidate { .. } => "invalidate".into(),
        model::Action::InvalidateAll => "invalidate all".into(),
        model::Action::Tick => "tick".into(),
    })
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = database::cases();
    cases.extend(sound());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(eviction::cases());
    cases.extend(expiry::cases());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases.push(defects::between_threads(Cache { clients: 2, writes_max: 1, ..Cache::small() }));
    cases.extend(defects::of_deleting_and_waking());
    cases
}

/// A check with our own cache in every sequential mode.
pub(super) fn with_ours(model: Cache) -> Check<Cache, CacheInterface> {
    let (larger, walk) = (larger(&model), Walk::new().runs(200).steps(400));
    check(model).sequential(
        larger,
        walk,
        |model| Sequential(Alone::new(model)),
        |model| Sequential(Shipped::new(model)),
    )
}

/// A model beyond what can be explored: all clients and keys, and many writes.
fn larger(model: &Cache) -> Cache {
    Cache {
        clients: model::CLIENTS_MAX as u8,
        keys: model::KEYS_MAX as u8,
        ttl_ticks: 2 * model.ttl_ticks,
        lease_ticks: 2 * model.lease_ticks,
        writes_max: 60,
        ..model.clone()
    }
}

/// Two clients and two keys, which are deleted together.
pub(super) fn deleting() -> Cache {
    Cache { clients: 2, keys: 2, ttl_ticks: 2, writes_all: true, ..Cache::small() }
}

/// Two loads at once, each of which somebody may wait for.
pub(super) fn two_loads() -> Cache {
    Cache { clients: 4, keys: 2, ttl_ticks: 1, lease_ticks: 1, writes_max: 0, ..Cache::small() }
}

fn sound() -> Vec<Case> {
    let small = Cache::small();
    let raced = small.clone();
    vec![
        Case::new("cache/cache", with_ours(small.clone()).interleave(scripts(), move || Raced::new(&raced))),
        Case::new(
            "cache/cache_jitter_and_early_refresh",
            with_ours(Cache { clients: 2, jitter_ticks: 1, early_ticks: 1, ..small.clone() }),
        ),
        Case::new(
            "cache/cache_two_keys",
            with_ours(Cache { clients: 2, keys: 2, loads_max: 1, writes_max: 1, ..small }),
        ),
        Case::new(
            "cache/cache_deletes_all",
            with_ours(deleting()).interleave(deleting_scripts(), || Raced::new(&deleting())),
        ),
        Case::new(
            "cache/cache_two_loads",
            check(two_loads()).alongside_only().interleave(vec![two_loads_end()], || Raced::new(&two_loads())),
        ),
    ]
}
