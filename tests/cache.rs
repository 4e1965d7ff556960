//! The cache as someone meets it who ships it: clocks, sizes and costs, in [`hostile`] all at once; threads that miss
//! together; and the figures of the story.

mod hostile;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use counterpart::explore::{Budget, explore};
use counterpart_models::cache::database::chart::run;
use counterpart_models::cache::database::model::{Database, Policy as DatabasePolicy};
use counterpart_models::cache::database::story;
use counterpart_models::cache::{
    Cache, Config, Core, Draw, Ended, LoadError, LoadFailed, Loaded, Lookup, Policy, Stats, zipf,
};
use libtest_mimic::Trial;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = hostile::trials();
    trials.extend([
        claim("cache::a_clock_that_goes_back_or_leaps_costs_a_miss_and_no_more", clocks),
        claim("cache::the_ledger_stays_at_the_largest_number", ledger),
        claim("cache::what_is_larger_than_the_cache_is_handed_on_and_not_kept", too_large),
        claim("cache::what_comes_after_the_lease_has_expired_is_not_stored", late),
        claim("cache::an_expired_lease_makes_room_for_another_load", room),
        claim("cache::room_is_accounted_for_when_a_value_changes_its_size", sizes),
        claim("cache::values_are_refreshed_early_as_often_as_xfetch_says", xfetch),
        claim("cache::a_load_that_panics_is_given_up", panicking_load),
        claim("cache::threads_that_miss_together_load_once", threads),
        claim("cache::a_failed_refresh_serves_what_lives", failed_refresh),
        claim("cache::the_earliest_refresh_is_22_loads_before_the_end", earliest_refresh),
        claim("cache::nothing_is_kept_for_who_has_left", left),
        claim("cache::gdsf_keeps_its_order_at_the_limits", gdsf_limits),
        claim("cache::a_tick_has_three_misses_at_most_and_150_of_153_is_the_worst_ratio", worst_ratio),
        claim("cache::the_story_shows_ratio_and_load_in_one_run", story_run),
        claim("cache::cost_aware_eviction_costs_less_at_a_lower_ratio", zipf_workload),
        #[cfg(feature = "peers")]
        claim("cache::moka_with_the_end_kept_in_the_value_expires_as_ours", peers::moka_with_valid_until),
    ]);
    trials
}

fn small() -> Config {
    Config {
        capacity: 4,
        policy: Policy::Lru,
        ttl_ms: 1_000,
        jitter_percent: 0,
        early_percent: 0,
        lease_ms: 500,
        loads_max: 2,
    }
}

fn loaded<V>(value: V) -> Loaded<V> {
    Loaded { value, size: 1, cost: 1, took_ms: 0 }
}

/// Puts `key` into `cache` at `now_ms`.
fn put(cache: &mut Core<&'static str, u8>, key: &'static str, now_ms: u64) {
    cache.insert(key, loaded(1), now_ms, Draw(0)).expect("it fits");
}

fn clocks() {
    const YEARS_MS: u64 = 50 * 365 * 24 * 3_600 * 1_000;
    let mut cache = Core::new(small()).expect("a cache");
    put(&mut cache, "a", YEARS_MS);
    assert_eq!(cache.get(&"a", YEARS_MS + 999, Draw(0)), Lookup::Hit(1));
    // Set back by years: what was stored in the future is not served for years, but loaded anew.
    let Lookup::Lead(lease) = cache.get(&"a", 0, Draw(0)) else { panic!("it is of the future") };
    assert_eq!(cache.finish(lease, loaded(2), 1, Draw(0)), Ended::Stored);
    assert_eq!(cache.get(&"a", 2, Draw(0)), Lookup::Hit(2));
    // A leap of years ends lives and leases alike.
    let Lookup::Lead(slow) = cache.get(&"b", 3, Draw(0)) else { panic!("nobody loads it") };
    assert!(matches!(cache.get(&"a", YEARS_MS, Draw(0)), Lookup::Lead(_)));
    assert!(matches!(cache.get(&"b", YEARS_MS, Draw(0)), Lookup::Lead(_)));
    assert_eq!(cache.finish(slow, loaded(3), YEARS_MS, Draw(0)), Ended::Voided);
    // Lent before the clock went back: expired too, or its holder's death would block the key for years.
    let Lookup::Lead(_died) = cache.get(&"c", YEARS_MS, Draw(0)) else { return };
    assert!(cache.expire_leases(0) > 0);
    // At the end of time nothing is served, and nothing overflows.
    let mut cache = Core::new(small()).expect("a cache");
    put(&mut cache, "a", u64::MAX);
    assert!(matches!(cache.get(&"a", u64::MAX, Draw(0)), Lookup::Lead(_)));
}

