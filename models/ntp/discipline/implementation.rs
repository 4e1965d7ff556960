//! The discipline of a clock: what it does with an offset (slew, step, wait and see, or give up), and whether its
//! server is there at all.
//!
//! No clock is in here: whoever owns one does what [`Adjust`] says. Seconds that go by are told by
//! [`Discipline::elapse`], measured by a clock that never steps.

use thiserror::Error;

/// Number of samples that are kept, unless it is said otherwise (RFC 5905 §10, the clock filter; A.1.1, NSTAGE).
pub const SAMPLES: usize = 8;

/// Limits of a discipline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Config {
    /// Offset above which a clock is not slewed, in nanoseconds. RFC 5905 says 125 ms in its text (§11.3, figure 27) and
    /// 128 ms in its skeleton (A.1.1, STEPT), which is the default.
    pub step_ns: u64,
    /// Time that the offset has to stay above before a set clock is stepped, in seconds. 900 s (A.1.1, WATCH).
    pub stepout_s: u32,
    /// Offset above which none is believed, either way, in nanoseconds. 1,000 s (A.1.1, PANICT).
    pub panic_ns: u64,
    /// Whether the first offset of all may be as large as it likes.
    pub first_is_unlimited: bool,
    /// Fastest change of a clock that is slewed, in parts per million. 500 (A.1.1, MAXFREQ).
    pub slew_ppm: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            step_ns: 128_000_000,
            stepout_s: 900,
            panic_ns: 1_000_000_000_000,
            first_is_unlimited: false,
            slew_ppm: 500,
        }
    }
}

/// What to do with the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Adjust {
    /// Nothing yet: the clock is slewed, by what [`Discipline::elapse`] says.
    Slew,
    /// Step the clock by so many nanoseconds. What was measured before has been shifted.
    Step {
        /// The step, negative for back.
        by_ns: i64,
    },
    /// Nothing: the offset is too large to be slewed, and may be a spike.
    Wait,
}

/// The offset is beyond all reason; a human has to look at it. Nothing is done from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the offset of {offset_ns} ns is beyond the panic threshold")]
pub struct Panic {
    /// The offset, in nanoseconds.
    pub offset_ns: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Unset,
    Set,
    Spike { since_s: u32 },
    Panicked(Panic),
}

/// The discipline of one clock; `KEPT` samples are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Discipline<const KEPT: usize = SAMPLES> {
    config: Config,
    phase: Phase,
    /// Part of an offset that is still to be slewed.
    slewing_ns: i64,
    /// Offsets, newest first, by the clock as it is now.
    samples: [Option<i64>; KEPT],
    reach: Reach,
}

impl<const KEPT: usize> Discipline<KEPT> {
    /// The discipline of a clock that is not set yet.
    pub fn new(config: Config) -> Self {
        Discipline { config, phase: Phase::Unset, slewing_ns: 0, samples: [None; KEPT], reach: Reach::default() }
    }

    /// Lets `seconds` go by, and returns by how much the clock is to be moved for them, in nanoseconds.
    pub fn elapse(&mut self, seconds: u32) -> i64 {
        if let Phase::Spike { since_s } = &mut self.phase {
            // Longer than the stepout is as long as it.
            *since_s = since_s.saturating_add(seconds).min(self.config.stepout_s);
        }
        // ppm of a second are thousands of nanoseconds.
        let most_ns = i64::from(seconds).saturating_mul(i64::from(self.config.slew_ppm) * 1_000);
        let by_ns = self.slewing_ns.clamp(-most_ns, most_ns);
        self.slewing_ns -= by_ns;
        self.shift(by_ns);
        by_ns
    }

    /// Takes a measurement: the clock is behind by `offset_ns`.
    ///
    /// # Errors
    /// It is beyond the panic threshold, or an earlier one was.
    pub fn measured(&mut self, offset_ns: i64) -> Result<Adjust, Panic> {
        if let Phase::Panicked(panic) = self.phase {
            return Err(panic);
        }
        let waived = self.phase == Phase::Unset && self.config.first_is_unlimited;
        // `unsigned_abs`: a threshold is one in both directions.
        if offset_ns.unsigned_abs() > self.config.panic_ns && !waived {
            let panic = Panic { offset_ns };
            (self.phase, self.slewing_ns) = (Phase::Panicked(panic), 0);
            return Err(panic);
        }
        self.reach.answered();
        self.samples.rotate_right(1.min(KEPT));
        if let Some(newest) = self.samples.first_mut() {
            *newest = Some(offset_ns);
        }
        if offset_ns.unsigned_abs() <= self.config.step_ns {
            (self.phase, self.slewing_ns) = (Phase::Set, offset_ns);
            return Ok(Adjust::Slew);
        }
        match self.phase {
            Phase::Set => {
                self.phase = Phase::Spike { since_s: 0 };
                Ok(Adjust::Wait)
            }
            Phase::Spike { since_s } if since_s < self.config.stepout_s => Ok(Adjust::Wait),
            Phase::Unset | Phase::Spike { .. } | Phase::Panicked(_) => {
                (self.phase, self.slewing_ns) = (Phase::Set, 0);
                self.shift(offset_ns);
                Ok(Adjust::Step { by_ns: offset_ns })
            }
        }
    }

    /// Shifts what was measured before, since the clock has moved.
    fn shift(&mut self, by_ns: i64) {
        for sample_ns in self.samples.iter_mut().flatten() {
            *sample_ns = sample_ns.saturating_sub(by_ns);
        }
    }

    /// Offsets in nanoseconds, newest first, by the clock as it is now.
    pub fn samples_ns(&self) -> impl Iterator<Item = i64> {
        self.samples.iter().flatten().copied()
    }

    /// Part of an offset that is still to be slewed, in nanoseconds.
    pub fn slewing_ns(&self) -> i64 {
        self.slewing_ns
    }

    /// The register of whether the server is there. Tell it of each question by [`Reach::asked`].
    pub fn reach(&mut self) -> &mut Reach {
        &mut self.reach
    }
}

/// Which of the last eight questions were answered (RFC 5905 §9.2 and §13.1, p.reach).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reach(u8);

impl Reach {
    /// Notes that a question left.
    pub fn asked(&mut self) {
        self.0 <<= 1;
    }

    /// Notes that the last question was answered.
    pub fn answered(&mut self) {
        self.0 |= 1;
    }

    /// Whether any of the last eight questions was answered.
    pub fn is_reachable(self) -> bool {
        self.0 != 0
    }
}
