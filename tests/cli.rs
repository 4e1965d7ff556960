//! The command line's contract: exit codes and their order, bad input, the streams, signals, colours, the log; in
//! [`json`] the documents.
//!
//! Most of it in process, over small catalogues; what only a process has (signals, pipes, colours) on the real binary.

mod json;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Trial;
use serde_json::json;
use tempfile::TempDir;

use crate::claim;
use crate::toy::{self, Ran};

/// Quick, small, and violated as expected.
const SMALL: &str = "circuit_breaker/trips_below_minimum";
/// Explored for seconds.
const LARGE: &str = "circuit_breaker/breaker_window_8_slow_and_skewed";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("cli::every_exit_code_is_tried", every_exit_code_is_tried),
        claim("cli::a_signal_ends_the_binary_with_130", a_signal_ends_the_binary_with_130),
        claim("cli::text_is_on_stdout_and_all_else_on_stderr", text_is_on_stdout_and_all_else_on_stderr),
        claim("cli::times_are_told_when_asked_for_each_case_once_and_beside_the_data", times),
        claim("cli::colours_are_for_those_who_want_them", colours_are_for_those_who_want_them),
        claim("cli::traces_that_cannot_be_written_are_named_each_once_and_not_counted", traces_that_cannot_be_written),
        claim("cli::an_interrupted_run_gives_what_is_known", what_is_known),
        claim("cli::a_trace_is_found_from_any_folder_of_the_workspace", from_any_folder),
        claim("cli::what_is_too_large_or_no_document_is_not_read_to_its_end", too_large),
        claim("cli::a_reader_who_has_seen_enough_is_no_error", a_reader_who_has_seen_enough_is_no_error),
        claim("cli::the_log_is_asked_for_and_on_stderr", the_log_is_asked_for_and_on_stderr),
        claim("cli::loom_s_environment_does_not_weaken_a_check", loom_s_environment_does_not_weaken_a_check),
    ];
    #[cfg(target_os = "linux")]
    trials.extend([
        claim("cli::a_dumb_terminal_gets_no_escape_codes", a_dumb_terminal_gets_no_escape_codes),
        claim("cli::data_that_cannot_be_written_are_no_pass", data_that_cannot_be_written_are_no_pass),
    ]);
    trials.extend(json::trials());
    for ending in ENDINGS {
        trials.push(claim(format!("cli::{}", ending.0), || drop(check_ending(ending))));
    }
    for ending in BAD_INPUT {
        trials.push(claim(format!("cli::{}", ending.0), || check_bad_input(ending)));
    }
    trials
}

