//! Defects: each as a model and as an implementation, for one reason; and what goes wrong only between threads.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::interleave::Interleave;
use counterpart::conform::interleave::sync::{Condvar, Mutex, MutexGuard, PoisonError, change_a_copy};
use counterpart::conform::{Product, Walk};

use super::bindings::{Binding, SharedCache, both_miss, ends_while_all_is_deleted, load_ends, two_loads_end};
use super::cases::{Raced, deleting, two_loads, with_ours};
use super::check;
use super::implementation::{Config, ConfigError, Core, Draw, Ended, Lease, LoadFailed, Loaded, Lookup, Stats, Ticket};
use super::model::{Cache, KEYS_MAX, Variant};
use super::properties::{ALL_IDLE, TOLD};

const ONE_LOAD: &str = "one load at most that may store a key";
const STALE: &str = "what is cached is what the database has";
const TOLD_THE_VOIDED: &str = "who waited is told the value of a load that was voided";

fn small() -> Cache {
    Cache { writes_max: 1, ..Cache::small() }
}

/// The bounds in which nearly all of them show beside the sound model.
fn alongside() -> Cache {
    Cache { ttl_ticks: 2, early_ticks: 1, ..small() }
}

/// One load at once, and two keys to load: what goes beyond the bound shows only there.
fn bounded() -> Cache {
    Cache { clients: 2, keys: 2, loads_max: 1, writes_max: 0, ..Cache::small() }
}

/// The table of defects.
fn defects() -> Vec<Defect<Cache>> {
    let of = |variant, violates| {
        Defect::new(crate::snake(variant), why(variant)).as_a_model(small().with(variant), violates)
    };
    let alongside = |defect: Defect<Cache>, variant| defect.as_an_implementation(alongside().with(variant));
    let both = |variant, violates| alongside(of(variant, violates), variant);
    let two_keys = Cache { keys: 2, loads_max: 1, clients: 2, ..small() }.with(Variant::LoadsBeyondBound);
    let early = Cache { early_ticks: 1, clients: 2, ..small() }.with(Variant::RefreshesInHerds);
    vec![
        both(Variant::LoadsAtEveryMiss, &[ONE_LOAD, TOLD_THE_VOIDED]),
        both(Variant::StoresDespiteDelete, &[STALE]),
        both(Variant::TrustsExpiredLease, &[STALE]),
        both(Variant::StrandsJoinersOnFailure, &[TOLD, ALL_IDLE]),
        both(Variant::StrandsJoinersOnDelete, &[TOLD, ALL_IDLE]),
        both(Variant::JoinsVoidedLoad, &["nobody joins a load that a delete has voided"]),
        both(Variant::LeaseNeverExpires, &[TOLD, ALL_IDLE]),
        // Beside the sound model it is a case of its own.
        of(Variant::LoadsBeyondBound, &[]).as_a_model(two_keys, &["no more loads than the database is to bear"]),
        both(Variant::ChargesByCount, &["the ledger is the sum of the costs"]),
        both(Variant::ServesExpired, &["no value is served after its end"]),
        alongside(of(Variant::RefreshesInHerds, &[]).as_a_model(early, &[ONE_LOAD]), Variant::RefreshesInHerds),
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cache", &defects(), |model| match model.variant {
        Variant::LoadsAtEveryMiss => {
            check(model).because(TOLD_THE_VOIDED, "nobody ever waits").incomplete(TOLD, "nobody ever waits")
        }
        _ => check(model),
    })
}

/// Each defect as an implementation: product and tour for all, and one walk; and the one that shows in other bounds.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects: Vec<Defect<Cache>> = defects().into_iter().filter(|defect| defect.implementation.is_some()).collect();
    let check_all = with_ours(alongside()).alongside_only().because_of(&defects).defects(&defects);
    let walking = check_all.simulating(alongside().with(Variant::ServesExpired));
    let check_all = check_all.subject("serves_expired", Walk::new().runs(200).steps(100).of(walking));
    let beyond = with_ours(bounded()).alongside_only();
    let name = crate::snake(Variant::LoadsBeyondBound);
    let make = beyond.simulating(bounded().with(Variant::LoadsBeyondBound));
    let beyond = beyond
        .subject(name.as_str(), Product::new().of(make))
        .because(name.as_str(), why(Variant::LoadsBeyondBound))
        .diverges(name);
    vec![Case::new("cache/defects", check_all), Case::new("cache/defect_of_the_bound", beyond)]
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

