//! What the broker decides, without input or output.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{
    Change, Config, ConfigError, ConsumerId, DeliverError, Delivery, MessageId, MessageRow, Place, ProducerId,
    ProducerRow, Publish, PublishError, Published, Recovered, Stale, TOKENS_PER_RUN, Token, Unknown, Unsynced,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Message {
    row: MessageRow,
    place: Place,
    is_synced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Consumer {
    prefetch: u32,
    leased: u32,
}

/// The broker's decisions. Whoever runs it writes what [`take_changes`](Core::take_changes) gives before it answers, and
/// syncs publishes when it sees fit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core {
    config: Config,
    messages: BTreeMap<MessageId, Message>,
    /// Of each ordering key the messages that are neither settled nor dead.
    queues: BTreeMap<u64, BTreeSet<MessageId>>,
    /// Heads of queues that can be handed out, those with the fewest attempts first.
    ready: BTreeSet<(u32, MessageId)>,
    /// What `ready` has of each ordering key.
    heads: BTreeMap<u64, (u32, MessageId)>,
    /// Those that wait and whose attempts are used up.
    used_up: BTreeSet<MessageId>,
    leases: BTreeMap<Token, MessageId>,
    deadlines: BTreeSet<(u64, Token)>,
    producers: BTreeMap<ProducerId, ProducerRow>,
    consumers: BTreeMap<ConsumerId, Consumer>,
    unsynced: BTreeMap<MessageId, Unsynced>,
    next_id: u64,
    next_token: u64,
    changes: Vec<Change>,
}

impl Core {
    /// A broker that goes on with what a store has. What is in [`take_changes`](Core::take_changes) then has to be durable
    /// before anything is handed out.
    ///
    /// # Errors
    /// The configuration makes no broker.
    pub fn recover(config: Config, recovered: Recovered) -> Result<Self, ConfigError> {
        if config.visibility_ms == 0 {
            return Err(ConfigError::Visibility);
        }
        if config.attempts_max == Some(0) {
            return Err(ConfigError::Attempts);
        }
        let run = recovered.runs.saturating_add(1);
        let last = recovered.messages.last_key_value().map_or(0, |(id, _)| id.0.saturating_add(1));
        let mut core = Core {
            config,
            messages: BTreeMap::new(),
            queues: BTreeMap::new(),
            ready: BTreeSet::new(),
            heads: BTreeMap::new(),
            used_up: BTreeSet::new(),
            leases: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            producers: recovered.producers,
            consumers: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            next_id: recovered.next_id.max(last),
            next_token: run.saturating_mul(TOKENS_PER_RUN),
            changes: vec![Change::Run(run)],
        };
        for (id, row) in recovered.messages {
            let place = if row.is_dead { Place::Dead } else { Place::Ready };
            let ordering_key = row.ordering_key;
            core.messages.insert(id, Message { row, place, is_synced: true });
            if place == Place::Ready {
                core.enqueue(id, ordering_key);
            }
        }
        Ok(core)
    }

    /// What has to be durable before anything since the last call is answered, in this order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Whether anything is still to be made durable.
    pub fn owes(&self) -> bool {
        !self.changes.is_empty() || !self.unsynced.is_empty()
    }

    /// Starts a producer, or starts it anew: what it has sent before and is still under way is refused from now on.
    pub fn start_producer(&mut self, producer: ProducerId) -> u32 {
        let epoch = self.producers.get(&producer).map_or(0, |row| row.epoch.saturating_add(1));
        let row = ProducerRow { epoch, next: 0 };
        self.producers.insert(producer, row);
        self.changes.push(Change::Producer(producer, row));
        epoch
    }

