//! Redis Streams and NATS JetStream as brokers.

#[path = "broker/nats.rs"]
mod nats;
#[path = "broker/redis.rs"]
mod redis;

use counterpart::conform::Recovery;
use counterpart::{Check, Counterpart};
use counterpart_models::broker::conformance::DeliveryInterface;
use counterpart_models::broker::model::{Action, Budget, Delivery, State, Status, Told, Variant};

use crate::alongside::{Alongside, beside, walked};
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

/// A demand that the daemon comes to where all that its log has is settled, and every message that is known to be confirmed
/// has taken effect, once nothing is lost and nobody crashes any more. It is driven beside `larger`.
fn recovering<C: Counterpart<DeliveryInterface> + 'static>(
    daemon: &'static Daemon,
    small: Delivery,
    larger: Delivery,
    make: impl Fn(&Delivery) -> C + Send + Sync + 'static,
) -> Check<Delivery, DeliveryInterface> {
    let is_fault = |input: &Action| {
        matches!(
            input,
            Action::Drop { .. }
                | Action::LoseConfirm { .. }
                | Action::Expire { .. }
                | Action::CrashConsumer { .. }
                | Action::CrashBroker { .. }
        )
    };
    let there = larger.clone();
    let recovery = Recovery::new(is_well).without(is_fault).beside(larger).runs(RUNS).after(FAULTY_STEPS_MAX);
    walked(daemon, counterpart_models::broker::check(small), recovery.of(move || make(&there)))
}

/// Each run has a daemon of its own, which is started anew as often as it crashes.
const RUNS: usize = 24;

/// Enough for every mishap of the larger bounds.
const FAULTY_STEPS_MAX: usize = 60;

/// Whether nothing is on its way to the log, all that is in it is settled, and what the producer knows to be confirmed took effect.
fn is_well(model: &Delivery, state: &State) -> bool {
    let is_sent = usize::from(state.producer.next) == model.message_keys.len();
    let is_settled = state.log.iter().flatten().all(|entry| entry.status == Status::Done);
    let took_effect = |message: u8| state.effects[usize::from(message)] > 0;
    let known = model.messages().filter(|message| state.producer.known >> message & 1 == 1);
    is_sent
        && state.publishes.concat().iter().all(|copies| *copies == 0)
        && is_settled
        && known.into_iter().all(took_effect)
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
