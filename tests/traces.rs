//! Trace files: the committed ones are what a run writes and replay as expected; what is written is read, and is whole
//! or not there.

mod hostile;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use counterpart::check::Options;
use counterpart::cli::Exit;
use counterpart::trace::{Evidence, Step, Trace, TraceError, itf_value};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::trial::typed;
use crate::{catalogue, claim, root, toy};

/// Traces that the toys write.
const OVER: &str = "over--stays-below-four.json";
const NEVER_RESETS: &str = "alongside--never-resets.json";

/// Writes every committed file anew.
const WRITE_ANEW: &str = "cargo run --release -- check";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("traces::no_committed_file_is_missing", no_committed_file_is_missing),
        claim("traces::no_committed_file_is_an_orphan", no_committed_file_is_an_orphan),
        claim("traces::every_committed_file_has_the_bytes_of_a_run", every_committed_file_has_the_bytes_of_a_run),
        claim("traces::an_earlier_schedule_is_not_reproduced", an_earlier_schedule_is_not_reproduced),
        claim("traces::what_is_written_is_read", what_is_written_is_read),
        claim("traces::the_same_bytes_are_not_written_twice", the_same_bytes_are_not_written_twice),
        claim("traces::what_cannot_be_replaced_stays", what_cannot_be_replaced_stays),
    ];
    #[cfg(unix)]
    trials.push(claim("traces::a_full_disk_leaves_the_old_file", a_full_disk_leaves_the_old_file));
    for (file, bytes) in committed() {
        trials.push(claim(format!("traces::{file}"), move || check_committed(&file, &bytes)));
    }
    trials.extend(hostile::trials());
    trials
}

/// Replay runs the schedules up to the one that is recorded, and no further.
fn an_earlier_schedule_is_not_reproduced() {
    let name = "circuit_breaker/defects_between_threads";
    let case = counterpart_models::catalogue().into_iter().find(|case| case.name() == name).expect("a case");
    let file = root().join("traces").join(format!("{name}--moves_gate_late.json"));
    let mut trace = Trace::read(&file).expect("a committed trace");
    assert_ne!(trace.extra["schedule"], "1");
    trace.extra.insert("schedule".into(), "1".into());
    let replayed = case.replay(&trace, &Options::default()).expect("it can be run");
    assert!(!replayed.reproduces);
    assert!(replayed.summary().contains("answers as the model does, to the end"), "{}", replayed.summary());
}

/// The committed files and their bytes, by name below `traces/`.
fn committed() -> BTreeMap<String, Vec<u8>> {
    let folder = root().join("traces");
    if folder.is_dir() { files_below(&folder) } else { BTreeMap::new() }
}

/// What a run of all that is not large writes.
fn regenerated() -> &'static BTreeMap<String, String> {
    static WRITTEN: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let mut written = BTreeMap::new();
        for (file, trace) in catalogue::ran().iter().flat_map(|ran| ran.report().counterexamples()) {
            let file = file.strip_prefix("traces").expect("kept below traces/");
            let file = file.to_str().expect("a name in UTF-8").to_string();
            let twice = written.insert(file.clone(), trace.to_json());
            assert!(twice.is_none(), "two traces are kept as {file}: one of them is lost");
        }
        written
    })
}

fn no_committed_file_is_missing() {
    let (committed, regenerated) = (committed(), regenerated());
    let missing: Vec<&String> = regenerated.keys().filter(|file| !committed.contains_key(*file)).collect();
    assert!(missing.is_empty(), "not in traces/: {missing:#?}\nthey are written by `{WRITE_ANEW}`");
    assert!(!regenerated.is_empty(), "every protocol has variants that are violated");
}

fn no_committed_file_is_an_orphan() {
    let regenerated = regenerated();
    let mut orphans: Vec<String> = committed().into_keys().filter(|file| !regenerated.contains_key(file)).collect();
    // Without the third-party crates their cases are not run, and their traces are nobody's.
    let case = |file: &String| file.split("--").next().unwrap_or_default().to_string();
    orphans.retain(|file| cfg!(feature = "peers") || named(&case(file)).is_some());
    assert!(orphans.is_empty(), "no case writes: {orphans:#?}\nremove them, then write all anew by `{WRITE_ANEW}`");
}

