//! Exploring for safety alone: nothing is kept but how each node was reached (eight bytes) and its fingerprint.
//!
//! Breadth first by levels, and a level in blocks, as the [engine](super::engine) goes that keeps states:
//! - **expand**: a block's chunks are shared out among the threads, and their states looked at and asked for their
//!   successors. What the table does not know, which nobody changes meanwhile, is a candidate.
//! - **claim**: the shards of the table are shared out, and take in the candidates that fall to them in the order of the
//!   block. The first of those that are equal is new.
//! - **keep**: what is new gets its number, in the order of the block, and waits for its turn.
//!
//! Memory that is given back at once is given out again at once. So a state that owns memory is dropped as soon as its
//! fingerprint is known, and made again when its turn has come, from the one that it was found by; that one is kept so
//! long. What is held as it is waits itself.
//!
//! Which thread is faster changes nothing of this, nor where a block ends: numbers and paths are those of the engine.

pub(super) mod part;
mod resume;

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::part::{Candidate, Chunk, Part, States, claim, insert};
use super::checkpoint::Recorder;
use super::engine::{Engine, Looked};
use super::form::Form;
use super::shape::Shape;
use super::step::{Next, expand, is_rechecked, share_out, share_out_with};
use super::table::{Fingerprint, SHARDS, Table};
use super::{Budget, Equality, ModelError, Stop};
use crate::model::CheckedModel;

pub(super) struct Sweep<M: CheckedModel, F: Form<M::State>> {
    pub(super) model: Arc<M>,
    pub(super) shape: Shape,
    /// What is looked for, and the first node that it was found at.
    pub(super) wanted: Vec<(Looked<M>, Option<usize>)>,
    front: VecDeque<Chunk<F::Held>>,
    known: Table<()>,
    /// One for each thread.
    rooms: Vec<Room<M::Action, F::Held>>,
    /// Those that are at work at a time, and the memory they have.
    parts: Vec<Part<F::Held>>,
    states_max: usize,
    budget: Budget,
    recorder: Option<Recorder>,
}

/// A thread's own, from block to block.
struct Room<A, H> {
    actions: Vec<A>,
    recent: Recent,
    /// Successors that are not looked up yet, and, where they are held, their states.
    open: Vec<Candidate>,
    held_open: Vec<H>,
    /// Expanded nodes that some of these are of, where they are not held themselves.
    expanded: Vec<(u32, H)>,
}

/// What a thread has met of late, each in the only place it may have: most of what it meets is found here, and the
/// table need not be asked. A thread goes through a block in its order, so what it meets again is not new.
struct Recent(Vec<Fingerprint>);

/// Nodes in a chunk: few enough that all of it stays in the processor's cache.
const CHUNK_NODES: usize = 64;
/// Chunks in a block that several threads share, where states are made again, and where they are held.
const BLOCK_CHUNKS: usize = 64;
const BLOCK_CHUNKS_HELD: usize = 256;
/// Successors that are looked up together: the processor waits for the table once, not once for each.
const BATCH: usize = 32;
/// Fingerprints of late: few enough that they stay in the processor's cache.
const RECENT: usize = 1 << 13;
/// Below this many nodes a block is expanded where it is: a thread costs more than it saves.
const THREADED_NODES_MIN: usize = 512;
/// Nodes between two questions to [`Budget::interrupt`].
const ASKED_NODES: usize = 1 << 13;

