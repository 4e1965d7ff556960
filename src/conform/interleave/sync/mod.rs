//! Locks and atomics under loom, by the names that they have in [`std::sync`], and the lost update of any core.
//!
//! One file holds what threads share of an implementation; it is compiled twice. There it says `super::sync`:
//! ```text
//! // shared.rs
//! use super::sync::atomic::{AtomicU64, Ordering};
//! use super::sync::{Mutex, MutexGuard, PoisonError};
//! ```
//! and beside it stands what that is, as shipped and, to be raced, under loom:
//! ```text
//! // mod.rs
//! use std::sync;
//!
//! pub mod shared;
//!
//! #[path = "."]
//! mod loomed {
//!     use super::implementation;
//!     use counterpart::conform::interleave::sync;
//!
//!     #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
//!     pub(super) mod shared;
//! }
//! ```
//!
//! What answers at once by what others are doing, `try_lock` and the like, is in [`tried`] and [`mpsc`], where both its
//! outcomes are explored; a pass over loom's own would be empty. Here it is refused by name.
//! `#[path = "."]` makes loom's module read the very same `shared.rs`; whatever else that file imports from `super`
//! (here `implementation`) is named once more.

pub mod atomic;
pub(super) mod locks;
pub mod mpsc;
pub mod tried;

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

pub use self::locks::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use super::wait::Condvar;
use crate::model::Hold;

/// A core whose threads lose each other's updates: each reads it under the lock, changes a copy, and writes the copy
/// back under the lock. A check that passes it has looked for no race.
#[derive(Debug)]
pub struct LosesUpdates<T>(Mutex<T>);

impl<T: Clone + Send> Hold<T> for LosesUpdates<T> {
    fn hold(core: T) -> Self {
        LosesUpdates(Mutex::new(core))
    }

    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        change_a_copy(&self.0, act)
    }
}

/// Changes what `mutex` holds, and loses the updates that other threads make to it meanwhile: it is copied under the
/// lock, the copy changed, and written back under the lock.
pub fn change_a_copy<T: Clone, R>(mutex: &Mutex<T>, act: impl FnOnce(&mut T) -> R) -> R {
    let lock = || mutex.lock().unwrap_or_else(PoisonError::into_inner);
    let mut copy = lock().clone();
    let result = act(&mut copy);
    *lock() = copy;
    result
}
