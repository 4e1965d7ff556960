//! What `check` says of many cases: a line for each protocol, what is not as expected in full, and how it ended.

use std::panic::resume_unwind;

use counterpart::check::{Case, Options};
use counterpart::cli::Exit;
use counterpart::conform::{Agreement, Effort, Tour};
use counterpart::report::Report;
use counterpart::{Check, Counterpart, view};
use libtest_mimic::Trial;
use stateright::Property;

use crate::toy::{At, DONE, Edge, FACE, Face, REFUSED, Say, Toy, Word};
use crate::{claim, snapshot, typed};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("summary::many_cases_are_a_line_for_each_protocol", many),
        claim("summary::few_cases_or_v_are_told_in_full", in_full),
        claim("summary::what_is_not_as_expected_is_told_in_full_and_once", surprise),
        claim("summary::a_case_that_panics_leaves_no_mark_of_success", lost),
        claim("summary::what_is_left_out_is_counted_where_it_is_much", left_out),
        claim("summary::times_are_beside_the_data", times),
        claim("summary::others_are_told_by_their_version", others),
    ]
}

/// `name`, of steps up to `end`, which a counter takes as well.
fn steps(name: &str, end: At) -> Case {
    let toy = Toy::new((0..end).map(|at| Edge::new(at, at + 1, "Step").says(DONE)));
    let toy = toy.own(|| vec![Property::always("stays below four", |_, at| *at < 4)]);
    Case::new(name, Check::of(toy).interface(FACE).subject("implementation", Tour::new().of(|| Walker)))
}

/// Does all that is asked of it.
struct Walker;

impl Counterpart<Face> for Walker {
    fn apply(&mut self, _: &Word) -> Say {
        DONE
    }
}

/// Does something else.
struct Silent;

impl Counterpart<Face> for Silent {
    fn apply(&mut self, _: &Word) -> Say {
        REFUSED
    }
}

/// Eight cases, of two protocols that take turns.
fn eight() -> Vec<Case> {
    let name = |at: u8| format!("{}/of_{at}", ["short", "longer_name"][usize::from(at % 2)]);
    (0..8).map(|at| steps(&name(at), u16::from(at % 3) + 1)).collect()
}

/// How `check` ended, and what it gave and said.
fn check(cases: Vec<Case>, more: &[&str]) -> (Exit, String, String) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let traces = folder.path().display().to_string();
    let (exit, out, err) = typed(cases, &[&["check", "--traces", &traces], more].concat());
    (exit, out.replace(&traces, "TRACES"), err)
}

fn many() {
    let (exit, out, _) = check(eight(), &[]);
    assert_eq!(exit, Exit::AsExpected, "{out}");
    snapshot("toy/summary", &out);
    for threads in ["1", "2", "5"] {
        assert_eq!(check(eight(), &["--threads", threads]).1, out, "the same bytes on every run");
    }
}

fn in_full() {
    let (_, out, _) = check(eight(), &["longer_name"]);
    assert!(
        out.starts_with("✓ longer_name/of_1  3 states, 2 transitions, depth 2") && !out.contains("defective"),
        "{out}"
    );
    let (_, out, _) = check(eight(), &["-v"]);
    assert_eq!((out.matches("✓").count(), out.contains("defective")), (8, false), "{out}");
    assert!(out.contains("8 cases, "), "{out}");
}

fn surprise() {
    let mut cases = eight();
    cases.insert(3, steps("short/surprise", 6));
    cases.push(steps("longer_name/other", 9));
    let (exit, out, _) = check(cases, &[]);
    assert_eq!(exit, Exit::Unexpected, "{out}");
    snapshot("toy/summary--surprise", &out);
    // Why an implementation is at fault is told with it.
    let mut cases = eight();
    let toy = Toy::new([Edge::new(0, 1, "Step").says(DONE)]);
    cases.push(Case::new("short/other", Check::of(toy).interface(FACE).subject("silent", Tour::new().of(|| Silent))));
    let (_, out, _) = check(cases, &[]);
    let why = out.lines().find(|line| line.starts_with("    silent: ")).unwrap_or_else(|| panic!("no reason: {out}"));
    assert_eq!(why, "    silent: the implementation answers Refused, the model allows Done", "{out}");
    assert!(out.contains("not as expected: short/other: silent diverges (tour)"), "{out}");
}

