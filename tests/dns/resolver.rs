//! The resolver on real sockets of the loopback, from a client's question to the servers of three zones and back.
//!
//! Its clock is set by hand: nothing here depends on how long anything takes. That nobody was asked is shown by asking for
//! something else on the same socket, which has to be asked for: had there been more, it would have been asked before.

use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use counterpart_models::dns::implementation::front::{Bounds, Clock, Front, Report};
use counterpart_models::dns::implementation::settings::Settings;
use counterpart_models::dns::implementation::{Config, Stale};
use counterpart_models::dns::work::implementation::Limits;
use hickory_proto::op::{Edns, Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};
use libtest_mimic::Trial;

use super::authority::{
    Asked, Authority, LONG, Manner, Reply, a, answers, cname, denies, fails, glue, name, ns, question, read_message,
    refers, refers_below, soa, text, write_message,
};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("dns::a_cold_name_is_looked_for_from_the_root_and_a_warm_one_is_not", cold_walk),
        claim("dns::a_server_that_is_lame_is_passed_over", lame),
        claim("dns::what_does_not_fit_is_asked_for_again_over_tcp_and_told_whole_over_tcp", truncated),
        claim("dns::a_server_that_says_nothing_is_passed_over_and_what_it_says_too_late_is_ignored", silent),
        claim("dns::what_a_liar_sends_before_the_answer_is_ignored", lying),
        claim("dns::one_question_costs_no_more_than_its_budget_whatever_servers_refer_to", budget),
        claim("dns::aliases_are_followed_and_a_loop_of_them_is_a_failure_that_is_remembered", aliases),
        claim("dns::a_denial_is_told_with_its_soa_and_counts_down", denials),
        claim("dns::two_clients_that_ask_the_same_make_one_question", same_question),
        claim("dns::servers_whose_addresses_are_not_known_are_looked_for", without_glue),
        claim("dns::a_delegation_ends_with_what_the_parent_said", ghost),
        claim("dns::what_has_ended_is_told_over_udp_when_nobody_answers", stale),
        claim("dns::what_is_no_question_is_answered_as_its_rfc_says", refused),
        claim("dns::what_is_kept_stays_within_its_bounds", bounded),
        claim("dns::a_resolver_that_is_dropped_listens_no_more", dropped),
    ]
}

/// A resolver on top of an authority, and a client of it.
struct World {
    // Dropped first: nobody is asked any more when the servers go.
    front: Front,
    authority: Authority,
    now_ms: Arc<AtomicU64>,
    client: UdpSocket,
}

impl World {
    fn new(manners: impl IntoIterator<Item = (u8, Manner)>) -> Self {
        World::with(manners, |_| {})
    }

    fn with(manners: impl IntoIterator<Item = (u8, Manner)>, change: impl FnOnce(&mut Settings)) -> Self {
        let authority = Authority::start(manners);
        let now_ms = Arc::new(AtomicU64::new(0));
        let shown = now_ms.clone();
        let clock: Clock = Arc::new(move || shown.load(Ordering::SeqCst));
        let mut settings = Settings { port: authority.port(), ..Settings::new(vec![authority.root()]) };
        change(&mut settings);
        let report: Report = Arc::new(|_, _| {});
        let listen = "127.0.0.1:0".parse().expect("an address");
        let front = Front::start(listen, settings, Bounds::default(), clock, report).expect("it starts");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a port");
        client.connect(front.address()).expect("a socket");
        client.set_read_timeout(Some(LONG)).expect("a time that is not 0");
        World { front, authority, now_ms, client }
    }

