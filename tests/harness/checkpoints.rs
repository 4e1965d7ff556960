//! What a run leaves behind is gone on with by another, which ends as if nothing had happened; and what is not as it was
//! left, or is of another run, is refused by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterpart::check::{Case, Checkpoint};
use counterpart::cli::Exit;
use counterpart::explore::{
    Actors, Budget, CheckpointError, Equality, Graph, ModelError, Survey, explore, survey, survey_packed,
};
use counterpart::model::CheckedModel;
use counterpart::{Check, view};
use libtest_mimic::Trial;
use stateright::actor::{LossyNetwork, Network};
use tempfile::TempDir;

use crate::survey::Drawn;
use crate::{actors, claim, typed};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("checkpoints::a_graph_gone_on_with_from_any_part_is_the_same", graphs),
        claim("checkpoints::a_survey_gone_on_with_from_any_part_is_the_same", surveys),
        claim("checkpoints::a_survey_that_stops_keeping_states_is_gone_on_with_from_before_and_after", outgrown),
        claim("checkpoints::an_actor_system_gone_on_with_from_any_part_is_the_same", of_actors),
        claim("checkpoints::a_run_that_is_killed_over_and_over_ends_with_the_same_bytes", killed),
        claim("checkpoints::every_byte_that_is_not_as_it_was_is_refused", damaged),
        claim("checkpoints::what_is_of_another_run_is_refused", foreign),
        claim("checkpoints::a_model_that_leads_elsewhere_is_refused", contradicted),
        claim("checkpoints::the_command_line_goes_on_or_says_why_not", by_command),
    ]
}

/// A budget that leaves something behind in `folder` whenever it can, and goes on with what is there.
fn kept(folder: &Path, budget: &Budget) -> Budget {
    let checkpoint = Checkpoint::in_folder(folder).every(Duration::ZERO).resume();
    budget.clone().checkpoint(checkpoint.keeper("drawn", "seed: 1\n").expect("the folder is free"))
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    let mut parts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == "part")).collect();
    parts.sort();
    parts
}

/// A folder with the first parts of another alone.
fn beginning(of: &Path, count: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    fs::create_dir(folder.path().join("drawn")).expect("a folder can be made");
    for part in &parts(&of.join("drawn"))[..count] {
        let name = part.file_name().expect("a file has a name");
        fs::copy(part, folder.path().join("drawn").join(name)).expect("a file can be copied");
    }
    folder
}

/// Runs `told` undisturbed, leaving parts behind, and from each beginning of these: it says the same each time. Returns
/// how many parts there were.
fn from_any_part(budget: &Budget, told: impl Fn(&Budget) -> String) -> usize {
    from_parts(1, budget, told)
}

/// The same, from one part of so many.
fn from_parts(step: usize, budget: &Budget, told: impl Fn(&Budget) -> String) -> usize {
    let wanted = told(budget);
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    assert_eq!(told(&kept(folder.path(), budget)), wanted, "leaving parts behind");
    let count = parts(&folder.path().join("drawn")).len();
    for from in (0..=count).step_by(step) {
        let again = beginning(folder.path(), from);
        let threads = 1 + from % 3;
        let budget = kept(again.path(), &budget.clone().threads(threads));
        assert_eq!(told(&budget), wanted, "from part {from} of {count}, {threads} threads");
    }
    count
}

fn drawn(seed: u64) -> Drawn {
    Drawn { seed, states: 12_000, actions: 5 }
}

fn of_graph<M: CheckedModel>(graph: &Graph<M>) -> String {
    let targets = |node| graph.targets(node).collect::<Vec<_>>();
    let nodes: Vec<_> = (0..graph.node_count()).map(|node| (graph.way_to(node), targets(node))).collect();
    let states = graph.states();
    format!("{:?}\n{:?}\n{:?}\n{nodes:?}\n{states:?}", graph, graph.depth(), graph.cut_count())
}

fn graphs() {
    for equality in [Equality::Automatic, Equality::Exact, Equality::Fingerprint64, Equality::Fingerprint128] {
        let budget = Budget::default().equality(equality).threads(2);
        let told = |budget: &Budget| of_graph(&explore(Arc::new(drawn(1)), budget).expect("a model"));
        assert!(from_any_part(&budget, told) > 4, "{equality:?}");
    }
    let few = Budget::default().states_max(3_000).threads(2);
    let told = |budget: &Budget| of_graph(&explore(Arc::new(drawn(1)), budget).expect("a model"));
    assert!(from_any_part(&few, told) > 2, "a limit is met where it would be");
}