/// A claim; the toys of the catalogue; what is typed; the exit code; parts of what is said.
///
/// `@dir`, `@file` and `@kept` stand for an empty folder, a file that is no trace, and the traces of `surprise` and
/// `over`.
type Ending = (&'static str, &'static str, &'static str, u8, &'static [&'static str]);

#[rustfmt::skip]
const ENDINGS: &[Ending] = &[
    ("as_expected_is_0", "sound over", "check", 0, &["2 cases", "all as expected"]),
    ("a_replay_as_expected_is_0", "over", "replay @kept/toy/over--stays-below-four.json", 0, &["4 steps followed"]),
    ("a_verdict_that_differs_is_1", "sound surprise", "check", 1, &["violated, holds expected", "NOT as expected"]),
    ("a_replay_of_what_nobody_expects_is_1", "surprise", "replay @kept/toy/surprise--stays-below-four.json", 1,
        &["4 steps followed; at the end \"stays below four\" is not satisfied"]),
    ("usage_is_2", "sound", "check --no-such-flag", 2, &["--no-such-flag"]),
    ("a_folder_that_cannot_be_made_is_named", "over", "check --traces @file/below", 2,
        &["@file/below/toy/over--stays-below-four.json", "Not a directory", "--traces"]),
    ("a_limit_of_states_is_3", "sound", "check --max-states 2", 3,
        &["the limit of 2 states was reached", "not exhausted", "incomplete, holds expected"]),
    ("a_limit_of_steps_is_3", "sound", "check --max-depth 1", 3, &["the limit of 1 steps was reached"]),
    ("a_limit_of_time_is_3", "sound", "check --max-time 0", 3, &["the time limit of 0 s was reached"]),
    ("a_limit_of_memory_is_3", "sound", "check --max-memory 1", 3, &["the memory limit of 1 MiB was reached"]),
    ("a_name_of_no_case_is_4", "over sound", "check toy/sond", 4, &["\"toy/sond\"", "did you mean \"toy/sound\"?"]),
    ("one_pattern_of_several_that_is_of_no_case_is_4", "sound", "list toy/* flp/*", 4, &["\"flp/*\""]),
    ("an_unreadable_trace_is_5", "sound", "replay @file", 5, &["@file:1:2: not a complete JSON document"]),
    ("engines_that_disagree_are_70", "weak", "check", 70,
        &["the engines disagree: 4 states here, 1 by stateright", "the model's Hash"]),
    ("a_model_that_panics_is_70", "broken", "check", 70, &["this is a defect", "the toy breaks"]),
    ("interrupted_is_130", "impatient sound", "check --threads 1", 130, &["interrupted", "is not known"]),
    ("70_comes_before_1_and_3", "surprise cut weak", "check", 70, &["3 cases", ", holds expected"]),
    ("130_comes_before_1", "surprise impatient", "check --threads 1", 130, &["violated, holds expected"]),
    ("2_comes_before_4", "sound", "check toy/sond [", 2, &["\"[\" is not a pattern"]),
    ("2_comes_before_1", "surprise", "check --traces @file", 2, &["@file/toy/surprise--stays-below-four.json"]),
    ("5_comes_before_4", "sound", "replay @kept/toy/over--stays-below-four.json", 5,
        &["@kept/toy/over--stays-below-four.json", "\"toy/over\", which is not in this catalogue"]),
    ("1_comes_before_3", "cut surprise", "check", 1, &["incomplete, holds expected"]),
    ("70_comes_before_2", "weak over", "check --traces @file", 70, &["could not be kept", "the engines disagree"]),
    ("130_comes_before_2", "impatient", "check --traces @file", 130, &["could not be kept"]),
    ("70_comes_before_130", "weak impatient", "check --threads 1", 70, &["the engines disagree", "interrupted"]),
    ("a_run_of_nothing_is_3", "large", "check", 3, &["add --large", "0 cases", "nothing was run"]),
    ("a_model_that_panics_is_named", "sound broken", "check --json", 70, &["toy/broken: this is a defect", "the toy breaks"]),
    ("the_hint_names_the_folder_of_the_traces", "over", "check --traces @dir", 0,
        &["trace show @dir/toy/over--stays-below-four.json"]),
    ("an_interrupted_case_does_not_count_as_run", "impatient", "check", 130, &["0 of 1 cases were run to their end"]),
    ("a_pattern_of_protocols_stands_for_their_cases", "sound over", "list to*", 0, &["toy/sound", "toy/over"]),
    ("a_misspelt_protocol_is_told_the_nearest_protocol", "sound", "check tyo", 4, &["did you mean \"toy\"?"]),
    ("what_failed_is_named_at_the_end", "sound surprise cut", "check", 1,
        &["not as expected: toy/surprise: \"stays below four\" violated", "not as expected: toy/cut: "]),
    ("the_hint_names_what_is_not_expected", "over surprise", "check --traces @dir", 1,
        &["2 traces are kept", "trace show @dir/toy/surprise--stays-below-four.json"]),
    ("a_model_that_panics_is_told_with_its_state_and_how_it_is_come_by", "broken", "check", 70,
        &["toy/broken", "the model panics in next_state of Add, in state At { value: 1", "reached by Add", "the toy breaks"]),
    ("a_case_that_panics_is_not_finished", "sound broken", "check", 70, &["not finished: toy/broken", "NOT as expected"]),
];

/// Each ends with an error that names what is wrong, and says nothing on stdout.
#[rustfmt::skip]
const BAD_INPUT: &[Ending] = &[
    ("no_command_is_refused", "sound", "", 2, &["Usage", "check", "replay"]),
    ("an_unknown_command_is_refused", "sound", "chekc", 2, &["'chekc'", "'check'"]),
    ("no_threads_are_refused", "sound", "check --threads 0", 2, &["'0'", "--threads"]),
    ("a_pattern_without_an_end_is_refused", "sound", "check [", 2, &["\"[\" is not a pattern", "unclosed"]),
    ("a_pattern_without_an_end_is_refused_by_list", "sound", "list {a", 2, &["\"{a\" is not a pattern", "unclosed"]),
    ("a_limit_that_is_no_number_is_refused", "sound", "check --max-states x", 2, &["'x'", "--max-states"]),
    ("no_states_are_refused", "sound", "check --max-states 0", 2, &["'0'", "--max-states"]),
    ("too_many_threads_are_refused_by_the_options_name", "sound", "check --threads 99999999", 2, &["'99999999'", "--threads"]),
    ("a_seed_that_is_no_number_is_refused", "sound", "check --seed=-1", 2, &["'-1'", "--seed"]),
    ("a_trace_that_is_not_there_is_named", "sound", "replay @dir/none.json", 5, &["@dir/none.json", "No such file"]),
    ("a_trace_that_is_a_folder_is_named", "sound", "trace show @dir", 5, &["@dir", "Is a directory"]),
    ("a_replay_of_a_folder_is_named", "sound", "replay @dir", 5, &["@dir", "Is a directory"]),
    ("a_replay_of_nothing_is_refused", "sound", "replay", 2, &["required arguments", "<FILE>"]),
];

fn check_bad_input(ending: &Ending) {
    let ran = check_ending(ending);
    assert_eq!(ran.out, "", "there is no data to give");
}

fn check_ending((_, names, typed, exit, says): &Ending) -> Ran {
    // An interrupt ends what runs beside it wherever that happens to be.
    let races = names.contains("impatient") && names.contains(' ') && !typed.contains("--threads 1");
    assert!(!races, "`{typed}` over {names} ends as threads happen to be scheduled");
    let place = Place::new();
    if typed.contains("@kept") {
        toy::run("surprise over", &["check", "--traces", &place.path("kept")]);
    }
    let typed = place.named(typed);
    let traces = place.path("traces");
    let mut arguments: Vec<&str> = typed.split_whitespace().collect();
    if arguments.first() == Some(&"check") && !arguments.contains(&"--traces") {
        arguments.extend(["--traces", &traces]);
    }
    let ran = toy::run(names, &arguments);
    let said = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.exit, *exit, "`{typed}` said:\n{said}");
    for part in *says {
        let part = place.named(part);
        assert!(said.contains(&part), "`{typed}` does not say {part:?} but:\n{said}");
    }
    ran
}

fn every_exit_code_is_tried() {
    let tried: BTreeSet<u8> = ENDINGS.iter().map(|(_, _, _, exit, _)| *exit).collect();
    assert_eq!(tried, BTreeSet::from([0, 1, 2, 3, 4, 5, 70, 130]));
}

fn a_signal_ends_the_binary_with_130() {
    let place = Place::new();
    let mut child = binary(&["check", "--large", "--json", "-vvv", "--traces", &place.path("traces"), LARGE])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    let exploring = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("level done")));
    assert!(exploring.is_some(), "it says when a level is explored, or there is nothing to interrupt");
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().expect("`sh` can be run");
    assert!(sent.success(), "the signal is sent");
    let rest: Vec<String> = lines.map(|line| line.expect("stderr is text")).collect();
    let mut data = String::new();
    child.stdout.take().expect("stdout is piped").read_to_string(&mut data).expect("stdout is text");
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(130), "{rest:?}");
    assert!(rest.last().is_some_and(|line| line.starts_with("interrupted: ")), "{rest:?}");
    let document: serde_json::Value = serde_json::from_str(&data).expect("a document is whole");
    assert_eq!((&document["as_expected"], &document["unfinished"]), (&json!(false), &json!([LARGE])));
}

