//! Traces of others, traces beside each other, and traces in the words of other tools.

use std::path::Path;

use counterpart::cli::Exit;
use counterpart::trace::{Evidence, Step, Trace};
use counterpart::view;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{claim, typed};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("looks::a_trace_of_quint_s_reads_as_plain_values", quint),
        claim("looks::a_trace_of_apalache_s_with_a_loop_is_a_lasso", apalache),
        claim("looks::what_is_no_trace_is_refused_and_named", refused),
        claim("looks::a_foreign_trace_is_looked_at_and_not_replayed", looked_at),
        claim("looks::fields_are_identifiers_in_a_file_with_the_words_for_people_beside", names),
        claim("looks::two_traces_are_told_apart", diff),
        claim("looks::a_trace_is_a_sequence_diagram_for_mermaid", mermaid),
        claim("looks::a_trace_is_a_graph_for_graphviz", dot),
        claim("looks::an_export_as_itf_is_the_trace_itself", itf),
        claim("looks::an_actor_that_is_not_there_is_a_mistake", nobody),
    ]
}

fn read(document: &Value) -> Result<Trace, String> {
    Trace::parse_any(Path::new("foreign.itf.json"), document.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// As `quint run --mbt --out-itf` writes it.
fn of_quint() -> Value {
    json!({
        "#meta": {"format": "ITF", "source": "bank.qnt", "status": "violation", "description": "Created by Quint"},
        "vars": ["balances", "open", "mbt::actionTaken", "mbt::nondetPicks"],
        "states": [
            {
                "#meta": {"index": 0},
                "balances": {"#map": [["alice", {"#bigint": "0"}], [{"#tup": ["bob", {"#bigint": "2"}]}, {"#bigint": "1"}]]},
                "open": {"#set": [{"#bigint": "3"}, {"#bigint": "36893488147419103232"}]},
                "last": {"tag": "None", "value": {"#tup": []}},
                "mbt::actionTaken": "init",
                "mbt::nondetPicks": {"amount": {"tag": "None", "value": {"#tup": []}}},
            },
            {
                "#meta": {"index": 1},
                "balances": {"#map": [["alice", {"#bigint": "-5"}]]},
                "open": {"#set": []},
                "last": {"tag": "Some", "value": {"who": "alice", "mode": {"tag": "UNIT", "value": "U_OF_UNIT"}}},
                "mbt::actionTaken": "withdraw",
                "mbt::nondetPicks": {
                    "amount": {"tag": "Some", "value": {"#bigint": "5"}},
                    "other": {"tag": "None", "value": {"#tup": []}},
                },
            },
        ],
    })
}

fn quint() {
    let trace = read(&of_quint()).expect("it is a trace");
    assert_eq!((trace.case.as_str(), trace.verdict.as_str()), ("bank.qnt", "violation"));
    assert_eq!(
        trace.steps[0].state,
        json!({"balances": {"alice": 0, "[\"bob\",2]": 1}, "open": [3, "36893488147419103232"], "last": "None"})
    );
    assert_eq!(
        trace.steps[1].state,
        json!({"balances": {"alice": -5}, "open": [], "last": {"Some": {"who": "alice", "mode": "UNIT"}}})
    );
    assert_eq!((trace.steps[0].action.as_str(), trace.steps[1].action.as_str()), ("", "withdraw { amount: 5 }"));
    let shown = anstream::adapter::strip_str(&view::trace(&trace)).to_string();
    assert!(shown.contains("withdraw { amount: 5 }") && shown.contains("balances.alice -5"), "{shown}");
    let page = view::page(&trace, None);
    assert!(page.contains("\"name\":\"\"") && page.contains("withdraw { amount: 5 }"), "{page}");
}

fn apalache() {
    let document = json!({
        "vars": ["x", "log"], "params": ["N"], "loop": 1,
        "states": [
            {"#meta": {"index": 0}, "N": 3, "x": 0, "log": []},
            {"#meta": {"index": 1}, "N": 3, "x": 1, "log": [{"#tup": [1, true]}]},
            {"#meta": {"index": 2}, "N": 3, "x": {"#unserializable": "[Int -> Int]"}, "log": []},
        ],
    });
    let trace = read(&document).expect("it is a trace");
    assert_eq!((trace.loop_start, trace.len()), (Some(1), 2));
    assert_eq!(trace.steps[1].state, json!({"N": 3, "x": 1, "log": [[1, true]]}));
    assert_eq!(trace.steps[2].state["x"], json!("[Int -> Int]"));
    assert_eq!(trace.case, "foreign.itf.json", "it names no source");
    assert!(view::trace(&trace).contains("and again from step 1"));
}

fn refused() {
    for (document, says) in [
        (json!({"vars": ["x"], "states": []}), "at least the initial state was expected"),
        (json!({"vars": ["x"], "states": [7]}), "states[0]: an object was expected"),
        (json!({"vars": ["x"], "states": [{"x": 1}], "loop": 4}), "loop: the index of a state was expected"),
        (json!({"vars": ["x"]}), "#meta"),
        (json!([1]), "an object was expected"),
    ] {
        let error = read(&document).expect_err("it is no trace");
        assert!(error.contains(says) && error.starts_with("foreign.itf.json"), "{document}: {error}");
    }
    // One of ours that is damaged is no foreign one.
    let mut ours: Value = serde_json::from_str(&ours().to_json()).expect("JSON");
    ours["states"][1]["state"] = json!(8);
    assert!(read(&ours).expect_err("it was edited").contains("was edited"));
    assert_eq!(read(&serde_json::from_str(&self::ours().to_json()).expect("JSON")), Ok(self::ours()));
}

fn ours() -> Trace {
    let step = |actor: &str, action: &str, output: &str, state: u8| Step {
        actor: actor.into(),
        action: action.into(),
        input: action.into(),
        output: output.into(),
        implementation: String::new(),
        state: json!({ "at": state }),
    };
    let mut first = step("", "", "", 0);
    first.input = String::new();
    Trace {
        case: "toy/looks".into(),
        evidence: Evidence::Property { name: "it ends".into(), kind: "eventually".into() },
        verdict: "violated".into(),
        parameters: [("bound".to_string(), "3".to_string())].into(),
        because: "nothing ends it".into(),
        replay: String::new(),
        steps: vec![
            first,
            step("p0", "Say { word: \"a;b\" }", "Done", 1),
            step("p1", "Hear { from: 0 }", "", 2),
            step("p0", "Back", "Done", 1),
        ],
        loop_start: Some(1),
        extra: Default::default(),
    }
}

/// How a command ended, and what it gave and said.
fn run(arguments: &[&str]) -> (Exit, String, String) {
    typed(Vec::new(), arguments)
}

fn looked_at() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("bank.itf.json").display().to_string();
    std::fs::write(&file, of_quint().to_string()).expect("it can be written");
    let (exit, out, _) = run(&["trace", "show", &file]);
    assert_eq!(exit, Exit::AsExpected);
    assert!(out.contains("bank.qnt") && !out.contains("replay it with"), "{out}");
    let (exit, out, _) = run(&["trace", "html", &file]);
    assert!(exit == Exit::AsExpected && out.starts_with("<!doctype html>"), "{out}");
    let (exit, out, said) = run(&["trace", "export", &file, "--format", "itf"]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "what ours would be could not be read");
    assert!(said.contains("is ITF already"), "{said}");
    let (exit, out, _) = run(&["trace", "export", &file, "--format", "mermaid"]);
    assert!(exit == Exit::AsExpected && out.contains("withdraw"), "{out}");
    let (exit, out, said) = run(&["replay", &file]);
    assert_eq!((exit, out.as_str()), (Exit::Trace, ""));
    assert!(said.contains("this is not a counterpart trace"), "{said}");
}

fn diff() {
    assert_eq!(view::diff(&ours(), &ours(), None), "");
    let mut other = ours();
    other.parameters.insert("bound".into(), "4".into());
    other.steps[2].output = "Heard".into();
    other.steps.pop();
    other.loop_start = None;
    let told = anstream::adapter::strip_str(&view::diff(&ours(), &other, None)).to_string();
    let wanted = "bound\n  A  3\n  B  4\nloop\n  A  from step 1\n  B  none\nsteps\n  the same up to step 1\n  \
                  A     2  p1 Hear { from: 0 }  at 2\n  B     2  p1 Hear { from: 0 } → Heard  at 2\n  \
                  A     3  p0 Back → Done  at 1\n";
    assert_eq!(told, wanted);
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let [left, right] = ["left.json", "right.json"].map(|name| folder.path().join(name));
    ours().write(&left).expect("written");
    other.write(&right).expect("written");
    let [left, right] = [left, right].map(|file| file.display().to_string());
    let (exit, out, _) = run(&["trace", "diff", &left, &right]);
    assert_eq!((exit, out), (Exit::Unexpected, format!("A  {left}\nB  {right}\n{wanted}")));
    let (exit, out, said) = run(&["trace", "diff", &left, &left]);
    assert_eq!((exit, out.as_str(), said.as_str()), (Exit::AsExpected, "", "the traces are the same\n"));
}

fn mermaid() {
    assert_eq!(
        view::mermaid(&ours()),
        "sequenceDiagram\n    participant p0 as p0\n    participant p1 as p1\n    participant m as model\n    \
         p0->>m: Say { word: #34;a#59;b#34; }\n    m-->>p0: Done\n    loop for ever\n    p0->>p1: Hear { from: 0 }\n    \
         p0->>m: Back\n    m-->>p0: Done\n    end\n"
    );
}

fn dot() {
    assert_eq!(
        view::dot(&ours()),
        "digraph trace {\n    node [shape=box];\n    s0 [label=\"0\\n\"];\n    s1 [label=\"1\\nat 1\"];\n    \
         s0 -> s1 [label=\"p0 Say { word: \\\"a;b\\\" }\\nDone\"];\n    s2 [label=\"2\\nat 2\"];\n    \
         s1 -> s2 [label=\"p1 Hear { from: 0 }\"];\n    s2 -> s1 [label=\"p0 Back\\nDone\"];\n}\n"
    );
}

fn itf() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("trace.json");
    ours().write(&file).expect("written");
    let file = file.display().to_string();
    let export = |format: &str| run(&["trace", "export", &file, "--format", format]);
    assert_eq!(export("itf"), (Exit::AsExpected, ours().to_json(), String::new()));
    assert_eq!(export("mermaid"), (Exit::AsExpected, view::mermaid(&ours()), String::new()));
    assert_eq!(export("dot"), (Exit::AsExpected, view::dot(&ours()), String::new()));
    assert_eq!(export("pdf").0, Exit::Usage);
}

