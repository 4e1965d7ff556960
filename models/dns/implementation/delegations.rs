//! Which servers are asked about which zone: what the zone above has said, for no longer than it has said.
//!
//! What a zone says of its own servers is told to clients who ask for it and counts for nothing here. It would outrank
//! what the zone above says (RFC 2181 §5.4.1), and a zone that was taken back could go on for ever by saying it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::name::Name;

/// The servers of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Delegation {
    servers: Arc<[Name]>,
    ends_ms: u64,
}

/// Zones and their servers. What ends first goes first when there is no room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delegations {
    zones: BTreeMap<Name, Delegation>,
    by_end: BTreeSet<(u64, Name)>,
    zones_max: usize,
    ttl_s_max: u32,
}

impl Delegations {
    /// None yet, and at most `zones_max`, each for `ttl_s_max` seconds at most.
    pub fn new(zones_max: usize, ttl_s_max: u32) -> Self {
        Delegations { zones: BTreeMap::new(), by_end: BTreeSet::new(), zones_max, ttl_s_max }
    }

    /// How many zones are known.
    pub fn len(&self) -> usize {
        self.zones.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// A server of the zone `above` refers to the servers of `zone`, which is below it. That holds until `ttl_s` is over
    /// and no longer than the zone above is itself referred to; where it is referred to no more, it does not hold at all.
    /// Returns whether it is kept.
    pub fn refer(&mut self, zone: &Name, servers: Arc<[Name]>, ttl_s: u32, above: &Name, now_ms: u64) -> bool {
        self.remove(zone);
        let above_ms = if above.depth() == 0 { Some(u64::MAX) } else { self.ends_ms(above, now_ms) };
        let Some(above_ms) = above_ms else { return false };
        let ttl_s = if ttl_s > i32::MAX as u32 { 0 } else { ttl_s.min(self.ttl_s_max) };
        let ends_ms = now_ms.saturating_add(u64::from(ttl_s) * 1_000).min(above_ms);
        if ends_ms <= now_ms || self.zones_max == 0 {
            return false;
        }
        if self.zones.len() >= self.zones_max
            && let Some((_, first)) = self.by_end.first().cloned()
        {
            self.remove(&first);
        }
        self.by_end.insert((ends_ms, zone.clone()));
        self.zones.insert(zone.clone(), Delegation { servers, ends_ms });
        true
    }

    /// When the servers of `zone` are asked no more; `None` if that is so already.
    pub fn ends_ms(&self, zone: &Name, now_ms: u64) -> Option<u64> {
        self.zones.get(zone).map(|delegation| delegation.ends_ms).filter(|ends_ms| now_ms < *ends_ms)
    }

    /// The zones that `name` is in, the nearest first, with their servers. The root is not among them.
    pub fn of(&self, name: &Name, now_ms: u64) -> impl Iterator<Item = (Name, Arc<[Name]>)> {
        name.ancestors().filter_map(move |zone| {
            let delegation = self.zones.get(&zone).filter(|delegation| now_ms < delegation.ends_ms)?;
            Some((zone, delegation.servers.clone()))
        })
    }

    /// Forgets what has ended.
    pub fn expire(&mut self, now_ms: u64) {
        while let Some((ends_ms, zone)) = self.by_end.first().cloned() {
            if now_ms < ends_ms {
                return;
            }
            self.remove(&zone);
        }
    }

    /// Moves every end by `by_ms` towards 0, as when the clock is begun anew.
    pub fn rebase(&mut self, by_ms: u64) {
        for delegation in self.zones.values_mut() {
            delegation.ends_ms = delegation.ends_ms.saturating_sub(by_ms);
        }
        self.by_end = self.zones.iter().map(|(zone, delegation)| (delegation.ends_ms, zone.clone())).collect();
    }

    fn remove(&mut self, zone: &Name) {
        if let Some(delegation) = self.zones.remove(zone) {
            self.by_end.remove(&(delegation.ends_ms, zone.clone()));
        }
    }
}
