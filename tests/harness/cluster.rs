//! Several processes tell what one tells: counts, numbers of nodes, findings and paths, byte for byte. Those that do not
//! belong together part before anything is explored, and one that dies takes the verdict with it.
//!
//! Where nothing else is said the processes of a trial are threads of this one, each with sockets of its own; who is killed
//! is a process.

mod models;
#[cfg(unix)]
mod typed;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use counterpart::explore::{
    Actors, Budget, ClusterConfig, ClusterError, ClusterSurvey, Equality, ModelError, Stop, survey, survey_in_cluster,
    survey_packed_in_cluster,
};
use counterpart::model::CheckedModel;
use libtest_mimic::Trial;
use stateright::actor::{LossyNetwork, Network};

#[cfg(unix)]
use self::models::Waits;
use self::models::{Broken, Counters, Salted, Vague};
use crate::survey::Drawn;
use crate::{actors, claim, golden};

pub(super) fn trials() -> Vec<Trial> {
    let trials = vec![
        claim("cluster::of_drawn_models_the_same_is_told_as_by_one_process", drawn),
        claim("cluster::the_same_is_told_of_two_phase_commit_and_of_actors", named),
        claim("cluster::states_that_differ_and_have_one_hash_are_not_divided", hashes_alike),
        claim("cluster::limits_leave_what_they_leave_in_one_process", limited),
        claim("cluster::a_violation_at_the_last_level_is_found_and_its_path_is_shortest", last_level),
        claim("cluster::all_workers_have_a_share_and_a_state_costs_few_questions", shares),
        claim("cluster::hashes_that_differ_later_are_told_as_more_states", salted_later),
        claim("cluster::processes_that_differ_part_by_name", mismatched),
        claim("cluster::what_is_not_explored_in_a_cluster_is_refused_by_name", refused),
        claim("cluster::hosts_that_are_none_and_processes_that_do_not_come_are_told", absent),
        claim("cluster::what_is_wrong_with_a_model_is_told_by_all", wrong),
        claim("cluster::an_interrupt_of_one_ends_all", interrupted),
        #[cfg(unix)]
        claim("cluster::processes_of_their_own_tell_the_same", apart),
        #[cfg(unix)]
        claim("cluster::a_process_that_is_killed_ends_the_others_without_a_verdict", killed),
    ];
    #[cfg(unix)]
    let trials = trials.into_iter().chain(typed::trials()).collect();
    trials
}

const WAIT: Duration = Duration::from_secs(30);

type Outcome<M> = Result<ClusterSurvey<M>, ClusterError>;

/// Runs `work` of each of these as a process of its own would.
fn together<T: Send>(configs: Vec<ClusterConfig>, work: impl Fn(usize, ClusterConfig) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let all = configs.into_iter().enumerate();
        let all: Vec<_> = all.map(|(process, config)| scope.spawn(move || work(process, config.wait(WAIT)))).collect();
        all.into_iter().map(|process| process.join().expect("no process panics")).collect()
    })
}

fn loopback(processes: usize) -> Vec<ClusterConfig> {
    ClusterConfig::on_loopback(processes).expect("this machine has ports")
}

/// What a survey in one process tells, and what one in a cluster tells: all of it, as text.
fn of_one<M: CheckedModel>(model: M, budget: &Budget) -> String {
    let survey = survey(Arc::new(model), budget).expect("a model");
    let path = |node: usize| {
        let path = survey.path_to(node);
        format!("{:?} {:?}, {} steps", path.initial, path.steps, survey.depth_of(node))
    };
    let paths: Vec<_> = survey.discoveries().iter().map(|found| found.node.map(path)).collect();
    let counts = (survey.node_count(), survey.edge_count(), survey.cut_count(), survey.depth());
    format!("{counts:?} {:?} {:?} {:?} {paths:?}", survey.stop(), survey.incomplete(), survey.discoveries())
}

