//! Where work takes effect: the idempotency key of each effect is kept together with it, and of each ordering key the
//! greatest token.

use std::collections::{BTreeMap, BTreeSet};

use super::types::Token;

/// Keys of effects, and fences. In a database the effect and both of these belong into one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EffectStore {
    done: BTreeSet<u128>,
    fences: Option<BTreeMap<u64, Token>>,
}

/// What has become of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Applied,
    /// It had been done before: acknowledge the message.
    Duplicate,
    /// Somebody with a later token of the ordering key was there first: let go of the message.
    Fenced,
}

impl EffectStore {
    /// A store that compares tokens: what keeps the order of effects within an ordering key.
    pub fn fenced() -> Self {
        EffectStore { done: BTreeSet::new(), fences: Some(BTreeMap::new()) }
    }

    /// A store that keeps idempotency keys alone: each effect is done once, in whatever order.
    pub fn unfenced() -> Self {
        EffectStore::default()
    }

    /// Does `effect` unless it was done, or a later token of `ordering_key` was seen. One that unwinds is not done: what
    /// there is of it has to be taken back by the transaction that it belongs to.
    pub fn apply(&mut self, idempotency_key: u128, ordering_key: u64, token: Token, effect: impl FnOnce()) -> Outcome {
        if let Some(fences) = &mut self.fences {
            let fence = fences.entry(ordering_key).or_insert(token);
            if token < *fence {
                return Outcome::Fenced;
            }
            *fence = token;
        }
        if self.done.contains(&idempotency_key) {
            return Outcome::Duplicate;
        }
        effect();
        self.done.insert(idempotency_key);
        Outcome::Applied
    }

    /// Whether an effect was done, as far as is remembered.
    pub fn is_done(&self, idempotency_key: u128) -> bool {
        self.done.contains(&idempotency_key)
    }

    /// Forgets that an effect was done. Call it once the message is acknowledged and no consumer has it in hand: never for
    /// a dead letter, which may be put back.
    pub fn forget(&mut self, idempotency_key: u128) {
        self.done.remove(&idempotency_key);
    }
}
