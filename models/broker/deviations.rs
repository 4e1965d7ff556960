//! Where the model deviates: each [`Variant`] is one defect of a broker, or of who works with it, and each deviation is a
//! hook that the rules ask.

use serde::Serialize;

use super::model::{Delivery, Phase, Status};

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// Whoever does the work keeps no idempotency keys.
    KeepsNoKeys,
    /// The key is looked for, the effect done, and only then the key recorded.
    ChecksThenActs,
    /// The key is recorded before the effect.
    RecordsKeyFirst,
    /// A publish is confirmed before it is synced.
    ConfirmsBeforeSync,
    /// Nothing is confirmed, and nothing is sent again.
    FiresAndForgets,
    /// A delivery counts as acknowledged once it is handed out.
    AcksFirst,
    /// Messages of one key are handed out side by side.
    IgnoresKeys,
    /// Only the oldest message that is not settled is handed out, whatever its key.
    BlocksBehindHead,
    /// Every copy of a publish is stored.
    StoresEveryCopy,
    /// Producer and sequence are looked at, the epoch is not.
    IgnoresEpoch,
    /// An ack names the message, and counts whoever it is from.
    AcksByMessage,
    /// A renewal names the message, and counts whoever it is from.
    RenewsByMessage,
    /// What a removed consumer held stays with it.
    ForgetsPending,
    /// More is handed to a consumer than it has asked for.
    IgnoresPrefetch,
    /// A delivery after the first is not counted.
    CountsFirstDelivery,
    /// A message whose attempts are used up is dropped.
    DropsAtMax,
    /// The key of a dead letter is forgotten before it is redriven.
    ForgetsKeysOfDead,
    /// After a crash the half-written end of the log is read as a message.
    ReadsTornTail,
    /// An ack names the message, and counts whoever it is from as long as the message is pending (Redis Streams, NATS
    /// JetStream).
    AcksWhatIsPending,
    /// What a removed consumer held is nobody's: it counts as settled (Redis Streams).
    DropsPending,
    /// A renewal names the message, and whoever renews what is pending holds it from then on (Redis Streams).
    RenewalTakesOver,
}

impl Delivery {
    /// Whether what was sent is taken for stored: nothing is confirmed, and nothing sent again.
    pub(super) fn fires_and_forgets(&self) -> bool {
        self.variant == Variant::FiresAndForgets
    }

    /// Whether each copy of a publish is a message of its own.
    pub(super) fn stores_every_copy(&self) -> bool {
        self.variant == Variant::StoresEveryCopy
    }

    /// Whether a publish of an earlier epoch is refused.
    pub(super) fn looks_at_epochs(&self) -> bool {
        self.variant != Variant::IgnoresEpoch
    }

    /// Whether a publish is confirmed before it is synced.
    pub(super) fn confirms_before_sync(&self) -> bool {
        self.variant == Variant::ConfirmsBeforeSync
    }

    /// Whether deliveries after the first are counted.
    pub(super) fn counts_every_delivery(&self) -> bool {
        self.variant != Variant::CountsFirstDelivery
    }

    /// Whether a delivery is acknowledged by being handed out.
    pub(super) fn acks_first(&self) -> bool {
        self.variant == Variant::AcksFirst
    }

    /// Whether the store of effects looks at idempotency keys.
    pub(super) fn keeps_keys(&self) -> bool {
        self.variant != Variant::KeepsNoKeys
    }

    /// Whether an ack counts whoever it is from.
    pub(super) fn acks_by_message(&self) -> bool {
        self.variant == Variant::AcksByMessage
    }

    /// Whether a renewal counts whoever it is from.
    pub(super) fn renews_by_message(&self) -> bool {
        self.variant == Variant::RenewsByMessage
    }

    /// Whether what a removed consumer held stays with it.
    pub(super) fn forgets_pending(&self) -> bool {
        self.variant == Variant::ForgetsPending
    }

    /// Whether an ack counts whoever it is from, as long as the message is pending.
    pub(super) fn acks_what_is_pending(&self) -> bool {
        self.variant == Variant::AcksWhatIsPending
    }

    /// Whether what a removed consumer held counts as settled.
    pub(super) fn drops_pending(&self) -> bool {
        self.variant == Variant::DropsPending
    }

    /// Whether whoever renews what is pending holds it from then on.
    pub(super) fn renewal_takes_over(&self) -> bool {
        self.variant == Variant::RenewalTakesOver
    }

    /// Whether the half-written end of the log is read as a message.
    pub(super) fn reads_torn_tail(&self) -> bool {
        self.variant == Variant::ReadsTornTail
    }

    /// Whether the key of a dead letter is forgotten.
    pub(super) fn forgets_keys_of_dead(&self) -> bool {
        self.variant == Variant::ForgetsKeysOfDead
    }

    /// Whether a publish has to follow on what was stored before.
    pub(super) fn looks_at_sequences(&self) -> bool {
        !self.stores_every_copy() && !self.fires_and_forgets()
    }

    /// Whether a message that is not settled keeps a later one from being handed out.
    pub(super) fn holds_up(&self, message: u8, later: u8) -> bool {
        match self.variant {
            Variant::IgnoresKeys => false,
            Variant::BlocksBehindHead => true,
            _ => self.key(message) == self.key(later),
        }
    }

    /// Most messages that are handed to one consumer.
    pub(super) fn handed_out_max(&self) -> u8 {
        self.prefetch + u8::from(self.variant == Variant::IgnoresPrefetch)
    }

    /// What becomes of a message whose attempts are used up.
    pub(super) fn when_used_up(&self) -> Status {
        if self.variant == Variant::DropsAtMax { Status::Done } else { Status::Dead }
    }

    /// The first step of the work: whether it records the key, whether it takes effect, and how far the work is then.
    /// Sound: both at once.
    pub(super) fn first_step(&self) -> (bool, bool, Phase) {
        match self.variant {
            Variant::KeepsNoKeys => (false, true, Phase::Effected),
            Variant::ChecksThenActs => (false, true, Phase::Acted),
            Variant::RecordsKeyFirst => (true, false, Phase::Keyed),
            _ => (true, true, Phase::Effected),
        }
    }
}
