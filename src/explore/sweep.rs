//! Exploring for safety alone: nothing is kept but how each node was reached (eight bytes) and its fingerprint.
//!
//! Breadth first by levels, and a level in blocks. Three things are done with a block:
//! - **expand**: its chunks are shared out among the threads. A chunk's states are made from those that they were found
//!   by, looked at, and asked for their successors. Each successor is dropped as soon as its fingerprint is known, since
//!   memory that is given back at once is given out again at once; what the table does not know is claimed there.
//! - **merge**: where several nodes have claimed a state it belongs to the least of them. Each chunk looks what is left
//!   of its claims.
//! - **keep**: what is new gets its number, in the order of the block. A state is kept until those are made that were
//!   found by it, and those that nothing new was found by are dropped.
//!
//! Which thread is faster changes nothing of this, nor where a block ends: numbers and paths are those of the
//! [engine](super::engine) that keeps states.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use super::claims::{Claim, Claims};
use super::engine::{Engine, Looked};
use super::form::Form;
use super::shape::{Origin, Shape};
use super::step::{Next, again, expand, is_rechecked, share_out};
use super::table::Fingerprint;
use super::{Budget, Equality, ModelError, Stop};
use crate::model::CheckedModel;

pub(super) struct Sweep<M: CheckedModel, F: Form<M::State>> {
    pub(super) model: Arc<M>,
    pub(super) shape: Shape,
    /// What is looked for, and the first node that it was found at.
    pub(super) wanted: Vec<(Looked<M>, Option<usize>)>,
    front: VecDeque<Chunk<F::Held>>,
    claims: Claims,
    states_max: usize,
    /// Entries that a node made in the block before, on an average.
    new_per_node: usize,
    budget: Budget,
}

/// Nodes of one level that follow one another and wait for their turn.
struct Chunk<H> {
    first: usize,
    len: usize,
    parents: Parents<H>,
}

/// What a chunk's states are made from.
enum Parents<H> {
    /// They are there.
    Themselves(Vec<H>),
    /// The nodes that they were found by, in their order.
    Others(Vec<(u32, H)>),
}

/// A chunk at work.
struct Part<H> {
    first: usize,
    len: usize,
    chunk: Option<Chunk<H>>,
    /// The chunk's states; once it is expanded those that have claimed something.
    states: Vec<(u32, H)>,
    rows: Vec<Row>,
    claimed: Vec<Claimed>,
    /// What is left of that.
    origins: Vec<Origin>,
    /// The states that it was found by, cut into chunks: how many nodes each has.
    chunks: Vec<(usize, Vec<(u32, H)>)>,
    found: Vec<Option<usize>>,
    /// Whether it is done, or the table was full before.
    outcome: Result<bool, ModelError>,
}

/// A node that was expanded.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    edges: u32,
    cuts: u32,
    /// Of what was claimed, how much is left in the end.
    new: u32,
}

#[derive(Clone, Copy, Debug)]
struct Claimed {
    fingerprint: Fingerprint,
    node: u32,
    action: u32,
}

/// Nodes in a chunk: few enough that all of it stays in the processor's cache.
const CHUNK_NODES: usize = 64;
/// Chunks in a block that several threads share, where states own memory, and where they own none.
const BLOCK_CHUNKS: usize = 64;
const BLOCK_CHUNKS_FLAT: usize = 1024;
/// Successors that are looked up together: the processor waits for the table once, not once for each.
const BATCH: usize = 32;
/// Below this many nodes a block is expanded where it is: a thread costs more than it saves.
const THREADED_NODES_MIN: usize = 512;
/// Nodes between two questions to [`Budget::interrupt`].
const ASKED_NODES: usize = 1 << 13;

impl<M: CheckedModel, F: Form<M::State>> Sweep<M, F> {
    /// Goes on from where `engine` is: its nodes below `next` are expanded.
    pub(super) fn after(engine: Engine<M, F>, next: usize) -> Self {
        let mut claims = Claims::new(engine.budget.equality == Equality::Fingerprint128);
        claims.reserve(engine.states.len(), BATCH);
        for fingerprint in engine.table.entries() {
            claims.claim(fingerprint, 0);
        }
        let mut states = engine.states;
        let mut waiting = states.split_off(next).into_iter();
        let mut front = VecDeque::new();
        let mut first = next;
        // What waits is of this level and the next.
        for end in [engine.shape.levels.last().copied().unwrap_or_default(), engine.shape.node_count()] {
            while first < end {
                let len = CHUNK_NODES.min(end - first);
                front.push_back(Chunk {
                    first,
                    len,
                    parents: Parents::Themselves(waiting.by_ref().take(len).collect()),
                });
                first += len;
            }
        }
        Sweep {
            model: engine.model,
            shape: engine.shape,
            wanted: engine.wanted,
            front,
            claims,
            states_max: engine.budget.states_max.min(Shape::NODES_MAX),
            new_per_node: 2,
            budget: engine.budget,
        }
    }

