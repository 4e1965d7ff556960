//! What hosts share: a bounded channel to the next one, and a host that goes through its lap on the thread that calls it.
//!
//! Compiled three times: with the locks of the standard library, with loom's, and with those of a turnstile, which sees
//! who waits.

use std::collections::VecDeque;
use std::sync::PoisonError;

use thiserror::Error;

use super::implementation::{Next, Rotation};
use super::sync::{Arc, Condvar, Mutex, MutexGuard};

/// The neighbour at the other end is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the neighbour is gone")]
pub struct Gone;

/// One end sends, the other receives.
#[derive(Debug)]
struct Channel<T> {
    capacity: usize,
    inner: Mutex<Inner<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner<T> {
    /// With capacity 0: what is offered and not taken, one at most.
    queue: VecDeque<T>,
    sender_gone: bool,
    receiver_gone: bool,
    /// Blocks in the receiver's own buffers.
    held: usize,
    held_max: usize,
}

impl<T> Channel<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // No panic leaves it half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, Inner<T>>) -> MutexGuard<'a, Inner<T>> {
        self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, inner: &mut Inner<T>) {
        let waiting = if self.capacity == 0 { 0 } else { inner.queue.len() };
        inner.held_max = inner.held_max.max(inner.held + waiting);
    }
}

/// A channel that holds `capacity` blocks; with 0 sender and receiver meet. Its receiver begins with one block of its
/// own.
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let inner = Inner { queue: VecDeque::new(), sender_gone: false, receiver_gone: false, held: 1, held_max: 1 };
    let channel = Arc::new(Channel { capacity, inner: Mutex::new(inner), changed: Condvar::new() });
    (Sender(channel.clone()), Receiver(channel))
}

/// Sends. Dropped, it lets the receiver know.
#[derive(Debug)]
pub struct Sender<T>(Arc<Channel<T>>);

impl<T> Sender<T> {
    /// Hands over `block`; waits for room, and with capacity 0 until it is taken.
    ///
    /// # Errors
    /// The receiver is gone, and has not taken it.
    pub fn send(&self, block: T) -> Result<(), Gone> {
        let channel = &*self.0;
        let mut inner = channel.lock();
        while inner.queue.len() >= channel.capacity.max(1) && !inner.receiver_gone && !inner.sender_gone {
            inner = channel.wait(inner);
        }
        if inner.receiver_gone || inner.sender_gone {
            return Err(Gone);
        }
        inner.queue.push_back(block);
        channel.count(&mut inner);
        channel.changed.notify_all();
        if channel.capacity == 0 {
            while !inner.queue.is_empty() && !inner.receiver_gone && !inner.sender_gone {
                inner = channel.wait(inner);
            }
            if inner.queue.pop_back().is_some() {
                return Err(Gone);
            }
        }
        Ok(())
    }

    /// Takes this end away, from whatever thread.
    pub fn sever(&self) {
        let mut inner = self.0.lock();
        inner.sender_gone = true;
        if self.0.capacity == 0 {
            inner.queue.clear();
        }
        self.0.changed.notify_all();
    }

    /// Another handle of the same end, for [`sever`](Sender::sever). It keeps the channel and does not keep it open.
    pub fn handle(&self) -> Handle<T> {
        Handle(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.sever();
    }
}

/// Receives. Dropped, it lets the sender know.
#[derive(Debug)]
pub struct Receiver<T>(Arc<Channel<T>>);

impl<T> Receiver<T> {
    /// Takes the oldest block; waits for one. `into_spare`: the block at hand is kept until [`moved_on`].
    ///
    /// [`moved_on`]: Receiver::moved_on
    ///
    /// # Errors
    /// The sender is gone, and nothing is left of what it sent.
    pub fn receive(&self, into_spare: bool) -> Result<T, Gone> {
        let channel = &*self.0;
        let mut inner = channel.lock();
        while inner.queue.is_empty() && !inner.sender_gone && !inner.receiver_gone {
            inner = channel.wait(inner);
        }
        if inner.receiver_gone {
            return Err(Gone);
        }
        let block = inner.queue.pop_front().ok_or(Gone)?;
        inner.held += usize::from(into_spare);
        channel.count(&mut inner);
        channel.changed.notify_all();
        Ok(block)
    }

    /// The spare has become the block at hand.
    pub fn moved_on(&self) {
        let mut inner = self.0.lock();
        inner.held = inner.held.saturating_sub(1);
    }

    /// Takes this end away, from whatever thread.
    pub fn sever(&self) {
        self.0.lock().receiver_gone = true;
        self.0.changed.notify_all();
    }

    /// Another handle of the same end.
    pub fn handle(&self) -> Handle<T> {
        Handle(self.0.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.sever();
    }
}

/// A channel, seen from outside.
#[derive(Debug)]
pub struct Handle<T>(Arc<Channel<T>>);

impl<T> Handle<T> {
    /// Blocks that the receiver holds now, those that wait for it counted.
    pub fn held(&self) -> usize {
        let inner = self.0.lock();
        inner.held + if self.0.capacity == 0 { 0 } else { inner.queue.len() }
    }

    /// The most that it ever held.
    pub fn held_max(&self) -> usize {
        self.0.lock().held_max
    }

