//! Where the model deviates: a [`Variant`] has a defect, a [`Quirk`] is the rule of a published balancer. Each is a
//! hook that the rules of the sound model ask.

use super::model::{Balancer, Ended, SERVERS_MAX, Server, TICK_UNITS, WEIGHT_PARTS};

/// Most requests too many on a server's count, of a variant that keeps them.
const LEAKS_MAX: usize = 2;

/// Parts of a weight that are told apart by [`Quirk::GrowsFromSixteenth`].
const SIXTEENTHS: u16 = 16;

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The balancer as it should be.
    #[default]
    Sound,
    /// Gives each server its weight in one go.
    NaiveWeighted,
    /// Takes every weight for 1.
    ForgetsWeights,
    /// Does not take a cancelled request off the count.
    KeepsCountOnCancel,
    /// Does not take a request off the count when its maker panics.
    KeepsCountOnPanic,
    /// Takes a late request off the count of the server that now has the name.
    CountsLateCompletion,
    /// Draws the second of two among all, the first one included.
    DrawsSameTwice,
    /// Ejects whatever fails, however few are left.
    EjectsWithoutLimit,
    /// Never ends an ejection.
    EjectsForGood,
    /// Has no panic mode: what is not eligible is not chosen.
    NeverPanics,
    /// Begins again with the first server whenever the list or a server's health changes.
    ResetsCursorOnChange,
    /// Drops the report that a server is healthy again.
    LosesHealthUpdate,
    /// Chooses unhealthy servers too.
    IgnoresHealth,
    /// Hashes without regard to load.
    IgnoresBound,
    /// Takes the key modulo the number of servers.
    HashesByPosition,
    /// Takes nothing out of the bucket for a retry.
    RetriesForFree,
    /// Takes a failure's time for a time to respond.
    FailureLooksFast,
    /// A server that comes back has its whole weight at once.
    StartsAtFullWeight,
    /// A server that joins the list has its whole weight at once; one that comes back does not.
    JoinsAtFullWeight,
    /// A weight that grows is a whole number, and 1 from the beginning.
    GrowsInWholeWeights,
}

/// A rule of a published balancer that is not this model's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Pays no attention to weights.
    NoWeights,
    /// Walks with a cursor, for [`Policy::SmoothWeighted`](super::model::Policy::SmoothWeighted), over a list that
    /// holds each server as often as its weight, and from its beginning again when the list is replaced. From a server
    /// that may not be chosen *the same* cursor moves on over the list that holds each server once,
    /// [`TRIES_MAX`](super::model::TRIES_MAX) places at most.
    ExpandsWeights,
    /// Gives [`Policy::SmoothWeighted`](super::model::Policy::SmoothWeighted) this order, again and again, whatever the
    /// weights. For servers that are all there all the time.
    Cycle(&'static [u8]),
    /// Of servers that are equally busy for their weight chooses, for
    /// [`Policy::LeastConnections`](super::model::Policy::LeastConnections), by a smooth weighted round robin among
    /// them; one that is idle is as busy as any other that is.
    TiesInTurn,
    /// For [`Policy::LeastConnections`](super::model::Policy::LeastConnections) an idle server is the least busy
    /// whatever its weight; of servers that are equally busy the one is chosen whose count changed longest ago.
    LongestUnchanged,
    /// A server that starts slowly begins with a sixteenth of its weight, whatever the model says, and grows from there, in
    /// sixteenths, by as many as of the time have passed.
    GrowsFromSixteenth,
}

impl Balancer {
    fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Tokens that a retry takes out of the bucket, which is asked for `cost`.
    pub(super) fn price(&self, cost: u8) -> u8 {
        if self.is(Variant::RetriesForFree) { 0 } else { cost }
    }

    /// Requests that a server has once a late one of its name has ended.
    pub(super) fn after_late(&self, in_flight: u8) -> u8 {
        in_flight.saturating_sub(u8::from(self.is(Variant::CountsLateCompletion)))
    }

    /// Whether a request that has `ended` stays on the count of its server, where `running` are in flight. It does so
    /// often and no more: a bound of the model.
    pub(super) fn keeps_count(&self, ended: Ended, in_flight: u8, running: usize) -> bool {
        let kept = match ended {
            Ended::Cancelled => self.is(Variant::KeepsCountOnCancel),
            Ended::Panicked => self.is(Variant::KeepsCountOnPanic),
            Ended::Success | Ended::Failure => false,
        };
        kept && usize::from(in_flight) <= running + LEAKS_MAX
    }

