//! A load balancer's core: plain data, time and randomness passed in, no lock.
//!
//! Times are in microseconds of any clock that the caller keeps to. A clock that goes back ends ejections and slow
//! starts early and is otherwise harmless. Counts saturate.
//!
//! ```
//! use counterpart_models::load_balancer::{Config, Core, Outcome, PowerOfTwo, Request, ServerId};
//!
//! let servers = [(ServerId(1), 1), (ServerId(2), 1)];
//! let mut balancer = Core::new(Config::default(), PowerOfTwo, servers, 0)?;
//! let ticket = balancer.pick(Request { random: 0x9e37_79b9_7f4a_7c15, ..Request::default() }, 0)?;
//! println!("send it to {:?}", ticket.server());
//! balancer.finish(ticket, Outcome::Success, 1_500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;

use thiserror::Error;

use self::config::within;
pub use self::config::{Config, ConfigError, Outliers, RetryBudget};
use super::policies::Policy;

/// The longest list of servers.
pub const SERVERS_MAX: usize = 1 << 12;

/// The greatest weight.
pub const WEIGHT_MAX: u32 = 1 << 16;

/// Parts of a weight that are told apart while servers may start slowly, so that one of weight 1 can have less.
pub const WEIGHT_PARTS: u32 = 1 << 12;

/// Name of a server, the caller's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u64);

/// What a request brings for the choice of its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Request {
    /// Key that a consistent hash is taken of.
    pub key: u64,
    /// Number that is drawn uniformly, for the policies that draw.
    pub random: u64,
}

/// Why a request is not sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refused {
    /// The list is empty, or nobody in it is eligible and there is no panic mode.
    #[error("there is no server to send it to")]
    NoServer,
    /// Retries have used up their budget.
    #[error("the budget for retries is used up")]
    RetryBudget,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The server answered.
    Success,
    /// The server failed, or did not answer in time.
    Failure,
    /// The caller is gone, or has panicked: it says nothing of the server.
    Cancelled,
}

/// A request at a server. Give it back with [`Core::finish`].
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a request that is not finished is counted at its server for ever"]
pub struct Ticket {
    pub(super) server: ServerId,
    pub(super) incarnation: u64,
    pub(super) started_us: u64,
}

impl Ticket {
    /// The server to send the request to.
    pub fn server(&self) -> ServerId {
        self.server
    }
}

/// A server that the list does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no server {0:?} in the list")]
pub struct UnknownServer(pub ServerId);

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Server {
    pub(super) id: ServerId,
    pub(super) weight: u32,
    /// Number that tells a server from one that had its name before.
    pub(super) incarnation: u64,
    pub(super) healthy: bool,
    pub(super) in_flight: u32,
    pub(super) failures: u32,
    pub(super) ejected_at_us: Option<u64>,
    /// Instant since when it grows to its weight.
    pub(super) warming_since_us: Option<u64>,
    pub(super) estimate_us: u64,
    pub(super) estimated_at_us: u64,
}

/// A server as a policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the server.
    pub id: ServerId,
    /// Weight, 1 or more. Where servers may start slowly it is in parts, [`WEIGHT_PARTS`] for each, and that of the
    /// server's age while it does: only how weights compare tells anything.
    pub weight: u32,
    /// Number of requests that it has and that are not finished.
    pub in_flight: u32,
    /// Time that it is expected to take, in microseconds.
    pub estimate_us: u64,
}

/// The servers that may be chosen now, by name: at least one.
pub struct Pool<'a> {
    servers: &'a [Server],
    chosen_from: &'a [usize],
    config: &'a Config,
    now_us: u64,
}

