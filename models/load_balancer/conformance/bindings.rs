//! Our own balancer, driven in the model's words.

use super::*;

/// Our balancer's core: plain data, so that it can be explored together with the model.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CoreBinding {
    core: Core<AnyPolicy>,
    now_us: u64,
    keys: Vec<u64>,
    weights: Vec<(ServerId, u32)>,
    /// By slot, the server, its incarnation, and when it was sent.
    tickets: [Option<(ServerId, u64, u64)>; SLOTS_MAX],
}

impl CoreBinding {
    /// The balancer that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no balancer.
    pub fn new(model: &Balancer) -> Self {
        CoreBinding {
            core: Core::new(config(model), policy(model), listed(model, model.lists[0]), START_US)
                .expect("a model in the catalogue describes a balancer"),
            now_us: START_US,
            keys: keys(model),
            weights: listed(model, u8::MAX >> (8 - model.weights.len())),
            tickets: Default::default(),
        }
    }

    fn finish(&mut self, slot: u8, outcome: Outcome) -> Answer {
        if let Some((server, incarnation, started_us)) = self.tickets[usize::from(slot)].take() {
            self.core.finish(Ticket { server, incarnation, started_us }, outcome, self.now_us);
        }
        Answer::Done
    }
}

impl Counterpart<BalancerInterface> for CoreBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Pick { slot, retry, draw } => {
                let request = request(&self.keys, draw);
                let sent =
                    if retry { self.core.retry(request, self.now_us) } else { self.core.pick(request, self.now_us) };
                match sent {
                    Ok(ticket) => {
                        let server = index(ticket.server);
                        self.tickets[usize::from(slot)] = Some((ticket.server, ticket.incarnation, ticket.started_us));
                        Answer::Sent { server }
                    }
                    Err(why) => refused(why),
                }
            }
            Action::Complete { slot, success: true } => self.finish(slot, Outcome::Success),
            Action::Complete { slot, success: false } => self.finish(slot, Outcome::Failure),
            Action::Cancel { slot } | Action::Panic { slot } => self.finish(slot, Outcome::Cancelled),
            Action::SetHealth { server, healthy } => {
                // Reports of servers that have left are no one's concern.
                let _ = self.core.set_health(id(server), healthy, self.now_us);
                Answer::Done
            }
            Action::SetServers { list } => {
                let servers = self.weights.iter().filter(|(name, _)| list >> index(*name) & 1 == 1).copied();
                self.core.set_servers(servers.collect::<Vec<_>>(), self.now_us).expect("a list of the model");
                Answer::Done
            }
            Action::Tick => {
                self.now_us += TICK_US;
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        Some(seen(self.core.status(self.now_us)))
    }

    /// Instants are taken relative to now, incarnations to the current one; what nothing is read from is forgotten.
    fn canonical(&mut self) {
        let now_us = self.now_us;
        let shifted = |at_us: u64| at_us + START_US - now_us;
        let ejection_us = self.core.config.outliers.map_or(0, |outliers| outliers.ejection_us);
        let by_time = matches!(self.core.policy, AnyPolicy::PeakEwma(_));
        for (server, incarnation, started_us) in self.tickets.iter_mut().flatten() {
            let is_it = |known: &implementation::Server| known.id == *server && known.incarnation == *incarnation;
            let current = self.core.servers.iter().any(is_it);
            *incarnation = u64::from(current);
            *started_us = if by_time && current { shifted(*started_us) } else { START_US };
        }
        for server in &mut self.core.servers {
            server.incarnation = 1;
            server.ejected_at_us = server.ejected_at_us.filter(|at_us| now_us - at_us < ejection_us).map(shifted);
            let slow_us = self.core.config.slow_start_us;
            server.warming_since_us = server.warming_since_us.filter(|at_us| now_us - at_us < slow_us).map(shifted);
            // After so many half-lives nothing is left of a tick.
            server.estimated_at_us = shifted(server.estimated_at_us.max(now_us - 4 * TICK_US));
            if !by_time {
                (server.estimate_us, server.estimated_at_us) = (TICK_US, START_US);
            }
        }
        self.core.incarnation = 1;
        self.core.chosen_from.clear();
        self.core.chosen_while_us = (0, 0);
        self.now_us = START_US;
    }
}

/// A balancer that threads share: the one that is shipped, the same as loom compiles it, and defective ones.
pub trait SharedBalancer: Send + Sync + Sized {
    /// A request in flight.
    type InFlight: Send;

    /// With the policy, the configuration and the list of a model.
    fn new(config: Config, policy: AnyPolicy, servers: Vec<(ServerId, u32)>, now_us: u64) -> Self;
    /// Sends a request.
    ///
    /// # Errors
    /// It is sent nowhere.
    fn pick(
        this: &Arc<Self>,
        retry: bool,
        request: Request,
        now_us: u64,
    ) -> Result<(ServerId, Self::InFlight), Refused>;
    /// Ends it.
    fn finish(&self, request: Self::InFlight, outcome: Outcome, now_us: u64);
    /// A health check reports.
    fn set_health(&self, server: ServerId, healthy: bool, now_us: u64);
    /// The list is replaced.
    fn set_servers(&self, servers: Vec<(ServerId, u32)>, now_us: u64);
    /// What an operator sees.
    fn status(&self, now_us: u64) -> Vec<Status>;
}

