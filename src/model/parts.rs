//! The parts that bindings are made of: slots for what clients are handed out, a clock that stands still, and a core
//! that is reached as if threads shared it.
//!
//! With them one binding, one `match` on the input, serves a core without a lock and everything that threads share:
//! ```
//! use counterpart::model::{Hold, Plain, SettableClock};
//!
//! /// Counts the calls of one tick.
//! #[derive(Clone, Debug, PartialEq, Eq, Hash)]
//! struct Counter(u8);
//!
//! /// Over whatever holds the counter.
//! #[derive(Clone, Debug, PartialEq, Eq, Hash)]
//! struct Binding<H> { counter: H, clock: SettableClock }
//!
//! impl<H: Hold<Counter>> Binding<H> {
//!     fn count(&self) -> u8 { self.counter.with(|counter| { counter.0 += 1; counter.0 }) }
//!     fn tick(&self) { self.clock.advance(1); self.counter.with(|counter| counter.0 = 0); }
//! }
//!
//! // Plain data: two of them can be compared, which is what exploring them together with a model needs.
//! let binding = Binding { counter: Plain::hold(Counter(0)), clock: SettableClock::default() };
//! let before = binding.clone();
//! assert_eq!((binding.count(), binding.count()), (1, 2));
//! assert_ne!(binding, before);
//! binding.tick();
//! assert_eq!((binding.clock.now(), binding.count()), (1, 1));
//! ```

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How a core is held, so that it can be changed through a shared reference: under a lock, or in a way that goes wrong.
pub trait Hold<T>: Send + Sync {
    /// Holds `core`.
    fn hold(core: T) -> Self
    where
        Self: Sized;

    /// Lets `act` read and change it.
    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R
    where
        Self: Sized;

    /// The core itself, where it can be made canonical ([`Counterpart::canonical`](super::Counterpart::canonical)).
    fn plain(&mut self) -> Option<&mut T> {
        None
    }
}

/// A core as plain data: two that hold the same are equal. Driven from one thread.
#[derive(Debug, Default)]
pub struct Plain<T>(Mutex<T>);

impl<T> Plain<T> {
    fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Send> Hold<T> for Plain<T> {
    fn hold(core: T) -> Self {
        Plain(Mutex::new(core))
    }

    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn plain(&mut self) -> Option<&mut T> {
        Some(self.0.get_mut().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Clone> Clone for Plain<T> {
    fn clone(&self) -> Self {
        Plain(Mutex::new(self.read(T::clone)))
    }
}

impl<T: PartialEq> PartialEq for Plain<T> {
    fn eq(&self, other: &Self) -> bool {
        // Its lock cannot be taken twice.
        std::ptr::eq(self, other) || self.read(|own| other.read(|other| own == other))
    }
}

impl<T: Eq> Eq for Plain<T> {}

impl<T: Hash> Hash for Plain<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.read(|own| own.hash(state));
    }
}

/// Client slots: what an implementation handed out (a permit, a token, a lease), under the index that inputs name.
///
/// Its locks are the standard library's on purpose: a slot belongs to one thread at a time, and must not add schedules
/// of its own under loom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slots<T>(Vec<Plain<Option<T>>>);

impl<T: Send> Slots<T> {
    /// `count` empty slots.
    pub fn new(count: usize) -> Self {
        Slots((0..count).map(|_| Plain::hold(None)).collect())
    }

    /// Puts `item` into slot `index` (0-based) and returns what was there.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn put(&self, index: usize, item: T) -> Option<T> {
        self.0[index].with(|slot| slot.replace(item))
    }

    /// Empties slot `index` (0-based).
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn take(&self, index: usize) -> Option<T> {
        self.0[index].with(Option::take)
    }

    /// What lies in slot `index` (0-based), if anything.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn get(&self, index: usize) -> Option<T>
    where
        T: Clone,
    {
        self.0[index].with(|slot| slot.clone())
    }

    /// What lies in the slots that are not empty, to be read and changed.
    pub fn held(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().filter_map(|slot| slot.plain().and_then(Option::as_mut))
    }
}

/// Time as an input: it stands still until a binding moves it. What its unit is, its user knows.
#[derive(Debug, Default)]
pub struct SettableClock(AtomicU64);

impl SettableClock {
    /// A clock that shows `now`.
    pub fn at(now: u64) -> Self {
        SettableClock(AtomicU64::new(now))
    }

    /// What it shows: time since its own beginning.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves it on.
    pub fn advance(&self, by: u64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    /// Moves it back, at most to 0.
    pub fn step_back(&self, by: u64) {
        self.0.store(self.now().saturating_sub(by), Ordering::SeqCst);
    }
}

impl Clone for SettableClock {
    fn clone(&self) -> Self {
        SettableClock::at(self.now())
    }
}

impl PartialEq for SettableClock {
    fn eq(&self, other: &Self) -> bool {
        self.now() == other.now()
    }
}

impl Eq for SettableClock {}

impl Hash for SettableClock {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.now().hash(state);
    }
}
