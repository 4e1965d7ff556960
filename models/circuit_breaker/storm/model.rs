//! Sub-model `storm`: clients with leases, a service that serves one request a tick, and a blip after which all ask at
//! once.
//!
//! The trigger is finite. Whether the service comes back when it is over is a matter of what clients do about requests
//! that were not answered in time, and of what the service does about requests that nobody waits for any more.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 10;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storm {
    /// Clients, each with a lease of three ticks for every client: in steady state the service is a third busy.
    pub clients: u8,
    /// Requests that the service's queue holds; further ones are lost.
    pub queue_max: u8,
    /// Ticks after which a client abandons its request. The request stays in the queue.
    pub timeout_ticks: u8,
    /// How often the network blips: every client loses its lease and asks at once.
    pub blips_max: u8,
    /// How often the operator may pause requests.
    pub pauses_max: u8,
    /// What is done about requests that take too long.
    pub policy: Policy,
}

/// What clients, or the service, do about requests that take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A client asks again at once; the service serves in the order of arrival, also what nobody waits for.
    Naive,
    /// The service passes over requests that nobody waits for; clients do as with `Naive`.
    DropStale,
    /// The service takes the newest request first; clients do as with `Naive`.
    LastInFirstOut,
    /// A client waits before it asks again: 2 ticks, then twice as long each time, at most `cap_ticks`. No jitter.
    Backoff {
        /// The longest wait.
        cap_ticks: u8,
    },
    /// A client's breaker opens after two timeouts in a row; it asks again after the open wait, and one more timeout
    /// opens it again.
    Breaker {
        /// Ticks for which it stays open.
        open_wait_ticks: u8,
    },
    /// A client retries so many times, then waits for a whole lease before it asks again.
    RetryBudget {
        /// Retries in a row.
        retries_max: u8,
    },
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick: the service serves one request, then every client's time passes.
    Tick,
    /// The network blips.
    Blip,
    /// The operator throws the queue away and lets those who wait back in, one a tick.
    Pause,
}

/// A configuration.
///
/// Invariants: no more requests than the queue has room for; each client has at most one that it still waits for, and
/// has one only while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What each client does.
    pub clients: [Client; CLIENTS_MAX],
    /// Number of timeouts in a row, by client.
    pub timeouts: [u8; CLIENTS_MAX],
    /// The service's queue, oldest first.
    pub queue: Vec<Request>,
    /// Blips so far.
    pub blips: u8,
    /// Pauses so far.
    pub pauses: u8,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Client {
    /// The client serves its own users, on a lease.
    Serving {
        /// Ticks until the lease must be renewed.
        ticks_left: u8,
    },
    /// The client has asked.
    Waiting {
        /// Ticks since it asked.
        ticks: u8,
    },
    /// The client waits before it asks.
    Resting {
        /// Ticks until it asks.
        ticks_left: u8,
    },
}

/// A request in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Request {
    /// The client that made it.
    pub client: u8,
    /// Whether the client still waits for it.
    pub awaited: bool,
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Storm) -> bool {
        let awaited =
            |client: u8| self.queue.iter().filter(|request| request.client == client && request.awaited).count();
        self.queue.len() <= usize::from(model.queue_max)
            && self.clients.iter().zip(0..model.clients).all(|(client, number)| match client {
                Client::Waiting { .. } => awaited(number) <= 1,
                Client::Serving { .. } | Client::Resting { .. } => awaited(number) == 0,
            })
    }
}

/// Most timeouts that are counted: beyond it backoff has reached any cap that fits.
const TIMEOUTS_MAX: u8 = 6;

impl Storm {
    /// The model of so many clients, with the queue that belongs to them.
    ///
    /// # Panics
    /// For more than [`CLIENTS_MAX`] clients.
    pub fn of(clients: u8, policy: Policy) -> Self {
        assert!(usize::from(clients) <= CLIENTS_MAX, "a state has room for {CLIENTS_MAX} clients");
        let queue_max = match clients {
            0..=4 => 6,
            5..=6 => 8,
            7..=8 => 12,
            _ => 20,
        };
        Storm { clients, queue_max, timeout_ticks: 2, blips_max: 1, pauses_max: 0, policy }
    }

    fn lease_ticks(&self) -> u8 {
        3 * self.clients
    }

    /// Whether all clients serve and nothing is left in the queue.
    pub fn is_recovered(&self, state: &State) -> bool {
        let serving = |client: &Client| matches!(client, Client::Serving { .. });
        state.queue.is_empty() && state.clients[..usize::from(self.clients)].iter().all(serving)
    }