fn traces_that_cannot_be_written() {
    let place = Place::new();
    // One of the two can be written.
    let traces = place.path("traces");
    let refused = place.path("traces/toy/over--stays-below-four.json");
    fs::create_dir_all(&refused).expect("a folder can be made where the file would be");
    let ran = toy::run("over surprise", &["check", "--traces", &traces]);
    assert_eq!(ran.exit, 2, "{}", ran.err);
    assert!(ran.out.contains("1 trace is kept"), "{}", ran.out);
    assert!(ran.out.contains("trace show") && ran.out.contains("surprise--"), "{}", ran.out);
    assert_eq!(ran.err.matches(&refused).count(), 1, "{}", ran.err);
    let document = toy::run("over", &["check", "--json", "--traces", &traces]);
    let document: serde_json::Value = serde_json::from_str(&document.out).expect("a document");
    assert_eq!(document["cases"][0]["properties"][0].get("trace"), None, "no file is named that is not there");
    let nothing = toy::run("over", &["check", "--traces", &place.path("file")]);
    assert!(!nothing.out.contains("kept") && nothing.exit == 2, "{}{}", nothing.out, nothing.err);
}

fn what_is_known() {
    let place = Place::new();
    let ran = toy::run("sound impatient", &["check", "--json", "--threads", "1", "--traces", &place.path("traces")]);
    assert_eq!(ran.exit, 130);
    let document: serde_json::Value = serde_json::from_str(&ran.out).expect("a whole document");
    assert_eq!(document["cases"][0]["case"], json!("toy/sound"));
    assert_eq!((&document["as_expected"], &document["unfinished"]), (&json!(false), &json!(["toy/impatient"])));
}