fn of_survey<M: CheckedModel>(survey: &Survey<M>) -> String {
    let found = survey.discoveries().iter().filter_map(|found| found.node);
    let paths: Vec<_> = found.map(|node| survey.path_to(node)).collect();
    format!(
        "{survey:?}\n{:?} {:?} {:?}\n{paths:?}",
        (survey.cut_count(), survey.depth(), survey.initial_count()),
        survey.stop(),
        survey.collision_odds()
    )
}

fn surveys() {
    for equality in [Equality::Automatic, Equality::Exact, Equality::Fingerprint64, Equality::Fingerprint128] {
        let budget = Budget::default().equality(equality).threads(2);
        let whole = |budget: &Budget| of_survey(&survey(Arc::new(drawn(2)), budget).expect("a model"));
        let packed = |budget: &Budget| of_survey(&survey_packed(Arc::new(drawn(2)), budget).expect("a model"));
        assert!(from_any_part(&budget, whole) > 4, "{equality:?}");
        assert!(from_any_part(&budget, packed) > 4, "{equality:?}, packed");
    }
    let deep = Budget::default().equality(Equality::Fingerprint64).depth_max(4);
    let told = |budget: &Budget| of_survey(&survey(Arc::new(drawn(2)), budget).expect("a model"));
    assert!(from_any_part(&deep, told) > 2, "a limit is met where it would be");
}

/// Up to 100,000 states are kept and compared; what is explored after that is left behind in the same row of parts.
fn outgrown() {
    let model = Arc::new(Drawn { seed: 5, states: 200_000, actions: 5 });
    let told = |budget: &Budget| {
        let survey = survey(model.clone(), budget).expect("a model");
        assert!(survey.node_count() > Equality::EXACT_STATES_MAX, "{survey:?}");
        of_survey(&survey)
    };
    assert!(from_parts(4, &Budget::default().threads(2), told) > 20);
}

/// The numbers of their parts are another process's own, and so none may be left behind.
fn of_actors() {
    let told = |budget: &Budget| {
        let model = actors::system(3, &Network::new_unordered_nonduplicating([]), LossyNetwork::No);
        let survey = Actors::of(model).survey(budget).expect("a model");
        let found = survey.discoveries().iter().filter_map(|found| found.node);
        let paths: Vec<_> =
            found.map(|node| format!("{:?}", survey.model().path(survey.path_to(node)).steps)).collect();
        format!("{survey:?}\n{:?}\n{paths:?}", (survey.cut_count(), survey.depth(), survey.stop()))
    };
    for equality in [Equality::Exact, Equality::Fingerprint64] {
        let budget = Budget::default().states_max(9_000).equality(equality).threads(2);
        assert!(from_any_part(&budget, told) > 4, "{equality:?}");
    }
}

/// The variable that makes this binary a run that leaves parts behind in a folder, and goes on with what is there.
const KEEPS: &str = "COUNTERPART_TRIAL_KEEPS";

/// The run that this process was started to be, if it was.
pub(super) fn going_on() -> Option<ExitCode> {
    let folder = std::env::var(KEEPS).ok()?;
    let (exit, out, err) = run(&folder);
    print!("{out}");
    eprint!("{err}");
    Some(exit.into())
}

fn cases() -> Vec<Case> {
    vec![Case::new("toy/drawn", Check::of(Drawn { seed: 9, states: 60_000, actions: 6 }))]
}

fn run(folder: &str) -> (Exit, String, String) {
    // So that what is printed is the same wherever it is.
    let traces = if folder == "." { "traces".into() } else { format!("{folder}/traces") };
    let kept = ["--checkpoint", folder, "--resume", "--checkpoint-every", "0"];
    let common = ["check", "--no-referee", "--threads", "2", "--traces", &traces];
    typed(cases(), &[&common[..], &kept].concat())
}

/// How often a run is killed before one is left to end. `COUNTERPART_TRIAL_KILLS` sets another number.
const KILLS: u64 = 12;