fn of_many<M: CheckedModel>(survey: &ClusterSurvey<M>) -> String {
    let found = survey.discoveries();
    let path = |(property, node): (usize, Option<usize>)| {
        let path = survey.path_to(property)?;
        Some(format!("{:?} {:?}, {} steps", path.initial, path.steps, survey.depth_of(node?)))
    };
    let paths: Vec<_> = found.iter().map(|found| found.node).enumerate().map(path).collect();
    let counts = (survey.node_count(), survey.edge_count(), survey.cut_count(), survey.depth());
    format!("{counts:?} {:?} {:?} {found:?} {paths:?}", survey.stop(), survey.incomplete())
}

/// What one, two and three processes tell is what one tells that is none of a cluster. Returns the last of it.
#[track_caller]
fn alike<M: CheckedModel>(make: impl Fn() -> M + Sync, budget: &Budget, divided_from: usize) -> ClusterSurvey<M> {
    let wanted = of_one(make(), budget);
    let mut last = None;
    for (processes, threads) in [(1, 1), (1, 3), (2, 1), (3, 2)] {
        let budget = budget.clone().threads(threads);
        let told = together(loopback(processes), |_, config| {
            survey_in_cluster(Arc::new(make()), &budget, config.divided_from(divided_from)).expect("a model")
        });
        for survey in told {
            assert_eq!(of_many(&survey), wanted, "{processes} processes of {threads} threads");
            last = Some(survey);
        }
    }
    last.expect("a survey")
}

fn model(seed: u64, states: u64, actions: u64) -> Drawn {
    Drawn { seed, states, actions }
}

fn drawn() {
    let (mut states, mut findings) = (0, 0);
    for seed in 0..12 {
        let divided_from = [0, 1, 20, 300][seed as usize % 4];
        let make = || model(seed, 50 + 400 * seed, 2 + seed % 5);
        let told = alike(make, &Budget::default(), divided_from);
        states += told.node_count();
        findings += told.discoveries().iter().filter(|found| found.node.is_some()).count();
        assert!(told.cut_count() > 0 || told.node_count() < 30, "some are cut");
    }
    assert!(states > 4_000 && findings > 12, "of {states} states and {findings} findings nothing follows");
    for equality in [Equality::Fingerprint64, Equality::Fingerprint128] {
        let told = alike(|| model(3, 20_000, 6), &Budget::default().equality(equality), 20);
        assert!(told.node_count() > 10_000 && !told.shares().contains(&0), "{told:?}");
    }
    let packed = together(loopback(2), |_, config| {
        survey_packed_in_cluster(Arc::new(model(3, 20_000, 6)), &Budget::default(), config.divided_from(9))
    });
    for survey in packed {
        assert_eq!(of_many(&survey.expect("a model")), of_one(model(3, 20_000, 6), &Budget::default()), "packed");
    }
}

fn named() {
    let commit = || golden::two_phase_commit(5, true);
    // Of Gray and Lamport's specification: see `golden/two_phase.rs`.
    assert_eq!(alike(commit, &Budget::default(), 100).node_count(), 8_832);
    let told = alike(|| golden::two_phase_commit(4, false), &Budget::default(), 10);
    assert!(told.discoveries().iter().any(|found| found.node.is_some_and(|node| node > 10)), "{told:?}");
    for seed in 0..2 {
        let system = || actors::system(seed, &Network::new_unordered_nonduplicating([]), LossyNetwork::Yes);
        // The hash of stateright's states leaves out what actors draw at random: compared by `==` they are more.
        let budget = Budget::default().states_max(3_000).equality(Equality::Fingerprint64);
        let told = alike(system, &budget, 50);
        assert!(told.node_count() > 50 && !told.shares().contains(&0), "{told:?}");
    }
}

/// Fingerprints would take the two for one; compared they are 403, the counts from 0 to 402.
fn hashes_alike() {
    let told = alike(|| Vague, &Budget::default(), 20);
    assert_eq!((told.node_count(), told.shares(), told.common_count()), (403, Vec::new(), 403));
}

