//! What a check can be told beside its model: limits, the referee, counts, where traces are kept, and names.

use std::collections::HashSet;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use counterpart::check::{Case, Options};
use counterpart::cli::Exit;
use counterpart::report::{CaseReport, Outcome};
use counterpart::trace::Trace;
use counterpart::verdict::Verdict;
use counterpart::{Check, view};
use libtest_mimic::Trial;
use stateright::{Model, Property};

use crate::toy::{At, Edge, Toy};
use crate::{claim, typed};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("settings::as_many_threads_explore_as_are_asked_for", threads),
        claim("settings::a_limit_that_is_met_is_named_and_makes_incomplete", limits),
        claim("settings::a_case_runs_under_its_own_limits_and_those_of_the_command", tighter),
        claim("settings::a_violation_that_was_found_is_told_whatever_ends_the_run", found_before),
        claim("settings::the_referee_is_not_asked_if_it_is_not_to_be", no_referee),
        claim("settings::the_odds_of_a_collision_are_told_where_there_are_any", odds),
        claim("settings::a_name_that_nothing_bears_is_an_error_that_names_the_nearest", names),
        claim("settings::counts_that_differ_are_not_as_expected", counts),
        claim("settings::a_large_case_may_be_violated_and_keeps_no_trace_of_it", large),
        claim("settings::a_property_that_panics_is_told_with_its_state_and_how_it_is_come_by", panics),
        claim("settings::a_package_of_its_own_keeps_its_traces_beside_it", own_traces),
    ]
}

/// A grid that is walked right and up, wide enough for several threads; it notes who walks.
#[derive(Clone, Default)]
struct Grid {
    side: u16,
    walked_by: Arc<Mutex<HashSet<ThreadId>>>,
}

impl Model for Grid {
    type State = (u16, u16);
    type Action = bool;

    fn init_states(&self) -> Vec<(u16, u16)> {
        vec![(0, 0)]
    }

    fn actions(&self, _: &(u16, u16), actions: &mut Vec<bool>) {
        self.walked_by.lock().unwrap_or_else(PoisonError::into_inner).insert(std::thread::current().id());
        actions.extend([false, true]);
    }

    fn next_state(&self, (right, up): &(u16, u16), rises: bool) -> Option<(u16, u16)> {
        let to = if rises { (*right, up + 1) } else { (right + 1, *up) };
        (to.0.max(to.1) < self.side).then_some(to)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("inside", |grid: &Grid, (right, up): &(u16, u16)| (*right).max(*up) < grid.side),
            Property::always("below the corner", |grid: &Grid, (right, up): &(u16, u16)| {
                right + up + 2 < 2 * grid.side
            }),
        ]
    }
}

fn grid(side: u16) -> Grid {
    Grid { side, ..Grid::default() }
}

/// Of a grid of three by three: 9 states, 12 transitions, the corner after 4 steps.
fn three() -> Check<Grid> {
    Check::of(grid(3)).violates("below the corner")
}

fn ran(check: Check<Grid>) -> CaseReport {
    check.run().cases.remove(0)
}

fn threads() {
    let walkers = |threads| {
        let grid = grid(600);
        let report = ran(Check::of(grid.clone()).referee(false).threads(threads));
        assert_eq!((report.states, report.edges), (360_000, 718_800));
        grid.walked_by.lock().unwrap_or_else(PoisonError::into_inner).len()
    };
    assert_eq!(walkers(1), 1);
    assert!(walkers(2) > 1);
}

fn limits() {
    let stopped = |check: Check<Grid>, words: &str| {
        let report = ran(check);
        assert_eq!((report.outcome(), report.exhausted), (Outcome::Incomplete, false), "{report:?}");
        let inside = &report.properties[0];
        assert_eq!(inside.verdict, Verdict::Incomplete);
        assert!(inside.why.as_ref().is_some_and(|why| why.contains(words)), "{:?}", inside.why);
        report
    };
    let free = || Check::of(grid(3)).violates("below the corner");
    assert_eq!(stopped(free().depth_max(2), "the limit of 2 steps").depth, 2);
    assert_eq!(stopped(free().states_max(5), "the limit of 5 states").states, 5);
    stopped(free().time_max(Duration::ZERO), "the time limit of 0 s");
    stopped(free().time_max(Duration::from_nanos(1)), "the time limit of 0 ms");
    stopped(free().memory_max_mib(1), "the memory limit of 1 MiB");
    free().time_max(Duration::from_secs(3_600)).memory_max_mib(usize::MAX).depth_max(9).states_max(9).assert();
}

