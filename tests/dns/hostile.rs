//! Packets that nobody sends by mistake, from both sides: 100,000 as questions of clients, and as many as answers of
//! servers. Any octets; questions and answers that are whole but for a few octets; too short, too long; names that point at
//! one another.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;

use counterpart_models::dns::implementation::resolver::{Act, Resolver};
use counterpart_models::dns::implementation::settings::{Settings, SettingsError};
use counterpart_models::dns::implementation::wire::{
    DATAGRAM_OCTETS_MAX, HEADER_OCTETS, WireError, read_answer, read_question, write_question,
};
use counterpart_models::dns::implementation::{Answer, Config, ConfigError, Question, Type};
use counterpart_models::dns::poison::implementation::Draw;
use counterpart_models::dns::work::implementation::Limits;
use hickory_proto::op::{Edns, Message, MessageType, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use libtest_mimic::Trial;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config as Run, RngAlgorithm, TestRng, TestRunner};

use super::authority::{a, cname, glue, ns, question, soa, text};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("dns::every_settings_are_a_resolver_or_an_error", settings_or_error),
        claim("dns::every_packet_of_a_client_is_a_question_or_answered_or_dropped_as_its_rfc_says", to_clients_side),
        claim("dns::every_packet_of_a_server_is_believed_or_leaves_all_as_it_was_and_nothing_grows", to_servers_side),
        claim("dns::what_is_written_is_read_as_it_was", round_trip),
    ]
}

/// So many packets, the same on every run.
const PACKETS: u32 = 100_000;

const NAMES: [&str; 6] = ["zz.", "a.zz.", "www.a.zz.", "ns.a.zz.", "b.zz.", "ns.b.zz."];

fn for_packets<S: Strategy>(packets: S, test: impl Fn(S::Value)) {
    let run = Run { cases: PACKETS, failure_persistence: None, ..Run::default() };
    let mut runner = TestRunner::new_with_rng(run, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let outcome = runner.run(&packets, |packet| {
        test(packet);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn owner() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(NAMES.to_vec())
}

fn ttl() -> impl Strategy<Value = u32> {
    prop_oneof![0..5_u32, Just(86_401), Just(i32::MAX as u32), Just(u32::MAX)]
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (owner(), ttl(), any::<u8>()).prop_map(|(owner, ttl_s, octet)| a(owner, ttl_s, octet)),
        (owner(), ttl(), any::<u8>()).prop_map(|(owner, ttl_s, octet)| glue(owner, ttl_s, octet)),
        (owner(), ttl(), owner()).prop_map(|(owner, ttl_s, server)| ns(owner, ttl_s, server)),
        (owner(), ttl(), owner()).prop_map(|(owner, ttl_s, target)| cname(owner, ttl_s, target)),
        (owner(), ttl(), ttl()).prop_map(|(owner, ttl_s, minimum_s)| soa(owner, ttl_s, minimum_s)),
        (owner(), ttl(), 0..200_usize).prop_map(|(owner, ttl_s, length)| text(owner, ttl_s, "x".repeat(length))),
    ]
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    proptest::collection::vec(record(), 0..4)
}

/// A message about `asked`, whole and mostly an answer.
fn message(asked: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![4 => Just(0), 2 => Just(3), 1 => 0..16_u8];
    let bits = (any::<bool>(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.95));
    let kind = prop_oneof![4 => Just(RecordType::A), 1 => Just(RecordType::AAAA), 1 => Just(RecordType::NS)];
    (prop_oneof![4 => Just(1), 1 => any::<u16>()], kind, code, bits, (records(), records(), records())).prop_map(
        move |(id, kind, code, (authoritative, truncated, answer), sections)| {
            let mut message = question(id, asked, kind);
            message.metadata.message_type = if answer { MessageType::Response } else { MessageType::Query };
            message.metadata.response_code = ResponseCode::from_low(code);
            message.metadata.authoritative = authoritative;
            message.metadata.truncation = truncated;
            if code == 5 {
                message.set_edns(edns(id));
            }
            (message.answers, message.authorities, message.additionals) = sections;
            message.to_vec().expect("a message that can be written")
        },
    )
}

/// Of a version that may be known, with room that may be too little.
fn edns(id: u16) -> Edns {
    let mut edns = Edns::new();
    edns.set_version(u8::from(id != 1));
    edns.set_max_payload(id);
    edns
}

/// A header, a question, and names that are nothing but pointers to anywhere.
fn pointers() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0..80_u16, 1..20).prop_map(|offsets| {
        let mut octets = vec![0, 1, 0x81, 0, 0, 1, 0, offsets.len() as u8, 0, 0, 0, 0];
        octets.extend([1, b'a', 0xc0, 12, 0, 1, 0, 1]);
        for offset in offsets {
            octets.extend((0xc000 | offset).to_be_bytes());
            octets.extend([0, 5, 0, 1, 0, 0, 0, 9, 0, 2]);
            octets.extend((0xc000 | (offset + 3)).to_be_bytes());
        }
        octets
    })
}

