//! How a model reads to a person, and what it promises beyond invariants.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;
use siphasher::sip128::{Hasher128, SipHasher13};
use stateright::{Expectation, Model};

use super::{CheckedModel, FairKey, Temporal, printed};
use crate::trace::itf_value;

/// What is said of a model beside its transitions. Every method has a default, so that a plain `stateright::Model`
/// needs none.
///
/// It is a value that names its model. Here a lamp that is lit again and again, as long as somebody goes on switching:
/// ```
/// use counterpart::{Check, FairKey, Spec, Temporal};
/// use stateright::Model;
///
/// struct Lamp;
///
/// impl Model for Lamp {
///     type State = bool;
///     type Action = &'static str;
///     fn init_states(&self) -> Vec<bool> { vec![false] }
///     fn actions(&self, _: &bool, actions: &mut Vec<&'static str>) { actions.extend(["idle", "switch"]) }
///     fn next_state(&self, lit: &bool, action: &'static str) -> Option<bool> {
///         Some(if action == "switch" { !lit } else { *lit })
///     }
/// }
///
/// struct LampSpec;
///
/// impl Spec for LampSpec {
///     type Model = Lamp;
///     fn temporal(&self) -> Vec<Temporal<Lamp>> {
///         let lit = |_: &Lamp, lit: &bool| *lit;
///         vec![
///             Temporal::infinitely_often("it is lit", lit).under("somebody switches"),
///             Temporal::recoverable("it can be lit", lit),
///         ]
///     }
///     fn fairness(&self, _: &Lamp, _: &bool, action: &&'static str) -> Vec<FairKey> {
///         if *action == "switch" { vec![FairKey::weak("somebody switches")] } else { vec![] }
///     }
/// }
///
/// Check::of(Lamp).spec(LampSpec).assert();
/// ```
pub trait Spec: Send + Sync + 'static {
    /// The model this speaks of.
    type Model: CheckedModel;

    /// The bounds and the variant, by name: printed with every verdict, and part of a trace's hash.
    fn parameters(&self, _model: &Self::Model) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// What the model promises of whole runs, beside its own properties. Judged after those, in this order.
    fn temporal(&self) -> Vec<Temporal<Self::Model>> {
        Vec::new()
    }

    /// The fairness assumptions that `action`, enabled in `state`, is under. It is asked of actions whose `next_state`
    /// is `Some` (that is what *enabled* means: a step back into the same state counts, and so does one out of the
    /// boundary), and must answer the same whenever it is asked the same.
    fn fairness(
        &self,
        _model: &Self::Model,
        _state: &<Self::Model as Model>::State,
        _action: &<Self::Model as Model>::Action,
    ) -> Vec<FairKey> {
        Vec::new()
    }

    /// The fairness that the model's own `eventually` properties are under. None by default: they are judged on every
    /// run.
    fn own_under(&self) -> Option<&'static str> {
        None
    }

    /// Whether `action` is forced: time cannot go by for ever while it is enabled and nothing happens. A crash, a
    /// failing disk or an operator are not forced: a state in which only such actions are enabled may be where a run
    /// ends, as a state with no action enabled is.
    fn must_progress(
        &self,
        _model: &Self::Model,
        _state: &<Self::Model as Model>::State,
        _action: &<Self::Model as Model>::Action,
    ) -> bool {
        true
    }

    /// The distribution that `action` is an outcome of in `state`. Actions that answer with the same [`Chance::choice`]
    /// there are one choice: whoever schedules makes it as a whole, and its outcome is drawn by weight. An action
    /// without chance is a choice of its own. It must answer the same whenever it is asked the same. Only properties
    /// [of chance](Kind::is_of_chance) and [`verdict::probability`](crate::verdict::probability) ask; everywhere else
    /// each outcome is an action that may be taken.
    ///
    /// A member whose `next_state` is `None` is an outcome after which the state is what it was. Where that is so of
    /// all members there is no such choice.
    fn chance(
        &self,
        _model: &Self::Model,
        _state: &<Self::Model as Model>::State,
        _action: &<Self::Model as Model>::Action,
    ) -> Option<Chance> {
        None
    }

    /// Whose column a step stands in: `client 0`, `clock`, `network`.
    fn actor(&self, _action: &<Self::Model as Model>::Action) -> String {
        String::new()
    }

    /// The state as structured JSON. Names and shapes are what a reader of a trace sees. Equal states have to read
    /// alike, whatever the order in which a hash map keeps them: that is asked of every state that a trace shows. By
    /// default it is what `Debug` prints, [read back as structure](super::printed).
    fn state_json(&self, _model: &Self::Model, state: &<Self::Model as Model>::State) -> Value {
        itf_value(printed(&format!("{state:?}")))
    }

    /// Why properties come to be violated: by the name of each a sentence for someone who has read only the story.
    fn because(&self) -> &[(&'static str, &'static str)] {
        &[]
    }
}

