//! Infinite runs that can be written down: a stem, and a loop that is gone round for ever.
//!
//! The search says only that a fair loop exists in a component. Here one is laid out, and what was laid out is judged
//! again by [`check_lasso`](super::check_lasso), which asks the model and the spec and knows neither graph nor components. A lasso that fails
//! that check would be a defect of this crate, and ends the program.

use std::collections::{BTreeSet, VecDeque};

use super::components::Components;
use super::fairness::Fairness;
use super::liveness::Region;
use super::proof::check_run;
use crate::explore::{Explored, Shape, Target};
use crate::model::Strength;

/// An infinite run in a graph: along the steps, and then from `loop_start` on for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso {
    /// The node it begins in.
    pub initial: usize,
    /// The place of each transition with the node it leads to; `None` as the place where the run stays as it is. The
    /// last node is the one at `loop_start`.
    pub steps: Vec<(Option<usize>, usize)>,
    /// Steps before the loop.
    pub loop_start: usize,
}

impl Lasso {
    /// The nodes along it; 0 is the initial one.
    pub fn nodes(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.initial).chain(self.steps.iter().map(|(_, node)| *node))
    }

    /// The steps of its loop: each node with the place of the transition taken there.
    pub(super) fn looped(&self) -> impl Iterator<Item = (usize, Option<usize>)> {
        self.nodes().zip(self.steps.iter().map(|(place, _)| *place)).skip(self.loop_start)
    }
}

/// Sees to it that `lasso` stands up to [`check_run`].
///
/// # Panics
/// If it does not.
pub(super) fn prove(graph: Explored<'_>, property: usize, lasso: &Lasso) {
    let run = graph.run(lasso.initial, &lasso.steps, lasso.loop_start);
    if let Err(wrong) = check_run(graph.face, property, &run) {
        panic!("the lasso found for {:?} is none: {wrong}", graph.face.properties()[property].name);
    }
}

/// A step in the graph.
#[derive(Clone, Copy)]
enum Move {
    /// The transition at this place.
    Transition(usize),
    /// None.
    Stay,
}

/// Steps, each with the node it leads to.
type Walk = Vec<(Move, usize)>;

/// Which nodes are of fair components, and by which transitions one goes about in those.
pub(super) trait FairHomes {
    /// One of the nodes of the fair component that a node is of, the same for all of that component.
    fn home(&self, node: usize) -> Option<u32>;

    /// Whether the transition at `place`, which leads from a component into the same, may be part of a loop.
    fn is_usable(&self, _place: usize) -> bool {
        true
    }
}

impl FairHomes for Components {
    fn home(&self, node: usize) -> Option<u32> {
        Components::home(self, node)
    }
}

/// A shortest way to a fair component of `region`, and a loop in it that meets every condition.
///
/// # Panics
/// If no component is fair.
pub(super) fn lasso(shape: &Shape, fairness: &Fairness<'_>, region: &Region, components: &dyn FairHomes) -> Lasso {
    let LaidOut { start, stem, cycle } = laid_out(shape, fairness, region, components);
    let (initial, mut steps) = shape.steps_to(start);
    let loop_start = steps.len() + stem.len();
    let place = |step| match step {
        Move::Stay => None,
        Move::Transition(place) => Some(place),
    };
    steps.extend(stem.into_iter().chain(cycle).map(|(step, to)| (place(step), to)));
    Lasso { initial, steps, loop_start }
}

/// A lasso by its nodes.
struct LaidOut {
    /// An entry of the region.
    start: usize,
    stem: Walk,
    cycle: Walk,
}

fn laid_out(shape: &Shape, fairness: &Fairness<'_>, region: &Region, components: &dyn FairHomes) -> LaidOut {
    let (start, stem) = stem(shape, region, components);
    let entry = stem.last().map_or(start, |(_, node)| *node);
    let home = components.home(entry);
    let inside = |place, to| components.home(to) == home && components.is_usable(place);
    let cycle = Layout { shape, fairness, region, inside: &inside }.cycle(entry);
    LaidOut { start, stem, cycle }
}

/// An entry of the region, and from there the way to a fair component, so that both together are shortest.
fn stem(shape: &Shape, region: &Region, components: &dyn FairHomes) -> (usize, Walk) {
    let mut origins = Origins::new(shape);
    let mut entries = region.entries.iter().map(|node| *node as usize).peekable();
    let mut frontier: Vec<usize> = Vec::new();
    let mut depth = 0;
    loop {
        if frontier.is_empty() {
            let next = entries.peek().expect("a fair component is reached from an entry of its region");
            depth = shape.depth_of(*next);
        }
        // Entries lie at their own distance from an initial state: each joins when the search has come as far.
        while let Some(entry) = entries.next_if(|entry| shape.depth_of(*entry) <= depth) {
            if origins.note(entry, entry) {
                frontier.push(entry);
            }
        }
        if let Some(found) = frontier.iter().find(|node| components.home(**node).is_some()) {
            return origins.walk_to(shape, *found, &|_, _| true);
        }
        let mut next = Vec::new();
        for node in frontier {
            for place in shape.places(node) {
                if let Target::Node(to) = shape.target_at(place)
                    && region.included[to]
                    && origins.note(to, node)
                {
                    next.push(to);
                }
            }
        }
        frontier = next;
        depth += 1;
    }
}

/// Where a breadth-first search came from to each node: by number, from 1, and 0 for a node not yet seen. A list of
/// zeros costs nothing for the part of the graph that is never looked at.
struct Origins(Vec<u32>);

impl Origins {
    fn new(shape: &Shape) -> Self {
        Origins(vec![0; shape.node_count()])
    }

