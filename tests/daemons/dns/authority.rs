//! The authority of zone `zz` and of those below it, the clients, and the wire between them and the resolver.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use counterpart::conform::process::Process;
use counterpart_models::dns::model::{Cache, Content, Kind};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::UNTOLD;
use crate::clock::Clock;
use crate::daemon::{Folder, WITHIN};

/// A question that has come to the authority, and from where.
pub(super) struct Asked {
    message: Message,
    from: SocketAddr,
}

impl Asked {
    fn query(&self) -> &Query {
        self.message.queries.first().expect("a question asks something")
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.query())
    }
}

/// A resolver, and both its sides.
pub(super) struct Bench {
    pub(super) clock: Clock,
    client: UdpSocket,
    /// Whoever asks for what is nobody else's.
    stranger: UdpSocket,
    authority: UdpSocket,
    /// Names given so far.
    names: u32,
    _process: Process,
    _folder: Folder,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    socket.set_read_timeout(Some(WITHIN)).expect("a time-out");
    socket
}

/// The authority's socket, and its port.
pub(super) fn authority() -> (UdpSocket, u16) {
    let socket = socket();
    let port = socket.local_addr().expect("it is bound").port();
    (socket, port)
}

fn receive(socket: &UdpSocket) -> std::io::Result<(Message, SocketAddr)> {
    let mut octets = [0; 1_500];
    let (count, from) = socket.recv_from(&mut octets)?;
    let message = Message::from_vec(&octets[..count]).expect("the resolver sends DNS messages");
    Ok((message, from))
}

impl Bench {
    /// The resolver that listens at `port` and asks at `authority`.
    pub(super) fn new(process: Process, folder: Folder, clock: Clock, authority: UdpSocket, port: u16) -> Self {
        let connected = || {
            let socket = socket();
            socket.connect((Ipv4Addr::LOCALHOST, port)).expect("a socket");
            socket
        };
        let (client, stranger) = (connected(), connected());
        Bench { clock, client, stranger, authority, names: 0, _process: process, _folder: folder }
    }

    fn number(&mut self) -> u32 {
        self.names += 1;
        self.names
    }

    /// Names that nobody has asked for.
    pub(super) fn fresh_zone(&mut self) -> Zone {
        Zone { apex: format!("z{}.zz.", self.number()) }
    }

    /// The client asks.
    pub(super) fn ask(&mut self, (name, kind): &(String, RecordType)) {
        send_query(&self.client, self.names as u16, name, *kind);
    }

    /// The authority answers.
    pub(super) fn reply(&mut self, asked: &Asked, reply: &Message) {
        let octets = reply.to_vec().expect("a message that can be written");
        self.authority.send_to(&octets, asked.from).expect("loopback");
    }

    /// Sends a question the whole way and back; what came to the authority before it is returned.
    pub(super) fn barrier(&mut self) -> Vec<Asked> {
        let name = format!("b{}.zz.", self.number());
        send_query(&self.stranger, self.names as u16, &name, RecordType::A);
        let own = Name::from_ascii(&name).expect("a name");
        let mut before = Vec::new();
        loop {
            let (message, from) = receive(&self.authority).expect("a question goes to the authority");
            let asked = Asked { message, from };
            if *asked.query().name() == own {
                let mut reply = response(&asked, ResponseCode::NoError);
                reply.add_answer(Record::from_rdata(own, 0, RData::A(A::new(192, 0, 2, 255))));
                self.reply(&asked, &reply);
                receive(&self.stranger).expect("the barrier is answered");
                return before;
            }
            before.push(asked);
        }
    }

    /// What has come to the client.
    pub(super) fn answers(&mut self) -> Vec<Message> {
        self.client.set_nonblocking(true).expect("a socket");
        let answers = std::iter::from_fn(|| receive(&self.client).ok()).map(|(message, _)| message).collect();
        self.client.set_nonblocking(false).expect("a socket");
        answers
    }
}

fn send_query(socket: &UdpSocket, id: u16, name: &str, kind: RecordType) {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    socket.send(&message.to_vec().expect("a message that can be written")).expect("loopback");
}

fn response(asked: &Asked, code: ResponseCode) -> Message {
    let mut reply = Message::new(asked.message.metadata.id, MessageType::Response, OpCode::Query);
    (reply.metadata.authoritative, reply.metadata.response_code) = (true, code);
    reply.add_query(asked.query().clone());
    reply
}

/// The zone of one run: below `zz`, and served by the same authority.
pub(super) struct Zone {
    apex: String,
}

impl Zone {
    /// What is asked by a question of the model.
    pub(super) fn name(&self, question: u8) -> (String, RecordType) {
        match question {
            0 => (format!("n.{}", self.apex), RecordType::A),
            1 => (format!("n.{}", self.apex), RecordType::AAAA),
            _ => (format!("x.n.{}", self.apex), RecordType::A),
        }
    }

    /// The question of the model that has come to the authority.
    pub(super) fn question(&self, asked: &Asked) -> Option<u8> {
        let query = asked.query();
        (0..3).find(|question| {
            let (name, kind) = self.name(*question);
            *query.name() == Name::from_ascii(name).expect("a name") && query.query_type() == kind
        })
    }

    /// What the authority answers in `version`.
    pub(super) fn reply(&self, asked: &Asked, model: &Cache, version: u8) -> Message {
        let question = self.question(asked).expect("a question of the model");
        match (model.truth(version, question), model.zone[usize::from(version)]) {
            (Kind::Address, Content::Has { ttl }) => {
                let mut reply = response(asked, ResponseCode::NoError);
                let address = RData::A(A::new(192, 0, 2, version));
                reply.add_answer(Record::from_rdata(asked.query().name().clone(), ttl.into(), address));
                reply
            }
            (kind, _) => {
                let code = if kind == Kind::NxDomain { ResponseCode::NXDomain } else { ResponseCode::NoError };
                let mut reply = response(asked, code);
                if let Some(soa) = model.soa {
                    let zone = Name::from_ascii(&self.apex).expect("a name");
                    let data = SOA::new(zone.clone(), zone.clone(), 1, 3_600, 600, 86_400, soa.minimum.into());
                    reply.add_authority(Record::from_rdata(zone, soa.ttl.into(), RData::SOA(data)));
                }
                reply
            }
        }
    }
}

/// What a client is told: its kind, the version of an address, the TTL.
pub(super) fn told(answer: &Message) -> (Kind, u8, u8) {
    let small = |record: &Record| u8::try_from(record.ttl).unwrap_or(u8::MAX);
    match (answer.metadata.response_code, answer.answers.first()) {
        (ResponseCode::NoError, Some(record)) => match record.data {
            RData::A(A(address)) => (Kind::Address, address.octets()[3], small(record)),
            _ => UNTOLD,
        },
        (code @ (ResponseCode::NoError | ResponseCode::NXDomain), _) => {
            let kind = if code == ResponseCode::NXDomain { Kind::NxDomain } else { Kind::NoData };
            (kind, 0, answer.authorities.first().map_or(0, small))
        }
        _ => UNTOLD,
    }
}
