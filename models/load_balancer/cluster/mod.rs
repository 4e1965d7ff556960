//! When round robin fails: queues that fill and drain tick by tick.
//!
//! A whole tick is one step, in which all its requests are sent out: one after the other, each seeing where those
//! before it went, unless the policy goes by what it saw some ticks ago. Where it is drawn who gets a request there is
//! a step for each outcome, taken by whoever schedules (*some* draw overflows) or with the probability of its draws
//! (*how likely* it is): the first question asked of a policy that draws is a modelling error, and both are shown.
//!
//! # Sources
//! - Y. Azar et al., "Balanced Allocations", SIAM J. Comput. 29, 1999; M. Mitzenmacher, "How Useful Is Old
//!   Information?", IEEE TPDS 11, 2000 (why choosing the shortest queue of some time ago sends a herd there).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021 (triggers, and what keeps a failure
//!   going).
//!
//! # Abstracted away
//! - Health checks are at once: a server that is down is sent nothing.
//! - A request that was served too late is served all the same; only a queue that overflows is a failure.

pub mod model;
mod picture;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use counterpart::model::{Chance, Temporal};
use counterpart::report::Value as Measured;
use counterpart::trace::itf_state;
use counterpart::{Case, Check, Spec};
use serde_json::{Value, json};

use self::model::{
    Action, CASCADES, Cluster, LOST, OVER_BUDGET, OVER_LIMIT, OVERFLOWS, Outliers, Overflow, Policy, State, Trigger,
    Variant,
};

pub use self::picture::queues;

/// How the model reads, and what is asked of it.
#[derive(Clone, Copy, Debug, Default)]
struct ClusterSpec {
    /// Whether to ask that every server is sent requests again and again.
    probes: bool,
    /// The bound on the probability of an overflow within the horizon.
    overflow_at_most: Option<f64>,
}

/// B7.
const RECOVERS: &str = "some schedule makes all servers well again";
/// B8.
const PROBES: &str = "again and again every server has been sent requests";
/// B1, where it is drawn.
const LIKELY: &str = "a queue overflows within the horizon";

impl Spec for ClusterSpec {
    type Model = Cluster;

    fn temporal(&self) -> Vec<Temporal<Cluster>> {
        let mut temporal = Vec::new();
        match self.overflow_at_most {
            Some(bound) => {
                let overflowed = |_: &Cluster, state: &State| state.history.overflowed;
                temporal.push(Temporal::probability(LIKELY, overflowed).at_most(bound));
            }
            None => temporal.push(Temporal::recoverable(RECOVERS, Cluster::is_well)),
        }
        if self.probes {
            temporal.push(Temporal::infinitely_often(PROBES, Cluster::has_probed_all));
        }
        temporal
    }

    fn must_progress(&self, _: &Cluster, _: &State, action: &Action) -> bool {
        matches!(action, Action::Tick { .. })
    }

    fn chance(&self, model: &Cluster, _: &State, action: &Action) -> Option<Chance> {
        match action {
            Action::Tick { ways, .. } if model.horizon.is_some() => Some(Chance::of("where requests go", *ways)),
            Action::Tick { .. } | Action::Strike { .. } => None,
        }
    }

