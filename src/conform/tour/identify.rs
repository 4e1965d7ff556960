//! Inputs by which a state is told from all others.
//!
//! States are split into blocks until no input splits one further. Each split notes the word (a list of inputs) that
//! made it, and so the words on the way from a state's block up to the root are a *harmonised identifier* of it (Luo,
//! Petrenko, von Bochmann: Selecting test sequences for partially-specified nondeterministic finite state machines,
//! 1994; a member of the W-method's family, Chow 1978): any two states differ on a word that both have.
//!
//! A word may go on after it has told a state from some others, from where it has led: as long as what is left is told
//! apart from there, one run does for several words, and fresh starts are what costs most ([`Identifiers::chain`]).
//!
//! Only what is sure is used: an input that a state offers with one answer and one target. What a state shows counts as
//! an output, so that many need no word at all.

use std::collections::HashMap;
use std::collections::VecDeque;

use super::super::lts::{Edge, Lts, Node};

/// One step that is certain to be taken when its input is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sure {
    pub(super) input: u32,
    pub(super) output: u32,
    pub(super) to: Node,
}

/// The part of the bounded model that is deterministic when seen from outside.
struct Machine {
    /// The sure steps of node `n`, by input, are at `first[n]..first[n + 1]`.
    first: Vec<usize>,
    steps: Vec<Sure>,
    /// What each state shows, by number; all 0 where that is not to be relied on.
    shows: Vec<u32>,
    /// Whether a state has inputs whose answer or target is not sure.
    partial: Vec<bool>,
}

/// States that are not told apart, or not yet.
struct Block {
    parent: usize,
    depth: usize,
    /// What tells its children apart; for the root nothing need be given.
    word: Vec<u32>,
    /// For some of its states the model does not say what they answer to the word.
    unsure: bool,
    /// The word begins with the one of the block around it.
    goes_on: bool,
    members: Vec<Node>,
}

/// Blocks within blocks.
struct Tree {
    blocks: Vec<Block>,
    /// The block of each state that is not split further.
    leaf: Vec<usize>,
}

/// Look-ups after which splitting is given up.
const LOOKUPS_MAX: usize = 30_000_000;

/// How each state is told from the others.
pub(super) struct Identifiers {
    machine: Machine,
    /// By words as short as can be found.
    short: Tree,
    /// By few words, which go on where others would have to start afresh.
    long: Tree,
    nodes: Vec<Node>,
    /// Whether nothing could be split further; else the search was given up.
    pub(super) is_complete: bool,
    lookups: usize,
}

impl Machine {
    fn of(lts: &Lts, nodes: &[Node], supports: &dyn Fn(u32) -> bool, shown: bool) -> Machine {
        let size = nodes.iter().max().map_or(0, |max| *max as usize + 1);
        let mut inside = vec![false; size];
        nodes.iter().for_each(|node| inside[*node as usize] = true);
        let restless: Vec<bool> = (0..size).map(|node| inside[node] && lts.is_restless(node as Node)).collect();
        let mut machine = Machine {
            first: Vec::with_capacity(size + 1),
            steps: Vec::new(),
            shows: vec![0; size],
            partial: restless.clone(),
        };
        for node in 0..size {
            machine.first.push(machine.steps.len());
            if !inside[node] || restless[node] {
                continue;
            }
            let edges = lts.edges(node as Node);
            let mut labelled: Vec<(Sure, &Edge)> = edges
                .iter()
                .filter_map(|edge| {
                    let label = edge.label.filter(|label| supports(label.input))?;
                    Some((Sure { input: label.input, output: label.output, to: edge.to }, edge))
                })
                .collect();
            labelled.sort_by_key(|(step, _)| step.input);
            for same in labelled.chunk_by(|(one, _), (other, _)| one.input == other.input) {
                let sure = same[0].0;
                let agree = same.iter().all(|(step, edge)| {
                    (step.output, step.to) == (sure.output, sure.to) && !edge.beyond && !restless[step.to as usize]
                });
                match agree {
                    true => machine.steps.push(sure),
                    false => machine.partial[node] = true,
                }
            }
        }
        machine.first.push(machine.steps.len());
        if shown {
            for node in nodes {
                let Some(snapshot) = lts.shows(*node) else {
                    // A state that shows nothing is compared with nothing: what others show does not tell them from it.
                    machine.shows.fill(0);
                    break;
                };
                machine.shows[*node as usize] = snapshot;
            }
        }
        machine
    }

