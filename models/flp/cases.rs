//! The cases of the catalogue: every attempt, where it holds and where it fails, ours alongside, each defect, a crate.

use counterpart::conform::{Recovery, Walk};
use counterpart::{Case, Check};

use super::attempts::chandra_toueg::{ChandraToueg, Variant as Stamped};
use super::attempts::paxos::{self, Paxos};
use super::attempts::rotating_coordinator::{RotatingCoordinator, Variant as Rotating};
use super::attempts::votes::Votes;
use super::bindings::{Bound, Processes};
use super::conformance::AttemptInterface;
use super::model::{self, Attempt, System};
use super::properties::{
    AGREEMENT, ALL_DECIDE, ALL_DECIDE_ACCURATELY, Faults, OTHERS_DECIDE_THOUGH, SOME_DECIDES, SOME_DECIDES_ACCURATELY,
    SOME_DECIDES_THOUGH, VALIDITY,
};
#[cfg(feature = "peers")]
use super::replicated_log;
use super::{ben_or, check, defects};
use crate::{Drawn, Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "flp", cases, generated, pictures: PICTURES };

/// What is drawn of its cases.
const PICTURES: &[Drawn] = &[
    #[cfg(feature = "cli")]
    Drawn {
        file: "sequencer.svg",
        case: "flp/sequencer",
        caption: "the sequencer's configurations, coloured by valency",
        draw: || super::valency::picture().1,
    },
];

#[cfg(not(feature = "cli"))]
fn generated() -> Vec<Generated> {
    Vec::new()
}

#[cfg(feature = "cli")]
fn generated() -> Vec<Generated> {
    use super::valency;

    let (dot, _) = valency::picture();
    vec![Generated::part("valency", valency::table()), Generated::file("sequencer.dot", dot)]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = votes();
    cases.extend(with_a_crash());
    cases.extend(paxos_cases());
    cases.extend(defects::of_paxos());
    cases.extend(rotating());
    cases.extend(stamped());
    cases.extend(defects::of_rounds());
    cases.extend(ben_or::cases());
    cases.extend(defects::as_implementations());
    cases.extend(defects::of_two_rounds());
    cases.push(defects::never_recovers());
    #[cfg(feature = "peers")]
    cases.extend(replicated_log::cases());
    cases
}

/// A check with our own processes in every sequential mode; walks go as far as `larger`.
pub(super) fn with_ours<A: Bound>(
    system: System<A>,
    larger: System<A>,
    faults: Faults,
) -> Check<System<A>, AttemptInterface<A>> {
    let make = |system: &System<A>| Processes::of(system.attempt.clone());
    check(system, faults).sequential(larger, Walk::new().runs(200).steps(120), make, make)
}

/// Our own processes, asked to decide once `fault` is over, in `system`.
fn recovering<A: Bound>(
    check: Check<System<A>, AttemptInterface<A>>,
    name: &str,
    system: System<A>,
    fault: impl Fn(&model::Action<A::Message>) -> bool + Send + Sync + 'static,
    decided: impl Fn(&System<A>, &model::Configuration<A>) -> bool + Send + Sync + 'static,
) -> Check<System<A>, AttemptInterface<A>> {
    let attempt = system.attempt.clone();
    let recovery = Recovery::new(decided).without(fault).beside(system).after(60);
    check.subject(name, recovery.of(move || Processes::of(attempt.clone())))
}

/// Whether everybody has decided.
fn all<A: Attempt>(system: &System<A>, at: &model::Configuration<A>) -> bool {
    at.inputs.is_some() && system.all_have_decided(at, None)
}

/// Whether an action is a suspicion: the fault of a demand that all decide once nobody is suspected any more.
fn suspects<M>(action: &model::Action<M>) -> bool {
    matches!(action, model::Action::Suspect { .. })
}

