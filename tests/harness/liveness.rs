//! Liveness verdicts, on graphs small enough to know the truth of, and on many random ones whose truth is told by going
//! through every loop.

mod oracle;

use std::path::Path;
use std::sync::Arc;

use counterpart::check::{Case, Options};
use counterpart::explore::{Budget, Judged, Run, Stop};
use counterpart::model::{FairKey, Kind, Strength};
use counterpart::report::{CaseReport, Outcome, PropertyReport};
use counterpart::trace::{STAY, Trace};
use counterpart::verdict::{LassoError, Verdict, check_lasso};
use counterpart::{Check, view};
use libtest_mimic::Trial;
use stateright::Property;

use crate::claim;
use crate::toy::{At, Edge, Promise, Take, Toy};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("liveness::the_acceptance_table", acceptance),
        claim("liveness::stateright_s_own_eventually_is_judged_on_the_same_table", own_eventually),
        claim("liveness::a_lasso_has_a_shortest_stem_and_a_short_loop", shapes),
        claim("liveness::a_loop_that_weak_fairness_forbids_and_one_that_only_strong_forbids", forbidden_loops),
        claim("liveness::a_fair_loop_inside_an_unfair_larger_component_is_found", refined),
        claim("liveness::a_loop_takes_every_strongly_fair_action_that_it_enables", loop_takes_all),
        claim("liveness::a_key_for_each_message_is_more_than_one_for_all", key_for_each),
        claim("liveness::a_step_into_the_same_state_counts_unless_it_is_left_out", same_state),
        claim("liveness::leads_to_is_armed_again_on_the_loop", armed_again),
        claim("liveness::eventually_always_is_not_vacuous_at_a_terminal_state", terminal),
        claim("liveness::a_run_may_end_where_only_unforced_actions_are_left", unforced),
        claim("liveness::a_cut_is_enabled_and_no_way_out", cuts),
        claim("liveness::a_trap_is_shown_by_a_shortest_path_into_it", traps),
        claim("liveness::what_rests_on_nothing_is_vacuous", vacuous),
        claim("liveness::a_lasso_that_is_none_is_refused", refused),
        claim("liveness::a_stopped_search_is_incomplete", stopped),
        claim("liveness::names_are_unique_and_expectations_work", names),
        claim("liveness::a_lasso_is_kept_shown_and_replayed", kept),
        claim("liveness::ten_thousand_random_graphs_agree_with_going_through_every_loop", oracle::agreement),
    ]
}

/// Runs a table as a case. Whatever trace comes of it must be readable and reproduce.
fn run(table: &Toy) -> CaseReport {
    let case = case(table);
    let report = case.run(&Options::default()).0;
    for (_, trace) in report.counterexamples() {
        let read = Trace::parse(Path::new("a trace"), trace.to_json().as_bytes()).expect("what is written can be read");
        assert_eq!(read, *trace);
        let replayed = case.replay(&read, &Options::default()).expect("a trace of this model");
        assert!(replayed.reproduces, "{}\n{}", view::trace(trace), replayed.summary());
    }
    report
}

fn case(table: &Toy) -> Case {
    Case::new("toy/table", Check::of(table.clone()).spec(table.spec()))
}

#[track_caller]
fn only(report: &CaseReport) -> &PropertyReport {
    assert_eq!((report.properties.len(), report.errors.len()), (1, 0), "{report:?}");
    &report.properties[0]
}

/// The verdict of the one promise of `table`, with the steps of the trace and of its loop.
#[track_caller]
fn judged(table: &Toy) -> (&'static str, Option<usize>, Option<usize>) {
    let report = run(table);
    let property = only(&report);
    (property.verdict.name(), property.steps, property.loop_len)
}

#[track_caller]
fn verdict(table: &Toy) -> &'static str {
    judged(table).0
}

const FAIR: &str = "fair";

