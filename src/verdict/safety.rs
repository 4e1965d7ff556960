//! `always` and `sometimes`: one state shows them.

use super::{Evidence, Finding, Verdict};
use crate::explore::Explored;
use crate::model::Kind;

/// Judges the model's own `always` and `sometimes` properties, in their order.
pub(crate) fn judge_states(graph: Explored<'_>) -> Vec<Finding> {
    let properties = graph.face.properties().iter().enumerate();
    properties.filter(|(_, asked)| asked.kind.is_safety()).map(|(property, _)| judge_state(graph, property)).collect()
}

/// Judges one of them.
pub(super) fn judge_state(graph: Explored<'_>, property: usize) -> Finding {
    let asked = &graph.face.properties()[property];
    // What shows the property, what that makes of it, and what is so if nothing shows it.
    let (wanted, shown, otherwise) = match asked.kind {
        Kind::Always => (false, Verdict::Violated, Verdict::Holds),
        _ => (true, Verdict::Holds, Verdict::Violated),
    };
    let open = Finding::open(asked);
    match (0..graph.node_count()).find(|node| graph.is_met(property, *node) == wanted) {
        Some(node) => open.shown(shown, Evidence::State(node)),
        None => open.unless(graph.incomplete(), otherwise),
    }
}
