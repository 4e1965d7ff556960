//! Algorithms that are refilled all the time.

use super::{Denied, Quota, QuotaError, RateLimiter, admit};

/// A bucket of at most `burst` tokens, refilled at `limit` tokens a window, exactly: parts of a token are kept. It
/// admits the burst at once and the rate besides, so that a window may see nearly the sum of both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenBucket {
    quota: Quota,
    /// Instant when it was last charged.
    pub(in crate::rate_limiter) at_ns: u64,
    /// Tokens missing from a full bucket at that instant, in parts of a token: a token is as many as a window has
    /// nanoseconds, a nanosecond brings as many as the limit. No more than 32 + 64 bits.
    pub(in crate::rate_limiter) missing: u128,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(quota: Quota) -> Self {
        TokenBucket { quota, at_ns: 0, missing: 0 }
    }

    fn token(&self) -> u128 {
        self.quota.window_ns.into()
    }

    pub(in crate::rate_limiter) fn missing_at(&self, now_ns: u64) -> u128 {
        let come = u128::from(now_ns.saturating_sub(self.at_ns)) * u128::from(self.quota.limit);
        self.missing.saturating_sub(come)
    }
}

impl RateLimiter for TokenBucket {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        admit(self.retry_after_ns(now_ns))?;
        self.missing = self.missing_at(now_ns) + self.token();
        self.at_ns = self.at_ns.max(now_ns);
        Ok(())
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        let room = u128::from(self.quota.burst - 1) * self.token();
        let lacking = self.missing_at(now_ns).saturating_sub(room);
        if lacking == 0 {
            return 0;
        }
        // A clock that is behind has to catch up first.
        let behind_ns = u128::from(self.at_ns.saturating_sub(now_ns));
        let wait_ns = behind_ns + lacking.div_ceil(u128::from(self.quota.limit));
        u64::try_from(wait_ns).ok().filter(|wait_ns| now_ns.checked_add(*wait_ns).is_some()).unwrap_or(u64::MAX)
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.missing_at(now_ns) == 0
    }

    fn set_quota(&mut self, quota: Quota, now_ns: u64) -> Result<(), QuotaError> {
        let quota = quota.in_place_of(self.quota)?;
        self.missing = self.missing_at(now_ns);
        self.at_ns = self.at_ns.max(now_ns);
        self.quota = quota;
        Ok(())
    }
}

/// The generic cell rate algorithm (ITU-T I.371) as virtual scheduling: all that is kept is the theoretical arrival
/// time of the next request, which may come early by as much as the burst allows. The interval between two is the
/// window over the limit, rounded up, so that rounding admits nobody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gcra {
    quota: Quota,
    pub(in crate::rate_limiter) interval_ns: u64,
    pub(in crate::rate_limiter) tolerance_ns: u64,
    /// Instant when the next request is due; 0: there was no request so far.
    pub(in crate::rate_limiter) due_ns: u64,
}

impl Gcra {
    /// A limiter that has admitted nobody.
    ///
    /// # Errors
    /// To drain the burst takes longer than there is time.
    pub fn new(quota: Quota) -> Result<Self, QuotaError> {
        let (interval_ns, tolerance_ns) = quota.spacing()?;
        Ok(Gcra { quota, interval_ns, tolerance_ns, due_ns: 0 })
    }
}

impl Quota {
    /// Time between two requests at the steady rate, rounded up, and how much earlier than due one may come.
    pub(in crate::rate_limiter) fn spacing(&self) -> Result<(u64, u64), QuotaError> {
        let interval_ns = self.window_ns.div_ceil(self.limit.into());
        match interval_ns.checked_mul(self.burst.into()) {
            Some(drained_ns) => Ok((interval_ns, drained_ns - interval_ns)),
            None => Err(QuotaError::BurstBeyondTime { burst: self.burst, interval_ns }),
        }
    }
}

/// Instant since when a request at `now` would conform, and when the next one is due if it is admitted; `None` where
/// that is after the end of representable time.
pub(in crate::rate_limiter) fn scheduled(due: u64, now: u64, interval: u64, tolerance: u64) -> (u64, Option<u64>) {
    (due.saturating_sub(tolerance), due.max(now).checked_add(interval))
}

impl RateLimiter for Gcra {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        match scheduled(self.due_ns, now_ns, self.interval_ns, self.tolerance_ns) {
            (since_ns, Some(due_ns)) if since_ns <= now_ns => {
                self.due_ns = due_ns;
                Ok(())
            }
            _ => Err(Denied { retry_after_ns: self.retry_after_ns(now_ns) }),
        }
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        match scheduled(self.due_ns, now_ns, self.interval_ns, self.tolerance_ns) {
            (since_ns, Some(_)) => since_ns.saturating_sub(now_ns),
            (_, None) => u64::MAX,
        }
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.due_ns <= now_ns
    }

    fn set_quota(&mut self, quota: Quota, _: u64) -> Result<(), QuotaError> {
        let quota = quota.in_place_of(self.quota)?;
        (self.interval_ns, self.tolerance_ns) = quota.spacing()?;
        self.quota = quota;
        Ok(())
    }
}
