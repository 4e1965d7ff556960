//! A limiter for each key, and what keeps them from filling the memory.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use super::{Denied, Quota, QuotaError, RateLimiter};

/// A limiter for each key that was admitted of late. A key that was never seen costs nothing, and one that is idle is
/// given up at the next [`collect`](Keyed::collect); no answer depends on whether that has happened.
///
/// ```
/// use counterpart_models::rate_limiter::{Gcra, Keyed, Quota};
///
/// let mut limiters = Keyed::new(Gcra::new(Quota::per_second(1)?)?);
/// assert!(limiters.check("anna", 0).is_ok());
/// assert!(limiters.check("anna", 1).is_err());
/// assert!(limiters.check("otto", 1).is_ok());
/// limiters.collect(1_000_000_000);
/// assert_eq!(limiters.len(), 1, "otto's second is not over");
/// # Ok::<(), counterpart_models::rate_limiter::QuotaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Keyed<K, L> {
    new: L,
    limiters: HashMap<K, L>,
}

impl<K: Eq + Hash, L: RateLimiter + Clone> Keyed<K, L> {
    /// A keyed limiter without keys. Every key begins as a copy of `new`.
    pub fn new(new: L) -> Self {
        Keyed { new, limiters: HashMap::new() }
    }

    /// Admits a request of `key`, or does not.
    ///
    /// # Errors
    /// It is not admitted, and when one would be.
    pub fn check<Q>(&mut self, key: &Q, now_ns: u64) -> Result<(), Denied>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(limiter) = self.limiters.get_mut(key) {
            return limiter.check(now_ns);
        }
        // Kept only once it has something to remember.
        let mut limiter = self.new.clone();
        limiter.check(now_ns)?;
        self.limiters.insert(key.to_owned(), limiter);
        Ok(())
    }

    /// Time until a request of `key` would be admitted if nobody else asked, in nanoseconds.
    pub fn retry_after_ns<Q>(&self, key: &Q, now_ns: u64) -> u64
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.limiters.get(key).unwrap_or(&self.new).retry_after_ns(now_ns)
    }

    /// Gives up the keys that are as good as new at `now_ns`. Where clocks differ pass what the slowest shows: a key
    /// that is idle by a fast clock is not yet by a slow one.
    pub fn collect(&mut self, now_ns: u64) {
        self.limiters.retain(|_, limiter| !limiter.is_idle(now_ns));
        // Memory goes back after a flood of keys, and not at every ebb.
        self.limiters.shrink_to(4 * self.limiters.len());
    }

    /// Changes the quota of all keys from `now_ns` on, known and unknown, as [`RateLimiter::set_quota`] does.
    ///
    /// # Errors
    /// The limiters cannot keep the quota; they all have the old one then.
    pub fn set_quota(&mut self, quota: Quota, now_ns: u64) -> Result<(), QuotaError> {
        // What one refuses all refuse: they are of one algorithm and one window.
        self.new.set_quota(quota, now_ns)?;
        self.limiters.values_mut().try_for_each(|limiter| limiter.set_quota(quota, now_ns))
    }

    /// Number of keys that are remembered.
    pub fn len(&self) -> usize {
        self.limiters.len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.limiters.is_empty()
    }
}