impl Pool<'_> {
    /// Number of servers in the pool; 1 or more.
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.chosen_from.len()
    }

    /// The server at `index`, 0-based, in the order of their names.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, index: usize) -> Candidate {
        let server = &self.servers[self.chosen_from[index]];
        let weight = server.weight_at(self.config, self.now_us);
        Candidate { id: server.id, weight, in_flight: server.in_flight, estimate_us: server.estimate_us }
    }

    /// All servers of the pool.
    pub fn iter(&self) -> impl Iterator<Item = Candidate> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// A server as an operator wants to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// Name of the server.
    pub id: ServerId,
    /// Whether it is healthy, by the last report.
    pub healthy: bool,
    /// Whether it is taken out for its failures.
    pub ejected: bool,
    /// Number of requests that it has.
    pub in_flight: u32,
}

/// A balancer without a lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core<P> {
    pub(super) config: Config,
    pub(super) policy: P,
    /// The servers, by name.
    pub(super) servers: Vec<Server>,
    pub(super) incarnation: u64,
    pub(super) tokens: u32,
    /// Places of those chosen from, as of the last pick; anything that changes it empties it.
    pub(super) chosen_from: Vec<usize>,
    /// When the oldest of the ejections ends that were taken into account there, and when the newest began.
    pub(super) chosen_while_us: (u64, u64),
}

impl<P: Policy> Core<P> {
    /// A balancer whose servers are all taken to be healthy. The list may be empty: requests are then refused.
    ///
    /// # Errors
    /// A number is out of range, a weight 0, or a server listed twice; or servers are to start slowly, and the policy
    /// reads no weights.
    pub fn new(
        config: Config,
        policy: P,
        servers: impl IntoIterator<Item = (ServerId, u32)>,
        now_us: u64,
    ) -> Result<Self, ConfigError> {
        let config = config.validated()?;
        if config.slow_start_us > 0 && !policy.reads_weights() {
            return Err(ConfigError::SlowStartWithoutWeights(config.slow_start_us));
        }
        let mut core = Core {
            config,
            policy,
            servers: Vec::new(),
            incarnation: 0,
            tokens: 0,
            chosen_from: Vec::new(),
            chosen_while_us: (0, 0),
        };
        core.set_servers(servers, now_us)?;
        // Nobody is new where everybody is.
        core.servers.iter_mut().for_each(|server| server.warming_since_us = None);
        Ok(core)
    }

    /// Chooses a server for a first attempt.
    ///
    /// # Errors
    /// There is none.
    pub fn pick(&mut self, request: Request, now_us: u64) -> Result<Ticket, Refused> {
        let ticket = self.choose(request, now_us)?;
        if let Some(budget) = self.config.retries {
            self.tokens = self.tokens.saturating_add(1).min(budget.tokens_max);
        }
        Ok(ticket)
    }

    /// Chooses a server for another attempt.
    ///
    /// # Errors
    /// There is none, or there were too many retries.
    pub fn retry(&mut self, request: Request, now_us: u64) -> Result<Ticket, Refused> {
        let left = match self.config.retries {
            Some(budget) => Some(self.tokens.checked_sub(budget.cost).ok_or(Refused::RetryBudget)?),
            None => None,
        };
        let ticket = self.choose(request, now_us)?;
        self.tokens = left.unwrap_or(self.tokens);
        Ok(ticket)
    }

    fn choose(&mut self, request: Request, now_us: u64) -> Result<Ticket, Refused> {
        let (ends_us, began_us) = self.chosen_while_us;
        if self.chosen_from.is_empty() || now_us >= ends_us || now_us < began_us {
            self.survey(now_us);
        }
        if self.chosen_from.is_empty() {
            return Err(Refused::NoServer);
        }
        let pool = Pool { servers: &self.servers, chosen_from: &self.chosen_from, config: &self.config, now_us };
        let index = self.policy.choose(&pool, request).ok_or(Refused::NoServer)?;
        let place = self.chosen_from.get(index).ok_or(Refused::NoServer)?;
        let server = &mut self.servers[*place];
        server.in_flight = server.in_flight.saturating_add(1);
        Ok(Ticket { server: server.id, incarnation: server.incarnation, started_us: now_us })
    }

