//! `always` and `sometimes`: one state shows them.

use stateright::Expectation;

use super::{Evidence, Finding, Verdict};
use crate::explore::Graph;
use crate::model::{CheckedModel, Kind};

/// Judges the model's own `always` and `sometimes` properties, in their order.
pub fn judge_safety<M: CheckedModel>(graph: &Graph<M>) -> Vec<Finding<M>> {
    let model = &**graph.model();
    let first = |wanted: bool, condition: fn(&M, &M::State) -> bool| {
        graph.states().iter().position(|state| condition(model, state) == wanted)
    };
    let unless_incomplete = |verdict| match graph.incomplete() {
        Some(why) => Verdict::Incomplete(why),
        None => verdict,
    };
    let mut findings = Vec::new();
    for property in model.properties() {
        let (verdict, shown_by) = match property.expectation {
            Expectation::Eventually => continue,
            Expectation::Always => match first(false, property.condition) {
                Some(node) => (Verdict::Violated, Some(node)),
                None => (unless_incomplete(Verdict::Holds), None),
            },
            Expectation::Sometimes => match first(true, property.condition) {
                Some(node) => (Verdict::Holds, Some(node)),
                None => (unless_incomplete(Verdict::Violated), None),
            },
        };
        findings.push(Finding {
            name: property.name.into(),
            kind: Kind::from(&property.expectation),
            verdict,
            evidence: shown_by.map(Evidence::State),
            triggered: None,
            fairness: None,
            value: None,
        });
    }
    findings
}