fn lost() {
    let mut cases = eight();
    // Without the words of the hook, which would look like a failure of the trial.
    let breaks = || vec![Property::always("is fine", |_: &Toy, _: &At| resume_unwind(Box::new("the steps break")))];
    let panics = |name: &str| Case::new(name, Check::of(Toy::of(&[0], &[(0, 1)]).own(breaks)));
    cases.push(panics("short/panics"));
    let (exit, out, err) = check(cases, &[]);
    assert_eq!(exit, Exit::Defect, "{out}{err}");
    let line = |name: &str| out.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name}: {out}"));
    assert!(line("short ").starts_with("✗ short") && line("short ").ends_with("1 not finished"), "{out}");
    assert!(line("longer_name ").starts_with("✓ longer_name") && line("longer_name ").ends_with(" 0"), "{out}");
    assert!(out.contains("not finished: short/panics") && out.ends_with("NOT as expected\n"), "{out}");
    let many = || ["short/a", "short/b", "longer_name/c", "short/d"].map(panics).into_iter().chain(eight()).collect();
    let (_, out, _) = check(many(), &[]);
    assert!(out.contains("not finished: 4 cases (longer_name 1, short 3)\n"), "{out}");
    let (_, out, _) = check(many(), &["-v"]);
    assert_eq!(out.matches("not finished: ").count(), 4, "{out}");
}

fn left_out() {
    let large = |count: usize| {
        let mut cases = eight();
        cases.extend((0..count).map(|at| steps(&format!("big/of_{at}"), 1).large()));
        cases
    };
    let (_, out, _) = check(large(3), &[]);
    assert_eq!(out.matches("not run: big/of_").count(), 3, "{out}");
    let (_, out, _) = check(large(4), &[]);
    assert!(out.contains("not run: 4 cases (big 4): it is large: add --large\n"), "{out}");
    let (_, out, _) = check(large(4), &["-v"]);
    assert_eq!(out.matches("not run: big/of_").count(), 4, "{out}");
}

fn times() {
    let (_, out, err) = check(eight(), &[]);
    let line = err.lines().last().expect("something is said");
    assert!(
        line.starts_with("took ") && line.contains("; the slowest: ") && line.matches("/of_").count() == 3,
        "{err}"
    );
    assert!(!out.contains("took"), "{out}");
    let (_, _, err) = check(vec![steps("short/only", 1)], &[]);
    assert!(err.lines().last().is_some_and(|line| line.starts_with("took ") && line.ends_with(" s")), "{err}");
}

fn others() {
    let mut report = steps("toy/steps", 3).run(&Options::default()).0;
    let mut one = report.conformance[0].clone();
    // A transition that was not driven is not counted among those that were.
    let Effort::Tour(coverage) = &mut one.effort else { panic!("a tour") };
    (coverage.edges, coverage.edges_driven) = (9, 7);
    let run = |subject: &str, expected: Agreement| {
        let mut run = one.clone();
        (run.subject, run.expected, run.verdict) = (subject.to_string(), expected, expected);
        run
    };
    report.conformance = vec![
        run("implementation", Agreement::Conforms),
        run("implementation", Agreement::Diverges),
        run("std::sync::mpsc::sync_channel", Agreement::Incomplete),
        run("forgets_it_all", Agreement::Diverges),
        run("governor 0.7.0", Agreement::Diverges),
        run("once 3 are left", Agreement::Conforms),
    ];
    let lines = view::Protocols::of(["toy"]);
    let line = anstream::adapter::strip_str(&lines.line("toy", &[&report], 0)).to_string();
    let figures: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(figures[4..8], ["42", "3", "1", "1"], "{line}");
    assert!(line.ends_with("  1 incomplete as expected\n"), "{line}");
    let closing = view::closing(&Report::new(vec![report], Vec::new()), &view::Kept::default(), view::Detail::Brief);
    assert!(closing.contains("all as expected, 1 of them incomplete"), "{closing}");
}
