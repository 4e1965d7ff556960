//! A message, and what of it may be believed.

use super::name::{Data, Denial, Name, Question, Record, Type};

/// A message, header and sections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Message {
    /// Chosen by who asks, and repeated in the answer.
    pub id: u16,
    /// Whether it is an answer.
    pub is_answer: bool,
    /// Whether the server has the zone itself.
    pub is_authoritative: bool,
    /// Whether it did not fit.
    pub is_truncated: bool,
    /// What came of it, by its number (RFC 1035 §4.1.1).
    pub code: u8,
    /// What is asked.
    pub question: Option<Question>,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authorities: Vec<Record>,
    /// The additional section.
    pub additionals: Vec<Record>,
}

/// No error.
pub const CODE_NO_ERROR: u8 = 0;

/// The server failed.
pub const CODE_SERV_FAIL: u8 = 2;

/// There is no such name.
pub const CODE_NX_DOMAIN: u8 = 3;

/// What a server of a zone has said, as far as it is the server's to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The records that were asked for.
    Records(Vec<Record>),
    /// The name is another name's alias; what that has is to be asked for.
    Alias {
        /// The CNAME itself.
        record: Record,
        /// The other name.
        target: Name,
    },
    /// Servers of a zone below are to be asked.
    Referral {
        /// The zone.
        zone: Name,
        /// Its NS records.
        servers: Vec<Record>,
        /// Addresses of servers that are at or below that zone. Good for asking, and for telling nobody.
        glue: Vec<Record>,
    },
    /// The name has no such records.
    NoData(Option<Denial>),
    /// There is no such name.
    NxDomain(Option<Denial>),
    /// It did not fit.
    Truncated,
    /// The server cannot, or will not, or refers to a zone that is not below its own.
    Failure,
}

/// What an answer to `question` from a server of `zone` may be believed: nothing outside the zone, of a positive answer
/// nothing but the records that were asked for, and no referral but to a zone below on the way to the name. Where a server
/// that is not authoritative refers to such a zone, what it says of the name itself is that zone's to say.
pub fn sift(message: &Message, question: &Question, zone: &Name) -> Finding {
    if message.is_truncated {
        return Finding::Truncated;
    }
    if !question.name.is_within(zone) || ![CODE_NO_ERROR, CODE_NX_DOMAIN].contains(&message.code) {
        return Finding::Failure;
    }
    if !message.is_authoritative
        && message.code == CODE_NO_ERROR
        && let Some(below) = referral(message, question, zone)
    {
        return below;
    }
    let own = |kind: Type| {
        let of = message.answers.iter().filter(move |record| record.name == question.name);
        of.filter(move |record| record.data.kind() == kind)
    };
    let records: Vec<Record> = own(question.kind).cloned().collect();
    if !records.is_empty() {
        return Finding::Records(records);
    }
    if let Some(record) = own(Type::CNAME).next()
        && let Data::Cname(target) = &record.data
    {
        return Finding::Alias { record: record.clone(), target: target.clone() };
    }
    if message.code == CODE_NX_DOMAIN {
        return Finding::NxDomain(denial(message, question, zone));
    }
    referral(message, question, zone).unwrap_or_else(|| {
        // A server that is not the zone's and refers to none below has nothing to say.
        let denied = denial(message, question, zone);
        if message.is_authoritative || denied.is_some() { Finding::NoData(denied) } else { Finding::Failure }
    })
}

/// The SOA of a zone between the server's and the name.
fn denial(message: &Message, question: &Question, zone: &Name) -> Option<Denial> {
    message.authorities.iter().find_map(|record| match &record.data {
        Data::Soa(soa) if record.name.is_within(zone) && question.name.is_within(&record.name) => {
            Some(Denial { zone: record.name.clone(), ttl_s: record.ttl_s, soa: soa.clone() })
        }
        _ => None,
    })
}

fn referral(message: &Message, question: &Question, zone: &Name) -> Option<Finding> {
    let is_below =
        |record: &&Record| record.name != *zone && record.name.is_within(zone) && question.name.is_within(&record.name);
    let servers = message.authorities.iter().filter(|record| record.data.kind() == Type::NS);
    let cut = servers.clone().find(is_below)?.name.clone();
    let servers: Vec<Record> = servers.filter(|record| record.name == cut).cloned().collect();
    let serves = |name: &Name| servers.iter().any(|record| record.data == Data::Ns(name.clone()));
    let is_glue = |record: &&Record| {
        [Type::A, Type::AAAA].contains(&record.data.kind()) && record.name.is_within(&cut) && serves(&record.name)
    };
    let glue = message.additionals.iter().filter(is_glue).cloned().collect();
    Some(Finding::Referral { zone: cut, servers, glue })
}