    /// Finds those to choose from.
    fn survey(&mut self, now_us: u64) {
        let ejection_us = self.ejection_us();
        self.chosen_while_us = (u64::MAX, 0);
        self.chosen_from.clear();
        for (place, server) in self.servers.iter().enumerate() {
            if server.is_ejected(ejection_us, now_us)
                && let Some(at_us) = server.ejected_at_us
            {
                let (ends_us, began_us) = self.chosen_while_us;
                self.chosen_while_us = (ends_us.min(at_us.saturating_add(ejection_us)), began_us.max(at_us));
            } else if server.healthy {
                self.chosen_from.push(place);
            }
        }
        if self.chosen_from.len() * 100 < usize::from(self.config.panic_percent) * self.servers.len() {
            self.chosen_from.clear();
            self.chosen_from.extend(0..self.servers.len());
        }
    }

    fn ejection_us(&self) -> u64 {
        self.config.outliers.map_or(0, |outliers| outliers.ejection_us)
    }

    /// Ends a request. It changes nothing where its server has left the list meanwhile, whoever has the name now.
    pub fn finish(&mut self, ticket: Ticket, outcome: Outcome, now_us: u64) {
        let ejection_us = self.ejection_us();
        let Ok(place) = self.servers.binary_search_by_key(&ticket.server, |server| server.id) else { return };
        if self.servers[place].incarnation != ticket.incarnation {
            return;
        }
        let took_us = now_us.saturating_sub(ticket.started_us);
        let server = &mut self.servers[place];
        server.in_flight = server.in_flight.saturating_sub(1);
        match outcome {
            Outcome::Cancelled => {}
            Outcome::Success => {
                server.failures = 0;
                server.estimate(took_us, self.config.half_life_us, now_us);
            }
            Outcome::Failure => {
                // A failure is no sign of speed: it never makes a server look faster.
                server.estimate_us = server.estimate_us.max(took_us).max(self.config.failure_us);
                server.estimated_at_us = now_us;
                if let Some(outliers) = self.config.outliers {
                    server.failures = server.failures.saturating_add(1).min(outliers.failures);
                    let due = server.failures >= outliers.failures && !server.is_ejected(ejection_us, now_us);
                    if due && self.may_eject(outliers, now_us) {
                        let server = &mut self.servers[place];
                        (server.failures, server.ejected_at_us) = (0, Some(now_us));
                        self.chosen_from.clear();
                    }
                }
            }
        }
    }

    fn may_eject(&self, outliers: Outliers, now_us: u64) -> bool {
        let out = self.servers.iter().filter(|server| server.is_ejected(outliers.ejection_us, now_us)).count();
        (out + 1) * 100 <= self.servers.len() * usize::from(outliers.ejected_max_percent)
    }

    /// Takes the report of a health check. A server that becomes healthy starts slowly.
    ///
    /// # Errors
    /// There is no such server.
    pub fn set_health(&mut self, id: ServerId, healthy: bool, now_us: u64) -> Result<(), UnknownServer> {
        let place = self.servers.binary_search_by_key(&id, |server| server.id).map_err(|_| UnknownServer(id))?;
        let server = &mut self.servers[place];
        if healthy && !server.healthy {
            server.warming_since_us = Some(now_us);
        }
        server.healthy = healthy;
        self.chosen_from.clear();
        Ok(())
    }

