//! Datagrams that nobody sends by mistake: 100,000 of them to the codec, and as many to a client and to a server.

use counterpart_models::ntp::implementation::client::{Client, ClientConfig, Ignored, Nonces, Received};
use counterpart_models::ntp::implementation::packet::{
    DATAGRAM_BYTES_MAX, DecodeError, KissCode, Mode, PACKET_BYTES, Packet, Timestamp,
};
use counterpart_models::ntp::implementation::server::{Condition, Reply, Server};
use counterpart_models::ntp::select::implementation::root_distance;
use libtest_mimic::Trial;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ntp::every_string_of_bytes_is_a_packet_or_says_why_not", decodes),
        claim("ntp::a_hostile_datagram_leaves_the_client_as_it_was", client),
        claim("ntp::a_server_answers_questions_with_as_many_bytes_and_nothing_else", server),
        claim("ntp::what_a_server_keeps_is_bounded", bounded),
        claim(
            "ntp::a_root_distance_is_half_the_way_and_all_dispersion_and_stays_at_the_largest_number",
            root_distances,
        ),
        claim("ntp::a_kiss_with_the_right_origin_is_the_only_one_that_counts", kisses),
    ]
}

/// So many datagrams, the same on every run.
const DATAGRAMS: u32 = 100_000;

fn for_datagrams(test: impl Fn(Vec<u8>)) {
    let config = Config { cases: DATAGRAMS, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let outcome = runner.run(&datagrams(), |bytes| {
        test(bytes);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Anything; a header of anything; an answer but for a few fields; too short by one, too long by any.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let header = || proptest::collection::vec(any::<u8>(), PACKET_BYTES);
    let near = (header(), 0..8_u8, 0..18_u8).prop_map(|(mut bytes, mode, stratum)| {
        bytes[0] = bytes[0] & 0b1100_0000 | 4 << 3 | mode;
        bytes[1] = stratum;
        bytes
    });
    let zero_origin = near.prop_map(|mut bytes| {
        bytes[24..32].fill(0);
        bytes
    });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..128),
        header(),
        zero_origin,
        (header(), 0..48_usize).prop_map(|(bytes, cut)| bytes[..cut].to_vec()),
        (header(), 1_400..2_000_usize).prop_map(|(mut bytes, length)| {
            bytes.resize(length, 0);
            bytes
        }),
    ]
}

fn decodes() {
    for_datagrams(|bytes| match Packet::decode(&bytes) {
        Ok(packet) => {
            assert_eq!(packet.encode()[..], bytes[..PACKET_BYTES], "written as it was read");
            assert_eq!(Packet::decode(&packet.encode()), Ok(packet), "and read as it was written");
        }
        Err(DecodeError::TooShort { bytes: length }) => assert!(length == bytes.len() && length < PACKET_BYTES),
        Err(DecodeError::TooLong { bytes: length }) => assert!(length == bytes.len() && length > DATAGRAM_BYTES_MAX),
        Err(DecodeError::Ragged { bytes: rest }) => assert_eq!((rest, rest % 4 != 0), (bytes.len() - 48, true)),
        Err(other) => panic!("{other:?}"),
    });
}

fn waiting() -> Client {
    let mut client = Client::new(ClientConfig::default());
    let nonces = Nonces { transmit: 0x0123_4567_89ab_cdef, receive: 0 };
    client.poll(Timestamp::from_unix(1_700_000_000, 0), nonces).expect("it asks at once");
    client
}

fn client() {
    let now = Timestamp::from_unix(1_700_000_001, 0);
    let (waits, idle) = (waiting(), Client::new(ClientConfig::default()));
    for_datagrams(|bytes| {
        for before in [&waits, &idle] {
            let mut client = before.clone();
            let outcome = client.receive(&bytes, now);
            assert!(outcome.is_err(), "{outcome:?} of what answers nothing");
            assert_eq!(client, *before);
        }
    });
}

fn server() {
    let now = Timestamp::from_unix(1_700_000_000, 0);
    for_datagrams(|bytes| {
        let mut server: Server<u8, 4> = Server::interleaved(Condition::local(1, now));
        match server.receive(&bytes, now) {
            Ok(question) => {
                let answer = server.answer(0, &question, Reply::Time, now);
                assert!(answer.encode().len() <= bytes.len(), "nobody is sent more than was asked with");
                assert!(matches!(answer.mode, Mode::Server | Mode::SymmetricPassive));
                assert!(server.receive(&answer.encode(), now).is_err(), "an answer is not answered");
            }
            Err(_) => assert_eq!(server, Server::interleaved(Condition::local(1, now))),
        }
    });
}

/// A million clients, and the server is as large as it was.
fn bounded() {
    let mut server: Server<u32, 8> = Server::interleaved(Condition::local(1, Timestamp::UNKNOWN));
    let ask = Packet { transmit: Timestamp::from_bits(7), ..Packet::default() }.encode();
    for client in 0..1_000_000_u32 {
        let now = Timestamp::from_bits(u64::from(client) + 1);
        let question = server.receive(&ask, now).expect("a question");
        server.answer(client, &question, Reply::Time, now);
    }
    assert_eq!(size_of_val(&server), size_of::<Server<u32, 8>>());
    // The last ones are remembered, and nobody else.
    let remembers = |client: u32, server: &Server<u32, 8>| {
        let origin = Timestamp::from_bits(u64::from(client) + 1);
        let (receive, transmit) = (Timestamp::from_bits(3), Timestamp::from_bits(4));
        let ask = Packet { origin, receive, transmit, ..Packet::default() }.encode();
        let now = Timestamp::from_bits(1 << 40);
        let question = server.receive(&ask, now).expect("a question");
        server.clone().answer(client, &question, Reply::Time, now).origin == receive
    };
    assert!(remembers(999_999, &server) && remembers(999_992, &server));
    assert!(!remembers(999_991, &server) && !remembers(0, &server));
}

fn kisses() {
    let now = Timestamp::from_unix(1_700_000_001, 0);
    let before = waiting();
    let origin = Timestamp::from_bits(0x0123_4567_89ab_cdef);
    let kiss = |origin, KissCode(code)| {
        Packet { mode: Mode::Server, origin, reference_id: code, ..Packet::default() }.encode()
    };
    for code in [KissCode::DENY, KissCode::RESTRICT, KissCode::RATE, KissCode(*b"INIT")] {
        let mut client = before.clone();
        assert_eq!(client.receive(&kiss(origin.plus(1), code), now), Err(Ignored::Bogus));
        assert_eq!(client.receive(&kiss(Timestamp::UNKNOWN, code), now), Err(Ignored::Bogus));
        assert_eq!(client, before);
        assert_eq!(client.receive(&kiss(origin, code), now), Ok(Received::Kiss(code)));
        let denied = code == KissCode::DENY || code == KissCode::RESTRICT;
        assert_eq!(client.denied().is_some(), denied);
        assert_eq!(client.interval_s(), if code == KissCode::RATE { 128 } else { 64 });
        assert_eq!(client.asks_in_s().is_none(), denied);
    }
}

fn root_distances() {
    assert_eq!(root_distance(8, 3, 0), 7);
    assert_eq!(root_distance(0, 0, 1_000_000), 15, "15 ppm as long as nothing new is heard");
    assert_eq!(root_distance(u64::MAX, 0, 0), u64::MAX / 2);
    assert_eq!(root_distance(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
    assert_eq!(root_distance(0, 0, u64::MAX), u64::MAX / 1_000_000 * 15 + u64::MAX % 1_000_000 * 15 / 1_000_000);
}
