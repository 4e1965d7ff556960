//! The HTTP front: a [`Node`] on a socket, between clients and one origin, by hyper.
//!
//! What is read from a connection is bounded in bytes and in time. A request whose target cannot be known for sure is
//! refused (RFC 9112 §3.2), and so is one whose length can be read in two ways (§6.3), except that of a length beside
//! chunks the chunks count, and the connection ends (§6.1): hyper does that. What goes to the origin has a length of its
//! own. A response that is shorter than it says is none: nothing of it is stored.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Version, client, server};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::implementation::{Config, Effect, Failure, Headers, Node, Purge, Request, Response, Target};

/// The bounds of a front. Times are in milliseconds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections of clients at once; beyond, they wait to be accepted. Default 10,000.
    pub connections_max: usize,
    /// Bytes of a request's line and fields; hyper wants 8,192 at least. Default 65,536.
    pub head_bytes_max: usize,
    /// Bytes of a request's content, and of a response's. Default 64 MiB.
    pub body_bytes_max: usize,
    /// Time in which the head of a request has to come, from the first byte or the last response. Default 30,000.
    pub head_ms: u64,
    /// Time in which the content of a request has to come. Default 60,000.
    pub body_ms: u64,
    /// Time in which the origin has to have answered, content included. Default 30,000.
    pub origin_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 10_000,
            head_bytes_max: 65_536,
            body_bytes_max: 64 << 20,
            head_ms: 30_000,
            body_ms: 60_000,
            origin_ms: 30_000,
        }
    }
}

/// A node with its clients' names.
struct Shared {
    node: Node<u64>,
    waiting: HashMap<u64, oneshot::Sender<Response>>,
    next: u64,
}

/// A cache before one origin.
pub struct Front {
    shared: Mutex<Shared>,
    origin: String,
    limits: Limits,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("origin", &self.origin).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A request that is refused before the cache sees it, with the status that says why.
struct Refused(u16);

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Lets go of the client when its connection ends.
struct Leaving<'a> {
    front: &'a Front,
    client: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut shared = self.front.lock();
        if shared.waiting.remove(&self.client).is_some() {
            shared.node.cancel(&self.client);
        }
    }
}

impl Front {
    /// A front before the origin at `origin`, which is `host:port`.
    pub fn new(config: Config, origin: impl Into<String>, limits: Limits) -> Arc<Self> {
        let shared = Shared { node: Node::new(config), waiting: HashMap::new(), next: 0 };
        Arc::new(Front { shared: Mutex::new(shared), origin: origin.into(), limits })
    }

