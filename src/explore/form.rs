//! How a state is held between being found and being expanded.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

use super::Equality;
use super::table::Fingerprint;

/// A form of states `S`.
pub(super) trait Form<S: Clone>: 'static {
    /// What is held of a state: all of it, in few bytes if may be.
    type Held: Send + Sync + 'static;

    fn hold(state: S) -> Self::Held;
    fn state(held: &Self::Held) -> Cow<'_, S>;
    fn same(left: &Self::Held, right: &Self::Held) -> bool;
    /// Hashes that differ in `seed` are independent.
    fn hash(held: &Self::Held, seed: u64) -> u64;

    #[inline]
    fn fingerprint(held: &Self::Held, equality: Equality) -> Fingerprint {
        let wide = equality == Equality::Fingerprint128;
        Fingerprint::new(Self::hash(held, 0), if wide { Self::hash(held, 1) } else { 0 })
    }
}

/// As it is.
pub(super) struct Whole;

impl<S: Clone + Hash + PartialEq + Send + Sync + 'static> Form<S> for Whole {
    type Held = S;

    #[inline]
    fn hold(state: S) -> S {
        state
    }

    #[inline]
    fn state(held: &S) -> Cow<'_, S> {
        Cow::Borrowed(held)
    }

    #[inline]
    fn same(left: &S, right: &S) -> bool {
        left == right
    }

    #[inline]
    fn hash(held: &S, seed: u64) -> u64 {
        FixedState::with_seed(seed).hash_one(held)
    }
}
