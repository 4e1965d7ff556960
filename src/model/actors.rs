//! What is said of stateright's actor systems: whose step it is, how a state reads, and which deliveries are fair.

use std::fmt::{self, Debug};
use std::hash::Hash;

use serde_json::{Map, Value, json};
use stateright::Model;
use stateright::actor::{Actor, ActorModel, ActorModelAction, ActorModelState, Id, Network};

use super::{CheckedModel, FairKey, Spec, Temporal, printed};
use crate::trace::itf_value;

/// Fairness of a network that loses nothing: a message that can be delivered from some point on is delivered, a timer
/// that stays set fires, and a random choice that stays open is made. What crashes need not recover.
pub const DELIVERS: &str = "messages are delivered and timers fire";

/// Fairness of a network that loses messages: a message that can be delivered again and again, being sent again and
/// again, is delivered. All else is as with [`DELIVERS`].
pub const DELIVERS_AT_LAST: &str = "messages sent again and again are delivered and timers fire";

/// What is promised, made anew whenever it is asked for.
type Promises<M> = Box<dyn Fn() -> Vec<Temporal<M>> + Send + Sync>;

/// The [`Spec`] of a system of stateright's actors. Steps stand in the column of the actor that takes them, and a state
/// is shown by actor, with what is under way in the network.
///
/// Without fairness hardly anything is promised of such a system: it may deliver one message again and again and
/// never another. So the model's own `eventually` properties are judged under [`DELIVERS`], unless
/// [`own_under`](ActorSpec::own_under) says otherwise. [`promising`](ActorSpec::promising) adds others, under
/// [`DELIVERS`], [`DELIVERS_AT_LAST`] or nothing. Crashes, recoveries and losses are never owed.
///
/// stateright 0.31.0 hashes a set without its length, so that its own search takes states for one that differ in whose
/// timer is set, and disagrees with ours: a system with timers is checked without it (`Check::referee(false)`).
/// ```
/// use std::borrow::Cow;
/// use counterpart::model::{ActorSpec, DELIVERS};
/// use counterpart::{Check, Temporal};
/// use stateright::actor::{Actor, ActorModel, Id, Network, Out};
/// use stateright::Expectation;
///
/// /// Sends a greeting to the other, and knows whether it got none, an odd number (1) or an even one (2).
/// #[derive(Clone)]
/// struct Greeter { other: Id }
/// impl Actor for Greeter {
///     type Msg = u8;
///     type State = u8;
///     type Timer = ();
///     type Random = ();
///     type Storage = ();
///     fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> u8 {
///         out.send(self.other, 1);
///         0
///     }
///     fn on_msg(&self, _: Id, heard: &mut Cow<'_, u8>, _: Id, msg: u8, _: &mut Out<Self>) {
///         *heard.to_mut() = if **heard == msg { 2 } else { 1 };
///     }
/// }
///
/// let model = || {
///     ActorModel::new((), ())
///         .actors([Greeter { other: Id::from(1) }, Greeter { other: Id::from(0) }])
///         .init_network(Network::new_unordered_duplicating([]))
///         .property(Expectation::Eventually, "both have heard", |_, state| {
///             state.actor_states.iter().all(|heard| **heard > 0)
///         })
/// };
/// Check::of(model()).spec(ActorSpec::new()).assert();
///
/// // The network may as well deliver to one of them for ever.
/// Check::of(model()).spec(ActorSpec::new().own_under(None)).violates("both have heard").assert();
///
/// let settle = || Temporal::eventually_always("nobody is new", |_: &ActorModel<Greeter>, state: &<ActorModel<Greeter> as stateright::Model>::State| {
///     state.actor_states.iter().all(|heard| **heard > 0)
/// });
/// Check::of(model()).spec(ActorSpec::new().promising(move || vec![settle().under(DELIVERS)])).assert();
/// ```
pub struct ActorSpec<M: Model> {
    own_under: Option<&'static str>,
    promises: Promises<M>,
}

impl<M: Model> Debug for ActorSpec<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSpec").field("own_under", &self.own_under).finish_non_exhaustive()
    }
}

impl<M: Model + 'static> Default for ActorSpec<M> {
    fn default() -> Self {
        ActorSpec::new()
    }
}

impl<M: Model + 'static> ActorSpec<M> {
    /// Promises nothing beside the model's own properties, whose `eventually` are under [`DELIVERS`].
    pub fn new() -> Self {
        ActorSpec { own_under: Some(DELIVERS), promises: Box::new(Vec::new) }
    }

    /// Judges the model's own `eventually` properties under `assumption`, [`DELIVERS`] or [`DELIVERS_AT_LAST`], or of
    /// all runs, fair or not.
    #[must_use]
    pub fn own_under(mut self, assumption: Option<&'static str>) -> Self {
        self.own_under = assumption;
        self
    }

    /// Promises what `promises` makes, beside the model's own properties.
    #[must_use]
    pub fn promising(mut self, promises: impl Fn() -> Vec<Temporal<M>> + Send + Sync + 'static) -> Self {
        self.promises = Box::new(promises);
        self
    }
}

