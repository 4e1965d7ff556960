//! Redis Streams as a broker.

#[path = "broker/redis.rs"]
mod redis;

use counterpart::{Check, Counterpart};
use counterpart_models::broker::conformance::DeliveryInterface;
use counterpart_models::broker::model::{Budget, Delivery};

use crate::alongside::{Alongside, TRACES, k_of_k};
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    redis::cases()
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
