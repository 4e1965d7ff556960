//! NATS JetStream: clients that pull from one consumer of one stream.
//!
//! A lease is an hour; one that is to run out is given back in its holder's name (`-NAK`), which takes it back at once.
//! Which messages a client has in hand it knows itself.
//!
//! Ids of messages are known for a window. The clock of nats-server cannot be moved, so whoever sends again after the window
//! waits for it to pass: a window is a tenth of a second, the least that there is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use counterpart::Counterpart;
use counterpart_models::broker::conformance::DeliveryInterface;
use counterpart_models::broker::model::{Action, Budget, CONSUMERS_MAX, Delivery, HELD_MAX, Told, Variant};

use super::{check, deviation, elsewhere, of_one};
use crate::alongside::Alongside;
use crate::daemon::{Daemon, NATS, WITHIN};
use crate::nats::{Answer, Nats, Server};

const DAEMON: &Daemon = &NATS;

pub(super) fn cases() -> Vec<Alongside> {
    let faults = of_one(Budget { faults: 1, ..Budget::default() });
    let retries = Delivery { consumers: 1, ..of_one(Budget { retries: 1, ..Budget::default() }) };
    let keys = Delivery { message_keys: vec![0, 0], ..of_one(Budget::default()) };
    let server = Server::default();
    // Nobody consumes: each copy costs a wait.
    let unread = Delivery { consumers: 0, ..retries.clone() };
    let there = server.clone();
    let make = move |model: &Delivery| JetStream::start(model, &there, Publisher::Numbers);
    let late = move |model: &Delivery| JetStream::start(model, &server, Publisher::Late);
    let published = Alongside::new(
        DAEMON,
        "broker/nats_publish",
        "publishes with an id and the number of the last one, sent again where the confirmation is lost",
        check(DAEMON, retries.clone(), make.clone()),
    );
    let mut cases = vec![published];
    cases.extend(deviation(
        DAEMON,
        ["nats_window", "nats_window_but_for_copies"],
        ["publishes with an id, sent again after the window of ids", "the same, where every copy is stored"],
        (late, unread, Variant::StoresEveryCopy),
        "the confirmation was later than the window in which ids are remembered: the message is sent again, and stored twice",
    ));
    cases.extend(deviation(
        DAEMON,
        ["nats_ack", "nats_ack_but_for_acks_of_others"],
        ["a consumer that clients pull from, leases that run out", "the same, where an ack counts whoever it is from"],
        (make.clone(), faults, Variant::AcksWhatIsPending),
        "the lease was over, and the ack of the client that had it settles the message, whoever is to have it next: JetStream \
         looks at the message that an ack names, and not at the delivery, though its subject names both",
    ));
    cases.extend(deviation(
        DAEMON,
        ["nats_keys", "nats_keys_but_for_order"],
        ["two messages of one key, two clients", "the same, where messages of a key are handed out side by side"],
        (make, keys, Variant::IgnoresKeys),
        "the first message of the key is still being worked on, and the second is handed to another client: a consumer knows \
         no keys",
    ));
    cases
}

/// What a publisher does so that a message is stored once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Publisher {
    /// It says which entry it takes for the last one.
    Numbers,
    /// It trusts in the message's id, and sends again when ids are forgotten.
    Late,
}

/// Longer than anything takes here.
const HOUR: Duration = Duration::from_secs(3_600);

/// How long ids are remembered.
const WINDOW: Duration = Duration::from_millis(100);

/// Ids are forgotten a window at a time: after two nobody knows them.
const AFTER_WINDOW: Duration = Duration::from_millis(150);

/// A message in a client's hands.
struct Held {
    message: String,
    /// Where it is acknowledged: the subject names stream, consumer, delivery and place.
    ack: String,
}

/// A stream with a consumer, and the clients of that.
struct JetStream {
    nats: Nats,
    stream: String,
    publisher: Publisher,
    /// Messages that were published.
    published: Vec<u8>,
    prefetch: usize,
    /// The last delivery of each entry of the log, and to whom, as long as its lease is not over.
    leases: Vec<Option<(u8, String)>>,
    /// Messages that were never handed out.
    undelivered: usize,
    hands: [VecDeque<Held>; CONSUMERS_MAX],
    /// Messages that took effect.
    effects: Vec<String>,
}

impl JetStream {
    fn start(model: &Delivery, server: &Server, publisher: Publisher) -> Self {
        let (mut nats, stream) = server.connect();
        let create = |nats: &mut Nats, what: &str, config: &str| {
            let answer = nats.ask(&format!("$JS.API.{what}"), config);
            assert!(!answer.text.contains("\"error\""), "{what} {config}: {}", answer.text);
        };
        let window = if publisher == Publisher::Late { WINDOW } else { HOUR };
        let storage = format!(
            r#"{{"name":"{stream}","subjects":["{stream}"],"storage":"memory","duplicate_window":{}}}"#,
            window.as_nanos()
        );
        create(&mut nats, &format!("STREAM.CREATE.{stream}"), &storage);
        let hour_ns = HOUR.as_nanos();
        let consumer = format!(
            r#"{{"stream_name":"{stream}","config":{{"durable_name":"group","ack_policy":"explicit","ack_wait":{hour_ns}}}}}"#
        );
        create(&mut nats, &format!("CONSUMER.DURABLE.CREATE.{stream}.group"), &consumer);
        let (prefetch, leases, effects) = (model.prefetch.into(), Vec::new(), Vec::new());
        let published = Vec::new();
        JetStream {
            nats,
            stream,
            publisher,
            published,
            prefetch,
            leases,
            undelivered: 0,
            hands: Default::default(),
            effects,
        }
    }

