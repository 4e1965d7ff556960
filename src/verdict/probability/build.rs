//! A process made of a graph, with what only the graph knows: which transitions a choice is of, and where it is cut.

use super::{Branch, Mdp, MdpError};
use crate::explore::{Explored, Target};

/// The largest sum of the weights of one distribution: 2⁵³, up to which every integer is a floating-point number.
const WEIGHTS_MAX: u64 = 1 << f64::MANTISSA_DIGITS;

/// Of no choice.
const NONE: u32 = u32::MAX;

/// A process and the graph's places. It may be of an incomplete graph: what was not explored has no choices, and a
/// choice with an outcome that is cut lacks that branch.
pub(in crate::verdict) struct Process {
    pub(in crate::verdict) mdp: Mdp,
    /// By place of a transition; [`NONE`] where it is of no choice.
    choice_by_place: Vec<u32>,
    /// By choice, whether an outcome of it is cut.
    cut: Vec<bool>,
}

/// A choice being gathered.
struct Offer {
    id: Option<u128>,
    enabled: bool,
    forced: bool,
    cut: bool,
    total: u64,
    branches: Vec<Branch>,
    places: Vec<usize>,
}

impl Offer {
    fn new(id: Option<u128>) -> Self {
        Offer { id, enabled: false, forced: false, cut: false, total: 0, branches: Vec::new(), places: Vec::new() }
    }
}

impl Process {
    /// The process that the spec makes of `graph`.
    ///
    /// # Errors
    /// A weight is 0 or too large.
    pub(in crate::verdict) fn of(graph: Explored<'_>) -> Result<Self, MdpError> {
        let mut process = Process {
            mdp: Mdp {
                initial_count: graph.initial_count(),
                choice_offsets: vec![0],
                branch_offsets: vec![0],
                branches: Vec::new(),
                totals: Vec::new(),
                owners: Vec::new(),
                entry_offsets: Vec::new(),
                entries: Vec::new(),
            },
            choice_by_place: vec![NONE; graph.place_count()],
            cut: Vec::new(),
        };
        for node in 0..graph.node_count() {
            let mut offered = offers(graph, node)?;
            offered.retain(|offer| offer.enabled);
            if graph.is_expanded(node) && !offered.iter().any(|offer| offer.forced) {
                let branches = vec![Branch { to: node, weight: 1 }];
                offered.push(Offer { enabled: true, total: 1, branches, ..Offer::new(None) });
            }
            process.push(node, offered);
        }
        process.mdp.index_entries();
        Ok(process)
    }

    fn push(&mut self, node: usize, offered: Vec<Offer>) {
        let mdp = &mut self.mdp;
        for offer in offered {
            for place in offer.places {
                self.choice_by_place[place] = mdp.totals.len() as u32;
            }
            self.cut.push(offer.cut);
            mdp.branches.extend(offer.branches);
            mdp.branch_offsets.push(mdp.branches.len());
            mdp.totals.push(offer.total);
            mdp.owners.push(node as u32);
        }
        mdp.choice_offsets.push(mdp.totals.len());
    }

    /// The choice that the transition at `place` is an outcome of. Where all outcomes are refused there is none.
    pub(in crate::verdict) fn choice_at(&self, place: usize) -> Option<usize> {
        Some(self.choice_by_place[place]).filter(|choice| *choice != NONE).map(|choice| choice as usize)
    }

    /// Whether an outcome of `choice` is cut: where that leads is not known.
    pub(in crate::verdict) fn is_cut(&self, choice: usize) -> bool {
        self.cut[choice]
    }
}

/// The choices of `node`, those that are none included, in the order in which its actions first speak of them.
fn offers(graph: Explored<'_>, node: usize) -> Result<Vec<Offer>, MdpError> {
    let state = graph.state(node);
    let mut offered: Vec<Offer> = Vec::new();
    let Some(actions) = graph.actions(node) else { return Ok(offered) };
    for (index, place) in graph.places(node).enumerate() {
        let target = graph.target_at(place);
        let chance = graph.face.chance(state, &*actions, index);
        if chance.is_some_and(|chance| chance.weight == 0) {
            return Err(MdpError::NoWeight { state: state.text() });
        }
        let (id, weight) = (chance.map(|chance| chance.choice), chance.map_or(1, |chance| chance.weight));
        let known = offered.iter().position(|offer| id.is_some() && offer.id == id);
        let offer = known.unwrap_or_else(|| {
            offered.push(Offer::new(id));
            offered.len() - 1
        });
        let offer = &mut offered[offer];
        offer.places.push(place);
        offer.total = offer.total.saturating_add(weight);
        if offer.total > WEIGHTS_MAX {
            return Err(MdpError::Overweight { state: state.text() });
        }
        if target != Target::Refused {
            offer.enabled = true;
            offer.forced |= graph.face.must_progress(state, &*actions, index);
        }
        let to = match target {
            Target::Node(to) => to,
            Target::Refused => node,
            Target::Cut => {
                offer.cut = true;
                continue;
            }
        };
        match offer.branches.iter_mut().find(|branch| branch.to == to) {
            Some(branch) => branch.weight += weight,
            None => offer.branches.push(Branch { to, weight }),
        }
    }
    Ok(offered)
}

impl Mdp {
    fn index_entries(&mut self) {
        let mut offsets = vec![0; self.node_count() + 1];
        for branch in &self.branches {
            offsets[branch.to + 1] += 1;
        }
        for node in 0..self.node_count() {
            offsets[node + 1] += offsets[node];
        }
        let mut free = offsets.clone();
        self.entries = vec![0; self.branches.len()];
        for choice in 0..self.choice_count() {
            for branch in &self.branches[self.branch_offsets[choice]..self.branch_offsets[choice + 1]] {
                self.entries[free[branch.to]] = choice as u32;
                free[branch.to] += 1;
            }
        }
        self.entry_offsets = offsets;
    }
}
