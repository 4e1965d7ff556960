//! The broker that threads share: one lock around the [`Core`], and a commit that is made for all who wait.
//!
//! Whoever comes first while no commit is under way makes one: for everything that was asked for until then, while those
//! who come meanwhile are gathered for the next. Nobody is answered before what they asked for is durable. That is group
//! commit: with so many publishers at once a sync is paid by all of them together.
//!
//! Compiled twice, with the locks of the standard library and, to be raced, with loom's.

use super::implementation::{
    ConsumerId, Core, DeliverError, Delivery, Log, MessageId, ProducerId, Publish, PublishError, Published, Stale,
    StoreError, Token, Unknown,
};
use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A broker that threads share, on a log.
#[derive(Debug)]
pub struct Broker<L> {
    state: Mutex<State<L>>,
    committed: Condvar,
}

#[derive(Debug)]
struct State<L> {
    core: Core,
    /// Whoever commits has it.
    log: Option<L>,
    /// Calls that have changed something.
    asked: u64,
    /// Those of them that are durable.
    durable: u64,
    failed: Option<StoreError>,
}

impl<L: Log> Broker<L> {
    /// A broker whose core was recovered from what `log` has.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn new(mut core: Core, mut log: L) -> Result<Self, StoreError> {
        log.commit(&core.take_changes())?;
        let state = State { core, log: Some(log), asked: 0, durable: 0, failed: None };
        Ok(Broker { state: Mutex::new(state), committed: Condvar::new() })
    }

    /// As [`Core::start_producer`].
    ///
    /// # Errors
    /// The log has failed.
    pub fn start_producer(&self, producer: ProducerId) -> Result<u32, StoreError> {
        self.ask(|core| core.start_producer(producer))
    }

    /// Takes a publish; once it returns without an error the message is durable, which is the confirmation.
    ///
    /// # Errors
    /// The log has failed: whether the message is durable is not known. Or it was not taken.
    pub fn publish(&self, publish: Publish) -> Result<Result<Published, PublishError>, StoreError> {
        self.ask(|core| core.publish(publish))
    }

    /// As [`Core::add_consumer`].
    ///
    /// # Errors
    /// The log has failed.
    pub fn add_consumer(&self, consumer: ConsumerId, prefetch: u32) -> Result<(), StoreError> {
        self.ask(|core| core.add_consumer(consumer, prefetch))
    }

    /// As [`Core::remove_consumer`].
    ///
    /// # Errors
    /// The log has failed.
    pub fn remove_consumer(&self, consumer: ConsumerId) -> Result<(), StoreError> {
        self.ask(|core| core.remove_consumer(consumer))
    }

    /// Takes back what was handed out too long ago, moves what has used up its attempts to the dead letters, and hands out
    /// the next message.
    ///
    /// # Errors
    /// The log has failed. Or as [`Core::deliver`].
    pub fn deliver(
        &self,
        consumer: ConsumerId,
        now_ms: u64,
    ) -> Result<Result<Option<Delivery>, DeliverError>, StoreError> {
        self.ask(|core| {
            core.expire(now_ms);
            core.bury_used_up();
            core.deliver(consumer, now_ms)
        })
    }

    /// As [`Core::ack`].
    ///
    /// # Errors
    /// The log has failed. Or the lease is over.
    pub fn ack(&self, token: Token) -> Result<Result<(), Stale>, StoreError> {
        self.ask(|core| core.ack(token))
    }

    /// As [`Core::give_back`].
    ///
    /// # Errors
    /// The log has failed. Or the lease is over.
    pub fn give_back(&self, token: Token) -> Result<Result<(), Stale>, StoreError> {
        self.ask(|core| core.give_back(token))
    }

    /// As [`Core::renew`].
    ///
    /// # Errors
    /// The log has failed. Or the lease is over.
    pub fn renew(&self, token: Token, now_ms: u64) -> Result<Result<(), Stale>, StoreError> {
        self.ask(|core| core.renew(token, now_ms))
    }

    /// As [`Core::redrive`].
    ///
    /// # Errors
    /// The log has failed. Or it is no dead letter.
    pub fn redrive(&self, message: MessageId) -> Result<Result<(), Unknown>, StoreError> {
        self.ask(|core| core.redrive(message))
    }

    /// The dead letters, the oldest first.
    ///
    /// # Errors
    /// The log has failed.
    pub fn dead_letters(&self) -> Result<Vec<MessageId>, StoreError> {
        self.ask(|core| core.dead_letters().map(|(id, _)| id).collect())
    }

    /// Messages that are kept, dead letters included.
    ///
    /// # Errors
    /// The log has failed.
    pub fn message_count(&self) -> Result<usize, StoreError> {
        self.ask(|core| core.messages().count())
    }

    /// Asks the core, and answers once what it has changed is durable.
    fn ask<T>(&self, ask: impl FnOnce(&mut Core) -> T) -> Result<T, StoreError> {
        let mut state = self.lock();
        if let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        let answer = ask(&mut state.core);
        if !state.core.owes() && state.asked == state.durable {
            return Ok(answer);
        }
        state.asked += 1;
        let mine = state.asked;
        loop {
            if state.durable >= mine {
                return Ok(answer);
            }
            if let Some(failed) = &state.failed {
                return Err(failed.clone());
            }
            state = match state.log.take() {
                Some(log) => self.commit(state, log),
                None => self.committed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Commits all that was asked for so far, without the lock.
    fn commit<'broker>(
        &'broker self,
        mut state: MutexGuard<'broker, State<L>>,
        mut log: L,
    ) -> MutexGuard<'broker, State<L>> {
        let mut changes = state.core.take_changes();
        let mut last = None;
        for (unsynced, rows) in state.core.unsynced() {
            last = Some(unsynced.message);
            changes.extend(rows);
        }
        let asked = state.asked;
        drop(state);
        let unwinding = FailOnUnwind { broker: self };
        let committed = log.commit(&changes);
        std::mem::forget(unwinding);
        let mut state = self.lock();
        state.log = Some(log);
        match committed {
            Ok(()) => {
                if let Some(last) = last {
                    state.core.synced(last);
                }
                state.durable = asked;
            }
            Err(error) => state.failed = Some(error),
        }
        self.committed.notify_all();
        state
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that the log has failed, and to all who wait for it, unless it is forgotten.
struct FailOnUnwind<'broker, L: Log> {
    broker: &'broker Broker<L>,
}

impl<L: Log> Drop for FailOnUnwind<'_, L> {
    fn drop(&mut self) {
        self.broker.lock().failed = Some(StoreError::Unwound);
        self.broker.committed.notify_all();
    }
}
