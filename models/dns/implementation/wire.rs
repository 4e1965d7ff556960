//! Messages as they are sent (RFC 1035 §4), by `hickory-proto`: whatever comes from outside is a message or an error.
//!
//! Names are compared in lower case and told as they were asked. Data of types that are not looked into are carried as
//! they are, with their names written out.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Message as WireMessage, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, NULL, SOA};
use hickory_proto::rr::{DNSClass, Name as WireName, RData, Record as WireRecord, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, DecodeError, NameEncoding};
use thiserror::Error;

use super::core::{Answer, Code};
use super::message::Message;
use super::name::{Data, Denial, Name, NameError, Question, Record, Soa, Type};
use crate::dns::poison::implementation::Ignored;

/// Octets of a header (RFC 1035 §4.1.1).
pub const HEADER_OCTETS: usize = 12;

/// Octets of a datagram that every client can take (RFC 1035 §4.2.1).
pub const DATAGRAM_OCTETS_MIN: usize = 512;

/// Octets of a datagram that we send or take at most: none of so many is cut in two on its way.
pub const DATAGRAM_OCTETS_MAX: usize = 1_232;

/// Octets of a message over TCP, at most (RFC 1035 §4.2.2).
pub const STREAM_OCTETS_MAX: usize = 65_535;

/// Octets of one record's data that we carry. A few fewer than could be sent, so that what holds them fits too.
const DATA_OCTETS_MAX: usize = 65_000;

/// Types that are no data's: those of one hop, of transfers and of questions (RFC 6895 §3.1).
const META_TYPES: std::ops::RangeInclusive<u16> = 128..=255;

/// The type of what carries EDNS (RFC 6891 §6.1.1).
const TYPE_OPT: u16 = 41;

