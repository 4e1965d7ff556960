//! Properties judged on the explored graph. Three verdicts, never two.
//!
//! Safety stands here: `always` and `sometimes`. The liveness kinds are judged on the same graph by an engine of their
//! own; until a kind has one its verdict is [`Verdict::Incomplete`], so that it can never read as a pass.

use std::fmt;

use stateright::Expectation;

use crate::explore::Graph;
use crate::model::{CheckedModel, Kind};

/// What is known of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the model's bounds, which are its fields.
    Holds,
    /// Shown by a trace.
    Violated,
    /// Not known, and why.
    Incomplete(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds",
            Verdict::Violated => "violated",
            Verdict::Incomplete(_) => "incomplete",
        })
    }
}

/// A property and its verdict.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The property's name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What is known of it.
    pub verdict: Verdict,
    /// The first node, and so one of the nearest, that shows it: the counterexample of an `always`, the witness of a
    /// `sometimes`.
    pub evidence: Option<usize>,
}

/// Judges each of the model's own properties, in their order.
pub fn judge<M: CheckedModel>(graph: &Graph<M>) -> Vec<Finding> {
    let model = &**graph.model();
    let first = |wanted: bool, condition: fn(&M, &M::State) -> bool| {
        graph.states().iter().position(|state| condition(model, state) == wanted)
    };
    let unless_incomplete = |verdict| match graph.incomplete() {
        Some(why) => Verdict::Incomplete(why),
        None => verdict,
    };
    model
        .properties()
        .into_iter()
        .map(|property| {
            let (verdict, evidence) = match property.expectation {
                Expectation::Always => match first(false, property.condition) {
                    Some(node) => (Verdict::Violated, Some(node)),
                    None => (unless_incomplete(Verdict::Holds), None),
                },
                Expectation::Sometimes => match first(true, property.condition) {
                    Some(node) => (Verdict::Holds, Some(node)),
                    None => (unless_incomplete(Verdict::Violated), None),
                },
                Expectation::Eventually => (Verdict::Incomplete("liveness is not judged by this version".into()), None),
            };
            Finding { name: property.name, kind: Kind::from(&property.expectation), verdict, evidence }
        })
        .collect()
}
