//! A channel without a bound, from many senders to one receiver, whose `try_recv` sees it empty as well as not.

use std::collections::VecDeque;
use std::fmt;
use std::sync::PoisonError;

pub use std::sync::mpsc::{RecvError, SendError, TryRecvError};

use super::Condvar;

/// The two ends of a new channel.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = loom::sync::Arc::new(Channel {
        sent: super::Mutex::new(Sent { queue: VecDeque::new(), senders: 1, is_received: true }),
        arrived: Condvar::new(),
    });
    (Sender(channel.clone()), Receiver(channel))
}

struct Channel<T> {
    sent: super::Mutex<Sent<T>>,
    arrived: Condvar,
}

struct Sent<T> {
    queue: VecDeque<T>,
    senders: usize,
    /// Whether the receiver is there.
    is_received: bool,
}

impl<T> Channel<T> {
    fn sent(&self) -> super::MutexGuard<'_, Sent<T>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that sends.
pub struct Sender<T>(loom::sync::Arc<Channel<T>>);

/// The end that receives. Only a thread of a script may wait there.
pub struct Receiver<T>(loom::sync::Arc<Channel<T>>);

impl<T> Sender<T> {
    /// Sends `value`.
    ///
    /// # Errors
    /// The value, if the receiver is gone.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut sent = self.0.sent();
        if !sent.is_received {
            return Err(SendError(value));
        }
        sent.queue.push_back(value);
        drop(sent);
        self.0.arrived.notify_one();
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// Waits for what is sent next.
    ///
    /// # Errors
    /// If nothing is left and all senders are gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        let waits = |sent: &mut Sent<T>| sent.queue.is_empty() && sent.senders > 0;
        let sent = self.0.arrived.wait_while(self.0.sent(), waits);
        sent.unwrap_or_else(PoisonError::into_inner).queue.pop_front().ok_or(RecvError)
    }

    /// What was sent next, if it was already.
    ///
    /// # Errors
    /// If nothing is there, and whether something may come.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut sent = self.0.sent();
        let gone = sent.senders == 0;
        sent.queue.pop_front().ok_or(if gone { TryRecvError::Disconnected } else { TryRecvError::Empty })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.sent().senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.sent().senders -= 1;
        self.0.arrived.notify_all();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // What is left is dropped without the lock: it may be an end of another channel.
        let left = {
            let mut sent = self.0.sent();
            sent.is_received = false;
            std::mem::take(&mut sent.queue)
        };
        drop(left);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
