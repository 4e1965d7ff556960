//! A node's storage in memory, held by the machine rather than by the node: it outlives a restart.

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::storage::{Entry, NoSnapshot, StopSign, Storage, StorageOp, StorageResult};

use super::model::Value;

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appended(pub(super) Value);

impl Entry for Appended {
    type Snapshot = NoSnapshot;
}

/// Contents of a disk.
#[derive(Debug, Default)]
struct Stored {
    log: Vec<Appended>,
    promise: Option<Ballot>,
    accepted_round: Option<Ballot>,
    decided_count: usize,
    compacted_count: usize,
    stop_sign: Option<StopSign>,
    snapshot: Option<NoSnapshot>,
}

/// A disk, by handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Rc<RefCell<Stored>>);

impl Disk {
    fn read(&self) -> Ref<'_, Stored> {
        self.0.borrow()
    }

    fn write(&self) -> RefMut<'_, Stored> {
        self.0.borrow_mut()
    }
}

impl Storage<Appended> for Disk {
    fn write_atomically(&mut self, operations: Vec<StorageOp<Appended>>) -> StorageResult<()> {
        for operation in operations {
            match operation {
                StorageOp::AppendEntry(entry) => self.append_entry(entry)?,
                StorageOp::AppendEntries(entries) => self.append_entries(entries)?,
                StorageOp::AppendOnPrefix(from, entries) => self.append_on_prefix(from, entries)?,
                StorageOp::SetPromise(promise) => self.set_promise(promise)?,
                StorageOp::SetDecidedIndex(count) => self.set_decided_idx(count)?,
                StorageOp::SetAcceptedRound(round) => self.set_accepted_round(round)?,
                StorageOp::SetCompactedIdx(count) => self.set_compacted_idx(count)?,
                StorageOp::Trim(count) => self.trim(count)?,
                StorageOp::SetStopsign(stop_sign) => self.set_stopsign(stop_sign)?,
                StorageOp::SetSnapshot(snapshot) => self.set_snapshot(snapshot)?,
            }
        }
        Ok(())
    }

    fn append_entry(&mut self, entry: Appended) -> StorageResult<()> {
        self.write().log.push(entry);
        Ok(())
    }

    fn append_entries(&mut self, entries: Vec<Appended>) -> StorageResult<()> {
        self.write().log.extend(entries);
        Ok(())
    }

    fn append_on_prefix(&mut self, from: usize, entries: Vec<Appended>) -> StorageResult<()> {
        let mut stored = self.write();
        let kept = from - stored.compacted_count;
        stored.log.truncate(kept);
        stored.log.extend(entries);
        Ok(())
    }

    fn set_promise(&mut self, promise: Ballot) -> StorageResult<()> {
        self.write().promise = Some(promise);
        Ok(())
    }

    fn set_decided_idx(&mut self, count: usize) -> StorageResult<()> {
        self.write().decided_count = count;
        Ok(())
    }

    fn get_decided_idx(&self) -> StorageResult<usize> {
        Ok(self.read().decided_count)
    }

    fn set_accepted_round(&mut self, round: Ballot) -> StorageResult<()> {
        self.write().accepted_round = Some(round);
        Ok(())
    }

    fn get_accepted_round(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.read().accepted_round)
    }

    fn get_entries(&self, from: usize, to: usize) -> StorageResult<Vec<Appended>> {
        let stored = self.read();
        let skipped = stored.compacted_count;
        Ok(stored.log.get(from.saturating_sub(skipped)..to.saturating_sub(skipped)).unwrap_or_default().to_vec())
    }

    fn get_log_len(&self) -> StorageResult<usize> {
        Ok(self.read().log.len())
    }

    fn get_suffix(&self, from: usize) -> StorageResult<Vec<Appended>> {
        let stored = self.read();
        Ok(stored.log.get(from.saturating_sub(stored.compacted_count)..).unwrap_or_default().to_vec())
    }

    fn get_promise(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.read().promise)
    }

    fn set_stopsign(&mut self, stop_sign: Option<StopSign>) -> StorageResult<()> {
        self.write().stop_sign = stop_sign;
        Ok(())
    }

    fn get_stopsign(&self) -> StorageResult<Option<StopSign>> {
        Ok(self.read().stop_sign.clone())
    }

    fn trim(&mut self, count: usize) -> StorageResult<()> {
        let mut stored = self.write();
        let trimmed = count.saturating_sub(stored.compacted_count).min(stored.log.len());
        stored.log.drain(..trimmed);
        Ok(())
    }

    fn set_compacted_idx(&mut self, count: usize) -> StorageResult<()> {
        self.write().compacted_count = count;
        Ok(())
    }

    fn get_compacted_idx(&self) -> StorageResult<usize> {
        Ok(self.read().compacted_count)
    }

    fn set_snapshot(&mut self, snapshot: Option<NoSnapshot>) -> StorageResult<()> {
        self.write().snapshot = snapshot;
        Ok(())
    }

    fn get_snapshot(&self) -> StorageResult<Option<NoSnapshot>> {
        Ok(self.read().snapshot)
    }
}