/// The table of FACTS.md: name, initial states, edges, goal, boundary, the edge under fairness with its strength,
/// truth.
type Row =
    (&'static str, &'static [At], &'static [(At, At)], &'static [At], At, Option<(usize, Strength)>, &'static str);

const ANY: At = At::MAX;

#[rustfmt::skip]
const ACCEPTANCE: [Row; 17] = [
    ("A0", &[0], &[(0, 1), (0, 2)], &[1], ANY, None, "violated"),
    ("A1", &[0], &[(0, 0)], &[], ANY, None, "violated"),
    ("A2", &[0], &[(0, 1), (1, 0)], &[], ANY, None, "violated"),
    ("A3", &[0], &[(0, 1), (1, 2), (2, 1)], &[], ANY, None, "violated"),
    ("A4", &[0], &[(0, 1), (0, 2), (2, 3), (3, 2)], &[1], ANY, None, "violated"),
    ("A5", &[0], &[(0, 0), (0, 1)], &[1], ANY, None, "violated"),
    ("A5 weakly fair", &[0], &[(0, 0), (0, 1)], &[1], ANY, Some((1, Strength::Weak)), "holds"),
    ("A6", &[0], &[(0, 1), (1, 0), (1, 2)], &[2], ANY, None, "violated"),
    ("A6 weakly fair", &[0], &[(0, 1), (1, 0), (1, 2)], &[2], ANY, Some((2, Strength::Weak)), "violated"),
    ("A6 strongly fair", &[0], &[(0, 1), (1, 0), (1, 2)], &[2], ANY, Some((2, Strength::Strong)), "holds"),
    ("B1", &[0], &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], &[1], ANY, None, "violated"),
    ("B2", &[0], &[(0, 2), (0, 1), (1, 3), (2, 3), (3, 4)], &[1], ANY, None, "violated"),
    ("B4", &[0, 1], &[(1, 3), (0, 3), (3, 4)], &[1], ANY, None, "violated"),
    ("C1", &[0], &[(0, 1), (1, 2)], &[2], 1, None, "incomplete"),
    ("C2", &[0], &[(0, 0), (0, 7)], &[], 5, None, "violated"),
    ("C2 weakly fair", &[0], &[(0, 0), (0, 7)], &[], 5, Some((1, Strength::Weak)), "incomplete"),
    ("D1", &[0], &[(0, 1), (1, 0)], &[1], ANY, None, "holds"),
];

fn acceptance() {
    for (name, inits, edges, goal, bound, fair, truth) in ACCEPTANCE {
        let assumption = fair.map(|_| FAIR);
        let mut table = Toy::of(inits, edges).bound(bound).promise(Kind::Eventually, &[], goal, assumption);
        if let Some((edge, strength)) = fair {
            table = table.fair(edge, FairKey { strength, ..FairKey::weak(FAIR) });
        }
        assert_eq!(verdict(&table), truth, "{name}");
    }
    let again = Toy::of(&[0], &[(0, 1), (1, 1)]);
    assert_eq!(verdict(&again.clone().promise(Kind::Eventually, &[], &[0], None)), "holds", "D2");
    assert_eq!(verdict(&again.promise(Kind::InfinitelyOften, &[], &[0], None)), "violated", "D2, again and again");
}

/// One set of actions, of which one leads nowhere: to take that one for ever is fair, but not as TLA+ has it.
fn same_state() {
    for strength in [Strength::Weak, Strength::Strong] {
        let key = FairKey { strength, ..FairKey::weak(FAIR) };
        let table = |key: FairKey| {
            let table = Toy::of(&[0], &[(0, 0), (0, 1), (1, 1)]).promise(Kind::Eventually, &[], &[1], Some(FAIR));
            table.fair(0, key).fair(1, key)
        };
        for (key, truth, told) in [
            (key, "violated", "a step into the same state counts"),
            (key.changing(), "holds", "a step into the same state does not count"),
        ] {
            assert_eq!(verdict(&table(key)), truth, "{strength:?}");
            let shown = view::case(&run(&table(key)));
            assert!(shown.contains(told), "{shown}");
        }
        // Where all that is fair leads back there is nothing to be fair to.
        let idle = Toy::of(&[0], &[(0, 0)]).promise(Kind::Eventually, &[], &[1], Some(FAIR)).fair(0, key.changing());
        assert_eq!(verdict(&idle), "violated", "{strength:?}");
    }
}

/// An `eventually` of the model's own, whose condition cannot carry the goal.
fn the_goal() -> Vec<Property<Toy>> {
    vec![Property::eventually("the goal", |toy: &Toy, state| toy.goal.contains(state))]
}

