//! `always` and `sometimes`: one state shows them.

use super::{Evidence, Finding, Verdict};
use crate::explore::{Asked, Explored, Surveyed};
use crate::model::Kind;

/// Judges the model's own `always` and `sometimes` properties, in their order.
pub(crate) fn judge_states(graph: Explored<'_>) -> Vec<Finding> {
    let properties = graph.face.properties().iter().enumerate();
    properties.filter(|(_, asked)| asked.kind.is_safety()).map(|(property, _)| judge_state(graph, property)).collect()
}

/// Judges one of them.
pub(super) fn judge_state(graph: Explored<'_>, property: usize) -> Finding {
    let asked = &graph.face.properties()[property];
    // An `always` is shown to be violated by a state it does not hold in, a `sometimes` to hold by one it holds in.
    let wanted = asked.kind != Kind::Always;
    let shown = (0..graph.node_count()).find(|node| graph.is_met(property, *node) == wanted);
    judge_shown(asked, shown, graph.incomplete())
}

/// Judges all properties by what was found while no transition was kept.
pub(crate) fn judge_surveyed(properties: &[Asked], surveyed: &Surveyed, by: &str) -> Vec<Finding> {
    let judged = properties.iter().map(|asked| {
        let found = surveyed.found.iter().find(|(name, _)| asked.own == Some(name));
        match found {
            Some((_, shown)) => judge_shown(asked, shown.as_ref().map(|(node, _)| *node), surveyed.incomplete.clone()),
            None => Finding::open(asked).incomplete(format!(
                "no transition is kept of what is surveyed ({by}), and {} speaks of them: leave `Check::surveyed` out",
                asked.kind
            )),
        }
    });
    judged.collect()
}

/// `shown`: a node that shows something of an `always` or a `sometimes`. `incomplete`: why there may be another.
fn judge_shown(asked: &Asked, shown: Option<usize>, incomplete: Option<String>) -> Finding {
    let open = Finding::open(asked);
    let (by, otherwise) = match asked.kind {
        Kind::Always => (Verdict::Violated, Verdict::Holds),
        _ => (Verdict::Holds, Verdict::Violated),
    };
    match shown {
        Some(node) => open.shown(by, Evidence::State(node)),
        None => open.unless(incomplete, otherwise),
    }
}
