//! How exploring goes: expand, claim, keep.
//!
//! Breadth first by levels, and a level in blocks. A block is cut into parts, and three things are done with it:
//! - **expand**: every part's states are asked for their successors. What is known already is seen by looking into the
//!   table, which nobody changes meanwhile. The rest are candidates.
//! - **claim**: each shard of the table takes in the candidates that fall to it, in the order of the block. The first
//!   of those that are equal is new.
//! - **keep**: what is new gets its number, in the order of the block, and waits for its own turn.
//!
//! Parts, and then shards, are shared out among the threads as these come. No result depends on which thread takes
//! what, nor on where a block ends, since all that matters is done in the order of the nodes: numbers, paths and
//! everything after them are the same for any number of threads, and the first path to a state is a shortest one.
//!
//! Memory that is given back at once is given out again at once, and so successors are dropped as soon as their
//! fingerprint is known. What turns out to be new is made again, by one step more. Only where states themselves are
//! compared those of candidates are held.

mod part;
mod resume;

use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use stateright::Model;

use self::part::{Candidate, NEW, Part, Row, claim, is_new};
use super::checkpoint::Recorder;
use super::form::Form;
use super::shape::{Origin, PackedTarget, Shape};
use super::step::{Next, again, blamed, expand, is_rechecked, nondeterministic, share_out};
use super::table::{CANDIDATE, Fingerprint, Shard, Table};
use super::{Budget, Equality, ModelError, Stop};
use crate::model::CheckedModel;

pub(super) use self::resume::{initial, made_again};

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every state and every transition.
    Graph,
    /// The first state of each property that shows what is to be known of it; see [`Engine::found`].
    Discoveries,
}

pub(super) struct Engine<M: CheckedModel, F: Form<M::State>> {
    pub(super) model: Arc<M>,
    pub(super) shape: Shape,
    /// By node.
    pub(super) states: Vec<F::Held>,
    /// What is looked for, and the first node that it was found at.
    pub(super) wanted: Vec<(Looked<M>, Option<usize>)>,
    pub(super) table: Table<u32>,
    pub(super) budget: Budget,
    pub(super) recorder: Option<Recorder>,
    /// The first node to expand, where an exploration is gone on with.
    resumed: Option<usize>,
    /// Where all is left to several who share the work: at the first level that is begun with more nodes than this.
    pub(super) divided_from: Option<usize>,
    /// Whether states themselves are compared.
    exact: bool,
    states_max: usize,
}

/// What is asked of a state.
pub(super) type Condition<M> = Box<dyn Fn(&M, &<M as Model>::State) -> bool + Send + Sync>;

/// A condition, and the answer that is worth telling.
pub(super) struct Looked<M: CheckedModel> {
    pub(super) condition: Condition<M>,
    pub(super) answer: bool,
}

impl<M: CheckedModel> Looked<M> {
    #[inline]
    pub(super) fn shows(&self, model: &M, state: &M::State) -> bool {
        (self.condition)(model, state) == self.answer
    }
}

/// Successors that are looked up together.
const BATCH: usize = 32;

/// Nodes in a part. So small that with one thread, where a part is a block, all of it stays in the processor's cache.
const PART_NODES: usize = 64;

/// Parts in a block that several threads share. Where states own memory this is a few megabytes of candidates.
const BLOCK_PARTS: usize = 64;
/// Where states are compared, and so those of candidates are held.
const BLOCK_PARTS_EXACT: usize = 8;

/// Below this many nodes a level is expanded where it is: a thread costs more than it saves.
const THREADED_NODES_MIN: usize = 512;

/// Nodes between two questions to [`Budget::interrupt`].
const ASKED_NODES: usize = 1 << 13;

/// Nodes between two looks at whether it is time to stop comparing states.
const LOOSENED_NODES: usize = 1 << 13;

