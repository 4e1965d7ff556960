//! Our own balancer, bound to the model's words: as a core, which can be explored together with the model, and as threads
//! share it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use counterpart::Shared;
use counterpart::conform::interleave::Script;
use counterpart::model::{Hold, SettableClock, Slots};

use super::conformance::{Answer, BalancerInterface, Seen, TICK_US};
use super::implementation::{self, Config, Core, Outcome, Refused, Request, RetryBudget, ServerId, Status, Ticket};
use super::model::{Action, Balancer, Draw, Policy, SERVERS_MAX, SLOTS_MAX, members};
use super::policies::{AnyPolicy, BoundedHash, LeastConnections, PeakEwma, PowerOfTwo, RoundRobin, SmoothWeighted};

/// What the clock of a balancer under test shows first.
pub const START_US: u64 = 1_000 * TICK_US;

/// The configuration that belongs to a model.
pub fn config(model: &Balancer) -> Config {
    Config {
        outliers: model.outliers.map(|outliers| implementation::Outliers {
            failures: outliers.failures.into(),
            ejection_us: u64::from(outliers.ticks) * TICK_US,
            ejected_max_percent: outliers.ejected_max_percent,
        }),
        panic_percent: model.panic_percent,
        slow_start_us: u64::from(model.slow_start_ticks) * TICK_US,
        slow_start_from_percent: model.slow_start_from_percent,
        retries: model
            .retries
            .map(|retries| RetryBudget { cost: retries.cost.into(), tokens_max: retries.tokens_max.into() }),
        expected_us: TICK_US,
        half_life_us: TICK_US,
        failure_us: TICK_US,
    }
}

/// The policy that belongs to a model.
///
/// # Panics
/// If its bounds make none.
pub fn policy(model: &Balancer) -> AnyPolicy {
    match model.policy {
        Policy::RoundRobin => AnyPolicy::RoundRobin(RoundRobin::default()),
        Policy::SmoothWeighted => AnyPolicy::SmoothWeighted(SmoothWeighted::default()),
        Policy::LeastConnections => AnyPolicy::LeastConnections(LeastConnections),
        Policy::PowerOfTwo => AnyPolicy::PowerOfTwo(PowerOfTwo),
        Policy::PeakEwma => AnyPolicy::PeakEwma(PeakEwma),
        Policy::BoundedHash => AnyPolicy::BoundedHash(
            BoundedHash::new(model.epsilon_percent.into()).expect("a model in the catalogue describes a balancer"),
        ),
    }
}

/// A server of the model, by the name that a balancer under test knows it by.
pub(crate) fn id(server: u8) -> ServerId {
    ServerId(10 + u64::from(server))
}

fn index(server: ServerId) -> u8 {
    server.0.saturating_sub(10) as u8
}

fn listed(model: &Balancer, list: u8) -> Vec<(ServerId, u32)> {
    members(list).map(|server| (id(server), model.weights[usize::from(server)].into())).collect()
}

/// A key for each key of the model: one that tries the servers in its order.
fn keys(model: &Balancer) -> Vec<u64> {
    let ranks = |key: u64, order: &[u8; SERVERS_MAX]| order.map(|server| BoundedHash::rank(key, id(server)));
    let follows = |key: &u64, order: &[u8; SERVERS_MAX]| ranks(*key, order).windows(2).all(|pair| pair[0] > pair[1]);
    model.preferences.iter().filter_map(|order| (0..10_000).find(|key| follows(key, order))).collect()
}

/// The request that an implementation gets for `draw`.
fn request(keys: &[u64], draw: Draw) -> Request {
    match draw {
        Draw::Nothing => Request::default(),
        Draw::Key(key) => Request { key: keys[usize::from(key)], random: 0 },
        Draw::Two { first, second, of } => {
            // The least number that is drawn as this place.
            let bits = |place: u8, count: u8| (u64::from(place) << 32).div_ceil(u64::from(count.max(1)));
            Request { key: 0, random: bits(first, of) << 32 | bits(second, of.saturating_sub(1)) }
        }
    }
}

fn seen(status: Vec<Status>) -> Seen {
    let mut seen = Seen { in_flight: [0; SERVERS_MAX], listed: 0, healthy: 0, ejected: 0 };
    for server in status {
        let at = index(server.id);
        seen.in_flight[usize::from(at)] = server.in_flight;
        seen.listed |= 1 << at;
        seen.healthy |= u8::from(server.healthy) << at;
        seen.ejected |= u8::from(server.ejected) << at;
    }
    seen
}

