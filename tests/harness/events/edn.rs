//! Histories in EDN: what is read, and what is told of those that are none.

use counterpart::conform::events::{Log, LogError};
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("events::a_history_in_edn_is_a_log", read),
        claim("events::a_key_value_log_of_porcupines_is_a_log", key_values),
        claim("events::a_history_in_edn_that_makes_no_sense_is_told_with_its_line", hostile),
        claim("events::cut_or_altered_anywhere_a_history_in_edn_is_read_or_refused", cut_anywhere),
    ]
}

const HISTORY: &str = "\
; two clients and a nemesis
{:process 0, :type :invoke, :f :put, :key \"a\", :value \"x\\ny\"}
#jepsen.history.Op{:index 1, :time 17, :process 1, :type :invoke, :f :read, :value nil}
{:process :nemesis, :type :info, :f :start, :value #{1 2}}
{:process 0, :type :ok, :f :put, :key \"a\", :value \"x\\ny\"}
{:process 1, :type :ok, :f :read, :value [3 4.5 -7N :up (nil true)], :error {:a \\newline}}
{:process 0, :type :invoke, :f :cas, :value [1 2]}
{:process 0, :type :fail, :f :cas, :value [1 2]}
{:process 1, :type :invoke, :f :write, :value 9}
{:process 1, :type :info, :f :write, :value 9 #_ :left-out #inst \"2020\" nil}
";

fn told(text: &str) -> Result<Vec<String>, LogError> {
    let log = Log::parse_edn("history".as_ref(), text.as_bytes())?;
    let told = log.events().iter().map(|recorded| {
        let end = recorded.end.map(|end| end.to_string()).unwrap_or_default();
        format!("{}..{end} {}: {}", recorded.begin, recorded.event.actor, recorded.event)
    });
    Ok(told.collect())
}

fn read() {
    let wanted =
        ["1..4 0: put key=a value=x\ny", "2..5 1: read result=[3,4.5,-7,\"up\",[null,true]]", "8.. 1: write value=9"];
    assert_eq!(told(HISTORY).expect("a history"), wanted);
    assert_eq!(told(&format!("[{HISTORY}]")).expect("a history"), wanted);
    let lines = "INFO  jepsen.core - Worker 0 starting\nINFO  jepsen.util - 0\t:invoke\t:write\t3\n\
                 INFO  jepsen.util - 1\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:info\t:write\t:timed-out\n\
                 INFO  jepsen.util - 1\t:ok\t:read\t3\n";
    assert_eq!(told(lines).expect("a history"), ["1.. 0: write value=3", "2..4 1: read result=3"]);
    assert!(told("").expect("a history").is_empty());
}

fn key_values() {
    let history = "\
{:process 4, :type :invoke, :f :append, :key \"7\", :value \"a \\\"b\"}
{:process 2, :type :invoke, :f :get, :key \"7\", :value nil}
{:process 4, :type :ok, :f :append, :key \"7\", :value \"a \\\"b\"}
{:process 2, :type :ok, :f :get, :key \"7\", :value \"\"}
{:process 4, :type :invoke, :f :put, :key \"8\", :value \"\"}
{:process 2, :type :invoke, :f :get, :key \"8\", :value nil}
";
    let wanted = [
        "1..3 4: append key=7 value=a \"b",
        "2..4 2: get key=7 result=",
        "5.. 4: put key=8 value=",
        "6.. 2: get key=8",
    ];
    assert_eq!(told(history).expect("a history"), wanted);
}

fn hostile() {
    let begun = "{:process 0, :type :invoke, :f :put, :value 1}\n";
    for (text, said) in [
        (
            "{:process 0, :type :invoke, :f :get}",
            "process 0 begins another operation, and the one of line 1 has not ended",
        ),
        ("{:process 1, :type :ok, :f :put}", "an operation of process 1 ends, and none of it has begun"),
        ("{:process 0, :type :ok, :f :get}", "get of process 0 ends, and what it began on line 1 is put"),
        ("{:process 1, :type :info, :f :put}", "an operation of process 1 ends, and none of it has begun"),
        (
            "{:process 1, :type :invoke, :f :get, :index 7} {:process 1, :type :ok, :f :get, :index 6}",
            "its :index is 6, and that of line 2 is 7: they only go up",
        ),
        ("{:process 0, :type :done, :f :put}", "the :type done is unknown: it is invoke, ok, fail or info"),
        ("{:process 0, :f :put}", "the operation has no :type"),
        ("{:process [0], :type :ok, :f :put}", ":process is neither a word nor a number"),
        ("{:process 0, :type :ok, :type :fail, :f :put}", ":type is there twice"),
        ("{:process 0, :type :ok, :f :put, :value \"x", "it is cut off; whoever wrote it was stopped"),
        ("{:process 0, :type :ok, :f", "it is cut off; whoever wrote it was stopped"),
        ("[{:process 0, :type :ok, :f :put}", "it is cut off: a list is not closed"),
        ("INFO  jepsen.util - 0\t:ok", "it is cut off; whoever wrote it was stopped"),
        ("{:process 0}}", "the operation has no :type"),
        ("}", "'}' begins no operation"),
        ("#{1}", "[1] is no operation: a map was expected"),
        ("{:process \"\\q\"}", "\\q stands for nothing"),
    ] {
        let error = told(&format!("{begun}{text}")).expect_err(text);
        assert_eq!(error.to_string(), format!("history:2: {said}"), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(told(&format!("{{:value {deep}")).expect_err("deep").to_string().contains("nested more than"));
    assert!(Log::parse_edn("history".as_ref(), b"\xff").is_err());
}

fn cut_anywhere() {
    for length in 0..HISTORY.len() {
        let _ = told(&HISTORY[..length]);
        for byte in ['{', '}', '"', '#', '\\', ':', ']'] {
            let mut altered = HISTORY.to_string();
            altered.replace_range(length..=length, &byte.to_string());
            let _ = told(&altered);
        }
    }
}
