//! What nodes and clients say to each other, as bytes: a length of 4 bytes, a tag, and fields; numbers little endian.

use std::io::{self, Read, Write};

use super::{Ack, HandoffError, Handover, Refusal, Request, Transfer};
use crate::hash_ring::implementation::Arc;

/// Bytes of a frame at most, without its length: 16 MiB. Whoever announces more is not listened to.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// By a client.
    Request(Request),
    /// By the old owner.
    Transfer(Transfer),
    /// By the new owner: stored.
    Ack(Ack),
    /// By the old owner.
    Handover(Handover),
    /// By the new owner: it serves now.
    Confirm(Handover),
    /// A value, or none.
    Value(Option<Vec<u8>>),
    /// Written.
    Written,
    /// Not served.
    Refused(Refusal),
    /// A step of a handoff that was not taken.
    Failed,
}

/// Why bytes are no frame.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The connection.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// It ended within a frame.
    #[error("the connection ended within a frame")]
    Truncated,
    /// Longer than a frame may be.
    #[error("a frame of {bytes} bytes, {FRAME_BYTES_MAX} is the most")]
    TooLong {
        /// Announced, or to be sent.
        bytes: usize,
    },
    /// No such tag.
    #[error("a frame with the tag {tag}, which is none")]
    UnknownTag {
        /// Which.
        tag: u8,
    },
    /// Fields end before the frame does, or after it.
    #[error("a frame with the tag {tag} whose fields do not fit its length")]
    Malformed {
        /// Which.
        tag: u8,
    },
}

impl From<HandoffError> for Frame {
    fn from(_: HandoffError) -> Self {
        Frame::Failed
    }
}

/// Writes a frame.
///
/// # Errors
/// The connection fails, or the frame is too long; nothing of it is written then.
pub fn write_frame(to: &mut impl Write, frame: &Frame) -> Result<(), WireError> {
    let body = encode(frame);
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= FRAME_BYTES_MAX);
    let length = length.ok_or(WireError::TooLong { bytes: body.len() })?;
    let mut whole = length.to_le_bytes().to_vec();
    whole.extend(body);
    to.write_all(&whole)?;
    to.flush()?;
    Ok(())
}

/// Reads a frame. `None`: the connection ended between two.
///
/// # Errors
/// The connection fails or ends within a frame, or what comes is none.
pub fn read_frame(from: &mut impl Read) -> Result<Option<Frame>, WireError> {
    let mut length = [0; 4];
    let mut got = 0;
    while got < length.len() {
        match from.read(&mut length[got..]) {
            Ok(0) if got == 0 => return Ok(None),
            Ok(0) => return Err(WireError::Truncated),
            Ok(bytes) => got += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let bytes = u32::from_le_bytes(length) as usize;
    if bytes > FRAME_BYTES_MAX {
        return Err(WireError::TooLong { bytes });
    }
    // Room is made for what has come, not for what was announced.
    let mut body = Vec::new();
    from.take(bytes as u64).read_to_end(&mut body)?;
    if body.len() < bytes {
        return Err(WireError::Truncated);
    }
    decode(&body).map(Some)
}

fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    match frame {
        Frame::Request(Request::Get { epoch, key }) => {
            out.push(1);
            out.extend(epoch.to_le_bytes());
            put_bytes(&mut out, key);
        }
        Frame::Request(Request::Put { epoch, key, value }) => {
            out.push(2);
            out.extend(epoch.to_le_bytes());
            put_bytes(&mut out, key);
            put_bytes(&mut out, value);
        }
        Frame::Transfer(Transfer { epoch, arc, entries }) => {
            put_arc(&mut out, 3, *epoch, *arc);
            for (key, value) in entries {
                put_bytes(&mut out, key);
                put_bytes(&mut out, value);
            }
        }
        Frame::Ack(Ack { epoch, arc }) => put_arc(&mut out, 4, *epoch, *arc),
        Frame::Handover(Handover { epoch, arc }) => put_arc(&mut out, 5, *epoch, *arc),
        Frame::Confirm(Handover { epoch, arc }) => put_arc(&mut out, 6, *epoch, *arc),
        Frame::Value(None) => out.push(7),
        Frame::Value(Some(value)) => {
            out.push(8);
            put_bytes(&mut out, value);
        }
        Frame::Written => out.push(9),
        Frame::Refused(Refusal::StaleView { epoch }) => {
            out.push(10);
            out.extend(epoch.to_le_bytes());
        }
        Frame::Refused(Refusal::UnknownView { epoch }) => {
            out.push(11);
            out.extend(epoch.to_le_bytes());
        }
        Frame::Refused(Refusal::NotOwner) => out.push(12),
        Frame::Refused(Refusal::Frozen) => out.push(13),
        Frame::Refused(Refusal::NotYet) => out.push(14),
        Frame::Failed => out.push(15),
    }
    out
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // Beyond 2³² bytes the frame is refused as too long before this length is read by anyone.
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

fn put_arc(out: &mut Vec<u8>, tag: u8, epoch: u64, arc: Arc) {
    out.push(tag);
    for number in [epoch, arc.after, arc.through] {
        out.extend(number.to_le_bytes());
    }
}

/// What is left of a frame.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.0 = rest;
        Some(bytes.to_vec())
    }

    fn arc(&mut self) -> Option<(u64, Arc)> {
        let epoch = self.number()?;
        Some((epoch, Arc { after: self.number()?, through: self.number()? }))
    }
}

fn decode(body: &[u8]) -> Result<Frame, WireError> {
    let Some((tag, rest)) = body.split_first() else { return Err(WireError::Malformed { tag: 0 }) };
    let mut fields = Fields(rest);
    if !(1..=15).contains(tag) {
        return Err(WireError::UnknownTag { tag: *tag });
    }
    let frame = decode_fields(*tag, &mut fields).filter(|_| fields.0.is_empty());
    frame.ok_or(WireError::Malformed { tag: *tag })
}

fn decode_fields(tag: u8, fields: &mut Fields<'_>) -> Option<Frame> {
    Some(match tag {
        1 => Frame::Request(Request::Get { epoch: fields.number()?, key: fields.bytes()? }),
        2 => Frame::Request(Request::Put { epoch: fields.number()?, key: fields.bytes()?, value: fields.bytes()? }),
        3 => {
            let (epoch, arc) = fields.arc()?;
            let mut entries = Vec::new();
            while !fields.0.is_empty() {
                entries.push((fields.bytes()?, fields.bytes()?));
            }
            Frame::Transfer(Transfer { epoch, arc, entries })
        }
        4 => fields.arc().map(|(epoch, arc)| Frame::Ack(Ack { epoch, arc }))?,
        5 => fields.arc().map(|(epoch, arc)| Frame::Handover(Handover { epoch, arc }))?,
        6 => fields.arc().map(|(epoch, arc)| Frame::Confirm(Handover { epoch, arc }))?,
        7 => Frame::Value(None),
        8 => Frame::Value(Some(fields.bytes()?)),
        9 => Frame::Written,
        10 => Frame::Refused(Refusal::StaleView { epoch: fields.number()? }),
        11 => Frame::Refused(Refusal::UnknownView { epoch: fields.number()? }),
        12 => Frame::Refused(Refusal::NotOwner),
        13 => Frame::Refused(Refusal::Frozen),
        14 => Frame::Refused(Refusal::NotYet),
        15 => Frame::Failed,
        _ => return None,
    })
}
