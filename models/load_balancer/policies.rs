//! Policies by which a server is chosen, all behind one trait.

use std::collections::BTreeMap;

use super::implementation::{Candidate, ConfigError, Pool, Request, ServerId};

/// Chooses a server.
pub trait Policy {
    /// The index in `pool` of the server that `request` goes to; `None` where it goes to nobody.
    fn choose(&mut self, pool: &Pool<'_>, request: Request) -> Option<usize>;

    /// Drops what is kept of servers that are `gone` from the list.
    fn forget(&mut self, _gone: &dyn Fn(ServerId) -> bool) {}

    /// Whether it reads [`Candidate::weight`]. Where it does not, servers cannot start slowly.
    fn reads_weights(&self) -> bool {
        true
    }
}

/// Round robin: each server in turn, by name. The place is kept as the name chosen last, so that a list that changes
/// under it neither begins again nor skips anyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoundRobin {
    pub(super) last: Option<ServerId>,
}

impl Policy for RoundRobin {
    fn choose(&mut self, pool: &Pool<'_>, _: Request) -> Option<usize> {
        // Names are in order: the first behind the last one chosen.
        let (mut low, mut high) = (0, pool.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.last.is_some_and(|last| pool.get(middle).id <= last) { low = middle + 1 } else { high = middle }
        }
        let next = if low < pool.len() { low } else { 0 };
        self.last = Some(pool.get(next).id);
        Some(next)
    }

    fn reads_weights(&self) -> bool {
        false
    }
}

/// Smooth weighted round robin: each server in turn, as often as its weight, and spread out, exactly as nginx has it.
/// For weights 5, 1, 1 the order is `aabacaa`.
///
/// Each server is owed its weight with every request; the one that is owed most is chosen and pays for all. haproxy
/// (`aaabaac`) and Envoy (`aaabcaa`) go by the time at which a server is next due instead. Why nginx's: no server is
/// ever further from its share, 4/7 of a request for these weights against 6/7 with the other two, and one number a
/// server is all that is kept. What it costs: from one cycle into the next it sends the heaviest server four requests
/// in a row, where haproxy's order has three. What a server is owed is kept while it is not eligible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SmoothWeighted {
    pub(super) owed: BTreeMap<ServerId, i64>,
}

impl Policy for SmoothWeighted {
    fn choose(&mut self, pool: &Pool<'_>, _: Request) -> Option<usize> {
        let mut sum = 0_i64;
        let mut best: Option<(usize, i64, ServerId)> = None;
        for (index, candidate) in pool.iter().enumerate() {
            let owed = self.owed.entry(candidate.id).or_default();
            *owed = owed.saturating_add(candidate.weight.into());
            sum += i64::from(candidate.weight);
            if best.is_none_or(|(_, most, _)| *owed > most) {
                best = Some((index, *owed, candidate.id));
            }
        }
        let (index, owed, id) = best?;
        self.owed.insert(id, owed.saturating_sub(sum));
        Some(index)
    }

    fn forget(&mut self, gone: &dyn Fn(ServerId) -> bool) {
        self.owed.retain(|id, _| !gone(*id));
    }
}

/// Least connections: the server with the fewest requests in flight for its weight; of equals the first by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeastConnections;

/// Whether `left` has fewer requests in flight for its weight, this request included.
fn is_freer(left: Candidate, right: Candidate) -> bool {
    let cost = |of: Candidate, other: Candidate| (u64::from(of.in_flight) + 1) * u64::from(other.weight);
    cost(left, right) < cost(right, left)
}

impl Policy for LeastConnections {
    fn choose(&mut self, pool: &Pool<'_>, _: Request) -> Option<usize> {
        let better = |best, index| if is_freer(pool.get(index), pool.get(best)) { index } else { best };
        (0..pool.len()).reduce(better)
    }
}

/// Two different candidates, the first uniformly among all, the second uniformly among the others; the same twice where
/// there is but one.
fn drawn(pool: &Pool<'_>, random: u64) -> Option<(usize, usize)> {
    let below = |bits: u64, count: usize| ((u128::from(bits) * count as u128) >> 32) as usize;
    let count = pool.len();
    if count < 2 {
        return (count == 1).then_some((0, 0));
    }
    let first = below(random >> 32, count);
    let second = below(random & u64::from(u32::MAX), count - 1);
    Some((first, if second < first { second } else { second + 1 }))
}

/// Power of two choices: the one of two drawn servers with fewer requests in flight for its weight; of equals the first
/// drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PowerOfTwo;

