//! Sub-model *sources*: a client asks several servers, keeps the last word of each, and reckons what they agree on,
//! while its own clock drifts.
//!
//! A unit of offset is 15 ms and a tick 1,000 s, so that a clock drifts by one unit in a tick at most (15 ppm), and what
//! was heard is worth one unit less. All servers are asked in each tick.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most servers that a state has room for.
pub const SERVERS_MAX: usize = 3;

/// Units that an answer may be wrong by, as it says itself.
pub const RADIUS: u8 = 1;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Number of servers that tell the truth: they are asked first, and the truth is in their intervals.
    pub truechimers: u8,
    /// Number of servers that may say anything.
    pub falsetickers: u8,
    /// Units that the client's clock drifts away from where it was set, at most.
    pub drift_max: i8,
    /// Units that an answer may be wrong by, at most, to be looked at.
    pub distance_max: u8,
    /// Offsets that a server says who does not tell the truth; without any it says nothing.
    pub lies: Vec<i8>,
    /// Whether an answer may not come.
    pub is_silent: bool,
    /// Whether a server may say DENY.
    pub denies: bool,
    /// Whether the clock is stepped, once a tick at most.
    pub steps: bool,
    /// Units that the clock is off by after a step, at most: no step that leads further is looked at. The sound client
    /// makes none.
    pub off_max: i8,
    /// What is done otherwise than it should be.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The client as it should be.
    #[default]
    Sound,
    /// Believes the majority of those that were heard, however few (RFC 5905 §11.2.1, with CMIN at 1).
    CountsHeardAlone,
    /// Holds what was heard to be as good as when it was heard.
    NeverAges,
    /// Keeps what was heard as it was when the clock is stepped.
    ForgetsStep,
    /// Counts the last word of a server that has said DENY.
    KeepsDenied,
    /// Looks at what was heard however old it is.
    NeverForgets,
    /// Believes nothing until every server is heard.
    WaitsForAll,
}

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Says {
    /// The client's clock is behind by so many units, give or take [`RADIUS`].
    Time {
        /// Units, negative where the clock is ahead.
        offset: i8,
    },
    /// The server sends a kiss: go away.
    Deny,
    /// The answer does not come.
    Nothing,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick goes by, in which the client's clock loses so many units.
    Tick {
        /// Units: −1 to 1.
        drift: i8,
    },
    /// A server is asked, if it is time.
    Ask {
        /// The server, 0-based.
        server: u8,
        /// The answer.
        says: Says,
    },
    /// The clock is stepped to the middle of what the servers agree on.
    Step {
        /// Units that it is moved by, negative for back.
        by: i8,
    },
}

/// Span from one offset to another, both included.
pub type Span = (i8, i8);

/// The last word of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Kept {
    /// Units that the clock is behind by.
    pub offset: i8,
    /// Units that this may be wrong by, as of now.
    pub distance: u8,
}

/// A server, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Source {
    /// Whether it is time to ask.
    pub is_due: bool,
    /// Whether it has said DENY.
    pub is_denied: bool,
    /// Its last word, if that counts.
    pub kept: Option<Kept>,
}

/// A configuration.
///
/// Invariants, whatever the variant: places beyond the servers are as they were at first; who was denied is not due; where
/// the clock is not stepped it is off by no more than it drifts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Units that the client's clock is behind the truth by.
    pub truth: i8,
    /// The servers.
    pub sources: [Source; SERVERS_MAX],
    /// Whether the clock was stepped in this tick.
    pub stepped: bool,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// There is nothing to say.
    Done,
    /// It is not time to ask, or never again.
    NotYet,
    /// The answer counts.
    Heard,
    /// The server is asked no more.
    Denied,
    /// There is no answer.
    Unanswered,
}

impl Sources {
    /// Two servers that tell the truth and one that need not.
    pub fn small() -> Self {
        Sources {
            truechimers: 2,
            falsetickers: 1,
            drift_max: 1,
            distance_max: 2,
            lies: vec![-3, 3],
            is_silent: false,
            denies: false,
            steps: true,
            off_max: 8,
            variant: Variant::Sound,
        }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Sources { variant, ..self }
    }

    /// Number of servers.
    pub fn servers(&self) -> usize {
        usize::from(self.truechimers + self.falsetickers)
    }

    /// Servers that may lie, at most, if fewer than half do.
    fn liars_max(&self) -> usize {
        (self.servers() - 1) / 2
    }

    /// What the servers agree on: the span of all points that as many hold as count, less those that may lie (fewer than half of
    /// all).
    pub fn agreed(&self, state: &State) -> Option<Span> {
        let spans: Vec<Span> = state.sources.iter().filter_map(|source| source.kept).map(Kept::span).collect();
        let needed = self.needed(spans.len()).filter(|needed| *needed > 0)?;
        let holds = |point: &i8| spans.iter().filter(|(low, high)| low <= point && point <= high).count() >= needed;
        let lowest = spans.iter().map(|(low, _)| *low).min()?;
        let highest = spans.iter().map(|(_, high)| *high).max()?;
        Some(((lowest..=highest).find(holds)?, (lowest..=highest).rfind(holds)?))
    }

