//! Tour: every transition of the bounded model driven through the implementation, refused inputs as well.
//!
//! Planned while it is driven: always to the nearest transition that was not covered yet, by a fresh start where none
//! can be reached. Afterwards all runs are driven a second time, and must be answered the same.

use std::collections::VecDeque;

use super::drive::{Deviating, Deviation, Driver, Observed, shrink};
use super::lts::{Edge, Lts, Node};
use super::narrate::narrate;
use super::watch::{Watch, watched};
use super::{Conformance, Divergence, Factory, Job, Mode, Setting};
use crate::explore::ModelError;
use crate::model::{Counterpart, Facade};
use crate::trace::Trace;

pub(super) struct Tour<C> {
    pub(super) factory: Factory<C>,
}

impl<F: Facade, C: Counterpart<F> + 'static> Job<F> for Tour<C> {
    fn mode(&self) -> Mode {
        Mode::Tour
    }

    fn run(&self, setting: &Setting<F>) -> Result<Conformance, ModelError> {
        let (factory, there) = (self.factory.clone(), setting.clone());
        let lts = std::sync::Arc::new(Lts::new(setting.model.clone(), setting.facade.clone()));
        let lts_there = lts.clone();
        let result = watched(setting.answer_within, move |watch| tour(&lts_there, &there, &*factory, watch));
        Ok(match result {
            Ok(conformance) => conformance,
            Err(hung) => {
                Conformance::new(Mode::Tour).diverges(super::replay::silent(&lts, setting, &hung, &self.factory))
            }
        })
    }

    fn replay(&self, setting: &Setting<F>, trace: &Trace) -> Result<Option<Divergence>, String> {
        super::replay::inputs(setting, trace, &self.factory)
    }
}

/// How often a transition is aimed at, in vain because the implementation chose otherwise, before it counts as unchosen.
const ATTEMPTS_MAX: u8 = 3;

/// What there is to cover.
struct Coverage {
    /// Edge `e` of node `n` is `first[n] + e`.
    first: Vec<usize>,
    /// Whether a node is within the bounds of the tour.
    inside: Vec<bool>,
    state: Vec<Cover>,
    /// Edges of each node that are to be driven.
    open: Vec<u32>,
    open_total: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// No label, or it leads outside the boundary.
    NotAsked,
    Unsupported,
    Open(u8),
    Driven,
    Unchosen,
}

impl Coverage {
    fn of<F: Facade>(lts: &Lts<F>, nodes: &[Node], supports: impl Fn(u32) -> bool) -> Coverage {
        let size = nodes.iter().max().map_or(0, |max| *max as usize + 1);
        let mut coverage = Coverage {
            first: vec![0; size],
            inside: vec![false; size],
            state: Vec::new(),
            open: vec![0; size],
            open_total: 0,
        };
        for node in nodes {
            coverage.inside[*node as usize] = true;
            coverage.first[*node as usize] = coverage.state.len();
            for edge in lts.edges(*node).iter() {
                let cover = match edge.label {
                    Some(_) if edge.beyond => Cover::NotAsked,
                    None => Cover::NotAsked,
                    Some(label) if !supports(label.input) => Cover::Unsupported,
                    Some(_) => {
                        coverage.open[*node as usize] += 1;
                        coverage.open_total += 1;
                        Cover::Open(0)
                    }
                };
                coverage.state.push(cover);
            }
        }
        coverage
    }

    fn count(&self, wanted: impl Fn(Cover) -> bool) -> usize {
        self.state.iter().filter(|cover| wanted(**cover)).count()
    }

    fn settle(&mut self, node: Node, edge_index: usize, to: Cover) {
        let place = self.first[node as usize] + edge_index;
        if matches!(self.state[place], Cover::Open(_)) {
            self.open[node as usize] -= 1;
            self.open_total -= 1;
        }
        if self.state[place] != Cover::Driven {
            self.state[place] = to;
        }
    }