    fn elapse(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    fn send(&self, message: &Message) {
        self.client.send(&message.to_vec().expect("a message that can be written")).expect("sent");
    }

    fn receive(&self) -> Message {
        let mut buffer = [0; 65_536];
        let length = self.client.recv(&mut buffer).expect("an answer");
        Message::from_vec(&buffer[..length]).expect("a message")
    }

    fn ask(&self, owner: &str, kind: RecordType) -> Message {
        self.send(&question(7, owner, kind));
        let answer = self.receive();
        assert_eq!(answer.metadata.id, 7);
        answer
    }

    /// The last octets of the addresses that it has, and the TTL; or the code.
    fn address(&self, owner: &str) -> Result<(Vec<u8>, u32), ResponseCode> {
        let answer = self.ask(owner, RecordType::A);
        if answer.metadata.response_code != ResponseCode::NoError {
            return Err(answer.metadata.response_code);
        }
        let last = |record: &hickory_proto::rr::Record| match &record.data {
            RData::A(address) => Some(address.octets()[3]),
            _ => None,
        };
        Ok((answer.answers.iter().filter_map(last).collect(), answer.answers.first().map_or(0, |record| record.ttl)))
    }
}

/// Every name has the address 192.0.2.9 for so many seconds.
fn good(ttl_s: u32) -> Manner {
    Box::new(move |asked, message| {
        let records = vec![a(&asked.name, ttl_s, 9)];
        answers(asked, message, records)
    })
}

fn silent_manner() -> Manner {
    Box::new(|_, _| Reply::silence())
}

/// The servers of `a.zz.`, below those that refer to them.
fn below(ttl_s: u32, first: Manner, second: Manner) -> Vec<(u8, Manner)> {
    refers_below(ttl_s).into_iter().chain([(3, first), (4, second)]).collect()
}

fn cold_walk() {
    let world = World::new(below(100, good(10), good(10)));
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)));
    assert_eq!(world.authority.servers_asked(), "1 2 3");
    world.elapse(4_000);
    assert_eq!(world.address("WWW.A.ZZ."), Ok((vec![9], 6)), "warm, and counted down");
    world.elapse(5_999);
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 0)));
    world.elapse(1);
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)), "it has ended, and is asked for again");
    assert_eq!(world.authority.servers_asked(), "1 2 3 3", "the zone's own server, and nobody while it was warm");
}

fn lame() {
    let upward: Manner =
        Box::new(|asked, message| refers(asked, message, vec![ns("zz.", 9, "ns.zz.")], vec![glue("ns.zz.", 9, 2)]));
    let world = World::new(below(100, upward, good(10)));
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)));
    assert_eq!(world.authority.servers_asked(), "1 2 3 4");
    let refuses: Manner = Box::new(|asked, message| fails(asked, message, ResponseCode::Refused));
    let also: Manner = Box::new(|asked, message| fails(asked, message, ResponseCode::ServFail));
    let world = World::new(below(100, refuses, also));
    assert_eq!(world.address("www.a.zz."), Err(ResponseCode::ServFail));
    assert_eq!(world.authority.servers_asked(), "1 2 3 4 3 4", "each is tried twice");
    assert_eq!(world.address("www.a.zz."), Err(ResponseCode::ServFail));
    assert_eq!(world.address("b.zz."), Err(ResponseCode::NXDomain));
    assert_eq!(world.authority.servers_asked(), "1 2 3 4 3 4 2", "a failure is remembered");
    world.elapse(5_000);
    assert_eq!(world.address("www.a.zz."), Err(ResponseCode::ServFail));
    assert_eq!(world.authority.servers_asked(), "1 2 3 4 3 4 2 3 4 3 4", "for so long");
}

/// Texts that need more than a datagram. What is sent over UDP is a part, and says so.
fn truncates() -> Manner {
    Box::new(|asked, mut message| {
        let part = if asked.over_tcp { 30 } else { 1 };
        message.metadata.truncation = !asked.over_tcp;
        let records = (0..part).map(|number| text(&asked.name, 10, format!("{number:0>100}"))).collect();
        answers(asked, message, records)
    })
}

fn truncated() {
    let world = World::new(below(100, truncates(), good(10)));
    let over_udp = world.ask("big.a.zz.", RecordType::TXT);
    assert!(over_udp.metadata.truncation && over_udp.answers.is_empty(), "3,000 octets fit into no datagram");
    assert_eq!(world.authority.servers_asked(), "1 2 3 3t");
    let mut stream = TcpStream::connect(world.front.address()).expect("it listens over TCP");
    for _ in 0..2 {
        write_message(&mut stream, &question(8, "big.a.zz.", RecordType::TXT).to_vec().expect("written"));
        let whole = Message::from_vec(&read_message(&mut stream).expect("an answer")).expect("a message");
        assert_eq!((whole.metadata.id, whole.metadata.truncation, whole.answers.len()), (8, false, 30));
        assert!(whole.answers.iter().all(|record| record.record_type() == RecordType::TXT));
    }
    assert_eq!(world.address("www.a.zz.").map(|(octets, _)| octets), Ok(vec![]), "texts are no address");
    assert!(world.authority.servers_asked().starts_with("1 2 3 3t 3"), "the whole was kept, the part was not");
    // A client that can take more in a datagram is sent more, and no more than we send.
    let mut roomy = question(9, "big.a.zz.", RecordType::TXT);
    let mut edns = Edns::new();
    edns.set_max_payload(65_535);
    roomy.set_edns(edns);
    world.send(&roomy);
    let answer = world.receive();
    assert!(answer.metadata.truncation && answer.edns.is_some_and(|edns| edns.max_payload() == 1_232));
    // Where it is a part over TCP as well, that server has none.
    let always: Manner = Box::new(|asked, mut message| {
        message.metadata.truncation = true;
        answers(asked, message, vec![a("www.a.zz.", 10, 1)])
    });
    let world = World::new(below(100, always, good(10)));
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)));
    assert_eq!(world.authority.servers_asked(), "1 2 3 3t 4");
}

