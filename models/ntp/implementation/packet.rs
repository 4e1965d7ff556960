//! The 48 bytes of an NTP packet, and the two kinds of time in it.
//!
//! Every string of 48 bytes is a packet and is written back as it was read; judging one is the business of whoever
//! receives it. Timestamps count from 1900 and wrap every 2³² seconds, on 8 February 2036 for the first time, so that
//! only their difference means anything, and it is signed and wraps as well.

use std::fmt;

use thiserror::Error;

/// Bytes of a packet without extension fields (RFC 5905 §7.3).
pub const PACKET_BYTES: usize = 48;

/// Most bytes of a datagram that are looked at: what no Ethernet frame carries is not a packet of this protocol.
pub const DATAGRAM_BYTES_MAX: usize = 1_472;

/// Seconds from the start of 1900, where NTP's first era begins, to the start of 1970 (RFC 5905 §6, figure 4).
pub const SECONDS_1900_TO_1970: u64 = 2_208_988_800;

/// The version that is spoken here (RFC 5905 §7.3).
pub const VERSION: u8 = 4;

/// Bytes that are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The header is cut off.
    #[error("{bytes} bytes, a packet has {PACKET_BYTES}")]
    TooShort {
        /// Number of bytes.
        bytes: usize,
    },
    /// What follows the header is no extension field and no code of authentication: those come in words of 4 bytes.
    #[error("{bytes} bytes after the header, not a multiple of 4")]
    Ragged {
        /// Number of bytes that follow the header.
        bytes: usize,
    },
    /// There are more bytes than a datagram of this protocol has.
    #[error("{bytes} bytes, more than {DATAGRAM_BYTES_MAX}")]
    TooLong {
        /// Number of bytes.
        bytes: usize,
    },
}

/// An instant on the wire: seconds since the start of the era in the upper 32 bits, 2⁻³² s in the lower. All zero means
/// unknown (RFC 5905 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The timestamp of no instant.
    pub const UNKNOWN: Timestamp = Timestamp(0);

    /// The timestamp of 64 bits as they stand on the wire.
    pub const fn from_bits(bits: u64) -> Self {
        Timestamp(bits)
    }

    /// The 64 bits as they stand on the wire.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The instant `seconds` after the start of 1970, and `nanoseconds` below 1,000,000,000 on top, in whatever era
    /// that is. The one instant of an era that would be written as unknown is told 2⁻³² s late.
    pub fn from_unix(seconds: u64, nanoseconds: u32) -> Self {
        let since_era = seconds.wrapping_add(SECONDS_1900_TO_1970) << 32;
        let fraction = (u64::from(nanoseconds) << 32) / 1_000_000_000;
        Timestamp((since_era | (fraction & 0xffff_ffff)).max(1))
    }

    /// Seconds since the start of its era.
    pub const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Whether it means unknown.
    pub const fn is_unknown(self) -> bool {
        self.0 == 0
    }

    /// Time that it is later than `earlier`, in 2⁻³² s, negative where it is earlier: right as long as the two lie less
    /// than half an era apart, 68 years, whichever eras they are of.
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The instant `by` later, in 2⁻³² s; negative for earlier.
    #[must_use]
    pub const fn plus(self, by: i64) -> Self {
        Timestamp(self.0.wrapping_add_signed(by))
    }
}

/// Warning of a leap second (RFC 5905 §7.3, figure 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Leap {
    /// There is no warning.
    #[default]
    None,
    /// The last minute of the month has 61 seconds.
    Insert,
    /// The last minute of the month has 59 seconds.
    Delete,
    /// The clock is not synchronised.
    Unsynchronised,
}

/// Who speaks to whom (RFC 5905 §7.3, figure 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Mode 0.
    Reserved,
    /// Mode 1.
    SymmetricActive,
    /// Mode 2.
    SymmetricPassive,
    /// Mode 3: a question.
    #[default]
    Client,
    /// Mode 4: an answer.
    Server,
    /// Mode 5.
    Broadcast,
    /// Mode 6.
    Control,
    /// Mode 7.
    Private,
}

/// A version number of three bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(u8);

