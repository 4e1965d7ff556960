//! Properties judged on the explored graph. Three verdicts, never two.
//!
//! One state shows what [`judge_safety`] judges, `always` and `sometimes`. The others speak of infinite runs: a broken
//! promise is shown by a [`Lasso`], one that cannot be kept any more by a [`Trap`]. Where outcomes are drawn
//! ([`Spec::chance`]) a scheduler that can keep away from a goal is shown by a lasso through the states it needs; a
//! probability or a reward out of bounds is that of all runs together and shown by none.
//!
//! A verdict of `Holds` that rests on nothing is none: a `leads_to` that no state triggers, or a fairness assumption
//! that no enabled action is under, is usually a misspelt name or a predicate that came out wrong. Such a property is
//! [`Incomplete`](Verdict::Incomplete), as *vacuous*: what was to be learned was not, and where it is meant to be so
//! that can be expected with a reason. A violation stands all the same, since its lasso shows it.

mod chance;
mod components;
mod fairness;
mod lasso;
mod liveness;
pub mod probability;
mod safety;
mod trap;
pub mod valency;

use std::collections::BTreeSet;
use std::fmt;

use stateright::{Expectation, Model};

use self::chance::Chances;
use self::fairness::Labels;
use self::liveness::Region;
use self::probability::{Bounds, Extreme};
use crate::explore::{Graph, Interrupt, Shape};
use crate::model::{Bound, CheckedModel, Kind, Spec, Temporal};

pub use self::chance::check_end_component;
pub use self::fairness::FairnessFound;
pub use self::lasso::{Lasso, check_lasso};
pub use self::safety::judge_safety;
pub use self::trap::{Trap, check_trap};

/// What is known of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the model's bounds, which are its fields.
    Holds,
    /// Shown by a trace.
    Violated,
    /// Not known, and why.
    Incomplete(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds",
            Verdict::Violated => "violated",
            Verdict::Incomplete(_) => "incomplete",
        })
    }
}

/// A property and its verdict.
pub struct Finding<M: Model> {
    /// The property's name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// What is known of it.
    pub verdict: Verdict,
    /// What shows it.
    pub evidence: Option<Evidence<M>>,
    /// For a `leads_to`, the states that trigger it.
    pub triggered: Option<usize>,
    /// The fairness it was judged under.
    pub fairness: Option<FairnessFound>,
    /// For a probability or a reward, what is known of it.
    pub value: Option<Measured>,
}

impl<M: Model> Finding<M> {
    /// Of `promise`, with everything still to be said.
    fn open(promise: &Temporal<M>) -> Self {
        Finding {
            name: promise.name().into(),
            kind: promise.kind(),
            verdict: Verdict::Incomplete("not judged".into()),
            evidence: None,
            triggered: None,
            fairness: None,
            value: None,
        }
    }
}

/// A probability or an expected reward at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Between these it lies. Both are infinite where a reward is.
    pub bounds: Bounds,
    /// Whether it is the least or the greatest over all schedulers: what the bound speaks of.
    pub extreme: Extreme,
    /// The bound it has to keep to.
    pub bound: Bound,
}

/// What shows a verdict.
pub enum Evidence<M: Model> {
    /// The first node, and so one of the nearest: the counterexample of an `always`, the witness of a `sometimes`.
    State(usize),
    /// A fair run that breaks a promise.
    Lasso(Lasso<M>),
    /// A state that the goal cannot be reached from.
    Trap(Trap),
    /// A run into an end component without the goal, where a scheduler can keep it for ever whatever is drawn.
    EndComponent {
        /// A shortest way there, and a loop of transitions that the scheduler can let happen without leaving it.
        lasso: Lasso<M>,
        /// How many states the scheduler needs, those of the loop among them.
        states: usize,
    },
}

/// What `model` and `spec` promise of runs: the model's own `eventually` properties, which are under no fairness, and
/// then the spec's.
pub fn promises<M: CheckedModel>(model: &M, spec: &dyn Spec<Model = M>) -> Vec<Temporal<M>> {
    let own = model.properties().into_iter().filter(|property| property.expectation == Expectation::Eventually);
    own.map(|property| Temporal::eventually(property.name, property.condition)).chain(spec.temporal()).collect()
}

