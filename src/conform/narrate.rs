//! A run of an implementation told as the steps of a trace.

use super::Divergence;
use super::drive::{Deviating, Deviation, Observed};
use super::lts::{Edge, Lts, Node};
use crate::trace::Step;

/// Tells `run` with one of the model's paths that explain it up to the deviation.
pub(crate) fn narrate(lts: &Lts, run: &Deviating) -> Divergence {
    let explained = run.inputs.len().saturating_sub(1);
    let mut steps = told(lts, &run.inputs[..explained], &run.observed[..explained]);
    if let Some(input) = run.inputs.last() {
        steps.push(deviating_step(lts, *input, &steps, run));
    } else if let Some(first) = steps.first_mut() {
        first.implementation = run.deviation.observed();
    }
    Divergence { steps, what: run.deviation.to_string(), extra: Default::default() }
}

/// Tells a run that the model explains.
pub(crate) fn told(lts: &Lts, inputs: &[u32], observed: &[Observed]) -> Vec<Step> {
    let path = explanation(lts, inputs, observed);
    let mut answers = observed.iter();
    path.into_iter()
        .map(|(node, by)| {
            let Some((from, edge)) = by else { return Step { state: lts.words().state_json(node), ..Step::default() } };
            let mut step = taken(lts, from, &edge, node);
            if edge.label.is_some() {
                step.implementation =
                    answers.next().map(|answer| lts.words().output(answer.output)).unwrap_or_default();
            }
            step
        })
        .collect()
}

/// The model's step from `from` to `to`.
pub(crate) fn taken(lts: &Lts, from: Node, edge: &Edge, to: Node) -> Step {
    let words = lts.words();
    let (action, actor) = words.action(from, edge);
    let mut step = Step { action, actor, state: words.state_json(to), ..Step::default() };
    if let Some(label) = edge.label {
        (step.input, step.output) = (words.input(label.input), words.output(label.output));
    }
    step
}

/// One path of the model that gives `observed` for `inputs`, internal steps included: each node with the step into it.
fn explanation(lts: &Lts, inputs: &[u32], observed: &[Observed]) -> Vec<(Node, Option<(Node, Edge)>)> {
    let mut tree = Tree { lts, reached: Vec::new() };
    let roots = lts.initial().into_iter().map(|node| tree.reach(node, None)).collect();
    let mut front = tree.closed(roots);
    for (input, observed) in inputs.iter().zip(observed) {
        front = tree.answered(&front, *input, *observed);
    }
    let mut path = Vec::new();
    let mut at = front.first().copied();
    while let Some(index) = at {
        let reached = &tree.reached[index];
        path.push((reached.node, reached.by.map(|(before, edge)| (tree.reached[before].node, edge))));
        at = reached.by.map(|(before, _)| before);
    }
    path.reverse();
    path
}

/// The ways in which a run can be explained, as a tree of steps.
struct Tree<'a> {
    lts: &'a Lts,
    reached: Vec<Reached>,
}

/// A state that may explain the run so far, and the place in the tree and the step by which it was reached.
struct Reached {
    node: Node,
    by: Option<(usize, Edge)>,
}

impl Tree<'_> {
    fn reach(&mut self, node: Node, by: Option<(usize, Edge)>) -> usize {
        self.reached.push(Reached { node, by });
        self.reached.len() - 1
    }

    fn holds(&self, front: &[usize], node: Node) -> bool {
        front.iter().any(|index| self.reached[*index].node == node)
    }

    /// `front` and what internal steps lead to.
    fn closed(&mut self, mut front: Vec<usize>) -> Vec<usize> {
        let mut next = 0;
        while next < front.len() {
            let from = front[next];
            for edge in self.lts.edges(self.reached[from].node).iter() {
                if edge.label.is_none() && !self.holds(&front, edge.to) {
                    front.push(self.reach(edge.to, Some((from, *edge))));
                }
            }
            next += 1;
        }
        front
    }

    /// What explains `front` after `input` was answered as `observed`.
    fn answered(&mut self, front: &[usize], input: u32, observed: Observed) -> Vec<usize> {
        let mut next = Vec::new();
        for from in front {
            for edge in self.lts.edges(self.reached[*from].node).iter() {
                let taken = edge.label.is_some_and(|label| (label.input, label.output) == (input, observed.output));
                if taken && !self.holds(&next, edge.to) {
                    next.push(self.reach(edge.to, Some((*from, *edge))));
                }
            }
        }
        let mut next = self.closed(next);
        if let Some(snapshot) = observed.snapshot {
            next.retain(|index| self.lts.shows(self.reached[*index].node).is_none_or(|shown| shown == snapshot));
        }
        next
    }
}

/// The last step of a deviating run: what the model would have done, and what the implementation did.
fn deviating_step(lts: &Lts, input: u32, before: &[Step], run: &Deviating) -> Step {
    let words = lts.words();
    let mut step = Step {
        input: words.input(input),
        implementation: run.deviation.observed(),
        state: before.last().map(|step| step.state.clone()).unwrap_or_default(),
        ..Step::default()
    };
    let explained = run.inputs.len() - 1;
    let path = explanation(lts, &run.inputs[..explained], &run.observed[..explained]);
    let Some((node, _)) = path.last() else { return step };
    let would = lts.answers(&[*node], input);
    if let Some((from, edge, _)) = would.first() {
        (step.action, step.actor) = words.action(*from, edge);
        if would.len() == 1 {
            step.state = words.state_json(edge.to);
        }
    }
    step.output = match &run.deviation {
        Deviation::Snapshot { allowed, .. } => format!("shows {}", allowed.join(" or ")),
        _ => {
            let mut outputs: Vec<String> = would.iter().map(|(_, _, label)| words.output(label.output)).collect();
            outputs.dedup();
            outputs.join(" or ")
        }
    };
    step
}
