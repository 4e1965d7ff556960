//! The cases of this sub-model: the crate in storms, misused, and against what it does not promise.

use std::sync::Arc;

use counterpart::Case;
use counterpart::conform::{Job, Walk};

use super::conformance::LogInterface;
use super::model::{Order, Reader, ReplicatedLog};
use super::peers::{Cluster, Misuse};
use super::{check, defects};

const OMNIPAXOS: &str = "omnipaxos 0.2.4";

/// Number of walks of a subject.
pub const WALKS: u32 = 100;

/// Most inputs of a walk: its length is drawn too.
pub const STEPS_MAX: usize = 1_200;

/// Most inputs of a walk that looks for a defect.
const DEFECT_STEPS_MAX: usize = 200;

/// A log beyond what can be explored: storms with calm between them, long enough for a leader to be elected.
pub fn stormy() -> ReplicatedLog {
    ReplicatedLog {
        values_max: 120,
        undecided_max: 8,
        calm_min: 40,
        cuts_max: 40,
        losses_max: 40,
        restarts_max: 40,
        ..ReplicatedLog::small()
    }
}

/// A stormy log where one node also stops for good.
pub fn one_stops() -> ReplicatedLog {
    ReplicatedLog { stops_max: 1, ..stormy() }
}

/// A log without calm: everything that is to go wrong goes wrong early.
fn restless() -> ReplicatedLog {
    ReplicatedLog { calm_min: 0, cuts_max: 8, losses_max: 8, restarts_max: 4, ..stormy() }
}

fn walked(model: ReplicatedLog, steps_max: usize, misuse: Misuse) -> Arc<dyn Job<LogInterface>> {
    let there = model.clone();
    Walk::new().beside(model).runs(WALKS).steps(steps_max).of(move || Cluster::new(&there, misuse))
}

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let small = ReplicatedLog::small();
    let one_may_stop = ReplicatedLog { stops_max: 1, ..small.clone() };
    let mut cases = vec![
        Case::new(
            "flp/omnipaxos",
            check(small.clone())
                .subject(OMNIPAXOS, walked(stormy(), STEPS_MAX, Misuse::None))
                .subject("never told of a link that is up again", walked(stormy(), STEPS_MAX, Misuse::NeverReconnects)),
        ),
        Case::new(
            "flp/omnipaxos_one_stops",
            check(one_may_stop).subject(OMNIPAXOS, walked(one_stops(), STEPS_MAX, Misuse::None)),
        ),
        appends_overtake(),
        misused(),
        forgets_its_disk(),
        Case::new("flp/replicated_log_of_three", check(ReplicatedLog { values_max: 3, ..small })).large(),
    ];
    cases.extend(defects::as_models());
    cases
}

/// The crate against a promise that it does not make.
fn appends_overtake() -> Case {
    let promised = |model: ReplicatedLog| ReplicatedLog { order: Order::AsAppended, ..model };
    // What a node has not yet sent on is lost when it is restarted: that is no wonder, and left out.
    let walk_model = ReplicatedLog { restarts_max: 0, ..promised(restless()) };
    Case::new(
        "flp/omnipaxos_appends_overtake",
        check(promised(ReplicatedLog::small()))
            .alongside_only()
            .subject(OMNIPAXOS, walked(walk_model, DEFECT_STEPS_MAX, Misuse::None))
            .diverges(OMNIPAXOS)
            .because(
                OMNIPAXOS,
                "append answers Ok, and the value goes, once, to whoever is taken for the leader: it may still be on its \
                 way, or lost, when a later one of the same node is decided. Ok says that it was taken, not that it will \
                 be decided, nor when",
            ),
    )
}

/// The crate in worlds that it does not claim to survive: each is caught by the walk that the crate passes.
fn misused() -> Case {
    let restarting = ReplicatedLog { calm_min: 12, cuts_max: 20, losses_max: 0, restarts_max: 100, ..restless() };
    // A forgetful node has to be given something to forget, and time to.
    let steps_max = |misuse| if misuse == Misuse::ForgetsDisk { STEPS_MAX } else { DEFECT_STEPS_MAX };
    let check = [
        (
            "corrupts_values",
            restless(),
            Misuse::CorruptsValues,
            "the network changes a value on its way, and the crate has no checksums: it is decided as it came",
        ),
        (
            "delivers_twice",
            restless(),
            Misuse::DeliversTwice,
            "a forwarded value that arrives twice is appended twice: links must deliver once",
        ),
        (
            "forgets_disk",
            restarting,
            Misuse::ForgetsDisk,
            "the node that decided it was restarted on an empty disk, and has decided nothing",
        ),
        (
            "reads_undecided",
            restless(),
            Misuse::ReadsUndecided,
            "what a leader has accepted alone is not decided, and another takes its place in the log",
        ),
    ]
    .into_iter()
    .fold(check(ReplicatedLog::small()).alongside_only(), |check, (name, model, misuse, why)| {
        check.subject(name, walked(model, steps_max(misuse), misuse)).diverges(name).because(name, why)
    });
    Case::new("flp/omnipaxos_misused", check)
}

/// A node that is restarted on an empty disk beside an application that remembers how far it read. That the node has
/// decided nothing goes unseen, until two logs disagree.
fn forgets_its_disk() -> Case {
    let goes_on = |model: ReplicatedLog| ReplicatedLog { reader: Reader::GoesOn, ..model };
    let forgetful =
        ReplicatedLog { calm_min: 12, cuts_max: 100, losses_max: 0, restarts_max: 100, ..goes_on(stormy()) };
    Case::new(
        "flp/omnipaxos_forgets_its_disk",
        check(goes_on(ReplicatedLog::small()))
            .alongside_only()
            .subject("forgets_disk", walked(forgetful, STEPS_MAX, Misuse::ForgetsDisk))
            .diverges("forgets_disk")
            .because(
                "forgets_disk",
                "a majority accepted the first entry, and one of it forgot: with the third node it is a majority that \
                 knows nothing, and decides another entry in the same place",
            ),
    )
}
