//! Our nodes, bound: two edges and a shield, and an origin between whose answers time passes. A tick is a second.

use counterpart::Counterpart;

use super::conformance::{At, PurgeInterface, Seen};
use super::implementation as ours;
use super::implementation::{Config, Effect, Failure, Node, Request, Response, Target, date};
use super::model::{Action, NODES, Purge, SHIELD, Told};

/// A tick, in milliseconds.
const TICK_MS: u64 = 1_000;

/// Later than anything that is remembered, and later than 1970 for the dates of responses.
const START_MS: u64 = 1_000_000_000_000;

/// What the content is fresh for where no time passes.
const LONG_S: u64 = 1_000_000;

/// Who asks a node: nobody's answer is followed but the one that a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Client,
    Writer,
    Edge,
}

/// A request of a node on its way up, and what was read for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flight {
    fill: u64,
    request: Request,
    read: Option<Response>,
}

/// Two edges below a shield below an origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    nodes: Vec<Node<Who>>,
    flights: [Option<Flight>; NODES],
    /// An unsafe request's fills at the first edge and the shield.
    write: Option<(u64, u64)>,
    is_passed: bool,
    version: u8,
    now_ms: u64,
    /// Milliseconds that each node's clock is ahead of the origin's.
    skews_ms: [i64; NODES],
    ttl_s: u64,
    window_s: u64,
}

fn target() -> Target {
    Target::new("http", "example.com", "/")
}

fn config(model: &Purge, node: usize) -> Config {
    Config {
        timeout_ms: u64::from(model.timeout) * TICK_MS,
        serves_while_revalidating: node != SHIELD,
        stale_kept_s: 0,
        disconnected_s: 0,
        ..Config::default()
    }
}

/// The version that a response is of, by its entity tag.
fn version(tag: Option<&str>) -> Option<u8> {
    tag?.trim_matches('"').parse().ok()
}

impl Bound {
    /// The nodes as `model` begins.
    pub fn new(model: &Purge) -> Self {
        Bound {
            nodes: (0..model.nodes()).map(|node| Node::new(config(model, node))).collect(),
            flights: Default::default(),
            write: None,
            is_passed: false,
            version: 0,
            now_ms: START_MS,
            skews_ms: model.skews.map(|ticks| i64::from(ticks) * TICK_MS.cast_signed()),
            ttl_s: model.ttl.map_or(LONG_S, u64::from),
            window_s: model.window.into(),
        }
    }

    /// What the origin answers.
    fn origin(&self, request: &Request) -> Response {
        let tag = format!("\"{}\"", self.version);
        let is_same = request.headers.text("if-none-match") == Some(&tag);
        let control = format!("max-age={}, stale-while-revalidate={}", self.ttl_s, self.window_s);
        let response = Response::new(if is_same { 304 } else { 200 })
            .with("etag", &tag)
            .with("cache-control", &control)
            .with("date", &date::format((self.now_ms / 1000).cast_signed()));
        if is_same { response } else { response.of(&[self.version]) }
    }

    /// What a node's clock says.
    fn now_ms(&self, node: usize) -> u64 {
        self.now_ms.saturating_add_signed(self.skews_ms[node])
    }

    /// Asks a node. Who waits already and asks again waits once.
    fn ask(&mut self, node: usize, who: Who, request: &Request) -> Vec<Effect<Who>> {
        let now_ms = self.now_ms(node);
        let mut asked = self.nodes[node].clone();
        let effects = asked.handle(who, request.clone(), now_ms);
        if !effects.is_empty() {
            self.nodes[node] = asked;
            return effects;
        }
        self.nodes[node].cancel(&who);
        self.nodes[node].handle(who, request.clone(), now_ms)
    }

    /// Sends on what a node wants sent, and answers what a client is told.
    fn act(&mut self, node: usize, effects: Vec<Effect<Who>>, told: &mut Told) -> Option<Response> {
        let now_ms = self.now_ms(node);
        let mut replied = None;
        for effect in effects {
            match effect {
                Effect::Forward { fill, request } => {
                    told.asked = true;
                    told.validates = request.headers.has("if-none-match");
                    let old = self.flights[node].replace(Flight { fill, request, read: None });
                    // Whoever asked before the purge is told something; nobody listens here.
                    if let Some(old) = old {
                        self.nodes[node].on_upstream(old.fill, Err(Failure::Unreachable), now_ms);
                    }
                }
                Effect::Reply { response, .. } => replied = Some(response),
            }
        }
        replied
    }

    fn snapshot(&mut self, node: usize, told: &mut Told) {
        let Some(request) = self.flights[node].as_ref().map(|flight| flight.request.clone()) else { return };
        let read = if node == SHIELD {
            Some(self.origin(&request))
        } else {
            let effects = self.ask(SHIELD, Who::Edge, &request);
            self.act(SHIELD, effects, &mut Told::default())
        };
        told.content = read.as_ref().map(|response| response.status == 200);
        if let Some(flight) = &mut self.flights[node] {
            flight.read = read;
        }
    }

