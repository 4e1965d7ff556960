//! State that each algorithm of the model remembers of a key, and how it decides. All instants are relative to now.

use serde::Serialize;

use super::model::{Algorithm, Limiter, SKEW_MAX};

/// Most ticks that a window has room for.
pub const WINDOW_MAX: u8 = 20;

/// Number of ages of admissions, from the fastest clock's instant on.
const AGES: usize = WINDOW_MAX as usize + 2 * SKEW_MAX as usize;

/// State that is remembered of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Cell {
    /// The key was never used, or so long ago that no clock can tell.
    #[default]
    Fresh,
    /// A window, and the number of requests that it has admitted.
    Window {
        /// Instant when it began.
        start: i8,
        /// Number of requests that it has admitted.
        count: u8,
    },
    /// A bucket that is refilled once a window.
    Tokens {
        /// Instant when it was last refilled.
        at: i8,
        /// Tokens left since; fewer than none where the burst was lowered.
        left: i8,
    },
    /// The number of requests that were admitted at each instant.
    Log {
        /// Number of requests by age, from the fastest clock's instant on.
        #[serde(skip)]
        ages: [u8; AGES],
    },
    /// A window and the one before.
    Counter {
        /// Instant when the window began.
        start: i8,
        /// Number of requests that it has admitted.
        count: u8,
        /// Number of requests that the one before has admitted.
        previous: u8,
    },
    /// A bucket that is refilled all the time.
    Level {
        /// Instant when it was last looked at.
        at: i8,
        /// Content at that instant, in parts of a token: a token is as many as a window has ticks. Less than nothing
        /// where the burst was lowered.
        parts: i16,
    },
    /// The theoretical arrival time.
    Arrival {
        /// Instant when the next cell is due.
        due: i8,
    },
}

/// Readings of a client's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// How far the true time is into its window.
    pub(super) phase: u8,
    /// What a client's clock shows.
    pub(super) at: i8,
}

impl Seen {
    /// Instant when the clock's window began that holds what it shows.
    fn window(self, ticks: i8) -> i8 {
        self.at - (self.phase as i8 + self.at).rem_euclid(ticks)
    }
}

/// Place in a log of the entry for an instant.
fn age(at: i8) -> usize {
    usize::from((SKEW_MAX - at).max(0) as u8).min(AGES - 1)
}

impl Limiter {
    pub(super) fn ticks(&self) -> i8 {
        self.window_ticks as i8
    }

    /// Charges a request, if it may pass.
    pub(super) fn charge(&self, cell: Cell, seen: Seen) -> Option<Cell> {
        let (window, at) = (self.ticks(), seen.at);
        match self.algorithm {
            Algorithm::FixedWindow => {
                let current = seen.window(window);
                let (start, count) = match cell {
                    Cell::Window { start, count } if current <= start && !self.wraps(seen, start) => (start, count),
                    _ => (current, 0),
                };
                (count < self.most()).then_some(Cell::Window { start, count: count + 1 })
            }
            Algorithm::WindowFromFirstCall => {
                let (start, count) = match cell {
                    Cell::Window { start, count } if at - start < self.memory() && !self.wraps(seen, start) => {
                        (start, count)
                    }
                    _ => (at, 0),
                };
                (count < self.most()).then_some(Cell::Window { start, count: count + 1 })
            }
            Algorithm::CoarseRefill => {
                let current = seen.window(window);
                let (refilled, left) = match cell {
                    Cell::Tokens { at: refilled, left } if !self.wraps(seen, refilled) => {
                        let times = i16::from((current - refilled) / window).max(0);
                        let tokens = i16::from(left) + times * i16::from(self.limit);
                        (refilled.max(current), self.capped(tokens, 1) as i8)
                    }
                    _ => (current, self.burst as i8),
                };
                (left > 0).then(|| Cell::Tokens { at: refilled, left: left - 1 })
            }
            Algorithm::SlidingLog => {
                let mut ages = self.remembered(cell, seen);
                self.wrap_log(&mut ages[..age(at)]);
                let admitted: u8 = ages.iter().sum();
                // A clock that is behind adds to the newest entry.
                let newest = ages.iter().position(|count| *count > 0).unwrap_or(AGES);
                (admitted < self.most()).then(|| {
                    ages[newest.min(age(at))] += 1;
                    Cell::Log { ages }
                })
            }
            Algorithm::SlidingCounter => {
                let (start, count, previous) = self.counted(cell, seen);
                let elapsed = (at - start).max(0) as u16;
                let (window, most) = (u16::from(self.window_ticks), u16::from(self.most()));
                let weighted = u16::from(previous) * (window - elapsed.min(window)) + u16::from(count + 1) * window;
                (weighted <= most * window).then_some(Cell::Counter { start, count: count + 1, previous })
            }
            Algorithm::TokenBucket => {
                let (looked, parts) = self.filled(cell, seen);
                let token = i16::from(self.window_ticks);
                (parts >= token).then(|| Cell::Level { at: looked, parts: parts - token })
            }
            Algorithm::Gcra => self.charge_gcra(cell, at),
        }
    }

