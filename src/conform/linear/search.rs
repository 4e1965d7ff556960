//! The search, just in time and with memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::order::Order;
use super::pending::Pending;
use super::sets::{EMPTY, Sets};
use super::{Bounds, By, Dead, Meaning, Outcome, Placed, READ};
use crate::conform::lts::Node;

/// Ways expanded between two questions whether to go on.
const BETWEEN_QUESTIONS: u32 = 256;

/// Ways that are followed at most to lengthen what is told of a history that has no order.
const LONGEST_WAYS_MAX: usize = 20_000;

/// In place of a call: a step that belongs to none, or the start.
const HIDDEN: u32 = u32::MAX;
const START: u32 = u32::MAX - 1;

/// None.
const NONE: u32 = u32::MAX;

/// What is known of a way.
#[derive(Clone, Copy, PartialEq, Eq)]
struct At {
    node: Node,
    /// The place of the call that is due; all before it are explained.
    stage: u32,
    /// Those explained that are due later.
    ahead: u32,
    /// Those explained that never ended.
    taken: u32,
}

/// A way, the one before it, and what led from there.
struct Way {
    at: At,
    before: u32,
    by: u32,
    edge: u32,
    /// Another that differs in what never ended only.
    other: u32,
}

/// A way that is to be expanded: the one that is worth most before all others, then the oldest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    worth: i64,
    turn: Reverse<u32>,
    way: u32,
    /// So many of the calls that may come next are tried already.
    place: u32,
}

/// A class in a state: where in [`Search::moves`] the steps that explain it stand.
struct Known {
    class: u32,
    node: Node,
    first: u32,
    count: u32,
}

struct Search<'a, M> {
    order: &'a Order,
    meaning: &'a mut M,
    bounds: Bounds,
    /// Every way counts: none stands for another that has explained more of what never ended.
    is_thorough: bool,
    pending: Pending,
    sets: Sets,
    ways: Vec<Way>,
    index: HashTable<u32>,
    open: BinaryHeap<Next>,
    turn: u32,
    known: HashTable<Known>,
    moves: Vec<(u32, Node)>,
    /// The farthest stage that some way came to.
    stage: u32,
    /// Classes seen in this expansion.
    seen: Vec<u32>,
    expansion: u32,
    movers: Vec<u32>,
    looks: Vec<u32>,
}

/// Why a search ends.
enum End {
    Found(u32),
    Early(Outcome),
}

/// Looks for an order of the calls that is a run of the model.
pub(crate) fn search<M: Meaning>(order: &Order, classes: u32, meaning: &mut M, bounds: Bounds) -> Outcome {
    let mut search = Search::new(order, classes, meaning, bounds, false);
    match search.run() {
        Err(End::Found(way)) => return Outcome::Explained(search.path(way)),
        Err(End::Early(outcome)) => return outcome,
        Ok(()) => {}
    }
    let stage = search.stage;
    let states = search.states_at(stage);
    let Some(due) = order.required.get(stage as usize) else { return Outcome::WrongEnd(states) };
    let mut path = search.longest(stage);
    drop(search);
    // What never ended was explained only where it had to be; there may be more of it.
    if order.optional.iter().any(|item| item.begin < due.due) {
        let few = Bounds { ways_max: LONGEST_WAYS_MAX.min(bounds.ways_max), ..bounds };
        let mut thorough = Search::new(order, classes, meaning, few, true);
        if thorough.run().is_ok() {
            path = thorough.longest(stage);
        }
    }
    Outcome::Unexplained(Dead { call: due.call, path, states })
}

impl<'a, M: Meaning> Search<'a, M> {
    fn new(order: &'a Order, classes: u32, meaning: &'a mut M, bounds: Bounds, is_thorough: bool) -> Self {
        let pending = Pending::new(order, |class| meaning.changes_nothing(class));
        Search {
            order,
            meaning,
            bounds: Bounds { ways_max: bounds.ways_max.min(START as usize), ..bounds },
            is_thorough,
            pending,
            sets: Sets::new(),
            ways: Vec::new(),
            index: HashTable::new(),
            open: BinaryHeap::new(),
            turn: 0,
            known: HashTable::new(),
            moves: Vec::new(),
            stage: 0,
            seen: vec![0; classes as usize],
            expansion: 0,
            movers: Vec::new(),
            looks: Vec::new(),
        }
    }

