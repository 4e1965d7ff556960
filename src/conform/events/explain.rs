//! A log as calls that have to be explained, and what the search says of them, told in the log's terms.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde_json::Value;

use super::event::Event;
use super::log::Log;
use super::reading::Reads;
use crate::conform::Limits;
use crate::conform::linear::{self, Bounds, Call, Meaning, Order, Outcome, Placed, READ, search};
use crate::conform::lts::{Edge, Lts, Node};
use crate::explore::Stop;

/// What came of the search.
pub(super) enum Explained {
    /// A behaviour explains all; the states that it goes through, for each part of the log.
    Whole(Vec<Vec<(Node, By)>>),
    Not(Dead),
    Unknown(Unknown),
}

/// Why it is not known whether a behaviour explains a log.
pub(super) enum Unknown {
    TooMany,
    TooMuch,
    /// What is said to change nothing changes this state.
    Changes {
        said: String,
        state: String,
    },
    Stopped(Stop),
}

/// Where the last way of explaining ended.
pub(super) struct Dead {
    /// The key of the part that it belongs to, where the log was split.
    pub(super) key: Option<String>,
    /// The event that none explains, by its place in the log (0-based). It is the first whose end leaves the log
    /// without an explanation: up to there it has one.
    pub(super) event: usize,
    /// A longest explanation up to there: each state with how it was come by.
    pub(super) path: Vec<(Node, By)>,
    /// All states in which it would have had to be explained.
    pub(super) states: Vec<Node>,
    /// Its fields each of which, left out, would let it be explained in one of them.
    pub(super) contradicted: Vec<String>,
}

/// How a state was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// It is initial.
    Start,
    /// A step that nobody records.
    Hidden { from: Node, edge: Edge },
    /// A step, and its record's place in the log.
    Recorded { from: Node, edge: Edge, event: usize },
    /// The state was read, and stays; the record's place in the log.
    Read { event: usize },
}

/// Looks for a behaviour that explains `log`.
///
/// Where the interface tells keys apart, each key's events are judged by themselves, beside each other. The first event
/// that nothing explains is the same as if they were not: it is that of the part that fails first.
pub(super) fn explain(lts: &Lts, reader: &dyn Reads, log: &Log, bounds: Bounds, limits: &Limits) -> Explained {
    let mut said = Said::new();
    let classes: Vec<u32> = log.events().iter().map(|recorded| said.number(&recorded.event)).collect();
    let inputs: Vec<Option<Vec<u32>>> = said.events.iter().map(|event| reader.inputs(event)).collect();
    let said = Meant { lts, reader, limits, events: &said.events, inputs: &inputs };
    // What follows what by name may go from key to key.
    let parts = if log.is_linked() { vec![Part::whole(&classes)] } else { said.parts(&classes) };
    let judge = |part: &Part| said.judge(log, &classes, part, bounds);
    let mut judged = beside_each_other(&parts, limits.budget.threads, &judge);
    let ends = |dead: &Dead| log.events()[dead.event].end.unwrap_or(u64::MAX);
    let first = (0..judged.len())
        .filter_map(|part| if let Explained::Not(dead) = &judged[part] { Some((ends(dead), part)) } else { None })
        .min();
    if let Some((_, first)) = first {
        return judged.swap_remove(first);
    }
    let mut whole = Vec::new();
    for part in judged {
        match part {
            Explained::Whole(paths) => whole.extend(paths),
            other => return other,
        }
    }
    Explained::Whole(whole)
}

/// What `judge` says of each of `parts`, in their order, by as many threads as may be.
fn beside_each_other(parts: &[Part], threads: usize, judge: &(dyn Fn(&Part) -> Explained + Sync)) -> Vec<Explained> {
    let threads = threads.min(parts.len());
    if threads <= 1 {
        return parts.iter().map(judge).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut judged = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            let Some(it) = parts.get(part) else { return judged };
            judged.push((part, judge(it)));
        }
    };
    let mut judged: Vec<(usize, Explained)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.collect()
    });
    judged.sort_unstable_by_key(|(part, _)| *part);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

/// A key's events, by their places in the log.
struct Part {
    key: Option<String>,
    events: Vec<u32>,
}

