//! Going on with what was [left behind](crate::explore::checkpoint): each state is made again by the step that it was
//! found by.

use super::Engine;
use crate::explore::ModelError;
use crate::explore::checkpoint::{Kept, Progress, Recorder, contradicted};
use crate::explore::form::Form;
use crate::explore::shape::Origin;
use crate::explore::step::again;
use crate::model::CheckedModel;

impl<M: CheckedModel, F: Form<M::State>> Engine<M, F> {
    /// Begins to leave behind what is explored, where the budget says so. What was left behind before, if anything was,
    /// is the answer.
    pub(in crate::explore) fn recorded(&mut self) -> Result<Option<Kept>, ModelError> {
        let Some(keeper) = &self.budget.checkpoint else { return Ok(None) };
        let form = std::any::type_name::<F>();
        let (equality, edges, wanted) = (self.budget.equality, self.shape.has_edges(), self.wanted.len());
        let (recorder, kept) = Recorder::begin(keeper, form, equality, edges, wanted)?;
        self.recorder = Some(recorder);
        if let Some(kept) = &kept {
            kept.within(self.states_max, self.budget.depth_max)?;
            tracing::info!(states = kept.shape.node_count(), "goes on with a checkpoint");
        }
        Ok(kept)
    }

    /// Takes up what was left behind.
    pub(in crate::explore) fn resume(&mut self, kept: Kept) -> Result<(), ModelError> {
        let Kept { shape, progress } = kept;
        self.exact = progress.exact;
        self.resumed = Some(progress.next);
        let initial = initial::<M, F>(&self.model, &shape.origins[..shape.initial_count()])?;
        for held in initial {
            self.put_back(held, true)?;
        }
        let mut actions = Vec::new();
        let mut origins = shape.origins[shape.initial_count()..].iter().peekable();
        while let Some(Origin { node, .. }) = origins.peek().copied().copied() {
            let parent = &self.states[node as usize];
            let state = F::state(parent);
            actions.clear();
            self.model.actions(&state, &mut actions);
            let mut children = Vec::new();
            while let Some(origin) = origins.next_if(|origin| origin.node == node) {
                children.push(made_again::<M, F>(&self.model, &state, &actions, *origin)?);
            }
            drop(state);
            for held in children {
                self.put_back(held, false)?;
            }
        }
        self.shape = shape;
        Ok(())
    }

    /// Puts a state that was made again behind the others.
    fn put_back(&mut self, held: F::Held, is_initial: bool) -> Result<(), ModelError> {
        let fingerprint = F::fingerprint(&held, self.budget.equality);
        let known = self.table.shard(fingerprint);
        let same = |node: u32| !is_initial && F::same(&self.states[node as usize], &held);
        if known.find(fingerprint, same).is_some() {
            return Err(contradicted(format!("node {} is one that was reached before", self.states.len())));
        }
        let shard = &mut self.table.shards[fingerprint.shard()];
        shard.reserve(1);
        shard.claim(fingerprint, 0, |_| false);
        shard.settle(&[self.states.len() as u32]);
        self.states.push(held);
        Ok(())
    }

    /// Leaves behind what was explored so far, if it is time or the exploration ends here.
    pub(super) fn record(&mut self, next: usize) -> Result<(), ModelError> {
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        if self.shape.stop.is_none() && !recorder.is_due() {
            return Ok(());
        }
        self.shape.hashes_alike |= self.table.shards.iter().any(|shard| shard.alike);
        let found = vec![None; self.wanted.len()];
        recorder.record(&self.shape, &Progress { next, exact: self.exact, is_swept: false, found })
    }
}

/// The initial states that were kept.
pub(in crate::explore) fn initial<M: CheckedModel, F: Form<M::State>>(
    model: &M,
    origins: &[Origin],
) -> Result<Vec<F::Held>, ModelError> {
    let mut states: Vec<_> = model.init_states().into_iter().map(Some).collect();
    let held = origins.iter().map(|origin| {
        let state = states.get_mut(origin.action as usize).and_then(Option::take);
        let lacks = || contradicted(format!("it has no initial state {}", origin.action));
        state.map(F::hold).ok_or_else(lacks)
    });
    held.collect()
}

/// A state, by the step that it was found by.
pub(in crate::explore) fn made_again<M: CheckedModel, F: Form<M::State>>(
    model: &M,
    state: &M::State,
    actions: &[M::Action],
    origin: Origin,
) -> Result<F::Held, ModelError> {
    let Origin { node, action } = origin;
    let refused = || contradicted(format!("action {action} of node {node} leads nowhere"));
    again::<M, F>(model, state, actions, action).ok_or_else(refused)
}
