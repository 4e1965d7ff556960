//! Defective implementations, which the conformance checks must catch: every variant of the model run as an
//! implementation, and what goes wrong only between threads.

use std::sync::{Arc, PoisonError};

use counterpart::Case;
use counterpart::conform::{self, interleave::Interleave};
use counterpart::model::Simulated;

use super::conformance::CacheInterface;
use super::conformance::bindings::{SharedBinding, SharedCache, both_miss, load_ends};
use super::implementation::{Config, ConfigError, Core, Draw, Ended, Lease, LoadFailed, Loaded, Lookup, Stats, Ticket};
use super::model::{Cache, Variant};

/// The variants.
const VARIANTS: [Variant; 10] = [
    Variant::LoadsAtEveryMiss,
    Variant::StoresDespiteDelete,
    Variant::TrustsExpiredLease,
    Variant::StrandsJoinersOnFailure,
    Variant::StrandsJoinersOnDelete,
    Variant::JoinsVoidedLoad,
    Variant::LeaseNeverExpires,
    Variant::ChargesByCount,
    Variant::ServesExpired,
    Variant::RefreshesInHerds,
];

/// All of them against the sound model: product and tour for each, and one walk.
pub(super) fn case() -> Case {
    let model = Cache { ttl_ticks: 2, early_ticks: 1, writes_max: 1, ..Cache::small() };
    let mut check = super::check(model.clone()).alongside_only();
    for variant in VARIANTS {
        let name = crate::snake(variant);
        check = check.because(name.as_str(), why(variant)).defective(name, maker(model.clone().with(variant)));
    }
    let walking = maker(model.with(Variant::ServesExpired));
    check = check.subject("serves_expired", conform::Walk::new().runs(200).steps(100).of(walking));
    Case::new("cache/defects", check)
}

/// One load at once, and two keys to load: what goes beyond the bound shows only there.
pub(super) fn bound_case() -> Case {
    let model = Cache { clients: 2, keys: 2, loads_max: 1, writes_max: 0, ..Cache::small() };
    let name = crate::snake(Variant::LoadsBeyondBound);
    let make = maker(model.clone().with(Variant::LoadsBeyondBound));
    let check = super::check(model)
        .alongside_only()
        .subject(name.as_str(), conform::Product::new().of(make))
        .because(name.as_str(), why(Variant::LoadsBeyondBound))
        .diverges(name);
    Case::new("cache/defect_of_the_bound", check)
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::LoadsAtEveryMiss => "whoever misses loads, though the key is being loaded",
        Variant::StoresDespiteDelete => "what was read before the write is cached after the delete",
        Variant::TrustsExpiredLease => "a lease that has expired still stores, though no delete could void it any more",
        Variant::StrandsJoinersOnFailure => "the leader's failure is not told to those who joined it",
        Variant::StrandsJoinersOnDelete => "those who joined the load are forgotten with it when the key is deleted",
        Variant::JoinsVoidedLoad => "whoever asks after the delete joins the load that it has voided",
        Variant::LeaseNeverExpires => "the dead holder's lease keeps everybody else from loading",
        Variant::LoadsBeyondBound => "it loads though the database has as many loads as it is to bear",
        Variant::ChargesByCount => "the ledger counts the miss, and not what it has cost",
        Variant::ServesExpired => "the value is served in the tick in which its life has ended",
        Variant::RefreshesInHerds => "a second client refreshes what is being refreshed",
    }
}

/// Makes `model` over and over, as an implementation.
fn maker(model: Cache) -> impl Fn() -> Simulated<CacheInterface> + Clone + Send + Sync + 'static {
    let (model, interface) = (Arc::new(model), Arc::new(CacheInterface));
    move || Simulated::new(&model, &interface)
}

/// What goes wrong only between threads.
pub(super) fn racing_case(model: Cache) -> Case {
    let (losing, silent, gap) = (model.clone(), model.clone(), model.clone());
    let check = super::check(model)
        .alongside_only()
        .subject("loses_updates", Interleave::new(vec![both_miss()]).of(move || Racy::<LosesUpdates>::new(&losing)))
        .subject("forgets_to_wake", Interleave::new(vec![load_ends()]).of(move || Racy::<ForgetsToWake>::new(&silent)))
        .subject("looks_then_waits", Interleave::new(vec![load_ends()]).of(move || Racy::<LooksThenWaits>::new(&gap)))
        .because(
            "loses_updates",
            "both callers lead: each has changed a copy, and the second has overwritten the first",
        )
        .because("forgets_to_wake", "the load has ended, and whoever fell asleep before sleeps on")
        .because("looks_then_waits", "the load ends between looking and falling asleep: the one wake-up is missed")
        .diverges("loses_updates")
        .diverges("forgets_to_wake")
        .diverges("looks_then_waits");
    Case::new("cache/defects_between_threads", check)
}

