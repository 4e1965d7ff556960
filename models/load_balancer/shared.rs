//! The balancer that threads share: one mutex around the [`Core`], held for a choice or a count and never while a
//! request runs. What is in flight is a guard: dropped, whether its holder went away or unwinds, the request is off the
//! count.
//!
//! One lock, and not a counter a server: a choice that reads counters one after another while requests end can see the
//! second of two endings and not the first, and no order of the calls explains what it then chooses.
//!
//! Compiled twice, with the locks of the standard library and, to be raced, with loom's.
//!
//! ```
//! use std::sync::Arc;
//! use counterpart_models::load_balancer::{Config, LoadBalancer, Outcome, Request, RoundRobin, ServerId};
//!
//! let balancer = Arc::new(LoadBalancer::new(Config::default(), RoundRobin::default(), [(ServerId(1), 1)], 0)?);
//! let in_flight = balancer.pick(Request::default(), 0)?;
//! // … the request to in_flight.server() …
//! in_flight.finish(Outcome::Success, 1_500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;

use super::implementation::{
    Config, ConfigError, Core, Outcome, Refused, Request, SERVERS_MAX, ServerId, Status, Ticket, UnknownServer,
};
use super::policies::Policy;
use super::sync::{Mutex, MutexGuard, PoisonError};

/// A balancer that threads share.
#[derive(Debug)]
pub struct LoadBalancer<P> {
    core: Mutex<Core<P>>,
}

impl<P: Policy> LoadBalancer<P> {
    /// A balancer whose servers are all taken to be healthy.
    ///
    /// # Errors
    /// As [`Core::new`].
    pub fn new(
        config: Config,
        policy: P,
        servers: impl IntoIterator<Item = (ServerId, u32)>,
        now_us: u64,
    ) -> Result<Self, ConfigError> {
        Ok(LoadBalancer { core: Mutex::new(Core::new(config, policy, servers, now_us)?) })
    }

    /// Chooses a server for a first attempt.
    ///
    /// # Errors
    /// There is none.
    pub fn pick(self: &Arc<Self>, request: Request, now_us: u64) -> Result<InFlight<P>, Refused> {
        let ticket = self.lock().pick(request, now_us)?;
        Ok(InFlight { balancer: self.clone(), ticket: Some(ticket) })
    }

    /// Chooses a server for another attempt.
    ///
    /// # Errors
    /// There is none, or there were too many retries.
    pub fn retry(self: &Arc<Self>, request: Request, now_us: u64) -> Result<InFlight<P>, Refused> {
        let ticket = self.lock().retry(request, now_us)?;
        Ok(InFlight { balancer: self.clone(), ticket: Some(ticket) })
    }

    /// Takes the report of a health check.
    ///
    /// # Errors
    /// There is no such server.
    pub fn set_health(&self, id: ServerId, healthy: bool, now_us: u64) -> Result<(), UnknownServer> {
        self.lock().set_health(id, healthy, now_us)
    }

    /// Replaces the list. `servers` is asked for its items before the lock is taken: it may ask the balancer.
    ///
    /// # Errors
    /// As [`Core::set_servers`]; it is then left as it was.
    pub fn set_servers(
        &self,
        servers: impl IntoIterator<Item = (ServerId, u32)>,
        now_us: u64,
    ) -> Result<(), ConfigError> {
        // One more than there may be is enough to be refused.
        let listed: Vec<(ServerId, u32)> = servers.into_iter().take(SERVERS_MAX + 1).collect();
        self.lock().set_servers(listed, now_us)
    }

    /// The servers as an operator wants to see them, by name.
    pub fn status(&self, now_us: u64) -> Vec<Status> {
        self.lock().status(now_us)
    }

    fn lock(&self) -> MutexGuard<'_, Core<P>> {
        // What a panicking policy left behind is at worst a server too many times passed over.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request at a server, counted there until this is dropped.
#[must_use = "dropped, the request is taken for cancelled"]
pub struct InFlight<P: Policy> {
    balancer: Arc<LoadBalancer<P>>,
    ticket: Option<Ticket>,
}

impl<P: Policy> InFlight<P> {
    /// The server to send the request to.
    pub fn server(&self) -> ServerId {
        self.ticket.as_ref().map_or(ServerId::default(), Ticket::server)
    }

    /// Ends the request.
    pub fn finish(mut self, outcome: Outcome, now_us: u64) {
        if let Some(ticket) = self.ticket.take() {
            self.balancer.lock().finish(ticket, outcome, now_us);
        }
    }
}

impl<P: Policy> Drop for InFlight<P> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            // What was cancelled says nothing of the server, so that the time does not matter.
            self.balancer.lock().finish(ticket, Outcome::Cancelled, 0);
        }
    }
}
