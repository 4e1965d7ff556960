//! Files that are no trace, or not one of this model: each is refused with exit 5 and its place, and is left as it is.

use std::fs;
use std::path::Path;

use counterpart::trace::{Trace, TraceError};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{NEVER_RESETS, OVER, committed, files_below, kept, property, subject, toys};
use crate::claim;
use crate::toy::{self, Ran};

const LOSES_UPDATES: &str = "alongside--loses-updates.json";

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("traces::a_truncated_file_is_refused_at_its_end", a_truncated_file_is_refused_at_its_end),
        claim("traces::a_stale_trace_is_refused_with_both_hashes", a_stale_trace_is_refused_with_both_hashes),
    ];
    for (name, bytes, says) in NO_TRACE {
        trials.push(claim(format!("traces::{name}_is_refused"), || check_unreadable(bytes(&over()), says)));
    }
    for (pointer, value, says) in OTHER_SHAPE {
        let edit = value.map_or("left out".to_string(), |value| format!("= {value}"));
        let name = format!("traces::{} {edit} is refused", &pointer[1..]);
        trials.push(claim(name, || check_unreadable(edited(&over(), pointer, *value), says)));
    }
    for (name, file, edit, says) in OTHER_MODEL {
        trials.push(claim(format!("traces::{name}_is_refused"), || check_unusable(file, *edit, says)));
    }
    for (name, file, edit, exit, says) in OTHER_END {
        trials.push(claim(format!("traces::{name}"), || check_other_end(file, *edit, *exit, says)));
    }
    trials
}

/// A claim; what becomes of a good file; the place and the words of the error after the file's name.
type NoTrace = (&'static str, fn(&[u8]) -> Vec<u8>, &'static str);

#[rustfmt::skip]
const NO_TRACE: &[NoTrace] = &[
    ("an_empty_file", |_| Vec::new(), ":1:0: not a complete JSON document (EOF"),
    ("an_empty_line", |_| b"\n".to_vec(), ":2:0: not a complete JSON document (EOF"),
    ("a_story", |_| b"Once upon a time".to_vec(), ":1:1: not a complete JSON document (expected value"),
    ("a_list", |_| b"[]".to_vec(), ": at the document: an object was expected"),
    ("an_empty_object", |_| b"{}".to_vec(), ": at the document: no \"#meta\""),
    ("a_second_document", |good| [good, b"{}"].concat(), ": not a complete JSON document (trailing characters"),
    ("a_byte_order_mark", |good| [b"\xef\xbb\xbf", good].concat(),
        ":1:1: not a complete JSON document (expected value"),
    ("a_file_of_zeros", |good| vec![0; good.len()], ":1:1: not a complete JSON document (expected value"),
    ("invalid_utf_8", |_| b"{\n  \"#meta\": \"\xff\xfe\"\n}".to_vec(),
        ":2:13: not a complete JSON document (invalid unicode"),
    ("a_lone_surrogate", |_| b"{\"\\ud800\": 1}".to_vec(), ":1:9: not a complete JSON document"),
    ("a_nest_of_ten_thousand_lists", |_| vec![b'['; 10_000], ":1:128: not a complete JSON document (recursion limit"),
    ("a_nest_of_ten_thousand_objects", |_| b"{\"#meta\":".repeat(10_000),
        ":1:1144: not a complete JSON document (recursion limit"),
    ("a_state_of_ten_thousand_lists", |good| {
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let text = std::str::from_utf8(good).expect("a trace is UTF-8");
        text.replacen("\"value\": 0", &format!("\"value\": {nested}"), 1).into_bytes()
    }, ": not a complete JSON document (recursion limit"),
];