    fn parameters(&self, model: &Cluster) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("capacities", format!("{:?}", model.capacities)),
            ("load", model.load.to_string()),
            ("queue", model.queue_max.to_string()),
            ("policy", format!("{:?}", model.policy)),
            ("overflow", format!("{:?}", model.overflow)),
            ("variant", format!("{:?}", model.variant)),
        ];
        if let Some(trigger) = model.trigger {
            parameters.push(("trigger", format!("{trigger:?}")));
        }
        if let Some(outliers) = model.outliers {
            parameters.push(("ejection", format!("{outliers:?}")));
        }
        if model.slow_start {
            parameters.push(("slow start", "yes".into()));
        }
        if let Some(retries) = model.retries_max {
            parameters.push(("retries in a tick", retries.to_string()));
        }
        if let Some(ticks) = model.horizon {
            parameters.push(("horizon", format!("{ticks} ticks")));
        }
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick { .. } => "balancer".into(),
            Action::Strike { server: Some(server) } => format!("server {server}"),
            Action::Strike { server: None } => "the world".into(),
        }
    }

    fn state_json(&self, model: &Cluster, state: &State) -> Value {
        let servers: Vec<String> = (0..model.count())
            .map(|at| {
                let queue = state.queues[at];
                match (state.down[at], state.ejected[at], state.cold[at]) {
                    (0, 0, 0) => format!("{queue} waiting"),
                    (0, 0, _) => format!("{queue} waiting, cold"),
                    (0, ticks, _) => format!("{queue} waiting, out for {ticks}"),
                    (ticks, _, _) => format!("down for {ticks}"),
                }
            })
            .collect();
        let mut seen = json!({ "servers": servers, "more than one has crashed": state.history.cascaded });
        if state.retries > 0 {
            seen["coming again"] = json!(state.retries);
        }
        if state.trigger_ticks > 0 {
            seen["trigger lasts for"] = json!(state.trigger_ticks);
        }
        if let Policy::StaleLeastConnections { .. } = model.policy {
            seen["the balancer sees"] = itf_state(&&state.snapshot[..model.count()]);
        }
        seen
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

const BECAUSE: &[(&str, &str)] = &[
    (OVERFLOWS, "all servers together could have served what came; it was sent to one that could not"),
    (CASCADES, "what the first could not serve is now the others' too, and they were at their limit before"),
    (RECOVERS, "whatever comes back is given more than it can serve, and is never well at the same time as the others"),
    (PROBES, "a server is up, and is never sent a request again"),
    (OVER_BUDGET, "every request that is refused comes again beside the new ones, and makes that more are refused"),
    (OVER_LIMIT, "they were all slow for the same reason; taking them out leaves the load to fewer and fewer"),
    (LOST, "every server is out for being slow, though each of them could still answer"),
];

fn check(model: Cluster) -> Check<Cluster> {
    Check::of(model).spec(ClusterSpec::default())
}

fn case(name: &str, check: Check<Cluster>, violated: &[&str]) -> Case {
    let check = violated.iter().fold(check, |check, property| check.violates(*property));
    Case::new(format!("load_balancer/{name}"), check)
}

/// The policies of which it is asked how likely an overflow is, with the bound that is asked for.
const LIKELIHOODS: [(&str, Policy, f64, bool); 3] = [
    ("likely_round_robin", Policy::RoundRobin, 0.999, true),
    ("likely_random", Policy::Random, 0.999, true),
    ("likely_power_of_two", Policy::PowerOfTwo, 1e-9, false),
];

/// Queues of 8, within 50 ticks.
fn likelihood(policy: Policy, bound: f64) -> Check<Cluster> {
    let model = Cluster { queue_max: 8, horizon: Some(50), ..Cluster::small(policy) };
    Check::of(model).spec(ClusterSpec { probes: false, overflow_at_most: Some(bound) })
}

/// The cases of this sub-model.
pub(super) fn cases() -> Vec<Case> {
    let small = Cluster::small;
    let shed = |policy| Cluster { overflow: Overflow::Shed, ..small(policy) };
    let probing =
        |model| Check::of(Cluster { probes: true, ..model }).spec(ClusterSpec { probes: true, overflow_at_most: None });
    let equal = Cluster { capacities: vec![2; 4], ..small(Policy::RoundRobin) };
    let spike = Some(Trigger::Spike { more: 14, ticks: 3 });
    let deploy = Cluster {
        capacities: vec![4, 3, 3, 2],
        trigger: Some(Trigger::Deploy { ticks: 3 }),
        slow_start: true,
        ..small(Policy::SmoothWeighted)
    };
    let slow = Cluster {
        trigger: Some(Trigger::Slowdown { ticks: 4 }),
        outliers: Some(Outliers { queue: 2, ticks: 4, ejected_max: 1 }),
        overflow: Overflow::Shed,
        queue_max: 8,
        ..small(Policy::LeastConnections)
    };
    let retrying = Cluster { trigger: spike, retries_max: Some(1), ..shed(Policy::LeastConnections) };
    let with = |variant, model: &Cluster| Cluster { variant, ..model.clone() };
    // A draw can be anything: its states are many, and a server that is cold for three ticks makes them fifteen times
    // more.
    let random = Cluster { overflow: Overflow::Crash { restart_ticks: 2, cold_ticks: 1 }, ..small(Policy::Random) };
    let mut cases = vec![
        // The table of policies.
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
        // Triggers.
        case("spike_crashes", check(Cluster { trigger: spike, ..small(Policy::LeastConnections) }), &[CASCADES]),
        case("spike_is_shed", check(Cluster { trigger: spike, ..shed(Policy::LeastConnections) }), &[]),
        case("deploy", probing(deploy.clone()), &[]),
        case(
            "deploy_recovery_is_lost",
            probing(with(Variant::LosesRecovery, &deploy))
                .because(RECOVERS, "the server is up, and the balancer never hears of it"),
            &[PROBES, RECOVERS],
        ),
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
    ];
    for (name, policy, bound, too_likely) in LIKELIHOODS {
        // Some draw overflows, of every policy that draws: as an invariant the claim is wrong whatever the policy is.
        let violated: &[&str] = if too_likely { &[OVERFLOWS, LIKELY] } else { &[OVERFLOWS] };
        cases.push(case(name, likelihood(policy, bound), violated));
    }
    cases
}

/// How likely an overflow is, as the engine gives it, and what the invariant says.
pub(super) fn likelihoods() -> String {
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