fn refused(why: Refused) -> Answer {
    match why {
        Refused::NoServer => Answer::NoServer,
        Refused::RetryBudget => Answer::OverBudget,
    }
}

/// A balancer under test: the one that threads share as it is shipped, the same as loom compiles it, defective ones, and a
/// core, however it is held.
pub trait SharedBalancer: Send + Sync + Sized {
    /// A request in flight.
    type InFlight: Send;

    /// Makes a balancer with the policy, the configuration and the list of a model.
    fn of(config: Config, policy: AnyPolicy, servers: Vec<(ServerId, u32)>, now_us: u64) -> Self;
    /// Sends a request.
    ///
    /// # Errors
    /// It is sent nowhere.
    fn pick(&self, retry: bool, request: Request, now_us: u64) -> Result<(ServerId, Self::InFlight), Refused>;
    /// Ends a request.
    fn finish(&self, request: Self::InFlight, outcome: Outcome, now_us: u64);
    /// Ends a request whose maker goes away.
    fn cancel(&self, request: Self::InFlight, now_us: u64) {
        self.finish(request, Outcome::Cancelled, now_us);
    }
    /// Ends a request whose maker panics.
    fn panic(&self, request: Self::InFlight, now_us: u64) {
        self.cancel(request, now_us);
    }
    /// Takes the report of a health check.
    fn set_health(&self, server: ServerId, healthy: bool, now_us: u64);
    /// Replaces the list of servers.
    fn set_servers(&self, servers: Vec<(ServerId, u32)>, now_us: u64);
    /// The servers as an operator sees them.
    fn status(&self, now_us: u64) -> Vec<Status>;
    /// The core, where that is plain data.
    fn core(&mut self) -> Option<&mut Core<AnyPolicy>> {
        None
    }
    /// Forgets of a request what nothing is read from any more, and shifts the rest.
    fn canonical(_sent: &mut Self::InFlight, _core: &Core<AnyPolicy>, _by_time: bool, _shifted: impl Fn(u64) -> u64) {}
}

/// A request that a core has sent out: the server, its incarnation, and when.
pub type Sent = (ServerId, u64, u64);

impl<H: Hold<Core<AnyPolicy>>> SharedBalancer for H {
    type InFlight = Sent;

    fn of(config: Config, policy: AnyPolicy, servers: Vec<(ServerId, u32)>, now_us: u64) -> Self {
        H::hold(Core::new(config, policy, servers, now_us).expect("a model in the catalogue describes a balancer"))
    }

    fn pick(&self, retry: bool, request: Request, now_us: u64) -> Result<(ServerId, Sent), Refused> {
        let sent = self.with(|core| if retry { core.retry(request, now_us) } else { core.pick(request, now_us) });
        sent.map(|ticket| (ticket.server, (ticket.server, ticket.incarnation, ticket.started_us)))
    }

    fn finish(&self, (server, incarnation, started_us): Sent, outcome: Outcome, now_us: u64) {
        self.with(|core| core.finish(Ticket { server, incarnation, started_us }, outcome, now_us));
    }

    fn set_health(&self, server: ServerId, healthy: bool, now_us: u64) {
        // Reports of servers that have left are no one's concern.
        let _ = self.with(|core| core.set_health(server, healthy, now_us));
    }

    fn set_servers(&self, servers: Vec<(ServerId, u32)>, now_us: u64) {
        self.with(|core| core.set_servers(servers, now_us)).expect("a list of the model");
    }

    fn status(&self, now_us: u64) -> Vec<Status> {
        self.with(|core| core.status(now_us))
    }

    fn core(&mut self) -> Option<&mut Core<AnyPolicy>> {
        self.plain()
    }

    fn canonical(sent: &mut Sent, core: &Core<AnyPolicy>, by_time: bool, shifted: impl Fn(u64) -> u64) {
        let (server, incarnation, started_us) = sent;
        let is_it = |known: &implementation::Server| known.id == *server && known.incarnation == *incarnation;
        let current = core.servers.iter().any(is_it);
        *incarnation = u64::from(current);
        *started_us = if by_time && current { shifted(*started_us) } else { START_US };
    }
}