fn ledger() {
    let mut cache = Core::<u32, u8>::new(Config { loads_max: u32::MAX, ..small() }).expect("a cache");
    for key in 0..5 {
        let Lookup::Lead(lease) = cache.get(&key, 0, Draw(0)) else { panic!("a miss") };
        cache.fail(lease, u32::MAX, 0);
    }
    assert_eq!(cache.stats().cost_of_loads, 5 * u64::from(u32::MAX));
    assert_eq!(Stats { hits: u64::MAX, misses: u64::MAX, ..Stats::default() }.hits_per_10_000(), Some(5_000));
    assert_eq!(Stats::default().hits_per_10_000(), None);
}

fn too_large() {
    let mut cache = Core::new(small()).expect("a cache");
    put(&mut cache, "a", 0);
    let large = Loaded { size: 5, ..loaded(2) };
    let Lookup::Lead(lease) = cache.get(&"b", 0, Draw(0)) else { panic!("a miss") };
    let Lookup::Join(ticket) = cache.get(&"b", 0, Draw(0)) else { panic!("it is being loaded") };
    assert_eq!(cache.finish(lease, large.clone(), 0, Draw(0)), Ended::TooLarge);
    assert_eq!(cache.collect(&ticket), Some(Ok(2)));
    // What was there under the key is gone: it is not the value any more.
    assert!(cache.insert("a", large, 0, Draw(0)).is_err());
    assert_eq!((cache.peek(&"a", 0), cache.used()), (None, 0));
}

/// Nobody calls in between: the lease is looked at when its load ends.
fn late() {
    let mut cache = Core::new(small()).expect("a cache");
    let Lookup::Lead(lease) = cache.get(&"a", 0, Draw(0)) else { panic!("a miss") };
    let Lookup::Join(ticket) = cache.get(&"a", 499, Draw(0)) else { panic!("it is being loaded") };
    assert_eq!(cache.collect(&ticket), None);
    assert_eq!(cache.finish(lease, loaded(1), 500, Draw(0)), Ended::Voided);
    assert_eq!(cache.collect(&ticket), Some(Err(LoadFailed)));
    assert_eq!((cache.peek(&"a", 500), cache.loads_under_way()), (None, 0));
    // A tick before it does.
    let Lookup::Lead(lease) = cache.get(&"a", 1_000, Draw(0)) else { panic!("a miss") };
    let Lookup::Join(left) = cache.get(&"a", 1_000, Draw(0)) else { panic!("it is being loaded") };
    cache.leave(&left);
    assert_eq!(cache.finish(lease, loaded(1), 1_499, Draw(0)), Ended::Stored);
    assert_eq!(cache.peek(&"a", 1_499), Some((&1, 1_000)));
    // Nothing is kept for who has left.
    assert_eq!(cache.collect(&left), Some(Err(LoadFailed)));
}

fn room() {
    let mut cache = Core::<_, u8>::new(Config { loads_max: 1, ..small() }).expect("a cache");
    let Lookup::Lead(_died) = cache.get(&"a", 0, Draw(0)) else { panic!("a miss") };
    assert_eq!(cache.get(&"b", 499, Draw(0)), Lookup::Shed);
    assert!(matches!(cache.get(&"b", 500, Draw(0)), Lookup::Lead(_)));
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.shed, stats.loads, cache.loads_under_way()), (3, 1, 2, 1));
}

