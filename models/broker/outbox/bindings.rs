//! Our outbox and relay, bound: orders and a queue that keeps what is published.

use std::sync::Arc;

use counterpart::Counterpart;

use super::conformance::{OutboxInterface, Seen};
use super::implementation::{Outbox, Relay};
use super::model::{Action, ORDERS_MAX, Ordering, Told};

/// An outbox, its relay, and the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    outbox: Outbox,
    relay: Relay,
    read: Option<u8>,
    published: [u8; ORDERS_MAX],
    orders: u8,
}

impl Bound {
    /// What `model` speaks of.
    pub(super) fn new(model: &Ordering) -> Self {
        Bound { orders: model.orders, ..Bound::default() }
    }
}

impl Counterpart<OutboxInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            // The order and its row are committed together.
            Action::Commit { order } | Action::WriteRow { order } => {
                self.outbox.stage(Arc::from([order].as_slice()));
            }
            Action::RollBack { .. } | Action::CrashService => {}
            Action::Read => {
                let row = self.relay.read(&self.outbox).and_then(|(_, payload)| payload.first().copied());
                self.read = row;
                return row.map_or(Told::Nothing, Told::Row);
            }
            Action::Publish => {
                if let Some(published) = self.read.and_then(|order| self.published.get_mut(usize::from(order))) {
                    *published = (*published + 1).min(2);
                    self.relay.confirmed();
                }
            }
            Action::Mark => {
                if self.relay.mark(&mut self.outbox).is_err() {
                    return Told::Nothing;
                }
                self.read = None;
            }
            Action::CrashRelay => {
                self.relay = Relay::default();
                self.read = None;
            }
        }
        Told::Done
    }

    fn observe(&self) -> Option<Seen> {
        let mut pending = [false; ORDERS_MAX];
        for order in self.outbox.pending().filter_map(|(_, payload)| payload.first().copied()) {
            pending[usize::from(order)] = true;
        }
        Some(Seen { pending, published: self.published })
    }
}
