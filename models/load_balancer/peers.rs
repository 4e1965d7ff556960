//! A published balancer, unchanged, driven through the same model: tower's `p2c`, with draws that are inputs.
//!
//! It draws two places of its *ready* list, whose order changes with every request; the draws are scripted where it
//! asks for them, so that it draws the servers that the input names. It counts requests by guards, as ours does, and
//! knows neither weights nor health: a server that is not to be chosen is not ready, or not in the list.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Counterpart};
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PendingRequests};
use tower::util::rng::Rng;

use super::conformance::{Answer, BalancerInterface, Seen};
use super::model::{Action, Balancer, Draw, Policy, Quirk, SERVERS_MAX, SLOTS_MAX};

const TOWER: &str = "tower 0.5.3";

/// A model with requests in flight and servers of different weights.
fn weighted() -> Balancer {
    Balancer { panics: true, failures: true, ..Balancer::of(Policy::PowerOfTwo, &[2, 1, 1], 3) }
}

/// tower beside a model without weights, and beside one with.
pub(crate) fn cases() -> Vec<Case> {
    let unweighted = Balancer { quirks: vec![Quirk::NoWeights], ..weighted() };
    let more = Balancer { slots: SLOTS_MAX as u8, ..unweighted.clone() };
    let (servers, larger) = (unweighted.weights.len(), Arc::new(more));
    let make = move || Tower::new(servers);
    vec![
        Case::new(
            "load_balancer/tower",
            super::check(unweighted)
                .alongside_only()
                .subject(TOWER, Tour::new().of(make))
                .subject(TOWER, Walk::new().beside(larger).runs(100).steps(300).of(make)),
        ),
        Case::new(
            "load_balancer/tower_but_for_no_weights",
            super::check(weighted())
                .alongside_only()
                .subject(TOWER, Tour::new().of(make))
                .because(TOWER, "a server twice as strong is given no more than the others: there are no weights")
                .diverges(TOWER),
        ),
    ]
}

/// State that is shared with the servers and the source of randomness inside.
#[derive(Default)]
struct Inside {
    /// The servers in the order of tower's ready list.
    ready: Vec<u8>,
    /// The servers to draw.
    wanted: (u8, u8),
    /// Number of draws since then.
    drawn: u8,
}

type Shared = Arc<Mutex<Inside>>;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws what is wanted. tower draws the first place below `length - 1`, the second below `length`, and takes the last
/// place for the first if both are the same (Floyd's algorithm).
struct Scripted(Shared);

impl Rng for Scripted {
    fn next_u64(&mut self) -> u64 {
        let mut inside = lock(&self.0);
        let place = |server: u8| inside.ready.iter().position(|at| *at == server).unwrap_or(0) as u64;
        let (first, second) = (place(inside.wanted.0), place(inside.wanted.1));
        let drawn = inside.drawn;
        let last = inside.ready.len() as u64 - 1;
        inside.drawn += 1;
        if drawn == 1 || first == last { second } else { first }
    }
}

/// A server: it answers when its slot is told to.
struct Server {
    name: u8,
    inside: Shared,
}

/// How a request ends; `None` as long as it runs.
type Ending = Arc<Mutex<Option<Result<u8, &'static str>>>>;

struct Running {
    server: u8,
    ending: Ending,
}

impl Future for Running {
    type Output = Result<u8, &'static str>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match lock(&self.ending).take() {
            Some(ended) => Poll::Ready(ended.map(|_| self.server)),
            None => Poll::Pending,
        }
    }
}

impl Service<(Ending, Arc<Mutex<u8>>)> for Server {
    type Response = u8;
    type Error = &'static str;
    type Future = Running;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let mut inside = lock(&self.inside);
        if !inside.ready.contains(&self.name) {
            inside.ready.push(self.name);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (ending, sent_to): (Ending, Arc<Mutex<u8>>)) -> Running {
        let mut inside = lock(&self.inside);
        // Its place is taken by the last, until it is ready again.
        if let Some(place) = inside.ready.iter().position(|at| *at == self.name) {
            inside.ready.swap_remove(place);
        }
        *lock(&sent_to) = self.name;
        Running { server: self.name, ending }
    }
}

type Request = (Ending, Arc<Mutex<u8>>);
type Balanced = Balance<ServiceList<Vec<PendingRequests<Server>>>, Request>;
type Answered = <Balanced as Service<Request>>::Future;

/// A request, what tells it to end, and the server that has it.
type Held = (Pin<Box<Answered>>, Ending, u8);

/// tower's balancer over as many servers.
struct Tower {
    balance: Balanced,
    inside: Shared,
    in_flight: [Option<Held>; SLOTS_MAX],
    counts: [u32; SERVERS_MAX],
    servers: usize,
}

impl Tower {
    fn new(servers: usize) -> Self {
        let inside = Shared::default();
        let server = |name| {
            let server = Server { name: name as u8, inside: inside.clone() };
            PendingRequests::new(server, CompleteOnResponse::default())
        };
        let list = ServiceList::new((0..servers).map(server).collect::<Vec<_>>());
        Tower {
            balance: Balance::from_rng(list, Scripted(inside.clone())),
            inside,
            in_flight: Default::default(),
            counts: [0; SERVERS_MAX],
            servers,
        }
    }

    fn end(&mut self, slot: u8, how: Option<Result<u8, &'static str>>) -> Answer {
        if let Some((mut running, ending, server)) = self.in_flight[usize::from(slot)].take() {
            self.counts[usize::from(server)] -= 1;
            if how.is_some() {
                *lock(&ending) = how;
                let _ = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            // Dropped here, answered or not.
        }
        Answer::Done
    }
}

impl Counterpart<BalancerInterface> for Tower {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Pick { slot, draw: Draw::Two { first, second, .. }, .. } => {
                let other = if second < first { second } else { second + 1 };
                let mut context = Context::from_waker(Waker::noop());
                {
                    let mut inside = lock(&self.inside);
                    (inside.wanted, inside.drawn) = ((first, other), 0);
                }
                if !matches!(self.balance.poll_ready(&mut context), Poll::Ready(Ok(()))) {
                    return Answer::NoServer;
                }
                let (ending, sent_to) = (Ending::default(), Arc::new(Mutex::new(0)));
                let running = self.balance.call((ending.clone(), sent_to.clone()));
                let server = *lock(&sent_to);
                self.counts[usize::from(server)] += 1;
                self.in_flight[usize::from(slot)] = Some((Box::pin(running), ending, server));
                Answer::Sent { server }
            }
            Action::Pick { .. } => Answer::NoServer,
            Action::Complete { slot, success: true } => self.end(slot, Some(Ok(0))),
            Action::Complete { slot, success: false } => self.end(slot, Some(Err("it failed"))),
            Action::Cancel { slot } | Action::Panic { slot } => self.end(slot, None),
            Action::SetHealth { .. } | Action::SetServers { .. } | Action::Tick => Answer::Done,
        }
    }

    /// Requests in flight: tower's own count cannot be read, but what it was given and not yet given back can.
    fn observe(&self) -> Option<Seen> {
        let all = (1 << self.servers) - 1;
        Some(Seen { in_flight: self.counts, listed: all, healthy: all, ejected: 0 })
    }

    fn supports(&self, input: &Action) -> bool {
        !matches!(input, Action::SetHealth { .. } | Action::SetServers { .. } | Action::Tick)
    }
}
