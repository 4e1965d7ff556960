//! Sub-model *leap*: a wall clock that meets a leap second, and applications that sleep by it.
//!
//! An application sleeps until an absolute time of the wall clock, wakes, and sleeps again. The kernel fires its timer
//! when the *timer base* says that the time has come; that base is told of the wall clock's steps, or it is not. Time
//! here is relative to midnight and to the wall clock, so that days are alike.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most applications that a state has room for.
pub const APPS_MAX: usize = 2;

/// Number of ticks in a second.
pub const SECOND: u8 = 4;

/// Number of ticks in a day: five seconds are enough to have a noon, a midnight, and time between them.
pub const DAY: u8 = 5 * SECOND;

/// Number of ticks from midnight to noon.
pub const NOON: u8 = DAY / 2;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leap {
    /// What happens at the end of the day that is announced.
    pub second: Second,
    /// Number of applications that sleep.
    pub apps: u8,
    /// Ticks that they sleep for, whichever they choose.
    pub sleeps: Vec<u8>,
    /// Whether the client may be told to follow servers, smeared and not.
    pub follows: bool,
    /// What is done otherwise than it should be.
    pub variant: Variant,
}

/// What happens at the end of the day that is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Second {
    /// A second is inserted: the last one comes twice.
    Insert,
    /// A second is deleted: the last one does not come.
    Delete,
    /// A second is inserted from noon to noon: each second is a little longer.
    Smear,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The clock as it should be.
    #[default]
    Sound,
    /// The wall clock steps and the timer base keeps its old offset (Linux before July 2012: no `clock_was_set`).
    ForgetsClockWasSet,
    /// The flag stays up once the second is over.
    NeverClearsFlag,
    /// A server's flag is believed that is still up when the second is over.
    BelievesStaleFlag,
    /// Smeared and unsmeared servers are followed at once.
    MixesSmears,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick goes by. What is to wake at the time that it is wakes first.
    Tick,
    /// A server's leap flag is seen.
    Announce,
    /// The kernel looks at an application's timer; if it fires the application runs, and sleeps again.
    Wake {
        /// The application, 0-based.
        app: u8,
        /// Ticks that it sleeps for, from what the wall clock shows then.
        sleep: u8,
    },
    /// The client is told to follow one more server.
    Follow {
        /// Whether that server smears.
        smeared: bool,
    },
}

/// A configuration.
///
/// Invariants, whatever the variant: the wall clock is inside its day, and a second inside itself; a day is smeared
/// only where leap seconds are; applications beyond the model's sleep for nothing; what is counted goes no further than
/// said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Reading of the wall clock, in ticks since midnight.
    pub wall: u8,
    /// Ticks of the wall clock until each application's timer is due.
    pub left: [i8; APPS_MAX],
    /// Ticks that the timer base is ahead of the wall clock.
    pub base_ahead: i8,
    /// Ticks of this second that are gone, by the clock that never steps.
    pub of_second: u8,
    /// Number of times that applications woke in this second; no further than one more than there may be.
    pub wakes: u8,
    /// Whether a leap second is awaited.
    pub pending: bool,
    /// Whether a leap second is just over.
    pub done: bool,
    /// Ticks since noon of a day that is smeared, by the clock that never steps.
    pub smearing: Option<u8>,
    /// Whether an unsmeared, and whether a smeared server is followed.
    pub followed: [bool; 2],
    /// Number of leap seconds so far; no further than two.
    pub leaps: u8,
    /// Whether the last step was a tick.
    pub ticked: bool,
    /// What the last step has shown.
    pub seen: Seen,
}

/// What was seen to happen in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Whether a timer fired before it was due.
    pub early: bool,
    /// Whether a step of the wall clock made a timer late.
    pub late: bool,
    /// Whether the wall clock went back.
    pub backwards: bool,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// There is nothing to say.
    Done,
    /// The timer fired.
    Woke,
    /// The timer did not fire.
    Asleep,
    /// The announcement or the server is not taken.
    Refused,
}

impl Leap {
    /// A model of two applications that sleep for a quarter of a second to one and a half.
    pub fn small(second: Second) -> Self {
        Leap { second, apps: 2, sleeps: vec![1, 2, 3, 4, 6], follows: false, variant: Variant::Sound }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Leap { variant, ..self }
    }

    /// Number of times that applications can wake in a second: once a tick, each.
    pub fn wakes_max(&self) -> u8 {
        SECOND * self.apps
    }

    /// Whether the kernel fires `app`'s timer.
    fn fires(state: &State, app: usize) -> bool {
        state.left[app] - state.base_ahead <= 0
    }

    fn apps(&self) -> std::ops::Range<usize> {
        0..usize::from(self.apps)
    }

    fn tick(&self, state: &mut State) {
        state.ticked = true;
        state.of_second = (state.of_second + 1) % SECOND;
        if state.of_second == 0 {
            state.wakes = 0;
        }
        // Of a smeared day five ticks are four of the wall clock.
        if let Some(since_noon) = state.smearing {
            let wall = |ticks: u8| ticks * (DAY / SECOND) / (DAY / SECOND + 1);
            let advances = wall(since_noon + 1) > wall(since_noon);
            let over = since_noon + 1 == DAY + SECOND;
            state.smearing = (!over).then_some(since_noon + 1);
            if over {
                state.leaps = (state.leaps + 1).min(2);
                state.pending = false;
            }
            if !advances {
                return;
            }
        }
        self.advance(state);
    }

