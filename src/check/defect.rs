//! Defects: what is done wrong on purpose, so that every check is seen to fail. One table says of each what it is
//! called, why it matters, how it shows in the model, and how as an implementation.

use std::sync::Arc;

use super::{Case, Check};
#[cfg(feature = "walk")]
use crate::conform::Walk;
use crate::model::{CheckedModel, Interface, Simulated};

/// One defect of a protocol, each with one reason.
///
/// ```
/// use counterpart::check::{Case, Check, Defect};
/// use counterpart::verdict::Verdict;
/// use stateright::{Model, Property};
///
/// /// Counts to three, or does not know where to end.
/// #[derive(Clone)]
/// struct Count { overshoots: bool }
///
/// impl Model for Count {
///     type State = u8;
///     type Action = ();
///     fn init_states(&self) -> Vec<u8> { vec![0] }
///     fn actions(&self, _: &u8, actions: &mut Vec<()>) { actions.push(()) }
///     fn next_state(&self, at: &u8, (): ()) -> Option<u8> {
///         (*at < if self.overshoots { 4 } else { 3 }).then_some(at + 1)
///     }
///     fn properties(&self) -> Vec<Property<Self>> {
///         vec![Property::always("at most three", |_: &Count, at: &u8| *at <= 3)]
///     }
/// }
///
/// let defects = [Defect::new("overshoots", "it compares after it counts")
///     .as_a_model(Count { overshoots: true }, &["at most three"])];
/// for case in Defect::cases("count", &defects, Check::of) {
///     assert_eq!(case.name(), "count/overshoots");
///     let (report, _) = case.run(&Default::default());
///     assert!(report.as_expected && report.properties[0].verdict == Verdict::Violated);
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Defect<M> {
    /// Its name among cases and subjects.
    pub name: String,
    /// What it does, for someone who knows only the story.
    pub why: &'static str,
    /// The model that shows the defect within its bounds, with the properties that it violates.
    pub model: Option<(M, &'static [&'static str])>,
    /// The model that is run as an implementation with the defect.
    pub implementation: Option<M>,
}

impl<M> Defect<M> {
    /// A defect by name, and what it does.
    pub fn new(name: impl Into<String>, why: &'static str) -> Self {
        Defect { name: name.into(), why, model: None, implementation: None }
    }

    /// Shows the defect as a model, which violates `properties`.
    #[must_use]
    pub fn as_a_model(self, model: M, properties: &'static [&'static str]) -> Self {
        Defect { model: Some((model, properties)), ..self }
    }

    /// Shows the defect as an implementation, which does what `model` does.
    #[must_use]
    pub fn as_an_implementation(self, model: M) -> Self {
        Defect { implementation: Some(model), ..self }
    }
}

impl<M: CheckedModel + Clone> Defect<M> {
    /// One case `<protocol>/<name>` for each defect that is a model: the `check` of that model, which expects the
    /// defect's properties to be violated.
    pub fn cases<F: Interface<Model = M>>(
        protocol: &str,
        defects: &[Self],
        check: impl Fn(M) -> Check<M, F>,
    ) -> Vec<Case> {
        let of = |defect: &Self| {
            let (model, properties) = defect.model.clone()?;
            Some(Case::new(format!("{protocol}/{}", defect.name), check(model).violates_all(properties)))
        };
        defects.iter().filter_map(of).collect()
    }
}

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    /// Expects each of `properties` to be violated.
    #[must_use]
    pub fn violates_all(self, properties: &[&str]) -> Self {
        properties.iter().fold(self, |check, property| check.violates(*property))
    }

    /// Runs alongside every defect that is an implementation, and expects both product and tour to catch it.
    #[must_use]
    pub fn defects(self, defects: &[Defect<M>]) -> Self
    where
        M: Clone,
    {
        let with = |check: Self, defect: &Defect<M>| match &defect.implementation {
            Some(model) => {
                let make = check.simulating(model.clone());
                check.defective(defect.name.as_str(), make)
            }
            None => check,
        };
        defects.iter().fold(self, with)
    }

    /// Runs the defect called `name` on `walk` too, where it is among `defects` and an implementation.
    #[cfg(feature = "walk")]
    #[must_use]
    pub fn walked(self, defects: &[Defect<M>], name: &str, walk: Walk<F>) -> Self
    where
        M: Clone,
    {
        let named = defects.iter().find(|defect| defect.name == name);
        match named.and_then(|defect| defect.implementation.clone()) {
            Some(model) => {
                let make = self.simulating(model);
                self.subject(name, walk.of(make))
            }
            None => self,
        }
    }

    /// Says at the end of a trace what the defect does, for those of `defects` that are implementations.
    #[must_use]
    pub fn because_of(self, defects: &[Defect<M>]) -> Self {
        let run = defects.iter().filter(|defect| defect.implementation.is_some());
        run.fold(self, |check, defect| check.because(defect.name.as_str(), defect.why))
    }

    /// A factory of implementations that do what `model` does, seen as this check sees it.
    pub fn simulating(&self, model: M) -> impl Fn() -> Simulated<F> + Clone + Send + Sync + use<M, F> {
        let (model, interface) = (Arc::new(model), self.interface.clone());
        move || Simulated::new(&model, &interface)
    }

    /// Drives what `make` makes of a model through a tour, and then through `walk` beside `larger`, a model beyond what
    /// can be explored. These are the sequential modes other than product.
    #[cfg(feature = "walk")]
    #[must_use]
    pub fn driven<C: crate::model::Counterpart<F> + 'static>(
        self,
        larger: M,
        walk: Walk<F>,
        make: impl Fn(&M) -> C + Clone + Send + Sync + 'static,
    ) -> Self {
        let (here, there) = (self.model.clone(), Arc::new(larger));
        let (toured, walk) = (make.clone(), walk.beside(there.clone()));
        self.tour(move || toured(&here)).subject(super::IMPLEMENTATION, walk.of(move || make(&there)))
    }

    /// Runs one implementation in every sequential mode. Its `core`, plain data, is explored together with the model;
    /// its `shared` form is driven as [`driven`](Check::driven) says.
    #[cfg(feature = "walk")]
    #[must_use]
    pub fn sequential<C, S>(
        self,
        larger: M,
        walk: Walk<F>,
        core: impl Fn(&M) -> C + Send + Sync + 'static,
        shared: impl Fn(&M) -> S + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: crate::model::Counterpart<F> + Clone + Eq + std::hash::Hash + Send + Sync + 'static,
        S: crate::model::Counterpart<F> + 'static,
    {
        let model = self.model.clone();
        self.product(move || core(&model)).driven(larger, walk, shared)
    }
}
