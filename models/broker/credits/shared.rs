//! The inboxes of two services that threads share.
//!
//! A request wants a place in both. Both are behind one lock: whoever took them one after the other would set a place aside
//! that it may have to give back, and a request that comes meanwhile would be refused for want of it. Two services that
//! ask at the same time could refuse each other like that again and again.
//!
//! Compiled twice, with the locks of the standard library and, to be raced, with loom's.

use super::implementation::{Full, Inbox, NotReserved};
use super::sync::{Mutex, MutexGuard, PoisonError};

/// One of two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The first.
    First,
    /// The second.
    Second,
}

/// The inboxes of two services that send each other requests, and reply to them.
#[derive(Debug)]
pub struct Inboxes<T> {
    pair: Mutex<[Inbox<T>; 2]>,
}

impl<T> Inboxes<T> {
    /// Two empty inboxes of so many places each.
    pub fn new(capacity: usize) -> Self {
        Inboxes { pair: Mutex::new([Inbox::new(capacity), Inbox::new(capacity)]) }
    }

    /// Sends a request to the other service, with a place of one's own set aside for the reply.
    ///
    /// # Errors
    /// There is no place, in one's own inbox or in the other. Nothing has changed.
    pub fn request(&self, from: Service, item: T) -> Result<(), Full> {
        let mut pair = self.lock();
        let (own, other) = sides(&mut pair, from);
        own.reserve()?;
        other.put(item).inspect_err(|_| {
            // It was set aside just now.
            let _ = own.give_back();
        })
    }

    /// Replies to a request of the other service. There is a place: it does not wait.
    ///
    /// # Errors
    /// The other has no place set aside: it waits for no reply.
    pub fn reply(&self, from: Service, item: T) -> Result<(), NotReserved> {
        sides(&mut self.lock(), from).1.put_reserved(item)
    }

    /// Takes the oldest of one's own inbox that `wanted` picks.
    pub fn take(&self, at: Service, wanted: impl Fn(&T) -> bool) -> Option<T> {
        sides(&mut self.lock(), at).0.take(wanted)
    }

    fn lock(&self) -> MutexGuard<'_, [Inbox<T>; 2]> {
        self.pair.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inbox of `of`, and that of the other.
fn sides<T>(pair: &mut [Inbox<T>; 2], of: Service) -> (&mut Inbox<T>, &mut Inbox<T>) {
    let [first, second] = pair;
    match of {
        Service::First => (first, second),
        Service::Second => (second, first),
    }
}
