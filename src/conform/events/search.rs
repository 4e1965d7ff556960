//! The search for a behaviour that explains a log.
//!
//! A way of explaining is a set of events that are explained and a state they lead to. The sets grow by one event at a
//! time, so all ways with as many events form a layer, and two that came to the same set and state by other orders are
//! one from there on. An event may be explained next if no event that is not yet explained ended before it began; so
//! the events that are left open behind the newest one all overlap it, and a set is told by them and its newest event.
//! A log without overlap has one set a layer.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Reads;
use super::log::{Event, Log};
use crate::conform::lts::{Edge, Lts, Node};
use crate::explore::{Interrupt, Stop};

/// Layers between two questions whether to go on.
const LAYERS_BETWEEN_QUESTIONS: usize = 256;

/// What came of the search.
pub(super) enum Outcome {
    Explained,
    Unexplained(Dead),
    TooMany,
    Stopped(Stop),
}

/// Where the last way of explaining ended.
pub(super) struct Dead {
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

/// The events explained: all up to `next`, by their begins, but for those `open`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Explained {
    next: u32,
    /// In order.
    open: Vec<u32>,
}

/// A way of explaining: a state, the one before it in [`Search::reached`], and what led from there.
struct Reached {
    node: Node,
    before: u32,
    by: Step,
}

/// As [`By`], for a small place: events by the order of their begins, edges by their place among a state's.
#[derive(Clone, Copy)]
enum Step {
    Start,
    Hidden { edge: u32 },
    Recorded { edge: u32, event: u32 },
    Read { event: u32 },
}

/// An event as the search sees it.
struct Interval {
    begin: u64,
    /// `None`: it need not be explained.
    end: Option<u64>,
    /// Events that say the same have the same.
    said: u32,
    /// Its place in the log.
    place: usize,
}

/// How an event can be explained in a state.
struct Ways {
    read: bool,
    steps: Vec<(u32, Node)>,
}

struct Search<'a> {
    lts: &'a Lts,
    reader: &'a dyn Reads,
    /// In the order of their begins.
    intervals: Vec<Interval>,
    /// What the events say, each different one once.
    said: Vec<&'a Event>,
    hidden: HashMap<Node, Rc<[(u32, Node)]>>,
    ways: HashMap<(u32, Node), Rc<Ways>>,
    reached: Vec<Reached>,
    reached_max: usize,
    dead: Option<DeadEnd>,
}

/// The farthest that some way came.
struct DeadEnd {
    /// By the order of their begins.
    event: u32,
    end: u64,
    layer: usize,
    /// The first of the last layer.
    longest: u32,
    ways: Vec<u32>,
}

/// One set of explained events, and all that explains it, by place in [`Search::reached`].
struct Front {
    explained: Explained,
    ways: Vec<u32>,
}

/// More ways than are to be followed.
struct TooMany;

/// Looks for a behaviour that explains `log`, following at most `reached_max` ways.
pub(super) fn explain(lts: &Lts, reader: &dyn Reads, log: &Log, reached_max: usize, interrupt: &Interrupt) -> Outcome {
    let mut search = Search {
        lts,
        reader,
        intervals: Vec::new(),
        said: Vec::new(),
        hidden: HashMap::new(),
        ways: HashMap::new(),
        reached: Vec::new(),
        reached_max: reached_max.min(u32::MAX as usize),
        dead: None,
    };
    search.take(log);
    let Ok(mut layer) = search.start() else { return Outcome::TooMany };
    for depth in 0.. {
        if depth % LAYERS_BETWEEN_QUESTIONS == 0
            && let Some(stop) = interrupt()
        {
            return Outcome::Stopped(stop);
        }
        if layer.iter().any(|front| search.due(&front.explained).is_none()) {
            return Outcome::Explained;
        }
        match search.next_layer(&layer, depth) {
            Ok(next) if next.is_empty() => break,
            Ok(next) => layer = next,
            Err(TooMany) => return Outcome::TooMany,
        }
    }
    Outcome::Unexplained(search.buried())
}

