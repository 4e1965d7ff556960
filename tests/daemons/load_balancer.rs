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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A balancer that runs, with servers behind it. It has [`PLACES`], each a balancer of its own.
trait Running: Send + Sized + 'static {
    const DAEMON: &'static Daemon;

    /// Starts one by the policy and with the weights of `model`.
    fn start(model: &Balancer, servers: &Servers) -> Self;
    /// Where each place takes requests.
    fn ports(&self) -> &[u16];
    /// Waits until `place` holds no more than so many requests, where it lets go of one later than it closes the connections.
    fn wait_until_held(&self, _place: usize, _requests: usize) {}
    /// Whether an operator or the clock can do this to it, which is no request.
    fn takes(&self, _input: &Action) -> bool {
        false
    }
    /// Does to `place` what it [takes](Self::takes).
    fn undergo(&mut self, _place: usize, input: &Action) {
        panic!("{input:?} is nothing that the balancer takes");
    }
    /// What it says of the servers of `place`, where it says anything.
    fn seen(&self, _place: usize) -> Option<Seen> {
        None
    }
}

/// Balancers in one daemon, each for one run: a daemon takes longer to start than a run.
const PLACES: usize = 50;

/// A daemon, and the servers behind it.
struct Started<D> {
    daemon: D,
    servers: Servers,
}

/// A daemon that several runs share, and which of its places is meant.
type Place<D> = (Arc<Mutex<Started<D>>>, usize);

/// The next place, where there is one.
struct Pool<D>(Mutex<Option<Place<D>>>);

impl<D: Running> Pool<D> {
    /// A place that nobody has used. Of a daemon that somebody is stuck with no more are given.
    fn place(&self, model: &Balancer) -> Place<D> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = pool.take().filter(|(started, place)| *place < PLACES && started.try_lock().is_ok());
        let (started, place) = left.unwrap_or_else(|| {
            let servers = Servers::start(model.weights.len());
            (Arc::new(Mutex::new(Started { daemon: D::start(model, &servers), servers })), 0)
        });
        *pool = Some((started.clone(), place + 1));
        (started, place)
    }
}

/// A balancer, and the requests that it was sent.
struct Driven<D> {
    // Before the daemon: what is under way ends first.
    requests: Requests,
    started: Arc<Mutex<Started<D>>>,
    place: usize,
}

impl<D: Running> Driven<D> {
    fn start(model: &Balancer, pool: &Pool<D>) -> Self {
        let (started, place) = pool.place(model);
        Driven { requests: Requests::default(), started, place }
    }

    fn daemon(&self) -> MutexGuard<'_, Started<D>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Running> Counterpart<BalancerInterface> for Driven<D> {
    fn apply(&mut self, input: &Action) -> Answer {
        let place = self.place;
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let Started { daemon, servers } = &mut *started;
        match *input {
            Action::Pick { slot, .. } => {
                return match self.requests.send(daemon.ports()[place], slot, servers) {
                    Some(server) => Answer::Sent { server },
                    None => Answer::NoServer,
                };
            }
            Action::Complete { slot, .. } => {
                self.requests.complete(slot);
                daemon.wait_until_held(place, self.requests.count());
            }
            Action::Cancel { slot } => {
                self.requests.cancel(slot);
                daemon.wait_until_held(place, self.requests.count());
            }
            Action::Panic { .. } | Action::SetHealth { .. } | Action::SetServers { .. } | Action::Tick => {
                daemon.undergo(place, input);
            }
        }
        Answer::Done
    }

    fn observe(&self) -> Option<Seen> {
        self.daemon().daemon.seen(self.place)
    }

    fn supports(&self, input: &Action) -> bool {
        let is_request =
            matches!(input, Action::Pick { .. } | Action::Complete { success: true, .. } | Action::Cancel { .. });
        is_request || self.daemon().daemon.takes(input)
    }
}

/// Makes runs of `model`.
fn runs<D: Running>(model: Balancer) -> impl Fn() -> Driven<D> + Send + Sync + 'static {
    let pool = Pool(Mutex::new(None));
    move || Driven::start(&model, &pool)
}

/// A check of `model` with the daemon alongside.
fn check<D: Running>(model: Balancer) -> Check<Balancer, BalancerInterface> {
    let make = runs::<D>(model.clone());
    beside(D::DAEMON, counterpart_models::load_balancer::check(model), make)
}

/// Servers with the weights that published orders are known of.
fn weighted(policy: Policy) -> Balancer {
    Balancer::of(policy, &[5, 1, 1], 2)
}