    /// Takes a publish.
    ///
    /// # Errors
    /// It is not taken, and nothing has changed.
    pub fn publish(&mut self, publish: Publish) -> Result<Published, PublishError> {
        let (octets, octets_max) = (publish.payload.len(), self.config.payload_octets_max);
        if octets > octets_max {
            return Err(PublishError::TooLarge { octets, octets_max });
        }
        let known = self.producers.get_mut(&publish.producer);
        let row = known.ok_or(PublishError::UnknownProducer(publish.producer))?;
        if publish.epoch != row.epoch {
            return Err(PublishError::OldEpoch { found: publish.epoch, current: row.epoch });
        }
        if publish.sequence > row.next {
            return Err(PublishError::OutOfSequence { found: publish.sequence, expected: row.next });
        }
        let Publish { producer, epoch, sequence, ordering_key, idempotency_key, payload } = publish;
        if sequence < row.next {
            let is_it = |first: &Unsynced| (first.producer, first.epoch, first.sequence) == (producer, epoch, sequence);
            return Ok(Published::Duplicate { is_synced: !self.unsynced.values().any(is_it) });
        }
        let messages_max = self.config.messages_max;
        if self.messages.len() >= messages_max {
            return Err(PublishError::Full { messages_max });
        }
        row.next += 1;
        let id = MessageId(self.next_id);
        self.next_id += 1;
        let row = MessageRow { attempts: 0, is_dead: false, ordering_key, idempotency_key, payload };
        self.messages.insert(id, Message { row, place: Place::Ready, is_synced: false });
        self.unsynced.insert(id, Unsynced { message: id, producer, epoch, sequence });
        self.enqueue(id, ordering_key);
        Ok(Published::Stored(id))
    }

    /// Publishes that are not synced, the oldest first, with what each puts into the store.
    pub fn unsynced(&self) -> impl Iterator<Item = (Unsynced, Vec<Change>)> {
        let rows = |(id, waits): (&MessageId, &Unsynced)| {
            let message = self.messages.get(id)?;
            let mut changes = vec![Change::Put(*id, message.row.clone()), Change::NextId(MessageId(id.0 + 1))];
            // A later epoch has written its own row.
            if self.producers.get(&waits.producer).is_some_and(|row| row.epoch == waits.epoch) {
                let row = ProducerRow { epoch: waits.epoch, next: waits.sequence + 1 };
                changes.push(Change::Producer(waits.producer, row));
            }
            Some((waits.clone(), changes))
        };
        self.unsynced.iter().filter_map(rows)
    }

    /// Publishes up to `last` are durable: they can be confirmed to those who are returned, and handed out.
    pub fn synced(&mut self, last: MessageId) -> Vec<Unsynced> {
        let later = self.unsynced.split_off(&MessageId(last.0.saturating_add(1)));
        let synced = std::mem::replace(&mut self.unsynced, later);
        for id in synced.keys() {
            if let Some(message) = self.messages.get_mut(id) {
                message.is_synced = true;
                let ordering_key = message.row.ordering_key;
                self.refresh(ordering_key);
            }
        }
        synced.into_values().collect()
    }

    /// Adds a consumer that works on up to `prefetch` messages at a time, or changes how many those are.
    pub fn add_consumer(&mut self, consumer: ConsumerId, prefetch: u32) {
        let leased = self.consumers.get(&consumer).map_or(0, |known| known.leased);
        self.consumers.insert(consumer, Consumer { prefetch, leased });
    }

    /// Removes a consumer, or takes note that its connection is closed: what it held is handed out again.
    pub fn remove_consumer(&mut self, consumer: ConsumerId) {
        let of = |id: &MessageId| self.messages.get(id).is_some_and(|message| message.is_with(consumer));
        let tokens: Vec<Token> = self.leases.iter().filter(|(_, id)| of(id)).map(|(token, _)| *token).collect();
        for token in tokens {
            // A lease that was just listed is there.
            let _ = self.give_back(token);
        }
        self.consumers.remove(&consumer);
    }

