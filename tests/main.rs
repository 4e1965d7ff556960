//! The catalogue's trials: everything that is claimed of the models, their implementations and the command line over
//! them. The harness's own are `tests/harness`.
//!
//! A module gives a list of trials. Most are a claim and a closure; where data says what to try (a case, a trace file)
//! there is one trial for each, named for it, so that a failure names what failed.

#[cfg(any(feature = "broker", feature = "ntp"))]
mod allocations;
#[cfg(feature = "circuit_breaker")]
mod breaker;
#[cfg(feature = "broker")]
mod broker;
#[cfg(feature = "cache")]
mod cache;
mod called;
#[cfg(any(feature = "broker", feature = "cache", feature = "circuit_breaker", feature = "load_balancer"))]
mod callers;
mod catalogue;
#[cfg(feature = "cdn")]
mod cdn;
#[cfg(feature = "cdn-front")]
mod cdn_front;
#[cfg(feature = "circuit_breaker")]
mod cli;
#[cfg(feature = "dns")]
mod dns;
#[cfg(any(
    feature = "broker",
    feature = "cache",
    feature = "cdn",
    feature = "circuit_breaker",
    feature = "dns",
    feature = "flp",
    feature = "hash_ring",
    feature = "load_balancer",
    feature = "rate_limiter"
))]
mod drawn;
#[cfg(feature = "flp")]
mod flp;
#[cfg(feature = "hash_ring")]
mod hash_ring;
#[cfg(feature = "load_balancer")]
mod load_balancer;
#[cfg(feature = "ntp")]
mod ntp;
#[cfg(all(feature = "flp", feature = "peers"))]
mod omnipaxos;
#[cfg(any(feature = "cache", feature = "circuit_breaker", feature = "load_balancer", feature = "rate_limiter"))]
mod raced;
#[cfg(feature = "rate_limiter")]
mod rate_limiter;
mod readme;
#[cfg(feature = "ring_attention")]
mod ring_attention;
#[cfg(feature = "circuit_breaker")]
mod storm;
#[cfg(feature = "circuit_breaker")]
mod toy;
#[cfg(feature = "circuit_breaker")]
mod traces;
#[path = "trial.rs"]
mod trial;
mod views;

use std::process::ExitCode;

use self::trial::{claim, root, snapshot};

fn main() -> ExitCode {
    let trials = [
        #[cfg(any(feature = "broker", feature = "ntp"))]
        allocations::trials(),
        #[cfg(feature = "circuit_breaker")]
        breaker::trials(),
        #[cfg(feature = "broker")]
        broker::trials(),
        #[cfg(feature = "cache")]
        cache::trials(),
        called::trials(),
        #[cfg(any(feature = "broker", feature = "cache", feature = "circuit_breaker", feature = "load_balancer"))]
        callers::trials(),
        catalogue::trials(),
        #[cfg(feature = "cdn")]
        cdn::trials(),
        #[cfg(feature = "cdn-front")]
        cdn_front::trials(),
        #[cfg(feature = "circuit_breaker")]
        cli::trials(),
        #[cfg(feature = "dns")]
        dns::trials(),
        #[cfg(any(
            feature = "broker",
            feature = "cache",
            feature = "cdn",
            feature = "circuit_breaker",
            feature = "dns",
            feature = "flp",
            feature = "hash_ring",
            feature = "load_balancer",
            feature = "rate_limiter"
        ))]
        drawn::trials(),
        #[cfg(feature = "flp")]
        flp::trials(),
        #[cfg(feature = "hash_ring")]
        hash_ring::trials(),
        #[cfg(feature = "load_balancer")]
        load_balancer::trials(),
        #[cfg(feature = "ntp")]
        ntp::trials(),
        #[cfg(all(feature = "flp", feature = "peers"))]
        omnipaxos::trials(),
        #[cfg(feature = "rate_limiter")]
        rate_limiter::trials(),
        #[cfg(any(
            feature = "cache",
            feature = "circuit_breaker",
            feature = "load_balancer",
            feature = "rate_limiter"
        ))]
        raced::trials(),
        readme::trials(),
        #[cfg(feature = "ring_attention")]
        ring_attention::trials(),
        #[cfg(feature = "circuit_breaker")]
        storm::trials(),
        #[cfg(feature = "circuit_breaker")]
        traces::trials(),
        views::trials(),
    ];
    trial::run(trials.into_iter().flatten().collect())
}
