//! The parts of an actor system's state, and what a step makes of them.

use std::fmt::{self, Debug};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use foldhash::fast::FixedState;
use smallvec::SmallVec;
use stateright::actor::{Actor, RandomChoices, Timers};

/// The numbers of a state's parts, in place where they are few.
pub(super) type Parts = SmallVec<[u32; 24]>;

/// Of so many states one is judged as a whole, to see that what is said to look at the history alone does.
const LOOKED_AT_ONE_IN: u64 = 256;

/// A state of an actor system, by the numbers of its parts. [`Actors::state`](super::Actors::state) tells what it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Packed(pub(super) Parts);

impl Debug for Packed {
    /// Without the numbers: they differ from run to run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a packed state of {} parts", self.0.len())
    }
}

impl Packed {
    /// Whether this is one of the states that are looked at once more. It depends on the numbers, and no result does.
    pub(super) fn is_drawn(&self) -> bool {
        FixedState::with_seed(2).hash_one(self).is_multiple_of(LOOKED_AT_ONE_IN)
    }
}

/// All that belongs to one actor.
#[derive(PartialEq, Hash)]
pub(super) struct Local<S, T: Hash + Eq, R: Eq, D> {
    pub(super) actor: u32,
    pub(super) state: Arc<S>,
    pub(super) timers: Timers<T>,
    pub(super) random: RandomChoices<R>,
    pub(super) crashed: bool,
    pub(super) storage: Option<D>,
}

/// Set in an actor's part of a state where something can happen to it without a message: what it has drawn, or a timer.
pub(super) const STIRS: u32 = 1;

/// The same of an actor's type.
pub(super) type LocalOf<A> =
    Local<<A as Actor>::State, <A as Actor>::Timer, <A as Actor>::Random, <A as Actor>::Storage>;

impl<S, T: Hash + Ord, R: Ord, D> Local<S, T, R, D> {
    /// The timers that are set, in their order.
    pub(super) fn timers(&self) -> Vec<&T> {
        let mut timers: Vec<_> = self.timers.iter().collect();
        timers.sort_unstable();
        timers
    }

    pub(super) fn stirs(&self) -> bool {
        self.timers.iter().next().is_some() || self.random.map.values().any(|choices| !choices.is_empty())
    }

    /// The choices that are open, in their order.
    pub(super) fn choices(&self) -> Vec<(&String, &R)> {
        let choices = self.random.map.iter();
        let mut choices: Vec<_> = choices.flat_map(|(key, of)| of.iter().map(move |choice| (key, choice))).collect();
        choices.sort_unstable();
        choices
    }
}

/// A history, with what the properties that look at nothing else say of it.
pub(super) struct Kept<H> {
    pub(super) history: H,
    pub(super) judged: Box<[OnceLock<bool>]>,
}

impl<H: PartialEq> PartialEq for Kept<H> {
    fn eq(&self, other: &Self) -> bool {
        self.history == other.history
    }
}

impl<H: Hash> Hash for Kept<H> {
    fn hash<S: Hasher>(&self, state: &mut S) {
        self.history.hash(state);
    }
}

/// What a step of an actor comes to.
pub(super) struct Outcome {
    pub(super) local: u32,
    pub(super) history: u32,
    /// In the order in which they go out, as far as that matters to the network.
    pub(super) sent: SmallVec<[u32; 4]>,
}
