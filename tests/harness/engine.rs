//! The graph engine, its referee, and safety verdicts, on models small enough to know the truth of.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use counterpart::Check;
use counterpart::check::{Case, Options};
use counterpart::explore::{Budget, ModelError, Stop, explore};
use counterpart::report::{CaseReport, Outcome};
use counterpart::verdict::Verdict;
use libtest_mimic::Trial;
use stateright::{Checker, Model, Property};

use crate::claim;
use crate::toy::{At, Edge, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("engine::counterexamples_are_shortest_with_several_properties", shortest),
        claim("engine::stateright_alone_is_not_shortest_on_the_same_model", stateright_is_not_shortest),
        claim("engine::counts_states_edges_and_depth_exactly", counts),
        claim("engine::the_graph_is_the_same_for_any_number_of_threads", threads),
        claim("engine::a_cut_is_never_terminal_and_never_a_pass", cuts),
        claim("engine::a_violation_found_without_the_cut_counts", violation_despite_cut),
        claim("engine::every_limit_makes_incomplete", limits),
        claim("engine::a_model_with_a_hidden_counter_is_refused", nondeterministic_step),
        claim("engine::a_model_whose_initial_states_differ_is_refused", nondeterministic_start),
        claim("engine::states_that_share_a_hash_are_kept_apart_and_the_referee_says_so", weak_hash),
        claim("engine::a_model_without_initial_state_is_refused", no_start),
        claim("engine::a_liveness_property_is_judged_and_the_referee_is_not_asked_of_it", eventually),
        claim("engine::an_expectation_that_names_nothing_is_an_error", nonsense),
        claim("engine::sometimes_without_witness_is_violated", no_witness),
    ]
}

/// Numbers from 0 up to `max`; a step adds one, or five. Each of the properties fails at a depth that can be told by
/// hand.
fn adder(max: At) -> Toy {
    // The long way first: an engine that follows the order of actions finds it first.
    let step = |from: At, by: At| Edge::new(from, Some(from + by).filter(|to| *to <= max), Word("add", Some(by)));
    Toy::new((0..=max).flat_map(|from| [step(from, 1), step(from, 5)])).own(|| {
        vec![
            Property::always("below 12", |_, state| *state < 12),
            Property::always("below 25", |_, state| *state < 25),
            Property::sometimes("seven", |_, state| *state == 7),
        ]
    })
}

/// More states than any limit that is tried.
const MANY: At = 20_000;

fn report(case: Case, options: &Options) -> CaseReport {
    case.run(options).0
}

fn run(check: Check<impl counterpart::model::CheckedModel>) -> CaseReport {
    report(Case::new("toy/case", check), &Options::default())
}

#[track_caller]
fn verdicts(report: &CaseReport, expected: &[(&str, &str, Option<usize>)]) {
    let got: Vec<(&str, &str, Option<usize>)> =
        report.properties.iter().map(|p| (p.name.as_str(), p.verdict.name(), p.steps)).collect();
    assert_eq!(got, expected, "{:?}", report.errors);
}

fn shortest() {
    // 12 = 5 + 5 + 1 + 1, 25 = 5 × 5, 7 = 5 + 1 + 1.
    verdicts(
        &run(Check::of(adder(40))),
        &[("below 12", "violated", Some(3)), ("below 25", "violated", Some(5)), ("seven", "holds", Some(3))],
    );
}

fn stateright_is_not_shortest() {
    // stateright 0.31.0 overwrites a discovery by a later one. When this fails, it is mended there.
    let checker = adder(40).checker().threads(1).spawn_bfs().join();
    let path = checker.discovery("below 12").expect("it finds the violation");
    assert!(path.into_actions().len() > 3, "stateright's counterexample is a shortest one now");
}

