//! What a variant does otherwise than it should.

/// The defects, one each. The two guards, epochs and the order of a purge, are bounds of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// None.
    Sound,
    /// A purge makes what the shield holds stale, and the shield serves it on while it asks anew.
    PurgesShieldSoftly,
    /// A purge is sent before the origin has the new content.
    PurgesBeforeDeploy,
    /// A purge counts as done when it is sent.
    AcknowledgesUnconfirmed,
    /// A purge that was lost is not sent again.
    NeverSendsAgain,
    /// A purge takes the entry out of memory, and leaves it on the disk.
    PurgesMemoryAlone,
    /// A purge by tag finds only what is fresh.
    PurgesFreshAlone,
    /// A 304 puts back what it was asked about, though it was purged meanwhile.
    RevivesBy304,
    /// The time that a fill takes does not count as age.
    IgnoresDelay,
    /// What a node reads below another counts as new.
    DropsAge,
    /// What is past its life is served for as long as asking anew takes.
    ServesStaleForEver,
    /// A fill is waited for.
    NeverTimesOut,
    /// An unsafe request invalidates when it comes, not when it is answered.
    InvalidatesBeforeAnswer,
    /// An unsafe request invalidates what is stored, and leaves a fill in flight as it is.
    InvalidatesStoredAlone,
}