macro_rules! shared_balancer {
    ($shared:ty, $in_flight:ty) => {
        impl SharedBalancer for Arc<$shared> {
            type InFlight = $in_flight;

            fn of(config: Config, policy: AnyPolicy, servers: Vec<(ServerId, u32)>, now_us: u64) -> Self {
                let shared = <$shared>::new(config, policy, servers, now_us);
                Arc::new(shared.expect("a model in the catalogue describes a balancer"))
            }
            fn pick(&self, retry: bool, request: Request, now_us: u64) -> Result<(ServerId, $in_flight), Refused> {
                let sent = if retry {
                    <$shared>::retry(self, request, now_us)
                } else {
                    <$shared>::pick(self, request, now_us)
                };
                sent.map(|in_flight| (in_flight.server(), in_flight))
            }
            fn finish(&self, request: $in_flight, outcome: Outcome, now_us: u64) {
                request.finish(outcome, now_us);
            }
            fn cancel(&self, request: $in_flight, _: u64) {
                drop(request);
            }
            fn panic(&self, request: $in_flight, _: u64) {
                let unwound = catch_unwind(AssertUnwindSafe(move || {
                    let _held = request;
                    resume_unwind(Box::new("the caller panics"))
                }));
                debug_assert!(unwound.is_err());
            }
            fn set_health(&self, server: ServerId, healthy: bool, now_us: u64) {
                let _ = <$shared>::set_health(self, server, healthy, now_us);
            }
            fn set_servers(&self, servers: Vec<(ServerId, u32)>, now_us: u64) {
                <$shared>::set_servers(self, servers, now_us).expect("a list of the model");
            }
            fn status(&self, now_us: u64) -> Vec<Status> {
                <$shared>::status(self, now_us)
            }
        }
    };
}

shared_balancer!(super::shared::LoadBalancer<AnyPolicy>, super::shared::InFlight<AnyPolicy>);
shared_balancer!(super::loomed::shared::LoadBalancer<AnyPolicy>, super::loomed::shared::InFlight<AnyPolicy>);

/// A balancer with its clock, and what is in flight.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Binding<B: SharedBalancer> {
    balancer: B,
    clock: SettableClock,
    keys: Vec<u64>,
    weights: Vec<(ServerId, u32)>,
    in_flight: Slots<B::InFlight>,
}

impl<B: SharedBalancer> Binding<B> {
    /// The balancer that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no balancer.
    pub fn new(model: &Balancer) -> Self {
        Binding {
            balancer: B::of(config(model), policy(model), listed(model, model.lists[0]), START_US),
            clock: SettableClock::at(START_US),
            keys: keys(model),
            weights: listed(model, u8::MAX >> (8 - model.weights.len())),
            in_flight: Slots::new(SLOTS_MAX),
        }
    }

    fn end(&self, slot: u8, end: impl FnOnce(&B, B::InFlight, u64)) -> Answer {
        if let Some(request) = self.in_flight.take(usize::from(slot)) {
            end(&self.balancer, request, self.clock.now());
        }
        Answer::Done
    }
}