impl<M: CheckedModel, F: Form<M::State>> Engine<M, F> {
    pub(super) fn new(model: Arc<M>, budget: &Budget, wanted: Wanted) -> Self {
        Engine {
            model,
            shape: Shape::new(wanted == Wanted::Graph),
            states: Vec::new(),
            wanted: Vec::new(),
            table: Table::new(budget.equality == Equality::Fingerprint128),
            budget: budget.clone(),
            recorder: None,
            resumed: None,
            divided_from: None,
            exact: matches!(budget.equality, Equality::Automatic | Equality::Exact),
            states_max: budget.states_max.min(CANDIDATE as usize - 1),
        }
    }

    /// Explores as far as the budget goes, from the states where it is `begun` or else the model's own, and ends with
    /// [`Stop::Found`] when a state is kept that `halt` holds of. Where there is a number in the answer, nodes from that one on are left to who [keeps less](super::sweep).
    pub(super) fn run(
        &mut self,
        begun: Option<Vec<M::State>>,
        halt: &dyn Fn(&M::State) -> bool,
    ) -> Result<Option<usize>, ModelError> {
        let (mut level, first) = match self.resumed {
            None => {
                self.initialise(begun, halt)?;
                (0..self.shape.node_count(), 0)
            }
            Some(first) => (self.shape.last_level(), first),
        };
        let mut asked_at = 0;
        while !level.is_empty() && self.shape.stop.is_none() {
            if self.resumed.take().is_none() && !self.shape.begin_level(self.budget.depth_max) {
                break;
            }
            let mut next = first.max(level.start);
            while next < level.end && self.shape.stop.is_none() {
                // Where blocks end depends on the number of threads, and nothing may depend on that.
                if next == level.start || next.is_multiple_of(LOOSENED_NODES) {
                    self.loosen();
                    let leaves = match self.divided_from {
                        None => !self.exact && !self.shape.has_edges(),
                        Some(nodes) => {
                            next == level.start && self.shape.node_count() > nodes && !self.shape.hashes_alike
                        }
                    };
                    if leaves {
                        self.look();
                        return Ok(Some(next));
                    }
                }
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
                next = self.block(next, level.end.min(next - next % LOOSENED_NODES + LOOSENED_NODES), halt)?;
            }
            level = level.end..self.shape.node_count();
            tracing::trace!(depth = self.shape.depth(), states = level.end, "level done");
        }
        self.loosen();
        self.shape.end();
        self.look();
        Ok(None)
    }

    fn initialise(&mut self, begun: Option<Vec<M::State>>, halt: &dyn Fn(&M::State) -> bool) -> Result<(), ModelError> {
        let is_own = begun.is_none();
        let states = begun.unwrap_or_else(|| self.model.init_states());
        if is_own && states != self.model.init_states() {
            return Err(nondeterministic("init_states", &"(none)"));
        }
        for (index, state) in states.into_iter().enumerate() {
            if !self.model.within_boundary(&state) {
                self.shape.cut_count += 1;
                continue;
            }
            let held = F::hold(state);
            let fingerprint = F::fingerprint(&held, self.budget.equality);
            let same = |node: u32| !self.exact || F::same(&self.states[node as usize], &held);
            if self.table.shard(fingerprint).find(fingerprint, same).is_some() {
                continue;
            }
            if self.shape.node_count() >= self.states_max {
                self.shape.stop = Some(Stop::States(self.states_max));
                break;
            }
            let shard = &mut self.table.shards[fingerprint.shard()];
            shard.reserve(1);
            shard.claim(fingerprint, 0, |_| false);
            shard.settle(&[self.shape.node_count() as u32]);
            self.keep(held, Origin::initial(index), halt);
            if self.shape.stop.is_some() {
                break;
            }
        }
        if self.shape.node_count() == 0 { Err(ModelError::NoInitialState) } else { Ok(()) }
    }

    /// From where on exactness is not asked for any more, fingerprints do.
    fn loosen(&mut self) {
        self.shape.hashes_alike |= self.table.shards.iter().any(|shard| shard.alike);
        let many = self.shape.node_count() > Equality::EXACT_STATES_MAX;
        self.exact &= self.budget.equality == Equality::Exact || !many || self.shape.hashes_alike;
    }

