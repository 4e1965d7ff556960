//! The model: one limiter of any of the usual algorithms, its keys, callers whose clocks differ, and time.
//!
//! A check happens at an instant, and many may happen in one tick; time is an action. What a key's limiter remembers is
//! kept relative to now, so that the model has a bounded number of states, and is forgotten once no clock can tell. A
//! *monitor* stands outside the limiter: how many were admitted in each of the last ticks, whatever the limiter thinks.

use std::borrow::Cow;

use serde::Serialize;
use stateright::{Model, Property};

use super::algorithms::{Cell, Seen};
pub use super::deviations::Variant;
use super::properties;
pub use super::properties::History;

/// Most keys that a state has room for.
pub const KEYS_MAX: usize = 2;

/// Most ticks that the monitor has room for.
pub const MONITOR_MAX: usize = 16;

/// Most ticks that a clock is from the true time, either way.
pub const SKEW_MAX: i8 = 2;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limiter {
    /// Algorithm by which it decides.
    pub algorithm: Algorithm,
    /// Ticks of the window, or those in which `limit` tokens come: 2 to [`WINDOW_MAX`](super::algorithms::WINDOW_MAX).
    pub window_ticks: u8,
    /// Number of requests in a window.
    pub limit: u8,
    /// Number of requests at once, for algorithms that know of bursts ([`Algorithm::has_burst`]).
    pub burst: u8,
    /// Number of keys, each with a limiter of its own.
    pub keys: u8,
    /// Ticks that the clock of each client is from the true time; the first one's is right.
    pub skews_ticks: Vec<i8>,
    /// Whether idle keys are collected.
    pub collects: bool,
    /// Quotas that may be set while it runs, of the same window; none: its own stays.
    pub quotas: Vec<Quota>,
    /// Ticks for which the monitor remembers; 0: there is none, and no property to judge.
    pub monitored_ticks: u8,
    /// What the limiter does otherwise than it should.
    pub variant: Variant,
}

/// A quota that may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Number of requests in a window.
    pub limit: u8,
    /// Number of requests at once, for algorithms that know of bursts.
    pub burst: u8,
}

/// Algorithm by which a limiter decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Algorithm {
    /// A counter for each window of the clock.
    FixedWindow,
    /// A counter for a window that begins with the first call after the last one ended (tower).
    WindowFromFirstCall,
    /// A bucket that is given all the tokens of a window at once, at each window of the clock (leaky-bucket).
    CoarseRefill,
    /// The instant of each admission of the last window.
    SlidingLog,
    /// Two counters, the older one weighted by how much of its window is still in sight.
    SlidingCounter,
    /// A bucket that is refilled all the time, by parts of a token (ratelimit).
    TokenBucket,
    /// The generic cell rate algorithm: one instant, at which the next cell is due (governor).
    Gcra,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Algorithm; 7] = [
        Algorithm::FixedWindow,
        Algorithm::WindowFromFirstCall,
        Algorithm::CoarseRefill,
        Algorithm::SlidingLog,
        Algorithm::SlidingCounter,
        Algorithm::TokenBucket,
        Algorithm::Gcra,
    ];

    /// Whether its windows are those of the clock.
    pub fn is_aligned(self) -> bool {
        matches!(self, Algorithm::FixedWindow | Algorithm::CoarseRefill | Algorithm::SlidingCounter)
    }

    /// Whether it has a burst beside its limit.
    pub fn has_burst(self) -> bool {
        matches!(self, Algorithm::CoarseRefill | Algorithm::TokenBucket | Algorithm::Gcra)
    }
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks whether a request of `key` may pass.
    Check {
        /// The client, 0-based, by whose clock it is asked.
        client: u8,
        /// The key, 0-based.
        key: u8,
    },
    /// Time passes.
    Tick,
    /// Idle keys are collected.
    Collect,
    /// The operator sets another quota.
    SetQuota {
        /// The quota, 0-based.
        quota: u8,
    },
}

/// A configuration.
///
/// Invariants: the clock is inside its window, and 0 where windows are not the clock's; the monitor holds nothing
/// beyond its ticks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Ticks that the clock is into its window; 0 where windows are not the clock's.
    pub phase: u8,
    /// Quota that is in force, counted from 1 among those that may be set; 0: its own.
    pub quota: u8,
    /// State that is remembered of each key.
    pub cells: [Cell; KEYS_MAX],
    /// History variables.
    pub history: History,
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Limiter) -> bool {
        let aligned = model.algorithm.is_aligned();
        let unmonitored = self.history.admitted.iter().flat_map(|key| &key[usize::from(model.monitored_ticks)..]);
        self.phase < if aligned { model.window_ticks } else { 1 } && unmonitored.into_iter().all(|count| *count == 0)
    }
}

impl Limiter {
    /// A model of one key, of callers by one clock, and of no monitor.
    pub fn of(algorithm: Algorithm, window_ticks: u8, limit: u8) -> Self {
        Limiter {
            algorithm,
            window_ticks,
            limit,
            burst: limit,
            keys: 1,
            skews_ticks: vec![0],
            collects: false,
            quotas: Vec::new(),
            monitored_ticks: 0,
            variant: Variant::Sound,
        }
    }

