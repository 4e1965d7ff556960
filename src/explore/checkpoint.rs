//! What an exploration leaves behind, so that another process can go on with it: how each node was reached, where its
//! transitions lead where that is wanted, and how far it came.
//!
//! No state is written. A state need not be one that can be written, and the numbers that [actor systems](super::Actors)
//! give to their parts mean nothing to another process. Who goes on makes each state again, by the one step that it was
//! found by, and puts it into a table of his own: that is one step a state, where exploring takes every one.
//!
//! What is explored only grows, and so each part holds what came since the one before it. Where parts are kept is the
//! [`Keeper`]'s affair: nothing here knows of files.

use std::fmt::Write;
use std::sync::Arc;

use thiserror::Error;

use super::shape::{Origin, PackedTarget, Shape};
use super::{Equality, ModelError};

/// Keeps what an exploration leaves behind, one part after the other.
pub trait Keeper: Send + Sync {
    /// The parts kept so far, from the first on; empty where there is none yet. `what` is what else they depend on: parts
    /// that were kept under other words are refused.
    ///
    /// # Errors
    /// They cannot be read, are damaged, or are of something else.
    fn begin(&self, what: &str) -> Result<Vec<Vec<u8>>, CheckpointError>;

    /// Whether it is time for another part.
    fn is_due(&self) -> bool;

    /// Keeps a part behind the others.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&self, part: &[u8]) -> Result<(), CheckpointError>;
}

/// Why a checkpoint is not gone on with, or not kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file or a folder cannot be read or written.
    #[error("{path}: {why}; see that the folder can be written to and has room")]
    Io {
        /// Its path.
        path: String,
        /// What the operating system says.
        why: String,
    },
    /// A file is not as it was written.
    #[error("{path}: the checkpoint is damaged: {what}; take a copy of it, or remove its folder and begin again")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file is of another run than this.
    #[error(
        "{path}: the checkpoint is of another run: there {theirs:?}, here {ours:?}; name another folder, or run what it \
         is of"
    )]
    Foreign {
        /// The file.
        path: String,
        /// What the file says.
        theirs: String,
        /// What this run says in its place.
        ours: String,
    },
    /// There is a checkpoint where a new one is to be begun.
    #[error("{path}: there is a checkpoint already; go on with it (--resume), name another folder, or remove it")]
    Occupied {
        /// The folder.
        path: String,
    },
    /// Another process keeps its checkpoint there.
    #[error("{path}: another run keeps its checkpoint there; wait for its end, or name another folder")]
    InUse {
        /// The folder.
        path: String,
    },
    /// The model does not lead where it led.
    #[error(
        "the checkpoint contradicts the model: {what}; a model may depend on its fields and the state alone, and those \
         have to be as they were: remove the checkpoint and begin again"
    )]
    Contradicted {
        /// What is not as it was.
        what: String,
    },
    /// More was explored than this run may explore.
    #[error("the checkpoint is {what}; go on with a limit that is as large or larger")]
    BeyondLimit {
        /// How large it is, and how large it may be.
        what: String,
    },
}

/// How far an exploration came, beside its shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The first node that was not expanded.
    pub(super) next: usize,
    /// Whether states themselves were compared to the end.
    pub(super) exact: bool,
    /// Whether states were not kept any more.
    pub(super) is_swept: bool,
    /// By what is wanted, the first node that shows it.
    pub(super) found: Vec<Option<usize>>,
}

/// All that was left behind.
pub(super) struct Kept {
    pub(super) shape: Shape,
    pub(super) progress: Progress,
}

/// Leaves behind what was explored since the last time.
pub(super) struct Recorder {
    keeper: Arc<dyn Keeper>,
    /// Lengths of the lists that were left behind already.
    origins: usize,
    offsets: usize,
    targets: usize,
}

const EXACT: u64 = 1;
const SWEPT: u64 = 2;
const ALIKE: u64 = 4;

impl Recorder {
    /// With what was kept before, if anything was.
    pub(super) fn begin(
        keeper: &Arc<dyn Keeper>,
        form: &str,
        equality: Equality,
        has_edges: bool,
        wanted: usize,
    ) -> Result<(Self, Option<Kept>), ModelError> {
        let mut what = String::new();
        let edges = if has_edges { "with transitions" } else { "without transitions" };
        let _ = writeln!(what, "held: {form}\nequality: {equality:?}\nkept: {edges}\nlooked for: {wanted}");
        let parts = keeper.begin(&what)?;
        let mut recorder = Recorder { keeper: keeper.clone(), origins: 0, offsets: 0, targets: 0 };
        if parts.is_empty() {
            return Ok((recorder, None));
        }
        let mut kept = Kept { shape: Shape::new(has_edges), progress: Progress::default() };
        kept.shape.offsets.clear();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let read = kept.read(part).filter(|()| !is_last || kept.is_sound(has_edges, wanted));
            let nonsense = || contradicted(format!("part {} is not what an exploration leaves behind", index + 1));
            read.ok_or_else(nonsense)?;
        }
        recorder.remember(&kept.shape);
        Ok((recorder, Some(kept)))
    }

    /// Whether it is time to leave something behind.
    pub(super) fn is_due(&self) -> bool {
        self.keeper.is_due()
    }

    pub(super) fn record(&mut self, shape: &Shape, progress: &Progress) -> Result<(), ModelError> {
        let mut part = Vec::new();
        let mut number = |number: usize| part.extend_from_slice(&(number as u64).to_le_bytes());
        number(progress.next);
        number(shape.edge_count);
        number(shape.cut_count);
        let flags = [(progress.exact, EXACT), (progress.is_swept, SWEPT), (shape.hashes_alike, ALIKE)];
        number(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum::<u64>() as usize);
        number(shape.levels.len());
        shape.levels.iter().for_each(|level| number(*level));
        number(progress.found.len());
        progress.found.iter().for_each(|found| number(found.map_or(0, |node| node + 1)));
        let origins = &shape.origins[self.origins..];
        number(origins.len());
        let (offsets, targets) = (&shape.offsets[self.offsets..], &shape.targets[self.targets..]);
        number(offsets.len());
        number(targets.len());
        offsets.iter().for_each(|offset| number(*offset));
        part.reserve(8 * origins.len() + 4 * targets.len());
        for Origin { node, action } in origins {
            part.extend_from_slice(&node.to_le_bytes());
            part.extend_from_slice(&action.to_le_bytes());
        }
        targets.iter().for_each(|target| part.extend_from_slice(&target.0.to_le_bytes()));
        self.keeper.keep(&part)?;
        self.remember(shape);
        tracing::debug!(states = shape.node_count(), next = progress.next, "checkpoint kept");
        Ok(())
    }

    fn remember(&mut self, shape: &Shape) {
        (self.origins, self.offsets, self.targets) = (shape.origins.len(), shape.offsets.len(), shape.targets.len());
    }
}

