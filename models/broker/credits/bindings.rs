//! Our inboxes, bound: two services that send each other requests with a place for the reply.

use counterpart::Counterpart;

use super::conformance::{CreditsInterface, Seen};
use super::implementation::Inbox;
use super::model::{Action, Exchange, SERVICES, Told};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Letter {
    Request,
    Reply,
}

/// The two inboxes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    inboxes: [Inbox<Letter>; SERVICES],
}

impl Bound {
    /// What `model` speaks of.
    pub(super) fn new(model: &Exchange) -> Self {
        let inbox = || Inbox::new(model.capacity.into());
        Bound { inboxes: [inbox(), inbox()] }
    }

    fn take(&mut self, service: usize, letter: Letter) -> Told {
        match self.inboxes[service].take(|other| *other == letter) {
            Some(_) => Told::Done,
            None => Told::Nothing,
        }
    }
}

impl Counterpart<CreditsInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Request { service } => {
                let own = usize::from(service);
                if self.inboxes[own].reserve().is_err() {
                    return Told::Full;
                }
                if self.inboxes[1 - own].put(Letter::Request).is_ok() {
                    return Told::Done;
                }
                // A place that was set aside just now is there to be given back.
                let given_back = self.inboxes[own].give_back();
                debug_assert!(given_back.is_ok());
                Told::Full
            }
            Action::Take { service } => self.take(service.into(), Letter::Request),
            Action::Reply { service } => match self.inboxes[1 - usize::from(service)].put_reserved(Letter::Reply) {
                Ok(()) => Told::Done,
                Err(_) => Told::Full,
            },
            Action::Read { service } => self.take(service.into(), Letter::Reply),
        }
    }

    fn observe(&self) -> Option<Seen> {
        let seen = |inbox: &Inbox<Letter>| {
            let of = |letter| inbox.iter().filter(|other| **other == letter).count() as u8;
            (of(Letter::Request), of(Letter::Reply), inbox.reserved() as u8)
        };
        Some(Seen([seen(&self.inboxes[0]), seen(&self.inboxes[1])]))
    }
}