    /// A model of GCRA, `interval_ticks` a cell: the limit is what a window has room for.
    pub fn gcra(window_ticks: u8, interval_ticks: u8, burst: u8) -> Self {
        Limiter { burst, ..Limiter::of(Algorithm::Gcra, window_ticks, window_ticks / interval_ticks) }
    }

    /// The model under a monitor of so many ticks.
    #[must_use]
    pub fn monitored(mut self, ticks: u8) -> Self {
        self.monitored_ticks = ticks;
        self
    }

    /// The model with two keys, which are collected, and three clients, two of whose clocks are wrong.
    #[must_use]
    pub fn skewed(mut self) -> Self {
        self.keys = 2;
        self.collects = true;
        self.skews_ticks = vec![0, SKEW_MAX, -SKEW_MAX];
        self
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// Ticks between two cells of GCRA.
    pub fn interval_ticks(&self) -> u8 {
        self.window_ticks / self.limit + self.interval_lost()
    }

    /// Ticks that the slowest clock is from the true time; 0 or less.
    pub fn slowest_ticks(&self) -> i8 {
        self.skews_ticks.iter().copied().min().unwrap_or(0).min(0)
    }

    /// Ticks by which clocks differ.
    pub fn span_ticks(&self) -> u8 {
        let fastest = self.skews_ticks.iter().copied().max().unwrap_or(0).max(0);
        fastest.abs_diff(self.slowest_ticks())
    }

    /// The limiter with the quota that is in force.
    fn in_force(&self, quota: u8) -> Cow<'_, Limiter> {
        match quota.checked_sub(1).and_then(|set| self.quotas.get(usize::from(set))) {
            Some(quota) => Cow::Owned(Limiter { limit: quota.limit, burst: quota.burst, ..self.clone() }),
            None => Cow::Borrowed(self),
        }
    }

    /// Outcome of a check: whether it is admitted, and the state that is remembered then.
    pub(super) fn check(&self, state: &State, client: u8, key: u8) -> (bool, Cell) {
        let limiter = self.in_force(state.quota);
        let seen = Seen { phase: state.phase, at: self.skews_ticks[usize::from(client)] };
        let cell = state.cells[self.cell_of(key)];
        match limiter.charge(cell, seen) {
            Some(charged) => (true, charged),
            None => (false, limiter.denied(cell, seen)),
        }
    }

    fn set_quota(&self, state: &mut State, quota: u8) {
        let (before, after) = (self.in_force(state.quota), self.in_force(quota + 1));
        let seen = Seen { phase: state.phase, at: 0 };
        for cell in &mut state.cells {
            *cell = before.carried(*cell, &after, seen);
        }
        state.quota = quota + 1;
    }

    /// Whether `client` would pass with a request of `key`.
    pub fn admits(&self, state: &State, client: u8, key: u8) -> bool {
        self.check(state, client, key).0
    }

    /// Ticks until a client with a right clock would pass with a request of `key`, if nobody else asks: found by
    /// letting time pass, not computed.
    pub fn retry_after_ticks(&self, state: &State, key: u8) -> u8 {
        let mut later = state.clone();
        // Longer than any limiter here makes wait.
        let waits = (0..=(3 + self.quotas.len() as u8) * self.window_ticks).find(|_| {
            let admitted = self.admits(&later, 0, key);
            self.pass(&mut later);
            admitted
        });
        waits.unwrap_or(u8::MAX)
    }

    fn pass(&self, state: &mut State) {
        if self.algorithm.is_aligned() {
            state.phase = (state.phase + 1) % self.window_ticks;
        }
        for cell in &mut state.cells {
            *cell = self.in_force(state.quota).aged(*cell, state.phase);
        }
        if self.monitored_ticks > 0 {
            for admitted in &mut state.history.admitted {
                admitted[..usize::from(self.monitored_ticks)].rotate_right(1);
                admitted[0] = 0;
            }
        }
    }
}

impl Model for Limiter {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { phase: 0, quota: 0, cells: Default::default(), history: History::default() }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        for client in 0..self.skews_ticks.len() as u8 {
            actions.extend((0..self.keys).map(|key| Action::Check { client, key }));
        }
        actions.push(Action::Tick);
        if self.collects {
            actions.push(Action::Collect);
        }
        actions.extend((0..self.quotas.len() as u8).map(|quota| Action::SetQuota { quota }));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Check { client, key } => {
                let (admitted, cell) = self.check(before, client, key);
                after.cells[self.cell_of(key)] = cell;
                self.remember(&mut after.history, key, admitted);
            }
            Action::Tick => self.pass(&mut after),
            // Whatever is forgotten of itself is idle: to collect it changes nothing.
            Action::Collect if self.collects_busy_keys() => after.cells = Default::default(),
            Action::Collect => {}
            Action::SetQuota { quota } => self.set_quota(&mut after, quota),
        }
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties(self)
    }
}