fn from_any_folder() {
    let root = crate::root();
    let file = "traces/circuit_breaker/trusts_late_results--only-results-of-the-current-generation-move-it.json";
    for folder in [root.clone(), root.join("models"), root.join("tests/snapshots")] {
        for arguments in [&["trace", "show", file][..], &["replay", file]] {
            let output = binary(arguments).current_dir(&folder).output().expect("the binary runs");
            assert!(output.status.success(), "{arguments:?} in {}: {output:?}", folder.display());
        }
    }
    // What is not there is named as it was typed.
    let output = binary(&["trace", "show", "traces/none.json"]).current_dir(root.join("models")).output();
    let said = String::from_utf8(output.expect("the binary runs").stderr).expect("stderr is text");
    assert!(said.contains("error: traces/none.json: "), "{said}");
}

fn too_large() {
    let place = Place::new();
    let file = fs::File::create(place.path("sparse")).expect("a file can be made");
    file.set_len(3 << 30).expect("a file may have holes");
    let ran = toy::run("sound", &["trace", "show", &place.path("sparse")]);
    assert!(ran.exit == 5 && ran.err.contains("3221225472 bytes"), "{}", ran.err);
    // Of what does not begin as a document only the beginning is read.
    file.set_len(200 << 20).expect("a file may have holes");
    let ran = toy::run("sound", &["trace", "show", &place.path("sparse")]);
    assert!(ran.exit == 5 && ran.err.contains(":1:1: not a complete JSON document"), "{}", ran.err);
}

