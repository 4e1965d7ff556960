//! The cases of the catalogue: what holds, the table of promises, the stories, each defect.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::conform::interleave::Interleave;
use counterpart::explore::{Budget as Limits, explore};
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::DeliveryInterface;
use super::defects::{self, fenced, poisoned, two_faults};
use super::model::{Action, Budget, Delivery, State, Status, Variant};
use super::properties::*;
use super::{check, credits, outbox, races, transactions};
use crate::{Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "broker", cases, generated, pictures: &[] };

fn generated() -> Vec<Generated> {
    vec![Generated::part("diagram", format!("```mermaid\n{}```\n", diagram()))]
}

/// What becomes of a message in the log, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let model = Delivery { message_keys: vec![0], group_commit: true, ..defects::redriven() };
    let graph = explore(Arc::new(model), &Limits::default()).expect("the sound model can be explored");
    let phase = |state: &State| {
        let phase = match state.log[0] {
            None => "Absent",
            Some(entry) if !entry.durable => "Unsynced",
            Some(entry) => match entry.status {
                Status::Ready => "Ready",
                Status::Inflight(_) => "Leased",
                Status::Done => "Acknowledged",
                Status::Dead => "DeadLetter",
            },
        };
        phase.to_string()
    };
    counterpart::view::state_diagram(&graph, phase, |action| {
        match action {
            Action::Arrive { .. } => "publish",
            Action::Sync => "sync",
            Action::Deliver { .. } => "deliver",
            Action::Ack { .. } => "ack",
            Action::Nack { .. } => "nack",
            Action::Expire { .. } => "lease over",
            Action::CrashConsumer { .. } | Action::RemoveConsumer { .. } => "consumer gone",
            Action::CrashBroker { .. } => "broker crash",
            Action::Bury { .. } => "attempts used up",
            Action::Redrive { .. } => "redrive",
            Action::Send { .. }
            | Action::Retry { .. }
            | Action::RestartProducer
            | Action::Drop { .. }
            | Action::Confirm { .. }
            | Action::LoseConfirm { .. }
            | Action::Work { .. }
            | Action::Renew { .. }
            | Action::RestartConsumer { .. }
            | Action::ForgetKey { .. } => "other",
        }
        .into()
    })
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(stories());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(outbox::cases());
    cases.extend(credits::cases());
    cases.extend(transactions::cases());
    cases.extend(raced());
    cases
}

fn case(name: &str, check: Check<Delivery, DeliveryInterface>) -> Case {
    Case::new(format!("broker/{name}"), check)
}

/// A check with our own broker in every sequential mode.
fn with_ours(model: Delivery) -> Check<Delivery, DeliveryInterface> {
    let budget = model.budget;
    let larger =
        Budget { crashes: budget.crashes * 3, faults: budget.faults * 4, retries: budget.retries * 3, ..budget };
    // Who starts anew sends again: the log has room for three messages twice.
    let message_keys = if budget.restarts > 0 { vec![0, 1, 0] } else { vec![0, 1, 0, 1] };
    let larger = Delivery { message_keys, consumers: 3, budget: larger, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(200), Bound::new, Bound::new)
}

fn sound() -> Vec<Case> {
    let three = Delivery {
        message_keys: vec![0; 3],
        consumers: 3,
        budget: Budget { crashes: 1, faults: 1, retries: 1, ..Budget::default() },
        ..fenced()
    };
    vec![
        case("delivery", with_ours(defects::one())),
        case("delivery_of_two", with_ours(defects::two())),
        case("delivery_group_commit", with_ours(defects::grouped())),
        case("delivery_epochs", with_ours(defects::restarted())),
        case("delivery_removal", with_ours(defects::removed())),
        case("delivery_redrive", with_ours(defects::redriven())),
        case("delivery_poison", with_ours(poisoned())),
        case("delivery_renewal", with_ours(defects::renewed())),
        case("delivery_crashes", check(Delivery::small())),
        case("delivery_fenced", check(Delivery { group_commit: true, attempts_max: Some(3), ..fenced() })),
        // As stateright counts them.
        case("delivery_large", check(three).counts(880_540, 5_623_299)).large(),
    ]
}

/// Threads at once: on ours, and on one that answers before its log has.
fn raced() -> Vec<Case> {
    let (model, early) = (
        races::racing(),
        Delivery { message_keys: vec![0], budget: Budget { retries: 1, ..Budget::default() }, ..Delivery::small() },
    );
    let sound = check(model.clone()).alongside_only().interleave(races::scripts(), move || races::Raced::new(&model));
    let of_two = early.clone();
    let answers_early = check(early.clone())
        .alongside_only()
        .interleave(vec![races::two_publishes()], move || races::Raced::new(&of_two))
        .subject("answers_early", Interleave::new(vec![races::two_publishes()]).of(move || races::Raced::early(&early)))
        .because("answers_early", "the publisher is told that its message is safe, and the log has not been written")
        .diverges("answers_early");
    vec![case("delivery_races", sound), case("between_threads", answers_early)]
}

/// What is told under a name of its own.
fn stories() -> Vec<Case> {
    let story = Delivery { message_keys: vec![0], ..Delivery::small() }.with(Variant::KeepsNoKeys);
    let unlimited = Delivery { attempts_max: None, ..poisoned() };
    vec![
        case(
            "double_charge",
            check(story).violates(ONCE).because(
                ONCE,
                "the charge was made and the consumer crashed before it could say so: the queue delivers again what was \
                 not acknowledged, and the customer is charged twice",
            ),
        ),
        case(
            "zombie_breaks_order",
            check(two_faults()).violates(IN_ORDER).because(
                IN_ORDER,
                "the first consumer's lease is over and it does not know; its message has become a dead letter, the next \
                 one is done, and only then the zombie does its work: every effect is done once, and the order is lost. \
                 A token that the store of effects compares keeps the zombie out",
            ),
        ),
        case(
            "restart_breaks_order",
            check(Delivery { attempts_max: Some(2), ..Delivery::small() }).violates(IN_ORDER).because(
                IN_ORDER,
                "that the broker restarts costs an attempt like any other mishap: with one lease that runs out the message \
                 is a dead letter, and its last holder does not know",
            ),
        ),
        case("poison_for_ever", check(unlimited).violates(SETTLED)),
    ]
}