fn limited() {
    for states_max in [1, 2, 3, 10, 999, 1_000, 10_000] {
        alike(|| model(3, 20_000, 6), &Budget::default().states_max(states_max), 2);
    }
    for depth_max in [0, 1, 3, 6] {
        alike(|| model(3, 20_000, 6), &Budget::default().depth_max(depth_max), 2);
    }
}

fn last_level() {
    let told = alike(|| Counters(4), &Budget::default(), 100);
    // By hand: each counter makes nine steps, and of ten states of it nine have one more.
    assert_eq!((told.node_count(), told.edge_count(), told.depth()), (10_000, 36_000, 36));
    assert_eq!((told.discoveries()[0].node, told.incomplete()), (Some(9_999), None));
    assert_eq!(told.path_to(0).map(|path| path.steps.len()), Some(36));
}

/// Of what the two workers expand neither has less than a third. A worker asks another one about a state at most as often
/// as there are transitions to it, and less than twice on the whole: it remembers what it has met.
fn shares() {
    let told = together(loopback(2), |_, config| {
        survey_in_cluster(Arc::new(Counters(5)), &Budget::default(), config.divided_from(1_000)).expect("a model")
    });
    for survey in &told {
        let shares = survey.shares();
        let expanded: usize = shares.iter().sum();
        assert!(shares.iter().all(|own| *own > expanded / 3), "{shares:?} of {expanded}");
        assert_eq!(expanded + survey.common_count(), 100_000, "each state is in one share");
        assert!(survey.asked() < 2 * 100_000, "{} questions", survey.asked());
        // A fingerprint has 8 bytes.
        assert!(survey.bytes_sent() > 8 * survey.asked() / 3 && survey.bytes_sent() < 24 * survey.asked());
    }
}

/// Hashes that are the same in the beginning and differ later are not noticed, as the documentation says: here states are
/// counted twice.
fn salted_later() {
    let told = |salts: [u64; 2]| {
        let told = together(loopback(2), |process, config| {
            let model = Salted { salt: salts[process], from: 1_000 };
            survey_in_cluster(Arc::new(model), &Budget::default(), config.divided_from(100)).expect("a model")
        });
        told[0].node_count()
    };
    let wanted = survey(Arc::new(Salted { salt: 1, from: 1_000 }), &Budget::default()).expect("a model").node_count();
    assert_eq!(told([1, 1]), wanted);
    assert!(told([1, 2]) > wanted);
}

#[track_caller]
fn differ<M: CheckedModel>(told: Vec<Outcome<M>>, what: &str) {
    for told in told {
        match told {
            Err(ClusterError::Differs { what: named, ours, theirs, .. }) => {
                assert_eq!(named, what);
                assert_ne!(ours, theirs);
            }
            Err(other) => panic!("{what}: {other}"),
            Ok(survey) => panic!("{what}: {survey:?}"),
        }
    }
}

fn mismatched() {
    let of = |salts: [u64; 2]| {
        together(loopback(2), |process, config| {
            let model = Salted { salt: salts[process], from: 10 };
            survey_in_cluster(Arc::new(model), &Budget::default(), config.divided_from(100))
        })
    };
    assert!(of([1, 1]).iter().all(Result::is_ok));
    differ(of([1, 2]), "what the exploration begins with");
    let with = |budget: fn(usize) -> Budget, divided_from: fn(usize) -> usize, what: fn(usize) -> String| {
        together(loopback(2), |process, config| {
            let config = config.divided_from(divided_from(process)).describing(what(process));
            survey_in_cluster(Arc::new(model(3, 900, 6)), &budget(process), config)
        })
    };
    let plain = (|_| Budget::default(), |_| 5, |_| "seed: 3".to_string());
    assert!(with(plain.0, plain.1, plain.2).iter().all(Result::is_ok));
    differ(with(|process| Budget::default().states_max(70 + process), plain.1, plain.2), "the limit on states");
    differ(with(|process| Budget::default().depth_max(5 + process), plain.1, plain.2), "the limit on steps");
    differ(with(|process| Budget::default().threads(1 + process), plain.1, plain.2), "the number of threads");
    differ(with(plain.0, |process| 5 + process, plain.2), "the level that is divided");
    differ(with(plain.0, plain.1, |process| format!("seed: {process}")), "what is said of it");
    let other = together(loopback(2), |process, config| match process {
        0 => survey_in_cluster(Arc::new(model(3, 900, 6)), &Budget::default(), config).map(|_| ()),
        _ => survey_in_cluster(Arc::new(Counters(2)), &Budget::default(), config).map(|_| ()),
    });
    for told in other {
        let told = told.expect_err("other models").to_string();
        assert!(told.contains("Drawn") && told.contains("Counters"), "{told}");
    }
}

