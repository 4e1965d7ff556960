//! Going on with what was [left behind](crate::explore::checkpoint), level after level: each state is made again by the
//! step that it was found by, and dropped as soon as those that were found from it are there.

use std::collections::VecDeque;

use super::part::{States, insert};
use super::{Room, Sweep};
use crate::explore::checkpoint::{Kept, Progress, contradicted};
use crate::explore::engine::{Engine, initial, made_again};
use crate::explore::form::Form;
use crate::explore::shape::Shape;
use crate::explore::table::Table;
use crate::explore::{Equality, ModelError};
use crate::model::CheckedModel;

impl<M: CheckedModel, F: Form<M::State>> Sweep<M, F> {
    /// Takes up what was left behind. `engine` has explored nothing.
    pub(in crate::explore) fn resumed(engine: Engine<M, F>, kept: Kept) -> Result<Self, ModelError> {
        let Kept { shape, progress } = kept;
        let mut wanted = engine.wanted;
        for ((_, first), found) in wanted.iter_mut().zip(progress.found) {
            *first = found;
        }
        let mut sweep = Sweep {
            model: engine.model,
            shape,
            wanted,
            front: VecDeque::new(),
            known: Table::new(engine.budget.equality == Equality::Fingerprint128),
            rooms: (0..engine.budget.threads.max(1)).map(|_| Room::new()).collect(),
            parts: Vec::new(),
            states_max: engine.budget.states_max.min(Shape::NODES_MAX),
            budget: engine.budget,
            recorder: engine.recorder,
        };
        sweep.make_again(progress.next)?;
        Ok(sweep)
    }

    /// Fills the table, and makes those wait that are not below `next`.
    fn make_again(&mut self, next: usize) -> Result<(), ModelError> {
        let mut made = 0;
        let mut level = Vec::new();
        for held in initial::<M, F>(&self.model, &self.shape.origins[..self.shape.initial_count()])? {
            self.know(&held);
            if made < next {
                level.push((made as u32, held));
            } else {
                self.wait(made, 1, 0, States::Themselves(vec![held]));
            }
            made += 1;
        }
        while !level.is_empty() {
            let first = made;
            let mut following = Vec::new();
            for (node, held) in level {
                self.make_children(node, held, (next, first), &mut made, &mut following)?;
            }
            level = following;
        }
        if made < self.shape.node_count() {
            return Err(contradicted(format!("node {made} was found by none of the level before it")));
        }
        Ok(())
    }

    /// What was found from `node`. `next`: the first that waits; `first` of the level.
    fn make_children(
        &mut self,
        node: u32,
        held: F::Held,
        (next, first): (usize, usize),
        made: &mut usize,
        following: &mut Vec<(u32, F::Held)>,
    ) -> Result<(), ModelError> {
        let others = self.shape.origins.get(*made..).unwrap_or_default();
        let count = others.iter().take_while(|origin| origin.node == node).count();
        if count == 0 {
            return Ok(());
        }
        let state = F::state(&held);
        let mut actions = Vec::new();
        self.model.actions(&state, &mut actions);
        let mut waiting = 0;
        for _ in 0..count {
            let child = made_again::<M, F>(&self.model, &state, &actions, self.shape.origins[*made])?;
            if !self.know(&child) {
                return Err(contradicted(format!("node {made} is one that was reached before")));
            }
            if *made < next {
                following.push((*made as u32, child));
            } else if F::MADE_AGAIN {
                waiting += 1;
            } else {
                self.wait(*made, 1, first, States::Themselves(vec![child]));
            }
            *made += 1;
        }
        drop(state);
        if waiting > 0 {
            self.wait(*made - waiting, waiting, first, States::Others(vec![(node, held)]));
        }
        Ok(())
    }

    /// Whether it was not known.
    fn know(&mut self, held: &F::Held) -> bool {
        let fingerprint = F::fingerprint(held, self.budget.equality);
        insert(&mut self.known.shards[fingerprint.shard()], fingerprint)
    }

    /// Leaves behind what was explored so far, if it is time or the exploration ends here.
    pub(super) fn record(&mut self, next: usize) -> Result<(), ModelError> {
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        if self.shape.stop.is_none() && !recorder.is_due() {
            return Ok(());
        }
        let found = self.wanted.iter().map(|(_, first)| *first).collect();
        recorder.record(&self.shape, &Progress { next, exact: false, is_swept: true, found })
    }
}
