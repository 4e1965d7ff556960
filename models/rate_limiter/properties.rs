//! What a limiter promises: its arrival curve, known on paper, and a monitor outside that counts what it admits.

use stateright::Property;

use super::model::{Algorithm, KEYS_MAX, Limiter, MONITOR_MAX, State};

/// The promise that no window admits more than the limit.
pub const AT_MOST_LIMIT: &str = "any window admits at most the limit";
/// The promise that no two ticks admit twice the limit.
pub const NO_DOUBLE_BURST: &str = "two neighbouring ticks admit less than twice the limit";
/// The promise that nothing is beyond the algorithm's own curve.
pub const ITS_CURVE: &str = "any stretch of time admits at most what its curve says";
/// The promise that a limiter that has admitted nobody is ready.
pub const READY_AFTER_SILENCE: &str = "after a silence nobody is denied";

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Number of requests of each key that were admitted in each of the last ticks, the current one first.
    pub admitted: [[u8; MONITOR_MAX]; KEYS_MAX],
    /// Whether somebody was denied.
    pub denied: bool,
    /// Whether somebody was denied after a silence that entitles everyone to pass.
    pub denied_after_silence: bool,
}

impl History {
    /// Number of requests admitted in the last `ticks`, of the key of which it is most.
    pub fn admitted_in(&self, ticks: u8) -> u16 {
        let sum = |key: &[u8; MONITOR_MAX]| key[..usize::from(ticks)].iter().map(|count| u16::from(*count)).sum();
        self.admitted.iter().map(sum).max().unwrap_or(0)
    }
}

impl Limiter {
    /// Most requests that are ever admitted in `ticks` ticks, the last of them not over: what is known of the algorithm
    /// on paper, against which the model is held.
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

    /// Curve of the sliding counter: in the window in which the stretch begins the limit is admitted at its end, and
    /// all that the weight of that lets through in the next; from there on every window may be as full as its
    /// predecessor lets it.
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

    /// Ticks without an admission after which nobody is denied.
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

    /// Notes what an answer means to the monitor.
    pub(super) fn remember(&self, history: &mut History, key: u8, admitted: bool) {
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

/// The `always` and `sometimes` properties, as far as the monitor sees.
pub(super) fn properties(model: &Limiter) -> Vec<Property<Limiter>> {
    let mut properties = Vec::new();
    if model.monitored_ticks == 0 {
        return properties;
    }
    if model.monitored_ticks >= model.window_ticks && model.span_ticks() == 0 {
        properties.push(Property::always(AT_MOST_LIMIT, |model: &Limiter, state: &State| {
            state.history.admitted_in(model.window_ticks) <= u16::from(model.limit)
        }));
    }
    if model.span_ticks() == 0 {
        properties.push(Property::always(NO_DOUBLE_BURST, |model: &Limiter, state: &State| {
            state.history.admitted_in(2) < 2 * u16::from(model.limit)
        }));
    }
    properties.push(Property::always(ITS_CURVE, |model: &Limiter, state: &State| {
        (1..=model.monitored_ticks).all(|ticks| state.history.admitted_in(ticks) <= model.curve(ticks))
    }));
    if model.monitored_ticks >= model.silence_ticks() {
        properties.push(Property::always(READY_AFTER_SILENCE, |_, state: &State| !state.history.denied_after_silence));
    }
    properties.push(Property::sometimes("somebody is denied", |_, state: &State| state.history.denied));
    if model.span_ticks() == 0 {
        properties.push(Property::sometimes("its curve is reached", |model: &Limiter, state: &State| {
            state.history.admitted_in(model.monitored_ticks) == model.curve(model.monitored_ticks)
        }));
    }
    properties
}
