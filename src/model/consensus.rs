//! What is said of a consensus protocol, so that it can be asked which decisions are still open.
//!
//! The words are those of M. Fischer, N. Lynch, M. Paterson, "Impossibility of Distributed Consensus with One Faulty
//! Process", J. ACM 32(2), 1985: a configuration is a state of the model, and an event `(p, m)` is process `p` taking
//! message `m`.

use std::fmt::{self, Debug};
use std::hash::Hash;

use stateright::Model;

use super::CheckedModel;

/// How a model is read as a consensus protocol. A process that stops is no action of the model but steps that are not
/// taken: what [`verdict::valency`](crate::verdict::valency) finds is about such processes, and a crash among the
/// actions would be counted as one more thing that a run may do.
pub trait Consensus {
    /// The model this speaks of.
    type Model: CheckedModel;

    /// What tells the events of one process apart: its message, and whatever the model has for `∅`, the step that takes
    /// none. Two copies of a message that both may be taken are one event, as they are in a multiset.
    type Message: Clone + Debug + Eq + Hash;

    /// The input of each process, by process, in a state that is initial.
    fn inputs(&self, model: &Self::Model, initial: &<Self::Model as Model>::State) -> Vec<u8>;

    /// The values that some process has decided in `state`; two of them are a disagreement.
    fn decided(&self, model: &Self::Model, state: &<Self::Model as Model>::State) -> Values;

    /// The event that `action` is in `state`. Asked of actions whose `next_state` is `Some`.
    fn event(
        &self,
        model: &Self::Model,
        state: &<Self::Model as Model>::State,
        action: &<Self::Model as Model>::Action,
    ) -> Event<Self::Message>;
}

/// `(p, m)`: what happens in a step, whatever configuration it happens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event<M> {
    /// Whose step it is, from 0; `None` of what no process does, such as the loss of a message.
    pub process: Option<usize>,
    /// What tells it from the process's other events.
    pub message: M,
}

impl<M> Event<M> {
    /// A step of `process`.
    pub fn of(process: usize, message: M) -> Self {
        Event { process: Some(process), message }
    }

    /// A step that no process makes.
    pub fn environment(message: M) -> Self {
        Event { process: None, message }
    }
}

impl<M: Debug> fmt::Display for Event<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(process) => write!(f, "(process {process}, {:?})", self.message),
            None => write!(f, "(environment, {:?})", self.message),
        }
    }
}

/// A set of decision values, each below 64.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Values(u64);

impl Values {
    /// No value.
    pub const NONE: Values = Values(0);

    /// `value` alone.
    ///
    /// # Panics
    /// If `value` is 64 or more.
    pub fn of(value: u8) -> Self {
        assert!(value < 64, "{value} is no decision value: they are below 64");
        Values(1 << value)
    }

    /// The values of either set.
    #[must_use]
    pub fn union(self, other: Values) -> Self {
        Values(self.0 | other.0)
    }

    /// Whether `value` is one of them.
    pub fn contains(self, value: u8) -> bool {
        value < 64 && self.0 >> value & 1 == 1
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The values, from the least to the greatest.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |value| self.contains(*value))
    }
}

impl FromIterator<u8> for Values {
    /// # Panics
    /// As [`Values::of`].
    fn from_iter<I: IntoIterator<Item = u8>>(values: I) -> Self {
        values.into_iter().fold(Values::NONE, |all, value| all.union(Values::of(value)))
    }
}

impl Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
