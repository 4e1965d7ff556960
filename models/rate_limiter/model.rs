//! The model: one limiter of any of the usual algorithms, its keys, callers whose clocks differ, and time.
//!
//! A check happens at an instant, and many may happen in one tick; time is an action. What a key's limiter remembers is
//! kept relative to now, so that the model has a bounded number of states, and is forgotten once no clock can tell. A
//! *monitor* stands outside the limiter: how many were admitted in each of the last ticks, whatever the limiter thinks.

use serde::Serialize;
use stateright::{Model, Property};

use super::algorithms::{Cell, Seen};

/// Most keys that a state has room for.
pub const KEYS_MAX: usize = 2;

/// Most ticks that the monitor has room for.
pub const MONITOR_MAX: usize = 16;

/// Clocks are at most so far from the true time, either way.
pub const SKEW_MAX: i8 = 2;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limiter {
    /// How it decides.
    pub algorithm: Algorithm,
    /// The window, or the time in which `limit` tokens come: 2 to [`WINDOW_MAX`](super::algorithms::WINDOW_MAX).
    pub window_ticks: u8,
    /// Requests a window.
    pub limit: u8,
    /// Requests at once, of those algorithms that know of bursts ([`Algorithm::has_burst`]).
    pub burst: u8,
    /// Keys, each with a limiter of its own.
    pub keys: u8,
    /// How far the clock of each client is from the true time, in ticks; the first one's is right.
    pub skews_ticks: Vec<i8>,
    /// Whether idle keys are collected.
    pub collects: bool,
    /// For how many ticks the monitor remembers; 0: there is none, and no property to judge.
    pub monitored_ticks: u8,
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// How a limiter decides.
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
    /// All of them.
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

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As it should be.
    #[default]
    Sound,
    /// Compares what it has admitted with ≤ where < is meant.
    AdmitsOneMore,
    /// Lets go of an admission a tick before the window is over.
    ForgetsAtTheEdge,
    /// Refills whole tokens at every check and forgets the part that is left over.
    DropsTheRemainder,
    /// Computes the time since its last step without regard to a clock that is behind: the difference wraps, and very
    /// long ago everything was full.
    WrapsBackwardClock,
    /// Charges a request that it denies.
    CountsDenied,
    /// Refills without looking at the burst.
    RefillsBeyondBurst,
    /// Collects keys that are still in use.
    CollectsBusyKeys,
    /// Has one limiter for all keys.
    SharesOneLimiter,
    /// A limiter that was used before admits one more than the burst; one that never was does not (governor before
    /// 0.8.0).
    AdmitsOneMoreOnceUsed,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks whether a request of `key` may pass.
    Check {
        /// 0-based; by whose clock.
        client: u8,
        /// 0-based.
        key: u8,
    },
    /// Time passes.
    Tick,
    /// Idle keys are collected.
    Collect,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// How far the clock is into its window; 0 where windows are not the clock's.
    pub phase: u8,
    /// What is remembered of each key.
    pub cells: [Cell; KEYS_MAX],
    /// History.
    pub history: History,
}

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Admitted in each of the last ticks, the current one first.
    pub admitted: [[u8; MONITOR_MAX]; KEYS_MAX],
    /// Somebody was denied.
    pub denied: bool,
    /// Somebody was denied after a silence that entitles everyone to pass.
    pub denied_after_silence: bool,
}

impl History {
    /// Admitted in the last `ticks`, of the key of which it is most.
    pub fn admitted_in(&self, ticks: u8) -> u16 {
        let sum = |key: &[u8; MONITOR_MAX]| key[..usize::from(ticks)].iter().map(|count| u16::from(*count)).sum();
        self.admitted.iter().map(sum).max().unwrap_or(0)
    }
}

/// Never more than the limit in any window.
pub const AT_MOST_LIMIT: &str = "any window admits at most the limit";
/// Never twice the limit within two ticks.
pub const NO_DOUBLE_BURST: &str = "two neighbouring ticks admit less than twice the limit";
/// Never more than its own curve.
pub const ITS_CURVE: &str = "any stretch of time admits at most what its curve says";
/// A limiter that nobody was admitted by is ready.
pub const READY_AFTER_SILENCE: &str = "after a silence nobody is denied";

