//! What a model promises of whole runs, and which fairness it needs for it.
//!
//! A promise names the fairness assumption it is under, and an assumption is nothing but the actions that
//! [`Spec::fairness`](super::Spec::fairness) puts under its name. So the same predicate can stand under two
//! assumptions, as two properties with names of their own, and a verdict always says what was assumed for it.

use std::fmt;
use std::hash::Hash;

use siphasher::sip128::{Hasher128, SipHasher13};
use stateright::Model;

use super::Kind;
use super::quantity::{Bound, Quantity};

/// A predicate over the model, for its bounds, and a state.
type Predicate<M> = Box<dyn Fn(&M, &<M as Model>::State) -> bool + Send + Sync>;

/// What is earned, or paid, by an action that is taken in a state.
type Reward<M> = Box<dyn Fn(&M, &<M as Model>::State, &<M as Model>::Action) -> f64 + Send + Sync>;

/// A property of runs, or, where outcomes are drawn ([`Spec::chance`](super::Spec::chance)), of schedulers. A run is
/// infinite: where no action is enabled, or none that is [forced](super::Spec::must_progress), it may go on by repeating its
/// state.
///
/// Of what is drawn only [`almost_surely`](Temporal::almost_surely), [`probability`](Temporal::probability) and
/// [`reward`](Temporal::reward) speak: to the others every outcome is an action that may be taken.
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
    reward: Option<Reward<M>>,
    bound: Option<Bound>,
}

impl<M: Model> fmt::Debug for Temporal<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Temporal")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("assumption", &self.assumption)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

impl<M: Model> Temporal<M> {
    /// `goal` holds at some point of every run (◇ goal).
    pub fn eventually(name: impl Into<String>, goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Self {
        Self::new(name, Kind::Eventually, goal)
    }

    /// `goal` holds in each state of a run that `trigger` holds in, or later on that run (□ (trigger ⇒ ◇ goal)).
    pub fn leads_to(
        name: impl Into<String>,
        trigger: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Temporal { trigger: Some(Box::new(trigger)), ..Self::new(name, Kind::LeadsTo, goal) }
    }

    /// `goal` holds again and again on every run (□◇ goal).
    pub fn infinitely_often(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Kind::InfinitelyOften, goal)
    }

