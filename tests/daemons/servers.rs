//! Servers of ours behind a daemon: each takes requests, and answers when it is told to.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::daemon::{patient, read_head};

/// A request that has arrived at a server.
pub(crate) struct Arrival {
    /// Which server.
    pub(crate) server: u8,
    /// The request, up to its empty line.
    pub(crate) head: String,
    /// Where it is to be answered.
    pub(crate) stream: TcpStream,
}

/// Servers, each on a port of its own.
pub(crate) struct Servers {
    ports: Vec<u16>,
    arrivals: Receiver<Arrival>,
    is_over: Arc<AtomicBool>,
}

impl Servers {
    /// So many servers.
    pub(crate) fn start(count: usize) -> Self {
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
    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// The next request that has arrived, whichever server it is at; `None` if none arrives `within`.
    pub(crate) fn arrival(&self, within: Duration) -> Option<Arrival> {
        match self.arrivals.recv_timeout(within) {
            Ok(arrival) => Some(arrival),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the servers are gone"),
        }
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
        if let Ok(head) = read_head(&stream)
            && arrivals.send(Arrival { server, head, stream }).is_err()
        {
            return;
        }
    }
}

/// How often a client is looked at while a server is waited for: the daemon may answer by itself.
pub(crate) const LOOK: Duration = Duration::from_millis(1);

/// Whether anything can be read, without reading it.
pub(crate) fn is_answered(client: &TcpStream) -> bool {
    client.set_nonblocking(true).expect("a socket");
    let looked = client.peek(&mut [0]);
    client.set_nonblocking(false).expect("a socket");
    looked.is_ok()
}
