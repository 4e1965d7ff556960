//! What the outside sees of the model, and the bindings of our own limiters to it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use counterpart::conform::interleave::Script;
use counterpart::model::SettableClock;
use counterpart::{Counterpart, Interface, Shared, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::implementation::stored::{MemoryStore, StoredLimiter, WhenUnreachable};
use super::implementation::{AlgorithmName, AnyLimiter, Quota, RateLimiter};
use super::model::{
    AT_MOST_LIMIT, Action, Algorithm, ITS_CURVE, KEYS_MAX, Limiter, NO_DOUBLE_BURST, READY_AFTER_SILENCE, State,
};

/// A tick of the model, as a limiter under test sees it.
pub const TICK_NS: u64 = 1_000_000_000;

/// What the clock of a limiter under test shows first: room for clocks that are behind, and the beginning of a window
/// whatever its length.
pub fn start_ns(model: &Limiter) -> u64 {
    100 * u64::from(model.window_ticks) * TICK_NS
}

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimiterSpec;

impl Spec for LimiterSpec {
    type Model = Limiter;

    fn parameters(&self, model: &Limiter) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("algorithm", format!("{:?}", model.algorithm)),
            ("window", format!("{} ticks", model.window_ticks)),
            ("limit", model.limit.to_string()),
            ("keys", model.keys.to_string()),
            ("clients' clocks", format!("{:?}", model.skews_ticks)),
        ];
        if model.algorithm.has_burst() {
            parameters.push(("burst", model.burst.to_string()));
        }
        if model.collects {
            parameters.push(("idle keys", "collected".into()));
        }
        if model.monitored_ticks > 0 {
            parameters.push(("monitored", format!("{} ticks", model.monitored_ticks)));
        }
        parameters.push(("variant", format!("{:?}", model.variant)));
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Check { client, .. } => format!("client {client}"),
            Action::Tick => "clock".into(),
            Action::Collect => "collector".into(),
        }
    }

    fn state_json(&self, model: &Limiter, state: &State) -> Value {
        let keys = 0..usize::from(model.keys);
        let remembered: Vec<String> = keys.clone().map(|key| model.described(&state.cells[key])).collect();
        let mut shown = json!({ "remembered": remembered.join(" | ") });
        if model.algorithm.is_aligned() {
            shown["ticks into the window"] = state.phase.into();
        }
        if model.monitored_ticks > 0 {
            let ticks = usize::from(model.monitored_ticks);
            let admitted = keys.map(|key| {
                let counts = state.history.admitted[key][..ticks].iter().rev();
                counts.map(|count| if *count == 0 { ".".into() } else { count.to_string() }).collect::<String>()
            });
            shown["admitted, by tick"] = admitted.collect::<Vec<_>>().join(" | ").into();
        }
        shown
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// For someone who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (
        AT_MOST_LIMIT,
        "the limit is kept in the limiter's own windows, or on average, and not in every window: whoever stands behind it \
         sees more within one window's time than was promised",
    ),
    (
        NO_DOUBLE_BURST,
        "the limit is spent in the last tick of one window and again in the first tick of the next: each window is within \
         its limit, and what stands behind sees twice as much at once",
    ),
    (ITS_CURVE, "more passes than the algorithm can ever admit: this limiter does not limit"),
    (READY_AFTER_SILENCE, "nobody was admitted for as long as it takes to be entitled again, and a request is denied"),
];

/// What the outside sees.
pub struct LimiterInterface;

/// What a client, the clock or the collector gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It may pass.
    Admitted,
    /// It may not.
    Denied,
    /// Nothing to say.
    Done,
}

impl<E> From<Result<(), E>> for Answer {
    fn from(checked: Result<(), E>) -> Self {
        if checked.is_ok() { Answer::Admitted } else { Answer::Denied }
    }
}

/// What can be read between checks: how long until each key would pass, by a right clock, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Of each key; 0 for at once.
    pub retry_after_ticks: [u8; KEYS_MAX],
}

impl Interface for LimiterInterface {
    type Model = Limiter;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, model: &Limiter, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match *action {
            Action::Check { client, key } if model.admits(from, client, key) => Answer::Admitted,
            Action::Check { .. } => Answer::Denied,
            Action::Tick | Action::Collect => Answer::Done,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, model: &Limiter, state: &State) -> Option<Seen> {
        Some(Seen { retry_after_ticks: by_key(model, |key| model.retry_after_ticks(state, key)) })
    }
}

fn by_key(model: &Limiter, of: impl Fn(u8) -> u8) -> [u8; KEYS_MAX] {
    let mut all = [0; KEYS_MAX];
    (0..model.keys).for_each(|key| all[usize::from(key)] = of(key));
    all
}

fn seen(model: &Limiter, retry_after_ns: impl Fn(u8) -> u64) -> Option<Seen> {
    let ticks = |key| u8::try_from(retry_after_ns(key).div_ceil(TICK_NS)).unwrap_or(u8::MAX);
    Some(Seen { retry_after_ticks: by_key(model, ticks) })
}