fn counts() {
    let graph = explore(Arc::new(adder(40)), &Budget::default()).expect("a model");
    // Each of 0..=40 is reached; +1 leads on from 40 of them, +5 from 36.
    assert_eq!((graph.states().len(), graph.edge_count(), graph.cut_count()), (41, 40 + 36, 0));
    // The farthest is 39 = 7 × 5 + 4.
    assert_eq!(graph.depth(), 11);
    assert_eq!(graph.depth_of(graph.states().len() - 1), 11);
    let report = run(Check::of(adder(40)).violates("below 12").violates("below 25"));
    let referee = report.referee.as_ref().expect("asked");
    assert!(referee.agrees && referee.states == 41 && report.as_expected, "{report:?}");
}

/// All words of `len` letters out of six, built letter by letter: levels wide enough for threads.
#[derive(Clone)]
struct Words {
    len: usize,
}

impl Model for Words {
    type State = Vec<u8>;
    type Action = u8;

    fn init_states(&self) -> Vec<Vec<u8>> {
        vec![Vec::new()]
    }

    fn actions(&self, state: &Vec<u8>, actions: &mut Vec<u8>) {
        if state.len() < self.len {
            actions.extend(0..6);
        }
    }

    fn next_state(&self, state: &Vec<u8>, letter: u8) -> Option<Vec<u8>> {
        // Sorted, so that many ways lead to one word and the order of discovery could show.
        let mut next = state.clone();
        next.push(letter);
        next.sort_unstable();
        Some(next)
    }
}

fn threads() {
    let explored: Vec<_> = [1, 2, 3, 7]
        .map(|threads| {
            let budget = Budget::default().threads(threads);
            explore(Arc::new(Words { len: 14 }), &budget).expect("a model")
        })
        .into_iter()
        .collect();
    // Multisets of up to 14 letters out of six: C(20, 6).
    assert_eq!(explored[0].states().len(), 38_760);
    for other in &explored[1..] {
        assert!(explored[0].states() == other.states(), "nodes differ between thread counts");
        let last = other.states().len() - 1;
        assert_eq!(explored[0].path_to(last).steps, other.path_to(last).steps);
        assert!((0..=last).all(|node| explored[0].targets(node).eq(other.targets(node))));
    }
}

fn cuts() {
    // Within 0..=4 nothing is wrong, and beyond nothing is known.
    let report = run(Check::of(adder(40).bound(4)));
    let incomplete = |property: &counterpart::report::PropertyReport| property.verdict == Verdict::Incomplete;
    assert!(report.properties.iter().all(incomplete), "{report:?}");
    assert!(!report.exhausted && report.outcome() == Outcome::Incomplete);
    assert_eq!((report.states, report.edges), (5, 4));
    let graph = explore(Arc::new(adder(40).bound(4)), &Budget::default()).expect("a model");
    // +5 from each of 0..=4, and +1 from 4.
    assert_eq!(graph.cut_count(), 6);
}

fn violation_despite_cut() {
    let report = run(Check::of(adder(40).bound(20)));
    verdicts(
        &report,
        &[("below 12", "violated", Some(3)), ("below 25", "incomplete", None), ("seven", "holds", Some(3))],
    );
}

fn limits() {
    let stop = |budget: Budget| {
        let graph = explore(Arc::new(adder(MANY)), &budget).expect("a model");
        assert!(graph.incomplete().is_some());
        graph.stop().cloned()
    };
    assert_eq!(stop(Budget::default().states_max(10)), Some(Stop::States(10)));
    assert_eq!(stop(Budget::default().depth_max(3)), Some(Stop::Depth(3)));
    assert_eq!(stop(Budget::default().interrupt(|| Some(Stop::Interrupted))), Some(Stop::Interrupted));
    // A limit that is not reached is none.
    let graph = explore(Arc::new(adder(40)), &Budget::default().states_max(41).depth_max(12)).expect("a model");
    assert_eq!(graph.incomplete(), None);
    // Through a check: incomplete, unless that is allowed aloud.
    let limited = || Check::of(adder(MANY)).states_max(5);
    assert_eq!(run(limited()).outcome(), Outcome::Incomplete);
    assert_eq!(run(limited().allow_incomplete("the numbers have no end")).outcome(), Outcome::AsExpected);
}

