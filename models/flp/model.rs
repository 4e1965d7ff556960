//! The asynchronous system of Fischer, Lynch and Paterson: processes that step one at a time, and a buffer that
//! delivers every message some time.
//!
//! A configuration is what each process is at, and the buffer: a multiset of messages with their destinations. An event
//! is a process receiving one of its messages, or receiving nothing, which it always may. One atomic step receives,
//! moves and sends. What the processes do is an [`Attempt`]; this file is what happens to them.
//!
//! Nobody crashes here as a rule: that a process may stop is a matter of which runs are fair, so that one graph serves
//! every choice of the faulty process. Where processes must not run ahead of each other without end
//! ([`System::skew_max`]) that will not do, since nobody must wait for one that stopped: there a crash is an action.

use std::fmt::Debug;
use std::hash::Hash;

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Number of processes. They are numbered from 0.
pub const PROCESSES: usize = 3;

/// What a process gets in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Event<M> {
    /// The process gets nothing.
    Nothing,
    /// The process gets a message.
    Message(M),
    /// Its failure detector suspects the process that it waits for.
    Suspicion,
}

/// Outcome of a step: what the process does now, and the messages that it sent, each with its receiver.
pub type Reaction<A> = (<A as Attempt>::Local, Vec<(u8, <A as Attempt>::Message)>);

/// A consensus protocol: what each process does.
pub trait Attempt: Clone + Debug + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// What a process does.
    type Local: Clone + Debug + PartialEq + Eq + PartialOrd + Ord + Hash + Serialize + Send + Sync + 'static;
    /// What processes send each other. It names its sender where that matters.
    type Message: Copy + Debug + PartialEq + Eq + PartialOrd + Ord + Hash + Serialize + Send + Sync + 'static;

    /// Inputs that are looked at.
    fn inputs(&self) -> Vec<[u8; PROCESSES]> {
        (0..8).map(|bits| [bits >> 2 & 1, bits >> 1 & 1, bits & 1]).collect()
    }

    /// A process before its first step.
    fn initial(&self, process: u8, input: u8) -> Self::Local;

    /// Outcome of one step; `None` where it is too early for this event, and a message waits in the buffer.
    fn step(&self, process: u8, local: &Self::Local, event: Event<Self::Message>) -> Option<Reaction<Self>>;

    /// The value that a process has decided.
    fn decision(&self, local: &Self::Local) -> Option<u8>;

    /// Whether `process` is one that decides.
    fn decides(&self, _process: u8) -> bool {
        true
    }

    /// The process that a process waits for, and may suspect.
    fn awaited(&self, _local: &Self::Local) -> Option<u8> {
        None
    }

    /// The round that a process is in, of attempts that go by rounds.
    fn round(&self, _local: &Self::Local) -> u8 {
        0
    }

    /// Whether a process that receives nothing acts on it in this configuration, if it would act at all. A scheduler
    /// that holds it back keeps the configurations finite.
    fn may_act(&self, _process: u8, _configuration: &Configuration<Self>) -> bool {
        true
    }

    /// Whether the attempt is looked at within bounds only. Where those hold a process back it then takes no step at
    /// all; otherwise it takes one that does nothing, so that it steps for ever.
    fn is_bounded(&self) -> bool {
        false
    }

    /// Renames what only grows, so that configurations that behave alike become equal.
    fn rename(&self, _configuration: &mut Configuration<Self>) {}
}

/// A system and its bounds.
#[derive(Clone, Debug)]
pub struct System<A> {
    /// The attempt: what its processes do.
    pub attempt: A,
    /// Inputs that are looked at; `None`: all that the attempt tells apart.
    pub inputs: Option<[u8; PROCESSES]>,
    /// Whether it begins before anyone has an input, and inputs are given in one first step: an implementation has to
    /// be told. Otherwise every choice of inputs is an initial configuration.
    pub begins_without_inputs: bool,
    /// Whether a message that changes nothing any more, whoever receives it when, counts as received.
    pub passes_over_the_late: bool,
    /// Most processes that may crash. Where it is 0 a process may still stop: see the file.
    pub crashes_max: u8,
    /// Most rounds that a process may be ahead of the slowest that goes on. `None`: as many as it likes.
    pub skew_max: Option<u8>,
    /// Last round that a process may begin, counted from 0.
    pub rounds_max: Option<u8>,
    /// Whether the failure detector comes to trust one process that goes on (◇S); it may suspect anyone before.
    pub detector_stabilises: bool,
}

impl<A: Attempt> System<A> {
    /// A system in which nobody crashes and nothing is bounded.
    pub fn of(attempt: A) -> Self {
        System {
            attempt,
            inputs: None,
            begins_without_inputs: false,
            passes_over_the_late: false,
            crashes_max: 0,
            skew_max: None,
            rounds_max: None,
            detector_stabilises: false,
        }
    }

