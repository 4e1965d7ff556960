//! What a tour finds and what it counts: wrong states behind right answers, and choices that were never made.

mod machines;

use std::sync::Arc;

use counterpart::check::{Case, Options};
use counterpart::conform::{self, Agreement, Coverage, Tour, TourPlan, Verified};
use counterpart::report::{CaseReport, ConformanceReport};
use counterpart::{Check, Counterpart};
use libtest_mimic::Trial;

use crate::claim;
use crate::toy::{At, DONE, Edge, FACE, Face, Say, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("tours::suffixes_find_every_wrong_target_and_the_tour_alone_does_not", wrong_targets),
        claim("tours::one_extra_state_is_found_if_one_is_allowed_for", extra_states),
        claim("tours::what_nothing_tells_apart_is_counted_and_harmless", indistinguishable),
        claim("tours::what_is_not_verified_for_want_of_inputs_is_said", capped),
        claim("tours::a_plan_covers_everything_without_an_implementation", planned),
        claim("tours::a_plan_starts_afresh_no_more_often_than_it_must", few_starts),
        claim("tours::what_is_told_apart_later_counts_as_driven_and_the_rest_by_name", told_apart_later),
        claim("tours::what_is_never_told_apart_does_not_count_as_driven", never_told_apart),
        claim("tours::an_implementation_that_makes_every_choice_drives_everything", every_choice),
    ];
    trials.extend(machines::trials());
    trials
}

const RINGS_EVERY: At = 5;

const HANDS: [&str; 3] = ["Turn", "Zero", "Ring"];
const RING: usize = 2;

/// A dial with so many positions, that rings at every fifth.
fn dial(positions: At) -> Toy {
    Toy::new((0..positions).flat_map(|at| {
        let [turn, zero, ring] = HANDS;
        [
            Edge::new(at, (at + 1) % positions, turn).says(false),
            Edge::new(at, 0, zero).says(false),
            Edge::new(at, None, ring).says(rings(at)),
        ]
    }))
}

fn rings(at: At) -> bool {
    at % RINGS_EVERY == RINGS_EVERY - 1
}

/// An implementation as a table, so that it can be wrong in every way.
#[derive(Clone)]
struct Table {
    /// Where each hand leads from each position.
    to: Vec<[At; 3]>,
    rings: Vec<bool>,
    at: At,
}

impl Table {
    fn of(positions: At) -> Self {
        let row = |at: At| [(at + 1) % positions, 0, at];
        Table { to: (0..positions).map(row).collect(), rings: (0..positions).map(rings).collect(), at: 0 }
    }
}

impl Counterpart<Face> for Table {
    fn apply(&mut self, input: &Word) -> Say {
        let at = usize::from(self.at);
        let hand = HANDS.iter().position(|hand| *hand == input.0).expect("a hand");
        self.at = self.to[at][hand];
        (hand == RING && self.rings[at]).into()
    }
}

const FIVE: At = 5;

fn toured(positions: At, options: Tour, table: Table) -> ConformanceReport {
    let job = options.of(move || table.clone());
    only(case_report(Check::of(dial(positions)).interface(FACE).subject("subject", job)))
}

fn case_report(check: Check<Toy, Face>) -> CaseReport {
    Case::new("toy/tour", check).run(&Options::default()).0
}

fn only(mut report: CaseReport) -> ConformanceReport {
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    report.conformance.remove(0)
}

/// How many of `tables` a tour does not find out.
fn missed(options: Tour, tables: &[Table]) -> usize {
    tables.iter().filter(|table| toured(FIVE, options, (*table).clone()).verdict != Agreement::Diverges).count()
}

/// Every implementation in which one step leads to one wrong position, and answers right.
fn wrong_targets() {
    let right = Table::of(FIVE);
    let mut tables = Vec::new();
    for at in 0..5 {
        for hand in 0..3 {
            for wrong in (0..5).filter(|wrong| *wrong != right.to[at][hand]) {
                let mut table = right.clone();
                table.to[at][hand] = wrong;
                tables.push(table);
            }
        }
    }
    assert!(missed(Tour::new().suffixes(false), &tables) > 0);
    assert_eq!(missed(Tour::new(), &tables), 0);
    let report = toured(FIVE, Tour::new(), right);
    let verified = verified(&report);
    assert_eq!(
        (report.verdict, verified.edges, verified.edges_verified),
        (Agreement::Conforms, 15, 15),
        "{verified:?}"
    );
    assert_eq!((verified.edges_by_offers, verified.indistinguishable_classes), (0, 0), "{verified:?}");
}

/// Every implementation in which one step leads to a copy of its target that differs in one thing.
fn extra_states() {
    let right = Table::of(FIVE);
    let mut tables = Vec::new();
    for at in 0..5 {
        for hand in 0..3 {
            let mut copied = right.clone();
            let target = usize::from(right.to[at][hand]);
            let mut row = right.to[target];
            row[RING] = 5;
            copied.to.push(row);
            copied.rings.push(right.rings[target]);
            copied.to[at][hand] = 5;
            for differs in 0..3 {
                for wrong in (0..5).filter(|wrong| *wrong != right.to[target][differs]) {
                    let mut table = copied.clone();
                    table.to[5][differs] = wrong;
                    tables.push(table);
                }
            }
            let mut table = copied.clone();
            table.rings[5] ^= true;
            tables.push(table);
        }
    }
    assert!(missed(Tour::new(), &tables) > 0);
    assert_eq!(missed(Tour::new().extra_states(1), &tables), 0);
    assert_eq!(toured(FIVE, Tour::new().extra_states(2), right).verdict, Agreement::Conforms);
}