    /// Hands out the next message: of each ordering key the oldest that is not settled, and among those the one that was
    /// handed out least often, then the oldest. `None`: there is none.
    ///
    /// # Errors
    /// The consumer is unknown, or has as many as it may.
    pub fn deliver(&mut self, consumer: ConsumerId, now_ms: u64) -> Result<Option<Delivery>, DeliverError> {
        let known = self.consumers.get_mut(&consumer).ok_or(DeliverError::UnknownConsumer(consumer))?;
        if known.leased >= known.prefetch {
            return Err(DeliverError::Full { prefetch: known.prefetch });
        }
        let Some((_, id)) = self.ready.first().copied() else { return Ok(None) };
        let Some(message) = self.messages.get_mut(&id) else { return Ok(None) };
        known.leased += 1;
        let token = Token(self.next_token);
        self.next_token += 1;
        let until_ms = now_ms.saturating_add(self.config.visibility_ms);
        message.place = Place::Leased { consumer, token, until_ms };
        let row = &mut message.row;
        row.attempts = row.attempts.saturating_add(1);
        let delivery = Delivery {
            message: id,
            token,
            attempt: row.attempts,
            ordering_key: row.ordering_key,
            idempotency_key: row.idempotency_key,
            payload: row.payload.clone(),
        };
        self.changes.push(Change::Mark { message: id, attempts: row.attempts, is_dead: false });
        self.leases.insert(token, id);
        self.deadlines.insert((until_ms, token));
        self.refresh(delivery.ordering_key);
        Ok(Some(delivery))
    }

    /// The work on a message is done: it is settled.
    ///
    /// # Errors
    /// The lease is over; the message may be with somebody else, and nothing has changed.
    pub fn ack(&mut self, token: Token) -> Result<(), Stale> {
        let id = self.end_lease(token)?;
        self.changes.push(Change::Remove(id));
        if let Some(message) = self.messages.remove(&id) {
            self.dequeue(id, message.row.ordering_key);
        }
        Ok(())
    }

    /// The work on a message is not done: it goes back to its place, and is handed out again unless its attempts are used
    /// up.
    ///
    /// # Errors
    /// The lease is over, and nothing has changed.
    pub fn give_back(&mut self, token: Token) -> Result<(), Stale> {
        let id = self.end_lease(token)?;
        if let Some(message) = self.messages.get_mut(&id) {
            message.place = Place::Ready;
            let ordering_key = message.row.ordering_key;
            self.enqueue(id, ordering_key);
        }
        Ok(())
    }

    /// Lets a lease begin anew.
    ///
    /// # Errors
    /// The lease is over, and nothing has changed.
    pub fn renew(&mut self, token: Token, now_ms: u64) -> Result<(), Stale> {
        let id = self.leases.get(&token).ok_or(Stale(token))?;
        if let Some(Message { place: Place::Leased { until_ms, .. }, .. }) = self.messages.get_mut(id) {
            self.deadlines.remove(&(*until_ms, token));
            *until_ms = now_ms.saturating_add(self.config.visibility_ms);
            self.deadlines.insert((*until_ms, token));
        }
        Ok(())
    }

