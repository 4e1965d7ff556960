//! The resolver on sockets, UDP and TCP: threads and clocks, and nothing that decides anything.
//!
//! A question that goes upstream has a socket and a thread of its own, at a port that nobody can foresee, until it is
//! answered or given up. Threads are bounded: so many questions on their way as the settings allow, twice over, since one
//! that was just answered may still stand beside the one that follows; and so many connections of clients as [`Bounds`]
//! says. A datagram that finds no room is answered with a failure, a connection that finds none is closed.

mod clients;
mod upstream;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thiserror::Error;

use self::clients::Client;
use self::upstream::Sockets;
use super::resolver::{Act, Draws, Resolver};
use super::settings::{Settings, SettingsError};
use super::wire::WireError;

/// How often whoever waits looks whether it still should.
const LOOK: Duration = Duration::from_millis(20);

/// Milliseconds since some instant, never going back.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Milliseconds since now.
pub fn monotonic_clock() -> Clock {
    let begun = Instant::now();
    Arc::new(move || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// What clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once.
    pub connections_max: usize,
    /// How long a connection may be idle.
    pub idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { connections_max: 64, idle: Duration::from_secs(10) }
    }
}

/// Why a resolver cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FrontError {
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address cannot be listened at, or no thread can be had.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// Told of whatever a client or a server has sent that means nothing.
pub type Report = Arc<dyn Fn(SocketAddr, &WireError) + Send + Sync>;

struct Shared {
    resolver: Mutex<Resolver<Client>>,
    socket: UdpSocket,
    clock: Clock,
    report: Report,
    bounds: Bounds,
    begun: Instant,
    /// When the resolver was last told that time goes by: milliseconds since it was begun, by the system's clock.
    ticked_ms: AtomicU64,
    exchanges: AtomicUsize,
    exchanges_max: usize,
    exchange_timeout: Duration,
    connections: AtomicUsize,
    stops: AtomicBool,
}

/// A resolver that listens, until it is dropped.
pub struct Front {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Vec<JoinHandle<()>>,
}

/// One more of what is counted, until it is dropped.
struct Counted(Arc<Shared>, fn(&Shared) -> &AtomicUsize);

impl Counted {
    fn new(shared: &Arc<Shared>, count: fn(&Shared) -> &AtomicUsize, max: usize) -> Option<Self> {
        let one_more = |number: usize| (number < max).then_some(number + 1);
        let counted = count(shared).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.ok().map(|_| Counted(shared.clone(), count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Ports that are tried where the system chooses one: what it has free for UDP may be somebody's for TCP.
const PORT_TRIES: usize = 16;

/// Both at one port.
fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let both = || {
        let socket = UdpSocket::bind(listen)?;
        let listener = TcpListener::bind(socket.local_addr()?)?;
        Ok((socket, listener))
    };
    let tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
    let is_taken = |bound: &io::Result<_>| bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    (1..tries).map(|_| both()).find(|bound| !is_taken(bound)).unwrap_or_else(both)
}

impl Front {
    /// A resolver that listens at `listen`, over UDP and TCP, and tells the time by `clock`.
    ///
    /// # Errors
    /// The settings make no sense, or the address cannot be listened at.
    pub fn start(
        listen: SocketAddr,
        settings: Settings,
        bounds: Bounds,
        clock: Clock,
        report: Report,
    ) -> Result<Self, FrontError> {
        let exchanges_max = settings.exchanges_max.saturating_mul(2);
        let exchange_timeout = Duration::from_millis(settings.exchange_timeout_ms);
        let resolver = Resolver::new(settings)?;
        let failed = |error| FrontError::Listen { address: listen, error };
        let (socket, listener) = bind(listen).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            resolver: Mutex::new(resolver),
            socket,
            clock,
            report,
            bounds,
            begun: Instant::now(),
            ticked_ms: AtomicU64::new(0),
            exchanges: AtomicUsize::new(0),
            exchanges_max,
            exchange_timeout,
            connections: AtomicUsize::new(0),
            stops: AtomicBool::new(false),
        });
        let (by_udp, by_tcp) = (shared.clone(), shared.clone());
        let udp = std::thread::Builder::new().spawn(move || by_udp.serve_datagrams()).map_err(failed)?;
        let mut front = Front { shared, address, listening: vec![udp] };
        let tcp = std::thread::Builder::new().spawn(move || by_tcp.serve_connections(&listener)).map_err(failed)?;
        front.listening.push(tcp);
        Ok(front)
    }

    /// The address that it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it is stopped from elsewhere, which nobody does while it is borrowed: for ever.
    pub fn wait(mut self) {
        for listening in std::mem::take(&mut self.listening) {
            let _ = listening.join();
        }
    }

    /// Questions on their way, facts that are kept, and octets that they take.
    pub fn load(&self) -> Load {
        let resolver = self.shared.resolver();
        Load {
            walks: resolver.walks(),
            facts: resolver.core().facts(),
            octets: resolver.core().octets(),
            zones: resolver.delegations().len(),
            threads: self.shared.exchanges.load(Ordering::Relaxed) + self.shared.connections.load(Ordering::Relaxed),
        }
    }
}

/// What is held at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Questions that are being looked for.
    pub walks: usize,
    /// Facts that are kept.
    pub facts: usize,
    /// Octets that they take.
    pub octets: usize,
    /// Zones whose servers are known.
    pub zones: usize,
    /// Threads beside the two that listen.
    pub threads: usize,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Release);
        // Whoever waits for a datagram or a connection gets one more.
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(if own.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        let _ = self.shared.socket.send_to(&[], own);
        let _ = TcpStream::connect(own);
        for listening in std::mem::take(&mut self.listening) {
            let _ = listening.join();
        }
    }
}

impl Shared {
    /// What a thread that has panicked left behind is a resolver all the same.
    fn resolver(&self) -> MutexGuard<'_, Resolver<Client>> {
        self.resolver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stops(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }

    /// Lets the resolver do something, and then does what is to be done.
    fn with(self: &Arc<Self>, step: impl FnOnce(&mut Resolver<Client>, u64, Draws<'_>) -> Vec<Act<Client>>) {
        let mut sockets = Sockets::new();
        let acts = {
            let mut draws = |server, over_tcp| self.draw(server, over_tcp, &mut sockets);
            step(&mut self.resolver(), (self.clock)(), &mut draws)
        };
        for act in acts {
            match act {
                Act::Tell { client, answer, .. } => self.tell(&client, answer),
                Act::Send { server, over_tcp, port, message } => {
                    self.ask(server, over_tcp, message, sockets.remove(&port));
                }
            }
        }
    }

    /// Tells the resolver that time goes by, as often as one who waits looks, however many wait: it goes through all that
    /// is on its way.
    fn tick(self: &Arc<Self>) {
        let now_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let is_time =
            |ticked_ms: u64| (u128::from(now_ms - ticked_ms.min(now_ms)) >= LOOK.as_millis()).then_some(now_ms);
        if self.ticked_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_time).is_err() {
            return;
        }
        self.with(|resolver, now_ms, draws| resolver.tick(now_ms, draws));
    }
}
