//! Sub-model *discipline*: offsets come in, time goes by, and the clock is slewed, stepped or left alone.
//!
//! Offsets are in units of 64 ms, so that the skeleton's step threshold is two of them; a tick is 256 s, so that in one
//! a clock is slewed by two at most (500 ppm), and four are the first that are longer than the stepout of 900 s.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Milliseconds of a unit of offset.
pub const UNIT_MS: i32 = 64;

/// Seconds of a tick.
pub const TICK_S: i32 = 256;

/// Most units that a clock is slewed by in a tick: 500 ppm of 256 s are 128 ms.
const SLEWED_MAX: i32 = 2;

/// Number of samples that are looked at here.
pub const SAMPLES: usize = 2;

/// Number of questions that the register remembers.
pub const REACH: u8 = 8;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discipline {
    /// Offsets that may be measured, in units.
    pub offsets: Vec<i32>,
    /// Offset above which a clock is not slewed, in milliseconds.
    pub step_ms: i32,
    /// Time that an offset has to stay above before a set clock is stepped, in seconds.
    pub stepout_s: i32,
    /// Offset above which nothing is believed, in seconds.
    pub panic_s: i32,
    /// Whether the first offset may be as large as it likes.
    pub first_is_unlimited: bool,
    /// Whether questions are counted.
    pub asks: bool,
    /// What is done otherwise than it should be.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The discipline as it should be.
    #[default]
    Sound,
    /// Steps as soon as the threshold is passed.
    StepsAtOnce,
    /// Panics only at an offset forward, not back (ntpd-rs issue 185).
    PanicsForwardOnly,
    /// Has no panic threshold: a server that says it is the year 2000 is believed (USNO, 19 November 2012).
    BelievesAnyYear,
    /// Waives the panic threshold at every step, and not at the first alone.
    WaivesAlways,
    /// Keeps samples as they were measured when the clock is stepped.
    KeepsOldSamples,
    /// Moves the clock by all that is to be slewed in one tick.
    SlewsAtOnce,
    /// Remembers the last seven questions.
    ForgetsEighth,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick goes by.
    Tick,
    /// The clock is measured to be behind by so many units.
    Measure {
        /// The offset in units, negative where the clock is ahead.
        offset: i32,
    },
    /// A question leaves.
    Ask,
}

/// Where the clock is with its discipline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Phase {
    /// Nothing was ever measured.
    Unset,
    /// The clock is set.
    Set,
    /// The clock is set, and the last offsets were too large to be slewed.
    Spike {
        /// Ticks since the first of those; no further than the first number that is longer than the stepout.
        ticks: u8,
    },
    /// An offset was beyond all reason.
    Panicked,
}

/// A configuration.
///
/// Invariants, whatever the variant: nothing is slewed before anything was measured, or after a panic; a spike is
/// waited for no longer than the stepout; samples are kept without a gap, and none where questions are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Where the clock is with its discipline.
    pub phase: Phase,
    /// Units still to be slewed.
    pub slewing: i32,
    /// Samples, newest first: each as it is kept, and as it would be if it were measured now.
    pub samples: [Option<(i32, i32)>; SAMPLES],
    /// The register: which of the last eight questions were answered.
    pub reach: u8,
    /// Questions since one was answered; no further than [`REACH`].
    pub unanswered: u8,
    /// What the last step has shown.
    pub seen: Seen,
}

/// What was seen to happen in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Whether a set clock was stepped before the stepout.
    pub hasty: bool,
    /// Whether the clock was stepped by more than is believable.
    pub unbelievable: bool,
    /// Whether the clock was slewed by more than 500 ppm.
    pub fast: bool,
    /// Whether the clock was stepped.
    pub stepped: bool,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// There is nothing to say.
    Done,
    /// The clock moves by so many units, slewed.
    Moves(i32),
    /// The clock will be slewed.
    Slews,
    /// The clock is stepped by so many units.
    Steps(i32),
    /// The clock is left alone.
    Waits,
    /// Nothing is done to the clock any more.
    Panics,
}

impl Discipline {
    /// A discipline that is given offsets on both sides of both thresholds, either way.
    pub fn small() -> Self {
        let panic = 1_000_000 / UNIT_MS;
        Discipline {
            offsets: vec![0, 2, -2, 3, -3, panic, -panic, panic + 1, -panic - 1],
            step_ms: 128,
            stepout_s: 900,
            panic_s: 1_000,
            first_is_unlimited: false,
            asks: false,
            variant: Variant::Sound,
        }
    }

    /// A discipline that is given questions and answers, and no offset.
    pub fn asking() -> Self {
        Discipline { offsets: vec![0], asks: true, ..Discipline::small() }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Discipline { variant, ..self }
    }

    /// The first number of ticks that are as long as the stepout.
    fn stepout_ticks(&self) -> u8 {
        u8::try_from((self.stepout_s + TICK_S - 1) / TICK_S).unwrap_or(u8::MAX)
    }

    fn is_unbelievable(&self, offset: i32) -> bool {
        offset.abs() * UNIT_MS > self.panic_s * 1_000
    }

