//! The words in which traces are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::model::{Chance, Temporal};
use counterpart::trace::itf_state;
use serde_json::{Value, json};

use super::model::{Action, Cluster, Policy, State};
use super::properties::{self, CASCADES, LOST, OVER_BUDGET, OVER_LIMIT, OVERFLOWS, PROBES, RECOVERS};

/// How the model reads, and what is asked of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClusterSpec {
    /// Whether to ask that every server is sent requests again and again.
    pub probes: bool,
    /// The bound on the probability of an overflow within the horizon.
    pub overflow_at_most: Option<f64>,
}

impl Spec for ClusterSpec {
    type Model = Cluster;

    fn temporal(&self) -> Vec<Temporal<Cluster>> {
        properties::temporal(self.probes, self.overflow_at_most)
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
