//! The network time protocol: one exchange, many servers, one clock, and the second that comes twice.
//!
//! 30 June 2012, 23:59:60 UTC: a leap second. The kernel stepped the wall clock back and forgot to tell its timers;
//! every sleep of less than a second ended at once, and the next one too. Reddit, LinkedIn, Mozilla and Qantas went
//! down.
//!
//! # Check your own client
//! Here it is the one of this folder, bound by hand; bind yours in the same words. A tick is a sixteenth of an era.
//! ```
//! use counterpart::{Check, Counterpart};
//! use counterpart_models::ntp::bindings::Bound;
//! use counterpart_models::ntp::conformance::{ExchangeInterface, Seen};
//! use counterpart_models::ntp::model::{Action, Exchange, Told};
//!
//! // `Bound` carries packets between a client and a server; replace what it does at `Poll` and `Deliver`.
//! struct Mine(Bound);
//!
//! impl Counterpart<ExchangeInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Told { self.0.apply(input) }
//!     fn observe(&self) -> Option<Seen> { self.0.observe() }
//! }
//!
//! let model = Exchange { losses_max: 0, doubles_max: 0, ..Exchange::small() };
//! let again = model.clone();
//! Check::of(model).interface(ExchangeInterface).tour(move || Mine(Bound::new(&again))).assert();
//! ```
//!
//! # Sources
//! - RFC 5905 (NTPv4): §6 (timestamps and eras), §7.3 (packet), §7.4 (kiss codes), §8 (on-wire protocol), §11.2.1
//!   (selection), §11.3 (clock discipline), §12 (clock adjustment), appendix A.5 (skeleton; its constants are in A.1.1).
//! - RFC 9769 (interleaved modes), RFC 8633 (best current practice; §3.7 on leap seconds).
//! - CVE-2015-7704, CVE-2015-7705, CVE-2015-8138.
//!
//! # Abstracted away
//! - One client and one server, on one path; several servers are sub-models `select` and `sources`.
//! - Authentication: here an attacker sees no packet and can send any.
//! - A tick is a sixteenth of an era; what happens within one is not ordered by the clocks.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
pub mod discipline;
#[cfg(feature = "peers-heavy-ntp")]
pub mod heavy;
pub mod implementation;
pub mod leap;
pub mod model;
pub mod properties;
pub mod query;
pub mod select;
pub mod sources;

use counterpart::Check;

use self::conformance::{ExchangeInterface, ExchangeSpec};
use self::model::Exchange;

#[cfg(feature = "catalogue")]
pub use self::cases::PROTOCOL;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Exchange) -> Check<Exchange, ExchangeInterface> {
    Check::of(model).interface(ExchangeInterface).spec(ExchangeSpec::default())
}