fn sizes() {
    for policy in [Policy::Lru, Policy::Fifo, Policy::Gdsf { frequency_max: 9 }] {
        let mut cache = Core::new(Config { policy, ..small() }).expect("a cache");
        let mut put = |key, size| {
            cache.insert(key, Loaded { size, ..loaded(1) }, 0, Draw(0)).expect("it fits");
            let held: Vec<bool> = ["a", "b"].iter().map(|key| cache.peek(key, 0).is_some()).collect();
            (cache.used(), held)
        };
        assert_eq!(put("a", 3), (3, vec![true, false]));
        assert_eq!(put("a", 1), (1, vec![true, false]));
        assert_eq!(put("b", 3), (4, vec![true, true]));
        assert_eq!(put("b", 2), (3, vec![true, true]));
        assert_eq!(put("b", 4), (4, vec![false, true]), "{policy:?}");
        assert_eq!(put("a", 0), (1, vec![true, false]), "{policy:?}");
        assert_eq!(cache.stats().evicted, 2, "{policy:?}");
    }
}

/// A value that takes 100 ms to load and ends in as many is refreshed with a probability of 1/e, and of 1/e² in twice
/// as many.
fn xfetch() {
    let mut cache = Core::new(Config { early_percent: 100, ..small() }).expect("a cache");
    cache.insert("a", Loaded { took_ms: 100, ..loaded(1) }, 0, Draw(0)).expect("it fits");
    let mut random = Pcg64::seed_from_u64(2_015);
    for (left_ms, per_mille) in [(100, 368), (200, 135)] {
        let mut refreshed = 0;
        for _ in 0..20_000 {
            match cache.get(&"a", 1_000 - left_ms, Draw((random.next_u64() >> 32) as u32)) {
                Lookup::Refresh(_, lease) => {
                    refreshed += 1;
                    cache.cancel(lease, 1_000 - left_ms);
                }
                other => assert_eq!(other, Lookup::Hit(1)),
            }
        }
        let off = (refreshed - per_mille * 20_i32).abs();
        assert!(off < 300, "{refreshed} of 20,000, {per_mille} per mille expected");
    }
}

fn panicking_load() {
    let cache = Cache::<u8, u8>::new(small()).expect("a cache");
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let load = || -> Result<Loaded<u8>, ()> { std::panic::panic_any("the load panics") };
        let _ = cache.get_or_load(1, || 0, || Draw(0), load);
    }));
    assert!(unwound.is_err(), "a panic goes on to the caller");
    assert_eq!(cache.loads_under_way(), 0);
    assert_eq!(cache.get_or_load(1, || 0, || Draw(0), || Ok::<_, ()>(loaded(3))), Ok(3));
    assert_eq!(cache.get_or_load(2, || 0, || Draw(0), || Err("no")), Err(LoadError::Own("no")));
    let (one, two) = (cache.get(&3, 0, Draw(0)), cache.get(&4, 0, Draw(0)));
    assert_eq!(cache.get_or_load(5, || 0, || Draw(0), || Ok::<_, ()>(loaded(3))), Err(LoadError::Shed));
    assert!(matches!((one, two), (Lookup::Lead(_), Lookup::Lead(_))));
}

