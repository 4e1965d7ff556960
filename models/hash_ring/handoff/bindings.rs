//! Two nodes of our own, bound to the model: an old owner, a new one, and what is on its way between them.

use std::num::NonZeroU32;

use counterpart::Counterpart;

use super::super::implementation::{Arc, Member, Placement, Ring};
use super::conformance::{Answer, HandoffInterface, Seen};
use super::implementation::{Ack, Handover, Node, Refusal, Request, Transfer, View};
use super::model::{Action, CLIENTS_MAX, Handoff, KEYS_MAX};

/// Positions as a test wants them: node 0 at the end of the ring, node 1 in its middle, all keys before the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Halves;

impl Placement<u8> for Halves {
    fn point(&self, node: &u8, _: u32) -> u64 {
        if *node == 0 { u64::MAX } else { 1 << 63 }
    }

    fn key(&self, key: &[u8]) -> u64 {
        1 + key.first().map_or(0, |first| u64::from(*first))
    }
}

/// The two views: node 0 alone, and node 1 beside it.
///
/// # Panics
/// Never: both nodes have weight 1.
pub fn views() -> (View<u8, Halves>, View<u8, Halves>) {
    let mut ring = Ring::new(Halves, NonZeroU32::MIN);
    ring.add(0, Member::default()).expect("a node of weight 1");
    let before = View { epoch: 1, ring: ring.clone() };
    ring.add(1, Member::default()).expect("another node of weight 1");
    (before, View { epoch: 2, ring })
}

/// Two nodes and what is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    arc: Arc,
    old: Node<u8, Halves>,
    new: Node<u8, Halves>,
    copy: Option<Transfer>,
    acknowledgement: Option<Ack>,
    handover: Option<Handover>,
    epochs: [u64; CLIENTS_MAX],
    writes: u8,
}

impl Pair {
    /// As `model` begins.
    ///
    /// # Panics
    /// Never: exactly one arc changes hands from one view to the other.
    pub fn new(_: &Handoff) -> Self {
        let (before, after) = views();
        let mut old = Node::new(0, before.clone()).expect("a view with a node");
        let mut new = Node::new(1, before).expect("a view with a node");
        let plan = old.prepare(after.clone()).expect("the next view");
        new.prepare(after).expect("the next view");
        let &[(arc, _)] = plan.as_slice() else { panic!("one arc changes hands: {plan:?}") };
        Pair { arc, old, new, copy: None, acknowledgement: None, handover: None, epochs: [1; CLIENTS_MAX], writes: 0 }
    }

    fn request(&mut self, client: u8, request: impl FnOnce(u64) -> Request) -> Answer {
        let epoch = self.epochs[usize::from(client)];
        let node = if epoch == 1 { &mut self.old } else { &mut self.new };
        match node.serve(request(epoch)) {
            Ok(value) => Answer::Value(value.and_then(|value| value.first().copied()).unwrap_or(0)),
            Err(Refusal::StaleView { epoch }) => {
                self.epochs[usize::from(client)] = epoch;
                Answer::Moved
            }
            Err(Refusal::Frozen) => Answer::Frozen,
            Err(Refusal::NotYet) => Answer::NotYet,
            Err(refusal @ (Refusal::UnknownView { .. } | Refusal::NotOwner)) => panic!("{refusal}"),
        }
    }
}

fn done<T, E>(result: Result<T, E>) -> Answer {
    if result.is_ok() { Answer::Done } else { Answer::Refused }
}

impl Counterpart<HandoffInterface> for Pair {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Write { client, key } => {
                let version = self.writes + 1;
                let put = |epoch| Request::Put { epoch, key: vec![key], value: vec![version] };
                match self.request(client, put) {
                    Answer::Value(_) => {
                        self.writes = version;
                        Answer::Written
                    }
                    answer => answer,
                }
            }
            Action::Read { client, key } => self.request(client, |epoch| Request::Get { epoch, key: vec![key] }),
            Action::Refresh { client } => {
                self.epochs[usize::from(client)] = 2;
                Answer::Done
            }
            Action::Freeze => done(self.old.freeze(self.arc)),
            Action::Copy => match self.old.transfer(self.arc) {
                Ok(transfer) => {
                    self.copy = Some(transfer);
                    Answer::Done
                }
                Err(_) => Answer::Refused,
            },
            Action::Deliver => match self.copy.clone().map(|copy| self.new.receive(copy)) {
                None => Answer::Nothing,
                Some(Err(_)) => Answer::Refused,
                Some(Ok(ack)) => {
                    self.acknowledgement = Some(ack);
                    Answer::Done
                }
            },
            Action::Acknowledge => match self.acknowledgement.take() {
                None => Answer::Nothing,
                Some(ack) => done(self.old.acknowledged(ack)),
            },
            Action::Release => match self.old.release(self.arc) {
                Err(_) => Answer::Refused,
                Ok(handover) => {
                    self.handover = Some(handover);
                    Answer::Done
                }
            },
            Action::Activate => match self.handover.take() {
                None => Answer::Nothing,
                Some(handover) => done(self.new.activate(handover)),
            },
            Action::Delete => done(self.old.delete(self.arc)),
            Action::Crash => {
                self.copy = None;
                self.acknowledgement = None;
                self.handover = None;
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        let of = |node: &Node<u8, Halves>| -> [u8; KEYS_MAX] {
            std::array::from_fn(|key| node.stored(&[key as u8]).and_then(|value| value.first().copied()).unwrap_or(0))
        };
        Some(Seen { old: of(&self.old), new: of(&self.new) })
    }
}
