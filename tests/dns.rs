//! The resolver's parts as someone meets them who ships them: hostile configurations, clocks, names and messages; and
//! what the model has no room for.

mod authority;
#[cfg(feature = "peers-heavy-dns")]
mod heavy;
mod hostile;
mod resolver;

use std::net::{Ipv4Addr, SocketAddr};

use counterpart_models::dns::implementation::delegations::Delegations;
use counterpart_models::dns::implementation::message::{CODE_NO_ERROR, CODE_NX_DOMAIN};
use counterpart_models::dns::implementation::{
    Code, Config, ConfigError, Core, Data, Denial, Effect, Fact, Finding, Message, Name, NameError, Question, Rank,
    Record, Response, Soa, Stale, Store, Type, sift,
};
use counterpart_models::dns::poison::implementation::{Draw, Exchanges};
use counterpart_models::dns::work::implementation::{Limits, Next, Reply, Resolution};
use libtest_mimic::Trial;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("dns::every_configuration_is_a_cache_or_an_error", configurations),
        claim("dns::no_text_is_a_name_that_could_not_be_sent", names),
        claim("dns::what_comes_to_a_cache_never_makes_it_panic_or_grow_beyond_its_bounds", hostile_to_the_cache),
        claim("dns::what_lives_and_is_of_a_higher_rank_is_not_overwritten", ranks),
        claim("dns::a_ttl_with_its_top_bit_set_counts_as_zero", top_bit),
        claim("dns::a_clock_that_goes_back_stands_still", clock),
        claim("dns::stale_data_comes_as_rfc_8767_recommends", stale_times),
        claim("dns::what_was_given_up_is_answered_too_late_and_makes_room", given_up),
        claim("dns::nothing_but_what_was_asked_for_is_found_in_a_message", hostile_messages),
        claim("dns::a_zone_is_asked_for_no_longer_than_the_one_above_it_is_referred_to", delegations),
        claim("dns::no_sequence_of_replies_costs_more_than_the_budget", hostile_replies),
    ];
    #[cfg(feature = "peers-heavy-dns")]
    trials.extend(heavy::trials());
    trials.extend(hostile::trials());
    trials.extend(resolver::trials());
    trials
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn address_of(text: &str) -> Question {
    Question { name: name(text), kind: Type::A }
}

fn address(text: &str, ttl_s: u32) -> Record {
    Record { name: name(text), ttl_s, data: Data::A(Ipv4Addr::LOCALHOST) }
}

fn soa(minimum_s: u32) -> Soa {
    Soa { serial: 1, minimum_s, ..Soa::default() }
}

fn configurations() {
    #[derive(Clone, Debug)]
    struct Asked {
        failure_ttl_ms: u64,
        timeout_ms: u64,
        fetches_max: usize,
        waiting_max: usize,
    }
    let time = || edgy(vec![999, 1_000, 300_000, 300_001], number(any::<u64>()));
    let count = || number(0..4_usize);
    let asked =
        drawn!(Asked { failure_ttl_ms: time(), timeout_ms: time(), fetches_max: count(), waiting_max: count() });
    for_all(asked, |Asked { failure_ttl_ms, timeout_ms, fetches_max, waiting_max }| {
        let config = Config { failure_ttl_ms, timeout_ms, fetches_max, waiting_max, ..Config::default() };
        let makes_sense =
            (1_000..=300_000).contains(&failure_ttl_ms) && timeout_ms > 0 && fetches_max > 0 && waiting_max > 0;
        assert_eq!(Core::<u8>::new(config).is_ok(), makes_sense);
    });
    let refused = Core::<u8>::new(Config { failure_ttl_ms: 999, ..Config::default() }).expect_err("refused");
    assert_eq!(refused, ConfigError::FailureTtl { found: 999 });
}

fn names() {
    assert_eq!("a..b".parse::<Name>(), Err(NameError::EmptyLabel));
    assert_eq!("a".repeat(64).parse::<Name>(), Err(NameError::LongLabel { octets: 64 }));
    let long = vec!["a".repeat(63); 4].join(".");
    assert_eq!(long.parse::<Name>(), Err(NameError::LongName { octets: 257 }));
    assert_eq!(name("WWW.a.ZZ."), name("www.a.zz"));
    assert!(name("www.a.zz").is_within(&name("a.zz")) && !name("wwwa.zz").is_within(&name("a.zz")));
    for_all(proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..8), |labels| {
        let octets = 1 + labels.iter().map(|label: &Vec<u8>| label.len() + 1).sum::<usize>();
        let fits = labels.iter().all(|label| (1..=63).contains(&label.len())) && octets <= 255;
        let read = Name::from_labels(labels.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert_eq!(read.is_ok(), fits, "{labels:?}");
        if let Ok(name) = read {
            assert_eq!(name.depth(), labels.len());
            assert_eq!(name.ancestors().count(), labels.len() + 1);
        }
    });
}

