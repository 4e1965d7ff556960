//! Published clients, unchanged, asked the same.

use std::cell::RefCell;
use std::net::SocketAddr;

use counterpart::conform::Tour;
use counterpart::{Case, Counterpart};
use rsntp::{ProtocolError, SntpClient, SynchronizationError};
use sntpc::sync::{sntp_process_response, sntp_send_request};
use sntpc::{NtpContext, NtpTimestampGenerator, NtpUdpSocket};

use super::bindings::{Responder, answers, believed};
use super::check;
use super::conformance::QueryInterface;
use super::model::{Ask, LIE, Outcome, Query};
use super::properties::{GOES_ON, NO_LIE, NO_NONSENSE, NOT_FAR};
use crate::ntp::implementation::packet::{Packet, Timestamp};

const RSNTP: &str = "rsntp 4.1.2";
const SNTPC: &str = "sntpc 0.11.0";

/// rsntp, over UDP, with the system's clock.
struct Rsntp(Responder);

impl Counterpart<QueryInterface> for Rsntp {
    fn apply(&mut self, ask: &Ask) -> Outcome {
        let server = self.0.tell(*ask).to_string();
        match SntpClient::new().synchronize(server) {
            Ok(result) => believed(result.clock_offset().as_secs_f64()),
            Err(SynchronizationError::ProtocolError(ProtocolError::KissODeath(_))) => Outcome::Kissed,
            Err(_) => Outcome::GivesUp,
        }
    }
}

/// sntpc, on a socket that is a list, with a clock that stands still.
struct Sntpc;

/// Time that its clock shows, in seconds since 1970.
const NOW_S: u64 = 1_700_000_000;

#[derive(Clone, Copy)]
struct Still;

impl NtpTimestampGenerator for Still {
    fn init(&mut self) {}

    fn timestamp_sec(&self) -> u64 {
        NOW_S
    }

    fn timestamp_subsec_micros(&self) -> u32 {
        0
    }
}

/// What was sent last, and what is to come back.
struct List {
    ask: Ask,
    back: RefCell<Vec<Vec<u8>>>,
}

impl NtpUdpSocket for List {
    async fn send_to(&self, datagram: &[u8], _: SocketAddr) -> sntpc::Result<usize> {
        let question = Packet::decode(datagram).map_err(|_| sntpc::Error::Network)?;
        *self.back.borrow_mut() = answers(self.ask, &question, Timestamp::from_unix(NOW_S, 0)).to_vec();
        Ok(datagram.len())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> sntpc::Result<(usize, SocketAddr)> {
        let datagram = self.back.borrow_mut().remove(0);
        // As a socket does: what finds no room is lost.
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok((length, server()))
    }
}

fn server() -> SocketAddr {
    ([127, 0, 0, 1], 123).into()
}

impl Counterpart<QueryInterface> for Sntpc {
    fn apply(&mut self, ask: &Ask) -> Outcome {
        let socket = List { ask: *ask, back: RefCell::default() };
        let context = NtpContext::new(Still);
        let answer = sntp_send_request(server(), &socket, context)
            .and_then(|sent| sntp_process_response(server(), &socket, context, sent));
        match answer {
            Ok(result) => believed(result.offset as f64 / 1e6),
            Err(sntpc::Error::KissOfDeath(_)) => Outcome::Kissed,
            Err(_) => Outcome::GivesUp,
        }
    }
}

/// Quirks of both: a query ends with the first packet, whatever it is.
fn impatient() -> Vec<(Ask, Outcome)> {
    let ends = |ask| (ask, Outcome::GivesUp);
    [Ask::WrongOrigin, Ask::ZeroOrigin, Ask::Question, Ask::Broadcast, Ask::Short, Ask::ForgedKiss].map(ends).to_vec()
}

fn with(quirks: &[(Ask, Outcome)]) -> Query {
    let mut all = quirks.to_vec();
    let said = |ask| quirks.iter().any(|(quirk, _)| *quirk == ask);
    all.extend(impatient().into_iter().filter(|(ask, _)| !said(*ask)));
    Query { quirks: all, is_far: false }
}

/// The model of rsntp, which looks at the kiss before the origin, not at the receive stamp, and takes a broadcast for
/// an answer. It does look at the transmit stamp, but reads 0 from the wire as the first instant of era 1, which is not
/// 0 to it.
fn of_rsntp() -> Query {
    with(&[
        (Ask::ForgedKiss, Outcome::Kissed),
        (Ask::Broadcast, Outcome::Believes(LIE)),
        (Ask::Older, Outcome::Believes(2)),
        (Ask::NoReceive, Outcome::BelievesNonsense),
        (Ask::NoTransmit, Outcome::BelievesNonsense),
    ])
}

/// The model of sntpc, which does not look at the receive stamp.
fn of_sntpc() -> Query {
    with(&[(Ask::Older, Outcome::Believes(2)), (Ask::NoReceive, Outcome::BelievesNonsense)])
}

/// The model of a crate, and a server besides that is 16 s from its reference clock.
fn far(quirk: Option<Outcome>, of: impl Fn() -> Query) -> Query {
    let mut model = Query { is_far: true, ..of() };
    model.quirks.extend(quirk.map(|outcome| (Ask::TooFar, outcome)));
    model
}

/// The cases of published crates.
pub(super) fn cases() -> Vec<Case> {
    let rsntp = || Tour::new().of(|| Rsntp(Responder::start()));
    let sntpc = || Tour::new().of(|| Sntpc);
    let apart = check(Query::default())
        .alongside_only()
        .subject(RSNTP, rsntp())
        .subject(SNTPC, sntpc())
        .diverges(RSNTP)
        .diverges(SNTPC)
        .because(RSNTP, "it takes lower versions, and the first packet that comes is the last, whoever sent it")
        .because(SNTPC, "it takes lower versions, and the first packet that comes is the last, whoever sent it");
    let as_it_is = |model, violated: &[&str]| check(model).violates_all(violated);
    vec![
        Case::new("ntp/query_rsntp", as_it_is(of_rsntp(), &[GOES_ON, NO_LIE, NO_NONSENSE]).subject(RSNTP, rsntp())),
        Case::new("ntp/query_sntpc", as_it_is(of_sntpc(), &[GOES_ON, NO_NONSENSE]).subject(SNTPC, sntpc())),
        Case::new("ntp/query_crates", apart),
        Case::new(
            "ntp/query_far_rsntp",
            check(far(Some(Outcome::Believes(0)), of_rsntp))
                .violates_all(&[GOES_ON, NO_LIE, NO_NONSENSE, NOT_FAR])
                .subject(RSNTP, rsntp()),
        ),
        Case::new(
            "ntp/query_far_sntpc",
            check(far(None, of_sntpc)).violates_all(&[GOES_ON, NO_NONSENSE]).subject(SNTPC, sntpc()),
        ),
    ]
}
