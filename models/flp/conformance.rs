//! How an attempt reads, what it promises of which runs, and what the outside sees of it.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, Attempt, Configuration, Event, PROCESSES, System};

/// A run in which nobody stops: every process takes steps for ever and receives every message.
const NOBODY_STOPS: &str = "nobody stops";

/// A run in which one process may stop: only the others must take steps and receive what is sent to them.
const MAY_STOP: [&str; PROCESSES] = ["p0 may stop", "p1 may stop", "p2 may stop"];

/// As [`NOBODY_STOPS`] but for who crashes, whom every failure detector that waits for it suspects some time.
const LIVE_GO_ON: &str = "nobody else stops, and who crashed is suspected";

/// The same, and the failure detector comes to trust somebody.
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
    /// The same, and the failure detector is accurate in the end.
    CrashesAndTrust,
    /// Nobody stops.
    Never,
    /// Whether anything is decided is not asked: there is a bound that keeps it from that.
    Unasked,
}

/// How a system reads, and what is promised of its runs.
pub struct AttemptSpec<A> {
    faults: Faults,
    because: &'static [(&'static str, &'static str)],
    attempt: PhantomData<fn() -> A>,
}

impl<A> AttemptSpec<A> {
    /// What is promised when processes may fail in this way.
    pub fn with(faults: Faults) -> Self {
        AttemptSpec { faults, because: &[], attempt: PhantomData }
    }

    /// Why a promise is broken, by its name.
    #[must_use]
    pub fn because(self, because: &'static [(&'static str, &'static str)]) -> Self {
        AttemptSpec { because, ..self }
    }
}

impl<A: Attempt> Spec for AttemptSpec<A> {
    type Model = System<A>;

    fn temporal(&self) -> Vec<Temporal<System<A>>> {
        let some = |name| Temporal::eventually(name, |system: &System<A>, at| system.decided(at).next().is_some());
        let all = |name| Temporal::eventually(name, |system: &System<A>, at| system.all_have_decided(at, None));
        let others = |name, stopped| {
            Temporal::eventually(name, move |system: &System<A>, at| system.all_have_decided(at, Some(stopped)))
        };
        match self.faults {
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

    fn fairness(&self, system: &System<A>, at: &Configuration<A>, action: &Action<A::Message>) -> Vec<FairKey> {
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
        match (self.faults, action) {
            (_, Action::Crash { .. } | Action::Trust { .. } | Action::Begin { .. }) => {}
            (Faults::Unasked, _) => {}
            (Faults::Never, Action::Step { .. } | Action::Receive { .. } | Action::Suspect { .. }) => {
                moves(NOBODY_STOPS)
            }
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

    fn must_progress(&self, _: &System<A>, _: &Configuration<A>, action: &Action<A::Message>) -> bool {
        !matches!(action, Action::Crash { .. })
    }

    fn actor(&self, action: &Action<A::Message>) -> String {
        match action.process() {
            Some(process) => format!("p{process}"),
            None => "environment".into(),
        }
    }

    fn parameters(&self, system: &System<A>) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("attempt", format!("{:?}", system.attempt)),
            ("processes", PROCESSES.to_string()),
            ("crashes", system.crashes_max.to_string()),
        ];
        if let Some(rounds) = system.rounds_max {
            parameters.push(("rounds", (rounds + 1).to_string()));
        }
        if let Some(skew) = system.skew_max {
            parameters.push(("rounds ahead of the slowest", skew.to_string()));
        }
        if system.passes_over_the_late {
            parameters.push(("messages without effect", "count as received".into()));
        }
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn state_json(&self, system: &System<A>, at: &Configuration<A>) -> Value {
        let decided: Vec<String> = (0..)
            .zip(&at.locals)
            .filter_map(|(process, local)| Some(format!("p{process}: {}", system.attempt.decision(local)?)))
            .collect();
        let mut state = json!({
            "processes": itf_state(&at.locals),
            "buffer": itf_state(&at.buffer),
            "decided": decided.join(", "),
        });
        if let (Some(crashed), Some(fields)) = (at.crashed, state.as_object_mut()) {
            fields.insert("crashed".into(), json!(format!("p{crashed}")));
        }
        if let (Some(trusted), Some(fields)) = (at.trusted, state.as_object_mut()) {
            fields.insert("trusted".into(), json!(format!("p{trusted}")));
        }
        state
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        self.because
    }
}

/// What the outside sees.
pub struct AttemptInterface<A>(PhantomData<fn() -> A>);

impl<A> Default for AttemptInterface<A> {
    fn default() -> Self {
        AttemptInterface(PhantomData)
    }
}

impl<A: Attempt> AttemptInterface<A> {
    fn answer(
        &self,
        system: &System<A>,
        from: &Configuration<A>,
        process: u8,
        event: Event<A::Message>,
    ) -> Option<Answer<A::Message>> {
        let (local, mut sent) = system.react(from, process, event)?;
        sent.sort_unstable();
        Some(Answer { sent, decided: system.attempt.decision(&local) })
    }
}

/// What a process says of its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<M> {
    /// What it sent, to whom, in order.
    pub sent: Vec<(u8, M)>,
    /// What it has decided.
    pub decided: Option<u8>,
}

impl<A: Attempt> Interface for AttemptInterface<A> {
    type Model = System<A>;
    type Input = Action<A::Message>;
    type Output = Answer<A::Message>;
    type Snapshot = Vec<Option<u8>>;

    fn label(
        &self,
        system: &System<A>,
        from: &Configuration<A>,
        action: &Action<A::Message>,
        to: Option<&Configuration<A>>,
    ) -> Option<(Action<A::Message>, Answer<A::Message>)> {
        to?;
        let answer = match action {
            Action::Begin { .. } => Answer { sent: Vec::new(), decided: None },
            // Of these a process knows nothing.
            Action::Crash { .. } | Action::Trust { .. } => return None,
            Action::Step { process } => self.answer(system, from, *process, Event::Nothing)?,
            Action::Suspect { process } => self.answer(system, from, *process, Event::Suspicion)?,
            Action::Receive { process, message } => self.answer(system, from, *process, Event::Message(*message))?,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, system: &System<A>, at: &Configuration<A>) -> Option<Self::Snapshot> {
        Some(
            (0..PROCESSES)
                .map(|process| at.locals.get(process).and_then(|local| system.attempt.decision(local)))
                .collect(),
        )
    }
}