    fn steps(&self, node: Node) -> &[Sure] {
        &self.steps[self.first[node as usize]..self.first[node as usize + 1]]
    }

    fn step(&self, node: Node, input: u32) -> Option<Sure> {
        let steps = self.steps(node);
        steps.binary_search_by_key(&input, |step| step.input).ok().map(|index| steps[index])
    }
}

/// A way to split a block: its word, and for each member the group that it falls into.
struct Split {
    word: Vec<u32>,
    groups: Vec<usize>,
    count: usize,
    unsure: bool,
    goes_on: bool,
}

impl Block {
    fn within(parent: usize, depth: usize) -> Block {
        Block { parent, depth, word: Vec::new(), unsure: false, goes_on: false, members: Vec::new() }
    }
}

impl Tree {
    /// All of `nodes` in one block; of the numbers of states none is above `size`.
    fn of(nodes: &[Node], size: usize) -> Tree {
        let root = Block { members: nodes.to_vec(), ..Block::within(0, 0) };
        Tree { blocks: vec![root], leaf: vec![0; size] }
    }

    /// Moves the members of `block` into new ones.
    fn divide(&mut self, block: usize, split: Split) {
        let members = std::mem::take(&mut self.blocks[block].members);
        let depth = self.blocks[block].depth + 1;
        let first = self.blocks.len();
        self.blocks[block].word = split.word;
        self.blocks[block].unsure = split.unsure;
        self.blocks[block].goes_on = split.goes_on;
        for _ in 0..split.count {
            self.blocks.push(Block::within(block, depth));
        }
        for (node, group) in members.into_iter().zip(split.groups) {
            self.leaf[node as usize] = first + group;
            self.blocks[first + group].members.push(node);
        }
    }

    /// The smallest block that all of `nodes` lie in, if it is split.
    fn above(&self, nodes: impl Iterator<Item = Node>) -> Option<usize> {
        let mut leaves = nodes.map(|node| self.leaf[node as usize]);
        let first = leaves.next()?;
        let above = leaves.fold(first, |above, leaf| if above == leaf { above } else { self.common(above, leaf) });
        self.blocks[above].members.is_empty().then_some(above)
    }

    /// The smallest block that both lie in.
    fn common(&self, mut one: usize, mut other: usize) -> usize {
        while one != other {
            if self.blocks[one].depth >= self.blocks[other].depth {
                one = self.blocks[one].parent;
            } else {
                other = self.blocks[other].parent;
            }
        }
        one
    }

    /// The part of `above` that `node` lies in.
    fn below(&self, above: usize, node: Node) -> usize {
        let mut block = self.leaf[node as usize];
        while block != above && self.blocks[block].parent != above {
            block = self.blocks[block].parent;
        }
        block
    }
}

impl Identifiers {
    /// Of the states `nodes`, by inputs that `supports` lets be given; `shown`: what a state shows is compared.
    pub(super) fn of(lts: &Lts, nodes: &[Node], supports: &dyn Fn(u32) -> bool, shown: bool) -> Self {
        let machine = Machine::of(lts, nodes, supports, shown);
        let mut sorted = nodes.to_vec();
        sorted.sort_unstable();
        let tree = || Tree::of(&sorted, machine.shows.len());
        let (short, long) = (tree(), tree());
        let mut identifiers = Identifiers { machine, short, long, nodes: sorted, is_complete: true, lookups: 0 };
        identifiers.split();
        identifiers.chain();
        identifiers
    }

    fn split(&mut self) {
        let (groups, count) = grouped(self.nodes.iter().map(|node| self.machine.shows[*node as usize]));
        if count > 1 {
            self.short.divide(0, Split { word: Vec::new(), groups, count, unsure: false, goes_on: false });
        }
        // Inputs that not all of a block offer come last: on them the model is silent about some of its states.
        loop {
            let mut again = false;
            for unsure in [false, true] {
                for block in 0..self.short.blocks.len() {
                    if self.short.blocks[block].members.len() > 1
                        && let Some(split) = self.best(block, unsure)
                    {
                        self.short.divide(block, split);
                        again = true;
                    }
                    if self.lookups > LOOKUPS_MAX {
                        self.is_complete = false;
                        return;
                    }
                }
                if again {
                    break;
                }
            }
            if !again {
                return;
            }
        }
    }

