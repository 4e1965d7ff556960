//! Algorithms whose window slides.

use std::collections::VecDeque;

use super::{Denied, Quota, QuotaError, RateLimiter, admit};

/// The instant of each admission of the last window. It is the only algorithm here that keeps the limit in every
/// window, with the limit as its burst. It costs 8 bytes for each admission that it remembers, `limit` of them at most (of
/// the greatest limit that it had within a window).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlidingLog {
    quota: Quota,
    /// Instants of admissions, oldest first.
    pub(in crate::rate_limiter) admitted_ns: VecDeque<u64>,
}

impl SlidingLog {
    /// A limiter that has admitted nobody.
    pub fn new(quota: Quota) -> Self {
        SlidingLog { quota, admitted_ns: VecDeque::new() }
    }

    fn is_over(&self, admitted_ns: u64, now_ns: u64) -> bool {
        now_ns.saturating_sub(admitted_ns) >= self.quota.window_ns
    }
}

impl RateLimiter for SlidingLog {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        admit(self.retry_after_ns(now_ns))?;
        while self.admitted_ns.front().is_some_and(|oldest_ns| self.is_over(*oldest_ns, now_ns)) {
            self.admitted_ns.pop_front();
        }
        // In order, whatever the clock does.
        let newest_ns = self.admitted_ns.back().copied().unwrap_or(0);
        self.admitted_ns.push_back(now_ns.max(newest_ns));
        Ok(())
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        // The one whose end leaves room: the oldest, unless more are remembered than a limit that was lowered admits.
        let excess = self.admitted_ns.len().checked_sub(self.quota.limit as usize);
        match excess.and_then(|excess| self.admitted_ns.get(excess)) {
            Some(last_ns) if !self.is_over(*last_ns, now_ns) => {
                last_ns.checked_add(self.quota.window_ns).map_or(u64::MAX, |over_ns| over_ns - now_ns)
            }
            _ => 0,
        }
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.admitted_ns.back().is_none_or(|newest_ns| self.is_over(*newest_ns, now_ns))
    }

    fn set_quota(&mut self, quota: Quota, _: u64) -> Result<(), QuotaError> {
        self.quota = quota.in_place_of(self.quota)?;
        Ok(())
    }
}

/// Two counters: what the window of the clock has admitted, and what the one before has, weighted by how much of that
/// is still in sight. As small as a fixed window and far better against bursts at the boundary, but no bound on every
/// window: it takes what the window before admitted to be spread evenly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlidingCounter {
    quota: Quota,
    /// Number of the window, counted from the clock's beginning.
    pub(in crate::rate_limiter) window: u64,
    pub(in crate::rate_limiter) count: u32,
    pub(in crate::rate_limiter) previous: u32,
}

impl SlidingCounter {
    /// A limiter that has admitted nobody.
    pub fn new(quota: Quota) -> Self {
        SlidingCounter { quota, window: 0, count: 0, previous: 0 }
    }

    /// The window, the number it has admitted, and the number that the one before has.
    fn at(&self, now_ns: u64) -> (u64, u32, u32) {
        let window = now_ns / self.quota.window_ns;
        match window.saturating_sub(self.window) {
            0 => (self.window, self.count, self.previous),
            1 => (window, 0, self.count),
            _ => (window, 0, 0),
        }
    }

    /// Time into a window, which admitted `count` after `previous`, at which one more is admitted; at its end at the
    /// latest.
    fn admits_after_ns(&self, count: u32, previous: u32) -> Option<u64> {
        let (window_ns, limit) = (u128::from(self.quota.window_ns), u128::from(self.quota.limit));
        // previous · (window − elapsed) + (count + 1) · window ≤ limit · window
        let room = limit.checked_sub(u128::from(count) + 1)? * window_ns;
        let weight = u128::from(previous) * window_ns;
        let elapsed_ns = weight.saturating_sub(room).div_ceil(u128::from(previous.max(1)));
        u64::try_from(elapsed_ns).ok()
    }
}

impl RateLimiter for SlidingCounter {
    fn check(&mut self, now_ns: u64) -> Result<(), Denied> {
        admit(self.retry_after_ns(now_ns))?;
        let (window, count, previous) = self.at(now_ns);
        (self.window, self.count, self.previous) = (window, count + 1, previous);
        Ok(())
    }

    fn retry_after_ns(&self, now_ns: u64) -> u64 {
        let (window, count, previous) = self.at(now_ns);
        let at_ns = |window: u64, after_ns: u64| {
            window.checked_mul(self.quota.window_ns).and_then(|start_ns| start_ns.checked_add(after_ns))
        };
        // A clock that is behind the window stands at its beginning.
        let elapsed_ns = now_ns.saturating_sub(window * self.quota.window_ns);
        let admits_ns = match self.admits_after_ns(count, previous) {
            Some(after_ns) if after_ns <= elapsed_ns => return 0,
            Some(after_ns) => at_ns(window, after_ns),
            // In the next one, if this one admits nobody more. That has room, at its end at the latest, where the
            // one after begins.
            None => self
                .admits_after_ns(0, count)
                .and_then(|after_ns| window.checked_add(1).and_then(|next| at_ns(next, after_ns))),
        };
        admits_ns.map_or(u64::MAX, |admits_ns| admits_ns - now_ns)
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        let (_, count, previous) = self.at(now_ns);
        count == 0 && previous == 0
    }

    fn set_quota(&mut self, quota: Quota, _: u64) -> Result<(), QuotaError> {
        self.quota = quota.in_place_of(self.quota)?;
        Ok(())
    }
}
