//! A cluster that decides nothing conforms too: how much the walks of `omnipaxos` decide is measured, and when it can.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use counterpart::conform::Walk;
use counterpart::{Check, Counterpart};
use counterpart_models::flp::replicated_log::conformance::{Answer, Input, LogInterface, LogSpec};
use counterpart_models::flp::replicated_log::model::{Node, Reader, ReplicatedLog, nodes};
use counterpart_models::flp::replicated_log::peers::{Cluster, Misuse};
use counterpart_models::flp::replicated_log::{STEPS_MAX, WALKS, one_stops, stormy};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("omnipaxos::walks_decide_and_change_leaders", walks_decide),
        claim("omnipaxos::walks_decide_though_one_stops", walks_decide_though_one_stops),
        claim("omnipaxos::two_of_three_decide", two_of_three_decide),
        claim("omnipaxos::one_of_three_never_decides", one_of_three_never_decides),
        claim("omnipaxos::an_append_that_is_forwarded_may_be_lost", a_forwarded_append_may_be_lost),
    ]
}

/// What came of all walks.
#[derive(Default)]
struct Measured {
    walks: AtomicUsize,
    walks_that_decide: AtomicUsize,
    /// Entries of the longest decided log, over all walks.
    decided: AtomicUsize,
    /// A node leads that is not the one that led before.
    leader_changes: AtomicUsize,
    /// Those while a link was cut.
    leader_changes_partitioned: AtomicUsize,
    /// Every answer that was not nothing, folded: two runs that agree in it agree in what was decided when.
    answers: Mutex<u64>,
}

/// The cluster of the walks, and a look at it after each step.
struct Watched {
    cluster: Cluster,
    decided: usize,
    leader: Option<Node>,
    measured: Arc<Measured>,
}

impl Counterpart<LogInterface> for Watched {
    fn apply(&mut self, input: &Input) -> Answer {
        let answer = self.cluster.apply(input);
        self.decided = nodes().map(|node| self.cluster.decided_count(node)).fold(self.decided, usize::max);
        let leader = self.cluster.leader();
        if leader.is_some() && leader != self.leader {
            if self.leader.is_some() {
                self.measured.leader_changes.fetch_add(1, Ordering::Relaxed);
                let partitioned = usize::from(self.cluster.is_partitioned());
                self.measured.leader_changes_partitioned.fetch_add(partitioned, Ordering::Relaxed);
            }
            self.leader = leader;
        }
        let seen = match answer {
            Answer::Done => 1,
            Answer::NothingNew => 2,
            Answer::Decided(value) => 3 + u64::from(value),
        };
        let mut answers = self.measured.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers = answers.wrapping_mul(0x100_0000_01b3) ^ seen;
        answer
    }

    fn supports(&self, input: &Input) -> bool {
        self.cluster.supports(input)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.measured.walks.fetch_add(1, Ordering::Relaxed);
        self.measured.walks_that_decide.fetch_add(usize::from(self.decided > 0), Ordering::Relaxed);
        self.measured.decided.fetch_add(self.decided, Ordering::Relaxed);
    }
}

/// The walks of the case over `model`, measured.
fn measure(model: ReplicatedLog) -> Arc<Measured> {
    let measured: Arc<Measured> = Arc::default();
    let (there, counted) = (model.clone(), measured.clone());
    let make = move || Watched {
        cluster: Cluster::new(&there, Misuse::None),
        decided: 0,
        leader: None,
        measured: counted.clone(),
    };
    // What is explored is not what is walked: as little as possible of it.
    let explored = ReplicatedLog { values_max: 1, cuts_max: 0, restarts_max: 0, ..ReplicatedLog::small() };
    Check::of(explored)
        .interface(LogInterface)
        .spec(LogSpec)
        .alongside_only()
        .subject("cluster", Walk::new().beside(model).runs(WALKS).steps(STEPS_MAX).of(make))
        .assert();
    measured
}