/// Cases of attempts in which everybody votes once.
fn votes() -> Vec<Case> {
    let ours = |votes| {
        let system = System { begins_without_inputs: true, ..System::of(votes) };
        with_ours(system.clone(), system, Faults::Stops)
    };
    let blocks = |check: Check<_, _>, stopped: &[usize], why: &str| {
        stopped.iter().fold(check, |check: Check<System<Votes>, AttemptInterface<Votes>>, stopped| {
            check
                .violates(SOME_DECIDES_THOUGH[*stopped])
                .violates(OTHERS_DECIDE_THOUGH[*stopped])
                .because(SOME_DECIDES_THOUGH[*stopped], why)
                .because(OTHERS_DECIDE_THOUGH[*stopped], why)
        })
    };
    let waits = "whoever has stopped is waited for, and from outside it looks like one that is slow";
    let last_message = System { inputs: Some([0, 0, 1]), ..System::of(Votes::Sequencer) };
    vec![
        Case::new("flp/wait_for_all", blocks(ours(Votes::WaitForAll), &[0, 1, 2], waits)),
        Case::new("flp/two_phase_and", blocks(ours(Votes::TwoPhaseAnd), &[0, 1, 2], waits)),
        Case::new(
            "flp/sequencer",
            blocks(ours(Votes::Sequencer), &[0], "the sequencer has stopped, and nobody else may decide"),
        ),
        Case::new("flp/first_votes", ours(Votes::FirstVotes).violates(AGREEMENT).because(AGREEMENT, FIRST_VOTES)),
        Case::new("flp/last_message_crash", blocks(check(last_message, Faults::Stops), &[0], LAST_MESSAGE)),
        Case::new(
            "flp/always_zero",
            check(System::of(Votes::AlwaysZero), Faults::Stops).violates(VALIDITY).violates("1 is decided"),
        ),
        Case::new(
            "flp/sequencer_misspeaks",
            blocks(
                check(System::of(Votes::SequencerMisspeaks), Faults::Stops).violates(AGREEMENT).violates(VALIDITY),
                &[0],
                "the sequencer has stopped, and nobody else may decide",
            ),
        ),
    ]
}

const FIRST_VOTES: &str = "two processes heard different votes first. Waiting for no more than can be waited for makes \
                           everybody decide, each by what it happened to hear";

const LAST_MESSAGE: &str = "with both votes on their way everything hangs by which of them p0 receives first: the \
                            configuration is critical and p0 its decider. If it stops there, nobody else can tell which \
                            way it went, or whether it went at all";

/// The same attempts with a crash as an action: whatever is so when a process may stop must be so here.
fn with_a_crash() -> Vec<Case> {
    let crashing = |votes| check(System { crashes_max: 1, ..System::of(votes) }, Faults::Crashes);
    let blocks = |votes| crashing(votes).violates(SOME_DECIDES).violates(ALL_DECIDE);
    vec![
        Case::new("flp/wait_for_all_crash", blocks(Votes::WaitForAll)),
        Case::new("flp/two_phase_and_crash", blocks(Votes::TwoPhaseAnd)),
        Case::new("flp/sequencer_crash", blocks(Votes::Sequencer)),
        Case::new("flp/first_votes_crash", crashing(Votes::FirstVotes).violates(AGREEMENT)),
    ]
}

/// Cases of Paxos: ballots that overtake each other, and ballots that have a bound.
fn paxos_cases() -> Vec<Case> {
    let duel = |system| {
        check(system, Faults::Never)
            .violates(SOME_DECIDES)
            .violates(ALL_DECIDE)
            .because(SOME_DECIDES, DUEL)
            .because(ALL_DECIDE, DUEL)
    };
    let sound = paxos::Variant::Sound;
    vec![
        Case::new(
            "flp/bivalent_for_ever",
            duel(System { inputs: Some([0, 1, 0]), ..paxos_one_at_a_time(None, sound) }),
        ),
        Case::new(
            "flp/paxos_one_ballot_each",
            recovering(
                with_ours(
                    System { passes_over_the_late: true, inputs: None, ..paxos_bounded(1, sound) },
                    System { inputs: None, ..paxos_bounded(100, sound) },
                    Faults::Unasked,
                ),
                "implementation, once one proposer is left alone",
                System { inputs: None, ..paxos_bounded(100, sound) },
                |action| *action == model::Action::Step { process: 1 },
                |system, at| system.decided(at).next().is_some(),
            ),
        ),
        Case::new(
            "flp/paxos_late_messages",
            check(paxos_bounded(1, sound), Faults::Unasked)
                .product(move || Processes::of(paxos_bounded(1, sound).attempt)),
        ),
        Case::new("flp/paxos_two_ballots_each", check(paxos_one_at_a_time(Some(2), sound), Faults::Unasked)),
        Case::new("flp/paxos_three_ballots_each", check(paxos_one_at_a_time(Some(3), sound), Faults::Unasked)).large(),
        Case::new("flp/paxos_four_ballots_each", check(paxos_one_at_a_time(Some(4), sound), Faults::Unasked)).large(),
    ]
}

/// Paxos whose proposers begin a ballot only when nothing of their last one is on its way any more.
pub(super) fn paxos_one_at_a_time(ballots_max: Option<u8>, variant: paxos::Variant) -> System<Paxos> {
    System { passes_over_the_late: true, ..System::of(Paxos { ballots_max, one_at_a_time: true, variant }) }
}

