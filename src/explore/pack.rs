//! States held as a few words.
//!
//! What exploring a large model waits for is memory: states that own vectors and sets are cloned, hashed and given back
//! one by one. A state that is a few words is held as these, hashed as these and compared as these, while the model, its
//! properties and what is told of a path go by the state as it reads.
//!
//! This is a trait with a check, and neither a derive nor a crate of bit fields: what a state is made of is the author's,
//! who knows that a counter is at most seven; and whether it is true is asked of the model's own states.

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use stateright::Model;

use super::form::Form;
use super::survey::{asked, surveyed};
use super::{Budget, ModelError, Survey};
use crate::model::CheckedModel;

/// A state that is as good as `N` words of 64 bits.
///
/// ```
/// use counterpart::explore::Pack;
///
/// #[derive(Debug, PartialEq)]
/// struct Lock {
///     /// At most 15.
///     waiting: u8,
///     is_taken: bool,
/// }
///
/// impl Pack<1> for Lock {
///     fn pack(&self) -> [u64; 1] {
///         [u64::from(self.waiting) | u64::from(self.is_taken) << 4]
///     }
///
///     fn unpack([word]: [u64; 1]) -> Self {
///         Lock { waiting: (word & 15) as u8, is_taken: word >> 4 == 1 }
///     }
/// }
///
/// let lock = Lock { waiting: 3, is_taken: true };
/// assert_eq!(Lock::unpack(lock.pack()), lock);
/// ```
pub trait Pack<const N: usize> {
    /// The state as words. Of every state that the model reaches, [`unpack`](Pack::unpack) has to make it again.
    fn pack(&self) -> [u64; N];

    /// The state that was packed as these words.
    fn unpack(words: [u64; N]) -> Self;
}

/// Explores `model` as [`survey`](super::survey()) does, with its states held as words.
///
/// That a state is packed without loss is checked of the initial states, and of the successors of all states that are
/// expanded twice: see [`Budget::recheck`].
///
/// # Errors
/// As [`survey`](super::survey()); or a state is another once it was packed.
pub fn survey_packed<M, const N: usize>(model: Arc<M>, budget: &Budget) -> Result<Survey<M>, ModelError>
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    round_trips(&*model)?;
    let asked = asked(&*model);
    surveyed::<M, Words<N>>(model, asked, budget)
}

/// That the initial states are packed without loss.
pub(super) fn round_trips<M, const N: usize>(model: &M) -> Result<(), ModelError>
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    model.init_states().iter().filter(|state| model.within_boundary(state)).try_for_each(round_trip)
}

fn round_trip<S: Pack<N> + Debug + PartialEq, const N: usize>(state: &S) -> Result<(), ModelError> {
    let unpacked = S::unpack(state.pack());
    if unpacked == *state {
        return Ok(());
    }
    Err(ModelError::PackedWithLoss { state: format!("{state:?}"), unpacked: format!("{unpacked:?}") })
}

/// As `N` words.
pub(super) struct Words<const N: usize>;

impl<S, const N: usize> Form<S> for Words<N>
where
    S: Pack<N> + Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
{
    type Held = [u64; N];
    const MADE_AGAIN: bool = false;

    #[inline]
    fn hold(state: S) -> [u64; N] {
        state.pack()
    }

    #[inline]
    fn state(held: &[u64; N]) -> Cow<'_, S> {
        Cow::Owned(S::unpack(*held))
    }

    #[inline]
    fn same(left: &[u64; N], right: &[u64; N]) -> bool {
        left == right
    }

    #[inline]
    fn hash(held: &[u64; N], seed: u64) -> u64 {
        let mut hasher = FixedState::with_seed(seed).build_hasher();
        held.iter().for_each(|word| hasher.write_u64(*word));
        hasher.finish()
    }

    #[cold]
    fn recheck<M: CheckedModel + Model<State = S>>(model: &M, state: &S) -> Result<(), ModelError> {
        let mut actions = Vec::new();
        model.actions(state, &mut actions);
        let next = actions.into_iter().filter_map(|action| model.next_state(state, action));
        next.filter(|next| model.within_boundary(next)).try_for_each(|next| round_trip(&next))
    }
}
