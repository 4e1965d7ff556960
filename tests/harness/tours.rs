//! What a tour finds and what it counts: wrong states behind right answers, and choices that were never made.

mod machines;

use std::sync::Arc;

use counterpart::check::{Case, Options};
use counterpart::conform::{self, Tour, TourPlan};
use counterpart::report::{CaseReport, ConformanceReport};
use counterpart::{Check, Counterpart, Interface};
use libtest_mimic::Trial;
use stateright::Model;

use crate::claim;

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

/// A dial with so many positions, that rings at every fifth.
#[derive(Clone, Copy)]
struct Dial {
    positions: u8,
}

const RINGS_EVERY: u8 = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Hand {
    Turn,
    Zero,
    Ring,
}

const HANDS: [Hand; 3] = [Hand::Turn, Hand::Zero, Hand::Ring];

impl Model for Dial {
    type State = u8;
    type Action = Hand;

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, _: &u8, actions: &mut Vec<Hand>) {
        actions.extend(HANDS);
    }

    fn next_state(&self, at: &u8, hand: Hand) -> Option<u8> {
        match hand {
            Hand::Turn => Some((at + 1) % self.positions),
            Hand::Zero => Some(0),
            Hand::Ring => None,
        }
    }
}

struct DialFace;

impl Interface for DialFace {
    type Model = Dial;
    type Input = Hand;
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Dial, from: &u8, hand: &Hand, _: Option<&u8>) -> Option<(Hand, bool)> {
        Some((*hand, *hand == Hand::Ring && rings(*from)))
    }
}

fn rings(at: u8) -> bool {
    at % RINGS_EVERY == RINGS_EVERY - 1
}

/// An implementation as a table, so that it can be wrong in every way.
#[derive(Clone)]
struct Table {
    /// Where each hand leads from each position.
    to: Vec<[u8; 3]>,
    rings: Vec<bool>,
    at: u8,
}

impl Table {
    fn of(dial: Dial) -> Self {
        let row = |at: u8| [(at + 1) % dial.positions, 0, at];
        Table { to: (0..dial.positions).map(row).collect(), rings: (0..dial.positions).map(rings).collect(), at: 0 }
    }
}

impl Counterpart<DialFace> for Table {
    fn apply(&mut self, hand: &Hand) -> bool {
        let at = usize::from(self.at);
        self.at = self.to[at][*hand as usize];
        *hand == Hand::Ring && self.rings[at]
    }
}

const FIVE: Dial = Dial { positions: 5 };

fn toured(model: Dial, options: Tour, table: Table) -> ConformanceReport {
    let job = options.of(move || table.clone());
    only(case_report(Check::of(model).interface(DialFace).subject("subject", job)))
}

fn case_report<M, F>(check: Check<M, F>) -> CaseReport
where
    M: counterpart::model::CheckedModel,
    F: Interface<Model = M>,
{
    Case::new("toy/tour", check).run(&Options::default()).0
}

fn only(mut report: CaseReport) -> ConformanceReport {
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    report.conformance.remove(0)
}

/// How many of `tables` a tour does not find out.
fn missed(options: Tour, tables: &[Table]) -> usize {
    tables.iter().filter(|table| toured(FIVE, options, (*table).clone()).verdict != "diverges").count()
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
    let verified = report.verified.expect("a tour verifies");
    assert_eq!((report.verdict, verified.edges, verified.edges_verified), ("conforms", 15, 15), "{verified:?}");
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
            row[Hand::Ring as usize] = 5;
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
    assert_eq!(toured(FIVE, Tour::new().extra_states(2), right).verdict, "conforms");
}

fn indistinguishable() {
    // A dial of ten positions behaves as one of five does.
    let report = toured(Dial { positions: 10 }, Tour::new(), Table::of(FIVE));
    let verified = report.verified.expect("a tour verifies");
    assert_eq!((report.verdict, verified.edges, verified.edges_verified), ("conforms", 30, 30), "{verified:?}");
    assert_eq!((verified.indistinguishable_classes, verified.indistinguishable_states), (5, 10), "{verified:?}");
}

fn capped() {
    let capped = Tour::new().suffix_steps_max(20).of(|| Table::of(FIVE));
    let check = Check::of(FIVE).interface(DialFace).subject("implementation", capped);
    let report = case_report(check);
    let printed = counterpart::view::case(&report);
    let verified = report.conformance[0].verified.as_ref().expect("a tour verifies");
    assert!(verified.steps <= 20 && verified.edges_verified < 15, "{verified:?}");
    assert_eq!(verified.edges_verified + verified.edges_beyond_cap, 15, "{verified:?}");
    assert!(printed.contains(&format!("{} beyond the limit on suffixes", verified.edges_beyond_cap)), "{printed}");
}

fn planned() {
    let plan = TourPlan::of(Arc::new(Dial { positions: 100 }), Arc::new(DialFace), 100).expect("a hundred states");
    let planned = plan.plan();
    assert_eq!((planned.edges, planned.edges_covered, planned.starts), (300, 300, 1), "{planned:?}");
    // To each position and back to zero, all the way round once, and a ring at each.
    let least: usize = (0..100).map(|position| position + 1).sum::<usize>() + 100 + 100;
    assert!((least..=least + 10).contains(&planned.steps), "{least} at least: {planned:?}");
    assert!(TourPlan::of(Arc::new(Dial { positions: 100 }), Arc::new(DialFace), 99).is_none());
}