/// Why octets are no message that means something here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WireError {
    /// There is no header.
    #[error("{octets} octets are no header, which has 12")]
    NoHeader {
        /// Its octets.
        octets: usize,
    },
    /// It is longer than is looked at.
    #[error("{octets} octets are more than {octets_max}")]
    TooLong {
        /// Its octets.
        octets: usize,
        /// Those that are looked at.
        octets_max: usize,
    },
    /// It ends too soon, says things twice, or goes in circles.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// A name in it could not be sent.
    #[error("malformed: {0}")]
    Name(#[from] NameError),
    /// An answer came where questions are asked.
    #[error("it is an answer, not a question")]
    IsAnswer,
    /// A question came where answers are waited for.
    #[error("it is a question, not an answer")]
    IsQuestion,
    /// What is asked for is no look-up.
    #[error("operation {0} is not known here")]
    Operation(u8),
    /// There is none, or more than one (RFC 9619).
    #[error("it asks {0} questions, not one")]
    Questions(usize),
    /// A class that is not the Internet's.
    #[error("class {0} is not the Internet's")]
    Class(u16),
    /// A type that no record has.
    #[error("type {0} is no data's")]
    MetaType(u16),
    /// Only what is known already would be wanted, and that tells strangers what others have asked.
    #[error("recursion is not desired")]
    NoRecursion,
    /// An EDNS of another version (RFC 6891 §6.1.3).
    #[error("EDNS version {0} is not known")]
    EdnsVersion(u8),
    /// It answers nothing that was asked.
    #[error("not believed: {0}")]
    Ignored(#[from] Ignored),
    /// It cannot be written.
    #[error("cannot be written: {0}")]
    Unwritable(#[from] ProtoError),
}

impl WireError {
    /// How a client is answered who has sent it; `None` where it is not answered at all.
    fn code(&self) -> Option<ResponseCode> {
        match self {
            // Nobody could tell what it answers; and two servers that answer each other's answers never end.
            WireError::NoHeader { .. } | WireError::TooLong { .. } | WireError::IsAnswer => None,
            WireError::IsQuestion | WireError::Ignored(_) => None,
            WireError::Malformed(_) | WireError::Name(_) | WireError::Questions(_) => Some(ResponseCode::FormErr),
            WireError::Operation(_) => Some(ResponseCode::NotImp),
            WireError::Class(_) | WireError::MetaType(_) | WireError::NoRecursion => Some(ResponseCode::Refused),
            WireError::EdnsVersion(_) => Some(ResponseCode::BADVERS),
            WireError::Unwritable(_) => Some(ResponseCode::ServFail),
        }
    }
}

/// A client's question, with what its answer has to repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What is asked.
    pub question: Question,
    id: u16,
    query: Query,
    payload_octets: Option<u16>,
    checking_disabled: bool,
}

/// What is no question that could be looked for.
#[derive(Debug, Error)]
#[error("{why}")]
pub struct Rejected {
    /// Why.
    #[source]
    pub why: WireError,
    /// What the client is sent, if anything: never longer than what it has sent by more than 11 octets.
    pub reply: Option<Vec<u8>>,
}

/// Reads what a client has sent.
///
/// # Errors
/// It is no question that could be looked for; and what it is answered.
pub fn read_question(octets: &[u8]) -> Result<Asked, Rejected> {
    if octets.len() < HEADER_OCTETS {
        return Err(Rejected { why: WireError::NoHeader { octets: octets.len() }, reply: None });
    }
    let is_answer = octets[2] & 0x80 != 0;
    let read = if is_answer { Err(WireError::IsAnswer) } else { asked(octets) };
    read.map_err(|why| Rejected { reply: why.code().map(|code| refusal(octets, code)), why })
}

fn asked(octets: &[u8]) -> Result<Asked, WireError> {
    let operation = octets[2] >> 3 & 0xf;
    if operation != 0 {
        return Err(WireError::Operation(operation));
    }
    let message = WireMessage::from_vec(octets)?;
    let [query] = &message.queries[..] else { return Err(WireError::Questions(message.queries.len())) };
    if message.version() != 0 {
        return Err(WireError::EdnsVersion(message.version()));
    }
    let (class, kind) = (query.query_class(), u16::from(query.query_type()));
    if class != DNSClass::IN {
        return Err(WireError::Class(class.into()));
    }
    if META_TYPES.contains(&kind) || kind == TYPE_OPT || kind == 0 {
        return Err(WireError::MetaType(kind));
    }
    if !message.metadata.recursion_desired {
        return Err(WireError::NoRecursion);
    }
    Ok(Asked {
        question: Question { name: name(query.name())?, kind: Type(kind) },
        id: message.metadata.id,
        query: query.clone(),
        payload_octets: message.edns.as_ref().map(Edns::max_payload),
        checking_disabled: message.metadata.checking_disabled,
    })
}

/// A header with `code`, and no more than that needs.
fn refusal(octets: &[u8], code: ResponseCode) -> Vec<u8> {
    let mut reply = vec![0; HEADER_OCTETS];
    reply[..2].copy_from_slice(&octets[..2]);
    // The operation, and whether recursion was desired.
    reply[2] = 0x80 | octets[2] & 0x79;
    reply[3] = 0x80 | code.low();
    if code.high() > 0 {
        // RFC 6891 §6.1.3: the upper bits of the code stand in a record, of a name, a type, a class, a TTL and no data.
        reply[11] = 1;
        let [upper, lower] = (DATAGRAM_OCTETS_MAX as u16).to_be_bytes();
        reply.extend([0, 0, TYPE_OPT as u8, upper, lower, code.high(), 0, 0, 0, 0, 0]);
    }
    reply
}

impl Asked {
    /// Octets of a datagram that the client can take, as far as we send them.
    pub fn datagram_octets_max(&self) -> usize {
        usize::from(self.payload_octets.unwrap_or(0)).clamp(DATAGRAM_OCTETS_MIN, DATAGRAM_OCTETS_MAX)
    }

    /// `answer` to this question, in `octets_max` octets: what does not fit is left out, and the answer says so
    /// (RFC 2181 §9).
    ///
    /// # Errors
    /// It cannot be written.
    pub fn answer(&self, answer: &Answer, octets_max: usize) -> Result<Vec<u8>, WireError> {
        let mut message = WireMessage::response(self.id, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.metadata.recursion_available = true;
        message.metadata.checking_disabled = self.checking_disabled;
        message.metadata.response_code = match answer.code {
            Code::NoError => ResponseCode::NoError,
            Code::NxDomain => ResponseCode::NXDomain,
            Code::ServFail => ResponseCode::ServFail,
        };
        message.add_query(self.query.clone());
        for record in answer.records.iter() {
            message.add_answer(wire_record(record, answer.ttl_s)?);
        }
        if let Some(denial) = &answer.denial {
            let Denial { zone, soa, .. } = &**denial;
            let record = Record { name: zone.clone(), ttl_s: answer.ttl_s, data: Data::Soa(soa.clone()) };
            message.add_authority(wire_record(&record, answer.ttl_s)?);
        }
        if self.payload_octets.is_some() {
            message.set_edns(edns());
        }
        let octets = message.to_vec()?;
        if octets.len() <= octets_max {
            return Ok(octets);
        }
        Ok(message.truncate().to_vec()?)
    }
}

fn edns() -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM_OCTETS_MAX as u16);
    edns
}

