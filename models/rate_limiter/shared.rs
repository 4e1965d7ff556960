//! Limiters that threads share: each is one atomic word, changed by compare-and-swap; and a keyed store in shards, each
//! behind a lock that is held for one check.
//!
//! A check takes effect at its successful swap, or at the load that denies it. Compiled twice, with the locks and
//! atomics of the standard library and, to be raced, with loom's.
//!
//! ```
//! use counterpart_models::rate_limiter::{AtomicGcra, Quota};
//!
//! let limiter = AtomicGcra::new(Quota::per_second(2)?)?;
//! let now_ns = 0;
//! assert!(limiter.check(now_ns).is_ok());
//! assert!(limiter.check(now_ns).is_ok());
//! assert_eq!(limiter.check(now_ns).map_err(|denied| denied.retry_after_ns), Err(500_000_000));
//! # Ok::<(), counterpart_models::rate_limiter::QuotaError>(())
//! ```

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroUsize;

use super::implementation::buckets::scheduled;
use super::implementation::keyed::Keyed;
use super::implementation::{Denied, Quota, QuotaError, RateLimiter};
use super::sync::atomic::{AtomicU64, Ordering};
use super::sync::{Mutex, MutexGuard, PoisonError};

// The word alone is what threads agree on, nothing is published by it: no ordering is needed beside its own.
const ORDER: Ordering = Ordering::Relaxed;

/// One instant that is swapped: what GCRA and a token bucket come to.
#[derive(Debug)]
struct Schedule {
    due: AtomicU64,
    interval: u64,
    tolerance: u64,
}

impl Schedule {
    /// Admits a request, in whatever unit `now` has; the error is what is missing until it would be admitted, `None` if
    /// it never is.
    fn check(&self, now: u64) -> Result<(), Option<u64>> {
        let mut seen = self.due.load(ORDER);
        loop {
            match scheduled(seen, now, self.interval, self.tolerance) {
                (since, Some(due)) if since <= now => match self.due.compare_exchange_weak(seen, due, ORDER, ORDER) {
                    Ok(_) => return Ok(()),
                    Err(changed) => seen = changed,
                },
                (_, None) => return Err(None),
                (since, Some(_)) => return Err(Some(since - now)),
            }
        }
    }

    fn lacking(&self, now: u64) -> Option<u64> {
        let (since, due) = scheduled(self.due.load(ORDER), now, self.interval, self.tolerance);
        due.map(|_| since.saturating_sub(now))
    }
}

/// [`Gcra`](super::Gcra) for threads.
#[derive(Debug)]
pub struct AtomicGcra(Schedule);

impl AtomicGcra {
    /// A limiter that has admitted nobody.
    ///
    /// # Errors
    /// To drain the burst takes longer than there is time.
    pub fn new(quota: Quota) -> Result<Self, QuotaError> {
        let (interval, tolerance) = quota.spacing()?;
        Ok(AtomicGcra(Schedule { due: AtomicU64::new(0), interval, tolerance }))
    }

    /// Admits a request at `now_ns`, or does not and changes nothing.
    ///
    /// # Errors
    /// It is not admitted, and when one would be.
    pub fn check(&self, now_ns: u64) -> Result<(), Denied> {
        self.0.check(now_ns).map_err(|lacking| Denied { retry_after_ns: lacking.unwrap_or(u64::MAX) })
    }

    /// Time until a request would be admitted if nobody else asked, in nanoseconds: 0 for at once, `u64::MAX` for
    /// never.
    pub fn retry_after_ns(&self, now_ns: u64) -> u64 {
        self.0.lacking(now_ns).unwrap_or(u64::MAX)
    }
}

/// [`TokenBucket`](super::TokenBucket) for threads. A bucket that is refilled all the time is GCRA with an interval
/// that need not be whole: it counts in such parts of a nanosecond that the interval is. 64 bits have room for 584
/// years of whole nanoseconds, and for so many times less where parts are counted.
///
/// The two are one only on one clock. Where a clock is behind what another has charged, the plain bucket takes it to
/// have caught up, and this one, as GCRA, lets it wait until it has.
#[derive(Debug)]
pub struct AtomicTokenBucket {
    schedule: Schedule,
    /// Number of parts of a nanosecond.
    parts: u64,
}

impl AtomicTokenBucket {
    /// Most parts of a nanosecond: with so many there is room for a year.
    pub const PARTS_MAX: u64 = 584;

    /// A full bucket.
    ///
    /// # Errors
    /// The quota asks for more than [`PARTS_MAX`](Self::PARTS_MAX) parts of a nanosecond, or to fill the bucket takes
    /// longer than there is time.
    pub fn new(quota: Quota) -> Result<Self, QuotaError> {
        let common = greatest_common_divisor(quota.window_ns(), quota.limit().into());
        let (interval, parts) = (quota.window_ns() / common, u64::from(quota.limit()) / common);
        if parts > Self::PARTS_MAX {
            return Err(QuotaError::TooFine { parts, parts_max: Self::PARTS_MAX });
        }
        let Some(drained) = interval.checked_mul(quota.burst().into()) else {
            return Err(QuotaError::BurstBeyondTime { burst: quota.burst(), interval_ns: interval / parts });
        };
        let schedule = Schedule { due: AtomicU64::new(0), interval, tolerance: drained - interval };
        Ok(AtomicTokenBucket { schedule, parts })
    }

    /// Admits a request at `now_ns`, or does not and changes nothing.
    ///
    /// # Errors
    /// It is not admitted, and when one would be.
    pub fn check(&self, now_ns: u64) -> Result<(), Denied> {
        let answer = match now_ns.checked_mul(self.parts) {
            Some(now) => self.schedule.check(now),
            None => Err(None),
        };
        answer.map_err(|lacking| Denied { retry_after_ns: self.whole_ns(lacking) })
    }

