//! Where the model deviates: each [`Variant`] is one defect, and each deviation is a hook that the rules ask.

use serde::Serialize;

use super::model::{Cache, Stale};

/// One defect each. A model without any is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// What ends in this tick is told.
    ServesOneTickMore,
    /// A cache tells the TTL that it was told, and not what is left of it.
    RestartsTtl,
    /// A TTL above the bound is taken as it is.
    IgnoresCap,
    /// A denial lives as long as its SOA record, whatever that says.
    TakesSoaTtlAlone,
    /// A denial without SOA is kept for the instant.
    KeepsDenialWithoutSoa,
    /// A denial of a name is kept of the type that was asked for alone.
    CoversTypeOnly,
    /// A denial of a name says nothing of what is below it (dnsmasq).
    CoversNameOnly,
    /// A denial of one type is told of another.
    NoDataCoversName,
    /// A truncated answer is kept.
    CachesTruncated,
    /// A failure is forgotten at once.
    NeverRemembersFailures,
    /// A question never fails by itself.
    NeverTimesOut,
    /// What has ended is told to whoever asks, at once.
    TellsStaleAtOnce,
    /// What has ended is told, and is asked for again each time.
    RetriesStaleAtOnce,
    /// What has ended is told with a TTL of 0.
    TellsStaleZero,
    /// An answer that may be kept for no time leaves what has ended where it is.
    KeepsEndedOnZeroTtl,
    /// The wall clock says what is left.
    TrustsWallClock,
    /// Denials of a zone share one SOA record, whose TTL is that of the first that has brought it: it is what they are told
    /// with, and without it none is told (unbound).
    SharesSoa,
    /// An answer that may be kept for no time is not kept, though what has 0 ticks left is told (unbound).
    KeepsNothingForZero,
    /// A TTL above the bound is told as it came to whoever waits for it; it is kept no longer than the bound (dnsmasq).
    TellsUncapped,
}

impl Cache {
    /// Whether what ends in this tick is told.
    pub(super) fn serves_one_tick_more(&self) -> bool {
        self.has(Variant::ServesOneTickMore)
    }

    /// Whether an address is told with the TTL that it came with.
    pub(super) fn restarts_ttl(&self) -> bool {
        self.has(Variant::RestartsTtl)
    }

    /// What is left of a TTL under the bound.
    pub(super) fn cut_down(&self, ttl: u8) -> u8 {
        if self.has(Variant::IgnoresCap) { ttl } else { ttl.min(self.ttl_max) }
    }

    /// Whether a denial lives as long as its SOA record, whatever that says.
    pub(super) fn takes_soa_ttl_alone(&self) -> bool {
        self.has(Variant::TakesSoaTtlAlone)
    }

    /// Whether a denial without SOA is kept for the instant.
    pub(super) fn keeps_denial_without_soa(&self) -> bool {
        self.has(Variant::KeepsDenialWithoutSoa)
    }

    /// Whether a denial of a name is kept of the type that was asked for alone.
    pub(super) fn covers_type_only(&self) -> bool {
        self.has(Variant::CoversTypeOnly)
    }

    /// Whether a denial of a name says nothing of what is below it.
    pub(super) fn covers_name_only(&self) -> bool {
        self.has(Variant::CoversNameOnly)
    }

    /// Whether a denial of one type is told of another.
    pub(super) fn no_data_covers_name(&self) -> bool {
        self.has(Variant::NoDataCoversName)
    }

    /// Whether a truncated answer is kept.
    pub(super) fn caches_truncated(&self) -> bool {
        self.has(Variant::CachesTruncated)
    }

    /// Whether what has just failed is asked for again; `has_stale`: there is stale data to tell meanwhile.
    pub(super) fn asks_again_after_failure(&self, has_stale: bool) -> bool {
        self.has(Variant::NeverRemembersFailures) || has_stale && self.has(Variant::RetriesStaleAtOnce)
    }

    /// Whether a question never fails by itself.
    pub(super) fn never_times_out(&self) -> bool {
        self.has(Variant::NeverTimesOut)
    }

    /// Whether what has ended is told at once.
    pub(super) fn tells_stale_at_once(&self) -> bool {
        self.has(Variant::TellsStaleAtOnce)
    }

    /// The TTL that stale data is told with.
    pub(super) fn stale_ttl(&self, stale: Stale) -> u8 {
        if self.has(Variant::TellsStaleZero) { 0 } else { stale.ttl }
    }

    /// Whether an answer that may be kept for no time leaves what has ended where it is.
    pub(super) fn keeps_ended_on_zero_ttl(&self) -> bool {
        self.has(Variant::KeepsEndedOnZeroTtl)
    }

    /// Whether denials of a zone share its SOA record.
    pub(super) fn shares_soa(&self) -> bool {
        self.has(Variant::SharesSoa)
    }

    /// Whether an answer that may be kept for no time is not even told in the same tick.
    pub(super) fn keeps_nothing_for_zero(&self) -> bool {
        self.has(Variant::KeepsNothingForZero)
    }

    /// Whether who waits is told a TTL above the bound.
    pub(super) fn tells_uncapped(&self) -> bool {
        self.has(Variant::TellsUncapped)
    }

    /// Whether the wall clock says what is left.
    pub(super) fn trusts_wall_clock(&self) -> bool {
        self.has(Variant::TrustsWallClock)
    }
}