impl Part {
    /// All events, whatever their keys.
    fn whole(classes: &[u32]) -> Self {
        Part { key: None, events: (0..classes.len() as u32).collect() }
    }
}

/// What the events of a log mean, each different one once.
struct Meant<'a> {
    lts: &'a Lts,
    reader: &'a dyn Reads,
    limits: &'a Limits,
    events: &'a [&'a Event],
    inputs: &'a [Option<Vec<u32>>],
}

impl Meant<'_> {
    /// The parts of a log whose events are of `classes`: one for each key, or one for all where some event has none.
    fn parts(&self, classes: &[u32]) -> Vec<Part> {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut of_class = Vec::with_capacity(self.inputs.len());
        for inputs in self.inputs {
            let mut keys = inputs.iter().flatten().map(|input| self.lts.words().key(*input));
            let first = keys.next().flatten();
            let Some(key) = first.filter(|first| keys.all(|key| key.as_ref() == Some(first))) else {
                return vec![Part::whole(classes)];
            };
            let next = names.len();
            of_class.push(*names.entry(key).or_insert(next));
        }
        let mut parts: Vec<Part> = Vec::with_capacity(names.len());
        parts.resize_with(names.len(), || Part { key: None, events: Vec::new() });
        for (name, part) in names {
            parts[part].key = Some(name);
        }
        for (event, class) in (0..).zip(classes) {
            parts[of_class[*class as usize]].events.push(event);
        }
        parts
    }

    fn judge(&self, log: &Log, classes: &[u32], part: &Part, bounds: Bounds) -> Explained {
        let mut own: HashMap<u32, u32, FixedState> = HashMap::default();
        let mut said = Vec::new();
        let call = |event: &u32| {
            let class = *own.entry(classes[*event as usize]).or_insert_with_key(|class| {
                said.push(*class);
                said.len() as u32 - 1
            });
            Call { class, ..log.call(*event as usize) }
        };
        let calls: Vec<Call> = part.events.iter().map(call).collect();
        let order = Order::new(&calls).expect("a log has an order");
        let looks = said.iter().map(|class| self.looks(*class)).collect();
        let mut reading = Reading { meant: self, said: &said, looks, part, edges: Vec::new() };
        match search(&order, said.len() as u32, &mut reading, bounds) {
            Outcome::Explained(path) => Explained::Whole(vec![reading.told(&path)]),
            Outcome::Unexplained(linear::Dead { call, path, states }) => {
                let contradicted = reading.contradicted(calls[call as usize].class, &states);
                let (key, event) = (part.key.clone(), part.events[call as usize] as usize);
                Explained::Not(Dead { key, event, path: reading.told(&path), states, contradicted })
            }
            Outcome::WrongEnd(_) => unreachable!("a log may end in any state"),
            Outcome::Changes { class, node } => {
                let said = self.events[said[class as usize] as usize].to_string();
                Explained::Unknown(Unknown::Changes { said, state: self.lts.words().state(node) })
            }
            Outcome::TooMany => Explained::Unknown(Unknown::TooMany),
            Outcome::TooMuch => Explained::Unknown(Unknown::TooMuch),
            Outcome::Stopped(stop) => Explained::Unknown(Unknown::Stopped(stop)),
        }
    }

    /// Whether events of this class change nothing.
    fn looks(&self, class: u32) -> bool {
        let inputs = self.inputs[class as usize].as_deref();
        inputs.is_some_and(|inputs| inputs.iter().all(|input| !self.lts.words().changes(*input)))
    }
}

/// What the events of a log say, each different one once.
struct Said<'a> {
    events: Vec<&'a Event>,
    index: HashTable<u32>,
}

impl<'a> Said<'a> {
    fn new() -> Self {
        Said { events: Vec::new(), index: HashTable::new() }
    }

    fn number(&mut self, event: &'a Event) -> u32 {
        let same = |number: &u32| self.events[*number as usize] == event;
        let hash = hash(event);
        if let Some(number) = self.index.find(hash, same) {
            return *number;
        }
        let number = self.events.len() as u32;
        self.events.push(event);
        let events = &self.events;
        self.index.insert_unique(hash, number, |number| self::hash(events[*number as usize]));
        number
    }
}

