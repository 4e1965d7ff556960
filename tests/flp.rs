//! Consensus attempts: the published figures, who is to blame where each fails, runs on threads, and hostile messages.

mod hostile;
mod threads;

use std::sync::Arc;

use counterpart::Spec;
use counterpart::explore::{Budget, Graph, explore};
use counterpart::model::Temporal;
use counterpart::verdict::probability::{Extreme, Mdp};
use counterpart::verdict::valency::{Lemma2, Valencies, Valency};
use counterpart::verdict::{Evidence, Lasso, Verdict, judge};
use counterpart_models::flp::attempts::paxos::{self, Message, PROPOSERS, Paxos};
use counterpart_models::flp::attempts::votes::Votes;
use counterpart_models::flp::ben_or;
use counterpart_models::flp::ben_or::model::{BenOr, Coin};
use counterpart_models::flp::bindings::Bound;
use counterpart_models::flp::conformance::AttemptSpec;
use counterpart_models::flp::implementation::{Event, Group, Process, Sent};
use counterpart_models::flp::model::{Action, Attempt, PROCESSES, System};
use counterpart_models::flp::properties::{Faults, SOME_DECIDES, SOME_DECIDES_THOUGH};
use counterpart_models::flp::valency::{AsConsensus, summary};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("flp::waiting_blocks_whoever_stops_and_nothing_is_ever_open", nothing_open),
        claim("flp::the_sequencer_decides_and_its_stopping_blocks", sequencer),
        claim("flp::first_votes_are_open_at_first_and_disagree", first_votes),
        claim("flp::a_crash_among_the_actions_blocks_whom_a_process_that_stops_blocks", crash_is_stopping),
        claim("flp::the_duel_is_bivalent_for_ever_and_so_goes_ours", duel),
        claim("flp::the_last_message_finds_a_critical_configuration", last_message),
        claim("flp::ben_or_has_the_published_figures", ben_or_figures),
        claim("flp::passing_over_late_messages_changes_no_verdict", passing_over),
    ];
    trials.extend(threads::trials());
    trials.extend(hostile::trials());
    trials
}

fn explored<A: Attempt>(system: System<A>) -> Graph<System<A>> {
    explore(Arc::new(system), &Budget::default()).expect("a model")
}

fn nothing_open() {
    for (votes, configurations) in [(Votes::WaitForAll, 640), (Votes::TwoPhaseAnd, 128)] {
        let summary = summary(votes);
        assert_eq!(summary.configurations.values().sum::<usize>(), configurations, "{votes:?}");
        assert!(summary.configurations.keys().all(|valency| matches!(valency, Valency::Univalent(_))), "{votes:?}");
        let Lemma2::Adjacent(pair) = &summary.lemma_2 else { panic!("{votes:?}: {:?}", summary.lemma_2) };
        assert_ne!(pair.values.0, pair.values.1);
        assert_eq!(summary.pair_blocks, Some(true), "{votes:?}");
        assert_eq!((summary.critical, summary.lemma_3.pairs), (0, 0), "{votes:?}");
    }
}

fn sequencer() {
    let summary = summary(Votes::Sequencer);
    assert_eq!(summary.configurations.values().sum::<usize>(), 192);
    // Whenever the two that vote differ.
    assert_eq!(bivalent_inputs(Votes::Sequencer), ["001", "010", "101", "110"]);
    assert_eq!(summary.critical, 4);
    let deciding = summary.deciders.get(&Some(0)).expect("process 0 decides");
    assert_eq!((deciding.critical, deciding.blocking), (4, 4));
    assert!(summary.lemma_3.failures > 0, "somewhere an event must decide");
}

fn first_votes() {
    let summary = summary(Votes::FirstVotes);
    assert_eq!(summary.configurations.values().sum::<usize>(), 748);
    assert_eq!(bivalent_inputs(Votes::FirstVotes), ["011", "101", "110"]);
    assert_eq!(summary.disagreements, 168);
}

fn bivalent_inputs(votes: Votes) -> Vec<String> {
    let summary = summary(votes);
    let bivalent = summary.initial.iter().filter(|initial| matches!(initial.valency, Valency::Bivalent(_)));
    bivalent.map(|initial| initial.inputs_text()).collect()
}

/// A fault as a matter of fairness and a fault as an action must block the same attempts.
fn crash_is_stopping() {
    for votes in [Votes::WaitForAll, Votes::TwoPhaseAnd, Votes::Sequencer, Votes::FirstVotes] {
        let blocked = |system: System<Votes>, faults, names: &[&str]| {
            let findings = judge(&explored(system), AttemptSpec::with(faults), &Budget::default().interrupt);
            let asked = findings.iter().filter(|finding| names.contains(&finding.name.as_str()));
            let verdicts: Vec<Verdict> = asked.map(|finding| finding.verdict).collect();
            assert_eq!(verdicts.len(), names.len());
            verdicts.contains(&Verdict::Violated)
        };
        let stops = blocked(System::of(votes), Faults::Stops, &SOME_DECIDES_THOUGH);
        let crashes = blocked(System { crashes_max: 1, ..System::of(votes) }, Faults::Crashes, &[SOME_DECIDES]);
        assert_eq!(stops, crashes, "{votes:?}");
        assert_eq!(stops, votes != Votes::FirstVotes, "{votes:?}");
    }
}

