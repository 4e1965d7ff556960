//! A published balancer that brings a whole server with it, unchanged, driven through the same model:
//! pingora-load-balancing's `LoadBalancer` over its weighted round robin.
//!
//! It is a feature of its own, `peers-heavy`, because it compiles C, which wants cmake. What it shows are tests and no
//! cases of the catalogue: what the catalogue keeps does not depend on it.
//!
//! Its discovery and its health check are interfaces, and both answer here at once: it is never run as a service, and
//! no clock and no runtime is needed. Its cursor begins at 0, and it draws nothing. It does not count requests; what it
//! was asked for and not yet given back is counted here.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use counterpart::Counterpart;
use pingora_error::{Error, ErrorType};
use pingora_load_balancing::discovery::ServiceDiscovery;
use pingora_load_balancing::health_check::HealthCheck;
use pingora_load_balancing::selection::RoundRobin;
use pingora_load_balancing::{Backend, Backends, LoadBalancer};

use super::conformance::{Answer, BalancerInterface, Seen};
use super::model::{Action, Balancer, SERVERS_MAX, SLOTS_MAX, TRIES_MAX, members};

/// Name of the crate, with its version.
pub const PINGORA: &str = "pingora-load-balancing 0.9.1";

/// The list that discovery finds next.
#[derive(Clone, Default)]
struct List(Arc<Mutex<BTreeSet<Backend>>>);

#[async_trait]
impl ServiceDiscovery for List {
    async fn discover(&self) -> pingora_error::Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        Ok((self.0.lock().unwrap_or_else(PoisonError::into_inner).clone(), HashMap::new()))
    }
}

/// The servers that fail the next check, as bits. One check is enough to change its mind.
#[derive(Clone, Default)]
struct Sick(Arc<AtomicU8>);

#[async_trait]
impl HealthCheck for Sick {
    async fn check(&self, target: &Backend) -> pingora_error::Result<()> {
        let sick = index(target).is_some_and(|server| self.0.load(Ordering::SeqCst) >> server & 1 == 1);
        if sick { Error::e_explain(ErrorType::ConnectTimedout, "it is told to fail") } else { Ok(()) }
    }

    fn health_threshold(&self, _: bool) -> usize {
        1
    }
}

/// Port of the first server; the next ones follow in the order of the servers, which is the order of its list too.
const FIRST_PORT: u16 = 8_000;

fn index(backend: &Backend) -> Option<u8> {
    backend.as_inet().map(|address| (address.port() - FIRST_PORT) as u8)
}

/// The balancer, and the requests that it was asked for.
pub struct Pingora {
    balancer: LoadBalancer<RoundRobin>,
    list: List,
    sick: Sick,
    weights: Vec<u8>,
    /// Server of each request, by slot; `None` also for a request whose server has left.
    requests: [Option<u8>; SLOTS_MAX],
}

/// What `future` gives, which waits for nothing.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("neither discovery nor the health check waits for anything"),
    }
}

impl Pingora {
    /// A balancer over the servers of `model`.
    ///
    /// # Panics
    /// If it does not take the list.
    pub fn new(model: &Balancer) -> Self {
        let (list, sick) = (List::default(), Sick::default());
        let mut balancer = LoadBalancer::from_backends(Backends::new(Box::new(list.clone())));
        balancer.set_health_check(Box::new(sick.clone()));
        let mut pingora = Pingora { balancer, list, sick, weights: model.weights.clone(), requests: [None; SLOTS_MAX] };
        pingora.set_servers(model.lists[0]);
        pingora
    }

    fn backend(&self, server: u8) -> Backend {
        let address = format!("127.0.0.1:{}", FIRST_PORT + u16::from(server));
        Backend::new_with_weight(&address, self.weights[usize::from(server)].into()).expect("an address")
    }

    /// Replaces the servers by those of `list`, as bits.
    fn set_servers(&mut self, list: u8) {
        let backends = members(list).map(|server| self.backend(server)).collect();
        *self.list.0.lock().unwrap_or_else(PoisonError::into_inner) = backends;
        // Who comes back under the name is another one, and well.
        self.sick.0.fetch_and(list, Ordering::SeqCst);
        now(self.balancer.update()).expect("the list is found");
        for request in &mut self.requests {
            *request = request.filter(|server| list >> server & 1 == 1);
        }
    }

    fn set_health(&self, server: u8, healthy: bool) {
        if healthy {
            self.sick.0.fetch_and(!(1 << server), Ordering::SeqCst);
        } else {
            self.sick.0.fetch_or(1 << server, Ordering::SeqCst);
        }
        now(self.balancer.backends().run_health_check(false));
    }
}

impl Counterpart<BalancerInterface> for Pingora {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Pick { slot, .. } => match self.balancer.select(b"", TRIES_MAX).as_ref().and_then(index) {
                Some(server) => {
                    self.requests[usize::from(slot)] = Some(server);
                    return Answer::Sent { server };
                }
                None => return Answer::NoServer,
            },
            Action::Complete { slot, .. } | Action::Cancel { slot } | Action::Panic { slot } => {
                self.requests[usize::from(slot)] = None;
            }
            Action::SetHealth { server, healthy } => self.set_health(server, healthy),
            Action::SetServers { list } => self.set_servers(list),
            Action::Tick => {}
        }
        Answer::Done
    }

    fn observe(&self) -> Option<Seen> {
        let mut seen = Seen { in_flight: [0; SERVERS_MAX], listed: 0, healthy: 0, ejected: 0 };
        for backend in self.balancer.backends().get_backend().iter() {
            let bit = index(backend).map_or(0, |server| 1 << server);
            seen.listed |= bit;
            seen.healthy |= if self.balancer.backends().ready(backend) { bit } else { 0 };
        }
        for server in self.requests.iter().flatten() {
            seen.in_flight[usize::from(*server)] += 1;
        }
        Some(seen)
    }

    fn supports(&self, input: &Action) -> bool {
        !matches!(input, Action::Tick)
    }
}
