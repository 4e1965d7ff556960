//! A wall clock that knows leap seconds, together with the timers set by it.
//!
//! Clock and timers are one value, so that no step of the one can be forgotten by the other. Time passes by
//! [`WallClock::elapse`] alone, which is told what a monotonic clock has measured.

use thiserror::Error;

/// What is done with a leap second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handling {
    /// The last second of the day comes twice, or not at all, as in POSIX kernels.
    Step,
    /// The leap second is spread evenly from noon to noon (RFC 8633 §3.7.1): the clock never goes back.
    Smear,
}

/// A leap second that is announced for the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeapSecond {
    /// The day has one second more.
    Insert,
    /// The day has one second less.
    Delete,
}

/// Why an announcement is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// The leap second is over, and the flag is still up somewhere: it is taken again after noon.
    #[error("the leap second is over")]
    Stale,
    /// A day that is to be smeared has begun, or begins at its noon and that is past.
    #[error("the day is too old to be smeared")]
    TooLate,
}

/// Lengths of a day and of a second, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lengths {
    /// Length of a day, above two seconds. 86,400 s.
    pub day_ns: i64,
    /// Length of a leap second.
    pub second_ns: i64,
}

impl Default for Lengths {
    fn default() -> Self {
        Lengths { day_ns: 86_400 * 1_000_000_000, second_ns: 1_000_000_000 }
    }
}

/// A wall clock and `TIMERS` timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WallClock<const TIMERS: usize> {
    handling: Handling,
    lengths: Lengths,
    since_midnight_ns: i64,
    pending: Option<LeapSecond>,
    /// Whether a leap second was made since the last noon.
    done: bool,
    /// Time since the noon of a smeared day, by the monotonic clock.
    smearing_ns: Option<i64>,
    /// Time until each timer is due, by the wall clock.
    left_ns: [Option<i64>; TIMERS],
}

impl<const TIMERS: usize> WallClock<TIMERS> {
    /// A clock at midnight, with no timer set.
    pub fn new(handling: Handling, lengths: Lengths) -> Self {
        WallClock {
            handling,
            lengths,
            since_midnight_ns: 0,
            pending: None,
            done: false,
            smearing_ns: None,
            left_ns: [None; TIMERS],
        }
    }

    /// Time that the clock shows, in nanoseconds since midnight.
    pub fn since_midnight_ns(&self) -> i64 {
        self.since_midnight_ns % self.lengths.day_ns
    }

    fn noon_ns(&self) -> i64 {
        self.lengths.day_ns / 2
    }

    /// Takes note that a server's flag is up for the end of this day. To say it again is nothing new.
    ///
    /// # Errors
    /// It is not taken, and why.
    pub fn announce(&mut self, second: LeapSecond) -> Result<(), NotTaken> {
        if self.done {
            return Err(NotTaken::Stale);
        }
        let past_noon = self.since_midnight_ns >= self.noon_ns() || self.smearing_ns.is_some();
        if self.handling == Handling::Smear && past_noon {
            return Err(NotTaken::TooLate);
        }
        self.pending = Some(second);
        Ok(())
    }

    /// Sets timer `index` (0-based) for `after_ns` from what the clock shows.
    ///
    /// # Panics
    /// If there is no such timer.
    pub fn set_timer(&mut self, index: usize, after_ns: i64) {
        self.left_ns[index] = Some(after_ns);
    }

    /// Whether timer `index` (0-based) is set and due; a timer that is due is not set any more.
    ///
    /// # Panics
    /// If there is no such timer.
    pub fn fire(&mut self, index: usize) -> bool {
        let due = self.left_ns[index].is_some_and(|left_ns| left_ns <= 0);
        if due {
            self.left_ns[index] = None;
        }
        due
    }

