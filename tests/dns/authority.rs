//! Servers of zones on the loopback, each at an address of its own and all at one port, that answer as they are told:
//! well, lamely, too much for a datagram, late, falsely or not at all. What they are asked is written down in the order in
//! which it came.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// Longer than anything on the loopback takes.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// What a server is asked: the last octet of its address, how, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) server: u8,
    pub(super) over_tcp: bool,
    pub(super) name: String,
    pub(super) kind: RecordType,
}

/// What comes of it: datagrams, each from the server of that number. Over TCP the first alone is sent.
pub(super) struct Reply {
    pub(super) messages: Vec<(u8, Message)>,
    /// Whether they wait until they are released.
    pub(super) is_held: bool,
}

impl Reply {
    pub(super) fn silence() -> Self {
        Reply { messages: Vec::new(), is_held: false }
    }

    pub(super) fn held(self) -> Self {
        Reply { is_held: true, ..self }
    }
}

/// How a server answers a question.
pub(super) type Manner = Box<dyn Fn(&Asked, Message) -> Reply + Send + Sync>;

#[derive(Default)]
struct Seen {
    asked: Vec<Asked>,
    /// What is sent when it is released, to whom, and by which server.
    held: Vec<(u8, SocketAddr, Vec<u8>)>,
}

struct Shared {
    sockets: BTreeMap<u8, UdpSocket>,
    manners: BTreeMap<u8, Manner>,
    seen: Mutex<Seen>,
    came: Condvar,
    stops: AtomicBool,
}

/// The servers, until they are dropped.
pub(super) struct Authority {
    shared: Arc<Shared>,
    port: u16,
    threads: Vec<JoinHandle<()>>,
}

fn address(server: u8, port: u16) -> SocketAddr {
    (Ipv4Addr::new(127, 0, 0, server), port).into()
}

type Bound = BTreeMap<u8, (UdpSocket, TcpListener)>;

/// All at a port that is free at each address.
fn bind(servers: &[u8]) -> (u16, Bound) {
    let at = |port: u16| {
        let both = |server: &u8| {
            let address = address(*server, port);
            Some((*server, (UdpSocket::bind(address).ok()?, TcpListener::bind(address).ok()?)))
        };
        servers.iter().map(both).collect::<Option<Bound>>()
    };
    let free = || UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("it is bound").port();
    let mut tried = (0..100).map(|_| free());
    tried.find_map(|port| Some((port, at(port)?))).expect("a port that is free at all of them")
}

impl Authority {
    pub(super) fn start(manners: impl IntoIterator<Item = (u8, Manner)>) -> Self {
        let manners: BTreeMap<u8, Manner> = manners.into_iter().collect();
        let (port, bound) = bind(&manners.keys().copied().collect::<Vec<_>>());
        let mut sockets = BTreeMap::new();
        let mut listeners = Vec::new();
        for (server, (socket, listener)) in bound {
            sockets.insert(server, socket);
            listeners.push((server, listener));
        }
        let (seen, came, stops) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        let shared = Arc::new(Shared { sockets, manners, seen, came, stops });
        let mut threads = Vec::new();
        for (server, listener) in listeners {
            let (by_udp, by_tcp) = (shared.clone(), shared.clone());
            threads.push(std::thread::spawn(move || by_udp.datagrams(server)));
            threads.push(std::thread::spawn(move || by_tcp.connections(server, &listener)));
        }
        Authority { shared, port, threads }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn root(&self) -> SocketAddr {
        address(1, self.port)
    }

    /// What was asked until now.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.seen.lock().expect("nobody panics").asked.clone()
    }

    /// What was asked until now, in short: servers, and `t` where it was over TCP.
    pub(super) fn servers_asked(&self) -> String {
        let short = |asked: &Asked| format!("{}{}", asked.server, if asked.over_tcp { "t" } else { "" });
        self.asked().iter().map(short).collect::<Vec<_>>().join(" ")
    }

    /// Waits until so much was asked.
    pub(super) fn wait_for(&self, count: usize) {
        let seen = self.shared.seen.lock().expect("nobody panics");
        let waited = self.shared.came.wait_timeout_while(seen, LONG, |seen| seen.asked.len() < count);
        let (seen, timeout) = waited.expect("nobody panics");
        assert!(!timeout.timed_out(), "{count} questions are waited for, {:?} have come", seen.asked);
    }

    /// Sends what was held.
    pub(super) fn release(&self) {
        let held = std::mem::take(&mut self.shared.seen.lock().expect("nobody panics").held);
        for (server, to, octets) in held {
            self.shared.sockets[&server].send_to(&octets, to).expect("sent");
        }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Release);
        for server in self.shared.sockets.keys() {
            let waker = UdpSocket::bind("127.0.0.1:0").expect("a port");
            let _ = waker.send_to(&[], address(*server, self.port));
            let _ = TcpStream::connect(address(*server, self.port));
        }
        for thread in std::mem::take(&mut self.threads) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn reply(&self, server: u8, over_tcp: bool, octets: &[u8]) -> Option<(Asked, Reply)> {
        let question = Message::from_vec(octets).ok()?;
        let query = question.queries.first()?.clone();
        let (name, kind) = (query.name().to_lowercase().to_string(), query.query_type());
        let asked = Asked { server, over_tcp, name, kind };
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.authoritative = true;
        answer.add_query(query);
        let reply = self.manners[&server](&asked, answer);
        Some((asked, reply))
    }

