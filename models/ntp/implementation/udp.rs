//! Client and server over UDP: sockets and clocks, and nothing that decides anything.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use super::client::{Client, ClientConfig, Ignored, Nonces, Received};
use super::packet::{DATAGRAM_BYTES_MAX, Timestamp};
use super::server::{Condition, Reply, Server, Unanswered};

/// The time that the system's wall clock shows.
pub fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(since.as_secs(), since.subsec_nanos())
}

/// Room for the largest datagram that is looked at, and a byte by which a larger one is known.
type Buffer = [u8; DATAGRAM_BYTES_MAX + 1];

/// A server on a socket.
#[derive(Debug)]
pub struct UdpServer {
    socket: UdpSocket,
    core: Server<SocketAddr>,
    buffer: Buffer,
}

/// What came of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The client's address.
    pub client: SocketAddr,
    /// Whether the datagram was answered, and why not.
    pub outcome: Result<(), Unanswered>,
}

impl UdpServer {
    /// A server that listens at `address`, with a clock in `condition`.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub fn bind(address: impl ToSocketAddrs, condition: Condition) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        Ok(UdpServer { socket, core: Server::interleaved(condition), buffer: [0; DATAGRAM_BYTES_MAX + 1] })
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// The socket has none.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits for one datagram and answers it by `clock`. Nothing is allocated.
    ///
    /// # Errors
    /// The socket fails. What a client has done to it (a port unreachable) is no failure.
    pub fn serve_one(&mut self, clock: impl Fn() -> Timestamp) -> io::Result<Served> {
        let (bytes, client) = loop {
            match self.socket.recv_from(&mut self.buffer) {
                Ok(received) => break received,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
        };
        let outcome = match self.core.receive(&self.buffer[..bytes], clock()) {
            Ok(question) => {
                let answer = self.core.answer(client, &question, Reply::Time, clock()).encode();
                self.socket.send_to(&answer, client)?;
                self.core.left(client, clock());
                Ok(())
            }
            Err(unanswered) => Err(unanswered),
        };
        Ok(Served { client, outcome })
    }
}

/// Why a question came to nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    /// It is not time to ask, or never again.
    #[error("it is not time to ask")]
    NotYet,
    /// The server has answered, and has no time to give.
    #[error("the server has no time: {0}")]
    NoTime(Ignored),
    /// No answer came in time.
    #[error("no answer in time")]
    Timeout,
    /// The socket fails.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A socket that is connected to a server: what comes from elsewhere never reaches it.
#[derive(Debug)]
pub(in crate::ntp) struct Line {
    socket: UdpSocket,
    buffer: Buffer,
}

impl Line {
    /// A socket for the server at `address`.
    pub(in crate::ntp) fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        let server = address.to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
        let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        Ok(Line { socket, buffer: [0; DATAGRAM_BYTES_MAX + 1] })
    }

    /// Asks for `core`, as [`UdpClient::ask`] has it.
    pub(in crate::ntp) fn ask(
        &mut self,
        core: &mut Client,
        clock: impl Fn() -> Timestamp,
        nonces: Nonces,
        timeout: Duration,
    ) -> Result<Received, AskError> {
        let begun = Instant::now();
        let question = core.poll(clock(), nonces).ok_or(AskError::NotYet)?;
        self.socket.send(&question.encode())?;
        loop {
            let left = timeout.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
            self.socket.set_read_timeout(Some(left.ok_or(AskError::Timeout)?))?;
            let bytes = match self.socket.recv(&mut self.buffer) {
                Ok(bytes) => bytes,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(AskError::Timeout);
                }
                Err(error) => return Err(error.into()),
            };
            match core.receive(&self.buffer[..bytes], clock()) {
                Ok(received) => return Ok(received),
                Err(_) if core.is_waiting() => {}
                Err(answered) => return Err(AskError::NoTime(answered)),
            }
        }
    }
}

/// A client on a socket, connected to its server: what comes from elsewhere never reaches it.
#[derive(Debug)]
pub struct UdpClient {
    line: Line,
    core: Client,
}

impl UdpClient {
    /// A client of the server at `address`.
    ///
    /// # Errors
    /// The address is none, or no socket can be had.
    pub fn connect(address: impl ToSocketAddrs, config: ClientConfig) -> io::Result<Self> {
        Ok(UdpClient { line: Line::connect(address)?, core: Client::new(config) })
    }

    /// The core, which is to be told of time that goes by.
    pub fn core(&mut self) -> &mut Client {
        &mut self.core
    }

    /// Asks, and waits for an answer for `timeout` at most. Datagrams that answer nothing are passed over. Nothing is
    /// allocated.
    ///
    /// # Errors
    /// No answer that counts, and why.
    pub fn ask(
        &mut self,
        clock: impl Fn() -> Timestamp,
        nonces: Nonces,
        timeout: Duration,
    ) -> Result<Received, AskError> {
        self.line.ask(&mut self.core, clock, nonces, timeout)
    }
}
