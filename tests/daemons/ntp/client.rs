//! chronyd as a client that asks once (`chronyd -Q`): what it makes of an answer. Only what a server may say is said.
//!
//! Its first question is answered as the model says, and whatever it asks after that with the time: who passed over the
//! first answer takes the next. It asks anew after two seconds, which no setting makes less: its clock hurries.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use counterpart::Counterpart;
use counterpart_models::ntp::implementation::packet::{DATAGRAM_BYTES_MAX, Packet};
use counterpart_models::ntp::implementation::udp::system_clock;
use counterpart_models::ntp::query::bindings::{answers, believed};
use counterpart_models::ntp::query::conformance::QueryInterface;
use counterpart_models::ntp::query::model::{Ask, Outcome, Query};

use crate::alongside::{Alongside, beside};
use crate::clock::Clock;
use crate::daemon::{CHRONYD, Daemon, Folder, WITHIN};

const DAEMON: &Daemon = &CHRONYD;

pub(super) fn cases() -> Vec<Alongside> {
    let goes_on = [Ask::Rate, Ask::Deny, Ask::Unsynchronised].map(|ask| (ask, Outcome::PassesOver));
    let check = |model| beside(DAEMON, counterpart_models::ntp::query::check(model), Chronyd::start);
    [
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
            check(Query { quirks: goes_on.to_vec(), is_far: false }),
        ),
    ]
    .map(Alongside::by_our_clock)
    .into()
}

/// Our server, and chronyd asking it anew each time.
struct Chronyd {
    server: SocketAddr,
    /// What is said to the next question.
    told: Arc<Mutex<Option<Ask>>>,
    thread: Option<JoinHandle<()>>,
}

impl Chronyd {
    fn start() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let server = socket.local_addr().expect("it is bound");
        let told = Arc::<Mutex<Option<Ask>>>::default();
        let telling = told.clone();
        Chronyd { server, told, thread: Some(thread::spawn(move || serve(&socket, &telling))) }
    }
}

/// Answers questions, until a datagram of one byte comes.
fn serve(socket: &UdpSocket, told: &Mutex<Option<Ask>>) {
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    while let Ok((bytes, client)) = socket.recv_from(&mut buffer)
        && bytes > 1
    {
        let Ok(question) = Packet::decode(&buffer[..bytes]) else { continue };
        let ask = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let [first, honest] = answers(ask.unwrap_or(Ask::Time { ahead: 0 }), &question, system_clock());
        // A client that is gone reads nothing.
        let _ = socket.send_to(if ask.is_some() { &first } else { &honest }, client);
    }
}

impl Drop for Chronyd {
    fn drop(&mut self) {
        let end = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.send_to(&[0], self.server));
        if let (Ok(_), Some(thread)) = (end, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

impl Counterpart<QueryInterface> for Chronyd {
    fn apply(&mut self, ask: &Ask) -> Outcome {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(*ask);
        let folder = Folder::new();
        let file = folder.write(
            "chrony.conf",
            &format!(
                "server 127.0.0.1 port {} iburst minpoll -4 maxpoll -4 maxsamples 1\ncmdport 0\npidfile {}/pid\n",
                self.server.port(),
                folder.path().display()
            ),
        );
        let program = Clock::hurried_in(&folder)
            .leads(&DAEMON.installed_at())
            .args(["-Q", "-x", "-U", "-u", "nobody", "-f"])
            .arg(file);
        let mut process = program.start().unwrap_or_else(|error| panic!("{error}"));
        let said = process.wait_for(|line| line.contains("System clock wrong by"), WITHIN);
        let said = said.unwrap_or_else(|error| panic!("{error}"));
        let seconds = said.split("wrong by ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
        believed(seconds.expect("a number of seconds"))
    }

    /// Few: what it passes over it asks again after two seconds.
    fn supports(&self, ask: &Ask) -> bool {
        matches!(ask, Ask::Time { ahead: -3 | 3 } | Ask::Rate | Ask::Deny | Ask::Unsynchronised)
    }
}