fn refused() {
    let config = || loopback(1).remove(0);
    let exact = survey_in_cluster(Arc::new(model(1, 9, 3)), &Budget::default().equality(Equality::Exact), config());
    assert!(matches!(exact, Err(ClusterError::Refused { .. })), "{exact:?}");
    let system = actors::system(3, &Network::new_unordered_nonduplicating([]), LossyNetwork::No);
    let numbered = survey_in_cluster(Arc::new(Actors::of(system)), &Budget::default(), config());
    assert!(matches!(numbered, Err(ClusterError::Refused { .. })), "its numbers are its own");
}

fn absent() {
    let none = |addresses: &[&str], process| {
        let config = ClusterConfig::new(addresses.iter().map(ToString::to_string), process);
        match config {
            Err(ClusterError::Hosts { what }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(none(&["a:1", "b"], 0), r#"address 1, "b", is not one"#);
    assert_eq!(none(&["a:1", "b:70000"], 0), r#"address 1, "b:70000", is not one"#);
    assert_eq!(none(&["a:1", "a:1"], 0), r#"address 1, "a:1", is there twice"#);
    assert_eq!(none(&["a:1"], 1), "there are 1 addresses and no process 1");
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "# two of them\n\n127.0.0.1:9 \n one\n").expect("it can be written");
    let told = ClusterConfig::from_file(file.path(), 0).expect_err("a line is no address").to_string();
    assert!(told.contains(&file.path().display().to_string()) && told.contains("\"one\""), "{told}");
    let told = ClusterConfig::from_file(&file.path().with_extension("not there"), 0).expect_err("there is none");
    assert!(told.to_string().contains("not there"), "{told}");

    let taken = TcpListener::bind("127.0.0.1:0").expect("this machine has ports");
    let address = taken.local_addr().expect("it has one").to_string();
    let config = ClusterConfig::new([address.clone()], 0).expect("an address");
    let told = survey_in_cluster(Arc::new(model(1, 9, 3)), &Budget::default(), config);
    assert!(matches!(&told, Err(ClusterError::Address { address: named, .. }) if *named == address), "{told:?}");

    for process in [0, 1] {
        let config = loopback(2).swap_remove(process).wait(Duration::from_millis(50));
        let missing = config.addresses()[1 - process].clone();
        let told = survey_in_cluster(Arc::new(model(1, 9, 3)), &Budget::default(), config);
        match told {
            Err(ClusterError::Absent { process: named, address, .. }) => {
                assert_eq!((named, address), (1 - process, missing));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn wrong() {
    let told = together(loopback(3), |_, config| {
        let config = config.divided_from(50);
        survey_in_cluster(Arc::new(Broken(3_210)), &Budget::default(), config).expect_err("it breaks")
    });
    let own = |told: &&ClusterError| matches!(told, ClusterError::Model(ModelError::Panics { state, path, .. }) if state == "3210" && path.len() == 6);
    let of_another = |told: &&ClusterError| matches!(told, ClusterError::Elsewhere { words, .. } if words.contains("it breaks") && words.contains("3210"));
    assert_eq!((told.iter().filter(own).count(), told.iter().filter(of_another).count()), (1, 2), "{told:?}");
}

fn interrupted() {
    let told = together(loopback(2), |process, config| {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let times = move || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let interrupt = move || (process == 1 && times() == 9).then(|| Stop::Time("9 questions".into()));
        survey_in_cluster(Arc::new(Counters(4)), &Budget::default().interrupt(interrupt), config.divided_from(5))
            .expect("a model")
    });
    assert_eq!(of_many(&told[0]), of_many(&told[1]));
    assert_eq!(told[0].stop(), Some(&Stop::Time("9 questions".into())));
    assert!(told[0].incomplete().is_some() && told[0].node_count() < 10_000, "{:?}", told[0]);
}

/// In a process of this variable the binary is a process of a cluster: its number, what it explores, and addresses. What it
/// listens with is its standard input.
#[cfg(unix)]
const MEMBER: &str = "COUNTERPART_TRIAL_MEMBER";

#[cfg(unix)]
pub(super) fn member() -> Option<ExitCode> {
    use std::os::fd::AsFd;

    if let Some(ended) = typed::program() {
        return Some(ended);
    }
    let asked = std::env::var(MEMBER).ok()?;
    let [process, what, addresses] = asked.splitn(3, ' ').collect::<Vec<_>>()[..] else { return None };
    let process = process.parse().expect("a number");
    let listener = std::io::stdin().as_fd().try_clone_to_owned().map(TcpListener::from).expect("it has an input");
    let config = ClusterConfig::new(addresses.split(' ').map(String::from), process).expect("addresses");
    let config = config.listening(listener).wait(WAIT).divided_from(50);
    let told = match what {
        "drawn" => survey_in_cluster(Arc::new(model(3, 20_000, 6)), &Budget::default().threads(2), config)
            .map(|survey| of_many(&survey)),
        _ => survey_in_cluster(Arc::new(Waits((what == "waits").then_some(5_000))), &Budget::default(), config)
            .map(|survey| of_many(&survey)),
    };
    Some(match told {
        Ok(told) => {
            print!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{error}");
            ExitCode::FAILURE
        }
    })
}

#[cfg(unix)]
fn start(config: &mut ClusterConfig, process: usize, what: &str) -> std::process::Child {
    let listener = config.take_listener().expect("it listens");
    let mut command = Command::new(std::env::current_exe().expect("a test has a binary"));
    command.env(MEMBER, format!("{process} {what} {}", config.addresses().join(" ")));
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener))).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("this binary runs")
}

#[cfg(unix)]
fn apart() {
    let mut all = Vec::new();
    for (process, mut config) in loopback(3).into_iter().enumerate() {
        all.push(start(&mut config, process, "drawn"));
    }
    let wanted = of_one(model(3, 20_000, 6), &Budget::default());
    for process in all {
        let output = process.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success());
    }
}

#[cfg(unix)]
fn killed() {
    let mut all = Vec::new();
    let mut configs = loopback(3);
    let address = configs[1].addresses()[1].clone();
    for (process, config) in configs.iter_mut().enumerate() {
        all.push(start(config, process, if process == 1 { "waits" } else { "counts" }));
    }
    drop(configs);
    let mut waits = all.remove(1);
    let mut line = String::new();
    BufReader::new(waits.stdout.as_mut().expect("it is read")).read_line(&mut line).expect("it says something");
    assert_eq!(line, "it waits\n", "{}", {
        let mut told = String::new();
        let _ = waits.stderr.take().map(|mut stderr| stderr.read_to_string(&mut told));
        told
    });
    waits.kill().expect("it is ours");
    waits.wait().expect("it ends");
    let mut told = Vec::new();
    for process in all {
        let output = process.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &b""[..]), "no verdict");
        told.push(String::from_utf8_lossy(&output.stderr).to_string());
    }
    // Where the machine is slow, the other one may come to take the first to notice for the one that was lost.
    let wanted = format!("process 1 ({address}) ended before the run did: there is no verdict; begin again");
    assert!(told.contains(&wanted), "{told:?}");
    assert!(
        told.iter().all(|told| told.ends_with("ended before the run did: there is no verdict; begin again")),
        "{told:?}"
    );
}