fn silent() {
    let late: Manner = Box::new(|asked, message| answers(asked, message, vec![a("www.a.zz.", 10, 66)]).held());
    let world = World::new(below(100, late, good(10)));
    world.send(&question(7, "www.a.zz.", RecordType::A));
    world.authority.wait_for(3);
    world.elapse(800);
    let answer = world.receive();
    assert!(matches!(&answer.answers[0].data, RData::A(address) if address.octets()[3] == 9), "{answer}");
    assert_eq!(world.authority.servers_asked(), "1 2 3 4");
    world.authority.release();
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)), "what comes too late changes nothing");
}

/// Forgeries by the server itself, which knows the port: of another id, to another question, of a name that is not its own;
/// and by another server, which would have all of it right.
fn lying() {
    let lies: Manner = Box::new(|asked, message| {
        let forged = |change: &dyn Fn(&mut Message)| {
            let mut forged = message.clone();
            forged.add_answer(a(&asked.name, 10, 66));
            change(&mut forged);
            forged
        };
        let other_id = forged(&|forged| forged.metadata.id ^= 1);
        let other_question = forged(&|forged| forged.queries = question(0, "b.a.zz.", RecordType::A).queries);
        let two_questions = forged(&|forged| {
            let again = forged.queries[0].clone();
            forged.add_query(again);
        });
        let no_answer = forged(&|forged| forged.metadata.message_type = hickory_proto::op::MessageType::Query);
        let mut honest = message.clone();
        honest.add_answer(a(&asked.name, 10, 9));
        honest.add_answer(a("www.zz.", 10, 66));
        honest.add_authority(ns("zz.", 10, "ns1.a.zz."));
        honest.add_additional(a("ns.zz.", 10, 66));
        let of_other_server = (4, forged(&|_| {}));
        let own = [other_id, other_question, two_questions, no_answer].map(|message| (asked.server, message));
        let messages = own.into_iter().chain([of_other_server, (asked.server, honest)]).collect();
        Reply { messages, is_held: false }
    });
    let world = World::new(below(100, lies, good(10)));
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)));
    assert_eq!(world.address("www.zz."), Err(ResponseCode::NXDomain), "nothing that nobody has asked for is kept");
    assert_eq!(world.authority.servers_asked(), "1 2 3 2");
    // The server of one zone says who serves the one beside it, and the root itself.
    let sibling: Manner = Box::new(|asked, message| {
        let servers = vec![ns("b.zz.", 100, "ns1.a.zz."), ns(".", 100, "ns1.a.zz.")];
        refers(asked, message, servers, vec![glue("ns1.a.zz.", 100, 4)])
    });
    let world = World::new(below(100, sibling, good(10)));
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)), "the other server's answer");
    assert_eq!(world.address("www.b.zz."), Err(ResponseCode::NXDomain));
    assert_eq!(world.authority.servers_asked(), "1 2 3 4 2", "the server of zz is asked, and no other");
}

