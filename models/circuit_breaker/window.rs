//! The results that a failure rate is taken of: the last so many, those of the last ticks, or all.

use serde::Serialize;

/// Most results that a window has room for.
pub const WINDOW_MAX: u8 = 12;

/// Most ticks that a time window has room for.
pub const WINDOW_TICKS_MAX: usize = 4;

/// What the failure rate is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// The last results, as many as this.
    Calls(u8),
    /// The results of the last ticks, the current one included.
    Ticks {
        /// Number of ticks.
        ticks: u8,
        /// Most results that the world brings in one tick: a bound of the model.
        results_max: u8,
    },
    /// All results since the last change of phase.
    Everything {
        /// Most results that the world brings before the phase changes: a bound of the model.
        results_max: u8,
    },
}

/// Counted results, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Window {
    /// The results of a window of calls: two bits a result, the newest lowest.
    results: u32,
    len: u8,
    /// The results of a window of ticks, by kind: the current tick's first.
    ticks: [Tally; WINDOW_TICKS_MAX],
}

/// Numbers of results, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Tally {
    /// All results.
    pub calls: u8,
    /// Failed ones.
    pub failed: u8,
    /// Slow ones.
    pub slow: u8,
}

/// A result as a window holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Success = 0,
    Failure = 1,
    Slow = 2,
}

impl Window {
    pub(super) fn tally(&self, kind: WindowKind) -> Tally {
        match kind {
            WindowKind::Calls(size) => {
                let count = |wanted: Counted| {
                    (0..self.len.min(size)).filter(|index| (self.results >> (2 * index)) & 3 == wanted as u32).count()
                        as u8
                };
                Tally { calls: self.len, failed: count(Counted::Failure), slow: count(Counted::Slow) }
            }
            WindowKind::Ticks { .. } | WindowKind::Everything { .. } => {
                self.ticks.iter().fold(Tally::default(), |sum, tick| Tally {
                    calls: sum.calls + tick.calls,
                    failed: sum.failed + tick.failed,
                    slow: sum.slow + tick.slow,
                })
            }
        }
    }

    /// Whether the world may bring one more result now: a bound of the model.
    pub(super) fn has_room(&self, kind: WindowKind) -> bool {
        match kind {
            WindowKind::Calls(_) => true,
            WindowKind::Ticks { results_max, .. } | WindowKind::Everything { results_max } => {
                self.ticks[0].calls < results_max
            }
        }
    }

    /// Counts `result`; a window of calls remembers that `len_max` have come, though it holds no more than its size.
    pub(super) fn add(&mut self, kind: WindowKind, result: Counted, slides: bool, len_max: u8) {
        match kind {
            WindowKind::Calls(size) => {
                if self.len == size && !slides {
                    return;
                }
                let kept = (1_u32 << (2 * u32::from(size))) - 1;
                self.results = ((self.results << 2) | result as u32) & kept;
                self.len = (self.len + 1).min(len_max);
            }
            WindowKind::Ticks { .. } | WindowKind::Everything { .. } => {
                let now = &mut self.ticks[0];
                now.calls += 1;
                now.failed += u8::from(result == Counted::Failure);
                now.slow += u8::from(result == Counted::Slow);
            }
        }
    }

    /// What the window holds, for a reader: `F`ailure, `S`low or success (`+`), oldest first; then calls and failures a
    /// tick.
    pub(crate) fn entries(&self, kind: WindowKind) -> String {
        let held = if let WindowKind::Calls(size) = kind { self.len.min(size) } else { 0 };
        let results: String = (0..held)
            .rev()
            .map(|index| match (self.results >> (2 * index)) & 3 {
                result if result == Counted::Failure as u32 => 'F',
                result if result == Counted::Slow as u32 => 'S',
                _ => '+',
            })
            .collect();
        let ticks: Vec<String> = self
            .ticks
            .iter()
            .filter(|tick| tick.calls > 0)
            .map(|tick| format!("{}/{}/{}", tick.failed, tick.slow, tick.calls))
            .collect();
        results + &ticks.join(" ")
    }

    pub(super) fn tick(&mut self, kind: WindowKind, slides: bool) {
        if let WindowKind::Ticks { ticks, .. } = kind
            && slides
        {
            self.ticks[..usize::from(ticks)].rotate_right(1);
            self.ticks[0] = Tally::default();
        }
    }
}
