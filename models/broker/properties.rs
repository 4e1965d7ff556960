//! What is promised of a delivery.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Breach, Delivery, Entry, State, Status};

/// P1. A confirmation is a promise.
pub const KEPT: &str = "what is confirmed took effect, is in the log or is a dead letter";
/// P2. Not that it is delivered once.
pub const ONCE: &str = "no message takes effect twice";
/// P3.
pub const SENT: &str = "nothing takes effect that was not sent";
/// P4. Of first effects.
pub const IN_ORDER: &str = "messages of a key take effect in the order in which they were sent";
/// P5. Liveness.
pub const SETTLED: &str = "what is confirmed takes effect or is a dead letter in the end";
/// P6.
pub const PREFETCH: &str = "no consumer is leased more than it has asked for";
/// P7. Liveness.
pub const APART: &str = "poison of one key does not hold up another";
/// P8.
pub const ATTEMPTS: &str = "nothing is delivered more often than it may be";
/// P11.
pub const REDRIVEN_ONCE: &str = "a dead letter that is put back takes effect once at most";
/// P12. Liveness.
pub const GIVEN_ON: &str = "what a removed consumer held is delivered again";
/// What a token is for.
pub const HOLDER: &str = "a delivery is settled or renewed by its holder alone";

/// What is assumed of runs.
pub(super) const WORKS: &str = "broker and consumers go on";

fn no(state: &State, breach: Breach) -> bool {
    state.seen.breach != Some(breach)
}

fn in_set(set: u8) -> impl Fn(&u8) -> bool {
    move |bit| set >> bit & 1 == 1
}

fn entries_of(state: &State, message: u8) -> impl Iterator<Item = &Entry> {
    state.log.iter().flatten().filter(move |entry| entry.message == message)
}

/// Whether a message is kept somewhere: in the log, among the dead letters, or in somebody's hands.
fn is_kept(model: &Delivery, state: &State, message: u8) -> bool {
    // Whoever takes for safe what was sent has to count the network.
    let under_way = state.publishes.iter().any(|copies| copies[usize::from(message)] > 0);
    let mut holds = state.consumers.iter().flat_map(|consumer| consumer.held).flatten();
    state.effects[usize::from(message)] > 0
        || model.fires_and_forgets() && under_way
        || entries_of(state, message).any(|entry| entry.status != Status::Done)
        || holds.any(|hold| state.message(hold.entry) == message)
}

/// Whether some confirmed message of `messages` is neither effected nor a dead letter.
fn is_open(state: &State, messages: impl IntoIterator<Item = u8>) -> bool {
    let is_open = |message: u8| {
        state.effects[usize::from(message)] == 0
            && !entries_of(state, message).any(|entry| entry.status == Status::Dead)
    };
    messages.into_iter().filter(in_set(state.seen.confirmed)).any(is_open)
}

/// Messages of keys that have no poison.
fn unpoisoned(model: &Delivery) -> Vec<u8> {
    let poisoned =
        |message: &u8| model.messages().any(|other| model.is_poison(other) && model.key(other) == model.key(*message));
    model.messages().filter(|message| !poisoned(message)).collect()
}

