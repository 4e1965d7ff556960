//! A graph as a state diagram.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::explore::{Graph, Target};
use crate::model::CheckedModel;

/// The graph folded into a few named phases, as a Mermaid state diagram. An arrow leads from one phase to another where
/// some state of the one leads to a state of the other; it bears the names of the actions that do.
pub fn state_diagram<M: CheckedModel>(
    graph: &Graph<M>,
    phase: impl Fn(&M::State) -> String,
    action_name: impl Fn(&M::Action) -> String,
) -> String {
    let mut arrows: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (node, state) in graph.states().iter().enumerate() {
        for (action, target) in graph.transitions(node) {
            if let Target::Node(to) = target {
                let (from, to) = (phase(state), phase(&graph.states()[to]));
                if from != to {
                    arrows.entry((from, to)).or_default().insert(action_name(&action));
                }
            }
        }
    }
    let mut text = String::from("stateDiagram-v2\n");
    for state in &graph.states()[..graph.initial_count()] {
        let _ = writeln!(text, "    [*] --> {}", phase(state));
    }
    for ((from, to), names) in arrows {
        let _ = writeln!(text, "    {from} --> {to}: {}", names.into_iter().collect::<Vec<_>>().join(", "));
    }
    text
}