fn packet(asked: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let damage = proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6);
    let damaged = (message(asked), damage).prop_map(|(mut octets, damage)| {
        for (at, octet) in damage {
            let at = usize::from(at) % octets.len();
            octets[at] = octet;
        }
        octets
    });
    prop_oneof![
        4 => message(asked),
        4 => damaged,
        1 => (message(asked), any::<u16>()).prop_map(|(mut octets, to)| {
            octets.truncate(usize::from(to) % octets.len());
            octets
        }),
        1 => (message(asked), 0..1_400_usize).prop_map(|(octets, more)| [octets, vec![0; more]].concat()),
        1 => pointers(),
        1 => proptest::collection::vec(any::<u8>(), 0..600),
    ]
}

fn settings_or_error() {
    let root = SocketAddr::from(([127, 0, 0, 1], 53));
    let good = || Settings::new(vec![root]);
    let refused = |settings| Resolver::<u8>::new(settings).expect_err("refused");
    assert!(Resolver::<u8>::new(good()).is_ok());
    assert_eq!(refused(Settings::new(Vec::new())), SettingsError::NoRoot);
    assert_eq!(refused(Settings { exchange_timeout_ms: 0, ..good() }), SettingsError::Timeout);
    assert_eq!(refused(Settings { exchanges_max: 0, ..good() }), SettingsError::Exchanges);
    let cache = Config { timeout_ms: 0, ..Config::default() };
    assert_eq!(refused(Settings { cache, ..good() }), SettingsError::Cache(ConfigError::Timeout));
}

fn to_clients_side() {
    let asked = Cell::new(0);
    for_packets(owner().prop_flat_map(packet), |octets| match read_question(&octets) {
        Ok(question) => {
            asked.set(asked.get() + 1);
            let answer = question.answer(&Answer::failure(), DATAGRAM_OCTETS_MAX).expect("it can be written");
            let answer = Message::from_vec(&answer).expect("a message");
            assert_eq!(answer.metadata.id.to_be_bytes(), octets[..2]);
            assert_eq!(answer.metadata.message_type, MessageType::Response);
            assert!((512..=1_232).contains(&question.datagram_octets_max()));
        }
        Err(rejected) => match rejected.reply {
            None => match rejected.why {
                WireError::NoHeader { octets: length } => assert!(length == octets.len() && length < HEADER_OCTETS),
                WireError::IsAnswer => assert!(octets[2] & 0x80 != 0),
                other => panic!("{other} is not answered"),
            },
            Some(reply) => {
                assert!(octets[2] & 0x80 == 0, "an answer is not answered");
                assert!(reply.len() <= octets.len() + 11, "nobody is sent much more than was asked with");
                let answer = Message::from_vec(&reply).expect("a message");
                assert_eq!((answer.metadata.id.to_be_bytes(), reply[2] & 0x80), ([octets[0], octets[1]], 0x80));
                let codes = [ResponseCode::FormErr, ResponseCode::NotImp, ResponseCode::Refused, ResponseCode::BADVERS];
                // By number: 16 is two codes.
                let code = u16::from(answer.metadata.response_code);
                assert!(codes.map(u16::from).contains(&code), "{code}");
            }
        },
    });
    assert!(asked.get() > 1_000, "only {} were questions", asked.get());
}

const SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 53);

const DRAW: Draw = Draw { id: 1, port: 50_000 };

fn small() -> Settings {
    let cache = Config { entries_max: 6, octets_max: 2_000, fetches_max: 3, waiting_max: 2, ..Config::default() };
    let limits = Limits { questions_max: 12, aliases_max: 3, tries_max: 2, depth_max: 3 };
    Settings { cache, limits, zones_max: 2, exchanges_max: 3, ..Settings::new(vec![SERVER.into()]) }
}

