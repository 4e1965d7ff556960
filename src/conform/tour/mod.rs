//! Tour: every transition of the bounded model driven through the implementation, refused inputs as well.
//!
//! Planned while it is driven, since the implementation has a say in where it leads: always to the nearest transition
//! that is not covered yet, by a fresh start where none can be reached ([`plan`]). Afterwards all runs are driven a
//! second time, and must be answered the same. Then each transition is driven once more, with inputs behind it that
//! tell its target from all other states ([`identify`], [`verify`]).
//!
//! A transition counts as driven only if nothing else explains what was seen ([`lineage`]).

mod identify;
mod lineage;
mod plan;
mod tell;
mod verify;

use std::sync::Arc;

use self::identify::Identifiers;
use self::lineage::{Lineage, Settled};
use self::plan::{Cover, Plan};
use self::tell::named;
use self::verify::Verifying;
use super::again::{repeated, told};
use super::drive::{Bench, Deviating, Deviation, Driver, Observed};
use super::lts::{Edge, Label, Lts, Node};
use super::narrate::narrate;
use super::typed::{Factory, Typed, boxed};
use super::watch::Watch;
use super::{Bound, CannotReplay, Conformance, Coverage, Divergence, Effort, How, Job, Mode, Setting};
use crate::explore::{ModelError, Stop};
use crate::model::{Counterpart, Interface, PlainSpec};
use crate::trace::Trace;

pub use self::plan::Planned;
pub use self::tell::{Unchosen, Verified};

/// A tour: every transition of the bounded model is driven. What it does beside that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tour {
    suffixes: bool,
    extra_states: usize,
    suffix_steps_max: usize,
    steps_max: usize,
    second_drive: bool,
    times: usize,
}

impl Default for Tour {
    fn default() -> Self {
        Tour {
            suffixes: true,
            extra_states: 0,
            suffix_steps_max: 10_000_000,
            steps_max: usize::MAX,
            second_drive: true,
            times: 1,
        }
    }
}

impl Tour {
    /// A tour that verifies by suffixes, for implementations with as many states as the model.
    pub fn new() -> Self {
        Tour::default()
    }

    /// Sets whether the target of each transition is verified by distinguishing suffixes. Default true.
    #[must_use]
    pub fn suffixes(self, suffixes: bool) -> Self {
        Tour { suffixes, ..self }
    }

    /// Assumes that the implementation has at most `extra_states` more states than the model; 0 by default. Each transition
    /// is then followed by every sequence of up to so many inputs before its end is verified, and the cost grows as the
    /// number of inputs to this power.
    #[must_use]
    pub fn extra_states(self, extra_states: usize) -> Self {
        Tour { extra_states, ..self }
    }

    /// Sets the most inputs given for suffixes. Default 10,000,000, a few seconds of an implementation that answers
    /// within a microsecond. Tens of inputs go to each transition. What is not verified because no inputs are left is
    /// counted.
    #[must_use]
    pub fn suffix_steps_max(self, suffix_steps_max: usize) -> Self {
        Tour { suffix_steps_max, ..self }
    }

    /// Sets the most inputs given until every transition is driven. No limit by default. Where it is met, the verdict
    /// is incomplete, and says how many transitions were driven and how many were not; nothing is then verified by
    /// suffixes.
    #[must_use]
    pub fn steps_max(self, steps_max: usize) -> Self {
        Tour { steps_max, ..self }
    }

    /// Sets whether all is driven a second time, to see that it is answered the same. Default true. Without it, an
    /// implementation that is not deterministic may pass, and so may one that leaves something behind for the next.
    #[must_use]
    pub fn second_drive(self, second_drive: bool) -> Self {
        Tour { second_drive, ..self }
    }

    /// Counts a deviation only if it is shown `times` times of as many. Default 1. If it is shown less often the
    /// verdict is incomplete, with both answers. This is for what runs in real time, and may be late by accident.
    ///
    /// # Panics
    /// If `times` is 0.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        assert!(times > 0, "0 times: a deviation has to be shown at least once");
        Tour { times, ..self }
    }

    /// The job that drives implementations that `factory` makes.
    pub fn of<F: Interface, C: Counterpart<F> + 'static>(
        self,
        factory: impl Fn() -> C + Send + Sync + 'static,
    ) -> Arc<dyn Job<F>> {
        Arc::new(OfTour { options: self, factory: boxed(factory) })
    }
}

/// A tour of a model that is planned without an implementation: what it would cost.
#[derive(Debug)]
pub struct TourPlan {
    lts: Lts,
    nodes: Vec<Node>,
}