/// Rings of so many squares, one within the other. A token goes round one, and from each square to the beginning of the
/// next ring, never back.
#[derive(Clone, Copy)]
struct Rings {
    rings: u8,
    squares: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Go {
    Round,
    Inward,
}

impl Model for Rings {
    type State = (u8, u8);
    type Action = Go;

    fn init_states(&self) -> Vec<(u8, u8)> {
        vec![(0, 0)]
    }

    fn actions(&self, _: &(u8, u8), actions: &mut Vec<Go>) {
        actions.extend([Go::Round, Go::Inward]);
    }

    fn next_state(&self, (ring, square): &(u8, u8), go: Go) -> Option<(u8, u8)> {
        match go {
            Go::Round => Some((*ring, (square + 1) % self.squares)),
            Go::Inward => (ring + 1 < self.rings).then_some((ring + 1, 0)),
        }
    }
}

struct RingsFace;

impl Interface for RingsFace {
    type Model = Rings;
    type Input = Go;
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Rings, _: &(u8, u8), go: &Go, to: Option<&(u8, u8)>) -> Option<(Go, bool)> {
        Some((*go, to.is_some()))
    }
}

/// No run leaves a ring twice, which is left from each of its squares.
fn few_starts() {
    for (rings, squares) in [(2, 10), (5, 20), (20, 5)] {
        let model = Arc::new(Rings { rings, squares });
        let plan = TourPlan::of(model, Arc::new(RingsFace), 100).expect("a hundred squares at most");
        let planned = plan.plan();
        let edges = 2 * usize::from(rings) * usize::from(squares);
        assert_eq!((planned.edges, planned.edges_covered), (edges, edges), "{planned:?}");
        assert_eq!(planned.starts, usize::from(squares), "{planned:?}");
    }
}

/// A coin that is tossed under a cup; the cup is opened, and then looked at, if `shows`.
#[derive(Clone, Copy)]
struct Coin {
    shows: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Toss {
    Wait,
    Heads,
    Tails,
    Open,
    Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Cup {
    Empty,
    Over { heads: bool },
    Beside { heads: bool },
}

impl Model for Coin {
    type State = Cup;
    type Action = Toss;

    fn init_states(&self) -> Vec<Cup> {
        vec![Cup::Empty]
    }

    fn actions(&self, cup: &Cup, actions: &mut Vec<Toss>) {
        match cup {
            Cup::Empty => actions.extend([Toss::Wait, Toss::Heads, Toss::Tails]),
            Cup::Over { .. } => actions.push(Toss::Open),
            Cup::Beside { .. } => actions.push(Toss::Look),
        }
    }

    fn next_state(&self, cup: &Cup, toss: Toss) -> Option<Cup> {
        match (cup, toss) {
            (Cup::Empty, Toss::Heads) => Some(Cup::Over { heads: true }),
            (Cup::Empty, Toss::Tails) => Some(Cup::Over { heads: false }),
            (Cup::Over { heads }, Toss::Open) => Some(Cup::Beside { heads: *heads }),
            (Cup::Beside { .. }, Toss::Look) => Some(Cup::Empty),
            _ => None,
        }
    }
}

struct CoinFace;

impl Interface for CoinFace {
    type Model = Coin;
    type Input = &'static str;
    type Output = &'static str;
    type Snapshot = ();

    fn label(&self, coin: &Coin, cup: &Cup, toss: &Toss, _: Option<&Cup>) -> Option<(&'static str, &'static str)> {
        Some(match (toss, cup) {
            (Toss::Wait, _) => ("wait", "done"),
            (Toss::Heads | Toss::Tails, _) => ("toss", "done"),
            (Toss::Open, _) => ("open", "done"),
            (Toss::Look, Cup::Beside { heads }) if coin.shows => ("look", if *heads { "heads" } else { "tails" }),
            (Toss::Look, _) => ("look", "a coin"),
        })
    }
}

/// Tosses heads, and where `fair` then tails, and so on.
#[derive(Clone, Copy)]
struct Tosser {
    coin: Coin,
    fair: bool,
    heads: bool,
}

impl Counterpart<CoinFace> for Tosser {
    fn apply(&mut self, input: &&'static str) -> &'static str {
        match *input {
            "look" if !self.coin.shows => return "a coin",
            "look" => return if self.heads { "heads" } else { "tails" },
            "toss" if self.fair => self.heads ^= true,
            _ => {}
        }
        "done"
    }
}

fn tossed(shows: bool, fair: bool) -> ConformanceReport {
    let coin = Coin { shows };
    let job = conform::Tour::new().of(move || Tosser { coin, fair, heads: true });
    let report = only(case_report(Check::of(coin).interface(CoinFace).subject("subject", job)));
    assert_eq!((report.verdict, report.edges), ("conforms", 7), "{report:?}");
    report
}

fn told_apart_later() {
    let report = tossed(true, false);
    assert_eq!((report.edges_driven, report.edges_unchosen, report.edges_ambiguous), (4, 3, 0), "{report:?}");
    let named: Vec<&str> = report.unchosen.iter().map(|unchosen| unchosen.action.as_str()).collect();
    assert_eq!(named, ["Tails", "Open", "Look"], "{report:?}");
}

fn never_told_apart() {
    // Only waiting is certain.
    let report = tossed(false, false);
    assert_eq!((report.edges_driven, report.edges_unchosen, report.edges_ambiguous), (1, 0, 6), "{report:?}");
}

fn every_choice() {
    let report = tossed(true, true);
    assert_eq!((report.edges_driven, report.edges_unchosen, report.edges_ambiguous), (7, 0, 0), "{report:?}");
}
