//! States that no schedule leads out of.

use super::components::Components;
use crate::explore::{Budget, Explored, Face, ModelError, Shape, State, Target};

/// A state from which nothing leads to the goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trap {
    /// The first of all such nodes, and so one of the nearest.
    pub node: usize,
    /// How many states can be reached from it, itself included. None of them is the goal.
    pub states: usize,
}

/// The nearest node from which nothing leads to one that is `met`, nor to anything that is not known.
pub(super) fn trap(shape: &Shape, met: &[bool]) -> Option<Trap> {
    let count = shape.node_count();
    // A component comes after those it leads to, so that what those reach is known.
    let mut escapes = vec![false; count];
    let mut components = Components::among((0..count).map(|_| true));
    components.search(shape, 0..count as u32, |nodes, _| {
        let escaping = nodes.iter().any(|node| {
            let node = *node as usize;
            !shape.is_expanded(node)
                || met[node]
                || shape.targets(node).any(|target| match target {
                    Target::Node(to) => escapes[to],
                    Target::Cut => true,
                    Target::Refused => false,
                })
        });
        for node in nodes {
            escapes[*node as usize] = escaping;
        }
    });
    let node = escapes.iter().position(|escapes| !escapes)?;
    Some(Trap { node, states: reachable(shape, node) })
}

/// How many nodes can be reached from `node`, itself included.
fn reachable(shape: &Shape, node: usize) -> usize {
    let mut seen = vec![false; shape.node_count()];
    seen[node] = true;
    let mut open = vec![node];
    let mut count = 0;
    while let Some(node) = open.pop() {
        count += 1;
        for target in shape.targets(node) {
            if let Target::Node(to) = target
                && !std::mem::replace(&mut seen[to], true)
            {
                open.push(to);
            }
        }
    }
    count
}

/// Whether no run from `state` leads to what the property promises: explored anew from there. `None` if that cannot be
/// known within `budget`.
///
/// # Errors
/// As [`explore`](crate::explore::explore).
pub(crate) fn check_trap(
    face: &dyn Face,
    property: usize,
    state: &State,
    budget: &Budget,
) -> Result<Option<bool>, ModelError> {
    let nodes = face.explore(Some(vec![state.clone()]), budget)?;
    let graph = Explored::new(face, &*nodes);
    let escapes = (0..graph.node_count()).any(|node| graph.is_met(property, node));
    Ok(if escapes { Some(false) } else { graph.incomplete().is_none().then_some(true) })
}