    /// Charges a cell by the instant at which the next is due.
    fn charge_gcra(&self, cell: Cell, at: i8) -> Option<Cell> {
        let due = match cell {
            Cell::Arrival { due } => due,
            _ => self.first_due(at),
        };
        (due - at <= self.tolerance()).then(|| Cell::Arrival { due: due.max(at) + self.interval_ticks() as i8 })
    }

    /// State that is remembered once a request was denied.
    pub(super) fn denied(&self, cell: Cell, seen: Seen) -> Cell {
        if self.drops_the_remainder() {
            let (at, parts) = self.filled(cell, seen);
            return Cell::Level { at, parts };
        }
        if self.counts_denied() { self.charged_though_denied(cell, seen) } else { cell }
    }

    /// Charges a request that is denied.
    fn charged_though_denied(&self, cell: Cell, seen: Seen) -> Cell {
        match cell {
            Cell::Log { .. } => {
                let mut ages = self.remembered(cell, seen);
                // More than the limit weighs no more than the limit: a bound of the model.
                let oldest = ages.iter().rposition(|count| *count > 0).unwrap_or(0);
                ages[oldest] -= 1;
                ages[age(seen.at)] += 1;
                Cell::Log { ages }
            }
            Cell::Arrival { due } => {
                let horizon = 2 * self.burst as i8 * self.interval_ticks() as i8;
                Cell::Arrival { due: (due + self.interval_ticks() as i8).min(horizon) }
            }
            other => other,
        }
    }

    fn remembered(&self, cell: Cell, seen: Seen) -> [u8; AGES] {
        let Cell::Log { mut ages } = cell else { return [0; AGES] };
        let over = age(seen.at) + self.memory() as usize;
        ages.iter_mut().skip(over).for_each(|count| *count = 0);
        ages
    }

    /// The window that a clock is in, the number it has admitted, and the number that the one before has.
    fn counted(&self, cell: Cell, seen: Seen) -> (i8, u8, u8) {
        let current = seen.window(self.ticks());
        match cell {
            Cell::Counter { start, count, previous } if !self.wraps(seen, start) => {
                if current <= start {
                    (start, count, previous)
                } else if current - start == self.ticks() {
                    (current, 0, count)
                } else {
                    (current, 0, 0)
                }
            }
            _ => (current, 0, 0),
        }
    }

    /// Instant when a bucket was last looked at, and what it held then.
    fn filled(&self, cell: Cell, seen: Seen) -> (i8, i16) {
        let token = i16::from(self.window_ticks);
        match cell {
            Cell::Level { at, parts } if !self.wraps(seen, at) => {
                let come = self.refilled(i16::from(self.limit) * i16::from((seen.at - at).max(0)), token);
                (self.looked(at, seen), self.capped(parts + come, token))
            }
            _ => (seen.at, i16::from(self.burst) * token),
        }
    }