impl TourPlan {
    /// Unfolds `model` as `interface` shows it. `None` if it has more than `states_max` states.
    pub fn of<F: Interface>(model: Arc<F::Model>, interface: Arc<F>, states_max: usize) -> Option<Self> {
        let lts = Lts::new(Typed::new(model, interface, Arc::new(PlainSpec::default())));
        let nodes = lts.unfold(states_max)?;
        Some(TourPlan { lts, nodes })
    }

    /// Plans the tour to its end, for an implementation that always takes the transition that is aimed at.
    pub fn plan(&self) -> Planned {
        plan::plan_alone(&self.lts, &self.nodes)
    }
}

struct OfTour<F: Interface> {
    options: Tour,
    factory: Factory<F>,
}

impl<F: Interface> Job<F> for OfTour<F> {
    fn mode(&self) -> Mode {
        Mode::Tour
    }

    fn bind(&self, setting: &Setting<F>) -> Bound {
        let bench = Bench { times: self.options.times, ..setting.bench(None, &self.factory) };
        Bound::new(&bench.lts.clone(), Tours { bench, options: self.options })
    }
}

struct Tours {
    bench: Bench,
    options: Tour,
}

impl How for Tours {
    fn run(&self) -> Result<Conformance, ModelError> {
        let options = self.options;
        let result = self.bench.watched(move |bench, watch| {
            let _span = tracing::debug_span!("tour").entered();
            tour(bench, watch, options)
        });
        Ok(result.unwrap_or_else(|hung| self.bench.silent(Effort::Tour(Box::default()), &hung)))
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        super::replay::inputs(&self.bench, trace)
    }
}

/// The inputs of one subject, and what it did with each.
type Run = (Vec<u32>, Vec<Observed>);

/// Inputs given in a row for nothing but to tell apart what explains an answer.
const TELLING_MAX: usize = 8;

/// A tour under way.
struct Touring<'a> {
    bench: &'a Bench,
    watch: &'a Watch,
    lts: &'a Lts,
    driver: Driver<'a>,
    plan: Plan,
    lineage: Lineage,
    runs: Vec<Run>,
    steps: usize,
    steps_max: usize,
}

/// How the driving of transitions came to its end.
enum Ended {
    /// Nothing is left that can be reached.
    Done,
    /// By the limit on steps.
    Capped,
    Stopped(Stop),
}

fn tour(bench: &Bench, watch: &Watch, options: Tour) -> Conformance {
    let (lts, budget) = (&*bench.lts, &bench.limits.budget);
    let mut covered = Box::<Coverage>::default();
    let Some(nodes) = lts.unfold(budget.states_max) else {
        return Effort::Tour(covered).incomplete(format!("the model has more than {} states", budget.states_max));
    };
    let driver = match Driver::start(bench, watch) {
        Ok(driver) => driver,
        Err(deviation) => {
            return told(bench, watch, Effort::Tour(covered), Deviating::before_anything(deviation));
        }
    };
    let plan = Plan::of(lts, &nodes, |input| driver.supports(input));
    covered.edges_unsupported = plan.count(Cover::Unsupported);
    covered.edges = plan.asked();
    let (lineage, steps_max) = (Lineage::default(), options.steps_max);
    let mut touring = Touring { bench, watch, lts, driver, plan, lineage, runs: Vec::new(), steps: 0, steps_max };
    let ended = touring.cover();
    let Touring { driver, mut plan, steps, runs, .. } = touring;
    covered.steps = steps;
    covered.edges_driven = plan.count(Cover::Driven);
    let ended = match ended {
        Err(found) => return told(bench, watch, Effort::Tour(covered), found),
        Ok(Ended::Stopped(stop)) => return Effort::Tour(covered).incomplete(stop.to_string()),
        Ok(ended) => ended,
    };
    if options.second_drive
        && let Some(found) = second_time(bench, watch, &runs)
    {
        return told_unshortened(bench, watch, covered, &found);
    }
    if let Ended::Capped = ended {
        let left = covered.edges - covered.edges_unsupported - covered.edges_driven;
        let why = format!(
            "the limit of {steps_max} steps was reached: {} of {} transitions were driven, and {left} were not",
            covered.edges_driven, covered.edges
        );
        return Effort::Tour(covered).incomplete(why);
    }
    // What could not be reached counts as unchosen: on every way there the implementation turned off.
    plan.close();
    covered.edges_unchosen = plan.count(Cover::Unchosen);
    covered.edges_ambiguous = plan.count(Cover::Ambiguous);
    covered.unchosen = named(lts, &plan);
    covered.starts = Some(runs.len());
    tracing::debug!(edges = covered.edges, driven = covered.edges_driven, steps, runs = runs.len(), "toured");
    if covered.edges_driven == 0 {
        return Effort::Tour(covered)
            .incomplete("no transition of the model could be driven: does the interface label any step?");
    }
    judged(Toured { bench, watch, options, nodes, driver, plan, runs }, covered)
}

