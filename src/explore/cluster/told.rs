//! What a cluster found.

use std::fmt;
use std::sync::Arc;

use super::begun::Names;
use crate::explore::shape::{Shape, incomplete};
use crate::explore::{Discovery, Equality, Path, Stop};
use crate::model::CheckedModel;

/// What was found in a cluster, the same in each of its processes. As a [`Survey`](crate::explore::Survey).
pub struct ClusterSurvey<M: CheckedModel> {
    pub(super) model: Arc<M>,
    pub(super) prefix: Shape,
    /// The first node that was not expanded before the work was divided.
    pub(super) divided: Option<usize>,
    pub(super) names: Names,
    pub(super) equality: Equality,
    pub(super) sum: Sum,
    /// Of each property the way to what was found of it after the beginning.
    pub(super) ways: Vec<Vec<u32>>,
    pub(super) bytes_sent: u64,
}

/// What all workers know of what was explored.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    /// First node of each level.
    pub(super) levels: Vec<u64>,
    pub(super) node_count: u64,
    pub(super) edge_count: u64,
    pub(super) cut_count: u64,
    pub(super) stop: Option<Stop>,
    /// Of each property the first node that shows something.
    pub(super) found: Vec<Option<u64>>,
    /// By worker, the states that it expanded, and the fingerprints that it asked others about.
    pub(super) shares: Vec<(u64, u64)>,
}

impl<M: CheckedModel> fmt::Debug for ClusterSurvey<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterSurvey")
            .field("states", &self.node_count())
            .field("edges", &self.edge_count())
            .field("discoveries", &self.discoveries())
            .finish_non_exhaustive()
    }
}

impl<M: CheckedModel> ClusterSurvey<M> {
    /// The model explored.
    pub fn model(&self) -> &Arc<M> {
        &self.model
    }

    /// How many states were reached.
    pub fn node_count(&self) -> usize {
        self.sum.node_count as usize
    }

    /// Transitions into kept states, loops at a state included, refusals not.
    pub fn edge_count(&self) -> usize {
        self.sum.edge_count as usize
    }

    /// Transitions that lead outside the model's boundary.
    pub fn cut_count(&self) -> usize {
        self.sum.cut_count as usize
    }

    /// Steps from an initial state to the farthest state.
    pub fn depth(&self) -> usize {
        self.sum.levels.len() - 1
    }

    /// Steps from an initial state to `node`.
    pub fn depth_of(&self, node: usize) -> usize {
        self.sum.levels.partition_point(|first| *first <= node as u64) - 1
    }

    /// Why the exploration ended early, if it did.
    pub fn stop(&self) -> Option<&Stop> {
        self.sum.stop.as_ref()
    }

    /// Why the survey is incomplete; `None` where it is complete.
    pub fn incomplete(&self) -> Option<String> {
        incomplete(self.stop(), self.cut_count())
    }

    /// The model's `always` and `sometimes` properties, in their order.
    pub fn discoveries(&self) -> Vec<Discovery> {
        let found = self.names.iter().zip(&self.sum.found);
        let discovery = |((name, expectation), node): (&(&'static str, _), &Option<u64>)| Discovery {
            name,
            expectation: stateright::Expectation::clone(expectation),
            node: node.map(|node| node as usize),
        };
        found.map(discovery).collect()
    }

    /// Whether states that differ were met whose hashes are the same: see [`Shape::hashes_alike`].
    pub fn hashes_alike(&self) -> bool {
        self.prefix.hashes_alike()
    }

    /// An upper bound on the probability that two states were taken for one: see [`Equality::collision_odds`]. Where the
    /// work was divided, states are told apart by fingerprints from there on.
    pub fn collision_odds(&self) -> f64 {
        match self.equality {
            Equality::Automatic if !self.sum.shares.is_empty() => {
                Equality::Fingerprint64.collision_odds(self.node_count())
            }
            equality => equality.collision_odds(self.node_count()),
        }
    }

    /// A shortest path to what was found of the property of this index in [`discoveries`](Self::discoveries), the same that
    /// [`Survey::path_to`](crate::explore::Survey::path_to) returns; `None` where nothing was found.
    ///
    /// # Panics
    /// If there is no such property, or the model does not answer as it did.
    pub fn path_to(&self, property: usize) -> Option<Path<M>> {
        let node = self.sum.found[property]?;
        let in_prefix = [node as u32];
        let way = if (node as usize) < self.prefix.node_count() { &in_prefix[..] } else { &self.ways[property] };
        Some(rerun(&*self.model, &self.prefix, way))
    }

    /// By worker (the threads of the first process, then those of the next), the states that it expanded; empty where the
    /// work was not divided. What each process explored by itself to begin with is not among them.
    pub fn shares(&self) -> Vec<usize> {
        self.sum.shares.iter().map(|(states, _)| *states as usize).collect()
    }

    /// States that every process expanded by itself, before the work was divided.
    pub fn common_count(&self) -> usize {
        self.divided.unwrap_or(self.prefix.node_count())
    }

    /// Fingerprints that a worker asked another one about, in all processes together.
    pub fn asked(&self) -> u64 {
        self.sum.shares.iter().map(|(_, asked)| asked).sum()
    }

    /// Bytes that this process sent to others. This alone differs from process to process, and from run to run.
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }
}

/// A path: a node of the beginning, and actions from there on.
pub(super) fn rerun<M: CheckedModel>(model: &M, prefix: &Shape, way: &[u32]) -> Path<M> {
    let (node, rest) = way.split_first().expect("a way has a beginning");
    let before = prefix.way_to(*node as usize);
    let first = before.first().map_or(*node as usize, |(from, _)| *from);
    let initial = model.init_states().swap_remove(prefix.origins[first].action as usize);
    let mut steps: Vec<(M::Action, M::State)> = Vec::with_capacity(before.len() + rest.len());
    for index in before.into_iter().map(|(_, index)| index).chain(rest.iter().map(|index| *index as usize)) {
        let from = steps.last().map_or(&initial, |(_, state)| state);
        let mut actions = Vec::new();
        model.actions(from, &mut actions);
        let action = actions.swap_remove(index);
        let to = model.next_state(from, action.clone()).expect("the step was taken before");
        steps.push((action, to));
    }
    Path { initial, steps }
}