const TEXTS: [&str; 6] = ["zz", "a.zz", "www.a.zz", "x.www.a.zz", "b.zz", "www.b.zz"];

fn text() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(TEXTS.to_vec())
}

fn ttl() -> impl Strategy<Value = u32> {
    edgy(vec![86_400, i32::MAX as u32, i32::MAX as u32 + 1], number(0..5_u32))
}

fn record() -> impl Strategy<Value = Record> {
    let data = prop_oneof![
        Just(Data::A(Ipv4Addr::LOCALHOST)),
        text().prop_map(|text| Data::Ns(name(text))),
        text().prop_map(|text| Data::Cname(name(text))),
        ttl().prop_map(|minimum_s| Data::Soa(soa(minimum_s))),
        any::<u16>().prop_map(|kind| Data::Other(Type(kind), [0_u8; 3].as_slice().into())),
    ];
    (text(), ttl(), data).prop_map(|(text, ttl_s, data)| Record { name: name(text), ttl_s, data })
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    proptest::collection::vec(record(), 0..4)
}

fn response() -> impl Strategy<Value = Response> {
    let denial = || {
        proptest::option::of((ttl(), ttl()).prop_map(|(ttl_s, minimum)| Denial {
            zone: Name::root(),
            ttl_s,
            soa: soa(minimum),
        }))
    };
    prop_oneof![
        records().prop_map(Response::Records),
        (text(), ttl()).prop_map(|(text, ttl_s)| Response::Records(vec![address(text, ttl_s)])),
        denial().prop_map(Response::NoData),
        denial().prop_map(Response::NxDomain),
        Just(Response::Truncated),
        Just(Response::Failure),
    ]
}

/// 250 events a run, 512 runs: above 100,000.
fn hostile_to_the_cache() {
    #[derive(Clone, Debug)]
    struct Event {
        what: u8,
        text: &'static str,
        is_a: bool,
        now_ms: u64,
        response: Response,
    }
    #[derive(Clone, Debug)]
    struct Hostile {
        is_stale: bool,
        events: Vec<Event>,
    }
    let event = drawn!(Event {
        what: 0..4_u8,
        text: text(),
        is_a: any::<bool>(),
        now_ms: number(0..20_000_u64),
        response: response(),
    });
    let drawn = drawn!(Hostile { is_stale: any::<bool>(), events: proptest::collection::vec(event, 250) });
    for_all(drawn, |Hostile { is_stale, events }| {
        let stale = is_stale.then(Stale::default);
        let config = Config { entries_max: 3, fetches_max: 2, waiting_max: 2, stale, ..Config::default() };
        let mut core = Core::new(config).expect("a configuration");
        let mut waiting = 0_usize;
        for Event { what, text, is_a, now_ms, response } in events {
            let question = Question { name: name(text), kind: if is_a { Type::A } else { Type::AAAA } };
            let effects = match what {
                0 | 1 => {
                    waiting += 1;
                    core.query(0_u8, question, now_ms)
                }
                2 => core.on_response(&question, response, now_ms),
                _ => core.tick(now_ms),
            };
            for effect in effects {
                if let Effect::Tell { answer, .. } = effect {
                    waiting -= 1;
                    assert!(answer.ttl_s <= 86_400, "no TTL is above the bound");
                    assert!(answer.code != Code::ServFail || answer.records.is_empty());
                }
            }
            assert!(core.fetches() <= 2 && core.facts() <= 3 && waiting <= 4);
        }
        core.tick(u64::MAX);
        core.rebase(u64::MAX);
    });
}

/// What a client of `core` is told at once.
fn told(core: &mut Core<u8>, question: &Question, now_ms: u64) -> Option<(Code, u32, bool)> {
    let effects = core.query(0, question.clone(), now_ms);
    effects.into_iter().find_map(|effect| match effect {
        Effect::Tell { answer, .. } => Some((answer.code, answer.ttl_s, answer.is_stale)),
        Effect::Ask { .. } => None,
    })
}

fn learn(core: &mut Core<u8>, ttl_s: u32, now_ms: u64) {
    let question = address_of("www.a.zz");
    let _ = core.query(0, question.clone(), now_ms);
    let _ = core.on_response(&question, Response::Records(vec![address("www.a.zz", ttl_s)]), now_ms);
}

