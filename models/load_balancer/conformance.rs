//! What the outside sees of the model, and the words in which its traces are told.

use std::collections::BTreeMap;

use counterpart::model::Temporal;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Balancer, Breach, Call, Policy, SERVERS_MAX, State, TICK_UNITS, members};
use super::properties::{self, COMES_BACK};

/// A tick of the model, as a balancer under test sees it: short, so that halves come out as the model's do.
pub const TICK_US: u64 = TICK_UNITS as u64;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct BalancerSpec;

impl Spec for BalancerSpec {
    type Model = Balancer;

    fn temporal(&self) -> Vec<Temporal<Balancer>> {
        properties::temporal()
    }

    fn must_progress(&self, _: &Balancer, _: &State, action: &Action) -> bool {
        !matches!(action, Action::SetHealth { .. } | Action::SetServers { .. })
    }

    fn parameters(&self, model: &Balancer) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("policy", format!("{:?}", model.policy)),
            ("weights", format!("{:?}", model.weights)),
            ("requests in flight", model.slots.to_string()),
            ("panic below", format!("{}% eligible", model.panic_percent)),
            ("variant", format!("{:?}", model.variant)),
        ];
        let is = |what: bool| if what { "yes" } else { "no" }.to_string();
        parameters.push(("health changes", is(model.health_changes)));
        parameters.push(("any idle slot", is(model.any_slot)));
        parameters.push(("requests fail", is(model.failures)));
        parameters.push(("callers panic", is(model.panics)));
        if model.lists.len() > 1 {
            let lists: Vec<String> = model.lists.iter().map(|list| named(*list)).collect();
            parameters.push(("lists", lists.join(" or ")));
        }
        if let Some(outliers) = model.outliers {
            let max = outliers.ejected_max_percent;
            let text = format!("{} failures, {} ticks, at most {max}%", outliers.failures, outliers.ticks);
            parameters.push(("ejection", text));
        }
        if model.slow_start_ticks > 0 {
            let (ticks, from) = (model.slow_start_ticks, model.slow_start_from_percent);
            parameters.push(("slow start", format!("{ticks} ticks, from {from}%")));
        }
        if let Some(retries) = model.retries {
            parameters.push(("retries", format!("{} tokens each, of {}", retries.cost, retries.tokens_max)));
        }
        if model.policy == Policy::BoundedHash {
            parameters.push(("epsilon", format!("{}%", model.epsilon_percent)));
            parameters.push(("keys", format!("{:?}", model.preferences)));
        }
        if !model.quirks.is_empty() {
            parameters.push(("quirks", format!("{:?}", model.quirks)));
        }
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Pick { slot, .. }
            | Action::Complete { slot, .. }
            | Action::Cancel { slot }
            | Action::Panic { slot } => format!("request {slot}"),
            Action::SetHealth { .. } => "health check".into(),
            Action::SetServers { .. } => "operator".into(),
            Action::Tick => "clock".into(),
        }
    }

    fn state_json(&self, model: &Balancer, state: &State) -> Value {
        let of = |what: fn(&super::model::Server) -> i64| -> Vec<i64> {
            state.servers[..model.weights.len()].iter().map(what).collect()
        };
        let calls: Vec<String> = state.calls[..usize::from(model.slots)]
            .iter()
            .map(|call| match call {
                Call::Idle => "-".to_string(),
                Call::Running { server, ticks, late } => {
                    let late = if *late { " that has left" } else { "" };
                    let ticks = if *ticks > 0 { format!(" for {ticks}") } else { String::new() };
                    format!("at {}{late}{ticks}", letter(*server))
                }
            })
            .collect();
        let mut seen = json!({
            "list": named(state.members),
            "healthy": named(state.healthy),
            "in flight": of(|server| server.in_flight.into()),
            "requests": calls,
        });
        let mut put = |name: &str, value: Value| seen[name] = value;
        if model.outliers.is_some() {
            put("ejected for", json!(of(|server| server.ejected.into())));
            put("failures in a row", json!(of(|server| server.failures.into())));
        }
        match model.policy {
            Policy::RoundRobin if usize::from(state.last) < SERVERS_MAX => put("last", json!(letter(state.last))),
            Policy::SmoothWeighted => put("owed", json!(of(|server| server.current.into()))),
            Policy::PeakEwma => put("expected", json!(of(|server| server.estimate.into()))),
            Policy::RoundRobin | Policy::LeastConnections | Policy::PowerOfTwo | Policy::BoundedHash => {}
        }
        if model.slow_start_ticks > 0 {
            put("age", json!(of(|server| server.age.into())));
        }
        if model.retries.is_some() {
            put("retry tokens", json!(state.tokens));
        }
        if state.history.breaches != 0 {
            put("broken rules", json!(state.history.breaches()));
        }
        seen
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (COMES_BACK, "the server is well again, and nobody will ever send it a request to find out"),
    (
        "a whole cycle gives each server exactly its weight",
        "the weights say what each machine can carry; the small ones are given what the large one was to have",
    ),
    (
        "no server is a whole request ahead of its share, or behind",
        "on average each has its share, but it comes in one go: the queue of the heaviest fills while the others wait",
    ),
    (
        "a server that could be chosen waits for no more requests than there are servers",
        "every change of another server sends the round back to its beginning, and those at its end are never reached",
    ),
    (
        "the requests counted at a server are those in flight there",
        "a count that is wrong once is wrong for ever: a server with a request too many on its count is avoided though it \
         is idle, one with a request too few is preferred though it is busy",
    ),
    (
        "no server takes more than its share above the average",
        "one popular key sends everything to one server while the others have room",
    ),
    (
        "a key moves only when its server is gone or full",
        "a list that changes by one server moves almost every key, and every cache behind them is cold at once",
    ),
    (
        "no more servers are ejected than the limit allows",
        "failures that have a common cause eject one server after the other, and those that are left take all the load",
    ),
    (
        "no request is turned away while there is a server",
        "when most health checks fail it is more likely that the checks are wrong than that all servers are gone",
    ),
    (
        "only in panic mode are requests sent to servers that are not eligible",
        "there are healthy servers, and the request goes to one that is known not to answer",
    ),
    (
        "the balancer knows each server as the last health check reported it",
        "the check has found the server well again, and the balancer never heard of it",
    ),
    (
        "retries stay within their budget",
        "each retry is load on top of the load that made it necessary: without a budget they keep a failing service down",
    ),
    (
        "of two choices never the server that is busier than all others",
        "the same server was drawn twice: there was no choice, and the request went where it should never go",
    ),
    (
        "a failure never makes a server look faster",
        "a server that fails at once answers in no time: the more it fails the more requests it attracts",
    ),
];

