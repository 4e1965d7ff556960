//! What an implementation is to the harness.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use stateright::Model;

use super::Interface;

/// An implementation that is driven one input at a time.
///
/// One that is also `Clone + Eq + Hash` can be explored together with the model
/// ([`Check::product`](crate::Check::product)).
///
/// The smallest binding is one method. Here a counter from 0 to 2 that forgets to stop, and the check that says so:
/// ```
/// use counterpart::{Check, Counterpart, Interface};
/// use stateright::Model;
///
/// /// Counts to 2, and refuses to go on.
/// struct Limit;
///
/// impl Model for Limit {
///     type State = u8;
///     type Action = ();
///     fn init_states(&self) -> Vec<u8> { vec![0] }
///     fn actions(&self, _: &u8, actions: &mut Vec<()>) { actions.push(()) }
///     fn next_state(&self, count: &u8, (): ()) -> Option<u8> { (*count < 2).then_some(count + 1) }
/// }
///
/// struct LimitInterface;
///
/// impl Interface for LimitInterface {
///     type Model = Limit;
///     type Input = ();
///     /// Whether it was admitted.
///     type Output = bool;
///     type Snapshot = ();
///     fn label(&self, _: &Limit, _: &u8, (): &(), to: Option<&u8>) -> Option<((), bool)> {
///         Some(((), to.is_some()))
///     }
/// }
///
/// struct Generous(u8);
///
/// impl Counterpart<LimitInterface> for Generous {
///     fn apply(&mut self, (): &()) -> bool {
///         self.0 += 1;
///         true
///     }
/// }
///
/// let report = Check::of(Limit).interface(LimitInterface).tour(|| Generous(0)).run();
/// let trace = report.cases[0].conformance[0].evidence.as_ref().expect("a divergence leaves a trace");
/// assert_eq!(trace.len(), 3);
/// assert!(trace.because.contains("answers true, the model allows false"), "{}", trace.because);
/// ```
pub trait Counterpart<F: Interface> {
    /// Executes `input` and says what came of it. A panic is taken as an answer that no model allows.
    fn apply(&mut self, input: &F::Input) -> F::Output;

    /// What can be read of it now; compared with [`Interface::snapshot`] after each step.
    fn observe(&self) -> Option<F::Snapshot> {
        None
    }

    /// Whether the implementation has such an input at all. An input that it lacks is never driven, and counted apart.
    fn supports(&self, _input: &F::Input) -> bool {
        true
    }

    /// Shifts what only grows (instants, generations) so that states that behave alike become equal. Walks check that
    /// it changes no behaviour.
    fn canonical(&mut self) {}
}

/// An implementation that threads share.
pub trait Shared<F: Interface>: Send + Sync {
    /// Executes `input` and says what came of it.
    fn call(&self, input: &F::Input) -> F::Output;

    /// What can be read of it now; compared after all threads have joined.
    fn observe(&self) -> Option<F::Snapshot> {
        None
    }

    /// Shifts what only grows, as [`Counterpart::canonical`] does, where it is driven from one thread: see
    /// [`Sequential`].
    fn canonical(&mut self) {}
}

/// A [`Shared`] implementation driven from one thread, as a [`Counterpart`]. If it is also `Clone + Eq + Hash`, as one
/// around a [`Plain`](super::Plain) core can be, so is this, and can be explored together with the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sequential<S>(pub S);

impl<F: Interface, S: Shared<F>> Counterpart<F> for Sequential<S> {
    fn apply(&mut self, input: &F::Input) -> F::Output {
        self.0.call(input)
    }

    fn observe(&self) -> Option<F::Snapshot> {
        self.0.observe()
    }

    fn canonical(&mut self) {
        self.0.canonical();
    }
}

/// A model run as if it were an implementation: a variant with a defect becomes a defective implementation, which every
/// check of the sound model must catch. Where the model leaves something open it takes the first action that it lists.
pub struct Simulated<F: Interface> {
    model: Arc<F::Model>,
    interface: Arc<F>,
    state: <F::Model as Model>::State,
}

impl<F: Interface> fmt::Debug for Simulated<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<F: Interface> Simulated<F> {
    /// The model as an implementation, in the first initial state of `model`.
    ///
    /// # Panics
    /// If it has none.
    pub fn new(model: &Arc<F::Model>, interface: &Arc<F>) -> Self {
        let state = model.init_states().into_iter().next().expect("a model that is simulated has an initial state");
        Simulated { model: model.clone(), interface: interface.clone(), state }
    }
}

impl<F: Interface> Counterpart<F> for Simulated<F> {
    fn apply(&mut self, input: &F::Input) -> F::Output {
        let mut actions = Vec::new();
        self.model.actions(&self.state, &mut actions);
        for action in actions {
            let to = self.model.next_state(&self.state, action.clone());
            let label = self.interface.label(&self.model, &self.state, &action, to.as_ref());
            if let Some((_, output)) = label.filter(|(offered, _)| offered == input) {
                self.state = to.unwrap_or_else(|| self.state.clone());
                return output;
            }
        }
        panic!("the simulated model has no answer to {input:?} here")
    }

    fn observe(&self) -> Option<F::Snapshot> {
        self.interface.snapshot(&self.model, &self.state)
    }
}

impl<F: Interface> Clone for Simulated<F> {
    fn clone(&self) -> Self {
        Simulated { model: self.model.clone(), interface: self.interface.clone(), state: self.state.clone() }
    }
}

impl<F: Interface> PartialEq for Simulated<F> {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

// A state that does not equal itself would be refused by the explorer.
impl<F: Interface> Eq for Simulated<F> {}

impl<F: Interface> Hash for Simulated<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.state.hash(state);
    }
}
