//! Questions on their way to servers, each on a thread of its own.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;

use super::super::message::Message;
use super::super::name::Question;
use super::super::wire::{DATAGRAM_OCTETS_MAX, STREAM_OCTETS_MAX, WireError, read_answer, write_question};
use super::{Counted, LOOK, Shared};
use crate::dns::poison::implementation::Draw;

/// Ports below are other services' (RFC 6335 §6).
const PORT_MIN: u16 = 1_024;

/// Ports that are tried before the system chooses one.
const PORT_TRIES: usize = 16;

/// Sockets that were bound to draw their ports, by port; each is counted.
pub(super) type Sockets = BTreeMap<u16, (UdpSocket, Counted)>;

/// 16 bits that nobody can foresee.
fn random() -> Option<u16> {
    let mut octets = [0; 2];
    getrandom::fill(&mut octets).ok()?;
    Some(u16::from_be_bytes(octets))
}

fn takes_longer(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

impl Shared {
    /// An id and a port, out of the system's random source.
    pub(super) fn draw(self: &Arc<Self>, server: SocketAddr, over_tcp: bool, sockets: &mut Sockets) -> Option<Draw> {
        let id = random()?;
        if over_tcp {
            return Some(Draw { id, port: 0 });
        }
        let counted = Counted::new(self, |shared| &shared.exchanges, self.exchanges_max)?;
        let any: IpAddr = if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let drawn = std::iter::from_fn(random).filter(|port| *port >= PORT_MIN);
        let socket = drawn.take(PORT_TRIES).chain([0]).find_map(|port| UdpSocket::bind((any, port)).ok())?;
        let port = socket.local_addr().ok()?.port();
        sockets.insert(port, (socket, counted));
        Some(Draw { id, port })
    }

    /// Asks `server`, and sees to it that its answer is received, or else that it is given up.
    pub(super) fn ask(
        self: &Arc<Self>,
        server: SocketAddr,
        over_tcp: bool,
        message: Message,
        bound: Option<(UdpSocket, Counted)>,
    ) {
        let Some(question) = message.question.clone() else { return };
        let mut draw = Draw { id: message.id, port: 0 };
        let (socket, counted) = match bound {
            Some((socket, counted)) => {
                draw.port = socket.local_addr().map_or(0, |address| address.port());
                (Some(socket), Some(counted))
            }
            None => (None, Counted::new(self, |shared| &shared.exchanges, self.exchanges_max)),
        };
        let (shared, asked) = (self.clone(), question.clone());
        let wait = move || {
            let waited = match (&counted, write_question(&message), socket) {
                (None, ..) => Err(io::Error::from(ErrorKind::OutOfMemory)),
                (_, Err(error), _) => Err(io::Error::other(error)),
                (_, Ok(octets), _) if over_tcp => shared.ask_by_stream(server, &octets, &asked, draw),
                (_, Ok(octets), Some(socket)) => shared.ask_by_datagram(&socket, server, &octets, &asked, draw),
                (_, Ok(_), None) => Err(io::Error::from(ErrorKind::NotConnected)),
            };
            if waited.is_err() {
                shared.lose(&asked, draw);
            }
        };
        if std::thread::Builder::new().spawn(wait).is_err() {
            self.lose(&question, draw);
        }
    }

    fn lose(self: &Arc<Self>, question: &Question, draw: Draw) {
        self.with(|resolver, now_ms, draws| resolver.lose(question, draw, now_ms, draws));
    }

    fn still_waits(&self, question: &Question, draw: Draw) -> bool {
        !self.stops() && self.resolver().is_on_its_way(question, draw)
    }

    fn ask_by_datagram(
        self: &Arc<Self>,
        socket: &UdpSocket,
        server: SocketAddr,
        octets: &[u8],
        question: &Question,
        draw: Draw,
    ) -> io::Result<()> {
        socket.send_to(octets, server)?;
        socket.set_read_timeout(Some(LOOK))?;
        let mut buffer = [0; DATAGRAM_OCTETS_MAX + 1];
        while self.still_waits(question, draw) {
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => self.received(&buffer[..length], DATAGRAM_OCTETS_MAX, from, draw.port),
                Err(error) if takes_longer(&error) => self.tick(),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn ask_by_stream(
        self: &Arc<Self>,
        server: SocketAddr,
        octets: &[u8],
        question: &Question,
        draw: Draw,
    ) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&server, self.exchange_timeout)?;
        stream.set_write_timeout(Some(self.exchange_timeout))?;
        let length = u16::try_from(octets.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), octets].concat())?;
        stream.set_read_timeout(Some(LOOK))?;
        let mut read = Vec::new();
        let mut buffer = [0; 4_096];
        while self.still_waits(question, draw) {
            match stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => read.extend_from_slice(&buffer[..length]),
                Err(error) if takes_longer(&error) => self.tick(),
                Err(error) => return Err(error),
            }
            if let Some((length, rest)) = read.split_first_chunk::<2>()
                && let Some(whole) = rest.get(..u16::from_be_bytes(*length).into())
            {
                self.received(whole, STREAM_OCTETS_MAX, server, draw.port);
                // What was not believed is all that comes.
                let believed = !self.still_waits(question, draw);
                return if believed { Ok(()) } else { Err(ErrorKind::InvalidData.into()) };
            }
        }
        Ok(())
    }

    /// What answers nothing is as if it had not come, but for the time that has gone by.
    fn received(self: &Arc<Self>, octets: &[u8], octets_max: usize, from: SocketAddr, port: u16) {
        match read_answer(octets, octets_max) {
            Err(error) => (self.report)(from, &error),
            Ok(message) => self.with(|resolver, now_ms, draws| {
                let received = resolver.receive(&message, from, port, now_ms, draws);
                received.unwrap_or_else(|ignored| {
                    (self.report)(from, &WireError::Ignored(ignored));
                    Vec::new()
                })
            }),
        }
        self.tick();
    }
}