impl<B: SharedBalancer> Shared<BalancerInterface> for Binding<B> {
    fn call(&self, input: &Action) -> Answer {
        let now_us = self.clock.now();
        match *input {
            Action::Pick { slot, retry, draw } => match self.balancer.pick(retry, request(&self.keys, draw), now_us) {
                Ok((server, in_flight)) => {
                    self.in_flight.put(usize::from(slot), in_flight);
                    Answer::Sent { server: index(server) }
                }
                Err(why) => refused(why),
            },
            Action::Complete { slot, success } => {
                let outcome = if success { Outcome::Success } else { Outcome::Failure };
                self.end(slot, |balancer, request, now_us| balancer.finish(request, outcome, now_us))
            }
            Action::Cancel { slot } => self.end(slot, B::cancel),
            Action::Panic { slot } => self.end(slot, B::panic),
            Action::SetHealth { server, healthy } => {
                self.balancer.set_health(id(server), healthy, now_us);
                Answer::Done
            }
            Action::SetServers { list } => {
                let servers = self.weights.iter().filter(|(name, _)| list >> index(*name) & 1 == 1).copied();
                self.balancer.set_servers(servers.collect(), now_us);
                Answer::Done
            }
            Action::Tick => {
                self.clock.advance(TICK_US);
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        Some(seen(self.balancer.status(self.clock.now())))
    }

    /// Instants are taken relative to now, incarnations to the current one; what nothing is read from is forgotten.
    fn canonical(&mut self) {
        let now_us = self.clock.now();
        let Some(core) = self.balancer.core() else { return };
        let shifted = |at_us: u64| at_us + START_US - now_us;
        let ejection_us = core.config.outliers.map_or(0, |outliers| outliers.ejection_us);
        let by_time = matches!(core.policy, AnyPolicy::PeakEwma(_));
        self.in_flight.held().for_each(|sent| B::canonical(sent, core, by_time, shifted));
        for server in &mut core.servers {
            server.incarnation = 1;
            server.ejected_at_us = server.ejected_at_us.filter(|at_us| now_us - at_us < ejection_us).map(shifted);
            let slow_us = core.config.slow_start_us;
            server.warming_since_us = server.warming_since_us.filter(|at_us| now_us - at_us < slow_us).map(shifted);
            // After so many half-lives nothing is left of a tick.
            server.estimated_at_us = shifted(server.estimated_at_us.max(now_us - 4 * TICK_US));
            if !by_time {
                (server.estimate_us, server.estimated_at_us) = (TICK_US, START_US);
            }
        }
        core.incarnation = 1;
        core.chosen_from.clear();
        core.chosen_while_us = (0, 0);
        self.clock = SettableClock::at(START_US);
    }
}

/// Two requests at once that find the cursor where it is.
pub fn two_picks() -> Script<Action> {
    Script::after([]).thread([pick(0)]).thread([pick(1)])
}

/// Two health checks that report at once.
pub fn two_reports() -> Script<Action> {
    let down = |server| Action::SetHealth { server, healthy: false };
    Script::after([]).thread([down(0)]).thread([down(1)])
}

/// Two requests that end one after the other while a third is sent where there are fewest.
pub fn count_and_choose() -> Script<Action> {
    Script::after([pick(0), pick(1)])
        .thread([Action::Complete { slot: 0, success: true }, Action::Complete { slot: 1, success: true }])
        .thread([pick(2)])
}

fn pick(slot: u8) -> Action {
    Action::Pick { slot, retry: false, draw: Draw::Nothing }
}

/// What threads do at once, each script for a race of its own: for round robin over lists that change.
pub fn scripts() -> Vec<Script<Action>> {
    let list = |list| Action::SetServers { list };
    vec![
        two_picks(),
        two_picks().thread([pick(2)]).preemptions_max(3),
        two_reports(),
        // The list is swapped under two that go round it.
        Script::after([pick(0)]).thread([list(0b011), list(0b111)]).thread([pick(1), pick(2)]),
        // A request ends, one goes away, while their server leaves and comes back.
        Script::after([pick(0)]).thread([end(0)]).thread([list(0b110), list(0b111)]),
        Script::after([pick(0), pick(1)]).thread([Action::Cancel { slot: 0 }, pick(0)]).thread([end(1), pick(1)]),
        // Health flips while requests are sent.
        Script::after([pick(0)])
            .thread([Action::SetHealth { server: 1, healthy: false }, Action::SetHealth { server: 1, healthy: true }])
            .thread([pick(1), pick(2)]),
    ]
}

/// Two retries at once that find tokens for one.
pub fn two_retries() -> Script<Action> {
    Script::after([pick(0), end(0)]).thread([retry(0)]).thread([retry(1)])
}

/// What threads do at once where retries have a budget, and callers panic.
pub fn retrying_scripts() -> Vec<Script<Action>> {
    vec![
        two_retries(),
        // A first attempt brings the token that a retry takes.
        Script::after([]).thread([retry(0)]).thread([pick(1), Action::Panic { slot: 1 }]),
        Script::after([pick(0), pick(1)]).thread([Action::Panic { slot: 0 }, retry(0)]).thread([end(1), retry(1)]),
    ]
}

fn retry(slot: u8) -> Action {
    Action::Pick { slot, retry: true, draw: Draw::Nothing }
}

fn end(slot: u8) -> Action {
    Action::Complete { slot, success: true }
}

/// What threads do at once, for least connections.
pub fn counting_scripts() -> Vec<Script<Action>> {
    vec![
        count_and_choose(),
        Script::after([pick(0), pick(1)])
            .thread([Action::Cancel { slot: 0 }, pick(0)])
            .thread([Action::Complete { slot: 1, success: false }, pick(1)]),
        two_picks().thread([pick(2)]).preemptions_max(3),
    ]
}