/// What goes wrong only between threads.
pub(super) fn between_threads(model: Cache) -> Case {
    let (ours, losing, silent, gap) = (model.clone(), model.clone(), model.clone(), model.clone());
    let check = check(model)
        .alongside_only()
        .interleave(vec![both_miss(), load_ends()], move || Raced::new(&ours))
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

/// The same where there are two keys to delete, or two loads to wait for.
pub(super) fn of_deleting_and_waking() -> Vec<Case> {
    let scripts = (vec![ends_while_all_is_deleted()], vec![two_loads_end()]);
    let deletes = check(deleting())
        .alongside_only()
        .subject(
            "walks_over_the_cached",
            Interleave::new(scripts.0).of(|| Racy::<WalksOverTheCached>::new(&deleting())),
        )
        .because(
            "walks_over_the_cached",
            "everything that is cached was deleted, and of the key that was being loaded nothing was cached yet",
        )
        .diverges("walks_over_the_cached");
    let wakes = check(two_loads())
        .alongside_only()
        .subject("takes_any_waking", Interleave::new(scripts.1).of(|| Racy::<TakesAnyWaking>::new(&two_loads())))
        .because("takes_any_waking", "it was woken by the end of the other load, and its own goes on")
        .diverges("takes_any_waking");
    vec![Case::new("cache/defect_of_deleting_all", deletes), Case::new("cache/defect_of_waking", wakes)]
}

/// How a defective cache changes its core, and waits.
trait Discipline: Send + Sync + 'static {
    /// Runs `change` on the core.
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T;
    /// Waits for the load of `ticket`.
    fn wait(state: &Locked, ticket: &Ticket) -> Result<u8, LoadFailed> {
        state.wait(ticket)
    }
    /// Deletes everything.
    fn invalidate_all(state: &Locked) {
        Self::change(state, Core::invalidate_all);
    }
}

struct Locked {
    core: Mutex<Core<u8, u8>>,
    told: Condvar,
}

impl Locked {
    fn lock(&self) -> MutexGuard<'_, Core<u8, u8>> {
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
        let result = change_a_copy(&state.core, change);
        state.told.notify_all();
        result
    }
}

/// Ends loads and tells nobody.
struct ForgetsToWake;

impl Discipline for ForgetsToWake {
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        change(&mut state.lock())
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

/// Deletes, one after the other, the keys of which something is cached.
struct WalksOverTheCached;

impl Discipline for WalksOverTheCached {
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        state.change_and_wake(change)
    }

    fn invalidate_all(state: &Locked) {
        state.change_and_wake(|core| {
            for key in 0..KEYS_MAX as u8 {
                if core.store.peek(&key).is_some() {
                    core.invalidate(&key);
                }
            }
        });
    }
}

/// Waits until it is woken, whatever by, and does not look again.
struct TakesAnyWaking;

impl Discipline for TakesAnyWaking {
    fn change<T>(state: &Locked, change: impl FnOnce(&mut Core<u8, u8>) -> T) -> T {
        state.change_and_wake(change)
    }

    fn wait(state: &Locked, ticket: &Ticket) -> Result<u8, LoadFailed> {
        let mut core = state.lock();
        if let Some(result) = core.collect(ticket) {
            return result;
        }
        core = state.told.wait(core).unwrap_or_else(PoisonError::into_inner);
        core.collect(ticket).unwrap_or(Err(LoadFailed))
    }
}

type Racy<D> = Binding<Disciplined<D>>;

struct Disciplined<D> {
    state: Locked,
    discipline: std::marker::PhantomData<fn() -> D>,
}

impl<D: Discipline> SharedCache for Disciplined<D> {
    fn new(config: Config) -> Result<Self, ConfigError> {
        let core = Mutex::new(Core::new(config)?);
        let state = Locked { core, told: Condvar::new() };
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

    fn wait(&self, ticket: &Ticket) -> Option<Result<u8, LoadFailed>> {
        Some(D::wait(&self.state, ticket))
    }

    fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw) {
        D::change(&self.state, |core| {
            let _ = core.insert(key, loaded, now_ms, draw);
        });
    }

    fn invalidate(&self, key: u8) {
        D::change(&self.state, |core| core.invalidate(&key));
    }

    fn invalidate_all(&self) {
        D::invalidate_all(&self.state);
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