fn own_eventually() {
    for (name, inits, edges, goal, bound, fair, truth) in ACCEPTANCE {
        if fair.is_none() {
            let table = Toy { goal: goal.to_vec(), ..Toy::of(inits, edges).bound(bound) }.own(the_goal);
            let report = run(&table);
            assert_eq!((only(&report).verdict.name(), only(&report).kind), (truth, Kind::Eventually), "{name}");
        }
    }
}

fn shapes() {
    let shape =
        |edges: &[(At, At)], goal: &[At]| judged(&Toy::of(&[0], edges).promise(Kind::Eventually, &[], goal, None));
    // To 1, and round 1 and 2.
    assert_eq!(shape(&[(0, 1), (1, 2), (2, 1)], &[]), ("violated", Some(3), Some(2)));
    // The loop near the start is taken and not the one behind it, nor the longer one beside it.
    assert_eq!(shape(&[(0, 1), (1, 2), (2, 3), (3, 1), (2, 1), (3, 3)], &[]), ("violated", Some(3), Some(2)));
    // Past the goal there is a nearer loop, but it is past the goal.
    assert_eq!(shape(&[(0, 1), (1, 1), (0, 2), (2, 3), (3, 4), (4, 4)], &[1]), ("violated", Some(4), Some(1)));
    // A terminal state repeats itself, in a step that is told as none.
    let report = run(&Toy::of(&[0], &[(0, 2), (0, 1)]).promise(Kind::Eventually, &[], &[1], None));
    let trace = only(&report).evidence.as_ref().expect("a lasso");
    assert_eq!((trace.len(), trace.loop_start), (2, Some(1)));
    assert_eq!((trace.steps[2].action.as_str(), &trace.steps[2].state), (STAY, &trace.steps[1].state));
    // Of two states that trigger it, the one from which the loop is nearer counts, not the one that is nearer itself.
    let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 5), (0, 6), (6, 7), (7, 7)];
    let table = Toy::of(&[0], &edges).promise(Kind::LeadsTo, &[1, 7], &[0], None);
    assert_eq!(judged(&table), ("violated", Some(3), Some(1)));
}

fn forbidden_loops() {
    let around = Toy::of(&[0], &[(0, 1), (1, 0), (0, 2), (1, 2)]);
    let under = |table: &Toy| verdict(&table.clone().promise(Kind::Eventually, &[], &[2], Some(FAIR)));
    assert_eq!(verdict(&around.clone().promise(Kind::Eventually, &[], &[2], None)), "violated");
    // One set of actions that is enabled all around the loop: weak fairness is enough.
    let together = around.clone().fair(2, FairKey::weak(FAIR)).fair(3, FairKey::weak(FAIR));
    assert_eq!(under(&together), "holds");
    // Two sets, each enabled every other step: only strong fairness forbids the loop.
    let apart = |key: FairKey| around.clone().fair(2, key.of_each(2)).fair(3, key.of_each(3));
    assert_eq!(under(&apart(FairKey::weak(FAIR))), "violated");
    assert_eq!(under(&apart(FairKey::strong(FAIR))), "holds");
    // What is fair under one name says nothing under another.
    let both =
        together.promise(Kind::Eventually, &[], &[2], Some(FAIR)).promise(Kind::Eventually, &[], &[2], Some("x"));
    let verdicts: Vec<_> = run(&both).properties.iter().map(|property| property.verdict).collect();
    assert_eq!(verdicts, [Verdict::Holds, Verdict::Violated]);
}

fn refined() {
    // Around 0, 1 and 2 the strongly fair way out at 2 would have to be taken; around 0 and 1 it is not enabled.
    let table = Toy::of(&[0], &[(0, 1), (1, 2), (2, 0), (1, 0), (2, 3)]).fair(4, FairKey::strong(FAIR)).promise(
        Kind::Eventually,
        &[],
        &[3],
        Some(FAIR),
    );
    assert_eq!(judged(&table), ("violated", Some(2), Some(2)));
    // Twice: what is left without 2 falls apart, and one part has a way out of its own.
    let edges = [(0, 1), (1, 2), (2, 0), (1, 0), (2, 3), (0, 4), (4, 5), (5, 4), (5, 2), (1, 3)];
    let table = Toy::of(&[0], &edges)
        .fair(4, FairKey::strong(FAIR).of_each("at 2"))
        .fair(9, FairKey::strong(FAIR).of_each("at 1"))
        .promise(Kind::Eventually, &[], &[3], Some(FAIR));
    assert_eq!(judged(&table), ("violated", Some(3), Some(2)));
    assert_eq!(verdict(&table.fair(8, FairKey::strong(FAIR).of_each("at 5"))), "holds");
}

