//! Packed states that outgrow memory: what is known and how each node was reached lie in files.
//!
//! Which successors are new is asked of all states of a level together, when the level has been expanded: they are
//! sorted, and looked for in sorted runs of what is known, each of which is read once from its first block to its last.
//! The states themselves are compared, so that no two are ever taken for one.
//!
//! What is new is put into the order in which it was found. So nodes have the numbers, and paths are the paths, that
//! exploring in memory gives.

mod runs;
mod told;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use stateright::{Expectation, Model};
use thiserror::Error;

use self::runs::{Folder, Indexed, IndexedWriter, Reader, Sorter, Writer};
use super::engine::Looked;
use super::form::Form;
use super::pack::{Words, round_trips};
use super::step::{Next, expand, is_rechecked, share_out_with};
use super::survey::{Asked, Discovery, asked};
use super::{Budget, ModelError, Pack, Stop};
use crate::model::CheckedModel;

pub use self::told::DiskSurvey;

/// Where what outgrows memory goes, and how much memory there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    folder: PathBuf,
    memory_mib: usize,
}

impl Disk {
    /// Memory that is used unless something else is said, in MiB.
    pub const MEMORY_MIB: usize = 1024;

    /// Files in a folder of their own below `folder`, which is removed in the end. There has to be room for each state twice
    /// and for 8 bytes more, and for the successors of a level.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Disk { folder: folder.into(), memory_mib: Self::MEMORY_MIB }
    }

    /// Memory for what is sorted and for what was met of late, in MiB. Default 1,024. No result depends on it.
    #[must_use]
    pub fn memory_mib(mut self, memory_mib: usize) -> Self {
        self.memory_mib = memory_mib;
        self
    }
}

/// Why a model was not explored on disk.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DiskError {
    /// As in memory.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file cannot be written or read.
    #[error("{folder}: {error}; see that the folder can be written to and has room")]
    Io {
        /// The folder that was named.
        folder: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// Checkpoints are of what is explored in memory.
    #[error(
        "no checkpoint can be kept of what is explored on disk: leave `Budget::checkpoint` out, or explore in memory"
    )]
    Checkpoint,
}

/// A step, as a word: from the node of this number by the action of this index.
fn origin(node: usize, action: u32) -> u64 {
    (node as u64) << 32 | u64::from(action)
}

/// Explores `model` as [`survey_packed`](super::survey_packed) does, with what is known in files: counts, numbers,
/// findings and paths are the same. States themselves are compared, whatever [`Budget::equality`] says.
///
/// # Errors
/// As [`survey_packed`](super::survey_packed); or a file cannot be written or read; or a checkpoint is asked for.
pub fn survey_on_disk<M, const N: usize>(
    model: Arc<M>,
    budget: &Budget,
    disk: &Disk,
) -> Result<DiskSurvey<M>, DiskError>
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    if budget.checkpoint.is_some() {
        return Err(DiskError::Checkpoint);
    }
    round_trips(&*model)?;
    let files = tempfile::Builder::new().prefix("counterpart-").tempdir_in(&disk.folder);
    let told = |error| DiskError::Io { folder: disk.folder.display().to_string(), error };
    let files = files.map_err(told)?;
    let mut found = OnDisk::<M, N>::new(model, budget, disk, Folder::new(files.path())).map_err(told)?;
    found.run().map_err(|error| match error {
        Failed::Model(error) => DiskError::Model(error),
        Failed::Io(error) => told(error),
    })?;
    let names = found.names.into_iter().zip(found.wanted);
    let discoveries = names.map(|((name, expectation), (_, node))| Discovery { name, expectation, node });
    Ok(DiskSurvey {
        model: found.model,
        folder: disk.folder.clone(),
        discoveries: discoveries.collect(),
        log: Mutex::new(found.log.done().map_err(told)?.0),
        levels: found.levels,
        edge_count: found.edge_count,
        cut_count: found.cut_count,
        stop: found.stop,
        _files: files,
    })
}

/// Nodes that are expanded together, and by one thread at a time.
const BLOCK_NODES: usize = 1 << 13;
const PART_NODES: usize = 1 << 8;
/// Below this many nodes a block is expanded where it is.
const THREADED_NODES_MIN: usize = 512;
const NODES_MAX: usize = (u32::MAX - 3) as usize;

type State<const N: usize> = [u64; N];

