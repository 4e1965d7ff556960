//! A cache whose caller panics, or calls back: in the load, in the clock, in the draw, in the value's clone.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use counterpart_models::cache::{Cache, Config, Draw, Loaded};
use libtest_mimic::Trial;

use super::raced_cache::{implementation as raced, shared as raced_shared};
use super::{in_every_schedule, unwind, unwinds};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("cache::a_load_that_unwinds_anywhere_is_given_up", anywhere),
        claim("cache::who_waits_for_a_load_that_unwinds_is_told", waiter_is_told),
        claim("cache::what_loads_may_ask_the_cache", asks),
    ]
}

fn config() -> Config {
    Config { lease_ms: u64::MAX, loads_max: 1, jitter_percent: 0, early_percent: 0, ..Config::default() }
}

/// A value that is not cloned once it is told not to be.
#[derive(Debug)]
struct Fussy(u8, Arc<AtomicBool>);

impl Clone for Fussy {
    fn clone(&self) -> Self {
        if self.1.load(Ordering::SeqCst) {
            unwind();
        }
        Fussy(self.0, self.1.clone())
    }
}

fn loaded<V>(value: V) -> Loaded<V> {
    Loaded { value, size: 1, cost: 1, took_ms: 0 }
}

fn of<V>(value: V) -> raced::Loaded<V> {
    raced::Loaded { value, size: 1, cost: 1, took_ms: 0 }
}

/// Gives `value`, and unwinds when it is asked after the first time.
fn once<T: Copy>(value: T) -> impl Fn() -> T {
    let asked = Cell::new(false);
    move || if asked.replace(true) { unwind() } else { value }
}

fn anywhere() {
    for place in ["load", "clock", "draw", "clone", "load, and then in the clock"] {
        let cache = Cache::<u8, Fussy>::new(config()).expect("a cache");
        let refuses = Arc::new(AtomicBool::new(false));
        let value = |refuses: &Arc<AtomicBool>| loaded(Fussy(7, refuses.clone()));
        let load = || {
            refuses.store(place == "clone", Ordering::SeqCst);
            if place.starts_with("load") { unwind() } else { Ok::<_, ()>(value(&refuses)) }
        };
        unwinds(|| match place {
            "clock" | "load, and then in the clock" => cache.get_or_load(1, once(0), || Draw(0), load),
            "draw" => cache.get_or_load(1, || 0, once(Draw(0)), load),
            _ => cache.get_or_load(1, || 0, || Draw(0), load),
        });
        refuses.store(false, Ordering::SeqCst);
        assert_eq!(cache.loads_under_way(), 0, "it unwound in the {place}: a lease is out, and nobody holds it");
        let again = cache.get_or_load(1, || 0, || Draw(0), || Ok::<_, ()>(value(&refuses)));
        assert_eq!(again.map(|value| value.0), Ok(7), "in the {place}");
    }
}

/// loom tells of a schedule in which somebody waits for ever.
fn waiter_is_told() {
    let schedules = in_every_schedule(|| {
        let config = raced::Config { lease_ms: u64::MAX, early_percent: 0, ..raced::Config::default() };
        let cache = loom::sync::Arc::new(raced_shared::Cache::<u8, u8>::new(config).expect("a cache"));
        let load = || Ok::<_, ()>(of(7));
        let other = {
            let cache = cache.clone();
            loom::thread::spawn(move || cache.get_or_load(1, || 0, || raced::Draw(0), load))
        };
        let drawn = Cell::new(false);
        let draw = || if drawn.replace(true) { unwind() } else { raced::Draw(0) };
        let mine = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cache.get_or_load(1, || 0, draw, load)));
        let other = other.join().expect("it does not panic");
        match mine {
            // It led: whoever waited for it is told that there is nothing, whoever came later loads.
            Err(_) => assert!(matches!(other, Ok(7) | Err(raced_shared::LoadError::Other(_))), "{other:?}"),
            // It found the other's value, or waited for it.
            Ok(mine) => assert_eq!((mine, other), (Ok(7), Ok(7))),
        }
        assert_eq!(cache.loads_under_way(), 0);
    });
    assert!(schedules > 10, "{schedules}");
}

/// loom tells of a lock that is taken by whoever holds it.
fn asks() {
    in_every_schedule(|| {
        let cache = raced_shared::Cache::<u8, u32>::new(raced::Config::default()).expect("a cache");
        let under_way = || cache.loads_under_way();
        let load = || cache.get_or_load(2, || 0, || raced::Draw(0), || Ok::<_, ()>(of(under_way()))).map(of);
        let value = cache.get_or_load(1, || u64::from(under_way()), || raced::Draw(under_way()), load);
        assert_eq!((value, under_way()), (Ok(2), 0), "two loads at once, one within the other");
    });
}
