//! nginx and haproxy as load balancers: three servers of ours behind one of them, one request after the other.
//!
//! A request that is sent arrives at one of the servers, which answers when its slot is told to. That a request is over
//! for the balancer is proved, not waited for: the balancer closes the client's connection after it has let go of the
//! server, and it closes the server's when the client has gone away.

#[path = "load_balancer/haproxy.rs"]
mod haproxy;
#[path = "load_balancer/nginx.rs"]
mod nginx;
#[path = "load_balancer/requests.rs"]
mod requests;

use counterpart::{Check, Counterpart};
use counterpart_models::load_balancer::conformance::{Answer, BalancerInterface, Seen};
use counterpart_models::load_balancer::model::{Action, Balancer, Policy};

use self::requests::Requests;
use crate::alongside::{Alongside, beside};
use crate::daemon::Daemon;
use crate::servers::Servers;

pub(crate) fn cases() -> Vec<Alongside> {
    [haproxy::cases(), nginx::cases()].concat()
}

/// A balancer that runs, with servers behind it.
trait Running: Sized + 'static {
    const DAEMON: &'static Daemon;

    /// Starts one by the policy and with the weights of `model`.
    fn start(model: &Balancer, servers: &Servers) -> Self;
    /// Where it takes requests.
    fn port(&self) -> u16;
    /// Waits until it holds no more than so many requests, where it lets go of one later than it closes the connections.
    fn wait_until_held(&self, _requests: usize) {}
    /// What it says of its servers, where it says anything.
    fn seen(&self) -> Option<Seen> {
        None
    }
}

/// A balancer, and the requests that it was sent.
struct Driven<D> {
    // Before the daemon: what is under way ends first.
    requests: Requests,
    daemon: D,
    servers: Servers,
}

impl<D: Running> Driven<D> {
    fn start(model: &Balancer) -> Self {
        let servers = Servers::start(model.weights.len());
        Driven { daemon: D::start(model, &servers), requests: Requests::default(), servers }
    }
}

impl<D: Running> Counterpart<BalancerInterface> for Driven<D> {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Pick { slot, .. } => match self.requests.send(self.daemon.port(), slot, &self.servers) {
                Some(server) => Answer::Sent { server },
                None => Answer::NoServer,
            },
            Action::Complete { slot, .. } => {
                self.requests.complete(slot);
                self.daemon.wait_until_held(self.requests.count());
                Answer::Done
            }
            Action::Cancel { slot } => {
                self.requests.cancel(slot);
                self.daemon.wait_until_held(self.requests.count());
                Answer::Done
            }
            Action::Panic { .. } | Action::SetHealth { .. } | Action::SetServers { .. } | Action::Tick => Answer::Done,
        }
    }

    fn observe(&self) -> Option<Seen> {
        self.daemon.seen()
    }

    fn supports(&self, input: &Action) -> bool {
        matches!(input, Action::Pick { .. } | Action::Complete { success: true, .. } | Action::Cancel { .. })
    }
}

/// A check of `model` with the daemon alongside.
fn check<D: Running>(model: Balancer) -> Check<Balancer, BalancerInterface> {
    let there = model.clone();
    beside(D::DAEMON, counterpart_models::load_balancer::check(model), move || Driven::<D>::start(&there))
}

/// Servers with the weights that published orders are known of.
fn weighted(policy: Policy) -> Balancer {
    Balancer::of(policy, &[5, 1, 1], 2)
}