fn hash(event: &Event) -> u64 {
    let mut state = FixedState::default().build_hasher();
    event.actor.hash(&mut state);
    event.name.hash(&mut state);
    for (field, value) in event.fields.iter() {
        field.hash(&mut state);
        hash_value(value, &mut state);
    }
    state.finish()
}

/// Feeds what tells most values apart.
fn hash_value(value: &Value, state: &mut impl Hasher) {
    match value {
        Value::Null => state.write_u8(0),
        Value::Bool(truth) => truth.hash(state),
        Value::Number(number) => number.hash(state),
        Value::String(text) => text.hash(state),
        Value::Array(values) => values.iter().for_each(|value| hash_value(value, state)),
        Value::Object(fields) => state.write_usize(fields.len()),
    }
}

/// The events of a part, by number, read in the states of a model.
struct Reading<'a> {
    meant: &'a Meant<'a>,
    /// The classes of the part, by its own numbers.
    said: &'a [u32],
    /// Which of them change nothing.
    looks: Vec<bool>,
    part: &'a Part,
    /// The steps that were come to.
    edges: Vec<Edge>,
}

impl Meaning for Reading<'_> {
    fn start(&mut self) -> Vec<Node> {
        self.meant.reader.start()
    }

    fn hidden(&mut self, node: Node) -> Vec<(u32, Node)> {
        let edges = self.meant.reader.hidden(node);
        self.kept(edges)
    }

    fn explains(&mut self, class: u32, node: Node) -> Vec<(u32, Node)> {
        let class = self.said[class as usize] as usize;
        let (meant, event) = (self.meant, self.meant.events[class]);
        let reads = meant.reader.reads(event, node).then_some((READ, node));
        let edges = self.kept(meant.reader.explains(event, meant.inputs[class].as_deref(), node));
        reads.into_iter().chain(edges).collect()
    }

    fn changes_nothing(&self, class: u32) -> bool {
        self.looks[class as usize]
    }

    fn explained(&mut self, more: u32) {
        self.meant.limits.explained.fetch_add(more as usize, Ordering::Relaxed);
    }

    fn interrupted(&mut self) -> Option<Stop> {
        (self.meant.limits.budget.interrupt)()
    }
}

impl Reading<'_> {
    /// Keeps steps, each under its place among them.
    fn kept(&mut self, edges: Vec<Edge>) -> Vec<(u32, Node)> {
        let first = self.edges.len() as u32;
        self.edges.extend(edges);
        (first..).zip(&self.edges[first as usize..]).map(|(place, edge)| (place, edge.to)).collect()
    }

    /// A path, with the steps that its places stand for.
    fn told(&self, path: &[Placed]) -> Vec<(Node, By)> {
        let mut from = 0;
        let mut told = Vec::with_capacity(path.len());
        for Placed { node, by } in path {
            let edge = |edge: u32| self.edges[edge as usize];
            let event = |call: u32| self.part.events[call as usize] as usize;
            let by = match *by {
                linear::By::Start => By::Start,
                linear::By::Hidden { edge: taken } => By::Hidden { from, edge: edge(taken) },
                linear::By::Call { call, edge: READ } => By::Read { event: event(call) },
                linear::By::Call { call, edge: taken } => By::Recorded { from, edge: edge(taken), event: event(call) },
            };
            told.push((*node, by));
            from = *node;
        }
        told
    }

    /// The fields of an event that alone keep it from being explained in one of `states`.
    fn contradicted(&self, class: u32, states: &[Node]) -> Vec<String> {
        let (said, reader) = (self.meant.events[self.said[class as usize] as usize], self.meant.reader);
        let explained = |event: &Event| {
            let inputs = reader.inputs(event);
            let explains = |node: Node| !reader.explains(event, inputs.as_deref(), node).is_empty();
            states.iter().any(|node| reader.reads(event, *node) || explains(*node))
        };
        let alone = |field: &&String| {
            let mut without = said.clone();
            without.fields.remove(field);
            explained(&without)
        };
        said.fields.iter().map(|(field, _)| field).filter(alone).cloned().collect()
    }
}