impl Policy for PowerOfTwo {
    fn choose(&mut self, pool: &Pool<'_>, request: Request) -> Option<usize> {
        let (first, second) = drawn(pool, request.random)?;
        Some(if is_freer(pool.get(second), pool.get(first)) { second } else { first })
    }
}

/// Power of two choices by time: the one of two drawn servers whose expected time times its requests is smaller; of
/// equals the first drawn. An answer that takes longer than expected counts at once, one that takes less the more the
/// older the estimate is; a failure never makes a server look faster. Weights do not count: the times tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PeakEwma;

impl Policy for PeakEwma {
    fn choose(&mut self, pool: &Pool<'_>, request: Request) -> Option<usize> {
        let (first, second) = drawn(pool, request.random)?;
        let cost = |index| {
            let candidate = pool.get(index);
            (u128::from(candidate.estimate_us) + 1) * (u128::from(candidate.in_flight) + 1)
        };
        Some(if cost(second) < cost(first) { second } else { first })
    }

    fn reads_weights(&self) -> bool {
        false
    }
}

/// A consistent hash with bounded loads: the server that the request's key hashes to, unless that one has ⌈(1 + ε) ·
/// average⌉ requests already, this one counted in the average; then the next in the key's own order. The order is that
/// of rendezvous hashing, so that a server that leaves moves its own keys and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BoundedHash {
    epsilon_percent: u32,
}

impl BoundedHash {
    /// A policy by which a server may take `epsilon_percent` more than the average; 1 or more.
    ///
    /// # Errors
    /// It is 0.
    pub fn new(epsilon_percent: u32) -> Result<Self, ConfigError> {
        if epsilon_percent == 0 {
            return Err(ConfigError::OutOfRange { field: "epsilon_percent", value: 0, min: 1, max: u32::MAX.into() });
        }
        Ok(BoundedHash { epsilon_percent })
    }

    /// Rank of a server for `key`: a key tries the servers with the greatest rank first.
    pub fn rank(key: u64, server: ServerId) -> u64 {
        // SplitMix64's finaliser: Stafford's thirteenth mix, in Steele, Lea and Flood, OOPSLA 2014.
        let mixed = key.rotate_left(32) ^ server.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Policy for BoundedHash {
    fn choose(&mut self, pool: &Pool<'_>, request: Request) -> Option<usize> {
        let total: u128 = pool.iter().map(|candidate| u128::from(candidate.in_flight)).sum();
        let share = ((100 + u128::from(self.epsilon_percent)) * (total + 1)).div_ceil(100 * pool.len() as u128);
        // They cannot all have their share, which is above the average.
        let with_room = pool.iter().enumerate().filter(|(_, candidate)| u128::from(candidate.in_flight) < share);
        with_room
            .max_by_key(|(_, candidate)| (Self::rank(request.key, candidate.id), candidate.id))
            .map(|(index, _)| index)
    }

    fn reads_weights(&self) -> bool {
        false
    }
}

/// A policy that is chosen when the program runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AnyPolicy {
    /// Each server in turn.
    RoundRobin(RoundRobin),
    /// Each server in turn, by weight.
    SmoothWeighted(SmoothWeighted),
    /// The server with the fewest requests.
    LeastConnections(LeastConnections),
    /// The freer of two servers.
    PowerOfTwo(PowerOfTwo),
    /// The sooner of two servers.
    PeakEwma(PeakEwma),
    /// The server of the key.
    BoundedHash(BoundedHash),
}

impl AnyPolicy {
    fn inner(&self) -> &dyn Policy {
        match self {
            AnyPolicy::RoundRobin(policy) => policy,
            AnyPolicy::SmoothWeighted(policy) => policy,
            AnyPolicy::LeastConnections(policy) => policy,
            AnyPolicy::PowerOfTwo(policy) => policy,
            AnyPolicy::PeakEwma(policy) => policy,
            AnyPolicy::BoundedHash(policy) => policy,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Policy {
        match self {
            AnyPolicy::RoundRobin(policy) => policy,
            AnyPolicy::SmoothWeighted(policy) => policy,
            AnyPolicy::LeastConnections(policy) => policy,
            AnyPolicy::PowerOfTwo(policy) => policy,
            AnyPolicy::PeakEwma(policy) => policy,
            AnyPolicy::BoundedHash(policy) => policy,
        }
    }
}

impl Policy for AnyPolicy {
    fn choose(&mut self, pool: &Pool<'_>, request: Request) -> Option<usize> {
        self.inner_mut().choose(pool, request)
    }

    fn forget(&mut self, gone: &dyn Fn(ServerId) -> bool) {
        self.inner_mut().forget(gone);
    }

    fn reads_weights(&self) -> bool {
        self.inner().reads_weights()
    }
}
