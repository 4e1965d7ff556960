//! A store of keys and values as a model, how its logs read, and histories of it. The bench `log` has it too.

#![allow(unreachable_pub, reason = "a bench has this file as well")]

use std::collections::BTreeMap;

use counterpart::Interface;
use counterpart::conform::events::{Event, Labelled, Log, LogReader, Recorded};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use serde_json::Value;
use stateright::Model;

/// A store whose values are texts, of any length.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    /// Keys that are offered.
    pub keys: u32,
    /// Values that are offered to each.
    pub values: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    Get { key: u32 },
    Put { key: u32, value: String },
    Append { key: u32, value: String },
    Cas { key: u32, from: String, to: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Found(String),
    Done,
    Swapped(bool),
}

impl Ask {
    pub fn key(&self) -> u32 {
        match self {
            Ask::Get { key } | Ask::Put { key, .. } | Ask::Append { key, .. } | Ask::Cas { key, .. } => *key,
        }
    }
}

type State = BTreeMap<u32, String>;

fn held(state: &State, key: u32) -> &str {
    state.get(&key).map_or("", String::as_str)
}

impl Model for Store {
    type State = State;
    type Action = Ask;

    fn init_states(&self) -> Vec<State> {
        vec![State::new()]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Ask>) {
        for key in 0..self.keys {
            actions.push(Ask::Get { key });
            for value in (0..self.values).map(|value| value.to_string()) {
                actions.push(Ask::Put { key, value: value.clone() });
                actions.push(Ask::Append { key, value });
            }
        }
    }

    fn next_state(&self, state: &State, ask: Ask) -> Option<State> {
        let (key, value) = match ask {
            Ask::Get { .. } => return None,
            Ask::Put { key, value } => (key, value),
            Ask::Append { key, value } => (key, format!("{}{value}", held(state, key))),
            Ask::Cas { key, from, .. } if held(state, key) != from => return None,
            Ask::Cas { key, to, .. } => (key, to),
        };
        let mut next = state.clone();
        next.insert(key, value);
        Some(next)
    }
}

/// What the outside sees of a store.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Keys are told apart.
    pub splits: bool,
    /// It offers what is asked for, and nothing else.
    pub by_need: bool,
    /// It says of what changes that it does not.
    pub hides_changes: bool,
}

impl Interface for Shop {
    type Model = Store;
    type Input = Ask;
    type Output = Answer;
    type Snapshot = ();

    fn label(&self, _: &Store, from: &State, ask: &Ask, to: Option<&State>) -> Option<(Ask, Answer)> {
        let answer = match ask {
            Ask::Get { key } => Answer::Found(held(from, *key).into()),
            Ask::Put { .. } | Ask::Append { .. } => Answer::Done,
            Ask::Cas { .. } => Answer::Swapped(to.is_some()),
        };
        Some((ask.clone(), answer))
    }

    fn changes(&self, ask: &Ask) -> bool {
        !self.hides_changes && !matches!(ask, Ask::Get { .. })
    }

    fn key(&self, ask: &Ask) -> Option<String> {
        self.splits.then(|| ask.key().to_string())
    }

    fn offers(&self, _: &Store, _: &State, ask: Option<&Ask>) -> Option<Vec<Ask>> {
        self.by_need.then(|| ask.cloned().into_iter().collect())
    }
}

/// Reads `get` (`key`), `put` and `append` (`key`, `value`), and `cas` (`key`, `from`, `to`). What `get` found, and whether
/// `cas` swapped, is their `result`.
#[derive(Clone, Copy, Debug)]
pub struct Clerk;

impl LogReader<Shop> for Clerk {
    fn admits(&self, event: &Event, step: &Labelled<'_, Shop>) -> bool {
        match (event.fields.get("result"), step.output) {
            (Some(Value::String(said)), Answer::Found(found)) => said == found,
            (Some(Value::Bool(said)), Answer::Swapped(swapped)) => said == swapped,
            // It may not have ended, and then says nothing of its result.
            (None, answer) => match event.name.as_str() {
                "get" => matches!(answer, Answer::Found(_)),
                "put" | "append" => matches!(answer, Answer::Done),
                "cas" => matches!(answer, Answer::Swapped(_)),
                _ => false,
            },
            (Some(_), _) => false,
        }
    }

    fn inputs(&self, event: &Event) -> Option<Vec<Ask>> {
        let key = event.fields.get("key")?.as_u64()? as u32;
        let text = |field: &str| Some(event.fields.get(field)?.as_str()?.to_string());
        Some(vec![match event.name.as_str() {
            "get" => Ask::Get { key },
            "put" => Ask::Put { key, value: text("value")? },
            "append" => Ask::Append { key, value: text("value")? },
            "cas" => Ask::Cas { key, from: text("from")?, to: text("to")? },
            _ => return None,
        }])
    }
}