/// The quota that belongs to a model.
///
/// # Panics
/// If the model's bounds make no quota.
pub fn quota(model: &Limiter) -> Quota {
    Quota::new(model.limit.into(), u64::from(model.window_ticks) * TICK_NS)
        .and_then(|quota| quota.with_burst(model.burst.into()))
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

/// What the clock of `client` shows.
fn shown_ns(model: &Limiter, client: u8, now_ns: u64) -> u64 {
    let skew = i64::from(model.skews_ticks[usize::from(client)]) * TICK_NS as i64;
    now_ns.saturating_add_signed(skew)
}

/// Our limiters alone, one a key: plain data, so that they can be explored together with the model.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CoreBinding {
    limiters: [AnyLimiter; KEYS_MAX],
    now_ns: u64,
    /// Of the model: it does not change.
    world: World,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    window_ns: u64,
    slowest_ns: u64,
    skews_ticks: Vec<i8>,
    keys: u8,
}

impl CoreBinding {
    /// The limiters that `model` describes.
    pub fn new(model: &Limiter) -> Self {
        let limiter = limiter(model);
        CoreBinding {
            limiters: [limiter.clone(), limiter],
            now_ns: start_ns(model),
            world: World {
                window_ns: u64::from(model.window_ticks) * TICK_NS,
                slowest_ns: u64::from(model.slowest_ticks().unsigned_abs()) * TICK_NS,
                skews_ticks: model.skews_ticks.clone(),
                keys: model.keys,
            },
        }
    }
}

impl Counterpart<LimiterInterface> for CoreBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Check { client, key } => {
                let skew_ns = i64::from(self.world.skews_ticks[usize::from(client)]) * TICK_NS as i64;
                self.limiters[usize::from(key)].check(self.now_ns.saturating_add_signed(skew_ns)).into()
            }
            Action::Tick => {
                self.now_ns += TICK_NS;
                Answer::Done
            }
            // Without a store there is nothing to collect.
            Action::Collect => Answer::Done,
        }
    }

    fn observe(&self) -> Option<Seen> {
        let mut retry_after_ticks = [0; KEYS_MAX];
        for (key, limiter) in self.limiters[..usize::from(self.world.keys)].iter().enumerate() {
            let ticks = limiter.retry_after_ns(self.now_ns).div_ceil(TICK_NS);
            retry_after_ticks[key] = u8::try_from(ticks).unwrap_or(u8::MAX);
        }
        Some(Seen { retry_after_ticks })
    }

    /// Instants are taken relative to now; what is further behind than anybody can tell is equally far behind.
    fn canonical(&mut self) {
        let window_ns = self.world.window_ns;
        // Whole windows, so that the clock's windows stay what they are.
        let windows = self.now_ns / window_ns - 100;
        let shift_ns = windows * window_ns;
        self.now_ns -= shift_ns;
        let (now_ns, slowest_ns) = (self.now_ns, self.now_ns - self.world.slowest_ns);
        let earlier = |at_ns: u64| at_ns.saturating_sub(shift_ns);
        for limiter in &mut self.limiters {
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

/// A limiter that threads share: those that are shipped, the same as loom compiles them, and defective ones.
pub trait SharedLimiter: Send + Sync {
    /// The one that `model` describes.
    fn of(model: &Limiter) -> Self
    where
        Self: Sized;
    /// Admits a request, or does not.
    fn check(&self, key: u8, now_ns: u64) -> Answer;
    /// How long until one is admitted.
    fn retry_after_ns(&self, key: u8, now_ns: u64) -> u64;
    /// Idle keys are given up.
    fn collect(&self, _slowest_ns: u64) {}
}

/// Those that have no keys: the model has only one.
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
            }
        };
    };
}

shared!(super::shared);
shared!(super::loomed::shared);

/// A shared limiter with its clock.
pub struct SharedBinding<L> {
    limiter: L,
    model: Limiter,
    clock_ticks: SettableClock,
}

impl<L: SharedLimiter> SharedBinding<L> {
    /// The limiter that `model` describes.
    pub fn new(model: &Limiter) -> Self {
        SharedBinding { limiter: L::of(model), model: model.clone(), clock_ticks: SettableClock::default() }
    }

    /// The settable clock counts milliseconds, of which one is a tick here.
    fn now_ns(&self) -> u64 {
        start_ns(&self.model) + self.clock_ticks.now() * TICK_NS
    }
}

impl<L: SharedLimiter> Shared<LimiterInterface> for SharedBinding<L> {
    fn call(&self, input: &Action) -> Answer {
        match *input {
            Action::Check { client, key } => self.limiter.check(key, shown_ns(&self.model, client, self.now_ns())),
            Action::Tick => {
                self.clock_ticks.advance(1);
                Answer::Done
            }
            Action::Collect => {
                let behind = u64::from(self.model.slowest_ticks().unsigned_abs()) * TICK_NS;
                self.limiter.collect(self.now_ns() - behind);
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        let now_ns = self.now_ns();
        seen(&self.model, |key| self.limiter.retry_after_ns(key, now_ns))
    }
}

/// Our limiter on a store, with the store's clock. The store has one clock, and who asks has none.
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
            // The store gives keys up by itself.
            Action::Collect => Answer::Done,
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

/// Those with many schedules.
pub fn more_scripts() -> Vec<Script<Action>> {
    vec![
        // Three for two.
        Script::after([]).thread([check(0)]).thread([check(0)]).thread([check(0)]),
        // Each asks twice.
        Script::after([]).thread([check(0), check(0)]).thread([check(0), check(0)]),
    ]
}

/// Two ask for the last one.
pub fn last_one() -> Script<Action> {
    Script::after([check(0)]).thread([check(0)]).thread([check(0)])
}

/// The same of a keyed store, one of whose keys is collected meanwhile. Collecting is done by threads too.
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
