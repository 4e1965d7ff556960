//! Our broker and our store of effects, bound: with a disk of which a crash leaves what the model says.

use std::sync::Arc;

use counterpart::Counterpart;

use super::conformance::{DeliveryInterface, Shown};
use super::implementation::{
    Config, ConsumerId, Core, DeliverError, EffectStore, MessageId, Outcome, Place, ProducerId, Publish, PublishError,
    Published, Recovered, Token,
};
use super::model::{Action, CONSUMERS_MAX, Delivery, HELD_MAX, LOG_MAX, MESSAGES_MAX, Status, Told};

/// A lease's length, in milliseconds.
pub(super) const VISIBILITY_MS: u64 = 1_000;

/// Every lease begins here: time stands still but for a lease that runs out.
pub(super) const NOW_MS: u64 = 1_000_000;

pub(super) const PRODUCER: ProducerId = ProducerId(7);

/// What a consumer has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Held {
    message: u8,
    token: Token,
}

/// An entry of the log, as the outside knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Known {
    message: u8,
    id: MessageId,
    attempts: u8,
}

/// The broker, its disk, the store of effects and the consumers' hands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    bounds: Delivery,
    disk: Recovered,
    core: Core,
    effects: EffectStore,
    ledger: [u8; MESSAGES_MAX],
    log: Vec<Known>,
    up: [bool; CONSUMERS_MAX],
    held: [[Option<Held>; HELD_MAX]; CONSUMERS_MAX],
}

pub(super) fn consumer_id(consumer: u8) -> ConsumerId {
    ConsumerId(u64::from(consumer))
}

/// What the producer sends.
pub(super) fn publish(bounds: &Delivery, message: u8, epoch: u8, sequence: u8) -> Publish {
    Publish {
        producer: PRODUCER,
        epoch: epoch.into(),
        sequence: sequence.into(),
        ordering_key: bounds.key(message) as u64,
        idempotency_key: message.into(),
        payload: Arc::from([message].as_slice()),
    }
}

impl Bound {
    /// The broker that `model` speaks of.
    ///
    /// # Panics
    /// If the model's bounds make no configuration.
    pub fn new(model: &Delivery) -> Self {
        let disk = Recovered::default();
        let core = Core::recover(config(model), disk.clone()).expect("a configuration");
        let mut up = [false; CONSUMERS_MAX];
        up[..model.consumers.into()].fill(true);
        let effects = if model.fenced { EffectStore::fenced() } else { EffectStore::unfenced() };
        let mut bound = Bound {
            bounds: model.clone(),
            disk,
            core,
            effects,
            ledger: [0; MESSAGES_MAX],
            log: Vec::new(),
            up,
            held: Default::default(),
        };
        bound.core.start_producer(PRODUCER);
        bound.flush();
        bound.join();
        bound
    }

    /// What has to be durable is written.
    fn flush(&mut self) {
        self.core.take_changes().into_iter().for_each(|change| self.disk.keep(change));
    }

    fn join(&mut self) {
        for consumer in (0..self.bounds.consumers).filter(|consumer| self.up[usize::from(*consumer)]) {
            self.core.add_consumer(consumer_id(consumer), self.bounds.prefetch.into());
        }
    }

    /// The oldest `count` publishes that are not synced reach the disk.
    fn write(&mut self, count: usize) -> Option<MessageId> {
        let rows: Vec<_> = self.core.unsynced().take(count).collect();
        let last = rows.last().map(|(unsynced, _)| unsynced.message);
        rows.into_iter().flat_map(|(_, changes)| changes).for_each(|change| self.disk.keep(change));
        last
    }

    fn sync(&mut self) -> u8 {
        let Some(last) = self.write(usize::MAX) else { return 0 };
        let confirmed = self.core.synced(last);
        let of = |id: MessageId| self.log.iter().find(|known| known.id == id).map(|known| 1 << known.message);
        confirmed.iter().filter_map(|unsynced| of(unsynced.message)).fold(0, |set, bit: u8| set | bit)
    }

