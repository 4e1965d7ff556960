//! The requests that a balancer is sent.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use counterpart_models::load_balancer::model::SLOTS_MAX;

use crate::daemon::{WITHIN, connect};
use crate::servers::{Arrival, LOOK, Servers, is_answered};

/// A request under way: the client's end, and the server's.
struct UnderWay {
    client: TcpStream,
    server: TcpStream,
}

/// Requests under way, by slot.
#[derive(Default)]
pub(super) struct Requests([Option<UnderWay>; SLOTS_MAX]);

impl Requests {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Sends a request to the balancer at `port`, and returns the server that it arrives at; `None` if the balancer
    /// answers by itself.
    pub(super) fn send(&mut self, port: u16, slot: u8, servers: &Servers) -> Option<u8> {
        let mut client = connect(port);
        client.write_all(b"GET / HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n").expect("it takes requests");
        let until = Instant::now() + WITHIN;
        loop {
            if let Some(Arrival { server, stream, .. }) = servers.arrival(LOOK) {
                self.0[usize::from(slot)] = Some(UnderWay { client, server: stream });
                return Some(server);
            }
            if is_answered(&client) {
                return None;
            }
            assert!(Instant::now() < until, "the request arrives nowhere");
        }
    }

    /// Lets the server answer. When this returns the balancer has closed the client's connection.
    pub(super) fn complete(&mut self, slot: u8) {
        let Some(UnderWay { mut client, mut server }) = self.0[usize::from(slot)].take() else { return };
        server
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            .expect("the balancer waits for an answer");
        // A balancer that has read all of it may have closed it.
        let _ = server.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).expect("the balancer passes the answer on");
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }

    /// Lets the client go away. When this returns the balancer has closed the server's connection.
    pub(super) fn cancel(&mut self, slot: u8) {
        let Some(UnderWay { client, mut server }) = self.0[usize::from(slot)].take() else { return };
        drop(client);
        match server.read(&mut [0]) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("the balancer does not let go of the server: {other:?}"),
        }
    }
}