fn text_is_on_stdout_and_all_else_on_stderr() {
    let place = Place::new();
    let Ran { out, err, .. } =
        toy::run("over", &["check", "--seed", "7", "--threads", "1", "--traces", &place.path("traces")]);
    assert!(out.contains("toy/over") && out.contains("all as expected"), "{out}");
    let (given, took) = err.split_once("\n").expect("lines");
    assert_eq!(given, "seed 7, 1 threads", "what a run was given is printed, beside the data");
    assert!(took.starts_with("took ") && took.ends_with(" s\n"), "{err}");
    let Ran { out, err, .. } = toy::run("over", &["list"]);
    assert!(out.contains("toy/over") && err.is_empty(), "{out}{err}");
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"]] {
        let Ran { exit, out, err } = toy::run("over", arguments);
        assert!(exit == 0 && !out.is_empty() && err.is_empty(), "{arguments:?} asks for text: {out}{err}");
    }
}

fn times() {
    let place = Place::new();
    let arguments = ["check", "--threads", "1", "--traces", &place.path("traces"), "circuit_breaker/storm_*"];
    let ran = |more: &[&str]| binary(&arguments).args(more).output().expect("the binary runs");
    let (plain, timed) = (ran(&[]), ran(&["--timings"]));
    assert_eq!(plain.stdout, timed.stdout, "a run's data does not depend on the clock");
    let said = String::from_utf8_lossy(&timed.stderr);
    let lines: Vec<(&str, &str)> = said.lines().filter_map(|line| line.trim_start().split_once(" s  ")).collect();
    let seconds: Vec<f64> = lines.iter().map(|(took, _)| took.parse().expect("seconds")).collect();
    assert!(seconds.is_sorted_by(|left, right| left >= right), "the slowest first: {said}");
    let mut named: Vec<&str> = lines.iter().map(|(_, name)| *name).collect();
    named.sort_unstable();
    let of_catalogue = counterpart_models::catalogue().into_iter().filter(|case| !case.is_large());
    let names: Vec<String> = of_catalogue.map(|case| case.name().to_string()).collect();
    let mut asked: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| name.starts_with("circuit_breaker/storm_")).collect();
    asked.sort_unstable();
    assert_eq!(named, asked);
}

fn colours_are_for_those_who_want_them() {
    let place = Place::new();
    let file = place.path("file");
    let commands =
        [&["list"][..], &["check", "--traces", &place.path("traces"), SMALL, "-v"], &["replay", &file, "--x"]];
    for (variables, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        for arguments in &commands {
            let Output { stdout, stderr, .. } =
                binary(arguments).envs(variables.iter().copied()).output().expect("the binary runs");
            let said = [stdout, stderr].concat();
            assert!(!said.is_empty(), "{arguments:?}");
            assert_eq!(said.contains(&ESCAPE), coloured, "{arguments:?} with {variables:?}: {}", said.escape_ascii());
        }
    }
}

/// On a terminal of its own, made by `script` of util-linux.
#[cfg(target_os = "linux")]
fn a_dumb_terminal_gets_no_escape_codes() {
    let place = Place::new();
    let line = format!("'{}' check --traces '{}' {SMALL}", env!("CARGO_BIN_EXE_counterpart"), place.path("traces"));
    for (terminal, coloured) in [("xterm", true), ("dumb", false)] {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
        let output = plain(&mut script).env("TERM", terminal).output().expect("`script` of util-linux can be run");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout.contains(&ESCAPE), coloured, "{terminal}: {}", output.stdout.escape_ascii());
    }
}

fn a_reader_who_has_seen_enough_is_no_error() {
    let place = Place::new();
    let check = ["check", "--traces", &place.path("traces"), SMALL];
    for arguments in [&["list"][..], &["list", "--json"], &["--help"], &check] {
        let output = binary(arguments).stdout(unread()).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked") && !said.contains("error"), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    }
    // The code tells how it ended, also to those who do not read.
    let limited = ["check", "--max-states", "2", "--traces", &place.path("traces"), SMALL];
    let output = binary(&limited).stdout(unread()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3));
    let output = binary(&check).stderr(unread()).output().expect("the binary runs");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 case,"), "{output:?}");
}

/// The end of a pipe whose reader was gone before the first line, so that no write can be early enough.
fn unread() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    writer
}

