//! Defects: each as a model that disagrees, and those of Paxos as implementations.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::{Recovery, Walk};

use super::attempts::chandra_toueg::Variant as Stamped;
use super::attempts::paxos::{Paxos, Variant};
use super::attempts::rotating_coordinator::Variant as Rotating;
use super::attempts::votes::{Message, Votes};
use super::bindings::Processes;
use super::cases::{by_rounds, by_stamps, paxos_bounded, paxos_one_at_a_time, with_ours};
use super::check;
use super::model::{Action, Attempt, System};
use super::properties::{AGREEMENT, Faults};

/// A system of two ballots for each proposer, who differ in what they propose.
fn two_ballots(variant: Variant) -> System<Paxos> {
    System { inputs: Some([0, 1, 0]), ..paxos_one_at_a_time(Some(2), variant) }
}

/// Defects of Paxos: those that show as an implementation when each proposer has one ballot, and those that take a
/// third. The reasons are not told in traces, which have those of the properties.
fn paxos() -> Vec<Defect<System<Paxos>>> {
    let of = |variant, why| Defect::new(crate::snake(variant), why).as_a_model(two_ballots(variant), &[AGREEMENT]);
    let driven = |variant| System { begins_without_inputs: true, ..two_ballots(variant) };
    let one = |variant, why| of(variant, why).as_an_implementation(paxos_bounded(1, variant));
    let two = |variant, why| of(variant, why).as_an_implementation(driven(variant));
    vec![
        one(Variant::IgnoresAcceptedValue, "a proposer keeps to its own value though another was accepted"),
        two(
            Variant::ChoosesLowestAccepted,
            "of several values that were accepted the one of the lowest ballot is taken up",
        ),
        one(Variant::IgnoresPromise, "an acceptor accepts what it has promised not to"),
        two(Variant::OneBallotForBoth, "two proposers use the same ballot"),
    ]
}

/// Each defect of Paxos as a model.
pub(super) fn of_paxos() -> Vec<Case> {
    let named = |mut defect: Defect<_>| {
        defect.name = format!("paxos_{}", defect.name);
        defect
    };
    let defects: Vec<_> = paxos().into_iter().map(named).collect();
    Defect::cases("flp", &defects, |system| check(system, Faults::Unasked))
}

/// Defects of the rotating coordinator, and what each does.
const ROTATING: [(Rotating, &str); 2] = [
    (Rotating::DecidesOnOneVote, "the coordinator decides when one has voted for it"),
    (Rotating::KeepsItsEstimate, "a process goes into the next round with what it had before"),
];

/// Defects of the attempt of Chandra and Toueg, and what each does.
const STAMPED: [(Stamped, &str); 2] = [
    (Stamped::ProposesAnyEstimate, "the coordinator proposes any estimate and not the newest"),
    (Stamped::CountsRefusals, "who refuses is counted with those who acknowledge"),
];

/// Each defect of an attempt that goes by rounds, as a model.
pub(super) fn of_rounds() -> Vec<Case> {
    let three_rounds = Some(2);
    let rotating = ROTATING.map(|(variant, why)| {
        Defect::new(format!("rotating_coordinator_{}", crate::snake(variant)), why)
            .as_a_model(System { rounds_max: three_rounds, ..by_rounds(false, variant) }, &[AGREEMENT])
    });
    let stamped = STAMPED.map(|(variant, why)| {
        Defect::new(format!("chandra_toueg_{}", crate::snake(variant)), why)
            .as_a_model(System { rounds_max: three_rounds, ..by_stamps(false, variant) }, &[AGREEMENT])
    });
    let mut cases = Defect::cases("flp", &rotating, |system| check(system, Faults::Unasked));
    cases.extend(Defect::cases("flp", &stamped, |system| check(system, Faults::Unasked)));
    cases
}

/// Each defect of Paxos as an implementation, beside the sound one. A walk hardly ever comes by a third ballot in the
/// right moment.
pub(super) fn as_implementations() -> Vec<Case> {
    let (two, one): (Vec<_>, Vec<_>) = paxos()
        .into_iter()
        .partition(|defect| defect.implementation.as_ref().is_some_and(|system| system.attempt.ballots_max == Some(2)));
    let mut early = check(paxos_bounded(1, Variant::Sound), Faults::Unasked);
    for defect in &one {
        let Some(system) = defect.implementation.clone() else { continue };
        let walked = Walk::new().runs(400).steps(60).of(early.simulating(system));
        early = early.defects(std::slice::from_ref(defect)).subject(defect.name.as_str(), walked);
    }
    // Two ballots each: what is wrong only with a third is not seen where each proposer has one.
    let driven = System { begins_without_inputs: true, ..two_ballots(Variant::Sound) };
    let attempt = driven.attempt;
    let late = check(driven, Faults::Unasked).product(move || Processes::of(attempt));
    vec![Case::new("flp/defects", early), Case::new("flp/defects_of_three_ballots", late.defects(&two))]
}

/// Each defect of an attempt that goes by rounds as an implementation, in two rounds and beside ours.
pub(super) fn of_two_rounds() -> Vec<Case> {
    let (rotating, stamped) = (|variant| by_rounds(false, variant), |variant| by_stamps(false, variant));
    let rotating_defects = ROTATING.map(|(variant, why)| {
        Defect::new(crate::snake(variant), why).as_an_implementation(of_rounds_upto(2, rotating(variant)))
    });
    let stamped_defects = STAMPED.map(|(variant, why)| {
        Defect::new(crate::snake(variant), why).as_an_implementation(of_rounds_upto(2, stamped(variant)))
    });
    let beside = |rounds| of_rounds_upto(rounds, rotating(Rotating::Sound));
    let stamped_beside = |rounds| of_rounds_upto(rounds, stamped(Stamped::Sound));
    vec![
        Case::new(
            "flp/rotating_coordinator_defects",
            with_ours(beside(2), beside(60), Faults::Unasked).alongside_only().defects(&rotating_defects),
        ),
        Case::new(
            "flp/chandra_toueg_defects",
            with_ours(stamped_beside(2), stamped_beside(60), Faults::Unasked)
                .alongside_only()
                .defects(&stamped_defects),
        ),
    ]
}

/// A system of so many rounds, as processes may be driven.
fn of_rounds_upto<A: Attempt>(rounds: u8, system: System<A>) -> System<A> {
    System { begins_without_inputs: true, rounds_max: Some(rounds - 1), ..system }
}

/// Processes that vote and wait for the sequencer's word: no answer is wrong, and when the sequencer has stopped before
/// it decided they wait for ever. The model is no yardstick here but the defect itself.
pub(super) fn never_recovers() -> Case {
    let waiting = System { begins_without_inputs: true, ..System::of(Votes::Sequencer) };
    let recovery = Recovery::new(|system: &System<Votes>, at| system.decided(at).next().is_some())
        .without(|action: &Action<Message>| action.process() == Some(SEQUENCER))
        .after(6)
        .within(12);
    let name = "waits_for_the_sequencer";
    let check = check(waiting, Faults::Stops)
        .alongside_only()
        .subject(name, recovery.of(|| Processes::of(Votes::Sequencer)))
        .because(name, "the sequencer has stopped, and nobody else may decide")
        .diverges(name);
    Case::new("flp/never_recovers", check)
}

/// The process that all others wait for.
const SEQUENCER: u8 = 0;