/// RFC 2181, 5.4.1, of all that a fact would drive out: its own kind, a denial of a name above it, and what lies below a
/// name that is denied.
fn ranks() {
    let (asked, above) = (address_of("www.a.zz"), address_of("a.zz"));
    let known = || Fact::Records(vec![address("www.a.zz", 9)].into());
    let cases = [
        (&asked, known(), &asked, Fact::NoData(None)),
        (&asked, known(), &above, Fact::NxDomain(None)),
        (&above, Fact::NxDomain(None), &asked, known()),
        (&asked, Fact::NoData(None), &asked, known()),
    ];
    for (of_first, first, of_second, second) in cases {
        let mut store = Store::new(9, 0, false);
        assert!(store.insert(of_first, first.clone(), Rank::Answer, 10, 0));
        let found = store.answer(of_first, 9);
        assert_eq!(found.as_ref().map(|found| &found.fact), Some(&first));
        assert!(!store.insert(of_second, second.clone(), Rank::Additional, 20, 9), "{second:?} over {first:?}");
        assert_eq!(store.answer(of_first, 9), found);
        assert!(store.insert(of_second, second.clone(), Rank::Answer, 20, 9), "of the same rank the newer counts");
        assert_eq!(store.answer(of_second, 9).map(|found| found.fact), Some(second));
    }
    // What has ended stands in nobody's way.
    let mut store = Store::new(9, 100, false);
    assert!(store.insert(&asked, known(), Rank::Answer, 10, 0));
    assert!(store.insert(&above, Fact::NxDomain(None), Rank::Referral, 20, 10));
}

fn top_bit() {
    let mut core = Core::new(Config::default()).expect("a configuration");
    learn(&mut core, i32::MAX as u32 + 1, 0);
    assert_eq!(told(&mut core, &address_of("www.a.zz"), 0), None);
    let mut core = Core::new(Config::default()).expect("a configuration");
    learn(&mut core, i32::MAX as u32, 0);
    assert_eq!(told(&mut core, &address_of("www.a.zz"), 0), Some((Code::NoError, 86_400, false)));
}

fn clock() {
    let mut core = Core::new(Config::default()).expect("a configuration");
    learn(&mut core, 10, 100_000);
    assert_eq!(told(&mut core, &address_of("www.a.zz"), 105_000), Some((Code::NoError, 5, false)));
    assert_eq!(told(&mut core, &address_of("www.a.zz"), 0), Some((Code::NoError, 5, false)));
    assert_eq!(told(&mut core, &address_of("www.a.zz"), 109_999), Some((Code::NoError, 0, false)));
    assert_eq!(told(&mut core, &address_of("www.a.zz"), 110_000), None);
}

fn stale_times() {
    let config = Config { stale: Some(Stale::default()), ..Config::default() };
    let mut core = Core::new(config).expect("a configuration");
    let question = address_of("www.a.zz");
    learn(&mut core, 10, 0);
    assert_eq!(told(&mut core, &question, 10_000), None, "something better is looked for");
    assert!(core.tick(11_799).is_empty());
    let late = core.tick(11_800);
    assert!(matches!(&late[..], [Effect::Tell { answer, .. }] if answer.is_stale && answer.ttl_s == 30), "{late:?}");
    let _ = core.on_response(&question, Response::Failure, 12_000);
    assert_eq!(told(&mut core, &question, 41_999), Some((Code::NoError, 30, true)));
    assert_eq!(core.fetches(), 0, "nobody asks again for 30 s");
    assert_eq!(told(&mut core, &question, 42_000), None);
    assert_eq!(core.fetches(), 1);
}

fn given_up() {
    let (server, draw) = (SocketAddr::from(([192, 0, 2, 1], 53)), Draw { id: 1, port: 50_000 });
    let question = address_of("www.a.zz");
    let mut exchanges = Exchanges::new(1);
    exchanges.ask(question.clone(), name("a.zz"), server, draw).expect("there is room");
    assert!(exchanges.give_up(&question) && exchanges.is_empty() && !exchanges.give_up(&question));
    let answer = Message { id: 1, is_answer: true, question: Some(question.clone()), ..Message::default() };
    assert!(exchanges.receive(&answer, server, draw.port).is_err());
    assert!(exchanges.ask(address_of("www.b.zz"), name("b.zz"), server, draw).is_ok());
}

fn delegations() {
    let servers = || [name("ns.a.zz")].into();
    let mut known = Delegations::new(2, 1_000);
    assert!(known.refer(&name("zz"), servers(), 10, &Name::root(), 0));
    assert!(known.refer(&name("a.zz"), servers(), 500, &name("zz"), 1_000));
    assert_eq!(known.ends_ms(&name("a.zz"), 1_000), Some(10_000), "as long as the zone above");
    assert_eq!(
        known.of(&name("www.a.zz"), 9_999).map(|(zone, _)| zone).collect::<Vec<_>>(),
        [name("a.zz"), name("zz")]
    );
    assert_eq!(known.of(&name("www.a.zz"), 10_000).count(), 0);
    assert!(!known.refer(&name("a.zz"), servers(), 500, &name("zz"), 10_000), "by whom nobody refers to any more");
    assert!(!known.refer(&name("b.zz"), servers(), 0, &Name::root(), 0), "for no time");
    assert!(!known.refer(&name("b.zz"), servers(), i32::MAX as u32 + 1, &Name::root(), 0), "the top bit counts as 0");
    known.expire(10_000);
    assert!(known.is_empty());
    for (number, ttl_s) in [(1, 30), (2, 10), (3, 2_000)] {
        assert!(known.refer(&name(&format!("n{number}")), servers(), ttl_s, &Name::root(), 0));
    }
    assert_eq!((known.len(), known.ends_ms(&name("n2"), 0)), (2, None), "what ends first makes room");
    assert_eq!(known.ends_ms(&name("n3"), 0), Some(1_000_000));
}