    /// Written down before it is answered, and no sooner than it is held.
    fn note(&self, asked: Asked, held: Vec<(u8, SocketAddr, Vec<u8>)>) {
        let mut seen = self.seen.lock().expect("nobody panics");
        seen.asked.push(asked);
        seen.held.extend(held);
        self.came.notify_all();
    }

    fn datagrams(&self, server: u8) {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = self.sockets[&server].recv_from(&mut buffer) {
            if self.stops.load(Ordering::Acquire) {
                return;
            }
            let Some((asked, reply)) = self.reply(server, false, &buffer[..length]) else { continue };
            let written = |(by, message): (u8, Message)| (by, from, message.to_vec().expect("it can be written"));
            let written: Vec<_> = reply.messages.into_iter().map(written).collect();
            let (held, sent) = if reply.is_held { (written, Vec::new()) } else { (Vec::new(), written) };
            self.note(asked, held);
            for (by, to, octets) in sent {
                let _ = self.sockets[&by].send_to(&octets, to);
            }
        }
    }

    fn connections(&self, server: u8, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stops.load(Ordering::Acquire) {
                return;
            }
            let Ok(mut stream) = stream else { continue };
            let Some(octets) = read_message(&mut stream) else { continue };
            let Some((asked, reply)) = self.reply(server, true, &octets) else { continue };
            self.note(asked, Vec::new());
            if let Some((_, message)) = reply.messages.first() {
                write_message(&mut stream, &message.to_vec().expect("it can be written"));
            }
        }
    }
}

/// A message over TCP, which its length precedes (RFC 1035 §4.2.2).
pub(super) fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(LONG)).expect("a time that is not 0");
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut octets = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut octets).ok()?;
    Some(octets)
}

pub(super) fn write_message(stream: &mut TcpStream, octets: &[u8]) {
    let length = u16::try_from(octets.len()).expect("it fits");
    let _ = stream.write_all(&[&length.to_be_bytes()[..], octets].concat());
}

pub(super) fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

pub(super) fn a(owner: &str, ttl_s: u32, octet: u8) -> Record {
    Record::from_rdata(name(owner), ttl_s, RData::A(A::new(192, 0, 2, octet)))
}

/// The address of the server of that number.
pub(super) fn glue(owner: &str, ttl_s: u32, server: u8) -> Record {
    Record::from_rdata(name(owner), ttl_s, RData::A(A::new(127, 0, 0, server)))
}

pub(super) fn ns(zone: &str, ttl_s: u32, server: &str) -> Record {
    Record::from_rdata(name(zone), ttl_s, RData::NS(NS(name(server))))
}

pub(super) fn cname(owner: &str, ttl_s: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl_s, RData::CNAME(CNAME(name(target))))
}

pub(super) fn soa(zone: &str, ttl_s: u32, minimum_s: u32) -> Record {
    let soa = SOA::new(name("ns.zz."), name("who.zz."), 7, 3_600, 600, 86_400, minimum_s);
    Record::from_rdata(name(zone), ttl_s, RData::SOA(soa))
}

pub(super) fn text(owner: &str, ttl_s: u32, text: String) -> Record {
    Record::from_rdata(name(owner), ttl_s, RData::TXT(TXT::new(vec![text])))
}

/// Answers to be sent by the server that was asked.
pub(super) fn answers(asked: &Asked, mut message: Message, records: Vec<Record>) -> Reply {
    message.add_answers(records);
    Reply { messages: vec![(asked.server, message)], is_held: false }
}

/// A referral to servers of `zone`, each with its address where it is known.
pub(super) fn refers(asked: &Asked, mut message: Message, servers: Vec<Record>, addresses: Vec<Record>) -> Reply {
    message.metadata.authoritative = false;
    message.add_authorities(servers);
    message.add_additionals(addresses);
    Reply { messages: vec![(asked.server, message)], is_held: false }
}

/// Denies that the name exists, or where `exists` that it has such records.
pub(super) fn denies(asked: &Asked, mut message: Message, exists: bool, soa: Record) -> Reply {
    message.metadata.response_code = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
    message.add_authority(soa);
    Reply { messages: vec![(asked.server, message)], is_held: false }
}

/// A code and nothing else.
pub(super) fn fails(asked: &Asked, mut message: Message, code: ResponseCode) -> Reply {
    message.metadata.response_code = code;
    message.metadata.authoritative = false;
    Reply { messages: vec![(asked.server, message)], is_held: false }
}

/// The server of the root refers to that of `zz.` at address 2, and that to those of `a.zz.` at addresses 3 and 4; there is
/// no other zone. Every TTL is `ttl_s`.
pub(super) fn refers_below(ttl_s: u32) -> [(u8, Manner); 2] {
    let root: Manner = Box::new(move |asked, message| {
        refers(asked, message, vec![ns("zz.", ttl_s, "ns.zz.")], vec![glue("ns.zz.", ttl_s, 2)])
    });
    let zz: Manner = Box::new(move |asked, message| {
        if !asked.name.ends_with("a.zz.") {
            return denies(asked, message, false, soa("zz.", ttl_s, ttl_s));
        }
        let servers = ["ns1.a.zz.", "ns2.a.zz."];
        let glue = vec![glue(servers[0], ttl_s, 3), glue(servers[1], ttl_s, 4)];
        refers(asked, message, servers.map(|server| ns("a.zz.", ttl_s, server)).to_vec(), glue)
    });
    [(1, root), (2, zz)]
}

/// A question of a client.
pub(super) fn question(id: u16, owner: &str, kind: RecordType) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name(owner), kind));
    message
}
