//! When round robin fails: load balancing between servers that are not alike.
//!
//! Ten servers at a nominal 1,000 requests a second, three of them newer and faster, three legacy. Round robin gives
//! each the same; the legacy ones queue, time out, and the outage cascades over all ten.
//!
//! # Check your own balancer
//! Here it is the core of this folder; bind yours in the same words.
//! ```
//! use counterpart::{Check, Counterpart};
//! use counterpart_models::load_balancer::conformance::{Answer, BalancerInterface};
//! use counterpart_models::load_balancer::model::{Action, Balancer, Policy};
//! use counterpart_models::load_balancer::{Config, Core, LeastConnections, Outcome, Request, ServerId, Ticket};
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
//! Check::of(model).interface(BalancerInterface).lockstep(make).assert();
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

pub mod cluster;
pub mod conformance;
mod defects;
#[cfg(feature = "peers-heavy")]
pub mod heavy;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod policies;
pub mod shared;

use std::sync::Arc;

use counterpart::conform;
use counterpart::explore::{Budget, explore};
use counterpart::model::Sequential;
use counterpart::{Case, Check};

use self::conformance::{BalancerInterface, BalancerSpec, CoreBinding, SharedBinding, counting_scripts, scripts};
use self::model::{Balancer, Outliers as Ejection, Policy as Chooses, Retries};

pub use self::implementation::{
    Candidate, Config, ConfigError, Core, Outcome, Outliers, Pool, Refused, Request, RetryBudget, ServerId, Status,
    Ticket, UnknownServer,
};
pub use self::policies::{
    AnyPolicy, BoundedHash, LeastConnections, PeakEwma, Policy, PowerOfTwo, RoundRobin, SmoothWeighted,
};
pub use self::shared::{InFlight, LoadBalancer};

use crate::{Generated, Protocol};

/// Locks as they are shipped.
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

/// The shared balancer compiled a second time, on loom's locks.
#[path = "."]
mod loomed {
    use super::{implementation, policies};

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;

    mod sync {
        pub(super) use std::sync::PoisonError;

        pub(super) use loom::sync::{Mutex, MutexGuard};
    }
}

type Shipped = SharedBinding<shared::LoadBalancer<AnyPolicy>>;
type Raced = SharedBinding<loomed::shared::LoadBalancer<AnyPolicy>>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "load_balancer", cases, generated };

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated::part("likelihoods", cluster::likelihoods()),
        Generated::file("queues.svg", cluster::queues()),
    ]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(large());
    cases.extend(cluster::cases());
    cases.extend(defects::cases());
    cases.extend(defects::racing_cases(Balancer { slots: 2, ..racing() }, racing_counts()));
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases
}

/// A check of `model` as it reads and looks from outside.
pub(crate) fn check(model: Balancer) -> Check<Balancer, BalancerInterface> {
    Check::of(model).interface(BalancerInterface).spec(BalancerSpec)
}

/// A check with our own balancer in every sequential mode.
fn with_ours(model: Balancer) -> Check<Balancer, BalancerInterface> {
    let (core, toured, walked) = (model.clone(), model.clone(), larger(&model));
    let walked_there = walked.clone();
    check(model).product(move || CoreBinding::new(&core)).tour(move || Sequential(Shipped::new(&toured))).subject(
        "implementation",
        conform::Walk::new().beside(walked).runs(200).steps(400).of(move || Sequential(Shipped::new(&walked_there))),
    )
}

/// Beyond what can be explored: more requests at once, and callers that panic.
fn larger(model: &Balancer) -> Balancer {
    Balancer { slots: model::SLOTS_MAX as u8, panics: true, ..model.clone() }
}

/// In turn, over a list that changes.
pub(crate) fn round_robin() -> Balancer {
    Balancer {
        lists: vec![0b111, 0b011, 0b110, 0],
        health_changes: true,
        ..Balancer::of(Chooses::RoundRobin, &[1, 1, 1], 2)
    }
}

/// By weight, the golden weights.
pub(crate) fn smooth_weighted() -> Balancer {
    Balancer::of(Chooses::SmoothWeighted, &[5, 1, 1], 2)
}

/// By weight, with servers that go and come back slowly.
pub(crate) fn slow_start() -> Balancer {
    Balancer {
        health_changes: true,
        slow_start_ticks: 2,
        lists: vec![0b11],
        ..Balancer::of(Chooses::SmoothWeighted, &[4, 2], 1)
    }
}

/// By count.
pub(crate) fn least_connections() -> Balancer {
    Balancer { panics: true, lists: vec![0b111, 0b101], ..Balancer::of(Chooses::LeastConnections, &[2, 1, 1], 4) }
}

