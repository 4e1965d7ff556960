//! Log files: what is written is read, and what is no log is an error that says where and what to do.

use std::fs;
use std::path::Path;

use counterpart::conform::events::{Event, Log, LogError, Recorded};
use libtest_mimic::Trial;
use serde_json::json;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("events::a_log_that_is_written_is_read", round_trip),
        claim("events::a_line_without_a_line_break_is_read_if_it_is_whole", last_line),
        claim("events::what_is_no_log_is_refused_with_its_place", hostile),
        claim("events::numbers_that_make_no_intervals_are_refused_in_memory_too", in_memory),
        claim("events::cut_or_altered_anywhere_a_log_is_read_or_refused", cut_anywhere),
        claim("events::who_does_two_things_at_once_is_told_with_both_lines", two_at_once),
        claim("events::clocks_that_go_backwards_are_told_with_their_line", backwards),
        claim("events::what_is_wrong_with_a_file_leaves_nothing_of_it", nothing_kept),
    ]
}

fn sample() -> Log {
    let event = Event::new("caller \"0\"\n", "acquire").with("client", 0).with("answer", "Admitted").with("none", ());
    let nested = Event::new("", "status").with("phase", json!({"half-open": [1, 2.5, -3, u64::MAX]}));
    Log::new(vec![
        Recorded { begin: u64::MAX - 1, end: Some(u64::MAX), event },
        Recorded { begin: 0, end: None, event: nested },
        Recorded { begin: 7, end: Some(7), event: Event::new("ünï", "tick") },
    ])
    .expect("a log")
}

fn round_trip() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("deeper/log.jsonl");
    assert!(sample().write(&file).expect("it can be written"));
    assert!(!sample().write(&file).expect("it is there already"));
    assert_eq!(Log::read(&file).expect("a log"), sample());
    let left: Vec<_> = fs::read_dir(file.parent().expect("a folder")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing but the log is left behind");
    let text = sample().to_json_lines();
    assert_eq!(text.lines().count(), 3);
    assert_eq!(Log::parse(&file, text.as_bytes()).expect("a log").to_json_lines(), text);
    // What others write: other orders of keys, an end that is null, no actor, no fields.
    let text = "{\"name\":\"tick\", \"end\":null, \"begin\":1}\r\n";
    let log = Log::parse(&file, text.as_bytes()).expect("a log");
    assert_eq!(log.events(), [Recorded { begin: 1, end: None, event: Event::new("", "tick") }]);
}

fn last_line() {
    let text = sample().to_json_lines();
    assert_eq!(Log::parse(Path::new("log"), text.trim_end().as_bytes()).expect("a log"), sample());
    assert!(Log::parse(Path::new("log"), b"").expect("a log").events().is_empty());
}

fn hostile() {
    let good = "{\"begin\":1,\"end\":2,\"name\":\"tick\"}\n";
    for (text, said) in [
        ("{\"begin\":1,\"end\":", "log:2: the last line is cut off; whoever wrote it was stopped"),
        ("{\"begin\":1,\"end\":\n", "log:2:17: not JSON (EOF while parsing a value"),
        ("tick\n", "log:2:2: not JSON (expected ident"),
        ("\n", "log:2:0: not JSON (EOF while parsing a value"),
        ("{}{}\n", "log:2:3: not JSON (trailing characters"),
        ("[1,2]\n", "log:2: at the line: an object was expected"),
        ("{\"name\":\"tick\"}\n", "log:2: at begin: it is missing"),
        ("{\"begin\":3}\n", "log:2: at name: it is missing"),
        ("{\"begin\":-3,\"name\":\"tick\"}\n", "log:2: at begin: a whole number from 0 to"),
        ("{\"begin\":3.5,\"name\":\"tick\"}\n", "log:2: at begin: a whole number from 0 to"),
        ("{\"begin\":99999999999999999999,\"name\":\"tick\"}\n", "log:2: at begin: a whole number from 0 to"),
        ("{\"begin\":3,\"end\":\"4\",\"name\":\"tick\"}\n", "log:2: at end: a whole number from 0 to"),
        ("{\"begin\":3,\"name\":7}\n", "log:2: at name: a string was expected"),
        ("{\"begin\":3,\"name\":\"tick\",\"actor\":0}\n", "log:2: at actor: a string was expected"),
        ("{\"begin\":3,\"name\":\"tick\",\"fields\":[]}\n", "log:2: at fields: an object was expected"),
        (
            "{\"begin\":3,\"name\":\"tick\",\"client\":0}\n",
            "log:2: at client: the keys of a line are begin, end, actor",
        ),
        ("{\"begin\":4,\"end\":3,\"name\":\"tick\"}\n", "log:2: the event begins at 4 and ends at 3; number begins"),
        ("{\"begin\":2,\"end\":3,\"name\":\"tick\"}\n", "log:2: the number 2 is on line 1 already"),
        ("{\"begin\":3,\"end\":1,\"name\":\"tick\"}\n", "log:2: the event begins at 3 and ends at 1"),
    ] {
        let error = Log::parse(Path::new("log"), format!("{good}{text}").as_bytes()).expect_err(text);
        assert!(error.to_string().starts_with(said), "{text}: {error}");
    }
    assert!(matches!(Log::parse(Path::new("log"), b"\xff\xfe\n"), Err(LogError::Syntax { line: 1, .. })));
    let deep = format!("{{\"begin\":1,\"name\":\"tick\",\"fields\":{}", "{\"deep\":".repeat(10_000));
    assert!(Log::parse(Path::new("log"), deep.as_bytes()).is_err());
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(Log::read(folder.path()), Err(LogError::Io { .. })));
}

