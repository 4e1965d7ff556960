//! A log as calls that have to be explained, and what the search says of them, told in the log's terms.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde_json::Value;

use super::event::Event;
use super::log::Log;
use super::reading::{Means, Reads};
use crate::conform::Limits;
use crate::conform::linear::{self, Bounds, Call, Meaning, Order, Outcome, Placed, READ, search};
use crate::conform::lts::{Edge, Lts, Node};
use crate::explore::Stop;

/// What came of the search.
pub(super) enum Explained {
    /// A behaviour explains all; the events in its order, by their places in the log, for each part of it.
    Whole(Vec<Vec<usize>>),
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
/// that nothing explains is the same as if they were not: it is that of the part that fails first. Once some part fails, no
/// other is followed beyond that.
pub(super) fn explain(lts: &Lts, reader: &dyn Reads, log: &Log, bounds: Bounds, limits: &Limits) -> Explained {
    let mut said = Said::new();
    let classes: Vec<u32> = log.events().iter().map(|recorded| said.number(&recorded.event)).collect();
    let events = said.events;
    let meant = reader.meant(events.clone());
    let said = Judged { lts, reader, meant: &*meant, limits, events: &events, first: AtomicU64::new(u64::MAX) };
    // What follows what by name may go from key to key.
    let parts = if log.is_linked() { vec![Part::whole(&classes)] } else { said.parts(&classes) };
    let threads = limits.budget.threads.min(parts.len()).min(classes.len().div_ceil(EVENTS_PER_THREAD_MIN)).max(1);
    let bounds = Bounds { bytes_max: bounds.bytes_max / threads, ..bounds };
    let judge = |part: &Part| said.judge(log, &classes, part, bounds);
    let mut judged = beside_each_other(&parts, threads, &judge);
    let due = |dead: &Dead| due_of(log, dead.event);
    let first = (0..judged.len())
        .filter_map(|part| if let Explained::Not(dead) = &judged[part] { Some((due(dead), part)) } else { None })
        .min();
    if let Some((_, first)) = first {
        return judged.swap_remove(first);
    }
    let mut whole = Vec::new();
    for part in judged {
        match part {
            Explained::Whole(orders) => whole.extend(orders),
            other => return other,
        }
    }
    Explained::Whole(whole)
}

/// So many events are worth a thread.
const EVENTS_PER_THREAD_MIN: usize = 2_000;

/// What `judge` says of each of `parts`, in their order, by so many threads.
fn beside_each_other(parts: &[Part], threads: usize, judge: &(dyn Fn(&Part) -> Explained + Sync)) -> Vec<Explained> {
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
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut judged = work();
        judged.extend(others.into_iter().flat_map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))));
        judged
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

/// A log that is judged.
struct Judged<'a> {
    lts: &'a Lts,
    reader: &'a dyn Reads,
    /// What its events mean, each different one once.
    meant: &'a dyn Means,
    limits: &'a Limits,
    events: &'a [&'a Event],
    /// The end of the first event so far that nothing explains.
    first: AtomicU64,
}

impl Judged<'_> {
    /// The parts of a log whose events are of `classes`: one for each key, or one for all where some event has none.
    fn parts(&self, classes: &[u32]) -> Vec<Part> {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut of_class = Vec::with_capacity(self.events.len());
        for class in 0..self.events.len() {
            let Some(key) = self.meant.key(class as u32) else { return vec![Part::whole(classes)] };
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
        let looks = said.iter().map(|class| !self.meant.changes(*class)).collect();
        let mut reading = Reading { judged: self, said: &said, looks, part, calls: &calls };
        match search(&order, said.len() as u32, &mut reading, bounds) {
            Outcome::Explained(path) => Explained::Whole(vec![reading.order(&path)]),
            Outcome::Enough => Explained::Whole(Vec::new()),
            Outcome::Unexplained(linear::Dead { call, path, states }) => {
                let contradicted = reading.contradicted(calls[call as usize].class, &states);
                let (key, event) = (part.key.clone(), part.events[call as usize] as usize);
                self.first.fetch_min(due_of(log, event), Ordering::Relaxed);
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
}

/// When an event that has to be explained has ended.
fn due_of(log: &Log, event: usize) -> u64 {
    log.events()[event].end.unwrap_or(u64::MAX)
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
    judged: &'a Judged<'a>,
    /// The classes of the part, by its own numbers.
    said: &'a [u32],
    /// Which of them change nothing.
    looks: Vec<bool>,
    part: &'a Part,
    calls: &'a [Call],
}

impl Meaning for Reading<'_> {
    fn start(&mut self) -> Vec<Node> {
        self.judged.meant.start()
    }

    fn hidden(&mut self, node: Node) -> Vec<(u32, Node)> {
        (0..).zip(self.judged.meant.hidden(node)).map(|(place, edge)| (place, edge.to)).collect()
    }

    fn explains(&mut self, class: u32, node: Node) -> Vec<(u32, Node)> {
        let (meant, said) = (self.judged.meant, self.said[class as usize]);
        let reads = meant.reads(said, node).then_some((READ, node));
        reads.into_iter().chain((0..).zip(meant.explains(said, node))).collect()
    }

    fn changes_nothing(&self, class: u32) -> bool {
        self.looks[class as usize]
    }

    fn is_enough(&self, due: u64) -> bool {
        due > self.judged.first.load(Ordering::Relaxed)
    }

    fn explained(&mut self, more: u32) {
        self.judged.limits.explained.fetch_add(more as usize, Ordering::Relaxed);
    }

    fn interrupted(&mut self) -> Option<Stop> {
        (self.judged.limits.budget.interrupt)()
    }
}

impl Reading<'_> {
    fn event(&self, call: u32) -> usize {
        self.part.events[call as usize] as usize
    }

    /// The events on a path, in its order.
    fn order(&self, path: &[Placed]) -> Vec<usize> {
        let event = |placed: &Placed| match placed.by {
            linear::By::Start | linear::By::Hidden { .. } => None,
            linear::By::Call { call, .. } => Some(self.event(call)),
        };
        path.iter().filter_map(event).collect()
    }

    /// A path, with the steps that its places stand for.
    fn told(&self, path: &[Placed]) -> Vec<(Node, By)> {
        let mut from = 0;
        let mut told = Vec::with_capacity(path.len());
        for Placed { node, by } in path {
            let steps = |call: u32| self.judged.meant.steps(self.said[self.calls[call as usize].class as usize], from);
            let by = match *by {
                linear::By::Start => By::Start,
                linear::By::Hidden { edge } => By::Hidden { from, edge: self.judged.meant.hidden(from)[edge as usize] },
                linear::By::Call { call, edge: READ } => By::Read { event: self.event(call) },
                linear::By::Call { call, edge } => {
                    By::Recorded { from, edge: steps(call)[edge as usize], event: self.event(call) }
                }
            };
            told.push((*node, by));
            from = *node;
        }
        told
    }

    /// The fields of an event that alone keep it from being explained in one of `states`.
    fn contradicted(&self, class: u32, states: &[Node]) -> Vec<String> {
        let said = self.judged.events[self.said[class as usize] as usize];
        let alone = |field: &&String| {
            let mut without = said.clone();
            without.fields.remove(field);
            let meant = self.judged.reader.meant(vec![&without]);
            states.iter().any(|node| meant.reads(0, *node) || !meant.explains(0, *node).is_empty())
        };
        said.fields.iter().map(|(field, _)| field).filter(alone).cloned().collect()
    }
}
