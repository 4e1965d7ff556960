//! Consensus attempts, and why each fails somewhere.
//!
//! Fischer, Lynch and Paterson showed in 1985 that where messages may take any time and one process may stop, no
//! deterministic protocol is sure to decide. Here is what becomes of those who try: each attempt is safe and can be
//! stopped, or decides and disagrees, or goes on for ever. The way out is what the theorem leaves open: a failure
//! detector that is right in the end, or a coin.
//!
//! # Check your own protocol
//! Say what one process does in one step ([`model::Attempt`]), and the rest comes ready made: every schedule, who may
//! stop, and the valency of every configuration.
//! ```
//! use counterpart::Check;
//! use counterpart_models::flp::conformance::{ALL_DECIDE, AttemptSpec, Faults, OTHERS_DECIDE_THOUGH};
//! use counterpart_models::flp::model::{Attempt, Event, Reaction, System};
//!
//! /// Process 0 tells the others what to decide.
//! #[derive(Clone, Debug, PartialEq, Eq, Hash)]
//! struct Dictator;
//!
//! impl Attempt for Dictator {
//!     type Local = (u8, Option<u8>);
//!     type Message = u8;
//!     fn initial(&self, _: u8, input: u8) -> Self::Local { (input, None) }
//!     fn step(&self, process: u8, local: &Self::Local, event: Event<u8>) -> Option<Reaction<Self>> {
//!         Some(match (process, event, *local) {
//!             (0, _, (input, None)) => ((input, Some(input)), vec![(1, input), (2, input)]),
//!             (_, Event::Message(value), (input, None)) => ((input, Some(value)), Vec::new()),
//!             (_, _, local) => (local, Vec::new()),
//!         })
//!     }
//!     fn decision(&self, local: &Self::Local) -> Option<u8> { local.1 }
//! }
//!
//! // Safe, and live as long as nobody stops. But everything hangs by process 0.
//! Check::of(System::of(Dictator))
//!     .spec(AttemptSpec::with(Faults::Stops))
//!     .violates("some process decides though p0 may stop")
//!     .violates(OTHERS_DECIDE_THOUGH[0])
//!     .assert();
//! ```
//!
//! # Sources
//! - M. J. Fischer, N. A. Lynch, M. S. Paterson, "Impossibility of Distributed Consensus with One Faulty Process",
//!   J. ACM 32(2), 1985 (configurations, events, valency, admissible runs).
//! - M. Ben-Or, "Another Advantage of Free Choice", PODC 1983; M. K. Aguilera, S. Toueg, "The correctness proof of
//!   Ben-Or's randomized consensus algorithm", Distrib. Comput. 25, 2012 (why a common coin may prevent termination).
//! - T. D. Chandra, S. Toueg, "Unreliable Failure Detectors for Reliable Distributed Systems", J. ACM 43(2), 1996.
//! - A. Mostéfaoui, M. Raynal, "Solving Consensus Using Chandra-Toueg's Unreliable Failure Detectors", DISC 1999.
//! - L. Lamport, "Paxos Made Simple", ACM SIGACT News 32(4), 2001.
//! - N. Bertrand, I. Konnov, M. Lazić, J. Widder, "Verification of Randomized Consensus Algorithms Under Round-Rigid
//!   Adversaries", CONCUR 2019 (what kind of adversary a claim about coins is made against).
//!
//! # Abstracted away
//! - Three processes and one bit each. The impossibility needs no more; what a protocol does with more is for the
//!   walks.
//! - A message that is too early for its receiver waits in the buffer, and one that can change nothing any more counts
//!   as received where the parameters say so. The implementations keep the early ones themselves.
//! - Paxos without learners: a proposer decides, and tells nobody.
//! - Where rounds go on for ever, they are told apart by who coordinates them and by their order alone, and nobody runs
//!   more than one round ahead of the slowest that goes on.

pub mod attempts;
pub mod ben_or;
pub mod bindings;
pub mod conformance;
mod defects;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod replicated_log;
pub mod valency;

use counterpart::conform::{self, Recovery};
use counterpart::{Case, Check};