impl<M: CheckedModel, F: Form<M::State>> Sweep<M, F> {
    /// Goes on from where `engine` is: its nodes below `next` are expanded.
    pub(super) fn after(engine: Engine<M, F>, next: usize) -> Self {
        let mut known = Table::new(engine.budget.equality == Equality::Fingerprint128);
        for fingerprint in engine.table.entries() {
            insert(&mut known.shards[fingerprint.shard()], fingerprint);
        }
        let mut states = engine.states;
        let mut waiting = states.split_off(next).into_iter();
        let mut front = VecDeque::new();
        let mut first = next;
        // What waits is of this level and the next.
        for end in [engine.shape.levels.last().copied().unwrap_or_default(), engine.shape.node_count()] {
            while first < end {
                let len = CHUNK_NODES.min(end - first);
                let states = States::Themselves(waiting.by_ref().take(len).collect());
                front.push_back(Chunk { first, len, states });
                first += len;
            }
        }
        Sweep {
            model: engine.model,
            shape: engine.shape,
            wanted: engine.wanted,
            front,
            known,
            rooms: (0..engine.budget.threads.max(1)).map(|_| Room::new()).collect(),
            parts: Vec::new(),
            states_max: engine.budget.states_max.min(Shape::NODES_MAX),
            budget: engine.budget,
            recorder: engine.recorder,
        }
    }

