//! Redis Streams and NATS JetStream as brokers.

#[path = "broker/nats.rs"]
mod nats;
#[path = "broker/redis.rs"]
mod redis;

use counterpart::{Check, Counterpart};
use counterpart_models::broker::conformance::DeliveryInterface;
use counterpart_models::broker::model::{Budget, Delivery, Variant};

use crate::alongside::{Alongside, TRACES, k_of_k};
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    [redis::cases(), nats::cases()].concat()
}

/// A check of `model` with `daemon` alongside: a deviation has to be shown three times of three.
fn check<C: Counterpart<DeliveryInterface> + 'static>(
    daemon: &Daemon,
    model: Delivery,
    make: impl Fn(&Delivery) -> C + Send + Sync + 'static,
) -> Check<Delivery, DeliveryInterface> {
    let beside = model.clone();
    counterpart_models::broker::check(model)
        .alongside_only()
        .traces_in(TRACES)
        .subject(daemon.subject, k_of_k().of(move || make(&beside)))
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
    let sound = check(daemon, model.clone(), make.clone()).because(daemon.subject, because).diverges(daemon.subject);
    let but_for = check(daemon, model.with(variant), make);
    [
        Alongside::new(daemon, &format!("broker/{name}"), checked, sound),
        Alongside::new(daemon, &format!("broker/{variant_name}"), variant_checked, but_for),
    ]
}