struct OnDisk<M: CheckedModel, const N: usize> {
    model: Arc<M>,
    budget: Budget,
    folder: Folder,
    wanted: Vec<(Looked<M>, Option<usize>)>,
    names: Vec<(&'static str, Expectation)>,
    /// Runs of what is known, the longest first.
    known: Vec<Indexed<State<N>>>,
    candidates: Sorter<(State<N>, u64)>,
    new: Sorter<(u64, State<N>)>,
    log: Writer,
    levels: Vec<usize>,
    edge_count: usize,
    cut_count: usize,
    stop: Option<Stop>,
    rooms: Vec<Room<M::Action, N>>,
}

enum Failed {
    Model(ModelError),
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Io(error)
    }
}

/// A thread's own: what it has met, each in the only place it may have. A thread goes through a level in its order, so
/// what it has met stands among the candidates already, or is known.
struct Room<A, const N: usize> {
    actions: Vec<A>,
    met: Vec<State<N>>,
}

/// Nodes that follow one another, and what became of them.
struct Part<const N: usize> {
    first: usize,
    states: Vec<State<N>>,
    candidates: Vec<(State<N>, u64)>,
    edges: usize,
    cuts: usize,
    found: Vec<Option<usize>>,
    outcome: Result<(), ModelError>,
}

