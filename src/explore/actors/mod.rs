//! Actor systems of stateright, with the parts of a state interned and the steps of an actor remembered.
//!
//! A state of an actor system is large, and made of few different parts: what an actor knows, what is on the network,
//! the history. Each part gets a number, and a state is the list of its parts' numbers. What an actor does at an event
//! depends on what it knows, on the event and on the history alone; so it is asked once for each of these, by a step
//! that stateright itself takes in a system whose network has that message alone. The rules are stateright's, whatever
//! they are.
//!
//! Numbers are given out as parts are found, which depends on the threads; no order here goes by them. Messages lie in
//! their own order, actions in stateright's. So nodes have the numbers, and paths are the paths, that the same
//! exploration of the model itself gives.

mod intern;
mod network;
mod parts;
mod reduced;

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use stateright::actor::{Actor, ActorModel, ActorModelAction, ActorModelState, Envelope, Id, LossyNetwork};
use stateright::{Expectation, Model};

use self::intern::{Interner, Memo};
use self::network::Kind;
use self::parts::{Kept, Local, LocalOf, Outcome, Parts, STIRS};
use super::form::Small;
use super::survey::{Asked, surveyed};
use super::{Budget, ModelError, Path, Survey};

pub use self::parts::Packed;
pub use self::reduced::ReducedSurvey;

/// An actor system, to be [surveyed](Actors::survey).
///
/// A property that looks at the network had better go by `Network::iter_deliverable`: of a message that was sent several
/// times `Network::iter_all` of stateright 0.31.0 yields one too many, and on ordered networks it need not end.
///
/// ```
/// use counterpart::explore::{Actors, Budget};
/// use stateright::Expectation;
/// use stateright::actor::{Actor, ActorModel, Id, Network, Out};
/// use std::borrow::Cow;
///
/// /// Counts what it is told, and tells the other.
/// struct Counter(Id);
/// impl Actor for Counter {
///     type Msg = u8;
///     type State = u8;
///     type Timer = ();
///     type Random = ();
///     type Storage = ();
///     fn on_start(&self, id: Id, _: &Option<()>, out: &mut Out<Self>) -> u8 {
///         if id == Id::from(0) {
///             out.send(self.0, 1);
///         }
///         0
///     }
///     fn on_msg(&self, _: Id, state: &mut Cow<u8>, from: Id, count: u8, out: &mut Out<Self>) {
///         *state.to_mut() = count;
///         if count < 9 {
///             out.send(from, count + 1);
///         }
///     }
/// }
///
/// let model = ActorModel::new((), ())
///     .actors([Counter(Id::from(1)), Counter(Id::from(0))])
///     .init_network(Network::new_unordered_nonduplicating([]))
///     .property(Expectation::Sometimes, "one counts to nine", |_, state| state.actor_states.iter().any(|s| **s == 9));
/// let survey = Actors::of(model).survey(&Budget::default())?;
/// assert_eq!(survey.node_count(), 10);
/// assert!(survey.discoveries()[0].node.is_some());
/// # Ok::<(), counterpart::explore::ModelError>(())
/// ```
pub struct Actors<A, C, H>
where
    A: System,
    H: History,
{
    model: ActorModel<A, C, H>,
    kind: Kind,
    has_boundary: bool,
    /// Names of properties that look at the history alone.
    over_history: Vec<&'static str>,
    /// Names of properties with the actors that they look at alone.
    over_actors: Vec<(&'static str, Vec<usize>)>,
    locals: Interner<LocalOf<A>>,
    envelopes: Interner<Envelope<A::Msg>>,
    histories: Interner<Kept<H>>,
    /// By actor, event and history.
    steps: Memo<(u32, Event, u32), Option<Outcome>>,
}

/// An actor that can be explored: stateright's own bounds, and threads.
pub trait System:
    Actor<
        Msg: Ord + Send + Sync + 'static,
        Timer: Ord + Send + Sync + 'static,
        State: Send + Sync + 'static,
        Random: Send + Sync + 'static,
        Storage: Send + Sync + 'static,
    > + Send
    + Sync
    + 'static
{
}

impl<A> System for A where
    A: Actor<
            Msg: Ord + Send + Sync + 'static,
            Timer: Ord + Send + Sync + 'static,
            State: Send + Sync + 'static,
            Random: Send + Sync + 'static,
            Storage: Send + Sync + 'static,
        > + Send
        + Sync
        + 'static
{
}

/// A history that can be explored.
pub trait History: Clone + Debug + Hash + PartialEq + Send + Sync + 'static {}

impl<H: Clone + Debug + Hash + PartialEq + Send + Sync + 'static> History for H {}

/// An action of an actor system, by the numbers of what it is about. [`Actors::action`] tells what it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Step(Doing);

impl Debug for Step {
    /// Without the numbers: they differ from run to run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0 {
            Doing::Drop { .. } => "a message is dropped",
            Doing::Local { event: Event::Deliver { .. }, .. } => "a message is delivered",
            Doing::Local { event: Event::Timeout { .. }, .. } => "a timer fires",
            Doing::Local { event: Event::Crash, .. } => "an actor crashes",
            Doing::Local { event: Event::Recover, .. } => "an actor recovers",
            Doing::Local { event: Event::Random { .. }, .. } => "an actor draws",
        };
        f.write_str(what)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Drop { envelope: u32 },
    Local { actor: u32, event: Event },
}

