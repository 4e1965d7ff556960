//! The broker's log on disk, in a file of [`redb`].
//!
//! Every commit is in two phases, so that a half-finished one never falls back a commit without a word. A commit that changes
//! nothing follows it: a file keeps its last two, and says which is the later by one bit that no checksum covers. What a
//! file says is checked when it is opened, before the first write would seal what is damaged; and every record carries a
//! checksum of its own (CRC32C), by which it is told from damage even where the file as a whole cannot be read.

use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction};
use thiserror::Error;

use super::record::{Kind, Record, scan};
use super::types::{Change, Recovered};

const RECORDS: TableDefinition<'_, (u8, u64), &[u8]> = TableDefinition::new("records");

/// What keeps changes so that they survive a crash.
pub trait Log {
    /// Makes `changes` durable, all or none of them. When it returns they are.
    ///
    /// # Errors
    /// Whether they are durable is not known. Nothing more is taken.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;
}

/// What is wrong with a store. Each names the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store where one is expected: an empty file is none.
    #[error("{file}: there is no store; create one, or look for the file that was there")]
    Absent {
        /// The file.
        file: String,
    },
    /// There is a store, or something else, where a new one is to be.
    #[error("{file}: there is something already; open it instead, or move it away")]
    Exists {
        /// The file.
        file: String,
    },
    /// It cannot be read, or written.
    #[error("{file}: {what}; what was confirmed is in the file, open it again")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        what: String,
    },
    /// What the file says is not what was written.
    #[error("{file}: damaged: {what}; restore a copy, or salvage what has a checksum that holds")]
    Damaged {
        /// The file.
        file: String,
        /// What.
        what: String,
    },
    /// A write has failed before.
    #[error("{file}: a write has failed; open the store again")]
    Failed {
        /// The file.
        file: String,
    },
    /// A log has panicked while it was writing.
    #[error("the log has panicked while it was writing; open it again")]
    Unwound,
}

/// A store on disk.
#[derive(Debug)]
pub struct Store {
    database: Database,
    file: String,
    has_failed: bool,
}

fn damaged(file: &str, what: impl ToString) -> StoreError {
    StoreError::Damaged { file: file.into(), what: what.to_string() }
}

pub(super) fn error(file: &str, error: redb::Error) -> StoreError {
    let (file, what) = (file.to_string(), error.to_string());
    match error {
        redb::Error::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => StoreError::Damaged { file, what },
        redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseAlreadyOpen => {
            StoreError::Io { file, what }
        }
        _ => StoreError::Damaged { file, what },
    }
}