/// The place of an action in a distribution. Its probability is its weight over the sum of the weights of all that
/// share its choice in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chance {
    /// Tells the distributions of a state apart.
    pub choice: u128,
    /// Positive. The weights of a distribution sum to 2⁵³ at most, up to which a floating-point number is exact.
    pub weight: u64,
}

impl Chance {
    /// An outcome of `choice`, a name or the process that draws. It is known by 128 bits of its hash.
    pub fn of(choice: impl Hash, weight: u64) -> Self {
        let mut hasher = SipHasher13::new();
        choice.hash(&mut hasher);
        Chance { choice: hasher.finish128().as_u128(), weight }
    }
}

/// The spec of a model that nothing more is said of.
pub struct PlainSpec<M>(PhantomData<fn() -> M>);

impl<M> fmt::Debug for PlainSpec<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSpec")
    }
}

impl<M> Default for PlainSpec<M> {
    fn default() -> Self {
        PlainSpec(PhantomData)
    }
}

impl<M: CheckedModel> Spec for PlainSpec<M> {
    type Model = M;
}

/// The kinds of property. Their names are those of `list --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A condition holds in every reachable state.
    Always,
    /// A condition holds in some reachable state.
    Sometimes,
    /// The goal holds at some point of every run.
    Eventually,
    /// The goal holds in each state that triggers it, or later on the same run.
    LeadsTo,
    /// The goal holds again and again on every run.
    InfinitelyOften,
    /// The goal holds from some point on, on every run.
    EventuallyAlways,
    /// Some run leads to the goal from every reachable state.
    Recoverable,
    /// The goal is reached with probability 1 under every scheduler.
    AlmostSurely,
    /// The probability of the goal is within a bound under every scheduler.
    Probability,
    /// The reward expected until the goal is within a bound under every scheduler.
    Reward,
}

impl Kind {
    /// Whether single states show it, so that stateright's own search can judge it too.
    pub fn is_safety(self) -> bool {
        matches!(self, Kind::Always | Kind::Sometimes)
    }

    /// Whether it speaks of what is drawn, so that [`Spec::chance`] is asked.
    pub fn is_of_chance(self) -> bool {
        matches!(self, Kind::AlmostSurely | Kind::Probability | Kind::Reward)
    }

    /// Whether it speaks of single infinite runs, each of which keeps or breaks it.
    pub fn is_of_runs(self) -> bool {
        matches!(self, Kind::Eventually | Kind::LeadsTo | Kind::InfinitelyOften | Kind::EventuallyAlways)
    }
}

impl From<&Expectation> for Kind {
    fn from(expectation: &Expectation) -> Self {
        match expectation {
            Expectation::Always => Kind::Always,
            Expectation::Sometimes => Kind::Sometimes,
            Expectation::Eventually => Kind::Eventually,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Always => "always",
            Kind::Sometimes => "sometimes",
            Kind::Eventually => "eventually",
            Kind::LeadsTo => "leads_to",
            Kind::InfinitelyOften => "infinitely_often",
            Kind::EventuallyAlways => "eventually_always",
            Kind::Recoverable => "recoverable",
            Kind::AlmostSurely => "almost_surely",
            Kind::Probability => "probability",
            Kind::Reward => "reward",
        })
    }
}
