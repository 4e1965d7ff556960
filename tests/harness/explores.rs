//! `explore`: what can be chosen and what cannot, where a chosen way leads, and who is answered.

use std::io::{Read, Write};
use std::net::TcpStream;

use counterpart::check::{Case, Options};
use counterpart::cli::Exit;
use counterpart::conform::Tour;
use counterpart::trace::Trace;
use counterpart::{Check, Counterpart};
use libtest_mimic::Trial;
use stateright::Property;

use crate::served::Served;
use crate::toy::{DONE, Edge, FACE, Face, REFUSED, Say, Toy, Word};
use crate::{claim, typed};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("explores::every_action_stands_there_with_what_it_changes_or_why_it_cannot_be_taken", choices),
        claim("explores::two_actions_to_one_state_stay_two", distinct),
        claim("explores::an_implementation_that_leaves_the_model_is_told_and_shown", deviation),
        claim("explores::a_walk_is_drawn_from_the_seed_and_puts_nothing_off", walk),
        claim("explores::a_way_is_saved_as_a_trace_that_replays", saved),
        claim("explores::who_comes_from_elsewhere_is_refused", elsewhere),
        claim("explores::a_case_that_is_not_there_is_named", nobody),
    ]
}

/// Three rooms: two doors lead from the first to the second, one is locked, and one leads out of bounds.
fn rooms() -> Case {
    let toy = Toy::new([
        Edge::new(0, 1, "Left").says(DONE),
        Edge::new(0, 1, "Right").says(DONE),
        Edge::new(0, None, "Locked").says(REFUSED),
        Edge::new(0, 9, "Out").says(DONE),
        Edge::new(1, 0, "Back").says(DONE),
        Edge::new(1, 2, "<On>").says(DONE),
        Edge::new(2, 0, "Home").says(DONE),
    ]);
    let toy = toy.bound(2).starting(&[0, 1]).own(|| vec![Property::always("not in the last room", |_, at| *at < 2)]);
    let check = Check::of(toy).interface(FACE).violates("not in the last room");
    let check = check.subject("implementation", Tour::new().of(|| Guest { lost: false }));
    Case::new("toy/rooms", check.subject("lost", Tour::new().of(|| Guest { lost: true })).diverges("lost"))
}

/// One who opens doors; who is lost does not come back.
struct Guest {
    lost: bool,
}

impl Counterpart<Face> for Guest {
    fn apply(&mut self, word: &Word) -> Say {
        match word.0 {
            "Locked" => REFUSED,
            "Back" if self.lost => Say::Word("Lost"),
            _ => DONE,
        }
    }
}

fn choices() {
    let standing = rooms().stand(&[0], &Options::default()).expect("a way");
    assert_eq!((standing.beginnings, standing.trace.len(), standing.choices.len()), (2, 0, 4));
    let told: Vec<(&str, bool)> =
        standing.choices.iter().map(|choice| (choice.step.action.as_str(), choice.refused.is_some())).collect();
    assert_eq!(told, [("Left", false), ("Right", false), ("Locked", true), ("Out", true)]);
    assert_ne!(standing.choices[2].refused, standing.choices[3].refused, "each has its own reason");
    for way in [&[][..], &[2], &[0, 2], &[0, 3], &[0, 4], &[0, 0, 7], &vec![0; 2_000]] {
        assert!(rooms().stand(way, &Options::default()).is_none(), "{way:?}");
    }
    let page = Visited::of(rooms()).page("0");
    for part in ["not possible: the model refuses it", "not possible: it leads out", "href=\"0.0#step=1\">Left</a>"] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(page.contains("Begin in initial state 1") && !page.contains("href=\"0.2"), "{page}");
}

fn distinct() {
    let served = Visited::of(rooms());
    let page = served.page("0");
    assert!(page.contains("href=\"0.0#step=1\"") && page.contains("href=\"0.1#step=1\""), "{page}");
    let [left, right] = ["0.0", "0.1"].map(|way| served.page(way));
    assert!(left.contains("\"action\":\"Left\"") && !left.contains("\"action\":\"Right\""), "{left}");
    assert!(right.contains("\"action\":\"Right\"") && !right.contains("\"action\":\"Left\""), "{right}");
    // Back is undone by a link, and markup in a name is none.
    assert!(left.contains("<a href=\"0#step=0\" rel=\"prev\">Undo</a>"), "{left}");
    assert!(left.contains("&lt;On>") && !left.contains("<On>"), "{left}");
}

fn deviation() {
    let standing = rooms().stand(&[0, 0, 0], &Options::default()).expect("a way");
    let told: Vec<(&str, bool)> =
        standing.alongside.iter().map(|(name, said)| (name.as_str(), said.contains("as the model does"))).collect();
    assert_eq!(told, [("implementation", true), ("lost", false)], "{:?}", standing.alongside);
    let deviation = standing.deviation.expect("one who is lost");
    assert_eq!((deviation.evidence.name(), deviation.steps[2].implementation.as_str()), ("lost", "Lost"));
    let served = Visited::of(rooms());
    assert!(served.page("0.0.0").contains("href=\"0.0.0/deviation\""));
    assert!(served.page("0.0.0/deviation").contains("\"implementation\":\"Lost\""));
    assert!(!served.page("0.0").contains("/deviation"));
}

