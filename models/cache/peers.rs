//! Published caches, unchanged, held to the eviction policy that they claim.
//!
//! Each is driven by one thread and one shard, and asked after each operation which keys it holds. moka evicts when its
//! pending tasks are run, which it does by itself only now and then: with `run_pending_tasks` after each operation it
//! is textbook LRU, without it the surplus stays for a while. How long is a matter of its clock, which it reads itself:
//! on Linux it stands still.

use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Counterpart};

use super::eviction::check;
use super::eviction::conformance::EvictionInterface;
use super::eviction::model::{Action, Eviction, KEYS_MAX, Policy};

const MOKA: &str = "moka 0.12.16";
const FOYER: &str = "foyer-memory 0.22.6";
const QUICK: &str = "quick_cache 0.6.24";

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn time_stands_still() -> counterpart::conform::virtual_clock::VirtualClock {
    counterpart::conform::virtual_clock::VirtualClock::start_at(std::time::Duration::from_secs(1))
}

/// No virtual clock: on this system time goes on, and nothing here takes so long that it would matter.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn time_stands_still() -> Option<()> {
    None
}

/// moka, its pending tasks run after each operation or not.
struct Moka {
    cache: moka::sync::Cache<u8, ()>,
    flushes: bool,
}

impl Moka {
    fn new(policy: moka::policy::EvictionPolicy, capacity: u8, flushes: bool) -> Self {
        let _still = time_stands_still();
        let cache = moka::sync::Cache::builder().max_capacity(capacity.into()).eviction_policy(policy).build();
        Moka { cache, flushes }
    }
}

impl Counterpart<EvictionInterface> for Moka {
    fn apply(&mut self, input: &Action) -> bool {
        let _still = time_stands_still();
        let answer = match *input {
            Action::Get { key } => self.cache.get(&key).is_some(),
            Action::Insert { key } => {
                self.cache.insert(key, ());
                true
            }
            Action::Remove { key } => self.cache.remove(&key).is_some(),
        };
        if self.flushes {
            self.cache.run_pending_tasks();
        }
        answer
    }

    fn observe(&self) -> Option<[bool; KEYS_MAX]> {
        let _still = time_stands_still();
        Some(std::array::from_fn(|key| self.cache.contains_key(&(key as u8))))
    }
}

struct Foyer(foyer_memory::Cache<u8, ()>);

impl Counterpart<EvictionInterface> for Foyer {
    fn apply(&mut self, input: &Action) -> bool {
        match *input {
            Action::Get { key } => self.0.get(&key).is_some(),
            Action::Insert { key } => {
                self.0.insert(key, ());
                true
            }
            Action::Remove { key } => self.0.remove(&key).is_some(),
        }
    }

    fn observe(&self) -> Option<[bool; KEYS_MAX]> {
        Some(std::array::from_fn(|key| self.0.contains(&(key as u8))))
    }
}

struct Quick(quick_cache::unsync::Cache<u8, ()>);

impl Counterpart<EvictionInterface> for Quick {
    fn apply(&mut self, input: &Action) -> bool {
        match *input {
            Action::Get { key } => self.0.get(&key).is_some(),
            Action::Insert { key } => {
                self.0.insert(key, ());
                true
            }
            Action::Remove { key } => self.0.remove(&key).is_some(),
        }
    }

    fn observe(&self) -> Option<[bool; KEYS_MAX]> {
        Some(std::array::from_fn(|key| self.0.peek(&(key as u8)).is_some()))
    }
}

fn moka_lru(capacity: u8) -> Moka {
    Moka::new(moka::policy::EvictionPolicy::lru(), capacity, true)
}

fn foyer_lru(capacity: u8) -> Foyer {
    let config = foyer_memory::LruConfig { high_priority_pool_ratio: 0.0 };
    Foyer(foyer_memory::CacheBuilder::new(capacity.into()).with_shards(1).with_eviction_config(config).build())
}

/// Each crate against the policy that it claims, and against one that it does not.
pub(super) fn cases() -> Vec<Case> {
    let lru = || Eviction::of(Policy::Lru, 2);
    let quirk = || Eviction { makes_room_to_replace: true, ..lru() };
    vec![
        Case::new(
            "cache/moka",
            check(lru())
                .alongside_only()
                .subject(MOKA, Tour::new().of(|| moka_lru(2)))
                .subject(MOKA, Walk::new().runs(200).steps(200).of(|| moka_lru(2))),
        ),
        Case::new(
            "cache/foyer",
            check(quirk())
                .alongside_only()
                .subject(FOYER, Tour::new().of(|| foyer_lru(2)))
                .subject(FOYER, Walk::new().runs(200).steps(200).of(|| foyer_lru(2))),
        ),
        // With room for all of them there is nothing to choose.
        Case::new(
            "cache/quick_cache_with_room_for_all",
            check(Eviction::of(Policy::Lru, KEYS_MAX as u8)).alongside_only().subject(
                QUICK,
                Walk::new().runs(50).steps(100).of(|| Quick(quick_cache::unsync::Cache::new(4 * KEYS_MAX))),
            ),
        ),
        Case::new(
            "cache/crates",
            check(lru())
                .alongside_only()
                .subject(MOKA, Tour::new().of(|| Moka::new(moka::policy::EvictionPolicy::lru(), 2, false)))
                .subject(FOYER, Tour::new().of(|| foyer_lru(2)))
                .subject(QUICK, Tour::new().of(|| Quick(quick_cache::unsync::Cache::new(2))))
                .diverges(MOKA)
                .because(MOKA, "what has to go is still there until the pending tasks are run")
                .diverges(FOYER)
                .because(FOYER, "to store what is there already it makes room first, and another key goes for nothing")
                .diverges(QUICK)
                .because(QUICK, "its policy is its own (it documents CLOCK-Pro), and claims nothing of recency"),
        ),
        Case::new(
            "cache/moka_without_lru",
            check(lru())
                .alongside_only()
                .subject(MOKA, Tour::new().of(|| Moka::new(moka::policy::EvictionPolicy::tiny_lfu(), 2, true)))
                .diverges(MOKA)
                .because(MOKA, "by default a newcomer has to be asked for more often than what would go for it"),
        ),
    ]
}
