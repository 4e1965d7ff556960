//! The run of the story as a picture: the ratio that stays above 98%, and the load below it.

use std::sync::Arc;

use counterpart::explore::{Budget, explore};
use counterpart::verdict::{Evidence, judge};

use super::conformance::DatabaseSpec;
use super::model::{Database, State};
use super::properties::ANSWERED;
use super::story;
use crate::cache::figure::{Line, Panel, SeriesLabelPosition, draw};

/// Number of ticks that are drawn.
const TICKS: usize = 56;

/// The run that the checker finds to break [`ANSWERED`], its loop gone round until `ticks` are over.
///
/// # Panics
/// If the story's model cannot be explored, or keeps its promise.
pub fn run(model: Database, ticks: usize) -> Vec<State> {
    let budget = Budget::default();
    let graph = explore(Arc::new(model), &budget).expect("the story's model can be explored");
    let findings = judge(&graph, DatabaseSpec, &budget.interrupt);
    let evidence = findings.into_iter().find(|finding| finding.name == ANSWERED).and_then(|found| found.evidence);
    let Some(Evidence::Lasso(lasso)) = evidence else { panic!("the story has a run that breaks its promise") };
    let mut stem: Vec<State> = lasso.nodes().map(|node| graph.states()[node].clone()).collect();
    let round = stem.split_off(lasso.loop_start + 1);
    stem.into_iter().chain(round.into_iter().cycle()).take(ticks + 1).collect()
}

/// Text of `collapse.svg`.
pub(in crate::cache) fn svg() -> String {
    let model = story();
    let states = run(model.clone(), TICKS);
    let of = |what: &dyn Fn(&State) -> f64| -> Vec<(f64, f64)> {
        states.iter().enumerate().map(|(tick, state)| (tick as f64, what(state))).collect()
    };
    let line = |name: &str, points| Line { name: name.into(), points };
    let ratio = |state: &State| {
        let (hits, requests) = model.ratio(state.last);
        100.0 * f64::from(hits) / f64::from(requests)
    };
    let answered = |state: &State| f64::from(u8::from(state.last.good));
    let abandoned = |state: &State| state.queue.iter().filter(|query| query.clients.is_empty()).count() as f64;
    draw(
        "ticks",
        TICKS as f64,
        &[
            Panel {
                title: "hit ratio, in percent: never below 98",
                from: 97.0,
                to: 100.5,
                names: SeriesLabelPosition::UpperRight,
                lines: vec![line("hit ratio", of(&ratio)), line("98%", of(&|_| 98.0))],
            },
            Panel {
                title: "the database behind it",
                from: 0.0,
                to: f64::from(model.queue_max) + 1.0,
                names: SeriesLabelPosition::LowerRight,
                lines: vec![
                    line("queries that it holds", of(&|state| state.queue.len() as f64)),
                    line("of them abandoned", of(&abandoned)),
                ],
            },
            Panel {
                title: "expensive requests answered in time in the tick (1) or none (0)",
                from: 0.0,
                to: 1.2,
                names: SeriesLabelPosition::UpperRight,
                lines: vec![line("answered", of(&answered))],
            },
        ],
    )
}