    /// Marks the steps that explain an answer.
    fn driven<F: Facade>(&mut self, lts: &Lts<F>, steps: &[(Node, Edge)]) {
        for (node, edge) in steps {
            if self.inside.get(*node as usize).copied().unwrap_or(false) && !edge.beyond {
                let index = lts.edges(*node).iter().position(|other| other == edge);
                if let Some(index) = index {
                    self.settle(*node, index, Cover::Driven);
                }
            }
        }
    }

    /// An attempt at `edge_index` of `node` ended elsewhere.
    fn missed(&mut self, node: Node, edge_index: usize) {
        let place = self.first[node as usize] + edge_index;
        if let Cover::Open(attempts) = self.state[place] {
            if attempts + 1 >= ATTEMPTS_MAX {
                self.settle(node, edge_index, Cover::Unchosen);
            } else {
                self.state[place] = Cover::Open(attempts + 1);
            }
        }
    }

    /// The edges on the way from one of `from` to the nearest open one, which is the last: each as node and index.
    fn nearest<F: Facade>(&self, lts: &Lts<F>, from: &[Node], came: &mut Came) -> Option<Vec<(Node, usize)>> {
        came.begin(self.inside.len());
        let mut queue: VecDeque<Node> = VecDeque::new();
        for node in from.iter().filter(|node| self.inside.get(**node as usize).copied().unwrap_or(false)) {
            came.mark(*node, None);
            queue.push_back(*node);
        }
        while let Some(node) = queue.pop_front() {
            if self.open[node as usize] > 0 {
                let first = self.first[node as usize];
                let index = (0..).find(|index| matches!(self.state[first + index], Cover::Open(_)))?;
                let mut way = vec![(node, index)];
                let mut at = node;
                while let Some((before, index)) = came.from(at) {
                    way.push((before, index));
                    at = before;
                }
                way.reverse();
                return Some(way);
            }
            for (index, edge) in lts.edges(node).iter().enumerate() {
                let cover = self.state[self.first[node as usize] + index];
                let passable = !edge.beyond && !matches!(cover, Cover::Unsupported | Cover::Unchosen);
                if passable && !came.marked(edge.to) {
                    came.mark(edge.to, Some((node, index)));
                    queue.push_back(edge.to);
                }
            }
        }
        None
    }
}

/// Where a search came from, reused from search to search.
#[derive(Default)]
struct Came {
    stamp: u32,
    seen: Vec<(u32, Option<(Node, usize)>)>,
}

impl Came {
    fn begin(&mut self, size: usize) {
        self.stamp += 1;
        self.seen.resize(size, (0, None));
    }
    fn mark(&mut self, node: Node, from: Option<(Node, usize)>) {
        self.seen[node as usize] = (self.stamp, from);
    }
    fn marked(&self, node: Node) -> bool {
        self.seen[node as usize].0 == self.stamp
    }
    fn from(&self, node: Node) -> Option<(Node, usize)> {
        self.seen[node as usize].1
    }
}