#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_are_no_pass() {
    let place = Place::new();
    for arguments in
        [&["list"][..], &["list", "--json"], &["check", "--json", "--traces", &place.path("traces"), SMALL]]
    {
        let full = fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
        let output = binary(arguments).stdout(full).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("error: No space left on device"), "{arguments:?}: {said}");
    }
}

fn the_log_is_asked_for_and_on_stderr() {
    let place = Place::new();
    let run = |flags: &[&str], rust_log: Option<&str>| {
        let mut command = binary(&["check", "--json", "--traces", &place.path("traces"), SMALL]);
        let output = command.args(flags).envs(rust_log.map(|log| ("RUST_LOG", log))).output().expect("the binary runs");
        assert!(output.status.success(), "{flags:?}, {rust_log:?}: {output:?}");
        (output.stdout, String::from_utf8(output.stderr).expect("stderr is UTF-8"))
    };
    let (data, silent) = run(&[], None);
    assert!(!silent.contains(SMALL), "{silent}");
    // A span with its case; an event of a case, of an exploration, of a level.
    let levels = ["INFO case{name=circuit_breaker/trips_below_minimum}", "explored states=1956", "level done"];
    for (flags, rust_log, shown) in [
        (&["-v"][..], None, 1),
        (&["-vv"], None, 2),
        (&["-vvv"], None, 3),
        (&["--verbose"], None, 1),
        (&[], Some("counterpart=info"), 1),
        (&[], Some("counterpart=trace"), 3),
        (&["-v"], Some("counterpart=debug"), 2),
        (&["-vvv"], Some("off"), 0),
        // An invalid filter is set aside, and an empty one is none.
        (&["-v"], Some("counterpart=no such level,=,!"), 1),
        (&["-v"], Some(""), 1),
    ] {
        let (data_again, log) = run(flags, rust_log);
        assert_eq!(data_again, data, "the log changes no data");
        assert_eq!(log.contains("RUST_LOG is not a filter"), rust_log.is_some_and(|log| log.contains('!')), "{log}");
        for (level, mark) in levels.iter().enumerate() {
            assert_eq!(log.contains(mark), level < shown, "{flags:?}, {rust_log:?}, {mark:?}:\n{log}");
        }
    }
}

const ESCAPE: u8 = 0x1b;

/// A folder of a test's own, with an empty folder `dir` and a file `file` that is no trace.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().expect("a folder for temporary files"));
        fs::create_dir(place.path("dir")).expect("a folder can be made");
        fs::write(place.path("file"), "no trace").expect("a file can be written");
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path in UTF-8").to_string()
    }

    /// `line` with the paths that `@dir`, `@file` and `@kept` stand for.
    fn named(&self, line: &str) -> String {
        ["dir", "file", "kept"]
            .iter()
            .fold(line.to_string(), |line, name| line.replace(&format!("@{name}"), &self.path(name)))
    }
}

/// The real binary, with nothing of the environment that changes what it prints.
fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterpart"));
    command.args(arguments).stdin(Stdio::null());
    plain(&mut command);
    command
}

fn plain(command: &mut Command) -> &mut Command {
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_LOG", "CI"] {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm")
}

/// Another process, since loom reads its environment wherever it is asked.
fn loom_s_environment_does_not_weaken_a_check() {
    let case = "circuit_breaker/defects_between_threads";
    let check = |variables: &[(&str, &str)]| {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterpart"));
        command.args(["check", case, "--json", "--traces"]).arg(folder.path()).envs(variables.iter().copied());
        let output = command.output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let weakened = [
        ("LOOM_MAX_PREEMPTIONS", "0"),
        ("LOOM_MAX_PERMUTATIONS", "1"),
        ("LOOM_MAX_BRANCHES", "3"),
        ("LOOM_MAX_DURATION", "0"),
        ("LOOM_CHECKPOINT_INTERVAL", "1"),
    ];
    assert_eq!(check(&weakened), check(&[]));
}
