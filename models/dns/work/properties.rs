//! What is promised of what a question costs.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{Outcome, State, Work};

/// One budget for the whole question.
pub const BOUNDED: &str = "no question of a client costs more than its budget";
/// A visited set.
pub const NO_LOOP: &str = "no alias is followed twice";
/// Chains of aliases have a bound.
pub const FEW_ALIASES: &str = "no more aliases are followed than may be";
/// RFC 9520 §3.1 asks for few.
pub const FEW_TRIES: &str = "no server is asked the same more often than it may be";
/// Liveness, where one server is good.
pub const RESOLVES: &str = "with one good server the name resolves";

/// What is assumed: an answer comes, or the lack of one is noticed.
pub(super) const ANSWERED: &str = "each question upstream comes to something";

pub(super) fn all(model: &Work) -> Vec<Property<Work>> {
    let mut all = vec![
        Property::always(BOUNDED, |model: &Work, state: &State| state.asked <= model.questions_max),
        Property::always(NO_LOOP, |_, state: &State| !state.repeated),
        Property::always(FEW_ALIASES, |model: &Work, state: &State| state.aliases <= model.aliases_max),
        Property::always(FEW_TRIES, |model: &Work, state: &State| {
            state.quests.iter().flatten().all(|quest| quest.tries.iter().all(|tries| *tries <= model.tries_max))
        }),
        Property::sometimes("a name resolves", |_, state: &State| state.over == Some(Outcome::Resolved)),
    ];
    if !model.one_is_good {
        all.push(Property::sometimes("the budget is spent", |_, state: &State| state.over == Some(Outcome::Budget)));
    }
    all
}

pub(super) fn temporal(good: bool) -> Vec<Temporal<Work>> {
    let resolved = |_: &Work, state: &State| state.over == Some(Outcome::Resolved);
    let resolves = || Temporal::eventually(RESOLVES, resolved).under(ANSWERED);
    good.then(resolves).into_iter().collect()
}