use self::attempts::chandra_toueg::{self, ChandraToueg};
use self::attempts::paxos::{self, Paxos};
use self::attempts::rotating_coordinator::{self, RotatingCoordinator};
use self::attempts::votes::Votes;
use self::bindings::{Bound, Processes};
use self::conformance::{
    ALL_DECIDE, ALL_DECIDE_ACCURATELY, AttemptInterface, AttemptSpec, Faults, OTHERS_DECIDE_THOUGH, SOME_DECIDES,
    SOME_DECIDES_ACCURATELY, SOME_DECIDES_THOUGH,
};
use self::model::{Attempt, System};
use crate::{Generated, Protocol};

const AGREEMENT: &str = "no two processes decide differently";
const VALIDITY: &str = "what is decided was somebody's input";

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "flp", cases, generated };

fn generated() -> Vec<Generated> {
    let (dot, svg) = valency::picture();
    vec![
        Generated::part("valency", valency::table()),
        Generated::file("sequencer.dot", dot),
        Generated::file("sequencer.svg", svg),
    ]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = votes();
    cases.extend(with_a_crash());
    cases.extend(paxos());
    cases.extend(rounds());
    cases.extend(ben_or::cases());
    cases.extend(defects::cases());
    #[cfg(feature = "peers")]
    cases.extend(replicated_log::cases());
    cases
}

/// A check of `system` as it reads and looks from outside.
pub(crate) fn check<A: Attempt>(system: System<A>, faults: Faults) -> Check<System<A>, AttemptInterface<A>> {
    Check::of(system).interface(AttemptInterface::default()).spec(AttemptSpec::with(faults))
}

