//! The table of what is known: open addressing over fingerprints of 64 bits, with the number of the node, or with
//! nothing where that is not asked for.
//!
//! It is cut into shards by the uppermost bits. While states are expanded it only is read, by everybody; what is new is
//! then claimed by whoever has the shard, so that no slot needs a lock or an atomic operation. A slot's place is the
//! fingerprint's share of the range, so that a shard grows by half without being shuffled.

/// Which of the shards, and how many bits say it.
const SHARD_BITS: u32 = 4;
/// How many shards there are, whatever the number of threads.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;

/// What a state is told apart by where states are not compared themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) low: u64,
    /// 64 bits more where 128 are asked for, else 0.
    pub(super) high: u64,
}

impl Fingerprint {
    /// 0 marks a slot without an entry.
    pub(super) fn new(low: u64, high: u64) -> Self {
        Fingerprint { low: low.max(1), high }
    }

    #[inline]
    pub(super) fn shard(self) -> usize {
        (self.low >> (u64::BITS - SHARD_BITS)) as usize
    }

    /// Where among so many slots of its shard a fingerprint belongs.
    #[inline]
    pub(super) fn share(low: u64, slots: usize) -> usize {
        ((u128::from(low << SHARD_BITS) * slots as u128) >> u64::BITS) as usize
    }
}

/// `V`: what is kept with a fingerprint; for `()` no memory is needed.
#[derive(Debug)]
pub(super) struct Table<V> {
    pub(super) shards: Vec<Shard<V>>,
}

#[derive(Debug)]
pub(super) struct Shard<V> {
    wide: bool,
    low: Vec<u64>,
    high: Vec<u64>,
    values: Vec<V>,
    len: usize,
    /// Whether two entries have one fingerprint, and were found to be of states that differ.
    pub(super) alike: bool,
    /// Slots claimed since the last [`settle`](Shard::settle), with the candidate that each is of.
    claimed: Vec<(u32, u32)>,
}

/// A number in a [`Shard`] with this bit is that of a candidate, until nodes are numbered.
pub(super) const CANDIDATE: u32 = 1 << 31;

const SLOTS_MIN: usize = 16;

impl<V: Copy + Default> Table<V> {
    pub(super) fn new(wide: bool) -> Self {
        Table { shards: (0..SHARDS).map(|_| Shard::new(wide)).collect() }
    }

    #[inline]
    pub(super) fn shard(&self, of: Fingerprint) -> &Shard<V> {
        &self.shards[of.shard()]
    }

    /// All that is known.
    pub(super) fn entries(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.shards.iter().flat_map(|shard| {
            let high = |slot: usize| shard.high.get(slot).copied().unwrap_or_default();
            let taken = shard.low.iter().enumerate().filter(|(_, low)| **low != 0);
            taken.map(move |(slot, low)| Fingerprint { low: *low, high: high(slot) })
        })
    }
}

impl<V: Copy + Default> Shard<V> {
    fn new(wide: bool) -> Self {
        Shard { wide, low: Vec::new(), high: Vec::new(), values: Vec::new(), len: 0, alike: false, claimed: Vec::new() }
    }

    /// Where the search for `of` begins.
    #[inline]
    fn home(&self, of: u64) -> usize {
        Fingerprint::share(of, self.low.len())
    }

    /// Brings the slot that the search for `of` begins with into the processor's cache. What is returned has no meaning
    /// but has to be used, so that the access is not left out.
    #[inline]
    pub(super) fn touch(&self, of: Fingerprint) -> u64 {
        self.low.get(self.home(of.low)).copied().unwrap_or_default()
    }

    /// What is kept with the entry of `of`: the one that `same` says is of the same state, where several entries have
    /// this fingerprint.
    #[inline]
    pub(super) fn find(&self, of: Fingerprint, same: impl Fn(V) -> bool) -> Option<V> {
        if self.low.is_empty() {
            return None;
        }
        self.search(of, same).ok().map(|slot| self.values[slot])
    }

    /// The slot of the entry, or the free one where it would be put.
    #[inline]
    fn search(&self, of: Fingerprint, same: impl Fn(V) -> bool) -> Result<usize, usize> {
        let mut slot = self.home(of.low);
        loop {
            match self.low[slot] {
                0 => return Err(slot),
                low if low == of.low
                    && (self.high.is_empty() || self.high[slot] == of.high)
                    && same(self.values[slot]) =>
                {
                    return Ok(slot);
                }
                _ => slot = if slot + 1 == self.low.len() { 0 } else { slot + 1 },
            }
        }
    }

    /// As [`find`](Shard::find), but where there is none an entry is made. There has to be [room](Shard::reserve).
    #[inline]
    pub(super) fn find_or_insert(&mut self, of: Fingerprint, value: V, same: impl Fn(V) -> bool) -> Result<V, usize> {
        let slot = match self.search(of, same) {
            Ok(slot) => return Ok(self.values[slot]),
            Err(slot) => slot,
        };
        self.low[slot] = of.low;
        if self.wide {
            self.high[slot] = of.high;
        }
        self.values[slot] = value;
        self.len += 1;
        Err(slot)
    }

    /// Makes room for so many entries more: four slots of five are taken at most.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize) {
        let needed = ((self.len + more) * 5 / 4 + 1).max(SLOTS_MIN);
        if needed > self.low.len() {
            self.rebuild(needed.max(self.low.len() / 2 * 3));
        }
    }

    #[cold]
    fn rebuild(&mut self, slots: usize) {
        let low = std::mem::replace(&mut self.low, vec![0; slots]);
        let high = self.wide.then(|| std::mem::replace(&mut self.high, vec![0; slots]));
        let values = std::mem::replace(&mut self.values, vec![V::default(); slots]);
        for (slot, of) in low.into_iter().enumerate().filter(|(_, of)| *of != 0) {
            let mut to = self.home(of);
            while self.low[to] != 0 {
                to = if to + 1 == slots { 0 } else { to + 1 };
            }
            self.low[to] = of;
            if let Some(high) = &high {
                self.high[to] = high[slot];
            }
            self.values[to] = values[slot];
        }
    }
}

impl Shard<u32> {
    /// The number kept with `of`, or `None` where an entry is made for the candidate of this number. There has to be
    /// [room](Shard::reserve).
    #[inline]
    pub(super) fn claim(&mut self, of: Fingerprint, candidate: u32, same: impl Fn(u32) -> bool) -> Option<u32> {
        let claimed = self.find_or_insert(of, CANDIDATE | candidate, same);
        claimed.map_err(|slot| self.claimed.push((slot as u32, candidate))).ok()
    }

    /// Puts the numbers of nodes in the place of those of candidates.
    pub(super) fn settle(&mut self, numbers: &[u32]) {
        for (slot, candidate) in self.claimed.drain(..) {
            // Those beyond were not numbered, because the exploration was stopped.
            if let Some(number) = numbers.get(candidate as usize) {
                self.values[slot as usize] = *number;
            }
        }
    }
}