fn tighter() {
    let mut options = Options::default();
    let run = |check: Check<Grid>, options: &Options| Case::new("toy/grid", check).run(options).0;
    assert_eq!(run(three(), &options).outcome(), Outcome::AsExpected);
    assert_eq!(run(three().time_max(Duration::ZERO), &options).outcome(), Outcome::Incomplete);
    assert_eq!(run(three().memory_max_mib(0), &options).outcome(), Outcome::Incomplete);
    assert!(run(three().referee(false), &options).referee.is_none());
    options.time_max = Some(Duration::ZERO);
    assert_eq!(run(three(), &options).outcome(), Outcome::Incomplete);
    assert_eq!(run(three().time_max(Duration::from_secs(3_600)), &options).outcome(), Outcome::Incomplete);
}

fn no_referee() {
    assert!(ran(three()).referee.is_some_and(|referee| referee.agrees && referee.states == 9));
    assert!(ran(three().referee(false)).referee.is_none());
}

fn odds() {
    // Pairs of states over the values that a hash may have, told by hand: 317² states are 5.05e9 pairs, 9 are 36.
    let told = [
        (317, &[][..], Some("2.7e-10")),
        (317, &["--fingerprint", "128"], Some("1.5e-29")),
        (317, &["--exact"], None),
        (3, &[], None),
        (3, &["--fingerprint", "64"], Some("2.0e-18")),
    ];
    for (side, flags, odds) in told {
        let case = || Case::new("toy/grid", Check::of(grid(side)).violates("below the corner")).large();
        let said = |flag: &'static str| {
            let folder = tempfile::tempdir().expect("a folder for temporary files");
            let folder = folder.path().to_str().expect("a path that is text").to_owned();
            let arguments = [&["check", flag, "--large", "--no-referee", "--traces", &folder], flags].concat();
            let (exit, out, _) = typed(vec![case()], &arguments);
            assert_eq!(exit, Exit::AsExpected, "{out}");
            out
        };
        let headline = odds.map(|odds| format!("odds that two states were taken for one below {odds}\n"));
        let text = said("-v");
        let whole: String = text.lines().filter(|line| line.contains("transitions, depth")).collect::<String>() + "\n";
        assert_eq!(whole.contains("odds"), odds.is_some(), "{text}");
        assert!(headline.is_none_or(|headline| whole.ends_with(&headline)), "{text}");
        let document: serde_json::Value = serde_json::from_str(&said("--json")).expect("JSON");
        let odds_max = document["cases"][0]["collision_odds"].as_f64();
        assert_eq!(odds_max.map(|odds| format!("{odds:.1e}")).as_deref(), odds, "{document}");
    }
}

fn names() {
    let said = |check: Check<Grid>| {
        let report = ran(check);
        assert_eq!((report.errors.len(), report.outcome()), (1, Outcome::Incomplete), "{:?}", report.errors);
        report.errors[0].clone()
    };
    let near = "which is neither a property nor a subject here: the nearest name is \"below the corner\"";
    assert_eq!(
        said(three().violates("under the corner")),
        format!("something is expected of \"under the corner\", {near}")
    );
    assert_eq!(said(three().diverges("below corner")), format!("something is expected of \"below corner\", {near}"));
    assert_eq!(
        said(three().incomplete("the corner", "unseen")),
        format!("something is expected of \"the corner\", {near}")
    );
    assert_eq!(
        said(three().because("below a corner", "why")),
        format!("a reason is given for \"below a corner\", {near}")
    );
    assert!(said(three().not_run("failsafe", "elsewhere").because("fail_safe", "why")).ends_with("\"failsafe\""));
}