/// What happens to an actor. `nth`: of its timers or its choices, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Event {
    Deliver { envelope: u32 },
    Timeout { nth: u32 },
    Crash,
    Recover,
    Random { nth: u32 },
}

impl<A, C, H> Actors<A, C, H>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    /// The system of `model`, as it is.
    pub fn of(model: ActorModel<A, C, H>) -> Self {
        Actors {
            kind: Kind::of(&model.init_network),
            model,
            has_boundary: true,
            over_history: Vec::new(),
            over_actors: Vec::new(),
            locals: Interner::default(),
            envelopes: Interner::default(),
            histories: Interner::default(),
            steps: Memo::default(),
        }
    }

    /// Says that `property` looks at the history alone, so that it is asked once for each history. Of some states it is
    /// asked again: one that looks at more is found out by that, and the survey panics.
    ///
    /// # Panics
    /// If the model has no such property.
    #[must_use]
    pub fn over_history(mut self, property: &str) -> Self {
        self.over_history.push(self.known(property));
        self
    }

    /// Says that the model has no boundary, so that no state is put together to be asked whether it is within. Of some
    /// states it is asked nevertheless: if one is outside, the survey panics.
    #[must_use]
    pub fn without_boundary(mut self) -> Self {
        self.has_boundary = false;
        self
    }

    /// The names of its `always` and `sometimes` properties, in their order.
    pub(super) fn asked(&self) -> Vec<&'static str> {
        let of_states = self.model.properties.iter().filter(|asked| asked.expectation != Expectation::Eventually);
        of_states.map(|asked| asked.name).collect()
    }

    /// Explores the system as far as `budget` goes, for its `always` and `sometimes` properties.
    ///
    /// # Errors
    /// As [`survey`](super::survey).
    ///
    /// # Panics
    /// If what [`over_history`](Self::over_history) or [`without_boundary`](Self::without_boundary) says is not so.
    pub fn survey(self, budget: &Budget) -> Result<Survey<Self>, ModelError> {
        let asked = self.model.properties.iter().enumerate();
        let asked = asked.filter(|(_, property)| property.expectation != Expectation::Eventually);
        let asked = asked.map(|(index, property)| Asked {
            name: property.name,
            expectation: property.expectation.clone(),
            condition: Box::new(move |system: &Self, state: &Packed| system.is_met(index, state)),
        });
        let asked = asked.collect();
        surveyed::<Self, Small>(Arc::new(self), asked, budget)
    }

    /// The model.
    pub fn model(&self) -> &ActorModel<A, C, H> {
        &self.model
    }

    /// How often an actor was asked what it does.
    pub fn asked_count(&self) -> usize {
        self.steps.len()
    }

    /// The state with all its parts.
    pub fn state(&self, state: &Packed) -> ActorModelState<A, H> {
        let (history, locals, network) = self.parts(state);
        let locals = || locals.iter().map(|local| self.local_of(*local));
        ActorModelState {
            actor_states: locals().map(|local| local.state.clone()).collect(),
            network: self.kind.network(network.iter().map(|envelope| self.envelopes.get(*envelope)), self.last(state)),
            timers_set: locals().map(|local| local.timers.clone()).collect(),
            random_choices: locals().map(|local| local.random.clone()).collect(),
            crashed: locals().map(|local| local.crashed).collect(),
            history: self.histories.get(history).history.clone(),
            actor_storages: locals().map(|local| local.storage.clone()).collect(),
        }
    }

    /// The action that `step` is in `state`.
    pub fn action(&self, state: &Packed, step: Step) -> ActorModelAction<A::Msg, A::Timer, A::Random> {
        match step.0 {
            Doing::Drop { envelope } => ActorModelAction::Drop(self.envelopes.get(envelope).clone()),
            Doing::Local { actor, event } => {
                let local = self.local_of(self.parts(state).1[actor as usize]);
                self.action_of(actor, local, event)
            }
        }
    }

    /// A path of the model itself.
    pub fn path(&self, path: Path<Self>) -> Path<ActorModel<A, C, H>> {
        let initial = self.state(&path.initial);
        let mut from = path.initial;
        let steps = path.steps.into_iter().map(|(step, to)| {
            let action = self.action(&from, step);
            from = to;
            (action, self.state(&from))
        });
        Path { initial, steps: steps.collect() }
    }

    fn action_of(&self, actor: u32, local: &LocalOf<A>, event: Event) -> ActorModelAction<A::Msg, A::Timer, A::Random> {
        let id = Id::from(actor as usize);
        match event {
            Event::Deliver { envelope } => {
                let Envelope { src, dst, msg } = self.envelopes.get(envelope).clone();
                ActorModelAction::Deliver { src, dst, msg }
            }
            Event::Timeout { nth } => ActorModelAction::Timeout(id, local.timers()[nth as usize].clone()),
            Event::Crash => ActorModelAction::Crash(id),
            Event::Recover => ActorModelAction::Recover(id),
            Event::Random { nth } => {
                let (key, random) = local.choices()[nth as usize];
                ActorModelAction::SelectRandom { actor: id, key: key.clone(), random: random.clone() }
            }
        }
    }

    /// History, actors, and what is on the network.
    fn parts<'a>(&self, state: &'a Packed) -> (u32, &'a [u32], &'a [u32]) {
        let (head, network) = state.0.split_at(2 + self.model.actors.len());
        (head[0], &head[2..], network)
    }

    /// The message that was delivered last, where the network remembers it.
    fn last(&self, state: &Packed) -> Option<&Envelope<A::Msg>> {
        state.0[1].checked_sub(1).map(|envelope| self.envelopes.get(envelope))
    }

    fn packed(&self, state: &ActorModelState<A, H>) -> Packed {
        let (network, last) = network::contents(&state.network);
        let mut parts = Parts::new();
        parts.push(self.history(&state.history));
        parts.push(last.map_or(0, |last| self.envelopes.number(last.clone()) + 1));
        parts.extend((0..self.model.actors.len()).map(|actor| self.local(state, actor)));
        let head = parts.len();
        for envelope in network {
            self.kind.insert(head, &mut parts, self.envelopes.number(envelope), &self.envelopes);
        }
        Packed(parts)
    }

    /// The actor's part of a state.
    fn local(&self, state: &ActorModelState<A, H>, actor: usize) -> u32 {
        let local = Local {
            actor: actor as u32,
            state: state.actor_states[actor].clone(),
            timers: state.timers_set[actor].clone(),
            random: state.random_choices[actor].clone(),
            crashed: state.crashed[actor],
            storage: state.actor_storages[actor].clone(),
        };
        let stirs = if local.stirs() { STIRS } else { 0 };
        self.locals.number(local) << 1 | stirs
    }

    fn local_of(&self, part: u32) -> &LocalOf<A> {
        self.locals.get(part >> 1)
    }

    fn history(&self, history: &H) -> u32 {
        let judged = self.model.properties.iter().map(|_| OnceLock::new()).collect();
        self.histories.number(Kept { history: history.clone(), judged })
    }

    /// What the event comes to, by a step of the model with nothing on the network but what it is about.
    fn outcome(&self, state: &Packed, actor: u32, event: Event) -> Option<&Outcome> {
        let (history, locals, _) = self.parts(state);
        let local = locals[actor as usize];
        let outcome = self.steps.get_or_insert((local, event, history), || {
            let mut alone = self.state(state);
            let envelope = match event {
                Event::Deliver { envelope } => Some(self.envelopes.get(envelope)),
                _ => None,
            };
            alone.network = self.kind.network(envelope.into_iter(), None);
            let next = self.model.next_state(&alone, self.action_of(actor, self.local_of(local), event))?;
            // Of a network that delivers again what was delivered is among it: putting it there once more changes nothing.
            let (sent, _) = network::contents(&next.network);
            Some(Outcome {
                local: self.local(&next, actor as usize),
                history: self.history(&next.history),
                sent: sent.into_iter().map(|sent| self.envelopes.number(sent)).collect(),
            })
        });
        outcome.as_ref()
    }

    fn is_met(&self, property: usize, state: &Packed) -> bool {
        let condition = self.model.properties[property].condition;
        let as_a_whole = || condition(&self.model, &self.state(state));
        let name = self.model.properties[property].name;
        if !self.over_history.contains(&name) {
            return as_a_whole();
        }
        let known = &self.histories.get(state.0[0]).judged[property];
        let met = *known.get_or_init(as_a_whole);
        if state.is_drawn() {
            assert_eq!(met, as_a_whole(), "the property {name:?} does not look at the history alone");
        }
        met
    }
}