impl Measured {
    fn figures(&self) -> [usize; 5] {
        [&self.walks, &self.walks_that_decide, &self.decided, &self.leader_changes, &self.leader_changes_partitioned]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

fn walks_decide() {
    let measured = measure(stormy());
    let figures @ [walks, that_decide, decided, changes, partitioned] = measured.figures();
    assert_eq!(walks, WALKS as usize);
    assert!(
        that_decide * 10 >= walks * 8,
        "walks, those that decide, entries, leader changes, under partition: {figures:?}"
    );
    assert!(decided >= 600 && changes >= 300 && partitioned >= 150, "{figures:?}");

    let again = measure(stormy());
    assert_eq!(again.figures(), figures, "the same walks came out differently");
    let answers = |measured: &Measured| *measured.answers.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(answers(&again), answers(&measured), "the same walks were answered differently");
}

fn walks_decide_though_one_stops() {
    let figures @ [walks, that_decide, decided, ..] = measure(one_stops()).figures();
    assert!(that_decide * 2 >= walks && decided >= 300, "{figures:?}");
}

/// Everybody's clock ticks, and then everything arrives; `rounds` times.
fn rounds(cluster: &mut Cluster, rounds: usize) {
    for _ in 0..rounds {
        for node in nodes() {
            cluster.apply(&Input::Tick { node });
        }
        let links = || nodes().flat_map(|from| nodes().map(move |to| (from, to)));
        while let Some((from, to)) = links().find(|(from, to)| cluster.in_flight(*from, *to) > 0) {
            cluster.apply(&Input::Deliver { from, to });
        }
    }
}

/// A cluster of which some have stopped, and who goes on.
fn with_stopped(stopped: &[Node], before: usize) -> (Cluster, Vec<Node>) {
    let model = ReplicatedLog { reader: Reader::GoesOn, ..stormy() };
    let mut cluster = Cluster::new(&model, Misuse::None);
    rounds(&mut cluster, before);
    for node in stopped {
        cluster.apply(&Input::Stop { node: *node });
    }
    (cluster, nodes().filter(|node| !stopped.contains(node)).collect())
}

/// As FLP has it one may stop, and with clocks that tick and messages that arrive the others decide.
fn two_of_three_decide() {
    // From the start, and once a leader leads: node 2 then, so that it is among those who stop.
    for (stops, before) in nodes().flat_map(|node| [(node, 0), (node, 20)]) {
        let (mut cluster, live) = with_stopped(&[stops], before);
        rounds(&mut cluster, 30);
        for node in &live {
            cluster.apply(&Input::Append { node: *node });
        }
        rounds(&mut cluster, 30);
        let decided: Vec<usize> = live.iter().map(|node| cluster.decided_count(*node)).collect();
        assert_eq!(decided, [2, 2], "p{stops} stops after {before} rounds");
    }
}

/// Two may not.
fn one_of_three_never_decides() {
    for (lives, before) in nodes().flat_map(|node| [(node, 0), (node, 20)]) {
        let stopped: Vec<Node> = nodes().filter(|node| *node != lives).collect();
        let (mut cluster, _) = with_stopped(&stopped, before);
        for _ in 0..200 {
            cluster.apply(&Input::Append { node: lives });
            rounds(&mut cluster, 5);
            assert_eq!(cluster.decided_count(lives), 0, "p{lives} decides alone");
        }
    }
}

/// A follower sends a value to the leader once. With that message it is gone, though nothing else goes wrong ever
/// after.
fn a_forwarded_append_may_be_lost() {
    let (mut cluster, _) = with_stopped(&[], 20);
    let leader = cluster.leader().expect("somebody leads after 20 quiet rounds");
    let follower = nodes().find(|node| *node != leader).expect("there are three");
    cluster.apply(&Input::Append { node: follower });
    assert_eq!(cluster.in_flight(follower, leader), 1, "the value is under way, and nothing else");
    cluster.apply(&Input::Lose { from: follower, to: leader });
    rounds(&mut cluster, 500);
    assert_eq!(cluster.decided_count(leader), 0);
    cluster.apply(&Input::Append { node: follower });
    rounds(&mut cluster, 5);
    assert_eq!(cluster.decided_count(leader), 1, "the next one is decided");
}
