//! What a model promises of whole runs, and which fairness it needs for it.
//!
//! A promise names the fairness assumption it is under, and an assumption is nothing but the actions that
//! [`Spec::fairness`](super::Spec::fairness) puts under its name. So the same predicate can stand under two assumptions,
//! as two properties with names of their own, and a verdict always says what was assumed for it.

use std::hash::Hash;

use siphasher::sip128::{Hasher128, SipHasher13};
use stateright::Model;

use super::Kind;

/// A predicate over the model, for its bounds, and a state.
type Predicate<M> = Box<dyn Fn(&M, &<M as Model>::State) -> bool + Send + Sync>;

/// A property of runs. A run is infinite: where no action is enabled, or none that is
/// [forced](super::Spec::forced), it may go on by repeating its state.
///
/// ```
/// use counterpart::model::{FairKey, Spec, Temporal};
/// use counterpart::{Case, Check};
/// use stateright::Model;
///
/// /// A message that is sent again as long as it is not delivered.
/// #[derive(Clone)]
/// struct Line;
/// impl Model for Line {
///     type State = bool;
///     type Action = &'static str;
///     fn init_states(&self) -> Vec<bool> { vec![false] }
///     fn actions(&self, _: &bool, actions: &mut Vec<&'static str>) { actions.extend(["resend", "deliver"]) }
///     fn next_state(&self, delivered: &bool, action: &'static str) -> Option<bool> {
///         (!delivered).then_some(action == "deliver")
///     }
/// }
///
/// struct LineSpec;
/// impl Spec for LineSpec {
///     type Model = Line;
///     fn temporal(&self) -> Vec<Temporal<Line>> {
///         vec![
///             Temporal::eventually("delivered whatever happens", |_, delivered| *delivered),
///             Temporal::eventually("delivered", |_, delivered| *delivered).under("the line is not cut"),
///         ]
///     }
///     fn fairness(&self, _: &Line, _: &bool, action: &&'static str) -> Vec<FairKey> {
///         if *action == "deliver" { vec![FairKey::weak("the line is not cut")] } else { Vec::new() }
///     }
/// }
///
/// // A sender that only ever resends delivers nothing.
/// Check::of(Line).spec(LineSpec).violates("delivered whatever happens").assert();
/// ```
pub struct Temporal<M: Model> {
    name: String,
    kind: Kind,
    trigger: Option<Predicate<M>>,
    goal: Predicate<M>,
    assumption: Option<&'static str>,
}

impl<M: Model> Temporal<M> {
    /// On every run `goal` holds at some point (◇ goal).
    pub fn eventually(name: impl Into<String>, goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Self {
        Self::new(name, Kind::Eventually, goal)
    }

    /// On every run, whenever `trigger` holds `goal` holds in the same state or in a later one (□ (trigger ⇒ ◇ goal)).
    pub fn leads_to(
        name: impl Into<String>,
        trigger: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Temporal { trigger: Some(Box::new(trigger)), ..Self::new(name, Kind::LeadsTo, goal) }
    }

    /// On every run `goal` holds again and again (□◇ goal).
    pub fn infinitely_often(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Kind::InfinitelyOften, goal)
    }

    /// On every run `goal` holds from some point on (◇□ goal).
    pub fn eventually_always(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Kind::EventuallyAlways, goal)
    }

    /// From every reachable state some run leads to `goal` (AG EF goal). Fairness changes nothing of it: it forbids no
    /// finite run.
    pub fn recoverable(name: impl Into<String>, goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Self {
        Self::new(name, Kind::Recoverable, goal)
    }

    fn new(name: impl Into<String>, kind: Kind, goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Self {
        Temporal { name: name.into(), kind, trigger: None, goal: Box::new(goal), assumption: None }
    }

    /// Promised of those runs only that are fair to the actions under `assumption`.
    #[must_use]
    pub fn under(mut self, assumption: &'static str) -> Self {
        self.assumption = Some(assumption);
        self
    }

    /// The property's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The fairness assumption it is under.
    pub fn assumption(&self) -> Option<&'static str> {
        self.assumption
    }

    /// Whether `state` begins what has to end in the goal. Of a kind without a trigger no state does.
    pub fn is_triggered(&self, model: &M, state: &M::State) -> bool {
        self.trigger.as_ref().is_some_and(|trigger| trigger(model, state))
    }

    /// Whether `state` is as it is promised to be.
    pub fn is_met(&self, model: &M, state: &M::State) -> bool {
        (self.goal)(model, state)
    }
}

/// How often an action that is fair is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// If from some point on it is enabled in every state, it is taken again and again.
    Weak,
    /// If it is enabled again and again, it is taken again and again.
    Strong,
}

/// One set of actions to which a run is fair: those with this assumption, strength and value. *It* in [`Strength`] is
/// any action of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FairKey {
    /// The name that properties are under.
    pub assumption: &'static str,
    /// How fair.
    pub strength: Strength,
    /// Tells the sets of one assumption apart.
    pub value: u128,
}

impl FairKey {
    /// All weakly fair actions of `assumption` are one set.
    pub fn weak(assumption: &'static str) -> Self {
        FairKey { assumption, strength: Strength::Weak, value: 0 }
    }

    /// All strongly fair actions of `assumption` are one set.
    pub fn strong(assumption: &'static str) -> Self {
        FairKey { assumption, strength: Strength::Strong, value: 0 }
    }

    /// A set of its own for each `what`: each message, each process. It is known by 128 bits of its hash, so that two
    /// among a million share a set with a probability below 10⁻²⁶.
    #[must_use]
    pub fn of_each(mut self, what: impl Hash) -> Self {
        let mut hasher = SipHasher13::new();
        what.hash(&mut hasher);
        self.value = hasher.finish128().as_u128();
        self
    }
}