impl Store {
    /// Makes a new store in a file that is not there yet, or is empty.
    ///
    /// # Errors
    /// There is something, or it cannot be written.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let file = path.display().to_string();
        let io = |what: std::io::Error| StoreError::Io { file: file.clone(), what: what.to_string() };
        if std::fs::metadata(path).is_ok_and(|there| there.len() > 0) {
            return Err(StoreError::Exists { file });
        }
        // Made beside, and put in its place once it is whole: a crash leaves a store or none.
        let beside = path.with_extension("creating");
        match std::fs::remove_file(&beside) {
            Err(what) if what.kind() != std::io::ErrorKind::NotFound => return Err(io(what)),
            Ok(()) | Err(_) => {}
        }
        let (name, backend) = backend(&beside, true)?;
        drop(Self::create_on(backend, name)?);
        std::fs::rename(&beside, path).map_err(io)?;
        // Where a folder can be opened, its entry is synced as well.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let Ok(folder) = std::fs::File::open(folder) {
            folder.sync_all().map_err(io)?;
        }
        Ok(Self::open(path)?.0)
    }

    /// Opens the store that is expected in a file, and reads what it has.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is damaged.
    pub fn open(path: &Path) -> Result<(Self, Recovered), StoreError> {
        let (file, backend) = backend(path, false)?;
        Self::open_on(backend, file)
    }

    /// [`create`](Store::create), on a disk of one's own; `file` is its name in errors.
    ///
    /// # Errors
    /// There is something, or it cannot be written.
    pub fn create_on(backend: impl StorageBackend, file: String) -> Result<Self, StoreError> {
        let octets = backend.len().map_err(|io| error(&file, io.into()))?;
        if octets > 0 {
            return Err(StoreError::Exists { file });
        }
        let mut store = Self::begin(backend, file)?;
        store.commit(&[Change::Run(0)])?;
        Ok(store)
    }

    /// [`open`](Store::open), on a disk of one's own; `file` is its name in errors.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is damaged.
    pub fn open_on(backend: impl StorageBackend, file: String) -> Result<(Self, Recovered), StoreError> {
        let octets = backend.len().map_err(|io| error(&file, io.into()))?;
        if octets == 0 {
            return Err(StoreError::Absent { file });
        }
        let store = Self::begin(backend, file)?;
        let recovered = store.load()?;
        Ok((store, recovered))
    }

    fn begin(backend: impl StorageBackend, file: String) -> Result<Self, StoreError> {
        let database = Builder::new().set_check_integrity_on_open(true).create_with_backend(backend);
        let database = database.map_err(|redb| error(&file, redb.into()))?;
        Ok(Store { database, file, has_failed: false })
    }

    fn load(&self) -> Result<Recovered, StoreError> {
        let of = |redb: redb::Error| error(&self.file, redb);
        let read = self.database.begin_read().map_err(|redb| of(redb.into()))?;
        let table = read.open_table(RECORDS).map_err(|redb| of(redb.into()))?;
        let mut recovered = Recovered::default();
        let mut has_run = false;
        for row in table.iter().map_err(|redb| of(redb.into()))? {
            let (key, value) = row.map_err(|redb| of(redb.into()))?;
            let (kind, id) = key.value();
            let record = Record::read(value.value());
            let record = record.filter(|record| (record.kind as u8, record.id) == (kind, id));
            let change = record.and_then(Record::change);
            let change = change.ok_or_else(|| damaged(&self.file, format!("record {id} of kind {kind}")))?;
            has_run |= matches!(change, Change::Run(_));
            if let Change::Mark { message, .. } = &change
                && !recovered.messages.contains_key(message)
            {
                return Err(damaged(&self.file, format!("message {} is not there", message.0)));
            }
            recovered.keep(change);
        }
        if !has_run {
            return Err(damaged(&self.file, "it does not say how often it was run"));
        }
        Ok(recovered)
    }

    fn write(&self, changes: &[Change]) -> Result<(), redb::Error> {
        let transaction = begin(&self.database)?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for change in changes {
                if let Change::Remove(message) = change {
                    table.remove((Kind::Message as u8, message.0))?;
                    table.remove((Kind::Mark as u8, message.0))?;
                } else if let Some(record) = Record::of(change) {
                    table.insert((record.kind as u8, record.id), record.write().as_slice())?;
                }
            }
        }
        commit(&self.database, transaction)
    }
}

/// A transaction that is committed in two phases.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

/// Commits, and once more: the later of the file's two commits and the earlier then have the same in them.
pub(super) fn commit(database: &Database, transaction: WriteTransaction) -> Result<(), redb::Error> {
    transaction.commit()?;
    database.begin_write()?.commit()?;
    Ok(())
}

impl Log for Store {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if self.has_failed {
            return Err(StoreError::Failed { file: self.file.clone() });
        }
        self.write(changes).map_err(|redb| {
            self.has_failed = true;
            error(&self.file, redb)
        })
    }
}

fn backend(path: &Path, create: bool) -> Result<(String, FileBackend), StoreError> {
    let file = path.display().to_string();
    let io = |what: String| StoreError::Io { file: file.clone(), what };
    if !create && !path.exists() {
        return Err(StoreError::Absent { file });
    }
    let mut options = std::fs::OpenOptions::new();
    let opened = options.read(true).write(true).create(create).truncate(false).open(path);
    let opened = opened.map_err(|what| io(what.to_string()))?;
    let backend = FileBackend::new(opened).map_err(|what| io(what.to_string()))?;
    Ok((file, backend))
}

/// What was found in a file that cannot be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Every record whose checksum holds. Some may be older than what was there last: a message that was settled is there
    /// again, and idempotency keys are what makes that harmless.
    pub recovered: Recovered,
    /// Records of which the beginning was found, and whose checksum does not hold.
    pub damaged: usize,
}

/// Reads what can be read of the octets of a store, whatever state they are in.
pub fn salvage(octets: &[u8]) -> Salvaged {
    let mut salvaged = Salvaged::default();
    let mut changes = Vec::new();
    for found in scan(octets) {
        match found.and_then(Record::change) {
            Some(change) => changes.push(change),
            None => salvaged.damaged += 1,
        }
    }
    // Messages first, then what was made of them; of several copies the one that went furthest.
    changes.sort_by_key(|change| match change {
        Change::Mark { is_dead, attempts, .. } => (1, u64::from(*attempts) * 2 + u64::from(*is_dead)),
        Change::Producer(_, row) => (2, u64::from(row.epoch) << 40 | row.next.min(1 << 39)),
        Change::NextId(id) => (3, id.0),
        Change::Run(run) => (4, *run),
        Change::Put(..) | Change::Remove(_) => (0, 0),
    });
    changes.into_iter().for_each(|change| salvaged.recovered.keep(change));
    salvaged
}
