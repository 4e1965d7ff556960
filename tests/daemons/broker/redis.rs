//! Redis Streams: a group of consumers over one stream.
//!
//! A lease is a time: whoever asks for work takes what has been idle for longer. Here a lease is an hour, so that none
//! runs out by itself, and one that is to run out is told to have been idle for two (`XCLAIM … IDLE`). Which messages a
//! consumer has in hand it knows itself. What Redis leaves to its clients is a [`Client`]'s to do.
//!
//! Where the broker crashes redis-server has files of its own to begin from, and is killed.

use std::collections::VecDeque;

use counterpart::Counterpart;
use counterpart_models::broker::conformance::DeliveryInterface;
use counterpart_models::broker::model::{Action, Budget, CONSUMERS_MAX, Delivery, HELD_MAX, Told, Variant};

use super::{check, deviation, elsewhere, of_one, recovering};
use crate::alongside::Alongside;
use crate::daemon::{Daemon, REDIS};
use crate::redis::{Kept, Redis, Reply, Server};

const DAEMON: &Daemon = &REDIS;

/// How long a lease is, in milliseconds.
const LEASE_MS: i64 = 3_600_000;

/// How long what is over has been idle, in milliseconds.
const IDLE_MS: i64 = 2 * LEASE_MS;

pub(super) fn cases() -> Vec<Alongside> {
    let faults = of_one(Budget { faults: 2, ..Budget::default() });
    let removal = of_one(Budget { removals: 1, ..Budget::default() });
    let one_fault = of_one(Budget { faults: 1, ..Budget::default() });
    let renewal = Delivery { renews: true, ..one_fault };
    let retries = Delivery { consumers: 1, ..of_one(Budget { retries: 1, ..Budget::default() }) };
    let keys = Delivery { message_keys: vec![0, 0], ..of_one(Budget::default()) };
    [
        shown(
            ["redis_ack", "redis_ack_but_for_acks_of_others"],
            ["a group of consumers, leases that run out", "the same, where an ack counts whoever it is from"],
            (Client { acks_carefully: false, ..CAREFUL }, faults.clone(), Variant::AcksWhatIsPending),
            "the lease was over, and the ack of the consumer that had it settles the message, whoever has it by then: XACK \
             names a message, and no delivery",
        ),
        shown(
            ["redis_removal", "redis_removal_but_for_lost_work"],
            ["a group of consumers, one of which is removed", "the same, where what it held is lost"],
            (CAREFUL, removal, Variant::DropsPending),
            "the consumer was removed (XGROUP DELCONSUMER) before it was done: the message is still in the stream, and the \
             group gives it to nobody any more",
        ),
        shown(
            ["redis_justid", "redis_justid_but_for_its_count"],
            ["claims by XAUTOCLAIM … JUSTID", "the same, where a delivery after the first is not counted"],
            (Client { claims: Claims::OldestById, ..CAREFUL }, faults, Variant::CountsFirstDelivery),
            "the message was handed out for the second time, and is counted once: a claim with JUSTID is no delivery, so \
             that a limit on deliveries is never met",
        ),
        shown(
            ["redis_renewal", "redis_renewal_but_for_taking_over"],
            ["leases renewed by XCLAIM", "the same, where whoever renews has the lease"],
            (CAREFUL, renewal, Variant::RenewalTakesOver),
            "the lease was over, and its old holder renews it: XCLAIM asks neither who holds the message nor since when, \
             and whoever calls it last is the holder",
        ),
        shown(
            ["redis_keys", "redis_keys_but_for_order"],
            ["two messages of one key, two consumers", "the same, where messages of a key are handed out side by side"],
            (CAREFUL, keys, Variant::IgnoresKeys),
            "the first message of the key is still being worked on, and the second is handed to another consumer: a group \
             knows no keys",
        ),
        shown(
            ["redis_publish", "redis_publish_but_for_copies"],
            ["publishes by XADD, sent again where the confirmation is lost", "the same, where every copy is stored"],
            (Client { publishes_carefully: false, ..CAREFUL }, retries, Variant::StoresEveryCopy),
            "the confirmation was late and the message is sent again: XADD knows neither producers nor their numbers, and \
             stores it twice",
        ),
        killed(),
    ]
    .concat()
}

