//! How a state is held between being found and being expanded.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use stateright::{Expectation, Model, Representative};

use super::table::Fingerprint;
use super::{Equality, ModelError};
use crate::model::CheckedModel;

/// A form of states `S`.
pub(super) trait Form<S: Clone>: 'static {
    /// What is held of a state: all of it, in few bytes if may be.
    type Held: Send + Sync + 'static;
    /// Whether it is better to make a state again when its turn has come than to hold it until then: it is large, or
    /// owns memory.
    const MADE_AGAIN: bool = true;

    fn hold(state: S) -> Self::Held;
    fn state(held: &Self::Held) -> Cow<'_, S>;
    fn same(left: &Self::Held, right: &Self::Held) -> bool;
    /// Hashes that differ in `seed` are independent.
    fn hash(held: &Self::Held, seed: u64) -> u64;

    #[inline]
    fn fingerprint(held: &Self::Held, equality: Equality) -> Fingerprint {
        let wide = equality == Equality::Fingerprint128;
        Fingerprint::new(Self::hash(held, 0), if wide { Self::hash(held, 1) } else { 0 })
    }

    /// Asked of the states that are expanded twice: whether the model allows that they are held so.
    #[inline]
    fn recheck<M: CheckedModel + Model<State = S>>(_: &M, _: &S) -> Result<(), ModelError> {
        Ok(())
    }
}

/// As it is.
pub(super) struct AsItIs<const MADE_AGAIN: bool>;

pub(super) type Whole = AsItIs<true>;
/// A state that is small and owns no memory, or seldom.
pub(super) type Small = AsItIs<false>;

impl<S, const MADE_AGAIN: bool> Form<S> for AsItIs<MADE_AGAIN>
where
    S: Clone + Hash + PartialEq + Send + Sync + 'static,
{
    type Held = S;
    const MADE_AGAIN: bool = MADE_AGAIN;

    #[inline]
    fn hold(state: S) -> S {
        state
    }

    #[inline]
    fn state(held: &S) -> Cow<'_, S> {
        Cow::Borrowed(held)
    }

    #[inline]
    fn same(left: &S, right: &S) -> bool {
        left == right
    }

    #[inline]
    fn hash(held: &S, seed: u64) -> u64 {
        FixedState::with_seed(seed).hash_one(held)
    }
}

/// As it is, and the same as all that have the same representative.
pub(super) struct UpToSymmetry;

impl<S: Representative + Clone + Debug + Hash + PartialEq + Send + Sync + 'static> Form<S> for UpToSymmetry {
    type Held = S;

    #[inline]
    fn hold(state: S) -> S {
        state
    }

    #[inline]
    fn state(held: &S) -> Cow<'_, S> {
        Cow::Borrowed(held)
    }

    #[inline]
    fn same(left: &S, right: &S) -> bool {
        left.representative() == right.representative()
    }

    #[inline]
    fn hash(held: &S, seed: u64) -> u64 {
        Whole::hash(&held.representative(), seed)
    }

    /// A state and its representative have the same properties and, up to symmetry, the same successors.
    #[cold]
    fn recheck<M: CheckedModel + Model<State = S>>(model: &M, state: &S) -> Result<(), ModelError> {
        let representative = state.representative();
        let differs = |what: String| {
            Err(ModelError::NotSymmetric {
                what,
                state: format!("{state:?}"),
                representative: format!("{representative:?}"),
            })
        };
        if representative.representative() != representative {
            return differs("the representative".into());
        }
        if model.within_boundary(state) != model.within_boundary(&representative) {
            return differs("`within_boundary`".into());
        }
        for property in model.properties().iter().filter(|property| property.expectation != Expectation::Eventually) {
            if (property.condition)(model, state) != (property.condition)(model, &representative) {
                return differs(format!("the property {:?}", property.name));
            }
        }
        if successors(model, state) != successors(model, &representative) {
            return differs("where its actions lead, up to symmetry,".into());
        }
        Ok(())
    }
}

/// The hashes of the representatives of where the actions of `state` lead.
fn successors<M: CheckedModel + Model<State: Representative>>(model: &M, state: &M::State) -> BTreeSet<u64> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    let next = actions.into_iter().filter_map(|action| model.next_state(state, action));
    next.filter(|next| model.within_boundary(next)).map(|next| UpToSymmetry::hash(&next, 0)).collect()
}
