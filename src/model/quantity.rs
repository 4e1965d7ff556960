//! Probabilities and rewards as properties: a number that schedulers can move is one only with a bound.

use std::fmt;

use stateright::Model;

use super::{Kind, Temporal};

/// What a probability or a reward has to keep to under every scheduler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The least over all schedulers is this or more.
    AtLeast(f64),
    /// The greatest over all schedulers is this or less.
    AtMost(f64),
}

impl Bound {
    /// The number.
    pub fn value(self) -> f64 {
        match self {
            Bound::AtLeast(value) | Bound::AtMost(value) => value,
        }
    }

    /// What is wrong with this bound for a property of `kind`: that it is no such number, or that every such number
    /// keeps to it, so that nothing would be learned.
    pub fn nonsense(self, kind: Kind) -> Option<String> {
        let value = self.value();
        let (unit, greatest) = match kind {
            Kind::Probability => ("a probability", 1.0),
            _ => ("an expected reward", f64::MAX),
        };
        if !(0.0..=greatest).contains(&value) {
            return Some(format!("{value} is not {unit}"));
        }
        let idle = match self {
            Bound::AtLeast(value) => value == 0.0,
            Bound::AtMost(value) => kind == Kind::Probability && value == 1.0,
        };
        idle.then(|| format!("{self} is {unit} in any case"))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(value) => write!(f, "at least {value}"),
            Bound::AtMost(value) => write!(f, "at most {value}"),
        }
    }
}

/// A probability or a reward that is still to be bounded: no property yet.
///
/// ```
/// use counterpart::model::{Chance, Spec, Temporal};
/// use counterpart::Check;
/// use stateright::Model;
///
/// /// Sent again until it arrives; `Lossy` says that one message in four does.
/// #[derive(Clone)]
/// struct Line;
/// impl Model for Line {
///     type State = bool;
///     type Action = &'static str;
///     fn init_states(&self) -> Vec<bool> { vec![false] }
///     fn actions(&self, _: &bool, actions: &mut Vec<&'static str>) { actions.extend(["lose", "deliver"]) }
///     fn next_state(&self, arrived: &bool, action: &'static str) -> Option<bool> {
///         (!arrived).then_some(action == "deliver")
///     }
/// }
///
/// struct Lossy;
/// impl Spec for Lossy {
///     type Model = Line;
///     fn temporal(&self) -> Vec<Temporal<Line>> {
///         vec![
///             Temporal::reward("messages", |_, arrived| *arrived, |_, _, _| 1.0).at_most(4.5),
///             Temporal::reward("few messages", |_, arrived| *arrived, |_, _, _| 1.0).at_most(3.0),
///         ]
///     }
///     fn chance(&self, _: &Line, _: &bool, action: &&'static str) -> Option<Chance> {
///         Some(Chance::of("the line", if *action == "deliver" { 1 } else { 3 }))
///     }
/// }
///
/// let report = Check::of(Line).spec(Lossy).violates("few messages").run();
/// assert!(report.as_expected);
/// assert_eq!(report.cases[0].properties[0].value, Some(counterpart::report::Value::Finite(4.0)));
/// ```
#[must_use = "a probability or a reward is a property only with a bound"]
pub struct Quantity<M: Model>(Temporal<M>);

impl<M: Model> fmt::Debug for Quantity<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Quantity").field(&self.0).finish()
    }
}

impl<M: Model> Quantity<M> {
    pub(super) fn of(unbounded: Temporal<M>) -> Self {
        Quantity(unbounded)
    }

    /// Asks for `bound` or more under every scheduler: the *least* over all schedulers is judged and reported.
    pub fn at_least(self, bound: f64) -> Temporal<M> {
        self.0.bounded(Bound::AtLeast(bound))
    }

    /// Asks for `bound` or less under every scheduler: the *greatest* over all schedulers is judged and reported.
    pub fn at_most(self, bound: f64) -> Temporal<M> {
        self.0.bounded(Bound::AtMost(bound))
    }
}
