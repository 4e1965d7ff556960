//! chronyd as a client that asks once (`chronyd -Q`): what it makes of an answer. Only what a server may say is said.
//!
//! Its first question is answered as the model says, and whatever it asks after that with the time: who passed over the
//! first answer takes the next. It asks anew after two seconds, which no setting makes less.

use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use counterpart::Counterpart;
use counterpart_models::ntp::implementation::packet::{DATAGRAM_BYTES_MAX, KissCode, Leap, Mode, Packet};
use counterpart_models::ntp::implementation::udp::system_clock;
use counterpart_models::ntp::query::conformance::QueryInterface;
use counterpart_models::ntp::query::model::{Ask, BEHIND, Outcome, Query};

use crate::alongside::{Alongside, beside};
use crate::daemon::{CHRONYD, Daemon, Folder, WITHIN};

const DAEMON: &Daemon = &CHRONYD;

/// Seconds of a tick: what a datagram takes on the loopback is far below.
const TICK_S: i64 = 1_000;

pub(super) fn cases() -> Vec<Alongside> {
    let goes_on = [Ask::Rate, Ask::Deny, Ask::Unsynchronised].map(|ask| (ask, Outcome::PassesOver));
    let check = |model| beside(DAEMON, counterpart_models::ntp::query::check(model), Chronyd::start);
    vec![
        Alongside::deviating(
            DAEMON,
            "ntp/chronyd_query",
            "a client that asks once: the time, kisses, and a server that has no time",
            check(Query::default()),
            "the server says that it is asked too often, and is asked again: chronyd asks on after a kiss, and after an answer without \
                     a time, until it is told the time",
        ),
        Alongside::new(
            DAEMON,
            "ntp/chronyd_query_but_for_asking_on",
            "the same, where a client asks on until it is told the time",
            check(Query { quirks: goes_on.to_vec() }),
        ),
    ]
}

/// Our server, and chronyd asking it anew each time.
struct Chronyd {
    port: u16,
    tell: Option<Sender<Ask>>,
    asked: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Chronyd {
    fn start() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = socket.local_addr().expect("it is bound").port();
        let ((tell, told), (sender, asked)) = (channel(), channel());
        let thread = thread::spawn(move || serve(&socket, &told, &sender));
        Chronyd { port, tell: Some(tell), asked, thread: Some(thread) }
    }
}

/// Answers questions until nobody tells how. A datagram of one byte begins the next query.
fn serve(socket: &UdpSocket, told: &Receiver<Ask>, asked: &Sender<()>) {
    let (mut buffer, mut next) = ([0; DATAGRAM_BYTES_MAX], None);
    while let Ok((bytes, client)) = socket.recv_from(&mut buffer) {
        if bytes == 1 {
            let Ok(ask) = told.recv() else { return };
            next = Some(ask);
            let _ = asked.send(());
            continue;
        }
        let Ok(question) = Packet::decode(&buffer[..bytes]) else { continue };
        let answer = answer(next.take().unwrap_or(Ask::Time { ahead: BEHIND }), &question);
        // A client that is gone reads nothing.
        let _ = socket.send_to(&answer.encode(), client);
    }
}

fn answer(ask: Ask, question: &Packet) -> Packet {
    let by = |ahead: i8| {
        let now = system_clock().plus((i64::from(ahead) * TICK_S) << 32);
        Packet {
            mode: Mode::Server,
            version: question.version,
            stratum: 1,
            reference_id: *b"LOCL",
            origin: question.transmit,
            receive: now,
            transmit: now,
            ..Packet::default()
        }
    };
    let kiss = |KissCode(code)| Packet { stratum: 0, leap: Leap::Unsynchronised, reference_id: code, ..by(0) };
    match ask {
        Ask::Time { ahead } => by(ahead),
        Ask::Rate => kiss(KissCode::RATE),
        Ask::Deny => kiss(KissCode::DENY),
        Ask::Unsynchronised => Packet { leap: Leap::Unsynchronised, ..by(0) },
        other => panic!("{other:?} is nothing that a server may say"),
    }
}

impl Drop for Chronyd {
    fn drop(&mut self) {
        self.tell = None;
        let _ = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.send_to(&[0], ("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Counterpart<QueryInterface> for Chronyd {
    fn apply(&mut self, ask: &Ask) -> Outcome {
        self.tell.as_ref().expect("the server runs").send(*ask).expect("the server listens");
        let begin = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        begin.send_to(&[0], ("127.0.0.1", self.port)).expect("the server listens");
        self.asked.recv_timeout(WITHIN).expect("the server is told");
        let folder = Folder::new();
        let file = folder.write(
            "chrony.conf",
            &format!(
                "server 127.0.0.1 port {} iburst minpoll -4 maxpoll -4 maxsamples 1\ncmdport 0\npidfile {}/pid\n",
                self.port,
                folder.path().display()
            ),
        );
        let program = DAEMON.in_folder(&folder).args(["-Q", "-x", "-U", "-u", "nobody", "-f"]).arg(file);
        let mut process = program.start().unwrap_or_else(|error| panic!("{error}"));
        let said = process.wait_for(|line| line.contains("System clock wrong by"), WITHIN);
        let said = said.unwrap_or_else(|error| panic!("{error}"));
        let seconds = said.split("wrong by ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
        let ticks = (seconds.expect("a number of seconds") / TICK_S as f64).round();
        match ticks as i8 {
            BEHIND => Outcome::PassesOver,
            ahead => Outcome::Believes(ahead),
        }
    }

    /// Few: what it passes over it asks again after two seconds.
    fn supports(&self, ask: &Ask) -> bool {
        matches!(ask, Ask::Time { ahead: -3 | 3 } | Ask::Rate | Ask::Deny | Ask::Unsynchronised)
    }
}