fn killed() {
    let binary = std::env::current_exe().expect("this binary is there");
    let start = |folder: &Path| {
        let mut command = Command::new(&binary);
        command.current_dir(folder).env(KEEPS, ".").env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("this binary runs")
    };
    let whole = tempfile::tempdir().expect("a folder for temporary files");
    let began = Instant::now();
    let wanted = start(whole.path()).wait_with_output().expect("it ends");
    let took_ms = began.elapsed().as_millis() as u64;
    assert!(!wanted.stdout.is_empty(), "{wanted:?}");
    let kills = std::env::var("COUNTERPART_TRIAL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (mut lasted, mut seed, mut ended) = (0, 1_u64, 0);
    let mut folder = tempfile::tempdir().expect("a folder for temporary files");
    for _ in 0..kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut run = start(folder.path());
        std::thread::sleep(Duration::from_millis((seed >> 33) % (took_ms / 2).max(1)));
        // One that has ended already is not killed, and ends as it should.
        run.kill().expect("it is ours");
        let killed = run.wait_with_output().expect("it ends");
        if killed.status.code().is_some() {
            assert_eq!((killed.stdout, killed.status), (wanted.stdout.clone(), wanted.status));
            (folder, ended) = (tempfile::tempdir().expect("a folder for temporary files"), ended + 1);
        } else if let Ok(of_case) = fs::metadata(folder.path().join("toy").join("drawn")) {
            assert!(of_case.is_dir());
            lasted = lasted.max(parts(&folder.path().join("toy").join("drawn")).len());
        }
    }
    let last = start(folder.path()).wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&last.stderr).to_string();
    assert_eq!(String::from_utf8_lossy(&last.stdout), String::from_utf8_lossy(&wanted.stdout), "{told}");
    assert_eq!(last.status, wanted.status);
    assert!(lasted > 0, "of {kills} runs none was killed after it left a part behind");
    let traces = |folder: &Path| {
        let mut kept = Vec::new();
        for entry in fs::read_dir(folder.join("traces/toy")).expect("traces are kept") {
            let path = entry.expect("readable").path();
            // What was being written when its run was killed has another name.
            if path.extension().is_some_and(|extension| extension == "json") {
                kept.push((path.file_name().map(|name| name.to_owned()), fs::read_to_string(&path).expect("readable")));
            }
        }
        kept.sort();
        kept
    };
    assert_eq!(traces(folder.path()), traces(whole.path()), "after {ended} that ended");
}

/// A small checkpoint of two parts.
fn small() -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let model = Drawn { seed: 1, states: 9, actions: 5 };
    explore(Arc::new(model), &kept(folder.path(), &Budget::default())).expect("a model");
    let parts = parts(&folder.path().join("drawn"));
    assert!(parts.len() > 1, "{parts:?}");
    (folder, parts)
}

fn refused(folder: &Path) -> CheckpointError {
    let model = Drawn { seed: 1, states: 9, actions: 5 };
    match explore(Arc::new(model), &kept(folder, &Budget::default())) {
        Err(ModelError::Checkpoint(error)) => error,
        Err(error) => panic!("refused for another reason: {error}"),
        Ok(_) => panic!("gone on with"),
    }
}

fn damaged() {
    let (folder, parts) = small();
    for part in &parts[..2] {
        let whole = fs::read(part).expect("readable");
        let wrong = |bytes: &[u8], told: String| {
            fs::write(part, bytes).expect("a file can be written");
            match refused(folder.path()) {
                CheckpointError::Damaged { path, .. } => assert_eq!(Path::new(&path), part, "{told}"),
                other => panic!("{told}: {other}"),
            }
        };
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            wrong(&flipped, format!("byte {at} flipped"));
            wrong(&whole[..at], format!("cut off at {at}"));
        }
        wrong(&[&whole[..], &[0]].concat(), "one byte more".into());
        fs::write(part, &whole).expect("a file can be written");
    }
    fs::copy(&parts[0], &parts[1]).expect("a file can be copied");
    assert!(matches!(refused(folder.path()), CheckpointError::Damaged { .. }), "a part twice");
    fs::remove_file(&parts[0]).expect("a file can be removed");
    assert!(matches!(refused(folder.path()), CheckpointError::Damaged { .. }), "the first is missing");
}

