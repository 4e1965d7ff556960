//! What was found with what is known in files, and how each node was reached.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::DiskError;
use crate::explore::shape::incomplete;
use crate::explore::{Discovery, Path, Stop};
use crate::model::CheckedModel;

/// What was found while what is known lay in files. As a [`Survey`](crate::explore::Survey).
pub struct DiskSurvey<M: CheckedModel> {
    pub(super) model: Arc<M>,
    pub(super) folder: PathBuf,
    /// By node, the step it was found by.
    pub(super) log: Mutex<File>,
    /// First node of each level, and their number in the end.
    pub(super) levels: Vec<usize>,
    pub(super) edge_count: usize,
    pub(super) cut_count: usize,
    pub(super) stop: Option<Stop>,
    pub(super) discoveries: Vec<Discovery>,
    /// Removed with this.
    pub(super) _files: TempDir,
}

impl<M: CheckedModel> fmt::Debug for DiskSurvey<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskSurvey")
            .field("states", &self.node_count())
            .field("edges", &self.edge_count)
            .field("discoveries", &self.discoveries)
            .finish_non_exhaustive()
    }
}

impl<M: CheckedModel> DiskSurvey<M> {
    /// How many states were reached.
    pub fn node_count(&self) -> usize {
        self.levels.last().copied().unwrap_or_default()
    }

    /// Transitions into kept states, loops at a state included, refusals not. Where a limit ended the exploration, those
    /// of whole levels.
    pub fn edge_count(&self) -> usize {
        self.edge_count
    }

    /// Transitions that lead outside the model's boundary.
    pub fn cut_count(&self) -> usize {
        self.cut_count
    }

    /// Steps from an initial state to the farthest state.
    pub fn depth(&self) -> usize {
        self.levels.len().saturating_sub(2)
    }

    /// Steps from an initial state to `node`.
    pub fn depth_of(&self, node: usize) -> usize {
        self.levels.partition_point(|first| *first <= node) - 1
    }

    /// Why the exploration ended early, if it did.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Why the survey is incomplete; `None` where it is complete.
    pub fn incomplete(&self) -> Option<String> {
        incomplete(self.stop.as_ref(), self.cut_count)
    }

    /// The model's `always` and `sometimes` properties, in their order.
    pub fn discoveries(&self) -> &[Discovery] {
        &self.discoveries
    }

    /// A shortest path to `node`, the same that [`Survey::path_to`](crate::explore::Survey::path_to) returns.
    ///
    /// # Errors
    /// The file of steps cannot be read.
    ///
    /// # Panics
    /// If there is no such node, or the model does not answer as it did.
    pub fn path_to(&self, node: usize) -> Result<Path<M>, DiskError> {
        assert!(node < self.node_count(), "there is no node {node} of {}", self.node_count());
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut step = |node: usize| {
            let mut word = [0; 8];
            log.seek(SeekFrom::Start(8 * node as u64))
                .and_then(|_| log.read_exact(&mut word))
                .map_err(|error| DiskError::Io { folder: self.folder.display().to_string(), error })?;
            let word = u64::from_le_bytes(word);
            Ok::<_, DiskError>(((word >> 32) as usize, word as u32 as usize))
        };
        let (mut at, mut way) = (node, Vec::new());
        while at >= self.levels[1] {
            let (from, action) = step(at)?;
            way.push(action);
            at = from;
        }
        let initial = self.model.init_states().swap_remove(step(at)?.1);
        let mut steps: Vec<(M::Action, M::State)> = Vec::with_capacity(way.len());
        for action in way.into_iter().rev() {
            let from = steps.last().map_or(&initial, |(_, state)| state);
            let mut actions = Vec::new();
            self.model.actions(from, &mut actions);
            let action = actions.swap_remove(action);
            let to = self.model.next_state(from, action.clone()).expect("the step was taken before");
            steps.push((action, to));
        }
        Ok(Path { initial, steps })
    }
}
