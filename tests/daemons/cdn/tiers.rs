//! Two tiers of a cache, what is said between them, and what becomes of a request.

use std::io::{Read, Write};
use std::mem::take;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::Cache;
use crate::clock::Clock;
use crate::daemon::{Folder, WITHIN, connect};
use crate::servers::{Arrival, LOOK, Servers, is_answered};

/// Two tiers of a cache. They are started once they are asked for the first time; whoever begins anew has a path that
/// nobody has asked for.
pub(super) struct Tiers<D>(Arc<Shared<D>>);

impl<D> Clone for Tiers<D> {
    fn clone(&self) -> Self {
        Tiers(self.0.clone())
    }
}

struct Shared<D> {
    /// Whether the clock is moved by hand.
    is_timed: bool,
    paths: AtomicU32,
    requests: AtomicU32,
    running: OnceLock<Mutex<Running<D>>>,
}

struct Running<D> {
    /// The shield, and the edge.
    nodes: [D; 2],
    servers: Servers,
    clock: Option<Clock>,
    /// Whether a request of somebody who has gone away was refused, and nobody was told so yet.
    has_refused: bool,
    // Its clock is read from here.
    _clock_folder: Folder,
}

/// What becomes of a request.
pub(super) enum Came {
    /// It is answered from what is stored.
    Answered(Message),
    /// The node has asked whoever is above it.
    Asked {
        /// What the node sent.
        sent: Message,
        /// Where it is to be answered.
        upstream: TcpStream,
        /// Whoever made it ask.
        waits: TcpStream,
    },
    /// It waits for a fill that is under way.
    PutAside,
}

impl<D: Cache> Tiers<D> {
    /// Two tiers by the true clock, or by one that is moved by hand.
    pub(super) fn new(is_timed: bool) -> Self {
        Tiers(Arc::new(Shared {
            is_timed,
            paths: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            running: OnceLock::new(),
        }))
    }

    /// A path that nobody has asked for.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.0.paths.fetch_add(1, Ordering::Relaxed))
    }

    fn running(&self) -> MutexGuard<'_, Running<D>> {
        let running = self.0.running.get_or_init(|| Mutex::new(Running::start(self.0.is_timed)));
        running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `path` out of a node.
    pub(super) fn purge(&self, node: usize, path: &str) {
        self.running().nodes[node].purge(path);
    }

    /// Moves the clock on.
    pub(super) fn advance(&self, seconds: u64) {
        if let Some(clock) = &mut self.running().clock {
            clock.advance(seconds);
        }
    }

    /// Sends `request` to a node, and waits until it is known what becomes of it. Only a request that `may_wait` for
    /// another's fill is believed to do so.
    ///
    /// Whoever was put aside and has gone away is not forgotten: when the fill fails, a cache sends for it on its behalf. That
    /// is refused, and whoever has asked meanwhile is told so; then it asks again.
    pub(super) fn ask(&self, node: usize, request: &Message, may_wait: bool) -> Came {
        loop {
            let numbered = request.numbered(self.0.requests.fetch_add(1, Ordering::Relaxed));
            let mut running = self.running();
            match running.ask(node, &numbered, may_wait) {
                Came::Answered(answer) if answer.status().starts_with('5') && take(&mut running.has_refused) => {}
                came => return came,
            }
        }
    }
}

impl<D: Cache> Running<D> {
    fn ask(&mut self, node: usize, request: &Message, may_wait: bool) -> Came {
        let before = if may_wait { self.nodes[node].put_aside() } else { 0 };
        let client = connect(self.nodes[node].port());
        request.send(&client);
        let until = Instant::now() + WITHIN;
        loop {
            let mut arrived = self.arrival(node, request);
            let is_put_aside = may_wait && self.nodes[node].has_put_aside_more_than(before);
            if arrived.is_none() && is_put_aside {
                arrived = self.arrival_so_far(node, request);
            }
            if let Some(Arrival { head, stream, .. }) = arrived {
                return Came::Asked { sent: Message::new(&head, ""), upstream: stream, waits: client };
            }
            if is_answered(&client) {
                return Came::Answered(Message::read(client));
            }
            if is_put_aside {
                return Came::PutAside;
            }
            assert!(Instant::now() < until, "nothing becomes of a request");
        }
    }