/// Each referral names a dozen servers of other names, for which the same is so (NXNS, CVE-2020-8616).
fn budget() {
    let widens: Manner = Box::new(|asked, message| {
        let zone = asked.name.clone();
        let far = (0..12).map(|number| ns(&zone, 100, &format!("y{number}-{}.a.zz.", zone.len())));
        let near = (0..12).map(|number| ns(&zone, 100, &format!("x{number}.{zone}")));
        let servers = far.chain(near).collect();
        refers(asked, message, servers, Vec::new())
    });
    let number = AtomicU64::new(0);
    let again: Manner = Box::new(move |asked, message| {
        let target = format!("x{}.a.zz.", number.fetch_add(1, Ordering::SeqCst));
        let alias = vec![cname(&asked.name, 10, &target)];
        answers(asked, message, alias)
    });
    let limits = Limits { questions_max: 20, aliases_max: 100, tries_max: 9, depth_max: 9 };
    for (what, first) in [("referrals", widens), ("aliases", again)] {
        let second: Manner = Box::new(|asked, message| fails(asked, message, ResponseCode::ServFail));
        let world = World::with(below(100, first, second), |settings| settings.limits = limits);
        assert_eq!(world.address("www.a.zz."), Err(ResponseCode::ServFail), "{what}");
        let cost = world.authority.asked().len();
        assert!((4..=20).contains(&cost), "{what}: {:?}", world.authority.asked());
        assert_eq!(world.address("b.zz."), Err(ResponseCode::NXDomain));
        assert_eq!(world.authority.asked().len(), cost + 1, "{what}: nothing goes on behind the client's back");
    }
}

fn aliases() {
    let chain: Manner = Box::new(|asked, message| {
        let records = match asked.name.as_str() {
            "one.a.zz." => vec![cname("one.a.zz.", 30, "two.a.zz.")],
            "two.a.zz." => vec![cname("two.a.zz.", 20, "three.a.zz.")],
            "round.a.zz." => vec![cname("round.a.zz.", 30, "about.a.zz.")],
            "about.a.zz." => vec![cname("about.a.zz.", 30, "round.a.zz.")],
            "nowhere.a.zz." => vec![cname("nowhere.a.zz.", 30, "b.zz.")],
            _ => vec![a(&asked.name, 40, 9)],
        };
        answers(asked, message, records)
    });
    let world = World::new(below(100, chain, silent_manner()));
    let answer = world.ask("one.a.zz.", RecordType::A);
    let told: Vec<String> = answer.answers.iter().map(|record| record.name.to_string()).collect();
    assert_eq!(told, ["one.a.zz.", "two.a.zz.", "three.a.zz."]);
    assert!(answer.answers.iter().all(|record| record.ttl == 20), "the chain lives as long as its shortest step");
    assert_eq!(world.authority.servers_asked(), "1 2 3 3 3");
    assert_eq!(world.address("two.a.zz."), Ok((vec![9], 20)), "each step is known by itself");
    assert_eq!(world.address("round.a.zz."), Err(ResponseCode::ServFail));
    assert_eq!(world.authority.servers_asked(), "1 2 3 3 3 3 3", "round and about, each once");
    assert_eq!(world.address("round.a.zz."), Err(ResponseCode::ServFail));
    let nowhere = world.ask("nowhere.a.zz.", RecordType::A);
    assert_eq!(nowhere.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(nowhere.answers.len(), 1, "the alias is told");
    assert_eq!(nowhere.authorities[0].name, name("zz."), "and what says that it leads nowhere");
    assert_eq!(world.authority.servers_asked(), "1 2 3 3 3 3 3 3 2");
    // RFC 8020 is about the name that it leads to, and not about the alias.
    assert_eq!(world.address("x.b.zz."), Err(ResponseCode::NXDomain));
    assert_eq!(world.address("x.nowhere.a.zz."), Ok((vec![9], 40)));
    assert_eq!(world.authority.servers_asked(), "1 2 3 3 3 3 3 3 2 3");
}

fn denials() {
    let denying: Manner = Box::new(|asked, message| {
        let exists = asked.name == "www.a.zz.";
        denies(asked, message, exists, soa("a.zz.", 60, 10))
    });
    let world = World::new(below(100, denying, silent_manner()));
    for (waited_ms, left_s) in [(0, 10), (4_000, 6)] {
        world.elapse(waited_ms);
        let none = world.ask("none.a.zz.", RecordType::A);
        assert_eq!(none.metadata.response_code, ResponseCode::NXDomain);
        assert_eq!((&none.authorities[0].name, none.authorities[0].ttl), (&name("a.zz."), left_s));
        assert!(matches!(&none.authorities[0].data, RData::SOA(soa) if soa.refresh == 3_600 && soa.minimum == 10));
    }
    assert_eq!(world.address("x.none.a.zz."), Err(ResponseCode::NXDomain), "nor is anything below it");
    assert_eq!(world.authority.servers_asked(), "1 2 3");
    for kind in [RecordType::A, RecordType::AAAA, RecordType::A] {
        let no_data = world.ask("www.a.zz.", kind);
        assert_eq!((no_data.metadata.response_code, no_data.answers.len()), (ResponseCode::NoError, 0));
    }
    assert_eq!(world.authority.servers_asked(), "1 2 3 3 3", "that it has none of a type is so of that type");
}

fn same_question() {
    let slow: Manner = Box::new(|asked, message| answers(asked, message, vec![a(&asked.name, 10, 9)]).held());
    let world = World::new(below(100, slow, silent_manner()));
    world.send(&question(1, "www.a.zz.", RecordType::A));
    world.authority.wait_for(3);
    world.send(&question(2, "www.a.zz.", RecordType::A));
    world.send(&question(3, "none.zz.", RecordType::A));
    assert_eq!(world.receive().metadata.id, 3, "the third question came after the second, and is answered first");
    assert_eq!(world.authority.servers_asked(), "1 2 3 2", "the second was not asked again");
    world.authority.release();
    let mut ids = [world.receive(), world.receive()].map(|answer| answer.metadata.id);
    ids.sort();
    assert_eq!(ids, [1, 2]);
}

/// `zz` refers to a server by name alone; that name is of another zone, whose server is known.
fn without_glue() {
    let [root, _] = refers_below(100);
    let zz: Manner = Box::new(|asked, message| match asked.name.as_str() {
        name if name.ends_with("b.zz.") => {
            refers(asked, message, vec![ns("b.zz.", 100, "ns.b.zz.")], vec![glue("ns.b.zz.", 100, 4)])
        }
        _ => refers(asked, message, vec![ns("a.zz.", 100, "far.b.zz.")], vec![a("far.b.zz.", 100, 66)]),
    });
    let b: Manner = Box::new(|asked, message| answers(asked, message, vec![glue(&asked.name, 50, 3)]));
    let world = World::new([root, (2, zz), (3, good(10)), (4, b)]);
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)));
    let asked: Vec<(u8, String)> =
        world.authority.asked().into_iter().map(|Asked { server, name, .. }| (server, name)).collect();
    let (www, far) = ("www.a.zz.".to_string(), "far.b.zz.".to_string());
    assert_eq!(asked, [(1, www.clone()), (2, www.clone()), (2, far.clone()), (4, far), (3, www)]);
    assert_eq!(world.address("other.a.zz."), Ok((vec![9], 10)));
    assert_eq!(world.authority.servers_asked(), "1 2 2 4 3 3", "where the server is is known by now");
}