/// A server that is killed and begins again from its file.
fn killed() -> [Alongside; 2] {
    let small = Delivery { consumers: 1, ..of_one(Budget { crashes: 1, ..Budget::default() }) };
    let larger = Delivery {
        message_keys: vec![0, 1],
        // More than the mishaps.
        attempts_max: Some(9),
        budget: Budget { crashes: 3, faults: 3, retries: 2, ..Budget::default() },
        ..Delivery::small()
    };
    let make = |model: &Delivery| Streams::kept(model, Client { claims: Claims::LeastOften, ..CAREFUL });
    [
        Alongside::new(
            DAEMON,
            "broker/redis_killed",
            "`appendonly` and `appendfsync always`, killed twice and started again: what was confirmed and settled is still so",
            check(DAEMON, small.clone(), make),
        ),
        Alongside::new(
            DAEMON,
            "broker/redis_recovers",
            "the same with two messages, killed three times, consumers crash, packets are lost; in the end all that was \
             confirmed is settled",
            recovering(DAEMON, small, larger, make),
        ),
    ]
}

/// A deviation from a model under a client, and the variant of it to which Redis conforms.
fn shown(
    names: [&str; 2],
    checked: [&'static str; 2],
    (client, model, variant): (Client, Delivery, Variant),
    because: &str,
) -> [Alongside; 2] {
    let server = Server::default();
    let make = move |model: &Delivery| Streams::start(model, client, &server);
    deviation(DAEMON, names, checked, (make, model, variant), because)
}

/// How a client uses Redis: so carefully that nothing is left to deviate, or as the commands are.
#[derive(Clone, Copy)]
struct Client {
    /// Keeps the number of what was published last beside the stream, in one script with it; else `XADD` alone.
    publishes_carefully: bool,
    /// Looks whether the lease is its own, in one script with the ack; else `XACK` alone.
    acks_carefully: bool,
    claims: Claims,
}

/// How a client takes over what was somebody else's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claims {
    /// The oldest, by `XAUTOCLAIM`.
    Oldest,
    /// The same with `JUSTID`; it reads what it has claimed.
    OldestById,
    /// What was handed out least often, by `XPENDING` and `XCLAIM`.
    LeastOften,
}

const CAREFUL: Client = Client { publishes_carefully: true, acks_carefully: true, claims: Claims::Oldest };

/// Stores the message that is expected next: keys `log` and `sequence`, arguments number and message.
const PUBLISH: &str = "
    local expected = tonumber(redis.call('GET', KEYS[2]) or '0')
    if tonumber(ARGV[1]) < expected then return 'duplicate' end
    if tonumber(ARGV[1]) > expected then return 'out of sequence' end
    redis.call('SET', KEYS[2], expected + 1)
    return redis.call('XADD', KEYS[1], '*', 'message', ARGV[2])";

/// Settles what is leased to whoever asks: key `log`, arguments name of the message, consumer, length of a lease.
const ACK: &str = "
    local pending = redis.call('XPENDING', KEYS[1], 'group', ARGV[1], ARGV[1], 1)[1]
    if pending and pending[2] == ARGV[2] and pending[3] < tonumber(ARGV[3]) then
        return redis.call('XACK', KEYS[1], 'group', ARGV[1])
    end
    return 0";

/// A message in a consumer's hands.
struct Held {
    /// Its name in the stream.
    id: String,
    message: String,
}

/// A row of what is pending.
struct Pending {
    id: String,
    holder: String,
    idle_ms: i64,
    /// Deliveries as they are counted.
    count: u8,
}