fn threads() {
    let cache = Arc::new(Cache::<u8, u8>::new(small()).expect("a cache"));
    let (loads, at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Barrier::new(8)));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (cache, loads, at_once) = (cache.clone(), loads.clone(), at_once.clone());
            std::thread::spawn(move || {
                at_once.wait();
                cache.get_or_load(
                    1,
                    || 0,
                    || Draw(0),
                    || {
                        loads.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, ()>(loaded(7))
                    },
                )
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no thread panics"), Ok(7));
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    // Whoever waits for a holder that has died is told when the lease has expired.
    let Lookup::Lead(_died) = cache.get(&2, 0, Draw(0)) else { panic!("a miss") };
    let Lookup::Join(ticket) = cache.get(&2, 0, Draw(0)) else { panic!("it is being loaded") };
    let waiting = std::thread::spawn({
        let cache = cache.clone();
        move || cache.wait(ticket)
    });
    assert_eq!(cache.expire_leases(500), 1);
    assert_eq!(waiting.join().expect("no thread panics"), Err(LoadFailed));
}

fn failed_refresh() {
    let config = Config { early_percent: 100, ..small() };
    let cache = Cache::<u8, u8>::new(config).expect("a cache");
    let now_ms = AtomicU64::new(0);
    let clock = || now_ms.load(Ordering::SeqCst);
    let slow = Loaded { took_ms: 100, ..loaded(1) };
    assert_eq!(cache.get_or_load(1, clock, || Draw(0), || Ok::<_, ()>(slow)), Ok(1));
    // The smallest draw: 22 times as early as it takes to load, so at once. The largest: never early.
    now_ms.store(500, Ordering::SeqCst);
    assert_eq!(cache.get_or_load(1, clock, || Draw(u32::MAX), || Err(())), Ok(1));
    assert_eq!(cache.stats().loads, 1);
    assert_eq!(cache.get_or_load(1, clock, || Draw(0), || Err(())), Ok(1));
    assert_eq!((cache.stats().loads, cache.stats().hits), (2, 2));
}

/// -ln(2^-32) is 22.18.
fn earliest_refresh() {
    let mut cache = Core::new(Config { early_percent: 100, ..small() }).expect("a cache");
    cache.insert(1, Loaded { took_ms: 10, ..loaded(1) }, 0, Draw(0)).expect("it fits");
    assert_eq!(cache.get(&1, 1_000 - 222, Draw(0)), Lookup::Hit(1));
    assert!(matches!(cache.get(&1, 1_000 - 221, Draw(0)), Lookup::Refresh(1, _)));
}

fn left() {
    let cache = Cache::<u8, Arc<u8>>::new(small()).expect("a cache");
    let Lookup::Lead(lease) = cache.get(&1, 0, Draw(0)) else { panic!("nothing is cached") };
    let Lookup::Join(ticket) = cache.get(&1, 0, Draw(0)) else { panic!("it is being loaded") };
    cache.leave(ticket);
    let value = Arc::new(1);
    assert_eq!(cache.finish(lease, loaded(value.clone()), 0, Draw(0)), Ended::Stored);
    assert_eq!(Arc::strong_count(&value), 2, "this one and the cached one");
}

fn gdsf_limits() {
    let policy = Policy::Gdsf { frequency_max: u32::MAX };
    let mut cache = Core::new(Config { capacity: u64::from(u32::MAX), policy, ..small() }).expect("a cache");
    let dear = Loaded { cost: u32::MAX, ..loaded(1) };
    let bulky = Loaded { size: u32::MAX - 1, cost: u32::MAX, ..loaded(1) };
    cache.insert("dear", dear, 0, Draw(0)).expect("it fits");
    for _ in 0..100 {
        cache.insert("bulky", bulky.clone(), 0, Draw(0)).expect("it fits");
        cache.insert("cheap", loaded(1), 0, Draw(0)).expect("it fits");
        cache.get(&"dear", 0, Draw(0));
    }
    assert!(cache.peek(&"dear", 0).is_some(), "what is dear and small outlives what is bulky or cheap");
    assert!(cache.stats().evicted >= 100);
}

/// Of every reachable tick: the most misses, in an ordinary tick and in one of the flash sale. An ordinary one has a
/// request and a retry for each key; one of the sale has three requests, of five that there could be with both retries.
fn worst_ratio() {
    let model = Database::shop(DatabasePolicy::Naive).flash(2);
    let graph = explore(Arc::new(model.clone()), &Budget::default()).expect("explored");
    let mut worst: BTreeMap<bool, u8> = BTreeMap::new();
    for state in graph.states() {
        let misses = worst.entry(state.last.flash).or_default();
        *misses = (*misses).max(state.last.misses);
    }
    assert_eq!(worst, BTreeMap::from([(false, 3), (true, 4)]));
    let ratios = graph.states().iter().map(|state| model.ratio(state.last));
    let worst = ratios.min_by(|(hits, of), (other, of_other)| (hits * of_other).cmp(&(other * of)));
    assert_eq!(worst, Some((150, 153)));
}

fn story_run() {
    let model = story();
    let states = run(model.clone(), 200);
    let flash: Vec<usize> = (0..states.len()).filter(|tick| states[*tick].last.flash).collect();
    assert_eq!(flash.len(), 1, "the trigger is one tick");
    for state in &states {
        let (hits, requests) = model.ratio(state.last);
        assert!(100 * hits >= 98 * requests, "{hits} of {requests}");
    }
    // The trigger is long over, and from some tick on nobody is answered in time any more.
    let last_good = states.iter().rposition(|state| state.last.good).expect("it began well");
    assert!((flash[0]..40).contains(&last_good), "{last_good}");
    assert!(states[last_good + 1..].iter().all(|state| !state.queue.is_empty()));
}

fn zipf_workload() {
    for capacity in zipf::CAPACITIES {
        let (lru, gdsf) =
            (zipf::run(Policy::Lru, capacity), zipf::run(Policy::Gdsf { frequency_max: 1_000 }, capacity));
        assert_eq!((lru.hits + lru.misses, gdsf.hits + gdsf.misses), (20_000, 20_000));
        assert!(gdsf.cost_of_loads < lru.cost_of_loads, "{capacity}: {gdsf:?} {lru:?}");
    }
    // Where there is little room the costly keys take it, and the ratio is the worse for it.
    let (lru, gdsf) = (zipf::run(Policy::Lru, 25), zipf::run(Policy::Gdsf { frequency_max: 1_000 }, 25));
    assert!(gdsf.hits < lru.hits && 2 * gdsf.cost_of_loads < lru.cost_of_loads, "{gdsf:?} {lru:?}");
}

#[cfg(feature = "peers")]
mod peers {
    use super::{Config, Core, Draw, Lookup, Pcg64, Rng, SeedableRng, loaded, small};

    /// moka's clock cannot be set: the instant at which a value ends is kept in the value, as its users do who test it.
    pub(super) fn moka_with_valid_until() {
        let mut ours = Core::<u8, u64>::new(Config { capacity: 100, loads_max: 100, ..small() }).expect("a cache");
        let theirs = moka::sync::Cache::<u8, (u64, u64)>::new(100);
        let mut random = Pcg64::seed_from_u64(590);
        let mut now_ms = 0;
        let mut hits = 0;
        for step in 0..20_000_u64 {
            let key = (random.next_u64() % 8) as u8;
            match random.next_u64() % 4 {
                0 => now_ms += random.next_u64() % 300,
                1 => {
                    ours.insert(key, loaded(step), now_ms, Draw(0)).expect("it fits");
                    theirs.insert(key, (step, now_ms + 1_000));
                }
                2 => {
                    ours.invalidate(&key);
                    theirs.invalidate(&key);
                }
                _ => {
                    let there = theirs.get(&key).filter(|(_, until_ms)| now_ms < *until_ms).map(|(value, _)| value);
                    let here = match ours.get(&key, now_ms, Draw(0)) {
                        Lookup::Hit(value) => Some(value),
                        Lookup::Lead(lease) => {
                            ours.cancel(lease, now_ms);
                            None
                        }
                        other => panic!("nobody else loads: {other:?}"),
                    };
                    assert_eq!(here, there, "step {step}");
                    hits += u32::from(here.is_some());
                }
            }
        }
        assert!(hits > 500, "{hits}");
    }
}