    fn ask(&self, state: &mut State, client: u8) {
        state.clients[usize::from(client)] = Client::Waiting { ticks: 0 };
        // A request that finds the queue full is lost, and its client none the wiser.
        if state.queue.len() < usize::from(self.queue_max) {
            state.queue.push(Request { client, awaited: true });
        }
    }

    /// Serves one request. Returns the client that has its answer.
    fn serve(&self, state: &mut State) -> Option<u8> {
        if self.policy == Policy::DropStale {
            let first = state.queue.iter().position(|request| request.awaited).unwrap_or(state.queue.len());
            state.queue.drain(..first);
        }
        let request = match self.policy {
            Policy::LastInFirstOut => state.queue.pop()?,
            _ if state.queue.is_empty() => return None,
            _ => state.queue.remove(0),
        };
        if !request.awaited {
            return None;
        }
        let client = usize::from(request.client);
        state.clients[client] = Client::Serving { ticks_left: self.lease_ticks() };
        state.timeouts[client] = 0;
        Some(request.client)
    }

    fn time_out(&self, state: &mut State, client: u8) {
        for request in state.queue.iter_mut().filter(|request| request.client == client) {
            request.awaited = false;
        }
        let timeouts = &mut state.timeouts[usize::from(client)];
        *timeouts = (*timeouts + 1).min(TIMEOUTS_MAX);
        let rest_ticks = match self.policy {
            Policy::Naive | Policy::DropStale | Policy::LastInFirstOut => {
                *timeouts = 0;
                0
            }
            Policy::Backoff { cap_ticks } => (1 << *timeouts).min(cap_ticks),
            Policy::Breaker { open_wait_ticks } if *timeouts >= 2 => {
                // Half-open when it asks again: one more timeout will do.
                *timeouts = 1;
                open_wait_ticks
            }
            Policy::Breaker { .. } => 0,
            Policy::RetryBudget { retries_max } if *timeouts > retries_max => {
                *timeouts = 0;
                self.lease_ticks()
            }
            Policy::RetryBudget { .. } => 0,
        };
        if rest_ticks == 0 {
            self.ask(state, client);
        } else {
            state.clients[usize::from(client)] = Client::Resting { ticks_left: rest_ticks };
        }
    }

    fn tick(&self, state: &mut State) {
        let served = self.serve(state);
        for client in (0..self.clients).filter(|client| Some(*client) != served) {
            match state.clients[usize::from(client)] {
                Client::Serving { ticks_left: 0..=1 } | Client::Resting { ticks_left: 0..=1 } => {
                    self.ask(state, client)
                }
                Client::Waiting { ticks } if ticks + 1 >= self.timeout_ticks => self.time_out(state, client),
                Client::Serving { ticks_left } => {
                    state.clients[usize::from(client)] = Client::Serving { ticks_left: ticks_left - 1 };
                }
                Client::Resting { ticks_left } => {
                    state.clients[usize::from(client)] = Client::Resting { ticks_left: ticks_left - 1 };
                }
                Client::Waiting { ticks } => {
                    state.clients[usize::from(client)] = Client::Waiting { ticks: ticks + 1 };
                }
            }
        }
    }

    fn pause(&self, state: &mut State) {
        state.queue.clear();
        let mut turn = 0;
        for client in &mut state.clients[..usize::from(self.clients)] {
            if !matches!(client, Client::Serving { .. }) {
                turn += 1;
                *client = Client::Resting { ticks_left: turn };
            }
        }
        state.timeouts = [0; CLIENTS_MAX];
    }
}

impl Model for Storm {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        // Leases are staggered: one runs out every three ticks.
        let mut clients = [Client::Serving { ticks_left: 0 }; CLIENTS_MAX];
        for (client, number) in clients.iter_mut().zip(1..=self.clients) {
            *client = Client::Serving { ticks_left: 3 * number };
        }
        vec![State { clients, timeouts: [0; CLIENTS_MAX], queue: Vec::new(), blips: 0, pauses: 0 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        if state.blips < self.blips_max {
            actions.push(Action::Blip);
        }
        if state.blips > 0 && state.pauses < self.pauses_max {
            actions.push(Action::Pause);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Tick => self.tick(&mut after),
            Action::Blip => {
                after.blips += 1;
                for client in 0..self.clients {
                    if let Client::Serving { .. } = after.clients[usize::from(client)] {
                        self.ask(&mut after, client);
                    }
                }
            }
            Action::Pause => {
                after.pauses += 1;
                self.pause(&mut after);
            }
        }
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
