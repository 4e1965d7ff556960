//! Sub-model *credits*: two services, each with a bounded inbox, that send each other requests and reply to them.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Services.
pub const SERVICES: usize = 2;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Places of each inbox, 1 or more.
    pub capacity: u8,
    /// Requests that each service has to send.
    pub requests: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// No place is set aside for the reply.
    SharesPlaces,
    /// The place of a reply that was read is not given back.
    KeepsPlace,
    /// A request is sent whether there is a place or not.
    IgnoresBound,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The services.
    pub services: [Service; SERVICES],
}

/// A service and its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// Requests that it has still to send.
    pub to_send: u8,
    /// Requests of its own that are not answered.
    pub open: u8,
    /// Requests in its inbox.
    pub requests: u8,
    /// Replies in its inbox.
    pub replies: u8,
    /// Places of its inbox set aside for replies that are to come.
    pub reserved: u8,
    /// Whether it works on a request.
    pub works: bool,
}

impl Service {
    /// Places of the inbox that are taken.
    pub fn taken(&self) -> u8 {
        self.requests + self.replies + self.reserved
    }
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A service sends a request to the other.
    Request {
        /// Who, 0-based.
        service: u8,
    },
    /// A service that works on nothing takes a request from its inbox.
    Take {
        /// Who.
        service: u8,
    },
    /// A service replies to the request that it works on.
    Reply {
        /// Who.
        service: u8,
    },
    /// A service reads a reply from its inbox, unless it works on a request.
    Read {
        /// Who.
        service: u8,
    },
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// It is done.
    Done,
    /// There is no place for it.
    Full,
    /// There is nothing to take.
    Nothing,
}

impl Exchange {
    /// Inboxes of two places, three requests each way.
    pub fn small() -> Self {
        Exchange { capacity: 2, requests: 3, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Exchange { variant, ..self }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = before.clone();
        let reserves = self.reserves();
        let pair = |state: &State, service: u8| {
            let [first, second] = state.services;
            if service == 0 { (first, second) } else { (second, first) }
        };
        let told = match action {
            Action::Request { service } => {
                let (mut own, mut other) = pair(&state, service);
                let has_room = |service: &Service| service.taken() < self.capacity;
                let may = has_room(&other) && (!reserves || has_room(&own));
                if !may && !self.ignores_bound() {
                    return (state, Told::Full);
                }
                own.to_send -= 1;
                own.open += 1;
                own.reserved += u8::from(reserves);
                other.requests += 1;
                state.put(service, own, other);
                Told::Done
            }
            Action::Take { service } => {
                let (mut own, other) = pair(&state, service);
                if own.requests == 0 {
                    return (state, Told::Nothing);
                }
                own.requests -= 1;
                own.works = true;
                state.put(service, own, other);
                Told::Done
            }
            Action::Reply { service } => {
                let (mut own, mut other) = pair(&state, service);
                if !reserves && other.taken() >= self.capacity {
                    return (state, Told::Full);
                }
                own.works = false;
                other.reserved -= u8::from(reserves);
                other.replies += 1;
                state.put(service, own, other);
                Told::Done
            }
            Action::Read { service } => {
                let (mut own, other) = pair(&state, service);
                if own.replies == 0 {
                    return (state, Told::Nothing);
                }
                own.replies -= 1;
                own.open -= 1;
                own.reserved += u8::from(self.keeps_place());
                state.put(service, own, other);
                Told::Done
            }
        };
        (state, told)
    }
}

/// Where the model deviates: the rules ask these.
impl Exchange {
    /// Whether a place is set aside for the reply to a request.
    fn reserves(&self) -> bool {
        self.variant != Variant::SharesPlaces
    }

    /// Whether a request is sent though there is no place for it.
    fn ignores_bound(&self) -> bool {
        self.variant == Variant::IgnoresBound
    }

    /// Whether the place of a reply that was read is not given back.
    fn keeps_place(&self) -> bool {
        self.variant == Variant::KeepsPlace
    }
}

impl State {
    fn put(&mut self, service: u8, own: Service, other: Service) {
        self.services = if service == 0 { [own, other] } else { [other, own] };
    }
}

impl Model for Exchange {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let service = Service { to_send: self.requests, open: 0, requests: 0, replies: 0, reserved: 0, works: false };
        vec![State { services: [service; SERVICES] }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (service, own) in (0..).zip(&state.services) {
            if own.to_send > 0 {
                actions.push(Action::Request { service });
            }
            match own.works {
                true => actions.push(Action::Reply { service }),
                false => actions.extend([Action::Take { service }, Action::Read { service }]),
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
