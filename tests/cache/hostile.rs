//! Hostile configurations, clocks, sizes and costs, and any order of calls.

use counterpart_models::cache::{Config, ConfigError, Core, Draw, Lease, Loaded, Lookup, Policy, Ticket};
use libtest_mimic::Trial;
use proptest::prelude::{Strategy, any, prop_oneof};

use super::{loaded, small};
use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("cache::every_configuration_is_a_cache_or_an_error", configurations),
        claim("cache::no_clock_size_cost_or_order_of_calls_makes_it_panic", hostile),
        claim("cache::jitter_leaves_some_life_and_never_adds", jitter),
    ]
}

fn time() -> impl Strategy<Value = u64> {
    number(prop_oneof![0..3_000_u64, any::<u64>()])
}

fn count() -> impl Strategy<Value = u32> {
    number(0..6_u32)
}

fn config() -> impl Strategy<Value = Config> {
    let policy = prop_oneof![
        proptest::sample::select(vec![Policy::Lru, Policy::Fifo]),
        drawn!(Policy::Gdsf { frequency_max: count() }),
    ];
    drawn!(Config {
        capacity: number(0..8_u64),
        policy: policy,
        ttl_ms: time(),
        jitter_percent: edgy(vec![100, 101], number(any::<u8>())),
        early_percent: count(),
        lease_ms: time(),
        loads_max: count(),
    })
}

fn configurations() {
    for_all(config(), |config| {
        let some = config.capacity > 0 && config.ttl_ms > 0 && config.lease_ms > 0 && config.loads_max > 0;
        let made = Core::<u8, u8>::new(config.clone());
        assert_eq!(made.is_ok(), some && config.jitter_percent <= 100, "{config:?}");
    });
    let refused = |config| Core::<u8, u8>::new(config).expect_err("refused");
    assert_eq!(refused(Config { capacity: 0, ..small() }), ConfigError::Zero { field: "capacity" });
    assert_eq!(refused(Config { ttl_ms: 0, ..small() }).to_string(), "ttl_ms is 0, it must be at least 1");
    let beyond = refused(Config { jitter_percent: 101, ..small() }).to_string();
    assert_eq!(beyond, "jitter_percent is 101, it must be between 0 and 100");
}

/// What comes from outside; leases and tickets by their place among those that are out.
#[derive(Clone, Copy, Debug)]
enum What {
    Get,
    Finish,
    Fail,
    Cancel,
    Collect,
    Insert,
    Invalidate,
    ExpireLeases,
}

/// One input from outside, with all the numbers that any has.
#[derive(Clone, Debug)]
struct Event {
    what: What,
    key: u8,
    now_ms: u64,
    size: u32,
    cost: u32,
    took_ms: u64,
    draw: u32,
}

#[derive(Clone, Debug)]
struct Hostile {
    config: Config,
    events: Vec<Event>,
}

fn hostile_input() -> impl Strategy<Value = Hostile> {
    use What::{Cancel, Collect, ExpireLeases, Fail, Finish, Get, Insert, Invalidate};
    let what = vec![Get, Get, Get, Finish, Fail, Cancel, Collect, Insert, Invalidate, ExpireLeases];
    let event = drawn!(Event {
        what: proptest::sample::select(what),
        key: 0..6_u8,
        now_ms: time(),
        size: count(),
        cost: count(),
        took_ms: time(),
        draw: count(),
    });
    drawn!(Hostile { config: config(), events: proptest::collection::vec(event, 0..150) })
}

fn ends_a_load(what: What) -> bool {
    matches!(what, What::Finish | What::Fail | What::Cancel)
}

fn one_of<T>(out: &mut Vec<T>, place: u8) -> Option<T> {
    (!out.is_empty()).then(|| out.swap_remove(usize::from(place) % out.len()))
}

fn hostile() {
    for_all(hostile_input(), |Hostile { config, events }| {
        let Ok(mut cache) = Core::<u8, u64>::new(config.clone()) else { return };
        let mut leases: Vec<Lease> = Vec::new();
        let mut tickets: Vec<Ticket> = Vec::new();
        let (mut gets, mut costs) = (0, 0_u64);
        for Event { what, key, now_ms, size, cost, took_ms, draw } in events {
            let (loaded, draw) = (Loaded { value: now_ms, size, cost, took_ms }, Draw(draw));
            let lease = ends_a_load(what).then(|| one_of(&mut leases, key)).flatten();
            match (what, lease) {
                (What::Get, _) => {
                    gets += 1;
                    match cache.get(&key, now_ms, draw) {
                        Lookup::Hit(_) | Lookup::Shed => {}
                        Lookup::Refresh(_, lease) | Lookup::Lead(lease) => leases.push(lease),
                        Lookup::Join(ticket) => tickets.push(ticket),
                    }
                }
                (What::Finish, Some(lease)) => {
                    costs = costs.saturating_add(cost.into());
                    cache.finish(lease, loaded, now_ms, draw);
                }
                (What::Fail, Some(lease)) => {
                    costs = costs.saturating_add(cost.into());
                    cache.fail(lease, cost, now_ms);
                }
                (What::Cancel, Some(lease)) => cache.cancel(lease, now_ms),
                (What::Finish | What::Fail | What::Cancel, None) => {}
                (What::Collect, _) => {
                    if let Some(ticket) = one_of(&mut tickets, key).filter(|ticket| cache.collect(ticket).is_none()) {
                        cache.leave(&ticket);
                    }
                }
                (What::Insert, _) => drop(cache.insert(key, loaded, now_ms, draw)),
                (What::Invalidate, _) => cache.invalidate(&key),
                (What::ExpireLeases, _) => drop(cache.expire_leases(now_ms)),
            }
            let stats = cache.stats();
            assert!(cache.used() <= config.capacity, "{} of {}", cache.used(), config.capacity);
            assert!(cache.loads_under_way() <= config.loads_max);
            assert_eq!(stats.hits + stats.misses, gets);
            assert_eq!(stats.cost_of_loads, costs);
        }
    });
}

#[derive(Clone, Debug)]
struct Jitter {
    ttl_ms: u64,
    jitter_percent: u8,
    draw: u32,
}

fn jitter() {
    let drawn = drawn!(Jitter { ttl_ms: time(), jitter_percent: number(0..=100_u8), draw: number(any::<u32>()) });
    for_all(drawn, |Jitter { ttl_ms, jitter_percent, draw }| {
        let Ok(mut cache) = Core::new(Config { ttl_ms, jitter_percent, ..small() }) else { return };
        cache.insert("a", loaded(1), 0, Draw(draw)).expect("it fits");
        let (_, left_ms) = cache.peek(&"a", 0).expect("it lives for some time");
        let least = u128::from(ttl_ms) * u128::from(100 - jitter_percent) / 100;
        assert!(left_ms <= ttl_ms && u128::from(left_ms) >= least, "{left_ms} of {ttl_ms}");
    });
}
