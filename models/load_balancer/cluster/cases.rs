//! The cases of this sub-model, and how likely an overflow is.

use std::fmt::Write as _;

use counterpart::report::Value as Measured;
use counterpart::{Case, Check};

use super::check;
use super::conformance::ClusterSpec;
use super::model::{Cluster, Outliers, Overflow, Policy, Trigger, Variant};
use super::properties::{CASCADES, LIKELY, LOST, OVER_BUDGET, OVER_LIMIT, OVERFLOWS, PROBES, RECOVERS};

fn case(name: &str, check: Check<Cluster>, violated: &[&str]) -> Case {
    Case::new(format!("load_balancer/{name}"), check.violates_all(violated))
}

/// The policies of which it is asked how likely an overflow is, with the bound that is asked for.
const LIKELIHOODS: [(&str, Policy, f64, bool); 3] = [
    ("likely_round_robin", Policy::RoundRobin, 0.999, true),
    ("likely_random", Policy::Random, 0.999, true),
    ("likely_power_of_two", Policy::PowerOfTwo, 1e-9, false),
];

/// A check of the likelihood, with queues of 8, within 50 ticks.
fn likelihood(policy: Policy, bound: f64) -> Check<Cluster> {
    let model = Cluster { queue_max: 8, horizon: Some(50), ..Cluster::small(policy) };
    Check::of(model).spec(ClusterSpec { probes: false, overflow_at_most: Some(bound) })
}

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let mut cases = policies();
    cases.extend(triggers());
    cases.extend(ejections_and_retries());
    for (name, policy, bound, too_likely) in LIKELIHOODS {
        // Some draw overflows, of every policy that draws: as an invariant the claim is wrong whatever the policy is.
        let violated: &[&str] = if too_likely { &[OVERFLOWS, LIKELY] } else { &[OVERFLOWS] };
        cases.push(case(name, likelihood(policy, bound), violated));
    }
    cases
}

fn shed(policy: Policy) -> Cluster {
    Cluster { overflow: Overflow::Shed, ..Cluster::small(policy) }
}

fn probing(model: Cluster) -> Check<Cluster> {
    Check::of(Cluster { probes: true, ..model }).spec(ClusterSpec { probes: true, overflow_at_most: None })
}

fn with(variant: Variant, model: &Cluster) -> Cluster {
    Cluster { variant, ..model.clone() }
}

const SPIKE: Option<Trigger> = Some(Trigger::Spike { more: 14, ticks: 3 });

/// Cases of the table of policies, and the story.
fn policies() -> Vec<Case> {
    let small = Cluster::small;
    let equal = Cluster { capacities: vec![2; 4], ..small(Policy::RoundRobin) };
    // A draw can be anything: its states are many, and a server that is cold for three ticks makes them fifteen times
    // more.
    let random = Cluster { overflow: Overflow::Crash { restart_ticks: 2, cold_ticks: 1 }, ..small(Policy::Random) };
    vec![
        case("queues_round_robin", check(small(Policy::RoundRobin)), &[OVERFLOWS, RECOVERS]),
        case("queues_smooth_weighted", check(small(Policy::SmoothWeighted)), &[]),
        case("queues_least_connections", check(small(Policy::LeastConnections)), &[]),
        case(
            "queues_least_connections_of_three_ticks_ago",
            check(small(Policy::StaleLeastConnections { ticks: 3 })),
            &[OVERFLOWS, CASCADES, RECOVERS],
        ),
        case("queues_power_of_two_at_worst", check(small(Policy::PowerOfTwo)), &[OVERFLOWS, CASCADES]),
        case("queues_random_at_worst", check(random), &[OVERFLOWS, CASCADES]),
        // Round robin is right where servers are alike.
        case("queues_equal_servers", probing(equal), &[]),
        // The story.
        case("round_robin_legacy", check(Cluster::legacy(Policy::RoundRobin)), &[OVERFLOWS, CASCADES, RECOVERS]),
        case("smooth_weighted_legacy", check(Cluster::legacy(Policy::SmoothWeighted)), &[]),
        case(
            "equal_servers_of_ten",
            check(Cluster { capacities: vec![10; 10], ..Cluster::legacy(Policy::RoundRobin) }),
            &[],
        ),
        // Shedding ends the cascade, not what is wrong with the policy.
        case(
            "queues_round_robin_sheds",
            check(shed(Policy::RoundRobin)).because(
                RECOVERS,
                "the legacy server is sent more than it serves, tick for tick: its queue stays full",
            ),
            &[OVERFLOWS, RECOVERS],
        ),
    ]
}

