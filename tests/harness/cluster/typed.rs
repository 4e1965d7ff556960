//! `check --engine cluster`: processes that a file names, and processes that are started here.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};

use counterpart::Check;
use counterpart::check::Case;
use counterpart::cli::Exit;
use counterpart::model::Kind;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::survey::{Counters, Narrow, Symmetric};
use crate::toy::Toy;
use crate::{claim, golden, typed};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("cluster::check_by_a_file_of_hosts_tells_in_each_process_what_one_tells", by_hosts),
        claim("cluster::check_starts_processes_and_tells_once", started),
        claim("cluster::check_says_what_is_not_judged_and_not_run", not_judged),
        claim("cluster::check_of_a_survey_that_is_none_of_a_cluster_is_refused", other_means),
        claim("cluster::check_refuses_what_makes_no_cluster", no_cluster),
        claim("cluster::check_of_two_cases_at_once_is_refused_by_name", two_cases),
    ]
}

/// Set for a process that is the program, with these cases.
const PROGRAM: &str = "COUNTERPART_TRIAL_PROGRAM";

pub(in crate::cluster) fn program() -> Option<ExitCode> {
    std::env::var_os(PROGRAM)?;
    Some(counterpart::cli::main(cases()))
}

fn cases() -> Vec<Case> {
    let toy = Toy::of(&[0], &[(0, 1)]).promise(Kind::Eventually, &[], &[1], None);
    vec![
        Case::new("toy/commit", Check::of(golden::two_phase_commit(5, true))),
        // As the first, under another name.
        Case::new("toy/again", Check::of(golden::two_phase_commit(5, true))),
        Case::new("toy/early", Check::of(golden::two_phase_commit(5, false)).violates(golden::AGREEMENT)),
        Case::new("toy/runs", Check::of(toy.clone()).spec(toy.spec()).not_run("a daemon", "it is not here")),
    ]
}

/// Of a report in JSON, what has to be the same in one process and in several.
fn told(json: &str) -> Value {
    let mut report: Value = serde_json::from_str(json).expect("a document");
    let mut case = report["cases"][0].take();
    case.as_object_mut().expect("a case").remove("surveyed");
    case
}

fn alone(case: &str, traces: &Path) -> (Exit, Value) {
    let (exit, out, _) = typed(cases(), &["check", case, "--json", "--traces", &traces.display().to_string()]);
    (exit, told(&out))
}

/// Addresses of this machine that nobody listens at.
fn hosts(processes: usize) -> String {
    let listeners: Vec<_> = (0..processes).map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a port")).collect();
    let addresses = listeners.iter().map(|listener| listener.local_addr().expect("it has one").to_string());
    addresses.collect::<Vec<_>>().join("\n")
}

/// What each of two processes says that check these cases together.
fn together(cases_of: [&'static str; 2], folder: &Path) -> Vec<(Exit, String, String)> {
    let file = folder.join("hosts");
    std::fs::write(&file, format!("# The machines\n{}\n", hosts(2))).expect("it can be written");
    let file = file.display().to_string();
    std::thread::scope(|scope| {
        let process = |(process, case): (usize, &'static str)| {
            let (file, traces) = (&file, folder.join(process.to_string()));
            scope.spawn(move || {
                let (process, traces) = (process.to_string(), traces.display().to_string());
                let typed_here = ["check", case, "--json", "--engine", "cluster", "--hosts", file, "--process"];
                let rest = [&*process, "--threads", "1", "--traces", &traces];
                typed(cases(), &[&typed_here[..], &rest].concat())
            })
        };
        let all: Vec<_> = cases_of.into_iter().enumerate().map(process).collect();
        all.into_iter().map(|process| process.join().expect("no process panics")).collect()
    })
}

fn by_hosts() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    for case in ["toy/commit", "toy/early"] {
        let wanted = alone(case, &folder.path().join("alone"));
        for (exit, out, err) in together([case, case], folder.path()) {
            assert_eq!((exit, told(&out)), wanted, "{case}: {err}");
        }
        let trace = |of: &str| std::fs::read(folder.path().join(of).join(trace_of(case))).ok();
        assert_eq!(trace("alone").is_some(), case == "toy/early");
        assert_eq!((trace("0"), trace("1")), (trace("alone"), trace("alone")));
    }
}

/// Both have a model of the same type.
fn two_cases() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    for (exit, out, err) in together(["toy/commit", "toy/again"], folder.path()) {
        assert_eq!(exit, Exit::Incomplete, "{err}");
        assert!(out.contains("does something else: what is said of it") && out.contains("toy/again"), "{out}");
    }
}

