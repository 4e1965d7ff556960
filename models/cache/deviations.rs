//! Where the model deviates: each [`Variant`] has one defect, and each deviation is a hook that the rules ask.

use super::model::{Cache, Ending, charge};

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The cache as it should be.
    #[default]
    Sound,
    /// Loads at every miss, though a load of the key is under way.
    LoadsAtEveryMiss,
    /// Stores what a load brings though a delete has come since it began.
    StoresDespiteDelete,
    /// Stores what a load brings after its lease has expired, when no delete can void it any more.
    TrustsExpiredLease,
    /// Tells nobody when the leader's load fails or is cancelled.
    StrandsJoinersOnFailure,
    /// Forgets, at a delete, the load under way together with those who wait for it.
    StrandsJoinersOnDelete,
    /// Lets a client that misses after a delete wait for the load that the delete has voided.
    JoinsVoidedLoad,
    /// Keeps a lease alive after its holder has died.
    LeaseNeverExpires,
    /// Loads however many loads are under way.
    LoadsBeyondBound,
    /// Charges every miss alike, as if the ratio told the cost.
    ChargesByCount,
    /// Serves a value in the tick in which its life has ended.
    ServesExpired,
    /// Refreshes at every early draw, though a refresh is under way.
    RefreshesInHerds,
}

impl Cache {
    /// Whether what is brought under a lease is stored, by what has become of the lease.
    pub fn stores(&self, voided: bool, expired: bool) -> bool {
        match self.variant {
            Variant::StoresDespiteDelete => !expired,
            Variant::TrustsExpiredLease => expired || !voided,
            _ => !expired && !voided,
        }
    }

    /// Cost that the ledger is charged when a load of `key` ends so.
    pub fn charged(&self, key: u8, ending: Ending) -> u8 {
        match self.variant {
            Variant::ChargesByCount => charge(key, ending).min(1),
            _ => charge(key, ending),
        }
    }
}