    fn store(&mut self, node: usize, told: &mut Told) {
        let Some(Flight { fill, read: Some(read), .. }) = self.flights[node].take() else { return };
        let now_ms = self.now_ms(node);
        let effects = self.nodes[node].on_upstream(fill, Ok(read), now_ms);
        self.act(node, effects, told);
    }

    fn unsafe_request(&mut self) {
        let fills = [1, SHIELD].map(|node| {
            let now_ms = self.now_ms(node);
            let effects = self.nodes[node].handle(Who::Writer, Request::new("POST", target()), now_ms);
            let number = effects.iter().find_map(|effect| match effect {
                Effect::Forward { fill, .. } => Some(*fill),
                Effect::Reply { .. } => None,
            });
            number.unwrap_or(0)
        });
        self.write = Some((fills[0], fills[1]));
        self.is_passed = false;
    }

    fn answer(&mut self) {
        let Some((at_edge, at_shield)) = self.write else { return };
        let (node, fill) = if self.is_passed { (1, at_edge) } else { (SHIELD, at_shield) };
        let now_ms = self.now_ms(node);
        self.nodes[node].on_upstream(fill, Ok(Response::new(200)), now_ms);
        if self.is_passed {
            self.write = None;
        }
        self.is_passed = !self.is_passed;
    }

    fn restart(&mut self, node: usize, config: Config) {
        let store = self.nodes[node].clone().into_store();
        self.nodes[node] = Node::restore(config, store);
        self.flights[node] = None;
        if let Some((at_edge, at_shield)) = self.write
            && (node == 1 || node == SHIELD && !self.is_passed)
        {
            let (other, fill) = if node == 1 { (SHIELD, at_shield) } else { (1, at_edge) };
            let now_ms = self.now_ms(other);
            self.nodes[other].on_upstream(fill, Err(Failure::Unreachable), now_ms);
            self.write = None;
            self.is_passed = false;
        }
    }

    fn tick(&mut self) {
        self.now_ms += TICK_MS;
        for at in 0..self.nodes.len() {
            let now_ms = self.now_ms(at);
            self.nodes[at].tick(now_ms);
            let flight = self.flights[at].take();
            self.flights[at] = flight.filter(|flight| self.nodes[at].is_under_way(flight.fill));
        }
    }
}

impl Counterpart<PurgeInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        match *input {
            Action::Request { edge } => {
                let edge = usize::from(edge);
                let effects = self.ask(edge, Who::Client, &Request::new("GET", target()));
                let replied = self.act(edge, effects, &mut told);
                told.served = replied.and_then(|response| version(response.headers.text("etag")));
            }
            Action::Start => {
                let asks = |flight: &&Flight| flight.read.is_none();
                let request = self.flights[1..].iter().flatten().find(asks).map(|flight| flight.request.clone());
                if let Some(request) = request {
                    let effects = self.ask(SHIELD, Who::Edge, &request);
                    self.act(SHIELD, effects, &mut told);
                }
            }
            Action::Snapshot { node } => self.snapshot(node.into(), &mut told),
            Action::Store { node } => self.store(node.into(), &mut told),
            Action::Update | Action::Apply => self.version += 1,
            Action::Deliver { node } | Action::DeliverUnheard { node } => {
                self.nodes[usize::from(node)].purge(&ours::Purge::Target(target()));
            }
            Action::Lose { .. } | Action::Resend { .. } => {}
            Action::Restart { node } => {
                let config = self.nodes[usize::from(node)].config().clone();
                self.restart(node.into(), config);
            }
            Action::Write => self.unsafe_request(),
            Action::Answer => self.answer(),
            Action::Tick => self.tick(),
        }
        told
    }

    fn observe(&self) -> Option<Seen> {
        let mut seen = Seen::default();
        for (place, (node, at)) in self.nodes.iter().zip(&mut seen.0).enumerate() {
            let stored = node.store().find(&Request::new("GET", target()));
            let held = stored.and_then(|stored| {
                let age_s = u8::try_from(stored.age_ms(self.now_ms(place)) / 1000).ok()?;
                Some((version(stored.headers.text("etag"))?, age_s))
            });
            *at = At { held, fills: node.is_filling(&target()) };
        }
        Some(seen)
    }

    fn canonical(&mut self) {
        let by_ms = self.now_ms - START_MS;
        for (place, node) in self.nodes.iter_mut().enumerate() {
            let numbers = node.rebase(by_ms);
            let new = |old: u64| numbers.get(&old).copied().unwrap_or(0);
            if let Some(flight) = &mut self.flights[place] {
                flight.fill = new(flight.fill);
                if let Some(read) = &mut flight.read
                    && let Some(made_s) = read.headers.text("date").and_then(|text| date::parse(text, 0))
                {
                    read.headers.set("date", date::format(made_s - (by_ms / 1000).cast_signed()));
                }
            }
            if let Some((at_edge, at_shield)) = &mut self.write {
                match place {
                    SHIELD => *at_shield = new(*at_shield),
                    1 => *at_edge = new(*at_edge),
                    _ => {}
                }
            }
        }
        self.now_ms = START_MS;
    }
}
