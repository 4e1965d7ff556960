//! Locks that are waited for and never tried, at no cost in schedules. What would answer at once is refused by name:
//! loom explores one outcome of it, so that a pass would show nothing.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockResult};

use crate::conform::interleave::trouble::refuse;

/// What was taken, held as `hold` does.
pub(in crate::conform::interleave) fn held<G, H>(taken: LockResult<G>, hold: impl Fn(G) -> H) -> LockResult<H> {
    taken.map(&hold).map_err(|poisoned| PoisonError::new(hold(poisoned.into_inner())))
}

/// loom's lock.
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A lock over `value`.
    pub fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// None under loom, which knows no poisoned locks.
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        held(self.0.lock(), MutexGuard)
    }

    /// Refused: loom's is never refused.
    ///
    /// # Errors
    /// None: the script is told as not verified.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        refuse("Mutex::try_lock", "sync::tried::Mutex")
    }

    /// What it guards, which nobody else can reach.
    ///
    /// # Errors
    /// None under loom.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.0.get_mut()
    }

    /// What it guarded.
    ///
    /// # Errors
    /// None under loom.
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// What a [`Mutex`] guards, while it is taken.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(pub(in crate::conform::interleave) loom::sync::MutexGuard<'a, T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// loom's lock for many readers or one writer.
pub struct RwLock<T>(loom::sync::RwLock<T>);

impl<T> RwLock<T> {
    /// A lock over `value`.
    pub fn new(value: T) -> Self {
        RwLock(loom::sync::RwLock::new(value))
    }

    /// Takes the lock to read.
    ///
    /// # Errors
    /// None under loom.
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        held(self.0.read(), RwLockReadGuard)
    }

    /// Takes the lock to write.
    ///
    /// # Errors
    /// None under loom.
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        held(self.0.write(), RwLockWriteGuard)
    }

    /// Refused: loom's is never refused.
    ///
    /// # Errors
    /// None: the script is told as not verified.
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        refuse("RwLock::try_read", "sync::tried::RwLock")
    }

    /// Refused: loom's is never refused.
    ///
    /// # Errors
    /// None: the script is told as not verified.
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        refuse("RwLock::try_write", "sync::tried::RwLock")
    }

    /// What it guarded.
    ///
    /// # Errors
    /// None under loom.
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}

/// What a [`RwLock`] guards, while it is taken to be read.
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T>(loom::sync::RwLockReadGuard<'a, T>);

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a [`RwLock`] guards, while it is taken to be written.
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T>(loom::sync::RwLockWriteGuard<'a, T>);

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// loom's shared value.
#[derive(Debug)]
pub struct Arc<T: ?Sized>(loom::sync::Arc<T>);

impl<T> Arc<T> {
    /// A value with one owner.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Arc(loom::sync::Arc::new(value))
    }

    /// The value, if nobody else owns it.
    ///
    /// # Errors
    /// The same, if somebody does.
    #[track_caller]
    pub fn try_unwrap(this: Self) -> Result<T, Self> {
        loom::sync::Arc::try_unwrap(this.0).map_err(Arc)
    }
}

impl<T: ?Sized> Arc<T> {
    /// Refused: loom explores one order of it and of what changes it.
    pub fn strong_count(_: &Self) -> usize {
        refuse("Arc::strong_count", "sync::tried::Arc")
    }

    /// Whether both are of one value.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        loom::sync::Arc::ptr_eq(&this.0, &other.0)
    }

    /// The value, if nobody else owns it.
    #[track_caller]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        loom::sync::Arc::get_mut(&mut this.0)
    }

    /// A shared value of a type whose size is not known, made of the standard library's, which nobody else owns.
    #[track_caller]
    pub fn from_std(value: std::sync::Arc<T>) -> Self {
        Arc(loom::sync::Arc::from_std(value))
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        Arc(self.0.clone())
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default> Default for Arc<T> {
    fn default() -> Self {
        Arc::new(T::default())
    }
}
