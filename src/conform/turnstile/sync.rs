//! Locks and condition variables that tell the turnstile when they make a worker wait.
//!
//! They stand where an implementation says `use super::sync::…`, so that the source which is shipped is compiled once
//! more for the turnstile, as it is for loom, and its calls that wait are seen without a hook in them. Atomics and
//! `Arc` are the standard library's: one thread runs at a time.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use super::Gate;

pub use std::sync::{Arc, atomic};

/// A lock. A worker that has to wait for it is blocked; any other thread waits as usual.
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

/// What a lock guards, until it is dropped.
pub struct MutexGuard<'a, T> {
    guard: std::sync::MutexGuard<'a, T>,
    lock: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    /// A lock over `value`.
    pub const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// The guard, if a thread panicked while it held the lock.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let taken = match Gate::current() {
            None => self.0.lock(),
            Some(gate) => gate.wait_until(&gate.after("lock"), || match self.0.try_lock() {
                Ok(guard) => Some(Ok(guard)),
                Err(TryLockError::Poisoned(poisoned)) => Some(Err(poisoned)),
                Err(TryLockError::WouldBlock) => None,
            }),
        };
        match taken {
            Ok(guard) => Ok(MutexGuard { guard, lock: self }),
            Err(poisoned) => Err(PoisonError::new(MutexGuard { guard: poisoned.into_inner(), lock: self })),
        }
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// If it is not, or if a thread panicked while it held the lock.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Ok(MutexGuard { guard, lock: self }),
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
            Err(TryLockError::Poisoned(poisoned)) => {
                let guard = MutexGuard { guard: poisoned.into_inner(), lock: self };
                Err(TryLockError::Poisoned(PoisonError::new(guard)))
            }
        }
    }

    /// What it guarded.
    ///
    /// # Errors
    /// The same, if a thread panicked while it held the lock.
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(f)
    }
}

/// A condition variable. Whoever waits longest is woken first, and nobody without being notified.
#[derive(Debug, Default)]
pub struct Condvar {
    /// Set for those who are notified.
    waiting: std::sync::Mutex<VecDeque<Arc<AtomicBool>>>,
}

impl Condvar {
    /// A condition variable that nobody waits for.
    pub const fn new() -> Self {
        Condvar { waiting: std::sync::Mutex::new(VecDeque::new()) }
    }

    /// Gives up the lock until the worker is notified.
    ///
    /// # Errors
    /// The guard, if a thread panicked while it held the lock.
    ///
    /// # Panics
    /// On a thread that is no worker of a turnstile: nobody would give it its turn.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let gate = Gate::current().expect("only a worker of a turnstile can wait here");
        let notified = Arc::new(AtomicBool::new(false));
        self.waiting().push_back(notified.clone());
        let lock = guard.lock;
        drop(guard);
        gate.wait_until(&gate.after("wait"), || notified.load(Ordering::SeqCst).then_some(()));
        lock.lock()
    }

    /// Waits as long as `condition` is true.
    ///
    /// # Errors
    /// The guard, if a thread panicked while it held the lock.
    ///
    /// # Panics
    /// If it has to wait, as [`Condvar::wait`].
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Wakes the worker that waits longest.
    pub fn notify_one(&self) {
        if let Some(notified) = self.waiting().pop_front() {
            notified.store(true, Ordering::SeqCst);
        }
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        for notified in self.waiting().drain(..) {
            notified.store(true, Ordering::SeqCst);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<AtomicBool>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
