//! hickory-resolver's whole `Recursor`, unchanged, over a network that is in memory: whoever drives it answers what it asks.
//!
//! It is behind the feature `peers-heavy-dns`, because it brings a runtime. What it shows are tests and no cases of the
//! catalogue: what the catalogue keeps does not depend on it. It is handed questions and answers, and no datagrams: ids and
//! ports are looked at below that, and not driven. Time stands still.

use std::future::{Future, Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::Stream;
use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::DnsHandle;
use hickory_resolver::proto::op::{DnsRequest, DnsResponse, Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, CNAME, NS, SOA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::recursor::{Recursor, RecursorError, RecursorOptions};
use hickory_resolver::{ConnectionProvider, PoolContext};

/// Name of the crate, with its version.
pub const HICKORY: &str = "hickory-resolver 0.26.3, Recursor";

/// The root's server.
pub const ROOT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// A question that it asks upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The server.
    pub server: IpAddr,
    /// The name, with a dot at its end.
    pub name: String,
    /// The type.
    pub kind: RecordType,
}

/// What is answered at once; what is not is held.
type Script = Arc<dyn Fn(&Asked) -> Option<Message> + Send + Sync>;

#[derive(Default)]
struct Line {
    /// Every question so far, and its answer until it is taken.
    questions: Vec<(Asked, Option<Message>)>,
    held: Vec<usize>,
    wakers: Vec<Waker>,
}

/// The network: every connection is one to it.
#[derive(Clone)]
struct Network {
    script: Script,
    line: Arc<Mutex<Line>>,
    runtime: TokioRuntimeProvider,
}

impl Network {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionProvider for Network {
    type Conn = Connection;
    type FutureConn = Ready<Result<Connection, NetError>>;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(&self, ip: IpAddr, _: &ConnectionConfig, _: &PoolContext) -> Result<Self::FutureConn, NetError> {
        Ok(ready(Ok(Connection { server: ip, network: self.clone() })))
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.runtime
    }
}

#[derive(Clone)]
struct Connection {
    server: IpAddr,
    network: Network,
}

impl DnsHandle for Connection {
    type Response = Reply;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Reply {
        let query = request.queries.first().cloned().unwrap_or_default();
        let asked =
            Asked { server: self.server, name: query.name().to_string().to_lowercase(), kind: query.query_type() };
        let answer = (self.network.script)(&asked);
        let mut line = self.network.line();
        let number = line.questions.len();
        if answer.is_none() {
            line.held.push(number);
        }
        line.questions.push((asked, answer));
        Reply { number, query, id: request.metadata.id, network: self.network.clone() }
    }
}

/// The answer to a question, once it is there.
struct Reply {
    number: usize,
    query: Query,
    id: u16,
    network: Network,
}

impl Stream for Reply {
    type Item = Result<DnsResponse, NetError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut line = self.network.line();
        match line.questions[self.number].1.take() {
            Some(mut message) => {
                message.metadata.id = self.id;
                message.queries = vec![self.query.clone()];
                Poll::Ready(Some(DnsResponse::from_message(message).map_err(NetError::from)))
            }
            None => {
                line.wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

type Running = Pin<Box<dyn Future<Output = Result<Message, RecursorError>> + Send>>;

/// The recursor, and the questions of clients that wait.
pub struct Recursing {
    recursor: Arc<Recursor<Network>>,
    network: Network,
    now: Instant,
    running: Vec<Running>,
}

/// What a client is told, or why it is told nothing.
pub type Outcome = Result<Message, RecursorError>;

impl Recursing {
    /// A recursor that knows the root alone, as it is by default but for the servers that it may ask: those of these
    /// trials stand at addresses for documentation.
    ///
    /// # Panics
    /// If the crate refuses its own defaults.
    pub fn new(script: impl Fn(&Asked) -> Option<Message> + Send + Sync + 'static) -> Self {
        let network =
            Network { script: Arc::new(script), line: Arc::default(), runtime: TokioRuntimeProvider::default() };
        let options = RecursorOptions { deny_server: Vec::new(), ..RecursorOptions::default() };
        let recursor = Recursor::with_options(&[ROOT.into()], options, network.clone()).expect("its own defaults");
        Recursing { recursor: Arc::new(recursor), network, now: Instant::now(), running: Vec::new() }
    }

    /// A client asks. Returns what clients are told by that, the one that has waited longest first.
    ///
    /// # Panics
    /// If `name` is none.
    pub fn ask(&mut self, name: &str, kind: RecordType) -> Vec<Outcome> {
        let query = Query::query(Name::from_ascii(name).expect("a name"), kind);
        let (recursor, now) = (self.recursor.clone(), self.now);
        self.running.push(Box::pin(async move { recursor.resolve(query, now, false).await }));
        self.run()
    }

    /// Answers the question that has been held for longest. Returns what clients are told by that.
    pub fn answer(&mut self, message: Message) -> Vec<Outcome> {
        {
            let mut line = self.network.line();
            if line.held.is_empty() {
                return Vec::new();
            }
            let number = line.held.remove(0);
            line.questions[number].1 = Some(message);
        }
        self.run()
    }

    fn run(&mut self) -> Vec<Outcome> {
        let mut told = Vec::new();
        loop {
            let wakers = std::mem::take(&mut self.network.line().wakers);
            wakers.into_iter().for_each(Waker::wake);
            let before = self.network.line().questions.len();
            let mut context = Context::from_waker(Waker::noop());
            self.running.retain_mut(|running| match running.as_mut().poll(&mut context) {
                Poll::Ready(outcome) => {
                    told.push(outcome);
                    false
                }
                Poll::Pending => true,
            });
            if self.network.line().questions.len() == before {
                return told;
            }
        }
    }

    /// Every question that was asked upstream.
    pub fn asked(&self) -> Vec<Asked> {
        self.network.line().questions.iter().map(|(asked, _)| asked.clone()).collect()
    }

    /// The questions that are held, the oldest first.
    pub fn held(&self) -> Vec<Asked> {
        let line = self.network.line();
        line.held.iter().map(|number| line.questions[*number].0.clone()).collect()
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

/// A record with a TTL of a minute.
pub fn record(of: &str, data: RData) -> Record {
    Record::from_rdata(name(of), 60, data)
}

/// An address.
pub fn address(ip: Ipv4Addr) -> RData {
    RData::A(A(ip))
}

/// A server's name.
pub fn server(text: &str) -> RData {
    RData::NS(NS(name(text)))
}

/// An alias of another name.
pub fn alias(text: &str) -> RData {
    RData::CNAME(CNAME(name(text)))
}

/// An answer with these records. The question is put in when it is sent.
pub fn found(answers: Vec<Record>) -> Message {
    let mut message = Message::response(0, OpCode::Query);
    message.metadata.authoritative = true;
    message.answers = answers;
    message
}

/// There is no such record in `zone`.
pub fn no_data(zone: &str) -> Message {
    let soa = SOA::new(name(zone), name(zone), 1, 60, 60, 60, 60);
    let mut message = found(Vec::new());
    message.authorities = vec![record(zone, RData::SOA(soa))];
    message
}

/// There is no such name in `zone`.
pub fn no_name(zone: &str) -> Message {
    let mut message = no_data(zone);
    message.metadata.response_code = ResponseCode::NXDomain;
    message
}

/// Servers of `zone` are to be asked: their names, and their addresses where they are told.
pub fn referral(zone: &str, servers: &[(String, Option<Ipv4Addr>)]) -> Message {
    let mut message = Message::response(0, OpCode::Query);
    for (text, ip) in servers {
        message.authorities.push(record(zone, server(text)));
        message.additionals.extend(ip.map(|ip| record(text, address(ip))));
    }
    message
}