/// A tour that drove all it could.
struct Toured<'a> {
    bench: &'a Bench,
    watch: &'a Watch,
    options: Tour,
    nodes: Vec<Node>,
    driver: Driver<'a>,
    plan: Plan,
    runs: Vec<Run>,
}

/// Verifies by suffixes what was driven, and says what it came to.
fn judged(toured: Toured<'_>, mut covered: Box<Coverage>) -> Conformance {
    let Toured { bench, watch, options, nodes, driver, plan, runs } = toured;
    let lts = &*bench.lts;
    if options.suffixes {
        let shows = runs.iter().all(|(_, observed)| observed.iter().all(|observed| observed.snapshot.is_some()));
        let identifiers = Identifiers::of(lts, &nodes, &|input| driver.supports(input), shows);
        let edges = plan.places(Cover::Driven).filter_map(|(node, index)| {
            let Label { input, .. } = lts.edges(node)[index].label?;
            Some((node, input))
        });
        match (Verifying { bench, watch, options, shows }).run(&identifiers, edges) {
            Ok(verified) => covered.verified = Some(verified),
            Err(found) => {
                let told = told(bench, watch, Effort::Tour(covered.clone()), *found);
                // What outlives one subject may show only now: then the runs of before are answered otherwise as well.
                return match second_time(bench, watch, &runs).filter(|_| options.second_drive) {
                    Some(found) => told_unshortened(bench, watch, covered, &found),
                    None => told,
                };
            }
        }
    }
    if let Some(stop) = (bench.limits.budget.interrupt)() {
        return Effort::Tour(covered).incomplete(stop.to_string());
    }
    let leaves = |node: &Node| lts.edges(*node).iter().filter(|edge| edge.beyond).count();
    let cuts: usize = nodes.iter().map(leaves).sum();
    let effort = Effort::Tour(covered);
    match cuts {
        0 => effort.conforms(),
        cuts => effort.incomplete(format!("{cuts} transitions lead outside the model's boundary, and were not driven")),
    }
}

/// Tells of two runs that are not alike; which inputs are to blame is not known.
fn told_unshortened(bench: &Bench, watch: &Watch, covered: Box<Coverage>, found: &Deviating) -> Conformance {
    match repeated(bench, watch, found) {
        Ok(()) => Effort::Tour(covered).diverges(narrate(&bench.lts, found)),
        Err(why) => Effort::Tour(covered).incomplete(why),
    }
}