    fn arrive(&mut self, message: u8, epoch: u8, sequence: u8) -> Told {
        let publish = publish(&self.bounds, message, epoch, sequence);
        match self.core.publish(publish) {
            Ok(Published::Stored(id)) => {
                self.log.push(Known { message, id, attempts: 0 });
                if self.bounds.group_commit {
                    return Told::Stored;
                }
                self.sync();
                Told::Confirmed
            }
            Ok(Published::Duplicate { is_synced: true }) => Told::Duplicate,
            Ok(Published::Duplicate { is_synced: false }) => Told::DuplicateUnsynced,
            Err(PublishError::OldEpoch { .. }) => Told::OldEpoch,
            // The model has no word for the others: whoever answers so is found out.
            Err(_) => Told::OutOfSequence,
        }
    }

    fn deliver(&mut self, consumer: u8) -> Told {
        match self.core.deliver(consumer_id(consumer), NOW_MS) {
            Ok(Some(delivery)) => {
                let message = delivery.payload.first().copied().unwrap_or(u8::MAX);
                let attempt = u8::try_from(delivery.attempt).unwrap_or(u8::MAX);
                let held = &mut self.held[usize::from(consumer)];
                if let Some(free) = held.iter_mut().find(|held| held.is_none()) {
                    *free = Some(Held { message, token: delivery.token });
                }
                let known = self.log.iter_mut().filter(|known| known.id == delivery.message);
                known.for_each(|known| known.attempts = attempt);
                Told::Delivered { message, attempt }
            }
            Ok(None) => Told::Nothing,
            Err(DeliverError::Full { .. }) => Told::Full,
            Err(_) => Told::Stale,
        }
    }

    /// What `consumer` works on; it lets go of it.
    fn take(&mut self, consumer: u8) -> Option<Held> {
        let held = &mut self.held[usize::from(consumer)];
        let first = held[0];
        *held = [held[1], None];
        first
    }

    fn in_hand(&self, consumer: u8) -> Option<Held> {
        self.held[usize::from(consumer)][0]
    }

    fn work(&mut self, consumer: u8) -> Told {
        let Some(Held { message, token }) = self.in_hand(consumer) else { return Told::Nothing };
        let done = &mut self.ledger[usize::from(message)];
        let key = self.bounds.key(message) as u64;
        match self.effects.apply(message.into(), key, token, || *done += 1) {
            Outcome::Applied => Told::Applied,
            Outcome::Duplicate => Told::Skipped,
            Outcome::Fenced => {
                self.take(consumer);
                Told::Fenced
            }
        }
    }

    fn settle(&mut self, consumer: u8, is_done: bool) -> Told {
        let Some(Held { token, .. }) = self.take(consumer) else { return Told::Nothing };
        let settled = if is_done { self.core.ack(token) } else { self.core.give_back(token) };
        if settled.is_ok() { Told::Settled } else { Told::Stale }
    }

    /// Of all leases that of this entry alone runs out: the others are renewed in time.
    fn expire(&mut self, entry: u8) {
        let leases: Vec<(MessageId, Token)> = self
            .core
            .messages()
            .filter_map(|(id, _, place)| match place {
                Place::Leased { token, .. } => Some((id, token)),
                Place::Ready | Place::Dead => None,
            })
            .collect();
        let others = || leases.iter().filter(|(id, _)| *id != self.log[usize::from(entry)].id);
        let mut renewed = true;
        others().for_each(|(_, token)| renewed &= self.core.renew(*token, NOW_MS + 1).is_ok());
        self.core.expire(NOW_MS + VISIBILITY_MS);
        others().for_each(|(_, token)| renewed &= self.core.renew(*token, NOW_MS).is_ok());
        debug_assert!(renewed, "a lease that was listed is there");
    }

