//! chronyd as the server of our client, which is the checked core unchanged. Between them a network of ours delays, loses
//! and doubles packets, and the clock that chronyd serves is moved on by ticks.

use std::net::UdpSocket;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use counterpart::conform::Walk;
use counterpart::conform::process::Process;
use counterpart::{Check, Counterpart};
use counterpart_models::ntp::bindings::{config, heard};
use counterpart_models::ntp::conformance::{ExchangeInterface, Seen};
use counterpart_models::ntp::implementation::client::{Client, ClientConfig, Ignored, Nonces, Received};
use counterpart_models::ntp::implementation::packet::{DATAGRAM_BYTES_MAX, PACKET_BYTES, Timestamp};
use counterpart_models::ntp::implementation::udp::system_clock;
use counterpart_models::ntp::model::{Action, Answer, Exchange, Heard, PACKETS_MAX, Told, Variant};

use crate::alongside::{Alongside, TIMES, beside, walked};
use crate::clock::Clock;
use crate::daemon::{CHRONYD, Daemon, Folder, WITHIN, free_port, once_ready};

const DAEMON: &Daemon = &CHRONYD;

/// Seconds of a tick: what passes truly meanwhile is far below. By a step of more than ten seconds chronyd forgets what it
/// has told.
const TICK_S: u64 = 2;

pub(super) fn cases() -> Vec<Alongside> {
    // Its answer leaves as the question arrives. What is doubled is told apart by stamps, which are finer than ticks.
    let exchange =
        Exchange { hold_max: 0, doubles_max: 0, forgeries_max: 0, poll_min: 1, poll_max: 1, ..Exchange::small() };
    let plain = Exchange { losses_max: 0, ..exchange };
    let lossy = Exchange { losses_max: 10, ..plain.clone() };
    let interleaved = Exchange { interleaved: true, ..plain.clone() };
    let own = interleaved.clone().with(Variant::KeepsForInterleavedAlone);
    [
        Alongside::new(
            DAEMON,
            "ntp/chronyd_exchange",
            "our client asks it, and packets are on their way for no time",
            toured(Exchange { delay_max: 0, ..plain.clone() }),
        ),
        Alongside::new(
            DAEMON,
            "ntp/chronyd_delayed",
            "our client asks it, packets are late and some are lost",
            walk(lossy),
        ),
        Alongside::deviating(
            DAEMON,
            "ntp/chronyd_interleaved",
            "our client asks it for interleaved answers",
            walk(interleaved),
            "the client asks for an interleaved answer for the first time, and is given a plain one: chronyd remembers when its \
                     answers left only for those who have asked so already",
        ),
        Alongside::new(
            DAEMON,
            "ntp/chronyd_interleaved_but_for_the_first",
            "the same, where the first that is asked for is plain",
            walk(own),
        ),
    ]
    .map(Alongside::by_our_clock)
    .into()
}

fn toured(model: Exchange) -> Check<Exchange, ExchangeInterface> {
    let make = started(&model);
    beside(DAEMON, counterpart_models::ntp::check(model), make)
}

/// Walks, where the transitions are too many to be driven each.
fn walk(model: Exchange) -> Check<Exchange, ExchangeInterface> {
    let (make, small) = (started(&model), Exchange { delay_max: 0, losses_max: 0, ..model.clone() });
    let walk = Walk::new().runs(40).steps(60).times(TIMES).beside(model).of(make);
    walked(DAEMON, counterpart_models::ntp::check(small), walk)
}

/// Our client, and chronyd as `model` begins; chronyd is started once.
fn started(model: &Exchange) -> impl Fn() -> Driven + Send + Sync + use<> {
    let (there, server) = (model.clone(), Arc::<OnceLock<Mutex<Server>>>::default());
    move || Driven::start(&there, server.clone())
}

/// chronyd that serves a clock of its own.
struct Server {
    socket: UdpSocket,
    clock: Clock,
    /// Seconds that its clock is ahead of ours.
    ahead_s: u64,
    /// A question that asks for nothing but the time.
    plain: [u8; PACKET_BYTES],
    _process: Process,
    _folder: Folder,
}

