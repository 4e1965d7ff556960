//! What the outside sees of an attempt, and the words in which its traces are told.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, Attempt, Configuration, Event, PROCESSES, System};
use super::properties::{self, Faults};

/// How a system reads, and what is promised of its runs.
pub struct AttemptSpec<A> {
    faults: Faults,
    because: &'static [(&'static str, &'static str)],
    attempt: PhantomData<fn() -> A>,
}

impl<A> AttemptSpec<A> {
    /// A spec that promises what holds when processes may fail as `faults` says.
    pub fn with(faults: Faults) -> Self {
        AttemptSpec { faults, because: &[], attempt: PhantomData }
    }

    /// Says why a promise is broken, by its name.
    #[must_use]
    pub fn because(self, because: &'static [(&'static str, &'static str)]) -> Self {
        AttemptSpec { because, ..self }
    }
}

impl<A: Attempt> Spec for AttemptSpec<A> {
    type Model = System<A>;

    fn temporal(&self) -> Vec<Temporal<System<A>>> {
        properties::temporal(self.faults)
    }

    fn fairness(&self, system: &System<A>, at: &Configuration<A>, action: &Action<A::Message>) -> Vec<FairKey> {
        properties::fairness(self.faults, system, at, action)
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

/// What the outside sees of the processes.
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
    /// Messages that it sent, each with its receiver, in order.
    pub sent: Vec<(u8, M)>,
    /// The value that it has decided.
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
