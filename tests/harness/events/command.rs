//! `log check`: what it says, draws and ends with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use counterpart::check::Options;
use counterpart::cli::Exit;
use counterpart::conform::Agreement;
use counterpart::conform::events::{Event, Log, Recorded};
use counterpart::{Case, Check, view};
use libtest_mimic::Trial;
use serde_json::Value;

use super::store::{Ask, Clerk, Kind, Run, Shop, Store, event};
use crate::toy::{Edge, FACE, Toy};
use crate::{claim, typed};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("events::a_log_in_a_file_is_judged_from_the_command_line", judged),
        claim("events::what_is_no_log_or_no_case_ends_the_command", refused),
        claim("events::a_case_without_logs_reads_them_by_text", by_text),
        claim("events::a_history_in_edn_is_judged_from_the_command_line", edn),
        claim("events::limits_and_the_user_end_the_judging_of_a_log", limited),
        claim("events::an_operation_that_no_case_knows_is_told_with_its_line", unknown),
        claim("events::a_history_is_drawn_with_its_order_and_what_does_not_fit", drawn),
    ]
}

fn store() -> Case {
    let shop = Shop { splits: false, by_need: true, hides_changes: false };
    let check = Check::of(Store { keys: 1, values: 3 }).interface(shop).events(Clerk, || Ok(Log::default()));
    Case::new("store/log", check.incomplete("implementation", "it is given on the command line"))
}

fn lamp() -> Case {
    let toy = Toy::new([Edge::new(0, 1, "Switch").says(true), Edge::new(1, 0, "Switch").says(false)]);
    Case::new("store/lamp", Check::of(toy).interface(FACE))
}

/// How `log check` ends with `arguments`, and what it says on stdout and on stderr.
fn command(arguments: &[&str]) -> (Exit, String, String) {
    typed(vec![store(), lamp()], &[&["log", "check"], arguments].concat())
}

fn run(wrong: bool) -> Log {
    let wrong_at_percent = wrong.then_some(50);
    let (kind, lost_permille) = (Kind::Register, 0);
    Run { kind, clients: 3, calls: 40, keys: 1, lost_permille, busy_percent: 80, wrong_at_percent, seed: 3 }.log()
}

fn kept(folder: &Path, log: &Log) -> PathBuf {
    let file = folder.join("log.jsonl");
    log.write(&file).expect("it can be written");
    file
}

fn judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = kept(folder.path(), &run(false));
    let name = file.display().to_string();
    let (exit, out, _) = command(&["store/log", &name]);
    assert_eq!((exit, out.as_str()), (Exit::AsExpected, format!("{name}  40 events: conforms\n").as_str()));
    let (exit, out, _) = command(&["store/log", &name, "--json"]);
    let document: Value = serde_json::from_str(&out).expect("a document");
    assert_eq!((exit, &document["verdict"], &document["events"]), (Exit::AsExpected, &"conforms".into(), &40.into()));

    kept(folder.path(), &run(true));
    let picture = folder.path().join("picture.svg").display().to_string();
    let (exit, out, _) = command(&["store/log", &name, "--picture", &picture]);
    assert_eq!(exit, Exit::Unexpected);
    assert!(out.contains("40 events: diverges") && out.contains("result=nobody wrote this"), "{out}");
    assert!(fs::read_to_string(&picture).expect("a picture").contains("class=\"unexplained\""));
    let (exit, out, _) = command(&["store/log", &name, "--json"]);
    let document: Value = serde_json::from_str(&out).expect("a document");
    let line = document["line"].as_u64().expect("a line");
    assert!(document["why"].as_str().is_some_and(|why| why.starts_with(&format!("line {line}, get "))), "{out}");
    assert_eq!(exit, Exit::Unexpected);
}

fn refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = kept(folder.path(), &Log::default());
    let name = file.display().to_string();
    let (exit, out, _) = command(&["store/log", &name]);
    assert!(exit == Exit::Incomplete && out.contains("the log is empty"), "{out}");
    let (exit, _, err) = command(&["store/lgo", &name]);
    assert!(exit == Exit::NothingMatched && err.contains("did you mean \"store/log\"?"), "{err}");
    let text = run(false).to_json_lines();
    fs::write(&file, &text[..text.len() - 9]).expect("it can be written");
    let (exit, out, err) = command(&["store/log", &name]);
    assert!(exit == Exit::Trace && out.is_empty() && err.contains(":40: the last line is cut off"), "{err}");
    let (exit, _, err) = command(&["store/log", &folder.path().join("none").display().to_string()]);
    assert!(exit == Exit::Trace && err.contains("none: "), "{err}");
    assert_eq!(command(&["store/log"]).0, Exit::Usage);
    assert_eq!(command(&["store/log", &name, "--max-time", "x"]).0, Exit::Usage);
}

fn by_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |begin, output: &str| {
        let event = Event::new("her", "switch").with("input", "Switch").with("output", output);
        Recorded { begin, end: Some(begin + 1), event }
    };
    let file = kept(folder.path(), &Log::new(vec![at(1, "true"), at(3, "false")]).expect("a log"));
    assert_eq!(command(&["store/lamp", &file.display().to_string()]).0, Exit::AsExpected);
    kept(folder.path(), &Log::new(vec![at(1, "true"), at(3, "true")]).expect("a log"));
    let (exit, out, _) = command(&["store/lamp", &file.display().to_string()]);
    assert!(exit == Exit::Unexpected && out.contains("line 2, switch input=Switch output=true by her: "), "{out}");
}