    /// Replaces the list. Servers in both keep what is known of them, but for their weights; new ones start slowly.
    ///
    /// # Errors
    /// A weight is 0 or above [`WEIGHT_MAX`], a server is listed twice, or the list is longer than [`SERVERS_MAX`]; it
    /// is then left as it was.
    pub fn set_servers(
        &mut self,
        servers: impl IntoIterator<Item = (ServerId, u32)>,
        now_us: u64,
    ) -> Result<(), ConfigError> {
        let mut listed: Vec<(ServerId, u32)> = servers.into_iter().take(SERVERS_MAX + 1).collect();
        within("servers", listed.len() as u64, 0, SERVERS_MAX as u64)?;
        listed.sort_unstable();
        if let Some(twice) = listed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ConfigError::Twice(twice[0].0));
        }
        for (_, weight) in &listed {
            within("weight", (*weight).into(), 1, WEIGHT_MAX.into())?;
        }
        let known = std::mem::take(&mut self.servers);
        self.incarnation = self.incarnation.wrapping_add(1);
        for (id, weight) in listed {
            self.servers.push(match known.binary_search_by_key(&id, |server| server.id) {
                Ok(place) => Server { weight, ..known[place].clone() },
                Err(_) => Server {
                    id,
                    weight,
                    incarnation: self.incarnation,
                    healthy: true,
                    in_flight: 0,
                    failures: 0,
                    ejected_at_us: None,
                    warming_since_us: Some(now_us),
                    estimate_us: self.config.expected_us,
                    estimated_at_us: now_us,
                },
            });
        }
        // First: a policy that panics must not leave places of the old list behind.
        self.chosen_from.clear();
        self.policy.forget(&|id| self.servers.binary_search_by_key(&id, |server| server.id).is_err());
        Ok(())
    }

    /// The servers as an operator wants to see them, by name.
    pub fn status(&self, now_us: u64) -> Vec<Status> {
        let ejection_us = self.ejection_us();
        let status = |server: &Server| Status {
            id: server.id,
            healthy: server.healthy,
            ejected: server.is_ejected(ejection_us, now_us),
            in_flight: server.in_flight,
        };
        self.servers.iter().map(status).collect()
    }
}

impl Server {
    /// The weight that it has at its age: in parts, where servers may start slowly.
    fn weight_at(&self, config: &Config, now_us: u64) -> u32 {
        let slow_us = config.slow_start_us;
        if slow_us == 0 {
            return self.weight;
        }
        let whole = u64::from(self.weight) * u64::from(WEIGHT_PARTS);
        // Before its beginning a slow start is over: a clock that was set back must not keep a server small for years.
        let age_us = self.warming_since_us.and_then(|since_us| now_us.checked_sub(since_us)).unwrap_or(slow_us);
        let grown = u128::from(whole) * u128::from(age_us.min(slow_us)) / u128::from(slow_us);
        let least = u128::from(whole) * u128::from(config.slow_start_from_percent) / 100;
        // A weight has 17 bits at most, and 12 more in parts.
        u32::try_from(grown.max(least)).unwrap_or(u32::MAX)
    }

    fn is_ejected(&self, ejection_us: u64, now_us: u64) -> bool {
        // Before its beginning there is no ejection: a clock that was set back must not keep a server out for years.
        self.ejected_at_us.is_some_and(|at_us| now_us.checked_sub(at_us).is_some_and(|out_us| out_us < ejection_us))
    }

    /// Counts an answer that took `took_us`: a longer one than expected at once, a shorter one the more the older the
    /// estimate is. Only whole half-lives count, and what is left of the last one is kept: otherwise frequent answers
    /// would forget nothing.
    fn estimate(&mut self, took_us: u64, half_life_us: u64, now_us: u64) {
        if took_us >= self.estimate_us {
            (self.estimate_us, self.estimated_at_us) = (took_us, now_us);
            return;
        }
        let half_lives = now_us.saturating_sub(self.estimated_at_us) / half_life_us;
        let above_us = self.estimate_us - took_us;
        let left_us = u32::try_from(half_lives).ok().and_then(|by| above_us.checked_shr(by)).unwrap_or(0);
        self.estimate_us = took_us.saturating_add(left_us);
        self.estimated_at_us = self.estimated_at_us.saturating_add(half_lives.saturating_mul(half_life_us));
    }
}