macro_rules! shared_balancer {
    ($shared:ty, $in_flight:ty) => {
        impl SharedBalancer for $shared {
            type InFlight = $in_flight;

            fn new(config: Config, policy: AnyPolicy, servers: Vec<(ServerId, u32)>, now_us: u64) -> Self {
                Self::new(config, policy, servers, now_us).expect("a model in the catalogue describes a balancer")
            }
            fn pick(
                this: &Arc<Self>,
                retry: bool,
                request: Request,
                now_us: u64,
            ) -> Result<(ServerId, Self::InFlight), Refused> {
                let sent = if retry { this.retry(request, now_us) } else { this.pick(request, now_us) };
                sent.map(|in_flight| (in_flight.server(), in_flight))
            }
            fn finish(&self, request: Self::InFlight, outcome: Outcome, now_us: u64) {
                request.finish(outcome, now_us);
            }
            fn set_health(&self, server: ServerId, healthy: bool, now_us: u64) {
                let _ = self.set_health(server, healthy, now_us);
            }
            fn set_servers(&self, servers: Vec<(ServerId, u32)>, now_us: u64) {
                self.set_servers(servers, now_us).expect("a list of the model");
            }
            fn status(&self, now_us: u64) -> Vec<Status> {
                self.status(now_us)
            }
        }
    };
}

shared_balancer!(
    crate::load_balancer::shared::LoadBalancer<AnyPolicy>,
    crate::load_balancer::shared::InFlight<AnyPolicy>
);
shared_balancer!(
    crate::load_balancer::loomed::shared::LoadBalancer<AnyPolicy>,
    crate::load_balancer::loomed::shared::InFlight<AnyPolicy>
);

/// A shared balancer with its clock, and what is in flight.
pub struct SharedBinding<B: SharedBalancer> {
    balancer: Arc<B>,
    clock: SettableClock,
    keys: Vec<u64>,
    weights: Vec<(ServerId, u32)>,
    in_flight: Slots<B::InFlight>,
}

impl<B: SharedBalancer> SharedBinding<B> {
    /// The balancer that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no balancer.
    pub fn new(model: &Balancer) -> Self {
        SharedBinding {
            balancer: Arc::new(B::new(config(model), policy(model), listed(model, model.lists[0]), START_US)),
            clock: SettableClock::at(START_US),
            keys: keys(model),
            weights: listed(model, u8::MAX >> (8 - model.weights.len())),
            in_flight: Slots::new(SLOTS_MAX),
        }
    }

    /// The clock counts units; here they are microseconds.
    fn now_us(&self) -> u64 {
        self.clock.now()
    }

    fn finish(&self, slot: u8, outcome: Outcome) -> Answer {
        if let Some(request) = self.in_flight.take(usize::from(slot)) {
            self.balancer.finish(request, outcome, self.now_us());
        }
        Answer::Done
    }
}

impl<B: SharedBalancer> Shared<BalancerInterface> for SharedBinding<B> {
    fn call(&self, input: &Action) -> Answer {
        match *input {
            Action::Pick { slot, retry, draw } => {
                match B::pick(&self.balancer, retry, request(&self.keys, draw), self.now_us()) {
                    Ok((server, in_flight)) => {
                        self.in_flight.put(usize::from(slot), in_flight);
                        Answer::Sent { server: index(server) }
                    }
                    Err(why) => refused(why),
                }
            }
            Action::Complete { slot, success: true } => self.finish(slot, Outcome::Success),
            Action::Complete { slot, success: false } => self.finish(slot, Outcome::Failure),
            Action::Cancel { slot } => {
                drop(self.in_flight.take(usize::from(slot)));
                Answer::Done
            }
            Action::Panic { slot } => {
                let held = self.in_flight.take(usize::from(slot));
                let unwound = catch_unwind(AssertUnwindSafe(move || {
                    let _held = held;
                    resume_unwind(Box::new("the caller panics"))
                }));
                debug_assert!(unwound.is_err());
                Answer::Done
            }
            Action::SetHealth { server, healthy } => {
                self.balancer.set_health(id(server), healthy, self.now_us());
                Answer::Done
            }
            Action::SetServers { list } => {
                let servers = self.weights.iter().filter(|(name, _)| list >> index(*name) & 1 == 1).copied();
                self.balancer.set_servers(servers.collect(), self.now_us());
                Answer::Done
            }
            Action::Tick => {
                self.clock.advance(TICK_US);
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        Some(seen(self.balancer.status(self.now_us())))
    }
}
