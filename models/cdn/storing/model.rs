//! Sub-model *storing*: one cache before two origins that have five objects between them.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// What an origin has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is called in traces.
    pub name: &'static str,
    /// Whose it is.
    pub origin: u8,
    /// Where. The two origins have a path in common.
    pub path: u8,
    /// For which value of the field that its path varies on.
    pub variant: u8,
    /// Groups that it belongs to; a set of bits.
    pub groups: u8,
    /// Groups that each answer with it asks to invalidate, which on a safe method means nothing; a set of bits.
    pub names_groups: u8,
}

/// The group that a write may invalidate.
pub const X: u8 = 0b01;
/// The other group.
pub const Y: u8 = 0b10;

/// Number of objects.
pub const OBJECTS_MAX: usize = 5;

/// The objects: of the first origin a page, a list that is in two groups, and an item in two variants; of the second a page
/// at the same path.
pub const OBJECTS: [Object; OBJECTS_MAX] = [
    Object { name: "a's page", origin: 0, path: 0, variant: 0, groups: X, names_groups: 0 },
    Object { name: "a's list", origin: 0, path: 1, variant: 0, groups: X | Y, names_groups: Y },
    Object { name: "a's item", origin: 0, path: 2, variant: 0, groups: Y, names_groups: 0 },
    Object { name: "a's item, other variant", origin: 0, path: 2, variant: 1, groups: Y, names_groups: 0 },
    Object { name: "b's page", origin: 1, path: 0, variant: 0, groups: X, names_groups: 0 },
];

impl Object {
    /// Whether a request for the one is for the other too, but for what it varies on.
    pub fn has_target_of(&self, other: &Object) -> bool {
        (self.origin, self.path) == (other.origin, other.path)
    }
}

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storing {
    /// Ticks for which content is fresh, 2 or more.
    pub life: u8,
    /// Ticks for which an error is fresh, fewer.
    pub error_life: u8,
    /// Writes.
    pub writes_max: u8,
    /// Requests that the origins answer with an error.
    pub failures_max: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// The host is not in the key.
    KeyWithoutHost,
    /// What a response varies on is not in the key.
    IgnoresVary,
    /// An error is kept for as long as content.
    KeepsErrorsAsLong,
    /// Content is kept a tick longer than it is fresh for.
    IgnoresLife,
    /// A write takes away nothing.
    KeepsWhatIsWritten,
    /// A write takes away what is at the same path and in the same group of any origin.
    InvalidatesAnyOrigin,
    /// A group takes away every group that one of its own is in.
    CascadesGroups,
    /// A group that a safe request's answer names is taken away.
    HonoursGroupsOnGet,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    /// The object that it is of.
    pub of: u8,
    /// Its version.
    pub version: u8,
    /// Whether it is an error.
    pub is_error: bool,
    /// Its age in ticks.
    pub age: u8,
}

/// What has gone wrong in the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// Something else was served than what was asked for.
    ServedOther,
    /// Content was served after its life.
    ServedExpired,
    /// An error was served after its life.
    ServedOldError,
    /// Something older than a write was served.
    ServedOverwritten,
    /// A write took something of another origin away.
    TookFromOtherOrigin,
    /// A write took something away that is neither its target's nor its group's.
    TookFromOtherGroup,
    /// A safe request took something away.
    TookOnSafe,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The present version of each object.
    pub versions: [u8; OBJECTS_MAX],
    /// What is kept in the place of each object.
    pub kept: [Option<Kept>; OBJECTS_MAX],
    /// Whether the next request that reaches an origin is answered with an error.
    pub fails: bool,
    /// Writes so far.
    pub writes: u8,
    /// Failures so far.
    pub failures: u8,
    /// History: what has gone wrong in the last step.
    pub breach: Option<Breach>,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks for an object.
    Request {
        /// Which, 0-based.
        object: u8,
    },
    /// A client changes an object, and is answered.
    Write {
        /// Which.
        object: u8,
        /// Whether all of group X at its origin changes with it, which the answer says.
        group: bool,
    },
    /// The next request that reaches an origin will be answered with an error.
    Fail,
    /// Time passes.
    Tick,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// It is done.
    Done,
    /// Content, or an error.
    Content {
        /// The object that it is of.
        of: u8,
        /// Its version.
        version: u8,
        /// Whether it is an error.
        is_error: bool,
        /// Whether the origin was asked.
        asked: bool,
    },
}

/// All objects, with their numbers.
pub fn objects() -> impl Iterator<Item = (usize, &'static Object)> {
    OBJECTS.iter().enumerate()
}

