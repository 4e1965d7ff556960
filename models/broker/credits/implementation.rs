//! An inbox one would ship: bounded, with places that can be set aside.

use std::collections::VecDeque;

use thiserror::Error;

/// A bounded queue of which places can be set aside for what is to come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inbox<T> {
    queue: VecDeque<T>,
    reserved: usize,
    capacity: usize,
}

/// There is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("all {capacity} places of the inbox are taken")]
pub struct Full {
    /// Places of the inbox.
    pub capacity: usize,
}

/// No place was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("no place of the inbox was set aside")]
pub struct NotReserved;

impl<T> Inbox<T> {
    /// An empty inbox. One without places takes nothing.
    pub fn new(capacity: usize) -> Self {
        Inbox { queue: VecDeque::new(), reserved: 0, capacity }
    }

    /// Sets a place aside: before a request is sent, for the reply.
    ///
    /// # Errors
    /// There is none.
    pub fn reserve(&mut self) -> Result<(), Full> {
        self.room()?;
        self.reserved += 1;
        Ok(())
    }

    /// Gives a place that was set aside back, unused.
    ///
    /// # Errors
    /// None was.
    pub fn give_back(&mut self) -> Result<(), NotReserved> {
        self.reserved = self.reserved.checked_sub(1).ok_or(NotReserved)?;
        Ok(())
    }

    /// Puts something in.
    ///
    /// # Errors
    /// There is no place.
    pub fn put(&mut self, item: T) -> Result<(), Full> {
        self.room()?;
        self.queue.push_back(item);
        Ok(())
    }

    /// Puts something into a place that was set aside: that never has to wait.
    ///
    /// # Errors
    /// None was.
    pub fn put_reserved(&mut self, item: T) -> Result<(), NotReserved> {
        self.give_back()?;
        self.queue.push_back(item);
        Ok(())
    }

    /// Takes the oldest of those that `wanted` picks.
    pub fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.queue.iter().position(wanted)?;
        self.queue.remove(at)
    }

    /// What is in it, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.queue.iter()
    }

    /// Places that are set aside.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    fn room(&self) -> Result<(), Full> {
        let taken = self.queue.len() + self.reserved;
        if taken < self.capacity { Ok(()) } else { Err(Full { capacity: self.capacity }) }
    }
}