impl Server {
    fn start() -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let clock = Clock::relative_in(&folder);
        let file = folder.write(
            "chrony.conf",
            &format!(
                "port {port}\nbindaddress 127.0.0.1\ncmdport 0\npidfile {}/pid\nallow 127.0.0.1\nlocal stratum 5\n",
                folder.path().display()
            ),
        );
        let program = clock.leads(&DAEMON.installed_at()).args(["-d", "-x", "-U", "-u", "nobody", "-f"]).arg(file);
        let mut process = program.start().unwrap_or_else(|error| panic!("{error}"));
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        socket.connect(("127.0.0.1", port)).expect("an address of loopback");
        socket.set_read_timeout(Some(WITHIN)).expect("a time-out");
        let question = Client::new(ClientConfig::default()).poll(system_clock(), Nonces { transmit: 1, receive: 2 });
        let plain = question.expect("it asks at once").encode();
        // Whoever asks a port that nobody listens at is told so.
        once_ready(&mut process, || {
            socket.send(&plain)?;
            socket.recv(&mut [0; DATAGRAM_BYTES_MAX])
        });
        Server { socket, clock, ahead_s: 0, plain, _process: process, _folder: folder }
    }

    /// What it answers to a question.
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        self.socket.send(question).expect("chronyd listens");
        let bytes = self.socket.recv(&mut buffer).expect("chronyd answers");
        buffer[..bytes].to_vec()
    }
}

/// A packet where it is.
#[derive(Clone)]
enum Carried {
    ToServer(Vec<u8>),
    AtServer(Vec<u8>),
    ToClient(Vec<u8>),
}

/// Our client and the network.
struct Driven {
    client: Client,
    server: Arc<OnceLock<Mutex<Server>>>,
    /// Ticks that the server is ahead of the client.
    offset: i8,
    packets: [Option<Carried>; PACKETS_MAX],
}

impl Driven {
    fn start(model: &Exchange, server: Arc<OnceLock<Mutex<Server>>>) -> Self {
        Driven {
            client: Client::new(config(model)),
            server,
            offset: model.offset,
            packets: [const { None }; PACKETS_MAX],
        }
    }

    fn with_server<T>(&self, act: impl FnOnce(&mut Server) -> T) -> T {
        let server = self.server.get_or_init(|| Mutex::new(Server::start()));
        act(&mut server.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn client_clock(&self) -> Timestamp {
        let ahead_s = self.with_server(|server| server.ahead_s) as i64 - i64::from(self.offset) * TICK_S as i64;
        system_clock().plus(ahead_s << 32)
    }

    fn put(&mut self, carried: Carried) {
        if let Some(slot) = self.packets.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(carried);
        }
    }

    fn deliver(&mut self, slot: usize) -> Told {
        match self.packets[slot].take() {
            Some(Carried::ToServer(bytes)) => {
                self.packets[slot] = Some(Carried::AtServer(bytes));
                Told::Taken
            }
            Some(Carried::ToClient(bytes)) => {
                let now = self.client_clock();
                Told::Heard(heard_of(self.client.receive(&bytes, now)))
            }
            other => panic!("nothing is on its way: {:?}", other.is_some()),
        }
    }

    fn reply(&mut self, slot: usize) {
        let Some(Carried::AtServer(question)) = self.packets[slot].take() else {
            panic!("no question is at the server")
        };
        let answer = self.with_server(|server| server.answer(&question));
        self.packets[slot] = Some(Carried::ToClient(answer));
    }
}

/// What came of a packet, in ticks of this clock.
fn heard_of(outcome: Result<Received, Ignored>) -> Heard {
    let ticks = |difference: i128| (difference as f64 / (TICK_S << 32) as f64).round() as i8;
    match outcome {
        Ok(Received::Sample(sample)) => {
            Heard::Measured { offset_doubled: ticks(sample.offset_doubled), delay: ticks(sample.delay) }
        }
        other => heard(other),
    }
}

impl Counterpart<ExchangeInterface> for Driven {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Tick => {
                self.with_server(|server| {
                    server.clock.advance(TICK_S);
                    server.ahead_s += TICK_S;
                    // It sees each tick by itself.
                    server.answer(&server.plain);
                });
                self.client.elapse(1);
            }
            Action::Poll { nonces: [transmit, receive] } => {
                // All different, none 0.
                let nonce = |number: u8| (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let nonces = Nonces { transmit: nonce(transmit), receive: nonce(receive) };
                let now = self.client_clock();
                let Some(packet) = self.client.poll(now, nonces) else { return Told::NotYet };
                self.put(Carried::ToServer(packet.encode().to_vec()));
                return Told::Asked;
            }
            Action::Deliver { packet } => return self.deliver(packet.into()),
            Action::Reply { packet, answer: Answer::Time } => self.reply(packet.into()),
            Action::Lose { packet } => self.packets[usize::from(packet)] = None,
            Action::Double { packet } => {
                let copy = self.packets[usize::from(packet)].clone();
                copy.into_iter().for_each(|copy| self.put(copy));
            }
            ref other => panic!("{other:?} is a step that is not taken to a daemon"),
        }
        Told::Done
    }

    fn observe(&self) -> Option<Seen> {
        Some(Seen {
            waiting: self.client.is_waiting(),
            interval: self.client.interval_s(),
            asks_in: self.client.asks_in_s(),
        })
    }
}
