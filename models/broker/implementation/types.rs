//! What is said to a broker, what it answers, and what it keeps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A producer, by the name that it keeps when it starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerId(pub u64);

/// A consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId(pub u64);

/// A message, in the order of the log. It is never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// What a lease is known by. A later delivery has a greater token, after a restart of the broker too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Tokens of one run of the broker: a run has its own, and all are greater than those of the run before.
pub(super) const TOKENS_PER_RUN: u64 = 1 << 40;

/// What a broker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Time after which a message that was handed out is handed out again, 1 or more. Default 30,000.
    pub visibility_ms: u64,
    /// Deliveries after which a message becomes a dead letter, 1 or more; `None`: never. Default 5.
    pub attempts_max: Option<u32>,
    /// Most octets of a payload. Default 1 MiB.
    pub payload_octets_max: usize,
    /// Most messages kept, dead letters included. Default 1,000,000.
    pub messages_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { visibility_ms: 30_000, attempts_max: Some(5), payload_octets_max: 1 << 20, messages_max: 1_000_000 }
    }
}

/// Why a configuration makes no broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A lease that is over at once.
    #[error("the visibility timeout must be 1 ms or more")]
    Visibility,
    /// No delivery at all.
    #[error("the attempts must be 1 or more, or without a bound")]
    Attempts,
}

/// What a producer sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publish {
    /// Who.
    pub producer: ProducerId,
    /// Its epoch, from [`Core::start_producer`](super::Core::start_producer).
    pub epoch: u32,
    /// 0-based within the epoch, without gaps.
    pub sequence: u64,
    /// Messages of one ordering key are handed out one after the other.
    pub ordering_key: u64,
    /// The effect's name, the same however often it is sent: what [`EffectStore`](super::EffectStore) knows it by.
    pub idempotency_key: u128,
    /// What it says.
    pub payload: Arc<[u8]>,
}

/// A publish was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Published {
    /// It is in the log. It may be confirmed once it is synced.
    Stored(MessageId),
    /// The log had it before. It may be confirmed if that is so of the first copy, at once unless that is unsynced.
    Duplicate {
        /// Whether the first copy is synced.
        is_synced: bool,
    },
}

/// Why a publish is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The producer has not started.
    #[error("producer {} has not started", .0.0)]
    UnknownProducer(ProducerId),
    /// The producer has started anew since.
    #[error("epoch {found} is over: the producer has started epoch {current}")]
    OldEpoch {
        /// The publish's.
        found: u32,
        /// The producer's.
        current: u32,
    },
    /// It does not follow on what was taken.
    #[error("sequence {found} does not follow: {expected} is expected")]
    OutOfSequence {
        /// The publish's.
        found: u64,
        /// The one that is expected.
        expected: u64,
    },
    /// The payload is too large.
    #[error("a payload of {octets} octets, where {octets_max} are allowed")]
    TooLarge {
        /// Its length.
        octets: usize,
        /// The bound.
        octets_max: usize,
    },
    /// There is no room.
    #[error("the broker keeps {messages_max} messages and has no room for more")]
    Full {
        /// The bound.
        messages_max: usize,
    },
}

/// A message that is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// Which message.
    pub message: MessageId,
    /// What this delivery is acknowledged and renewed by, and what its effect is fenced by.
    pub token: Token,
    /// Which delivery of the message it is, 1-based.
    pub attempt: u32,
    /// Of the publish.
    pub ordering_key: u64,
    /// Of the publish.
    pub idempotency_key: u128,
    /// Of the publish.
    pub payload: Arc<[u8]>,
}

/// Why nothing is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// There is no such consumer.
    #[error("consumer {} is not known, or was removed", .0.0)]
    UnknownConsumer(ConsumerId),
    /// It has as many as it may.
    #[error("the consumer has {prefetch} messages, as many as it may")]
    Full {
        /// The bound.
        prefetch: u32,
    },
}

/// The lease of this token is over, or there never was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("no lease has the token {0}")]
pub struct Stale(pub Token);

/// There is no such message in that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("message {} is not there to be moved", .0.0)]
pub struct Unknown(pub MessageId);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / TOKENS_PER_RUN, self.0 % TOKENS_PER_RUN)
    }
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageRow {
    /// Deliveries so far.
    pub attempts: u32,
    /// Whether it is a dead letter.
    pub is_dead: bool,
    /// Of the publish.
    pub ordering_key: u64,
    /// Of the publish.
    pub idempotency_key: u128,
    /// Of the publish.
    pub payload: Arc<[u8]>,
}

/// A producer as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProducerRow {
    /// Its present epoch.
    pub epoch: u32,
    /// The sequence that is expected next.
    pub next: u64,
}

/// What has to be durable before the call that made it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A message is kept.
    Put(MessageId, MessageRow),
    /// A message that is kept was handed out, or moved.
    Mark {
        /// Which.
        message: MessageId,
        /// Deliveries so far.
        attempts: u32,
        /// Whether it is a dead letter.
        is_dead: bool,
    },
    /// A message is settled.
    Remove(MessageId),
    /// A producer is kept.
    Producer(ProducerId, ProducerRow),
    /// Ids below this one are given.
    NextId(MessageId),
    /// The broker runs for the time of this number.
    Run(u64),
}

/// A publish that is not synced: what it puts into the store, and whom it is confirmed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unsynced {
    /// The message.
    pub message: MessageId,
    /// Who waits for the confirmation.
    pub producer: ProducerId,
    /// Of the publish.
    pub epoch: u32,
    /// Of the publish.
    pub sequence: u64,
}

/// What a store has, when a broker starts. Empty for a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recovered {
    /// The messages, dead letters included.
    pub messages: BTreeMap<MessageId, MessageRow>,
    /// The producers.
    pub producers: BTreeMap<ProducerId, ProducerRow>,
    /// Ids below this one were given.
    pub next_id: u64,
    /// Runs of the broker so far.
    pub runs: u64,
}

impl Recovered {
    /// Keeps a change, as a store does.
    pub fn keep(&mut self, change: Change) {
        match change {
            Change::Put(id, row) => drop(self.messages.insert(id, row)),
            Change::Mark { message, attempts, is_dead } => {
                if let Some(row) = self.messages.get_mut(&message) {
                    (row.attempts, row.is_dead) = (attempts, is_dead);
                }
            }
            Change::Remove(id) => drop(self.messages.remove(&id)),
            Change::Producer(id, row) => drop(self.producers.insert(id, row)),
            Change::NextId(id) => self.next_id = id.0,
            Change::Run(run) => self.runs = run,
        }
    }
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In its queue.
    Ready,
    /// In a consumer's hands.
    Leased {
        /// Whose.
        consumer: ConsumerId,
        /// By what.
        token: Token,
        /// When the lease is over.
        until_ms: u64,
    },
    /// Among the dead letters.
    Dead,
}
