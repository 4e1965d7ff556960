//! Child processes end with whoever started them. A child holds a named pipe open, and its end of file is its end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use counterpart::conform::process::{LINES_KEPT, Process, ProcessError, Program};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("process::it_ends_with_its_guard_and_so_does_its_group", dropped),
        claim("process::it_ends_with_a_thread_that_panics", panics),
        claim(KILLED, killed),
        claim(FORGOTTEN, forgotten),
        claim("process::what_cannot_be_started_is_named", cannot_start),
        claim("process::one_that_ends_by_itself_says_how_and_its_last_words", ended_early),
        claim("process::one_that_is_not_ready_in_time_is_told_from_one_that_ended", not_ready),
        claim("process::it_never_waits_for_its_output_to_be_read", chatty),
    ]
}

const WITHIN: Duration = Duration::from_secs(120);

/// A named pipe in a folder of its own.
struct Pipe(TempDir);

impl Pipe {
    fn new() -> Self {
        let pipe = Pipe(tempfile::tempdir().expect("a folder for temporary files"));
        let made = Command::new("mkfifo").arg(pipe.path()).status().expect("mkfifo runs");
        assert!(made.success());
        pipe
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("pipe")
    }

    /// For reading, while somebody holds it open for writing: nobody needs to be waited for.
    fn open(&self) -> File {
        File::open(self.path()).expect("it is there")
    }
}

/// Waits until nobody holds the pipe open for writing.
fn is_let_go(mut pipe: File) {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(pipe.read_to_end(&mut Vec::new()).expect("it can be read")));
    assert_eq!(receiver.recv_timeout(WITHIN), Ok(0), "somebody still holds the pipe");
}

/// A program that never ends, and one more in its group that holds the pipe: it reads what nobody but itself could write.
fn lives(pipe: &Path) -> Process {
    let script = "(exec 9<>\"$0\"; echo up; exec cat <&9) & wait";
    let mut process = Program::new("sh").args(["-c", script]).arg(pipe).start().expect("there is a shell");
    process.wait_for(|line| line == "up", WITHIN).expect("it comes up");
    process.running().expect("it runs");
    process
}

fn dropped() {
    let pipe = Pipe::new();
    let process = lives(&pipe.path());
    let held = pipe.open();
    process.end();
    is_let_go(held);
}

fn panics() {
    let pipe = Pipe::new();
    let process = lives(&pipe.path());
    let held = pipe.open();
    let thread = std::thread::spawn(move || {
        let _process = process;
        panic!("the test fails here");
    });
    assert!(thread.join().is_err());
    is_let_go(held);
}

const KILLED: &str = "process::it_ends_with_this_process_though_that_is_killed";
const FORGOTTEN: &str = "process::one_that_is_forgotten_ends_with_this_process";
/// Set in a second process of this binary: the pipe of its child.
const PIPE: &str = "HARNESS_PIPE";

/// This binary once more, in the trial `name`, once its child is up.
fn parent(name: &str, pipe: &Pipe) -> std::process::Child {
    let this = std::env::current_exe().expect("a test has a binary");
    let mut parent = Command::new(this);
    parent.args(["--exact", name, "--nocapture"]).env(PIPE, pipe.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parent = parent.spawn().expect("the binary runs");
    let said = BufReader::new(parent.stdout.take().expect("piped")).lines();
    assert!(said.map_while(Result::ok).any(|line| line.contains("the child is up")), "{name}: no child came up");
    parent
}

/// In the second process: its child, forgotten, and a wait for the first process to say that it may end.
fn as_parent() -> bool {
    let Some(pipe) = std::env::var_os(PIPE) else { return false };
    std::mem::forget(lives(Path::new(&pipe)));
    println!("\nthe child is up");
    let read = std::io::stdin().read_line(&mut String::new());
    std::process::exit(i32::from(read.is_err()));
}

fn killed() {
    if as_parent() {
        return;
    }
    let pipe = Pipe::new();
    let mut parent = parent(KILLED, &pipe);
    let held = pipe.open();
    parent.kill().expect("it can be killed");
    let status = parent.wait().expect("it ends");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    is_let_go(held);
}

fn forgotten() {
    if as_parent() {
        return;
    }
    let pipe = Pipe::new();
    let mut parent = parent(FORGOTTEN, &pipe);
    let held = pipe.open();
    drop(parent.stdin.take());
    assert!(parent.wait().expect("it ends").success());
    is_let_go(held);
}

fn cannot_start() {
    for program in ["no-such-program-anywhere", "./no/such/program"] {
        let error = Program::new(program).start().expect_err("there is none");
        assert!(matches!(&error, ProcessError::CannotStart { program: named, .. } if named == program), "{error}");
        assert!(error.to_string().contains("install it, or give its path"), "{error}");
    }
}

fn ended_early() {
    let mut process =
        Program::new("sh").args(["-c", "seq 1 30; echo no port is free >&2; exit 3"]).start().expect("sh");
    let error = process.wait_for(|line| line == "ready", WITHIN).expect_err("it ends");
    let ProcessError::EndedEarly { status, lines, .. } = &error else { panic!("{error}") };
    assert_eq!((status.code(), lines.len()), (Some(3), LINES_KEPT + 1));
    assert_eq!(lines.last().map(String::as_str), Some("no port is free"), "{error}");
    assert!(error.to_string().starts_with("sh ended early, exit status: 3; it said last:\n"), "{error}");
    assert!(matches!(process.running(), Err(ProcessError::EndedEarly { .. })));
}

fn not_ready() {
    let pipe = Pipe::new();
    let mut process = lives(&pipe.path());
    let error = process.wait_for(|line| line == "ready", Duration::ZERO).expect_err("it says nothing more");
    assert!(matches!(&error, ProcessError::NotReady { lines, .. } if *lines == ["up"]), "{error}");
    process.running().expect("it runs");
}

fn chatty() {
    let script = "seq 1 100000; seq 1 100000 >&2; echo ready; exec tail -f /dev/null";
    let mut process = Program::new("sh").args(["-c", script]).start().expect("there is a shell");
    assert_eq!(process.wait_for(|line| line == "ready", WITHIN).expect("it is"), "ready");
}