    fn crash(&mut self, survive: u8) {
        self.write(survive.into());
        self.core = Core::recover(config(&self.bounds), self.disk.clone()).expect("a configuration");
        self.flush();
        self.join();
        if self.bounds.lets_go {
            self.held = Default::default();
        }
        let first_free = self.disk.next_id;
        self.log.retain(|known| known.id.0 < first_free);
    }
}

fn config(model: &Delivery) -> Config {
    Config { visibility_ms: VISIBILITY_MS, attempts_max: model.attempts_max.map(u32::from), ..Config::default() }
}

impl Counterpart<DeliveryInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let id = |bound: &Self, entry: u8| bound.log[usize::from(entry)].id;
        let told = match *input {
            Action::Arrive { message, epoch, sequence } => self.arrive(message, epoch, sequence),
            Action::Sync => Told::Synced { confirmed: self.sync() },
            Action::Deliver { consumer } => self.deliver(consumer),
            Action::Work { consumer } => self.work(consumer),
            Action::Ack { consumer } => self.settle(consumer, true),
            Action::Nack { consumer } => self.settle(consumer, false),
            Action::Renew { consumer } => {
                let renewed = self.in_hand(consumer).map(|held| self.core.renew(held.token, NOW_MS));
                if renewed == Some(Ok(())) { Told::Renewed } else { Told::Stale }
            }
            Action::RestartProducer => {
                self.sync();
                self.core.start_producer(PRODUCER);
                Told::Done
            }
            Action::Expire { entry } => {
                self.expire(entry);
                Told::Done
            }
            Action::CrashConsumer { consumer } => {
                self.up[usize::from(consumer)] = false;
                self.held[usize::from(consumer)] = Default::default();
                self.core.remove_consumer(consumer_id(consumer));
                Told::Done
            }
            Action::RestartConsumer { consumer } => {
                self.up[usize::from(consumer)] = true;
                self.core.add_consumer(consumer_id(consumer), self.bounds.prefetch.into());
                Told::Done
            }
            Action::RemoveConsumer { consumer } => {
                self.up[usize::from(consumer)] = false;
                self.core.remove_consumer(consumer_id(consumer));
                Told::Done
            }
            Action::CrashBroker { survive, .. } => {
                self.crash(survive);
                Told::Done
            }
            Action::Bury { entry } => {
                let buried = self.core.bury(id(self, entry));
                if buried.is_ok() { Told::Done } else { Told::Nothing }
            }
            Action::Redrive { entry } => {
                self.log[usize::from(entry)].attempts = 0;
                let redriven = self.core.redrive(id(self, entry));
                if redriven.is_ok() { Told::Done } else { Told::Nothing }
            }
            Action::ForgetKey { message } => {
                self.effects.forget(message.into());
                Told::Done
            }
            // The network's, and the producer's own.
            Action::Send { .. }
            | Action::Retry { .. }
            | Action::Drop { .. }
            | Action::Confirm { .. }
            | Action::LoseConfirm { .. } => Told::Done,
        };
        self.flush();
        told
    }

    fn observe(&self) -> Option<Shown> {
        let mut shown = Shown { log: [None; LOG_MAX], effects: self.ledger, keys: 0 };
        for (known, shown) in self.log.iter().zip(&mut shown.log) {
            let found = self.core.messages().find(|(id, _, _)| *id == known.id);
            *shown = Some(match found {
                Some((_, row, place)) => {
                    let status = match place {
                        Place::Ready => Status::Ready,
                        Place::Leased { consumer, .. } => Status::Inflight(consumer.0 as u8),
                        Place::Dead => Status::Dead,
                    };
                    (known.message, status, u8::try_from(row.attempts).unwrap_or(u8::MAX))
                }
                None => (known.message, Status::Done, known.attempts),
            });
        }
        for message in self.bounds.messages().filter(|message| self.effects.is_done((*message).into())) {
            shown.keys |= 1 << message;
        }
        Some(shown)
    }
}
