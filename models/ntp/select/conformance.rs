//! What the outside sees of a selection, and how the model reads.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Report, Select, Span, State};
use super::properties::{ANSWERS, APART, MIRROR, ORDER, SURVIVOR, TRUTH_INSIDE};

/// How the model reads.
#[derive(Debug)]
pub struct SelectSpec;

impl Spec for SelectSpec {
    type Model = Select;

    fn parameters(&self, model: &Select) -> BTreeMap<String, String> {
        [
            ("servers that tell the truth", model.truechimers.to_string()),
            ("servers that do not", model.falsetickers.to_string()),
            ("wrong by at most", model.radius_max.to_string()),
            ("offset at most", model.centre_max.to_string()),
            ("algorithm", format!("{:?}", model.algorithm)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, _: &Report) -> String {
        "server".into()
    }

    fn state_json(&self, model: &Select, state: &State) -> Value {
        let shown = |(low, high): Span| format!("[{low}, {high}]");
        let spans = state.spans();
        let believed = model.algorithm.select(&spans).map_or("nothing".into(), shown);
        json!({ "intervals": spans.into_iter().map(shown).collect::<Vec<_>>().join(" "), "believed": believed })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (TRUTH_INSIDE, "the truth is at 0, inside two of the intervals, and what is believed lies beside it"),
            (ANSWERS, "more than half have a point in common, and nothing is believed"),
            (SURVIVOR, "all that is left lies"),
            (APART, "the liar touches nobody, and is believed"),
            (ORDER, "the same intervals in another order give something else"),
            (MIRROR, "the same intervals on the other side of 0 give something else"),
        ]
    }
}

/// What the outside sees of a selection: who survives each report, and what is believed.
#[derive(Debug)]
pub struct SelectInterface;

/// Set of servers by number, 0-based, as bits: those whose interval touches what is believed.
pub type Survivors = u8;

impl Interface for SelectInterface {
    type Model = Select;
    type Input = Report;
    type Output = Survivors;
    type Snapshot = Option<Span>;

    fn label(&self, model: &Select, _: &State, report: &Report, to: Option<&State>) -> Option<(Report, Survivors)> {
        let spans = to?.spans();
        let found = model.algorithm.select(&spans);
        let survives = |span: &Span| found.is_some_and(|(low, high)| span.0 <= high && low <= span.1);
        let bits = spans.iter().enumerate().map(|(server, span)| Survivors::from(survives(span)) << server);
        Some((*report, bits.sum()))
    }

    fn snapshot(&self, model: &Select, state: &State) -> Option<Option<Span>> {
        Some(model.algorithm.select(&state.spans()))
    }
}