    /// Takes the sender's end away, as a crash does.
    pub fn sever_sender(&self) {
        let mut inner = self.0.lock();
        inner.sender_gone = true;
        if self.0.capacity == 0 {
            inner.queue.clear();
        }
        self.0.changed.notify_all();
    }

    /// Takes the receiver's end away, as a crash does.
    pub fn sever_receiver(&self) {
        self.0.lock().receiver_gone = true;
        self.0.changed.notify_all();
    }
}

/// Why a lap ended before its output was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Lost {
    /// The neighbour that this host sends to, or receives from, is gone.
    #[error("host {host}: {gone} while it was about to {doing:?}: the lap has no output")]
    Neighbour {
        /// 0-based.
        host: usize,
        /// What it was doing.
        doing: Next,
        /// The channel's word.
        gone: Gone,
    },
    /// The block that came is not the one that was to come.
    #[error("host {host} received the block of host {got}, and expected that of host {expected}")]
    Misrouted {
        /// 0-based.
        host: usize,
        /// Whose block was to come.
        expected: usize,
        /// Whose block came.
        got: usize,
    },
}

/// Blocks are sent with the number of the host whose they are.
type Tagged<B> = (usize, B);

/// One host. `B` is a block: whatever is cheap to clone (an `Arc` of keys and values), or nothing at all.
#[derive(Debug)]
pub struct Host<B> {
    rotation: Rotation,
    block: Option<Tagged<B>>,
    spare: Option<Tagged<B>>,
    to: Sender<Tagged<B>>,
    from: Receiver<Tagged<B>>,
}

impl<B: Clone> Host<B> {
    /// A host with its own `block` at hand.
    pub fn new(rotation: Rotation, block: B, to: Sender<Tagged<B>>, from: Receiver<Tagged<B>>) -> Self {
        let block = Some((rotation.host(), block));
        Host { rotation, block, spare: None, to, from }
    }

    /// What it does next; `None` at the end.
    pub fn next(&self) -> Option<Next> {
        self.rotation.next()
    }

    /// Whose block is at hand.
    pub fn origin(&self) -> Option<usize> {
        self.block.as_ref().map(|(origin, _)| *origin)
    }

    /// The channel into it, seen from outside.
    pub fn inbound(&self) -> Handle<Tagged<B>> {
        self.from.handle()
    }

    /// The channel out of it, seen from outside.
    pub fn outbound(&self) -> Handle<Tagged<B>> {
        self.to.handle()
    }

    /// Does what is next, and says what it was; `compute` is given a block and its origin. Waits where a neighbour is not
    /// so far.
    ///
    /// # Errors
    /// A neighbour is gone, or a wrong block came.
    pub fn step(&mut self, compute: &mut impl FnMut(usize, &mut B)) -> Result<Option<Next>, Lost> {
        let Some(next) = self.rotation.next() else { return Ok(None) };
        let host = self.rotation.host();
        let lost = |gone| Lost::Neighbour { host, doing: next, gone };
        match next {
            Next::Send => {
                if let Some(block) = &self.block {
                    self.to.send(block.clone()).map_err(lost)?;
                }
            }
            Next::Receive => {
                let into_spare = self.rotation.receives_into_spare();
                let (got, block) = self.from.receive(into_spare).map_err(lost)?;
                let expected = self.rotation.origin_to_come();
                if got != expected {
                    return Err(Lost::Misrouted { host, expected, got });
                }
                if into_spare {
                    self.spare = Some((got, block));
                } else {
                    self.block = Some((got, block));
                }
            }
            Next::Compute => {
                if let Some((origin, block)) = &mut self.block {
                    compute(*origin, block);
                }
            }
            Next::Publish => {}
        }
        let before = self.rotation.origin();
        self.rotation.done();
        if self.rotation.origin() != before
            && let Some(block) = self.spare.take()
        {
            self.block = Some(block);
            self.from.moved_on();
        }
        Ok(Some(next))
    }

    /// Goes through the whole lap, and gives back the block that is then at hand: backward its own, with its gradient.
    ///
    /// # Errors
    /// A neighbour is gone, or a wrong block came.
    pub fn lap(mut self, mut compute: impl FnMut(usize, &mut B)) -> Result<Option<B>, Lost> {
        while self.step(&mut compute)?.is_some() {}
        Ok(self.block.take().map(|(_, block)| block))
    }
}

/// The hosts of a ring, connected; `blocks` are theirs, in order.
pub fn connect<B: Clone>(rotations: Vec<Rotation>, blocks: Vec<B>) -> Vec<Host<B>> {
    let capacity = rotations.first().map_or(0, |rotation| rotation.plan().capacity());
    connect_by(capacity, rotations, blocks)
}

/// The same over channels of another capacity than the plan's, which may come to a standstill.
pub fn connect_by<B: Clone>(capacity: usize, rotations: Vec<Rotation>, blocks: Vec<B>) -> Vec<Host<B>> {
    let (senders, mut receivers): (Vec<_>, Vec<_>) = rotations.iter().map(|_| channel(capacity)).unzip();
    // The channel out of the last leads to the first.
    receivers.rotate_right(1);
    let ends = senders.into_iter().zip(receivers);
    let hosts = rotations.into_iter().zip(blocks).zip(ends);
    hosts.map(|((rotation, block), (to, from))| Host::new(rotation, block, to, from)).collect()
}