impl<A, C, H> Spec for ActorSpec<ActorModel<A, C, H>>
where
    A: Actor + 'static,
    A::Msg: Ord + 'static,
    A::Timer: Ord + 'static,
    A::Random: 'static,
    H: Clone + Debug + Hash + 'static,
    C: 'static,
    ActorModel<A, C, H>:
        CheckedModel<State = ActorModelState<A, H>, Action = ActorModelAction<A::Msg, A::Timer, A::Random>>,
{
    type Model = ActorModel<A, C, H>;

    fn temporal(&self) -> Vec<Temporal<Self::Model>> {
        (self.promises)()
    }

    fn own_under(&self) -> Option<&'static str> {
        self.own_under
    }

    fn fairness(
        &self,
        _model: &Self::Model,
        _state: &ActorModelState<A, H>,
        action: &ActorModelAction<A::Msg, A::Timer, A::Random>,
    ) -> Vec<FairKey> {
        let owed =
            |what: &dyn Fn(FairKey) -> FairKey, at_last: FairKey| vec![what(FairKey::weak(DELIVERS)), what(at_last)];
        match action {
            ActorModelAction::Deliver { src, dst, msg } => {
                owed(&|key| key.of_each((0, src, dst, msg)), FairKey::strong(DELIVERS_AT_LAST))
            }
            ActorModelAction::Timeout(id, timer) => {
                owed(&|key| key.of_each((1, id, timer)), FairKey::weak(DELIVERS_AT_LAST))
            }
            ActorModelAction::SelectRandom { actor, key: choice, .. } => {
                owed(&|key| key.of_each((2, actor, choice)), FairKey::weak(DELIVERS_AT_LAST))
            }
            ActorModelAction::Drop(_) | ActorModelAction::Crash(_) | ActorModelAction::Recover(_) => Vec::new(),
        }
    }

    fn must_progress(
        &self,
        _model: &Self::Model,
        _state: &ActorModelState<A, H>,
        action: &ActorModelAction<A::Msg, A::Timer, A::Random>,
    ) -> bool {
        match action {
            ActorModelAction::Deliver { .. }
            | ActorModelAction::Timeout(..)
            | ActorModelAction::SelectRandom { .. } => true,
            ActorModelAction::Drop(_) | ActorModelAction::Crash(_) | ActorModelAction::Recover(_) => false,
        }
    }

    fn actor(&self, action: &ActorModelAction<A::Msg, A::Timer, A::Random>) -> String {
        match action {
            ActorModelAction::Deliver { dst: id, .. }
            | ActorModelAction::Timeout(id, _)
            | ActorModelAction::SelectRandom { actor: id, .. }
            | ActorModelAction::Crash(id)
            | ActorModelAction::Recover(id) => named(usize::from(*id)),
            ActorModelAction::Drop(_) => "network".into(),
        }
    }

    fn state_json(&self, _model: &Self::Model, state: &ActorModelState<A, H>) -> Value {
        let read = |what: &dyn Debug| printed(&format!("{what:?}"));
        let mut shown = Map::new();
        for (index, actor) in state.actor_states.iter().enumerate() {
            let mut of_actor = Map::from_iter([("state".to_string(), read(&**actor))]);
            let timers: Vec<_> = state.timers_set[index].iter().collect();
            if !timers.is_empty() {
                of_actor.insert("timers".into(), sorted(timers.iter().map(|timer| format!("{timer:?}"))));
            }
            let choices = &state.random_choices[index].map;
            if !choices.is_empty() {
                of_actor.insert("choices".into(), read(choices));
            }
            if let Some(storage) = &state.actor_storages[index] {
                of_actor.insert("storage".into(), read(storage));
            }
            if state.crashed[index] {
                of_actor.insert("crashed".into(), json!(true));
            }
            shown.insert(named(index), Value::Object(of_actor));
        }
        shown.insert("network".into(), under_way(&state.network));
        if std::mem::size_of::<H>() > 0 {
            shown.insert("history".into(), read(&state.history));
        }
        itf_value(Value::Object(shown))
    }
}

fn named(index: usize) -> String {
    format!("actor {index}")
}

/// The messages that were sent and not delivered or lost, a line each.
fn under_way<Msg: Clone + Debug + Eq + Hash>(network: &Network<Msg>) -> Value {
    let line = |src: Id, dst: Id, msg: &Msg| format!("{} → {} {msg:?}", usize::from(src), usize::from(dst));
    match network {
        Network::UnorderedDuplicating(envelopes, _) => {
            sorted(envelopes.iter().map(|envelope| line(envelope.src, envelope.dst, &envelope.msg)))
        }
        Network::UnorderedNonDuplicating(envelopes) => sorted(envelopes.iter().map(|(envelope, times)| {
            let line = line(envelope.src, envelope.dst, &envelope.msg);
            if *times == 1 { line } else { format!("{line}, {times} times") }
        })),
        // Of one pair in the order in which they were sent.
        Network::Ordered(flows) => {
            let of_flow = |((src, dst), sent): (&(Id, Id), &std::collections::VecDeque<Msg>)| {
                sent.iter().map(|msg| line(*src, *dst, msg)).collect::<Vec<_>>()
            };
            flows.iter().flat_map(of_flow).collect()
        }
    }
}

fn sorted(lines: impl Iterator<Item = String>) -> Value {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.into_iter().collect()
}
