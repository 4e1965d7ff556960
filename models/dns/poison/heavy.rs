//! hickory's recursor through the model, as far as what a server adds goes: one name, and answers that say too much.
//!
//! What an answer is known by is looked at below what is driven here. Where zones begin it asks for by itself (NS), and
//! those questions are answered as the zones are; so a referral in answer to an address is something that it has not asked
//! for, and is driven apart.

use std::net::Ipv4Addr;

use counterpart::{Counterpart, Interface};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::RecordType;
use stateright::{Model, Property};

use super::super::heavy::{Asked, ROOT, Recursing, address, found, no_data, record, referral, server};
use super::conformance::NAME_TEXTS;
use super::model::{Action, Content, Poison, State, Told};

const ZZ: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const SERVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 3), Ipv4Addr::new(192, 0, 2, 4)];
const TRUE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const FORGED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 6);

/// The model, with questions of clients and answers of these contents alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added(pub Poison, pub Vec<Content>);

impl Model for Added {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.0.init_states()
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        for name in 0..self.0.names {
            actions.push(Action::Ask { name, id: 0, port: 0 });
            actions.extend(self.1.iter().map(|content| Action::Answer { name, content: *content }));
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        self.0.next_state(before, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }
}

/// What the outside sees of it: what it is told.
#[derive(Clone, Copy, Debug)]
pub struct AddedInterface;

impl Interface for AddedInterface {
    type Model = Added;
    type Input = Action;
    type Output = Told;
    type Snapshot = ();

    fn label(&self, model: &Added, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.0.step(from, *action).1))
    }
}

/// The recursor, of which nothing was asked.
pub struct Lied(Recursing);

fn fqdn(number: usize) -> String {
    format!("{}.", NAME_TEXTS[number])
}

fn zone(number: usize) -> String {
    fqdn(number)[4..].to_string()
}

/// Servers on the way, and that nothing begins at a name. Addresses of names in the two zones are held.
fn script(asked: &Asked) -> Option<Message> {
    let below = (0..2).find(|number| asked.name.ends_with(&zone(*number)));
    match (asked.kind, below) {
        (RecordType::NS, _) if asked.server == ROOT => Some(referral("zz.", &[("ns.zz.".into(), Some(ZZ))])),
        (RecordType::NS, Some(number)) if asked.server == ZZ => {
            let of = zone(number);
            Some(referral(&of, &[(format!("ns.{of}"), Some(SERVERS[number]))]))
        }
        (RecordType::A, Some(_)) => None,
        (_, Some(number)) => Some(no_data(&zone(number))),
        (_, None) => Some(no_data("zz.")),
    }
}

impl Default for Lied {
    fn default() -> Self {
        Lied(Recursing::new(script))
    }
}

impl Lied {
    /// The recursor.
    pub fn recursing(&mut self) -> &mut Recursing {
        &mut self.0
    }
}

/// What the server of the zone says when it is asked for the name's address.
pub fn says(number: usize, content: Content) -> Message {
    let (own, other) = (fqdn(number), 1 - number);
    let mut message = found(vec![record(&own, address(TRUE))]);
    match content {
        Content::Plain => {}
        Content::WithAuthority => message.authorities.push(record(&zone(other), server(&own))),
        Content::WithAdditional => {
            message.additionals.push(record(&format!("ns.{}", zone(number)), address(FORGED)));
        }
        Content::WithForeignAnswer => message.answers.push(record(&fqdn(other), address(FORGED))),
        Content::Referral => message = referral(&own, &[(own.clone(), Some(FORGED))]),
        Content::SiblingReferral => message = referral(&zone(other), &[(own, None)]),
        Content::ReferralWithAnswer => {
            message = referral(&own, &[(own.clone(), None)]);
            message.answers.push(record(&own, address(FORGED)));
        }
    }
    message
}

impl Counterpart<AddedInterface> for Lied {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Ask { name, .. } => {
                let before = self.0.held().len();
                let told = self.0.ask(&fqdn(name.into()), RecordType::A);
                match told.last() {
                    Some(_) => Told::Hit,
                    None if self.0.held().len() > before => Told::Sent,
                    None => Told::UnderWay,
                }
            }
            Action::Answer { name, content } => {
                if self.0.held().is_empty() {
                    return Told::Ignored;
                }
                match self.0.answer(says(name.into(), content)).last() {
                    Some(Ok(message)) if !message.answers.is_empty() => Told::Believed,
                    Some(_) => Told::Lame,
                    None => Told::Referred,
                }
            }
            Action::Guess { .. } | Action::Forge { .. } => Told::Ignored,
        }
    }
}