fn loop_takes_all() {
    // The loop 0, 1 is shorter, but enables what leads to 2, and that what leads to 3.
    let table = Toy::of(&[0], &[(0, 1), (1, 0), (1, 2), (2, 0), (2, 3), (3, 0)])
        .fair(2, FairKey::strong(FAIR).of_each(2))
        .fair(4, FairKey::strong(FAIR).of_each(3))
        .promise(Kind::Eventually, &[], &[], Some(FAIR));
    assert_eq!(judged(&table), ("violated", Some(4), Some(4)));
    // Weakly fair, the way to 2 need not be taken: it is not enabled in 0.
    let weak = Toy::of(&[0], &[(0, 1), (1, 0), (1, 2), (2, 0)]).fair(2, FairKey::weak(FAIR)).promise(
        Kind::Eventually,
        &[],
        &[],
        Some(FAIR),
    );
    assert_eq!(judged(&weak), ("violated", Some(2), Some(2)));
    // Not always the goal: the loop must come by a state without it.
    let table = Toy::of(&[0], &[(0, 0), (0, 1), (1, 2), (2, 0)]).promise(Kind::EventuallyAlways, &[], &[0, 1], None);
    assert_eq!(judged(&table), ("violated", Some(3), Some(3)));
}

fn key_for_each() {
    // One message is delivered and sent again for ever, the other waits.
    let table = Toy::of(&[0], &[(0, 1), (1, 0), (0, 2), (1, 2)]);
    let delivers = |key: fn(At) -> FairKey| {
        let table = table.clone().fair(0, key(0)).fair(1, key(0)).fair(2, key(1)).fair(3, key(1));
        verdict(&table.promise(Kind::Eventually, &[], &[2], Some(FAIR)))
    };
    assert_eq!(delivers(|_| FairKey::weak(FAIR)), "violated");
    assert_eq!(delivers(|message| FairKey::weak(FAIR).of_each(message)), "holds");
}

fn armed_again() {
    let leads = |edges: &[(At, At)], trigger: &[At], goal: &[At]| {
        verdict(&Toy::of(&[0], edges).promise(Kind::LeadsTo, trigger, goal, None))
    };
    // Triggered again each time round, and met each time.
    assert_eq!(leads(&[(0, 1), (1, 0)], &[0], &[1]), "holds");
    // Met once, triggered again, and not met again.
    assert_eq!(leads(&[(0, 1), (1, 2), (2, 3), (3, 3)], &[0, 2], &[1]), "violated");
    // Triggered on the loop only.
    assert_eq!(leads(&[(0, 1), (1, 2), (2, 1)], &[2], &[0]), "violated");
    // Triggered before the loop only, and met there before it.
    assert_eq!(leads(&[(0, 1), (1, 2), (2, 2)], &[0], &[1]), "holds");
    // Met in the state that triggers it.
    assert_eq!(leads(&[(0, 1), (1, 1)], &[0], &[0]), "holds");
    // The loop comes by the goal after each trigger, but a part of it does not.
    assert_eq!(leads(&[(0, 1), (1, 2), (2, 1), (2, 0)], &[1], &[0]), "violated");
}

fn terminal() {
    let always = |goal: &[At]| judged(&Toy::of(&[0], &[(0, 1)]).promise(Kind::EventuallyAlways, &[], goal, None));
    assert_eq!(always(&[0]), ("violated", Some(2), Some(1)));
    assert_eq!(always(&[1]), ("holds", None, None));
    assert_eq!(verdict(&Toy::of(&[0], &[]).promise(Kind::InfinitelyOften, &[], &[0], None)), "holds");
    assert_eq!(verdict(&Toy::of(&[0], &[]).promise(Kind::LeadsTo, &[0], &[], None)), "violated");
}

