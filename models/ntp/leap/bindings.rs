//! Our clock with its timers, bound. A tick is a quarter of a second, and a day has five seconds.

use counterpart::Counterpart;

use super::conformance::LeapInterface;
use super::implementation::{Handling, LeapSecond, Lengths, Sources, WallClock};
use super::model::{APPS_MAX, Action, DAY, Leap, SECOND, Second, Told};

const TICK_NS: i64 = 250_000_000;

/// Clock, timers, and the servers that are followed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    clock: WallClock<APPS_MAX>,
    sources: Sources,
    second: LeapSecond,
}

impl Bound {
    /// Clock, timers and servers as `model` begins: all applications sleep for as long as they may.
    pub(super) fn new(model: &Leap) -> Self {
        let handling = if model.second == Second::Smear { Handling::Smear } else { Handling::Step };
        let second = if model.second == Second::Delete { LeapSecond::Delete } else { LeapSecond::Insert };
        let lengths = Lengths { day_ns: i64::from(DAY) * TICK_NS, second_ns: i64::from(SECOND) * TICK_NS };
        let mut clock = WallClock::new(handling, lengths);
        let longest = model.sleeps.iter().max().copied().unwrap_or(0);
        for app in 0..usize::from(model.apps) {
            clock.set_timer(app, i64::from(longest) * TICK_NS);
        }
        Bound { clock, sources: Sources::default(), second }
    }

    /// The wall clock's reading in whole ticks, and what it shows beyond.
    fn wall(&self) -> (i64, i64) {
        let shown_ns = self.clock.since_midnight_ns();
        (shown_ns / TICK_NS, shown_ns % TICK_NS)
    }
}

impl Counterpart<LeapInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Tick => {
                self.clock.elapse(TICK_NS.unsigned_abs());
                Told::Done
            }
            Action::Announce => match self.clock.announce(self.second) {
                Ok(()) => Told::Done,
                Err(_) => Told::Refused,
            },
            Action::Wake { app, sleep } => {
                let app = usize::from(app);
                if !self.clock.fire(app) {
                    return Told::Asleep;
                }
                // Until a whole tick: what is smeared shows parts of one.
                let (_, beyond_ns) = self.wall();
                self.clock.set_timer(app, i64::from(sleep) * TICK_NS - beyond_ns);
                Told::Woke
            }
            Action::Follow { smeared } => match self.sources.follow(smeared) {
                Ok(()) => Told::Done,
                Err(_) => Told::Refused,
            },
        }
    }

    fn observe(&self) -> Option<u8> {
        u8::try_from(self.wall().0).ok()
    }
}
