//! Message delivery: what a queue promises, and what it leaves to its users.
//!
//! A payments company moved to a queue and charged customers twice. The queue worked as it was configured: what was not
//! acknowledged was delivered again. Between the charge and the ack there is room for a crash, and for a lease that runs
//! out. What can be had is an *effect* exactly once, never a delivery exactly once.
//!
//! # Check your own broker
//! Here it is the core of this folder, bound by hand; bind yours in the same words.
//! ```
//! use counterpart::Counterpart;
//! use counterpart_models::broker::conformance::DeliveryInterface;
//! use counterpart_models::broker::implementation::{Config, ConsumerId, Core, ProducerId, Publish, Recovered, Token};
//! use counterpart_models::broker::model::{Action, Budget, Delivery, Told};
//!
//! struct Mine { broker: Core, epoch: u32, done: bool, in_hand: Option<Token> }
//!
//! impl Counterpart<DeliveryInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Told {
//!         match *input {
//!             Action::Arrive { message, sequence, .. } => {
//!                 let key = u128::from(message);
//!                 let publish = Publish {
//!                     producer: ProducerId(1), epoch: self.epoch, sequence: sequence.into(),
//!                     ordering_key: 0, idempotency_key: key, payload: [message].as_slice().into(),
//!                 };
//!                 self.broker.publish(publish).expect("one message, sent once");
//!                 let last = self.broker.unsynced().last().expect("it was stored").0.message;
//!                 self.broker.synced(last);
//!                 Told::Confirmed
//!             }
//!             Action::Deliver { consumer } => match self.broker.deliver(ConsumerId(consumer.into()), 0) {
//!                 Ok(Some(delivery)) => {
//!                     self.in_hand = Some(delivery.token);
//!                     Told::Delivered { message: delivery.payload[0], attempt: delivery.attempt as u8 }
//!                 }
//!                 Ok(None) => Told::Nothing,
//!                 Err(_) => Told::Full,
//!             },
//!             Action::Work { .. } => if std::mem::replace(&mut self.done, true) { Told::Skipped } else { Told::Applied },
//!             Action::Ack { .. } => match self.in_hand.take().map(|token| self.broker.ack(token)) {
//!                 Some(Ok(())) => Told::Settled,
//!                 _ => Told::Stale,
//!             },
//!             // Nothing goes wrong in this model but on the network.
//!             _ => Told::Done,
//!         }
//!     }
//! }
//!
//! let make = || {
//!     let mut broker = Core::recover(Config::default(), Recovered::default()).expect("a configuration");
//!     let epoch = broker.start_producer(ProducerId(1));
//!     broker.add_consumer(ConsumerId(0), 1);
//!     Mine { broker, epoch, done: false, in_hand: None }
//! };
//! let calm = Delivery { message_keys: vec![0], consumers: 1, budget: Budget::default(), ..Delivery::small() };
//! counterpart_models::broker::check(calm).lockstep(make).assert();
//! ```
//!
//! # Sources
//! - Kafka KIP-98 (idempotent producers, transactions) and KIP-890 (late ends of transactions).
//! - Jepsen's reports on RabbitMQ, Redpanda and NATS JetStream 2.12.1; RabbitMQ's issue 10499 (order after a requeue).
//! - M. Kleppmann, "How to do distributed locking", 2016 (fencing tokens).
//!
//! # Abstracted away
//! - What a message says, and how long anything takes: a lease runs out at any time, as often as the budget has it.
//! - Tokens rise for ever; the model keeps which of them is the present one and which is greater.
//! - Acks, give-backs and moves to the dead letters are durable once they are answered; publishes alone are synced later.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod credits;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
pub mod disk;
pub mod implementation;
pub mod model;
mod offers;
pub mod outbox;
pub mod properties;
#[cfg(feature = "catalogue")]
mod races;
pub mod shared;
mod state;
mod steps;
pub mod transactions;

use std::sync;

use counterpart::Check;

use self::conformance::{DeliveryInterface, DeliverySpec};
use self::model::Delivery;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};

/// The shared broker compiled a second time, on loom's locks (see [`sync`](counterpart::conform::interleave::sync)).
#[cfg(feature = "catalogue")]
#[path = "."]
mod loomed {
    use counterpart::conform::interleave::sync;

    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;
}

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Delivery) -> Check<Delivery, DeliveryInterface> {
    let spec = DeliverySpec(model.clone());
    Check::of(model).interface(DeliveryInterface).spec(spec)
}
