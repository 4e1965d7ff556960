//! What the outside sees of a delivery, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Consumer, Delivery, Entry, LOG_MAX, MESSAGES_MAX, Presence, State, Status, Told};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Debug)]
pub struct DeliverySpec(pub Delivery);

impl Spec for DeliverySpec {
    type Model = Delivery;

    fn temporal(&self) -> Vec<Temporal<Delivery>> {
        properties::temporal(&self.0)
    }

    fn fairness(&self, model: &Delivery, state: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(model, state, action)
    }

    fn must_progress(&self, model: &Delivery, state: &State, action: &Action) -> bool {
        !properties::fairness(model, state, action).is_empty()
    }

    fn parameters(&self, model: &Delivery) -> BTreeMap<String, String> {
        let attempts = model.attempts_max.map_or("any number".into(), |most| most.to_string());
        [
            ("keys of the messages", format!("{:?}", model.message_keys)),
            ("consumers", model.consumers.to_string()),
            ("prefetch", model.prefetch.to_string()),
            ("attempts at most", attempts),
            ("poison", messages(model.poison)),
            ("group commit", model.group_commit.to_string()),
            ("effects are fenced", model.fenced.to_string()),
            ("keys are forgotten", model.window.to_string()),
            ("consumers let go when the broker restarts", model.lets_go.to_string()),
            ("leases are renewed", model.renews.to_string()),
            ("budget", format!("{:?}", model.budget)),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Send { .. } | Action::Retry { .. } | Action::RestartProducer => "producer".into(),
            Action::Arrive { .. } | Action::Drop { .. } | Action::Confirm { .. } | Action::LoseConfirm { .. } => {
                "network".into()
            }
            Action::Deliver { consumer }
            | Action::Work { consumer }
            | Action::Ack { consumer }
            | Action::Nack { consumer }
            | Action::Renew { consumer }
            | Action::CrashConsumer { consumer }
            | Action::RestartConsumer { consumer } => format!("consumer {consumer}"),
            Action::Sync | Action::Expire { .. } | Action::CrashBroker { .. } | Action::Bury { .. } => "broker".into(),
            Action::RemoveConsumer { .. } | Action::Redrive { .. } => "operator".into(),
            Action::ForgetKey { .. } => "store of effects".into(),
        }
    }

    fn state_json(&self, model: &Delivery, state: &State) -> Value {
        let log: Vec<String> = state.log.iter().flatten().map(|entry| entry_text(model, entry)).collect();
        let consumers: Vec<String> =
            state.consumers[..model.consumers.into()].iter().map(|consumer| consumer_text(state, consumer)).collect();
        let under_way = |epoch: usize| {
            let of = |message: u8| (message, state.publishes[epoch][usize::from(message)]);
            let copies: Vec<(u8, u8)> = model.messages().map(of).filter(|(_, copies)| *copies > 0).collect();
            copies.into_iter().map(move |(message, copies)| format!("m{message} of epoch {epoch}: {copies}"))
        };
        let network: Vec<String> = (0..state.publishes.len()).flat_map(under_way).collect();
        let producer = state.producer;
        json!({
            "producer": format!("epoch {}, sent up to {}, knows of {}", producer.epoch, producer.next, messages(producer.known)),
            "network": itf_state(&network),
            "confirmations": messages(state.confirms),
            "broker": format!("epoch {}, expects {}", state.epoch, state.expected),
            "log": itf_state(&log),
            "consumers": itf_state(&consumers),
            "effects": itf_state(&state.effects[..model.message_keys.len()].to_vec()),
            "idempotency keys": messages(state.keys),
            "fences": if model.fenced { itf_state(&state.fences.to_vec()) } else { json!("none") },
            "left": format!("{:?}", state.left),
            "history": history(state),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// A set of messages in words.
fn messages(set: u8) -> String {
    let names: Vec<String> =
        (0..MESSAGES_MAX).filter(|message| set >> message & 1 == 1).map(|message| format!("m{message}")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn entry_text(model: &Delivery, entry: &Entry) -> String {
    let Entry { message, durable, torn, status, attempts, .. } = *entry;
    let status = match status {
        Status::Ready => "ready".into(),
        Status::Inflight(consumer) => format!("leased to consumer {consumer}"),
        Status::Done => "acknowledged".into(),
        Status::Dead => "dead letter".into(),
    };
    let synced = if durable { "" } else { ", not synced" };
    let torn = if torn { ", half written" } else { "" };
    format!("m{message} of key {}: {status}, delivered {attempts} times{synced}{torn}", model.key(message))
}

fn consumer_text(state: &State, consumer: &Consumer) -> String {
    let held: Vec<String> = consumer
        .held
        .iter()
        .flatten()
        .map(|hold| {
            let lease = if hold.is_current { "" } else { ", lease over" };
            format!("m{} {:?}{lease}", state.message(hold.entry), hold.phase)
        })
        .collect();
    match (consumer.presence, held.is_empty()) {
        (Presence::Up, true) => "idle".into(),
        (Presence::Up, false) => held.join("; "),
        (presence, true) => format!("{presence:?}"),
        (presence, false) => format!("{presence:?}: {}", held.join("; ")),
    }
}

fn history(state: &State) -> String {
    let seen = state.seen;
    let mut said = vec![format!("confirmed: {}", messages(seen.confirmed))];
    if seen.redriven != 0 {
        said.push(format!("put back: {}", messages(seen.redriven)));
    }
    said.extend(seen.breach.map(|breach| format!("{breach:?}")));
    said.join("; ")
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (properties::KEPT, "the producer was told that the message is safe, and it is nowhere any more"),
    (properties::ONCE, "the message was delivered again, and nothing says that its work was done before"),
    (properties::SENT, "what was written by half before the crash is read as a message"),
    (
        properties::IN_ORDER,
        "whoever holds the older message works on it after the later one: each is done once, and the order is lost",
    ),
    (properties::SETTLED, "the producer was told that the message is safe, and it never comes to anything"),
    (properties::PREFETCH, "the consumer has more in hand than it can work on, and others have nothing"),
    (properties::APART, "nobody can work on one message, and all wait behind it"),
    (properties::ATTEMPTS, "a delivery that is not counted has no end"),
    (properties::REDRIVEN_ONCE, "the work was done before it became a dead letter, and nobody remembers"),
    (properties::GIVEN_ON, "the consumer is gone, and what it held is waited for"),
    (properties::HOLDER, "the lease was over; what was said about it counts for whoever holds the message now"),
];

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryInterface;

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Shown {
    /// Of each entry of the log what has become of it, and the deliveries that the broker has counted.
    pub log: [Option<(u8, Status, u8)>; LOG_MAX],
    /// How often each message took effect.
    pub effects: [u8; MESSAGES_MAX],
    /// Messages whose idempotency key is kept; a set of bits.
    pub keys: u8,
}

impl Interface for DeliveryInterface {
    type Model = Delivery;
    type Input = Action;
    type Output = Told;
    type Snapshot = Shown;

    fn label(&self, model: &Delivery, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Delivery, state: &State) -> Option<Shown> {
        let of = |entry: Entry| (entry.message, entry.status, entry.attempts);
        Some(Shown { log: state.log.map(|entry| entry.map(of)), effects: state.effects, keys: state.keys })
    }
}
