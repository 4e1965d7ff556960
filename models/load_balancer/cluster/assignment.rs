//! Requests sent out in a tick: one after the other, by the policy, or by a draw.

use std::collections::BTreeMap;

use super::model::{Cluster, Policy, Servers, State};

impl Cluster {
    /// Servers that may be sent requests.
    pub(super) fn candidates(&self, state: &State) -> Vec<usize> {
        let up = |at: &usize| state.down[*at] == 0 && state.forgotten >> *at & 1 == 0;
        let up: Vec<usize> = (0..self.count()).filter(up).collect();
        let eligible: Vec<usize> = up.iter().copied().filter(|at| state.ejected[*at] == 0).collect();
        let panics = eligible.len() * 2 < self.count() && !self.never_panics();
        if panics { up } else { eligible }
    }

    pub(super) fn is_drawn(&self) -> bool {
        matches!(self.policy, Policy::PowerOfTwo | Policy::Random)
    }

    /// The requests that each server is sent in this tick where nothing is drawn, and what the balancer keeps of it.
    pub(super) fn turn(&self, state: &State) -> (Servers<u8>, State) {
        let (mut assigned, mut after) = (Servers::default(), *state);
        let candidates = self.candidates(state);
        if let Policy::StaleLeastConnections { ticks } = self.policy {
            if state.snapshot_ticks == 0 {
                (after.snapshot, after.snapshot_ticks) = (state.queues, ticks);
            }
            after.snapshot_ticks -= 1;
        }
        for _ in 0..self.coming(state) {
            let at = match self.policy {
                Policy::RoundRobin => {
                    let next = candidates.iter().copied().find(|at| *at >= usize::from(after.cursor));
                    let next = next.or(candidates.first().copied());
                    after.cursor = next.map_or(after.cursor, |at| ((at + 1) % self.count()) as u8);
                    next
                }
                Policy::SmoothWeighted => {
                    let mut sum = 0;
                    for at in &candidates {
                        after.owed[*at] += self.weight(state, *at) as i8;
                        sum += self.weight(state, *at) as i8;
                    }
                    let best = candidates
                        .iter()
                        .copied()
                        .reduce(|best, at| if after.owed[at] > after.owed[best] { at } else { best });
                    if let Some(best) = best {
                        after.owed[best] -= sum;
                    }
                    best
                }
                Policy::LeastConnections => {
                    let cost = |at: usize, other: usize| {
                        (u16::from(state.queues[at] + assigned[at]) + 1) * u16::from(self.weight(state, other))
                    };
                    candidates.iter().copied().reduce(
                        |best, at| {
                            if cost(at, best) < cost(best, at) { at } else { best }
                        },
                    )
                }
                Policy::StaleLeastConnections { .. } => {
                    let seen = |at: &usize| (after.snapshot[*at], *at);
                    candidates.iter().copied().min_by_key(seen)
                }
                Policy::PowerOfTwo | Policy::Random => None,
            };
            if let Some(at) = at {
                assigned[at] += 1;
            }
        }
        (assigned, after)
    }

    /// Every way to send out the requests of this tick where it is drawn, with how many draws come to it.
    pub(super) fn drawn(&self, state: &State) -> BTreeMap<Servers<u8>, u64> {
        let candidates = self.candidates(state);
        let mut ways = BTreeMap::from([(Servers::default(), 1)]);
        if candidates.is_empty() {
            return ways;
        }
        for _ in 0..self.coming(state) {
            let mut next: BTreeMap<Servers<u8>, u64> = BTreeMap::new();
            for (assigned, count) in ways {
                let mut give = |at: usize| {
                    let mut with = assigned;
                    with[at] += 1;
                    *next.entry(with).or_default() += count;
                };
                let length = |at: usize| state.queues[at] + assigned[at];
                for first in &candidates {
                    match self.policy {
                        Policy::PowerOfTwo if candidates.len() > 1 => {
                            for second in candidates.iter().filter(|second| *second != first) {
                                give(if length(*second) < length(*first) { *second } else { *first });
                            }
                        }
                        _ => give(*first),
                    }
                }
            }
            ways = next;
        }
        ways
    }
}
