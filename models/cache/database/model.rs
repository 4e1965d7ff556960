//! Sub-model `database`: a cache that hits nearly always, and a database that the few misses go to.
//!
//! Cheap traffic is a constant number of hits in every tick and needs no state; what has state is the few expensive
//! keys. A tick is the only action: what is open is only which expensive keys are asked for in it. So no fairness is
//! assumed, and a run that never answers again is one that no clock could have hurried.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most expensive keys that a state has room for.
pub const KEYS_MAX: usize = 3;

/// The model and its bounds. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Expensive keys. An ordinary tick brings one request for one of them, a tick of the flash sale one more than
    /// there are keys.
    pub keys: u8,
    /// Queries that the database holds, the one in service included; further ones are refused.
    pub queue_max: u8,
    /// Ticks that a query takes in service.
    pub service_ticks: u8,
    /// Ticks that a client waits: an answer in the tick of its deadline is in time.
    pub deadline_ticks: u8,
    /// Ticks that an answer stays in the cache.
    pub ttl_ticks: u8,
    /// How often a client whose deadline has passed asks again, and how many clients do so for one key in one tick, at
    /// most.
    pub retries_max: u8,
    /// Ticks of the flash sale at most, whenever they come.
    pub flash_ticks_max: u8,
    /// Hits of cheap keys in an ordinary tick; twice as many in one of the flash sale.
    pub cheap_hits: u32,
    /// What is done about queries that nobody waits for, or about their number.
    pub policy: Policy,
}

/// What is done about queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nothing: a query whose client has left is served, and its result discarded.
    Naive,
    /// A query that waits in the queue is taken out when its client leaves. One in service is not stopped.
    CancelQueued,
    /// The result of a query is stored though its client has left.
    FillLate,
    /// The result of a late query is stored, as with `FillLate`, and a client that misses a key which is being loaded
    /// waits for that load.
    SingleFlight,
    /// A query that could not be answered in time is refused at once; other queries are served as with `Naive`.
    Shed,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick, with so many requests for each expensive key.
    Tick {
        /// Requests by key.
        requests: [u8; KEYS_MAX],
        /// Whether the tick is one of the flash sale.
        flash: bool,
    },
}

/// A configuration.
///
/// Invariants: the database has no more queries than it holds, each for a key of the model; one is in service only
/// while there are queries; a key that is cached has no longer to live than it may; no client that waits is past its
/// deadline, or asked more often than it may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Ticks that each expensive key stays in the cache; 0 where it is not there.
    pub ttl_ticks: [u8; KEYS_MAX],
    /// What the database has to do, oldest first.
    pub queue: Vec<Query>,
    /// Ticks left of the query in service, the first of the queue; 0 where none is in service.
    pub service_ticks_left: u8,
    /// Ticks of the flash sale that are still to come.
    pub flash_ticks_left: u8,
    /// What came of the last tick.
    pub last: LastTick,
}

/// A query in the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// The key that it asks for.
    pub key: u8,
    /// Clients that wait for it; none, if all have left. Those who came in one tick are one.
    pub clients: Vec<Client>,
}

/// A client that waits for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// Ticks since it asked.
    pub waited_ticks: u8,
    /// How often it asked before.
    pub retries: u8,
}

/// What a dashboard shows of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LastTick {
    /// Whether an expensive request was answered in time, from the cache or by the database.
    pub good: bool,
    /// Requests for expensive keys that the cache did not answer.
    pub misses: u8,
    /// Whether the tick was one of the flash sale.
    pub flash: bool,
}

impl Database {
    /// The shop of the story, without a flash sale.
    pub fn shop(policy: Policy) -> Self {
        Database {
            keys: 2,
            queue_max: 6,
            service_ticks: 2,
            deadline_ticks: 4,
            ttl_ticks: 8,
            retries_max: 1,
            flash_ticks_max: 0,
            cheap_hits: 150,
            policy,
        }
    }

    /// The same shop with a flash sale of `ticks`.
    #[must_use]
    pub fn flash(self, ticks: u8) -> Self {
        Database { flash_ticks_max: ticks, ..self }
    }

    /// Hits and requests of the last tick. Hits of expensive keys are left out: a dashboard that counts them shows a
    /// better ratio still.
    pub fn ratio(&self, last: LastTick) -> (u32, u32) {
        let cheap = if last.flash { 2 * self.cheap_hits } else { self.cheap_hits };
        (cheap, cheap + u32::from(last.misses))
    }

    fn serve(&self, state: &mut State) {
        if state.queue.is_empty() {
            return;
        }
        if state.service_ticks_left == 0 {
            state.service_ticks_left = self.service_ticks;
        }
        state.service_ticks_left -= 1;
        if state.service_ticks_left > 0 {
            return;
        }
        let query = state.queue.remove(0);
        let awaited = !query.clients.is_empty();
        let fills = match self.policy {
            Policy::Naive | Policy::CancelQueued | Policy::Shed => awaited,
            Policy::FillLate | Policy::SingleFlight => true,
        };
        state.last.good |= awaited;
        if fills {
            state.ttl_ticks[usize::from(query.key)] = self.ttl_ticks;
        }
    }