/// The lasso that breaks `property` of `graph`.
fn lasso_of<A: Attempt>(graph: &Graph<System<A>>, faults: Faults, property: &str) -> Lasso {
    let findings = judge(graph, AttemptSpec::with(faults), &Budget::default().interrupt);
    let finding = findings.into_iter().find(|finding| finding.name == property).expect("a property of that name");
    match finding.evidence {
        Some(Evidence::Lasso(lasso)) => lasso,
        _ => panic!("{property} has no lasso"),
    }
}

fn bivalent_for_ever() -> System<Paxos> {
    let attempt = Paxos { ballots_max: None, one_at_a_time: true, variant: paxos::Variant::Sound };
    System { inputs: Some([0, 1, 0]), passes_over_the_late: true, ..System::of(attempt) }
}

fn duel() {
    let graph = explored(bivalent_for_ever());
    assert_eq!(graph.states().len(), 129_519);
    let lasso = lasso_of(&graph, Faults::Never, SOME_DECIDES);
    let valencies = Valencies::of(&graph, &AsConsensus::default()).expect("complete");
    for node in lasso.nodes() {
        let state = &graph.states()[node];
        assert!(matches!(valencies.valency(node), Valency::Bivalent(_)), "{state:?} is settled");
    }
    let steps = steps_along(&graph, &lasso);
    for proposer in 0..PROPOSERS {
        let begins = |(action, _): &(Action<Message>, _)| *action == Action::Step { process: proposer };
        assert!(steps[lasso.loop_start..].iter().any(begins), "proposer {proposer} begins no ballot in the loop");
    }
    replay_laps(&graph.states()[lasso.initial], steps.split_at(lasso.loop_start), 5);
}

/// A step with the state it leads to.
type Stepped = (Action<Message>, Paxoses);

type Paxoses = counterpart_models::flp::model::Configuration<Paxos>;

/// The steps of `lasso`, none of which is to stay.
fn steps_along(graph: &Graph<System<Paxos>>, lasso: &Lasso) -> Vec<Stepped> {
    let step = |(from, (place, to)): (usize, &(Option<usize>, usize))| {
        let place = place.expect("a step");
        let (action, _) = graph.transitions(from).swap_remove(place - graph.places(from).start);
        (action, graph.states()[*to].clone())
    };
    lasso.nodes().zip(&lasso.steps).map(step).collect()
}

/// What is on its way between processes of ours.
struct Flying {
    from: u8,
    sent: Sent<<<Paxos as Bound>::Process as Process>::Message>,
}

/// Goes the stem and then round and round with processes of ours, which count ballots on and on where the model renames
/// them.
fn replay_laps(initial: &Paxoses, (stem, round): (&[Stepped], &[Stepped]), laps: usize) {
    let attempt = bivalent_for_ever().attempt;
    let group = Group::of(PROCESSES).expect("a group");
    let inputs = initial.inputs.expect("inputs");
    let mut processes: Vec<_> = group.members().map(|id| attempt.process(group, id, inputs[id])).collect();
    let mut flying: Vec<Flying> = Vec::new();
    let mut messages = 0;
    for (action, after) in stem.iter().chain(std::iter::repeat_n(round, laps).flatten()) {
        let process = action.process().expect("a process steps");
        let event = match action {
            // The model holds it back, so that it looks and does nothing.
            Action::Step { process } if !after.buffer.iter().any(|(_, message)| *message == begun(after, *process)) => {
                continue;
            }
            Action::Step { .. } => Event::Nothing,
            Action::Receive { message, .. } => {
                // Of what is still to have an effect there is one of a kind: older ballots are over.
                let place = flying.iter().rposition(|flying| {
                    let told = attempt.outward(flying.from, &flying.sent.message);
                    flying.sent.to == usize::from(process) && kind(&told) == kind(message)
                });
                let flying = flying.remove(place.expect("what the model receives is on its way"));
                messages += 1;
                Event::Message { from: flying.from.into(), message: flying.sent.message }
            }
            other => panic!("{other:?} in a duel"),
        };
        let (stepped, sent) = processes[usize::from(process)].step(&event).expect("a message of ours");
        processes[usize::from(process)] = stepped;
        flying.extend(sent.into_iter().map(|sent| Flying { from: process, sent }));
        assert!(processes.iter().all(|process| process.decision().is_none()), "{action:?} decides");
    }
    assert!(messages > 10 * laps, "only {messages} messages");
    // What the model passed over is received at last, newest first, and changes nothing any more. What the last lap
    // still waits for is left out.
    for (to, waited_for) in round.last().map(|(_, state)| state.buffer.as_slice()).unwrap_or_default() {
        let place = flying.iter().rposition(|flying| {
            let told = attempt.outward(flying.from, &flying.sent.message);
            flying.sent.to == usize::from(*to) && kind(&told) == kind(waited_for)
        });
        flying.remove(place.expect("what the model waits for is on its way"));
    }
    for late in flying.into_iter().rev() {
        let before = &processes[late.sent.to];
        let event = Event::Message { from: late.from.into(), message: late.sent.message };
        let (after, sent) = before.step(&event).expect("a message of ours");
        assert!(after.decision().is_none() && sent.is_empty(), "a late message has an effect: {event:?}");
        processes[late.sent.to] = after;
    }
}