    /// State that is remembered once the quota is `after`'s in place of this one, by a clock that is `seen`: what was
    /// admitted stays so, and what came back came back by this one.
    pub(super) fn carried(&self, cell: Cell, after: &Limiter, seen: Seen) -> Cell {
        let more = i16::from(after.burst) - i16::from(self.burst);
        match cell {
            _ if self.forgets_on_set_quota() => Cell::Fresh,
            Cell::Tokens { at, left } => {
                let current = seen.window(self.ticks());
                let times = i16::from((current - at) / self.ticks()).max(0);
                let left = self.capped(i16::from(left) + times * i16::from(self.limit), 1) + more;
                Cell::Tokens { at: at.max(current), left: left as i8 }
            }
            Cell::Level { .. } => {
                let (at, parts) = self.filled(cell, seen);
                Cell::Level { at, parts: parts + more * i16::from(self.window_ticks) }
            }
            Cell::Fresh | Cell::Window { .. } | Cell::Log { .. } | Cell::Counter { .. } | Cell::Arrival { .. } => cell,
        }
    }

    /// State a tick later, at `phase`: what no clock can tell from a fresh one is fresh.
    pub(super) fn aged(&self, cell: Cell, phase: u8) -> Cell {
        // Nobody sees less than the slowest clock.
        let slowest = Seen { phase, at: self.slowest_ticks() };
        match cell {
            Cell::Fresh => Cell::Fresh,
            Cell::Window { start, count } => {
                let over = match self.algorithm {
                    Algorithm::FixedWindow => slowest.window(self.ticks()) > start - 1,
                    _ => slowest.at - (start - 1) >= self.memory(),
                };
                if over { Cell::Fresh } else { Cell::Window { start: start - 1, count } }
            }
            Cell::Tokens { at, left } => {
                let times = (slowest.window(self.ticks()) - (at - 1)) / self.ticks();
                let full = i16::from(left) + i16::from(times.max(0)) * i16::from(self.limit);
                let fresh = self.capped(full, 1) == self.capped(i16::MAX, 1) && !self.refills_beyond_burst();
                if fresh { Cell::Fresh } else { Cell::Tokens { at: (at - 1).max(-4 * self.ticks()), left } }
            }
            Cell::Log { mut ages } => {
                ages.rotate_right(1);
                ages[0] = 0;
                let ages = self.remembered(Cell::Log { ages }, slowest);
                if ages == [0; AGES] { Cell::Fresh } else { Cell::Log { ages } }
            }
            Cell::Counter { start, count, previous } => {
                let aged = Cell::Counter { start: start - 1, count, previous };
                if slowest.window(self.ticks()) < start - 1 {
                    return aged;
                }
                match self.counted(aged, slowest) {
                    (_, 0, 0) => Cell::Fresh,
                    (start, count, previous) => Cell::Counter { start, count, previous },
                }
            }
            Cell::Level { at, parts } => {
                let aged = Cell::Level { at: at - 1, parts };
                let (looked, now_parts) = self.filled(aged, slowest);
                let full = now_parts == i16::from(self.burst) * i16::from(self.window_ticks);
                if at > slowest.at + 1 {
                    aged
                } else if self.refills_beyond_burst() {
                    Cell::Level { at: looked, parts: now_parts }
                } else if full {
                    Cell::Fresh
                } else if self.drops_the_remainder() {
                    aged
                } else {
                    Cell::Level { at: looked, parts: now_parts }
                }
            }
            Cell::Arrival { due } if self.is_late_at_first() => Cell::Arrival { due: (due - 1).max(slowest.at) },
            Cell::Arrival { due } if due - 1 <= slowest.at => Cell::Fresh,
            Cell::Arrival { due } => Cell::Arrival { due: due - 1 },
        }
    }

    /// Text of what is remembered, for a reader of a trace.
    pub(crate) fn described(&self, cell: &Cell) -> String {
        match cell {
            Cell::Fresh => "fresh".into(),
            Cell::Window { start, count } => format!("{count} in the window since {start}"),
            Cell::Tokens { at, left } => format!("{left} tokens since {at}"),
            Cell::Log { ages } => {
                let entries = ages.iter().enumerate().filter(|(_, count)| **count > 0);
                let entries = entries.map(|(index, count)| format!("{count} at {}", SKEW_MAX - index as i8));
                entries.collect::<Vec<_>>().join(", ")
            }
            Cell::Counter { start, count, previous } => {
                format!("{count} in the window since {start}, {previous} in the one before")
            }
            Cell::Level { at, parts } => format!("{parts}/{} tokens at {at}", self.window_ticks),
            Cell::Arrival { due } => format!("next cell due at {due}"),
        }
    }
}
