//! The policy table of the retry storm: what was measured on a prototype comes out of the model again.

use counterpart_models::circuit_breaker::storm::can_recover;
use counterpart_models::circuit_breaker::storm::model::{Policy, Storm};
use libtest_mimic::Trial;

use crate::claim;

/// A policy and, for each number of clients, whether the service can always recover. Of the prototype.
type Row = (&'static str, Policy, &'static [(u8, bool)]);

#[rustfmt::skip]
const MEASURED: &[Row] = &[
    ("naive", Policy::Naive, &[(3, true), (4, false), (6, false), (8, false), (10, false)]),
    ("drop stale at the server", Policy::DropStale, &[(3, true), (4, true), (6, true), (8, true), (10, true)]),
    ("last in, first out", Policy::LastInFirstOut, &[(3, true), (4, true), (6, true), (8, true), (10, true)]),
    ("backoff, cap 4", Policy::Backoff { cap_ticks: 4 }, &[(8, false), (10, false)]),
    ("backoff, cap 16", Policy::Backoff { cap_ticks: 16 }, &[(4, true), (6, true), (8, true), (10, true)]),
    ("breaker, open wait 3", Policy::Breaker { open_wait_ticks: 3 }, &[(6, false), (8, false), (10, false)]),
    ("breaker, open wait 4", Policy::Breaker { open_wait_ticks: 4 }, &[(6, true), (8, false), (10, false)]),
    ("breaker, open wait 6", Policy::Breaker { open_wait_ticks: 6 }, &[(6, true), (8, true), (10, false)]),
    ("breaker, open wait 8", Policy::Breaker { open_wait_ticks: 8 }, &[(6, true), (8, true), (10, false)]),
    ("breaker, open wait 12", Policy::Breaker { open_wait_ticks: 12 }, &[(6, true), (8, true), (10, true)]),
];

pub(crate) fn trials() -> Vec<Trial> {
    MEASURED
        .iter()
        .map(|(name, policy, verdicts)| {
            claim(format!("storm::{name}"), || {
                for (clients, recovers) in *verdicts {
                    assert_eq!(can_recover(Storm::of(*clients, *policy)), *recovers, "{clients} clients");
                }
            })
        })
        .collect()
}