/// The message that a proposer begins a ballot with.
fn begun(after: &Paxoses, process: u8) -> Message {
    Message::Prepare { ballot: after.locals[usize::from(process)].ballot, from: process }
}

/// What a message is, but for its ballot and for what it carries.
fn kind(message: &Message) -> (u8, u8) {
    match message {
        Message::Prepare { from, .. } => (0, *from),
        Message::Promise { from, .. } => (1, *from),
        Message::Accept { from, .. } => (2, *from),
        Message::Accepted { from, .. } => (3, *from),
    }
}

fn last_message() {
    let graph = explored(System { inputs: Some([0, 0, 1]), ..System::of(Votes::Sequencer) });
    let lasso = lasso_of(&graph, Faults::Stops, SOME_DECIDES_THOUGH[0]);
    let valencies = Valencies::of(&graph, &AsConsensus::default()).expect("complete");
    for (_, node) in &lasso.steps[lasso.loop_start..] {
        let critical = valencies.critical_at(*node).expect("the loop stays in a critical configuration");
        assert_eq!(critical.decider(), Some(0));
        assert_eq!(valencies.decision_without(*node, 0), None);
    }
}

/// States, and those in which a scheduler can keep somebody undecided for ever.
fn kept_away(model: BenOr) -> (usize, usize) {
    let graph = explore(Arc::new(model), &Budget::default()).expect("a model");
    let mdp = Mdp::of(&graph, ben_or::spec()).expect("complete");
    let goal: Vec<bool> = graph.states().iter().map(|state| graph.model().all_have_decided(state)).collect();
    let kept_away = mdp.never(&goal, Extreme::Min).into_iter().filter(|kept| *kept).count();
    (graph.states().len(), kept_away)
}

fn ben_or_figures() {
    let common = |skew_max| BenOr { coin: Coin::Common, ..BenOr::sound(skew_max) };
    assert_eq!(kept_away(BenOr::sound(1)), (3_500, 0));
    assert_eq!(kept_away(BenOr::sound(2)), (9_188, 0));
    assert_eq!(kept_away(common(1)), (3_482, 0));
    assert_eq!(kept_away(common(2)), (7_190, 954));
    let chosen = BenOr { coin: Coin::Adversarial, ..BenOr::sound(1) };
    let graph = explore(Arc::new(chosen), &Budget::default()).expect("a model");
    let mdp = Mdp::of(&graph, ben_or::spec()).expect("complete");
    let goal: Vec<bool> = graph.states().iter().map(|state| graph.model().all_have_decided(state)).collect();
    let kept_away = mdp.never(&goal, Extreme::Min);
    for (state, kept_away) in graph.states()[..graph.initial_count()].iter().zip(kept_away) {
        let reports = state.boards[0].reports;
        let mixed = reports.iter().any(|report| *report != reports[0]);
        assert_eq!(kept_away, mixed, "inputs {reports:?}");
    }
}

/// That a message without effect counts as received must take nothing away but such messages.
fn passing_over() {
    let verdicts = |system: System<Votes>| -> Vec<(String, Verdict)> {
        let findings = judge(&explored(system), AttemptSpec::with(Faults::Stops), &Budget::default().interrupt);
        findings.into_iter().map(|finding| (finding.name, finding.verdict)).collect()
    };
    for votes in [Votes::WaitForAll, Votes::TwoPhaseAnd, Votes::Sequencer, Votes::FirstVotes] {
        let passing = System { passes_over_the_late: true, ..System::of(votes) };
        assert_eq!(verdicts(passing), verdicts(System::of(votes)), "{votes:?}");
    }
    let attempt = Paxos { ballots_max: Some(1), one_at_a_time: false, variant: paxos::Variant::IgnoresPromise };
    for passes_over_the_late in [false, true] {
        let system = System { inputs: Some([0, 1, 0]), passes_over_the_late, ..System::of(attempt) };
        let spec: AttemptSpec<Paxos> = AttemptSpec::with(Faults::Unasked);
        let promises: Vec<Temporal<System<Paxos>>> = spec.temporal();
        assert!(promises.is_empty());
        let graph = explored(system);
        let violated = |name: &str| {
            let findings = judge(&graph, AttemptSpec::<Paxos>::with(Faults::Unasked), &Budget::default().interrupt);
            let finding = findings.into_iter().find(|finding| finding.name == name).expect("a property");
            let Some(Evidence::State(node)) = finding.evidence else { panic!("{name} is not violated") };
            graph.depth_of(node)
        };
        assert_eq!(violated("no two processes decide differently"), 18);
    }
}
