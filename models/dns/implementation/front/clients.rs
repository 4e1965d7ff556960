//! Clients: what they ask, over UDP and TCP, and how they are told.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use super::super::core::Answer;
use super::super::wire::{Asked, DATAGRAM_OCTETS_MAX, Rejected, STREAM_OCTETS_MAX, WireError, read_question};
use super::{Counted, LOOK, Shared};

/// Who waits for an answer, and how it is told.
#[derive(Clone, Debug)]
pub(super) struct Client {
    asked: Asked,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Udp(SocketAddr),
    /// To the thread that has the connection.
    Tcp(SyncSender<Answer>),
}

impl Shared {
    pub(super) fn tell(&self, client: &Client, answer: Answer) {
        match &client.way {
            // Who has gone away is told nothing.
            Way::Tcp(thread) => drop(thread.try_send(answer)),
            Way::Udp(address) => match client.asked.answer(&answer, client.asked.datagram_octets_max()) {
                Ok(octets) => drop(self.socket.send_to(&octets, address)),
                Err(error) => (self.report)(*address, &error),
            },
        }
    }

    /// Until the socket fails, or it is to stop.
    pub(super) fn serve_datagrams(self: &Arc<Self>) {
        let mut buffer = [0; DATAGRAM_OCTETS_MAX + 1];
        loop {
            let received = self.socket.recv_from(&mut buffer);
            if self.stops() {
                return;
            }
            match received {
                Ok((length, from)) => self.datagram(&buffer[..length], from),
                // What a client has done to it: a port that is no more.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn datagram(self: &Arc<Self>, octets: &[u8], from: SocketAddr) {
        if octets.len() > DATAGRAM_OCTETS_MAX {
            let error = WireError::TooLong { octets: octets.len(), octets_max: DATAGRAM_OCTETS_MAX };
            return (self.report)(from, &error);
        }
        match read_question(octets) {
            Ok(asked) => self.query(asked, Way::Udp(from)),
            Err(Rejected { why, reply }) => {
                (self.report)(from, &why);
                if let Some(reply) = reply {
                    drop(self.socket.send_to(&reply, from));
                }
            }
        }
    }

    fn query(self: &Arc<Self>, asked: Asked, way: Way) {
        let question = asked.question.clone();
        self.with(|resolver, now_ms, draws| resolver.query(Client { asked, way }, question, now_ms, draws));
    }

    /// Until it is to stop.
    pub(super) fn serve_connections(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stops() {
                return;
            }
            let Ok(stream) = stream else {
                // There may be no room for it; what is there now will make some.
                std::thread::sleep(LOOK);
                continue;
            };
            let bound = self.bounds.connections_max;
            if let Some(counted) = Counted::new(self, |shared| &shared.connections, bound) {
                let shared = self.clone();
                let serve = move || {
                    let _counted = counted;
                    let _ = shared.connection(stream);
                };
                drop(std::thread::Builder::new().spawn(serve));
            }
        }
    }

    /// One question after the other, until the client has no more or says nothing for too long.
    fn connection(self: &Arc<Self>, mut stream: TcpStream) -> io::Result<()> {
        let from = stream.peer_addr()?;
        stream.set_write_timeout(Some(self.bounds.idle))?;
        loop {
            let until = Instant::now() + self.bounds.idle;
            let mut length = [0; 2];
            read_until(&mut stream, &mut length, until)?;
            let mut octets = vec![0; u16::from_be_bytes(length).into()];
            read_until(&mut stream, &mut octets, until)?;
            let reply = match read_question(&octets) {
                Ok(asked) => {
                    let answer = self.wait_for(&asked)?;
                    asked.answer(&answer, STREAM_OCTETS_MAX).map_err(io::Error::other)?
                }
                Err(Rejected { why, reply }) => {
                    (self.report)(from, &why);
                    // Who is not answered has nothing to wait for.
                    reply.ok_or(ErrorKind::InvalidData)?
                }
            };
            let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes()[..], &reply].concat())?;
        }
    }

    fn wait_for(self: &Arc<Self>, asked: &Asked) -> io::Result<Answer> {
        let (thread, answers) = sync_channel(1);
        self.query(asked.clone(), Way::Tcp(thread));
        loop {
            match answers.recv_timeout(LOOK) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) if !self.stops() => self.tick(),
                Err(_) => return Err(ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

/// Fills `buffer`, if that takes no longer than `until`: one octet after the other does not keep a connection for ever.
fn read_until(stream: &mut TcpStream, buffer: &mut [u8], until: Instant) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => filled += length,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