    /// Expands nodes from `first` on, not beyond `end`. Returns the next one's number.
    fn block(&mut self, first: usize, end: usize, halt: &dyn Fn(&M::State) -> bool) -> Result<usize, ModelError> {
        let threads = if end - first < THREADED_NODES_MIN { 1 } else { self.budget.threads.max(1) };
        let parts_max = match threads {
            1 => 1,
            _ if self.exact => BLOCK_PARTS_EXACT,
            _ => BLOCK_PARTS,
        };
        let next = end.min(first + parts_max * PART_NODES);
        let parts = (first..next).step_by(PART_NODES).map(|first| Part::new(first..next.min(first + PART_NODES)));
        let mut parts: Vec<_> = parts.collect();
        share_out(threads, &mut parts, |part| part.outcome = self.expand(part));
        let mut candidates = 0;
        for part in &mut parts {
            std::mem::replace(&mut part.outcome, Ok(()))?;
            part.first_candidate = candidates;
            candidates += part.candidates.len() as u32;
        }
        let (exact, states) = (self.exact, &self.states);
        let mut shards: Vec<(usize, &mut Shard<u32>)> = self.table.shards.iter_mut().enumerate().collect();
        share_out(threads, &mut shards, |(index, shard)| claim::<M, F>(*index, shard, &parts, exact.then_some(states)));
        share_out(threads, &mut parts, |part| if exact { part.drop_known() } else { self.make_new(part) });
        let mut numbers = Vec::with_capacity(candidates as usize);
        for part in &mut parts {
            if self.shape.stop.is_none() {
                self.keep_part(part, &mut numbers, halt);
            }
        }
        share_out(threads, &mut self.table.shards, |shard| shard.settle(&numbers));
        Ok(next)
    }

    fn expand(&self, part: &mut Part<F::Held>) -> Result<(), ModelError> {
        let node = Cell::new(part.nodes.start);
        let expanded = catch_unwind(AssertUnwindSafe(|| self.expand_each(part, &node)));
        let state_of = |node: usize| F::state(&self.states[node]);
        let way = |node| self.shape.way_to(node);
        expanded.unwrap_or_else(|panic| Err(blamed(&*self.model, node.get(), state_of, way, &*panic)))
    }

    /// Expands the nodes of `part`; `now` is the one being expanded.
    fn expand_each(&self, part: &mut Part<F::Held>, now: &Cell<usize>) -> Result<(), ModelError> {
        let mut actions = Vec::new();
        let mut open = Vec::with_capacity(BATCH);
        let mut held_open = Vec::new();
        part.rows = vec![Row::default(); part.nodes.len()];
        for (at, node) in part.nodes.clone().enumerate() {
            now.set(node);
            let state = F::state(&self.states[node]);
            let rechecked = self.budget.recheck && is_rechecked(node);
            if rechecked {
                F::recheck(&*self.model, &state)?;
            }
            expand(&*self.model, &state, rechecked, &mut actions, |action, next| {
                let row = &mut part.rows[at];
                row.places += 1;
                let (target, next) = match next {
                    Next::Refused => (PackedTarget::REFUSED, None),
                    Next::Cut => (PackedTarget::CUT, None),
                    Next::State(next) if next == *state => (PackedTarget(node as u32), None),
                    Next::State(next) => (PackedTarget::OPEN, Some(next)),
                };
                row.cuts += u32::from(target == PackedTarget::CUT);
                row.edges += u32::from(target != PackedTarget::CUT && target != PackedTarget::REFUSED);
                let place = part.targets.len();
                if self.shape.has_edges() {
                    part.targets.push(target);
                }
                if let Some(next) = next {
                    let held = F::hold(next);
                    let fingerprint = F::fingerprint(&held, self.budget.equality);
                    open.push(Open { at, place, action, fingerprint });
                    if self.exact {
                        held_open.push(held);
                    }
                }
                if open.len() == BATCH {
                    self.resolve(&mut open, &mut held_open, part);
                }
            })?;
        }
        self.resolve(&mut open, &mut held_open, part);
        part.sort();
        Ok(())
    }

