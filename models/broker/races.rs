//! What threads do to a broker at once, and a broker that answers before its log has.

use std::sync::Arc;

use counterpart::conform::interleave::Script;
use counterpart::conform::interleave::sync::{Mutex, PoisonError};
use counterpart::model::{Shared, Slots};

use super::bindings::{NOW_MS, PRODUCER, VISIBILITY_MS, consumer_id, publish};
use super::conformance::DeliveryInterface;
use super::implementation::{
    Change, Config, Core, DeliverError, Log, MessageId, Published, Recovered, StoreError, Token,
};
use super::loomed::shared::Broker;
use super::model::{Action, CONSUMERS_MAX, Delivery, Told};

/// A log in memory, that threads share with whoever looks whether something is durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Recovered>>);

impl Memory {
    fn has(&self, message: MessageId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).messages.contains_key(&message)
    }

    fn has_key(&self, idempotency_key: u128) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.messages.values().any(|row| row.idempotency_key == idempotency_key)
    }
}

impl Log for Memory {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.iter().cloned().for_each(|change| kept.keep(change));
        Ok(())
    }
}

/// A broker between threads.
pub(super) struct Raced {
    log: Memory,
    broker: Broker<Memory>,
    held: Slots<Token>,
    bounds: Delivery,
    /// Whether a publish is answered by a broker that does not wait for its log.
    answers_early: bool,
    unsynced: Mutex<Core>,
}

impl Raced {
    /// The broker that `model` speaks of.
    ///
    /// # Panics
    /// If its bounds make none.
    pub(super) fn new(model: &Delivery) -> Self {
        let config = Config {
            visibility_ms: VISIBILITY_MS,
            attempts_max: model.attempts_max.map(u32::from),
            ..Config::default()
        };
        let core = || Core::recover(config, Recovered::default()).expect("a configuration");
        let log = Memory::default();
        let broker = Broker::new(core(), log.clone()).expect("a log in memory");
        broker.start_producer(PRODUCER).expect("a log in memory");
        for consumer in 0..model.consumers {
            broker.add_consumer(consumer_id(consumer), model.prefetch.into()).expect("a log in memory");
        }
        let mut unsynced = core();
        unsynced.start_producer(PRODUCER);
        Raced {
            log,
            broker,
            held: Slots::new(CONSUMERS_MAX),
            bounds: model.clone(),
            answers_early: false,
            unsynced: Mutex::new(unsynced),
        }
    }

    /// One that answers a publish before the log has it.
    pub(super) fn early(model: &Delivery) -> Self {
        Raced { answers_early: true, ..Raced::new(model) }
    }

    fn arrive(&self, message: u8, epoch: u8, sequence: u8) -> Told {
        let publish = publish(&self.bounds, message, epoch, sequence);
        let idempotency_key = publish.idempotency_key;
        let published = if self.answers_early {
            self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).publish(publish)
        } else {
            self.broker.publish(publish).expect("a log in memory")
        };
        match published {
            Ok(Published::Stored(id)) if self.log.has(id) => Told::Confirmed,
            Ok(Published::Stored(_)) => Told::Stored,
            // Answered, the first copy is durable as well.
            Ok(Published::Duplicate { .. }) if self.log.has_key(idempotency_key) => Told::Duplicate,
            Ok(Published::Duplicate { .. }) => Told::DuplicateUnsynced,
            Err(_) => Told::OutOfSequence,
        }
    }
}

impl Shared<DeliveryInterface> for Raced {
    fn call(&self, input: &Action) -> Told {
        let settled = |settled: bool| if settled { Told::Settled } else { Told::Stale };
        let in_hand = |consumer: u8| self.held.take(consumer.into());
        match *input {
            Action::Arrive { message, epoch, sequence } => self.arrive(message, epoch, sequence),
            Action::Deliver { consumer } => {
                let delivered = self.broker.deliver(consumer_id(consumer), NOW_MS).expect("a log in memory");
                match delivered {
                    Ok(Some(delivery)) => {
                        self.held.put(consumer.into(), delivery.token);
                        let message = delivery.payload.first().copied().unwrap_or(u8::MAX);
                        Told::Delivered { message, attempt: u8::try_from(delivery.attempt).unwrap_or(u8::MAX) }
                    }
                    Ok(None) => Told::Nothing,
                    Err(DeliverError::Full { .. }) => Told::Full,
                    Err(_) => Told::Stale,
                }
            }
            // The effect is the consumer's own: here each message is worked on once.
            Action::Work { .. } => Told::Applied,
            Action::Ack { consumer } => {
                let acked = in_hand(consumer).map(|token| self.broker.ack(token).expect("a log in memory"));
                settled(acked == Some(Ok(())))
            }
            Action::Nack { consumer } => {
                let given = in_hand(consumer).map(|token| self.broker.give_back(token).expect("a log in memory"));
                settled(given == Some(Ok(())))
            }
            Action::RemoveConsumer { consumer } => {
                self.broker.remove_consumer(consumer_id(consumer)).expect("a log in memory");
                Told::Done
            }
            _ => Told::Done,
        }
    }
}

/// The bounds in which scripts run.
pub(super) fn racing() -> Delivery {
    let budget = super::model::Budget { removals: 1, retries: 1, nacks: 1, ..Default::default() };
    Delivery { budget, ..Delivery::small() }
}

fn send(message: u8) -> Action {
    Action::Send { message }
}

fn arrive(message: u8) -> Action {
    Action::Arrive { message, epoch: 0, sequence: message }
}

/// Two publishers that share a commit, or make one each.
pub(super) fn two_publishes() -> Script<Action> {
    Script::after([send(0), Action::Retry { message: 0 }]).thread([arrive(0)]).thread([arrive(0)])
}

/// What threads do at once, each script for a race of its own.
pub(super) fn scripts() -> Vec<Script<Action>> {
    let deliver = |consumer| Action::Deliver { consumer };
    let (work, ack) = (Action::Work { consumer: 0 }, Action::Ack { consumer: 0 });
    vec![
        two_publishes(),
        // While one is synced, two wait for the sync that they share: neither is answered before it.
        Script::after([send(0), send(1), Action::Retry { message: 1 }])
            .thread([arrive(1)])
            .thread([arrive(1)])
            .thread([arrive(0)])
            .preemptions_max(2),
        // Two that are sent in order may arrive in any.
        Script::after([send(0), send(1)]).thread([arrive(0)]).thread([arrive(1)]),
        // Two consumers and one message.
        Script::after([send(0), arrive(0)]).thread([deliver(0)]).thread([deliver(1)]),
        // A publish, and whoever waits for it.
        Script::after([send(0)]).thread([arrive(0)]).thread([deliver(0)]).preemptions_max(3),
        // The ack of a message, and the removal of who has it.
        Script::after([send(0), arrive(0), deliver(0), work])
            .thread([ack])
            .thread([Action::RemoveConsumer { consumer: 0 }])
            .preemptions_max(3),
        // The ack of a message, and whoever waits for the next of the key.
        Script::after([send(0), arrive(0), send(1), arrive(1), deliver(0), work])
            .thread([ack])
            .thread([deliver(1)])
            .preemptions_max(3),
        // A message is given back while another consumer asks.
        Script::after([send(0), arrive(0), deliver(0)])
            .thread([Action::Nack { consumer: 0 }])
            .thread([deliver(1)])
            .preemptions_max(3),
    ]
}
