//! Varnish and nginx as caches: an edge below a shield, both of them the daemon, and servers of ours above each.
//!
//! What the shield asks arrives at our origin. What the edge asks arrives at a relay of ours, which asks the shield when a
//! fill is to begin there, and once more when the edge is to read what the shield holds. So a fill is three steps, and a
//! purge can come between any two of them. Whoever waits for a fill is answered when it is stored: that is the proof that
//! it is.

#[path = "cdn/nginx.rs"]
mod nginx;
#[path = "cdn/tiers.rs"]
mod tiers;
#[path = "cdn/varnish.rs"]
mod varnish;

use std::net::TcpStream;

use counterpart::{Check, Counterpart};
use counterpart_models::cdn::conformance::PurgeInterface;
use counterpart_models::cdn::model::{Action, Purge, SHIELD, Told};

use self::tiers::{Came, Message, Tiers};
use crate::alongside::{Alongside, beside};
use crate::clock::Clock;
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    [nginx::cases(), varnish::cases()].concat()
}

/// A cache that runs.
trait Cache: Sized + Send + 'static {
    const DAEMON: &'static Daemon;

    /// Starts one in front of the server at the port `upstream`, by a clock of its own if there is one.
    fn start(upstream: u16, clock: Option<&Clock>) -> Self;
    /// Where it takes requests.
    fn port(&self) -> u16;
    /// Requests that were put aside so far, where it counts them.
    fn put_aside(&self) -> u64 {
        0
    }
    /// Whether the request that came after so many were put aside is put aside as well. It may say so of one that is
    /// answered or has been sent on, and never of one that it has not looked at yet.
    fn has_put_aside_more_than(&self, before: u64) -> bool;
    /// Takes `path` out of the cache.
    fn purge(&self, path: &str);
}

/// A tick, in seconds.
const TICK_S: u64 = 10;

/// What the origin says of a life, where time passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// What the model has.
    AsItIs,
    /// A second less.
    ASecondLess,
}

/// What the content is fresh for where no time passes, in seconds.
const LONG_S: u64 = 1_000_000;

/// A fill under way.
struct Flight {
    /// What the node sent, where it is to be answered.
    sent: Message,
    upstream: TcpStream,
    /// Whoever made the node ask.
    waits: TcpStream,
    /// What was read for it.
    read: Option<Message>,
    /// Ticks since it began.
    waited: u8,
    /// A purge has come since it began.
    is_outdated: bool,
}

/// A path of its own at the two tiers.
struct Driven<D: Cache> {
    flights: [Option<Flight>; 2],
    tiers: Tiers<D>,
    path: String,
    version: u8,
    ttl_s: u64,
    timeout: u8,
}

impl<D: Cache> Driven<D> {
    fn start(model: &Purge, tiers: &Tiers<D>, life: Option<Life>) -> Self {
        let less_s = u64::from(life == Some(Life::ASecondLess));
        let ttl_s = model.ttl.map_or(LONG_S, |ttl| u64::from(ttl) * TICK_S - less_s);
        let (tiers, path, timeout) = (tiers.clone(), tiers.path(), model.timeout);
        Driven { flights: [None, None], tiers, path, version: 0, ttl_s, timeout }
    }

    /// Asks a node. A client that has to wait for somebody else's fill does not wait.
    fn ask(&mut self, node: usize, request: &Message, told: &mut Told) -> Option<Message> {
        let may_wait = self.flights[node].is_some();
        match self.tiers.ask(node, request, may_wait) {
            Came::Answered(answer) => return Some(answer),
            Came::Asked { sent, upstream, waits } => {
                told.asked = true;
                told.validates = sent.field("if-none-match").is_some();
                let flight = Flight { sent, upstream, waits, read: None, waited: 0, is_outdated: false };
                // Who asks beside a fill goes away again, and the fill is what counts.
                if self.flights[node].as_ref().is_none_or(|flight| flight.is_outdated) {
                    self.flights[node] = Some(flight);
                }
            }
            Came::PutAside => {}
        }
        None
    }

    /// What the origin answers.
    fn origin(&self, sent: &Message) -> Message {
        let tag = format!("\"{}\"", self.version);
        let fields = format!("ETag: {tag}\r\nCache-Control: max-age={}\r\n", self.ttl_s);
        match sent.field("if-none-match") == Some(tag.as_str()) {
            true => Message::new(&format!("HTTP/1.1 304 Not Modified\r\n{fields}"), ""),
            false => Message::new(&format!("HTTP/1.1 200 OK\r\n{fields}"), &self.version.to_string()),
        }
    }

    fn snapshot(&mut self, node: usize, told: &mut Told) {
        let Some(sent) = self.flights[node].as_ref().map(|flight| flight.sent.clone()) else { return };
        let read = match node {
            SHIELD => Some(self.origin(&sent)),
            _ => self.ask(SHIELD, &sent, &mut Told::default()),
        };
        told.content = read.as_ref().map(|answer| answer.status() == "200");
        if let Some(flight) = &mut self.flights[node] {
            flight.read = read;
        }
    }

    fn tick(&mut self) {
        self.tiers.advance(TICK_S);
        for flight in &mut self.flights {
            // Whoever is above gives up, and not the daemon: its patience is measured in real time.
            *flight = flight.take().map(|flight| Flight { waited: flight.waited + 1, ..flight });
            if let Some(given_up) = flight.take_if(|flight| flight.waited >= self.timeout) {
                drop(given_up.upstream);
                let answer = Message::read(given_up.waits);
                assert!(answer.status().starts_with('5'), "{answer:?}");
            }
        }
    }
}

impl<D: Cache> Counterpart<PurgeInterface> for Driven<D> {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        match *input {
            Action::Request { edge: 1 } => {
                let answer = self.ask(1, &Message::get(&self.path), &mut told);
                told.served = answer.map(|answer| answer.version());
            }
            Action::Start => {
                let sent = self.flights[1].as_ref().map(|flight| flight.sent.clone());
                let answer = self.ask(SHIELD, &sent.expect("the edge has asked"), &mut told);
                // None that the model knows of: what the shield should no longer have.
                told.served = answer.map(|answer| answer.version());
            }
            Action::Snapshot { node } => self.snapshot(node.into(), &mut told),
            Action::Store { node } => {
                let Some(flight) = self.flights[usize::from(node)].take() else { return told };
                let read = flight.read.expect("something was read");
                read.send(&flight.upstream);
                let answer = Message::read(flight.waits);
                assert_eq!(answer.version(), read.version(), "{answer:?}");
            }
            Action::Update => self.version += 1,
            Action::Deliver { node } => {
                self.tiers.purge(node.into(), &self.path);
                if let Some(flight) = &mut self.flights[usize::from(node)] {
                    flight.is_outdated = true;
                }
            }
            Action::Tick => self.tick(),
            ref other => panic!("{other:?} is a step that is not taken to a daemon"),
        }
        told
    }
}

/// A check of `model` with two tiers of the daemon alongside.
fn check<D: Cache>(model: Purge, life: Option<Life>) -> Check<Purge, PurgeInterface> {
    let (there, tiers) = (model.clone(), Tiers::<D>::new(life.is_some()));
    beside(D::DAEMON, counterpart_models::cdn::check(model), move || Driven::start(&there, &tiers, life))
}