    /// Takes out what `purge` names, and answers how many stored responses there were.
    pub fn purge(&self, purge: &Purge) -> usize {
        self.lock().node.purge(purge)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing in there panics half-way; if it did, what is stored is still whole responses.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves those who connect to `listener`, until it is dropped.
    ///
    /// # Errors
    /// The listener fails for good.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> std::io::Result<Infallible> {
        let connections = Arc::new(Semaphore::new(self.limits.connections_max));
        loop {
            let Ok(permit) = connections.clone().acquire_owned().await else { continue };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // The client has gone again, or there are no more descriptors: both pass.
                Err(error) if error.raw_os_error().is_some() => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let front = self.clone();
            tokio::spawn(async move {
                front.connection(stream).await;
                drop(permit);
            });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let local = stream.local_addr().ok();
        let _ = stream.set_nodelay(true);
        let head = Duration::from_millis(self.limits.head_ms);
        let mut builder = server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(self.limits.head_bytes_max.max(8_192));
        let service = service_fn(|request| {
            let front = self.clone();
            async move { Ok::<_, Infallible>(front.respond(request, local).await) }
        });
        // What a client does wrong ends its connection, and nothing else.
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn respond(
        self: Arc<Self>,
        incoming: hyper::Request<Incoming>,
        local: Option<SocketAddr>,
    ) -> hyper::Response<Full<Bytes>> {
        let is_head = incoming.method() == hyper::Method::HEAD;
        match self.request(incoming, local).await {
            Ok(request) => {
                let response = self.clone().ask(request).await;
                outgoing(response, is_head)
            }
            Err(Refused(status)) => outgoing(Response::new(status).with("connection", "close"), is_head),
        }
    }

    /// The request as the cache takes it.
    async fn request(&self, incoming: hyper::Request<Incoming>, local: Option<SocketAddr>) -> Result<Request, Refused> {
        let (parts, body) = incoming.into_parts();
        // hyper's own bound is looked at between reads alone.
        let line = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
        let lines: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if line + lines > self.limits.head_bytes_max {
            return Err(Refused(431));
        }
        let authority = authority(&parts, local)?;
        let lengths = parts.headers.get_all(CONTENT_LENGTH).iter().count();
        let codings: Vec<_> = parts.headers.get_all(TRANSFER_ENCODING).iter().collect();
        // RFC 9112 §6.3: lengths that are there twice are not forwarded, nor is a coding that is not understood (§6.1).
        if lengths > 1 || codings.len() > 1 {
            return Err(Refused(400));
        }
        if codings.first().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
            return Err(Refused(501));
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let lines = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes().to_vec()));
        let content = Limited::new(body, self.limits.body_bytes_max).collect();
        let content = match timeout(Duration::from_millis(self.limits.body_ms), content).await {
            Err(_) => return Err(Refused(408)),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refused(413)),
            Ok(Err(_)) => return Err(Refused(400)),
            Ok(Ok(content)) => content.to_bytes(),
        };
        Ok(Request {
            method: parts.method.as_str().into(),
            target: Target::new("http", &authority, path),
            headers: lines.collect(),
            body: content[..].into(),
        })
    }

    /// Asks the node, and waits for what it says.
    async fn ask(self: Arc<Self>, request: Request) -> Response {
        let (sender, receiver) = oneshot::channel();
        let (client, effects) = {
            let mut shared = self.lock();
            let client = shared.next;
            shared.next += 1;
            shared.waiting.insert(client, sender);
            (client, shared.node.handle(client, request, now_ms()))
        };
        let _leaving = Leaving { front: &self, client };
        self.clone().act(effects);
        receiver.await.unwrap_or_else(|_| Response::new(503))
    }

    /// Does what the node wants done.
    fn act(self: Arc<Self>, effects: Vec<Effect<u64>>) {
        for effect in effects {
            match effect {
                Effect::Reply { client, response } => {
                    let waiting = self.lock().waiting.remove(&client);
                    // Who has left does not want it.
                    let _ = waiting.map(|waiting| waiting.send(response));
                }
                Effect::Forward { fill, request } => {
                    let front = self.clone();
                    tokio::spawn(async move {
                        let limit = Duration::from_millis(front.limits.origin_ms);
                        let came = timeout(limit, front.fetch(request)).await.unwrap_or(Err(Failure::TimedOut));
                        let effects = front.lock().node.on_upstream(fill, came, now_ms());
                        front.act(effects);
                    });
                }
            }
        }
    }

    /// One request to the origin, on a connection of its own.
    async fn fetch(&self, request: Request) -> Result<Response, Failure> {
        let stream = TcpStream::connect(&self.origin).await.map_err(|_| Failure::Unreachable)?;
        let _ = stream.set_nodelay(true);
        let (mut sender, connection) = client::conn::http1::Builder::new()
            .max_buf_size(self.limits.head_bytes_max.max(8_192))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Failure::Unreachable)?;
        let connection = tokio::spawn(connection);
        let came = self.exchange(&mut sender, request).await;
        connection.abort();
        came
    }

    async fn exchange(
        &self,
        sender: &mut client::conn::http1::SendRequest<Full<Bytes>>,
        request: Request,
    ) -> Result<Response, Failure> {
        let authority = request.target.origin.split_once("://").map_or("", |(_, authority)| authority).to_string();
        let mut outgoing = hyper::Request::builder().method(request.method.as_str()).uri(&*request.target.path);
        for (name, value) in request.headers.iter().filter(|(name, _)| !["host", "content-length"].contains(name)) {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing.header(HOST, authority).header("via", "1.1 cdn");
        let outgoing =
            outgoing.body(Full::new(Bytes::copy_from_slice(&request.body))).map_err(|_| Failure::Malformed)?;
        let incoming = sender
            .send_request(outgoing)
            .await
            .map_err(|error| if error.is_parse() { Failure::Malformed } else { Failure::Unreachable })?;
        let (parts, body) = incoming.into_parts();
        let body = Limited::new(body, self.limits.body_bytes_max).collect().await.map_err(|_| Failure::Malformed)?;
        let lines = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes().to_vec()));
        let headers: Headers = lines.collect();
        Ok(Response { status: parts.status.as_u16(), headers, body: body.to_bytes()[..].into() })
    }
}

/// Whom the request is for. RFC 9112 §3.2: without a `Host`, with two, or with one that is none, it is for nobody.
fn authority(parts: &hyper::http::request::Parts, local: Option<SocketAddr>) -> Result<String, Refused> {
    let hosts: Vec<_> = parts.headers.get_all(HOST).iter().collect();
    let host = match hosts[..] {
        [host] => host.to_str().map_err(|_| Refused(400))?.trim().to_string(),
        [] if parts.version == Version::HTTP_10 => local.map_or(String::new(), |local| local.to_string()),
        _ => return Err(Refused(400)),
    };
    let is_host = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(&byte))
    };
    // RFC 9112 §3.2.2: a target that names its host itself counts.
    let host = parts.uri.authority().map_or(host, |authority| authority.as_str().to_string());
    if parts.uri.scheme().is_some_and(|scheme| scheme.as_str() != "http") {
        return Err(Refused(421));
    }
    if is_host(&host) { Ok(host) } else { Err(Refused(400)) }
}

fn outgoing(response: Response, is_head: bool) -> hyper::Response<Full<Bytes>> {
    let mut outgoing = hyper::Response::builder().status(response.status);
    let keeps_length = is_head || response.status == 304;
    for (name, value) in response.headers.iter().filter(|(name, _)| keeps_length || *name != "content-length") {
        outgoing = outgoing.header(name, value);
    }
    let body = if is_head { Bytes::new() } else { Bytes::copy_from_slice(&response.body) };
    outgoing.body(Full::new(body)).unwrap_or_else(|_| {
        let mut bad = hyper::Response::new(Full::new(Bytes::new()));
        *bad.status_mut() = hyper::StatusCode::BAD_GATEWAY;
        bad
    })
}