fn in_memory() {
    let at = |begin, end| Recorded { begin, end, event: Event::new("", "tick") };
    let error = Log::new(vec![at(2, Some(1))]).expect_err("it ends before it begins");
    assert!(error.to_string().starts_with("(in memory):1: the event begins at 2"), "{error}");
    let error = Log::new(vec![at(1, None), at(0, Some(1))]).expect_err("one number twice");
    assert!(error.to_string().starts_with("(in memory):2: the number 1 is on line 1"), "{error}");
}

/// No prefix and no single altered byte makes it panic, and no cut is taken for the whole.
fn cut_anywhere() {
    let text = sample().to_json_lines().into_bytes();
    for length in 0..text.len() - 1 {
        if let Ok(log) = Log::parse(Path::new("log"), &text[..length]) {
            assert!(log.events().len() < sample().events().len(), "cut after {length} bytes");
        }
    }
    for place in 0..text.len() {
        for byte in [0, b'"', b'{', b'}', b'\n', b'9', 0xff] {
            let mut altered = text.clone();
            altered[place] = byte;
            let _ = Log::parse(Path::new("log"), &altered);
        }
    }
}

fn two_at_once() {
    let read = |text: &str| Log::parse(Path::new("log"), text.as_bytes());
    let line = |actor: &str, rest: &str| format!("{{\"actor\":\"{actor}\",\"name\":\"call\",{rest}}}\n");
    let first = line("she", "\"begin\":3,\"end\":6");
    for (other, line, before) in [
        (line("she", "\"begin\":5,\"end\":8"), 2, 1),
        (line("she", "\"begin\":4,\"end\":5"), 2, 1),
        (line("she", "\"begin\":1"), 1, 2),
        (line("she", "\"begin\":1,\"end\":4"), 1, 2),
    ] {
        let error = read(&[first.clone(), other.clone()].concat()).expect_err(&other);
        let said =
            format!("log:{line}: \"she\" begins this while what it began on line {before} is open; a client does");
        assert!(error.to_string().starts_with(&said), "{other}: {error}");
    }
    for fine in [
        line("she", "\"begin\":7,\"end\":8"),
        line("she", "\"begin\":7"),
        line("she", "\"begin\":5,\"end\":5"),
        line("he", "\"begin\":5,\"end\":8"),
        line("", "\"begin\":5,\"end\":8"),
        line("she", "\"number\":5"),
    ] {
        assert_eq!(read(&[first.clone(), fine.clone()].concat()).expect(&fine).events().len(), 2);
    }
    let nobody = line("", "\"begin\":1,\"end\":4");
    assert!(read(&[nobody, line("", "\"begin\":2,\"end\":3")].concat()).is_ok(), "nobody is named");
}

fn backwards() {
    let read = |text: &str| Log::parse(Path::new("log"), text.as_bytes());
    let line = |actor: &str, number: u64, clock: &str| {
        format!("{{\"actor\":\"{actor}\",\"name\":\"call\",\"number\":{number},\"clock\":{{{clock}}}}}\n")
    };
    // Each has seen the other, as if both clocks ran backwards.
    let seen = [line("a", 1, "\"a\":1,\"b\":1"), line("b", 2, "\"a\":1,\"b\":1")].concat();
    let error = read(&seen).expect_err("each has seen the other");
    assert!(error.to_string().starts_with("log:1: the event would have to come before itself"), "{error}");
    // By its clock it is the first of its actor, and saw the second.
    let own = [line("a", 1, "\"a\":2"), line("b", 2, "\"a\":2,\"b\":1"), line("a", 3, "\"a\":1,\"b\":1")].concat();
    let error = read(&own).expect_err("the first saw what saw the second");
    assert!(error.to_string().starts_with("log:1: the event would have to come before itself"), "{error}");
    // A moment is no name: it began when what follows it had ended.
    let late = "{\"name\":\"call\",\"begin\":1,\"end\":2,\"follows\":[3]}\n{\"name\":\"call\",\"begin\":3,\"end\":4}\n";
    let error = read(late).expect_err("it follows what begins after it ended");
    assert!(error.to_string().contains("the event would have to come before itself"), "{error}");
}

/// A good log, spoilt on one line in every way: it is an error that names the line, whatever else would have been read.
fn nothing_kept() {
    let good = |number: u64| format!("{{\"name\":\"tick\",\"begin\":{},\"end\":{}}}", 2 * number, 2 * number + 1);
    for spoilt in [
        "{\"name\":\"tick\",\"begin\":41,\"end\":40}",
        "{\"name\":\"tick\",\"begin\":40,\"end\":41,\"end\":43}",
        "{\"name\":\"tick\",\"begin\":40,\"end\":2}",
        "{\"name\":\"tick\",\"begin\":40,\"end\"",
        "{\"name\":\"tick\",\"end\":41}",
    ] {
        for place in 0..9 {
            let mut lines: Vec<String> = (0..9).map(good).collect();
            lines[place] = spoilt.into();
            let error = Log::parse(Path::new("log"), lines.join("\n").as_bytes()).expect_err(spoilt).to_string();
            assert!(error.starts_with(&format!("log:{}:", place + 1)), "{spoilt}: {error}");
        }
    }
}
