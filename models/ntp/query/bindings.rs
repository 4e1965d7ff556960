//! A server that answers as it is told, over UDP on the loopback, and our client asking it.
//!
//! A tick is 1,000 s: what a datagram takes on the loopback is far below, and clocks may be the system's.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use counterpart::Counterpart;

use super::conformance::QueryInterface;
use super::model::{Ask, BEHIND, LIE, Outcome};
use crate::ntp::implementation::client::{ClientConfig, Nonces, Received};
use crate::ntp::implementation::packet::{KissCode, Leap, Mode, Packet, Timestamp, Version};
use crate::ntp::implementation::udp::{AskError, UdpClient, system_clock};

/// Seconds of a tick.
pub(super) const TICK_S: i64 = 1_000;

/// Time that is longer than any answer on the loopback takes. Nobody waits for it: an honest answer is always behind.
const LONG: Duration = Duration::from_secs(8);

/// Two datagrams: what comes back first, and the honest answer behind it. `now` is the server's clock.
pub fn answers(ask: Ask, question: &Packet, now: Timestamp) -> [Vec<u8>; 2] {
    let by = |ahead: i8| {
        let stamp = now.plus((i64::from(ahead) * TICK_S) << 32);
        Packet {
            mode: Mode::Server,
            version: question.version,
            stratum: 1,
            reference_id: *b"LOCL",
            origin: question.transmit,
            receive: stamp,
            transmit: stamp,
            ..Packet::default()
        }
    };
    let lie = by(LIE);
    let kiss = |KissCode(code)| Packet { stratum: 0, leap: Leap::Unsynchronised, reference_id: code, ..by(0) };
    let first = match ask {
        Ask::Time { ahead } => by(ahead),
        Ask::Extended | Ask::Short => by(1),
        Ask::Older => Packet { version: Version::new(3).unwrap_or_default(), ..by(2) },
        Ask::WrongOrigin => Packet { origin: question.transmit.plus(1), ..lie },
        Ask::ZeroOrigin => Packet { origin: Timestamp::UNKNOWN, ..lie },
        Ask::Question => Packet { mode: Mode::Client, ..lie },
        Ask::Broadcast => Packet { mode: Mode::Broadcast, ..lie },
        Ask::ForgedKiss => Packet { origin: question.transmit.plus(1), ..kiss(KissCode::DENY) },
        Ask::Rate => kiss(KissCode::RATE),
        Ask::Deny => kiss(KissCode::DENY),
        Ask::Unsynchronised => Packet { leap: Leap::Unsynchronised, ..by(0) },
        Ask::TooDeep => Packet { stratum: 16, ..by(0) },
        Ask::NoReceive => Packet { receive: Timestamp::UNKNOWN, ..by(0) },
        Ask::NoTransmit => Packet { transmit: Timestamp::UNKNOWN, ..by(0) },
        // Half of one and all of the other, in 2⁻¹⁶ s.
        Ask::TooFar => Packet { root_delay: 2 << 16, root_dispersion: 15 << 16, ..by(0) },
    };
    let mut first = first.encode().to_vec();
    match ask {
        Ask::Extended => first.extend([0; 4]),
        Ask::Short => first.truncate(47),
        _ => {}
    }
    [first, by(BEHIND).encode().to_vec()]
}

/// The outcome that a measured offset stands for.
pub fn believed(offset_s: f64) -> Outcome {
    let ticks = (offset_s / TICK_S as f64).round();
    if ticks.abs() > 100.0 {
        return Outcome::BelievesNonsense;
    }
    match ticks as i8 {
        BEHIND => Outcome::PassesOver,
        ahead => Outcome::Believes(ahead),
    }
}

/// A server that answers as it is told, on a thread of its own, until it is dropped.
pub(super) struct Responder {
    address: SocketAddr,
    told: Arc<Mutex<Ask>>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    /// A server on a free port of the loopback.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn start() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port of the loopback");
        let address = socket.local_addr().expect("a socket that is bound has an address");
        let told = Arc::new(Mutex::new(Ask::Time { ahead: 0 }));
        let telling = told.clone();
        let thread = std::thread::spawn(move || while respond(&socket, &telling).is_ok() {});
        Responder { address, told, thread: Some(thread) }
    }

    /// Sets what comes back from here on, and returns the server's address.
    pub(super) fn tell(&self, ask: Ask) -> SocketAddr {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = ask;
        self.address
    }
}

/// Answers one question; a datagram of one byte ends it.
fn respond(socket: &UdpSocket, told: &Mutex<Ask>) -> io::Result<()> {
    let mut buffer = [0; 64];
    let (bytes, client) = socket.recv_from(&mut buffer)?;
    if bytes == 1 {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    if let Ok(question) = Packet::decode(&buffer[..bytes]) {
        let ask = *told.lock().unwrap_or_else(PoisonError::into_inner);
        for datagram in answers(ask, &question, system_clock()) {
            socket.send_to(&datagram, client)?;
        }
    }
    Ok(())
}

impl Drop for Responder {
    fn drop(&mut self) {
        let stop = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.send_to(&[0], self.address));
        if let (Ok(_), Some(thread)) = (stop, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// Our client over UDP, a new one for each query.
pub(super) struct OverUdp(Responder);

impl OverUdp {
    /// A client with a server of its own.
    pub(super) fn new() -> Self {
        OverUdp(Responder::start())
    }
}

impl Counterpart<QueryInterface> for OverUdp {
    fn apply(&mut self, ask: &Ask) -> Outcome {
        let server = self.0.tell(*ask);
        let nonces = Nonces { transmit: 0x5bd1_e995_0123_4567, receive: 0 };
        let answer = UdpClient::connect(server, ClientConfig::default())
            .map_err(AskError::from)
            .and_then(|mut client| client.ask(system_clock, nonces, LONG));
        match answer {
            Ok(Received::Sample(sample)) => believed(sample.offset_ns() as f64 / 1e9),
            Ok(Received::Kiss(_)) => Outcome::Kissed,
            Err(_) => Outcome::GivesUp,
        }
    }
}