    /// Whether `to` is new. A search begins where a node comes from itself.
    fn note(&mut self, to: usize, from: usize) -> bool {
        let new = self.0[to] == 0;
        if new {
            self.0[to] = from as u32 + 1;
        }
        new
    }

    /// Where the search that saw `node` began, and the way from there. Of several transitions between the same nodes it
    /// takes the first that is `usable`.
    fn walk_to(&self, shape: &Shape, node: usize, usable: &dyn Fn(usize, usize) -> bool) -> (usize, Walk) {
        let mut walk = Walk::new();
        let mut at = node;
        loop {
            let from = self.0[at] as usize - 1;
            if from == at {
                walk.reverse();
                return (at, walk);
            }
            let place =
                shape.places(from).find(|place| shape.target_at(*place) == Target::Node(at) && usable(*place, at));
            walk.push((place.map_or(Move::Stay, Move::Transition), at));
            at = from;
        }
    }
}

/// Lays out a loop inside a fair component.
struct Layout<'a> {
    shape: &'a Shape,
    fairness: &'a Fairness<'a>,
    region: &'a Region,
    /// Whether the transition at a place, which leads to a node, stays inside.
    inside: &'a dyn Fn(usize, usize) -> bool,
}

/// What a loop laid out so far still owes.
struct Debt {
    /// Weakly fair keys enabled all along and not taken.
    weak: BTreeSet<u32>,
    /// Strongly fair keys enabled somewhere.
    strong: BTreeSet<u32>,
    taken: BTreeSet<u32>,
    /// Whether a node of those to be visited is still to come.
    visit: bool,
}

impl Debt {
    fn is_open(&self, key: u32) -> bool {
        !self.taken.contains(&key) && (self.weak.contains(&key) || self.strong.contains(&key))
    }

    fn is_paid(&self) -> bool {
        !self.visit && self.weak.is_subset(&self.taken) && self.strong.is_subset(&self.taken)
    }
}

impl Layout<'_> {
    /// From `entry` always to the nearest step that pays some of what is owed, and back when nothing is. A condition
    /// once met stays met, except that a new node may enable a further strongly fair key; there are finitely many.
    fn cycle(&self, entry: usize) -> Walk {
        let enabled = self.fairness.enabled(self.shape, entry);
        let of_strength = |strength| {
            enabled.iter().copied().filter(move |key| self.fairness.strength(*key) == Some(strength)).collect()
        };
        let mut debt = Debt {
            weak: of_strength(Strength::Weak),
            strong: of_strength(Strength::Strong),
            taken: BTreeSet::new(),
            visit: !self.is_visited(entry),
        };
        let mut walk = Walk::new();
        loop {
            let at = walk.last().map_or(entry, |(_, node)| *node);
            let leg = if !debt.is_paid() {
                self.nearest(at, |step, to| self.pays(&debt, step, to))
            } else if at != entry || walk.is_empty() {
                self.nearest(at, |_, to| to == entry)
            } else {
                return walk;
            };
            for (step, to) in leg {
                let owed = debt.strong.len();
                self.account(&mut debt, step, to);
                walk.push((step, to));
                if debt.strong.len() > owed {
                    // What is newly enabled has to be taken anyway, and here it is near.
                    break;
                }
            }
        }
    }

    /// Whether `node` is one that the run has to come by; any is where there are none.
    fn is_visited(&self, node: usize) -> bool {
        self.region.visited.as_ref().is_none_or(|visited| visited[node])
    }

    fn keys(&self, step: Move) -> impl Iterator<Item = u32> + '_ {
        let place = match step {
            Move::Transition(place) => Some(place),
            Move::Stay => None,
        };
        place.into_iter().flat_map(|place| self.fairness.keys_at(place))
    }

    fn pays(&self, debt: &Debt, step: Move, to: usize) -> bool {
        if debt.visit && self.is_visited(to) || self.keys(step).any(|key| debt.is_open(key)) {
            return true;
        }
        let mut open = debt.weak.difference(&debt.taken).peekable();
        if open.peek().is_none() {
            return false;
        }
        let enabled = self.fairness.enabled(self.shape, to);
        open.any(|key| !enabled.contains(key))
    }

    fn account(&self, debt: &mut Debt, step: Move, to: usize) {
        debt.taken.extend(self.keys(step));
        debt.visit &= !self.is_visited(to);
        let enabled = self.fairness.enabled(self.shape, to);
        debt.weak.retain(|key| enabled.contains(key));
        debt.strong.extend(enabled.into_iter().filter(|key| self.fairness.strength(*key) == Some(Strength::Strong)));
    }

    /// The shortest walk inside whose last step is as `wanted`.
    fn nearest(&self, from: usize, wanted: impl Fn(Move, usize) -> bool) -> Walk {
        let mut origins = Origins::new(self.shape);
        origins.note(from, from);
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            let transitions = self.shape.places(node).filter_map(|place| match self.shape.target_at(place) {
                Target::Node(to) if (self.inside)(place, to) => Some((Move::Transition(place), to)),
                Target::Node(_) | Target::Refused | Target::Cut => None,
            });
            let stay = self.fairness.labels.stutters(node).then_some((Move::Stay, node));
            for (step, to) in transitions.chain(stay) {
                if wanted(step, to) {
                    let (_, mut walk) = origins.walk_to(self.shape, node, self.inside);
                    walk.push((step, to));
                    return walk;
                }
                if origins.note(to, node) {
                    queue.push_back(to);
                }
            }
        }
        unreachable!("in a fair component every condition can be met from every node")
    }
}
