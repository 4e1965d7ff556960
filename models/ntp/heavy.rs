//! A published client that brings TLS with it, unchanged, driven through the same model: ntpd-rs's `NtpSource`, of
//! ntp-proto.
//!
//! It is behind the feature `peers-heavy-ntp`. What it shows are tests and no cases of the catalogue: what the catalogue
//! keeps does not depend on it. The crate says of itself that it is no public interface; what is used of it is what the
//! daemon uses.
//!
//! It draws its own random bits, which nobody sees. It reads a clock only to give a question up after five seconds, which
//! no run takes. What becomes of a measurement is the business of its controller, and here of nobody: a controller of
//! this file keeps it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ntp_proto::{
    Measurement, NtpClock, NtpDuration, NtpInstant, NtpLeapIndicator, NtpSource, NtpSourceAction, NtpTimestamp,
    ObservableSourceTimedata, PollInterval, PollIntervalLimits, ProtocolVersion, SourceConfig, SourceController,
    StateUpdate, SynchronizationConfig, System, TimeSyncController,
};

use super::bindings::{Asks, Bound};
use super::conformance::Seen;
use super::implementation::client::Nonces;
use super::implementation::packet::{Packet, Timestamp};
use super::model::{Answer, Exchange, Heard};

/// Name of the crate, with its version.
pub const NTP_PROTO: &str = "ntp-proto 1.9.0";

/// A tick is 2²⁸ s on the wire.
const TICK_POLL: u8 = 28;

/// The last measurement: offset and round trip.
type Measured = Arc<Mutex<Option<(NtpDuration, NtpDuration)>>>;

/// A clock that nobody asks and nobody sets. By it the measurements come back: the crate hands it to its controller.
#[derive(Clone, Default)]
struct Still(Measured);

impl NtpClock for Still {
    type Error = Infallible;

    fn now(&self) -> Result<NtpTimestamp, Infallible> {
        Ok(NtpTimestamp::default())
    }

    fn set_frequency(&self, _: f64) -> Result<NtpTimestamp, Infallible> {
        self.now()
    }

    fn get_frequency(&self) -> Result<f64, Infallible> {
        Ok(0.0)
    }

    fn step_clock(&self, _: NtpDuration) -> Result<NtpTimestamp, Infallible> {
        self.now()
    }

    fn disable_ntp_algorithm(&self) -> Result<(), Infallible> {
        Ok(())
    }

    fn error_estimate_update(&self, _: NtpDuration, _: NtpDuration) -> Result<(), Infallible> {
        Ok(())
    }

    fn status_update(&self, _: NtpLeapIndicator) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Keeps the last measurement, and disciplines nothing.
struct Keeps {
    measured: Measured,
    interval: PollInterval,
}

impl SourceController for Keeps {
    type ControllerMessage = ();
    type SourceMessage = ();
    type MeasurementDelay = NtpDuration;

    fn handle_message(&mut self, (): ()) {}

    fn handle_measurement(&mut self, measurement: Measurement<NtpDuration>) -> Option<()> {
        let mut kept = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((measurement.offset, measurement.delay));
        None
    }

    fn desired_poll_interval(&self) -> PollInterval {
        self.interval
    }

    fn observe(&self) -> ObservableSourceTimedata {
        ObservableSourceTimedata::default()
    }
}

/// The same of sources that only tell, of which there are none.
struct Nothing;

impl SourceController for Nothing {
    type ControllerMessage = ();
    type SourceMessage = ();
    type MeasurementDelay = ();

    fn handle_message(&mut self, (): ()) {}

    fn handle_measurement(&mut self, _: Measurement<()>) -> Option<()> {
        None
    }

    fn desired_poll_interval(&self) -> PollInterval {
        PollInterval::default()
    }

    fn observe(&self) -> ObservableSourceTimedata {
        ObservableSourceTimedata::default()
    }
}

/// Hands a source its controller, and does no more.
struct Hands(Measured);

impl TimeSyncController for Hands {
    type Clock = Still;
    type SourceId = u8;
    type AlgorithmConfig = ();
    type ControllerMessage = ();
    type SourceMessage = ();
    type NtpSourceController = Keeps;
    type OneWaySourceController = Nothing;

    fn new(clock: Still, _: SynchronizationConfig, (): ()) -> Result<Self, Infallible> {
        Ok(Hands(clock.0))
    }