    /// Lets `by_ns` go by on a clock that never steps.
    pub fn elapse(&mut self, by_ns: u64) {
        let mut rest_ns = i64::try_from(by_ns).unwrap_or(i64::MAX);
        while rest_ns > 0 {
            let part_ns = rest_ns.min(self.until_event_ns());
            rest_ns -= part_ns;
            let shown_ns = self.smeared(part_ns);
            self.move_by(shown_ns);
            self.at_event();
        }
    }

    /// Time until something may happen, by the monotonic clock: noon, midnight, a second before it, or the end of a
    /// smear. At least 1.
    fn until_event_ns(&self) -> i64 {
        if let Some(since_noon_ns) = self.smearing_ns {
            return (self.smear_ns() - since_noon_ns).max(1);
        }
        let Lengths { day_ns, second_ns } = self.lengths;
        let places = [self.noon_ns(), day_ns - second_ns, day_ns];
        let ahead = places.into_iter().map(|place| place - self.since_midnight_ns).filter(|ahead| *ahead > 0);
        ahead.min().unwrap_or(day_ns).max(1)
    }

    /// Length of a smeared day, by the monotonic clock.
    fn smear_ns(&self) -> i64 {
        match self.pending {
            Some(LeapSecond::Delete) => self.lengths.day_ns - self.lengths.second_ns,
            _ => self.lengths.day_ns + self.lengths.second_ns,
        }
    }

    /// Time that the wall clock shows of `part_ns`.
    fn smeared(&mut self, part_ns: i64) -> i64 {
        let Some(since_noon_ns) = self.smearing_ns else { return part_ns };
        let (day, smear) = (i128::from(self.lengths.day_ns), i128::from(self.smear_ns()));
        let shown = |monotonic_ns: i64| i128::from(monotonic_ns) * day / smear;
        let after_ns = since_noon_ns + part_ns;
        let by_ns = shown(after_ns) - shown(since_noon_ns);
        self.smearing_ns = Some(after_ns);
        i64::try_from(by_ns).unwrap_or(part_ns)
    }

    /// Moves the wall clock, and every timer with it.
    fn move_by(&mut self, by_ns: i64) {
        self.since_midnight_ns += by_ns;
        for left_ns in self.left_ns.iter_mut().flatten() {
            *left_ns = left_ns.saturating_sub(by_ns);
        }
    }

    fn at_event(&mut self) {
        let Lengths { day_ns, second_ns } = self.lengths;
        if self.smearing_ns.is_some_and(|since_noon_ns| since_noon_ns >= self.smear_ns()) {
            (self.smearing_ns, self.pending) = (None, None);
            self.since_midnight_ns %= day_ns;
            return;
        }
        let (leaps, at_ns) = (self.handling == Handling::Step, self.since_midnight_ns);
        match self.pending {
            Some(LeapSecond::Insert) if leaps && at_ns == day_ns => self.leap(-second_ns),
            Some(LeapSecond::Delete) if leaps && at_ns == day_ns - second_ns => self.leap(second_ns),
            _ => {}
        }
        self.since_midnight_ns %= day_ns;
        if at_ns == self.noon_ns() {
            self.done = false;
            if self.handling == Handling::Smear && self.pending.is_some() && self.smearing_ns.is_none() {
                self.smearing_ns = Some(0);
            }
        }
    }

    fn leap(&mut self, by_ns: i64) {
        self.move_by(by_ns);
        (self.pending, self.done) = (None, true);
    }
}

/// The servers that are followed: all smear, or none does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sources {
    smear: Option<bool>,
}

/// One server smears and another does not: for a day they are up to a second apart (RFC 8633 §3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("servers that smear leap seconds and servers that do not cannot be followed at once")]
pub struct MixedSmear;

impl Sources {
    /// Follows one more server, which smears or does not.
    ///
    /// # Errors
    /// Those that are followed already do otherwise.
    pub fn follow(&mut self, smeared: bool) -> Result<(), MixedSmear> {
        if *self.smear.get_or_insert(smeared) == smeared { Ok(()) } else { Err(MixedSmear) }
    }
}
