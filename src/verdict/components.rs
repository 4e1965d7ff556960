//! Strongly connected components of a part of the graph, by Tarjan's algorithm.
//! Source: R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972.
//!
//! Written without recursion, since a path through the graph may be as long as the graph is large. One word a node says
//! both whether it may be searched and which component it was found in, so that the inside of a component can be
//! searched again as a part of its own: what the refinement for strong fairness does.

use std::ops::Range;

use crate::explore::{Shape, Target};

/// The nodes to search, and what was found of them.
pub(super) struct Components {
    nodes: Vec<Node>,
    /// Nodes seen whose component is not yet known.
    open: Vec<u32>,
    /// The way down to the node being searched.
    way: Vec<Visit>,
}

/// Both are asked together of the end of every transition, so they stand together.
#[derive(Clone, Copy)]
struct Node {
    /// [`SEARCHED`], [`OUTSIDE`], or, its component being found, one of the component's nodes, the same for all of
    /// them.
    home: u32,
    /// When it was first seen in the search going on, from 1; 0 before.
    order: u32,
}

/// A node on the way.
struct Visit {
    node: u32,
    /// The earliest order known to be reachable from it within its component.
    low: u32,
    /// The places of its transitions still to be looked at.
    left: Range<usize>,
}

/// The home of a node to be searched.
const SEARCHED: u32 = u32::MAX;
/// The home of a node that is not to be.
const OUTSIDE: u32 = u32::MAX - 1;

impl Components {
    /// To search the nodes of which `included` says so.
    pub(super) fn among(included: impl Iterator<Item = bool>) -> Self {
        let node = |included| Node { home: if included { SEARCHED } else { OUTSIDE }, order: 0 };
        Components { nodes: included.map(node).collect(), open: Vec::new(), way: Vec::new() }
    }

    /// The nodes of `left` are to be searched again.
    pub(super) fn reopen(&mut self, left: &[u32]) {
        for node in left {
            self.nodes[*node as usize].home = SEARCHED;
        }
    }

    /// One node for each component that was found and not [given up](Homes::give_up): equal for nodes of the same.
    pub(super) fn home(&self, node: usize) -> Option<u32> {
        Some(self.nodes[node].home).filter(|home| *home < OUTSIDE)
    }

    /// Finds the components of what `roots` reach among the nodes to be searched. A component comes after all those
    /// that it leads to.
    pub(super) fn search(
        &mut self,
        shape: &Shape,
        roots: impl IntoIterator<Item = u32>,
        mut found: impl FnMut(&[u32], &mut Homes<'_>),
    ) {
        for root in roots {
            let mut order = 0;
            if self.nodes[root as usize].home == SEARCHED {
                self.enter(shape, root, &mut order);
            }
            while let Some(visit) = self.way.last_mut() {
                let Some(place) = visit.left.next() else {
                    self.leave(&mut found);
                    continue;
                };
                if let Target::Node(to) = shape.target_at(place) {
                    let Node { home, order: seen } = self.nodes[to];
                    if home != SEARCHED {
                        continue;
                    }
                    if seen == 0 {
                        self.enter(shape, to as u32, &mut order);
                    } else {
                        visit.low = visit.low.min(seen);
                    }
                }
            }
        }
    }

    fn enter(&mut self, shape: &Shape, node: u32, order: &mut u32) {
        *order += 1;
        self.nodes[node as usize].order = *order;
        self.open.push(node);
        self.way.push(Visit { node, low: *order, left: shape.places(node as usize) });
    }

    /// All that is reached from the last node of the way was seen: either its component is complete, or it belongs to
    /// its predecessor's.
    fn leave(&mut self, found: &mut impl FnMut(&[u32], &mut Homes<'_>)) {
        let Some(Visit { node, low, .. }) = self.way.pop() else { return };
        if low == self.nodes[node as usize].order {
            let start = self.open.iter().rposition(|open| *open == node).unwrap_or(0);
            for member in &self.open[start..] {
                self.nodes[*member as usize] = Node { home: node, order: 0 };
            }
            found(&self.open[start..], &mut Homes { nodes: &mut self.nodes, home: node });
            self.open.truncate(start);
        } else if let Some(parent) = self.way.last_mut() {
            parent.low = parent.low.min(low);
        }
    }
}

/// What is known of the nodes when a component has been found.
pub(super) struct Homes<'a> {
    nodes: &'a mut [Node],
    home: u32,
}

impl Homes<'_> {
    /// Whether `node` is of the component just found.
    pub(super) fn contains(&self, node: usize) -> bool {
        self.nodes[node].home == self.home
    }

    /// `nodes`, all of the component, are no longer of any.
    pub(super) fn give_up(&mut self, nodes: &[u32]) {
        for node in nodes {
            self.nodes[*node as usize].home = OUTSIDE;
        }
    }
}