/// Judges each of the model's own properties, in their order, and then the spec's.
///
/// # Panics
/// If a lasso that was found does not stand up to [`check_lasso`]: a defect of this crate, or a spec that does not
/// answer the same when asked the same.
pub fn judge<M: CheckedModel>(graph: &Graph<M>, spec: &dyn Spec<Model = M>, interrupt: &Interrupt) -> Vec<Finding<M>> {
    let promises = promises(&**graph.model(), spec);
    let mut safety = judge_safety(graph).into_iter();
    let asks = |promise: &&Temporal<M>| promise.kind().is_of_runs() || promise.kind() == Kind::AlmostSurely;
    // Asking of every transition costs what exploring cost: only where there is something to judge with the answer.
    let labels = promises.iter().any(|promise| asks(&promise)).then(|| {
        let assumptions: BTreeSet<_> = promises.iter().filter(asks).filter_map(Temporal::assumption).collect();
        Labels::of(graph, spec, &assumptions)
    });
    let of_chance = promises.iter().any(|promise| promise.kind().is_of_chance());
    let surely = promises.iter().any(|promise| promise.kind() == Kind::AlmostSurely);
    let chances = of_chance.then(|| Chances::of(graph, spec, labels.as_ref().filter(|_| surely), interrupt));
    let mut live = promises.iter().map(|promise| match (&labels, &chances) {
        (Some(labels), _) if promise.kind().is_of_runs() => judge_run(graph, spec, promise, labels, interrupt),
        (_, Some(Ok(chances))) if promise.kind().is_of_chance() => chances.judge(graph, spec, promise),
        (_, Some(Err(error))) if promise.kind().is_of_chance() => {
            Finding { verdict: Verdict::Incomplete(error.to_string()), ..Finding::open(promise) }
        }
        _ => judge_recoverable(graph, promise),
    });
    let model = graph.model();
    let mut findings = Vec::new();
    for property in model.properties() {
        findings.extend(match property.expectation {
            Expectation::Eventually => live.next(),
            Expectation::Always | Expectation::Sometimes => safety.next(),
        });
    }
    findings.extend(live);
    findings
}

fn judge_run<M: CheckedModel>(
    graph: &Graph<M>,
    spec: &dyn Spec<Model = M>,
    promise: &Temporal<M>,
    labels: &Labels,
    interrupt: &Interrupt,
) -> Finding<M> {
    let model = &**graph.model();
    let triggered = (promise.kind() == Kind::LeadsTo)
        .then(|| graph.states().iter().filter(|state| promise.is_triggered(model, state)).count());
    let fairness = promise.assumption().and_then(|assumption| labels.found(assumption)).cloned();
    let region = Region::of(graph, promise);
    let assumed = labels.under(promise.assumption());
    let (verdict, evidence) = match liveness::fair_components(graph, &region, &assumed, interrupt) {
        Err(stop) => (Verdict::Incomplete(stop.to_string()), None),
        Ok(Some(components)) => {
            let lasso = lasso::lasso(graph, &assumed, &region, &components);
            if let Err(wrong) = check_lasso(model, spec, promise, &lasso) {
                panic!("the lasso found for {:?} is none: {wrong}", promise.name());
            }
            (Verdict::Violated, Some(Evidence::Lasso(lasso)))
        }
        Ok(None) => (unless_vacuous(graph, triggered, fairness.as_ref()), None),
    };
    Finding { verdict, evidence, triggered, fairness, ..Finding::open(promise) }
}

/// The verdict of a promise that no run was found to break.
fn unless_vacuous(shape: &Shape, triggered: Option<usize>, fairness: Option<&FairnessFound>) -> Verdict {
    if let Some(why) = shape.incomplete() {
        return Verdict::Incomplete(why);
    }
    match fairness {
        _ if triggered == Some(0) => Verdict::Incomplete("vacuous: no reachable state triggers it".into()),
        Some(fairness) if fairness.states == 0 => Verdict::Incomplete(format!(
            "vacuous: no enabled action is under the fairness assumption {:?}",
            fairness.assumption
        )),
        _ => Verdict::Holds,
    }
}

fn judge_recoverable<M: CheckedModel>(graph: &Graph<M>, promise: &Temporal<M>) -> Finding<M> {
    let model = &**graph.model();
    let met: Vec<bool> = graph.states().iter().map(|state| promise.is_met(model, state)).collect();
    let (verdict, evidence) = match (trap::trap(graph, &met), graph.incomplete()) {
        (Some(trap), _) => (Verdict::Violated, Some(Evidence::Trap(trap))),
        (None, Some(why)) => (Verdict::Incomplete(why), None),
        (None, None) => (Verdict::Holds, None),
    };
    Finding { verdict, evidence, ..Finding::open(promise) }
}
