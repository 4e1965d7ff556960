//! The outside view of a model, written once and used by every conformance mode.

use std::fmt::{self, Debug};
use std::marker::PhantomData;

use stateright::Model;

use super::CheckedModel;

/// What someone who can only call and read answers sees of a model.
///
/// It is a value that names its model, and a value may carry what the view depends on. Here a door with a latch: to push
/// a door that is latched is refused, and moves nothing.
/// ```
/// use counterpart::{Check, Counterpart, Interface};
/// use stateright::Model;
///
/// /// State: whether it is latched.
/// struct Door;
///
/// impl Model for Door {
///     type State = bool;
///     type Action = &'static str;
///     fn init_states(&self) -> Vec<bool> { vec![false] }
///     fn actions(&self, _: &bool, actions: &mut Vec<&'static str>) { actions.extend(["push", "latch", "unlatch"]) }
///     fn next_state(&self, latched: &bool, action: &'static str) -> Option<bool> {
///         match action {
///             "latch" => Some(true),
///             "unlatch" => Some(false),
///             _ => (!latched).then_some(false),
///         }
///     }
/// }
///
/// struct DoorInterface;
///
/// impl Interface for DoorInterface {
///     type Model = Door;
///     type Input = &'static str;
///     /// Whether it was done.
///     type Output = bool;
///     type Snapshot = ();
///     fn label(&self, _: &Door, _: &bool, action: &&'static str, to: Option<&bool>) -> Option<(&'static str, bool)> {
///         Some((action, to.is_some()))
///     }
/// }
///
/// #[derive(Default)]
/// struct Bolt { shut: bool }
///
/// impl Counterpart<DoorInterface> for Bolt {
///     fn apply(&mut self, input: &&'static str) -> bool {
///         match *input {
///             "push" => return !self.shut,
///             other => self.shut = other == "latch",
///         }
///         true
///     }
/// }
///
/// Check::of(Door).interface(DoorInterface).lockstep(Bolt::default).assert();
/// ```
pub trait Interface: Send + Sync + 'static {
    /// The model this is the face of.
    type Model: CheckedModel;
    /// What an implementation is given, in the words of its field. A tick, a crash, a random draw are inputs too.
    type Input: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// What it answers.
    type Output: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// What can be read of it between calls; `()` where nothing can.
    type Snapshot: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// The input that carries `action` from `from` to `to`, and the answer that belongs to it.
    ///
    /// `to` is `None` where the model leaves the state as it is: with a label that is a refused input, which is driven
    /// like any other and must leave the implementation as it is; without, there is no such step. A step to `Some`
    /// state without a label is internal: nobody outside sees it.
    ///
    /// Several actions may share an input: the model then leaves open which of them happens.
    fn label(
        &self,
        model: &Self::Model,
        from: &<Self::Model as Model>::State,
        action: &<Self::Model as Model>::Action,
        to: Option<&<Self::Model as Model>::State>,
    ) -> Option<(Self::Input, Self::Output)>;

    /// Whether a call with `input` may wait. Where no step is labelled with it, it is then left without an answer until
    /// there is one, or for ever; the label is its *effect*, which happens between invoke and return. Sequential modes
    /// never make a call that would wait.
    fn may_wait(&self, _input: &Self::Input) -> bool {
        false
    }

    /// Whether `input` may change the model's state. Where many calls overlap, those that only look need not be tried in
    /// every order, and a history is judged the sooner for it. An input that is said to change nothing and does is an
    /// error of the run.
    fn changes(&self, _input: &Self::Input) -> bool {
        true
    }

    /// The part of the model that `input` belongs to, where the model is made of parts that have nothing to do with each
    /// other: a store's keys, say. A history is then judged part by part, each on the whole model with only its own
    /// events. A step that is internal, or that a log leaves out, must not join what the keys part.
    fn key(&self, _input: &Self::Input) -> Option<String> {
        None
    }

    /// The actions of `state` that carry `input`; for `None`, those that are internal or that a log may leave out. It is
    /// worth writing where a model offers very many: a log is then judged by what it says, not by all that could have
    /// been. By default whatever the model offers is looked through.
    ///
    /// Each must be among those that the model offers in that state.
    fn offers(
        &self,
        _model: &Self::Model,
        _state: &<Self::Model as Model>::State,
        _input: Option<&Self::Input>,
    ) -> Option<Vec<<Self::Model as Model>::Action>> {
        None
    }

    /// What an implementation in `state` would show; `None` where nothing is compared.
    fn snapshot(&self, _model: &Self::Model, _state: &<Self::Model as Model>::State) -> Option<Self::Snapshot> {
        None
    }
}

/// The face of a model that is explored and nothing more.
pub struct NoInterface<M>(PhantomData<fn() -> M>);

impl<M> Debug for NoInterface<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoInterface")
    }
}

impl<M> Default for NoInterface<M> {
    fn default() -> Self {
        NoInterface(PhantomData)
    }
}

impl<M: CheckedModel> Interface for NoInterface<M> {
    type Model = M;
    type Input = ();
    type Output = ();
    type Snapshot = ();

    fn label(&self, _: &M, _: &M::State, _: &M::Action, _: Option<&M::State>) -> Option<((), ())> {
        None
    }
}
