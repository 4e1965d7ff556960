//! Parts: what is kept of them, what they are put together with, what ends them.

use counterpart_models::cdn::implementation::{Node, Purge as Gone, Request, Response};
use libtest_mimic::Trial;

use super::{NOW_MS, fill, forwarded, get, is_hit, node, ok, replies, target};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("cdn::parts_of_one_strong_tag_become_a_whole", whole),
        claim("cdn::what_is_no_part_of_the_same_is_not_put_together", unlike),
        claim("cdn::a_part_is_purged_and_ends_like_a_whole", ended),
    ]
}

/// The range `octets` of something ten octets long.
fn range(octets: &str) -> Request {
    get("/").with("range", &format!("bytes={octets}"))
}

fn part(octets: &str, content: &str) -> Response {
    let part = Response::new(206).with("cache-control", "max-age=9").with("etag", "\"a\"");
    part.with("content-range", &format!("bytes {octets}/10")).of(content.as_bytes())
}

/// What a request is answered with from what is stored: its status, content and place.
fn stored_answer(node: &Node<u32>, request: Request, now_ms: u64) -> Option<(u16, String, Option<String>)> {
    let mut told = replies(node.clone().handle(0, request, now_ms));
    let response = told.pop()?.1;
    let place = response.headers.text("content-range").map(String::from);
    Some((response.status, String::from_utf8_lossy(&response.body).into_owned(), place))
}

fn whole() {
    let mut node = node();
    fill(&mut node, range("2-4"), part("2-4", "cde").with("x", "1"), NOW_MS);
    let answer = |node: &Node<u32>, octets: &str| stored_answer(node, range(octets), NOW_MS);
    let of = |content: &str, place: &str| Some((206, content.to_string(), Some(format!("bytes {place}/10"))));
    assert_eq!(answer(&node, "3-4"), of("de", "3-4"));
    for more in ["1-3", "4-5", "4-", "-8", "0-1,3-4", "9-1"] {
        assert_eq!(answer(&node, more), None, "{more} is not all there");
    }
    assert_eq!(stored_answer(&node, get("/"), NOW_MS), None, "nor is the whole");
    let conditions = [("if-range", "\"b\""), ("if-range", "W/\"a\""), ("if-none-match", "\"a\"")];
    for (field, value) in conditions {
        assert_eq!(stored_answer(&node, range("3-4").with(field, value), NOW_MS), None, "{field}: {value}");
    }
    assert!(stored_answer(&node, range("3-4").with("if-range", "\"a\""), NOW_MS).is_some());
    // One that overlaps, one that touches; between the last two there is nothing.
    fill(&mut node, range("0-3"), part("0-3", "abcd").with("x", "2"), NOW_MS);
    assert_eq!(answer(&node, "0-4"), of("abcde", "0-4"));
    let told = fill(&mut node, range("5-9"), part("5-9", "fghij").with("age", "3"), NOW_MS);
    assert_eq!(replies(told)[0].1.body[..], *b"fghij", "who asked gets what they asked for");
    assert_eq!(stored_answer(&node, get("/"), NOW_MS), Some((200, "abcdefghij".into(), None)));
    let stored = node.store().find(&get("/")).expect("it is whole");
    assert_eq!((stored.headers.text("x"), stored.headers.text("content-length")), (Some("2"), Some("10")));
    assert!(is_hit(&node, get("/"), NOW_MS + 5_999) && !is_hit(&node, get("/"), NOW_MS + 6_000), "as old as the last");
    // Apart from each other: the later one is there.
    let mut node = super::node();
    fill(&mut node, range("0-1"), part("0-1", "ab"), NOW_MS);
    fill(&mut node, range("4-5"), part("4-5", "ef"), NOW_MS);
    assert_eq!((answer(&node, "0-1"), answer(&node, "4-5")), (None, of("ef", "4-5")));
}