    fn take_control(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn add_source(&mut self, _: u8, config: SourceConfig) -> Keeps {
        Keeps { measured: self.0.clone(), interval: config.initial_poll_interval }
    }

    fn add_one_way_source(&mut self, _: u8, _: SourceConfig, _: f64, _: f64, _: Option<f64>) -> Nothing {
        Nothing
    }

    fn remove_source(&mut self, _: u8) {}

    fn source_update(&mut self, _: u8, _: bool) {}

    fn source_message(&mut self, _: u8, (): ()) -> StateUpdate<u8, ()> {
        StateUpdate::default()
    }

    fn time_update(&mut self) -> StateUpdate<u8, ()> {
        StateUpdate::default()
    }
}

/// The crate's client of one server.
pub struct NtpProto {
    source: NtpSource<Keeps>,
    measured: Measured,
    interval: u8,
    /// Ticks until its timer runs out.
    wait: u32,
    /// When its last question left, by its clock.
    sent: NtpTimestamp,
    /// Transmit stamp of the packet that was counted since.
    counted: Option<Timestamp>,
}

/// A stamp of ours in the crate's words: no stamp here has less than seconds.
fn stamp(stamp: Timestamp) -> NtpTimestamp {
    NtpTimestamp::from_seconds_nanos_since_ntp_era(stamp.seconds(), 0)
}

/// Ticks in twice a difference, or in it; a part of a tick is told as a number no model knows.
fn ticks(difference: NtpDuration, doubled: bool) -> i8 {
    let at = |seconds| NtpTimestamp::from_seconds_nanos_since_ntp_era(seconds, 0);
    let tick = at(1 << TICK_POLL) - at(0);
    let unit = if doubled { tick / 2 } else { tick };
    (-15..=15).find(|ticks| unit * *ticks == difference).unwrap_or(i8::MAX)
}

impl NtpProto {
    /// The client that `model` describes, with a timer that has just run out.
    ///
    /// # Panics
    /// If the crate cannot have a clock that cannot fail.
    pub fn new(model: &Exchange) -> Self {
        let interval = |poll: u8| PollInterval::from_byte(TICK_POLL + poll);
        let limits = PollIntervalLimits { min: interval(model.poll_min), max: interval(model.poll_max) };
        let config = SourceConfig { poll_interval_limits: limits, initial_poll_interval: limits.min };
        let clock = Still::default();
        let measured = clock.0.clone();
        let system: Result<System<u8, Hands>, Infallible> =
            System::new(clock, SynchronizationConfig::default(), (), Arc::new([]));
        let address = SocketAddr::from(([192, 0, 2, 1], 123));
        let source =
            system.and_then(|mut system| system.create_ntp_source(0, config, address, ProtocolVersion::V4, None));
        let Ok((source, _)) = source;
        NtpProto {
            source,
            measured,
            interval: limits.min.as_byte(),
            wait: 0,
            sent: NtpTimestamp::default(),
            counted: None,
        }
    }

    /// The crate's client in the network of the exchange.
    pub fn bound(model: &Exchange) -> Bound<NtpProto> {
        Bound::around(NtpProto::new(model), model)
    }
}

impl Asks for NtpProto {
    fn elapse(&mut self) {
        self.wait = self.wait.saturating_sub(1);
    }

    fn poll(&mut self, now: Timestamp, _: Nonces) -> Option<Packet> {
        if self.wait > 0 {
            return None;
        }
        self.counted = None;
        let mut question = None;
        for action in self.source.handle_timer() {
            match action {
                NtpSourceAction::Send(datagram) => {
                    question = Packet::decode(&datagram).ok();
                    self.sent = stamp(now);
                }
                // A part of a tick more than the interval: who knows the schedule is not to know the instant.
                NtpSourceAction::SetTimer(after) => {
                    self.wait = u32::try_from(after.as_secs() >> TICK_POLL).unwrap_or(u32::MAX);
                }
                NtpSourceAction::UpdateSystem(_) | NtpSourceAction::Reset | NtpSourceAction::Demobilize => {}
            }
        }
        question
    }

    /// It says what it has measured, and of what it has not counted nothing: a kiss is told by its interval, and a packet
    /// that comes again by us.
    fn receive(&mut self, datagram: &[u8], now: Timestamp) -> Heard {
        let actions = self.source.handle_incoming(datagram, NtpInstant::now(), self.sent, stamp(now));
        drop(actions);
        let interval = self.source.current_poll_interval().as_byte();
        let transmit = Packet::decode(datagram).ok().map(|packet| packet.transmit);
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner).take();
        match measured {
            Some((offset, delay)) => {
                self.counted = transmit;
                Heard::Measured { offset_doubled: ticks(offset, true), delay: ticks(delay, false) }
            }
            None if interval > self.interval => {
                self.interval = interval;
                Heard::Kissed(Answer::Rate)
            }
            None if transmit.is_some() && self.counted == transmit => Heard::Duplicate,
            None => Heard::Bogus,
        }
    }

    /// Nothing can be read of it.
    fn seen(&self) -> Option<Seen> {
        None
    }
}
