//! Client and server over UDP on the loopback: what is asked and answered, what is not, and that it allocates nothing.

use std::net::UdpSocket;
use std::time::Duration;

use counterpart_models::ntp::implementation::client::{Client, ClientConfig, Nonces, Received};
use counterpart_models::ntp::implementation::packet::{Mode, PACKET_BYTES, Packet, Timestamp};
use counterpart_models::ntp::implementation::server::{Condition, Reply, Server, Unanswered};
use counterpart_models::ntp::implementation::udp::{AskError, UdpClient, UdpServer, system_clock};
use libtest_mimic::Trial;

use crate::allocations::allocated;
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ntp::a_client_asks_a_server_over_udp", asks),
        claim("ntp::a_client_that_is_not_due_asks_nobody", not_due),
        claim("ntp::a_server_says_why_it_does_not_answer_and_goes_on", goes_on),
        claim("ntp::a_whole_exchange_allocates_nothing", allocates_nothing),
    ]
}

const NONCES: Nonces = Nonces { transmit: 0x0123_4567_89ab_cdef, receive: 0x1122_3344_5566_7788 };

/// Longer than anything on the loopback takes.
const LONG: Duration = Duration::from_secs(20);

fn server() -> UdpServer {
    UdpServer::bind("127.0.0.1:0", Condition::local(3, system_clock())).expect("a port of the loopback")
}

fn asks() {
    let mut server = server();
    let address = server.address().expect("it is bound");
    let serving = std::thread::spawn(move || server.serve_one(system_clock).map(|served| served.outcome));
    let mut client = UdpClient::connect(address, ClientConfig::default()).expect("a socket");
    let answer = client.ask(system_clock, NONCES, LONG).expect("an answer");
    let Received::Sample(sample) = answer else { panic!("{answer:?}") };
    assert_eq!(sample.stratum, 3);
    // One clock on both sides: what is measured is the way there and back.
    assert!(sample.offset_doubled.abs() <= sample.delay, "{sample:?}");
    assert_eq!(serving.join().expect("it serves").expect("a socket"), Ok(()));
}

fn not_due() {
    let server = server();
    let mut client =
        UdpClient::connect(server.address().expect("it is bound"), ClientConfig::default()).expect("a socket");
    let now = system_clock();
    assert!(client.core().poll(now, NONCES).is_some());
    let again = client.ask(system_clock, NONCES, LONG);
    assert!(matches!(again, Err(AskError::NotYet)), "{again:?}");
    client.core().elapse(63);
    assert_eq!(client.core().asks_in_s(), Some(1));
}

/// The second question is a barrier: it is answered, and so the answer to the first would be there before it.
fn goes_on() {
    let mut server = server();
    let address = server.address().expect("it is bound");
    let asking = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
    asking.connect(address).expect("a socket");
    asking.set_read_timeout(Some(LONG)).expect("a time that is not 0");
    let answer = Packet { mode: Mode::Server, ..Packet::default() };
    let question = Packet { transmit: Timestamp::from_bits(7), ..Packet::default() };
    asking.send(&answer.encode()).expect("sent");
    asking.send(&[0; 47]).expect("sent");
    asking.send(&question.encode()).expect("sent");
    assert_eq!(server.serve_one(system_clock).expect("a socket").outcome, Err(Unanswered::NotAQuestion(Mode::Server)));
    assert!(matches!(server.serve_one(system_clock).expect("a socket").outcome, Err(Unanswered::Malformed(_))));
    assert_eq!(server.serve_one(system_clock).expect("a socket").outcome, Ok(()));
    let mut buffer = [0; 2 * PACKET_BYTES];
    let bytes = asking.recv(&mut buffer).expect("the answer");
    let first = Packet::decode(&buffer[..bytes]).expect("a packet");
    assert_eq!((bytes, first.origin), (PACKET_BYTES, question.transmit), "the only answer is to the only question");
}

fn allocations(of: impl FnOnce()) -> usize {
    allocated(of).calls
}

fn allocates_nothing() {
    let mut client = Client::new(ClientConfig::default());
    let mut server: Server<u8> = Server::interleaved(Condition::local(1, Timestamp::UNKNOWN));
    let at = |seconds: u64| Timestamp::from_unix(1_700_000_000 + seconds, 0);
    let of_cores = allocations(|| {
        for round in 0..1_000 {
            client.elapse(64);
            let question = client.poll(at(64 * round), NONCES).expect("it is time").encode();
            let taken = server.receive(&question, at(64 * round + 1)).expect("a question");
            let answer = server.answer(0, &taken, Reply::Time, at(64 * round + 1)).encode();
            assert!(client.receive(&answer, at(64 * round + 2)).is_ok());
        }
    });
    assert_eq!(of_cores, 0);
    let mut server = self::server();
    let address = server.address().expect("it is bound");
    let asking = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
    asking.send_to(&Packet { transmit: at(0), ..Packet::default() }.encode(), address).expect("sent");
    assert_eq!(allocations(|| assert!(server.serve_one(system_clock).is_ok())), 0, "serving over a socket");
    let serving = std::thread::spawn(move || server.serve_one(system_clock).map(|served| served.outcome));
    let mut client = UdpClient::connect(address, ClientConfig::default()).expect("a socket");
    let of_client = allocations(|| assert!(client.ask(system_clock, NONCES, LONG).is_ok()));
    assert_eq!(of_client, 0, "asking over a socket");
    assert_eq!(serving.join().expect("it serves").expect("a socket"), Ok(()));
}
