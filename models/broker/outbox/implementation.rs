//! An outbox one would ship: a table to be kept in the same transaction as the business, and the relay's part of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

/// A row of the outbox, in the order in which rows were staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u64);

/// What is to be published. It belongs into the transaction of what it is about: clone it with that, and keep both or
/// neither.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outbox {
    rows: BTreeMap<RowId, Arc<[u8]>>,
    next: u64,
}

impl Outbox {
    /// Adds a row. Its id makes a good idempotency key.
    pub fn stage(&mut self, payload: Arc<[u8]>) -> RowId {
        let id = RowId(self.next);
        self.next += 1;
        self.rows.insert(id, payload);
        id
    }

    /// Rows that are still to be published.
    pub fn pending(&self) -> impl Iterator<Item = (RowId, &[u8])> {
        self.rows.iter().map(|(id, payload)| (*id, &**payload))
    }

    fn mark(&mut self, id: RowId) {
        self.rows.remove(&id);
    }
}

/// What a relay has read, and whether the broker has confirmed it. It is in memory alone: a relay that starts anew reads
/// again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Relay {
    read: Option<(RowId, bool)>,
}

/// The row was not confirmed by the broker: to mark it now might lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the row is not confirmed by the broker")]
pub struct NotConfirmed;

impl Relay {
    /// Reads the oldest row that is to be published.
    pub fn read<'outbox>(&mut self, outbox: &'outbox Outbox) -> Option<(RowId, &'outbox [u8])> {
        let row = outbox.pending().next()?;
        self.read = Some((row.0, false));
        Some(row)
    }

    /// The broker has confirmed what was read.
    pub fn confirmed(&mut self) {
        if let Some((_, is_confirmed)) = &mut self.read {
            *is_confirmed = true;
        }
    }

    /// Marks what was read, so that it is not published again.
    ///
    /// # Errors
    /// The broker has not confirmed it.
    pub fn mark(&mut self, outbox: &mut Outbox) -> Result<(), NotConfirmed> {
        match self.read {
            Some((id, true)) => outbox.mark(id),
            Some((_, false)) | None => return Err(NotConfirmed),
        }
        self.read = None;
        Ok(())
    }
}