fn foreign() {
    let (folder, parts) = small();
    let model = || Arc::new(Drawn { seed: 1, states: 9, actions: 5 });
    let told = |explored: Result<Graph<Drawn>, ModelError>| explored.expect_err("refused").to_string();
    let wide = kept(folder.path(), &Budget::default().equality(Equality::Fingerprint128));
    let error = told(explore(model(), &wide));
    assert!(error.contains(r#"there "equality: Automatic", here "equality: Fingerprint128""#), "{error}");
    drop(wide);
    let error = survey(model(), &kept(folder.path(), &Budget::default())).expect_err("refused").to_string();
    assert!(error.contains(r#"there "kept: with transitions", here "kept: without transitions""#), "{error}");
    let checkpoint = Checkpoint::in_folder(folder.path()).resume();
    let keeper = checkpoint.keeper("drawn", "seed: 2\n").expect("the folder is free");
    let error = told(explore(model(), &Budget::default().checkpoint(keeper)));
    assert!(error.contains(r#"there "seed: 1", here "seed: 2""#), "{error}");
    assert!(error.starts_with(&parts[0].display().to_string()), "{error}");
    fs::rename(folder.path().join("drawn"), folder.path().join("other")).expect("a folder can be renamed");
    let keeper = checkpoint.keeper("other", "seed: 1\n").expect("the folder is free");
    let error = told(explore(model(), &Budget::default().checkpoint(keeper)));
    assert!(error.contains(r#"there "case: drawn", here "case: other""#), "{error}");
    let occupied = Checkpoint::in_folder(folder.path()).keeper("other", "").err();
    assert!(matches!(occupied, Some(CheckpointError::Occupied { .. })), "{occupied:?}");
    let held = checkpoint.keeper("other", "").expect("the folder is free");
    let in_use = checkpoint.keeper("other", "").err();
    assert!(matches!(in_use, Some(CheckpointError::InUse { .. })), "{in_use:?}");
    drop(held);
}

/// Who keeps a checkpoint says what it is of. If that is wrong the model is found out as soon as it leads elsewhere.
fn contradicted() {
    for swept in [false, true] {
        let equality = if swept { Equality::Fingerprint64 } else { Equality::Exact };
        let (folder, budget) = (tempfile::tempdir().expect("a folder"), Budget::default().equality(equality));
        survey(Arc::new(drawn(1)), &kept(folder.path(), &budget)).expect("a model");
        let error = survey(Arc::new(drawn(2)), &kept(folder.path(), &budget)).expect_err("refused");
        assert!(matches!(error, ModelError::Checkpoint(CheckpointError::Contradicted { .. })), "{error}");
        let less = budget.states_max(1_000);
        let error = survey(Arc::new(drawn(1)), &kept(folder.path(), &less)).expect_err("refused");
        assert!(matches!(error, ModelError::Checkpoint(CheckpointError::BeyondLimit { .. })), "{error}");
    }
}

fn by_command() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().display().to_string();
    let (exit, out, err) = run(&path);
    assert_eq!(exit, Exit::Unexpected, "{out}");
    assert!(err.contains("toy/drawn: no checkpoint yet, begins at the beginning"), "{err}");
    let (again, out_again, err) = run(&path);
    assert_eq!((again, &out_again), (exit, &out));
    assert!(err.contains("toy/drawn: goes on with a checkpoint of"), "{err}");
    let (exit, out, err) = typed(cases(), &["check", "--checkpoint", &path]);
    assert_eq!((exit, out.as_str()), (Exit::Trace, ""), "{err}");
    assert!(err.contains("there is a checkpoint already; go on with it (--resume)"), "{err}");
    let part = &parts(&folder.path().join("toy").join("drawn"))[0];
    fs::write(part, "nonsense, as long as a checksum").expect("a file can be written");
    let (exit, out, err) = run(&path);
    assert_eq!(exit, Exit::Trace, "{out}");
    assert!(err.contains("the checkpoint is damaged: its checksum is not that of its content"), "{err}");
    let check = Check::of(Drawn { seed: 1, states: 9, actions: 5 });
    let (plain, folder) = (check.explore(), tempfile::tempdir().expect("a folder for temporary files"));
    let kept = check.checkpoint(Checkpoint::in_folder(folder.path()).every(Duration::ZERO).resume());
    for _ in 0..2 {
        assert_eq!(view::report(&kept.explore()), view::report(&plain));
    }
}
