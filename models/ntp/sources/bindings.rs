//! Our client of several servers, bound: packets of 48 bytes, a unit of 15 ms, a tick of 1,000 s.

use counterpart::Counterpart;

use super::conformance::SourcesInterface;
use super::implementation::{Config, Sources as Ours};
use super::model::{Action, RADIUS, Says, Sources, Span, Told};
use crate::ntp::implementation::client::{Nonces, Received};
use crate::ntp::implementation::packet::{KissCode, Mode, Packet, Timestamp};

const UNIT_NS: u64 = 15_000_000;
const TICK_S: u32 = 1_000;

/// The client, and how many servers it has. Its clock stands still: what the servers say is reckoned from it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    ours: Ours,
    servers: usize,
}

/// So many units, in 2⁻³² s, rounded away from 0.
fn bits(units: i8) -> i64 {
    let bits = ((u64::from(units.unsigned_abs()) * UNIT_NS) << 32).div_ceil(1_000_000_000);
    i64::from(units.signum()) * i64::try_from(bits).unwrap_or(i64::MAX)
}

/// The nearest whole number of units. A packet has its dispersion in 2⁻¹⁶ s, which 15 ms are no multiple of.
fn units(ns: i64) -> i8 {
    let unit_ns = UNIT_NS.cast_signed();
    i8::try_from((ns + unit_ns / 2).div_euclid(unit_ns)).unwrap_or(i8::MAX)
}

fn now() -> Timestamp {
    Timestamp::from_unix(1_700_000_000, 0)
}

impl Bound {
    /// The client that `model` describes.
    pub(super) fn new(model: &Sources) -> Self {
        let distance_ns_max = u64::from(model.distance_max) * UNIT_NS + UNIT_NS / 2;
        let config = Config { distance_ns_max, ..Config::default() };
        Bound { ours: Ours::new(config, model.servers()), servers: model.servers() }
    }

    fn ask(&mut self, server: usize, says: Says) -> Told {
        let nonces = Nonces { transmit: 1 << 40 | server as u64, receive: 0 };
        let Some(question) = self.ours.poll(server, now(), nonces) else { return Told::NotYet };
        let answer = Packet { mode: Mode::Server, stratum: 1, origin: question.transmit, ..Packet::default() };
        let answer = match says {
            Says::Nothing => return Told::Unanswered,
            Says::Deny => Packet { stratum: 0, reference_id: KissCode::DENY.0, ..answer },
            Says::Time { offset } => {
                let stamp = now().plus(bits(offset));
                let dispersion = ((u64::from(RADIUS) * UNIT_NS) << 16).div_ceil(1_000_000_000);
                let root_dispersion = u32::try_from(dispersion).unwrap_or(u32::MAX);
                Packet { receive: stamp, transmit: stamp, root_dispersion, ..answer }
            }
        };
        match self.ours.receive(server, &answer.encode(), now()) {
            Ok(Received::Sample(_)) => Told::Heard,
            Ok(Received::Kiss(_)) => Told::Denied,
            Err(_) => Told::Unanswered,
        }
    }
}

impl Counterpart<SourcesInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Tick { .. } => {
                self.ours.elapse(TICK_S);
                Told::Done
            }
            Action::Ask { server, says } => self.ask(usize::from(server), says),
            Action::Step { by } => {
                self.ours.stepped(i64::from(by) * UNIT_NS.cast_signed());
                Told::Done
            }
        }
    }

    fn observe(&self) -> Option<(Option<Span>, u8)> {
        let agreed = self.ours.agreed().map(|agreed| (units(agreed.low), units(agreed.high)));
        let counted = (0..self.servers).map(|server| u8::from(self.ours.interval(server).is_some()) << server);
        Some((agreed, counted.sum()))
    }
}
