//! What moves when a ring changes: the plan that a migration works through.

use super::ring::{Placement, Ring};

/// The positions after `after`, up to and with `through`, clockwise. All of them, if the two are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arc {
    /// Not in it.
    pub after: u64,
    /// In it.
    pub through: u64,
}

impl Arc {
    /// Whether a position lies in it.
    pub fn contains(&self, position: u64) -> bool {
        let offset = position.wrapping_sub(self.after).wrapping_sub(1);
        offset <= self.through.wrapping_sub(self.after).wrapping_sub(1)
    }
}

/// An arc and its two owners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Migration<N> {
    /// What moves.
    pub arc: Arc,
    /// Who has it.
    pub from: N,
    /// Who will have it.
    pub to: N,
}

/// What has to move from one ring to the next: exactly the positions whose owner differs, each once, neighbours of the
/// same two owners as one arc. Nothing if one of the two is empty: then there is nobody to move from or to.
pub fn migrated_ranges<N: Clone + Ord + std::fmt::Debug, P: Placement<N>>(
    old: &Ring<N, P>,
    new: &Ring<N, P>,
) -> Vec<Migration<N>> {
    // Between two neighbouring points of either ring nothing changes hands.
    let mut cuts: Vec<u64> = old.points().iter().chain(new.points()).map(|(point, _)| *point).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut plan: Vec<Migration<N>> = Vec::new();
    for (index, through) in cuts.iter().enumerate() {
        let after = cuts[(index + cuts.len() - 1) % cuts.len()];
        let (Ok(from), Ok(to)) = (old.owner_at(*through), new.owner_at(*through)) else { return Vec::new() };
        if from == to {
            continue;
        }
        match plan.last_mut() {
            Some(last) if last.arc.through == after && &last.from == from && &last.to == to => {
                last.arc.through = *through;
            }
            _ => plan.push(Migration { arc: Arc { after, through: *through }, from: from.clone(), to: to.clone() }),
        }
    }
    join_over_zero(&mut plan);
    plan
}

/// The last arc and the first may be one, where positions begin anew.
fn join_over_zero<N: Clone + Ord>(plan: &mut Vec<Migration<N>>) {
    if let [first, .., last] = plan.as_mut_slice()
        && last.arc.through == first.arc.after
        && (&last.from, &last.to) == (&first.from, &first.to)
    {
        first.arc.after = last.arc.after;
        plan.pop();
    }
}