    /// Tells what is known from candidates. In batches, so that the processor waits for many slots of the table at once
    /// and not for one after the other.
    fn resolve(&self, open: &mut Vec<Open>, held_open: &mut Vec<F::Held>, part: &mut Part<F::Held>) {
        black_box(open.iter().fold(0, |sum, open| sum ^ self.table.shard(open.fingerprint).touch(open.fingerprint)));
        let mut held_open = held_open.drain(..);
        for Open { at, place, action, fingerprint } in open.drain(..) {
            let held = held_open.next();
            let same = |node: u32| held.as_ref().is_none_or(|held| F::same(&self.states[node as usize], held));
            match self.table.shard(fingerprint).find(fingerprint, same) {
                Some(node) if self.shape.has_edges() => part.targets[place] = PackedTarget(node),
                Some(_) => {}
                None => {
                    part.rows[at].candidates += 1;
                    part.candidates.push(Candidate { fingerprint, action });
                    part.held.extend(held);
                }
            }
        }
    }

    /// The states of what is new, by a step that was taken before.
    fn make_new(&self, part: &mut Part<F::Held>) {
        let mut candidates = part.candidates.iter().zip(&part.answers);
        let mut actions = Vec::new();
        for (row, held) in part.rows.iter().zip(&self.states[part.nodes.clone()]) {
            let state = F::state(held);
            actions.clear();
            for (candidate, _) in candidates.by_ref().take(row.candidates as usize).filter(|(_, answer)| is_new(answer))
            {
                if actions.is_empty() {
                    self.model.actions(&state, &mut actions);
                }
                part.held.extend(again::<M, F>(&self.model, &state, &actions, candidate.action));
            }
        }
    }

    fn keep_part(&mut self, part: &mut Part<F::Held>, numbers: &mut Vec<u32>, halt: &dyn Fn(&M::State) -> bool) {
        let mut candidates = part.candidates.iter().zip(&part.answers);
        let mut held = part.held.drain(..);
        let mut place = 0;
        for (at, row) in part.rows.iter().enumerate() {
            let first_number = numbers.len();
            for (candidate, answer) in candidates.by_ref().take(row.candidates as usize) {
                let answer = answer.load(Ordering::Relaxed);
                if answer != NEW {
                    numbers.push(numbers.get(answer as usize).copied().unwrap_or_default());
                    continue;
                }
                if self.shape.node_count() >= self.states_max {
                    self.shape.stop = Some(Stop::States(self.states_max));
                } else if let Some(held) = held.next() {
                    numbers.push(self.shape.node_count() as u32);
                    let origin = Origin { node: (part.nodes.start + at) as u32, action: candidate.action };
                    self.keep(held, origin, halt);
                }
                if self.shape.stop.is_some() {
                    // This node's transitions are not all known: it counts as not expanded.
                    return;
                }
            }
            self.shape.edge_count += row.edges as usize;
            self.shape.cut_count += row.cuts as usize;
            if self.shape.has_edges() {
                let places = place..place + row.places as usize;
                place = places.end;
                self.shape.push(&part.targets[places], &numbers[first_number..]);
            }
        }
    }

    fn keep(&mut self, held: F::Held, origin: Origin, halt: &dyn Fn(&M::State) -> bool) {
        if halt(&F::state(&held)) {
            self.shape.stop = Some(Stop::Found);
        }
        self.shape.origins.push(origin);
        self.states.push(held);
    }

    /// Looks for what is wanted in all that is kept.
    fn look(&mut self) {
        for (looked, found) in &mut self.wanted {
            *found = self.states.iter().position(|held| looked.shows(&self.model, &F::state(held)));
        }
    }
}

/// A successor that is not looked up yet.
struct Open {
    at: usize,
    place: usize,
    action: u32,
    fingerprint: Fingerprint,
}
