//! Our own limiters, bound to the model's words: alone, which can be explored together with the model, as threads share
//! them, and on a store.

use std::num::NonZeroUsize;

use counterpart::conform::interleave::Script;
use counterpart::model::{Hold, SettableClock};
use counterpart::{Counterpart, Shared};

use super::conformance::{Answer, LimiterInterface, Seen, TICK_NS, by_key, start_ns};
use super::implementation::stored::{MemoryStore, StoredLimiter, WhenUnreachable};
use super::implementation::{AlgorithmName, AnyLimiter, Quota, RateLimiter};
use super::model::{Action, Algorithm, KEYS_MAX, Limiter};

/// The quota that belongs to a model.
///
/// # Panics
/// If the model's bounds make no quota.
pub fn quota(model: &Limiter) -> Quota {
    made(model.limit, model.burst, model.window_ticks)
}

fn made(limit: u8, burst: u8, window_ticks: u8) -> Quota {
    Quota::new(limit.into(), u64::from(window_ticks) * TICK_NS)
        .and_then(|quota| quota.with_burst(burst.into()))
        .expect("a model in the catalogue describes a quota")
}

/// The limiter that belongs to a model.
///
/// # Panics
/// If the model's bounds make no limiter.
pub fn limiter(model: &Limiter) -> AnyLimiter {
    let name = match model.algorithm {
        Algorithm::FixedWindow => AlgorithmName::FixedWindow,
        Algorithm::WindowFromFirstCall => AlgorithmName::WindowFromFirstCall,
        Algorithm::CoarseRefill => AlgorithmName::CoarseRefill,
        Algorithm::SlidingLog => AlgorithmName::SlidingLog,
        Algorithm::SlidingCounter => AlgorithmName::SlidingCounter,
        Algorithm::TokenBucket => AlgorithmName::TokenBucket,
        Algorithm::Gcra => AlgorithmName::Gcra,
    };
    AnyLimiter::new(name, quota(model)).expect("a model in the catalogue describes a limiter")
}

/// A limiter under test: those that threads share as they are shipped, the same as loom compiles them, defective ones, and
/// one for each key, however they are held.
pub trait SharedLimiter: Send + Sync {
    /// Makes the limiter that `model` describes.
    fn of(model: &Limiter) -> Self
    where
        Self: Sized;
    /// Admits a request, or does not.
    fn check(&self, key: u8, now_ns: u64) -> Answer;
    /// Time until a request is admitted, in nanoseconds.
    fn retry_after_ns(&self, key: u8, now_ns: u64) -> u64;
    /// Gives up idle keys.
    fn collect(&self, _slowest_ns: u64) {}
    /// Changes the quota of all keys.
    fn set_quota(&self, _quota: Quota, _now_ns: u64) {
        panic!("its quota stays: a model that sets others does not describe it")
    }
    /// A limiter for each key, where they are plain data.
    fn plain(&mut self) -> Option<&mut Keys> {
        None
    }
}

/// Our limiters alone, one for each key.
pub type Keys = [AnyLimiter; KEYS_MAX];

impl<H: Hold<Keys>> SharedLimiter for H {
    fn of(model: &Limiter) -> Self {
        let limiter = limiter(model);
        H::hold([limiter.clone(), limiter])
    }

    fn check(&self, key: u8, now_ns: u64) -> Answer {
        self.with(|limiters| limiters[usize::from(key)].check(now_ns).into())
    }

    fn retry_after_ns(&self, key: u8, now_ns: u64) -> u64 {
        self.with(|limiters| limiters[usize::from(key)].retry_after_ns(now_ns))
    }

    fn set_quota(&self, quota: Quota, now_ns: u64) {
        let set = |limiter: &mut AnyLimiter| limiter.set_quota(quota, now_ns).expect("a quota of the model");
        self.with(|limiters| limiters.iter_mut().for_each(set));
    }

    fn plain(&mut self) -> Option<&mut Keys> {
        Hold::plain(self)
    }
}

/// Implements [`SharedLimiter`] for limiters without keys: the model has only one.
macro_rules! unkeyed {
    ($limiter:ty, $model:ident => $new:expr) => {
        impl SharedLimiter for $limiter {
            fn of($model: &Limiter) -> Self {
                $new
            }
            fn check(&self, _: u8, now_ns: u64) -> Answer {
                self.check(now_ns).into()
            }
            fn retry_after_ns(&self, _: u8, now_ns: u64) -> u64 {
                self.retry_after_ns(now_ns)
            }
        }
    };
}