/// Safety.
pub(super) fn all(model: &Delivery) -> Vec<Property<Delivery>> {
    let mut all = vec![
        Property::always(KEPT, |model: &Delivery, state: &State| {
            model.messages().filter(in_set(state.seen.confirmed)).all(|message| is_kept(model, state, message))
        }),
        Property::always(ONCE, |_, state: &State| state.effects.iter().all(|effects| *effects <= 1)),
        Property::always(IN_ORDER, |_, state: &State| no(state, Breach::OutOfOrder)),
        Property::always(PREFETCH, |model: &Delivery, state: &State| {
            let leased =
                |consumer| state.log.iter().flatten().filter(move |entry| entry.status == Status::Inflight(consumer));
            (0..model.consumers).all(|consumer| leased(consumer).count() <= model.prefetch.into())
        }),
        Property::always(HOLDER, |_, state: &State| no(state, Breach::NotHolder)),
    ];
    if model.group_commit {
        all.push(Property::always(SENT, |_, state: &State| no(state, Breach::Phantom)));
    }
    if model.attempts_max.is_some() {
        all.push(Property::always(ATTEMPTS, |model: &Delivery, state: &State| {
            let most = model.attempts_max.unwrap_or(u8::MAX);
            state.log.iter().flatten().all(|entry| entry.delivered <= most)
        }));
    }
    if model.budget.redrives > 0 {
        all.push(Property::always(REDRIVEN_ONCE, |model: &Delivery, state: &State| {
            let redriven = model.messages().filter(in_set(state.seen.redriven));
            redriven.into_iter().all(|message| state.effects[usize::from(message)] <= 1)
        }));
    }
    if model.poison == 0 {
        all.push(Property::sometimes("every message takes effect", |model: &Delivery, state: &State| {
            state.effects[..model.message_keys.len()].iter().all(|effects| *effects > 0)
        }));
    }
    all
}

/// What is asked of whole runs.
pub(super) fn temporal(model: &Delivery) -> Vec<Temporal<Delivery>> {
    let open = |model: &Delivery, state: &State| is_open(state, model.messages());
    let mut temporal = vec![Temporal::leads_to(SETTLED, open, move |model, state| !open(model, state)).under(WORKS)];
    if model.poison != 0 && !unpoisoned(model).is_empty() {
        let open = |model: &Delivery, state: &State| is_open(state, unpoisoned(model));
        temporal.push(Temporal::leads_to(APART, open, move |model, state| !open(model, state)).under(WORKS));
    }
    if model.budget.removals > 0 {
        let orphaned = |_: &Delivery, state: &State| {
            let pending = |entry: &Option<Entry>| {
                entry.is_some_and(|entry| matches!(entry.status, Status::Ready | Status::Inflight(_)))
            };
            let mut entries = (0..).zip(&state.log).filter(|(at, _)| in_set(state.seen.orphaned)(at));
            entries.any(|(_, entry)| pending(entry))
        };
        let given_on = move |model: &Delivery, state: &State| !orphaned(model, state);
        temporal.push(Temporal::leads_to(GIVEN_ON, orphaned, given_on).under(WORKS));
    }
    temporal
}

/// What must not be put off for ever: what broker and consumers do. Nobody has to send, and nothing has to go wrong. Of a
/// consumer that was removed nothing is assumed.
pub(super) fn fairness(model: &Delivery, state: &State, action: &Action) -> Vec<FairKey> {
    let goes_on = |what: &str, which: u8| vec![FairKey::weak(WORKS).of_each((what, which))];
    let is_up = |consumer: u8| state.consumers[usize::from(consumer)].presence == super::model::Presence::Up;
    match *action {
        Action::Sync => goes_on("sync", 0),
        Action::Deliver { consumer } => goes_on("deliver", consumer),
        Action::Work { consumer } if is_up(consumer) => goes_on("work", consumer),
        Action::Ack { consumer } if is_up(consumer) => goes_on("ack", consumer),
        Action::Nack { consumer } if is_up(consumer) && model.poison != 0 => goes_on("nack", consumer),
        Action::RestartConsumer { consumer } => goes_on("restart", consumer),
        Action::Bury { entry } => goes_on("bury", entry),
        Action::Work { .. }
        | Action::Ack { .. }
        | Action::Nack { .. }
        | Action::Send { .. }
        | Action::Retry { .. }
        | Action::RestartProducer
        | Action::Arrive { .. }
        | Action::Drop { .. }
        | Action::Confirm { .. }
        | Action::LoseConfirm { .. }
        | Action::Renew { .. }
        | Action::Expire { .. }
        | Action::CrashConsumer { .. }
        | Action::RemoveConsumer { .. }
        | Action::CrashBroker { .. }
        | Action::Redrive { .. }
        | Action::ForgetKey { .. } => Vec::new(),
    }
}