/// A stream with a group, and the consumers of that.
struct Streams {
    // Before the server: it ends after its connections.
    redis: Redis,
    kept: Option<Kept>,
    client: Client,
    prefetch: usize,
    /// Messages in the order of the log, by the name that the stream has given them.
    log: Vec<String>,
    /// What each consumer has in hand.
    hands: [VecDeque<Held>; CONSUMERS_MAX],
}

impl Streams {
    fn start(model: &Delivery, client: Client, server: &Server) -> Self {
        Streams::at(model, client, server.empty(), None)
    }

    /// On a server of its own, which may crash.
    fn kept(model: &Delivery, client: Client) -> Self {
        let (kept, redis) = Kept::start();
        Streams::at(model, client, redis, Some(kept))
    }

    fn at(model: &Delivery, client: Client, mut redis: Redis, kept: Option<Kept>) -> Self {
        redis.ask(&["XGROUP", "CREATE", "log", "group", "0", "MKSTREAM"]);
        let prefetch = model.prefetch.into();
        let mut streams = Streams { redis, kept, client, prefetch, log: Vec::new(), hands: Default::default() };
        (0..model.consumers).for_each(|consumer| streams.join(consumer));
        streams
    }

    fn join(&mut self, consumer: u8) {
        self.redis.ask(&["XGROUP", "CREATECONSUMER", "log", "group", &consumer.to_string()]);
    }

    /// What is pending in the whole group.
    fn pending(&mut self) -> Vec<Pending> {
        let reply = self.redis.ask(&["XPENDING", "log", "group", "-", "+", "100"]);
        let row = |row: &Reply| {
            let row = row.list();
            let (id, holder) = (row[0].text().into(), row[1].text().into());
            Pending { id, holder, idle_ms: row[2].number(), count: row[3].number() as u8 }
        };
        reply.list().iter().map(row).collect()
    }

    /// Lets the lease of `id` be over: that of whoever has it, or only of `consumer`.
    fn expire(&mut self, id: &str, consumer: Option<u8>) {
        let is_meant = |holder: &str| consumer.is_none_or(|consumer| holder == consumer.to_string());
        let pending = self.pending().into_iter().find(|pending| pending.id == id && is_meant(&pending.holder));
        let (Some(Pending { holder, .. }), idle) = (pending, IDLE_MS.to_string()) else { return };
        self.redis.ask(&["XCLAIM", "log", "group", &holder, "0", id, "IDLE", &idle, "JUSTID"]);
    }

    /// It is killed and started again. Consumers let go of what they have in hand, and their leases are over.
    fn crash(&mut self) {
        self.redis = self.kept.as_mut().expect("a server of its own").restart();
        self.hands = Default::default();
        self.pending().iter().for_each(|pending| self.expire(&pending.id, None));
    }

    fn publish(&mut self, message: u8, sequence: u8) -> Told {
        let (message, sequence) = (message.to_string(), sequence.to_string());
        let stored = match self.client.publishes_carefully {
            true => self.redis.ask(&["EVAL", PUBLISH, "2", "log", "sequence", &sequence, &message]),
            false => self.redis.ask(&["XADD", "log", "*", "message", &message]),
        };
        match stored.text() {
            "duplicate" => Told::Duplicate,
            "out of sequence" => Told::OutOfSequence,
            id => {
                self.log.push(id.into());
                Told::Confirmed
            }
        }
    }

    fn deliver(&mut self, consumer: u8) -> Told {
        let (name, hand) = (consumer.to_string(), usize::from(consumer));
        let is_leased = |pending: &Pending| pending.holder == name && pending.idle_ms < LEASE_MS;
        let leased = self.pending().into_iter().filter(is_leased).count();
        if leased >= self.prefetch || self.hands[hand].len() == HELD_MAX {
            return Told::Full;
        }
        let fresh = self.redis.ask(&["XREADGROUP", "GROUP", "group", &name, "COUNT", "1", "STREAMS", "log", ">"]);
        // Of one stream: its name, and what was read of it.
        let id = fresh.list().first().map(|stream| stream.list()[1].list()[0].list()[0].text().to_string());
        let Some(id) = id.or_else(|| self.claim(&name)) else { return Told::Nothing };
        let attempt = self.pending().into_iter().find(|pending| pending.id == id).map_or(0, |pending| pending.count);
        let read = self.redis.ask(&["XRANGE", "log", &id, &id]);
        let message = read.list()[0].list()[1].list()[1].text().to_string();
        let told = Told::Delivered { message: message.parse().expect("a message's number"), attempt };
        self.hands[hand].push_back(Held { id, message });
        told
    }