fn counts() {
    three().counts(9, 12).assert();
    for (states, edges) in [(8, 12), (9, 13)] {
        let report = three().counts(states, edges).run();
        assert_eq!((report.outcome(), report.as_expected), (Outcome::Unexpected, false));
        let shown = view::failure(&report, &[]);
        assert!(shown.contains(&format!("{states} states and {edges} transitions expected")), "{shown}");
        assert!(report.to_json().contains("\"expected_counts\""));
    }
    // What was stopped is not counted wrong, but not known.
    let report = ran(three().counts(9, 12).states_max(4));
    assert_eq!(report.outcome(), Outcome::Incomplete);
    assert_eq!(report.errors, ["the counts are not known: the limit of 4 states was reached"]);
}

fn command(case: Case, arguments: &[&str]) -> Exit {
    typed(vec![case], arguments).0
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

fn large() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let case = || Case::new("toy/grid", three().counts(9, 12).traces_in(folder.path())).large();
    let (report, _) = case().run(&Options::default());
    assert!(report.as_expected, "{report:?}");
    let corner = &report.properties[1];
    assert_eq!((corner.verdict, corner.steps, &corner.trace), (Verdict::Violated, Some(4), &None));
    assert_eq!(command(case(), &["check", "--large"]), Exit::AsExpected);
    assert_eq!(files_below(folder.path()), 0);
    // It is compared all the same, and what is not expected is shown.
    let wrong = || Case::new("toy/grid", Check::of(grid(3)).traces_in(folder.path())).large();
    assert_eq!(command(wrong(), &["check", "--large"]), Exit::Unexpected);
    assert_eq!(files_below(folder.path()), 1);
    let fewer = Case::new("toy/grid", three().counts(9, 11).traces_in(folder.path())).large();
    assert_eq!(command(fewer, &["check", "--large"]), Exit::Unexpected);
}

fn own_traces() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let (own, other) = (folder.path().join("daemons/traces"), folder.path().join("elsewhere"));
    let case = || Case::new("toy/grid", three().traces_in(&own));
    assert_eq!(command(case(), &["check"]), Exit::AsExpected);
    let file = own.join("toy/grid--below-the-corner.json");
    let trace = Trace::read(&file).expect("it is kept there");
    assert_eq!(trace.replay, format!("cargo run --release -- replay {}", file.display()));
    assert_eq!(command(case(), &["replay", &file.to_string_lossy()]), Exit::AsExpected);
    assert_eq!(command(case(), &["check", "--traces", &other.to_string_lossy()]), Exit::AsExpected);
    assert!(other.join("toy/grid--below-the-corner.json").is_file());
    assert_eq!(files_below(folder.path()), 2);
}

/// Of a hundred states in a row the fifth breaks the property, and the run ends before the last is known.
fn found_before() {
    let row = || {
        let row = Toy::new((0..100).map(|at| Edge::new(at, at + 1, "")));
        Check::of(row.own(|| vec![Property::always("below four", |_: &Toy, at: &At| *at < 4)])).violates("below four")
    };
    for limited in [row().states_max(50), row().depth_max(8), row().states_max(5)] {
        let report = limited.run();
        let case = &report.cases[0];
        assert!(!case.exhausted, "{report}");
        assert_eq!((case.properties[0].verdict, case.properties[0].steps), (Verdict::Violated, Some(4)), "{report}");
    }
}

/// Counts to three, and has a property that cannot be asked of two.
#[derive(Clone)]
struct Fragile;

impl Model for Fragile {
    type State = u8;
    type Action = &'static str;

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, _: &u8, actions: &mut Vec<&'static str>) {
        actions.push("add");
    }

    fn next_state(&self, at: &u8, _: &'static str) -> Option<u8> {
        (*at < 3).then_some(at + 1)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("is small", |_, at| {
            assert_ne!(*at, 2, "two is too many");
            *at < 9
        })]
    }
}

fn panics() {
    let panic = catch_unwind(|| Check::of(Fragile).referee(false).run()).expect_err("it cannot be asked");
    let words = panic.downcast_ref::<String>().expect("text");
    for part in ["property \"is small\"", "in state 2", "reached by \"add\", \"add\"", "two is too many"] {
        assert!(words.contains(part), "{words}");
    }
}
