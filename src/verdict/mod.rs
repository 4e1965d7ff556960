//! Properties judged on the explored graph. Three verdicts, never two.
//!
//! One state shows an `always` or a `sometimes`. The others speak of infinite runs: a broken
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
mod proof;
mod safety;
mod trap;
pub mod valency;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use self::chance::Chances;
use self::fairness::Labels;
use self::liveness::Region;
use self::probability::{Bounds, Extreme};
use crate::explore::{Asked, Explored, Graph, Interrupt, Shape, Spoken};
use crate::model::{Bound, CheckedModel, Kind, Spec};

pub(crate) use self::chance::check_component;
pub use self::chance::check_end_component;
pub use self::fairness::FairnessFound;
pub use self::lasso::Lasso;
pub(crate) use self::proof::check_run;
pub use self::proof::{LassoError, check_lasso};
pub(crate) use self::safety::{judge_states, judge_surveyed};
pub use self::trap::Trap;
pub(crate) use self::trap::check_trap;

/// What is known of a property. The reason for an incomplete verdict stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds within the model's bounds, which are its fields.
    Holds,
    /// It does not hold; a trace shows it.
    Violated,
    /// It is not known.
    Incomplete,
}

impl Verdict {
    /// Its name in reports and traces.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Violated => "violated",
            Verdict::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A property and its verdict.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The property's name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// What is known of it.
    pub verdict: Verdict,
    /// Why it is [`Incomplete`](Verdict::Incomplete).
    pub why: Option<String>,
    /// What shows it.
    pub evidence: Option<Evidence>,
    /// States that trigger a `leads_to`.
    pub triggered: Option<usize>,
    /// The fairness it was judged under.
    pub fairness: Option<FairnessFound>,
    /// What is known of a probability or a reward.
    pub value: Option<Measured>,
}

impl Finding {
    /// Of a property, with everything still to be said.
    fn open(asked: &Asked) -> Self {
        Finding {
            name: asked.name.clone(),
            kind: asked.kind,
            verdict: Verdict::Incomplete,
            why: Some("not judged".into()),
            evidence: None,
            triggered: None,
            fairness: None,
            value: None,
        }
    }

    fn said(mut self, verdict: Verdict) -> Self {
        (self.verdict, self.why) = (verdict, None);
        self
    }

    fn incomplete(mut self, why: impl ToString) -> Self {
        (self.verdict, self.why) = (Verdict::Incomplete, Some(why.to_string()));
        self
    }

    /// What is known where nothing was found, and perhaps nothing is known then.
    fn unless(self, why: Option<String>, verdict: Verdict) -> Self {
        match why {
            Some(why) => self.incomplete(why),
            None => self.said(verdict),
        }
    }

    fn shown(mut self, verdict: Verdict, by: Evidence) -> Self {
        self.evidence = Some(by);
        self.said(verdict)
    }
}

/// A probability or an expected reward at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// The bounds that it lies between. Both are infinite where a reward is.
    pub bounds: Bounds,
    /// Whether it is the least or the greatest over all schedulers: what the bound speaks of.
    pub extreme: Extreme,
    /// The bound it has to keep to.
    pub bound: Bound,
}

/// What shows a verdict. Nodes and places are those of the graph that was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The first node, and so one of the nearest: the counterexample of an `always`, the witness of a `sometimes`.
    State(usize),
    /// A fair run that breaks a promise.
    Lasso(Lasso),
    /// A state that the goal cannot be reached from.
    Trap(Trap),
    /// A run into an end component without the goal, where a scheduler can keep it for ever whatever is drawn.
    EndComponent {
        /// A shortest way there, and a loop of transitions that the scheduler can let happen without leaving it.
        lasso: Lasso,
        /// How many states the scheduler needs, those of the loop among them.
        states: usize,
    },
}

