//! The attempts on threads, over channels: what they did must be what the model lets them do.

use counterpart_models::flp::attempts::paxos::{self, Paxos};
use counterpart_models::flp::attempts::votes::Votes;
use counterpart_models::flp::bindings::Bound;
use counterpart_models::flp::implementation::ben_or::BenOr;
use counterpart_models::flp::implementation::chandra_toueg::ChandraToueg;
use counterpart_models::flp::implementation::rotating_coordinator::RotatingCoordinator;
use counterpart_models::flp::implementation::threads::{Pace, Ran, run};
use counterpart_models::flp::implementation::{Event, Group, Process, paxos as ours};
use counterpart_models::flp::model::{Action, PROCESSES, System};
use libtest_mimic::Trial;
use stateright::Model;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("flp::on_threads_everybody_decides_and_the_model_explains_every_step", explained),
        claim("flp::on_threads_those_that_may_lose_one_decide_without_it", one_stops),
        claim("flp::on_threads_those_that_may_not_lose_one_are_stuck", stuck),
        claim("flp::a_log_that_no_model_explains_is_found_out", doctored),
    ]
}

const INPUTS: [u8; PROCESSES] = [0, 1, 1];

fn bound<A: Bound>(attempt: &A, pace: &Pace) -> Ran<A::Process> {
    let group = Group::of(PROCESSES).expect("a group");
    run(group.members().map(|id| attempt.process(group, id, INPUTS[id])).collect(), pace)
}

/// The model follows the log step by step: each message was on its way, and each answer is the model's.
fn explain<A: Bound>(system: &System<A>, ran: &Ran<A::Process>) -> Result<(), String> {
    let mut at = system.init_states().into_iter().find(|at| at.inputs == Some(INPUTS)).ok_or("no such inputs")?;
    for (number, taken) in ran.taken.iter().enumerate() {
        let process = taken.process as u8;
        let action = match &taken.event {
            Event::Nothing => Action::Step { process },
            Event::Suspicion { .. } => Action::Suspect { process },
            Event::Coin(_) => return Err(format!("step {number}: a coin")),
            Event::Message { from, message } => {
                Action::Receive { process, message: system.attempt.outward(*from as u8, message) }
            }
        };
        let event = match action {
            Action::Receive { message, .. } => counterpart_models::flp::model::Event::Message(message),
            Action::Suspect { .. } => counterpart_models::flp::model::Event::Suspicion,
            _ => counterpart_models::flp::model::Event::Nothing,
        };
        let (local, mut expected) =
            system.react(&at, process, event).ok_or_else(|| format!("step {number}: {action:?} is not possible"))?;
        expected.sort_unstable();
        let outward = |sent: &counterpart_models::flp::implementation::Sent<_>| {
            (sent.to as u8, system.attempt.outward(process, &sent.message))
        };
        let mut sent: Vec<_> = taken.sent.iter().map(outward).collect();
        sent.sort_unstable();
        let decided = taken.decided.as_ref().map(A::value);
        if sent != expected || decided != system.attempt.decision(&local) {
            return Err(format!("step {number}: {action:?} is answered by {sent:?}, {decided:?}"));
        }
        at = system.next_state(&at, action).ok_or_else(|| format!("step {number}: {action:?} was not sent"))?;
    }
    Ok(())
}

#[track_caller]
fn agreed<P: Process>(ran: &Ran<P>, of: impl Fn(usize) -> bool) {
    let decided: Vec<_> = ran.decisions.iter().enumerate().filter(|(process, _)| of(*process)).collect();
    assert!(decided.iter().all(|(_, decision)| decision.is_some()), "{decided:?}");
    assert!(decided.windows(2).all(|pair| pair[0].1 == pair[1].1), "{decided:?}");
    assert!(ran.refused.is_empty(), "{:?}", ran.refused);
}

fn system(ballots_max: u8) -> System<Paxos> {
    let attempt = Paxos { ballots_max: Some(ballots_max), one_at_a_time: false, variant: paxos::Variant::Sound };
    System { inputs: Some(INPUTS), ..System::of(attempt) }
}

fn explained() {
    for seed in 0..20 {
        let pace = Pace { seed, ..Pace::default() };
        for votes in [Votes::WaitForAll, Votes::TwoPhaseAnd, Votes::Sequencer] {
            let ran = bound(&votes, &pace);
            agreed(&ran, |_| true);
            explain(&System::of(votes), &ran).unwrap_or_else(|wrong| panic!("{votes:?}, seed {seed}: {wrong}"));
        }
        let ran = bound(&Votes::FirstVotes, &pace);
        assert!(ran.decisions.iter().all(Option::is_some));
        explain(&System::of(Votes::FirstVotes), &ran).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));

        // Process 2 only accepts: it is done when the others are.
        let group = Group::of(PROCESSES).expect("a group");
        let members = group.members().map(|id| system(100).attempt.process(group, id, INPUTS[id])).collect();
        let ran: Ran<ours::Paxos> = run(members, &Pace { stops: Some((2, usize::MAX)), ..pace.clone() });
        agreed(&ran, |process| process < 2);
        explain(&system(100), &ran).unwrap_or_else(|wrong| panic!("Paxos, seed {seed}: {wrong}"));
    }
}

fn one_stops() {
    let group = Group::of(5).expect("a group");
    let count = group.count();
    for seed in 0..10 {
        for (stops, steps) in [(0, 0), (0, 1), (0, 4), (3, 2)] {
            let pace = Pace { seed, stops: Some((stops, steps)), ..Pace::default() };
            let others = |process: usize| process != stops;
            let rotating = |id| RotatingCoordinator::new(group, id, id as u64).expect("a member");
            agreed(&run((0..count).map(rotating).collect(), &pace), others);
            let stamped = |id| ChandraToueg::new(group, id, id as u64).expect("a member");
            agreed(&run((0..count).map(stamped).collect(), &pace), others);
            let tossing = |id| BenOr::new(group, id, id % 2 == 0).expect("a member");
            agreed(&run((0..count).map(tossing).collect(), &pace), others);
            let proposing = |id| ours::Paxos::new(group, id, Some(id as u64)).expect("a member");
            agreed(&run((0..count).map(proposing).collect(), &pace), others);
        }
    }
}

fn stuck() {
    for votes in [Votes::WaitForAll, Votes::TwoPhaseAnd] {
        // It stops before its first step, so that its vote is not on its way either.
        let ran = bound(&votes, &Pace { stops: Some((1, 0)), wakes_max: 5, ..Pace::default() });
        assert!(ran.decisions.iter().all(Option::is_none), "{votes:?}: {:?}", ran.decisions);
    }
}

fn doctored() {
    let ran = bound(&Votes::WaitForAll, &Pace::default());
    let system = System::of(Votes::WaitForAll);
    explain(&system, &ran).expect("as it was");
    let mut twice = ran.clone();
    let last =
        ran.taken.iter().rev().find(|taken| matches!(taken.event, Event::Message { .. }) && taken.sent.is_empty());
    twice.taken.push(last.expect("a message").clone());
    assert!(explain(&system, &twice).expect_err("a message received twice").contains("was not sent"));
    let mut silent = ran.clone();
    silent.taken[0].sent.clear();
    assert!(explain(&system, &silent).expect_err("a vote that was not sent").contains("is answered by"));
}