    /// Follows all ways, or as many as need be.
    fn run(&mut self) -> Result<(), End> {
        for node in self.meaning.start() {
            self.reach(At { node, stage: 0, ahead: EMPTY, taken: EMPTY }, NONE, START, 0, 0)?;
        }
        let mut until_question = 0;
        while let Some(next) = self.open.pop() {
            if until_question == 0 {
                until_question = BETWEEN_QUESTIONS;
                if let Some(stop) = self.meaning.interrupted() {
                    return Err(End::Early(Outcome::Stopped(stop)));
                }
                if self.bytes() > self.bounds.bytes_max {
                    return Err(End::Early(Outcome::TooMuch));
                }
            }
            until_question -= 1;
            self.expand(next)?;
        }
        Ok(())
    }

    /// About how many bytes are held, room that is kept included.
    fn bytes(&self) -> usize {
        self.ways.capacity() * size_of::<Way>()
            + self.index.capacity() * size_of::<u32>()
            + self.open.capacity() * size_of::<Next>()
            + self.known.capacity() * size_of::<Known>()
            + self.moves.capacity() * size_of::<(u32, Node)>()
            + self.sets.bytes()
    }

    /// The next few steps of a way: the first alone, then as many as were tried before, and in the end all that are left.
    fn expand(&mut self, next: Next) -> Result<(), End> {
        let (way, at) = (next.way, self.ways[next.way as usize].at);
        if next.place == 0 {
            if at.stage as usize == self.order.required.len() && self.meaning.ends(at.node) {
                return Err(End::Found(way));
            }
            self.take_hidden(at, way, next.worth - PASSED_OVER)?;
        }
        self.list(at);
        let (mut place, mut worth) = (next.place, next.worth);
        let until = (2 * place).max(1);
        while (place < until || worth == next.worth) && (place as usize) < self.movers.len() {
            let id = self.movers[place as usize];
            place += 1;
            let (first, count) = self.explains(self.order.item(id).class, at.node)?;
            if count == 0 {
                continue;
            }
            let (stage, ahead) = match id == at.stage {
                true => self.past(at.stage, at.ahead),
                false => (at.stage, self.sets.with(at.ahead, id)),
            };
            for step in first..first + count {
                let (edge, node) = self.moves[step as usize];
                let gain = if node == at.node { LOOKED } else { EXPLAINED };
                self.reach(At { node, stage, ahead, ..at }, way, id, edge, worth + gain)?;
            }
            worth -= PASSED_OVER;
        }
        if (place as usize) < self.movers.len() {
            let turn = self.next_turn();
            self.open.push(Next { worth, turn, way, place });
            return Ok(());
        }
        self.take_optional(at, way, worth - PASSED_OVER)
    }

    /// Lists the calls that may be explained next and may change something, the likeliest first: of calls that overlap, the
    /// one that began and ended earlier mostly took effect earlier, and what is due soon is not to be passed over.
    fn list(&mut self, at: At) {
        self.expansion += 1;
        self.pending.go(self.order, at.stage);
        let mut movers = std::mem::take(&mut self.movers);
        movers.clear();
        let ahead = self.sets.get(at.ahead);
        movers.extend(self.pending.movers.iter().filter(|id| ahead.binary_search(id).is_err()));
        movers.retain(|id| self.may_follow(at, *id) && !self.was_seen(*id, self.order.item(*id).class));
        movers.sort_by_key(|id| {
            let item = self.order.item(*id);
            item.begin.saturating_add(item.due.saturating_mul(3))
        });
        self.movers = movers;
    }

    /// The steps that belong to no call.
    fn take_hidden(&mut self, at: At, way: u32, worth: i64) -> Result<(), End> {
        let (first, count) = self.explains(HIDDEN, at.node)?;
        for place in first..first + count {
            let (edge, node) = self.moves[place as usize];
            if node != at.node {
                self.reach(At { node, ..at }, way, HIDDEN, edge, worth)?;
            }
        }
        Ok(())
    }