impl<'a> Search<'a> {
    /// Puts the events in the order of their begins, and finds those that say the same.
    fn take(&mut self, log: &'a Log) {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for (place, recorded) in log.events().iter().enumerate() {
            let event = &recorded.event;
            let text = format!("{:?}", (&event.actor, &event.name, &event.fields));
            let said = *numbers.entry(text).or_insert_with(|| {
                self.said.push(event);
                (self.said.len() - 1) as u32
            });
            self.intervals.push(Interval { begin: recorded.begin, end: recorded.end, said, place });
        }
        self.intervals.sort_by_key(|interval| interval.begin);
    }

    fn start(&mut self) -> Result<Vec<Front>, TooMany> {
        let initial = self.lts.initial();
        let mut layer = Layer::default();
        for node in initial {
            let explained = Explained { next: 0, open: Vec::new() };
            self.add(&mut layer, explained, Reached { node, before: 0, by: Step::Start })?;
        }
        self.close(layer)
    }

    /// The event not in `explained` that ends first, among those that have ended.
    fn due(&self, explained: &Explained) -> Option<u32> {
        self.frontier(explained).1
    }

    /// One past the last event that may be explained next, and of all that are not explained the one that ends first.
    fn frontier(&self, explained: &Explained) -> (u32, Option<u32>) {
        let (mut first, mut due) = (u64::MAX, None);
        let mut see = |index: u32, first: &mut u64| {
            if let Some(end) = self.intervals[index as usize].end
                && end < *first
            {
                *first = end;
                due = Some(index);
            }
        };
        for index in &explained.open {
            see(*index, &mut first);
        }
        let mut index = explained.next;
        while (index as usize) < self.intervals.len() && self.intervals[index as usize].begin < first {
            see(index, &mut first);
            index += 1;
        }
        (index, due)
    }

    /// All that explains one event more.
    fn next_layer(&mut self, fronts: &[Front], depth: usize) -> Result<Vec<Front>, TooMany> {
        let mut layer = Layer::default();
        for front in fronts {
            let (until, due) = self.frontier(&front.explained);
            if let Some(due) = due {
                self.may_die(due, depth, &front.ways);
            }
            let candidates = front.explained.open.iter().copied().chain(front.explained.next..until);
            for event in candidates {
                let explained = with(&front.explained, event);
                let said = self.intervals[event as usize].said;
                for way in &front.ways {
                    let node = self.reached[*way as usize].node;
                    let ways = self.ways(said, node);
                    if ways.read {
                        let by = Step::Read { event };
                        self.add(&mut layer, explained.clone(), Reached { node, before: *way, by })?;
                    }
                    for (edge, to) in &ways.steps {
                        let by = Step::Recorded { edge: *edge, event };
                        self.add(&mut layer, explained.clone(), Reached { node: *to, before: *way, by })?;
                    }
                }
            }
        }
        self.close(layer)
    }

    /// Remembers `ways` if no other came farther: if the event that ends first of those they leave out ends later than
    /// what others leave out, or is the same with more explained beside it.
    fn may_die(&mut self, due: u32, layer: usize, ways: &[u32]) {
        let Some(end) = self.intervals[due as usize].end else { return };
        match &mut self.dead {
            Some(dead) if dead.end > end => {}
            Some(dead) if dead.end == end => {
                dead.ways.extend(ways);
                if layer > dead.layer {
                    dead.layer = layer;
                    dead.longest = ways[0];
                }
            }
            dead => *dead = Some(DeadEnd { event: due, end, layer, longest: ways[0], ways: ways.to_vec() }),
        }
    }

    fn add(&mut self, layer: &mut Layer, explained: Explained, reached: Reached) -> Result<(), TooMany> {
        let next = layer.fronts.len();
        let front = *layer.index.entry(explained).or_insert_with_key(|explained| {
            layer.fronts.push(Front { explained: explained.clone(), ways: Vec::new() });
            next
        });
        if layer.seen.insert((front, reached.node)) {
            if self.reached.len() >= self.reached_max {
                return Err(TooMany);
            }
            layer.fronts[front].ways.push(self.reached.len() as u32);
            self.reached.push(reached);
        }
        Ok(())
    }

    /// `layer`, and what steps that nobody records lead to.
    fn close(&mut self, mut layer: Layer) -> Result<Vec<Front>, TooMany> {
        for front in 0..layer.fronts.len() {
            let mut next = 0;
            while let Some(way) = layer.fronts[front].ways.get(next).copied() {
                next += 1;
                let hidden = self.hidden(self.reached[way as usize].node);
                for (edge, to) in hidden.iter() {
                    let explained = layer.fronts[front].explained.clone();
                    let by = Step::Hidden { edge: *edge };
                    self.add(&mut layer, explained, Reached { node: *to, before: way, by })?;
                }
            }
        }
        Ok(layer.fronts)
    }

    /// The steps of `node` that nobody records.
    fn hidden(&mut self, node: Node) -> Rc<[(u32, Node)]> {
        if let Some(hidden) = self.hidden.get(&node) {
            return hidden.clone();
        }
        let edges = self.lts.edges(node);
        let internal = (0..).zip(edges).filter(|(_, edge)| edge.label.is_none()).map(|(place, _)| place);
        let mut places: Vec<u32> = internal.chain(self.reader.hidden(node, edges)).collect();
        places.sort_unstable();
        let hidden: Rc<[(u32, Node)]> = places.into_iter().map(|place| (place, edges[place as usize].to)).collect();
        self.hidden.insert(node, hidden.clone());
        hidden
    }

    /// How an event that says `said` can be explained in `node`.
    fn ways(&mut self, said: u32, node: Node) -> Rc<Ways> {
        if let Some(ways) = self.ways.get(&(said, node)) {
            return ways.clone();
        }
        let event = self.said[said as usize];
        let edges = self.lts.edges(node);
        let admitted = self.reader.admitted(event, node, edges).into_iter();
        let ways = Rc::new(Ways {
            read: self.reader.reads(event, node),
            steps: admitted.map(|place| (place, edges[place as usize].to)).collect(),
        });
        self.ways.insert((said, node), ways.clone());
        ways
    }

    /// The fields of `event` that alone keep it from being explained in one of `states`.
    fn contradicted(&self, event: u32, states: &[Node]) -> Vec<String> {
        let said = self.said[self.intervals[event as usize].said as usize];
        let explained = |event: &Event| {
            states.iter().any(|node| {
                self.reader.reads(event, *node) || !self.reader.admitted(event, *node, self.lts.edges(*node)).is_empty()
            })
        };
        let alone = |field: &&String| {
            let mut without = said.clone();
            without.fields.remove(*field);
            explained(&without)
        };
        said.fields.keys().filter(alone).cloned().collect()
    }

    /// What is told of the farthest that some way came.
    fn buried(mut self) -> Dead {
        let dead = self.dead.take().unwrap_or(DeadEnd { event: 0, end: 0, layer: 0, longest: 0, ways: Vec::new() });
        let mut states: Vec<Node> = dead.ways.iter().map(|way| self.reached[*way as usize].node).collect();
        states.sort_unstable();
        states.dedup();
        let contradicted = self.contradicted(dead.event, &states);
        let place = |event: u32| self.intervals[event as usize].place;
        let mut path = Vec::new();
        let mut at = dead.longest as usize;
        while let Some(reached) = self.reached.get(at) {
            let from = self.reached[reached.before as usize].node;
            let edge = |edge: u32| self.lts.edges(from)[edge as usize];
            let by = match reached.by {
                Step::Start => By::Start,
                Step::Hidden { edge: taken } => By::Hidden { from, edge: edge(taken) },
                Step::Recorded { edge: taken, event } => By::Recorded { from, edge: edge(taken), event: place(event) },
                Step::Read { event } => By::Read { event: place(event) },
            };
            path.push((reached.node, by));
            if by == By::Start {
                break;
            }
            at = reached.before as usize;
        }
        path.reverse();
        Dead { event: place(dead.event), path, states, contradicted }
    }
}

/// The ways that explain as many events, while they are gathered.
#[derive(Default)]
struct Layer {
    fronts: Vec<Front>,
    index: HashMap<Explained, usize>,
    seen: HashSet<(usize, Node)>,
}

/// `explained` and `event`.
fn with(explained: &Explained, event: u32) -> Explained {
    let mut open = explained.open.clone();
    if event < explained.next {
        open.retain(|other| *other != event);
        return Explained { next: explained.next, open };
    }
    open.extend(explained.next..event);
    Explained { next: event + 1, open }
}