fn unforced() {
    let step = Toy::of(&[0], &[(0, 1)]).promise(Kind::Eventually, &[], &[1], Some(FAIR)).fair(0, FairKey::weak("x"));
    let plain = Toy::of(&[0], &[(0, 1)]).promise(Kind::Eventually, &[], &[1], None);
    assert_eq!(verdict(&plain), "holds");
    assert_eq!(judged(&plain.clone().unforced(0)), ("violated", Some(1), Some(1)));
    // To be fair to an action is to take it, forced or not.
    assert_eq!(verdict(&step.fair(0, FairKey::weak(FAIR)).unforced(0)), "holds");
    // With one action forced, something has to happen, though not that one.
    let two = Toy::of(&[0], &[(0, 1), (0, 2)]).promise(Kind::Eventually, &[], &[1, 2], None);
    assert_eq!(verdict(&two.clone().unforced(0)), "holds");
    assert_eq!(verdict(&two.unforced(0).unforced(1)), "violated");
}

fn cuts() {
    // A state whose only transition is cut is not terminal.
    let only_cut = Toy::of(&[0], &[(0, 9)]).bound(5).promise(Kind::Eventually, &[], &[1], None);
    assert_eq!(verdict(&only_cut), "incomplete");
    // A violation beside the cut counts.
    let beside = Toy::of(&[0], &[(0, 9), (0, 1), (1, 1)]).bound(5).promise(Kind::InfinitelyOften, &[], &[0], None);
    assert_eq!(judged(&beside), ("violated", Some(2), Some(1)));
    // Strongly fair to the cut, the loop by it is no violation, and one that avoids it is.
    let fair = |edges: &[(At, At)]| {
        let table = Toy::of(&[0], edges).bound(5).fair(0, FairKey::strong(FAIR));
        verdict(&table.promise(Kind::InfinitelyOften, &[], &[4], Some(FAIR)))
    };
    assert_eq!(fair(&[(0, 9), (0, 1), (1, 0)]), "incomplete");
    assert_eq!(fair(&[(0, 9), (0, 1), (1, 0), (1, 2), (2, 1)]), "violated");
    // A limit is a cut: the states not expanded are not terminal.
    let long = Toy::of(&[0], &[(0, 1), (1, 2), (2, 3)]).promise(Kind::Eventually, &[], &[3], None);
    let check = |states_max| Check::of(long.clone()).spec(long.spec()).states_max(states_max).run();
    assert_eq!(only(&check(3).cases[0]).verdict, Verdict::Incomplete);
    assert_eq!(only(&check(4).cases[0]).verdict, Verdict::Holds);
}

fn traps() {
    let recover =
        |edges: &[(At, At)], bound| run(&Toy::of(&[0], edges).bound(bound).promise(Kind::Recoverable, &[], &[0], None));
    assert_eq!(only(&recover(&[(0, 1), (1, 0), (1, 1)], ANY)).verdict, Verdict::Holds);
    // Through 1 or 2 into the trap 3, 4; 5 lies within it.
    let report = recover(&[(0, 1), (1, 0), (1, 2), (2, 0), (2, 3), (1, 3), (3, 4), (4, 3), (4, 5)], ANY);
    let property = only(&report);
    assert_eq!((property.verdict, property.steps, property.loop_len), (Verdict::Violated, Some(2), None));
    let because = &property.evidence.as_ref().expect("a path").because;
    assert!(because.contains("no schedule leads out of it: 3 states"), "{because}");
    // What reaches a cut is not known to be a trap; what reaches none is one.
    assert_eq!(only(&recover(&[(0, 1), (1, 2), (2, 9)], 5)).verdict, Verdict::Incomplete);
    assert_eq!(only(&recover(&[(0, 1), (1, 2), (2, 9), (1, 3)], 5)).steps, Some(2));
    // What was not expanded is not known to be one either.
    let line = Toy::of(&[0], &[(0, 1), (1, 2), (2, 0)]).promise(Kind::Recoverable, &[], &[0], None);
    let limited = Check::of(line.clone()).spec(line.spec()).states_max(2).run();
    assert_eq!(only(&limited.cases[0]).verdict, Verdict::Incomplete);
    // Replayed where a schedule leads out of it by now, it is no trap any more.
    let table = Toy::of(&[0], &[(0, 1)]).promise(Kind::Recoverable, &[], &[0], None);
    let report = run(&table);
    let trace = only(&report).evidence.as_ref().expect("a path");
    let mended = Toy { promises: table.promises, ..Toy::of(&[0], &[(0, 1), (1, 0)]) };
    let replayed = case(&mended).replay(trace, &Options::default()).expect("the path is there still");
    assert!(!replayed.reproduces && replayed.summary().contains("some schedule leads on"), "{}", replayed.summary());
    // A trap is one though a run that is fair would never come into it: fairness forbids no finite run.
    let table = Toy::of(&[0], &[(0, 0), (0, 1)]).fair(0, FairKey::strong(FAIR));
    assert_eq!(verdict(&table.promise(Kind::Recoverable, &[], &[0], None)), "violated");
}