fn tour<F: Facade, C: Counterpart<F>>(
    lts: &Lts<F>,
    setting: &Setting<F>,
    factory: &dyn Fn() -> C,
    watch: &Watch,
) -> Conformance {
    let _span = tracing::debug_span!("tour").entered();
    let mut result = Conformance::new(Mode::Tour);
    let Some(nodes) = lts.unfold(setting.budget.states_max) else {
        return result.incomplete(format!("the model has more than {} states", setting.budget.states_max));
    };
    let mut driver = match Driver::start(lts, factory, watch) {
        Ok(driver) => driver,
        Err(deviation) => return told(lts, setting, result, Deviating::before_anything(deviation)),
    };
    let mut coverage = Coverage::of(lts, &nodes, |input| driver.supports(input));
    let mut came = Came::default();
    let mut runs: Vec<(Vec<u32>, Vec<Observed<F>>)> = Vec::new();
    result.edges_unsupported = coverage.count(|cover| cover == Cover::Unsupported);
    result.edges = coverage.count(|cover| cover != Cover::NotAsked);

    let found = loop {
        if let Some(stop) = (setting.budget.interrupt)() {
            return result.incomplete(stop.to_string());
        }
        let Some(way) = coverage.nearest(lts, &driver.belief, &mut came) else {
            let fresh = driver.inputs.is_empty();
            runs.push((std::mem::take(&mut driver.inputs), std::mem::take(&mut driver.observed)));
            if fresh || coverage.open_total == 0 {
                break None;
            }
            driver = match Driver::start(lts, factory, watch) {
                Ok(driver) => driver,
                Err(deviation) => break Some(Deviating::before_anything(deviation)),
            };
            continue;
        };
        if let Err(deviation) = follow(lts, &mut driver, &mut coverage, &way, &mut result.steps) {
            break Some(Deviating { inputs: driver.inputs, observed: driver.observed, deviation });
        }
    };
    result.edges_driven = coverage.count(|cover| cover == Cover::Driven);
    if let Some(found) = found {
        let found = shrink(lts, factory, watch, found);
        return told(lts, setting, result, found);
    }
    if let Some(found) = second_time(lts, factory, watch, &runs) {
        return told(lts, setting, result, found);
    }
    // What could not be reached counts as unchosen: on every way there the implementation turned off.
    result.edges_unchosen = coverage.count(|cover| matches!(cover, Cover::Unchosen | Cover::Open(_)));
    tracing::debug!(
        edges = result.edges,
        driven = result.edges_driven,
        steps = result.steps,
        runs = runs.len(),
        "toured"
    );
    result.bounds.insert("starts".into(), runs.len().to_string());
    if result.edges_driven == 0 {
        return result.incomplete("no transition of the model could be driven: has the facade labels?");
    }
    let leaves = |node: &Node| lts.edges(*node).iter().filter(|edge| edge.beyond).count();
    let cuts: usize = nodes.iter().map(leaves).sum();
    if cuts > 0 {
        return result.incomplete(format!("{cuts} transitions lead outside the model's boundary, and were not driven"));
    }
    result.agreement = super::Agreement::Conforms;
    result
}

/// Goes along `way` as far as the implementation does.
fn follow<F: Facade, C: Counterpart<F>>(
    lts: &Lts<F>,
    driver: &mut Driver<'_, F, C>,
    coverage: &mut Coverage,
    way: &[(Node, usize)],
    steps: &mut usize,
) -> Result<(), Deviation> {
    for (node, index) in way {
        if !driver.belief.contains(node) {
            break;
        }
        let edge = lts.edges(*node)[*index];
        let Some(label) = edge.label else { continue };
        let explained = driver.step(label.input)?;
        *steps += 1;
        coverage.driven(lts, &explained);
        if !explained.contains(&(*node, edge)) {
            coverage.missed(*node, *index);
            break;
        }
    }
    // Where an internal step was hoped for and not taken, the aim counts as missed as well.
    if let Some((node, index)) = way.last() {
        coverage.missed(*node, *index);
    }
    Ok(())
}

/// Drives all runs again; the first answer that differs is a deviation.
fn second_time<F: Facade, C: Counterpart<F>>(
    lts: &Lts<F>,
    factory: &dyn Fn() -> C,
    watch: &Watch,
    runs: &[(Vec<u32>, Vec<Observed<F>>)],
) -> Option<Deviating<F>> {
    for (inputs, first) in runs {
        let mut driver = match Driver::start(lts, factory, watch) {
            Ok(driver) => driver,
            Err(deviation) => return Some(Deviating::before_anything(deviation)),
        };
        for (input, expected) in inputs.iter().zip(first) {
            let deviation = match driver.step(*input) {
                Ok(_) if driver.observed.last() == Some(expected) => continue,
                Ok(_) => driver.observed.last().map(ToString::to_string).unwrap_or_default(),
                Err(deviation) => deviation.observed(),
            };
            return Some(Deviating {
                inputs: driver.inputs,
                observed: driver.observed,
                deviation: Deviation::Nondeterministic { first: expected.to_string(), second: deviation },
            });
        }
    }
    None
}

fn told<F: Facade>(lts: &Lts<F>, setting: &Setting<F>, result: Conformance, found: Deviating<F>) -> Conformance {
    result.diverges(narrate(lts, &*setting.spec, &found))
}
