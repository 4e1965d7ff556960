//! What a person sees, word for word: the traces of the catalogue, and its list.

use counterpart::check::Case;
use counterpart::trace::Trace;
use counterpart::view;
use libtest_mimic::Trial;

use crate::{claim, root, snapshot};

/// Traces that someone who has read only the story should be able to follow.
const TRACES: [&str; 14] = [
    "cache/collapse_at_99_percent--again-and-again-an-expensive-request-is-answered-in-time",
    "cache/stores_despite_delete--what-is-cached-is-what-the-database-has",
    "circuit_breaker/trusts_late_results--only-results-of-the-current-generation-move-it",
    "circuit_breaker/leaks_permit_on_cancel--every-permit-out-belongs-to-a-running-or-successful-probe",
    "circuit_breaker/defects_between_threads--moves_gate_late",
    "circuit_breaker/failsafe_but_for_unlimited_probes--failsafe-1.3.0",
    "flp/bivalent_for_ever--some-process-decides",
    "flp/last_message_crash--some-process-decides-though-p0-may-stop",
    "flp/ben_or_common_coin_skew_2--all-who-go-on-decide-with-probability-1",
    "circuit_breaker/crates--tower-resilience-circuitbreaker-0.14.0",
    "rate_limiter/boundary_burst_2am--two-neighbouring-ticks-admit-less-than-twice-the-limit",
    "rate_limiter/distributed_crash_before_expire--some-schedule-lets-somebody-through-again",
    "load_balancer/queues_round_robin--no-queue-overflows-while-the-servers-that-are-up-can-serve-the-load",
    "load_balancer/between_threads_least_connections--reads_counters_one_by_one",
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = TRACES
        .into_iter()
        .map(|name| {
            claim(format!("views::trace_show::{name}"), move || {
                let file = root().join("traces").join(format!("{name}.json"));
                let trace = Trace::read(&file).unwrap_or_else(|error| panic!("{error}"));
                snapshot(name, &view::trace(&trace));
            })
        })
        .collect();
    trials.push(claim("views::the_catalogue", || {
        let listings: Vec<_> = counterpart_models::catalogue().iter().map(Case::listing).collect();
        snapshot("list", &view::list(&listings));
    }));
    trials
}