impl Touring<'_> {
    /// Drives until nothing is open that can be reached.
    fn cover(&mut self) -> Result<Ended, Deviating> {
        let mut aims = 0_usize;
        loop {
            aims += 1;
            if aims.is_multiple_of(256)
                && let Some(stop) = (self.bench.limits.budget.interrupt)()
            {
                return Ok(Ended::Stopped(stop));
            }
            let Some(way) = self.plan.way(&self.driver.belief) else {
                let fresh = self.driver.inputs.is_empty();
                self.end_of_run();
                if fresh || self.plan.is_done() {
                    return Ok(Ended::Done);
                }
                self.driver = Driver::start(self.bench, self.watch).map_err(Deviating::before_anything)?;
                continue;
            };
            if self.steps.saturating_add(way.len()) > self.steps_max {
                self.end_of_run();
                return Ok(Ended::Capped);
            }
            if let Err(deviation) = self.follow(&way) {
                let driver = &mut self.driver;
                let (inputs, observed) = (std::mem::take(&mut driver.inputs), std::mem::take(&mut driver.observed));
                return Err(Deviating { inputs, observed, deviation });
            }
        }
    }

    fn end_of_run(&mut self) {
        let unsettled = self.lineage.restart();
        self.settle(&unsettled);
        let driver = &mut self.driver;
        self.runs.push((std::mem::take(&mut driver.inputs), std::mem::take(&mut driver.observed)));
    }

    /// Goes along `way` as far as the implementation does.
    fn follow(&mut self, way: &[(Node, usize)]) -> Result<(), Deviation> {
        for (node, index) in way {
            if !self.driver.belief.contains(node) {
                break;
            }
            let edge = self.lts.edges(*node)[*index];
            let Some(label) = edge.label else { continue };
            if !self.step(label.input)?.contains(&(*node, edge)) {
                self.plan.aimed(*node, *index);
                break;
            }
        }
        // Where an internal step was hoped for and not taken, or others explain the answer, the aim was in vain as
        // well.
        if let Some((node, index)) = way.last() {
            self.plan.aimed(*node, *index);
        }
        for _ in 0..TELLING_MAX.min(self.steps_max.saturating_sub(self.steps)) {
            match self.telling() {
                Some(input) => self.step(input)?,
                None => break,
            };
        }
        Ok(())
    }

    /// Gives one input. Returns the steps that explain the answer.
    fn step(&mut self, input: u32) -> Result<Vec<(Node, Edge)>, Deviation> {
        let explained = self.driver.step(input)?;
        self.steps += 1;
        let place = |(node, edge): &(Node, Edge)| Some((*node, self.plan.place(self.lts, *node, edge)?));
        if let [only] = &explained[..] {
            if let Some((node, place)) = place(only) {
                self.plan.driven(node, place);
            }
            self.moved(&explained);
            return Ok(explained);
        }
        // Transitions that only their action tells apart are one to everybody outside.
        let mut alike: Vec<(Node, Option<Label>, Node)> = Vec::new();
        let mut candidates: Vec<Vec<(Node, usize)>> = Vec::new();
        for step @ (node, edge) in &explained {
            let seen = (*node, edge.label, edge.to);
            let index = alike.iter().position(|other| *other == seen).unwrap_or_else(|| {
                alike.push(seen);
                candidates.push(Vec::new());
                candidates.len() - 1
            });
            candidates[index].extend(place(step));
        }
        self.moved(&explained);
        if let [only] = &candidates[..] {
            only.iter().for_each(|(node, place)| self.plan.driven(*node, *place));
        } else {
            let leads_to: Vec<Vec<Node>> = alike.iter().map(|(_, _, to)| self.believed(*to)).collect();
            let settled = self.lineage.answered(candidates, &leads_to);
            self.settle(&settled);
        }
        Ok(explained)
    }

    /// Moves on what waits to be told apart.
    fn moved(&mut self, explained: &[(Node, Edge)]) {
        if self.lineage.waiting().next().is_none() {
            return;
        }
        let moves: Vec<(Node, Node)> = explained
            .iter()
            .flat_map(|(node, edge)| self.believed(edge.to).into_iter().map(|to| (*node, to)))
            .collect();
        let settled = self.lineage.moved(&moves);
        self.settle(&settled);
    }

    fn settle(&mut self, settled: &Settled) {
        settled.taken.iter().for_each(|(node, place)| self.plan.driven(*node, *place));
        settled.ambiguous.iter().for_each(|(node, place)| self.plan.explains(*node, *place));
    }

    /// The states of the belief that a step into `node` explains.
    fn believed(&self, node: Node) -> Vec<Node> {
        let mut closed = self.lts.closed(vec![node]);
        closed.retain(|node| self.driver.belief.contains(node));
        closed
    }

    /// An input to which the states of the belief answer differently, where that decides whether a transition was
    /// driven.
    fn telling(&self) -> Option<u32> {
        if self.driver.belief.len() < 2
            || !self.lineage.waiting().any(|place| self.plan.cover_at(place) != Cover::Driven)
        {
            return None;
        }
        let answers = |input: u32| {
            let mut distinct: Vec<Vec<u32>> = Vec::new();
            for node in &self.driver.belief {
                let mut outputs: Vec<u32> =
                    self.lts.answers(&[*node], input).iter().map(|(_, _, label)| label.output).collect();
                outputs.sort_unstable();
                if !distinct.contains(&outputs) {
                    distinct.push(outputs);
                }
            }
            distinct.len()
        };
        let offers = self.driver.offers().into_iter().map(|input| (answers(input), input));
        offers
            .filter(|(answers, _)| *answers > 1)
            .max_by_key(|(answers, input)| (*answers, u32::MAX - input))
            .map(|found| found.1)
    }
}

/// Drives all runs again; the first answer that differs is a deviation.
fn second_time(bench: &Bench, watch: &Watch, runs: &[Run]) -> Option<Deviating> {
    for (inputs, first) in runs {
        let mut driver = match Driver::start(bench, watch) {
            Ok(driver) => driver,
            Err(deviation) => return Some(Deviating::before_anything(deviation)),
        };
        for (input, expected) in inputs.iter().zip(first) {
            let second = match driver.step(*input) {
                Ok(_) if driver.observed.last() == Some(expected) => continue,
                Ok(_) => driver.observed.last().map(|last| last.told(&bench.lts)).unwrap_or_default(),
                Err(deviation) => deviation.observed(),
            };
            let deviation = Deviation::Nondeterministic { first: expected.told(&bench.lts), second };
            return Some(Deviating::at(driver, deviation));
        }
    }
    None
}
