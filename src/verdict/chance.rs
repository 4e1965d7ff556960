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

use super::fairness::{Fairness, Labels};
use super::lasso::{FairHomes, check_lasso, lasso};
use super::liveness::Region;
use super::probability::{Bounds, Extreme, MdpError, Precision, Process};
use super::{Evidence, Finding, Lasso, Measured, Verdict, unless_vacuous};
use crate::explore::{Graph, Interrupt, Shape, Stop, Target};
use crate::model::{Bound, CheckedModel, Kind, Spec, Strength, Temporal};

/// What all properties of chance share.
pub(super) struct Chances<'a> {
    shape: &'a Shape,
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
    pub(super) fn of<M: CheckedModel>(
        graph: &'a Graph<M>,
        spec: &dyn Spec<Model = M>,
        labels: Option<&Labels>,
        interrupt: &'a Interrupt,
    ) -> Result<Self, MdpError> {
        let process = Process::of(graph, spec)?;
        let labels = labels.map(|labels| labels.of_choices(graph, &process));
        Ok(Chances { shape: graph, process, labels, interrupt })
    }

    /// Judges `promise` of the graph and the spec that these are of.
    pub(super) fn judge<M: CheckedModel>(
        &self,
        graph: &Graph<M>,
        spec: &dyn Spec<Model = M>,
        promise: &Temporal<M>,
    ) -> Finding<M> {
        let mut finding = Finding::open(promise);
        match (promise.kind(), promise.bound()) {
            (Kind::Probability | Kind::Reward, Some(bound)) => match self.measure(graph, promise, bound) {
                Ok(measured) => {
                    finding.verdict = measured.verdict((self.interrupt)());
                    finding.value = Some(measured);
                }
                Err(why) => finding.verdict = Verdict::Incomplete(why),
            },
            _ => self.judge_surely(graph, spec, promise, &mut finding),
        }
        finding
    }

    fn judge_surely<M: CheckedModel>(
        &self,
        graph: &Graph<M>,
        spec: &dyn Spec<Model = M>,
        promise: &Temporal<M>,
        finding: &mut Finding<M>,
    ) {
        let Some(labels) = &self.labels else { return };
        finding.fairness = promise.assumption().and_then(|assumption| labels.found(assumption)).cloned();
        let fairness = labels.under(promise.assumption());
        let region = Region::of(graph, promise);
        finding.verdict = match self.avoiding(&fairness, &region) {
            Err(stop) => Verdict::Incomplete(stop.to_string()),
            Ok(homes) if homes.home.iter().all(Option::is_none) => {
                unless_vacuous(graph, None, finding.fairness.as_ref())
            }
            Ok(homes) => {
                let lasso = lasso(graph, &fairness, &region, &homes);
                if let Err(wrong) = check_lasso(&**graph.model(), spec, promise, &lasso) {
                    panic!("the lasso found for {:?} is none: {wrong}", promise.name());
                }
                let states = node_of(graph, lasso.at_loop_start()).map_or(0, |node| homes.size(node));
                finding.evidence = Some(Evidence::EndComponent { lasso, states });
                Verdict::Violated
            }
        };
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
            for target in self.shape.targets(node) {
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
        let enabled: Vec<BTreeSet<u32>> = nodes.iter().map(|node| fairness.enabled(self.shape, *node)).collect();
        let places = nodes.iter().flat_map(|node| self.shape.places(*node)).filter(|place| homes.is_usable(*place));
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
    fn measure<M: CheckedModel>(
        &self,
        graph: &Graph<M>,
        promise: &Temporal<M>,
        bound: Bound,
    ) -> Result<Measured, String> {
        if let Some(nonsense) = bound.nonsense(promise.kind()) {
            return Err(nonsense);
        }
        if let Some(assumption) = promise.assumption() {
            return Err(format!("it is over all schedulers, so that {assumption:?} cannot be assumed of them"));
        }
        if let Some(why) = graph.incomplete() {
            return Err(MdpError::Incomplete(why).to_string());
        }
        let extreme = match bound {
            Bound::AtLeast(_) => Extreme::Min,
            Bound::AtMost(_) => Extreme::Max,
        };
        let model = &**graph.model();
        let goal: Vec<bool> = graph.states().iter().map(|state| promise.is_met(model, state)).collect();
        let precision = Precision { interrupt: self.interrupt.clone(), ..Precision::default() };
        let mdp = &self.process.mdp;
        let by_node = match promise.kind() {
            Kind::Reward => mdp.reward(&goal, &self.rewards(graph, promise)?, extreme, &precision),
            _ => mdp.probability(&goal, extreme, &precision),
        };
        Ok(Measured { bounds: mdp.at_start(&by_node, extreme), extreme, bound })
    }

    /// By choice, what it earns.
    fn rewards<M: CheckedModel>(&self, graph: &Graph<M>, promise: &Temporal<M>) -> Result<Vec<f64>, String> {
        let model = &**graph.model();
        let mut rewards: Vec<Option<f64>> = vec![None; self.process.mdp.choice_count()];
        for (node, state) in graph.states().iter().enumerate() {
            for (place, (action, _)) in graph.places(node).zip(graph.transitions(node)) {
                let Some(choice) = self.process.choice_at(place) else { continue };
                let reward = promise.reward_of(model, state, &action);
                if !reward.is_finite() || reward < 0.0 {
                    return Err(format!(
                        "the reward of {action:?} in state {state:?} is {reward}; rewards are finite and not negative"
                    ));
                }
                match rewards[choice] {
                    Some(other) if other != reward => {
                        return Err(format!(
                            "the rewards of a distribution in state {state:?} differ: {action:?} has {reward}, another \
                             outcome {other}; give all its outcomes the reward of the choice"
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
    /// What the value says of its bound; `stop` is why it may be known less well than it could be.
    fn verdict(&self, stop: Option<Stop>) -> Verdict {
        let Bounds { lower, upper } = self.bounds;
        let (kept, broken) = match self.bound {
            Bound::AtLeast(bound) => (lower >= bound, upper < bound),
            Bound::AtMost(bound) => (upper <= bound, lower > bound),
        };
        match (kept, broken, stop) {
            (true, _, _) => Verdict::Holds,
            (_, true, _) => Verdict::Violated,
            (false, false, stop) => Verdict::Incomplete(format!(
                "it lies between {lower} and {upper}, and whether that is {} is not known{}",
                self.bound,
                stop.map_or_else(String::new, |stop| format!(": {stop}"))
            )),
        }
    }
}

fn node_of<M: CheckedModel>(graph: &Graph<M>, state: &M::State) -> Option<usize> {
    graph.states().iter().position(|other| other == state)
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

/// Whether a fair scheduler can go round the loop of `lasso`, a run of the model that `graph` is of, and keep away from
/// what `property` promises whatever is drawn meanwhile: how many states it then needs, those of the loop among them.
///
/// # Errors
/// No scheduler can, or it is not known.
pub fn check_end_component<M: CheckedModel>(
    graph: &Graph<M>,
    spec: &dyn Spec<Model = M>,
    property: &Temporal<M>,
    lasso: &Lasso<M>,
    interrupt: &Interrupt,
) -> Result<usize, String> {
    check_lasso(&**graph.model(), spec, property, lasso)?;
    let labels = Labels::of(graph, spec, &property.assumption().into_iter().collect());
    let chances = Chances::of(graph, spec, Some(&labels), interrupt).map_err(|error| error.to_string())?;
    let Some(labels) = &chances.labels else { return Err("nothing is known of fairness".into()) };
    let region = Region::of(graph, property);
    let homes = chances.avoiding(&labels.under(property.assumption()), &region).map_err(|stop| stop.to_string())?;
    let keeps_inside = |(state, action): (&M::State, Option<&M::Action>)| {
        let node = node_of(graph, state)?;
        let is_it =
            |(place, (other, _)): (usize, (M::Action, Target))| Some(&other) == action && homes.is_usable(place);
        let inside = action.is_none() || graph.places(node).zip(graph.transitions(node)).any(is_it);
        homes.home[node].filter(|_| inside)
    };
    let mut first = None;
    for step in lasso.looped() {
        match keeps_inside(step) {
            Some(home) => first = first.or(Some(home)),
            None => {
                return Err(match graph.incomplete() {
                    Some(why) => format!("what can follow is not known: {why}"),
                    None => "no fair scheduler can go round its loop without letting chance lead out of it".into(),
                });
            }
        }
    }
    Ok(first.map_or(0, |home| homes.size(home as usize)))
}