/// Answers by how often it was asked.
struct Fickle {
    asked: AtomicUsize,
    in_init: bool,
}

impl Model for Fickle {
    type State = usize;
    type Action = ();

    fn init_states(&self) -> Vec<usize> {
        vec![if self.in_init { self.asked.fetch_add(1, Ordering::SeqCst) } else { 0 }]
    }

    fn actions(&self, _: &usize, actions: &mut Vec<()>) {
        actions.push(());
    }

    fn next_state(&self, _: &usize, (): ()) -> Option<usize> {
        Some(self.asked.fetch_add(1, Ordering::SeqCst) % 100)
    }
}

fn nondeterministic_step() {
    let error = explore(Arc::new(Fickle { asked: AtomicUsize::new(0), in_init: false }), &Budget::default())
        .expect_err("refused");
    assert!(matches!(&error, ModelError::Nondeterministic { what, .. } if what.contains("next_state")), "{error}");
    let report = run(Check::of(Fickle { asked: AtomicUsize::new(0), in_init: false }));
    assert!(!report.as_expected && report.errors[0].contains("not deterministic"), "{report:?}");
}

fn nondeterministic_start() {
    let error = explore(Arc::new(Fickle { asked: AtomicUsize::new(0), in_init: true }), &Budget::default())
        .expect_err("refused");
    assert!(error.to_string().contains("init_states"), "{error}");
}

/// A state that says too little of itself.
#[derive(Clone, Debug, PartialEq)]
struct Secretive(u32);

impl Hash for Secretive {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 / 2).hash(state);
    }
}

struct Pairs;

impl Model for Pairs {
    type State = Secretive;
    type Action = ();

    fn init_states(&self) -> Vec<Secretive> {
        vec![Secretive(0)]
    }

    fn actions(&self, _: &Secretive, actions: &mut Vec<()>) {
        actions.push(());
    }

    fn next_state(&self, state: &Secretive, (): ()) -> Option<Secretive> {
        (state.0 < 9).then(|| Secretive(state.0 + 1))
    }
}

fn weak_hash() {
    let report = run(Check::of(Pairs));
    assert_eq!(report.states, 10);
    assert_eq!(report.outcome(), Outcome::Broken);
    assert!(report.errors[0].contains("let the model's Hash feed all that PartialEq compares"), "{:?}", report.errors);
}

fn no_start() {
    // The one initial state is outside.
    let nowhere = || Toy::of(&[1], &[]).bound(0);
    assert_eq!(explore(Arc::new(nowhere()), &Budget::default()).err(), Some(ModelError::NoInitialState));
    assert_eq!(run(Check::of(nowhere())).outcome(), Outcome::Incomplete);
}

fn eventually() {
    let three = || vec![Property::eventually("three", |_: &Toy, state: &At| *state == 3)];
    let waits = Toy::of(&[0], &[(0, 1), (1, 2), (2, 3)]).own(three);
    let report = run(Check::of(waits));
    assert_eq!((report.properties[0].verdict, report.outcome()), (Verdict::Holds, Outcome::AsExpected));
    assert!(report.referee.is_some_and(|referee| referee.agrees));
}

fn nonsense() {
    let report = run(Check::of(adder(40)).violates("below 12").violates("below 25").violates("below 26"));
    assert!(!report.as_expected && report.errors[0].contains("below 26"), "{:?}", report.errors);
}

fn no_witness() {
    let report = run(Check::of(adder(6)));
    verdicts(&report, &[("below 12", "holds", None), ("below 25", "holds", None), ("seven", "violated", None)]);
    assert_eq!(report.outcome(), Outcome::Unexpected);
}
