//! A check that keeps no transition tells what one tells that keeps all, where that can be told of states alone: counts,
//! verdicts and traces, by whatever means it surveys.

use std::path::Path;

use counterpart::Check;
use counterpart::check::{Case, Options};
use counterpart::explore::{Actors, Disk, Surveyor};
use counterpart::model::{CheckedModel, Kind};
use counterpart::report::{CaseReport, Outcome};
use counterpart::trace::Trace;
use counterpart::verdict::Verdict;
use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::{LossyNetwork, Network};

use crate::survey::{Counters, Drawn, Narrow, Symmetric};
use crate::toy::Toy;
use crate::{actors, claim, golden};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("surveyed::of_drawn_models_every_means_tells_what_a_check_of_all_tells", drawn),
        claim("surveyed::of_actor_systems_the_same_is_told", of_actors),
        claim("surveyed::another_actor_system_is_refused", other_actors),
        claim("surveyed::up_to_symmetry_fewer_states_tell_the_same", symmetric),
        claim("surveyed::what_speaks_of_runs_is_incomplete", of_runs),
        claim("surveyed::a_limit_leaves_what_it_leaves_of_a_check_of_all", limited),
        claim("surveyed::counts_that_differ_are_told", counted),
        claim("surveyed::what_is_packed_with_loss_is_told", with_loss),
        claim("surveyed::a_folder_that_is_not_there_is_told", no_folder),
        claim("surveyed::a_trace_is_kept_shown_and_replayed", replayed),
        claim("surveyed::it_is_said_by_what_means", said),
        #[cfg(not(feature = "cluster"))]
        claim("surveyed::a_program_without_clusters_says_so", without_clusters),
    ]
}

fn report<M: CheckedModel>(check: &Check<M>) -> CaseReport {
    check.run().cases.swap_remove(0)
}

/// A report without the name of the means: what else there is has to be the same.
fn told(report: &CaseReport) -> String {
    let mut told = serde_json::to_value(report).expect("a report can be written");
    if let Some(told) = told.as_object_mut() {
        told.remove("surveyed");
        // Of runs nothing is told.
        let of_states = |property: &serde_json::Value| property["kind"] != "eventually";
        if let Some(properties) = told["properties"].as_array_mut() {
            properties.retain(of_states);
        }
        told["as_expected"] = serde_json::Value::Null;
    }
    let traces = report.properties.iter().filter(|property| property.kind.is_safety());
    let traces: Vec<_> = traces.map(|property| property.evidence.as_ref().map(Trace::to_json)).collect();
    format!("{told:#}\n{traces:#?}")
}

fn drawn() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let disk = || Disk::in_folder(folder.path()).memory_mib(1);
    let (mut violated, mut shown) = (0, 0);
    for seed in 0..12 {
        let model = || Drawn { seed, states: 40 + 60 * seed, actions: 2 + seed % 5 };
        let wanted = report(&Check::of(model()));
        for surveyor in [Surveyor::plain(), Surveyor::packed::<1>(), Surveyor::on_disk::<1>(disk())] {
            for threads in [1, 3] {
                let found = report(&Check::of(model()).surveyed(surveyor.clone()).threads(threads));
                assert_eq!(told(&found), told(&wanted), "seed {seed}, {surveyor:?}, {threads} threads");
                assert!(found.surveyed.is_some() && found.referee.as_ref().is_some_and(|referee| referee.agrees));
            }
        }
        let of = |verdict| wanted.properties.iter().filter(|property| property.verdict == verdict).count();
        (violated, shown) = (violated + of(Verdict::Violated), shown + of(Verdict::Holds));
    }
    assert!(violated > 12 && shown > 2, "of {violated} violations and {shown} that hold nothing follows");
}

fn of_actors() {
    for (seed, lossy) in [(1, LossyNetwork::No), (2, LossyNetwork::Yes), (5, LossyNetwork::No)] {
        let model = move || actors::system(seed, &Network::new_unordered_nonduplicating([]), lossy);
        let surveyor = || Surveyor::actors(move || Actors::of(model()));
        let wanted = report(&Check::of(model()).states_max(2_000));
        let found = report(&Check::of(model()).states_max(2_000).surveyed(surveyor()));
        // The hash of stateright's networks leaves something out; that of the numbers of parts does not.
        let found = alike(found, &wanted);
        let (found_text, wanted_text) = (told(&found), told(&wanted));
        let differs = found_text.lines().zip(wanted_text.lines()).find(|(found, wanted)| found != wanted);
        assert_eq!(differs, None, "seed {seed}");
        assert!(found.states > 100, "of {} states nothing follows", found.states);
    }
}

fn alike(mut found: CaseReport, wanted: &CaseReport) -> CaseReport {
    found.hashes_alike = wanted.hashes_alike;
    found
}

/// With a property more than is asked.
fn other_actors() {
    let model = || actors::system(1, &Network::new_unordered_nonduplicating([]), LossyNetwork::No);
    let more = move || Actors::of(model().property(Expectation::Always, "one more", |_, _| true));
    let found = report(&Check::of(model()).states_max(2_000).surveyed(Surveyor::actors(more)));
    let [error] = &found.errors[..] else { panic!("{found:?}") };
    assert!(error.contains("\"one more\"") && !found.as_expected, "{error}");
}

