//! The words in which traces of a storm are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use serde_json::{Value, json};

use super::model::{Action, Client, State, Storm};
use super::properties::{self, AGAIN_AND_AGAIN, RECOVERED};

/// How the model reads, and what is asked of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct StormSpec;

impl Spec for StormSpec {
    type Model = Storm;

    fn temporal(&self) -> Vec<Temporal<Storm>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Storm, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Storm, _: &State, action: &Action) -> bool {
        *action == Action::Tick
    }

    fn parameters(&self, storm: &Storm) -> BTreeMap<String, String> {
        [
            ("clients", storm.clients.to_string()),
            ("queue", storm.queue_max.to_string()),
            ("lease", format!("{} ticks", 3 * storm.clients)),
            ("timeout", format!("{} ticks", storm.timeout_ticks)),
            ("blips", storm.blips_max.to_string()),
            ("pauses", storm.pauses_max.to_string()),
            ("policy", format!("{:?}", storm.policy)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick => "clock",
            Action::Blip => "network",
            Action::Pause => "operator",
        }
        .into()
    }

    fn state_json(&self, storm: &Storm, state: &State) -> Value {
        let clients = state.clients[..usize::from(storm.clients)].iter().map(|client| match client {
            Client::Serving { ticks_left } => format!("serves {ticks_left}"),
            Client::Waiting { ticks } => format!("waits {ticks}"),
            Client::Resting { ticks_left } => format!("rests {ticks_left}"),
        });
        let queue = state.queue.iter().map(|request| {
            if request.awaited { request.client.to_string() } else { format!("{} abandoned", request.client) }
        });
        json!({
            "clients": itf_state(&clients.collect::<Vec<_>>()),
            "queue": queue.collect::<Vec<_>>().join(", "),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        const BUSY: &str = "the blip is over, and yet the service is busy with requests that were abandoned: those it \
                            would have to serve in time are behind them, and are abandoned in turn";
        &[(RECOVERED, BUSY), (AGAIN_AND_AGAIN, BUSY)]
    }
}