    fn publish(&mut self, message: u8, sequence: u8) -> Told {
        let is_late = self.publisher == Publisher::Late;
        if is_late && self.published.contains(&message) {
            std::thread::sleep(AFTER_WINDOW);
        }
        self.published.push(message);
        let (message, sequence) = (message.to_string(), sequence.to_string());
        let headers = [("Nats-Msg-Id", message.as_str()), ("Nats-Expected-Last-Sequence", sequence.as_str())];
        let headers = if is_late { &headers[..1] } else { &headers };
        let Answer { text, .. } = self.nats.ask_with(&self.stream, headers, &message);
        if text.contains("\"duplicate\":") {
            Told::Duplicate
        } else if text.contains("wrong last sequence") {
            Told::OutOfSequence
        } else {
            assert!(!text.contains("\"error\""), "{text}");
            self.leases.push(None);
            self.undelivered += 1;
            self.wait_until_pending();
            Told::Confirmed
        }
    }

    /// A publish is confirmed before the consumer knows of it: it is asked until it does.
    fn wait_until_pending(&mut self) {
        let (info, until) = (format!("$JS.API.CONSUMER.INFO.{}.group", self.stream), Instant::now() + WITHIN);
        let pending = format!("\"num_pending\":{}", self.undelivered);
        while !self.nats.ask(&info, "").text.contains(&pending) {
            assert!(Instant::now() < until, "the consumer does not hear of a message");
        }
    }

    fn deliver(&mut self, client: u8) -> Told {
        let leased = self.leases.iter().flatten().filter(|(holder, _)| *holder == client).count();
        let hand = usize::from(client);
        if leased >= self.prefetch || self.hands[hand].len() == HELD_MAX {
            return Told::Full;
        }
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.{}.group", self.stream);
        let answer = self.nats.ask(&next, r#"{"batch":1,"no_wait":true}"#);
        let Some(ack) = answer.reply_to else {
            assert!(answer.headers.contains(" 404 "), "{answer:?}");
            return Told::Nothing;
        };
        // $JS.ACK.stream.consumer.deliveries.place.…
        let words: Vec<usize> = ack.split('.').skip(4).filter_map(|word| word.parse().ok()).collect();
        let (attempt, place) = (words[0] as u8, words[1]);
        self.undelivered -= usize::from(attempt == 1);
        self.leases[place - 1] = Some((client, ack.clone()));
        let told = Told::Delivered { message: answer.text.parse().expect("a message's number"), attempt };
        self.hands[hand].push_back(Held { message: answer.text, ack });
        told
    }

    /// The lease of an entry is over.
    fn expire(&mut self, entry: usize) {
        if let Some((_, ack)) = self.leases[entry].take() {
            self.nats.ask(&ack, "-NAK");
        }
    }

    /// Deliveries that are to be acknowledged, given back or not.
    fn pending(&mut self) -> usize {
        let info = self.nats.ask(&format!("$JS.API.CONSUMER.INFO.{}.group", self.stream), "").text;
        let rest = info.split("\"num_ack_pending\":").nth(1).expect("a consumer tells what is pending");
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().expect("a number")
    }

    /// An ack that is a request is answered once it is done, whatever it did: what it did is asked.
    fn ack(&mut self, client: u8) -> Told {
        let held = self.hands[usize::from(client)].pop_front().expect("a message in hand");
        let place: usize = held.ack.split('.').nth(5).and_then(|word| word.parse().ok()).expect("a place");
        let before = self.pending();
        let answer = self.nats.ask(&held.ack, "+ACK");
        assert!(answer.headers.is_empty(), "{answer:?}");
        if self.pending() == before {
            return Told::Stale;
        }
        self.leases[place - 1] = None;
        Told::Settled
    }

    fn work(&mut self, client: u8) -> Told {
        let held = self.hands[usize::from(client)].front().expect("a message in hand");
        if self.effects.contains(&held.message) {
            return Told::Skipped;
        }
        self.effects.push(held.message.clone());
        Told::Applied
    }
}

impl Drop for JetStream {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // It would only be in the way of those to come.
            self.nats.ask(&format!("$JS.API.STREAM.DELETE.{}", self.stream), "");
        }
    }
}

impl Counterpart<DeliveryInterface> for JetStream {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Arrive { message, sequence, .. } => return self.publish(message, sequence),
            Action::Deliver { consumer } => return self.deliver(consumer),
            Action::Work { consumer } => return self.work(consumer),
            Action::Ack { consumer } => return self.ack(consumer),
            Action::Expire { entry } => self.expire(entry.into()),
            Action::CrashConsumer { consumer } => {
                // Whoever watches it gives back what it held.
                self.hands[usize::from(consumer)].clear();
                let is_its =
                    |lease: &Option<(u8, String)>| lease.as_ref().is_some_and(|(holder, _)| *holder == consumer);
                let held: Vec<usize> = (0..self.leases.len()).filter(|entry| is_its(&self.leases[*entry])).collect();
                held.into_iter().for_each(|entry| self.expire(entry));
            }
            ref other => return elsewhere(other),
        }
        Told::Done
    }
}
