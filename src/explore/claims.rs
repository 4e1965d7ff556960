//! The table of what is known while nothing else is kept: fingerprints of 64 bits, and by which node each was found.
//!
//! Open addressing, twelve bytes a slot (twenty with fingerprints of 128 bits), changed by all threads at once without a
//! lock. Who comes first does not matter: an entry belongs to the least of the nodes that lead to it, whoever is
//! overtaken sees so when the block is done.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::table::{Fingerprint, SHARDS};

/// Fingerprints in shards, so that never more than one of these is there twice because it grows.
pub(super) struct Claims {
    shards: Vec<Shard>,
    full: AtomicBool,
    wide: bool,
}

struct Shard {
    /// 0 where a slot is free.
    low: Vec<AtomicU64>,
    /// 64 bits more, or none; 0 while they are being written.
    high: Vec<AtomicU64>,
    /// The least of the nodes that have claimed it.
    owners: Vec<AtomicU32>,
    len: AtomicUsize,
    len_max: usize,
}

/// Whose a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// That of another node, which comes before.
    Known,
    /// So far that of the node that asked.
    Own {
        /// Whether the node has asked before.
        again: bool,
    },
}

impl Claims {
    pub(super) fn new(wide: bool) -> Self {
        let shard =
            |_| Shard { low: Vec::new(), high: Vec::new(), owners: Vec::new(), len: AtomicUsize::new(0), len_max: 0 };
        Claims { shards: (0..SHARDS).map(shard).collect(), full: AtomicBool::new(false), wide }
    }

    /// Makes room for so many entries more, which may be wrong, and in each shard for `slack` more, which may not.
    pub(super) fn reserve(&mut self, expected: usize, slack: usize) {
        *self.full.get_mut() = false;
        for shard in &mut self.shards {
            // Shares differ, the more so the fewer there are.
            let needed = (*shard.len.get_mut() + expected / SHARDS + expected / SHARDS / 4) * 5 / 4 + slack;
            if needed > shard.low.len() {
                shard.rebuild(needed.max(shard.low.len() / 2 * 3), self.wide);
            }
            // Probing gets slow before there is no room left.
            shard.len_max = (shard.low.len() / 16 * 15).min(shard.low.len() - slack);
        }
    }

    /// Whether it is time to [make room](Claims::reserve).
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Brings what the search for `of` begins with into the processor's cache. What is returned has no meaning but has
    /// to be used, so that the access is not left out.
    #[inline]
    pub(super) fn touch(&self, of: Fingerprint) -> u64 {
        let shard = &self.shards[of.shard()];
        let home = shard.home(of.low);
        shard.low[home].load(Ordering::Relaxed) ^ u64::from(shard.owners[home].load(Ordering::Relaxed))
    }

    /// Claims `of` for `node`. There has to be room.
    #[inline]
    pub(super) fn claim(&self, of: Fingerprint, node: u32) -> Claim {
        let shard = &self.shards[of.shard()];
        let mut slot = shard.home(of.low);
        loop {
            let mut low = shard.low[slot].load(Ordering::Relaxed);
            if low == 0 {
                match shard.low[slot].compare_exchange(0, of.low, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        if self.wide {
                            shard.high[slot].store(of.high.max(1), Ordering::Relaxed);
                        }
                        if shard.len.fetch_add(1, Ordering::Relaxed) + 1 >= shard.len_max {
                            self.full.store(true, Ordering::Relaxed);
                        }
                        low = of.low;
                    }
                    Err(other) => low = other,
                }
            }
            if low == of.low && (!self.wide || shard.high(slot) == of.high.max(1)) {
                if shard.owners[slot].load(Ordering::Relaxed) < node {
                    return Claim::Known;
                }
                let owner = shard.owners[slot].fetch_min(node, Ordering::Relaxed);
                return if owner < node { Claim::Known } else { Claim::Own { again: owner == node } };
            }
            slot = shard.after(slot);
        }
    }

    /// The least of the nodes that have claimed `of`. It has to be there.
    #[inline]
    pub(super) fn owner(&self, of: Fingerprint) -> u32 {
        let shard = &self.shards[of.shard()];
        let mut slot = shard.home(of.low);
        while shard.low[slot].load(Ordering::Relaxed) != of.low || (self.wide && shard.high(slot) != of.high.max(1)) {
            slot = shard.after(slot);
        }
        shard.owners[slot].load(Ordering::Relaxed)
    }
}

impl Shard {
    fn rebuild(&mut self, slots: usize, wide: bool) {
        let empty = |wanted: bool| (0..if wanted { slots } else { 0 }).map(|_| AtomicU64::new(0)).collect();
        let low: Vec<AtomicU64> = std::mem::replace(&mut self.low, empty(true));
        let high: Vec<AtomicU64> = std::mem::replace(&mut self.high, empty(wide));
        let owners = (0..slots).map(|_| AtomicU32::new(u32::MAX)).collect();
        let owners: Vec<AtomicU32> = std::mem::replace(&mut self.owners, owners);
        for (slot, low) in low.into_iter().map(AtomicU64::into_inner).enumerate().filter(|(_, low)| *low != 0) {
            let mut to = self.home(low);
            while *self.low[to].get_mut() != 0 {
                to = self.after(to);
            }
            *self.low[to].get_mut() = low;
            *self.owners[to].get_mut() = owners[slot].load(Ordering::Relaxed);
            if wide {
                *self.high[to].get_mut() = high[slot].load(Ordering::Relaxed);
            }
        }
    }

    /// Where the search for `low` begins: its share of the range, so that growing does not shuffle the entries.
    #[inline]
    fn home(&self, low: u64) -> usize {
        Fingerprint::share(low, self.low.len())
    }

    #[inline]
    fn after(&self, slot: usize) -> usize {
        if slot + 1 == self.low.len() { 0 } else { slot + 1 }
    }

    #[inline]
    fn high(&self, slot: usize) -> u64 {
        loop {
            match self.high[slot].load(Ordering::Relaxed) {
                0 => spin_loop(),
                high => return high,
            }
        }
    }
}
