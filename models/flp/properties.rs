//! What is always so, what is promised of which runs, and how processes may fail in them.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Attempt, Configuration, PROCESSES, System};

/// Consensus: no process decides otherwise than another.
pub const AGREEMENT: &str = "no two processes decide differently";

/// Consensus: what is decided is no invention.
pub const VALIDITY: &str = "what is decided was somebody's input";

/// The assumption that nobody stops: every process takes steps for ever and receives every message.
const NOBODY_STOPS: &str = "nobody stops";

/// The assumptions that one process may stop: only the others must take steps and receive what is sent to them.
const MAY_STOP: [&str; PROCESSES] = ["p0 may stop", "p1 may stop", "p2 may stop"];

/// The assumption that nobody stops but who crashes, whom every failure detector that waits for it suspects some time.
const LIVE_GO_ON: &str = "nobody else stops, and who crashed is suspected";

/// The assumption of [`LIVE_GO_ON`], and that the failure detector comes to trust somebody.
const ACCURATE: &str = "nobody else stops, who crashed is suspected, and one who goes on is trusted some time";

/// Somebody decides.
pub const SOME_DECIDES: &str = "some process decides";

/// Everybody who goes on decides.
pub const ALL_DECIDE: &str = "all who go on decide";

/// Somebody decides, with a detector that is accurate in the end.
pub const SOME_DECIDES_ACCURATELY: &str = "some process decides once the detector is accurate";

/// Everybody who goes on decides, with a detector that is accurate in the end.
pub const ALL_DECIDE_ACCURATELY: &str = "all who go on decide once the detector is accurate";

/// Somebody decides, though this process may stop.
pub const SOME_DECIDES_THOUGH: [&str; PROCESSES] = [
    "some process decides though p0 may stop",
    "some process decides though p1 may stop",
    "some process decides though p2 may stop",
];

/// The others decide, though this process may stop.
pub const OTHERS_DECIDE_THOUGH: [&str; PROCESSES] = [
    "the others decide though p0 may stop",
    "the others decide though p1 may stop",
    "the others decide though p2 may stop",
];

/// How a process may fail, and so what is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faults {
    /// A process may stop, unseen: which one is a matter of the runs that are fair.
    Stops,
    /// A process may crash, as an action.
    Crashes,
    /// A process may crash, as an action, and the failure detector is accurate in the end.
    CrashesAndTrust,
    /// No process stops.
    Never,
    /// It is not asked whether anything is decided: there is a bound that keeps it from that.
    Unasked,
}

/// What is always so, or sometimes.
pub(super) fn properties<A: Attempt>() -> Vec<Property<System<A>>> {
    vec![
        Property::always(AGREEMENT, |system: &System<A>, configuration: &Configuration<A>| {
            let mut decided = system.decided(configuration);
            let first = decided.next();
            decided.all(|value| Some(value) == first)
        }),
        Property::always(VALIDITY, |system: &System<A>, configuration: &Configuration<A>| {
            let inputs = configuration.inputs.unwrap_or_default();
            system.decided(configuration).all(|value| inputs.contains(&value))
        }),
        Property::sometimes("0 is decided", |system: &System<A>, configuration: &Configuration<A>| {
            system.decided(configuration).any(|value| value == 0)
        }),
        Property::sometimes("1 is decided", |system: &System<A>, configuration: &Configuration<A>| {
            system.decided(configuration).any(|value| value == 1)
        }),
    ]
}

/// What is asked of whole runs.
pub(super) fn temporal<A: Attempt>(faults: Faults) -> Vec<Temporal<System<A>>> {
    let some = |name| Temporal::eventually(name, |system: &System<A>, at| system.decided(at).next().is_some());
    let all = |name| Temporal::eventually(name, |system: &System<A>, at| system.all_have_decided(at, None));
    let others = |name, stopped| {
        Temporal::eventually(name, move |system: &System<A>, at| system.all_have_decided(at, Some(stopped)))
    };
    match faults {
        Faults::Stops => {
            let mut promises = vec![some(SOME_DECIDES).under(NOBODY_STOPS), all(ALL_DECIDE).under(NOBODY_STOPS)];
            for process in 0..PROCESSES {
                promises.push(some(SOME_DECIDES_THOUGH[process]).under(MAY_STOP[process]));
                promises.push(others(OTHERS_DECIDE_THOUGH[process], process as u8).under(MAY_STOP[process]));
            }
            promises
        }
        Faults::Never => vec![some(SOME_DECIDES).under(NOBODY_STOPS), all(ALL_DECIDE).under(NOBODY_STOPS)],
        Faults::Unasked => Vec::new(),
        Faults::Crashes => vec![some(SOME_DECIDES).under(LIVE_GO_ON), all(ALL_DECIDE).under(LIVE_GO_ON)],
        Faults::CrashesAndTrust => vec![
            some(SOME_DECIDES).under(LIVE_GO_ON),
            some(SOME_DECIDES_ACCURATELY).under(ACCURATE),
            all(ALL_DECIDE_ACCURATELY).under(ACCURATE),
        ],
    }
}

/// The fairness sets of an action that must not be put off for ever, by who may fail how.
pub(super) fn fairness<A: Attempt>(
    faults: Faults,
    system: &System<A>,
    at: &Configuration<A>,
    action: &Action<A::Message>,
) -> Vec<FairKey> {
    let mut keys = Vec::new();
    let Some(process) = action.process() else {
        match action {
            Action::Begin { .. } => {
                let all = MAY_STOP.into_iter().chain([NOBODY_STOPS, LIVE_GO_ON, ACCURATE]);
                keys.extend(all.map(|assumption| FairKey::weak(assumption).of_each("begin")));
            }
            // Whoever is trusted, somebody is.
            _ => keys.push(FairKey::weak(ACCURATE).of_each("trust")),
        }
        return keys;
    };
    // It takes steps for ever: it always may, so that weakly fair is all there is to it. And it receives what is
    // sent to it: a message stays until it is received.
    let mut moves = |assumption| {
        keys.push(FairKey::weak(assumption).of_each(("steps", process)));
        if let Action::Receive { message, .. } = action {
            keys.push(FairKey::weak(assumption).of_each((process, message)));
        }
    };
    match (faults, action) {
        (_, Action::Crash { .. } | Action::Trust { .. } | Action::Begin { .. }) => {}
        (Faults::Unasked, _) => {}
        (Faults::Never, Action::Step { .. } | Action::Receive { .. } | Action::Suspect { .. }) => moves(NOBODY_STOPS),
        (Faults::Stops, Action::Step { .. } | Action::Receive { .. } | Action::Suspect { .. }) => {
            moves(NOBODY_STOPS);
            let others = (0..PROCESSES).filter(|stopped| *stopped != usize::from(process));
            others.for_each(|stopped| moves(MAY_STOP[stopped]));
        }
        (_, Action::Step { .. } | Action::Receive { .. }) => {
            moves(LIVE_GO_ON);
            moves(ACCURATE);
        }
        (_, Action::Suspect { .. }) if system.waits_in_vain(at, process) => {
            for assumption in [LIVE_GO_ON, ACCURATE] {
                keys.push(FairKey::weak(assumption).of_each(("suspects", process)));
            }
        }
        (_, Action::Suspect { .. }) => {}
    }
    keys
}
