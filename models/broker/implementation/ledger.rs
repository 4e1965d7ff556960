//! Effects in a database: an effect, its idempotency key, the fence of its ordering key and what is to be published of it are
//! one transaction. A crash leaves all of them or none.

use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::effects::Outcome;
use super::store::{StoreError, begin, commit, error};
use super::types::Delivery;

const DONE: TableDefinition<'_, u128, ()> = TableDefinition::new("effects done");
const FENCES: TableDefinition<'_, u64, u64> = TableDefinition::new("fences of ordering keys");
const OUTBOX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outbox");
const NEXT_ROW: TableDefinition<'_, (), u64> = TableDefinition::new("next row of the outbox");

/// A row of the outbox: its id, and what is to be published.
pub type Row = (u64, Arc<[u8]>);

/// The effects that a database has, beside the tables of whoever does the work.
#[derive(Debug)]
pub struct Ledger {
    database: Database,
    file: String,
}

/// An effect under way.
pub struct Work<'ledger> {
    /// What the effect writes belongs in here.
    pub transaction: &'ledger WriteTransaction,
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}

impl Work<'_> {
    /// Has `payload` published once the effect is committed. The row's id makes a good idempotency key: it is never given
    /// again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn publish(&mut self, payload: &[u8]) -> Result<u64, redb::Error> {
        let mut next_row = self.transaction.open_table(NEXT_ROW)?;
        let row = next_row.get(())?.map_or(0, |next| next.value());
        next_row.insert((), row + 1)?;
        self.transaction.open_table(OUTBOX)?.insert(row, payload)?;
        Ok(row)
    }
}

impl Ledger {
    /// Effects in `database`, which is that of whoever does the work; `file` is its name in errors.
    pub fn new(database: Database, file: impl Into<String>) -> Self {
        Ledger { database, file: file.into() }
    }

    /// Does the effect of a delivery unless it was done, or a later token of its ordering key was seen. When it returns what
    /// `effect` has written is durable, together with its key; if `effect` fails or unwinds nothing of it is there.
    ///
    /// # Errors
    /// The database cannot be read or written: whether the effect was done is not known. Or `effect` says so.
    pub fn apply(
        &self,
        delivery: &Delivery,
        effect: impl FnOnce(&mut Work<'_>) -> Result<(), redb::Error>,
    ) -> Result<Outcome, StoreError> {
        self.applied(delivery, effect).map_err(|redb| error(&self.file, redb))
    }

    fn applied(
        &self,
        delivery: &Delivery,
        effect: impl FnOnce(&mut Work<'_>) -> Result<(), redb::Error>,
    ) -> Result<Outcome, redb::Error> {
        // Dropped on the way, it takes everything back.
        let transaction = begin(&self.database)?;
        {
            let mut fences = transaction.open_table(FENCES)?;
            let fence = fences.get(delivery.ordering_key)?.map_or(0, |fence| fence.value());
            if delivery.token.0 < fence {
                return Ok(Outcome::Fenced);
            }
            fences.insert(delivery.ordering_key, delivery.token.0)?;
        }
        let is_new = transaction.open_table(DONE)?.insert(delivery.idempotency_key, ())?.is_none();
        if is_new {
            effect(&mut Work { transaction: &transaction })?;
        }
        // The fence is kept of a duplicate as well.
        commit(&self.database, transaction)?;
        Ok(if is_new { Outcome::Applied } else { Outcome::Duplicate })
    }

    /// Forgets that an effect was done, as [`EffectStore::forget`](super::EffectStore::forget).
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn forget(&self, idempotency_key: u128) -> Result<(), StoreError> {
        self.change(|transaction| {
            transaction.open_table(DONE)?.remove(idempotency_key)?;
            Ok(())
        })
    }

    /// What is still to be published, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pending(&self) -> Result<Vec<Row>, StoreError> {
        self.read().map_err(|redb| error(&self.file, redb))
    }

    fn read(&self) -> Result<Vec<Row>, redb::Error> {
        let rows = match self.database.begin_read()?.open_table(OUTBOX) {
            // Nothing was published yet.
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            rows => rows?,
        };
        let mut pending = Vec::new();
        for row in rows.iter()? {
            let (id, payload) = row?;
            pending.push((id.value(), payload.value().into()));
        }
        Ok(pending)
    }

    /// The broker has confirmed a row: it is not published again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn mark(&self, row: u64) -> Result<(), StoreError> {
        self.change(|transaction| {
            transaction.open_table(OUTBOX)?.remove(row)?;
            Ok(())
        })
    }

    fn change(&self, change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) -> Result<(), StoreError> {
        let changed = || {
            let transaction = begin(&self.database)?;
            change(&transaction)?;
            commit(&self.database, transaction)
        };
        changed().map_err(|redb| error(&self.file, redb))
    }
}