    /// Servers that count, as bits.
    pub fn counted(state: &State) -> u8 {
        (0..).zip(&state.sources).map(|(server, source)| u8::from(source.kept.is_some()) << server).sum()
    }

    fn ask(&self, state: &mut State, server: usize, says: Says) -> Told {
        let source = &mut state.sources[server];
        if !source.is_due {
            return Told::NotYet;
        }
        source.is_due = false;
        match says {
            Says::Time { offset } => {
                source.kept = Some(Kept { offset, distance: RADIUS });
                Told::Heard
            }
            Says::Deny => {
                source.is_denied = true;
                source.kept = source.kept.filter(|_| self.keeps_denied());
                Told::Denied
            }
            Says::Nothing => Told::Unanswered,
        }
    }

    fn tick(&self, state: &mut State, drift: i8) {
        state.truth += drift;
        state.stepped = false;
        for source in &mut state.sources[..self.servers()] {
            source.is_due = !source.is_denied;
            source.kept = source.kept.and_then(|kept| self.aged(kept));
        }
    }

    /// The state that `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut after = before.clone();
        let told = match action {
            Action::Tick { drift } => {
                self.tick(&mut after, drift);
                Told::Done
            }
            Action::Ask { server, says } => self.ask(&mut after, usize::from(server), says),
            Action::Step { by } => {
                after.truth -= by;
                after.stepped = true;
                for kept in after.sources.iter_mut().filter_map(|source| source.kept.as_mut()) {
                    kept.offset -= self.shifted(by);
                }
                Told::Done
            }
        };
        (after, told)
    }

    /// What the server may say while the clock is behind by `truth`.
    fn answers(&self, server: u8, truth: i8) -> Vec<Says> {
        let mut answers = if server < self.truechimers {
            let radius = RADIUS.cast_signed();
            // What lies between the two is no further from the truth.
            vec![Says::Time { offset: truth - radius }, Says::Time { offset: truth + radius }]
        } else {
            self.lies.iter().map(|offset| Says::Time { offset: *offset }).collect()
        };
        answers.extend((self.is_silent || answers.is_empty()).then_some(Says::Nothing));
        answers.extend(self.denies.then_some(Says::Deny));
        answers
    }
}

/// Where the model deviates: the rules ask these.
impl Sources {
    /// How many of the servers that count have to hold a point.
    fn needed(&self, heard: usize) -> Option<usize> {
        match self.variant {
            Variant::CountsHeardAlone => Some(heard / 2 + 1),
            Variant::WaitsForAll if heard < self.servers() => None,
            _ => heard.checked_sub(self.liars_max()),
        }
    }

    /// What is left of a server's word when a tick has gone by.
    fn aged(&self, kept: Kept) -> Option<Kept> {
        let distance = match self.variant {
            Variant::NeverAges => kept.distance,
            // A number that is too large is not told from the next.
            Variant::NeverForgets => (kept.distance + 1).min(self.distance_max + 1),
            _ => kept.distance + 1,
        };
        let counts = distance <= self.distance_max || self.variant == Variant::NeverForgets;
        counts.then_some(Kept { distance, ..kept })
    }

    /// Units by which what was heard is shifted when the clock is stepped.
    fn shifted(&self, by: i8) -> i8 {
        if self.variant == Variant::ForgetsStep { 0 } else { by }
    }

    /// Whether the word of a server counts that has said DENY.
    fn keeps_denied(&self) -> bool {
        self.variant == Variant::KeepsDenied
    }
}

impl Kept {
    /// The interval in which the server says that the truth lies.
    pub fn span(self) -> Span {
        let distance = self.distance.cast_signed();
        (self.offset - distance, self.offset + distance)
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Sources) -> bool {
        let (servers, beyond) = self.sources.split_at(model.servers());
        beyond.iter().all(|source| *source == Source { is_due: false, is_denied: false, kept: None })
            && servers.iter().all(|source| !(source.is_due && source.is_denied))
            && (model.steps || !self.stepped && self.truth.abs() <= model.drift_max)
    }
}

impl Model for Sources {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let source = |server| Source { is_due: server < self.servers(), is_denied: false, kept: None };
        vec![State { truth: 0, sources: std::array::from_fn(source), stepped: false }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for server in 0..self.truechimers + self.falsetickers {
            let answers = self.answers(server, state.truth).into_iter();
            actions.extend(answers.map(|says| Action::Ask { server, says }));
        }
        let agreed = self.agreed(state).filter(|_| self.steps && !state.stepped);
        let middle = agreed.map(|(low, high)| (low + high).div_euclid(2));
        let near = |by: &i8| (state.truth - by).abs() <= self.off_max;
        assert!(self.variant != Variant::Sound || middle.is_none_or(|by| near(&by)), "{state:?}");
        actions.extend(middle.filter(|by| *by != 0 && near(by)).map(|by| Action::Step { by }));
        // Who is to be asked in this tick is asked in this tick.
        if state.sources.iter().all(|source| !source.is_due) {
            let stays = |drift: &i8| {
                let there = (state.truth + drift).abs();
                there <= self.drift_max || there < state.truth.abs()
            };
            actions.extend((-1..=1).filter(stays).map(|drift| Action::Tick { drift }));
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