pub fn event(client: usize, ask: &Ask) -> Event {
    let actor = format!("client {client}");
    match ask {
        Ask::Get { key } => Event::new(actor, "get").with("key", key),
        Ask::Put { key, value } => Event::new(actor, "put").with("key", key).with("value", value),
        Ask::Append { key, value } => Event::new(actor, "append").with("key", key).with("value", value),
        Ask::Cas { key, from, to } => Event::new(actor, "cas").with("key", key).with("from", from).with("to", to),
    }
}

/// What kind of calls clients make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Reads, writes and swaps of one of five values.
    Register,
    /// Reads, writes and appends, each of a value of its own.
    Texts,
}

/// How a history comes to be.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub kind: Kind,
    pub clients: usize,
    pub calls: usize,
    pub keys: u32,
    /// Of a thousand calls, those that never end.
    pub lost_permille: u64,
    /// Of a hundred moments, those at which somebody new begins if nobody has to wait for it.
    pub busy_percent: u64,
    /// One answer is wrong, this far through the history, in a hundredth.
    pub wrong_at_percent: Option<usize>,
    pub seed: u64,
}

enum Client {
    Idle,
    Asked { place: usize, ask: Ask, lost: bool },
    Served { place: usize, result: Option<Value>, lost: bool },
}

impl Run {
    /// A history of clients that are served one at a time, somewhere between their calls' begins and ends.
    pub fn log(&self) -> Log {
        let mut dice = Pcg64::seed_from_u64(self.seed);
        let mut below = move |count: u64| dice.next_u64() % count;
        let (mut state, mut events, mut number) = (State::new(), Vec::<Recorded>::new(), 0);
        let mut clients: Vec<Client> = (0..self.clients).map(|_| Client::Idle).collect();
        let mut names: Vec<usize> = (0..self.clients).collect();
        let mut busy = 0;
        let wrong_at = self.wrong_at_percent.map(|percent| self.calls * percent / 100);
        let mut is_wrong = false;
        while events.len() < self.calls || busy > 0 {
            let client = below(self.clients as u64) as usize;
            number += 1;
            clients[client] = match std::mem::replace(&mut clients[client], Client::Idle) {
                Client::Idle if events.len() == self.calls || (busy > 0 && below(100) >= self.busy_percent) => continue,
                Client::Idle => {
                    let ask = self.ask(events.len(), &mut below);
                    events.push(Recorded { begin: number, end: None, event: event(names[client], &ask) });
                    busy += 1;
                    Client::Asked { place: events.len() - 1, ask, lost: below(1000) < self.lost_permille }
                }
                Client::Asked { place, lost: true, .. } if below(2) == 0 => {
                    Client::Served { place, result: None, lost: true }
                }
                Client::Asked { place, ask, lost } => {
                    let next = Store { keys: 0, values: 0 }.next_state(&state, ask.clone());
                    let mut result = match &ask {
                        Ask::Get { key } => Some(Value::from(held(&state, *key))),
                        Ask::Cas { .. } => Some(Value::from(next.is_some())),
                        _ => None,
                    };
                    if !lost && !is_wrong && wrong_at.is_some_and(|at| place >= at) && matches!(ask, Ask::Get { .. }) {
                        is_wrong = true;
                        result = Some(Value::from("nobody wrote this"));
                    }
                    state = next.unwrap_or(state);
                    Client::Served { place, result, lost }
                }
                Client::Served { place, result, lost } => {
                    busy -= 1;
                    if lost {
                        names[client] += self.clients;
                    } else {
                        events[place].end = Some(number);
                        if let Some(result) = result {
                            events[place].event.fields.insert("result", result);
                        }
                    }
                    Client::Idle
                }
            };
        }
        Log::new(events).expect("numbers are counted")
    }

    fn ask(&self, place: usize, below: &mut impl FnMut(u64) -> u64) -> Ask {
        let key = below(u64::from(self.keys)) as u32;
        let mut value = || below(5).to_string();
        match (self.kind, value().as_str()) {
            (_, "0" | "1") => Ask::Get { key },
            (Kind::Register, "2" | "3") => Ask::Put { key, value: value() },
            (Kind::Register, _) => Ask::Cas { key, from: value(), to: value() },
            (Kind::Texts, "2") => Ask::Put { key, value: format!("x {place} y") },
            (Kind::Texts, _) => Ask::Append { key, value: format!("x {place} y") },
        }
    }
}
