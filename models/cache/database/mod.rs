//! Why a database collapses behind a cache that hits 98 times in a hundred, and what keeps it from collapsing.
//!
//! The story of the protocol (see [`cache`](super)). The trigger is one tick of a flash sale, and the collapse outlives
//! it: every query that the database serves is one whose client has left, so nothing enters the cache, so the next
//! client misses too. *Metastable*: the load that keeps it down is the ordinary one.
//!
//! # Sources
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021.
//! - L. Huang et al., "Metastable Failures in the Wild", OSDI 2022.
//! - R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013 (leases, and thundering herds).
//!
//! # Abstracted away
//! - Cheap traffic: a constant number of hits a tick. It is there for the ratio, and loads nothing.
//! - The database serves one query at a time, each as long as the others.

pub mod chart;
pub mod model;

use std::collections::BTreeMap;

use counterpart::model::Temporal;
use counterpart::{Case, Check, Spec};
use serde_json::{Value, json};

use self::model::{Action, Client, Database, Policy, State};

/// What the shop lives on.
pub const ANSWERED: &str = "again and again an expensive request is answered in time";

/// What its dashboard shows.
pub const RATIO: &str = "the hit ratio of every tick is 98% or more";

/// How the model reads, and what is asked of it.
pub struct DatabaseSpec;

impl Spec for DatabaseSpec {
    type Model = Database;

    fn temporal(&self) -> Vec<Temporal<Database>> {
        vec![Temporal::infinitely_often(ANSWERED, |_, state: &State| state.last.good)]
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

/// In hundredths of a percent, cut off and not rounded: 97.99 is not 98.
fn percent(hits: u32, requests: u32) -> String {
    let hundredths = u64::from(hits) * 10_000 / u64::from(requests.max(1));
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// A check of `model`.
pub fn check(model: Database) -> Check<Database> {
    Check::of(model).spec(DatabaseSpec)
}

/// The run of the story, and the ratio that holds in it.
pub fn story() -> Database {
    Database::shop(Policy::Naive).flash(1)
}

/// The cases of this sub-model: the table of policies by length of the flash sale, and what else bears on it.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, model: Database, collapses: bool| {
        let check = check(model);
        Case::new(format!("cache/{name}"), if collapses { check.violates(ANSWERED) } else { check })
    };
    let shop = Database::shop;
    vec![
        case("collapse_at_99_percent", story(), true),
        case("naive_without_flash", shop(Policy::Naive), false),
        case("naive_two_flash_ticks", shop(Policy::Naive).flash(2), true),
        case("cancel_queued_without_flash", shop(Policy::CancelQueued), false),
        case("cancel_queued", shop(Policy::CancelQueued).flash(1), true),
        case("cancel_queued_two_flash_ticks", shop(Policy::CancelQueued).flash(2), true),
        case("fill_late_without_flash", shop(Policy::FillLate), false),
        case("fill_late", shop(Policy::FillLate).flash(1), false),
        case("fill_late_two_flash_ticks", shop(Policy::FillLate).flash(2), false),
        case("single_flight_without_flash", shop(Policy::SingleFlight), false),
        case("single_flight", shop(Policy::SingleFlight).flash(1), false),
        case("single_flight_two_flash_ticks", shop(Policy::SingleFlight).flash(2), false),
        case("load_shedding", shop(Policy::Shed).flash(2), false),
        // The guard: with these bounds it is overload and no flash sale is needed. Those of the shop are not of this
        // kind.
        case("mere_overload", Database { deadline_ticks: 3, ttl_ticks: 6, ..shop(Policy::Naive) }, true),
        // The ratio is no law of nature: with fewer cheap hits the same misses are seen in it.
        Case::new(
            "cache/ratio_with_fewer_cheap_hits",
            check(Database { cheap_hits: 40, ..shop(Policy::FillLate) }).violates(RATIO),
        ),
        Case::new("cache/fill_late_three_keys", check(Database { keys: 3, ..shop(Policy::FillLate) }.flash(2))).large(),
    ]
}