    /// Counts a failure as an answer of a server, one that took no less than it is expected to.
    pub(super) fn estimate_failure(&self, at: &mut Server, took: u8) {
        if self.is(Variant::FailureLooksFast) {
            self.estimate(at, took);
        } else {
            (at.estimate, at.estimated) = (at.estimate.max(took).max(TICK_UNITS), 0);
        }
    }

    /// Whether servers are ejected however few are left.
    pub(super) fn ejects_without_limit(&self) -> bool {
        self.is(Variant::EjectsWithoutLimit)
    }

    /// Whether an ejection never ends.
    pub(super) fn ejects_for_good(&self) -> bool {
        self.is(Variant::EjectsForGood)
    }

    /// Whether the report that a server is healthy again is dropped.
    pub(super) fn loses_recovery(&self) -> bool {
        self.is(Variant::LosesHealthUpdate)
    }

    /// Place of the cursor after the list or a server's health has changed.
    pub(super) fn cursor_after_change(&self, last: u8) -> u8 {
        if self.is(Variant::ResetsCursorOnChange) { SERVERS_MAX as u8 } else { last }
    }

    /// Place of the cursor after the list was replaced.
    pub(super) fn cursor_of_new_list(&self, last: u8) -> u8 {
        if self.has(Quirk::ExpandsWeights) { self.cursor() } else { last }
    }

    /// Whether a cursor walks a list that holds each server as often as its weight.
    pub(super) fn expands_weights(&self) -> bool {
        self.has(Quirk::ExpandsWeights)
    }

    /// The order that is followed whatever the weights.
    pub(super) fn own_cycle(&self) -> Option<&'static [u8]> {
        self.quirks.iter().find_map(|quirk| match quirk {
            Quirk::Cycle(order) => Some(*order),
            Quirk::NoWeights
            | Quirk::ExpandsWeights
            | Quirk::TiesInTurn
            | Quirk::LongestUnchanged
            | Quirk::GrowsFromSixteenth => None,
        })
    }

    /// The part of a `whole` weight that a server has at `age`, in parts of its own.
    pub(super) fn grown_from_sixteenth(&self, whole: u8, age: u8) -> Option<u8> {
        let grown = || SIXTEENTHS.min(1 + SIXTEENTHS * u16::from(age) / u16::from(self.slow_start_ticks));
        self.has(Quirk::GrowsFromSixteenth).then(|| (u16::from(whole) * grown()) as u8)
    }

    /// Whether of servers that are equally busy the one is chosen whose count changed longest ago.
    pub(super) fn takes_longest_unchanged(&self) -> bool {
        self.has(Quirk::LongestUnchanged)
    }

    /// Whether servers that are equally busy have their turns.
    pub(super) fn ties_in_turn(&self) -> bool {
        self.has(Quirk::TiesInTurn)
    }

    /// Whether there is no panic mode.
    pub(super) fn never_panics(&self) -> bool {
        self.is(Variant::NeverPanics)
    }

    /// Whether unhealthy servers are chosen too.
    pub(super) fn ignores_health(&self) -> bool {
        self.is(Variant::IgnoresHealth)
    }

    /// Whether weights mean nothing, by a rule that is not this model's.
    pub(super) fn has_no_weights(&self) -> bool {
        self.has(Quirk::NoWeights)
    }

    /// Whether every weight is taken for 1.
    pub(super) fn forgets_weights(&self) -> bool {
        self.is(Variant::ForgetsWeights)
    }

    /// Whether a server that comes back has its whole weight at once.
    pub(super) fn starts_at_full_weight(&self) -> bool {
        self.is(Variant::StartsAtFullWeight)
    }

    /// Age of a server that joins the list.
    pub(super) fn age_of_newcomer(&self) -> u8 {
        if self.is(Variant::JoinsAtFullWeight) { self.slow_start_ticks } else { 0 }
    }

    /// A weight of so many parts, as it is rounded.
    pub(super) fn whole_weights(&self, parts: u16) -> u16 {
        let one = u16::from(WEIGHT_PARTS);
        if self.is(Variant::GrowsInWholeWeights) { (parts / one).max(1) * one } else { parts }
    }

    /// Whether the second server is drawn among all, the first one included.
    pub(super) fn draws_same_twice(&self) -> bool {
        self.is(Variant::DrawsSameTwice)
    }

    /// Whether each server is given its weight in one go.
    pub(super) fn is_naive(&self) -> bool {
        self.is(Variant::NaiveWeighted)
    }

    /// Whether a key goes to the server at its place in the list.
    pub(super) fn hashes_by_position(&self) -> bool {
        self.is(Variant::HashesByPosition)
    }

    /// Whether a key goes to its server whatever load that has.
    pub(super) fn ignores_bound(&self) -> bool {
        self.is(Variant::IgnoresBound)
    }
}
