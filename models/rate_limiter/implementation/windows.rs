//! Algorithms that count by windows.

use super::{Denied, Quota, QuotaError, RateLimiter, admit};

/// A counter for each window of the clock. Cheap, exact about each window, and no protection at the boundary of two:
/// the limit at the end of one and the limit at the beginning of the next pass together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FixedWindow {
    quota: Quota,
    /// Number of the window, counted from the clock's beginning.
    pub(in crate::rate_limiter) window: u64,
    pub(in crate::rate_limiter) count: u32,
}

impl FixedWindow {
    /// A limiter that has admitted nobody.
    pub fn new(quota: Quota) -> Self {
        FixedWindow { quota, window: 0, count: 0 }
    }

    /// Number that has been admitted by the window that `now_ns` is in, or by the latest if that is a later one.
    fn at(&self, now_ns: u64) -> (u64, u32) {
        let window = now_ns / self.quota.window_ns;
        if window > self.window { (window, 0) } else { (self.window, self.count) }
    }
}

impl RateLimiter for FixedWindow {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        admit(self.retry_after_ns(now_ns))?;
        let (window, count) = self.at(now_ns);
        (self.window, self.count) = (window, count + 1);
        Ok(())
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        let (window, count) = self.at(now_ns);
        if count < self.quota.limit {
            return 0;
        }
        let next = window.checked_add(1).and_then(|next| next.checked_mul(self.quota.window_ns));
        next.map_or(u64::MAX, |next_ns| next_ns - now_ns)
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.at(now_ns).1 == 0
    }

    fn set_quota(&mut self, quota: Quota, _: u64) -> Result<(), QuotaError> {
        self.quota = quota.in_place_of(self.quota)?;
        Ok(())
    }
}

/// A counter for a window that begins with a request. No boundary is known in advance, and yet there is one: a window
/// that begins with one request has all but one left for its last instant, and the next begins right after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FirstCallWindow {
    quota: Quota,
    pub(in crate::rate_limiter) start_ns: u64,
    /// Number of requests that the window has admitted; 0: no window has begun.
    pub(in crate::rate_limiter) count: u32,
}

impl FirstCallWindow {
    /// A limiter that has admitted nobody.
    pub fn new(quota: Quota) -> Self {
        FirstCallWindow { quota, start_ns: 0, count: 0 }
    }

    fn at(&self, now_ns: u64) -> (u64, u32) {
        let over = now_ns.saturating_sub(self.start_ns) >= self.quota.window_ns;
        if over || self.count == 0 { (now_ns, 0) } else { (self.start_ns, self.count) }
    }
}

impl RateLimiter for FirstCallWindow {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        admit(self.retry_after_ns(now_ns))?;
        let (start_ns, count) = self.at(now_ns);
        (self.start_ns, self.count) = (start_ns, count + 1);
        Ok(())
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        let (start_ns, count) = self.at(now_ns);
        if count < self.quota.limit {
            return 0;
        }
        start_ns.checked_add(self.quota.window_ns).map_or(u64::MAX, |end_ns| end_ns - now_ns)
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.at(now_ns).1 == 0
    }

    fn set_quota(&mut self, quota: Quota, _: u64) -> Result<(), QuotaError> {
        self.quota = quota.in_place_of(self.quota)?;
        Ok(())
    }
}

/// A bucket that is given a whole window's tokens at each window of the clock, and holds at most the burst.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CoarseRefill {
    quota: Quota,
    /// Number of the window in which it was last refilled, counted from the clock's beginning.
    pub(in crate::rate_limiter) window: u64,
    /// Tokens of the burst that were used since.
    pub(in crate::rate_limiter) used: u32,
}

impl CoarseRefill {
    /// A full bucket.
    pub fn new(quota: Quota) -> Self {
        CoarseRefill { quota, window: 0, used: 0 }
    }

    fn at(&self, now_ns: u64) -> (u64, u32) {
        let window = now_ns / self.quota.window_ns;
        let windows = window.saturating_sub(self.window);
        let come = u32::try_from(windows).unwrap_or(u32::MAX).saturating_mul(self.quota.limit);
        (window.max(self.window), self.used.saturating_sub(come))
    }
}

impl RateLimiter for CoarseRefill {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        admit(self.retry_after_ns(now_ns))?;
        let (window, used) = self.at(now_ns);
        (self.window, self.used) = (window, used + 1);
        Ok(())
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        let (window, used) = self.at(now_ns);
        if used < self.quota.burst {
            return 0;
        }
        let next = window.checked_add(1).and_then(|next| next.checked_mul(self.quota.window_ns));
        next.map_or(u64::MAX, |next_ns| next_ns - now_ns)
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.at(now_ns).1 == 0
    }

    fn set_quota(&mut self, quota: Quota, now_ns: u64) -> Result<(), QuotaError> {
        let quota = quota.in_place_of(self.quota)?;
        (self.window, self.used) = self.at(now_ns);
        self.quota = quota;
        Ok(())
    }
}