impl Storing {
    /// Content is fresh for two ticks and an error for one; one write, one failure.
    pub fn small() -> Self {
        Storing { life: 2, error_life: 1, writes_max: 1, failures_max: 1, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Storing { variant, ..self }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = State { breach: None, ..before.clone() };
        let told = match action {
            Action::Request { object } => self.request(&mut state, object),
            Action::Write { object, group } => {
                self.write(&mut state, object.into(), group);
                Told::Done
            }
            Action::Fail => {
                state.fails = true;
                state.failures += 1;
                Told::Done
            }
            Action::Tick => {
                for kept in &mut state.kept {
                    let older = kept.map(|kept| Kept { age: kept.age + 1, ..kept });
                    *kept = older.filter(|kept| kept.age < self.keeps_for(kept.is_error));
                }
                Told::Done
            }
        };
        (state, told)
    }

    fn request(&self, state: &mut State, object: u8) -> Told {
        let asked_for = usize::from(object);
        let place = self.place(asked_for);
        if let Some(kept) = state.kept[place] {
            state.breach = self.wrong(state, object, kept);
            return Told::Content { of: kept.of, version: kept.version, is_error: kept.is_error, asked: false };
        }
        let (version, is_error) = (state.versions[asked_for], std::mem::take(&mut state.fails));
        state.kept[place] = Some(Kept { of: object, version, is_error, age: 0 });
        if self.honours_groups_on_get() {
            let Object { origin, names_groups, .. } = OBJECTS[asked_for];
            let is_gone = |other: &Object| other.origin == origin && other.groups & names_groups != 0;
            let gone: Vec<usize> =
                objects().filter(|(at, other)| *at != asked_for && is_gone(other)).map(|(at, _)| at).collect();
            if gone.iter().any(|at| state.kept[*at].take().is_some()) {
                state.breach = Some(Breach::TookOnSafe);
            }
        }
        Told::Content { of: object, version, is_error, asked: true }
    }

    /// What is wrong with serving `kept` to who asks for `object`.
    fn wrong(&self, state: &State, object: u8, kept: Kept) -> Option<Breach> {
        if kept.of != object {
            Some(Breach::ServedOther)
        } else if kept.is_error && kept.age >= self.error_life {
            Some(Breach::ServedOldError)
        } else if kept.age >= self.life {
            Some(Breach::ServedExpired)
        } else if kept.version < state.versions[usize::from(kept.of)] {
            Some(Breach::ServedOverwritten)
        } else {
            None
        }
    }

    fn write(&self, state: &mut State, object: usize, group: bool) {
        state.writes += 1;
        let written = &OBJECTS[object];
        let changes = |other: &Object| {
            other.has_target_of(written) || group && other.origin == written.origin && other.groups & X != 0
        };
        for (at, _) in objects().filter(|(_, other)| changes(other)) {
            state.versions[at] += 1;
        }
        let gone: Vec<usize> = objects()
            .filter(|(_, other)| self.takes_away(written, group, other))
            .map(|(at, _)| self.place(at))
            .collect();
        for at in gone {
            let Some(kept) = state.kept[at].take() else { continue };
            let other = &OBJECTS[usize::from(kept.of)];
            if other.origin != written.origin {
                state.breach = Some(Breach::TookFromOtherOrigin);
            } else if !changes(other) {
                state.breach = Some(Breach::TookFromOtherGroup);
            }
        }
    }
}

/// Where the model deviates: the rules ask these.
impl Storing {
    /// Where an object is kept.
    fn place(&self, object: usize) -> usize {
        let own = &OBJECTS[object];
        let shares = |other: &Object| match self.variant {
            Variant::KeyWithoutHost => (other.path, other.variant) == (own.path, own.variant),
            Variant::IgnoresVary => other.has_target_of(own),
            _ => other == own,
        };
        OBJECTS.iter().position(shares).unwrap_or(object)
    }

    /// Ticks for which something is kept.
    fn keeps_for(&self, is_error: bool) -> u8 {
        match self.variant {
            Variant::IgnoresLife if !is_error => self.life + 1,
            Variant::KeepsErrorsAsLong => self.life,
            _ if is_error => self.error_life,
            _ => self.life,
        }
    }

    /// Whether a write to `written` takes `other` away.
    fn takes_away(&self, written: &Object, group: bool, other: &Object) -> bool {
        let same_origin = other.origin == written.origin || self.variant == Variant::InvalidatesAnyOrigin;
        // The list is in X, and in Y as well.
        let groups = if self.variant == Variant::CascadesGroups { X | Y } else { X };
        let is_named = other.path == written.path || group && other.groups & groups != 0;
        same_origin && is_named && self.variant != Variant::KeepsWhatIsWritten
    }

    fn honours_groups_on_get(&self) -> bool {
        self.variant == Variant::HonoursGroupsOnGet
    }
}

impl Model for Storing {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            versions: [0; OBJECTS_MAX],
            kept: [None; OBJECTS_MAX],
            fails: false,
            writes: 0,
            failures: 0,
            breach: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (object, own) in (0..).zip(&OBJECTS) {
            actions.push(Action::Request { object });
            if state.writes < self.writes_max && own.variant == 0 {
                actions.push(Action::Write { object, group: false });
                if own.groups & X != 0 {
                    actions.push(Action::Write { object, group: true });
                }
            }
        }
        if state.failures < self.failures_max && !state.fails {
            actions.push(Action::Fail);
        }
        actions.push(Action::Tick);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
