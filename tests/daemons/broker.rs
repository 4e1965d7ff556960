//! Redis Streams and NATS JetStream as brokers.

#[path = "broker/nats.rs"]
mod nats;
#[path = "broker/redis.rs"]
mod redis;

use counterpart::{Check, Counterpart};
use counterpart_models::broker::conformance::DeliveryInterface;
use counterpart_models::broker::model::{Action, Budget, Delivery, Told, Variant};

use crate::alongside::{Alongside, beside};
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    [redis::cases(), nats::cases()].concat()
}

/// A check of `model` with `daemon` alongside.
fn check<C: Counterpart<DeliveryInterface> + 'static>(
    daemon: &Daemon,
    model: Delivery,
    make: impl Fn(&Delivery) -> C + Send + Sync + 'static,
) -> Check<Delivery, DeliveryInterface> {
    let there = model.clone();
    beside(daemon, counterpart_models::broker::check(model), move || make(&there))
}

/// One message and two consumers, where nothing goes wrong but what `budget` has. No message is delivered as often as it
/// may be.
fn of_one(budget: Budget) -> Delivery {
    Delivery { message_keys: vec![0], attempts_max: Some(4), budget, ..Delivery::small() }
}

/// A deviation from a model, and the variant of it to which the daemon conforms.
fn deviation<C: Counterpart<DeliveryInterface> + 'static>(
    daemon: &'static Daemon,
    [name, variant_name]: [&str; 2],
    [checked, variant_checked]: [&'static str; 2],
    (make, model, variant): (impl Fn(&Delivery) -> C + Clone + Send + Sync + 'static, Delivery, Variant),
    because: &str,
) -> [Alongside; 2] {
    let sound = check(daemon, model.clone(), make.clone());
    let but_for = check(daemon, model.with(variant), make);
    [
        Alongside::deviating(daemon, &format!("broker/{name}"), checked, sound, because),
        Alongside::new(daemon, &format!("broker/{variant_name}"), variant_checked, but_for),
    ]
}

/// A step that happens elsewhere than at the broker: on the way to it or back, at a producer, or of a consumer that begins
/// anew with nothing in hand.
///
/// # Panics
/// If it is the broker's: then these bounds have a step that no adapter takes.
fn elsewhere(step: &Action) -> Told {
    match step {
        Action::Send { .. }
        | Action::Retry { .. }
        | Action::RestartProducer
        | Action::Drop { .. }
        | Action::Confirm { .. }
        | Action::LoseConfirm { .. }
        | Action::RestartConsumer { .. } => Told::Done,
        other => panic!("{other:?} is a step that is not taken to a daemon"),
    }
}