    /// The split of `block` by the shortest word, and of these into the most groups.
    fn best(&mut self, block: usize, unsure: bool) -> Option<Split> {
        let members = std::mem::take(&mut self.short.blocks[block].members);
        let mut inputs: Vec<u32> = Vec::new();
        for node in if unsure { &members[..] } else { &members[..1] } {
            inputs.extend(self.machine.steps(*node).iter().map(|step| step.input));
            self.lookups += 1;
        }
        inputs.sort_unstable();
        inputs.dedup();
        let mut best: Option<Split> = None;
        for input in inputs {
            let split = self.by(&members, input, unsure);
            let rank = |split: &Split| (split.word.len(), usize::MAX - split.count);
            if let Some(split) = split
                && best.as_ref().is_none_or(|best| rank(&split) < rank(best))
            {
                best = Some(split);
            }
        }
        self.short.blocks[block].members = members;
        best
    }

    fn by(&mut self, members: &[Node], input: u32, unsure: bool) -> Option<Split> {
        let mut steps = Vec::with_capacity(members.len());
        for node in members {
            self.lookups += 1;
            let step = self.machine.step(*node, input);
            if step.is_none() && !unsure {
                return None;
            }
            steps.push(step);
        }
        let silent = steps.iter().any(Option::is_none);
        let shows = |step: &Option<Sure>| step.map(|step| (step.output, self.machine.shows[step.to as usize]));
        let (groups, count) = grouped(steps.iter().map(shows));
        if count > 1 {
            return Some(Split { word: vec![input], groups, count, unsure: silent, goes_on: false });
        }
        let above = self.short.above(steps.iter().flatten().map(|step| step.to))?;
        let (groups, count) = grouped(steps.iter().map(|step| step.map(|step| self.short.below(above, step.to))));
        let Block { word, unsure, .. } = &self.short.blocks[above];
        let word = [&[input], &word[..]].concat();
        (count > 1).then_some(Split { word, groups, count, unsure: silent || *unsure, goes_on: false })
    }

    /// Splits all states anew, by words that go on from where they have led as long as that tells apart what is left.
    fn chain(&mut self) {
        self.lookups = 0;
        // Blocks with the word that all of one have answered alike, and where it has led each of them.
        let mut open = vec![(0, Vec::new(), Some(self.nodes.clone()))];
        while let Some((block, before, led_to)) = open.pop() {
            let members = self.long.blocks[block].members.clone();
            let Some(afresh) = self.short.above(members.iter().copied()) else { continue };
            let onward = led_to.and_then(|led_to| {
                let above = self.short.above(led_to.iter().copied())?;
                (self.short.blocks[above].unsure <= self.short.blocks[afresh].unsure).then_some((above, led_to))
            });
            let goes_on = onward.is_some();
            let (above, from, before) = match onward {
                Some((above, led_to)) => (above, led_to, before),
                None => (afresh, members, Vec::new()),
            };
            let Block { word, unsure, .. } = &self.short.blocks[above];
            self.lookups += from.len() * word.len();
            if self.lookups > LOOKUPS_MAX {
                self.is_complete = false;
                return;
            }
            let (groups, count) = grouped(from.iter().map(|node| self.short.below(above, *node)));
            let mut led_to = vec![Some(Vec::new()); count];
            for (node, group) in from.iter().zip(&groups) {
                let after = self.after(*node, word);
                led_to[*group] = led_to[*group].take().zip(after).map(|(mut all, after)| {
                    all.push(after);
                    all
                });
            }
            let word = [&before[..], word].concat();
            let first = self.long.blocks.len();
            self.long.divide(block, Split { word: word.clone(), groups, count, unsure: *unsure, goes_on });
            open.extend(led_to.into_iter().enumerate().map(|(group, led_to)| (first + group, word.clone(), led_to)));
        }
    }