    fn start(is_timed: bool) -> Self {
        let servers = Servers::start(2);
        let clock_folder = Folder::new();
        let clock = is_timed.then(|| Clock::in_folder(&clock_folder));
        let shield = D::start(servers.ports()[0], clock.as_ref());
        let edge = D::start(servers.ports()[1], clock.as_ref());
        Running { nodes: [shield, edge], servers, clock, has_refused: false, _clock_folder: clock_folder }
    }

    /// What a node has sent because of `request`, if it arrives soon. Whatever else arrives is refused: nginx looks twice a
    /// second after those that it has put aside, does not see that they are gone, and may send for one of them.
    fn arrival(&mut self, node: usize, request: &Message) -> Option<Arrival> {
        while let Some(arrival) = self.servers.arrival(LOOK) {
            if is_of(&arrival, node, request) {
                return Some(arrival);
            }
            self.has_refused = true;
        }
        None
    }

    /// The same, of all that the node has sent so far: it has arrived when what is sent after it has.
    fn arrival_so_far(&mut self, node: usize, request: &Message) -> Option<Arrival> {
        let after = connect(self.servers.ports()[node]);
        let last = Message::get("/").numbered(u32::MAX);
        last.send(&after);
        let mut found = None;
        let until = Instant::now() + WITHIN;
        loop {
            match self.servers.arrival(WITHIN) {
                Some(arrival) if is_of(&arrival, node, &last) => return found,
                Some(arrival) if is_of(&arrival, node, request) => found = Some(arrival),
                Some(_) => self.has_refused = true,
                None => assert!(Instant::now() < until, "our own request does not arrive"),
            }
        }
    }
}

/// Whether what has arrived was sent by a node because of `request`.
fn is_of(arrival: &Arrival, node: usize, request: &Message) -> bool {
    usize::from(arrival.server) == node && Message::new(&arrival.head, "").field(NUMBER) == request.field(NUMBER)
}

/// The field that numbers requests, which both daemons pass on.
const NUMBER: &str = "x-number";

/// A request or an answer.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Its first line and its fields.
    head: String,
    body: String,
}

impl Message {
    /// A message of a first line and fields, each with its end, and a body.
    pub(super) fn new(head: &str, body: &str) -> Self {
        Message { head: head.trim_end().to_string() + "\r\n", body: body.into() }
    }

    /// A request for `path`.
    pub(super) fn get(path: &str) -> Self {
        Message::new(&format!("GET {path} HTTP/1.1\r\nHost: loopback\r\n"), "")
    }

    /// The same request under another number.
    fn numbered(&self, number: u32) -> Self {
        let is_other = |line: &&str| !line.to_ascii_lowercase().starts_with(NUMBER);
        let head: String = self.head.lines().filter(is_other).map(|line| format!("{line}\r\n")).collect();
        Message::new(&format!("{head}{NUMBER}: {number}"), &self.body)
    }

    /// Reads an answer to its end: whoever sends it closes the connection.
    pub(super) fn read(mut from: TcpStream) -> Self {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("the answer ends");
        let text = String::from_utf8(bytes).expect("only text was sent");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Message::new(head, body)
    }

    /// Sends it: the last that is said on a connection.
    pub(super) fn send(&self, mut to: &TcpStream) {
        let own = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding")
        };
        let mut text: String = self.head.lines().filter(own).map(|line| format!("{line}\r\n")).collect();
        if self.head.starts_with("HTTP/") {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        text += &format!("Connection: close\r\n\r\n{}", self.body);
        to.write_all(text.as_bytes()).expect("the other end listens");
    }

    /// The status of an answer; empty if nothing was answered.
    pub(super) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The field `name`, which is in lower case.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// The version that an answer is of.
    ///
    /// # Panics
    /// If it names none.
    pub(super) fn version(&self) -> u8 {
        let tag = self.field("etag").map(|tag| tag.trim_start_matches("W/").trim_matches('"'));
        tag.and_then(|tag| tag.parse().ok()).unwrap_or_else(|| panic!("an answer without a version: {self:?}"))
    }
}
