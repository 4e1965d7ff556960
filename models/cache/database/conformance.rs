//! The words in which traces are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::model::Temporal;
use serde_json::{Value, json};

use super::model::{Action, Client, Database, State};
use super::properties::{self, ANSWERED, RATIO};

/// How the model reads, and what is asked of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatabaseSpec;

impl Spec for DatabaseSpec {
    type Model = Database;

    fn temporal(&self) -> Vec<Temporal<Database>> {
        properties::temporal()
    }

    fn parameters(&self, model: &Database) -> BTreeMap<String, String> {
        [
            ("keys", model.keys.to_string()),
            ("queue", model.queue_max.to_string()),
            ("service", format!("{} ticks", model.service_ticks)),
            ("deadline", format!("{} ticks", model.deadline_ticks)),
            ("time to live", format!("{} ticks", model.ttl_ticks)),
            ("retries", model.retries_max.to_string()),
            ("flash sale", format!("{} ticks", model.flash_ticks_max)),
            ("cheap hits", format!("{} a tick, twice as many in the flash sale", model.cheap_hits)),
            ("policy", format!("{:?}", model.policy)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick { flash: true, .. } => "flash sale",
            Action::Tick { flash: false, .. } => "clock",
        }
        .into()
    }

    fn state_json(&self, model: &Database, state: &State) -> Value {
        let (hits, requests) = model.ratio(state.last);
        let abandoned = state.queue.iter().filter(|query| query.clients.is_empty()).count();
        let client = |client: &Client| match client.retries {
            0 => format!("waited {}", client.waited_ticks),
            _ => format!("waited {} again", client.waited_ticks),
        };
        let queue = state.queue.iter().map(|query| match query.clients.as_slice() {
            [] => format!("{} abandoned", query.key),
            clients => format!("{} {}", query.key, clients.iter().map(client).collect::<Vec<_>>().join(" and ")),
        });
        json!({
            "cached": state.ttl_ticks[..usize::from(model.keys)]
                .iter()
                .map(|ttl| if *ttl == 0 { "no".to_string() } else { format!("{ttl} ticks") })
                .collect::<Vec<_>>()
                .join(", "),
            "database": queue.collect::<Vec<_>>().join(", "),
            "load": format!("{} of {} queries, {abandoned} abandoned", state.queue.len(), model.queue_max),
            "hit ratio": format!("{hits}/{requests} = {}", percent(hits, requests)),
            "expensive": if state.last.good { "answered in time" } else { "nobody answered" },
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                ANSWERED,
                "the flash sale is over and the hit ratio is as good as ever; but the database is busy with queries whose \
                 clients have left, so that none it serves is in time, nothing enters the cache, and the next client \
                 misses too",
            ),
            (RATIO, "the fewer cheap hits there are to hide behind, the more of a miss is seen"),
        ]
    }
}

/// A ratio in hundredths of a percent, cut off and not rounded: 97.99 is not 98.
fn percent(hits: u32, requests: u32) -> String {
    let hundredths = u64::from(hits) * 10_000 / u64::from(requests.max(1));
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}
