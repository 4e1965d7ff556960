//! The states of the model *delivery*, its actions and what the outside is told.

use serde::Serialize;

use super::model::Delivery;

/// Most messages.
pub const MESSAGES_MAX: usize = 4;
/// Most keys.
pub const KEYS_MAX: usize = 2;
/// Most consumers.
pub const CONSUMERS_MAX: usize = 3;
/// Most entries of the log, copies included.
pub const LOG_MAX: usize = 6;
/// Epochs that a producer can have: it starts anew once at most.
pub const EPOCHS: usize = 2;
/// Most messages in the hands of one consumer.
pub const HELD_MAX: usize = 2;

/// A configuration. Sets of messages and of entries are sets of bits.
///
/// Invariants: the log has no holes, and what is synced comes before what is not. Nothing is in anybody's hands that is
/// not in the log, and synced. A lease is held: by the consumer that it names, and by nobody else; of what is held
/// currently the lease is that consumer's, unless handing out is acknowledging. A consumer that is down holds nothing.
/// What may go wrong is within the model's budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The producer.
    pub producer: Producer,
    /// Copies of each message on their way to the broker, by epoch.
    pub publishes: [[u8; MESSAGES_MAX]; EPOCHS],
    /// Messages whose confirmation is on its way to the producer.
    pub confirms: u8,
    /// Epoch of the producer, as the broker knows it.
    pub epoch: u8,
    /// Sequence number that the broker expects next.
    pub expected: u8,
    /// The log; it has no holes.
    pub log: [Option<Entry>; LOG_MAX],
    /// The consumers.
    pub consumers: [Consumer; CONSUMERS_MAX],
    /// How often each message took effect, 2 at most.
    pub effects: [u8; MESSAGES_MAX],
    /// Messages whose idempotency key is kept.
    pub keys: u8,
    /// Rank of the greatest token that the store of effects has seen of each key.
    pub fences: [u8; KEYS_MAX],
    /// What may still go wrong.
    pub left: Budget,
    /// What is remembered for the properties alone.
    pub seen: Seen,
}

impl State {
    /// Whether the invariants hold.
    pub(super) fn is_consistent(&self, model: &Delivery) -> bool {
        let entries: Vec<&Entry> = self.log.iter().flatten().collect();
        let entry = |at: u8| entries.get(usize::from(at));
        let holds = |consumer: u8| self.consumers[usize::from(consumer)].held.into_iter().flatten();
        let of_consumer = |consumer: u8| {
            let is_down = self.consumers[usize::from(consumer)].presence == Presence::Down;
            let leased = if model.acks_first() { Status::Done } else { Status::Inflight(consumer) };
            holds(consumer).all(|hold| {
                entry(hold.entry).is_some_and(|entry| entry.durable && (!hold.is_current || entry.status == leased))
            }) && (!is_down || holds(consumer).next().is_none())
        };
        let is_held = |(at, entry): (u8, &&Entry)| match entry.status {
            Status::Inflight(consumer) => holds(consumer).any(|hold| hold.entry == at && hold.is_current),
            Status::Ready | Status::Done | Status::Dead => true,
        };
        entries.iter().zip(&self.log).all(|(_, slot)| slot.is_some())
            && entries.is_sorted_by_key(|entry| !entry.durable)
            && entries.iter().all(|entry| model.messages().contains(&entry.message))
            && (0..).zip(&entries).all(is_held)
            && (0..model.consumers).all(of_consumer)
            && self.consumers[model.consumers.into()..].iter().all(|consumer| *consumer == Consumer::default())
            && self.producer.base <= self.producer.next
            && usize::from(self.producer.next) <= model.message_keys.len()
            && self.left.is_within(&model.budget)
    }
}

/// The producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Producer {
    /// Messages sent in this epoch are those from `base` to before this one.
    pub next: u8,
    /// Messages that it knows to be confirmed.
    pub known: u8,
    /// First message of this epoch: its sequence number is 0.
    pub base: u8,
    /// Its epoch.
    pub epoch: u8,
}

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The message.
    pub message: u8,
    /// Whether it is synced.
    pub durable: bool,
    /// Whether half of it was read as if it were all.
    pub torn: bool,
    /// What has become of it.
    pub status: Status,
    /// Deliveries that the broker has counted.
    pub attempts: u8,
    /// Deliveries there were; history.
    pub delivered: u8,
}

/// What has become of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Status {
    /// It waits.
    Ready,
    /// It is leased to this consumer.
    Inflight(u8),
    /// It is acknowledged.
    Done,
    /// It is a dead letter.
    Dead,
}

/// A consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Consumer {
    /// Whether it is there.
    pub presence: Presence,
    /// What it has in hand, the first being worked on.
    pub held: [Option<Hold>; HELD_MAX],
}

/// Whether a consumer is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Presence {
    /// It is at work.
    #[default]
    Up,
    /// It has crashed.
    Down,
    /// It was removed; it may not know.
    Removed,
}

/// A message in a consumer's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// The entry of the log.
    pub entry: u8,
    /// How far the work is.
    pub phase: Phase,
    /// Whether its lease is the entry's present one.
    pub is_current: bool,
    /// Rank of its token among those of the key.
    pub fence: u8,
}

/// How far a consumer's work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Phase {
    /// Nothing is done.
    Got,
    /// The key is recorded, the effect is not done.
    Keyed,
    /// The effect is done, the key is not recorded.
    Acted,
    /// All is done but the ack.
    Effected,
}