    /// The steps of calls that never ended.
    fn take_optional(&mut self, at: At, way: u32, worth: i64) -> Result<(), End> {
        let (order, due) = (self.order, self.order.due(at.stage));
        for group in &order.groups {
            if order.item(group.members[0]).begin >= due {
                break;
            }
            // Of those that say the same the one that began first is taken first, so they are taken in a row.
            let taken = self.sets.get(at.taken);
            let Some(id) = group.members.iter().find(|id| taken.binary_search(id).is_err()).copied() else { continue };
            if order.item(id).begin >= due || !self.may_follow(at, id) || self.was_seen(id, group.class) {
                continue;
            }
            let (first, count) = self.explains(group.class, at.node)?;
            let mut taken = None;
            for place in first..first + count {
                let (edge, node) = self.moves[place as usize];
                if node != at.node || self.is_thorough {
                    let taken = *taken.get_or_insert_with(|| self.sets.with(at.taken, id));
                    self.reach(At { node, taken, ..at }, way, id, edge, worth)?;
                }
            }
        }
        Ok(())
    }

    /// Whether one that says the same was tried in this expansion and stands for this one.
    fn was_seen(&mut self, id: u32, class: u32) -> bool {
        if self.order.is_linked(id) {
            return false;
        }
        std::mem::replace(&mut self.seen[class as usize], self.expansion) == self.expansion
    }

    /// Whether all that the call follows by name is explained.
    fn may_follow(&self, at: At, id: u32) -> bool {
        let Some(follows) = self.order.follows.get(&id) else { return true };
        let required = self.order.required.len() as u32;
        follows.iter().all(|id| match *id {
            id if id < at.stage => true,
            id if id < required => self.sets.holds(at.ahead, id),
            id => self.sets.holds(at.taken, id),
        })
    }

    /// The stage after `stage`, whose call is explained, and what is then ahead of it.
    fn past(&mut self, stage: u32, ahead: u32) -> (u32, u32) {
        let mut next = stage + 1;
        let mut reached = 0;
        for id in self.sets.get(ahead) {
            if *id != next {
                break;
            }
            next += 1;
            reached += 1;
        }
        (next, self.sets.without_first(ahead, reached))
    }

    /// Keeps a way, and with it all calls that change nothing and can be explained there, unless it is known.
    fn reach(&mut self, at: At, before: u32, by: u32, edge: u32, worth: i64) -> Result<(), End> {
        let first = self.ways.len();
        self.keep(at, before, by, edge)?;
        let at = self.look(at)?;
        let way = (self.ways.len() - 1) as u32;
        if !self.remember(at, way) {
            self.ways.truncate(first);
            return Ok(());
        }
        if at.stage > self.stage {
            if self.meaning.is_enough(self.order.due(at.stage)) {
                return Err(End::Early(Outcome::Enough));
            }
            if !self.is_thorough {
                self.meaning.explained(at.stage - self.stage);
            }
            self.stage = at.stage;
        }
        let looks = (self.ways.len() - 1 - first) as i64;
        let turn = self.next_turn();
        self.open.push(Next { worth: worth + LOOKED * looks, turn, way, place: 0 });
        Ok(())
    }

    fn keep(&mut self, at: At, before: u32, by: u32, edge: u32) -> Result<(), End> {
        if self.ways.len() >= self.bounds.ways_max {
            return Err(End::Early(Outcome::TooMany));
        }
        self.ways.push(Way { at, before, by, edge, other: NONE });
        Ok(())
    }

    /// Explains, on the way kept last, all that changes nothing and can be explained there.
    fn look(&mut self, mut at: At) -> Result<At, End> {
        self.pending.go(self.order, at.stage);
        if self.pending.looks.is_empty() && self.order.follows.is_empty() {
            return Ok(at);
        }
        let mut looks = std::mem::take(&mut self.looks);
        looks.clear();
        looks.extend(&self.pending.looks);
        while !looks.is_empty() {
            let mut explained = false;
            let mut arrived = self.order.required.len()..0;
            for id in looks.iter().copied() {
                if id < at.stage || self.sets.holds(at.ahead, id) || !self.may_follow(at, id) {
                    continue;
                }
                let (first, count) = self.explains(self.order.item(id).class, at.node)?;
                if count == 0 {
                    continue;
                }
                explained = true;
                let edge = self.moves[first as usize].0;
                if id == at.stage {
                    (at.stage, at.ahead) = self.past(at.stage, at.ahead);
                    let new = self.pending.go(self.order, at.stage);
                    arrived = arrived.start.min(new.start)..arrived.end.max(new.end);
                } else {
                    at.ahead = self.sets.with(at.ahead, id);
                }
                self.keep(at, (self.ways.len() - 1) as u32, id, edge)?;
            }
            let again = explained && !self.order.follows.is_empty();
            looks.clear();
            if again {
                looks.extend(&self.pending.looks);
            } else if arrived.start < arrived.end {
                looks.extend(&self.order.arrivals[arrived]);
                looks.retain(|id| self.pending.is_look(*id));
                looks.sort_unstable();
            }
        }
        self.looks = looks;
        Ok(at)
    }

