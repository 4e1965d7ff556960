//! The table of purges, as measured on a prototype; and the node as someone meets it who ships it: what it stores, how it
//! reads what says so, and what hostile input does to it.

mod parts;

use counterpart::verdict::Verdict;
use counterpart_models::cdn::check;
use counterpart_models::cdn::implementation::control::Directives;
use counterpart_models::cdn::implementation::{
    Bounds, Config, Effect, Failure, Headers, Node, Purge as Gone, Request, Response, Target, date,
};
use counterpart_models::cdn::model::Purge;
use counterpart_models::cdn::properties::PURGED;
use libtest_mimic::Trial;
use proptest::prelude::{Just, any};

use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

/// Guards, and the steps of the shortest counterexample to [`PURGED`]; none where it holds. Of the prototype.
const MEASURED: &[(&str, bool, bool, Option<usize>)] = &[
    ("naive", false, false, Some(11)),
    ("shield_first_alone", false, true, Some(11)),
    ("epochs_alone", true, false, Some(12)),
    ("epochs_and_shield_first", true, true, None),
];

pub(crate) fn trials() -> Vec<Trial> {
    let row = |(name, epochs, shield_first, steps): &(&str, bool, bool, Option<usize>)| {
        let model = Purge { epochs: *epochs, shield_first: *shield_first, updates_max: 3, ..Purge::small() };
        let steps = *steps;
        claim(format!("cdn::purge_table_{name}"), move || {
            let report = check(model).explore();
            let case = &report.cases[0];
            let found = case.properties.iter().find(|property| property.name == PURGED).expect("judged");
            let expected = if steps.is_some() { Verdict::Violated } else { Verdict::Holds };
            assert_eq!((found.verdict, found.steps.filter(|_| steps.is_some())), (expected, steps));
        })
    };
    let mut trials: Vec<Trial> = MEASURED.iter().map(row).collect();
    trials.extend([
        claim("cdn::what_may_be_stored_and_for_how_long", lifetimes),
        claim("cdn::an_answer_to_authorization_is_for_whoever_sent_it", authorization),
        claim("cdn::age_counts_through_tiers", tiers),
        claim("cdn::a_304_brings_its_fields_and_its_age", not_modified),
        claim("cdn::a_304_after_a_purge_brings_nothing_back", revived),
        claim("cdn::waiters_are_released_whatever_comes", waiters),
        claim("cdn::what_is_for_a_client_that_has_left_is_given_to_nobody", left),
        claim("cdn::an_unsafe_request_invalidates_its_origin_alone", invalidation),
        claim("cdn::groups_do_not_cascade_and_are_ignored_on_get", groups),
        claim("cdn::a_group_purge_overtakes_a_fill_in_flight", group_in_flight),
        claim("cdn::must_revalidate_forbids_stale_and_so_may_s_maxage", stale),
        claim("cdn::memory_is_bounded", memory),
        claim("cdn::dates_come_back_as_they_went", dates),
        claim("cdn::no_field_makes_a_node_panic", hostile),
    ]);
    trials.extend(parts::trials());
    trials
}

const NOW_MS: u64 = 1_000_000_000_000;

fn target(path: &str) -> Target {
    Target::new("http", "example.com", path)
}

fn get(path: &str) -> Request {
    Request::new("GET", target(path))
}

fn ok(control: &str) -> Response {
    Response::new(200).with("cache-control", control).of(b"content")
}

fn node() -> Node<u32> {
    Node::new(Config::default())
}

/// What goes upstream for `request`.
#[track_caller]
fn forwarded(effects: &[Effect<u32>]) -> (u64, Request) {
    match effects {
        [Effect::Forward { fill, request }] => (*fill, request.clone()),
        _ => panic!("one request goes upstream, not {effects:?}"),
    }
}

fn replies(effects: Vec<Effect<u32>>) -> Vec<(u32, Response)> {
    let reply = |effect| match effect {
        Effect::Reply { client, response } => Some((client, response)),
        Effect::Forward { .. } => None,
    };
    effects.into_iter().filter_map(reply).collect()
}

/// Asks, and answers with `response`.
#[track_caller]
fn fill(node: &mut Node<u32>, request: Request, response: Response, now_ms: u64) -> Vec<Effect<u32>> {
    let (number, _) = forwarded(&node.handle(0, request, now_ms));
    node.on_upstream(number, Ok(response), now_ms)
}