/// The zone says anew each time, for ever longer, that it is served by its own servers; the zone above says nothing more of
/// it (ghost domains).
fn ghost() {
    let [root, _] = refers_below(1_000);
    let revoked = Arc::new(AtomicU64::new(0));
    let still = revoked.clone();
    let zz: Manner = Box::new(move |asked, message| {
        if still.load(Ordering::SeqCst) > 0 {
            return denies(asked, message, false, soa("zz.", 10, 10));
        }
        refers(asked, message, vec![ns("a.zz.", 20, "ns1.a.zz.")], vec![glue("ns1.a.zz.", 1_000, 3)])
    });
    let a_zz: Manner = Box::new(|asked, mut message| {
        message.add_authority(ns("a.zz.", 80_000, "ns1.a.zz."));
        message.add_additional(glue("ns1.a.zz.", 80_000, 3));
        let record = if asked.kind == RecordType::NS { ns("a.zz.", 80_000, "ns1.a.zz.") } else { a(&asked.name, 1, 9) };
        answers(asked, message, vec![record])
    });
    let world = World::new([root, (2, zz), (3, a_zz)]);
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 1)));
    revoked.store(1, Ordering::SeqCst);
    world.elapse(19_000);
    assert_eq!(world.ask("a.zz.", RecordType::NS).answers.len(), 1, "asked for before the referral has ended");
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 1)));
    world.elapse(1_000);
    assert_eq!(world.address("www.a.zz."), Err(ResponseCode::NXDomain));
    assert_eq!(world.authority.servers_asked(), "1 2 3 3 3 2");
}

