//! Rate limiters: what is admitted in any stretch of time, and what only on average.
//!
//! 2:17 in the morning: a limiter that lets so many requests through a window lets twice as many through at once. It
//! has done nothing wrong by its own rules. Its windows are those of the clock; the limit was spent in the last tick of
//! one and again in the first tick of the next, and what stands behind it saw both.
//!
//! What a limiter promises is an *arrival curve*: for every length the most that any stretch of time of that length
//! admits. Two points of it matter, the shortest stretch (the burst) and the window. Here the curves are computed from
//! models, exhaustively ([`curves`]).
//!
//! # Check your own limiter
//! Here it is one of this folder; bind yours in the same words.
//! ```
//! use counterpart::Counterpart;
//! use counterpart_models::rate_limiter::conformance::{Answer, LimiterInterface, TICK_NS};
//! use counterpart_models::rate_limiter::model::{Action, Limiter};
//! use counterpart_models::rate_limiter::{self, Gcra, Quota, RateLimiter};
//!
//! struct Mine { limiter: Gcra, now_ns: u64 }
//!
//! impl Counterpart<LimiterInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         match input {
//!             Action::Check { .. } => self.limiter.check(self.now_ns).into(),
//!             Action::Tick => { self.now_ns += TICK_NS; Answer::Done }
//!             Action::Collect | Action::SetQuota { .. } => Answer::Done,
//!         }
//!     }
//! }
//!
//! // Four in eight ticks, one every other; four at once.
//! let quota = Quota::new(4, 8 * TICK_NS)?;
//! let limiter = Gcra::new(quota)?;
//! rate_limiter::check(Limiter::gcra(8, 2, 4)).lockstep(move || Mine { limiter: limiter.clone(), now_ns: 0 }).assert();
//! # Ok::<(), counterpart_models::rate_limiter::QuotaError>(())
//! ```
//!
//! # Sources
//! - ITU-T Recommendation I.371, "Traffic control and congestion control in B-ISDN", annex on the generic cell rate
//!   algorithm (virtual scheduling and the continuous-state leaky bucket).
//! - RFC 2697 and RFC 2698 (the words for token buckets: rate, burst).
//! - J.-Y. Le Boudec, P. Thiran, *Network Calculus*, Springer 2001, chapter 1 (arrival curves).
//! - Cloudflare, "How we built rate limiting capable of scaling to millions of domains", 2017 (the sliding counter, and
//!   the 0.003% that it was measured to be wrong by).
//! - governor issues 107, 249 and 251; tower issue 842.
//!
//! # Abstracted away
//! - A request costs one. What it asks for, and what stands behind the limiter, is nobody's concern here.
//! - Time is in ticks; many checks may happen in one, in any order.
//! - A clock is at most two ticks from the true time, and as far all the time; drift is not modelled.
//! - The monitor remembers a few ticks, and counts no further than three times the limit in one.

pub mod algorithms;
#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "cli")]
pub mod curves;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
pub mod distributed;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod properties;
#[cfg(feature = "catalogue")]
pub mod recorded;
pub mod shared;
pub mod waiting;

use std::sync;

use counterpart::Check;

use self::conformance::{LimiterInterface, LimiterSpec};
use self::model::Limiter;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};
pub use self::implementation::buckets::{Gcra, TokenBucket};
pub use self::implementation::keyed::Keyed;
pub use self::implementation::sliding::{SlidingCounter, SlidingLog};
pub use self::implementation::stored::{Hit, MemoryStore, Store, StoredError, StoredLimiter, WhenUnreachable};
pub use self::implementation::windows::{CoarseRefill, FirstCallWindow, FixedWindow};
pub use self::implementation::{AlgorithmName, AnyLimiter, Denied, Quota, QuotaError, RateLimiter};
pub use self::shared::{AtomicFixedWindow, AtomicGcra, AtomicTokenBucket, SharedKeyed};

/// The shared limiters compiled a second time, on loom's locks and atomics (see
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
pub fn check(model: Limiter) -> Check<Limiter, LimiterInterface> {
    Check::of(model).interface(LimiterInterface).spec(LimiterSpec)
}
