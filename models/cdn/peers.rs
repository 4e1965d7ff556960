//! A published reckoning of freshness, unchanged, driven through the same model.
//!
//! `CachePolicy` says of one response whether it is fresh, and with what age it is passed on; it is told the time. What is
//! stored, filled and purged is kept here, as the model has it. The shield and an edge each have policies of their own.

use std::time::{Duration, SystemTime};

use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Counterpart};
use http::{Request, Response};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};

use super::check;
use super::conformance::{At, PurgeInterface, Seen};
use super::defects::timed;
use super::model::{Action, NODES, Purge, SHIELD, Told, Variant};

const SEMANTICS: &str = "http-cache-semantics 3.0.0";

/// Later than 1970, for the dates of responses.
const START: Duration = Duration::from_secs(1_000_000_000);

/// A fill under way: how long, whether a purge has come since, and what was read, with its version.
struct Flight {
    ticks: u8,
    is_outdated: bool,
    read: Option<(Response<()>, u8)>,
}

/// A shield and an edge whose freshness the crate reckons.
struct Reckoned {
    held: [Option<(CachePolicy, u8)>; NODES],
    flights: [Option<Flight>; NODES],
    version: u8,
    now: SystemTime,
    ttl_s: u8,
    timeout: u8,
}

fn request() -> Request<()> {
    let request = Request::get("http://example.com/").body(());
    request.expect("a request")
}

impl Reckoned {
    fn new(model: &Purge) -> Self {
        Reckoned {
            held: Default::default(),
            flights: Default::default(),
            version: 0,
            now: SystemTime::UNIX_EPOCH + START,
            ttl_s: model.ttl.unwrap_or(u8::MAX),
            timeout: model.timeout,
        }
    }

    /// What a node serves, with its version.
    fn fresh(&self, node: usize) -> Option<(Response<()>, u8)> {
        let (policy, version) = self.held[node].as_ref()?;
        match policy.before_request(&request(), self.now) {
            BeforeRequest::Fresh(parts) => Some((Response::from_parts(parts, ()), *version)),
            BeforeRequest::Stale { .. } => None,
        }
    }

    fn start(&mut self, node: usize, told: &mut Told) {
        if self.flights[node].as_ref().is_none_or(|flight| flight.is_outdated) {
            self.flights[node] = Some(Flight { ticks: 0, is_outdated: false, read: None });
            told.asked = true;
        }
    }

    fn origin(&self) -> (Response<()>, u8) {
        let response = Response::builder().header("cache-control", format!("max-age={}", self.ttl_s)).body(());
        (response.expect("a response"), self.version)
    }

    fn tick(&mut self) {
        self.now += Duration::from_secs(1);
        let (now, timeout) = (self.now, self.timeout);
        for held in &mut self.held {
            *held = held.take().filter(|(policy, _)| !policy.is_stale(now));
        }
        for flight in &mut self.flights {
            flight.iter_mut().for_each(|flight| flight.ticks += 1);
            *flight = flight.take().filter(|flight| flight.ticks < timeout);
        }
    }
}

impl Counterpart<PurgeInterface> for Reckoned {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        match *input {
            Action::Request { edge } => {
                told.served = self.fresh(edge.into()).map(|(_, version)| version);
                if told.served.is_none() {
                    self.start(edge.into(), &mut told);
                }
            }
            Action::Start => self.start(SHIELD, &mut told),
            Action::Snapshot { node } => {
                let read = if node == 0 { Some(self.origin()) } else { self.fresh(SHIELD) };
                told.content = read.is_some().then_some(true);
                self.flights[usize::from(node)].iter_mut().for_each(|flight| flight.read = read.clone());
            }
            Action::Store { node } => {
                let flight = self.flights[usize::from(node)].take();
                let Some(Flight { is_outdated: false, read: Some((response, version)), .. }) = flight else {
                    return told;
                };
                let options = CacheOptions { shared: true, ..CacheOptions::default() };
                let policy = CachePolicy::new_options(&request(), &response, self.now, options);
                if policy.is_storable() && !policy.is_stale(self.now) {
                    self.held[usize::from(node)] = Some((policy, version));
                }
            }
            Action::Update | Action::Apply => self.version += 1,
            Action::Deliver { node } | Action::DeliverUnheard { node } => {
                self.held[usize::from(node)] = None;
                self.flights[usize::from(node)].iter_mut().for_each(|flight| flight.is_outdated = true);
            }
            Action::Restart { node } => self.flights[usize::from(node)] = None,
            Action::Tick => self.tick(),
            Action::Lose { .. } | Action::Resend { .. } | Action::Write | Action::Answer => {}
        }
        told
    }

    fn observe(&self) -> Option<Seen> {
        let at = |node: usize| At {
            held: self.held[node]
                .as_ref()
                .and_then(|(policy, version)| Some((*version, u8::try_from(policy.age(self.now).as_secs()).ok()?))),
            fills: self.flights[node].as_ref().is_some_and(|flight| !flight.is_outdated),
        };
        Some(Seen(std::array::from_fn(at)))
    }
}

/// The crate where it conforms, and where it parts.
pub(super) fn cases() -> Vec<Case> {
    let quirk = timed().with(Variant::IgnoresDelay);
    let (of, walked, parted) = (quirk.clone(), Purge { updates_max: 20, ..quirk.clone() }, timed());
    let toured = Tour::new().of(move || Reckoned::new(&of));
    let walk = Walk::new().runs(100).steps(300).of(move || Reckoned::new(&walked));
    let parts = Tour::new().of(move || Reckoned::new(&parted));
    vec![
        Case::new(
            "cdn/semantics",
            check(quirk).alongside_only().subject(SEMANTICS, toured).subject(SEMANTICS, walk),
        ),
        Case::new(
            "cdn/semantics_and_delay",
            check(timed()).alongside_only().subject(SEMANTICS, parts).diverges(SEMANTICS).because(
                SEMANTICS,
                "it is told when the response came and not when it was asked for, so that the time on the way does not count as \
                 age (RFC 9111 §4.2.3 counts all of it)",
            ),
        ),
    ]
}