    /// Explores as far as the budget goes.
    pub(super) fn run(&mut self, next: usize) -> Result<(), ModelError> {
        let mut level = next..self.shape.levels.last().copied().unwrap_or_default();
        let mut asked_at = 0;
        while !level.is_empty() && self.shape.stop.is_none() {
            let mut next = level.start;
            while next < level.end && self.shape.stop.is_none() {
                let is_asked = next >= asked_at;
                if is_asked {
                    asked_at = next + ASKED_NODES;
                    self.shape.stop = (self.budget.interrupt)();
                }
                if is_asked || next == level.start {
                    self.record(next)?;
                }
                if self.shape.stop.is_some() {
                    break;
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
        let threads = if end - first < THREADED_NODES_MIN { 1 } else { self.rooms.len() };
        let chunks_max = match threads {
            1 => 1,
            _ if F::MADE_AGAIN => BLOCK_CHUNKS,
            _ => BLOCK_CHUNKS_HELD,
        };
        let (mut parts, mut rooms) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.rooms));
        parts.resize_with(chunks_max, Part::default);
        let (mut next, mut count) = (first, 0);
        while count < chunks_max && next < end {
            let Some(chunk) = self.front.pop_front() else { break };
            next += chunk.len;
            parts[count].begin(chunk, self.wanted.len());
            count += 1;
        }
        let at_work = &mut parts[..count];
        share_out_with(&mut rooms[..threads], at_work, |room, part| part.outcome = self.expand(part, room));
        let together = SHARDS.div_ceil(threads);
        for part in &mut *at_work {
            std::mem::replace(&mut part.outcome, Ok(()))?;
            part.is_new.resize_with(part.candidates.len() * SHARDS.div_ceil(together), AtomicBool::default);
        }
        let mut shards: Vec<_> = self.known.shards.chunks_mut(together).enumerate().collect();
        share_out(threads, &mut shards, |(index, shards)| claim(*index, together, shards, at_work));
        share_out(threads, at_work, |part| part.merge(together, F::MADE_AGAIN));
        for part in at_work {
            for ((_, first), found) in self.wanted.iter_mut().zip(&part.found) {
                *first = first.or(*found);
            }
            if self.shape.stop.is_none() {
                self.keep(part);
            }
        }
        (self.parts, self.rooms) = (parts, rooms);
        Ok(next)
    }

    /// Hands the states of nodes whose turn has come to `each`.
    fn each_state(
        &self,
        chunk: Chunk<F::Held>,
        each: impl FnMut(u32, F::Held) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let origins = &self.shape.origins[chunk.first..chunk.first + chunk.len];
        chunk.states.each::<M, F>(&self.model, chunk.first as u32, origins, each)
    }

    fn expand(&self, part: &mut Part<F::Held>, room: &mut Room<M::Action, F::Held>) -> Result<(), ModelError> {
        let Some(chunk) = part.chunk.take() else { return Ok(()) };
        self.each_state(chunk, |node, held| {
            self.expand_one(node, &F::state(&held), part, room)?;
            if F::MADE_AGAIN {
                room.expanded.push((node, held));
            }
            if room.open.len() >= BATCH {
                self.look_up(room, part);
            }
            Ok(())
        })?;
        self.look_up(room, part);
        Ok(())
    }

    #[inline]
    fn expand_one(
        &self,
        node: u32,
        state: &M::State,
        part: &mut Part<F::Held>,
        room: &mut Room<M::Action, F::Held>,
    ) -> Result<(), ModelError> {
        self.look(node as usize, state, &mut part.found);
        let rechecked = self.budget.recheck && is_rechecked(node as usize);
        if rechecked {
            F::recheck(&*self.model, state)?;
        }
        let row = &mut part.rows[node as usize - part.first];
        expand(&*self.model, state, rechecked, &mut room.actions, |action, next| match next {
            Next::Refused => {}
            Next::Cut => row.cuts += 1,
            Next::State(next) => {
                row.edges += 1;
                let held = F::hold(next);
                let fingerprint = F::fingerprint(&held, self.budget.equality);
                if room.recent.has(fingerprint) {
                    return;
                }
                room.open.push(Candidate { fingerprint, node, action });
                if !F::MADE_AGAIN {
                    room.held_open.push(held);
                }
            }
        })
    }

    /// Tells what is known from candidates. In batches, so that the processor waits for many slots of the table at once
    /// and not for one after the other.
    fn look_up(&self, room: &mut Room<M::Action, F::Held>, part: &mut Part<F::Held>) {
        let shard = |of: Fingerprint| self.known.shard(of);
        black_box(room.open.iter().fold(0, |sum, open| sum ^ shard(open.fingerprint).touch(open.fingerprint)));
        let before = part.candidates.len();
        let mut held_open = room.held_open.drain(..);
        for open in room.open.drain(..) {
            let held = held_open.next();
            if shard(open.fingerprint).find(open.fingerprint, |()| true).is_none() {
                part.candidates.push(open);
                part.held.extend(held.map(|held| (open.node, held)));
            }
        }
        let mut finders = part.candidates[before..].iter().map(|candidate| candidate.node).peekable();
        for (node, held) in room.expanded.drain(..) {
            if finders.peek() == Some(&node) {
                part.held.push((node, held));
                while finders.next_if_eq(&node).is_some() {}
            }
        }
    }

    fn keep(&mut self, part: &mut Part<F::Held>) {
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
        for (len, states) in part.chunks.drain(..) {
            let len = len.min(end - next);
            if len == 0 {
                break;
            }
            self.wait(next, len, level_first, states);
            next += len;
        }
    }

    /// Makes so many nodes from `first` on wait, which follow on those that do. `level_first`: the first of their level.
    fn wait(&mut self, first: usize, len: usize, level_first: usize, states: States<F::Held>) {
        let fits = |last: &&mut Chunk<F::Held>| last.first >= level_first && last.len + len <= CHUNK_NODES;
        let rest = match self.front.back_mut().filter(fits) {
            Some(last) => last.append(len, states),
            None => Some(states),
        };
        self.front.extend(rest.map(|states| Chunk { first, len, states }));
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
            let looked = self.each_state(chunk, |node, held| {
                self.look(node as usize, &F::state(&held), &mut found);
                Ok(())
            });
            debug_assert!(looked.is_ok(), "looking has no error");
        }
        for ((_, first), found) in self.wanted.iter_mut().zip(found) {
            *first = first.or(found);
        }
    }
}

impl<A, H> Room<A, H> {
    fn new() -> Self {
        Room {
            actions: Vec::new(),
            recent: Recent(vec![Fingerprint::default(); RECENT]),
            open: Vec::with_capacity(2 * BATCH),
            held_open: Vec::new(),
            expanded: Vec::new(),
        }
    }
}

impl Recent {
    /// Whether `of` was met of late; it is from now on.
    #[inline]
    fn has(&mut self, of: Fingerprint) -> bool {
        let place = &mut self.0[of.low as usize % RECENT];
        std::mem::replace(place, of) == of
    }
}
