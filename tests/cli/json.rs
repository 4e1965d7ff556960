//! The JSON documents: their shape, what they say of a counter that can be counted by hand, and that they are the same
//! bytes again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{Place, SMALL, binary};
use crate::traces::files_below;
use crate::{claim, toy};

const KINDS: &str = "always sometimes eventually leads_to infinitely_often eventually_always recoverable almost_surely \
                     probability reward";

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("cli::list_json_has_its_shape", list_json_has_its_shape),
        claim("cli::check_json_has_its_shape", check_json_has_its_shape),
        claim("cli::check_json_says_what_is_true_of_a_counter", check_json_says_what_is_true_of_a_counter),
        claim("cli::no_byte_depends_on_threads_or_on_the_run", no_byte_depends_on_threads_or_on_the_run),
        claim("cli::json_is_one_document_and_alone_on_stdout", json_is_one_document_and_alone_on_stdout),
    ]
}

fn list_json_has_its_shape() {
    let ran = toy::run_over(counterpart_models::catalogue(), &["list", "--json"], Arc::default());
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let document = document(&ran.out);
    assert_eq!(document["schema"], json!(1));
    let names: Vec<&str> = items(&document, "cases").iter().map(|case| text(case, "case")).collect();
    let catalogue = counterpart_models::catalogue();
    assert_eq!(names, catalogue.iter().map(|case| case.name()).collect::<Vec<_>>());
    for case in items(&document, "cases") {
        has(case, "case:string protocol:string properties:array subjects:array");
        assert!(text(case, "case").starts_with(&format!("{}/", text(case, "protocol"))), "{case}");
        for property in items(case, "properties") {
            has(property, "name:string kind:string expected:string");
            one_of(property, "kind", KINDS);
            one_of(property, "expected", "holds violated incomplete");
        }
        assert!(items(case, "subjects").iter().all(Value::is_string), "{case}");
    }
}

fn check_json_has_its_shape() {
    let place = Place::new();
    let arguments = ["check", "--json", "--traces", &place.path("traces")];
    let ran = toy::run("sound over alongside cut tree large", &arguments);
    let document = document(&ran.out);
    has(&document, "schema:number cases:array not_run:array as_expected:boolean");
    for case in items(&document, "cases") {
        has(case, "case:string protocol:string states:number edges:number depth:number exhausted:boolean");
        has(case, "properties:array conformance:array as_expected:boolean");
        let referee = case.get("referee").expect("a referee that was not asked is null");
        if !referee.is_null() {
            has(referee, "states:number agrees:boolean");
        }
        for property in items(case, "properties") {
            has(property, "name:string kind:string verdict:string expected:string");
            may_have(property, "steps:number loop:number trace:string value:number");
            one_of(property, "kind", KINDS);
            one_of(property, "verdict", "holds violated incomplete");
            one_of(property, "expected", "holds violated incomplete");
            let counterexample = text(property, "kind") == "always" && text(property, "verdict") == "violated";
            assert_eq!(property.get("trace").is_some(), counterexample, "{property}");
            assert!(!counterexample || property.get("steps").is_some(), "{property}");
        }
        for subject in items(case, "conformance") {
            has(subject, "mode:string subject:string verdict:string expected:string");
            has(subject, "edges:number edges_driven:number steps:number");
            may_have(subject, "schedules:number trace:string");
            one_of(subject, "mode", "product tour walk interleave events");
            one_of(subject, "verdict", "conforms diverges incomplete");
            one_of(subject, "expected", "conforms diverges incomplete");
            assert_eq!(subject.get("trace").is_some(), text(subject, "verdict") == "diverges", "{subject}");
            assert_eq!(subject.get("schedules").is_some(), text(subject, "mode") == "interleave", "{subject}");
        }
    }
    for left_out in items(&document, "not_run") {
        has(left_out, "case:string why:string");
        assert!(left_out["subject"].is_string() || left_out["subject"].is_null(), "{left_out}");
    }
    let kept = items(&document, "cases").iter().flat_map(|case| {
        let parts = items(case, "properties").iter().chain(items(case, "conformance"));
        parts.filter_map(|part| part.get("trace")).map(|trace| trace.as_str().expect("a path").to_string())
    });
    let kept: BTreeSet<String> = kept.collect();
    let there = files_below(Path::new(&place.path("traces"))).into_keys().map(|file| format!("traces/{file}"));
    assert_eq!(kept, there.collect(), "each trace is where it is said to be, and none is elsewhere");
}

