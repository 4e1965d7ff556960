//! A disk that forgets: of what was written since the last sync a crash leaves any part, the last write torn.
//!
//! A process that is killed leaves what it wrote to the system, so that no missing sync can be seen by killing one. Here
//! what a store has asked for is recorded, call by call, and every state in which a crash can leave the disk is made of it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// A call that changes what is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Octets are written.
    Write {
        /// Where.
        at: u64,
        /// What.
        octets: Vec<u8>,
    },
    /// The length is set; what is new is zero.
    SetLength(u64),
    /// All before is durable.
    Sync,
}

/// What a disk can do wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The call, 0-based, from which on every change is refused.
    pub full_from: Option<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    octets: Vec<u8>,
    calls: Vec<Call>,
    faults: Faults,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

impl Disk {
    /// A disk with something on it, all durable.
    pub fn with(octets: Vec<u8>) -> Self {
        Disk(Arc::new(Mutex::new(Inner { octets, ..Inner::default() })))
    }

    /// An empty disk with faults.
    pub fn failing(faults: Faults) -> Self {
        Disk(Arc::new(Mutex::new(Inner { faults, ..Inner::default() })))
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.inner().calls.clone()
    }

    /// How many there are.
    pub fn call_count(&self) -> usize {
        self.inner().calls.len()
    }

    /// What a reader sees: everything that was written.
    pub fn octets(&self) -> Vec<u8> {
        self.inner().octets.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, call: Call) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.faults.full_from.is_some_and(|full_from| inner.calls.len() >= full_from) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"));
        }
        apply(&mut inner.octets, &call, false);
        inner.calls.push(call);
        Ok(())
    }
}

/// Does a call to `octets`; of a torn write the first half arrives.
fn apply(octets: &mut Vec<u8>, call: &Call, is_torn: bool) {
    match call {
        Call::Write { at, octets: written } => {
            let at = usize::try_from(*at).unwrap_or(usize::MAX);
            let written = if is_torn { &written[..written.len() / 2] } else { written };
            if octets.len() < at + written.len() {
                octets.resize(at + written.len(), 0);
            }
            octets[at..at + written.len()].copy_from_slice(written);
        }
        Call::SetLength(length) => octets.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0),
        Call::Sync => {}
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner().octets.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.inner();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let read = from.checked_add(out.len()).and_then(|to| inner.octets.get(from..to));
        let read = read.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "read past the end"))?;
        out.copy_from_slice(read);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.call(Call::SetLength(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(Call::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.call(Call::Write { at: offset, octets: data.to_vec() })
    }
}

/// Calls `visit` with every state in which a crash can leave an empty disk that was asked for `calls`: after each of them,
/// every part of what was not synced, and each of those again with its last write torn. `visit` is told how many calls
/// there had been.
pub fn crashes(calls: &[Call], mut visit: impl FnMut(usize, Vec<u8>)) {
    let mut durable = Vec::new();
    let mut unsynced: Vec<&Call> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        if *call == Call::Sync {
            unsynced.drain(..).for_each(|call| apply(&mut durable, call, false));
        } else {
            unsynced.push(call);
        }
        assert!(unsynced.len() < 20, "too many writes without a sync to try every part of them");
        for part in 0..1_u32 << unsynced.len() {
            let kept: Vec<&Call> =
                unsynced.iter().enumerate().filter(|(bit, _)| part >> bit & 1 == 1).map(|(_, call)| *call).collect();
            let can_tear = matches!(kept.last(), Some(Call::Write { octets, .. }) if octets.len() > 1);
            for is_torn in [false, true].into_iter().take(1 + usize::from(can_tear)) {
                let mut image = durable.clone();
                for (place, call) in kept.iter().enumerate() {
                    apply(&mut image, call, is_torn && place + 1 == kept.len());
                }
                visit(at + 1, image);
            }
        }
    }
}
