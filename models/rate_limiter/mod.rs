//! Rate limiters: what is admitted in any stretch of time, and what only on average.
//!
//! # Sources
//! # Abstracted away

pub mod algorithms;
pub mod conformance;
pub mod implementation;
pub mod model;
pub mod shared;

use std::sync::Arc;

use counterpart::conform;
use counterpart::model::Sequential;
use counterpart::{Case, Check};

use self::conformance::{CoreBinding, LimiterFacade, LimiterSpec, SharedBinding};
use self::model::{Algorithm, Limiter};

pub use self::implementation::buckets::{Gcra, TokenBucket};
pub use self::implementation::keyed::Keyed;
pub use self::implementation::sliding::{SlidingCounter, SlidingLog};
pub use self::implementation::stored::{Hit, MemoryStore, Store, StoredError, StoredLimiter, WhenUnreachable};
pub use self::implementation::windows::{CoarseRefill, FirstCallWindow, FixedWindow};
pub use self::implementation::{AlgorithmName, AnyLimiter, Denied, Quota, QuotaError, RateLimiter};
pub use self::shared::{AtomicFixedWindow, AtomicGcra, AtomicTokenBucket, SharedKeyed};

use crate::{Generated, Protocol};

/// Locks and atomics as they are shipped.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

/// The shared limiters compiled a second time, on loom's locks and atomics.
#[path = "."]
mod loomed {
    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;

    mod sync {
        pub(super) use std::sync::PoisonError;

        pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
        pub(super) use loom::sync::{Mutex, MutexGuard};
    }
}

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "rate_limiter", cases, generated };

fn generated() -> Vec<Generated> {
    vec![]
}

/// A check of `model` as it reads and looks from outside.
pub(crate) fn check(model: Limiter) -> Check<Limiter, LimiterFacade> {
    Check::of(model).facade(LimiterFacade).spec(LimiterSpec)
}

type Shipped = SharedBinding<SharedKeyed<u8, AnyLimiter>>;

/// A check with our own limiter in every sequential mode.
fn with_ours(model: Limiter) -> Check<Limiter, LimiterFacade> {
    let (core, toured, walked) = (model.clone(), model.clone(), larger(&model));
    let there = walked.clone();
    check(model).product(move || CoreBinding::new(&core)).tour(move || Sequential(Shipped::new(&toured))).subject(
        "implementation",
        conform::walk(Some(Arc::new(walked)), 100, 300, move || Sequential(Shipped::new(&there))),
    )
}

/// Beyond what can be explored.
fn larger(model: &Limiter) -> Limiter {
    Limiter { window_ticks: 2 * model.window_ticks, limit: 2 * model.limit, monitored_ticks: 0, ..model.clone() }
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![];
    for algorithm in Algorithm::ALL {
        let name = crate::snake(algorithm);
        cases.push(Case::new(format!("rate_limiter/{name}"), with_ours(Limiter::of(algorithm, 4, 2).monitored(8))));
        cases.push(Case::new(
            format!("rate_limiter/{name}_skewed"),
            with_ours(Limiter::of(algorithm, 4, 2).skewed()).alongside_only(),
        ));
    }
    cases
}