fn every_committed_file_has_the_bytes_of_a_run() {
    let mut differing = Vec::new();
    for (file, bytes) in committed() {
        let Some(now) = regenerated().get(&file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if let Some(line) = first_difference(&text, now) {
            differing.push(format!("{file}:{line}"));
        }
    }
    assert!(differing.is_empty(), "a run writes something else: {differing:#?}\nwrite them anew by `{WRITE_ANEW}`");
}

fn check_committed(file: &str, bytes: &[u8]) {
    let trace = Trace::read(&root().join("traces").join(file)).unwrap_or_else(|error| panic!("{error}"));
    check_itf(&trace, bytes);
    assert_eq!(trace.replay, format!("cargo run --release -- replay traces/{file}"), "it is replayed under its name");
    assert!(file.starts_with(&format!("{}--", trace.case)), "{file} is of {}", trace.case);
    let Some(case) = named(&trace.case) else {
        if cfg!(feature = "peers") {
            panic!("{file}: no case is called {:?}", trace.case);
        }
        return;
    };
    // The command that it names, as it is typed.
    let command = trace.replay.strip_prefix("cargo run --release -- ").expect("a command of the house");
    let words: Vec<&str> = command.split(' ').collect();
    let (exit, out, err) = typed(vec![case], &words);
    assert_eq!(exit, Exit::AsExpected, "{file}: {out}{err}\nwrite it anew by `{WRITE_ANEW}`");
    assert_ne!(trace.verdict, "holds", "{file}: nothing is broken by it");
}

/// Asserts that the `itf` crate reads `bytes`, and reads what `trace` says; and that readers which make fields of
/// records of the fields of states find names for them.
fn check_itf(trace: &Trace, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("a trace is UTF-8");
    let parsed: itf::Trace<itf::Value> =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("itf: {error}\n{text}"));
    assert_eq!(parsed.meta.format.as_deref(), Some("ITF"));
    assert_eq!(parsed.meta.other.get("case"), Some(&trace.case));
    assert_eq!(parsed.meta.other.get("model-hash"), Some(&trace.model_hash()));
    assert_eq!(parsed.loop_index, trace.loop_start.map(|start| start as u64));
    assert_eq!(parsed.vars, ["action", "actor", "implementation", "input", "output", "state"]);
    assert_eq!(parsed.states.len(), trace.steps.len());
    let names = parsed.meta.other.get("field-names").map_or("{}", String::as_str);
    let names: BTreeMap<String, String> = serde_json::from_str(names).expect("names by names");
    for (index, (state, step)) in parsed.states.iter().zip(&trace.steps).enumerate() {
        assert_eq!(state.meta.index, Some(index as u64));
        let Step { action, actor, input, output, implementation, state: inner } = step;
        let mut read = serde_json::to_value(&state.value).expect("an ITF value is JSON");
        in_words(&mut read, &names);
        assert_eq!(
            read,
            json!({"action": action, "actor": actor, "implementation": implementation, "input": input, "output": output,
                   "state": inner}),
        );
    }
}

/// Gives the fields of `value` back their names, after it is seen that each has one that is an identifier.
fn in_words(value: &mut Value, names: &BTreeMap<String, String>) {
    const NO_NAMES: [&str; 9] = ["as", "class", "for", "from", "in", "is", "not", "or", "with"];
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| in_words(item, names)),
        Value::Object(fields) => {
            for (name, mut field) in std::mem::take(fields) {
                let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
                let first = name.starts_with(|first: char| first.is_ascii_alphabetic());
                let identifier = letters && first && !NO_NAMES.contains(&name.as_str());
                assert!(identifier || name == "#bigint", "{name:?} is no name of a field");
                in_words(&mut field, names);
                fields.insert(names.get(&name).cloned().unwrap_or(name), field);
            }
        }
        _ => {}
    }
}

/// Strings and states that a format might stumble over.
fn awkward() -> (Vec<&'static str>, Vec<Value>) {
    let texts = vec!["", "Add { to: \"x\", by: '\\n' }", "line\nbreak\u{0}\u{1b}[1m", "ümläut 🦀 \u{2028}", "#meta"];
    let states = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!({"z": [{"a": null}], "a": {"b": [[], [0.1]]}, "": "", "ü": 9_007_199_254_740_993_i64}),
    ];
    (texts, states.into_iter().map(itf_value).collect())
}

fn what_is_written_is_read() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let (texts, states) = awkward();
    let text = |index: usize| texts[index % texts.len()].to_string();
    for (index, state) in states.iter().enumerate() {
        for steps in 1..4 {
            for loop_start in [None, Some(0), Some(steps - 1)] {
                let number = 7 * index + steps;
                let step = |place: usize| Step {
                    action: text(number + place),
                    actor: text(number + place + 1),
                    input: text(number + place + 2),
                    output: text(number + place + 3),
                    implementation: text(number + place + 4),
                    state: states[(index + place) % states.len()].clone(),
                };
                let trace = Trace {
                    case: format!("toy/{}", text(number)),
                    evidence: if number % 2 == 0 { property(&text(number)) } else { subject(&text(number), "tour") },
                    verdict: ["holds", "violated", "diverges"][number % 3].into(),
                    parameters: (0..number % 3).map(|count| (text(count), text(count + 1))).collect(),
                    because: text(number + 2),
                    replay: text(number + 3),
                    steps: (0..steps).map(step).collect(),
                    loop_start,
                    extra: (0..number % 2).map(|count| (format!("seed {count}"), text(count))).collect(),
                };
                let file = folder.path().join(format!("{index}/{steps}.json"));
                trace.write(&file).expect("the folder can be written");
                let bytes = fs::read(&file).expect("the file is there");
                assert_eq!(Trace::read(&file).unwrap_or_else(|error| panic!("{error}")), trace, "{state}");
                check_itf(&trace, &bytes);
                assert_eq!(trace.loop_len(), loop_start.map(|start| steps - 1 - start), "{state}");
            }
        }
    }
}

