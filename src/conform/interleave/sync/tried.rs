//! Locks that may be refused, and what else answers at once by what others are doing, with both outcomes explored.
//!
//! loom's own `try_lock` is never refused: whoever asks for a lock that is held is held up until it is free. So these
//! are written over a lock that is only ever held for a moment, and whose every holder loom tries in every order. They
//! cost schedules; what is never tried had better be a [`Mutex`](super::Mutex) of `sync` itself.
//!
//! Only the threads of a script may wait for such a lock, not those that an implementation starts by itself; those may
//! try it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use super::Condvar;

/// A lock that may be tried. It is never poisoned.
pub struct Mutex<T>(RwLock<T>);

/// What a [`Mutex`] guards, until it is dropped.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(RwLockWriteGuard<'a, T>);

impl<T> Mutex<T> {
    /// A lock over `value`.
    pub fn new(value: T) -> Self {
        Mutex(RwLock::new(value))
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// None: it has the standard library's form.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        Ok(MutexGuard(self.0.taken()))
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// If somebody does.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        self.0.try_write().map(MutexGuard).map_err(|_| TryLockError::WouldBlock)
    }

    /// What it guarded.
    ///
    /// # Errors
    /// None: it has the standard library's form.
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

/// A lock for many readers or one writer, which may be tried. It is never poisoned.
pub struct RwLock<T> {
    /// Held for a moment only, by whoever takes or gives back.
    held: super::Mutex<Held>,
    freed: Condvar,
    /// Never waited for: `held` says who may have it.
    data: std::sync::RwLock<T>,
}

/// By whom.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    readers: usize,
    written: bool,
}

/// What a [`RwLock`] guards, to be read.
pub struct RwLockReadGuard<'a, T> {
    data: Option<std::sync::RwLockReadGuard<'a, T>>,
    lock: &'a RwLock<T>,
}

/// What a [`RwLock`] guards, to be written.
pub struct RwLockWriteGuard<'a, T> {
    data: Option<std::sync::RwLockWriteGuard<'a, T>>,
    lock: &'a RwLock<T>,
}

impl<T> RwLock<T> {
    /// A lock over `value`.
    pub fn new(value: T) -> Self {
        RwLock { held: super::Mutex::default(), freed: Condvar::new(), data: std::sync::RwLock::new(value) }
    }

    /// Takes the lock to read.
    ///
    /// # Errors
    /// None: it has the standard library's form.
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.hold(|held| !held.written, |held| held.readers += 1);
        Ok(self.reading())
    }

    /// Takes the lock to write.
    ///
    /// # Errors
    /// None: it has the standard library's form.
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        Ok(self.taken())
    }

    /// Takes the lock to read, if nobody writes.
    ///
    /// # Errors
    /// If somebody does.
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let took = self.hold_at_once(|held| !held.written, |held| held.readers += 1);
        if took { Ok(self.reading()) } else { Err(TryLockError::WouldBlock) }
    }

    /// Takes the lock to write, if nobody holds it.
    ///
    /// # Errors
    /// If somebody does.
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let took = self.hold_at_once(Held::is_free, |held| held.written = true);
        if took { Ok(self.writing()) } else { Err(TryLockError::WouldBlock) }
    }

    /// What it guarded.
    ///
    /// # Errors
    /// None: it has the standard library's form.
    pub fn into_inner(self) -> LockResult<T> {
        Ok(self.data.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn taken(&self) -> RwLockWriteGuard<'_, T> {
        self.hold(Held::is_free, |held| held.written = true);
        self.writing()
    }

    fn hold(&self, may: impl Fn(&Held) -> bool, take: impl FnOnce(&mut Held)) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(held, |held| !may(held));
        take(&mut waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn hold_at_once(&self, may: impl Fn(&Held) -> bool, take: impl FnOnce(&mut Held)) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let free = may(&held);
        if free {
            take(&mut held);
        }
        free
    }

    fn give_back(&self, change: impl FnOnce(&mut Held)) {
        // Where loom has ended the schedule there is nobody to give it back to, and loom says so by a panic.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            change(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner));
            self.freed.notify_all();
        }));
    }

    fn reading(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard { data: Some(self.data.read().unwrap_or_else(PoisonError::into_inner)), lock: self }
    }

    fn writing(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard { data: Some(self.data.write().unwrap_or_else(PoisonError::into_inner)), lock: self }
    }
}

impl Held {
    fn is_free(&self) -> bool {
        !self.written && self.readers == 0
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

/// Only a drop takes it away.
const THERE: &str = "a guard has what it guards until it is dropped";

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data.as_deref().expect(THERE)
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data.as_deref().expect(THERE)
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.data.as_deref_mut().expect(THERE)
    }
}

impl<T> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        self.data = None;
        self.lock.give_back(|held| held.readers -= 1);
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.data = None;
        self.lock.give_back(|held| held.written = false);
    }
}

impl<T> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLockReadGuard").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLockWriteGuard").finish_non_exhaustive()
    }
}

/// A shared value whose count of owners may be asked for.
pub struct Arc<T>(loom::sync::Arc<Counted<T>>);

struct Counted<T> {
    /// Stepped by whoever changes the count, and by whoever asks for it.
    touched: loom::sync::atomic::AtomicUsize,
    value: T,
}

impl<T> Counted<T> {
    fn touch(&self) {
        self.touched.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    }
}

impl<T> Arc<T> {
    /// A value with one owner.
    pub fn new(value: T) -> Self {
        Arc(loom::sync::Arc::new(Counted { touched: loom::sync::atomic::AtomicUsize::new(0), value }))
    }

    /// How many own it now.
    pub fn strong_count(this: &Self) -> usize {
        this.0.touch();
        loom::sync::Arc::strong_count(&this.0)
    }

    /// Whether both are of one value.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        loom::sync::Arc::ptr_eq(&this.0, &other.0)
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        self.0.touch();
        Arc(self.0.clone())
    }
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.touch();
        }
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}
