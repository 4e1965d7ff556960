//! What it costs to judge a log: histories of registers and stores that are small and hard, or large and easy, each in a
//! process of its own, with the most memory that it held.
//!
//! A plain program and no statistics, and no limit on time: it fails only if a verdict is not the one that is known.
//! `cargo bench --bench log`; a number after `--` runs that row alone. With a folder of Porcupine's sources and Go, the same
//! histories on both sides: `PORCUPINE=DIR cargo bench --bench log -- beside`.

mod beside;
#[path = "../../../tests/harness/events/store.rs"]
mod store;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use counterpart::Check;
use counterpart::conform::Agreement;
use counterpart::conform::events::{Events, Log, Recorded};
use counterpart::report::ConformanceReport;
use tempfile::TempDir;

use self::beside::Taken;
use self::store::{Ask, Clerk, Kind, Run, Shop, Store, event};

/// One history, and how it is judged.
struct Row {
    name: &'static str,
    log: fn() -> Log,
    splits: bool,
    /// The inputs are listed by need.
    by_need: bool,
    is_right: bool,
}

const RUN: Run = Run {
    kind: Kind::Register,
    clients: 10,
    calls: 1_000,
    keys: 1,
    lost_permille: 0,
    busy_percent: 50,
    wrong_at_percent: None,
    seed: 1,
};

const ROWS: [Row; 13] = [
    Row::new("register: 16 overlapping or never-ended writes, 8 reads", || overlapping(16)),
    Row::new("register: 18 overlapping or never-ended writes, 8 reads", || overlapping(18)),
    Row::new("register: 81 calls, 17 of them never ended", || Run { calls: 81, lost_permille: 210, ..RUN }.log()),
    Row::new("store, one key: 194 calls of 50 clients", || {
        Run { kind: Kind::Texts, clients: 50, calls: 194, busy_percent: 5, ..RUN }.log()
    }),
    Row::new("store, ten keys, not split: 337 calls", || Run { kind: Kind::Texts, calls: 337, keys: 10, ..RUN }.log()),
    Row::new("store, without end: 42 lines", || growing(42)).by_list(),
    Row::new("store, 886 values in 4,888 lines", || messages(4_888, 886)),
    Row::new("register: 100,000 calls of 10 clients", || Run { calls: 100_000, ..RUN }.log()),
    Row::new("register: 10,000 calls of 100 clients, ten keys", || {
        Run { clients: 100, calls: 10_000, keys: 10, ..RUN }.log()
    })
    .split(),
    Row::new("register: 10,000 calls, wrong at four fifths", || {
        Run { calls: 10_000, wrong_at_percent: Some(80), ..RUN }.log()
    })
    .wrong(),
    Row::new("store, ten keys, split: 10,000 calls of 30 clients", || {
        Run { kind: Kind::Texts, clients: 30, calls: 10_000, keys: 10, ..RUN }.log()
    })
    .split(),
    Row::new("register: 1,000,000 calls that never end, 3 reads", || never_ended(1_000_000)),
    Row::new("register: 1,000,000 lines that overlap little", overlapping_little),
];

impl Row {
    const fn new(name: &'static str, log: fn() -> Log) -> Self {
        Row { name, log, splits: false, by_need: true, is_right: true }
    }

    const fn split(self) -> Self {
        Row { splits: true, ..self }
    }

    const fn by_list(self) -> Self {
        Row { by_need: false, ..self }
    }

    const fn wrong(self) -> Self {
        Row { is_right: false, ..self }
    }

    fn judge(&self) -> Result<(), String> {
        let log = (self.log)();
        let events = log.events().len();
        let held = peak_kib() / 1024;
        let started = Instant::now();
        let report = verdict(&log, self.splits, self.by_need);
        let took = started.elapsed();
        println!(
            "{:<56} {events:>9} {:>10.4} {:>7} {:>7}  {}",
            self.name,
            took.as_secs_f64(),
            held,
            peak_kib() / 1024,
            report.verdict
        );
        let wanted = if self.is_right { Agreement::Conforms } else { Agreement::Diverges };
        if report.verdict == wanted { Ok(()) } else { Err(format!("{wanted} expected: {:?}", report.why)) }
    }
}

/// What comes of judging a log.
fn verdict(log: &Log, splits: bool, by_need: bool) -> ConformanceReport {
    let log = log.clone();
    let shop = Shop { splits, by_need, hides_changes: false };
    let job = Events::new(Clerk).explanations_max(usize::MAX).of(move || Ok(log.clone()));
    let check = Check::of(Store { keys: 1, values: 3 }).interface(shop).subject("store", job);
    check.run().cases.remove(0).conformance.remove(0)
}