/// Paxos as processes may be driven: everything that is sent is received, however late, and ballots have bounds. Inputs
/// in which the two proposers differ are enough.
pub(super) fn paxos_bounded(ballots_max: u8, variant: paxos::Variant) -> System<Paxos> {
    let attempt = Paxos { ballots_max: Some(ballots_max), one_at_a_time: false, variant };
    System { inputs: Some([0, 1, 0]), begins_without_inputs: true, ..System::of(attempt) }
}

const DUEL: &str = "each proposer begins a higher ballot just before the other's values arrive, which nobody may accept any \
                    more. Everybody takes steps for ever and every message is received; who is to win is never settled";

/// Cases of attempts that go by rounds, with a coordinator that rotates.
fn rotating() -> Vec<Case> {
    let unending = |crashes_max| System { crashes_max, skew_max: Some(1), ..by_rounds(true, Rotating::Sound) };
    let suspected = |check: Check<_, _>| {
        check
            .violates(SOME_DECIDES)
            .violates(ALL_DECIDE)
            .because(SOME_DECIDES, SUSPICIONS)
            .because(ALL_DECIDE, SUSPICIONS)
    };
    let bounded = |rounds: u8, passes_over_the_late| System {
        begins_without_inputs: true,
        passes_over_the_late,
        rounds_max: Some(rounds - 1),
        ..by_rounds(false, Rotating::Sound)
    };
    vec![
        Case::new("flp/rotating_coordinator", suspected(check(unending(0), Faults::Crashes))),
        Case::new("flp/rotating_coordinator_crash", suspected(check(unending(1), Faults::Crashes))),
        Case::new(
            "flp/rotating_coordinator_two_rounds",
            recovering(
                with_ours(bounded(2, true), bounded(60, false), Faults::Unasked),
                "implementation, once nobody is suspected",
                bounded(60, false),
                suspects,
                all,
            ),
        ),
        Case::new(
            "flp/rotating_coordinator_late_messages",
            check(bounded(1, false), Faults::Unasked)
                .product(|| Processes::of(RotatingCoordinator { forgets_old_rounds: false, variant: Rotating::Sound })),
        ),
    ]
}

/// The rotating coordinator, whose late messages are passed over.
pub(super) fn by_rounds(forgets_old_rounds: bool, variant: Rotating) -> System<RotatingCoordinator> {
    System { passes_over_the_late: true, ..System::of(RotatingCoordinator { forgets_old_rounds, variant }) }
}

/// Cases of attempts that go by rounds and put a stamp on what they lock.
fn stamped() -> Vec<Case> {
    let detector = |crashes_max, variant| System {
        crashes_max,
        skew_max: Some(1),
        detector_stabilises: true,
        ..by_stamps(true, variant)
    };
    let twins =
        |system| check(system, Faults::CrashesAndTrust).violates(SOME_DECIDES).because(SOME_DECIDES, SUSPICIONS);
    let bounded = |rounds: u8, passes_over_the_late| System {
        begins_without_inputs: true,
        passes_over_the_late,
        rounds_max: Some(rounds - 1),
        ..by_stamps(false, Stamped::Sound)
    };
    let blind = "the coordinator crashed, and nobody's failure detector ever says so";
    vec![
        Case::new("flp/chandra_toueg", twins(detector(0, Stamped::Sound))),
        Case::new("flp/chandra_toueg_crash", twins(detector(1, Stamped::Sound))),
        Case::new(
            "flp/chandra_toueg_two_rounds",
            recovering(
                with_ours(bounded(2, false), bounded(60, false), Faults::Unasked),
                "implementation, once nobody is suspected",
                bounded(60, false),
                suspects,
                all,
            ),
        ),
        Case::new(
            "flp/chandra_toueg_never_suspects",
            check(detector(1, Stamped::NeverSuspects), Faults::CrashesAndTrust)
                .violates(SOME_DECIDES)
                .violates(SOME_DECIDES_ACCURATELY)
                .violates(ALL_DECIDE_ACCURATELY)
                .because(SOME_DECIDES, blind)
                .because(SOME_DECIDES_ACCURATELY, blind)
                .because(ALL_DECIDE_ACCURATELY, blind),
        ),
    ]
}

/// The attempt of Chandra and Toueg, whose late messages are passed over.
pub(super) fn by_stamps(forgets_old_rounds: bool, variant: Stamped) -> System<ChandraToueg> {
    System { passes_over_the_late: true, ..System::of(ChandraToueg { forgets_old_rounds, variant }) }
}

const SUSPICIONS: &str = "each round's coordinator is suspected before its word arrives, though it never stopped. A detector \
                          that may be wrong for ever is none";