fn trace_of(case: &str) -> String {
    format!("{case}--no-manager-commits-while-another-aborts.json")
}

fn started() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let traces = folder.path().join("together");
    let mut command = Command::new(std::env::current_exe().expect("a test has a binary"));
    command.env(PROGRAM, "1").args(["check", "toy/early", "--json", "--engine", "cluster", "--processes", "3"]);
    let output = command.arg("--traces").arg(&traces).output().expect("this binary runs");
    let err = String::from_utf8_lossy(&output.stderr);
    let (exit, wanted) = alone("toy/early", &folder.path().join("alone"));
    assert_eq!(exit, Exit::AsExpected);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert_eq!(told(&String::from_utf8_lossy(&output.stdout)), wanted);
    assert_eq!(err.matches("seed 0").count(), 1, "the others say nothing: {err}");
    let trace = |of: &str| std::fs::read(folder.path().join(of).join(trace_of("toy/early"))).expect("it is kept");
    assert_eq!(trace("together"), trace("alone"));
}

/// One process is a cluster as well.
fn not_judged() {
    let arguments = ["check", "toy/runs", "--engine", "cluster", "--processes", "1"];
    let (exit, out, err) = typed(cases(), &arguments);
    assert_eq!(exit, Exit::Incomplete, "{out}{err}");
    assert!(out.contains("no transition is kept of what is surveyed (in a cluster)"), "{out}");
    let bound = Toy::of(&[0], &[(0, 1)]);
    let check = Check::of(bound).interface(crate::toy::Face::default());
    let check = check.subject("mine", counterpart::conform::Tour::new().of(|| Nobody));
    let (_, out, err) =
        typed(vec![Case::new("toy/bound", check)], &["check", "--engine", "cluster", "--processes", "1"]);
    assert!(out.contains("mine") && out.contains("nothing is run alongside in a cluster"), "{out}{err}");
}

/// Is never made.
struct Nobody;

impl counterpart::Counterpart<crate::toy::Face> for Nobody {
    fn apply(&mut self, _: &crate::toy::Word) -> crate::toy::Say {
        unreachable!("nothing is run alongside in a cluster")
    }
}

fn other_means() {
    use counterpart::explore::Surveyor;

    let cluster = ["check", "--engine", "cluster", "--processes", "1"];
    let symmetric = Check::of(Symmetric::<true>(Counters::Alike)).surveyed(Surveyor::up_to_symmetry());
    let (exit, out, _) = typed(vec![Case::new("toy/symmetric", symmetric)], &cluster);
    assert_eq!(exit, Exit::Incomplete);
    assert!(out.contains("the check is surveyed up to symmetry: it is not explored in a cluster"), "{out}");
    // What is packed is packed there as well, and what is packed with loss is found out.
    let narrow = Check::of(Narrow { begins_at: 0 }).surveyed(Surveyor::packed::<1>());
    let (exit, out, _) = typed(vec![Case::new("toy/narrow", narrow)], &cluster);
    assert_eq!(exit, Exit::Incomplete);
    assert!(out.contains("once it was packed"), "{out}");
}

fn no_cluster() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("hosts");
    std::fs::write(&file, hosts(2)).expect("it can be written");
    let file = file.display().to_string();
    let cases_of = |arguments: &[&str]| typed(cases(), &[&["check"], arguments].concat());
    for (arguments, words) in [
        (&["toy/runs", "--engine", "cluster"][..], "add --processes N"),
        (&["toy/runs", "--processes", "2"], "add --engine cluster"),
        (&["--engine", "cluster", "--processes", "2"], "a cluster explores one case, and 4 are named"),
        (&["toy/runs", "--engine", "cluster", "--processes", "2", "--checkpoint", "there"], "keeps no checkpoint"),
        (&["toy/runs", "--engine", "cluster", "--hosts", "/no/such", "--process", "0"], "/no/such"),
        (&["toy/runs", "--engine", "cluster", "--hosts", &file, "--process", "2"], "there are 2 addresses"),
        (&["toy/runs", "--engine", "cluster", "--hosts", &file], "--process"),
        (&["toy/runs", "--engine", "cluster", "--process", "1"], "--hosts"),
        (&["toy/runs", "--engine", "cluster", "--processes", "0"], "--processes"),
        (&["toy/runs", "--engine", "cloud", "--processes", "2"], "cloud"),
    ] {
        let (exit, out, err) = cases_of(arguments);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
}