pub(super) fn contradicted(what: String) -> ModelError {
    CheckpointError::Contradicted { what }.into()
}

impl Kept {
    /// Adds what `part` holds.
    fn read(&mut self, part: &[u8]) -> Option<()> {
        let Kept { shape, progress } = self;
        let mut numbers = Numbers(part);
        progress.next = numbers.one()?;
        shape.edge_count = numbers.one()?;
        shape.cut_count = numbers.one()?;
        let flags = numbers.one()? as u64;
        progress.exact = flags & EXACT != 0;
        progress.is_swept = flags & SWEPT != 0;
        shape.hashes_alike = flags & ALIKE != 0;
        let levels = numbers.one()?;
        shape.levels = numbers.many(levels)?;
        let found = numbers.one()?;
        progress.found = numbers.many(found)?.into_iter().map(|node| node.checked_sub(1)).collect();
        let (origins, offsets, targets) = (numbers.one()?, numbers.one()?, numbers.one()?);
        shape.offsets.extend(numbers.many(offsets)?);
        let origin = |[node, action]: [u32; 2]| Origin { node, action };
        shape.origins.extend(numbers.halves::<2>(origins)?.into_iter().map(origin));
        shape.targets.extend(numbers.halves::<1>(targets)?.into_iter().map(|[target]| PackedTarget(target)));
        numbers.0.is_empty().then_some(())
    }

    /// Whether it can be walked about in: what is read from outside may say anything.
    fn is_sound(&self, has_edges: bool, wanted: usize) -> bool {
        let Kept { shape, progress } = self;
        let count = shape.node_count();
        let [.., first, end] = shape.levels[..] else { return false };
        let levels = shape.levels[0] == 0 && shape.levels.is_sorted() && end <= count;
        let next = (first..end).contains(&progress.next);
        let initial = shape.levels[1];
        let later = shape.origins.iter().enumerate().skip(initial);
        let origins = later.into_iter().all(|(node, origin)| (origin.node as usize) < node);
        let found = progress.found.iter().flatten().all(|node| *node < count) && progress.found.len() == wanted;
        let edges = if has_edges {
            shape.offsets.len() == progress.next + 1
                && shape.offsets[0] == 0
                && shape.offsets.is_sorted()
                && shape.offsets.last() == Some(&shape.targets.len())
                && shape
                    .targets
                    .iter()
                    .all(|to| (to.0 as usize) < count || *to == PackedTarget::CUT || *to == PackedTarget::REFUSED)
        } else {
            shape.offsets.is_empty() && shape.targets.is_empty()
        };
        levels && next && origins && found && edges && count <= Shape::NODES_MAX
    }

    /// That this run may explore as much.
    pub(super) fn within(&self, states_max: usize, depth_max: usize) -> Result<(), ModelError> {
        let beyond = |what: String| Err(CheckpointError::BeyondLimit { what }.into());
        if self.shape.node_count() > states_max {
            return beyond(format!("of {} states, and this run may keep {states_max}", self.shape.node_count()));
        }
        if self.shape.depth() > depth_max {
            return beyond(format!("{} steps deep, and this run may go {depth_max}", self.shape.depth()));
        }
        Ok(())
    }
}

/// What is left to be read.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn one(&mut self) -> Option<usize> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u64::from_le_bytes(*bytes)).ok()
    }

    fn many(&mut self, count: usize) -> Option<Vec<usize>> {
        (count <= self.0.len() / 8).then(|| (0..count).map_while(|_| self.one()).collect())
    }

    fn halves<const N: usize>(&mut self, count: usize) -> Option<Vec<[u32; N]>> {
        let (bytes, rest) = self.0.split_at_checked(count.checked_mul(4 * N)?)?;
        self.0 = rest;
        let half = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
        let each = bytes.chunks_exact(4 * N).map(|bytes| std::array::from_fn(|at| half(&bytes[4 * at..4 * at + 4])));
        Some(each.collect())
    }
}