    /// Clients whose deadline has passed leave. Returns who asks again, and for what.
    fn leave(&self, state: &mut State) -> Vec<(u8, Client)> {
        let mut again = Vec::new();
        let in_service = state.service_ticks_left > 0;
        for query in &mut state.queue {
            for client in &mut query.clients {
                client.waited_ticks += 1;
            }
            let left = query.clients.iter().filter(|client| client.waited_ticks > self.deadline_ticks);
            again.extend(left.map(|client| (query.key, Client { waited_ticks: 0, retries: client.retries + 1 })));
            query.clients.retain(|client| client.waited_ticks <= self.deadline_ticks);
        }
        if self.policy == Policy::CancelQueued {
            let mut place = 0;
            state.queue.retain(|query| {
                place += 1;
                !query.clients.is_empty() || (place == 1 && in_service)
            });
        }
        again.retain(|(_, client)| client.retries <= self.retries_max);
        let mut by_key = [0; KEYS_MAX];
        again.retain(|(key, _)| {
            by_key[usize::from(*key)] += 1;
            by_key[usize::from(*key)] <= self.retries_max
        });
        again
    }

    fn ask(&self, state: &mut State, key: u8, client: Client) {
        if state.ttl_ticks[usize::from(key)] > 0 {
            state.last.good = true;
            return;
        }
        state.last.misses += 1;
        if self.policy == Policy::SingleFlight
            && let Some(query) = state.queue.iter_mut().find(|query| query.key == key)
        {
            if !query.clients.contains(&client) {
                query.clients.push(client);
            }
            return;
        }
        let ahead = match (state.queue.len() as u8, state.service_ticks_left) {
            (queued, 0) => queued * self.service_ticks,
            (queued, left) => (queued - 1) * self.service_ticks + left,
        };
        let hopeless = self.policy == Policy::Shed && ahead + self.service_ticks > self.deadline_ticks;
        if state.queue.len() < usize::from(self.queue_max) && !hopeless {
            state.queue.push(Query { key, clients: vec![client] });
        }
    }

    /// Every way in which `left` requests can be for the keys from `key` on.
    fn spread(&self, key: u8, left: u8, requests: [u8; KEYS_MAX], all: &mut Vec<[u8; KEYS_MAX]>) {
        let place = usize::from(key);
        if key + 1 == self.keys {
            let mut requests = requests;
            requests[place] = left;
            all.push(requests);
            return;
        }
        for here in (0..=left).rev() {
            let mut requests = requests;
            requests[place] = here;
            self.spread(key + 1, left - here, requests, all);
        }
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Database) -> bool {
        let mut clients = self.queue.iter().flat_map(|query| &query.clients);
        self.queue.len() <= usize::from(model.queue_max)
            && self.queue.iter().all(|query| query.key < model.keys)
            && self.service_ticks_left < model.service_ticks
            && (self.service_ticks_left == 0 || !self.queue.is_empty())
            && self.ttl_ticks.iter().all(|left| *left <= model.ttl_ticks)
            && clients.all(|client| client.waited_ticks <= model.deadline_ticks && client.retries <= model.retries_max)
    }
}

impl Model for Database {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut ttl_ticks = [0; KEYS_MAX];
        ttl_ticks[..usize::from(self.keys)].fill(self.ttl_ticks);
        vec![State {
            ttl_ticks,
            queue: Vec::new(),
            service_ticks_left: 0,
            flash_ticks_left: self.flash_ticks_max,
            last: LastTick { good: true, misses: 0, flash: false },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut ordinary = Vec::new();
        self.spread(0, 1, [0; KEYS_MAX], &mut ordinary);
        actions.extend(ordinary.into_iter().map(|requests| Action::Tick { requests, flash: false }));
        if state.flash_ticks_left > 0 {
            let mut flash = Vec::new();
            self.spread(0, self.keys + 1, [0; KEYS_MAX], &mut flash);
            actions.extend(flash.into_iter().map(|requests| Action::Tick { requests, flash: true }));
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Tick { requests, flash } => {
                after.last = LastTick { good: false, misses: 0, flash };
                after.flash_ticks_left -= u8::from(flash);
                for left in &mut after.ttl_ticks {
                    *left = left.saturating_sub(1);
                }
                self.serve(&mut after);
                for (key, client) in self.leave(&mut after) {
                    self.ask(&mut after, key, client);
                }
                for (key, count) in (0..self.keys).zip(requests) {
                    for _ in 0..count {
                        self.ask(&mut after, key, Client { waited_ticks: 0, retries: 0 });
                    }
                }
            }
        }
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