    fn panics(&self, state: &State, offset: i32) -> bool {
        let first = state.phase == Phase::Unset && self.first_is_unlimited;
        self.is_unbelievable(offset) && !first && self.looks_at(offset)
    }

    fn measure(&self, state: &mut State, offset: i32) -> Told {
        if state.phase == Phase::Panicked || self.panics(state, offset) {
            (state.phase, state.slewing) = (Phase::Panicked, 0);
            return Told::Panics;
        }
        state.reach |= 1;
        state.unanswered = 0;
        // Where questions are counted no sample is looked at.
        if !self.asks {
            state.samples.rotate_right(1);
            state.samples[0] = Some((offset, offset));
        }
        if offset.abs() * UNIT_MS <= self.step_ms {
            (state.phase, state.slewing) = (Phase::Set, offset);
            return Told::Slews;
        }
        match state.phase {
            Phase::Set if !self.steps_at_once() => {
                state.phase = Phase::Spike { ticks: 0 };
                Told::Waits
            }
            Phase::Spike { ticks } if ticks < self.stepout_ticks() && !self.steps_at_once() => Told::Waits,
            Phase::Unset | Phase::Set | Phase::Spike { .. } | Phase::Panicked => {
                self.step(state, offset);
                Told::Steps(offset)
            }
        }
    }

    fn step(&self, state: &mut State, by: i32) {
        let waited = matches!(state.phase, Phase::Spike { ticks } if ticks >= self.stepout_ticks());
        let first = state.phase == Phase::Unset;
        state.seen = Seen {
            hasty: !first && !waited,
            unbelievable: self.is_unbelievable(by) && !(first && self.first_is_unlimited),
            stepped: true,
            ..Seen::default()
        };
        (state.phase, state.slewing) = (Phase::Set, 0);
        shift(state, self.shifted(by), by);
    }

    fn tick(&self, state: &mut State) -> Told {
        if let Phase::Spike { ticks } = &mut state.phase {
            *ticks = (*ticks + 1).min(self.stepout_ticks());
        }
        let by = state.slewing.clamp(-self.slewed_max(), self.slewed_max());
        state.seen.fast = by.abs() > SLEWED_MAX;
        state.slewing -= by;
        shift(state, by, by);
        Told::Moves(by)
    }

    /// The state that `action` makes of `before`, and what the outside is told.
    pub fn step_by(&self, before: &State, action: Action) -> (State, Told) {
        let mut after = before.clone();
        after.seen = Seen::default();
        let told = match action {
            Action::Tick => self.tick(&mut after),
            Action::Measure { offset } => self.measure(&mut after, offset),
            Action::Ask => {
                after.reach = (after.reach << 1) & self.register();
                after.unanswered = (after.unanswered + 1).min(REACH);
                Told::Done
            }
        };
        (after, told)
    }
}

/// Where the rules deviate: each hook is asked by them.
impl Discipline {
    /// Whether an offset that is beyond all reason is looked at for a panic.
    fn looks_at(&self, offset: i32) -> bool {
        match self.variant {
            Variant::PanicsForwardOnly => offset > 0,
            Variant::BelievesAnyYear => false,
            Variant::WaivesAlways => !self.first_is_unlimited,
            _ => true,
        }
    }

    /// Whether the clock is stepped as soon as the threshold is passed.
    fn steps_at_once(&self) -> bool {
        self.variant == Variant::StepsAtOnce
    }

    /// Units by which kept samples are shifted when the clock is stepped.
    fn shifted(&self, by: i32) -> i32 {
        if self.variant == Variant::KeepsOldSamples { 0 } else { by }
    }

    /// Most units that the clock is slewed by in a tick.
    fn slewed_max(&self) -> i32 {
        if self.variant == Variant::SlewsAtOnce { i32::MAX } else { SLEWED_MAX }
    }

    /// Questions that the register remembers, as bits.
    fn register(&self) -> u8 {
        if self.variant == Variant::ForgetsEighth { 0x7f } else { 0xff }
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Discipline) -> bool {
        let phase = match self.phase {
            Phase::Unset | Phase::Panicked => self.slewing == 0,
            Phase::Set => true,
            Phase::Spike { ticks } => ticks <= model.stepout_ticks(),
        };
        let kept = self.samples.iter().flatten().count();
        let without_gap = self.samples[..kept].iter().all(Option::is_some);
        phase && without_gap && (kept == 0 || !model.asks) && self.unanswered <= REACH
    }
}

/// Shifts samples: as they are kept by `kept_by`, and what they would be now by `by`.
fn shift(state: &mut State, kept_by: i32, by: i32) {
    for (kept, now) in state.samples.iter_mut().flatten() {
        *kept -= kept_by;
        *now -= by;
    }
}

impl Model for Discipline {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            phase: Phase::Unset,
            slewing: 0,
            samples: [None; SAMPLES],
            reach: 0,
            unanswered: REACH,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        actions.extend(self.offsets.iter().map(|offset| Action::Measure { offset: *offset }));
        if self.asks {
            actions.push(Action::Ask);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step_by(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
