//! The servers behind a balancer, and the requests that it is sent.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::load_balancer::model::SLOTS_MAX;

use crate::daemon::{WITHIN, connect, patient, read_head};

/// A request that has arrived at a server.
struct Arrival {
    server: u8,
    stream: TcpStream,
}

/// Servers of ours: each takes a request, and answers when it is told to.
pub(super) struct Servers {
    ports: Vec<u16>,
    arrivals: Receiver<Arrival>,
    is_over: Arc<AtomicBool>,
}

impl Servers {
    /// So many servers.
    pub(super) fn start(count: usize) -> Self {
        let (sender, arrivals) = channel();
        let is_over = Arc::<AtomicBool>::default();
        let listen = |server| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
            let port = listener.local_addr().expect("it is bound").port();
            let (sender, is_over) = (sender.clone(), is_over.clone());
            thread::spawn(move || take_requests(server, &listener, &sender, &is_over));
            port
        };
        let ports = (0..count as u8).map(listen).collect();
        Servers { ports, arrivals, is_over }
    }

    /// Their ports.
    pub(super) fn ports(&self) -> &[u16] {
        &self.ports
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        for port in &self.ports {
            // It only wakes the thread that waits for a connection.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, *port));
        }
    }
}

fn take_requests(server: u8, listener: &TcpListener, arrivals: &Sender<Arrival>, is_over: &AtomicBool) {
    while let Ok((stream, _)) = listener.accept() {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let stream = patient(stream);
        // A connection without a request is a health check, or one that was opened ahead of time.
        if read_head(&stream).is_ok() && arrivals.send(Arrival { server, stream }).is_err() {
            return;
        }
    }
}

/// A request under way: the client's end, and the server's.
struct UnderWay {
    client: TcpStream,
    server: TcpStream,
}

/// Requests under way, by slot.
#[derive(Default)]
pub(super) struct Requests([Option<UnderWay>; SLOTS_MAX]);

/// How often the client is looked at while a server is waited for: an answer without a server is an error page.
const LOOK: Duration = Duration::from_millis(1);

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
            match servers.arrivals.recv_timeout(LOOK) {
                Ok(Arrival { server, stream }) => {
                    self.0[usize::from(slot)] = Some(UnderWay { client, server: stream });
                    return Some(server);
                }
                Err(RecvTimeoutError::Timeout) if is_answered(&client) => return None,
                Err(RecvTimeoutError::Timeout) => assert!(Instant::now() < until, "the request arrives nowhere"),
                Err(RecvTimeoutError::Disconnected) => panic!("the servers are gone"),
            }
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

/// Whether anything can be read, without reading it.
fn is_answered(client: &TcpStream) -> bool {
    client.set_nonblocking(true).expect("a socket");
    let looked = client.peek(&mut [0]);
    client.set_nonblocking(false).expect("a socket");
    looked.is_ok()
}
