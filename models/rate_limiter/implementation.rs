//! Rate limiters as a service would ship them.
//!
//! Time is passed in, in nanoseconds of any clock that the caller reads, from whatever beginning. A clock that goes
//! backwards is taken to stand still: it admits nobody earlier and does nothing worse. At the end of representable time
//! (584 years) a limiter denies. Nothing is spawned, nobody sleeps, and a request that is denied changes nothing.
//!
//! Each algorithm is plain data behind [`RateLimiter`]; [`AnyLimiter`] is the one that a configuration names. What many
//! keys share is a [`Keyed`](keyed::Keyed) store, what many threads share is in [`shared`](super::shared), what many
//! machines share is a [`StoredLimiter`](stored::StoredLimiter).

pub mod buckets;
pub mod keyed;
pub mod sliding;
pub mod stored;
pub mod windows;

use thiserror::Error;

use self::buckets::{Gcra, TokenBucket};
use self::sliding::{SlidingCounter, SlidingLog};
use self::windows::{CoarseRefill, FirstCallWindow, FixedWindow};

/// Quota of requests: `limit` in a window, and for algorithms that know of bursts `burst` at once.
///
/// ```
/// use counterpart_models::rate_limiter::Quota;
///
/// let quota = Quota::per_second(100)?.with_burst(20)?;
/// assert_eq!((quota.limit(), quota.window_ns(), quota.burst()), (100, 1_000_000_000, 20));
/// assert!(Quota::per_second(0).is_err());
/// # Ok::<(), counterpart_models::rate_limiter::QuotaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: u32,
    window_ns: u64,
    burst: u32,
}

impl Quota {
    /// A quota of `limit` requests in `window_ns`, and as many at once.
    ///
    /// # Errors
    /// One of them is 0, or the limit is more than one request a nanosecond.
    pub fn new(limit: u32, window_ns: u64) -> Result<Self, QuotaError> {
        if limit == 0 {
            return Err(QuotaError::Zero { field: "limit" });
        }
        if window_ns == 0 {
            return Err(QuotaError::Zero { field: "window_ns" });
        }
        if u64::from(limit) > window_ns {
            return Err(QuotaError::TooFast { limit, window_ns });
        }
        Ok(Quota { limit, window_ns, burst: limit })
    }

    /// A quota of `limit` requests a second, and as many at once.
    ///
    /// # Errors
    /// It is 0, or more than one request a nanosecond.
    pub fn per_second(limit: u32) -> Result<Self, QuotaError> {
        Quota::new(limit, 1_000_000_000)
    }

    /// The same quota with another burst.
    ///
    /// # Errors
    /// It is 0.
    pub fn with_burst(self, burst: u32) -> Result<Self, QuotaError> {
        if burst == 0 {
            return Err(QuotaError::Zero { field: "burst" });
        }
        Ok(Quota { burst, ..self })
    }

    /// Number of requests in a window; 1 or more.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Length of the window; 1 or more.
    pub fn window_ns(&self) -> u64 {
        self.window_ns
    }

    /// Number of requests at once; 1 or more.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// This quota in place of `old`, for a limiter that runs.
    fn in_place_of(self, old: Quota) -> Result<Self, QuotaError> {
        if self.window_ns == old.window_ns {
            Ok(self)
        } else {
            Err(QuotaError::OtherWindow { window_ns: self.window_ns, kept_ns: old.window_ns })
        }
    }
}

/// A quota that makes no limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QuotaError {
    /// A field is 0: nothing would ever be admitted, or everything.
    #[error("{field} is 0, it must be 1 or more")]
    Zero {
        /// The field's name.
        field: &'static str,
    },
    /// The quota is of more than one request a nanosecond.
    #[error("{limit} requests in {window_ns} ns are more than one a nanosecond")]
    TooFast {
        /// The limit that was given.
        limit: u32,
        /// The window that was given.
        window_ns: u64,
    },
    /// The burst takes longer to drain than there is time: what would be admitted is not the burst.
    #[error("a burst of {burst} at one request in {interval_ns} ns is drained after the end of representable time")]
    BurstBeyondTime {
        /// The burst that was given.
        burst: u32,
        /// Time between two requests at the steady rate, in nanoseconds.
        interval_ns: u64,
    },
    /// A limiter that runs is to keep a quota of another window than its own.
    #[error("its window is {kept_ns} ns and stays so, {window_ns} ns were asked for: make another limiter")]
    OtherWindow {
        /// The window that was asked for.
        window_ns: u64,
        /// The window that the limiter has.
        kept_ns: u64,
    },
    /// The quota needs so many parts of a nanosecond that a shared bucket, which counts in these, would reach the end
    /// of what it can count within a year.
    #[error(
        "{parts} parts of a nanosecond are too fine for a shared bucket, which has room for {parts_max}: round the limit"
    )]
    TooFine {
        /// Number of parts that the quota asks for.
        parts: u64,
        /// The most that is allowed.
        parts_max: u64,
    },
}

/// A request is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("too many requests, the next one may pass in {retry_after_ns} ns")]
pub struct Denied {
    /// Time until the next request would be admitted if nobody else asked, in nanoseconds; `u64::MAX` if never.
    pub retry_after_ns: u64,
}

/// Limiter of one algorithm.
pub trait RateLimiter {
    /// Admits a request at `now_ns`, or does not and changes nothing.
    ///
    /// # Errors
    /// It is not admitted, and when one would be.
    fn check(&mut self, now_ns: u64) -> Result<(), Denied>;