/// Counted by hand: a counter to 5 adds five times and is reset from five states; 4 is the first value that is not
/// below four.
fn check_json_says_what_is_true_of_a_counter() {
    let place = Place::new();
    let ran = toy::run("over alongside cut large", &["check", "--json", "--traces", &place.path("traces")]);
    let document = document(&ran.out);
    assert_eq!(ran.exit, 3, "{}", ran.out);
    assert_eq!(document["as_expected"], json!(false));
    let [over, alongside, cut] = &items(&document, "cases")[..] else { panic!("three cases are run: {}", ran.out) };
    let counts =
        |case: &Value| json!([case["states"], case["edges"], case["depth"], case["exhausted"], case["referee"]]);
    assert_eq!(counts(over), json!([6, 10, 5, true, {"states": 6, "agrees": true}]));
    assert_eq!(
        over["properties"],
        json!([
            {"name": "stays below four", "kind": "always", "verdict": "violated", "expected": "violated", "steps": 4,
             "trace": "traces/toy/over--stays-below-four.json"},
            {"name": "reaches the end", "kind": "sometimes", "verdict": "holds", "expected": "holds", "steps": 5},
        ])
    );
    assert_eq!((&cut["exhausted"], &cut["referee"], &cut["as_expected"]), (&json!(false), &json!(null), &json!(false)));
    let said = |subject: &Value| {
        let file =
            subject["trace"].as_str().and_then(|trace| trace.strip_prefix("traces/toy/alongside--")).unwrap_or("");
        format!("{} {} {} {file}", text(subject, "mode"), text(subject, "subject"), text(subject, "verdict"))
    };
    let subjects: Vec<String> = items(alongside, "conformance").iter().map(said).collect();
    assert_eq!(
        subjects,
        [
            "product implementation conforms ",
            "tour implementation conforms ",
            "walk implementation conforms ",
            "interleave implementation conforms ",
            "product never resets diverges never-resets.json",
            "tour never resets diverges never-resets--tour.json",
            "walk never resets diverges never-resets--walk.json",
            "interleave loses updates diverges loses-updates.json",
        ]
    );
    // Six steps, and two inputs that change nothing: to add to 3, and to reset 0.
    let tour = &alongside["conformance"][1];
    assert_eq!((&tour["edges"], &tour["edges_driven"]), (&json!(8), &json!(8)));
    assert_eq!(
        document["not_run"],
        json!([
            {"case": "toy/alongside", "subject": "somebody else's 1.0", "why": "it is not installed"},
            {"case": "toy/large", "subject": null, "why": "it is large: add --large"},
        ])
    );
}

fn no_byte_depends_on_threads_or_on_the_run() {
    let run = |threads: &str| {
        let place = Place::new();
        let mut cases = toy::cases("alongside over tree", &Arc::default());
        cases.extend(counterpart_models::catalogue());
        let arguments = ["check", "--json", "--threads", threads, "--traces", &place.path("traces")];
        // Traces, and all modes; `toy/tree` is wide enough for threads.
        let chosen = ["toy", "circuit_breaker/[ktw]*", "circuit_breaker/breaker_half_open_wait"];
        let ran = toy::run_over(cases, &[&arguments[..], &chosen[..]].concat(), Arc::default());
        assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
        (ran.out, files_below(Path::new(&place.path("traces"))))
    };
    let (document, traces) = run("1");
    assert!(traces.len() > 10, "there is something to compare: {:?}", traces.keys());
    for threads in ["2", "2", "7", "1"] {
        let (again, traces_again) = run(threads);
        assert_eq!(document, again, "with {threads} threads");
        assert_eq!(traces, traces_again, "with {threads} threads");
    }
}

fn json_is_one_document_and_alone_on_stdout() {
    let place = Place::new();
    for arguments in [&["list", "--json"][..], &["check", "--json", "--traces", &place.path("traces"), SMALL]] {
        let output = binary(arguments).args(["-vvv"]).env("CLICOLOR_FORCE", "1").output().expect("the binary runs");
        assert!(output.status.success(), "{output:?}");
        let out = String::from_utf8(output.stdout).expect("stdout is UTF-8");
        document(&out);
    }
}

/// The one JSON document that `text` is.
fn document(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    assert!(document.is_object() && text.ends_with("}\n"), "an object and a line break:\n{text}");
    document
}

/// Asserts that `object` has each key of `keys`, a list of `key:type`.
fn has(object: &Value, keys: &str) {
    for (key, of) in keys.split(' ').filter_map(|key| key.split_once(':')) {
        assert_eq!(object.get(key).map(type_of), Some(of), "{key:?} of {object:#}");
    }
}

/// Asserts that what `object` has of `keys` is of its type.
fn may_have(object: &Value, keys: &str) {
    for (key, of) in keys.split(' ').filter_map(|key| key.split_once(':')) {
        assert!(object.get(key).is_none_or(|value| type_of(value) == of), "{key:?} of {object:#}");
    }
}

/// Asserts that `key` of `object` is among `words`.
fn one_of(object: &Value, key: &str, words: &str) {
    assert!(words.split(' ').any(|word| word == text(object, key)), "{key:?} of {object:#} is none of {words}");
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("no text {key:?} in {object:#}"))
}

fn items<'a>(object: &'a Value, key: &str) -> &'a Vec<Value> {
    object[key].as_array().unwrap_or_else(|| panic!("no list {key:?} in {object:#}"))
}
