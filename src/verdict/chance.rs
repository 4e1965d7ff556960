//! Properties of what is drawn: judged on the process that the spec makes of the graph.
//!
//! `almost_surely` is judged by end components without the goal. Within one a scheduler can visit every state and make
//! every choice again and again with probability 1, so that a component can be fair just as one of a graph can: see
//! [`liveness`](super::liveness), with choices for transitions. A component of a part of the states is one of the
//! whole, which is why taking out states for strong fairness and searching the rest again loses none. Before it comes
//! to such a component a scheduler owes fairness nothing, and a positive probability of coming there is enough. Where
//! it does not come there it can still be fair, since whatever was done so far can be gone on with fairly.
//! Source: L. de Alfaro, PhD thesis, Stanford 1997; C. Baier, M. Kwiatkowska, "Model checking for a probabilistic
//! branching time logic with fairness", Distrib. Comput. 11, 1998.
//!
//! A choice with an outcome that is cut is enabled, and of no component: where it leads is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fairness::{Fairness, Labels};
use super::lasso::{self, FairHomes};
use super::liveness::Region;
use super::probability::{Bounds, Extreme, MdpError, Precision, Process};
use super::proof::{LassoError, check_run};
use super::{Evidence, Finding, Lasso, Measured, Verdict};
use crate::explore::{Explored, Graph, Interrupt, Spoken, Stop, Target};
use crate::model::{Bound, CheckedModel, Kind, Spec, Strength};

/// What all properties of chance share.
pub(super) struct Chances<'a> {
    graph: Explored<'a>,
    process: Process,
    /// Of choices; `None` where nothing asks for them.
    labels: Option<Labels>,
    interrupt: &'a Interrupt,
}

impl<'a> Chances<'a> {
    /// `labels` are those of transitions.
    ///
    /// # Errors
    /// A weight is 0 or too large.
    pub(super) fn of(graph: Explored<'a>, labels: Option<&Labels>, interrupt: &'a Interrupt) -> Result<Self, MdpError> {
        let process = Process::of(graph)?;
        let labels = labels.map(|labels| labels.of_choices(graph.shape(), &process));
        Ok(Chances { graph, process, labels, interrupt })
    }

    /// Judges a property of the graph that these are of.
    pub(super) fn judge(&self, property: usize) -> Finding {
        let asked = &self.graph.face.properties()[property];
        let mut finding = Finding::open(asked);
        match (asked.kind, asked.bound) {
            (Kind::Probability | Kind::Reward, Some(bound)) => match self.measure(property, bound) {
                Ok(measured) => {
                    finding.value = Some(measured);
                    measured.settle(finding, (self.interrupt)())
                }
                Err(why) => finding.incomplete(why),
            },
            _ => self.judge_surely(property, finding),
        }
    }

    fn judge_surely(&self, property: usize, mut finding: Finding) -> Finding {
        let Some(labels) = &self.labels else { return finding };
        let assumption = self.graph.face.properties()[property].assumption;
        finding.fairness = assumption.and_then(|assumption| labels.found(assumption)).cloned();
        let fairness = labels.under(assumption);
        let region = Region::of(self.graph, property);
        match self.avoiding(&fairness, &region) {
            Err(stop) => finding.incomplete(stop),
            Ok(homes) if homes.home.iter().all(Option::is_none) => finding.unless_vacuous(self.graph.shape()),
            Ok(homes) => {
                let lasso = lasso::lasso(self.graph.shape(), &fairness, &region, &homes);
                lasso::prove(self.graph, property, &lasso);
                let states = homes.size(lasso.nodes().nth(lasso.loop_start).unwrap_or(lasso.initial));
                finding.shown(Verdict::Violated, Evidence::EndComponent { lasso, states })
            }
        }
    }

