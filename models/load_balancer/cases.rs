//! The cases of the catalogue: every policy with ours alongside, raced, the cluster, each defect, crates.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::explore::{Budget, explore};
use counterpart::model::{Plain, Sequential};
use counterpart::{Case, Check};

use super::bindings::{Binding, counting_scripts, retrying_scripts, scripts};
use super::conformance::BalancerInterface;
use super::implementation::Core;
use super::model::{self, Balancer, Outliers as Ejection, Policy as Chooses, Retries};
use super::policies::AnyPolicy;
use super::{check, cluster, defects, loomed, shared};
use crate::{Drawn, Generated, Protocol};

type Alone = Binding<Plain<Core<AnyPolicy>>>;
type Shipped = Binding<Arc<shared::LoadBalancer<AnyPolicy>>>;
pub(super) type Raced = Binding<Arc<loomed::shared::LoadBalancer<AnyPolicy>>>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "load_balancer", cases, generated, pictures: PICTURES };

/// What is drawn of its cases.
const PICTURES: &[Drawn] = &[
    #[cfg(feature = "cli")]
    Drawn {
        file: "queues.svg",
        case: "load_balancer/round_robin_legacy",
        caption: "the legacy servers overflow first, then the nominal ones, then the fast ones",
        draw: cluster::queues,
    },
];

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated::part("likelihoods", cluster::likelihoods()),
    ]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(large());
    cases.extend(cluster::cases());
    cases.extend(defects::as_models_and_implementations());
    cases.extend(defects::between_threads(Balancer { slots: 2, ..racing() }, racing_counts()));
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

/// A check with our own balancer in every sequential mode.
pub(super) fn with_ours(model: Balancer) -> Check<Balancer, BalancerInterface> {
    let (larger, walk) = (larger(&model), Walk::new().runs(200).steps(400));
    check(model).sequential(
        larger,
        walk,
        |model| Sequential(Alone::new(model)),
        |model| Sequential(Shipped::new(model)),
    )
}

/// A model beyond what can be explored: more requests at once, and callers that panic.
fn larger(model: &Balancer) -> Balancer {
    Balancer { slots: model::SLOTS_MAX as u8, panics: true, ..model.clone() }
}

/// Round robin over a list that changes.
pub(crate) fn round_robin() -> Balancer {
    Balancer {
        lists: vec![0b111, 0b011, 0b110, 0],
        health_changes: true,
        ..Balancer::of(Chooses::RoundRobin, &[1, 1, 1], 2)
    }
}

/// Smooth weighted round robin by the golden weights.
pub(crate) fn smooth_weighted() -> Balancer {
    Balancer::of(Chooses::SmoothWeighted, &[5, 1, 1], 2)
}

/// Smooth weighted round robin with servers that go and come back slowly.
pub(crate) fn slow_start() -> Balancer {
    Balancer {
        health_changes: true,
        slow_start_ticks: 2,
        lists: vec![0b11],
        ..Balancer::of(Chooses::SmoothWeighted, &[4, 2], 1)
    }
}

/// Least connections with servers that join and come back slowly though each weighs 1.
pub(crate) fn slow_start_of_ones() -> Balancer {
    Balancer {
        health_changes: true,
        slow_start_ticks: 2,
        lists: vec![0b11, 0b01],
        ..Balancer::of(Chooses::LeastConnections, &[1, 1], 3)
    }
}

/// Least connections.
pub(crate) fn least_connections() -> Balancer {
    Balancer { panics: true, lists: vec![0b111, 0b101], ..Balancer::of(Chooses::LeastConnections, &[2, 1, 1], 4) }
}

/// Power of two choices by count.
pub(crate) fn power_of_two() -> Balancer {
    Balancer { health_changes: true, ..Balancer::of(Chooses::PowerOfTwo, &[1, 1, 1], 4) }
}

/// Power of two choices by time.
pub(crate) fn peak_ewma() -> Balancer {
    Balancer { failures: true, ..Balancer::of(Chooses::PeakEwma, &[1, 1], 2) }
}

/// A consistent hash with bounded loads.
pub(crate) fn bounded_hash() -> Balancer {
    Balancer {
        preferences: vec![[0, 1, 2, 3], [1, 2, 0, 3], [0, 2, 1, 3]],
        lists: vec![0b111, 0b110],
        ..Balancer::of(Chooses::BoundedHash, &[1, 1, 1], 4)
    }
}

/// A balancer whose failing servers are taken out.
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

/// A balancer whose retries have a budget.
pub(crate) fn retry_budget() -> Balancer {
    Balancer {
        retries: Some(Retries { cost: 2, tokens_max: 4 }),
        lists: vec![0b11, 0],
        ..Balancer::of(Chooses::LeastConnections, &[1, 1], 3)
    }
}

/// A round robin small enough to be raced.
fn racing() -> Balancer {
    Balancer {
        any_slot: true,
        lists: vec![0b111, 0b011, 0b110],
        health_changes: true,
        ..Balancer::of(Chooses::RoundRobin, &[1, 1, 1], 3)
    }
}

/// Least connections small enough to be raced.
fn racing_counts() -> Balancer {
    Balancer { any_slot: true, failures: true, ..Balancer::of(Chooses::LeastConnections, &[1, 1], 3) }
}

/// Least connections with a budget for retries, small enough to be raced.
pub(super) fn racing_retries() -> Balancer {
    Balancer {
        any_slot: true,
        panics: true,
        retries: Some(Retries { cost: 1, tokens_max: 2 }),
        ..Balancer::of(Chooses::LeastConnections, &[1, 1], 2)
    }
}

/// Cases of as much as there is patience for: four servers, everything at once.
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
        ("slow_start_of_ones", slow_start_of_ones()),
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
    cases.push(Case::new(
        "load_balancer/retry_budget_races",
        check(racing_retries()).interleave(retrying_scripts(), || Raced::new(&racing_retries())),
    ));
    cases
}