impl super::model::History {
    fn breaches(&self) -> String {
        use Breach::*;
        [
            (EjectedTooMany, "ejected too many"),
            (TurnedAway, "turned a request away"),
            (SentToUnhealthy, "sent a request to a server that was not eligible"),
            (OverShare, "gave a server more than its share"),
            (RemappedNeedlessly, "moved a key without need"),
            (RetriedOverBudget, "retried over budget"),
            (ChoseBusiest, "chose the busiest"),
            (FailureSpedUp, "took a failure for speed"),
        ]
        .into_iter()
        .filter_map(|(breach, name)| (self.breaches >> breach as u8 & 1 == 1).then_some(name))
        .collect::<Vec<_>>()
        .join(", ")
    }
}

fn letter(server: u8) -> char {
    char::from(b'a' + server)
}

fn named(set: u8) -> String {
    if set == 0 { "none".into() } else { members(set).map(letter).collect() }
}

/// What the outside sees of the balancer.
#[derive(Clone, Copy, Debug, Default)]
pub struct BalancerInterface;

/// What a caller, a health check, an operator or the clock gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The request is sent to a server.
    Sent {
        /// The server, 0-based.
        server: u8,
    },
    /// There is no server to send the request to.
    NoServer,
    /// The retry is beyond the budget.
    OverBudget,
    /// There is nothing to say.
    Done,
}

/// What an operator sees between requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Requests counted at each server.
    pub in_flight: [u32; SERVERS_MAX],
    /// Servers in the list, as bits.
    pub listed: u8,
    /// Servers that are healthy by the last report, as bits.
    pub healthy: u8,
    /// Servers that are ejected, as bits.
    pub ejected: u8,
}

impl Interface for BalancerInterface {
    type Model = Balancer;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, model: &Balancer, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match *action {
            Action::Pick { slot, retry, .. } => match to.unwrap_or(from).calls[usize::from(slot)] {
                Call::Running { server, .. } => Answer::Sent { server },
                Call::Idle if retry && model.retries.is_some_and(|retries| from.tokens < retries.cost) => {
                    Answer::OverBudget
                }
                Call::Idle => Answer::NoServer,
            },
            Action::Complete { .. }
            | Action::Cancel { .. }
            | Action::Panic { .. }
            | Action::SetHealth { .. }
            | Action::SetServers { .. }
            | Action::Tick => Answer::Done,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, _: &Balancer, state: &State) -> Option<Seen> {
        let ejected = members(state.members).filter(|at| state.servers[usize::from(*at)].ejected > 0);
        Some(Seen {
            in_flight: state.servers.map(|server| server.in_flight.into()),
            listed: state.members,
            healthy: state.healthy,
            ejected: ejected.fold(0, |set, at| set | 1 << at),
        })
    }
}
