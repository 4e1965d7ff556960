//! Logs of the size that people have, by what they cost in ways and not in time: calls that overlap or never end, many
//! keys, many inputs, models without end. And logs that are wrong from the start.

use std::path::Path;

use counterpart::Check;
use counterpart::conform::Agreement;
use counterpart::conform::events::{Events, Log, Recorded};
use counterpart::report::{CaseReport, ConformanceReport};
use libtest_mimic::Trial;
use serde_json::json;

use super::store::{Ask, Clerk, Kind, Run, Shop, Store, event};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("events::a_history_split_by_key_is_judged_as_the_whole_is", split),
        claim("events::calls_that_overlap_or_never_end_need_few_ways", overlapping),
        claim("events::of_keys_that_fail_the_one_that_fails_first_is_told", earliest),
        claim("events::a_million_calls_that_never_end_are_followed", never_ended),
        claim("events::what_is_said_to_change_nothing_and_does_is_an_error", changes),
        claim("events::a_log_asks_a_model_for_its_own_inputs_alone", by_need),
        claim("events::a_model_is_not_explored_for_a_log", unexplored),
        claim("events::ways_that_take_too_much_memory_are_incomplete_not_a_pass", too_much),
        claim("events::a_key_that_is_there_twice_is_told_with_its_line", twice),
    ]
}

const STORE: Store = Store { keys: 2, values: 3 };
const SHOP: Shop = Shop { splits: false, by_need: true, hides_changes: false };

fn case(shop: Shop, events: Events<Clerk>, log: &Log, threads: usize) -> CaseReport {
    let log = log.clone();
    let job = events.of(move || Ok(log.clone()));
    Check::of(STORE).interface(shop).threads(threads).subject("store", job).run().cases.remove(0)
}

fn judged(shop: Shop, log: &Log) -> ConformanceReport {
    case(shop, Events::new(Clerk), log, 1).conformance.remove(0)
}

/// The line and the verdict, which are the same whether a history is split or not; what is told beside is of one key.
fn line(report: &ConformanceReport) -> (Agreement, &str) {
    (report.verdict, report.why.as_deref().unwrap_or_default().split(": ").next().unwrap_or_default())
}

fn split() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..60 {
        let kind = if seed % 2 == 0 { Kind::Register } else { Kind::Texts };
        let wrong_at_percent = (seed % 3 == 0).then_some(50);
        let run =
            Run { kind, clients: 4, calls: 60, keys: 3, lost_permille: 30, busy_percent: 80, wrong_at_percent, seed };
        let log = run.log();
        let splits = Shop { splits: true, ..SHOP };
        let (whole, split) = (judged(SHOP, &log), judged(splits, &log));
        assert_eq!(line(&whole), line(&split), "seed {seed}: {:?}, {:?}", whole.why, split.why);
        let threads = case(splits, Events::new(Clerk), &log, 3).conformance.remove(0);
        assert_eq!((&split.why, &split.evidence), (&threads.why, &threads.evidence), "seed {seed}");
        match whole.verdict {
            Agreement::Conforms => right += 1,
            _ => {
                assert!(split.why.is_some_and(|why| why.contains(" of key ")), "seed {seed}");
                wrong += 1;
            }
        }
    }
    assert!(right >= 30 && wrong >= 15, "{right} are right, {wrong} are wrong");
}

/// Writes of 0, 1 … that overlap one another, every other of which never ends, and after them reads of these values.
fn writes(count: usize, reads: impl IntoIterator<Item = usize>) -> Vec<Recorded> {
    let put = |value: usize| {
        let end = value.is_multiple_of(2).then_some(1_000 + value as u64);
        let ask = Ask::Put { key: 0, value: value.to_string() };
        Recorded { begin: 1 + value as u64, end, event: event(value, &ask) }
    };
    let mut log: Vec<Recorded> = (0..count).map(put).collect();
    log.extend((0..).zip(reads).map(|(at, value)| {
        let said = event(count, &Ask::Get { key: 0 }).with("result", value.to_string());
        Recorded { begin: 2_000 + 2 * at, end: Some(2_001 + 2 * at), event: said }
    }));
    log
}

fn overlapping() {
    let few = |log: Vec<Recorded>| {
        let log = Log::new(log).expect("a log");
        case(SHOP, Events::new(Clerk).explanations_max(2_000), &log, 1).conformance.remove(0)
    };
    // Each read is of a write that never ended, so that it may have come last.
    let fine = few(writes(18, [1, 3, 5, 7, 9, 11, 13, 15]));
    assert_eq!(fine.verdict, Agreement::Conforms, "{:?}", fine.why);
    // None comes back once another was read.
    let wrong = few(writes(8, [1, 3, 1]));
    assert_eq!(wrong.verdict, Agreement::Diverges, "{:?}", wrong.why);
    assert!(wrong.why.is_some_and(|why| why.starts_with("line 11, get key=0 result=1 by client 8: ")));
}