    /// Where `word` leads from `node`; `None` where that is not sure.
    fn after(&self, node: Node, word: &[u32]) -> Option<Node> {
        word.iter().try_fold(node, |node, input| Some(self.machine.step(node, *input)?.to))
    }

    /// The sizes of the classes of states that no sequence of inputs tells apart, where there is more than one in it.
    pub(super) fn indistinguishable(&self) -> impl Iterator<Item = usize> + '_ {
        self.short.blocks.iter().map(|block| block.members.len()).filter(|size| *size > 1)
    }

    /// Whether all is known that tells `node` from others.
    pub(super) fn is_told(&self, node: Node) -> bool {
        self.is_complete || self.long.blocks[self.long.leaf[node as usize]].members.len() == 1
    }

    /// The words that tell `node` from all others; and whether they do so by answers alone: not where the model is
    /// silent about what another state answers to one of them.
    fn words(&self, node: Node) -> (Vec<&[u32]>, bool) {
        let mut words = Vec::new();
        let mut sure = true;
        let Tree { blocks, leaf } = &self.long;
        let mut at = leaf[node as usize];
        let mut begins_another = false;
        while at != 0 {
            at = blocks[at].parent;
            let Block { word, unsure, goes_on, .. } = &blocks[at];
            sure &= !unsure;
            // In a split that is not sure the state may be one that does not offer the word.
            let offered = begins_another || self.after(node, word).is_some();
            if offered && !begins_another {
                words.push(&word[..]);
            }
            begins_another = *goes_on && offered;
        }
        (words, sure)
    }

    /// What has to be given after a step into `node`, each from a fresh start, to see that it is `node` although there
    /// may be `extra_states` more states than the model has, nothing being the least; and whether that tells it from all
    /// others by their answers alone.
    pub(super) fn suffixes(&self, node: Node, extra_states: usize) -> (Vec<Vec<u32>>, bool) {
        let mut suffixes = Vec::new();
        let mut prefix = Vec::new();
        let sure = self.gather(node, extra_states, &mut prefix, &mut suffixes);
        suffixes.sort_unstable();
        suffixes.dedup();
        // Sorted, what begins with a word follows it.
        let begun: Vec<bool> = (0..suffixes.len())
            .map(|at| suffixes.get(at + 1).is_some_and(|next| next.starts_with(&suffixes[at])))
            .collect();
        let mut begun = begun.into_iter();
        suffixes.retain(|_| !begun.next().unwrap_or(false));
        (suffixes, sure)
    }

    fn gather(&self, node: Node, extra_states: usize, prefix: &mut Vec<u32>, suffixes: &mut Vec<Vec<u32>>) -> bool {
        let (words, mut sure) = self.words(node);
        suffixes.push(prefix.clone());
        suffixes.extend(words.into_iter().map(|word| [prefix, word].concat()));
        if extra_states > 0 {
            sure &= !self.machine.partial[node as usize];
            for step in self.machine.steps(node) {
                prefix.push(step.input);
                sure &= self.gather(step.to, extra_states - 1, prefix, suffixes);
                prefix.pop();
            }
        }
        sure
    }

    /// The sure step of `node` on `input`.
    pub(super) fn step(&self, node: Node, input: u32) -> Option<Sure> {
        self.machine.step(node, input)
    }

    /// For each state the sure step on a shortest way to it from `start`, with where that step begins.
    pub(super) fn ways(&self, start: Node) -> Vec<Option<(Node, u32)>> {
        let mut ways = vec![None; self.machine.shows.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for step in self.machine.steps(node) {
                if step.to != start && ways[step.to as usize].is_none() {
                    ways[step.to as usize] = Some((node, step.input));
                    queue.push_back(step.to);
                }
            }
        }
        ways
    }
}

/// Numbers equal keys alike, in the order they are met; and how many there are.
fn grouped<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> (Vec<usize>, usize) {
    let mut numbers: HashMap<K, usize> = HashMap::new();
    let groups = keys
        .map(|key| {
            let next = numbers.len();
            *numbers.entry(key).or_insert(next)
        })
        .collect();
    (groups, numbers.len())
}
