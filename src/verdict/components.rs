//! Strongly connected components of a part of the graph, by Tarjan's algorithm.
//! Source: R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972.
//!
//! Written without recursion, since a path through the graph may be as long as the graph is large, and with three words
//! of memory a node. One array says both where a node may be searched and which component it was found in, so that the
//! inside of a component can be searched again as a part of its own: what the refinement for strong fairness does.

use crate::explore::{Graph, Target};
use crate::model::CheckedModel;

/// The nodes to search, and what was found of them.
pub(super) struct Components {
    /// [`SEARCHED`], [`OUTSIDE`], or of a node whose component was found one of the component's nodes, the same for all
    /// of them.
    homes: Vec<u32>,
    /// When a node was first seen in the search going on, from 1; 0 before.
    orders: Vec<u32>,
    /// The earliest order known to be reachable from a node within its component.
    lows: Vec<u32>,
    /// Nodes seen whose component is not yet known.
    open: Vec<u32>,
    /// The way down to the node being searched: each with the place of the transition to look at next.
    way: Vec<(u32, usize)>,
}

/// The home of a node to be searched.
const SEARCHED: u32 = u32::MAX;
/// The home of a node that is not to be.
const OUTSIDE: u32 = u32::MAX - 1;

impl Components {
    /// To search the nodes of which `included` says so.
    pub(super) fn among(included: impl Iterator<Item = bool>) -> Self {
        let homes: Vec<u32> = included.map(|included| if included { SEARCHED } else { OUTSIDE }).collect();
        let count = homes.len();
        Components { homes, orders: vec![0; count], lows: vec![0; count], open: Vec::new(), way: Vec::new() }
    }

    /// The nodes of `left` are to be searched again.
    pub(super) fn reopen(&mut self, left: &[u32]) {
        for node in left {
            self.homes[*node as usize] = SEARCHED;
        }
    }

    /// One node for each component that was found and not [given up](Homes::give_up): equal for nodes of the same.
    pub(super) fn home(&self, node: usize) -> Option<u32> {
        Some(self.homes[node]).filter(|home| *home < OUTSIDE)
    }

    /// Finds the components of what `roots` reach among the nodes to be searched. A component comes after all those
    /// that it leads to.
    pub(super) fn search<M: CheckedModel>(
        &mut self,
        graph: &Graph<M>,
        roots: impl IntoIterator<Item = u32>,
        mut found: impl FnMut(&[u32], &mut Homes<'_>),
    ) {
        for root in roots {
            let mut order = 0;
            if self.homes[root as usize] == SEARCHED {
                self.enter(graph, root, &mut order);
            }
            while let Some((node, place)) = self.way.last_mut() {
                let from = *node as usize;
                if *place < graph.places(from).end {
                    let target = graph.target_at(*place);
                    *place += 1;
                    match target {
                        Target::Node(to) if self.homes[to] == SEARCHED && self.orders[to] == 0 => {
                            self.enter(graph, to as u32, &mut order);
                        }
                        Target::Node(to) if self.homes[to] == SEARCHED => {
                            self.lows[from] = self.lows[from].min(self.orders[to]);
                        }
                        Target::Node(_) | Target::Refused | Target::Cut => {}
                    }
                } else {
                    self.way.pop();
                    self.leave(from, &mut found);
                }
            }
        }
    }

    fn enter<M: CheckedModel>(&mut self, graph: &Graph<M>, node: u32, order: &mut u32) {
        *order += 1;
        self.orders[node as usize] = *order;
        self.lows[node as usize] = *order;
        self.open.push(node);
        self.way.push((node, graph.places(node as usize).start));
    }

    /// All that is reached from `node` was seen: either its component is complete, or it belongs to its predecessor's.
    fn leave(&mut self, node: usize, found: &mut impl FnMut(&[u32], &mut Homes<'_>)) {
        if self.lows[node] == self.orders[node] {
            let start = self.open.iter().rposition(|open| *open as usize == node).unwrap_or(0);
            for member in &self.open[start..] {
                self.homes[*member as usize] = node as u32;
                self.orders[*member as usize] = 0;
            }
            found(&self.open[start..], &mut Homes { homes: &mut self.homes, home: node as u32 });
            self.open.truncate(start);
        } else if let Some((parent, _)) = self.way.last() {
            let parent = *parent as usize;
            self.lows[parent] = self.lows[parent].min(self.lows[node]);
        }
    }
}

/// What is known of the nodes when a component has been found.
pub(super) struct Homes<'a> {
    homes: &'a mut [u32],
    home: u32,
}

impl Homes<'_> {
    /// Whether `node` is of the component just found.
    pub(super) fn contains(&self, node: usize) -> bool {
        self.homes[node] == self.home
    }

    /// `nodes`, all of the component, are no longer of any.
    pub(super) fn give_up(&mut self, nodes: &[u32]) {
        for node in nodes {
            self.homes[*node as usize] = OUTSIDE;
        }
    }
}
