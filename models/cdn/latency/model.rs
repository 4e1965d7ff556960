//! Sub-model *latency*: two edges below a shield below an origin, and the hops that each request takes.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Edges below the shield.
pub const EDGES: usize = 2;

/// Hops of a hit.
pub const HIT_HOPS: u8 = 1;

/// Hops of what nobody has: client to edge, edge to shield, shield to origin.
pub const COLD_HOPS: u8 = 3;

/// The model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Times that a node lets go of its copy.
    pub losses_max: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// An edge asks the shield whether what it has is still so, whatever its life.
    ValidatesEveryHit,
    /// An edge asks the other edge before it asks the shield.
    AsksSibling,
}

/// A request that an edge has not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Where it is.
    pub at: Place,
    /// Hops so far.
    pub hops: u8,
    /// Whether the edge had a copy when it came; history.
    pub was_held: bool,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// At the edge.
    Edge,
    /// At the other edge. Only [`Variant::AsksSibling`] goes there.
    Sibling,
    /// At the shield, which waits for the origin.
    Shield,
}

/// What has gone wrong in the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// A hit took more than one hop.
    SlowHit,
    /// A request took more than three hops.
    SlowMiss,
}

/// A configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// Whether the shield has a copy.
    pub shield: bool,
    /// Whether each edge has one.
    pub edges: [bool; EDGES],
    /// The request under way of each edge.
    pub requests: [Option<Request>; EDGES],
    /// Copies let go of.
    pub losses: u8,
    /// Hops of the request that was answered last; history.
    pub hops: u8,
    /// History: what has gone wrong in the last step.
    pub breach: Option<Breach>,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks an edge.
    Ask {
        /// Which, 0-based.
        edge: u8,
    },
    /// An edge's request goes a hop further, to the shield or, in one variant, to the other edge.
    Pass {
        /// Whose.
        edge: u8,
    },
    /// The shield's request goes to the origin; all that wait for it are answered.
    Fetch,
    /// The shield lets go of its copy.
    LoseShield,
    /// An edge lets go of its copy.
    Lose {
        /// Which.
        edge: u8,
    },
}

/// What the outside is told by a step: the hops of each edge's request that is answered by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told(pub [Option<u8>; EDGES]);

impl Latency {
    /// Two copies are let go of.
    pub fn small() -> Self {
        Latency { losses_max: 2, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Latency { variant, ..self }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = State { breach: None, ..before.clone() };
        let mut told = Told::default();
        match action {
            Action::Ask { edge } => {
                let edge = usize::from(edge);
                let was_held = state.edges[edge];
                state.requests[edge] = Some(Request { at: Place::Edge, hops: 1, was_held });
                if was_held && !self.validates_every_hit() {
                    state.answer(edge, &mut told);
                }
            }
            Action::Pass { edge } => self.pass(&mut state, edge.into(), &mut told),
            Action::Fetch => {
                state.shield = true;
                for edge in 0..EDGES {
                    if let Some(request) = state.requests[edge].as_mut().filter(|request| request.at == Place::Shield) {
                        request.hops += 1;
                        state.answer(edge, &mut told);
                    }
                }
            }
            Action::LoseShield => {
                state.losses += 1;
                state.shield = false;
            }
            Action::Lose { edge } => {
                state.losses += 1;
                state.edges[usize::from(edge)] = false;
            }
        }
        (state, told)
    }

    fn pass(&self, state: &mut State, edge: usize, told: &mut Told) {
        let (shield, sibling) = (state.shield, state.edges[EDGES - 1 - edge]);
        let Some(request) = &mut state.requests[edge] else { return };
        request.hops += 1;
        let is_there = if request.at == Place::Edge && self.asks_sibling() {
            request.at = Place::Sibling;
            sibling
        } else {
            request.at = Place::Shield;
            shield
        };
        if is_there {
            state.answer(edge, told);
        }
    }
}

impl State {
    /// An edge's request is answered, and the edge has a copy.
    fn answer(&mut self, edge: usize, told: &mut Told) {
        let Some(request) = self.requests[edge].take() else { return };
        self.edges[edge] = true;
        self.hops = request.hops;
        told.0[edge] = Some(request.hops);
        if request.was_held && request.hops > HIT_HOPS {
            self.breach = Some(Breach::SlowHit);
        } else if request.hops > COLD_HOPS {
            self.breach = Some(Breach::SlowMiss);
        }
    }
}

/// Where the model deviates: the rules ask these.
impl Latency {
    fn validates_every_hit(&self) -> bool {
        self.variant == Variant::ValidatesEveryHit
    }

    fn asks_sibling(&self) -> bool {
        self.variant == Variant::AsksSibling
    }
}

impl Model for Latency {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let is_quiet = state.requests.iter().all(Option::is_none);
        for (edge, request) in (0..).zip(&state.requests) {
            match request {
                None => actions.push(Action::Ask { edge }),
                Some(request) if request.at != Place::Shield => actions.push(Action::Pass { edge }),
                Some(_) => {}
            }
            if is_quiet && state.losses < self.losses_max && state.edges[usize::from(edge)] {
                actions.push(Action::Lose { edge });
            }
        }
        if state.requests.iter().flatten().any(|request| request.at == Place::Shield) {
            actions.push(Action::Fetch);
        }
        if is_quiet && state.losses < self.losses_max && state.shield {
            actions.push(Action::LoseShield);
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
