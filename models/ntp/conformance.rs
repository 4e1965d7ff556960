//! What the outside sees of an exchange, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Exchange, State, Told};
use super::properties::{self, SYNCHRONISED};

/// The assumption that liveness needs.
const LIFE_GOES_ON: &str = "packets arrive, the server answers, the client asks, time passes";

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExchangeSpec {
    /// Whether to ask that the client is synchronised in the end.
    pub synchronises: bool,
}

impl Spec for ExchangeSpec {
    type Model = Exchange;

    fn temporal(&self) -> Vec<Temporal<Exchange>> {
        if !self.synchronises {
            return Vec::new();
        }
        vec![
            Temporal::eventually(SYNCHRONISED, |_: &Exchange, state: &State| state.history.synchronised)
                .under(LIFE_GOES_ON),
        ]
    }

    fn fairness(&self, _: &Exchange, _: &State, action: &Action) -> Vec<FairKey> {
        let key = FairKey::weak(LIFE_GOES_ON);
        match action {
            Action::Tick => vec![key.of_each("tick")],
            Action::Poll { .. } => vec![key.of_each("poll")],
            Action::Deliver { packet } => vec![key.of_each(("deliver", packet))],
            Action::Reply { packet, .. } => vec![key.of_each(("reply", packet))],
            Action::Lose { .. } | Action::Double { .. } | Action::Forge { .. } | Action::Reflect | Action::Slip => {
                Vec::new()
            }
        }
    }

    fn must_progress(&self, _: &Exchange, _: &State, action: &Action) -> bool {
        matches!(action, Action::Tick | Action::Poll { .. } | Action::Deliver { .. } | Action::Reply { .. })
    }

    fn parameters(&self, model: &Exchange) -> BTreeMap<String, String> {
        let forgeries = match model.forgeries_max {
            0 => "none".to_string(),
            max => format!("{max}; a hit on random bits, {max} in 2^64, is left out"),
        };
        let answers: Vec<String> = model.answers.iter().map(|answer| format!("{answer:?}")).collect();
        [
            ("offset", format!("{} ticks of an era of 16", model.offset)),
            ("one-way delay", format!("0 to {} ticks", model.delay_max)),
            ("time at the server", format!("0 to {} ticks", model.hold_max)),
            ("interval", format!("{} to {} ticks", 1 << model.poll_min, 1 << model.poll_max)),
            ("transmit field", format!("{:?}", model.stamps)),
            ("interleaved", model.interleaved.to_string()),
            ("the server says", answers.join(" ")),
            ("lost", model.losses_max.to_string()),
            ("doubled", model.doubles_max.to_string()),
            ("forged", forgeries),
            ("slips", model.slips_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick => "clock",
            Action::Poll { .. } | Action::Slip => "client",
            Action::Deliver { .. } | Action::Lose { .. } | Action::Double { .. } => "network",
            Action::Reply { .. } => "server",
            Action::Forge { .. } | Action::Reflect => "attacker",
        }
        .into()
    }

    fn state_json(&self, _: &Exchange, state: &State) -> Value {
        json!({
            "server's clock": state.time,
            "client's clock": Exchange::client_clock(state),
            "client": itf_state(&state.client),
            "packets": itf_state(&state.packets),
            "synchronised": state.history.synchronised,
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (properties::SERVERS_ONLY, "the packet is the attacker's, and the client does what it says"),
    (properties::UNDISTURBED, "anybody can send such a packet, and the client is another than before"),
    (properties::ONCE, "the same answer counts a second time, and how late it is now is taken for the clock's error"),
    (properties::HALF, "the four stamps bound the error by half the round trip; what is told lies outside"),
    (properties::HALF_AND_DRIFT, "beside half the round trip only the drift meanwhile may be missing"),
    (properties::OF_THE_NETWORK, "no packet is that long on its way: the stamps are of two exchanges"),
    (properties::NOT_SHORTENED, "the server asks to be asked less, and is asked more"),
    (properties::DENIED, "the server has said to go away"),
    (properties::HAS_TIME, "the server says itself that it has no time to give"),
    (properties::QUESTIONS_ONLY, "two servers that answer answers send each other one packet for ever"),
    (SYNCHRONISED, "no answer comes that counts"),
];

/// What the outside sees of an exchange.
pub struct ExchangeInterface;

/// What can be read of a client between inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Whether a question waits for its answer.
    pub waiting: bool,
    /// Ticks between questions.
    pub interval: u32,
    /// Ticks until the next question; `None`: never.
    pub asks_in: Option<u32>,
}

impl Interface for ExchangeInterface {
    type Model = Exchange;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Exchange, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Exchange, state: &State) -> Option<Seen> {
        let client = &state.client;
        Some(Seen {
            waiting: client.asked.is_some(),
            interval: 1 << client.poll,
            asks_in: (!client.denied).then_some(client.wait.into()),
        })
    }
}