impl<A, C, H> Model for Actors<A, C, H>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    type State = Packed;
    type Action = Step;

    fn init_states(&self) -> Vec<Packed> {
        self.model.init_states().iter().map(|state| self.packed(state)).collect()
    }

    /// In the order that stateright has them in.
    fn actions(&self, state: &Packed, actions: &mut Vec<Step>) {
        let (_, locals, network) = self.parts(state);
        let local = |actor: usize, event| Step(Doing::Local { actor: actor as u32, event });
        if self.model.lossy_network == LossyNetwork::Yes {
            let lost = self.kind.deliverable(network, &self.envelopes);
            actions.extend(lost.map(|(envelope, _)| Step(Doing::Drop { envelope })));
        }
        for (envelope, to) in self.kind.deliverable(network, &self.envelopes) {
            if to < locals.len() {
                actions.push(local(to, Event::Deliver { envelope }));
            }
        }
        if self.model.max_crashes == 0 && locals.iter().all(|local| local & STIRS == 0) {
            return;
        }
        let of = |actor: usize| self.local_of(locals[actor]);
        for actor in 0..locals.len() {
            let timers = of(actor).timers.iter().count() as u32;
            actions.extend((0..timers).map(|nth| local(actor, Event::Timeout { nth })));
        }
        let crashed = (0..locals.len()).filter(|actor| of(*actor).crashed).count();
        if crashed < self.model.max_crashes {
            let up = (0..locals.len()).filter(|actor| !of(*actor).crashed);
            actions.extend(up.map(|actor| local(actor, Event::Crash)));
        }
        if crashed > 0 {
            let down = (0..locals.len()).filter(|actor| of(*actor).crashed);
            actions.extend(down.map(|actor| local(actor, Event::Recover)));
        }
        for actor in 0..locals.len() {
            let choices = of(actor).random.map.values().map(Vec::len).sum::<usize>() as u32;
            actions.extend((0..choices).map(|nth| local(actor, Event::Random { nth })));
        }
    }

    fn next_state(&self, before: &Packed, action: Step) -> Option<Packed> {
        let (_, _, network) = self.parts(before);
        let head = before.0.len() - network.len();
        let taken = match action.0 {
            Doing::Local { event: Event::Deliver { .. }, .. } if self.kind.keeps_delivered() => None,
            Doing::Drop { envelope } | Doing::Local { event: Event::Deliver { envelope }, .. } => Some(envelope),
            Doing::Local { .. } => None,
        };
        let outcome = match action.0 {
            Doing::Drop { .. } => None,
            Doing::Local { actor, event } => Some((actor, event, self.outcome(before, actor, event)?)),
        };
        // As long as it will be in the end: a state is not to be moved once it is made.
        let sent = outcome.map_or(&[][..], |(_, _, outcome)| &*outcome.sent);
        let mut parts = Parts::with_capacity(before.0.len() + sent.len() - usize::from(taken.is_some()));
        match taken {
            Some(envelope) => {
                let at = head + network.iter().position(|on_it| *on_it == envelope)?;
                parts.extend_from_slice(&before.0[..at]);
                parts.extend_from_slice(&before.0[at + 1..]);
            }
            None => parts.extend_from_slice(&before.0),
        }
        if let Some((actor, event, outcome)) = outcome {
            parts[0] = outcome.history;
            parts[2 + actor as usize] = outcome.local;
            if let (Event::Deliver { envelope }, None) = (event, taken) {
                parts[1] = envelope + 1;
            }
        }
        for sent in sent {
            self.kind.insert(head, &mut parts, *sent, &self.envelopes);
        }
        Some(Packed(parts))
    }

    fn within_boundary(&self, state: &Packed) -> bool {
        if self.has_boundary {
            return Model::within_boundary(&self.model, &self.state(state));
        }
        if state.is_drawn() {
            assert!(Model::within_boundary(&self.model, &self.state(state)), "the model has a boundary");
        }
        true
    }
}

impl<A, C, H> Debug for Actors<A, C, H>
where
    A: System,
    H: History,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actors").field("actors", &self.model.actors.len()).finish_non_exhaustive()
    }
}