/// The most memory that the process has held, in KiB, where the system tells.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
}

/// Writes that overlap one another, every other of which never ends, and reads of eight of those after them.
fn overlapping(count: u64) -> Log {
    let put = |value: u64| {
        let end = value.is_multiple_of(2).then_some(1_000 + value);
        Recorded { begin: 1 + value, end, event: event(value as usize, &Ask::Put { key: 0, value: value.to_string() }) }
    };
    let get = |value: u64| {
        let said = event(100, &Ask::Get { key: 0 }).with("result", (2 * value + 1).to_string());
        Recorded { begin: 2_000 + 2 * value, end: Some(2_001 + 2 * value), event: said }
    };
    Log::new((0..count).map(put).chain((0..8).map(get)).collect()).expect("numbers are counted")
}

const MANY: usize = 1_000_000;

fn overlapping_little() -> Log {
    Run { clients: 4, calls: MANY, busy_percent: 5, ..RUN }.log()
}

/// Calls that never end, and reads after them.
fn never_ended(count: u64) -> Log {
    let put = |at: u64| {
        let ask = Ask::Put { key: 0, value: (at % 5).to_string() };
        Recorded { begin: at, end: None, event: event(0, &ask) }
    };
    let get = |(at, value): (u64, &str)| {
        let said = event(1, &Ask::Get { key: 0 }).with("result", value);
        Recorded { begin: count + 2 * at, end: Some(count + 2 * at + 1), event: said }
    };
    Log::new((0..count).map(put).chain((0..).zip(["3", "1", "3"]).map(get)).collect()).expect("numbers are counted")
}

/// One client that appends one of three values and reads, in turn: a value that grows without end.
fn growing(lines: u64) -> Log {
    let mut text = String::new();
    let call = |at: u64| {
        let said = if at.is_multiple_of(2) {
            let value = (at / 2 % 3).to_string();
            text += &value;
            event(0, &Ask::Append { key: 0, value })
        } else {
            event(0, &Ask::Get { key: 0 }).with("result", &text)
        };
        Recorded { begin: 2 * at, end: Some(2 * at + 1), event: said }
    };
    Log::new((0..lines).map(call).collect()).expect("numbers are counted")
}

/// One client that writes and reads, in turn, as many different values.
fn messages(lines: u64, values: u64) -> Log {
    let call = |at: u64| {
        let value = (at / 2 * 7 % values).to_string();
        let said = match at % 2 {
            0 => event(0, &Ask::Put { key: 0, value }),
            _ => event(0, &Ask::Get { key: 0 }).with("result", value),
        };
        Recorded { begin: 2 * at, end: Some(2 * at + 1), event: said }
    };
    Log::new((0..lines).map(call).collect()).expect("numbers are counted")
}

/// As many lines that overlap little, read from a file and judged.
fn from_file() -> Result<(), String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let file = folder.path().join("log.jsonl");
    overlapping_little().write(&file).map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let taken = Taken::by(&program, &["judge", &file.to_string_lossy(), "whole"])?;
    println!(
        "{:<56} {:>9} {:>10.4} {:>7} {:>7}  {}",
        "the same, read from a file: reading included",
        MANY,
        taken.all(),
        "",
        taken.peak_kib / 1024,
        taken.verdict
    );
    if taken.verdict == Agreement::Conforms.to_string() { Ok(()) } else { Err("conforms expected".into()) }
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["judge", file, splits] => return beside::judge(Path::new(file), splits == "split"),
        ["beside"] => return beside::compare(""),
        ["beside", sort] => return beside::compare(sort),
        [row] => {
            let row = row.parse().ok().and_then(|row: usize| ROWS.get(row)).ok_or("there is no such row")?;
            return row.judge().map_err(|error| format!("{}: {error}", row.name));
        }
        _ => {}
    }
    println!("{:<56} {:>9} {:>10} {:>7} {:>7}", "history", "events", "seconds", "MiB", "peak");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let alone = |row: usize| Command::new(&program).arg(row.to_string()).status().is_ok_and(|status| status.success());
    let passed = (0..ROWS.len()).filter(|row| alone(*row)).count();
    from_file()?;
    println!();
    beside::compare("")?;
    if passed == ROWS.len() { Ok(()) } else { Err("not all histories were judged as they should be".into()) }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
