//! An embedded broker one would ship.
//!
//! [`Core`] decides, and does neither input nor output: time is passed in, and what has to be durable is given out as
//! [`Change`]s, which [`Store`] keeps. [`EffectStore`] is the other half of an effect exactly once, at whoever does the work;
//! [`Ledger`] is the same in a database, with an outbox.

mod core;
mod effects;
mod ledger;
mod record;
mod store;
mod types;

pub use self::core::Core;
pub use self::effects::{EffectStore, Outcome};
pub use self::ledger::{Ledger, Row, Work};
pub use self::store::{Log, Salvaged, Store, StoreError, salvage};
pub use self::types::{
    Change, Config, ConfigError, ConsumerId, DeliverError, Delivery, MessageId, MessageRow, Place, ProducerId,
    ProducerRow, Publish, PublishError, Published, Recovered, Stale, Token, Unknown, Unsynced,
};