/// What may still go wrong, each by how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Budget {
    /// Crashes of the broker.
    pub crashes: u8,
    /// Crashes of consumers, and leases that run out while the consumer lives.
    pub faults: u8,
    /// Publishes sent again.
    pub retries: u8,
    /// Starts of the producer anew: 1 at most.
    pub restarts: u8,
    /// Messages given back by a consumer that could have worked on them.
    pub nacks: u8,
    /// Removals of a consumer.
    pub removals: u8,
    /// Redrives of a dead letter.
    pub redrives: u8,
}

impl Budget {
    fn is_within(&self, whole: &Budget) -> bool {
        let Budget { crashes, faults, retries, restarts, nacks, removals, redrives } = *self;
        crashes <= whole.crashes
            && faults <= whole.faults
            && retries <= whole.retries
            && restarts <= whole.restarts
            && nacks <= whole.nacks
            && removals <= whole.removals
            && redrives <= whole.redrives
    }
}

/// What is remembered for the properties alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Messages that the broker has confirmed.
    pub confirmed: u8,
    /// Messages that were redriven.
    pub redriven: u8,
    /// Entries that were pending when their consumer was removed, and have not been delivered since.
    pub orphaned: u8,
    /// What should not have happened.
    pub breach: Option<Breach>,
}

/// What should not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Breach {
    /// A message took effect after a later one of its key.
    OutOfOrder,
    /// Something took effect that was never sent.
    Phantom,
    /// A delivery was settled, or its lease renewed, by another than its holder.
    NotHolder,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// The producer sends its next message.
    Send {
        /// The message, 0-based.
        message: u8,
    },
    /// The producer has waited for a confirmation, and sends the message again.
    Retry {
        /// The message.
        message: u8,
    },
    /// The producer crashes and starts anew, with a new epoch, at the first message that it does not know to be confirmed.
    RestartProducer,
    /// A publish arrives at the broker.
    Arrive {
        /// The message.
        message: u8,
        /// Epoch of the producer that sent it.
        epoch: u8,
        /// Its number within the epoch.
        sequence: u8,
    },
    /// The network drops a publish.
    Drop {
        /// The message.
        message: u8,
        /// Epoch of the producer that sent it.
        epoch: u8,
    },
    /// A confirmation arrives at the producer.
    Confirm {
        /// The message.
        message: u8,
    },
    /// The network drops a confirmation.
    LoseConfirm {
        /// The message.
        message: u8,
    },
    /// The broker syncs its log.
    Sync,
    /// A consumer asks for a message.
    Deliver {
        /// The consumer, 0-based.
        consumer: u8,
    },
    /// A consumer does the next step of its work.
    Work {
        /// The consumer.
        consumer: u8,
    },
    /// A consumer acknowledges by the token of its lease.
    Ack {
        /// The consumer.
        consumer: u8,
    },
    /// A consumer gives a message back.
    Nack {
        /// The consumer.
        consumer: u8,
    },
    /// A consumer renews its lease by the token of it.
    Renew {
        /// The consumer.
        consumer: u8,
    },
    /// A lease runs out while its consumer lives.
    Expire {
        /// The entry of the log, 0-based.
        entry: u8,
    },
    /// A consumer crashes, and the broker sees the connection close.
    CrashConsumer {
        /// The consumer.
        consumer: u8,
    },
    /// A consumer comes back.
    RestartConsumer {
        /// The consumer.
        consumer: u8,
    },
    /// An operator removes a consumer.
    RemoveConsumer {
        /// The consumer.
        consumer: u8,
    },
    /// The broker crashes and recovers. Of what was not synced this many entries survive, the oldest.
    CrashBroker {
        /// How many.
        survive: u8,
        /// Whether half of the next one was written.
        torn: bool,
    },
    /// The broker moves a message whose attempts are used up to the dead letters.
    Bury {
        /// The entry of the log.
        entry: u8,
    },
    /// An operator puts a dead letter back.
    Redrive {
        /// The entry of the log.
        entry: u8,
    },
    /// The window of a key is over, and the key is forgotten.
    ForgetKey {
        /// The message.
        message: u8,
    },
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// Nothing but that it is done.
    Done,
    /// A publish is in the log.
    Stored,
    /// A publish is in the log, and confirmed.
    Confirmed,
    /// A publish is one that the log had before, and confirmed.
    Duplicate,
    /// A publish is one that the log had before; its sync is still to come.
    DuplicateUnsynced,
    /// A publish does not follow on what was stored before.
    OutOfSequence,
    /// A publish is of a producer that was started anew since.
    OldEpoch,
    /// The log is synced, and these messages are confirmed.
    Synced {
        /// A set of bits.
        confirmed: u8,
    },
    /// A message is handed out.
    Delivered {
        /// The message.
        message: u8,
        /// Which delivery it is, as the broker counts.
        attempt: u8,
    },
    /// There is none to hand out.
    Nothing,
    /// The consumer has as many as it may.
    Full,
    /// The work took effect.
    Applied,
    /// The work had taken effect before.
    Skipped,
    /// A step of the work is done, and another is to come.
    Half,
    /// Another holder of a later token was there first.
    Fenced,
    /// The delivery is settled.
    Settled,
    /// The lease is renewed.
    Renewed,
    /// The lease is not the present one.
    Stale,
}