fn indistinguishable() {
    // A dial of ten positions behaves as one of five does.
    let report = toured(10, Tour::new(), Table::of(FIVE));
    let verified = verified(&report);
    assert_eq!(
        (report.verdict, verified.edges, verified.edges_verified),
        (Agreement::Conforms, 30, 30),
        "{verified:?}"
    );
    assert_eq!((verified.indistinguishable_classes, verified.indistinguishable_states), (5, 10), "{verified:?}");
}

fn capped() {
    let capped = Tour::new().suffix_steps_max(20).of(|| Table::of(FIVE));
    let check = Check::of(dial(FIVE)).interface(FACE).subject("implementation", capped);
    let report = case_report(check);
    let printed = counterpart::view::case(&report);
    let verified = verified(&report.conformance[0]);
    assert!(verified.steps <= 20 && verified.edges_verified < 15, "{verified:?}");
    assert_eq!(verified.edges_verified + verified.edges_beyond_cap, 15, "{verified:?}");
    assert!(printed.contains(&format!("{} beyond the limit on suffixes", verified.edges_beyond_cap)), "{printed}");
}

fn planned() {
    let plan = TourPlan::of(Arc::new(dial(100)), Arc::new(FACE), 100).expect("a hundred states");
    let planned = plan.plan();
    assert_eq!((planned.edges, planned.edges_covered, planned.starts), (300, 300, 1), "{planned:?}");
    // To each position and back to zero, all the way round once, and a ring at each.
    let least: usize = (0..100).map(|position| position + 1).sum::<usize>() + 100 + 100;
    assert!((least..=least + 10).contains(&planned.steps), "{least} at least: {planned:?}");
    assert!(TourPlan::of(Arc::new(dial(100)), Arc::new(FACE), 99).is_none());
}

/// Rings of so many squares, one within the other. A token goes round one, and from each square to the beginning of the
/// next ring, never back.
fn nested(rings: At, squares: At) -> Toy {
    let places = (0..rings).flat_map(|ring| (0..squares).map(move |square| (ring, square)));
    Toy::new(places.flat_map(|(ring, square)| {
        let inward = (ring + 1 < rings).then_some((ring + 1) * squares);
        let from = ring * squares + square;
        [
            Edge::new(from, ring * squares + (square + 1) % squares, "Round").says(true),
            Edge::new(from, inward, "Inward").says(inward.is_some()),
        ]
    }))
}

/// No run leaves a ring twice, which is left from each of its squares.
fn few_starts() {
    for (rings, squares) in [(2, 10), (5, 20), (20, 5)] {
        let model = Arc::new(nested(rings, squares));
        let plan = TourPlan::of(model, Arc::new(FACE), 100).expect("a hundred squares at most");
        let planned = plan.plan();
        let edges = 2 * usize::from(rings) * usize::from(squares);
        assert_eq!((planned.edges, planned.edges_covered), (edges, edges), "{planned:?}");
        assert_eq!(planned.starts, usize::from(squares), "{planned:?}");
    }
}

/// A coin that is tossed under a cup; the cup is opened, and then the coin is looked at, if it `shows`. The cup is empty,
/// or over heads or tails, or beside heads or tails.
fn coin(shows: bool) -> Toy {
    let shown = |side| if shows { Say::Word(side) } else { Say::Word("a coin") };
    Toy::new([
        Edge::new(0, None, "Wait").says(DONE),
        Edge::new(0, 1, "Heads").labelled("Toss", DONE),
        Edge::new(0, 2, "Tails").labelled("Toss", DONE),
        Edge::new(1, 3, "Open").says(DONE),
        Edge::new(2, 4, "Open").says(DONE),
        Edge::new(3, 0, "Look").says(shown("heads")),
        Edge::new(4, 0, "Look").says(shown("tails")),
    ])
}

/// Tosses heads, and where `fair` then tails, and so on.
#[derive(Clone, Copy)]
struct Tosser {
    shows: bool,
    fair: bool,
    heads: bool,
}

impl Counterpart<Face> for Tosser {
    fn apply(&mut self, input: &Word) -> Say {
        match input.0 {
            "Look" if !self.shows => return Say::Word("a coin"),
            "Look" => return Say::Word(if self.heads { "heads" } else { "tails" }),
            "Toss" if self.fair => self.heads ^= true,
            _ => {}
        }
        DONE
    }
}

fn coverage(report: &ConformanceReport) -> &Coverage {
    report.effort.coverage().expect("it is a tour")
}

fn verified(report: &ConformanceReport) -> &Verified {
    coverage(report).verified.as_ref().expect("a tour verifies")
}

/// Transitions driven, never chosen, and never told from others.
fn counts(report: &ConformanceReport) -> (usize, usize, usize) {
    let coverage = coverage(report);
    (coverage.edges_driven, coverage.edges_unchosen, coverage.edges_ambiguous)
}

fn tossed(shows: bool, fair: bool) -> ConformanceReport {
    let job = conform::Tour::new().of(move || Tosser { shows, fair, heads: true });
    let report = only(case_report(Check::of(coin(shows)).interface(FACE).subject("subject", job)));
    assert_eq!((report.verdict, report.effort.edges().0), (Agreement::Conforms, 7), "{report:?}");
    report
}

fn told_apart_later() {
    let report = tossed(true, false);
    assert_eq!(counts(&report), (4, 3, 0), "{report:?}");
    let named: Vec<&str> = coverage(&report).unchosen.iter().map(|unchosen| unchosen.action.as_str()).collect();
    assert_eq!(named, ["Tails", "Open", "Look"], "{report:?}");
}

fn never_told_apart() {
    // Only waiting is certain.
    let report = tossed(false, false);
    assert_eq!(counts(&report), (1, 0, 6), "{report:?}");
}

fn every_choice() {
    let report = tossed(true, true);
    assert_eq!(counts(&report), (7, 0, 0), "{report:?}");
}