/// How a defective cache changes its core, and waits.
trait Discipline: Send + Sync + 'static {
    /// Runs `change`.
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T;
    /// Waits for the load of `ticket`.
    fn wait(state: &Locked, ticket: &Ticket) -> Result<u8, LoadFailed>;
}

struct Locked {
    core: loom::sync::Mutex<Core<u8, u8>>,
    told: counterpart::conform::interleave::Condvar,
}

impl Locked {
    fn lock(&self) -> loom::sync::MutexGuard<'_, Core<u8, u8>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_and_wake<T>(&self, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        let result = change(&mut self.lock());
        self.told.notify_all();
        result
    }

    fn wait(&self, ticket: &Ticket) -> Result<u8, LoadFailed> {
        let mut core = self.lock();
        loop {
            match core.collect(ticket) {
                Some(result) => return result,
                None => core = self.told.wait(core).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Reads the core under the lock, changes a copy, and writes the copy back under the lock.
struct LosesUpdates;

impl Discipline for LosesUpdates {
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        let mut copy = state.lock().clone();
        let result = change(&mut copy);
        *state.lock() = copy;
        state.told.notify_all();
        result
    }

    fn wait(state: &Locked, ticket: &Ticket) -> Result<u8, LoadFailed> {
        state.wait(ticket)
    }
}

/// Ends loads and tells nobody.
struct ForgetsToWake;

impl Discipline for ForgetsToWake {
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        change(&mut state.lock())
    }

    fn wait(state: &Locked, ticket: &Ticket) -> Result<u8, LoadFailed> {
        state.wait(ticket)
    }
}

/// Looks, lets go of the lock, and takes it again to fall asleep.
struct LooksThenWaits;

impl Discipline for LooksThenWaits {
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        state.change_and_wake(change)
    }

    fn wait(state: &Locked, ticket: &Ticket) -> Result<u8, LoadFailed> {
        loop {
            if let Some(result) = state.lock().collect(ticket) {
                return result;
            }
            drop(state.told.wait(state.lock()).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

type Racy<D> = SharedBinding<Disciplined<D>>;

struct Disciplined<D> {
    state: Locked,
    discipline: std::marker::PhantomData<fn() -> D>,
}

impl<D: Discipline> SharedCache for Disciplined<D> {
    fn new(config: Config) -> Result<Self, ConfigError> {
        let core = loom::sync::Mutex::new(Core::new(config)?);
        let state = Locked { core, told: counterpart::conform::interleave::Condvar::new() };
        Ok(Disciplined { state, discipline: std::marker::PhantomData })
    }

    fn get(&self, key: u8, now_ms: u64, draw: Draw) -> Lookup<u8> {
        D::change(&self.state, |core| core.get(&key, now_ms, draw))
    }

    fn finish(&self, lease: Lease, loaded: Loaded<u8>, now_ms: u64, draw: Draw) -> Ended {
        D::change(&self.state, |core| core.finish(lease, loaded, now_ms, draw))
    }

    fn fail(&self, lease: Lease, cost: u32, now_ms: u64) {
        D::change(&self.state, |core| core.fail(lease, cost, now_ms));
    }

    fn cancel(&self, lease: Lease, now_ms: u64) {
        D::change(&self.state, |core| core.cancel(lease, now_ms));
    }

    fn wait(&self, ticket: Ticket) -> Result<u8, LoadFailed> {
        D::wait(&self.state, &ticket)
    }

    fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw) {
        D::change(&self.state, |core| {
            let _ = core.insert(key, loaded, now_ms, draw);
        });
    }

    fn invalidate(&self, key: u8) {
        D::change(&self.state, |core| core.invalidate(&key));
    }

    fn expire_leases(&self, now_ms: u64) {
        D::change(&self.state, |core| core.expire_leases(now_ms));
    }

    fn peek(&self, key: u8, now_ms: u64) -> Option<(u8, u64)> {
        self.state.lock().peek(&key, now_ms).map(|(version, left_ms)| (*version, left_ms))
    }

    fn loads_under_way(&self) -> u32 {
        self.state.lock().loads_under_way()
    }

    fn stats(&self) -> Stats {
        self.state.lock().stats()
    }
}
