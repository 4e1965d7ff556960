//! Which tokens a host holds, and which pairs of a query and a key the mask allows: the work, counted and not measured.

use super::model::Ring;

/// Which keys a query sees. Independent of the [`Layout`]: any mask goes with any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// All.
    Full,
    /// Those that are not after it.
    Causal,
    /// Those of its own document that are not after it; the lengths in tokens, which sum to the sequence.
    Documents(&'static [u16]),
}

/// Which tokens a host holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Host i the i-th stretch (Liu et al. 2023).
    Contiguous,
    /// Host i every n-th token from i on (Brandon et al. 2023).
    Striped,
    /// Of 2n stretches host i has the i-th from the front and the i-th from the back.
    Zigzag,
    /// Of 2n stretches, ordered by their work, host i has the i-th lightest and the i-th heaviest.
    Packed,
    /// Each document in a zigzag of its own.
    EachDocument,
}

impl Ring {
    /// Tokens of the whole sequence.
    pub fn tokens(&self) -> u16 {
        u16::from(self.hosts) * self.tokens_per_host
    }

    /// The places in the sequence that `host` holds, ascending within each stretch.
    pub fn places(&self, host: u8) -> Vec<u16> {
        let (hosts, each, all) = (u16::from(self.hosts), self.tokens_per_host, self.tokens());
        let host = u16::from(host);
        let half = |stretch: u16| stretch * all / (2 * hosts)..(stretch + 1) * all / (2 * hosts);
        match self.layout {
            Layout::Contiguous => (host * each..(host + 1) * each).collect(),
            Layout::Striped => (0..each).map(|row| row * hosts + host).collect(),
            Layout::Zigzag => half(host).chain(half(2 * hosts - 1 - host)).collect(),
            Layout::Packed => {
                let mut stretches: Vec<u16> = (0..2 * hosts).collect();
                let work = |stretch: &u16| half(*stretch).map(|query| self.keys_seen(query)).sum::<u32>();
                stretches.sort_by_key(|stretch| (work(stretch), *stretch));
                let pair = [stretches[usize::from(host)], stretches[usize::from(2 * hosts - 1 - host)]];
                pair.into_iter().flat_map(half).collect()
            }
            Layout::EachDocument => {
                let mut start = 0;
                let mut places = Vec::new();
                for length in self.documents() {
                    let half = |stretch: u16| {
                        start + stretch * length / (2 * hosts)..start + (stretch + 1) * length / (2 * hosts)
                    };
                    places.extend(half(host).chain(half(2 * hosts - 1 - host)));
                    start += length;
                }
                places
            }
        }
    }

    /// The lengths of the documents; one, if the mask has none.
    fn documents(&self) -> Vec<u16> {
        match self.mask {
            Mask::Documents(lengths) => lengths.to_vec(),
            Mask::Full | Mask::Causal => vec![self.tokens()],
        }
    }

    /// Keys that a query at a place sees.
    fn keys_seen(&self, query: u16) -> u32 {
        (0..self.tokens()).filter(|key| self.allows(query, *key)).count() as u32
    }

    /// Whether the mask lets the query at one place see the key at another.
    pub fn allows(&self, query: u16, key: u16) -> bool {
        match self.mask {
            Mask::Full => true,
            Mask::Causal => key <= query,
            Mask::Documents(lengths) => {
                let document = |place: u16| {
                    let ends = lengths.iter().scan(0, |end, length| {
                        *end += length;
                        Some(*end)
                    });
                    ends.take_while(|end| *end <= place).count()
                };
                key <= query && document(query) == document(key)
            }
        }
    }

    /// Pairs of a query of `host` and a key of `block`.
    pub fn pairs(&self, host: u8, block: u8) -> u32 {
        if self.mask == Mask::Full {
            return u32::from(self.tokens_per_host) * u32::from(self.tokens_per_host);
        }
        let keys = self.places(block);
        let seen = |query: &u16| keys.iter().filter(|key| self.allows(*query, **key)).count() as u32;
        self.places(host).iter().map(seen).sum()
    }

    /// The blocks whose pairs with `host` are not none, as a set of bits.
    pub fn needed(&self, host: u8) -> u8 {
        if self.mask == Mask::Full {
            return u8::MAX >> (8 - self.hosts);
        }
        (0..self.hosts).filter(|block| self.pairs(host, *block) > 0).fold(0, |set, block| set | 1 << block)
    }

    /// Pairs that each host has to compute.
    pub fn work(&self) -> Vec<u32> {
        (0..self.hosts).map(|host| (0..self.hosts).map(|block| self.pairs(host, block)).sum()).collect()
    }

    /// The mean work of the hosts in percent of the most, which is how much of the ring is busy.
    pub fn balance_percent(&self) -> f64 {
        let work = self.work();
        let most = work.iter().copied().max().unwrap_or_default();
        100.0 * f64::from(work.iter().sum::<u32>()) / f64::from(most) / f64::from(self.hosts)
    }

    /// Whether the work of any two hosts differs by at most that of a mean stretch, of which each host has two.
    pub fn is_balanced(&self) -> bool {
        let work = self.work();
        let (least, most) = (work.iter().min(), work.iter().max());
        let stretch = work.iter().sum::<u32>() / (2 * u32::from(self.hosts));
        most.zip(least).is_none_or(|(most, least)| most - least <= stretch)
    }
}