macro_rules! shared {
    ($of:path) => {
        const _: () = {
            use $of as compiled;
    unkeyed!(compiled::AtomicGcra, model => Self::new(quota(model)).expect("a GCRA that fits"));
    unkeyed!(compiled::AtomicTokenBucket, model => Self::new(quota(model)).expect("a bucket that fits"));
    unkeyed!(compiled::AtomicFixedWindow, model => Self::new(quota(model)));

            impl SharedLimiter for compiled::SharedKeyed<u8, AnyLimiter> {
                fn of(model: &Limiter) -> Self {
                    // One shard: where a key comes to lie would be another choice for loom.
                    Self::new(limiter(model), NonZeroUsize::MIN)
                }
                fn check(&self, key: u8, now_ns: u64) -> Answer {
                    self.check(&key, now_ns).into()
                }
                fn retry_after_ns(&self, key: u8, now_ns: u64) -> u64 {
                    self.retry_after_ns(&key, now_ns)
                }
                fn collect(&self, slowest_ns: u64) {
                    self.collect(slowest_ns);
                }
                fn set_quota(&self, quota: Quota, now_ns: u64) {
                    self.set_quota(quota, now_ns).expect("a quota of the model");
                }
            }
        };
    };
}

shared!(super::shared);
shared!(super::loomed::shared);

/// A limiter with its clock, and those of its clients.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Binding<L> {
    limiter: L,
    clock: SettableClock,
    world: World,
}

/// The part of a model that does not change.
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    window_ns: u64,
    slowest_ns: u64,
    skews_ticks: Vec<i8>,
    keys: u8,
    quotas: Vec<Quota>,
}

impl<L: SharedLimiter> Binding<L> {
    /// The limiter that `model` describes.
    pub fn new(model: &Limiter) -> Self {
        Binding {
            limiter: L::of(model),
            clock: SettableClock::at(start_ns(model)),
            world: World {
                window_ns: u64::from(model.window_ticks) * TICK_NS,
                slowest_ns: u64::from(model.slowest_ticks().unsigned_abs()) * TICK_NS,
                skews_ticks: model.skews_ticks.clone(),
                keys: model.keys,
                quotas: model.quotas.iter().map(|set| made(set.limit, set.burst, model.window_ticks)).collect(),
            },
        }
    }

    /// What the clock of `client` shows.
    fn shown_ns(&self, client: u8) -> u64 {
        let skew_ns = i64::from(self.world.skews_ticks[usize::from(client)]) * TICK_NS as i64;
        self.clock.now().saturating_add_signed(skew_ns)
    }
}