    /// The values that the processes have decided, each once.
    pub fn decided<'a>(&'a self, configuration: &'a Configuration<A>) -> impl Iterator<Item = u8> + 'a {
        configuration.locals.iter().filter_map(|local| self.attempt.decision(local))
    }

    /// Whether `process` has decided.
    pub fn has_decided(&self, configuration: &Configuration<A>, process: u8) -> bool {
        configuration.locals.get(usize::from(process)).is_some_and(|local| self.attempt.decision(local).is_some())
    }

    /// Whether all processes have decided that ever do, but for `excepted` and for one that has crashed.
    pub fn all_have_decided(&self, configuration: &Configuration<A>, excepted: Option<u8>) -> bool {
        (0..PROCESSES as u8)
            .filter(|process| self.attempt.decides(*process))
            .filter(|process| excepted != Some(*process) && configuration.crashed != Some(*process))
            .all(|process| self.has_decided(configuration, process))
    }

    fn inputs(&self) -> Vec<[u8; PROCESSES]> {
        self.inputs.map_or_else(|| self.attempt.inputs(), |inputs| vec![inputs])
    }

    fn begin(&self, inputs: [u8; PROCESSES]) -> Configuration<A> {
        let local = |process: usize| self.attempt.initial(process as u8, inputs[process]);
        Configuration {
            inputs: Some(inputs),
            locals: (0..PROCESSES).map(local).collect(),
            buffer: Vec::new(),
            crashed: None,
            trusted: None,
        }
    }

    /// What `process` does with `event`, if it may: what it does afterwards, and what it sends, also what changes
    /// nothing any more.
    pub fn react(&self, before: &Configuration<A>, process: u8, event: Event<A::Message>) -> Option<Reaction<A>> {
        if before.crashed == Some(process) {
            return None;
        }
        let local = before.locals.get(usize::from(process))?;
        if event == Event::Nothing && !self.attempt.may_act(process, before) {
            return (!self.attempt.is_bounded()).then(|| (local.clone(), Vec::new()));
        }
        let reaction = self.attempt.step(process, local, event)?;
        let round = self.attempt.round(&reaction.0);
        let moves_on = round > self.attempt.round(local);
        let held_back = moves_on
            && (self.rounds_max.is_some_and(|max| round > max)
                || self.skew_max.is_some_and(|max| round > max.saturating_add(self.slowest(before))));
        match (held_back, event) {
            (false, _) => Some(reaction),
            // It may always receive nothing.
            (true, Event::Nothing) => Some((local.clone(), Vec::new())),
            (true, _) => None,
        }
    }

    /// The lowest round of those that still go by rounds.
    fn slowest(&self, configuration: &Configuration<A>) -> u8 {
        let going = (0..PROCESSES as u8).zip(&configuration.locals).filter(|(process, local)| {
            configuration.crashed != Some(*process) && self.attempt.decision(local).is_none()
        });
        going.map(|(_, local)| self.attempt.round(local)).min().unwrap_or(0)
    }

    /// Whether the failure detector of `process` may suspect the process that it waits for.
    fn may_suspect(&self, configuration: &Configuration<A>, process: u8) -> bool {
        let awaited = configuration.locals.get(usize::from(process)).and_then(|local| self.attempt.awaited(local));
        awaited.is_some() && awaited != configuration.trusted
    }

    /// Whether `process` waits for one that has crashed.
    pub fn waits_in_vain(&self, configuration: &Configuration<A>, process: u8) -> bool {
        let awaited = configuration.locals.get(usize::from(process)).and_then(|local| self.attempt.awaited(local));
        awaited.is_some() && awaited == configuration.crashed
    }

    /// What `process` makes of `before` when it gets `event`, if it may.
    fn take(&self, before: &Configuration<A>, process: u8, event: Event<A::Message>) -> Option<Configuration<A>> {
        let (local, sent) = self.react(before, process, event)?;
        let mut after = before.clone();
        if let Event::Message(message) = event {
            let place = after.buffer.iter().position(|waiting| *waiting == (process, message))?;
            after.buffer.remove(place);
        }
        after.locals[usize::from(process)] = local;
        after.buffer.extend(sent);
        self.settle(&mut after);
        Some(after)
    }

    fn crash(&self, before: &Configuration<A>, process: u8) -> Configuration<A> {
        let mut after = Configuration { crashed: Some(process), ..before.clone() };
        self.settle(&mut after);
        after
    }