fn symmetric() {
    for is_sound in [true, false] {
        let all = report(&Check::of(golden::two_phase_commit(5, is_sound)));
        let found = report(&Check::of(golden::two_phase_commit(5, is_sound)).surveyed(Surveyor::up_to_symmetry()));
        // Of Gray and Lamport's specification: see `golden/two_phase.rs`.
        if is_sound {
            assert_eq!((all.states, found.states), (8_832, 314));
        }
        assert!(found.states < all.states / 10 && found.depth == all.depth, "{found:?}");
        let verdicts = |report: &CaseReport| -> Vec<_> {
            report.properties.iter().map(|property| (property.name.clone(), property.verdict, property.steps)).collect()
        };
        assert_eq!(verdicts(&found), verdicts(&all));
        assert!(all.referee.is_some() && found.referee.is_none(), "stateright counts other states");
    }
    let refused = report(&Check::of(Symmetric::<true>(Counters::OfRuns)).surveyed(Surveyor::up_to_symmetry()));
    assert!(refused.errors[0].contains("\"both end\"") && !refused.as_expected, "{refused:?}");
}

/// From 0 to 1, which is the goal.
fn of_runs() {
    let toy = Toy::of(&[0], &[(0, 1)]).promise(Kind::Eventually, &[], &[1], None);
    let check = || Check::of(toy.clone()).spec(toy.spec());
    assert_eq!(report(&check()).properties[0].verdict, Verdict::Holds);
    let found = report(&check().surveyed(Surveyor::plain()));
    assert_eq!((found.properties[0].verdict, found.outcome()), (Verdict::Incomplete, Outcome::Incomplete));
    let why = found.properties[0].why.as_deref().unwrap_or_default();
    assert!(why.contains("no transition is kept") && why.contains("plain"), "{why}");
    // The model's own as well.
    let own = report(&Check::of(Drawn { seed: 1, states: 50, actions: 3 }).surveyed(Surveyor::packed::<1>()));
    let own = own.properties.iter().find(|property| property.name == "not asked of states").expect("it is reported");
    assert_eq!(own.verdict, Verdict::Incomplete);
}

fn limited() {
    let model = || Drawn { seed: 3, states: 5_000, actions: 5 };
    for (states_max, depth_max) in [(100, usize::MAX), (10_000, 3)] {
        let check = || Check::of(model()).states_max(states_max).depth_max(depth_max);
        let found = report(&check().surveyed(Surveyor::packed::<1>()));
        assert_eq!(told(&found), told(&report(&check())), "{states_max} states, {depth_max} steps");
        assert_eq!((found.exhausted, found.as_expected), (false, false));
    }
}

fn counted() {
    let check = || Check::of(golden::two_phase_commit(3, true)).surveyed(Surveyor::up_to_symmetry());
    let states = report(&check()).states;
    let edges = report(&check()).edges;
    assert!(check().counts(states, edges).run().as_expected);
    let off = report(&check().counts(states + 1, edges));
    assert_eq!(off.outcome(), Outcome::Unexpected);
}

fn with_loss() {
    let found = report(&Check::of(Narrow { begins_at: 0 }).surveyed(Surveyor::packed::<1>()));
    assert!(found.errors[0].contains("once it was packed") && !found.as_expected, "{found:?}");
}

fn no_folder() {
    let folder = tempfile::tempdir().expect("a folder for temporary files").path().join("gone");
    let found =
        report(&Check::of(Narrow { begins_at: 150 }).surveyed(Surveyor::on_disk::<1>(Disk::in_folder(&folder))));
    let whole = &found.errors[0];
    assert!(!found.as_expected, "{whole}");
    let check = Check::of(Drawn { seed: 1, states: 50, actions: 3 });
    let found = report(&check.surveyed(Surveyor::on_disk::<1>(Disk::in_folder(&folder))));
    assert!(found.errors[0].contains(&folder.display().to_string()) && !found.as_expected, "{found:?}");
}

fn replayed() {
    let case = Case::new(
        "toy/surveyed",
        Check::of(golden::two_phase_commit(3, false)).surveyed(Surveyor::up_to_symmetry()).violates(golden::AGREEMENT),
    );
    let report = case.run(&Options::default()).0;
    assert!(report.as_expected, "{report:?}");
    let shown = report.properties.iter().find(|property| property.verdict == Verdict::Violated).expect("a violation");
    let trace = shown.evidence.as_ref().expect("it is shown");
    let read = Trace::parse(Path::new("a trace"), trace.to_json().as_bytes()).expect("what is written can be read");
    let replayed = case.replay(&read, &Options::default()).expect("a trace of this model");
    assert!(replayed.reproduces && replayed.as_expected, "{}", replayed.summary());
}

fn said() {
    let surveyed = Check::of(Symmetric::<true>(Counters::Alike)).surveyed(Surveyor::up_to_symmetry()).run();
    assert_eq!(serde_json::to_value(&surveyed).expect("a report")["cases"][0]["surveyed"], "up to symmetry");
    let text = counterpart::view::report(&surveyed);
    // By hand: of the 10 pairs in order 6 have two counters that go on, and 3 have one.
    assert!(
        text.contains("10 states, 15 transitions, depth 6, surveyed (up to symmetry); stateright not asked"),
        "{text}"
    );
    let all = Check::of(Symmetric::<true>(Counters::Alike)).run();
    assert!(serde_json::to_value(&all).expect("a report")["cases"][0].get("surveyed").is_none());
}

#[cfg(not(feature = "cluster"))]
fn without_clusters() {
    let case = Case::new("toy/commit", Check::of(golden::two_phase_commit(3, true)));
    let (exit, out, err) = crate::typed(vec![case], &["check", "--engine", "cluster", "--processes", "2"]);
    assert_eq!((exit, out.as_str()), (counterpart::cli::Exit::Usage, ""));
    assert!(err.contains("was built without clusters") && err.contains("--features cluster"), "{err}");
}