impl<L: SharedLimiter> Shared<LimiterInterface> for Binding<L> {
    fn call(&self, input: &Action) -> Answer {
        match *input {
            Action::Check { client, key } => self.limiter.check(key, self.shown_ns(client)),
            Action::Tick => {
                self.clock.advance(TICK_NS);
                Answer::Done
            }
            Action::Collect => {
                self.limiter.collect(self.clock.now() - self.world.slowest_ns);
                Answer::Done
            }
            Action::SetQuota { quota } => {
                self.limiter.set_quota(self.world.quotas[usize::from(quota)], self.clock.now());
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        let now_ns = self.clock.now();
        let ticks = |key| {
            let retry_after_ns = self.limiter.retry_after_ns(key, now_ns);
            u8::try_from(retry_after_ns.div_ceil(TICK_NS)).unwrap_or(u8::MAX)
        };
        Some(Seen { retry_after_ticks: by_key(self.world.keys, ticks) })
    }

    /// Instants are taken relative to now; what is further behind than anybody can tell is equally far behind.
    fn canonical(&mut self) {
        let (window_ns, mut now_ns) = (self.world.window_ns, self.clock.now());
        let Some(limiters) = self.limiter.plain() else { return };
        // Whole windows, so that the clock's windows stay what they are.
        let windows = now_ns / window_ns - 100;
        let shift_ns = windows * window_ns;
        now_ns -= shift_ns;
        self.clock = SettableClock::at(now_ns);
        let slowest_ns = now_ns - self.world.slowest_ns;
        let earlier = |at_ns: u64| at_ns.saturating_sub(shift_ns);
        for limiter in limiters {
            match limiter {
                AnyLimiter::FixedWindow(limiter) => limiter.window = limiter.window.saturating_sub(windows).max(90),
                AnyLimiter::WindowFromFirstCall(limiter) => {
                    limiter.start_ns = earlier(limiter.start_ns).max(now_ns - 3 * window_ns);
                }
                AnyLimiter::CoarseRefill(limiter) => limiter.window = limiter.window.saturating_sub(windows).max(90),
                AnyLimiter::SlidingLog(limiter) => {
                    limiter.admitted_ns.iter_mut().for_each(|at_ns| *at_ns = earlier(*at_ns));
                    limiter.admitted_ns.retain(|at_ns| slowest_ns.saturating_sub(*at_ns) < window_ns);
                }
                AnyLimiter::SlidingCounter(limiter) => limiter.window = limiter.window.saturating_sub(windows).max(90),
                AnyLimiter::TokenBucket(limiter) => {
                    limiter.at_ns = earlier(limiter.at_ns);
                    limiter.missing = limiter.missing_at(slowest_ns);
                    limiter.at_ns = limiter.at_ns.max(slowest_ns);
                }
                AnyLimiter::Gcra(limiter) => limiter.due_ns = earlier(limiter.due_ns).max(slowest_ns),
            }
        }
    }
}

/// Our limiter on a store, with the store's clock. The store has one clock, and its callers have none.
pub struct StoredBinding {
    limiter: StoredLimiter<MemoryStore<u8>>,
    now_ns: u64,
}

impl StoredBinding {
    /// The limiter that `model` describes.
    pub fn new(model: &Limiter) -> Self {
        let now_ns = start_ns(model);
        StoredBinding {
            limiter: StoredLimiter::new(quota(model), MemoryStore::at(now_ns), WhenUnreachable::Deny),
            now_ns,
        }
    }
}

impl Counterpart<LimiterInterface> for StoredBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Check { key, .. } => self.limiter.check(&key).into(),
            Action::Tick => {
                self.now_ns += TICK_NS;
                self.limiter.store().set_now_ns(self.now_ns);
                Answer::Done
            }
            // The store gives keys up by itself, and has one quota.
            Action::Collect | Action::SetQuota { .. } => Answer::Done,
        }
    }
}

const fn check(key: u8) -> Action {
    Action::Check { client: 0, key }
}

/// What threads do at once, each script for a race of its own, at a limit of two.
pub fn scripts() -> Vec<Script<Action>> {
    vec![
        last_one(),
        // The window of before is over, and two find that out at once.
        Script::after([vec![check(0); 2], vec![Action::Tick; 4]].concat())
            .thread([check(0), check(0)])
            .thread([check(0)]),
    ]
}

/// Scripts with many schedules: three for two, and two who ask twice each.
pub fn more_scripts() -> Vec<Script<Action>> {
    vec![
        Script::after([]).thread([check(0)]).thread([check(0)]).thread([check(0)]),
        Script::after([]).thread([check(0), check(0)]).thread([check(0), check(0)]),
    ]
}

/// The same, as far as threads that run are interrupted three times at most.
pub fn more_scripts_bounded() -> Vec<Script<Action>> {
    more_scripts().into_iter().map(|script| script.preemptions_max(3)).collect()
}

/// Two callers that ask for the last one.
pub fn last_one() -> Script<Action> {
    Script::after([check(0)]).thread([check(0)]).thread([check(0)])
}

/// What threads do at once on a keyed store, one of whose keys is collected meanwhile. Collecting is done by threads
/// too.
pub fn keyed_scripts() -> Vec<Script<Action>> {
    vec![
        last_one(),
        Script::after([check(0), check(1)]).thread([check(0), check(1)]).thread([check(1), check(0)]),
        Script::after([check(0), check(1), Action::Tick, Action::Tick, Action::Tick, Action::Tick])
            .thread([Action::Collect])
            .thread([check(0), check(1)]),
        Script::after([check(0), check(1)]).thread([Action::Collect, check(1)]).thread([check(0), check(0)]),
    ]
}

/// The quota is changed while others ask: what was admitted before counts for all of them.
pub fn quota_scripts() -> Vec<Script<Action>> {
    let set = |quota| Action::SetQuota { quota };
    vec![
        Script::after([check(0)]).thread([set(0), check(0)]).thread([check(0), check(1)]),
        Script::after([check(0), check(1)]).thread([set(0)]).thread([set(1), check(0)]).thread([check(1)]),
        Script::after([check(0)]).thread([set(0), Action::Collect]).thread([check(1), check(0)]),
    ]
}