    /// Whether a way is new. One that has explained less of what never ended, and all else alike, stands for it.
    fn remember(&mut self, at: At, way: u32) -> bool {
        let key = |at: &At| (at.stage, at.node, at.ahead);
        let hash = |at: &At| FixedState::default().hash_one(key(at));
        let found = self.index.find(hash(&at), |other| key(&self.ways[*other as usize].at) == key(&at)).copied();
        let Some(found) = found else {
            self.index.insert_unique(hash(&at), way, |other| hash(&self.ways[*other as usize].at));
            return true;
        };
        let (mut other, mut last) = (found, found);
        while other != NONE {
            let taken = self.ways[other as usize].at.taken;
            if taken == at.taken || (!self.is_thorough && self.sets.within(taken, at.taken)) {
                return false;
            }
            last = other;
            other = self.ways[other as usize].other;
        }
        self.ways[last as usize].other = way;
        true
    }

    /// Where the steps stand that explain a call of `class` in `node`, or for [`HIDDEN`] belong to none, and how many there
    /// are.
    fn explains(&mut self, class: u32, node: Node) -> Result<(u32, u32), End> {
        let hash = |class: u32, node: Node| FixedState::default().hash_one((class, node));
        let same = |known: &Known| known.class == class && known.node == node;
        if let Some(known) = self.known.find(hash(class, node), same) {
            return Ok((known.first, known.count));
        }
        let first = self.moves.len() as u32;
        let is_hidden = class == HIDDEN;
        self.moves.extend(if is_hidden { self.meaning.hidden(node) } else { self.meaning.explains(class, node) });
        let count = self.moves.len() as u32 - first;
        if !is_hidden
            && self.meaning.changes_nothing(class)
            && self.moves[first as usize..].iter().any(|(_, to)| *to != node)
        {
            return Err(End::Early(Outcome::Changes { class, node }));
        }
        let known = Known { class, node, first, count };
        self.known.insert_unique(hash(class, node), known, |known| hash(known.class, known.node));
        Ok((first, count))
    }

    fn next_turn(&mut self) -> Reverse<u32> {
        self.turn += 1;
        Reverse(self.turn)
    }

    /// The states of all ways at `stage`, each once, as they were met.
    fn states_at(&self, stage: u32) -> Vec<Node> {
        let mut states: Vec<Node> = Vec::new();
        let mut known = std::collections::HashSet::new();
        let nodes = self.ways.iter().filter(|way| way.at.stage == stage).map(|way| way.at.node);
        states.extend(nodes.filter(|node| known.insert(*node)));
        states
    }

    /// The first of the ways at `stage` that explain most.
    fn longest(&self, stage: u32) -> Vec<Placed> {
        let explained = |way: &Way| self.sets.get(way.at.ahead).len() + self.sets.get(way.at.taken).len();
        let at_stage = (0..).zip(&self.ways).filter(|(_, way)| way.at.stage == stage);
        let longest = at_stage.max_by_key(|(number, way)| (explained(way), Reverse(*number)));
        longest.map(|(number, _)| self.path(number)).unwrap_or_default()
    }

    fn path(&self, way: u32) -> Vec<Placed> {
        let mut path = Vec::new();
        let mut number = way;
        while let Some(way) = self.ways.get(number as usize) {
            let by = match way.by {
                START => By::Start,
                HIDDEN => By::Hidden { edge: way.edge },
                id => By::Call { call: self.order.item(id).call, edge: way.edge },
            };
            path.push(Placed { node: way.at.node, by });
            number = way.before;
        }
        path.reverse();
        path
    }
}

/// What a call that is explained is worth, and one that changes nothing: an answer that fits says that the order is right
/// so far. What it costs to pass over a call that could have come next. They decide how soon an order is found, and never
/// whether.
const EXPLAINED: i64 = 1;
const LOOKED: i64 = 2;
const PASSED_OVER: i64 = 4;

const _: () = assert!(READ == u32::MAX, "no edge has this place");