    /// Forgets messages that are late, where these are passed over, and puts the others in order.
    fn settle(&self, after: &mut Configuration<A>) {
        if self.passes_over_the_late {
            let mut buffer = std::mem::take(&mut after.buffer);
            buffer.retain(|(to, message)| {
                let local = &after.locals[usize::from(*to)];
                let reaction = self.attempt.step(*to, local, Event::Message(*message));
                after.crashed != Some(*to) && reaction.is_none_or(|(moved, sent)| moved != *local || !sent.is_empty())
            });
            after.buffer = buffer;
        }
        self.attempt.rename(after);
        after.buffer.sort_unstable();
    }
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Action<M> {
    /// Every process gets its input.
    Begin {
        /// The inputs, by process.
        inputs: [u8; PROCESSES],
    },
    /// A process steps without a message.
    Step {
        /// The process.
        process: u8,
    },
    /// A process receives a message.
    Receive {
        /// The process.
        process: u8,
        /// The message that it receives.
        message: M,
    },
    /// A process's failure detector suspects the process that it waits for.
    Suspect {
        /// The process whose detector it is.
        process: u8,
    },
    /// A process stops for good.
    Crash {
        /// The process.
        process: u8,
    },
    /// From now on no failure detector suspects this process, which does not crash.
    Trust {
        /// The process that is trusted.
        process: u8,
    },
}

impl<M> Action<M> {
    /// The process whose step it is.
    pub fn process(&self) -> Option<u8> {
        match self {
            Action::Begin { .. } | Action::Trust { .. } => None,
            Action::Step { process }
            | Action::Receive { process, .. }
            | Action::Suspect { process }
            | Action::Crash { process } => Some(*process),
        }
    }
}

/// A configuration.
///
/// Invariants: the buffer is in order; before anyone has an input there are no processes and nothing is on its way, and
/// afterwards all processes are there; the process that has crashed is not the one that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Configuration<A: Attempt> {
    /// Input of each process; `None` before they are given.
    pub inputs: Option<[u8; PROCESSES]>,
    /// What each process does.
    pub locals: Vec<A::Local>,
    /// Messages on their way, with their destinations, in order.
    pub buffer: Vec<(u8, A::Message)>,
    /// The process that has crashed.
    pub crashed: Option<u8>,
    /// The process that no failure detector suspects any more.
    pub trusted: Option<u8>,
}

impl<A: Attempt> Configuration<A> {
    /// Whether the invariants hold.
    fn is_consistent(&self) -> bool {
        let begun = match self.inputs {
            None => self.locals.is_empty() && self.buffer.is_empty(),
            Some(_) => self.locals.len() == PROCESSES,
        };
        begun && self.buffer.is_sorted() && (self.crashed.is_none() || self.crashed != self.trusted)
    }
}

impl<A: Attempt> Model for System<A> {
    type State = Configuration<A>;
    type Action = Action<A::Message>;

    fn init_states(&self) -> Vec<Configuration<A>> {
        if self.begins_without_inputs {
            let nobody = Vec::new();
            return vec![Configuration {
                inputs: None,
                locals: nobody,
                buffer: Vec::new(),
                crashed: None,
                trusted: None,
            }];
        }
        self.inputs().into_iter().map(|inputs| self.begin(inputs)).collect()
    }

    fn actions(&self, configuration: &Configuration<A>, actions: &mut Vec<Self::Action>) {
        if configuration.inputs.is_none() {
            actions.extend(self.inputs().into_iter().map(|inputs| Action::Begin { inputs }));
            return;
        }
        for process in (0..PROCESSES as u8).filter(|process| configuration.crashed != Some(*process)) {
            actions.push(Action::Step { process });
            if self.may_suspect(configuration, process) {
                actions.push(Action::Suspect { process });
            }
            if self.crashes_max > 0 && configuration.crashed.is_none() && configuration.trusted != Some(process) {
                actions.push(Action::Crash { process });
            }
            if self.detector_stabilises && configuration.trusted.is_none() {
                actions.push(Action::Trust { process });
            }
        }
        let mut buffer = configuration.buffer.clone();
        // Copies that are alike are one event, and the oldest is received first.
        buffer.dedup();
        actions.extend(buffer.into_iter().map(|(process, message)| Action::Receive { process, message }));
    }

    fn next_state(&self, before: &Configuration<A>, action: Self::Action) -> Option<Configuration<A>> {
        let after = match action {
            Action::Begin { inputs } => self.begin(inputs),
            Action::Step { process } => self.take(before, process, Event::Nothing)?,
            Action::Receive { process, message } => self.take(before, process, Event::Message(message))?,
            Action::Suspect { process } => self.take(before, process, Event::Suspicion)?,
            Action::Crash { process } => self.crash(before, process),
            Action::Trust { process } => Configuration { trusted: Some(process), ..before.clone() },
        };
        assert!(after.is_consistent(), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