    /// The end components that a scheduler can come to outside the goal and, being fair, stay in.
    fn avoiding(&self, fairness: &Fairness<'_>, region: &Region) -> Result<Homes<'_>, Stop> {
        let mdp = &self.process.mdp;
        let mut homes = Homes { process: &self.process, home: vec![None; mdp.node_count()] };
        let mut included = self.reached(region);
        loop {
            if let Some(stop) = (self.interrupt)() {
                return Err(stop);
            }
            let components = mdp.end_components(&included, |choice| !self.process.is_cut(choice));
            if components.is_empty() {
                return Ok(homes);
            }
            included.fill(false);
            for nodes in &components {
                for node in nodes {
                    homes.home[*node] = Some(nodes[0] as u32);
                }
            }
            for nodes in components {
                let left = self.refined(fairness, &homes, &nodes);
                if left.len() < nodes.len() {
                    for node in nodes {
                        homes.home[node] = None;
                    }
                    for node in left {
                        included[node] = true;
                    }
                }
            }
        }
    }

    /// The nodes of the region that are reached from its entries without leaving it.
    fn reached(&self, region: &Region) -> Vec<bool> {
        let mut reached = vec![false; region.included.len()];
        let mut open: Vec<usize> = region.entries.iter().map(|node| *node as usize).collect();
        for node in &open {
            reached[*node] = true;
        }
        while let Some(node) = open.pop() {
            for target in self.graph.targets(node) {
                if let Target::Node(to) = target
                    && region.included[to]
                    && !std::mem::replace(&mut reached[to], true)
                {
                    open.push(to);
                }
            }
        }
        reached
    }

    /// Those of `nodes`, an end component, among which there may be a fair one: all, if it is fair itself.
    fn refined(&self, fairness: &Fairness<'_>, homes: &Homes<'_>, nodes: &[usize]) -> Vec<usize> {
        if fairness.is_idle() {
            return nodes.to_vec();
        }
        let enabled: Vec<BTreeSet<u32>> =
            nodes.iter().map(|node| fairness.enabled(self.graph.shape(), *node)).collect();
        let places = nodes.iter().flat_map(|node| self.graph.places(*node)).filter(|place| homes.is_usable(*place));
        let taken: BTreeSet<u32> = places.flat_map(|place| fairness.keys_at(place)).collect();
        let mut untaken: BTreeMap<u32, usize> = BTreeMap::new();
        for key in enabled.iter().flatten().filter(|key| !taken.contains(key)) {
            *untaken.entry(*key).or_default() += 1;
        }
        let is = |key: u32, strength| fairness.strength(key) == Some(strength);
        if untaken.iter().any(|(key, count)| is(*key, Strength::Weak) && *count == nodes.len()) {
            return Vec::new();
        }
        let owes =
            |keys: &BTreeSet<u32>| keys.iter().any(|key| is(*key, Strength::Strong) && untaken.contains_key(key));
        nodes.iter().zip(&enabled).filter(|(_, keys)| !owes(keys)).map(|(node, _)| *node).collect()
    }

    /// The value that `bound` speaks of.
    ///
    /// # Errors
    /// Why it is not known at all.
    fn measure(&self, property: usize, bound: Bound) -> Result<Measured, String> {
        let asked = &self.graph.face.properties()[property];
        if let Some(nonsense) = bound.nonsense(asked.kind) {
            return Err(nonsense);
        }
        if let Some(assumption) = asked.assumption {
            return Err(format!("it speaks of all schedulers, so that {assumption:?} cannot be assumed of them"));
        }
        if let Some(why) = self.graph.incomplete() {
            return Err(MdpError::Incomplete(why).to_string());
        }
        let extreme = match bound {
            Bound::AtLeast(_) => Extreme::Min,
            Bound::AtMost(_) => Extreme::Max,
        };
        let goal = self.graph.met(property);
        let precision = Precision { interrupt: self.interrupt.clone(), ..Precision::default() };
        let mdp = &self.process.mdp;
        let by_node = match asked.kind {
            Kind::Reward => mdp.reward(&goal, &self.rewards(property)?, extreme, &precision),
            _ => mdp.probability(&goal, extreme, &precision),
        };
        Ok(Measured { bounds: mdp.at_start(&by_node, extreme), extreme, bound })
    }

    /// By choice, what it earns.
    fn rewards(&self, property: usize) -> Result<Vec<f64>, String> {
        let graph = self.graph;
        let mut rewards: Vec<Option<f64>> = vec![None; self.process.mdp.choice_count()];
        for node in 0..graph.node_count() {
            let Some(actions) = graph.actions(node) else { continue };
            for (index, place) in graph.places(node).enumerate() {
                let Some(choice) = self.process.choice_at(place) else { continue };
                let reward = graph.face.reward(property, graph.state(node), &*actions, index);
                if !reward.is_finite() || reward < 0.0 {
                    return Err(format!(
                        "the reward of {} in state {} is {reward}; rewards are finite and not negative",
                        graph.face.action_text(&*actions, index),
                        graph.state(node).text()
                    ));
                }
                match rewards[choice] {
                    Some(other) if other != reward => {
                        return Err(format!(
                            "the rewards of a distribution in state {} differ: {} has {reward}, another outcome \
                             {other}; give all its outcomes the reward of the choice",
                            graph.state(node).text(),
                            graph.face.action_text(&*actions, index)
                        ));
                    }
                    _ => rewards[choice] = Some(reward),
                }
            }
        }
        // Staying where nothing is forced is no transition.
        Ok(rewards.into_iter().map(|reward| reward.unwrap_or(0.0)).collect())
    }
}

impl Measured {
    /// Says in `finding` what the value says of its bound; `stop` is why it may be known less well than it could be.
    fn settle(&self, finding: Finding, stop: Option<Stop>) -> Finding {
        let Bounds { lower, upper } = self.bounds;
        let (kept, broken) = match self.bound {
            Bound::AtLeast(bound) => (lower >= bound, upper < bound),
            Bound::AtMost(bound) => (upper <= bound, lower > bound),
        };
        match (kept, broken, stop) {
            (true, _, _) => finding.said(Verdict::Holds),
            (_, true, _) => finding.said(Verdict::Violated),
            (false, false, stop) => finding.incomplete(format!(
                "it lies between {lower} and {upper}, and whether that is {} is not known{}",
                self.bound,
                stop.map_or_else(String::new, |stop| format!(": {stop}"))
            )),
        }
    }
}

/// By node, a node of its component.
struct Homes<'a> {
    process: &'a Process,
    home: Vec<Option<u32>>,
}