fn nobody() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("trace.json");
    ours().write(&file).expect("written");
    let file = file.display().to_string();
    let (exit, out, said) = run(&["trace", "show", &file, "--only", "p7"]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    assert!(said.contains("nobody is called \"p7\"") && said.contains("p0, p1"), "{said}");
    let (exit, out, _) = run(&["trace", "show", &file, "--only", "p1", "--width", "40", "--ascii", "--full"]);
    assert!(exit == Exit::AsExpected && out.contains("Hear { from: 0 }"), "{out}");
    assert_eq!(run(&["trace", "show", &file, "--width", "3"]).0, Exit::Usage);
}

/// Fields by names that no reader in another language has for fields, beside one that looks like another's.
fn names() {
    let mut trace = ours();
    trace.steps[1].state = json!({
        "in flight": 1, "in_flight": 2, "from": {"1 of 2": [{"_own": true, "é": "e", "": 0}]}, "plain": {"#bigint": "9007199254740993"},
        "variant": {"tag": "no identifier", "value": 3},
    });
    let document: Value = serde_json::from_str(&trace.to_json()).expect("JSON");
    let state = &document["states"][1]["state"];
    assert_eq!(
        *state,
        json!({
            "in_flight_2": 1, "in_flight": 2, "from_": {"at_1_of_2": [{"own": true, "field": 0, "field_2": "e"}]},
            "plain": {"#bigint": "9007199254740993"}, "variant": {"tag_": "no identifier", "value": 3},
        })
    );
    assert_eq!(document["#meta"]["format-version"], "2");
    let names: Value = serde_json::from_str(document["#meta"]["field-names"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        (&names["in_flight_2"], &names["from_"], names.as_object().map(|all| all.len())),
        (&json!("in flight"), &json!("from"), Some(7))
    );
    assert_eq!(read(&document), Ok(trace.clone()), "it reads as it was");
    assert!(view::trace(&trace).contains("in flight 1"), "the words are those for people");
    // What needs no other names is written as ever.
    let plain: Value = serde_json::from_str(&ours().to_json()).expect("JSON");
    assert_eq!((&plain["#meta"]["format-version"], plain["#meta"].get("field-names")), (&json!("1"), None));
    let mut broken = document.clone();
    broken["#meta"]["field-names"] = json!("[]");
    assert!(read(&broken).expect_err("it is no list of names").contains("#meta.field-names"));
    broken["#meta"]["field-names"] = json!("{\"in_flight_2\":\"in_flight\"}");
    assert!(read(&broken).expect_err("a field is lost").contains("was edited"));
}
