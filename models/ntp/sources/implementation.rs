//! A client of several servers: one [`Client`] for each, the last word of each, and what they agree on.
//!
//! What counts is the number of servers that are configured, and not of those that happen to be heard. Where fewer than
//! half of them lie, all but so many of those that are heard hold the truth, whoever is silent; so the span of all points
//! that so many hold has it. A majority of those that are heard need not: of two that are heard one may lie.

use super::super::implementation::client::{Client, ClientConfig, Ignored, Nonces, Received, Sample};
use super::super::implementation::packet::{KissCode, Packet, Timestamp};
use super::super::select::implementation::{Interval, held_by, root_distance};

pub mod udp;

/// How a client of several servers asks, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Config {
    /// How each server is asked.
    pub client: ClientConfig,
    /// Servers that may lie, at most. By default (`None`) as many as are fewer than half.
    pub liars_max: Option<usize>,
    /// Nanoseconds that a server's offset may be wrong by, at most, to be looked at. By default 1 s (RFC 5905 §7.2,
    /// MAXDIST).
    pub distance_ns_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config { client: ClientConfig::default(), liars_max: None, distance_ns_max: 1_000_000_000 }
    }
}

/// The last word of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Heard {
    /// Nanoseconds that the clock is behind by, as it is now.
    offset_ns: i64,
    /// Round trip to the server's reference clock.
    round_trip_ns: u64,
    dispersion_ns: u64,
    age_s: u32,
}

impl Heard {
    fn new(sample: &Sample) -> Self {
        let limit = if sample.offset_doubled < 0 { i64::MIN } else { i64::MAX };
        let delay_ns = scaled(sample.delay.unsigned_abs(), 32);
        Heard {
            offset_ns: i64::try_from(sample.offset_ns()).unwrap_or(limit),
            round_trip_ns: delay_ns.saturating_add(scaled(sample.root_delay.into(), 16)),
            dispersion_ns: scaled(sample.root_dispersion.into(), 16),
            age_s: 0,
        }
    }

    fn distance_ns(&self) -> u64 {
        root_distance(self.round_trip_ns, self.dispersion_ns, u64::from(self.age_s) * 1_000_000_000)
    }

    fn interval(&self) -> Interval {
        Interval::around(self.offset_ns, self.distance_ns())
    }
}

/// Nanoseconds in `units` of 2^−`bits` s, rounded up, as far as 64 bits go.
fn scaled(units: u128, bits: u32) -> u64 {
    let ns = units.saturating_mul(1_000_000_000).div_ceil(1 << bits);
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    client: Client,
    heard: Option<Heard>,
}

impl Source {
    /// Keeps what was received, if it says anything of the time.
    fn keep(&mut self, received: &Received) {
        match received {
            Received::Sample(sample) => self.heard = Some(Heard::new(sample)),
            // Nobody will ever be asked whether what it said is still so.
            Received::Kiss(KissCode::DENY | KissCode::RESTRICT) => self.heard = None,
            Received::Kiss(_) => {}
        }
    }
}

/// A client of several servers, without sockets and clocks. Servers are known by number, 0-based.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sources {
    sources: Vec<Source>,
    liars_max: usize,
    distance_ns_max: u64,
}

impl Sources {
    /// A client of `servers` servers, who has heard none of them.
    pub fn new(config: Config, servers: usize) -> Self {
        let source = Source { client: Client::new(config.client), heard: None };
        Sources {
            sources: vec![source; servers],
            liars_max: config.liars_max.unwrap_or(servers.saturating_sub(1) / 2),
            distance_ns_max: config.distance_ns_max,
        }
    }

    /// Lets `seconds` go by on a clock that is never set. What was heard is worth less by as much as a clock may have
    /// drifted, and in the end nothing.
    pub fn elapse(&mut self, seconds: u32) {
        for source in &mut self.sources {
            source.client.elapse(seconds);
            let aged = source.heard.map(|heard| Heard { age_s: heard.age_s.saturating_add(seconds), ..heard });
            source.heard = aged.filter(|heard| heard.distance_ns() <= self.distance_ns_max);
        }
    }

    /// The next question to `server`, if it is time for it, as [`Client::poll`] has it. There is none to a server that
    /// does not exist.
    pub fn poll(&mut self, server: usize, now: Timestamp, nonces: Nonces) -> Option<Packet> {
        self.sources.get_mut(server)?.client.poll(now, nonces)
    }

    /// Takes a datagram that came from the address of `server`. `now` is the wall clock's reading when it arrived.
    ///
    /// # Errors
    /// It counts for nothing, and why; from a server that does not exist everything is bogus.
    pub fn receive(&mut self, server: usize, datagram: &[u8], now: Timestamp) -> Result<Received, Ignored> {
        let source = self.sources.get_mut(server).ok_or(Ignored::Bogus)?;
        let received = source.client.receive(datagram, now)?;
        source.keep(&received);
        Ok(received)
    }

    /// Notes that the clock was stepped by `by_ns` nanoseconds, negative for back: what was heard before is shifted.
    pub fn stepped(&mut self, by_ns: i64) {
        for heard in self.sources.iter_mut().filter_map(|source| source.heard.as_mut()) {
            heard.offset_ns = heard.offset_ns.saturating_sub(by_ns);
        }
    }

    /// The interval in which `server` says that the truth lies, in nanoseconds by which the clock is behind; `None` if it
    /// has no word that counts.
    pub fn interval(&self, server: usize) -> Option<Interval> {
        let heard = self.sources.get(server)?.heard.filter(|heard| heard.distance_ns() <= self.distance_ns_max);
        heard.map(|heard| heard.interval())
    }

    /// The interval in which the truth lies, in nanoseconds by which the clock is behind, if no more servers lie than may;
    /// `None` if no more are heard than may lie, or too few of them agree.
    pub fn agreed(&self) -> Option<Interval> {
        let heard: Vec<Interval> = (0..self.sources.len()).filter_map(|server| self.interval(server)).collect();
        let needed = heard.len().checked_sub(self.liars_max).filter(|needed| *needed > 0)?;
        held_by(&heard, needed)
    }

    /// Number of servers.
    pub fn servers(&self) -> usize {
        self.sources.len()
    }
}
