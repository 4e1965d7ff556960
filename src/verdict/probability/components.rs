//! Maximal end components: sets of states that a scheduler can stay in for ever, and go about in as it likes.
//!
//! Strongly connected components are found and every choice that may leave its component is taken away, again and again
//! until none is left to take away.

use super::Mdp;

/// Not (yet) in any component.
const NONE: u32 = u32::MAX;

impl Mdp {
    /// The maximal end components among the nodes that `included` marks, by the choices that `allowed` lets pass: each
    /// in ascending order, and in the order of their first nodes.
    pub fn end_components(&self, included: &[bool], allowed: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let mut usable: Vec<bool> = (0..self.choice_count())
            .map(|choice| {
                allowed(choice)
                    && included[self.owner(choice)]
                    && self.branches(choice).iter().all(|branch| included[branch.to])
            })
            .collect();
        loop {
            let homes = self.strong_components(&usable);
            let mut changed = false;
            for choice in 0..self.choice_count() {
                let home = homes[self.owner(choice)];
                if usable[choice] && self.branches(choice).iter().any(|branch| homes[branch.to] != home) {
                    usable[choice] = false;
                    changed = true;
                }
            }
            if !changed {
                return self.gather(&homes, &usable);
            }
        }
    }

    /// The components as lists. A node that has no usable choice is in none.
    fn gather(&self, homes: &[u32], usable: &[bool]) -> Vec<Vec<usize>> {
        let mut place = vec![NONE; self.node_count()];
        let mut lists: Vec<Vec<usize>> = Vec::new();
        for node in 0..self.node_count() {
            if !self.choices(node).any(|choice| usable[choice]) {
                continue;
            }
            let place = &mut place[homes[node] as usize];
            if *place == NONE {
                *place = lists.len() as u32;
                lists.push(Vec::new());
            }
            lists[*place as usize].push(node);
        }
        lists
    }

    /// By node, one node of its strongly connected component by the usable choices. Tarjan's algorithm, as in the
    /// search for lassos, but over choices that may be taken away.
    fn strong_components(&self, usable: &[bool]) -> Vec<u32> {
        let count = self.node_count();
        let mut homes = vec![NONE; count];
        let mut orders = vec![0u32; count];
        let mut order = 0;
        let mut open: Vec<u32> = Vec::new();
        // A node on the way, the earliest order reached from it, and the first of its branches still to be looked at.
        let mut way: Vec<(usize, u32, usize)> = Vec::new();
        for root in 0..count {
            if orders[root] == 0 {
                way.push((root, 0, 0));
            }
            while let Some((node, low, next)) = way.last_mut() {
                if *low == 0 {
                    order += 1;
                    orders[*node] = order;
                    *low = order;
                    *next = self.branch_offsets[self.choice_offsets[*node]];
                    open.push(*node as u32);
                }
                let (first, last) = (self.choice_offsets[*node], self.choice_offsets[*node + 1]);
                let end = self.branch_offsets[last];
                let mut down = None;
                while *next < end && down.is_none() {
                    let choice =
                        first + self.branch_offsets[first + 1..=last].partition_point(|offset| *offset <= *next);
                    let to = self.branches[*next].to;
                    *next += 1;
                    if usable[choice] && homes[to] == NONE {
                        if orders[to] == 0 {
                            down = Some(to);
                        } else {
                            *low = (*low).min(orders[to]);
                        }
                    }
                }
                if let Some(to) = down {
                    way.push((to, 0, 0));
                    continue;
                }
                let (node, low) = (*node, *low);
                way.pop();
                if low == orders[node] {
                    while let Some(member) = open.pop() {
                        homes[member as usize] = node as u32;
                        if member as usize == node {
                            break;
                        }
                    }
                } else if let Some((_, parent_low, _)) = way.last_mut() {
                    *parent_low = (*parent_low).min(low);
                }
            }
        }
        homes
    }
}