    /// Lets the wall clock show a tick more.
    fn advance(&self, state: &mut State) {
        state.wall += 1;
        for app in self.apps() {
            state.left[app] -= 1;
        }
        let leaps = state.pending && self.second != Second::Smear;
        if leaps && self.second == Second::Insert && state.wall == DAY {
            self.step(state, -SECOND.cast_signed());
        }
        if leaps && self.second == Second::Delete && state.wall == DAY - SECOND {
            self.step(state, SECOND.cast_signed());
        }
        state.wall %= DAY;
        if state.wall == NOON {
            state.done = false;
            if state.pending && self.second == Second::Smear && state.smearing.is_none() {
                state.smearing = Some(0);
            }
        }
    }

    /// Steps the wall clock by a leap second.
    fn step(&self, state: &mut State, by: i8) {
        state.wall = state.wall.wrapping_add_signed(by);
        state.seen.backwards = by < 0;
        state.leaps = (state.leaps + 1).min(2);
        state.done = true;
        state.pending = self.never_clears_flag();
        for app in self.apps() {
            let before = state.left[app];
            state.left[app] -= by;
            state.seen.late |= before > 0 && state.left[app] < 0;
        }
        state.base_ahead -= self.not_told(by);
    }

    /// The state that `action` makes of `before`, and what the outside is told.
    pub fn step_by(&self, before: &State, action: Action) -> (State, Told) {
        let mut after = before.clone();
        after.ticked = false;
        after.seen = Seen::default();
        let told = match action {
            Action::Tick => {
                self.tick(&mut after);
                Told::Done
            }
            Action::Announce => {
                let stale = after.done && !self.believes_stale_flag();
                let late = self.second == Second::Smear && (after.wall >= NOON || after.smearing.is_some());
                if stale || late {
                    return (before.clone(), Told::Refused);
                }
                after.pending = true;
                Told::Done
            }
            Action::Wake { app, sleep } => {
                let app = usize::from(app);
                if !Leap::fires(before, app) {
                    return (before.clone(), Told::Asleep);
                }
                after.seen.early = before.left[app] > 0;
                after.left[app] = sleep.cast_signed();
                after.wakes = (after.wakes + 1).min(self.wakes_max() + 1);
                Told::Woke
            }
            Action::Follow { smeared } => {
                let mixes = after.followed[usize::from(!smeared)];
                if mixes && !self.mixes_smears() {
                    return (before.clone(), Told::Refused);
                }
                after.followed[usize::from(smeared)] = true;
                Told::Done
            }
        };
        (after, told)
    }

    /// Whether a server's flag is up: it stays up until noon of the day after.
    fn flag_is_up(state: &State) -> bool {
        state.leaps == 0 || state.done
    }
}

/// Where the rules deviate: each hook is asked by them once.
impl Leap {
    /// Whether the flag stays up once the second is over.
    fn never_clears_flag(&self) -> bool {
        self.variant == Variant::NeverClearsFlag
    }

    /// Ticks of a step of the wall clock that its timers are not told of.
    fn not_told(&self, by: i8) -> i8 {
        if self.variant == Variant::ForgetsClockWasSet { by } else { 0 }
    }

    /// Whether a server's flag is believed that is still up when the second is over.
    fn believes_stale_flag(&self) -> bool {
        self.variant == Variant::BelievesStaleFlag
    }

    /// Whether smeared and unsmeared servers are followed at once.
    fn mixes_smears(&self) -> bool {
        self.variant == Variant::MixesSmears
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Leap) -> bool {
        self.wall < DAY
            && self.of_second < SECOND
            && self.smearing.is_none_or(|ticks| model.second == Second::Smear && ticks < DAY + SECOND)
            && self.left[usize::from(model.apps)..].iter().all(|left| *left == 0)
            && self.wakes <= model.wakes_max() + 1
            && self.leaps <= 2
    }
}

impl Model for Leap {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let longest = self.sleeps.iter().max().copied().unwrap_or(0).cast_signed();
        vec![State {
            wall: 0,
            left: std::array::from_fn(|app| if app < usize::from(self.apps) { longest } else { 0 }),
            base_ahead: 0,
            of_second: 0,
            wakes: 0,
            pending: false,
            done: false,
            smearing: None,
            followed: [false; 2],
            leaps: 0,
            ticked: false,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut awaited = false;
        for app in self.apps() {
            let fires = Leap::fires(state, app);
            awaited |= fires && state.left[app] <= 0;
            // What does not fire is looked at all the same, whatever would be slept for.
            let sleeps = if fires { &self.sleeps[..] } else { &self.sleeps[..1] };
            actions.extend(sleeps.iter().map(|sleep| Action::Wake { app: app as u8, sleep: *sleep }));
        }
        if Leap::flag_is_up(state) {
            actions.push(Action::Announce);
        }
        if self.follows {
            actions.extend([false, true].map(|smeared| Action::Follow { smeared }));
        }
        if !awaited {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step_by(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        // To announce what is announced, or to follow whom one follows, is nothing.
        let nothing = State { ticked: before.ticked, seen: before.seen, ..after.clone() } == *before;
        let idle = matches!(action, Action::Announce | Action::Follow { .. }) && nothing;
        (after != *before && !idle).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
