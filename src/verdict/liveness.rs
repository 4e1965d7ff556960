//! Liveness by the search for fair components.
//!
//! A run of a finite graph stays, from some point on, in one strongly connected set of nodes that it visits again and
//! again. So a promise is broken by some fair run if and only if, in the part of the graph where it is broken, a
//! component can be reached around which a fair run can go for ever:
//!
//! | property | the component lies in | and is reached |
//! |---|---|---|
//! | eventually g | states without g | from an initial state, through states without g |
//! | p leads to g | states without g | from a state with p, through states without g |
//! | infinitely often g | states without g | in any way |
//! | almost surely g | as eventually g, but is an end component: see [`chance`](super::chance) | as eventually g |
//! | eventually always g | any states, one of them without g | in any way |
//!
//! A component is the most that a run can visit again and again, and visiting more only helps a run to be *weakly* fair
//! (an action is disabled somewhere, or is taken). A *strongly* fair action that is enabled in the component but taken
//! nowhere inside must not be enabled at all: those states are taken out and the components of the rest are searched
//! again, until nothing is left or all conditions are met.
//! Source: the emptiness check of Streett automata, E. A. Emerson and C.-L. Lei, "Modalities for model checking:
//! branching time strikes back", Sci. Comput. Program. 8(3), 1987; with weak fairness as in TLC (L. Lamport,
//! "Specifying Systems", section 14.3.5).
//!
//! Without strong fairness every transition is looked at a few times. Each round of refinement takes out some strongly
//! fair action for good and looks at what is left once more: the cost is the graph's times the rounds, few as a rule,
//! and at worst as many as there are strongly fair sets of actions.
//!
//! A cut is enabled, and never taken: what lies behind it is not known to come back.

use super::components::{Components, Homes};
use super::fairness::Fairness;
use crate::explore::{Explored, Interrupt, Shape, Stop, Target};
use crate::model::{Kind, Strength};

/// Where a property is broken as long as a run stays there.
pub(super) struct Region {
    /// By node, whether it is part of it.
    pub(super) included: Vec<bool>,
    /// Where a run may enter it, ascending.
    pub(super) entries: Vec<u32>,
    /// By node, whether the run has to come by such a node again and again; `None` if it need not.
    pub(super) visited: Option<Vec<bool>>,
}

impl Region {
    pub(super) fn of(graph: Explored<'_>, property: usize) -> Self {
        let kind = graph.face.properties()[property].kind;
        let mut unmet = graph.met(property);
        unmet.iter_mut().for_each(|met| *met = !*met);
        let is_entry = |node: usize| match kind {
            Kind::Eventually | Kind::AlmostSurely => unmet[node] && node < graph.initial_count(),
            Kind::LeadsTo => unmet[node] && graph.face.is_triggered(property, graph.state(node)),
            Kind::InfinitelyOften => unmet[node],
            Kind::EventuallyAlways => true,
            Kind::Always | Kind::Sometimes | Kind::Recoverable | Kind::Probability | Kind::Reward => false,
        };
        let entries = (0..unmet.len()).filter(|node| is_entry(*node)).map(|node| node as u32).collect();
        match kind {
            Kind::EventuallyAlways => Region { included: vec![true; unmet.len()], entries, visited: Some(unmet) },
            _ => Region { included: unmet, entries, visited: None },
        }
    }
}

/// Looks for components of `region` around which a fair run can go for ever.
///
/// # Errors
/// The search was stopped.
pub(super) fn fair_components(
    shape: &Shape,
    region: &Region,
    fairness: &Fairness<'_>,
    interrupt: &Interrupt,
) -> Result<Option<Components>, Stop> {
    let mut search = Search { shape, fairness, region, tally: Tally::new(fairness.key_count()), found: false };
    let components = search.run(interrupt)?;
    Ok(search.found.then_some(components))
}

struct Search<'a> {
    shape: &'a Shape,
    fairness: &'a Fairness<'a>,
    region: &'a Region,
    tally: Tally,
    /// Whether some component is fair.
    found: bool,
}

/// What a component is to a fair run.
enum Standing {
    /// One can go around it for ever.
    Fair,
    /// None can, nor around a part of it.
    Unfair,
    /// None can, but perhaps around a part of these nodes.
    Refined(Vec<u32>),
}

