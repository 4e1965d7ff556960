//! What threads may call is raced: each call that a model knows, in some script of those that ours is run through. What
//! no script calls at once could go wrong unseen, and a figure that changes in a table would be all that is left to tell.

use std::fmt::Debug;

use counterpart::conform::interleave::Script;
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        #[cfg(feature = "cache")]
        claim("raced::every_call_of_cache_is_in_a_script", || {
            use counterpart_models::cache::bindings::{deleting_scripts, scripts};
            let calls = [
                "Get",
                "Wait",
                "Value",
                "ending: Error",
                "ending: Cancelled",
                "Insert",
                "Invalidate {",
                "InvalidateAll",
            ];
            raced(&[scripts(), deleting_scripts()].concat(), &calls);
        }),
        #[cfg(feature = "circuit_breaker")]
        claim("raced::every_call_of_circuit_breaker_is_in_a_script", || {
            use counterpart_models::circuit_breaker::bindings::scripts;
            raced(&scripts(), &["Acquire", "outcome: Success", "outcome: Failure", "outcome: Cancelled"]);
        }),
        #[cfg(feature = "load_balancer")]
        claim("raced::every_call_of_load_balancer_is_in_a_script", || {
            use counterpart_models::load_balancer::bindings::{counting_scripts, retrying_scripts, scripts};
            let calls = [
                "retry: false",
                "retry: true",
                "success: true",
                "success: false",
                "Cancel",
                "Panic",
                "SetHealth",
                "SetServers",
            ];
            raced(&[scripts(), counting_scripts(), retrying_scripts()].concat(), &calls);
        }),
        #[cfg(feature = "rate_limiter")]
        claim("raced::every_call_of_rate_limiter_is_in_a_script", || {
            use counterpart_models::rate_limiter::bindings::{keyed_scripts, quota_scripts, scripts};
            raced(&[scripts(), keyed_scripts(), quota_scripts()].concat(), &["Check", "Collect", "SetQuota"]);
        }),
    ]
}

/// Asserts that each of `calls` is made by a thread of some script, while another calls something too.
#[track_caller]
fn raced<I: Debug>(scripts: &[Script<I>], calls: &[&str]) {
    let at_once = scripts.iter().filter(|script| script.threads.len() > 1).flat_map(|script| &script.threads);
    let made: Vec<String> = at_once.flatten().map(|call| format!("{call:?}")).collect();
    let never: Vec<&&str> = calls.iter().filter(|call| !made.iter().any(|made| made.contains(**call))).collect();
    assert!(never.is_empty(), "no script has a thread that calls {never:?}");
}
