//! The one integration binary: everything that is claimed of the harness and of the catalogue, as trials of
//! libtest-mimic.
//!
//! A module gives a list of trials. Most are a claim and a closure; where data says what to try (a case, a trace file)
//! there is one trial for each, named for it, so that a failure names what failed.

#[cfg(feature = "circuit_breaker")]
mod breaker;
#[cfg(feature = "cache")]
mod cache;
mod catalogue;
#[cfg(feature = "circuit_breaker")]
mod cli;
mod conformance;
#[cfg(any(feature = "cache", feature = "circuit_breaker", feature = "load_balancer", feature = "rate_limiter"))]
mod drawn;
mod engine;
mod events;
mod floors;
#[cfg(feature = "flp")]
mod flp;
mod golden;
mod interleave;
mod liveness;
#[cfg(feature = "load_balancer")]
mod load_balancer;
#[cfg(all(feature = "flp", feature = "peers"))]
mod omnipaxos;
mod probability;
#[cfg(feature = "rate_limiter")]
mod rate_limiter;
mod readme;
mod recovery;
#[cfg(feature = "circuit_breaker")]
mod storm;
mod tours;
#[cfg(feature = "circuit_breaker")]
mod toy;
#[cfg(feature = "circuit_breaker")]
mod traces;
mod valency;
mod views;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    remember_panics();
    let trials = [
        #[cfg(feature = "circuit_breaker")]
        breaker::trials(),
        #[cfg(feature = "cache")]
        cache::trials(),
        catalogue::trials(),
        #[cfg(feature = "circuit_breaker")]
        cli::trials(),
        conformance::trials(),
        engine::trials(),
        events::trials(),
        floors::trials(),
        #[cfg(feature = "flp")]
        flp::trials(),
        golden::trials(),
        interleave::trials(),
        liveness::trials(),
        #[cfg(feature = "load_balancer")]
        load_balancer::trials(),
        #[cfg(all(feature = "flp", feature = "peers"))]
        omnipaxos::trials(),
        probability::trials(),
        #[cfg(feature = "rate_limiter")]
        rate_limiter::trials(),
        readme::trials(),
        recovery::trials(),
        #[cfg(feature = "circuit_breaker")]
        storm::trials(),
        tours::trials(),
        #[cfg(feature = "circuit_breaker")]
        traces::trials(),
        valency::trials(),
        views::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

thread_local! {
    /// Where the last panic of this thread was raised.
    static RAISED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A trial that fails when `test` panics, with the panic's words and place.
fn claim(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        catch_unwind(AssertUnwindSafe(test)).map_err(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_string()));
            let place = RAISED_AT.with_borrow(String::clone);
            Failed::from(format!("{}\n(at {place})", words.unwrap_or_else(|| "a panic without words".into())))
        })
    })
}

/// Every panic is told once, with its trial: the hook only remembers where it was.
fn remember_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        RAISED_AT.with_borrow_mut(|at| *at = place);
    }));
}

/// The repository's root.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("models is a folder of the repository")
        .to_path_buf()
}