    /// Explores as far as the budget goes.
    pub(super) fn run(&mut self, next: usize) -> Result<(), ModelError> {
        let mut level = next..self.shape.levels.last().copied().unwrap_or_default();
        let mut asked_at = 0;
        while !level.is_empty() && self.shape.stop.is_none() {
            let mut next = level.start;
            while next < level.end && self.shape.stop.is_none() {
                if next >= asked_at {
                    asked_at = next + ASKED_NODES;
                    self.shape.stop = (self.budget.interrupt)();
                    if self.shape.stop.is_some() {
                        break;
                    }
                }
                next = self.block(next, level.end)?;
            }
            level = level.end..self.shape.node_count();
            let goes_on = !level.is_empty() && self.shape.stop.is_none();
            if goes_on && !self.shape.begin_level(self.budget.depth_max) {
                break;
            }
        }
        self.shape.end();
        self.look_at_the_rest();
        Ok(())
    }

    /// Expands nodes from `first` on, not beyond `end`. Returns the next one's number.
    fn block(&mut self, first: usize, end: usize) -> Result<usize, ModelError> {
        let threads = if end - first < THREADED_NODES_MIN { 1 } else { self.budget.threads.max(1) };
        let chunks_max = match threads {
            1 => 1,
            _ if std::mem::needs_drop::<F::Held>() => BLOCK_CHUNKS,
            _ => BLOCK_CHUNKS_FLAT,
        };
        let mut parts = Vec::with_capacity(chunks_max);
        let mut next = first;
        while parts.len() < chunks_max && next < end {
            let Some(chunk) = self.front.pop_front() else { break };
            next += chunk.len;
            parts.push(Part::new(chunk));
        }
        let mut done = false;
        while !done {
            self.claims.reserve((next - first) * self.new_per_node, (threads + 1) * BATCH);
            share_out(threads, &mut parts, |part| part.outcome = self.expand(part));
            done = true;
            for part in &mut parts {
                done &= std::mem::replace(&mut part.outcome, Ok(true))?;
            }
            self.new_per_node *= 2;
        }
        share_out(threads, &mut parts, |part| self.merge(part));
        let new: usize = parts.iter().map(|part| part.origins.len()).sum();
        self.new_per_node = new / (next - first) + 2;
        for part in parts {
            for ((_, first), found) in self.wanted.iter_mut().zip(&part.found) {
                *first = first.or(*found);
            }
            if self.shape.stop.is_none() {
                self.keep(part);
            }
        }
        Ok(next)
    }

    /// The states of nodes that have waited for their turn.
    fn make(&self, chunk: Chunk<F::Held>) -> Vec<(u32, F::Held)> {
        let nodes = chunk.first as u32..;
        let parents = match chunk.parents {
            Parents::Themselves(states) => return nodes.zip(states).collect(),
            Parents::Others(parents) => parents,
        };
        let origins = &self.shape.origins[chunk.first..chunk.first + chunk.len];
        let mut waiting = nodes.zip(origins).peekable();
        let mut made = Vec::with_capacity(chunk.len);
        let mut actions = Vec::new();
        for (parent, held) in parents {
            let state = F::state(&held);
            actions.clear();
            self.model.actions(&state, &mut actions);
            while let Some((node, origin)) = waiting.next_if(|(_, origin)| origin.node == parent) {
                made.extend(again::<M, F>(&self.model, &state, &actions, origin.action).map(|held| (node, held)));
            }
        }
        made
    }

    /// Whether it is done; else the table was full.
    fn expand(&self, part: &mut Part<F::Held>) -> Result<bool, ModelError> {
        if let Some(chunk) = part.chunk.take() {
            part.states = self.make(chunk);
        } else if !part.rows.is_empty() {
            return Ok(true);
        }
        let mut rows = vec![Row::default(); part.len];
        part.found = vec![None; self.wanted.len()];
        part.claimed.clear();
        let mut actions = Vec::new();
        let mut open: Vec<Claimed> = Vec::with_capacity(BATCH);
        for (node, held) in &part.states {
            let row = &mut rows[*node as usize - part.first];
            let state = F::state(held);
            self.look(*node as usize, &state, &mut part.found);
            let rechecked = self.budget.recheck && is_rechecked(*node as usize);
            if rechecked {
                F::recheck(&*self.model, &state)?;
            }
            let mut has_room = true;
            expand(&*self.model, &state, rechecked, &mut actions, |action, next| match next {
                Next::Refused => {}
                Next::Cut => row.cuts += 1,
                Next::Same => row.edges += 1,
                Next::State(next) => {
                    row.edges += 1;
                    let fingerprint = F::fingerprint(&F::hold(next), self.budget.equality);
                    open.push(Claimed { fingerprint, node: *node, action });
                    if open.len() == BATCH {
                        has_room &= self.claim(&mut open, &mut part.claimed);
                    }
                }
            })?;
            if !has_room {
                return Ok(false);
            }
        }
        if !self.claim(&mut open, &mut part.claimed) {
            return Ok(false);
        }
        let mut claimed = part.claimed.iter().map(|claimed| claimed.node).peekable();
        part.states.retain(|(node, _)| {
            let claims = claimed.peek() == Some(node);
            while claimed.next_if_eq(node).is_some() {}
            claims
        });
        part.rows = rows;
        Ok(true)
    }