/// Judges each of the model's own properties, in their order, and then the spec's.
///
/// # Panics
/// If a lasso that was found does not stand up to [`check_lasso`]: a defect of this crate, or a spec that does not
/// answer the same when asked the same.
pub fn judge<M: CheckedModel>(graph: &Graph<M>, spec: impl Spec<Model = M>, interrupt: &Interrupt) -> Vec<Finding> {
    let spoken = Spoken::new(graph.model().clone(), std::sync::Arc::new(spec));
    judge_all(Explored::new(&spoken, graph), interrupt)
}

/// Judges every property of a graph whose types are forgotten.
pub(crate) fn judge_all(graph: Explored<'_>, interrupt: &Interrupt) -> Vec<Finding> {
    let properties = graph.face.properties();
    let asks = |asked: &&Asked| asked.kind.is_of_runs() || asked.kind == Kind::AlmostSurely;
    // Asking of every transition costs what exploring cost: only where there is something to judge with the answer.
    let labels = properties.iter().any(|asked| asks(&asked)).then(|| {
        let assumptions: BTreeSet<_> = properties.iter().filter(asks).filter_map(|asked| asked.assumption).collect();
        Labels::of(graph, &assumptions)
    });
    let of_chance = properties.iter().any(|asked| asked.kind.is_of_chance());
    let surely = properties.iter().any(|asked| asked.kind == Kind::AlmostSurely);
    let chances = of_chance.then(|| Chances::of(graph, labels.as_ref().filter(|_| surely), interrupt));
    let judged = properties.iter().enumerate().map(|(property, asked)| match (&labels, &chances) {
        _ if asked.kind.is_safety() => safety::judge_state(graph, property),
        (Some(labels), _) if asked.kind.is_of_runs() => judge_run(graph, property, labels, interrupt),
        (_, Some(Ok(chances))) if asked.kind.is_of_chance() => chances.judge(property),
        (_, Some(Err(error))) if asked.kind.is_of_chance() => Finding::open(asked).incomplete(error),
        _ => judge_recoverable(graph, property),
    });
    judged.collect()
}

fn judge_run(graph: Explored<'_>, property: usize, labels: &Labels, interrupt: &Interrupt) -> Finding {
    let asked = &graph.face.properties()[property];
    let nodes = 0..graph.node_count();
    let triggered = (asked.kind == Kind::LeadsTo)
        .then(|| nodes.filter(|node| graph.face.is_triggered(property, graph.state(*node))).count());
    let fairness = asked.assumption.and_then(|assumption| labels.found(assumption)).cloned();
    let region = Region::of(graph, property);
    let assumed = labels.under(asked.assumption);
    let open = Finding { triggered, fairness, ..Finding::open(asked) };
    match liveness::fair_components(graph.shape(), &region, &assumed, interrupt) {
        Err(stop) => open.incomplete(stop),
        Ok(Some(components)) => {
            let lasso = lasso::lasso(graph.shape(), &assumed, &region, &components);
            lasso::prove(graph, property, &lasso);
            open.shown(Verdict::Violated, Evidence::Lasso(lasso))
        }
        Ok(None) => open.unless_vacuous(graph.shape()),
    }
}

impl Finding {
    /// Of a promise that no run was found to break.
    fn unless_vacuous(self, shape: &Shape) -> Self {
        let why = shape.incomplete().or_else(|| match &self.fairness {
            _ if self.triggered == Some(0) => Some("vacuous: no reachable state triggers it".into()),
            Some(fairness) if fairness.states == 0 => {
                Some(format!("vacuous: no enabled action is under the fairness assumption {:?}", fairness.assumption))
            }
            _ => None,
        });
        self.unless(why, Verdict::Holds)
    }
}

fn judge_recoverable(graph: Explored<'_>, property: usize) -> Finding {
    let open = Finding::open(&graph.face.properties()[property]);
    match trap::trap(graph.shape(), &graph.met(property)) {
        Some(trap) => open.shown(Verdict::Violated, Evidence::Trap(trap)),
        None => open.unless(graph.incomplete(), Verdict::Holds),
    }
}