impl Version {
    /// The version `number`, from 0 to 7; `None` above.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 8 { Some(Version(number)) } else { None }
    }

    /// The number of the version.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for Version {
    fn default() -> Self {
        Version(VERSION)
    }
}

/// What a server of stratum 0 says instead of the time (RFC 5905 §7.4): four letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KissCode(pub [u8; 4]);

impl KissCode {
    /// Tells the client to go away, for good.
    pub const DENY: KissCode = KissCode(*b"DENY");
    /// Tells the client to go away, for good: policy.
    pub const RESTRICT: KissCode = KissCode(*b"RSTR");
    /// Tells the client to ask less often.
    pub const RATE: KissCode = KissCode(*b"RATE");
}

impl fmt::Display for KissCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for KissCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KissCode({self})")
    }
}

/// A packet's header (RFC 5905 §7.3, figure 8). Times that are durations are unsigned 16.16 fixed-point seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Warning of a leap second.
    pub leap: Leap,
    /// Number of the version.
    pub version: Version,
    /// Who speaks to whom.
    pub mode: Mode,
    /// Steps from a reference clock; 0 in a kiss.
    pub stratum: u8,
    /// Longest time between questions, as the power of two of seconds.
    pub poll: i8,
    /// Precision of the clock, as the power of two of seconds.
    pub precision: i8,
    /// Round trip to the reference clock.
    pub root_delay: u32,
    /// Dispersion to the reference clock.
    pub root_dispersion: u32,
    /// The reference clock, or the code of a kiss.
    pub reference_id: [u8; 4],
    /// When the clock was last set.
    pub reference: Timestamp,
    /// The question's transmit stamp (receive stamp, if interleaved), in an answer.
    pub origin: Timestamp,
    /// When the question arrived.
    pub receive: Timestamp,
    /// When this packet left.
    pub transmit: Timestamp,
}

impl Packet {
    /// Reads a header. Extension fields and a code of authentication may follow and are passed over.
    ///
    /// # Errors
    /// The bytes are no packet.
    pub fn decode(bytes: &[u8]) -> Result<Packet, DecodeError> {
        let Some((header, rest)) = bytes.split_first_chunk::<PACKET_BYTES>() else {
            return Err(DecodeError::TooShort { bytes: bytes.len() });
        };
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return Err(DecodeError::TooLong { bytes: bytes.len() });
        }
        if rest.len() % 4 != 0 {
            return Err(DecodeError::Ragged { bytes: rest.len() });
        }
        Ok(Packet::from_header(header))
    }

    fn from_header(header: &[u8; PACKET_BYTES]) -> Packet {
        let word = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
        let number = |at: usize| u32::from_be_bytes(word(at));
        let stamp = |at: usize| Timestamp(u64::from(number(at)) << 32 | u64::from(number(at + 4)));
        Packet {
            leap: match header[0] >> 6 {
                0 => Leap::None,
                1 => Leap::Insert,
                2 => Leap::Delete,
                _ => Leap::Unsynchronised,
            },
            version: Version(header[0] >> 3 & 7),
            mode: match header[0] & 7 {
                0 => Mode::Reserved,
                1 => Mode::SymmetricActive,
                2 => Mode::SymmetricPassive,
                3 => Mode::Client,
                4 => Mode::Server,
                5 => Mode::Broadcast,
                6 => Mode::Control,
                _ => Mode::Private,
            },
            stratum: header[1],
            poll: header[2].cast_signed(),
            precision: header[3].cast_signed(),
            root_delay: number(4),
            root_dispersion: number(8),
            reference_id: word(12),
            reference: stamp(16),
            origin: stamp(24),
            receive: stamp(32),
            transmit: stamp(40),
        }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; PACKET_BYTES] {
        let mut bytes = [0; PACKET_BYTES];
        bytes[0] = (self.leap as u8) << 6 | self.version.0 << 3 | self.mode as u8;
        bytes[1] = self.stratum;
        bytes[2] = self.poll.cast_unsigned();
        bytes[3] = self.precision.cast_unsigned();
        bytes[4..8].copy_from_slice(&self.root_delay.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.root_dispersion.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.reference_id);
        bytes[16..24].copy_from_slice(&self.reference.0.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.origin.0.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.receive.0.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.transmit.0.to_be_bytes());
        bytes
    }
}