    /// Time until a request would be admitted if nobody else asked, in nanoseconds: 0 for at once, `u64::MAX` for
    /// never.
    fn retry_after_ns(&self, now_ns: u64) -> u64;

    /// Whether the limiter is, from `now_ns` on, as good as new, so that it need not be kept.
    fn is_idle(&self, now_ns: u64) -> bool;

    /// Changes the quota from `now_ns` on, while it runs. What was admitted is kept, and counts against the new quota:
    /// nobody is let through twice because a quota has changed, and a burst that grows is there at once. Time that a
    /// request has been charged is kept too where that is what is counted ([`Gcra`]): it is paid off at the rate at
    /// which it was admitted. What came back until `now_ns` came back by the old quota.
    ///
    /// # Errors
    /// The new quota's window is another, in which what was counted would mean nothing; or the algorithm cannot keep
    /// the quota. The old one then stays.
    fn set_quota(&mut self, quota: Quota, now_ns: u64) -> Result<(), QuotaError>;
}

/// Names of the algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlgorithmName {
    /// The name of [`FixedWindow`].
    FixedWindow,
    /// The name of [`FirstCallWindow`].
    WindowFromFirstCall,
    /// The name of [`CoarseRefill`].
    CoarseRefill,
    /// The name of [`SlidingLog`].
    SlidingLog,
    /// The name of [`SlidingCounter`].
    SlidingCounter,
    /// The name of [`TokenBucket`].
    TokenBucket,
    /// The name of [`Gcra`].
    Gcra,
}

/// A limiter of the algorithm that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AnyLimiter {
    /// A counter for each window of the clock.
    FixedWindow(FixedWindow),
    /// A counter for a window that begins with a request.
    WindowFromFirstCall(FirstCallWindow),
    /// A bucket refilled once a window.
    CoarseRefill(CoarseRefill),
    /// The instant of each admission.
    SlidingLog(SlidingLog),
    /// Two counters, the older one weighted.
    SlidingCounter(SlidingCounter),
    /// A bucket refilled all the time.
    TokenBucket(TokenBucket),
    /// One instant, at which the next request is due.
    Gcra(Gcra),
}

impl AnyLimiter {
    /// A limiter that has admitted nobody.
    ///
    /// # Errors
    /// The algorithm cannot keep the quota.
    pub fn new(algorithm: AlgorithmName, quota: Quota) -> Result<Self, QuotaError> {
        Ok(match algorithm {
            AlgorithmName::FixedWindow => AnyLimiter::FixedWindow(FixedWindow::new(quota)),
            AlgorithmName::WindowFromFirstCall => AnyLimiter::WindowFromFirstCall(FirstCallWindow::new(quota)),
            AlgorithmName::CoarseRefill => AnyLimiter::CoarseRefill(CoarseRefill::new(quota)),
            AlgorithmName::SlidingLog => AnyLimiter::SlidingLog(SlidingLog::new(quota)),
            AlgorithmName::SlidingCounter => AnyLimiter::SlidingCounter(SlidingCounter::new(quota)),
            AlgorithmName::TokenBucket => AnyLimiter::TokenBucket(TokenBucket::new(quota)),
            AlgorithmName::Gcra => AnyLimiter::Gcra(Gcra::new(quota)?),
        })
    }

    fn limiter(&self) -> &dyn RateLimiter {
        match self {
            AnyLimiter::FixedWindow(limiter) => limiter,
            AnyLimiter::WindowFromFirstCall(limiter) => limiter,
            AnyLimiter::CoarseRefill(limiter) => limiter,
            AnyLimiter::SlidingLog(limiter) => limiter,
            AnyLimiter::SlidingCounter(limiter) => limiter,
            AnyLimiter::TokenBucket(limiter) => limiter,
            AnyLimiter::Gcra(limiter) => limiter,
        }
    }
}

impl RateLimiter for AnyLimiter {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        match self {
            AnyLimiter::FixedWindow(limiter) => limiter.check(now_ns),
            AnyLimiter::WindowFromFirstCall(limiter) => limiter.check(now_ns),
            AnyLimiter::CoarseRefill(limiter) => limiter.check(now_ns),
            AnyLimiter::SlidingLog(limiter) => limiter.check(now_ns),
            AnyLimiter::SlidingCounter(limiter) => limiter.check(now_ns),
            AnyLimiter::TokenBucket(limiter) => limiter.check(now_ns),
            AnyLimiter::Gcra(limiter) => limiter.check(now_ns),
        }
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        self.limiter().retry_after_ns(now_ns)
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.limiter().is_idle(now_ns)
    }

    fn set_quota(&mut self, quota: Quota, now_ns: u64) -> Result<(), QuotaError> {
        match self {
            AnyLimiter::FixedWindow(limiter) => limiter.set_quota(quota, now_ns),
            AnyLimiter::WindowFromFirstCall(limiter) => limiter.set_quota(quota, now_ns),
            AnyLimiter::CoarseRefill(limiter) => limiter.set_quota(quota, now_ns),
            AnyLimiter::SlidingLog(limiter) => limiter.set_quota(quota, now_ns),
            AnyLimiter::SlidingCounter(limiter) => limiter.set_quota(quota, now_ns),
            AnyLimiter::TokenBucket(limiter) => limiter.set_quota(quota, now_ns),
            AnyLimiter::Gcra(limiter) => limiter.set_quota(quota, now_ns),
        }
    }
}

/// Admits a request if `retry_after_ns` is 0.
fn admit(retry_after_ns: u64) -> Result<(), Denied> {
    if retry_after_ns == 0 { Ok(()) } else { Err(Denied { retry_after_ns }) }
}
