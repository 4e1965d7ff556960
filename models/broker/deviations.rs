//! What a broker, or who works with it, can do otherwise than it should.

use serde::Serialize;

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
}
