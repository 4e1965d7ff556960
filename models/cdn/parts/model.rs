//! Sub-model *parts*: one cache of something that has two halves, each of which may be asked for.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// The halves of a whole.
pub const HALVES: usize = 2;

/// What the origin names its content by, besides where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Tag {
    /// A strong entity tag: another one for other octets.
    Strong,
    /// A weak one: it stays the same when the content changes.
    Weak,
    /// None.
    Absent,
}

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Times that the content changes.
    pub changes_max: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// Parts with the same tag are put together, though it is a weak one.
    CombinesWeak,
    /// Parts of something that is as long are put together.
    CombinesAll,
    /// A part that is kept answers who asks for the whole.
    ServesPartAsWhole,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    /// The version of each half. `None`: it is not there.
    pub halves: [Option<u8>; HALVES],
    /// How it was named.
    pub tag: Tag,
    /// The version that its tag names, 0 where that does not tell.
    pub tagged: u8,
}

/// What has gone wrong in the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// Halves of two versions were served as one whole.
    ServedMixed,
    /// Less was served than what was asked for.
    ServedLess,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The version of the content.
    pub version: u8,
    /// How the origin names it now.
    pub tag: Tag,
    /// What is kept.
    pub kept: Option<Kept>,
    /// History: what has gone wrong in the last step.
    pub breach: Option<Breach>,
}

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Wanted {
    /// The half of this number, 0-based.
    Half(u8),
    /// Both.
    Whole,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks.
    Request {
        /// For what.
        wanted: Wanted,
    },
    /// The origin names its content otherwise from now on.
    Name {
        /// How.
        tag: Tag,
    },
    /// The content changes.
    Change,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// The version of each half that the client is given.
    pub given: [Option<u8>; HALVES],
    /// Whether the origin was asked.
    pub asked: bool,
}

impl Wanted {
    /// Whether a half is wanted.
    pub fn has(self, half: usize) -> bool {
        match self {
            Wanted::Half(wanted) => usize::from(wanted) == half,
            Wanted::Whole => true,
        }
    }

    fn of(self, halves: [Option<u8>; HALVES]) -> [Option<u8>; HALVES] {
        std::array::from_fn(|half| halves[half].filter(|_| self.has(half)))
    }
}

impl Parts {
    /// Two changes.
    pub fn small() -> Self {
        Parts { changes_max: 2, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Parts { variant, ..self }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = State { breach: None, ..before.clone() };
        match action {
            Action::Request { wanted } => {
                let told = self.request(&mut state, wanted);
                return (state, told);
            }
            Action::Name { tag } => state.tag = tag,
            Action::Change => state.version += 1,
        }
        (state, Told::default())
    }

    fn request(&self, state: &mut State, wanted: Wanted) -> Told {
        if let Some(kept) = state.kept.filter(|kept| self.answers(*kept, wanted)) {
            let given = wanted.of(kept.halves);
            let versions: Vec<u8> = given.into_iter().flatten().collect();
            state.breach = if versions.windows(2).any(|pair| pair[0] != pair[1]) {
                Some(Breach::ServedMixed)
            } else {
                (given != wanted.of([versions.first().copied(); HALVES])).then_some(Breach::ServedLess)
            };
            return Told { given, asked: false };
        }
        let given = wanted.of([Some(state.version); HALVES]);
        let tagged = if state.tag == Tag::Strong { state.version } else { 0 };
        let come = Kept { halves: given, tag: state.tag, tagged };
        if wanted == Wanted::Whole {
            state.kept = Some(come);
        } else if let Some(known) = state.kept.filter(|known| self.belong_together(*known, come)) {
            let halves = std::array::from_fn(|half| come.halves[half].or(known.halves[half]));
            state.kept = Some(Kept { halves, ..come });
        } else if self.keeps_part(come.tag) {
            state.kept = Some(come);
        }
        Told { given, asked: true }
    }
}

/// Where the model deviates: the rules ask these.
impl Parts {
    /// Whether what is kept has all that is wanted.
    fn answers(&self, kept: Kept, wanted: Wanted) -> bool {
        let has_all = (0..HALVES).all(|half| !wanted.has(half) || kept.halves[half].is_some());
        has_all || wanted == Wanted::Whole && self.variant == Variant::ServesPartAsWhole
    }

    /// Whether a part is put together with what there is (RFC 9110 §15.3.7.3).
    fn belong_together(&self, known: Kept, come: Kept) -> bool {
        let same = (known.tag, known.tagged) == (come.tag, come.tagged);
        match self.variant {
            Variant::CombinesAll => true,
            Variant::CombinesWeak => same && come.tag != Tag::Absent,
            _ => same && come.tag == Tag::Strong,
        }
    }

    /// Whether a part is kept that may be put together with nothing yet.
    fn keeps_part(&self, tag: Tag) -> bool {
        match self.variant {
            Variant::CombinesAll => true,
            Variant::CombinesWeak => tag != Tag::Absent,
            _ => tag == Tag::Strong,
        }
    }
}

impl Model for Parts {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { version: 0, tag: Tag::Strong, kept: None, breach: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let wanted = [Wanted::Half(0), Wanted::Half(1), Wanted::Whole];
        actions.extend(wanted.map(|wanted| Action::Request { wanted }));
        let others = [Tag::Strong, Tag::Weak, Tag::Absent].into_iter().filter(|tag| *tag != state.tag);
        actions.extend(others.map(|tag| Action::Name { tag }));
        if state.version < self.changes_max {
            actions.push(Action::Change);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