/// One resolver for all of them: what each leaves behind is there when the next one comes.
fn to_servers_side() {
    #[derive(Clone, Debug)]
    struct Received {
        asked: &'static str,
        octets: Vec<u8>,
        waited_ms: u64,
        from_other: bool,
    }
    let received = owner().prop_flat_map(|asked| {
        // A while, until servers have failed, until everything has ended.
        let waited_ms = prop_oneof![4 => 0..10_u64, 2 => 500..3_000_u64, 2 => Just(200_000_000_u64)];
        (packet(asked), waited_ms, proptest::bool::weighted(0.1))
            .prop_map(move |(octets, waited_ms, from_other)| Received { asked, octets, waited_ms, from_other })
    });
    let mut resolver = Resolver::new(small()).expect("settings");
    let now_ms = Cell::new(0);
    // The server that each question was sent to, the last one last.
    let asked: RefCell<Vec<(Question, SocketAddr)>> = RefCell::default();
    let believed = Cell::new(0);
    let resolver = RefCell::new(&mut resolver);
    for_packets(received, |received| {
        let resolver = &mut **resolver.borrow_mut();
        let note = |acts: Vec<Act<u8>>| {
            for act in acts {
                if let Act::Send { server, message, .. } = act {
                    assert!(server.ip().is_loopback() || server.port() == 53);
                    write_question(&message).expect("it can be written");
                    let mut asked = asked.borrow_mut();
                    asked.retain(|(question, _)| Some(question) != message.question.as_ref());
                    asked.extend(message.question.map(|question| (question, server)));
                }
            }
        };
        let mut draws =
            |_: SocketAddr, over_tcp: bool| Some(Draw { port: if over_tcp { 0 } else { DRAW.port }, ..DRAW });
        now_ms.set(now_ms.get() + received.waited_ms);
        note(resolver.tick(now_ms.get(), &mut draws));
        let name = received.asked.parse().expect("a name");
        note(resolver.query(0, Question { name, kind: Type::A }, now_ms.get(), &mut draws));
        if let Ok(message) = read_answer(&received.octets, DATAGRAM_OCTETS_MAX) {
            let sent = asked.borrow().iter().find(|(question, _)| Some(question) == message.question.as_ref()).cloned();
            let server = sent.map_or(SERVER.into(), |(_, server)| server);
            let from = if received.from_other { SocketAddr::from(([192, 0, 2, 66], 53)) } else { server };
            let before = resolver.clone();
            match resolver.receive(&message, from, DRAW.port, now_ms.get(), &mut draws) {
                Ok(acts) => {
                    believed.set(believed.get() + 1);
                    assert!(!received.from_other && message.id == DRAW.id);
                    note(acts);
                }
                Err(_) => assert!(*resolver == before, "what is not believed leaves all as it was"),
            }
        }
        assert!(resolver.core().facts() <= 6 && resolver.core().octets() <= 2_000);
        assert!(resolver.core().fetches() <= 3 && resolver.walks() <= 3 && resolver.delegations().len() <= 2);
    });
    assert!(believed.get() > 1_000, "only {} were believed", believed.get());
}

/// Records of a type that is not looked into pass through as they came.
fn round_trip() {
    let mut answer = question(1, "www.a.zz.", RecordType::TXT);
    answer.metadata.message_type = MessageType::Response;
    answer.add_answer(text("www.a.zz.", 9, "what it says".into()));
    let octets = answer.to_vec().expect("written");
    let read = read_answer(&octets, DATAGRAM_OCTETS_MAX).expect("an answer");
    let mut asking = question(1, "www.a.zz.", RecordType::TXT);
    asking.metadata.recursion_desired = true;
    let asked = read_question(&asking.to_vec().expect("written")).expect("a question");
    let told = Answer { records: read.answers.into(), ttl_s: 9, ..Answer::failure() };
    let told = Message::from_vec(&asked.answer(&told, DATAGRAM_OCTETS_MAX).expect("written")).expect("a message");
    assert_eq!(told.answers, answer.answers);
    assert!(matches!(read_answer(&octets, octets.len() - 1), Err(WireError::TooLong { .. })));
    assert!(matches!(read_answer(&asking.to_vec().expect("written"), 512), Err(WireError::IsQuestion)));
}