/// Cases of a spike, and of a deploy.
fn triggers() -> Vec<Case> {
    let small = Cluster::small;
    let deploy = Cluster {
        capacities: vec![4, 3, 3, 2],
        trigger: Some(Trigger::Deploy { ticks: 3 }),
        slow_start: true,
        ..small(Policy::SmoothWeighted)
    };
    vec![
        case("spike_crashes", check(Cluster { trigger: SPIKE, ..small(Policy::LeastConnections) }), &[CASCADES]),
        case("spike_is_shed", check(Cluster { trigger: SPIKE, ..shed(Policy::LeastConnections) }), &[]),
        case("deploy", probing(deploy.clone()), &[]),
        case(
            "deploy_recovery_is_lost",
            probing(with(Variant::LosesRecovery, &deploy))
                .because(RECOVERS, "the server is up, and the balancer never hears of it"),
            &[PROBES, RECOVERS],
        ),
    ]
}

/// Cases of slow servers that are taken out, and of requests that come again.
fn ejections_and_retries() -> Vec<Case> {
    let small = Cluster::small;
    let slow = Cluster {
        trigger: Some(Trigger::Slowdown { ticks: 4 }),
        outliers: Some(Outliers { queue: 2, ticks: 4, ejected_max: 1 }),
        overflow: Overflow::Shed,
        queue_max: 8,
        ..small(Policy::LeastConnections)
    };
    let retrying = Cluster { trigger: SPIKE, retries_max: Some(1), ..shed(Policy::LeastConnections) };
    vec![
        case("slowdown", check(slow.clone()), &[]),
        case("slowdown_ejects_without_limit", check(with(Variant::EjectsWithoutLimit, &slow)), &[OVER_LIMIT]),
        case(
            "slowdown_never_panics",
            check(Cluster {
                outliers: Some(Outliers { queue: 2, ticks: 4, ejected_max: 4 }),
                ..with(Variant::NeverPanics, &slow)
            }),
            &[LOST, RECOVERS],
        ),
        case("spike_is_retried_within_budget", check(retrying.clone()), &[]),
        case(
            "spike_is_retried_for_ever",
            check(with(Variant::RetriesWithoutBudget, &retrying)).because(
                RECOVERS,
                "the spike is long over; what is refused comes again twice, and more is refused with every tick",
            ),
            &[OVER_BUDGET, RECOVERS],
        ),
    ]
}

/// How likely an overflow is, as the engine gives it, and what the invariant says.
pub(in crate::load_balancer) fn likelihoods() -> String {
    let mut table =
        String::from("| policy | P(overflow within 50 ticks) | always: no queue overflows |\n|---|---|---|\n");
    for (_, policy, bound, _) in LIKELIHOODS {
        let report = likelihood(policy, bound).explore();
        let properties = &report.cases[0].properties;
        let find = |name: &str| properties.iter().find(|property| property.name == name);
        let value = match find(LIKELY).and_then(|property| property.value) {
            // Ten digits of what is almost certain, two of what is almost impossible.
            Some(Measured::Finite(value)) if value > 0.5 => format!("{value:.6}"),
            Some(Measured::Finite(value)) => format!("{value:.1e}"),
            other => format!("{other:?}"),
        };
        let always = find(OVERFLOWS);
        let verdict = always.map(|property| property.verdict.name()).unwrap_or_default();
        let steps = always.and_then(|property| property.steps).unwrap_or_default();
        let _ = writeln!(table, "| {policy:?} | {value} | {verdict} after {steps} |");
    }
    table
}
