//! Where a probability is 0 or 1: questions to the graph, answered without a number.
//! Source: L. de Alfaro, PhD thesis, Stanford 1997 (Prob0A, Prob0E, Prob1A and Prob1E in the words of PRISM).

use super::{Extreme, Mdp};

/// How a scheduler avoids a goal for ever: whenever chance takes this path, the goal is never reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndComponent {
    /// Nodes from an initial one into the component, no goal among them. No shorter path leads into such a component.
    pub path: Vec<usize>,
    /// An end component that the path ends in, in ascending order: the scheduler can stay in it for ever.
    pub component: Vec<usize>,
}

impl Mdp {
    /// The nodes from which the `extreme` probability to reach `goal` is 0: with `Max` no scheduler can reach it, with
    /// `Min` some scheduler never does.
    pub fn never(&self, goal: &[bool], extreme: Extreme) -> Vec<bool> {
        let reached = match extreme {
            Extreme::Max => self.some_way(goal, |_| true),
            Extreme::Min => self.inevitable(goal),
        };
        reached.into_iter().map(|reached| !reached).collect()
    }

    /// The nodes from which the `extreme` probability to reach `goal` is 1: with `Min` every scheduler reaches it
    /// almost surely, with `Max` some scheduler does.
    pub fn surely(&self, goal: &[bool], extreme: Extreme) -> Vec<bool> {
        match extreme {
            Extreme::Min => {
                let never = self.never(goal, Extreme::Min);
                self.some_way(&never, |node| !goal[node]).into_iter().map(|misses| !misses).collect()
            }
            Extreme::Max => self.some_scheduler_surely(goal),
        }
    }

    /// How some scheduler misses `goal` with a positive probability, if one does.
    pub fn end_component(&self, goal: &[bool]) -> Option<EndComponent> {
        let outside: Vec<bool> = goal.iter().map(|goal| !goal).collect();
        let components = self.end_components(&outside, |_| true);
        let mut component_of = vec![None; self.node_count()];
        for (index, component) in components.iter().enumerate() {
            for node in component {
                component_of[*node] = Some(index);
            }
        }
        let mut from: Vec<Option<usize>> = vec![None; self.node_count()];
        let mut seen: Vec<usize> = (0..self.initial_count()).filter(|node| outside[*node]).collect();
        for node in &seen {
            from[*node] = Some(*node);
        }
        let mut at = 0;
        while at < seen.len() {
            let node = seen[at];
            if let Some(index) = component_of[node] {
                let mut path = vec![node];
                while let Some(before) = from[path[path.len() - 1]].filter(|before| *before != path[path.len() - 1]) {
                    path.push(before);
                }
                path.reverse();
                return Some(EndComponent { path, component: components[index].clone() });
            }
            for branch in self.choices(node).flat_map(|choice| self.branches(choice)) {
                if outside[branch.to] && from[branch.to].is_none() {
                    from[branch.to] = Some(node);
                    seen.push(branch.to);
                }
            }
            at += 1;
        }
        None
    }

    /// The nodes with some way to `goal`, itself included, by nodes that `through` lets pass.
    fn some_way(&self, goal: &[bool], through: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut reached = goal.to_vec();
        let mut open: Vec<usize> = (0..reached.len()).filter(|node| reached[*node]).collect();
        while let Some(node) = open.pop() {
            for choice in self.entries(node) {
                let owner = self.owner(choice);
                if !reached[owner] && through(owner) {
                    reached[owner] = true;
                    open.push(owner);
                }
            }
        }
        reached
    }

    /// The nodes from which every scheduler reaches `goal` with a positive probability.
    fn inevitable(&self, goal: &[bool]) -> Vec<bool> {
        let mut reached = goal.to_vec();
        let mut open: Vec<usize> = (0..reached.len()).filter(|node| reached[*node]).collect();
        let mut entered = vec![false; self.choice_count()];
        let mut left: Vec<usize> = (0..self.node_count()).map(|node| self.choices(node).len()).collect();
        while let Some(node) = open.pop() {
            for choice in self.entries(node) {
                let owner = self.owner(choice);
                if reached[owner] || std::mem::replace(&mut entered[choice], true) {
                    continue;
                }
                left[owner] -= 1;
                if left[owner] == 0 {
                    reached[owner] = true;
                    open.push(owner);
                }
            }
        }
        reached
    }

    /// The nodes from which some scheduler reaches `goal` almost surely: the largest set such that from everywhere in
    /// it some way leads to the goal by choices that do not leave it.
    fn some_scheduler_surely(&self, goal: &[bool]) -> Vec<bool> {
        let mut within = vec![true; self.node_count()];
        loop {
            let safe: Vec<bool> = (0..self.choice_count())
                .map(|choice| self.branches(choice).iter().all(|branch| within[branch.to]))
                .collect();
            let mut reached = goal.to_vec();
            let mut open: Vec<usize> = (0..reached.len()).filter(|node| reached[*node]).collect();
            while let Some(node) = open.pop() {
                for choice in self.entries(node).filter(|choice| safe[*choice]) {
                    let owner = self.owner(choice);
                    if !reached[owner] {
                        reached[owner] = true;
                        open.push(owner);
                    }
                }
            }
            if reached == within {
                return within;
            }
            within = reached;
        }
    }
}
