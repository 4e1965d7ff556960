//! A client and a server of the network time protocol, without sockets and clocks.
//!
//! `packet` reads and writes the 48 bytes, `client` decides when to ask and which answers count, `server` answers. What
//! several servers agree on is the business of [`select`](super::select). Time and randomness are passed in.

pub mod client;
pub mod packet;
pub mod server;
pub mod udp;

/// Drift of a clock that nobody corrects, at most, in parts per million (RFC 5905 §7.2, PHI).
pub const FREQUENCY_TOLERANCE_PPM: u32 = 15;

/// Seconds that a server's time may be wrong by, not included, to be time at all (RFC 5905 §7.2, MAXDISP; appendix
/// A.5.1.1).
pub const DISPERSION_S_MAX: u32 = 16;