impl Search<'_> {
    /// Finds the components that are left once all is refined; only fair ones have a home in the end.
    fn run(&mut self, interrupt: &Interrupt) -> Result<Components, Stop> {
        let mut components = Components::among(self.region.included.iter().copied());
        let mut pending = Vec::new();
        let shape = self.shape;
        components.search(shape, self.region.entries.iter().copied(), |nodes, homes| {
            pending.extend(self.settle(nodes, homes));
        });
        while let Some(nodes) = pending.pop() {
            if let Some(stop) = interrupt() {
                return Err(stop);
            }
            components.reopen(&nodes);
            components.search(shape, nodes, |nodes, homes| pending.extend(self.settle(nodes, homes)));
        }
        Ok(components)
    }

    /// Gives up a component that is not fair. Returns the nodes to search again.
    fn settle(&mut self, nodes: &[u32], homes: &mut Homes<'_>) -> Option<Vec<u32>> {
        match self.standing(nodes, homes) {
            Standing::Fair => {
                self.found = true;
                None
            }
            Standing::Unfair => {
                homes.give_up(nodes);
                None
            }
            Standing::Refined(rest) => {
                homes.give_up(nodes);
                Some(rest)
            }
        }
    }

    fn standing(&mut self, nodes: &[u32], homes: &Homes<'_>) -> Standing {
        if let [node] = nodes {
            // Most components are single nodes, and most of those have no loop.
            let node = *node as usize;
            let loops = |place| self.shape.target_at(place) == Target::Node(node);
            if !self.fairness.labels.stutters(node) && !self.shape.places(node).any(loops) {
                return Standing::Unfair;
            }
        }
        if let Some(visited) = &self.region.visited
            && !nodes.iter().any(|node| visited[*node as usize])
        {
            return Standing::Unfair;
        }
        if self.fairness.is_idle() {
            return Standing::Fair;
        }
        self.tally.count(self.shape, self.fairness, nodes, homes);
        let (tally, fairness) = (&self.tally, self.fairness);
        let is_untaken = |key: u32, strength| fairness.strength(key) == Some(strength) && !tally.taken[key as usize];
        let everywhere = |key: u32| tally.enabled[key as usize] as usize == nodes.len();
        if tally.touched.iter().any(|key| is_untaken(*key, Strength::Weak) && everywhere(*key)) {
            return Standing::Unfair;
        }
        if !tally.touched.iter().any(|key| is_untaken(*key, Strength::Strong)) {
            return Standing::Fair;
        }
        let keeps = |node: &&u32| {
            let mut keys = self.shape.places(**node as usize).flat_map(|place| fairness.keys_at(place));
            !keys.any(|key| is_untaken(key, Strength::Strong))
        };
        Standing::Refined(nodes.iter().filter(keeps).copied().collect())
    }
}

/// How the keys fare in one component. Kept between components, since most of them touch few keys.
struct Tally {
    /// By key, in how many nodes it is enabled.
    enabled: Vec<u32>,
    /// By key, the node last counted there.
    last: Vec<u32>,
    /// By key, whether a transition inside has it.
    taken: Vec<bool>,
    /// The keys whose entries are not as in the beginning.
    touched: Vec<u32>,
}

/// No node has this number.
const NOWHERE: u32 = u32::MAX;

impl Tally {
    fn new(key_count: usize) -> Self {
        Tally {
            enabled: vec![0; key_count],
            last: vec![NOWHERE; key_count],
            taken: vec![false; key_count],
            touched: Vec::new(),
        }
    }

    fn count(&mut self, shape: &Shape, fairness: &Fairness<'_>, nodes: &[u32], homes: &Homes<'_>) {
        for key in self.touched.drain(..) {
            let key = key as usize;
            (self.enabled[key], self.last[key], self.taken[key]) = (0, NOWHERE, false);
        }
        for node in nodes {
            for place in shape.places(*node as usize) {
                let stays = matches!(shape.target_at(place), Target::Node(to) if homes.contains(to));
                for key in fairness.keys_at(place) {
                    let index = key as usize;
                    if self.last[index] == NOWHERE {
                        self.touched.push(key);
                    }
                    if self.last[index] != *node {
                        self.last[index] = *node;
                        self.enabled[index] += 1;
                    }
                    self.taken[index] |= stays;
                }
            }
        }
    }
}
