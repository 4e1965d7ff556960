//! Three questions, two delegations, and whose word counts for how long.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Questions of clients.
pub const QUESTIONS: usize = 3;

/// An address in the lower zone.
pub const WWW: usize = 0;
/// The lower zone's own NS records.
pub const NS: usize = 1;
/// The address of the lower zone's server, of which the zone above has glue.
pub const SERVER: usize = 2;

/// Zones whose servers are found by referral: the upper, and the lower inside it.
pub const ZONES: usize = 2;

/// The model and its bounds. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// TTL of the root's referral to the upper zone, and of the glue with it.
    pub upper_ttl: u8,
    /// TTL of the upper zone's referral to the lower, and of the glue with it.
    pub lower_ttl: u8,
    /// TTLs of what the lower zone itself answers, by question.
    pub own_ttls: [u8; QUESTIONS],
    /// The upper zone may take the lower back.
    pub revokes: bool,
    /// The state remembers how far the story of a name has come.
    pub is_story: bool,
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// What the lower zone says of its own servers with each answer lengthens its life, while it lives.
    ExtendsDelegation,
    /// What the lower zone says of its own servers with each answer brings it back, when it has ended.
    RevivesDelegation,
    /// A zone may outlive the one above it.
    OutlivesAbove,
    /// Glue takes the place of what the zone itself has said.
    GlueOverwrites,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks.
    Query {
        /// What, 0-based.
        question: u8,
    },
    /// The server that was asked answers, as its zone is now.
    Deliver,
    /// The upper zone takes the lower back.
    Revoke,
    /// Time goes by.
    Tick,
}

/// How much a source counts (RFC 2181 §5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Rank {
    /// Glue.
    Glue,
    /// The zone's own answer.
    Answer,
}

/// What is known of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// By whom.
    pub rank: Rank,
    /// Ticks left, at least 1.
    pub left: u8,
}

/// A question that is being looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Looking {
    /// Which.
    pub question: u8,
    /// Who is asked: 0 the root, 1 the upper zone, 2 the lower.
    pub asks: u8,
}

/// A configuration.
///
/// Invariants: what is kept has ticks left; only the server's address is known by glue; in the sound model no delegation
/// outlives the one above.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What is known, by question.
    pub known: [Option<Known>; QUESTIONS],
    /// Ticks left of each delegation.
    pub zones: [Option<u8>; ZONES],
    /// What is being looked for.
    pub looking: Option<Looking>,
    /// The lower zone was taken back.
    pub revoked: bool,
    /// History: ticks left of what the upper zone has said last of the lower.
    pub said: u8,
    /// History: the lower zone was asked when nobody's word for it was left.
    pub ghost: bool,
    /// History: glue has taken the place of an answer.
    pub overwritten: bool,
    /// History: 1 once a name was found from the root on, 2 once it was told without asking, 3 once it was asked for again.
    pub story: u8,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// The client is told so many ticks; 0 for a denial.
    pub client: Option<u8>,
    /// Who is asked: 0 the root, 1 the upper zone, 2 the lower; and whether at the address that it says itself.
    pub asked: Option<(u8, bool)>,
}

