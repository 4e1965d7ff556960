//! What threads do to two inboxes at once, and inboxes whose locks are taken one after the other.

use counterpart::conform::interleave::Script;
use counterpart::conform::interleave::sync::{Mutex, MutexGuard, PoisonError};
use counterpart::model::Shared;

use super::conformance::CreditsInterface;
use super::implementation::Inbox;
use super::loomed::shared::{Inboxes, Service};
use super::model::{Action, Exchange, Told};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Request,
    Reply,
}

fn told<E>(done: Result<(), E>) -> Told {
    if done.is_ok() { Told::Done } else { Told::Full }
}

fn taken(letter: Option<Letter>) -> Told {
    if letter.is_some() { Told::Done } else { Told::Nothing }
}

/// Inboxes between threads.
pub(super) struct Raced(Inboxes<Letter>);

impl Raced {
    /// Those that `model` speaks of.
    pub(super) fn new(model: &Exchange) -> Self {
        Raced(Inboxes::new(model.capacity.into()))
    }
}

fn side(service: u8) -> Service {
    if service == 0 { Service::First } else { Service::Second }
}

impl Shared<CreditsInterface> for Raced {
    fn call(&self, input: &Action) -> Told {
        match *input {
            Action::Request { service } => told(self.0.request(side(service), Letter::Request)),
            Action::Take { service } => taken(self.0.take(side(service), |letter| *letter == Letter::Request)),
            Action::Reply { service } => told(self.0.reply(side(service), Letter::Reply)),
            Action::Read { service } => taken(self.0.take(side(service), |letter| *letter == Letter::Reply)),
        }
    }
}

/// The same with a lock for each inbox, taken one after the other.
pub(super) struct OneByOne([Mutex<Inbox<Letter>>; 2]);

impl OneByOne {
    /// Those that `model` speaks of.
    pub(super) fn new(model: &Exchange) -> Self {
        let inbox = || Mutex::new(Inbox::new(model.capacity.into()));
        OneByOne([inbox(), inbox()])
    }

    fn lock(&self, service: u8) -> MutexGuard<'_, Inbox<Letter>> {
        self.0[usize::from(service)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, service: u8) -> Told {
        if self.lock(service).reserve().is_err() {
            return Told::Full;
        }
        let put = self.lock(1 - service).put(Letter::Request);
        if put.is_err() {
            // It was set aside before.
            let _ = self.lock(service).give_back();
        }
        told(put)
    }
}

impl Shared<CreditsInterface> for OneByOne {
    fn call(&self, input: &Action) -> Told {
        match *input {
            Action::Request { service } => self.request(service),
            Action::Take { service } => taken(self.lock(service).take(|letter| *letter == Letter::Request)),
            Action::Reply { service } => told(self.lock(1 - service).put_reserved(Letter::Reply)),
            Action::Read { service } => taken(self.lock(service).take(|letter| *letter == Letter::Reply)),
        }
    }
}

/// Two requests at once, of which one has a place.
pub(super) fn two_requests() -> Script<Action> {
    Script::after([]).thread([Action::Request { service: 0 }]).thread([Action::Request { service: 1 }])
}

/// What threads do at once, each script for a race of its own.
pub(super) fn scripts() -> Vec<Script<Action>> {
    let (request, take) = (Action::Request { service: 0 }, Action::Take { service: 1 });
    let (reply, read) = (Action::Reply { service: 1 }, Action::Read { service: 0 });
    vec![
        two_requests(),
        // A request, and whoever waits for one.
        Script::after([]).thread([request]).thread([take]),
        // A reply, and whoever waits for it.
        Script::after([request, take]).thread([reply]).thread([read, read]),
        // The reply that makes room, and whoever wants to have it.
        Script::after([request, take, reply]).thread([read]).thread([request]),
        // A reply has its place, whoever else wants one.
        Script::after([request, take]).thread([reply]).thread([request]),
    ]
}
