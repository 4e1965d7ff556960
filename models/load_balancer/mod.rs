//! When round robin fails: load balancing between servers that are not alike.
//!
//! Ten servers at a nominal 1,000 requests a second, three of them newer and faster, three legacy. Round robin gives
//! each the same; the legacy ones queue, time out, and the outage cascades over all ten.
//!
//! # Check your own balancer
//! Here it is the core of this folder; bind yours in the same words.
//! ```
//! use counterpart::Counterpart;
//! use counterpart_models::load_balancer::conformance::{Answer, BalancerInterface};
//! use counterpart_models::load_balancer::model::{Action, Balancer, Policy};
//! use counterpart_models::load_balancer::{self, Config, Core, LeastConnections, Outcome, Request, ServerId, Ticket};
//!
//! struct Mine { balancer: Core<LeastConnections>, in_flight: [Option<Ticket>; 8] }
//!
//! impl Counterpart<BalancerInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         let end = |mine: &mut Mine, slot: u8, how| {
//!             if let Some(ticket) = mine.in_flight[usize::from(slot)].take() { mine.balancer.finish(ticket, how, 0); }
//!             Answer::Done
//!         };
//!         match *input {
//!             Action::Pick { slot, .. } => match self.balancer.pick(Request::default(), 0) {
//!                 Ok(ticket) => {
//!                     let server = ticket.server().0 as u8;
//!                     self.in_flight[usize::from(slot)] = Some(ticket);
//!                     Answer::Sent { server }
//!                 }
//!                 Err(_) => Answer::NoServer,
//!             },
//!             Action::Complete { slot, .. } => end(self, slot, Outcome::Success),
//!             Action::Cancel { slot } | Action::Panic { slot } => end(self, slot, Outcome::Cancelled),
//!             // This model has neither a list that changes, nor health checks, nor time.
//!             Action::SetServers { .. } | Action::SetHealth { .. } | Action::Tick => Answer::Done,
//!         }
//!     }
//! }
//!
//! let servers = [(ServerId(0), 2), (ServerId(1), 1)];
//! let make = move || Mine {
//!     balancer: Core::new(Config::default(), LeastConnections, servers, 0).expect("a balancer"),
//!     in_flight: Default::default(),
//! };
//! let model = Balancer::of(Policy::LeastConnections, &[2, 1], 3);
//! load_balancer::check(model).lockstep(make).assert();
//! ```
//!
//! # Sources
//! - Y. Azar, A. Broder, A. Karlin, E. Upfal, "Balanced Allocations", SIAM J. Comput. 29, 1999; M. Mitzenmacher, "The
//!   Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12, 2001.
//! - V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018.
//! - nginx 1.22, `ngx_http_upstream_round_robin.c` (smooth weighted round robin); haproxy 2.6 and Envoy 1.40
//!   documentation (their orders, outlier detection, panic threshold, slow start).
//! - Finagle and tower documentation (peak EWMA); linkerd2-proxy issue 4537 (fast failures attract traffic).
//!
//! # Abstracted away
//! - What a server does with a request: it ends at any time, in any way.
//! - Time is in ticks, and what happens within one is not ordered by it.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod cluster;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
#[cfg(feature = "peers-heavy")]
pub mod heavy;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod policies;
pub mod properties;
pub mod shared;

use std::sync;

use counterpart::Check;

use self::conformance::{BalancerInterface, BalancerSpec};
use self::model::Balancer;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};
pub use self::implementation::{
    Candidate, Config, ConfigError, Core, Outcome, Outliers, Pool, Refused, Request, RetryBudget, ServerId, Status,
    Ticket, UnknownServer,
};
pub use self::policies::{
    AnyPolicy, BoundedHash, LeastConnections, PeakEwma, Policy, PowerOfTwo, RoundRobin, SmoothWeighted,
};
pub use self::shared::{InFlight, LoadBalancer};

/// The shared balancer compiled a second time, on loom's locks (see [`sync`](counterpart::conform::interleave::sync)).
#[cfg(feature = "catalogue")]
#[path = "."]
mod loomed {
    use counterpart::conform::interleave::sync;

    use super::{implementation, policies};

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;
}

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Balancer) -> Check<Balancer, BalancerInterface> {
    Check::of(model).interface(BalancerInterface).spec(BalancerSpec)
}