    /// Takes over one message whose lease is over.
    fn claim(&mut self, name: &str) -> Option<String> {
        let least = LEASE_MS.to_string();
        let oldest = ["XAUTOCLAIM", "log", "group", name, &least, "0", "COUNT", "1", "JUSTID"];
        let claimed = match self.client.claims {
            Claims::Oldest => {
                let reply = self.redis.ask(&oldest[..8]);
                reply.list()[1].list().first()?.list()[0].clone()
            }
            Claims::OldestById => self.redis.ask(&oldest).list()[1].list().first()?.clone(),
            Claims::LeastOften => {
                let over = self.pending().into_iter().filter(|pending| pending.idle_ms >= LEASE_MS);
                let Pending { id, .. } = over.min_by_key(|pending| pending.count)?;
                let reply = self.redis.ask(&["XCLAIM", "log", "group", name, &least, &id]);
                reply.list().first()?.list()[0].clone()
            }
        };
        Some(claimed.text().to_string())
    }

    fn in_hand(&self, consumer: u8) -> &Held {
        self.hands[usize::from(consumer)].front().expect("a message in hand")
    }

    /// The effect and its key are one step: the store of effects is a set.
    fn work(&mut self, consumer: u8) -> Told {
        let message = self.in_hand(consumer).message.clone();
        let is_new = self.redis.ask(&["SADD", "effects", &message]).number() == 1;
        if is_new { Told::Applied } else { Told::Skipped }
    }

    fn ack(&mut self, consumer: u8) -> Told {
        let Held { id, .. } = self.hands[usize::from(consumer)].pop_front().expect("a message in hand");
        let (name, lease) = (consumer.to_string(), LEASE_MS.to_string());
        let settled = match self.client.acks_carefully {
            true => self.redis.ask(&["EVAL", ACK, "1", "log", &id, &name, &lease]),
            false => self.redis.ask(&["XACK", "log", "group", &id]),
        };
        if settled.number() == 1 { Told::Settled } else { Told::Stale }
    }

    fn renew(&mut self, consumer: u8) -> Told {
        let id = self.in_hand(consumer).id.clone();
        let claimed = self.redis.ask(&["XCLAIM", "log", "group", &consumer.to_string(), "0", &id, "JUSTID"]);
        if claimed.list().is_empty() { Told::Stale } else { Told::Renewed }
    }
}

impl Counterpart<DeliveryInterface> for Streams {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Arrive { message, sequence, .. } => return self.publish(message, sequence),
            Action::Deliver { consumer } => return self.deliver(consumer),
            Action::Work { consumer } => return self.work(consumer),
            Action::Ack { consumer } => return self.ack(consumer),
            Action::Renew { consumer } => return self.renew(consumer),
            Action::Expire { entry } => {
                let id = self.log[usize::from(entry)].clone();
                self.expire(&id, None);
            }
            Action::CrashConsumer { consumer } => {
                // Whoever watches it lets its leases run out.
                let held = std::mem::take(&mut self.hands[usize::from(consumer)]);
                held.iter().for_each(|held| self.expire(&held.id, Some(consumer)));
            }
            Action::RemoveConsumer { consumer } => {
                self.redis.ask(&["XGROUP", "DELCONSUMER", "log", "group", &consumer.to_string()]);
            }
            Action::CrashBroker { .. } => self.crash(),
            ref other => return elsewhere(other),
        }
        Told::Done
    }
}