/// Calls that never end, and reads after them.
fn lost(count: usize, reads: &[&str]) -> Log {
    let put = |at: usize| {
        let ask = Ask::Put { key: 0, value: (at % 5).to_string() };
        Recorded { begin: at as u64, end: None, event: event(0, &ask) }
    };
    let read = |(at, value): (usize, &&str)| {
        let begin = (count + 2 * at) as u64;
        Recorded { begin, end: Some(begin + 1), event: event(1, &Ask::Get { key: 0 }).with("result", value) }
    };
    Log::new((0..count).map(put).chain((0..).zip(reads).map(read)).collect()).expect("a log")
}

fn never_ended() {
    let none = judged(SHOP, &lost(100_000, &[]));
    assert_eq!(none.verdict, Agreement::Incomplete);
    assert!(none.why.is_some_and(|why| why.contains("no event of the log has ended")));
    let fine = judged(SHOP, &lost(100_000, &["3", "1", "3"]));
    assert_eq!(fine.verdict, Agreement::Conforms, "{:?}", fine.why);
    let few = Events::new(Clerk).explanations_max(100_000).memory_max_mib(16);
    let wrong = case(SHOP, few, &lost(1_000_000, &["3", "1", "3", "7"]), 1).conformance.remove(0);
    assert_eq!(wrong.verdict, Agreement::Diverges, "{:?}", wrong.why);
    assert!(wrong.why.is_some_and(|why| why.starts_with("line 1000004, get key=0 result=7 by client 1: ")));
}

fn earliest() {
    let read = |begin: u64, key: u32, result: &str| {
        let event = event(key as usize, &Ask::Get { key }).with("result", result);
        Recorded { begin, end: Some(begin + 1), event }
    };
    // Key 0 is judged first, and fails last; key 2 would fail in between.
    let log = [read(1, 0, ""), read(3, 1, ""), read(5, 2, ""), read(7, 1, "x"), read(9, 2, "x"), read(11, 0, "x")];
    for order in [[0, 1, 2, 3, 4, 5], [2, 1, 0, 5, 4, 3], [1, 0, 2, 4, 3, 5]] {
        let log = Log::new(order.map(|place: usize| log[place].clone()).to_vec()).expect("a log");
        let line = 1 + order.iter().position(|place| *place == 3).unwrap_or_default();
        for threads in [1, 3] {
            let report = case(Shop { splits: true, ..SHOP }, Events::new(Clerk), &log, threads).conformance.remove(0);
            let said = format!("line {line}, get key=1 result=x by client 1: ");
            assert!(report.why.as_deref().is_some_and(|why| why.starts_with(&said)), "{order:?}: {:?}", report.why);
        }
    }
}

fn changes() {
    let log = Log::new(writes(2, [0])).expect("a log");
    let report = judged(Shop { hides_changes: true, ..SHOP }, &log);
    assert_eq!(report.verdict, Agreement::Incomplete);
    let said =
        "the interface says that put key=0 value=0 changes nothing (`Interface::changes`), and the model changes";
    assert!(report.why.as_deref().is_some_and(|why| why.starts_with(said)), "{:?}", report.why);
}

fn by_need() {
    // What it would offer is more than there is memory for.
    let endless = Store { keys: u32::MAX, values: u32::MAX };
    let run = Run {
        kind: Kind::Texts,
        clients: 3,
        calls: 200,
        keys: 5,
        lost_permille: 0,
        busy_percent: 50,
        wrong_at_percent: None,
        seed: 1,
    };
    let log = run.log();
    let report = Check::of(endless).interface(SHOP).events(Clerk, move || Ok(log.clone())).run();
    assert_eq!(report.cases[0].conformance[0].verdict, Agreement::Conforms, "{report:?}");
}

fn unexplored() {
    let log = Log::new(writes(4, [1])).expect("a log");
    let report = case(Shop { by_need: false, ..SHOP }, Events::new(Clerk), &log, 1);
    assert_eq!((report.states, report.as_expected), (0, true), "{report:?}");
    assert!(counterpart::view::case(&report).contains("not explored"));
}

fn too_much() {
    let log = Log::new(writes(4, [1])).expect("a log");
    let report = case(SHOP, Events::new(Clerk).memory_max_mib(0), &log, 1).conformance.remove(0);
    assert_eq!(report.verdict, Agreement::Incomplete);
    assert!(report.why.as_deref().is_some_and(|why| why.contains("took more than 0 MiB")), "{:?}", report.why);
}

fn twice() {
    let good = json!({"begin": 1, "end": 2, "name": "tick"});
    for (line, key) in [
        ("{\"begin\":3,\"end\":4,\"end\":5,\"name\":\"tick\"}", "end"),
        ("{\"begin\":3,\"begin\":3,\"name\":\"tick\"}", "begin"),
        ("{\"begin\":3,\"name\":\"tick\",\"name\":\"tock\"}", "name"),
    ] {
        let error = Log::parse(Path::new("log"), format!("{good}\n{line}\n").as_bytes()).expect_err(line);
        assert!(error.to_string().starts_with(&format!("log:2: at {key}: it is there twice")), "{error}");
    }
}