/// 250 messages a run, 512 runs: above 100,000.
fn hostile_messages() {
    let code = prop_oneof![Just(CODE_NO_ERROR), Just(CODE_NX_DOMAIN), any::<u8>()];
    let bits = (proptest::bool::ANY, proptest::bool::ANY, proptest::bool::weighted(0.1));
    let message = (0..4_u16, bits, code, proptest::option::of(text()), (records(), records(), records()));
    let message = message.prop_map(|(id, (answer, authoritative, truncated), code, asked, sections)| Message {
        id,
        is_answer: answer,
        is_authoritative: authoritative,
        is_truncated: truncated,
        code,
        question: asked.map(address_of),
        answers: sections.0,
        authorities: sections.1,
        additionals: sections.2,
    });
    #[derive(Clone, Debug)]
    struct Received {
        message: Message,
        asked: &'static str,
    }
    let received = drawn!(Received { message: message, asked: text() });
    for_all(proptest::collection::vec(received, 250), |messages| {
        let (server, draw) = (SocketAddr::from(([192, 0, 2, 1], 53)), Draw { id: 1, port: 50_000 });
        let mut exchanges = Exchanges::new(2);
        for Received { message, asked } in messages {
            let (question, zone) = (address_of(asked), name("a.zz"));
            check_found(&sift(&message, &question, &zone), &question, &zone);
            let _ = exchanges.ask(question, zone.clone(), server, draw);
            assert!(exchanges.len() <= 2);
            if let Ok((question, finding)) = exchanges.receive(&message, server, draw.port) {
                assert!(message.is_answer && message.id == 1 && message.question == Some(question.clone()));
                check_found(&finding, &question, &zone);
            }
        }
    });
}

fn check_found(finding: &Finding, question: &Question, zone: &Name) {
    match finding {
        Finding::Records(records) => {
            assert!(question.name.is_within(zone));
            let asked = |record: &Record| record.name == question.name && record.data.kind() == question.kind;
            assert!(!records.is_empty() && records.iter().all(asked));
        }
        Finding::Alias { record, .. } => assert_eq!(record.name, question.name),
        Finding::Referral { zone: cut, servers, glue } => {
            assert!(cut != zone && cut.is_within(zone) && question.name.is_within(cut));
            assert!(servers.iter().all(|record| record.name == *cut && record.data.kind() == Type::NS));
            assert!(glue.iter().all(|record| record.name.is_within(cut)));
        }
        Finding::NoData(_) | Finding::NxDomain(_) | Finding::Truncated | Finding::Failure => {}
    }
}

/// 250 replies a run, 512 runs: above 100,000.
fn hostile_replies() {
    let reply = prop_oneof![
        Just(Reply::Address),
        Just(Reply::Nothing),
        text().prop_map(|text| Reply::Alias(name(text))),
        proptest::collection::vec(text().prop_map(name), 0..20).prop_map(Reply::Referral),
        (0..3_usize).prop_map(Reply::Delegation),
        (0..3_usize).prop_map(Reply::Server),
        Just(Reply::Truncated),
    ];
    #[derive(Clone, Debug)]
    struct Hostile {
        limits: Limits,
        servers: usize,
        replies: Vec<Reply>,
    }
    let limits =
        drawn!(Limits { questions_max: 0..20_u32, aliases_max: 0..5_u32, tries_max: 0..3_u32, depth_max: 0..4_usize });
    let drawn = drawn!(Hostile { limits: limits, servers: 0..3_usize, replies: proptest::collection::vec(reply, 250) });
    for_all(drawn, |Hostile { limits, servers, replies }| {
        let questions_max = limits.questions_max;
        let mut resolution = Resolution::new(name("www.a.zz"), servers, limits);
        for reply in replies {
            let over = !matches!(resolution.next(), Next::Ask { .. });
            let before = resolution.clone();
            resolution.on_reply(reply);
            assert!(resolution.asked() <= questions_max);
            assert!(!over || resolution == before, "what comes when all is over is ignored");
        }
        assert!(!matches!(resolution.next(), Next::Ask { .. }), "it ends");
    });
}