impl Limiter {
    /// One key, callers by one clock, and no monitor.
    pub fn of(algorithm: Algorithm, window_ticks: u8, limit: u8) -> Self {
        Limiter {
            algorithm,
            window_ticks,
            limit,
            burst: limit,
            keys: 1,
            skews_ticks: vec![0],
            collects: false,
            monitored_ticks: 0,
            variant: Variant::Sound,
        }
    }

    /// GCRA, `interval_ticks` a cell: the limit is what a window has room for.
    pub fn gcra(window_ticks: u8, interval_ticks: u8, burst: u8) -> Self {
        Limiter { burst, ..Limiter::of(Algorithm::Gcra, window_ticks, window_ticks / interval_ticks) }
    }

    /// The same under a monitor of so many ticks.
    #[must_use]
    pub fn monitored(mut self, ticks: u8) -> Self {
        self.monitored_ticks = ticks;
        self
    }

    /// The same with two keys, which are collected, and three clients, two of whose clocks are wrong.
    #[must_use]
    pub fn skewed(mut self) -> Self {
        self.keys = 2;
        self.collects = true;
        self.skews_ticks = vec![0, SKEW_MAX, -SKEW_MAX];
        self
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    pub(super) fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    /// GCRA's time between two cells.
    pub fn interval_ticks(&self) -> u8 {
        self.window_ticks / self.limit
    }

    /// How far the slowest clock is behind; 0 or less.
    pub fn slowest_ticks(&self) -> i8 {
        self.skews_ticks.iter().copied().min().unwrap_or(0).min(0)
    }

    /// By how much clocks differ.
    pub fn span_ticks(&self) -> u8 {
        let fastest = self.skews_ticks.iter().copied().max().unwrap_or(0).max(0);
        fastest.abs_diff(self.slowest_ticks())
    }

    /// The most that is ever admitted in `ticks` ticks, the last of them not over: what is known of the algorithm on
    /// paper, against which the model is held.
    pub fn curve(&self, ticks: u8) -> u16 {
        let (window, limit, burst) = (u16::from(self.window_ticks), u16::from(self.limit), u16::from(self.burst));
        // Clocks that differ make a stretch of time look longer by as much.
        let ticks = u16::from(ticks) + u16::from(self.span_ticks());
        if ticks == 0 {
            return 0;
        }
        // Windows of the clock that begin in it, beside the one in which it begins.
        let begun = (ticks - 1).div_ceil(window);
        match self.algorithm {
            Algorithm::FixedWindow => limit * (begun + 1),
            Algorithm::CoarseRefill => burst + limit * begun,
            // A window begins with an admission, so that one less than the limit is left for its last instant.
            Algorithm::WindowFromFirstCall if ticks == 1 => limit,
            Algorithm::WindowFromFirstCall => (limit * (begun + 1) - 1).max(limit * ticks.div_ceil(window)),
            Algorithm::SlidingLog => limit * ticks.div_ceil(window),
            Algorithm::SlidingCounter => self.counter_curve(ticks),
            Algorithm::TokenBucket => burst + limit * (ticks - 1) / window,
            Algorithm::Gcra => burst + (ticks - 1) / u16::from(self.interval_ticks()),
        }
    }

    /// Of the sliding counter: in the window in which the stretch begins the limit is admitted at its end, and all that
    /// the weight of that lets through in the next; from there on every window may be as full as its predecessor lets
    /// it.
    fn counter_curve(&self, ticks: u16) -> u16 {
        let (window, limit) = (u16::from(self.window_ticks), u16::from(self.limit));
        // What a window admits by its `elapsed`-th tick if the one before admitted `previous`.
        let room = |previous: u16, elapsed: u16| (limit * window - previous * (window - elapsed)) / window;
        // The stretch begins with the last `head` ticks of a window that admits `first`, none of it before.
        let from = |head: u16, first: u16| {
            let (mut total, mut previous, mut left) = (first, first, ticks - head.min(ticks));
            while left > 0 {
                let within = left.min(window);
                let admitted = room(previous, within - 1);
                total += admitted;
                previous = admitted;
                left -= within;
            }
            total
        };
        let heads = 1..=window.min(ticks);
        heads.flat_map(|head| (0..=limit).map(move |first| from(head, first))).max().unwrap_or(0)
    }

    /// After so long without an admission nobody is denied.
    pub fn silence_ticks(&self) -> u8 {
        let a_token = self.window_ticks.div_ceil(self.limit);
        let by_one_clock = match self.algorithm {
            Algorithm::FixedWindow
            | Algorithm::WindowFromFirstCall
            | Algorithm::CoarseRefill
            | Algorithm::SlidingLog => self.window_ticks,
            // The last window has to be so far gone that its weight leaves room for one.
            Algorithm::SlidingCounter => self.window_ticks + a_token,
            Algorithm::TokenBucket | Algorithm::Gcra => a_token,
        };
        by_one_clock + self.span_ticks()
    }

    fn cell_of(&self, key: u8) -> usize {
        if self.is(Variant::SharesOneLimiter) { 0 } else { usize::from(key) }
    }

    /// What a check comes to: whether it is admitted, and what is remembered then.
    pub(super) fn check(&self, state: &State, client: u8, key: u8) -> (bool, Cell) {
        let seen = Seen { phase: state.phase, at: self.skews_ticks[usize::from(client)] };
        let cell = state.cells[self.cell_of(key)];
        match self.charge(cell, seen) {
            Some(charged) => (true, charged),
            None => (false, self.denied(cell, seen)),
        }
    }

    /// Whether `client` would pass with a request of `key`.
    pub fn admits(&self, state: &State, client: u8, key: u8) -> bool {
        self.check(state, client, key).0
    }

    /// How long until a client with a right clock would pass with a request of `key`, if nobody else asks: found by
    /// letting time pass, not computed.
    pub fn retry_after_ticks(&self, state: &State, key: u8) -> u8 {
        let mut later = state.clone();
        // Longer than any limiter here makes wait.
        let waits = (0..=3 * self.window_ticks).find(|_| {
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
            *cell = self.aged(*cell, state.phase);
        }
        if self.monitored_ticks > 0 {
            for admitted in &mut state.history.admitted {
                admitted[..usize::from(self.monitored_ticks)].rotate_right(1);
                admitted[0] = 0;
            }
        }
    }

    /// What the monitor makes of an answer.
    fn remember(&self, history: &mut History, key: u8, admitted: bool) {
        if self.monitored_ticks == 0 {
            return;
        }
        let counts = &mut history.admitted[usize::from(key)];
        if admitted {
            // More in one tick is no worse, and one without a limit would have no end.
            counts[0] = (counts[0] + 1).min(3 * self.limit.max(self.burst));
            return;
        }
        history.denied = true;
        let silence = usize::from(self.silence_ticks());
        history.denied_after_silence |=
            silence <= usize::from(self.monitored_ticks) && counts[..silence].iter().all(|count| *count == 0);
    }
}

impl Model for Limiter {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { phase: 0, cells: Default::default(), history: History::default() }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        for client in 0..self.skews_ticks.len() as u8 {
            actions.extend((0..self.keys).map(|key| Action::Check { client, key }));
        }
        actions.push(Action::Tick);
        if self.collects {
            actions.push(Action::Collect);
        }
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
            Action::Collect if self.is(Variant::CollectsBusyKeys) => after.cells = Default::default(),
            Action::Collect => {}
        }
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = Vec::new();
        if self.monitored_ticks == 0 {
            return properties;
        }
        if self.monitored_ticks >= self.window_ticks && self.span_ticks() == 0 {
            properties.push(Property::always(AT_MOST_LIMIT, |model: &Limiter, state: &State| {
                state.history.admitted_in(model.window_ticks) <= u16::from(model.limit)
            }));
        }
        if self.span_ticks() == 0 {
            properties.push(Property::always(NO_DOUBLE_BURST, |model: &Limiter, state: &State| {
                state.history.admitted_in(2) < 2 * u16::from(model.limit)
            }));
        }
        properties.push(Property::always(ITS_CURVE, |model: &Limiter, state: &State| {
            (1..=model.monitored_ticks).all(|ticks| state.history.admitted_in(ticks) <= model.curve(ticks))
        }));
        if self.monitored_ticks >= self.silence_ticks() {
            properties
                .push(Property::always(READY_AFTER_SILENCE, |_, state: &State| !state.history.denied_after_silence));
        }
        properties.push(Property::sometimes("somebody is denied", |_, state: &State| state.history.denied));
        if self.span_ticks() == 0 {
            properties.push(Property::sometimes("its curve is reached", |model: &Limiter, state: &State| {
                state.history.admitted_in(model.monitored_ticks) == model.curve(model.monitored_ticks)
            }));
        }
        properties
    }
}