fn is_hit(node: &Node<u32>, request: Request, now_ms: u64) -> bool {
    !matches!(&node.clone().handle(0, request, now_ms)[..], [Effect::Forward { .. }])
}

/// A status, fields, and the seconds after which it is no longer served. `None`: it never is.
type Lifetime<'a> = (u16, &'a [(&'a str, &'a str)], Option<u64>);

fn lifetimes() {
    let date = date::format((NOW_MS / 1000).cast_signed());
    let later = date::format((NOW_MS / 1000).cast_signed() + 7);
    let rows: &[Lifetime] = &[
        (200, &[("cache-control", "max-age=5")], Some(5)),
        (200, &[("cache-control", "MaX-aGe=\"5\"")], Some(5)),
        (200, &[("cache-control", "max-age=5, s-maxage=3")], Some(3)),
        (200, &[("cache-control", "max-age=5"), ("age", "2")], Some(3)),
        (200, &[("cache-control", "max-age=5"), ("age", "2, 9")], Some(3)),
        (200, &[("cache-control", "max-age=5"), ("age", "-1")], Some(5)),
        (200, &[("cache-control", "max-age=5"), ("expires", "0")], Some(5)),
        (200, &[("date", &date), ("expires", &later)], Some(7)),
        (200, &[("expires", "0")], None),
        (200, &[("cache-control", "max-age=5, max-age=6")], None),
        (200, &[("cache-control", "max-age='5'")], None),
        (200, &[("cache-control", "x=\"max-age=5\"")], None),
        (200, &[("cache-control", "max-age=5, private")], None),
        (200, &[("cache-control", "max-age=5, No-StOrE")], None),
        (200, &[("cache-control", "max-age=5, no-store, must-understand")], Some(5)),
        (299, &[("cache-control", "max-age=5, no-store, must-understand")], None),
        (200, &[("cache-control", "max-age=5, no-cache")], None),
        (200, &[("cache-control", "max-age=5"), ("vary", "a, *")], None),
        (206, &[("cache-control", "max-age=5"), ("content-range", "bytes 0-6/9")], None),
        (404, &[("cache-control", "max-age=500")], Some(60)),
        (200, &[("cache-control", "max-age=5"), ("cdn-cache-control", "max-age=9")], Some(9)),
        (200, &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=9")], Some(9)),
        (200, &[("cache-control", "max-age=5"), ("cdn-cache-control", "max-age=9, &")], Some(5)),
        (200, &[("cache-control", "max-age=5"), ("cdn-cache-control", "")], Some(5)),
        (200, &[("cache-control", "max-age=5"), ("cdn-cache-control", "no-store")], None),
        (200, &[], None),
    ];
    for (status, fields, lives_s) in rows {
        let mut node = node();
        let response = Response { headers: fields.iter().copied().collect(), ..Response::new(*status).of(b"content") };
        fill(&mut node, get("/"), response, NOW_MS);
        let at = |seconds: u64| is_hit(&node, get("/"), NOW_MS + seconds * 1000);
        let found = (0..1000).find(|seconds| !at(*seconds)).filter(|seconds| *seconds > 0);
        assert_eq!(found, *lives_s, "{status} {fields:?}");
    }
}

fn authorization() {
    for (control, is_shared) in
        [("max-age=9", false), ("max-age=9, public", true), ("s-maxage=9", true), ("max-age=9, must-revalidate", true)]
    {
        let mut node = node();
        fill(&mut node, get("/").with("authorization", "Basic x"), ok(control), NOW_MS);
        assert_eq!(is_hit(&node, get("/"), NOW_MS), is_shared, "{control}");
    }
}

/// Edge, shield and origin: two seconds of way each, and a clock of the origin that is behind.
fn tiers() {
    let (mut edge, mut shield) = (node(), node());
    let behind = date::format((NOW_MS / 1000).cast_signed() - 3);
    fill(&mut shield, get("/"), ok("max-age=20").with("date", &behind), NOW_MS);
    let (number, request) = forwarded(&edge.handle(0, get("/"), NOW_MS + 4_000));
    let passed = replies(shield.handle(1, request, NOW_MS + 5_000)).remove(0).1;
    assert_eq!(passed.headers.text("age"), Some("8"), "three by its date, five here");
    let told = replies(edge.on_upstream(number, Ok(passed), NOW_MS + 6_000)).remove(0).1;
    assert_eq!(told.headers.text("age"), Some("10"), "the whole of the way counts");
    assert!(is_hit(&edge, get("/"), NOW_MS + 15_999) && !is_hit(&edge, get("/"), NOW_MS + 16_000));
}

fn not_modified() {
    let mut node = node();
    fill(&mut node, get("/"), ok("max-age=5").with("etag", "\"a\"").with("age", "4").with("x", "1"), NOW_MS);
    let (number, request) = forwarded(&node.handle(0, get("/"), NOW_MS + 2_000));
    assert_eq!(request.headers.text("if-none-match"), Some("\"a\""));
    let news = Response::new(304).with("etag", "\"a\"").with("x", "2").with("y", "3").with("content-length", "99");
    let told = replies(node.on_upstream(number, Ok(news), NOW_MS + 2_000)).remove(0).1;
    let field = |name| told.headers.text(name);
    assert_eq!(
        (told.status, field("x"), field("y"), field("age"), field("content-length")),
        (200, Some("2"), Some("3"), Some("0"), None)
    );
    assert!(is_hit(&node, get("/"), NOW_MS + 6_999));
    // A 304 of another entity tag is of another response.
    let (number, _) = forwarded(&node.handle(0, get("/"), NOW_MS + 9_000));
    let effects = node.on_upstream(number, Ok(Response::new(304).with("etag", "\"b\"")), NOW_MS + 9_000);
    assert!(!forwarded(&effects).1.headers.has("if-none-match"), "the whole is asked for");
}

fn revived() {
    let mut node = node();
    fill(&mut node, get("/"), ok("max-age=1").with("etag", "\"a\""), NOW_MS);
    let (number, _) = forwarded(&node.handle(0, get("/"), NOW_MS + 2_000));
    assert_eq!(node.purge(&Gone::Target(target("/"))), 1);
    let effects = node.on_upstream(number, Ok(Response::new(304).with("etag", "\"a\"")), NOW_MS + 2_000);
    assert!(!forwarded(&effects).1.headers.has("if-none-match") && node.store().is_empty());
}

fn waiters() {
    let join = || {
        let mut node = node();
        let (number, _) = forwarded(&node.handle(0, get("/"), NOW_MS));
        assert!(node.handle(1, get("/"), NOW_MS).is_empty() && node.handle(2, get("/"), NOW_MS).is_empty());
        (node, number)
    };
    let (mut node, number) = join();
    let told = replies(node.on_upstream(number, Ok(ok("max-age=5")), NOW_MS));
    assert_eq!(told.iter().map(|(client, _)| *client).collect::<Vec<_>>(), [0, 1, 2]);
    let (mut node, number) = join();
    let told = replies(node.on_upstream(number, Err(Failure::Unreachable), NOW_MS));
    assert!(told.len() == 3 && told.iter().all(|(_, response)| response.status == 502));
    let (mut node, number) = join();
    node.cancel(&0);
    assert_eq!(replies(node.on_upstream(number, Ok(ok("max-age=5")), NOW_MS)).len(), 2);
    let (mut node, _) = join();
    assert!(replies(node.tick(NOW_MS + 30_000)).iter().all(|(_, response)| response.status == 504));
    // What is for one alone is asked for by each alone, and whoever comes next does not wait.
    let (mut node, number) = join();
    let effects = node.on_upstream(number, Ok(ok("private")), NOW_MS);
    assert_eq!((effects.len(), node.fills()), (3, 2));
    forwarded(&node.handle(3, get("/"), NOW_MS));
    // Who asks after a purge does not wait for what was asked for before.
    let (mut node, _) = join();
    node.purge(&Gone::All);
    forwarded(&node.handle(3, get("/"), NOW_MS));
}

/// Whose request went upstream has left: what comes back may be of their session, or chosen by what they sent.
fn left() {
    for (control, vary) in [("private", ""), ("no-store", ""), ("max-age=5, no-cache", ""), ("max-age=5", "cookie")] {
        let mut node = node();
        let (number, _) = forwarded(&node.handle(0, get("/").with("cookie", "zero"), NOW_MS));
        assert!(node.handle(1, get("/").with("cookie", "one"), NOW_MS).is_empty());
        node.cancel(&0);
        let response = if vary.is_empty() { ok(control) } else { ok(control).with("vary", vary) };
        let effects = node.on_upstream(number, Ok(response), NOW_MS);
        let (_, request) = forwarded(&effects);
        assert_eq!(request.headers.text("cookie"), Some("one"), "{control} {vary}: each asks for what is its own");
    }
}

fn invalidation() {
    let fresh = || {
        let mut node = node();
        for request in [get("/a"), get("/b"), Request::new("GET", Target::new("http", "other", "/b"))] {
            fill(&mut node, request, ok("max-age=9"), NOW_MS);
        }
        node
    };
    for (method, status, kept) in [("POST", 200, 2), ("M-SEARCH", 302, 2), ("DELETE", 500, 3), ("OPTIONS", 200, 3)] {
        let mut node = fresh();
        fill(&mut node, Request::new(method, target("/a")), Response::new(status), NOW_MS);
        assert_eq!(node.store().len(), kept, "{method} {status}");
    }
    for (location, kept) in [("b", 1), ("http://example.com/b", 1), ("http://other/b", 2), ("//other/b", 2)] {
        let mut node = fresh();
        fill(&mut node, Request::new("PUT", target("/a")), Response::new(201).with("location", location), NOW_MS);
        assert_eq!(node.store().len(), kept, "{location}");
    }
}

fn grouped(groups: &str) -> Response {
    ok("max-age=9").with("cache-groups", groups)
}

fn groups() {
    let mut node = node();
    fill(&mut node, get("/a"), grouped("\"x\""), NOW_MS);
    fill(&mut node, get("/b"), grouped("\"x\", \"y\""), NOW_MS);
    fill(&mut node, get("/c"), grouped("\"y\""), NOW_MS);
    fill(&mut node, Request::new("GET", Target::new("http", "other", "/")), grouped("\"x\""), NOW_MS);
    let all = Response::new(200).with("cache-group-invalidation", "\"x\"");
    fill(&mut node, get("/d"), all.clone(), NOW_MS);
    assert_eq!(node.store().len(), 4, "a GET invalidates nothing");
    fill(&mut node, Request::new("POST", target("/d")), all, NOW_MS);
    let left: Vec<_> = node.store().iter().map(|(target, _)| (&*target.origin, &*target.path)).collect();
    assert_eq!(left, [("http://example.com", "/c"), ("http://other", "/")]);
}

fn group_in_flight() {
    let mut node = node();
    let (number, _) = forwarded(&node.handle(0, get("/a"), NOW_MS));
    let (other, _) = forwarded(&node.handle(1, get("/b"), NOW_MS));
    node.purge(&Gone::Group { origin: "http://example.com".into(), group: "x".into() });
    node.on_upstream(number, Ok(grouped("\"x\"")), NOW_MS);
    node.on_upstream(other, Ok(grouped("\"y\"")), NOW_MS);
    assert!(!is_hit(&node, get("/a"), NOW_MS) && is_hit(&node, get("/b"), NOW_MS));
}

fn stale() {
    let served = |control: &str, s_maxage_forbids_stale: bool| {
        let mut node = Node::new(Config { s_maxage_forbids_stale, ..Config::default() });
        fill(&mut node, get("/"), ok(control), NOW_MS);
        let effects = node.handle(7, get("/"), NOW_MS + 3_000);
        let at_once = replies(effects.clone()).len() == 1;
        let number = effects.iter().find_map(|effect| match effect {
            Effect::Forward { fill, .. } => Some(*fill),
            Effect::Reply { .. } => None,
        });
        let failed = node.on_upstream(number.expect("it is asked for"), Err(Failure::Unreachable), NOW_MS + 3_000);
        (at_once, replies(failed).iter().any(|(_, response)| response.status == 200))
    };
    assert_eq!(served("max-age=1", true), (false, true), "upstream cannot be reached");
    assert_eq!(served("max-age=1, stale-while-revalidate=5", true), (true, false));
    assert_eq!(served("max-age=1, stale-while-revalidate=2", true), (false, true), "the window is over");
    assert_eq!(served("max-age=1, must-revalidate, stale-while-revalidate=5", true), (false, false));
    assert_eq!(served("s-maxage=1, stale-while-revalidate=5", true), (false, false));
    assert_eq!(served("s-maxage=1, stale-while-revalidate=5", false), (true, false));
    // A window of no length is none, at the very end of its life too.
    let mut node = Node::new(Config { disconnected_s: 0, ..Config::default() });
    fill(&mut node, get("/"), ok("max-age=1"), NOW_MS);
    let (number, _) = forwarded(&node.handle(7, get("/"), NOW_MS + 1_000));
    let failed = replies(node.on_upstream(number, Err(Failure::Unreachable), NOW_MS + 1_000));
    assert_eq!(failed[0].1.status, 502);
}

fn memory() {
    let bounds = Bounds { bytes_max: 5_000, entry_bytes_max: 1_500, variants_max: 2 };
    let mut node = Node::new(Config { bounds, ..Config::default() });
    for number in 0..40_u8 {
        let large = ok("max-age=99").of(&[0; 1_000]);
        fill(&mut node, get(&format!("/{number}")), large, NOW_MS);
        assert!(node.store().bytes() <= 5_000);
    }
    assert!(node.store().len() == 3 && is_hit(&node, get("/39"), NOW_MS) && !is_hit(&node, get("/0"), NOW_MS));
    fill(&mut node, get("/x"), ok("max-age=99").of(&[0; 2_000]), NOW_MS);
    assert!(!is_hit(&node, get("/x"), NOW_MS), "one response is bounded too");
    for variant in ["a", "b", "c"] {
        fill(&mut node, get("/v").with("x", variant), ok("max-age=99").with("vary", "x"), NOW_MS);
    }
    assert_eq!(node.store().variants(&target("/v")).len(), 2);
}

fn dates() {
    for_all(edgy(vec![0, -1, 951_782_400, 4_102_444_800, 253_402_300_799], 0..253_402_300_799_i64), |second: i64| {
        assert_eq!(date::parse(&date::format(second), 0), Some(second));
    });
    let now_s = 784_111_777;
    for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
        assert_eq!(date::parse(text, now_s), Some(784_111_777), "{text}");
    }
    for text in
        ["", "0", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT"]
    {
        assert_eq!(date::parse(text, now_s), None, "{text}");
    }
}

fn hostile() {
    let field = || {
        edgy(vec!["cache-control", "age", "date", "expires", "vary", "etag", "range", "cdn-cache-control"], Just("x"))
    };
    let value = || {
        let edges = vec![
            "",
            ",",
            "\"",
            "=\"\\",
            "max-age=",
            "max-age=99999999999999999999",
            "bytes=-0",
            "bytes=9-1",
            "W/\"",
            "\u{ff}",
        ];
        edgy(edges.into_iter().map(String::from).collect(), any::<String>())
    };
    #[derive(Clone, Debug)]
    struct Field {
        name: &'static str,
        value: String,
    }
    #[derive(Clone, Debug)]
    struct Hostile {
        asked: Vec<Field>,
        answered: Vec<Field>,
        status: u16,
        later_ms: u32,
    }
    let fields = || proptest::collection::vec(drawn!(Field { name: field(), value: value() }), 0..6);
    let drawn = drawn!(Hostile {
        asked: fields(),
        answered: fields(),
        status: number(any::<u16>()),
        later_ms: number(any::<u32>()),
    });
    for_all(drawn, |Hostile { asked, answered, status, later_ms }| {
        let headers =
            |fields: Vec<Field>| fields.into_iter().map(|field| (field.name, field.value)).collect::<Headers>();
        let mut node = node();
        let request = Request { headers: headers(asked), ..get("/") };
        let response = Response { headers: headers(answered), ..Response::new(status).of(b"content") };
        for (client, now_ms) in [(0, NOW_MS), (1, NOW_MS + u64::from(later_ms)), (2, 0)] {
            for effect in node.handle(client, request.clone(), now_ms) {
                if let Effect::Forward { fill, .. } = effect {
                    node.on_upstream(fill, Ok(response.clone()), now_ms);
                }
            }
            node.tick(now_ms);
        }
        Directives::targeted(&response.headers, "cdn-cache-control");
    });
}
