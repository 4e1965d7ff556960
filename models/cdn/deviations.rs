//! Where the model deviates: each [`Variant`] is one defect, and each deviation is a hook that the rules ask.

use super::model::{Copy, Purge, SHIELD};

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
    /// What a node reads below another counts as new: neither its age nor its date is passed on.
    DropsAge,
    /// Age is reckoned from the date alone, by the node's own clock.
    TrustsDates,
    /// What arrives counts as new: neither its age nor the time that the fill took counts.
    BeginsLifeAnew,
    /// The same, and what has ended is fetched by everybody who asks for it: only what a node never had is fetched once.
    CollapsesFirstFillAlone,
    /// What is past its life is served for as long as asking anew takes.
    ServesStaleForEver,
    /// A fill is waited for.
    NeverTimesOut,
    /// Whoever asks after a purge waits for a fill that began before it, and what that has read is stored unless it is
    /// older than the purge.
    DiscardsOldReadAlone,
    /// An unsafe request invalidates when it comes, not when it is answered.
    InvalidatesBeforeAnswer,
    /// An unsafe request invalidates what is stored, and leaves a fill in flight as it is.
    InvalidatesStoredAlone,
}

impl Purge {
    /// Whether a purge counts as done when it is sent.
    pub(super) fn acknowledges_unconfirmed(&self) -> bool {
        self.variant == Variant::AcknowledgesUnconfirmed
    }

    /// Whether a purge that was lost stays lost.
    pub(super) fn never_sends_again(&self) -> bool {
        self.variant == Variant::NeverSendsAgain
    }

    /// Whether a purge is sent before the origin has the new content.
    pub(super) fn purges_before_deploy(&self) -> bool {
        self.variant == Variant::PurgesBeforeDeploy
    }

    /// Whether the shield serves on what was purged.
    pub(super) fn purges_shield_softly(&self) -> bool {
        self.variant == Variant::PurgesShieldSoftly
    }

    /// Whether what was purged stays on the disk.
    pub(super) fn purges_memory_alone(&self) -> bool {
        self.variant == Variant::PurgesMemoryAlone
    }

    /// Whether a 304 puts back what was purged meanwhile.
    pub(super) fn revives_by_304(&self) -> bool {
        self.variant == Variant::RevivesBy304
    }

    /// Whether the time that a fill takes is nobody's.
    pub(super) fn ignores_delay(&self) -> bool {
        self.variant == Variant::IgnoresDelay || self.begins_life_anew()
    }

    /// Whether what is read below another node counts as new.
    pub(super) fn drops_age(&self) -> bool {
        self.variant == Variant::DropsAge || self.begins_life_anew()
    }

    /// The age that `node` takes a copy to have when it has come, after so many ticks (RFC 9111 §4.2.3): by its date and the
    /// node's own clock, or by the age that was said and the whole delay, since nobody knows when in it the answer was made;
    /// whichever is more.
    pub(super) fn reckons(&self, node: usize, copy: Copy, waited: u8) -> u8 {
        let apparent = copy.age.saturating_add_signed(self.skews[node]);
        let corrected = copy.reckoned.saturating_add(waited);
        if self.ignores_delay() {
            copy.reckoned
        } else if self.variant == Variant::TrustsDates {
            apparent
        } else if self.drops_age() {
            corrected
        } else {
            apparent.max(corrected)
        }
    }

    fn begins_life_anew(&self) -> bool {
        matches!(self.variant, Variant::BeginsLifeAnew | Variant::CollapsesFirstFillAlone)
    }

    /// Whether what has ended is fetched by everybody who asks for it.
    pub(super) fn collapses_first_fill_alone(&self) -> bool {
        self.variant == Variant::CollapsesFirstFillAlone
    }

    /// Whether nobody looks how long ago a life ended.
    pub(super) fn serves_stale_for_ever(&self) -> bool {
        self.variant == Variant::ServesStaleForEver
    }

    /// Whether a fill is waited for however long it takes.
    pub(super) fn never_times_out(&self) -> bool {
        self.variant == Variant::NeverTimesOut
    }

    /// Whether a fill that a purge has overtaken is waited for, and stored if it has read what is new.
    pub(super) fn discards_old_read_alone(&self) -> bool {
        self.variant == Variant::DiscardsOldReadAlone
    }

    /// Whether an unsafe request invalidates when it comes.
    pub(super) fn invalidates_before_answer(&self) -> bool {
        self.variant == Variant::InvalidatesBeforeAnswer
    }

    /// Whether an unsafe request leaves a fill in flight as it is.
    pub(super) fn invalidates_stored_alone(&self) -> bool {
        self.variant == Variant::InvalidatesStoredAlone
    }

    /// What a purge leaves of a copy where it is stored. Sound: nothing.
    pub(super) fn left_by_purge(&self, node: usize, copy: Copy) -> Option<Copy> {
        match self.variant {
            Variant::PurgesShieldSoftly if node == SHIELD => {
                Some(Copy { reckoned: copy.reckoned.max(self.ttl.unwrap_or(0)), ..copy })
            }
            Variant::PurgesFreshAlone => Some(copy).filter(|copy| !self.is_fresh(*copy)),
            _ => None,
        }
    }
}
