//! Why a retry storm does not end by itself, and what ends it.
//!
//! The story of the protocol (see [`circuit_breaker`](super)): a blip makes all clients ask at once; the service
//! answers more slowly than they are willing to wait; they give up and ask again, and what they gave up on is served
//! all the same. From then on the service works for nobody. *Trap* is the verdict ¬AG EF recovered: a state from which
//! no schedule leads back, so that no fairness can rescue it.
//!
//! # Sources
//! - AWS message 5467D2 (the event of 20 September 2015).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021.
//! - L. Huang et al., "Metastable Failures in the Wild", OSDI 2022.
//!
//! # Abstracted away
//! - The service serves exactly one request a tick; a request that nobody waits for costs as much as one that is.
//! - Clients are alike and time is in ticks; there is no jitter, which is one of the things that help in practice.

pub mod model;

use std::collections::BTreeMap;
use std::fmt::Write;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Case, Check, Spec};
use serde_json::{Value, json};

use self::model::{Action, Client, Policy, State, Storm};

/// The property that the whole sub-model is about.
pub const RECOVERED: &str = "all serve and the queue is empty";

/// The same of whole runs, so that a trace shows the storm going round.
pub const AGAIN_AND_AGAIN: &str = "again and again all serve and the queue is empty";

/// The clock is not stopped: the one thing that is assumed.
const TIME_PASSES: &str = "time passes";

/// How the model reads, and what is asked of it.
pub struct StormSpec;

impl Spec for StormSpec {
    type Model = Storm;

    fn temporal(&self) -> Vec<Temporal<Storm>> {
        vec![
            Temporal::recoverable(RECOVERED, Storm::is_recovered),
            Temporal::infinitely_often(AGAIN_AND_AGAIN, Storm::is_recovered).under(TIME_PASSES),
        ]
    }

    fn fairness(&self, _: &Storm, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            Action::Tick => vec![FairKey::weak(TIME_PASSES)],
            Action::Blip | Action::Pause => Vec::new(),
        }
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

/// A breaker whose open wait is short against the backlog.
pub const SHORT_WAIT: &str = "a breaker whose open wait is short against the backlog does not save you: the queue has not \
                              drained when it lets its client ask again";

fn check(storm: Storm) -> Check<Storm> {
    Check::of(storm).spec(StormSpec)
}

/// The cases of this sub-model: the story, and what does and does not end it. The whole table of policies stands in the
/// folder's README, made by a test.
pub fn cases() -> Vec<Case> {
    let recovers = |name: &str, storm| Case::new(format!("circuit_breaker/{name}"), check(storm));
    let collapses = |name: &str, storm| {
        Case::new(format!("circuit_breaker/{name}"), check(storm).violates(RECOVERED).violates(AGAIN_AND_AGAIN))
    };
    let breaker = |clients, open_wait_ticks| Storm::of(clients, Policy::Breaker { open_wait_ticks });
    vec![
        collapses("retry_storm_2015", Storm::of(4, Policy::Naive)),
        recovers("storm_of_three", Storm::of(3, Policy::Naive)),
        // Nobody makes the operator act: recoverable, and yet not bound to recover.
        Case::new(
            "circuit_breaker/storm_operator_pauses",
            check(Storm { pauses_max: 1, ..Storm::of(4, Policy::Naive) }).violates(AGAIN_AND_AGAIN),
        ),
        recovers("storm_drop_stale", Storm::of(10, Policy::DropStale)),
        recovers("storm_last_in_first_out", Storm::of(10, Policy::LastInFirstOut)),
        collapses("storm_backoff_cap_4", Storm::of(8, Policy::Backoff { cap_ticks: 4 })),
        recovers("storm_backoff_cap_16", Storm::of(8, Policy::Backoff { cap_ticks: 16 })),
        recovers("storm_retry_budget", Storm::of(8, Policy::RetryBudget { retries_max: 1 })),
        Case::new(
            "circuit_breaker/storm_breaker_short_wait",
            check(breaker(8, 4))
                .violates(RECOVERED)
                .violates(AGAIN_AND_AGAIN)
                .because(RECOVERED, SHORT_WAIT)
                .because(AGAIN_AND_AGAIN, SHORT_WAIT),
        ),
        recovers("storm_breaker_long_wait", breaker(8, 6)),
    ]
}

/// Whether the service can recover from every state that `storm` can come to.
///
/// # Panics
/// If that cannot be judged.
pub fn can_recover(storm: Storm) -> bool {
    let report = check(storm).explore();
    let verdict = report.cases.iter().flat_map(|case| &case.properties).find(|property| property.name == RECOVERED);
    match verdict.map(|property| property.verdict) {
        Some("holds") => true,
        Some("violated") => false,
        other => panic!("a storm is small enough to be judged: {other:?}"),
    }
}

/// The whole table, for the folder's README.
pub(super) fn table() -> String {
    const CLIENTS: [u8; 5] = [3, 4, 6, 8, 10];
    let head: Vec<String> = CLIENTS.iter().map(|clients| format!("{clients} clients")).collect();
    let mut table = format!("| policy | {} |\n|---|{}\n", head.join(" | "), "---|".repeat(CLIENTS.len()));
    let rows = [
        ("naive".to_string(), Policy::Naive),
        ("drop stale at the server".into(), Policy::DropStale),
        ("last in, first out".into(), Policy::LastInFirstOut),
        ("retry budget, 1".into(), Policy::RetryBudget { retries_max: 1 }),
    ]
    .into_iter()
    .chain([4, 8, 16].map(|cap_ticks| (format!("backoff, cap {cap_ticks}"), Policy::Backoff { cap_ticks })))
    .chain((1..=12).map(|wait| (format!("breaker, open wait {wait}"), Policy::Breaker { open_wait_ticks: wait })));
    for (name, policy) in rows {
        let verdicts: Vec<&str> = CLIENTS
            .iter()
            .map(|clients| if can_recover(Storm::of(*clients, policy)) { "recovers" } else { "**trap**" })
            .collect();
        let _ = writeln!(table, "| {name} | {} |", verdicts.join(" | "));
    }
    table
}