impl Walk {
    /// A lower zone that says of itself that it lives longer than the upper says.
    pub fn small() -> Self {
        Walk {
            upper_ttl: 4,
            lower_ttl: 2,
            own_ttls: [1, 3, 2],
            revokes: true,
            is_story: false,
            variant: Variant::Sound,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Walk { variant, ..self }
    }

    /// Who is asked first: the nearest zone of which a server's address is known.
    fn nearest(state: &State) -> u8 {
        match state.zones {
            [_, Some(_)] if state.known[SERVER].is_some() => 2,
            [Some(_), _] => 1,
            _ => 0,
        }
    }

    /// Asks server `asks` for `question`.
    fn ask(state: &mut State, question: u8, asks: u8, told: &mut Told) {
        state.looking = Some(Looking { question, asks });
        state.ghost |= asks == 2 && state.said == 0;
        let by_itself = asks == 2 && state.known[SERVER].is_some_and(|known| known.rank == Rank::Answer);
        told.asked = Some((asks, by_itself));
    }

    fn query(&self, state: &mut State, question: u8, told: &mut Told) {
        match state.known[usize::from(question)] {
            Some(Known { rank: Rank::Answer, left }) => {
                told.client = Some(left);
                state.story += u8::from(self.is_story && state.story == 1);
            }
            _ => {
                let asks = Walk::nearest(state);
                Walk::ask(state, question, asks, told);
                state.story += u8::from(self.is_story && state.story == 2);
            }
        }
    }

    /// The upper zone says who serves the lower.
    fn refer(&self, state: &mut State) {
        // Who is referred to no more refers to nobody.
        let above = if self.outlives_above() { Some(u8::MAX) } else { state.zones[0] };
        state.zones[1] = above.map(|above| above.min(self.lower_ttl));
        state.said = self.lower_ttl;
        let stays = state.known[SERVER].is_some_and(|known| known.rank == Rank::Answer);
        if !stays || self.glue_overwrites() {
            state.overwritten |= stays;
            state.known[SERVER] = Some(Known { rank: Rank::Glue, left: self.lower_ttl });
        }
    }

    fn deliver(&self, state: &mut State, looking: Looking, told: &mut Told) {
        let Looking { question, asks } = looking;
        match asks {
            0 => {
                state.zones[0] = Some(self.upper_ttl);
                Walk::ask(state, question, 1, told);
            }
            1 if state.revoked => {
                told.client = Some(0);
                state.looking = None;
            }
            1 => {
                self.refer(state);
                Walk::ask(state, question, 2, told);
            }
            _ => {
                let left = self.own_ttls[usize::from(question)];
                state.known[usize::from(question)] = Some(Known { rank: Rank::Answer, left });
                let lives = state.zones[1].is_some();
                if self.lengthens(lives) {
                    state.zones[1] = Some(self.own_ttls[NS]);
                    state.known[SERVER] = Some(Known { rank: Rank::Answer, left: self.own_ttls[SERVER] });
                }
                told.client = Some(left);
                state.looking = None;
                state.story += u8::from(self.is_story && state.story == 0);
            }
        }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = before.clone();
        let mut told = Told::default();
        match action {
            Action::Query { question } => self.query(&mut state, question, &mut told),
            Action::Deliver => {
                if let Some(looking) = before.looking {
                    self.deliver(&mut state, looking, &mut told);
                }
            }
            Action::Revoke => state.revoked = true,
            Action::Tick => {
                for known in &mut state.known {
                    *known = known.filter(|known| known.left > 1).map(|known| Known { left: known.left - 1, ..known });
                }
                for left in &mut state.zones {
                    *left = left.filter(|left| *left > 1).map(|left| left - 1);
                }
                state.said = state.said.saturating_sub(1);
            }
        }
        (state, told)
    }
}

/// Where the model deviates: the rules ask these.
impl Walk {
    /// Whether what the lower zone says of itself counts for its delegation, which `lives` or has ended.
    fn lengthens(&self, lives: bool) -> bool {
        match self.variant {
            Variant::ExtendsDelegation => lives,
            Variant::RevivesDelegation => !lives,
            Variant::Sound | Variant::OutlivesAbove | Variant::GlueOverwrites => false,
        }
    }

    /// Whether a delegation lives as long as its TTL says, whatever the one above does.
    fn outlives_above(&self) -> bool {
        self.variant == Variant::OutlivesAbove
    }

    /// Whether glue is kept though the zone itself has spoken.
    fn glue_overwrites(&self) -> bool {
        self.variant == Variant::GlueOverwrites
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Walk) -> bool {
        let sound = model.variant == Variant::Sound;
        self.known.iter().flatten().all(|known| known.left > 0)
            && self.zones.iter().flatten().all(|left| *left > 0)
            && [WWW, NS].iter().all(|question| self.known[*question].is_none_or(|known| known.rank == Rank::Answer))
            && (!sound || self.zones[1].unwrap_or(0) <= self.zones[0].unwrap_or(0))
    }
}

impl Model for Walk {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            known: [None; QUESTIONS],
            zones: [None; ZONES],
            looking: None,
            revoked: false,
            said: 0,
            ghost: false,
            overwritten: false,
            story: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.looking.is_some() {
            actions.push(Action::Deliver);
        } else {
            actions.extend((0..QUESTIONS as u8).map(|question| Action::Query { question }));
        }
        if self.revokes && !state.revoked {
            actions.push(Action::Revoke);
        }
        actions.push(Action::Tick);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