fn walk() {
    let ways: Vec<Vec<usize>> = (0..8).map(|seed| rooms().wander(&[0], 30, seed)).collect();
    for (seed, way) in ways.iter().enumerate() {
        assert_eq!(*way, rooms().wander(&[0], 30, seed as u64), "the same seed gives the same walk");
        let standing = rooms().stand(way, &Options::default()).expect("a walk is a way");
        for action in ["Left", "Right", "Back", "<On>", "Home"] {
            let taken = standing.trace.steps.iter().filter(|step| step.action == action).count();
            assert!(taken >= 3, "{action} is put off by seed {seed}: {taken}");
        }
    }
    assert!(ways.iter().any(|way| *way != ways[0]), "every seed gives the same walk");
    let stays = Case::new("toy/end", Check::of(Toy::of(&[0], &[(0, 1)])));
    assert_eq!(stays.wander(&[0], 10, 0), [0, 0], "where nothing can happen it ends");
}

fn saved() {
    let served = Visited::of(rooms());
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let ways = [("0.0", 0, "1 steps followed"), ("0.1.1", 0, "not satisfied"), ("0.0.0", 0, "lost: ")];
    for (way, exit, says) in ways {
        let text = served.page(&format!("{way}/save"));
        let file = folder.path().join("saved.json");
        std::fs::write(&file, &text).expect("it can be written");
        let trace = Trace::read(&file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(trace.case, "toy/rooms");
        let (ended, out, err) = typed(vec![rooms()], &["replay", &file.display().to_string()]);
        assert_eq!(ended as u8, exit, "{way}: {out}{err}");
        assert!(out.contains(says), "{way}: {out}");
    }
}

fn elsewhere() {
    let served = Visited::of(rooms());
    let here = served.place.clone();
    let asked = |request: String| served.asked(&request);
    let with = |path: &str, headers: &str| asked(format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"));
    let path = format!("/{}/0", served.token);
    let host = format!("Host: {here}\r\n");
    assert!(with(&path, &host).starts_with("HTTP/1.1 200 "));
    assert!(with(&path, &format!("{host}Origin: http://{here}\r\nSec-Fetch-Site: same-origin\r\n")).contains(" 200 "));
    for headers in [
        String::new(),
        "Host: evil.example\r\n".into(),
        format!("{host}Host: evil.example\r\n"),
        format!("{host}Origin: http://evil.example\r\n"),
        format!("{host}Origin: null\r\n"),
        format!("{host}Sec-Fetch-Site: cross-site\r\n"),
        format!("{host}Sec-Fetch-Site: same-site\r\n"),
    ] {
        let answer = with(&path, &headers);
        assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("Left"), "{headers}: {answer}");
    }
    for wrong in [
        "/",
        "/0",
        "/favicon.ico",
        &format!("/{}0/0", served.token),
        &format!("/{}", &served.token[1..]),
        &format!("/{}/0", "0".repeat(32)),
    ] {
        assert!(with(wrong, &host).starts_with("HTTP/1.1 404 "), "{wrong}");
    }
    for way in ["x", "0.-1", "0..1", "99999999999999999999", "0/other", "0.7"] {
        assert!(with(&format!("/{}/{way}", served.token), &host).starts_with("HTTP/1.1 404 "), "{way}");
    }
    let posted = asked(format!("POST {path} HTTP/1.1\r\n{host}Content-Length: 0\r\nConnection: close\r\n\r\n"));
    assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    assert!(here.starts_with("127.0.0.1:") && served.token.len() == 32, "{here}");
    assert_ne!(served.token, Visited::of(rooms()).token, "a token is of one run");
}

fn nobody() {
    let (exit, out, err) = typed(vec![rooms()], &["explore", "toy/room"]);
    assert_eq!((exit, out.as_str()), (Exit::NothingMatched, ""));
    assert!(err.contains("\"toy/room\"") && err.contains("did you mean \"toy/rooms\"?"), "{err}");
}

/// The command, and who asks it.
struct Visited {
    place: String,
    token: String,
    _served: Served,
}

impl Visited {
    fn of(case: Case) -> Self {
        let served = Served::of(case);
        let rest = served.address.strip_prefix("http://").expect("an address");
        let (place, token) = rest.trim_end_matches('/').split_once('/').expect("an address with a token");
        Visited { place: place.into(), token: token.into(), _served: served }
    }

    fn asked(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.place).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// What is answered at `path` below the token.
    fn page(&self, path: &str) -> String {
        let Visited { place, token, .. } = self;
        let answer = self.asked(&format!("GET /{token}/{path} HTTP/1.0\r\nHost: {place}\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(" 200 ") && head.contains("no-store"), "{answer}");
        body.into()
    }
}
