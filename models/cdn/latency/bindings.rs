//! Our nodes, bound: two edges below a shield, and requests that go a hop at a time. No time passes.

use counterpart::Counterpart;

use super::conformance::{LatencyInterface, Seen};
use super::model::{Action, EDGES, Latency, Told};
use crate::cdn::implementation::{Config, Effect, Node, Purge, Request, Response, Target};

/// Later than 1970, for the dates of responses.
const NOW_MS: u64 = 1_000_000_000_000;

/// A request that an edge has sent: its fill, what was sent, and the hops so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flight {
    fill: u64,
    request: Request,
    hops: u8,
}

/// Two edges below a shield. Who asks a node is told by a number: at the shield it is the edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    shield: Node<u8>,
    edges: [Node<u8>; EDGES],
    flights: [Option<Flight>; EDGES],
    /// The shield's own request.
    fetch: Option<u64>,
}

fn get() -> Request {
    Request::new("GET", Target::new("http", "example.com", "/"))
}

impl Bound {
    /// The nodes that `model` speaks of.
    pub(super) fn new(_: &Latency) -> Self {
        let node = || Node::new(Config::default());
        Bound { shield: node(), edges: std::array::from_fn(|_| node()), flights: Default::default(), fetch: None }
    }

    /// What the shield does. Its answers go to the edges that they are for.
    fn at_shield(&mut self, effects: Vec<Effect<u8>>, told: &mut Told) {
        for effect in effects {
            match effect {
                Effect::Forward { fill, .. } => self.fetch = Some(fill),
                Effect::Reply { client, response } => {
                    let edge = usize::from(client);
                    let Some(flight) = self.flights[edge].take() else { continue };
                    let effects = self.edges[edge].on_upstream(flight.fill, Ok(response), NOW_MS);
                    let is_told = effects.iter().any(|effect| matches!(effect, Effect::Reply { .. }));
                    told.0[edge] = is_told.then_some(flight.hops);
                }
            }
        }
    }
}

impl Counterpart<LatencyInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        match *input {
            Action::Ask { edge } => {
                for effect in self.edges[usize::from(edge)].handle(0, get(), NOW_MS) {
                    match effect {
                        Effect::Reply { .. } => told.0[usize::from(edge)] = Some(1),
                        Effect::Forward { fill, request } => {
                            self.flights[usize::from(edge)] = Some(Flight { fill, request, hops: 1 });
                        }
                    }
                }
            }
            Action::Pass { edge } => {
                let Some(flight) = &mut self.flights[usize::from(edge)] else { return told };
                flight.hops += 1;
                let effects = self.shield.handle(edge, flight.request.clone(), NOW_MS);
                self.at_shield(effects, &mut told);
            }
            Action::Fetch => {
                let Some(fill) = self.fetch.take() else { return told };
                let response = Response::new(200).with("cache-control", "max-age=1000").of(b"content");
                // Those that the shield has not answered yet wait for the origin.
                self.flights.iter_mut().flatten().for_each(|flight| flight.hops += 1);
                let effects = self.shield.on_upstream(fill, Ok(response), NOW_MS);
                self.at_shield(effects, &mut told);
                // Whose request had not reached the shield has not gone this hop.
                self.flights.iter_mut().flatten().for_each(|flight| flight.hops -= 1);
            }
            Action::LoseShield => {
                self.shield.purge(&Purge::All);
            }
            Action::Lose { edge } => {
                self.edges[usize::from(edge)].purge(&Purge::All);
            }
        }
        told
    }

    fn observe(&self) -> Option<Seen> {
        let has = |node: &Node<u8>| node.store().find(&get()).is_some();
        Some(Seen(has(&self.shield), std::array::from_fn(|edge| has(&self.edges[edge]))))
    }

    fn canonical(&mut self) {
        let new = self.shield.rebase(0);
        self.fetch = self.fetch.and_then(|fill| new.get(&fill).copied());
        for (edge, flight) in self.edges.iter_mut().zip(&mut self.flights) {
            let new = edge.rebase(0);
            if let Some(flight) = flight {
                flight.fill = new.get(&flight.fill).copied().unwrap_or(0);
            }
        }
    }
}