impl<M, const N: usize> OnDisk<M, N>
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    fn new(model: Arc<M>, budget: &Budget, disk: &Disk, mut folder: Folder) -> io::Result<Self> {
        let (mut wanted, mut names) = (Vec::new(), Vec::new());
        for Asked { name, expectation, condition } in asked(&*model) {
            wanted.push((Looked { condition, answer: expectation == Expectation::Sometimes }, None));
            names.push((name, expectation));
        }
        let bytes = disk.memory_mib.max(1) << 20;
        let threads = budget.threads.max(1);
        let places = bytes / 2 / threads / (8 * N.max(1));
        // What is met first is known.
        let initial = model.init_states().into_iter().find(|state| model.within_boundary(state));
        let filled = initial.map(|state| state.pack());
        let met = || filled.map_or_else(Vec::new, |state| vec![state; places.max(1)]);
        Ok(OnDisk {
            rooms: (0..threads).map(|_| Room { actions: Vec::new(), met: met() }).collect(),
            log: Writer::new(folder.file()?),
            model,
            budget: budget.clone(),
            folder,
            wanted,
            names,
            known: Vec::new(),
            candidates: Sorter::new(bytes / 8 * 3),
            new: Sorter::new(bytes / 8),
            levels: vec![0],
            edge_count: 0,
            cut_count: 0,
            stop: None,
        })
    }

    fn run(&mut self) -> Result<(), Failed> {
        let states = self.model.init_states();
        for (index, state) in states.iter().enumerate() {
            if self.model.within_boundary(state) {
                self.candidates.push((state.pack(), origin(u32::MAX as usize, index as u32)), &mut self.folder)?;
            } else {
                self.cut_count += 1;
            }
        }
        let mut front = self.keep_new()?;
        if self.levels.last() == Some(&0) {
            return Err(Failed::Model(ModelError::NoInitialState));
        }
        while front.1 > 0 {
            let depth = self.levels.len() - 2;
            if self.stop.is_none() && depth >= self.budget.depth_max {
                self.stop = Some(Stop::Depth(self.budget.depth_max));
            }
            if self.stop.is_some() {
                self.look_at(front)?;
                break;
            }
            if self.expand_level(front)? {
                front = self.keep_new()?;
            } else {
                break;
            }
        }
        // The last level has no states unless the exploration was stopped.
        if let [.., last, end] = self.levels[..]
            && last == end
        {
            self.levels.pop();
        }
        Ok(())
    }

    /// Expands so many states of a file. Returns whether it was not interrupted; if it was, the rest is looked at.
    fn expand_level(&mut self, (front, count): (File, usize)) -> Result<bool, Failed> {
        let mut reader = Reader::<State<N>>::new(front, count);
        let end = self.levels.last().copied().unwrap_or_default();
        let mut first = end - count;
        while first < end {
            if self.stop.is_none() {
                self.stop = (self.budget.interrupt)();
            }
            let parts = &mut self.parts(&mut reader, first, end)?;
            first += parts.iter().map(|part| part.states.len()).sum::<usize>();
            if self.stop.is_some() {
                parts.iter_mut().for_each(|part| self.look_at_part(part));
            } else {
                self.expand_parts(parts)?;
            }
            for part in parts {
                for ((_, first), found) in self.wanted.iter_mut().zip(&part.found) {
                    *first = first.or(*found);
                }
            }
        }
        Ok(self.stop.is_none())
    }

    /// The next states, in parts.
    fn parts(&self, reader: &mut Reader<State<N>>, first: usize, end: usize) -> io::Result<Vec<Part<N>>> {
        let mut parts = Vec::new();
        let block_end = end.min(first + BLOCK_NODES);
        for first in (first..block_end).step_by(PART_NODES) {
            let mut states = Vec::with_capacity(PART_NODES);
            while states.len() < PART_NODES.min(block_end - first) {
                states.push(reader.next()?.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
            let found = vec![None; self.wanted.len()];
            parts.push(Part { first, states, candidates: Vec::new(), edges: 0, cuts: 0, found, outcome: Ok(()) });
        }
        Ok(parts)
    }

    fn expand_parts(&mut self, parts: &mut [Part<N>]) -> Result<(), Failed> {
        let nodes: usize = parts.iter().map(|part| part.states.len()).sum();
        let mut rooms = std::mem::take(&mut self.rooms);
        let threads = if nodes < THREADED_NODES_MIN { 1 } else { rooms.len() };
        share_out_with(&mut rooms[..threads], parts, |room, part| part.outcome = self.expand_part(part, room));
        self.rooms = rooms;
        for part in parts {
            std::mem::replace(&mut part.outcome, Ok(())).map_err(Failed::Model)?;
            self.edge_count += part.edges;
            self.cut_count += part.cuts;
            for candidate in part.candidates.drain(..) {
                self.candidates.push(candidate, &mut self.folder)?;
            }
        }
        Ok(())
    }

    fn expand_part(&self, part: &mut Part<N>, room: &mut Room<M::Action, N>) -> Result<(), ModelError> {
        let Part { first, states, candidates, edges, cuts, found, .. } = part;
        for (node, held) in (*first..).zip(&*states) {
            let state = M::State::unpack(*held);
            self.look(node, &state, found);
            let rechecked = self.budget.recheck && is_rechecked(node);
            if rechecked {
                <Words<N> as Form<M::State>>::recheck(&*self.model, &state)?;
            }
            let met = &mut room.met;
            expand(&*self.model, &state, rechecked, &mut room.actions, |action, next| match next {
                Next::Refused => {}
                Next::Cut => *cuts += 1,
                Next::State(next) => {
                    *edges += 1;
                    let packed = next.pack();
                    let hash = <Words<N> as Form<M::State>>::hash(&packed, 0);
                    let place = ((u128::from(hash) * met.len() as u128) >> 64) as usize;
                    if std::mem::replace(&mut met[place], packed) != packed {
                        candidates.push((packed, origin(node, action)));
                    }
                }
            })?;
        }
        Ok(())
    }

    /// Numbers what of the candidates is not known, and knows it from now on. Returns their states, in order.
    fn keep_new(&mut self) -> Result<(File, usize), Failed> {
        self.known.iter_mut().for_each(Indexed::rewind);
        let mut run = IndexedWriter::new(self.folder.file()?);
        let (known, new) = (&mut self.known, &mut self.new);
        self.candidates.drain(&mut self.folder, |folder, (state, origin)| {
            for run in &mut *known {
                if run.has(state)? {
                    return Ok(());
                }
            }
            run.push(state)?;
            new.push((*origin, *state), folder)
        })?;
        self.known.push(run.done()?);
        while let [.., longer, shorter] = &self.known[..]
            && longer.len < 2 * shorter.len
        {
            let (Some(shorter), Some(longer)) = (self.known.pop(), self.known.pop()) else { break };
            self.known.push(longer.merged(shorter, &mut self.folder)?);
        }
        let first = self.levels.last().copied().unwrap_or_default();
        let states_max = self.budget.states_max.min(NODES_MAX);
        let mut front = Writer::new(self.folder.file()?);
        let (log, stop, mut count) = (&mut self.log, &mut self.stop, 0);
        self.new.drain(&mut self.folder, |_, (origin, state)| {
            if first + count == states_max {
                *stop = Some(Stop::States(states_max));
                return Ok(());
            }
            count += 1;
            log.push(&[*origin])?;
            front.push(state)
        })?;
        self.levels.push(first + count);
        tracing::trace!(depth = self.levels.len() - 2, states = first + count, "level done");
        Ok(front.done()?)
    }

    #[inline]
    fn look(&self, node: usize, state: &M::State, found: &mut [Option<usize>]) {
        for ((looked, first), found) in self.wanted.iter().zip(found) {
            if first.is_none() && found.is_none() && looked.shows(&self.model, state) {
                *found = Some(node);
            }
        }
    }

    fn look_at_part(&self, part: &mut Part<N>) {
        for (node, held) in (part.first..).zip(&part.states) {
            self.look(node, &M::State::unpack(*held), &mut part.found);
        }
    }

    /// States that are not expanded because of a limit show something as well.
    fn look_at(&mut self, front: (File, usize)) -> Result<(), Failed> {
        // With a reason to stop, nothing is expanded.
        self.expand_level(front).map(|_| ())
    }
}
