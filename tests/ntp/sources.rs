//! A client of several servers over UDP on the loopback: one is an hour off, one goes away, and none is waited for by
//! another.

use std::net::{SocketAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::Duration;

use counterpart_models::ntp::implementation::client::{Ignored, Nonces, Received};
use counterpart_models::ntp::implementation::packet::{KissCode, Leap, Mode, Packet, Timestamp};
use counterpart_models::ntp::implementation::server::{Condition, Unanswered};
use counterpart_models::ntp::implementation::udp::{AskError, UdpServer, system_clock};
use counterpart_models::ntp::sources::implementation::udp::UdpSources;
use counterpart_models::ntp::sources::implementation::{Config, Sources};
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ntp::of_three_servers_the_one_that_is_an_hour_off_is_not_believed", three),
        claim("ntp::a_server_that_says_deny_counts_no_more_and_one_without_time_never_did", two_are_lost),
        claim("ntp::a_server_that_does_not_exist_is_not_asked", nobody),
        claim("ntp::a_word_is_forgotten_when_it_may_be_wrong_by_more_than_a_second", forgotten),
    ]
}

/// Longer than anything on the loopback takes.
const LONG: Duration = Duration::from_secs(20);

const MINUTE_NS: i64 = 60_000_000_000;

/// Random bits, others for each question.
fn nonces() -> impl FnMut() -> Nonces {
    let mut drawn = 0x0123_4567_89ab_cdef_u64;
    move || {
        drawn = drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Nonces { transmit: drawn, receive: !drawn }
    }
}

/// What came of a thread that serves.
type Serving = JoinHandle<Vec<Result<(), Unanswered>>>;

/// A server of `questions` questions, whose clock is `ahead_s` seconds ahead.
fn server(ahead_s: i64, questions: usize) -> (SocketAddr, Serving) {
    let clock = move || system_clock().plus(ahead_s << 32);
    let mut server = UdpServer::bind("127.0.0.1:0", Condition::local(3, clock())).expect("a port of the loopback");
    let address = server.address().expect("it is bound");
    let one = move |_| server.serve_one(clock).expect("a socket").outcome;
    (address, std::thread::spawn(move || (0..questions).map(one).collect()))
}

/// A server that answers its questions with these packets, but for what makes them answers.
fn scripted(answers: Vec<Packet>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
    let address = socket.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for answer in answers {
            let mut buffer = [0; 64];
            let (bytes, client) = socket.recv_from(&mut buffer).expect("a question");
            let question = Packet::decode(&buffer[..bytes]).expect("a packet");
            let answer = Packet { mode: Mode::Server, origin: question.transmit, ..answer };
            socket.send_to(&answer.encode(), client).expect("sent");
        }
    });
    address
}

fn three() {
    let servers = [server(0, 2), server(3_600, 2), server(0, 2)];
    let mut client =
        UdpSources::connect(servers.each_ref().map(|(address, _)| *address), Config::default()).expect("three sockets");
    assert_eq!((client.core().servers(), client.core().agreed()), (3, None));
    let mut nonces = nonces();
    for _ in 0..2 {
        let received = client.ask_all(system_clock, &mut nonces, LONG);
        assert!(received.iter().all(|one| matches!(one, Ok(Received::Sample(_)))), "{received:?}");
        let agreed = client.core().agreed().expect("two of three agree");
        assert!(agreed.low <= 0 && 0 <= agreed.high, "the clocks are one and the same: {agreed:?}");
        assert!(agreed.high - agreed.low < MINUTE_NS, "{agreed:?}");
        let liar = client.core().interval(1).expect("it was heard");
        assert!(liar.low > 50 * MINUTE_NS && !liar.touches(&agreed), "{liar:?}");
        let again = client.ask_all(system_clock, &mut nonces, LONG);
        assert!(again.iter().all(|one| matches!(one, Err(AskError::NotYet))), "it is not time: {again:?}");
        client.core().elapse(64);
    }
    for (_, serving) in servers {
        assert_eq!(serving.join().expect("it serves"), [Ok(()), Ok(())]);
    }
}

/// The second server has a time at first, and then says DENY; the third is never set. With two of three silent nothing is
/// believed.
fn two_are_lost() {
    let now = system_clock();
    let time = Packet { stratum: 2, receive: now, transmit: now, ..Packet::default() };
    let deny = Packet { stratum: 0, reference_id: KissCode::DENY.0, ..Packet::default() };
    let unset = Packet { leap: Leap::Unsynchronised, ..time };
    let (first, serving) = server(0, 2);
    let addresses = [first, scripted(vec![time, deny]), scripted(vec![unset; 2])];
    let mut client = UdpSources::connect(addresses, Config::default()).expect("three sockets");
    let mut nonces = nonces();
    let received = client.ask_all(system_clock, &mut nonces, LONG);
    assert!(matches!(received[2], Err(AskError::NoTime(Ignored::Unsynchronised))), "{received:?}");
    let counted = |client: &mut UdpSources| [0, 1, 2].map(|server| client.core().interval(server).is_some());
    assert_eq!(counted(&mut client), [true, true, false]);
    let [one, other] = [0, 1].map(|server| client.core().interval(server).expect("it counts"));
    let both = client.core().agreed().expect("all but one of those that are heard");
    assert_eq!((both.low, both.high), (one.low.min(other.low), one.high.max(other.high)), "either may lie");
    client.core().elapse(64);
    let received = client.ask_all(system_clock, &mut nonces, LONG);
    assert!(matches!(received[1], Ok(Received::Kiss(KissCode::DENY))), "{received:?}");
    assert_eq!(counted(&mut client), [true, false, false]);
    assert_eq!(client.core().agreed(), None, "one of three may lie");
    serving.join().expect("it serves");
}

fn nobody() {
    let mut client = Sources::new(Config::default(), 1);
    let (now, nonces) = (system_clock(), Nonces { transmit: 7, receive: 0 });
    assert!(client.poll(1, now, nonces).is_none() && client.interval(1).is_none());
    assert_eq!(client.receive(1, &[0; 48], now), Err(Ignored::Bogus));
    assert!(client.poll(0, now, nonces).is_some());
    let mut none = Sources::new(Config::default(), 0);
    none.elapse(u32::MAX);
    none.stepped(i64::MIN);
    assert_eq!(none.agreed(), None);
}

/// RFC 5905 §7.2: MAXDIST is 1 s, PHI 15 ppm. From half a second on the other half is gone after 33,333 s.
fn forgotten() {
    let mut client = Sources::new(Config::default(), 1);
    let now = Timestamp::from_unix(1_700_000_000, 0);
    let question = client.poll(0, now, Nonces { transmit: 7, receive: 0 }).expect("it asks at once");
    let answer = Packet {
        mode: Mode::Server,
        stratum: 1,
        origin: question.transmit,
        receive: now,
        transmit: now,
        root_delay: 1 << 15,
        root_dispersion: 1 << 14,
        ..Packet::default()
    };
    client.receive(0, &answer.encode(), now).expect("a sample");
    let agreed = client.agreed().expect("the only one counts");
    assert_eq!(
        (agreed.low, agreed.high),
        (-500_000_000, 500_000_000),
        "half the way there and back, and the dispersion"
    );
    client.stepped(250_000_000);
    client.elapse(33_333);
    let agreed = client.agreed().expect("it still counts");
    assert_eq!((agreed.low, agreed.high), (-1_249_995_000, 749_995_000));
    client.elapse(1);
    assert_eq!(client.agreed(), None);
}