fn the_same_bytes_are_not_written_twice() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("deep/in/a folder.json");
    let (one, other) = (kept(OVER), kept(NEVER_RESETS));
    for (trace, writes) in [(&one, true), (&one, false), (&other, true), (&other, false), (&one, true)] {
        assert_eq!(trace.write(&file).expect("the folder can be written"), writes);
        assert_eq!(fs::read_to_string(&file).expect("the file is there"), trace.to_json());
    }
    assert_eq!(files_below(folder.path()).len(), 1, "nothing is left beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "a trace is for everyone to read");
    }
}

fn what_cannot_be_replaced_stays() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    fs::create_dir_all(folder.path().join("in the way.json/inner")).expect("a folder can be made");
    fs::write(folder.path().join("in the way.json/inner/old"), "old").expect("a file can be written");
    for file in ["in the way.json", "in the way.json/inner/old/new.json", "in the way.json/inner/old/deep/new.json"] {
        let file = folder.path().join(file);
        match kept(OVER).write(&file) {
            Err(TraceError::Io { file: named, .. }) => assert_eq!(named, file),
            other => panic!("{}: {other:?}", file.display()),
        }
        let there: Vec<(String, Vec<u8>)> = files_below(folder.path()).into_iter().collect();
        assert_eq!(there, [("in the way.json/inner/old".to_string(), b"old".to_vec())], "{}", file.display());
    }
}

/// A limit on the size of files stands for the disk: it holds for every user, also one who may write everywhere.
#[cfg(unix)]
fn a_full_disk_leaves_the_old_file() {
    const SMALL: &str = "circuit_breaker/trips_below_minimum";
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let check = |limit: &str| {
        Command::new("sh")
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\""), "sh"])
            .args([env!("CARGO_BIN_EXE_counterpart"), "check", SMALL, "--traces"])
            .arg(folder.path())
            .output()
            .expect("`sh` can be run")
    };
    let output = check("unlimited");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let [name] = &files_below(folder.path()).into_keys().collect::<Vec<_>>()[..] else { panic!("one trace is kept") };
    fs::write(folder.path().join(name), "old").expect("a file can be written");
    let output = check("0");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(name) && said.contains("too large"), "{said}");
    let there: Vec<(String, Vec<u8>)> = files_below(folder.path()).into_iter().collect();
    assert_eq!(there, [(name.clone(), b"old".to_vec())], "the old file, and nothing beside it");
}

fn property(name: &str) -> Evidence {
    Evidence::Property { name: name.into(), kind: "always".into() }
}

fn subject(name: &str, mode: &str) -> Evidence {
    Evidence::Subject { name: name.into(), mode: mode.into() }
}

/// The traces that the toys `over` and `alongside` write, by file name.
fn toys() -> &'static BTreeMap<String, Vec<u8>> {
    static WRITTEN: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let traces = folder.path().to_str().expect("a path in UTF-8");
        let ran = toy::run("over alongside", &["check", "--traces", traces]);
        assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
        files_below(&folder.path().join("toy"))
    })
}

fn kept(file: &str) -> Trace {
    Trace::parse(Path::new(file), &toys()[file]).unwrap_or_else(|error| panic!("{error}"))
}

/// The case of the catalogue that has this name.
fn named(case: &str) -> Option<counterpart::Case> {
    counterpart_models::catalogue().into_iter().find(|other| other.name() == case)
}

/// The number of the first line, from 1, in which two texts differ.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    let (mut left, mut right) = (left.split('\n'), right.split('\n'));
    (1..).find_map(|line| match (left.next(), right.next()) {
        (None, None) => Some(None),
        (left, right) => (left != right).then_some(Some(line)),
    })?
}

/// The files below `folder`, with `/` between the parts of their names, and what is in them.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let entry = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            let name = format!("{prefix}{}", entry.file_name().to_str().expect("a name in UTF-8"));
            let path = entry.path();
            if path.is_dir() {
                folders.push((path, format!("{name}/")));
            } else {
                files.insert(name, fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
            }
        }
    }
    files
}
