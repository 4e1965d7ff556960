//! Which tokens a host has, and which keys a query sees: two things that know nothing of each other but for packing.

/// What a query sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Every key.
    Full,
    /// Keys that are not after it.
    Causal,
    /// Keys of its own document that are not after it. Lengths in tokens, in order; they sum to the sequence.
    Documents(Vec<usize>),
}

impl Mask {
    /// Whether the query at one place sees the key at another, 0-based.
    pub fn allows(&self, query: usize, key: usize) -> bool {
        match self {
            Mask::Full => true,
            Mask::Causal => key <= query,
            Mask::Documents(lengths) => key <= query && key >= begin(lengths, query),
        }
    }

    /// Whether some query of `own` sees some key of `theirs`.
    pub fn leaves_any(&self, own: &[usize], theirs: &[usize]) -> bool {
        match self {
            Mask::Full => !own.is_empty() && !theirs.is_empty(),
            Mask::Causal => theirs.iter().min().zip(own.iter().max()).is_some_and(|(key, query)| key <= query),
            Mask::Documents(_) => own.iter().any(|query| theirs.iter().any(|key| self.allows(*query, *key))),
        }
    }

    /// Whether every query of `own` is known to see every key of `theirs`.
    pub fn leaves_all(&self, own: &[usize], theirs: &[usize]) -> bool {
        match self {
            Mask::Full => true,
            Mask::Causal => theirs.iter().max() <= own.iter().min(),
            Mask::Documents(_) => false,
        }
    }

    /// Keys that the query at a place sees.
    fn seen(&self, query: usize, tokens: usize) -> usize {
        match self {
            Mask::Full => tokens,
            Mask::Causal => query + 1,
            Mask::Documents(lengths) => query + 1 - begin(lengths, query),
        }
    }
}

/// Where the document begins that a place is in.
fn begin(lengths: &[usize], place: usize) -> usize {
    let mut begin = 0;
    for length in lengths {
        // No overflow: lengths are known to sum to the sequence.
        if place < begin + length {
            break;
        }
        begin += length;
    }
    begin
}

/// Which tokens a host has. Lengths need not be divisible: blocks then differ by one token or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Stretches one after the other.
    Contiguous,
    /// Every n-th token.
    Striped,
    /// Of 2n stretches the i-th from the front and the i-th from the back.
    Zigzag,
    /// Of 2n stretches, ordered by how many keys their queries see, the i-th and the i-th from the end: for documents.
    Packed,
}

impl Layout {
    /// For each host the places of its tokens, ascending within a stretch.
    pub fn places(&self, mask: &Mask, hosts: usize, tokens: usize) -> Vec<Vec<usize>> {
        let stretch = |number: usize, of: usize| number * tokens / of..(number + 1) * tokens / of;
        let mut stretches: Vec<usize> = (0..2 * hosts).collect();
        if *self == Layout::Packed {
            let work =
                |number: &usize| stretch(*number, 2 * hosts).map(|query| mask.seen(query, tokens)).sum::<usize>();
            stretches.sort_by_key(|number| (work(number), *number));
        }
        let own = |host: usize| -> Vec<usize> {
            match self {
                Layout::Contiguous => stretch(host, hosts).collect(),
                Layout::Striped => (host..tokens).step_by(hosts).collect(),
                Layout::Zigzag | Layout::Packed => {
                    let pair = [stretches[host], stretches[2 * hosts - 1 - host]];
                    pair.into_iter().flat_map(|number| stretch(number, 2 * hosts)).collect()
                }
            }
        };
        (0..hosts).map(own).collect()
    }
}