/// By count, of two.
pub(crate) fn power_of_two() -> Balancer {
    Balancer { health_changes: true, ..Balancer::of(Chooses::PowerOfTwo, &[1, 1, 1], 4) }
}

/// By time, of two.
pub(crate) fn peak_ewma() -> Balancer {
    Balancer { failures: true, ..Balancer::of(Chooses::PeakEwma, &[1, 1], 2) }
}

/// By key.
pub(crate) fn bounded_hash() -> Balancer {
    Balancer {
        preferences: vec![[0, 1, 2, 3], [1, 2, 0, 3], [0, 2, 1, 3]],
        lists: vec![0b111, 0b110],
        ..Balancer::of(Chooses::BoundedHash, &[1, 1, 1], 4)
    }
}

/// Failures take servers out.
pub(crate) fn outliers() -> Balancer {
    Balancer {
        failures: true,
        outliers: Some(Ejection { failures: 2, ticks: 2, ejected_max_percent: 40 }),
        ..Balancer::of(Chooses::RoundRobin, &[1, 1, 1], 2)
    }
}

/// What a server is to the balancer and what leads from one to another, read off an explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let model = Balancer {
        health_changes: true,
        outliers: Some(Ejection { failures: 2, ticks: 2, ejected_max_percent: 50 }),
        failures: true,
        ..Balancer::of(Chooses::RoundRobin, &[1, 1], 1)
    };
    let graph = explore(Arc::new(model), &Budget::default()).expect("the sound model can be explored");
    let phase = |state: &model::State| {
        let phase = match (state.healthy & 1, state.servers[0].ejected) {
            (1, 0) => "Eligible",
            (1, _) => "Ejected",
            (_, 0) => "Unhealthy",
            _ => "EjectedAndUnhealthy",
        };
        phase.to_string()
    };
    counterpart::view::state_diagram(&graph, phase, |action| match action {
        model::Action::Pick { .. } => "pick".into(),
        model::Action::Complete { success: true, .. } => "success".into(),
        model::Action::Complete { success: false, .. } => "failures in a row".into(),
        model::Action::Cancel { .. } | model::Action::Panic { .. } => "cancel".into(),
        model::Action::SetHealth { healthy: true, .. } => "reported healthy".into(),
        model::Action::SetHealth { healthy: false, .. } => "reported unhealthy".into(),
        model::Action::SetServers { .. } => "listed".into(),
        model::Action::Tick => "time".into(),
    })
}

/// Retries have a budget.
pub(crate) fn retry_budget() -> Balancer {
    Balancer {
        retries: Some(Retries { cost: 2, tokens_max: 4 }),
        lists: vec![0b11, 0],
        ..Balancer::of(Chooses::LeastConnections, &[1, 1], 3)
    }
}

/// Small enough to be raced.
fn racing() -> Balancer {
    Balancer {
        any_slot: true,
        lists: vec![0b111, 0b011, 0b110],
        health_changes: true,
        ..Balancer::of(Chooses::RoundRobin, &[1, 1, 1], 3)
    }
}

/// The same by count.
fn racing_counts() -> Balancer {
    Balancer { any_slot: true, failures: true, ..Balancer::of(Chooses::LeastConnections, &[1, 1], 3) }
}

/// As much as there is patience for: four servers, everything at once.
fn large() -> Vec<Case> {
    let everything = |policy, slots| Balancer {
        failures: true,
        health_changes: true,
        outliers: Some(Ejection { failures: 2, ticks: 2, ejected_max_percent: 50 }),
        ..Balancer::of(policy, &[2, 1, 1, 1], slots)
    };
    vec![
        Case::new("load_balancer/least_connections_of_four", check(everything(Chooses::LeastConnections, 2))),
        Case::new("load_balancer/least_connections_of_four_large", check(everything(Chooses::LeastConnections, 3)))
            .large(),
    ]
}

fn sound() -> Vec<Case> {
    let (raced, counted) = (racing(), racing_counts());
    let mut cases: Vec<Case> = [
        ("round_robin", round_robin()),
        ("smooth_weighted", smooth_weighted()),
        ("slow_start", slow_start()),
        ("least_connections", least_connections()),
        ("power_of_two", power_of_two()),
        ("peak_ewma", peak_ewma()),
        ("bounded_hash", bounded_hash()),
        ("outlier_ejection", outliers()),
        ("retry_budget", retry_budget()),
    ]
    .into_iter()
    .map(|(name, model)| Case::new(format!("load_balancer/{name}"), with_ours(model)))
    .collect();
    cases.push(Case::new(
        "load_balancer/round_robin_races",
        check(racing()).interleave(scripts(), move || Raced::new(&raced)),
    ));
    cases.push(Case::new(
        "load_balancer/least_connections_races",
        check(racing_counts()).interleave(counting_scripts(), move || Raced::new(&counted)),
    ));
    cases
}