fn stale() {
    let once = AtomicU64::new(0);
    let first: Manner = Box::new(move |asked, message| match once.fetch_add(1, Ordering::SeqCst) {
        0 => answers(asked, message, vec![a("www.a.zz.", 10, 9)]),
        _ => Reply::silence(),
    });
    let change = |settings: &mut Settings| {
        settings.cache = Config { stale: Some(Stale::default()), ..Config::default() };
    };
    let world = World::with(below(1_000, first, silent_manner()), change);
    assert_eq!(world.address("www.a.zz."), Ok((vec![9], 10)));
    world.elapse(10_000);
    world.send(&question(7, "www.a.zz.", RecordType::A));
    world.authority.wait_for(4);
    // The client's time is up before the servers' is.
    world.elapse(1_800);
    let answer = world.receive();
    assert_eq!((answer.answers.len(), answer.answers[0].ttl), (1, 30));
}

fn refused() {
    let world = World::new(below(100, good(100), good(100)));
    assert!(world.address("www.a.zz.").is_ok());
    let ask = || question(0x1234, "www.a.zz.", RecordType::A);
    let octets = |message: &Message| message.to_vec().expect("written");
    let changed = |change: &dyn Fn(&mut Message)| {
        let mut message = ask();
        change(&mut message);
        octets(&message)
    };
    let mut looping = octets(&ask());
    looping.truncate(12);
    looping.extend([0xc0, 12, 0, 1, 0, 1]);
    let mut other_class = octets(&ask());
    let at = other_class.len() - 1;
    other_class[at] = 3;
    let of_version_1 =
        [&changed(&|_| {})[..10], &[0, 1], &octets(&ask())[12..], &[0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0]].concat();
    let answered = [
        (looping, ResponseCode::FormErr),
        (octets(&ask())[..20].to_vec(), ResponseCode::FormErr),
        (changed(&|message| drop(message.queries.pop())), ResponseCode::FormErr),
        (changed(&|message| message.queries = [ask().queries, ask().queries].concat()), ResponseCode::FormErr),
        (changed(&|message| message.metadata.op_code = hickory_proto::op::OpCode::Notify), ResponseCode::NotImp),
        (changed(&|message| message.queries = question(0, "a.zz.", RecordType::ANY).queries), ResponseCode::Refused),
        (changed(&|message| message.queries = question(0, "a.zz.", RecordType::AXFR).queries), ResponseCode::Refused),
        (changed(&|message| message.metadata.recursion_desired = false), ResponseCode::Refused),
        (other_class, ResponseCode::Refused),
        (of_version_1, ResponseCode::BADVERS),
    ];
    for (octets, code) in answered {
        world.client.send(&octets).expect("sent");
        let answer = world.receive();
        // By number: 16 is two codes, of which this is the one that goes with EDNS.
        let told = (answer.metadata.id, u16::from(answer.metadata.response_code), answer.answers.len());
        assert_eq!(told, (0x1234, u16::from(code), 0), "{octets:?}");
    }
    let unanswered = [
        Vec::new(),
        octets(&ask())[..11].to_vec(),
        changed(&|message| message.metadata.message_type = hickory_proto::op::MessageType::Response),
        vec![0; 1_233],
    ];
    for octets in unanswered {
        world.client.send(&octets).expect("sent");
        world.send(&question(9, "www.a.zz.", RecordType::A));
        assert_eq!(world.receive().metadata.id, 9, "the only answer is to the only question, not to {octets:?}");
    }
    assert_eq!(world.authority.servers_asked(), "1 2 3");
}

fn bounded() {
    let change = |settings: &mut Settings| {
        settings.cache = Config { entries_max: 8, octets_max: 3_000, ..Config::default() };
        settings.zones_max = 1;
    };
    let world = World::with(below(100, good(100), good(100)), change);
    for number in 0..40 {
        assert_eq!(world.address(&format!("n{number}.a.zz.")), Ok((vec![9], 100)));
        let load = world.front.load();
        assert!(load.facts <= 8 && load.octets <= 3_000 && load.zones <= 1, "{load:?}");
    }
}

fn dropped() {
    let World { front, authority, .. } = World::new(below(100, good(10), good(10)));
    let address = front.address();
    drop(front);
    assert!(UdpSocket::bind(address).is_ok() && TcpStream::connect(address).is_err());
    assert_eq!(authority.servers_asked(), "");
}