    /// Claims what is open. Whether there was room.
    fn claim(&self, open: &mut Vec<Claimed>, claimed: &mut Vec<Claimed>) -> bool {
        if self.claims.is_full() {
            open.clear();
            return false;
        }
        black_box(open.iter().fold(0, |sum, open| sum ^ self.claims.touch(open.fingerprint)));
        for open in open.drain(..) {
            match self.claims.claim(open.fingerprint, open.node + 1) {
                Claim::Known => {}
                Claim::Own { again: false } => claimed.push(open),
                Claim::Own { again: true } => {
                    let mut of_node = claimed.iter().rev().take_while(|other| other.node == open.node);
                    if of_node.all(|other| other.fingerprint != open.fingerprint) {
                        claimed.push(open);
                    }
                }
            }
        }
        true
    }

    /// What is left of a part's claims.
    fn merge(&self, part: &mut Part<F::Held>) {
        for batch in part.claimed.chunks(BATCH) {
            black_box(batch.iter().fold(0, |sum, claimed| sum ^ self.claims.touch(claimed.fingerprint)));
            for Claimed { fingerprint, node, action } in batch.iter().copied() {
                if self.claims.owner(fingerprint) == node + 1 {
                    part.rows[node as usize - part.first].new += 1;
                    part.origins.push(Origin { node, action });
                }
            }
        }
        let new = |node: u32| part.rows[node as usize - part.first].new as usize;
        part.states.retain(|(node, _)| new(*node) > 0);
        let mut rest = part.states.iter().map(|(node, _)| new(*node)).peekable();
        let mut cuts = Vec::new();
        while rest.peek().is_some() {
            let (mut parents, mut len) = (0, 0);
            while let Some(new) = rest.next_if(|new| len == 0 || len + new <= CHUNK_NODES) {
                (parents, len) = (parents + 1, len + new);
            }
            cuts.push((parents, len));
        }
        let mut states = part.states.drain(..);
        part.chunks = cuts.into_iter().map(|(parents, len)| (len, states.by_ref().take(parents).collect())).collect();
    }

    fn keep(&mut self, mut part: Part<F::Held>) {
        let first = self.shape.node_count();
        let room = self.states_max - first;
        if part.origins.len() > room {
            part.origins.truncate(room);
            self.shape.stop = Some(Stop::States(self.states_max));
        }
        let mut new = 0;
        for row in &part.rows {
            new += row.new as usize;
            if new > room {
                // This node's transitions are not all known: it counts as not expanded.
                break;
            }
            self.shape.edge_count += row.edges as usize;
            self.shape.cut_count += row.cuts as usize;
        }
        let end = first + part.origins.len();
        self.shape.origins.append(&mut part.origins);
        let level_first = self.shape.levels.last().copied().unwrap_or_default();
        let mut next = first;
        for (len, mut parents) in part.chunks {
            let len = len.min(end - next);
            match self.front.back_mut() {
                _ if len == 0 => {}
                Some(Chunk { first, len: already, parents: Parents::Others(others) })
                    if *first >= level_first && *already + len <= CHUNK_NODES =>
                {
                    *already += len;
                    others.append(&mut parents);
                }
                _ => self.front.push_back(Chunk { first: next, len, parents: Parents::Others(parents) }),
            }
            next += len;
        }
    }

    #[inline]
    fn look(&self, node: usize, state: &M::State, found: &mut [Option<usize>]) {
        for ((looked, first), found) in self.wanted.iter().zip(found) {
            if first.is_none() && found.is_none() && looked.shows(&self.model, state) {
                *found = Some(node);
            }
        }
    }

    /// States that were not expanded because of a limit show something as well.
    fn look_at_the_rest(&mut self) {
        let mut found = vec![None; self.wanted.len()];
        for chunk in std::mem::take(&mut self.front) {
            self.make(chunk).iter().for_each(|(node, held)| self.look(*node as usize, &F::state(held), &mut found));
        }
        for ((_, first), found) in self.wanted.iter_mut().zip(found) {
            *first = first.or(found);
        }
    }
}

impl<H> Part<H> {
    fn new(chunk: Chunk<H>) -> Self {
        Part {
            first: chunk.first,
            len: chunk.len,
            chunk: Some(chunk),
            states: Vec::new(),
            rows: Vec::new(),
            claimed: Vec::new(),
            origins: Vec::new(),
            chunks: Vec::new(),
            found: Vec::new(),
            outcome: Ok(true),
        }
    }
}