fn unlike() {
    let with = |field: &str, value: &str| {
        let mut part = part("5-9", "fghij");
        part.headers.set(field, value);
        part
    };
    let several = part("5-9", "fghij").with("content-range", "bytes 5-9/10");
    // And whether it is kept itself, in the place of the first.
    let rows = [
        (with("etag", "\"b\""), true),
        (with("content-range", "bytes 5-9/11"), true),
        (with("etag", "W/\"a\""), false),
        (with("etag", ""), false),
        (with("content-range", "bytes 5-9/*"), false),
        (with("content-range", "bytes 5-9/9"), false),
        (with("content-range", "bytes 5-8/10"), false),
        (with("content-range", "bytes 9-5/10"), false),
        (with("content-range", "bytes 5-99999999999999999999/10"), false),
        (with("content-range", "pages 5-9/10"), false),
        (with("cache-control", "private"), false),
        (several, false),
    ];
    for (unlike, is_kept) in rows {
        let mut node = node();
        fill(&mut node, range("0-4"), part("0-4", "abcde"), NOW_MS);
        fill(&mut node, range("5-9"), unlike.clone(), NOW_MS);
        assert_eq!(stored_answer(&node, get("/"), NOW_MS), None, "{unlike:?}");
        let first = stored_answer(&node, range("0-4"), NOW_MS);
        assert_eq!(first.is_none(), is_kept, "{unlike:?}: what there was is kept, unless the other is");
    }
    // What varies is not the same, and what was not asked for as a part is none.
    let mut node = node();
    fill(&mut node, range("0-4").with("x", "1"), part("0-4", "abcde").with("vary", "x"), NOW_MS);
    fill(&mut node, range("5-9").with("x", "2"), part("5-9", "fghij").with("vary", "x"), NOW_MS);
    assert_eq!(node.store().variants(&target("/")).len(), 2);
    fill(&mut node, get("/y"), part("0-9", "abcdefghij"), NOW_MS);
    assert!(!is_hit(&node, get("/y"), NOW_MS));
}

fn ended() {
    let begun = || {
        let mut node = node();
        fill(&mut node, range("0-4"), part("0-4", "abcde"), NOW_MS);
        node
    };
    // A purge takes it, and overtakes the other part in flight.
    let mut node = begun();
    let (number, _) = forwarded(&node.handle(0, range("5-9"), NOW_MS));
    assert_eq!(node.purge(&Gone::Target(target("/"))), 1);
    node.on_upstream(number, Ok(part("5-9", "fghij")), NOW_MS);
    assert!(node.store().is_empty());
    // When its life is over it is asked for as it was, not validated: also where stale use is allowed.
    let mut node = begun();
    let (number, request) =
        forwarded(&node.handle(0, range("0-4").with("cache-control", "max-stale=99"), NOW_MS + 9_000));
    assert_eq!((request.headers.text("range"), request.headers.has("if-none-match")), (Some("bytes=0-4"), false));
    node.on_upstream(number, Ok(part("0-4", "abcde")), NOW_MS + 9_000);
    assert!(is_hit(&node, range("1-2"), NOW_MS + 17_999));
    // Whoever insists asks for the same.
    let (_, request) = forwarded(&node.handle(0, range("1-2").with("cache-control", "no-cache"), NOW_MS + 9_000));
    assert_eq!((request.headers.text("range"), request.headers.has("if-none-match")), (Some("bytes=1-2"), false));
    // The whole that comes takes its place, and a part of the whole that is over makes it new.
    let all = || ok("max-age=9").with("etag", "\"a\"").of(b"abcdefghij");
    let mut node = begun();
    fill(&mut node, get("/"), all(), NOW_MS);
    fill(&mut node, range("5-9"), part("5-9", "fghij"), NOW_MS + 10_000);
    assert_eq!(stored_answer(&node, get("/"), NOW_MS + 10_000), Some((200, "abcdefghij".into(), None)));
}