/// A check with our own processes in every sequential mode; walks go as far as `larger`.
fn with_ours<A: Bound>(system: System<A>, larger: System<A>, faults: Faults) -> Check<System<A>, AttemptInterface<A>> {
    let make = {
        let attempt = system.attempt.clone();
        move || Processes::of(attempt.clone())
    };
    let (toured, walked) = (make.clone(), make.clone());
    check(system, faults)
        .product(make)
        .tour(toured)
        .subject("implementation", conform::Walk::new().beside(larger).runs(200).steps(120).of(walked))
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

/// Everybody decides.
fn all<A: Attempt>(system: &System<A>, at: &model::Configuration<A>) -> bool {
    at.inputs.is_some() && system.all_have_decided(at, None)
}

/// Once nobody is suspected any more.
fn suspects<M>(action: &model::Action<M>) -> bool {
    matches!(action, model::Action::Suspect { .. })
}

/// Attempts in which everybody votes once.
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

/// The same with a crash as an action: whatever is so when a process may stop must be so here.
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

fn paxos() -> Vec<Case> {
    let paxos = |ballots_max, variant| System {
        passes_over_the_late: true,
        ..System::of(Paxos { ballots_max, one_at_a_time: true, variant })
    };
    let duel = |system| {
        check(system, Faults::Never)
            .violates(SOME_DECIDES)
            .violates(ALL_DECIDE)
            .because(SOME_DECIDES, DUEL)
            .because(ALL_DECIDE, DUEL)
    };
    let sound = paxos::Variant::Sound;
    let defects = [
        paxos::Variant::IgnoresAcceptedValue,
        paxos::Variant::ChoosesLowestAccepted,
        paxos::Variant::IgnoresPromise,
        paxos::Variant::OneBallotForBoth,
    ];
    let mut cases = vec![
        Case::new("flp/bivalent_for_ever", duel(System { inputs: Some([0, 1, 0]), ..paxos(None, sound) })),
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
        Case::new("flp/paxos_two_ballots_each", check(paxos(Some(2), sound), Faults::Unasked)),
        Case::new("flp/paxos_three_ballots_each", check(paxos(Some(3), sound), Faults::Unasked)).large(),
        Case::new("flp/paxos_four_ballots_each", check(paxos(Some(4), sound), Faults::Unasked)).large(),
    ];
    cases.extend(defects.map(|variant| {
        let check = check(System { inputs: Some([0, 1, 0]), ..paxos(Some(2), variant) }, Faults::Unasked);
        Case::new(format!("flp/paxos_{}", crate::snake(variant)), check.violates(AGREEMENT))
    }));
    cases
}

/// Paxos as processes may be driven: everything that is sent is received, however late, and ballots have bounds. Of
/// inputs those in which the two proposers differ are enough.
pub(crate) fn paxos_bounded(ballots_max: u8, variant: paxos::Variant) -> System<Paxos> {
    let attempt = Paxos { ballots_max: Some(ballots_max), one_at_a_time: false, variant };
    System { inputs: Some([0, 1, 0]), begins_without_inputs: true, ..System::of(attempt) }
}

const DUEL: &str = "each proposer begins a higher ballot just before the other's values arrive, which nobody may accept any \
                    more. Everybody takes steps for ever and every message is received; who is to win is never settled";

/// Attempts that go by rounds.
fn rounds() -> Vec<Case> {
    let rotating = |forgets_old_rounds, variant| System {
        passes_over_the_late: true,
        ..System::of(RotatingCoordinator { forgets_old_rounds, variant })
    };
    let stamped = |forgets_old_rounds, variant| System {
        passes_over_the_late: true,
        ..System::of(ChandraToueg { forgets_old_rounds, variant })
    };
    use chandra_toueg::Variant as Stamped;
    use rotating_coordinator::Variant as Rotating;
    let unending = |crashes_max| System { crashes_max, skew_max: Some(1), ..rotating(true, Rotating::Sound) };
    let suspected = |check: Check<_, _>| {
        check
            .violates(SOME_DECIDES)
            .violates(ALL_DECIDE)
            .because(SOME_DECIDES, SUSPICIONS)
            .because(ALL_DECIDE, SUSPICIONS)
    };
    let detector = |crashes_max, variant| System {
        crashes_max,
        skew_max: Some(1),
        detector_stabilises: true,
        ..stamped(true, variant)
    };
    let twins =
        |system| check(system, Faults::CrashesAndTrust).violates(SOME_DECIDES).because(SOME_DECIDES, SUSPICIONS);
    let rotating_rounds = |rounds: u8, passes_over_the_late| System {
        begins_without_inputs: true,
        passes_over_the_late,
        rounds_max: Some(rounds - 1),
        ..rotating(false, Rotating::Sound)
    };
    let stamped_rounds = |rounds: u8, passes_over_the_late| System {
        begins_without_inputs: true,
        passes_over_the_late,
        rounds_max: Some(rounds - 1),
        ..stamped(false, Stamped::Sound)
    };
    let blind = "the coordinator crashed, and nobody's failure detector ever says so";
    let mut cases = vec![
        Case::new("flp/rotating_coordinator", suspected(check(unending(0), Faults::Crashes))),
        Case::new("flp/rotating_coordinator_crash", suspected(check(unending(1), Faults::Crashes))),
        Case::new(
            "flp/rotating_coordinator_two_rounds",
            recovering(
                with_ours(rotating_rounds(2, true), rotating_rounds(60, false), Faults::Unasked),
                "implementation, once nobody is suspected",
                rotating_rounds(60, false),
                suspects,
                all,
            ),
        ),
        Case::new(
            "flp/rotating_coordinator_late_messages",
            check(rotating_rounds(1, false), Faults::Unasked)
                .product(|| Processes::of(RotatingCoordinator { forgets_old_rounds: false, variant: Rotating::Sound })),
        ),
        Case::new("flp/chandra_toueg", twins(detector(0, Stamped::Sound))),
        Case::new("flp/chandra_toueg_crash", twins(detector(1, Stamped::Sound))),
        Case::new(
            "flp/chandra_toueg_two_rounds",
            recovering(
                with_ours(stamped_rounds(2, false), stamped_rounds(60, false), Faults::Unasked),
                "implementation, once nobody is suspected",
                stamped_rounds(60, false),
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
    ];
    for variant in [Rotating::DecidesOnOneVote, Rotating::KeepsItsEstimate] {
        let system = System { rounds_max: Some(2), ..rotating(false, variant) };
        let name = format!("flp/rotating_coordinator_{}", crate::snake(variant));
        cases.push(Case::new(name, check(system, Faults::Unasked).violates(AGREEMENT)));
    }
    for variant in [Stamped::ProposesAnyEstimate, Stamped::CountsRefusals] {
        let system = System { rounds_max: Some(2), ..stamped(false, variant) };
        let name = format!("flp/chandra_toueg_{}", crate::snake(variant));
        cases.push(Case::new(name, check(system, Faults::Unasked).violates(AGREEMENT)));
    }
    cases
}

const SUSPICIONS: &str = "each round's coordinator is suspected before its word arrives, though it never stopped. A detector \
                          that may be wrong for ever is none";