    /// Time until a request would be admitted if nobody else asked, in nanoseconds: 0 for at once, `u64::MAX` for
    /// never.
    pub fn retry_after_ns(&self, now_ns: u64) -> u64 {
        self.whole_ns(now_ns.checked_mul(self.parts).and_then(|now| self.schedule.lacking(now)))
    }

    fn whole_ns(&self, parts: Option<u64>) -> u64 {
        parts.map_or(u64::MAX, |parts| parts.div_ceil(self.parts))
    }
}

fn greatest_common_divisor(mut left: u64, mut right: u64) -> u64 {
    while right > 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// [`FixedWindow`](super::FixedWindow) for threads: the window's number and its counter in one word. The counter has as
/// many bits as the limit needs; the number has the rest, at least 32.
#[derive(Debug)]
pub struct AtomicFixedWindow {
    quota: Quota,
    word: AtomicU64,
    count_bits: u32,
}

impl AtomicFixedWindow {
    /// A limiter that has admitted nobody.
    pub fn new(quota: Quota) -> Self {
        let count_bits = u32::BITS - quota.limit().leading_zeros();
        AtomicFixedWindow { quota, word: AtomicU64::new(0), count_bits }
    }

    /// The window at `now_ns` and the number it has admitted; `None` where the window's number has no room in the word.
    fn at(&self, word: u64, now_ns: u64) -> Option<(u64, u64)> {
        let (latest, count) = (word >> self.count_bits, word & ((1 << self.count_bits) - 1));
        let window = now_ns / self.quota.window_ns();
        if window >> (u64::BITS - self.count_bits) > 0 {
            return None;
        }
        Some(if window > latest { (window, 0) } else { (latest, count) })
    }

    fn denied(&self, window: u64, now_ns: u64) -> Denied {
        let next_ns = window.checked_add(1).and_then(|next| next.checked_mul(self.quota.window_ns()));
        Denied { retry_after_ns: next_ns.map_or(u64::MAX, |next_ns| next_ns - now_ns) }
    }

    /// Admits a request at `now_ns`, or does not and changes nothing.
    ///
    /// # Errors
    /// It is not admitted, and when one would be.
    pub fn check(&self, now_ns: u64) -> Result<(), Denied> {
        let mut seen = self.word.load(ORDER);
        loop {
            let Some((window, count)) = self.at(seen, now_ns) else {
                return Err(Denied { retry_after_ns: u64::MAX });
            };
            if count >= u64::from(self.quota.limit()) {
                return Err(self.denied(window, now_ns));
            }
            let counted = (window << self.count_bits) + count + 1;
            match self.word.compare_exchange_weak(seen, counted, ORDER, ORDER) {
                Ok(_) => return Ok(()),
                Err(changed) => seen = changed,
            }
        }
    }

    /// Time until a request would be admitted if nobody else asked, in nanoseconds: 0 for at once, `u64::MAX` for
    /// never.
    pub fn retry_after_ns(&self, now_ns: u64) -> u64 {
        match self.at(self.word.load(ORDER), now_ns) {
            Some((_, count)) if count < u64::from(self.quota.limit()) => 0,
            Some((window, _)) => self.denied(window, now_ns).retry_after_ns,
            None => u64::MAX,
        }
    }
}

/// A [`Keyed`] store for threads, in shards: checks of keys in different shards do not wait for each other.
#[derive(Debug)]
pub struct SharedKeyed<K, L> {
    shards: Box<[Mutex<Keyed<K, L>>]>,
    hasher: RandomState,
}

impl<K: Eq + Hash + Clone, L: RateLimiter + Clone> SharedKeyed<K, L> {
    /// A store without keys. Every key begins as a copy of `new`. A few shards for each thread are enough.
    pub fn new(new: L, shards: NonZeroUsize) -> Self {
        let shards = (0..shards.get()).map(|_| Mutex::new(Keyed::new(new.clone()))).collect();
        SharedKeyed { shards, hasher: RandomState::new() }
    }

    /// Admits a request of `key`, or does not.
    ///
    /// # Errors
    /// It is not admitted, and when one would be.
    pub fn check(&self, key: &K, now_ns: u64) -> Result<(), Denied> {
        self.shard(key).check(key, now_ns)
    }

    /// Time until a request of `key` would be admitted if nobody else asked, in nanoseconds.
    pub fn retry_after_ns(&self, key: &K, now_ns: u64) -> u64 {
        self.shard(key).retry_after_ns(key, now_ns)
    }

    /// Gives up the keys that are as good as new at `now_ns`, one shard after the other. Where clocks differ pass what
    /// the slowest shows.
    pub fn collect(&self, now_ns: u64) {
        self.shards.iter().for_each(|shard| lock(shard).collect(now_ns));
    }

    /// Changes the quota of all keys from `now_ns` on, as [`Keyed::set_quota`] does; for all threads at once, so that
    /// none is let through by the old quota once another was by the new one.
    ///
    /// # Errors
    /// The limiters cannot keep the quota; they all have the old one then.
    pub fn set_quota(&self, quota: Quota, now_ns: u64) -> Result<(), QuotaError> {
        let mut shards: Vec<_> = self.shards.iter().map(lock).collect();
        shards.iter_mut().try_for_each(|shard| shard.set_quota(quota, now_ns))
    }

    /// Number of keys that are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Keyed<K, L>> {
        lock(&self.shards[self.hasher.hash_one(key) as usize % self.shards.len()])
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    // A limiter never panics half-way: what a panicking thread left behind is whole.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
