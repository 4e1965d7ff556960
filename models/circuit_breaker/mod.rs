//! Circuit breakers: three states, and the retry storm they are for.
//!
//! 20 September 2015, us-east-1: a network blip; many storage servers ask the metadata service for memberships larger
//! than before; processing exceeds the retrieval time limit; servers disqualify themselves and retry; the service never
//! recovers until requests are paused. A breaker is meant to stand between such clients and such a service.
//!
//! # Check your own breaker
//! Here it is the one of this folder; bind yours in the same words.
//! ```
//! use counterpart::Counterpart;
//! use counterpart_models::circuit_breaker::conformance::{Answer, BreakerInterface};
//! use counterpart_models::circuit_breaker::model::{Action, Breaker};
//! use counterpart_models::circuit_breaker::{self, CircuitBreaker, Config, Outcome, Permit, Window};
//!
//! struct Mine { breaker: CircuitBreaker, now_ms: u64, permits: [Option<Permit>; 8] }
//!
//! impl Counterpart<BreakerInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         use counterpart_models::circuit_breaker::model::Outcome as Ended;
//!         match *input {
//!             Action::Acquire { client } => match self.breaker.try_acquire(self.now_ms) {
//!                 Ok(permit) => { self.permits[usize::from(client)] = Some(permit); Answer::Admitted }
//!                 Err(_) => Answer::Rejected,
//!             },
//!             Action::Report { client, outcome } => {
//!                 let Some(permit) = self.permits[usize::from(client)].take() else { return Answer::Done };
//!                 let outcome = match outcome {
//!                     Ended::Success => Outcome::Success,
//!                     Ended::Failure => Outcome::Failure,
//!                     Ended::Slow => Outcome::Slow,
//!                     Ended::Ignored => Outcome::Ignored,
//!                     Ended::Cancelled => Outcome::Cancelled,
//!                     Ended::Panicked => Outcome::Panicked,
//!                 };
//!                 self.breaker.report(permit, outcome, self.now_ms);
//!                 Answer::Done
//!             }
//!             Action::Tick => { self.now_ms += 1_000; Answer::Done }
//!             Action::StepBack => { self.now_ms -= 1_000; Answer::Done }
//!         }
//!     }
//! }
//!
//! let config = Config {
//!     window: Window::Calls { size: 4 },
//!     minimum_calls: 4,
//!     permits: 2,
//!     open_wait_ms: 3_000,
//!     half_open_wait_ms: None,
//!     ..Config::default()
//! };
//! let make = move || Mine {
//!     breaker: CircuitBreaker::new(config.clone()).expect("a breaker"),
//!     now_ms: 0,
//!     permits: Default::default(),
//! };
//! circuit_breaker::check(Breaker::small()).lockstep(make).assert();
//! ```
//!
//! # Sources
//! - M. Nygard, *Release It!*, 2nd ed., Pragmatic Bookshelf 2018, "Circuit Breaker" (the pattern).
//! - AWS message 5467D2, "Summary of the Amazon DynamoDB Service Disruption and Related Impacts in the US-East Region"
//!   (the story).
//! - resilience4j documentation, "CircuitBreaker" (windows, slow calls, half-open permits and maximum wait).
//! - Polly issue 217 (why a result of before is a matter of choice there), gobreaker (generations).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021; L. Huang et al., "Metastable Failures
//!   in the Wild", OSDI 2022.
//!
//! # Abstracted away
//! - The backend: a call is acquire → run → report, arbitrarily late, with any outcome at any time.
//! - Time is in ticks; what happens within one is not ordered by time.
//! - Rates are of small windows; the arithmetic is the same, and walks go to larger ones.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod properties;
#[cfg(feature = "catalogue")]
pub mod recorded;
pub mod shared;
pub mod storm;
mod window;

use std::sync;

use counterpart::Check;

use self::conformance::{BreakerInterface, BreakerSpec};
use self::model::Breaker;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};
pub use self::implementation::{Config, ConfigError, Core, Outcome, Permit, PhaseName, Rejected, Status, Window};
pub use self::shared::CircuitBreaker;

/// The shared breaker compiled a second time, on loom's locks and atomics (see
/// [`sync`](counterpart::conform::interleave::sync)).
#[cfg(feature = "catalogue")]
#[path = "."]
mod loomed {
    use counterpart::conform::interleave::sync;

    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;
}

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Breaker) -> Check<Breaker, BreakerInterface> {
    Check::of(model).interface(BreakerInterface).spec(BreakerSpec::default())
}
