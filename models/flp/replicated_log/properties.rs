//! What sequence consensus promises of decided logs, and what comes about in some runs.

use std::collections::BTreeSet;

use stateright::Property;

use super::model::{Node, ReplicatedLog, State, Value, nodes};

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<ReplicatedLog>> {
    vec![
        Property::always("of any two decided logs one begins with the other", |_, state: &State| {
            state.decided.iter().all(|decided| state.log().starts_with(decided))
        }),
        Property::always("what is decided was appended", |_, state: &State| {
            let appended = |value: &Value| state.appended_at(*value).is_some();
            state.decided.iter().flatten().all(appended)
        }),
        Property::always("no value is decided twice", |_, state: &State| {
            state.decided.iter().all(|log| log.iter().collect::<BTreeSet<_>>().len() == log.len())
        }),
        Property::always("a node keeps what it has decided", |_, state: &State| {
            state.decided.iter().zip(state.known).all(|(decided, known)| decided.len() >= usize::from(known))
        }),
        Property::sometimes("all have decided the same, and something", |_, state: &State| {
            !state.log().is_empty() && state.decided.iter().all(|decided| decided == state.log())
        }),
        Property::sometimes("a value is overtaken by one appended later at its node", |_, state: &State| {
            let later = |value: &Value, before: &Value| {
                before < value && state.appended_at(*before) == state.appended_at(*value)
            };
            let log = state.log();
            log.iter().any(|value| state.undecided().any(|before| later(value, &before)))
        }),
        Property::sometimes("two decide what the third, cut off, does not know", |_, state: &State| {
            nodes().any(|node| {
                let longer = |other: Node| {
                    other == node || state.decided[usize::from(other)].len() > state.decided[usize::from(node)].len()
                };
                state.is_cut_off(node) && nodes().all(longer)
            })
        }),
        Property::sometimes("a restarted node reads its log again", |_, state: &State| {
            state.decided.iter().zip(state.read).any(|(decided, read)| usize::from(read) < decided.len())
        }),
    ]
}