/// `message`, a question of ours, as it is sent to a server: recursion is not desired.
///
/// # Errors
/// It cannot be written.
pub fn write_question(message: &Message) -> Result<Vec<u8>, WireError> {
    let mut wire = WireMessage::new(message.id, MessageType::Query, OpCode::Query);
    if let Some(question) = &message.question {
        wire.add_query(Query::query(wire_name(&question.name)?, RecordType::from(question.kind.0)));
    }
    wire.set_edns(edns());
    Ok(wire.to_vec()?)
}

/// Reads what a server has sent. Records of other classes are passed over.
///
/// # Errors
/// It is no answer.
pub fn read_answer(octets: &[u8], octets_max: usize) -> Result<Message, WireError> {
    if octets.len() < HEADER_OCTETS {
        return Err(WireError::NoHeader { octets: octets.len() });
    }
    if octets.len() > octets_max {
        return Err(WireError::TooLong { octets: octets.len(), octets_max });
    }
    let operation = octets[2] >> 3 & 0xf;
    if operation != 0 {
        return Err(WireError::Operation(operation));
    }
    let wire = WireMessage::from_vec(octets)?;
    if wire.metadata.message_type != MessageType::Response {
        return Err(WireError::IsQuestion);
    }
    let [query] = &wire.queries[..] else { return Err(WireError::Questions(wire.queries.len())) };
    if query.query_class() != DNSClass::IN {
        return Err(WireError::Class(query.query_class().into()));
    }
    let records = |wire: &[WireRecord]| {
        let of_internet = wire.iter().filter(|record| record.dns_class == DNSClass::IN);
        of_internet.map(record).collect::<Result<Vec<Record>, WireError>>()
    };
    Ok(Message {
        id: wire.metadata.id,
        is_answer: true,
        is_authoritative: wire.metadata.authoritative,
        is_truncated: wire.metadata.truncation,
        // A code that needs more than a header's bits is none that is told from another here.
        code: u8::try_from(u16::from(wire.metadata.response_code)).unwrap_or(u8::MAX),
        question: Some(Question { name: name(query.name())?, kind: Type(query.query_type().into()) }),
        answers: records(&wire.answers)?,
        authorities: records(&wire.authorities)?,
        additionals: records(&wire.additionals)?,
    })
}

fn name(wire: &WireName) -> Result<Name, NameError> {
    Name::from_labels(wire.iter())
}

fn wire_name(name: &Name) -> Result<WireName, ProtoError> {
    WireName::from_labels(name.labels())
}

fn record(wire: &WireRecord) -> Result<Record, WireError> {
    let data = match &wire.data {
        RData::A(A(ip)) => Data::A(*ip),
        RData::AAAA(AAAA(ip)) => Data::Aaaa(*ip),
        RData::NS(NS(server)) => Data::Ns(name(server)?),
        RData::CNAME(CNAME(target)) => Data::Cname(name(target)?),
        RData::SOA(soa) => Data::Soa(Soa {
            primary: name(&soa.mname)?,
            responsible: name(&soa.rname)?,
            serial: soa.serial,
            refresh_s: soa.refresh.cast_unsigned(),
            retry_s: soa.retry.cast_unsigned(),
            expire_s: soa.expire.cast_unsigned(),
            minimum_s: soa.minimum,
        }),
        other => {
            let mut octets = Vec::new();
            let mut encoder = BinEncoder::new(&mut octets);
            encoder.set_name_encoding(NameEncoding::Uncompressed);
            other.emit(&mut encoder)?;
            if octets.len() > DATA_OCTETS_MAX {
                return Err(WireError::TooLong { octets: octets.len(), octets_max: DATA_OCTETS_MAX });
            }
            Data::Other(Type(other.record_type().into()), octets.into())
        }
    };
    Ok(Record { name: name(&wire.name)?, ttl_s: wire.ttl, data })
}

fn wire_record(record: &Record, ttl_s: u32) -> Result<WireRecord, WireError> {
    let data = match &record.data {
        Data::A(ip) => RData::A(A(*ip)),
        Data::Aaaa(ip) => RData::AAAA(AAAA(*ip)),
        Data::Ns(server) => RData::NS(NS(wire_name(server)?)),
        Data::Cname(target) => RData::CNAME(CNAME(wire_name(target)?)),
        Data::Soa(soa) => RData::SOA(SOA::new(
            wire_name(&soa.primary)?,
            wire_name(&soa.responsible)?,
            soa.serial,
            soa.refresh_s.cast_signed(),
            soa.retry_s.cast_signed(),
            soa.expire_s.cast_signed(),
            soa.minimum_s,
        )),
        Data::Other(kind, octets) => {
            RData::Unknown { code: RecordType::Unknown(kind.0), rdata: NULL::with(octets.to_vec()) }
        }
    };
    Ok(WireRecord::from_rdata(wire_name(&record.name)?, ttl_s, data))
}
