//! Models from outside whose figures are published: the engine has to reproduce them exactly.
//!
//! A count of one's own proves little, for a wrong engine and a test written by looking at it agree. These are counts
//! that other tools found of specifications by other people, and each model here is a transcription of its
//! specification, action by action; each file names its sources. For every model: the figures, a second search by
//! stateright over the same model, the safety property, and a variant that breaks it, so that the property is seen to
//! be able to fail.
//!
//! **Counting as TLC does.** TLC's "states generated" counts every initial state, and every successor once for each way
//! that the next-state relation leads to it: loops at a state count, and so does each witness of an `\E` and each
//! disjunct of an `\/` that the evaluation passes through, even where the successor is the same. A model here therefore
//! has one action for each witness, and the figure is `initial_count + edge_count`. TLC's depth counts states, the
//! initial one as 1; the engine's counts steps.

mod acp_nb;
mod examples;
mod nbacc;
mod paxos;
mod paxos_actors;
mod two_phase;
mod two_phase_packed;

use std::sync::Arc;

use counterpart::Check;
use counterpart::check::{Case, Options};
use counterpart::explore::{Budget, explore, referee};
use counterpart::model::CheckedModel;
use counterpart::report::{CaseReport, Outcome};
use counterpart::verdict::Verdict;
use libtest_mimic::Trial;
use stateright::Checker;

pub(crate) use self::two_phase::{AGREEMENT, two_phase_commit};

pub(crate) fn trials() -> Vec<Trial> {
    [
        acp_nb::trials(),
        examples::trials(),
        nbacc::trials(),
        paxos::trials(),
        paxos_actors::trials(),
        two_phase::trials(),
        two_phase_packed::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a model is known by, counted as TLC counts.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    /// Distinct states.
    states: usize,
    /// Initial states and successors, repetitions included.
    generated: usize,
    /// States on the longest of the shortest paths, the initial one included.
    depth: usize,
}

/// What the engine counts, after stateright's search has agreed on states and on successors.
#[track_caller]
fn figures<M: CheckedModel>(model: impl Fn() -> M) -> Figures {
    let budget = Budget::default();
    let graph = explore(Arc::new(model()), &budget).expect("a model");
    assert_eq!(graph.incomplete(), None);
    let figures = Figures {
        states: graph.states().len(),
        generated: graph.initial_count() + graph.edge_count(),
        depth: graph.depth() + 1,
    };
    let second = referee(graph.model(), &budget.interrupt).expect("no more properties than it has room for");
    assert_eq!(second.states, figures.states, "stateright's search, kept going to the end");
    // Bare, it goes to the end because at least one property of each model holds, and is not discovered.
    let bare = model().checker().threads(1).spawn_bfs().join();
    assert_eq!(
        (bare.unique_state_count(), bare.state_count()),
        (figures.states, figures.generated),
        "stateright alone"
    );
    figures
}

/// The sound model keeps every property, and the broken one violates `property`: both as the harness judges them.
#[track_caller]
fn can_fail<M: CheckedModel>(sound: M, broken: M, property: &'static str) {
    let sound = run(Check::of(sound));
    assert_eq!(sound.outcome(), Outcome::AsExpected, "{sound:?}");
    assert!(sound.properties.iter().all(|judged| judged.verdict == Verdict::Holds), "{sound:?}");
    let broken = run(Check::of(broken).violates(property));
    assert_eq!(broken.outcome(), Outcome::AsExpected, "{broken:?}");
    assert!(broken.properties.iter().any(|judged| judged.name == property && judged.verdict == Verdict::Violated));
}

fn run(check: Check<impl CheckedModel>) -> CaseReport {
    Case::new("golden/case", check).run(&Options::default()).0
}
