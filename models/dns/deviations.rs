//! What a cache can do otherwise than it should.

use serde::Serialize;

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
}