/// A JSON pointer into a good file; the value put there (left out: none); the words of the error.
type OtherShape = (&'static str, Option<&'static str>, &'static str);

#[rustfmt::skip]
const OTHER_SHAPE: &[OtherShape] = &[
    ("/#meta", None, ": at the document: no \"#meta\""),
    ("/#meta", Some("[]"), ": at #meta: an object was expected"),
    ("/#meta/verdict", Some("\"perhaps\""), ": at #meta.verdict: \"perhaps\" is none of holds, violated and diverges"),
    ("/#meta/case", None, ": at #meta: no \"case\""),
    ("/#meta/case", Some("7"), ": at #meta.case: a string was expected"),
    ("/#meta/something", Some("null"), ": at #meta.something: a string was expected"),
    ("/#meta/format-version", None, ": at #meta: no \"format-version\""),
    ("/#meta/format-version", Some("\"3\""), ": format version \"3\", this build reads \"1\" and \"2\""),
    ("/#meta/format-version", Some("1"), ": at #meta.format-version: a string was expected"),
    ("/#meta/parameters", Some("\"max 5\""), ": at #meta.parameters: expected value at line 1 column 1"),
    ("/#meta/parameters", Some("\"{\\\"max\\\":5}\""), ": at #meta.parameters: invalid type: integer `5`"),
    ("/#meta/property", None, ": at #meta: exactly one of \"property\" and \"subject\" was expected"),
    ("/#meta/subject", Some("\"one\""), ": at #meta: exactly one of \"property\" and \"subject\" was expected"),
    ("/#meta/model-hash", None, ": at #meta: no \"model-hash\""),
    ("/#meta/model-hash", Some("\"0123\""), "the file says 0123; it was edited after it was written"),
    ("/states", None, ": at the document: no \"states\""),
    ("/states", Some("{}"), ": at states: a list was expected"),
    ("/states", Some("[]"), ": at states: at least the initial state was expected"),
    ("/states/1", Some("null"), ": at states[1]: an object was expected"),
    ("/states/2/action", None, ": at states[2]: no \"action\""),
    ("/states/2/action", Some("7"), ": at states[2].action: a string was expected"),
    ("/states/3/state", None, ": at states[3]: no \"state\""),
    ("/states/3/state/value", Some("9"), "; it was edited after it was written"),
    ("/loop", Some("5"), ": at loop: the index of a state was expected"),
    ("/loop", Some("-1"), ": at loop: the index of a state was expected"),
    ("/loop", Some("1.5"), ": at loop: the index of a state was expected"),
    ("/loop", Some("\"0\""), ": at loop: the index of a state was expected"),
    ("/loop", Some("null"), ": at loop: the index of a state was expected"),
    ("/loop", Some("18446744073709551616"), ": at loop: the index of a state was expected"),
];

/// A claim; a good file of a toy; what is edited, with a hash that is right again; the words of the error.
type OtherModel = (&'static str, &'static str, fn(&mut Trace), &'static str);

#[rustfmt::skip]
const OTHER_MODEL: &[OtherModel] = &[
    ("a_foreign_case", OVER, |trace| trace.case = "toy/gone".into(), "\"toy/gone\", which is not in this catalogue"),
    ("a_property_that_is_gone", OVER, |trace| trace.evidence = property("never sleeps"),
        "toy/over has no property \"never sleeps\" any more"),
    ("a_disabled_action", OVER, |trace| trace.steps[2].action = "Jump".into(),
        "step 2: \"Jump\" is not possible there; possible are Add, Reset"),
    ("a_disabled_last_action", OVER, |trace| trace.steps[4].action = String::new(),
        "step 4: \"\" is not possible there; possible are Add, Reset"),
    ("another_action", OVER, |trace| trace.steps[3].action = "Reset".into(),
        "step 3: \"Reset\" leads to another state now"),
    ("another_state", OVER, |trace| trace.steps[3].state = json!({"value": 9}),
        "step 3: \"Add\" leads to another state now"),
    ("another_beginning", OVER, |trace| trace.steps[0].state = json!({"value": 1}),
        "the initial state is none of the model's"),
    ("another_input", OVER, |trace| trace.steps[3].input = "Reset".into(), "step 3: \"Add\" reads "),
    ("a_script_of_six_threads", LOSES_UPDATES, |trace| extra(trace, "script",
        "[[],[[\"Add\"],[\"Add\"],[\"Add\"],[\"Add\"],[\"Add\"],[\"Add\"]],null]"),
        "the trace's script has 6 threads, and loom has room for 5"),
    ("a_script_of_nothing", LOSES_UPDATES, |trace| extra(trace, "script", "[[],[],null]"),
        "the trace's script has no threads"),
    ("a_schedule_of_number_0", LOSES_UPDATES, |trace| extra(trace, "schedule", "0"), "counted from 1"),
    ("a_subject_that_is_gone", NEVER_RESETS, |trace| trace.evidence = subject("gone 1.0", "product"),
        "toy/alongside has no subject \"gone 1.0\" in mode product here"),
    ("a_subject_in_another_mode", NEVER_RESETS, |trace| trace.evidence = subject("never resets", "events"),
        "toy/alongside has no subject \"never resets\" in mode events here"),
    ("an_impossible_input", NEVER_RESETS, |trace| trace.steps[1].input = "Jump".into(),
        "input 1 of the trace, Jump, is not possible there; possible are Add, Reset"),
    ("a_deviation_from_another_state", NEVER_RESETS, |trace| trace.steps[1].state = json!({"value": 3}),
        "the model's states along the path are not those of the trace"),
    ("an_interleaving_without_its_script", LOSES_UPDATES, |trace| drop(trace.extra.remove("script")),
        "the trace carries no script"),
    ("half_a_script", LOSES_UPDATES, |trace| extra(trace, "script", "[[],[[\"Add\"]"), "the trace's script: EOF"),
    ("a_script_with_a_foreign_call", LOSES_UPDATES, |trace| extra(trace, "script", "[[],[[\"Jump\"]],null]"),
        "no script of this subject calls Jump"),
    ("a_schedule_that_is_no_number", LOSES_UPDATES, |trace| extra(trace, "schedule", "third"),
        "the trace carries no schedule number"),
    ("a_mark_that_is_none", LOSES_UPDATES, |trace| extra(trace, "marks", "perhaps"),
        "the trace does not say whether calls were marked"),
];

/// A claim; a good file of a toy; what is edited; how its replay ends; what is said.
type OtherEnd = (&'static str, &'static str, fn(&mut Trace), u8, &'static str);

#[rustfmt::skip]
const OTHER_END: &[OtherEnd] = &[
    ("a_violation_cut_off_is_not_reproduced", OVER, |trace| drop(trace.steps.pop()), 1,
        "3 steps followed; at the end \"stays below four\" is satisfied"),
    ("a_witness_that_shows_nothing_is_not_reproduced", OVER, |trace| trace.verdict = "holds".into(), 1,
        "\"stays below four\" is not satisfied"),
    ("a_deviation_cut_off_is_not_reproduced", NEVER_RESETS, |trace| drop(trace.steps.pop()), 1,
        "answers as the model does, to the end; it diverged when this was recorded"),
    ("another_answer_is_not_reproduced", NEVER_RESETS, |trace| trace.steps[1].implementation = "7".into(), 1,
        "diverges otherwise than recorded, at step 2: the implementation answers 1, the model allows 0"),
];

/// Asserts that `replay` and `trace show` refuse `bytes` with exit 5, the file's name and `says`.
fn check_unreadable(bytes: Vec<u8>, says: &str) {
    let (_folder, file) = file_of(&bytes);
    check_refused(&file, &["replay", &file], says);
    check_refused(&file, &["trace", "show", &file], says);
}

/// Asserts that `replay` refuses an edited trace, which can be shown all the same.
fn check_unusable(file: &str, edit: fn(&mut Trace), says: &str) {
    let mut trace = kept(file);
    edit(&mut trace);
    let (_folder, file) = file_of(trace.to_json().as_bytes());
    check_refused(&file, &["replay", &file], says);
    let shown = toy::run("over alongside", &["trace", "show", &file]);
    assert_eq!((shown.exit, shown.err.as_str()), (0, ""), "{}", shown.out);
}

fn check_other_end(file: &str, edit: fn(&mut Trace), exit: u8, says: &str) {
    let mut trace = kept(file);
    edit(&mut trace);
    let (_folder, file) = file_of(trace.to_json().as_bytes());
    let ran = toy::run("over alongside", &["replay", &file]);
    assert_eq!((ran.exit, ran.err.as_str()), (exit, ""), "{}", ran.out);
    assert!(ran.out.contains(says), "not {says:?} but: {}", ran.out);
}

fn check_refused(file: &str, arguments: &[&str], says: &str) {
    let before = fs::read(file).expect("the file is there");
    let Ran { exit, out, err } = toy::run("over alongside", arguments);
    assert_eq!((exit, out.as_str()), (5, ""), "{arguments:?}: {err}");
    assert!(err.starts_with(&format!("error: {file}:")) && err.contains(says), "not {says:?} but: {err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert_eq!(fs::read(file).expect("the file is still there"), before, "whoever reads leaves it as it is");
    let beside = files_below(Path::new(file).parent().expect("a folder"));
    assert_eq!(beside.len(), 1, "{:?}", beside.keys());
}

fn a_truncated_file_is_refused_at_its_end() {
    let mut files = committed();
    files.insert("toy".into(), over());
    for (name, good) in files {
        let whole = good.trim_ascii_end().len();
        for length in (0..whole).step_by(97).chain([whole - 1]) {
            let cut = &good[..length];
            let place = (
                1 + cut.iter().filter(|byte| **byte == b'\n').count(),
                length - cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
            );
            match Trace::parse(Path::new(&name), cut) {
                Err(TraceError::Syntax { line, column, .. }) => {
                    assert_eq!((line, column), place, "{name}, {length} bytes")
                }
                other => panic!("{name}, {length} bytes: {other:?}"),
            }
            if name == "toy" {
                check_unreadable(cut.to_vec(), ": not a complete JSON document");
            }
        }
    }
}

fn a_stale_trace_is_refused_with_both_hashes() {
    for file in [OVER, NEVER_RESETS] {
        let good = kept(file);
        let mut stale = good.clone();
        stale.parameters.insert("max".into(), "6".into());
        assert_ne!(stale.model_hash(), good.model_hash());
        let says = format!(
            "stale trace: it was recorded with model hash {}, the model of today gives {} (the model's parameters are \
             not those of the trace)",
            stale.model_hash(),
            good.model_hash()
        );
        let (_folder, file) = file_of(stale.to_json().as_bytes());
        check_refused(&file, &["replay", &file], &says);
    }
}

fn extra(trace: &mut Trace, key: &str, value: &str) {
    trace.extra.insert(key.into(), value.into());
}

fn over() -> Vec<u8> {
    toys()[OVER].clone()
}

/// A file with `bytes`, alone in a folder that is gone when it is dropped.
fn file_of(bytes: &[u8]) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("trace.json");
    fs::write(&file, bytes).expect("a file can be written");
    let file = file.to_str().expect("a path in UTF-8").to_string();
    (folder, file)
}

/// `document` with `value` at `pointer`, or nothing there.
fn edited(document: &[u8], pointer: &str, value: Option<&str>) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(document).expect("a good document");
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let parent = document.pointer_mut(parent).expect("the pointer leads somewhere");
    match (parent, value.map(|value| serde_json::from_str(value).expect("JSON"))) {
        (Value::Array(items), Some(value)) => items[key.parse::<usize>().expect("an index")] = value,
        (Value::Object(fields), Some(value)) => drop(fields.insert(key.into(), value)),
        (Value::Object(fields), None) => drop(fields.remove(key).expect("it is there to be left out")),
        (parent, _) => panic!("{key:?} cannot be edited in {parent}"),
    }
    serde_json::to_vec_pretty(&document).expect("JSON")
}
