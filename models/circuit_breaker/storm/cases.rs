//! The cases of this sub-model, and the table of policies.

use std::fmt::Write;

use counterpart::Case;
use counterpart::verdict::Verdict;

use super::check;
use super::model::{Policy, Storm};
use super::properties::{AGAIN_AND_AGAIN, RECOVERED};

/// Why a breaker does not help whose open wait is short against the backlog.
const SHORT_WAIT: &str = "a breaker whose open wait is short against the backlog does not save you: the queue has not \
                              drained when it lets its client ask again";

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
        Some(Verdict::Holds) => true,
        Some(Verdict::Violated) => false,
        other => panic!("a storm is small enough to be judged: {other:?}"),
    }
}

/// The whole table, for the folder's README.
pub(in crate::circuit_breaker) fn table() -> String {
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
