//! Names, types, questions and records.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// Octets of a label (RFC 1035 §2.3.4).
const LABEL_OCTETS_MAX: usize = 63;

/// Octets of a name as it is sent, lengths included (RFC 1035 §2.3.4).
const NAME_OCTETS_MAX: usize = 255;

/// A domain name, in lower case. Names are ordered by their labels from the root on, so that all below a name follow it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<[Box<[u8]>]>);

/// Why labels are no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// A label between two others is empty.
    #[error("a label is empty")]
    EmptyLabel,
    /// A label is longer than 63 octets.
    #[error("a label has {octets} octets, 63 are the most")]
    LongLabel {
        /// Its octets.
        octets: usize,
    },
    /// A name is longer than 255 octets.
    #[error("a name has {octets} octets, 255 are the most")]
    LongName {
        /// Its octets, as it is sent.
        octets: usize,
    },
}

impl Name {
    /// The root.
    pub fn root() -> Self {
        Name(Arc::from([]))
    }

    /// The name of `labels`, the one nearest to the root last.
    ///
    /// # Errors
    /// A label, or all of them, are too long, or one is empty.
    pub fn from_labels<'a>(
        labels: impl IntoIterator<Item = &'a [u8], IntoIter: DoubleEndedIterator>,
    ) -> Result<Self, NameError> {
        let mut octets = 1;
        let mut lowered: Vec<Box<[u8]>> = Vec::new();
        for label in labels.into_iter().rev() {
            match label.len() {
                0 => return Err(NameError::EmptyLabel),
                length if length > LABEL_OCTETS_MAX => return Err(NameError::LongLabel { octets: length }),
                length => octets += length + 1,
            }
            lowered.push(label.to_ascii_lowercase().into());
        }
        if octets > NAME_OCTETS_MAX {
            return Err(NameError::LongName { octets });
        }
        Ok(Name(lowered.into()))
    }

    /// Its labels, the one nearest to the root last.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.iter().rev().map(|label| &**label)
    }

    /// Octets of the name as it is sent, where nothing is left out of it.
    pub fn octets(&self) -> usize {
        1 + self.0.iter().map(|label| label.len() + 1).sum::<usize>()
    }

    /// How many labels it has. The root has none.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether it is `zone` or below it.
    pub fn is_within(&self, zone: &Name) -> bool {
        self.0.starts_with(&zone.0)
    }

    /// The name one label nearer to the root; `None` of the root.
    pub fn parent(&self) -> Option<Name> {
        let (_, above) = self.0.split_last()?;
        Some(Name(above.into()))
    }

    /// Itself, and then all above it up to the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Name> {
        std::iter::successors(Some(self.clone()), Name::parent)
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads `www.a.zz` and `www.a.zz.` alike. There are no escapes.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Ok(Name::root());
        }
        Name::from_labels(text.split('.').map(str::as_bytes).collect::<Vec<_>>())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.labels() {
            write!(f, "{}.", label.escape_ascii())?;
        }
        if self.depth() == 0 { f.write_str(".") } else { Ok(()) }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A record's type, by its number (RFC 1035 §3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Type(pub u16);

impl Type {
    /// An address.
    pub const A: Type = Type(1);
    /// A name server.
    pub const NS: Type = Type(2);
    /// Another name for a name.
    pub const CNAME: Type = Type(5);
    /// The SOA record: what a zone says of itself.
    pub const SOA: Type = Type(6);
    /// An IPv6 address (RFC 3596).
    pub const AAAA: Type = Type(28);
}

/// What is asked for. The class is always the Internet's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// Records of which type.
    pub kind: Type,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Whose.
    pub name: Name,
    /// Seconds that it may be kept for.
    pub ttl_s: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Data {
    /// An address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A name server.
    Ns(Name),
    /// Another name.
    Cname(Name),
    /// What the zone says of itself.
    Soa(Soa),
    /// Data of any other type, carried and not looked into.
    Other(Type, Arc<[u8]>),
}

/// What an SOA record says (RFC 1035 §3.3.13).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Soa {
    /// The server that the zone comes from.
    pub primary: Name,
    /// The mailbox of who answers for the zone.
    pub responsible: Name,
    /// Goes up when the zone changes.
    pub serial: u32,
    /// Seconds after which a copy of the zone looks for changes.
    pub refresh_s: u32,
    /// Seconds after which it looks again when it could not.
    pub retry_s: u32,
    /// Seconds after which a copy that could not look is good for nothing.
    pub expire_s: u32,
    /// Seconds that a denial may be kept for, at most (RFC 2308 §4).
    pub minimum_s: u32,
}

/// The SOA that comes with a denial. Without one a denial is not kept (RFC 2308 §5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denial {
    /// The zone that the SOA is of.
    pub zone: Name,
    /// Seconds, of the SOA record itself.
    pub ttl_s: u32,
    /// What it says.
    pub soa: Soa,
}

impl Record {
    /// Octets that it takes to keep: about what it takes to send, where nothing is left out of its names.
    pub fn octets(&self) -> usize {
        let data = match &self.data {
            Data::A(_) => 4,
            Data::Aaaa(_) => 16,
            Data::Ns(name) | Data::Cname(name) => name.octets(),
            Data::Soa(soa) => soa.primary.octets() + soa.responsible.octets() + 20,
            Data::Other(_, octets) => octets.len(),
        };
        self.name.octets() + 10 + data
    }
}

impl Data {
    /// Its type.
    pub fn kind(&self) -> Type {
        match self {
            Data::A(_) => Type::A,
            Data::Aaaa(_) => Type::AAAA,
            Data::Ns(_) => Type::NS,
            Data::Cname(_) => Type::CNAME,
            Data::Soa(_) => Type::SOA,
            Data::Other(kind, _) => *kind,
        }
    }
}
