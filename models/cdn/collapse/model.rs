//! Sub-model *collapse*: clients who ask one cache for one thing.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 4;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collapse {
    /// Clients, each of which asks once.
    pub clients: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// Nobody waits for another's request.
    AsksForEach,
    /// An error is told to the one whose request it was.
    StrandsOnError,
    /// A request ends when the one whose it was has left.
    EndsWithLeader,
    /// What is for one alone is given to all who waited.
    SharesPrivate,
    /// What is for one alone is given to the first who is still there.
    GivesToNext,
    /// Who waited for what was for one alone wait for each other again.
    QueuesPrivate,
}

/// Where a client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Client {
    /// It has not asked.
    #[default]
    New,
    /// It waits for what its own request brings.
    Asks,
    /// It waits for what the request of another brings.
    Waits {
        /// Whose.
        on: u8,
    },
    /// It has an answer.
    Answered,
    /// It has left.
    Left,
}

/// A request under way upstream, known by the client whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// Whether others may wait for it.
    pub is_shared: bool,
}

/// What has gone wrong in the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// A client who could have waited had a request of its own sent.
    AskedAgain,
    /// A client was given what is for another alone.
    GaveAway,
    /// A client waited for another's request a second time.
    WaitedTwice,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The clients.
    pub clients: [Client; CLIENTS_MAX],
    /// Requests under way, by the client whose they are.
    pub fetches: [Option<Fetch>; CLIENTS_MAX],
    /// Whether something is stored that answers everybody.
    pub is_stored: bool,
    /// Whether the last answer was for one alone, so that nobody is to wait for another.
    pub is_passed: bool,
    /// History: what has gone wrong in the last step.
    pub breach: Option<Breach>,
}

/// What an origin answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Answer {
    /// Something for everybody.
    Public,
    /// Something for the one who asked alone.
    Private,
    /// Nothing: it fails, or takes too long.
    Error,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks.
    Ask {
        /// Which, 0-based.
        client: u8,
    },
    /// The origin answers a request.
    Come {
        /// Whose.
        client: u8,
        /// What.
        answer: Answer,
    },
    /// A client does not want its answer any more.
    Leave {
        /// Which.
        client: u8,
    },
}

/// What the outside is told by a step. Clients are sets of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// Who is given content.
    pub given: u8,
    /// Who is told of an error.
    pub failed: u8,
    /// Whose request is sent upstream.
    pub asked: u8,
}

impl Collapse {
    /// Three clients.
    pub fn small() -> Self {
        Collapse { clients: 3, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Collapse { variant, ..self }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = State { breach: None, ..before.clone() };
        let mut told = Told::default();
        match action {
            Action::Ask { client } => self.ask(&mut state, client, false, &mut told),
            Action::Come { client, answer } => self.come(&mut state, client, answer, &mut told),
            Action::Leave { client } => {
                let own = usize::from(client);
                if state.clients[own] == Client::Asks && self.ends_with_leader() {
                    state.fetches[own] = None;
                }
                state.clients[own] = Client::Left;
            }
        }
        (state, told)
    }

    fn ask(&self, state: &mut State, client: u8, again: bool, told: &mut Told) {
        let own = usize::from(client);
        if state.is_stored {
            state.clients[own] = Client::Answered;
            told.given |= 1 << client;
            return;
        }
        let shared = state.fetches.iter().position(|fetch| fetch.is_some_and(|fetch| fetch.is_shared));
        let may_wait = !state.is_passed || self.queues_private();
        if let (Some(on), true, false) = (shared, may_wait, self.asks_for_each()) {
            state.clients[own] = Client::Waits { on: on as u8 };
            if again {
                state.breach = Some(Breach::WaitedTwice);
            }
            return;
        }
        if shared.is_some() && may_wait {
            state.breach = Some(Breach::AskedAgain);
        }
        state.clients[own] = Client::Asks;
        state.fetches[own] = Some(Fetch { is_shared: may_wait });
        told.asked |= 1 << client;
    }

    fn come(&self, state: &mut State, client: u8, answer: Answer, told: &mut Told) {
        let own = usize::from(client);
        let Some(fetch) = state.fetches[own].take() else { return };
        let is_there = state.clients[own] == Client::Asks;
        let waiting: Vec<u8> = (0..self.clients)
            .filter(|waiter| state.clients[usize::from(*waiter)] == Client::Waits { on: client })
            .collect();
        let mut answered: Vec<u8> = is_there.then_some(client).into_iter().collect();
        let mut again = Vec::new();
        match answer {
            Answer::Public => {
                state.is_stored = true;
                state.is_passed = false;
                answered.extend(&waiting);
            }
            Answer::Private => {
                state.is_passed |= fetch.is_shared;
                let shares =
                    if self.shares_private() { waiting.len() } else { usize::from(self.gives_to_next() && !is_there) };
                let (given, others) = waiting.split_at(shares.min(waiting.len()));
                answered.extend(given);
                again.extend(others);
                if !given.is_empty() {
                    state.breach = Some(Breach::GaveAway);
                }
            }
            Answer::Error if self.strands_on_error() => {}
            Answer::Error => answered.extend(&waiting),
        }
        let fails = answer == Answer::Error && !state.is_stored;
        for client in answered {
            state.clients[usize::from(client)] = Client::Answered;
            if fails {
                told.failed |= 1 << client;
            } else {
                told.given |= 1 << client;
            }
        }
        for client in again {
            self.ask(state, client, true, told);
        }
    }
}

/// Where the model deviates: the rules ask these.
impl Collapse {
    fn asks_for_each(&self) -> bool {
        self.variant == Variant::AsksForEach
    }

    fn strands_on_error(&self) -> bool {
        self.variant == Variant::StrandsOnError
    }

    fn ends_with_leader(&self) -> bool {
        self.variant == Variant::EndsWithLeader
    }

    fn shares_private(&self) -> bool {
        self.variant == Variant::SharesPrivate
    }

    fn gives_to_next(&self) -> bool {
        self.variant == Variant::GivesToNext
    }

    fn queues_private(&self) -> bool {
        self.variant == Variant::QueuesPrivate
    }
}

impl Model for Collapse {
    type State = State;
    type Action = Action;

    /// # Panics
    /// If there are more clients than a state has room for.
    fn init_states(&self) -> Vec<State> {
        assert!(usize::from(self.clients) <= CLIENTS_MAX, "{} clients", self.clients);
        vec![State {
            clients: Default::default(),
            fetches: [None; CLIENTS_MAX],
            is_stored: false,
            is_passed: false,
            breach: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for client in 0..self.clients {
            match state.clients[usize::from(client)] {
                Client::New => actions.push(Action::Ask { client }),
                Client::Asks | Client::Waits { .. } => actions.push(Action::Leave { client }),
                Client::Answered | Client::Left => {}
            }
            if state.fetches[usize::from(client)].is_some() {
                let answers = [Answer::Public, Answer::Private, Answer::Error];
                actions.extend(answers.map(|answer| Action::Come { client, answer }));
            }
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