impl Homes<'_> {
    /// How many nodes the component of `node` has.
    fn size(&self, node: usize) -> usize {
        self.home.iter().filter(|home| home.is_some() && **home == self.home[node]).count()
    }
}

impl FairHomes for Homes<'_> {
    fn home(&self, node: usize) -> Option<u32> {
        self.home[node]
    }

    /// Whether no outcome of the choice leaves the component.
    fn is_usable(&self, place: usize) -> bool {
        self.process.choice_at(place).is_some_and(|choice| {
            let home = self.home[self.process.mdp.owner(choice)];
            let mut branches = self.process.mdp.branches(choice).iter();
            home.is_some() && !self.process.is_cut(choice) && branches.all(|branch| self.home[branch.to] == home)
        })
    }
}

/// The number of states that a fair scheduler needs to go round the loop of `lasso`, a run in `graph`, and keep away
/// from what `property` promises whatever is drawn meanwhile. Those of the loop are among them.
///
/// # Errors
/// No scheduler can, or it is not known.
pub fn check_end_component<M: CheckedModel>(
    graph: &Graph<M>,
    spec: impl Spec<Model = M>,
    property: &str,
    lasso: &Lasso,
    interrupt: &Interrupt,
) -> Result<usize, LassoError> {
    let spoken = Spoken::new(graph.model().clone(), Arc::new(spec));
    let graph = Explored::new(&spoken, graph);
    let index = graph.face.properties().iter().position(|asked| asked.name == property);
    let index = index.ok_or_else(|| LassoError::NoProperty(property.into()))?;
    check_component(graph, index, lasso, interrupt)
}

/// As [`check_end_component`], in a graph whose types are forgotten.
pub(crate) fn check_component(
    graph: Explored<'_>,
    property: usize,
    lasso: &Lasso,
    interrupt: &Interrupt,
) -> Result<usize, LassoError> {
    let assumption = graph.face.properties()[property].assumption;
    check_run(graph.face, property, &graph.run(lasso.initial, &lasso.steps, lasso.loop_start))?;
    let labels = Labels::of(graph, &assumption.into_iter().collect());
    let chances = Chances::of(graph, Some(&labels), interrupt)?;
    let Some(labels) = &chances.labels else { unreachable!("labels were handed in") };
    let region = Region::of(graph, property);
    let homes = chances.avoiding(&labels.under(assumption), &region).map_err(LassoError::Stopped)?;
    let mut first = None;
    for (node, place) in lasso.looped() {
        let inside = place.is_none_or(|place| homes.is_usable(place));
        match homes.home[node].filter(|_| inside) {
            Some(home) => first = first.or(Some(home)),
            None => {
                return Err(graph.incomplete().map_or(LassoError::LeftByChance, LassoError::Unknown));
            }
        }
    }
    Ok(first.map_or(0, |home| homes.size(home as usize)))
}
