//! Where the model deviates: each [`Variant`] has one defect, and each deviation is a hook that the rules ask.

use super::model::{Cache, Client, Ending, charge};

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
    /// Whether a miss may join a load that a delete has voided.
    pub(super) fn joins_voided_load(&self) -> bool {
        self.variant == Variant::JoinsVoidedLoad
    }

    /// Whether a value is served in the tick in which its life has ended.
    pub(super) fn serves_expired(&self) -> bool {
        self.variant == Variant::ServesExpired
    }

    /// Whether a load begins however many are under way.
    pub(super) fn loads_beyond_bound(&self) -> bool {
        self.variant == Variant::LoadsBeyondBound
    }

    /// Whether an early draw refreshes a value that is being refreshed.
    pub(super) fn refreshes_in_herds(&self) -> bool {
        self.variant == Variant::RefreshesInHerds
    }

    /// Whether a miss loads a key that is being loaded.
    pub(super) fn loads_at_every_miss(&self) -> bool {
        self.variant == Variant::LoadsAtEveryMiss
    }

    /// State of those who wait for a load when it ends without a value.
    pub(super) fn told_of_failure(&self) -> Client {
        match self.variant {
            Variant::StrandsJoinersOnFailure => Client::Stranded,
            _ => Client::Told { version: None },
        }
    }

    /// Whether those who wait for a load are forgotten with it when its key is written.
    pub(super) fn strands_joiners_on_delete(&self) -> bool {
        self.variant == Variant::StrandsJoinersOnDelete
    }

    /// Whether leases outlive their time.
    pub(super) fn lease_never_expires(&self) -> bool {
        self.variant == Variant::LeaseNeverExpires
    }

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
