//! A record as it is written: found by how it begins, believed by its checksum.
//!
//! `magic (8) · kind (1) · id (8) · octets of the body (4) · body · CRC32C of all between magic and here (4)`, numbers with
//! their least octet first.

use super::types::{Change, MessageId, MessageRow, ProducerId, ProducerRow};

const MAGIC: [u8; 8] = *b"\x89BROKER\n";
const HEAD_OCTETS: usize = MAGIC.len() + 1 + 8 + 4;
const SUM_OCTETS: usize = 4;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a message says.
    Message = 1,
    /// What has become of it.
    Mark = 2,
    /// A producer.
    Producer = 3,
    /// The next id.
    NextId = 4,
    /// The number of the run.
    Run = 5,
}

const KINDS: [Kind; 5] = [Kind::Message, Kind::Mark, Kind::Producer, Kind::NextId, Kind::Run];

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) id: u64,
    body: Vec<u8>,
}

/// Takes numbers off the front of a body.
struct Reader<'body>(&'body [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

impl Record {
    /// What a change puts into the store; `None`: it takes something out.
    pub(super) fn of(change: &Change) -> Option<Self> {
        let mut body = Vec::new();
        let (kind, id) = match change {
            Change::Put(id, row) => {
                body.extend(row.ordering_key.to_le_bytes());
                body.extend(row.idempotency_key.to_le_bytes());
                body.extend(&*row.payload);
                (Kind::Message, id.0)
            }
            Change::Mark { message, attempts, is_dead } => {
                body.extend(attempts.to_le_bytes());
                body.push(u8::from(*is_dead));
                (Kind::Mark, message.0)
            }
            Change::Producer(id, row) => {
                body.extend(row.epoch.to_le_bytes());
                body.extend(row.next.to_le_bytes());
                (Kind::Producer, id.0)
            }
            Change::NextId(id) => {
                body.extend(id.0.to_le_bytes());
                (Kind::NextId, 0)
            }
            Change::Run(run) => {
                body.extend(run.to_le_bytes());
                (Kind::Run, 0)
            }
            Change::Remove(_) => return None,
        };
        Some(Record { kind, id, body })
    }

    /// The change that has put it into the store; `None`: its body makes none.
    pub(super) fn change(self) -> Option<Change> {
        let mut body = Reader(&self.body);
        let change = match self.kind {
            Kind::Message => {
                let ordering_key = body.u64()?;
                let idempotency_key = u128::from_le_bytes(body.take()?);
                let payload = std::mem::take(&mut body.0).into();
                let row = MessageRow { attempts: 0, is_dead: false, ordering_key, idempotency_key, payload };
                Change::Put(MessageId(self.id), row)
            }
            Kind::Mark => {
                let attempts = body.u32()?;
                let [dead] = body.take()?;
                Change::Mark { message: MessageId(self.id), attempts, is_dead: dead != 0 }
            }
            Kind::Producer => {
                let row = ProducerRow { epoch: body.u32()?, next: body.u64()? };
                Change::Producer(ProducerId(self.id), row)
            }
            Kind::NextId => Change::NextId(MessageId(body.u64()?)),
            Kind::Run => Change::Run(body.u64()?),
        };
        body.0.is_empty().then_some(change)
    }

    /// The octets of it.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEAD_OCTETS + self.body.len() + SUM_OCTETS);
        octets.extend(MAGIC);
        octets.push(self.kind as u8);
        octets.extend(self.id.to_le_bytes());
        // A payload is bounded far below that.
        octets.extend(u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_le_bytes());
        octets.extend(&self.body);
        let sum = crc32c::crc32c(&octets[MAGIC.len()..]);
        octets.extend(sum.to_le_bytes());
        octets
    }

    /// Reads a record that is all of `octets`; `None`: it is none, or its checksum does not hold.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        Self::first(octets).filter(|record| HEAD_OCTETS + record.body.len() + SUM_OCTETS == octets.len())
    }

    /// Reads a record that `octets` begin with.
    fn first(octets: &[u8]) -> Option<Self> {
        let mut head = Reader(octets.strip_prefix(&MAGIC)?);
        let [kind] = head.take()?;
        let id = head.u64()?;
        let length = usize::try_from(head.u32()?).ok()?;
        let (body, mut rest) = head.0.split_at_checked(length).map(|(body, rest)| (body, Reader(rest)))?;
        let sum = rest.u32()?;
        let summed = octets.get(MAGIC.len()..HEAD_OCTETS + length)?;
        let kind = KINDS.into_iter().find(|known| *known as u8 == kind)?;
        (crc32c::crc32c(summed) == sum).then(|| Record { kind, id, body: body.to_vec() })
    }
}

/// What begins like a record anywhere in `octets`; `None`: its checksum does not hold.
pub(super) fn scan(octets: &[u8]) -> impl Iterator<Item = Option<Record>> {
    let starts = octets.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    starts.map(|(at, _)| Record::first(&octets[at..]))
}