fn drawn() {
    let draw = |log: &Log| view::history(log, &store().judge(log, &Default::default()).judgement);
    let right = draw(&run(false));
    assert_eq!(right, draw(&run(false)), "the same history, the same picture");
    let count = |svg: &str, what: &str| svg.matches(what).count();
    assert_eq!((count(&right, "class=\"explained\""), count(&right, "class=\"point\"")), (40, 40));
    assert_eq!((count(&right, "class=\"unexplained\""), count(&right, "<polyline")), (0, 1));
    let wrong = draw(&run(true));
    let explained = count(&wrong, "class=\"explained\"");
    assert_eq!((count(&wrong, "class=\"unexplained\""), count(&wrong, "class=\"point\"")), (1, explained));
    assert!(explained > 5 && explained < 39, "{explained}");
    // Names come from outside.
    let mut log = run(false).events().to_vec();
    log[0].event.actor = "<script>\"&\u{7}".into();
    let lost = Recorded { begin: 9_000, end: None, event: event(1, &Ask::Get { key: 0 }) };
    log.push(lost);
    let hostile = draw(&Log::new(log).expect("a log"));
    assert!(!hostile.contains("<script>") && hostile.contains("&lt;script&gt;&quot;&amp; "), "{hostile}");
    assert_eq!(count(&hostile, "class=\"open lost\""), 1);
    // Of many only those around the one that does not fit are drawn.
    let many = Run {
        calls: 2_000,
        ..Run {
            kind: Kind::Register,
            clients: 3,
            calls: 0,
            keys: 1,
            lost_permille: 0,
            busy_percent: 50,
            wrong_at_percent: Some(80),
            seed: 1,
        }
    };
    let many = draw(&many.log());
    assert!(many.contains("400 of 2000 events: diverges") && count(&many, "class=\"unexplained\"") == 1);
}

/// As key-value logs are written that others' checkers read.
const HISTORY: &str = "\
{:process 1, :type :invoke, :f :append, :key 0, :value \"x\"}
{:process 0, :type :invoke, :f :get, :key 0, :value nil}
{:process 1, :type :ok, :f :append, :key 0, :value \"x\"}
{:process 0, :type :ok, :f :get, :key 0, :value \"\"}
{:process 0, :type :invoke, :f :get, :key 0, :value nil}
{:process 0, :type :ok, :f :get, :key 0, :value \"x\"}
";

fn edn() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = |name: &str, text: &str| {
        let file = folder.path().join(name).display().to_string();
        fs::write(&file, text).expect("it can be written");
        file
    };
    let (edn, text) = (kept("history.edn", HISTORY), kept("history.txt", HISTORY));
    let (exit, out, _) = command(&["store/log", &edn]);
    assert_eq!((exit, out), (Exit::AsExpected, format!("{edn}  3 events: conforms\n")));
    assert_eq!(command(&["store/log", &text, "--format", "edn"]).0, Exit::AsExpected);
    let (exit, _, err) = command(&["store/log", &text]);
    assert!(exit == Exit::Trace && err.contains(":1:2: not JSON"), "{err}");
    assert_eq!(command(&["store/log", &edn, "--format", "json"]).0, Exit::Trace);
    assert_eq!(command(&["store/log", &edn, "--format", "xml"]).0, Exit::Usage);
    let wrong = kept("wrong.edn", &HISTORY.replace(":f :get, :key 0, :value \"x\"", ":f :get, :key 0, :value \"y\""));
    let (exit, out, _) = command(&["store/log", &wrong]);
    assert!(exit == Exit::Unexpected && out.contains("line 3, get key=0 result=y by 0: "), "{out}");
    let cut = kept("cut.edn", &HISTORY[..HISTORY.len() - 9]);
    let (exit, out, err) = command(&["store/log", &cut]);
    assert!(exit == Exit::Trace && out.is_empty() && err.contains("cut.edn:6: it is cut off"), "{err}");
}

fn limited() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = kept(folder.path(), &run(false));
    let name = file.display().to_string();
    let (exit, out, _) = command(&["store/log", &name, "--max-states", "3"]);
    assert!(exit == Exit::Incomplete && out.contains("more than 3 ways of explaining the log were followed"), "{out}");
    let (exit, out, _) = command(&["store/log", &name, "--max-time", "0"]);
    assert!(exit == Exit::Incomplete && out.contains("incomplete"), "{out}");
    let (exit, out, _) = command(&["store/log", &name, "--max-memory", "1"]);
    assert!(exit == Exit::Incomplete && out.contains("incomplete"), "{out}");
    // Whoever shows how far it is can count.
    let options = Options::default();
    let judged = store().judge(&run(false), &options);
    assert_eq!(judged.judgement.conformance.agreement, Agreement::Conforms);
    assert_eq!(options.explained.load(Ordering::Relaxed), 40);
    let options = Options::default();
    let judged = store().judge(&run(true), &options);
    let explained = options.explained.load(Ordering::Relaxed);
    assert!(judged.judgement.unexplained.is_some() && explained > 5 && explained < 40, "{explained}");
}

fn unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = run(false).events().to_vec();
    let begin = log.iter().filter_map(|recorded| recorded.end).max().expect("some ended") + 1;
    log.push(Recorded { begin, end: Some(begin + 1), event: Event::new("client 0", "increment").with("key", 0) });
    let file = kept(folder.path(), &Log::new(log).expect("a log"));
    let (exit, out, _) = command(&["store/log", &file.display().to_string()]);
    assert!(exit == Exit::Unexpected && out.contains("line 41, increment key=0 by client 0: no behaviour"), "{out}");
}
