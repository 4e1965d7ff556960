//! What every process explores by itself, before the work is divided.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use stateright::Expectation;

use crate::explore::engine::{Engine, Looked, Wanted};
use crate::explore::form::Form;
use crate::explore::shape::Shape;
use crate::explore::survey::Asked;
use crate::explore::table::Fingerprint;
use crate::explore::{Budget, ModelError};
use crate::model::CheckedModel;

/// The beginning, the same in all processes.
pub(super) struct Begun<M: CheckedModel, F: Form<M::State>> {
    pub(super) model: Arc<M>,
    pub(super) prefix: Prefix,
    /// What is looked for, and the first node of the beginning that it was found at.
    pub(super) wanted: Vec<(Looked<M>, Option<usize>)>,
    pub(super) known: Vec<Fingerprint>,
    /// The states of the level that is divided, each to be taken by the one who expands it.
    level: Mutex<Vec<Option<F::Held>>>,
}

/// What of the beginning has nothing to do with the model's types.
pub(super) struct Prefix {
    pub(super) shape: Shape,
    /// The first node of the level that is divided; `None` where the beginning is all.
    pub(super) divided: Option<usize>,
    digest: u64,
}

/// The names of what is looked for.
pub(super) type Names = Vec<(&'static str, Expectation)>;

impl<M: CheckedModel, F: Form<M::State>> Begun<M, F> {
    pub(super) fn new(
        model: Arc<M>,
        budget: &Budget,
        asked: impl FnOnce(&M) -> Vec<Asked<M>>,
        divided_from: usize,
    ) -> Result<(Self, Names), ModelError> {
        let mut engine: Engine<M, F> = Engine::new(model.clone(), budget, Wanted::Discoveries);
        engine.divided_from = Some(divided_from);
        let mut names = Vec::new();
        for Asked { name, expectation, condition } in asked(&*model) {
            engine.wanted.push((Looked { condition, answer: expectation == Expectation::Sometimes }, None));
            names.push((name, expectation));
        }
        let divided = engine.run(None, &|_| false)?;
        let mut digest = FixedState::with_seed(3).build_hasher();
        for held in &engine.states {
            digest.write_u64(F::fingerprint(held, budget.equality).low);
        }
        let level = engine.states.split_off(divided.unwrap_or(engine.states.len()));
        let begun = Begun {
            model,
            prefix: Prefix { shape: engine.shape, divided, digest: digest.finish() },
            wanted: engine.wanted,
            known: engine.table.entries().collect(),
            level: Mutex::new(level.into_iter().map(Some).collect()),
        };
        Ok((begun, names))
    }

    /// The states of these of the level that is divided, which nobody takes twice.
    pub(super) fn take(&self, nodes: impl Iterator<Item = usize>) -> Vec<F::Held> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.filter_map(|node| level[node].take()).collect()
    }
}

impl Prefix {
    /// How many nodes the level has that is divided.
    pub(super) fn width(&self) -> usize {
        self.divided.map_or(0, |first| self.shape.node_count() - first)
    }

    pub(super) fn told(&self) -> String {
        let Shape { edge_count, cut_count, .. } = self.shape;
        format!(
            "{} states, {edge_count} transitions, {cut_count} cut, fingerprints of digest {:016x}",
            self.shape.node_count(),
            self.digest
        )
    }
}