fn vacuous() {
    let why = |table: &Toy| {
        let report = run(table);
        let property = only(&report);
        assert_eq!(report.outcome(), Outcome::Incomplete, "{report:?}");
        (property.verdict.name(), property.why.clone().unwrap_or_default(), property.triggered)
    };
    let table = Toy::of(&[0], &[(0, 1), (1, 0)]);
    let (verdict_, words, triggered) = why(&table.clone().promise(Kind::LeadsTo, &[7], &[1], None));
    assert_eq!((verdict_, triggered), ("incomplete", Some(0)));
    assert!(words.contains("no reachable state triggers it"), "{words}");
    let (verdict_, words, _) = why(&table.clone().promise(Kind::Eventually, &[], &[1], Some("misspelt")));
    assert_eq!(verdict_, "incomplete");
    assert!(words.contains("no enabled action is under the fairness assumption \"misspelt\""), "{words}");
    // An action that is refused is not enabled.
    let mut refused = Toy::of(&[0], &[(0, 1), (1, 0)]);
    refused.push(Edge::new(0, None, ""));
    let refused = refused.fair(2, FairKey::weak(FAIR));
    assert_eq!(why(&refused.promise(Kind::Eventually, &[], &[1], Some(FAIR))).0, "incomplete");
    // How much a verdict rests on is told.
    let fair = table.clone().fair(0, FairKey::weak(FAIR)).fair(1, FairKey::strong(FAIR).of_each(1));
    let report = run(&fair.promise(Kind::LeadsTo, &[0, 1], &[1], Some(FAIR)));
    let fairness = only(&report).fairness.as_ref().expect("under fairness");
    assert_eq!((fairness.weak, fairness.strong, fairness.states, only(&report).triggered), (1, 1, 2, Some(2)));
    // A violation stands though the assumption never spoke: a variant may be broken in just that.
    assert_eq!(verdict(&table.promise(Kind::Eventually, &[], &[7], Some("never enabled"))), "violated");
}

/// The action of an edge without a name.
fn take(edge: usize) -> Take {
    Take { edge, name: "".into() }
}