    /// `goal` holds from some point on, on every run (◇□ goal).
    pub fn eventually_always(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Kind::EventuallyAlways, goal)
    }

    /// Some run leads to `goal` from every reachable state (AG EF goal). Fairness changes nothing of it, because it
    /// forbids no finite run.
    pub fn recoverable(name: impl Into<String>, goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Self {
        Self::new(name, Kind::Recoverable, goal)
    }

    /// `goal` is reached with probability 1 under every scheduler. What [`Spec::chance`](super::Spec::chance) says is
    /// drawn; the scheduler makes all other choices, and sees everything, coins already drawn included. A run that misses the goal may exist, as that of a coin that always shows tails; it must have
    /// probability 0.
    ///
    /// [Under](Temporal::under) an assumption it speaks of fair schedulers only. It is then broken where a scheduler
    /// can come, without passing the goal, to a set of states in which it can keep the run whatever is drawn (an end
    /// component), and where fairness lets it: of each weakly fair set of actions one is taken in there or none is
    /// enabled in some of the states, of each strongly fair set one is taken in there or none is enabled in any. To
    /// make a choice is to take each of its actions, whichever is drawn: fairness never asks for an outcome.
    ///
    /// What breaks it is shown by a shortest way into such states and a loop in them, which a scheduler can lengthen
    /// for ever but, unlike a loop without chance, not repeat as it likes.
    ///
    /// ```
    /// use counterpart::model::{Chance, FairKey, Spec, Temporal};
    /// use counterpart::Check;
    /// use stateright::Model;
    ///
    /// /// Tossed until it shows heads; whoever tosses may rest.
    /// #[derive(Clone)]
    /// struct Coin;
    /// impl Model for Coin {
    ///     type State = bool;
    ///     type Action = &'static str;
    ///     fn init_states(&self) -> Vec<bool> { vec![false] }
    ///     fn actions(&self, _: &bool, actions: &mut Vec<&'static str>) { actions.extend(["tails", "heads", "rest"]) }
    ///     fn next_state(&self, heads: &bool, action: &'static str) -> Option<bool> {
    ///         (!heads).then_some(action == "heads")
    ///     }
    /// }
    ///
    /// struct CoinSpec;
    /// impl Spec for CoinSpec {
    ///     type Model = Coin;
    ///     fn temporal(&self) -> Vec<Temporal<Coin>> {
    ///         vec![
    ///             Temporal::almost_surely("heads whoever rests", |_, heads| *heads),
    ///             Temporal::almost_surely("heads", |_, heads| *heads).under("nobody rests for ever"),
    ///             // Were it not drawn, nobody would have to show heads.
    ///             Temporal::eventually("heads by choice", |_, heads| *heads).under("nobody rests for ever"),
    ///         ]
    ///     }
    ///     fn chance(&self, _: &Coin, _: &bool, action: &&'static str) -> Option<Chance> {
    ///         (*action != "rest").then(|| Chance::of("the coin", 1))
    ///     }
    ///     fn fairness(&self, _: &Coin, _: &bool, action: &&'static str) -> Vec<FairKey> {
    ///         if *action == "rest" { Vec::new() } else { vec![FairKey::weak("nobody rests for ever")] }
    ///     }
    /// }
    ///
    /// Check::of(Coin).spec(CoinSpec).violates("heads whoever rests").violates("heads by choice").assert();
    /// ```
    pub fn almost_surely(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Kind::AlmostSurely, goal)
    }

    /// The probability of reaching `goal`, between 0 and 1. It differs from scheduler to scheduler, so that it is a
    /// property only with a bound: [`Quantity::at_least`] speaks of the least, [`Quantity::at_most`] of the greatest
    /// over all schedulers that see everything, coins already drawn included. Fairness is none of its business.
    pub fn probability(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Quantity<M> {
        Quantity::of(Self::new(name, Kind::Probability, goal))
    }

    /// The sum of the rewards expected until `goal` is reached, in whatever unit `reward` counts: steps, messages,
    /// milliseconds. It is infinite for [`Quantity::at_most`] unless every scheduler reaches the goal almost surely,
    /// and for [`Quantity::at_least`] unless some scheduler does. What is taken in a state of the goal earns nothing.
    ///
    /// `reward` is asked of the model, a state, and an action taken there; it is finite and not negative. The actions
    /// of one [`Chance::choice`](super::Chance::choice) have to agree, since the reward is that of the choice. Where
    /// that is not so the verdict is [`Incomplete`](crate::verdict::Verdict::Incomplete) and names the state. A run
    /// that stays where it is because nothing is [forced](super::Spec::must_progress) earns nothing.
    pub fn reward(
        name: impl Into<String>,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
        reward: impl Fn(&M, &M::State, &M::Action) -> f64 + Send + Sync + 'static,
    ) -> Quantity<M> {
        Quantity::of(Temporal { reward: Some(Box::new(reward)), ..Self::new(name, Kind::Reward, goal) })
    }

    fn new(name: impl Into<String>, kind: Kind, goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Self {
        Temporal {
            name: name.into(),
            kind,
            trigger: None,
            goal: Box::new(goal),
            assumption: None,
            reward: None,
            bound: None,
        }
    }

    pub(super) fn bounded(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Promises it only of those runs, or those schedulers, that are fair to the actions under `assumption`.
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

    /// The bound of a probability or a reward.
    pub fn bound(&self) -> Option<Bound> {
        self.bound
    }

    /// What `action`, taken in `state`, earns; 0 for a kind without rewards.
    pub fn reward_of(&self, model: &M, state: &M::State, action: &M::Action) -> f64 {
        self.reward.as_ref().map_or(0.0, |reward| reward(model, state, action))
    }

    /// Whether `state` begins what has to end in the goal. No state does for a kind without a trigger.
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
    /// Whether a step that leads back into the same state is left out: it neither enables the set nor takes it.
    pub changing: bool,
}

impl FairKey {
    /// All weakly fair actions of `assumption` are one set.
    pub fn weak(assumption: &'static str) -> Self {
        FairKey { assumption, strength: Strength::Weak, value: 0, changing: false }
    }

    /// All strongly fair actions of `assumption` are one set.
    pub fn strong(assumption: &'static str) -> Self {
        FairKey { assumption, strength: Strength::Strong, value: 0, changing: false }
    }

    /// Leaves out steps that lead back into the same state, as TLA+'s `WF_v` and `SF_v` do. Without it such a step is
    /// enabled and taken like any other. Source: L. Lamport, "Specifying Systems", section 8.4.
    #[must_use]
    pub fn changing(mut self) -> Self {
        self.changing = true;
        self
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
