//! Which of several transitions was taken, where more than one explains an answer.
//!
//! Each state of the belief remembers which of them it may have come by. Once all that are left came by the same one,
//! that one was taken and no other.

use super::super::lts::Node;

/// Answers that are not told apart yet, oldest first.
#[derive(Default)]
pub(super) struct Lineage {
    pending: Vec<Pending>,
}

/// An answer that several transitions explain.
struct Pending {
    /// The places of the transitions, those together that nobody outside could tell apart at all: of one state, with
    /// one label, into one state.
    candidates: Vec<Vec<(Node, usize)>>,
    /// For each state of the belief, the candidates by which it may have been reached, as a bit set.
    came_by: Vec<(Node, u64)>,
}

/// What is settled of answers that several transitions explain: transitions, each as its state and its place.
#[derive(Default)]
pub(super) struct Settled {
    /// Known to have been taken.
    pub(super) taken: Vec<(Node, usize)>,
    /// One of several that will never be told apart.
    pub(super) ambiguous: Vec<(Node, usize)>,
}

/// More transitions than this that explain one answer are not followed up.
const CANDIDATES_MAX: usize = u64::BITS as usize;

/// More answers than this are not kept undecided at once; the oldest is given up first.
const PENDING_MAX: usize = 64;

impl Lineage {
    /// A fresh start: what was not told apart will not be.
    pub(super) fn restart(&mut self) -> Settled {
        let mut settled = Settled::default();
        self.pending.drain(..).for_each(|pending| pending.leave(&mut settled));
        settled
    }

    /// The belief moved on along `moves`, from state to state.
    pub(super) fn moved(&mut self, moves: &[(Node, Node)]) -> Settled {
        let mut settled = Settled::default();
        self.pending.retain_mut(|pending| {
            let mut after: Vec<(Node, u64)> = Vec::new();
            for (from, to) in moves {
                let came_by = pending.came_by.iter().find(|(node, _)| node == from).map_or(0, |(_, bits)| *bits);
                note(&mut after, *to, came_by);
            }
            pending.came_by = after;
            pending.is_open(&mut settled)
        });
        settled
    }

    /// Notes an answer that each of `candidates` explains, and the states that each leads to.
    pub(super) fn answered(&mut self, candidates: Vec<Vec<(Node, usize)>>, leads_to: &[Vec<Node>]) -> Settled {
        let mut settled = Settled::default();
        if candidates.len() > CANDIDATES_MAX {
            settled.ambiguous = candidates.into_iter().flatten().collect();
            return settled;
        }
        let mut came_by = Vec::new();
        for (index, nodes) in leads_to.iter().enumerate() {
            nodes.iter().for_each(|node| note(&mut came_by, *node, 1 << index));
        }
        let pending = Pending { candidates, came_by };
        if pending.is_open(&mut settled) {
            if self.pending.len() == PENDING_MAX {
                self.pending.remove(0).leave(&mut settled);
            }
            self.pending.push(pending);
        }
        settled
    }

    /// The transitions that are waiting to be told apart.
    pub(super) fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        self.pending.iter().flat_map(|pending| pending.candidates.iter().flatten().map(|(_, place)| *place))
    }
}

impl Pending {
    /// The candidates by which some state may have been reached.
    fn all(&self) -> u64 {
        self.came_by.iter().fold(0, |all, (_, bits)| all | bits)
    }

    /// Whether it may still be told apart; if not, `settled` gets what came of it.
    fn is_open(&self, settled: &mut Settled) -> bool {
        let all = self.all();
        // Where every state came by every candidate, no answer will ever leave some of them out.
        let open = all.count_ones() > 1 && self.came_by.iter().any(|(_, bits)| *bits != all);
        if !open {
            self.leave(settled);
        }
        open
    }

    fn leave(&self, settled: &mut Settled) {
        let all = self.all();
        let left = self.candidates.iter().enumerate().filter(|(index, _)| all & (1 << index) != 0);
        let to = if all.count_ones() == 1 { &mut settled.taken } else { &mut settled.ambiguous };
        to.extend(left.flat_map(|(_, places)| places));
    }
}

fn note(came_by: &mut Vec<(Node, u64)>, to: Node, bits: u64) {
    match came_by.iter_mut().find(|(node, _)| *node == to) {
        Some((_, noted)) => *noted |= bits,
        None => came_by.push((to, bits)),
    }
}