fn refused() {
    let table = Toy::of(&[0], &[(0, 1), (1, 0), (1, 2), (2, 2), (0, 0)])
        .fair(2, FairKey::strong(FAIR))
        .promise(Kind::Eventually, &[], &[2], Some(FAIR))
        .promise(Kind::Eventually, &[], &[2], None);
    let judged = Judged::new(Arc::new(table.clone()), table.spec());
    let wrong = |promise: usize, initial: At, steps: &[(Option<usize>, At)], loop_start: usize| {
        let steps = steps.iter().map(|(edge, to)| (edge.map(take), *to)).collect();
        let run = Run::new(initial, steps, loop_start);
        let checked = check_lasso(&judged, table.promises[promise].temporal().name(), &run);
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(wrong(1, 0, &[(Some(0), 1), (Some(1), 0)], 0), "");
    assert_eq!(wrong(0, 0, &[(Some(4), 0)], 0), "");
    let cases = [
        (wrong(1, 1, &[(Some(1), 0), (Some(4), 0)], 1), "does not begin in an initial state"),
        (wrong(1, 0, &[(Some(0), 1), (Some(0), 1)], 1), "step 2 is no transition"),
        (wrong(1, 0, &[(Some(0), 0)], 0), "step 1 is no transition"),
        (wrong(1, 0, &[(None, 0)], 0), "must be taken"),
        (wrong(1, 0, &[(None, 1), (Some(1), 0)], 0), "changes the state without an action"),
        (wrong(1, 0, &[(Some(0), 1)], 0), "does not close"),
        (wrong(1, 0, &[(Some(4), 0)], 1), "has no loop"),
        (wrong(1, 0, &[(Some(0), 1), (Some(2), 2), (Some(3), 2)], 2), "does not break"),
        (wrong(0, 0, &[(Some(0), 1), (Some(1), 0)], 0), "strongly fair action"),
    ];
    for (said, expected) in cases {
        assert!(said.contains(expected), "{said:?} instead of {expected:?}");
    }
    let weak = Toy::of(&[0], &[(0, 0), (0, 1)]).fair(1, FairKey::weak(FAIR));
    let weak = weak.promise(Kind::Eventually, &[], &[1], Some(FAIR));
    let run = Run::new(At::MIN, vec![(Some(take(0)), At::MIN)], 0);
    let judged = Judged::new(Arc::new(weak.clone()), weak.spec());
    let said = check_lasso(&judged, weak.promises[0].temporal().name(), &run);
    assert!(matches!(said, Err(LassoError::NotWeaklyFair(_))), "{said:?}");
}

fn stopped() {
    // Interrupted once the graph is there and a component is to be refined.
    let table = Toy::of(&[0], &[(0, 1), (1, 2), (2, 0), (1, 0), (2, 3)]).fair(4, FairKey::strong(FAIR)).promise(
        Kind::Eventually,
        &[],
        &[3],
        Some(FAIR),
    );
    let graph = counterpart::explore::explore(Arc::new(table.clone()), &Budget::default()).expect("a model");
    let findings = counterpart::verdict::judge(&graph, table.spec(), &(Arc::new(|| Some(Stop::Interrupted)) as _));
    assert_eq!((findings[0].verdict, findings[0].why.as_deref()), (Verdict::Incomplete, Some("interrupted")));
}

fn names() {
    let table = Toy::of(&[0], &[(0, 1), (1, 0)]).promise(Kind::InfinitelyOften, &[], &[2], None);
    let name = table.promises[0].temporal().name().to_string();
    let check = |table: &Toy| Check::of(table.clone()).spec(table.spec());
    check(&table).violates(name.as_str()).assert();
    assert_eq!(check(&table).run().outcome(), Outcome::Unexpected);
    let listing = Case::new("toy/table", check(&table).violates(name.as_str())).listing();
    assert_eq!(
        (listing.properties[0].kind, listing.properties[0].expected),
        (Kind::InfinitelyOften, Verdict::Violated)
    );
    let twice = table.promise(Kind::InfinitelyOften, &[], &[2], None);
    assert!(check(&twice).run().cases[0].errors[0].contains("two properties are called"));
    let under = Toy::of(&[0], &[]).promise(Kind::Recoverable, &[], &[0], Some(FAIR));
    assert!(check(&under).run().cases[0].errors[0].contains("is under fairness"));
}

fn kept() {
    let table = Toy::of(&[0], &[(0, 1), (1, 2), (2, 1), (2, 3)]).fair(3, FairKey::weak(FAIR)).unforced(3);
    let table = table.promise(Kind::LeadsTo, &[1], &[3], Some(FAIR));
    let report = run(&table);
    let property = only(&report);
    let document = serde_json::to_value(property).expect("plain data");
    assert_eq!((&document["kind"], &document["steps"], &document["loop"]), (&"leads_to".into(), &3.into(), &2.into()));
    let trace = property.evidence.as_ref().expect("a lasso");
    let document: serde_json::Value = serde_json::from_str(&trace.to_json()).expect("JSON");
    assert_eq!((&document["loop"], &document["#meta"]["fairness"]), (&1.into(), &FAIR.into()));
    let shown = view::trace(trace);
    assert!(shown.contains("and again from step 1, for ever; fair under \"fair\""), "{shown}");
    assert!(shown.contains("violates leads to"), "{shown}");
    // On a model where the loop has become unfair, or the states others, it is no evidence any more.
    let stronger = Toy { promises: vec![Promise { goal: vec![2], ..table.promises[0].clone() }], ..table.clone() };
    let renamed = Trace {
        evidence: counterpart::trace::Evidence::Property {
            name: stronger.promises[0].temporal().name().into(),
            kind: "leads_to".into(),
        },
        ..trace.clone()
    };
    let replayed = case(&stronger).replay(&renamed, &Options::default()).expect("a trace of this model");
    assert!(!replayed.reproduces && !replayed.as_expected, "{}", replayed.summary());
    let other = Toy { promises: table.promises, ..Toy::of(&[0], &[(0, 1), (1, 3)]) };
    assert!(case(&other).replay(trace, &Options::default()).is_err_and(|error| error.to_string().contains("stale")));
}