    /// Takes back what was handed out too long ago, and says how many that was.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        let mut expired = 0;
        while let Some((until_ms, token)) = self.deadlines.first().copied() {
            if until_ms > now_ms {
                break;
            }
            // Taken first, so that the next one is another whatever becomes of this one.
            self.deadlines.remove(&(until_ms, token));
            let _ = self.give_back(token);
            expired += 1;
        }
        expired
    }

    /// Messages whose attempts are used up, and that are not dead letters yet.
    pub fn used_up(&self) -> impl Iterator<Item = MessageId> {
        self.used_up.iter().copied()
    }

    /// Moves a message whose attempts are used up to the dead letters.
    ///
    /// # Errors
    /// It is not one.
    pub fn bury(&mut self, id: MessageId) -> Result<(), Unknown> {
        let message = self.messages.get_mut(&id).filter(|_| self.used_up.contains(&id)).ok_or(Unknown(id))?;
        message.place = Place::Dead;
        message.row.is_dead = true;
        let (attempts, ordering_key) = (message.row.attempts, message.row.ordering_key);
        self.changes.push(Change::Mark { message: id, attempts, is_dead: true });
        self.dequeue(id, ordering_key);
        Ok(())
    }

    /// Moves every message whose attempts are used up to the dead letters, and says how many those are.
    pub fn bury_used_up(&mut self) -> usize {
        let mut buried = 0;
        while let Some(id) = self.used_up.first().copied() {
            if self.bury(id).is_err() {
                break;
            }
            buried += 1;
        }
        buried
    }

    /// Puts a dead letter back into its place, as if it had never been handed out.
    ///
    /// # Errors
    /// It is not one.
    pub fn redrive(&mut self, id: MessageId) -> Result<(), Unknown> {
        let message = self.messages.get_mut(&id).filter(|message| message.place == Place::Dead).ok_or(Unknown(id))?;
        message.place = Place::Ready;
        (message.row.attempts, message.row.is_dead) = (0, false);
        let ordering_key = message.row.ordering_key;
        self.changes.push(Change::Mark { message: id, attempts: 0, is_dead: false });
        self.enqueue(id, ordering_key);
        Ok(())
    }

    /// Dead letters, the oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = (MessageId, &MessageRow)> {
        let dead = self.messages.iter().filter(|(_, message)| message.place == Place::Dead);
        dead.map(|(id, message)| (*id, &message.row))
    }

    /// All messages that are kept, with their place.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &MessageRow, Place)> {
        self.messages.iter().map(|(id, message)| (*id, &message.row, message.place))
    }

    /// When the next lease is over, if any is there.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.deadlines.first().map(|(until_ms, _)| *until_ms)
    }

    fn end_lease(&mut self, token: Token) -> Result<MessageId, Stale> {
        let id = self.leases.remove(&token).ok_or(Stale(token))?;
        if let Some(Place::Leased { consumer, until_ms, .. }) = self.messages.get(&id).map(|message| message.place) {
            self.deadlines.remove(&(until_ms, token));
            if let Some(known) = self.consumers.get_mut(&consumer) {
                known.leased = known.leased.saturating_sub(1);
            }
        }
        Ok(id)
    }

    fn is_used_up(&self, attempts: u32) -> bool {
        self.config.attempts_max.is_some_and(|most| attempts >= most)
    }

    /// A message waits in its queue.
    fn enqueue(&mut self, id: MessageId, ordering_key: u64) {
        self.queues.entry(ordering_key).or_default().insert(id);
        if self.messages.get(&id).is_some_and(|message| self.is_used_up(message.row.attempts)) {
            self.used_up.insert(id);
        }
        self.refresh(ordering_key);
    }

    /// A message is in no queue any more.
    fn dequeue(&mut self, id: MessageId, ordering_key: u64) {
        self.used_up.remove(&id);
        if let Some(queue) = self.queues.get_mut(&ordering_key) {
            queue.remove(&id);
            if queue.is_empty() {
                self.queues.remove(&ordering_key);
            }
        }
        self.refresh(ordering_key);
    }

    /// Looks anew at which message of an ordering key can be handed out.
    fn refresh(&mut self, ordering_key: u64) {
        if let Some(head) = self.heads.remove(&ordering_key) {
            self.ready.remove(&head);
        }
        let Some(head) = self.queues.get(&ordering_key).and_then(BTreeSet::first) else { return };
        let Some(message) = self.messages.get(head) else { return };
        let attempts = message.row.attempts;
        if message.is_synced && message.place == Place::Ready && !self.is_used_up(attempts) {
            self.heads.insert(ordering_key, (attempts, *head));
            self.ready.insert((attempts, *head));
        }
    }
}

impl Message {
    fn is_with(&self, consumer: ConsumerId) -> bool {
        matches!(self.place, Place::Leased { consumer: with, .. } if with == consumer)
    }
}
