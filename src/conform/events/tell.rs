//! A log told up to the event that nothing explains.

use std::collections::BTreeMap;

use super::LOG;
use super::explain::{By, Dead};
use super::log::Log;
use crate::conform::Divergence;
use crate::conform::lts::{Lts, Node};
use crate::conform::narrate::taken;
use crate::trace::Step;

/// Steps that are told to have been possible; there may be as many as a model has actions.
const POSSIBLE_TOLD_MAX: usize = 6;

/// Tells where `log` died.
pub(super) fn tell(lts: &Lts, log: &Log, dead: &Dead) -> Divergence {
    let mut steps: Vec<Step> = dead.path.iter().map(|(node, by)| step(lts, log, *node, by)).collect();
    let recorded = &log.events()[dead.event];
    let possible = possible(lts, &dead.states);
    steps.push(Step {
        actor: recorded.event.actor.clone(),
        output: possible.clone(),
        implementation: line(log, dead.event),
        state: steps.last().map(|step| step.state.clone()).unwrap_or_default(),
        ..Step::default()
    });
    let explained = dead.path.iter().filter(|(_, by)| matches!(by, By::Recorded { .. } | By::Read { .. })).count();
    let actor = &recorded.event.actor;
    let by = if actor.is_empty() { String::new() } else { format!(" by {actor}") };
    let contradicted = match dead.contradicted.is_empty() {
        true => String::new(),
        false => format!("; it could be explained if it did not say {}", dead.contradicted.join(", or not ")),
    };
    let of_key = dead.key.as_ref().map(|key| format!(" of key {key}")).unwrap_or_default();
    let what = format!(
        "{}{by}: no behaviour of the model explains it after the {explained} events{of_key} that can come before; \
         possible there: {possible}{contradicted}",
        line(log, dead.event)
    );
    // Whatever begins later than the event ends says nothing of it; whatever is needed stands on an earlier line than
    // the last one kept, so that lines keep their numbers.
    let needed = log.events().iter().rposition(|other| recorded.end.is_none_or(|end| other.begin <= end));
    let kept = log.first_lines(needed.map_or(log.events().len(), |last| last + 1));
    Divergence { steps, what, extra: BTreeMap::from([(LOG.to_string(), kept)]) }
}

/// An event and its place.
fn line(log: &Log, event: usize) -> String {
    format!("line {}, {}", event + 1, log.events()[event].event)
}

fn step(lts: &Lts, log: &Log, node: Node, by: &By) -> Step {
    let state = || lts.words().state_json(node);
    match by {
        By::Start => Step { state: state(), ..Step::default() },
        By::Hidden { from, edge } => taken(lts, *from, edge, node),
        By::Recorded { from, edge, event } => {
            Step { implementation: line(log, *event), ..taken(lts, *from, edge, node) }
        }
        By::Read { event } => Step {
            actor: log.events()[*event].event.actor.clone(),
            implementation: line(log, *event),
            state: state(),
            ..Step::default()
        },
    }
}

/// The labelled steps of `states`, each once.
fn possible(lts: &Lts, states: &[Node]) -> String {
    let mut possible: Vec<String> = Vec::new();
    for node in states {
        for label in lts.edges(*node).iter().filter_map(|edge| edge.label) {
            let told = format!("{} -> {}", lts.words().input(label.input), lts.words().output(label.output));
            if !possible.contains(&told) {
                possible.push(told);
            }
        }
    }
    let more = possible.len().saturating_sub(POSSIBLE_TOLD_MAX);
    possible.truncate(POSSIBLE_TOLD_MAX);
    match (possible.is_empty(), more) {
        (true, _) => "nothing".into(),
        (false, 0) => possible.join(", "),
        (false, more) => format!("{} and {more} more", possible.join(", ")),
    }
}
