//! Child processes that end whatever happens to the thread that started them.
//!
//! A daemon that is run beside a model must not outlive its test. A guard that is dropped is not enough: a thread that
//! the harness gave up is left behind with its guard, and a test process that is killed drops nothing. So the program
//! is started by a shell, in a process group of its own, beside a *keeper*: a second shell that reads a pipe whose other
//! end only this process holds. The end of the pipe is the end of this process, or of the [`Process`], and the keeper
//! then kills the whole group.
//!
//! | what happens | what ends |
//! |---|---|
//! | [`Process`] is dropped, or its thread panics | the program, reaped before `drop` returns, and its group at once |
//! | the thread is left behind, the guard is forgotten | the same, when this process ends |
//! | this process exits, aborts or is killed by SIGKILL | the program and its group, at once |
//!
//! So on every Unix with a POSIX `sh`; the module is not there elsewhere. It needs no `unsafe` code (Linux's
//! `PR_SET_PDEATHSIG` would, and would follow the thread). It does not reach what leaves the process group: run a daemon
//! in the foreground.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What the shell does: the keeper is nobody's child in the group, holds none of the program's pipes, and the shell
/// becomes the program.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
( { read -r _ <&3; kill -s KILL 0; } >/dev/null 2>&1 & )
exec 3<&- "$@"
"#;

/// Time for the last words of a program that has ended to be read: something outside its group may hold its pipes.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

/// Lines that are kept of each of the two streams that a program writes to.
pub const LINES_KEPT: usize = 20;

/// Why a child process is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program, or the shell that starts it, could not be started.
    #[error("{program} cannot be started: {error}; install it, or give its path")]
    CannotStart {
        /// The program, as it was given.
        program: String,
        /// What the system says.
        error: io::Error,
    },
    /// The program ended by itself.
    #[error("{program} ended early, {status}; it said last:\n{}", lines.join("\n"))]
    EndedEarly {
        /// The program, as it was given.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it wrote, at most [`LINES_KEPT`] to each stream: those of stdout, then those of stderr.
        lines: Vec<String>,
    },
    /// The program did not write the line that was waited for.
    #[error("{program} is not ready after {} ms; it said last:\n{}", within.as_millis(), lines.join("\n"))]
    NotReady {
        /// The program, as it was given.
        program: String,
        /// How long was waited.
        within: Duration,
        /// The last lines that it wrote, at most [`LINES_KEPT`] to each stream: those of stdout, then those of stderr.
        lines: Vec<String>,
    },
}

/// A program to be started, with its arguments.
#[derive(Clone, Debug)]
pub struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
}

impl Program {
    /// A program by its path, or by its name in `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Program { program, arguments: Vec::new(), variables: Vec::new(), folder: None }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment, beside those that it inherits.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the folder that the program is started in. Default: this process's.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Starts it, with nothing to read. What it writes is read all the time, and its last lines are kept.
    ///
    /// # Errors
    /// [`ProcessError::CannotStart`], if there is no such program or no `sh`.
    pub fn start(&self) -> Result<Process, ProcessError> {
        let name = self.program.to_string_lossy().into_owned();
        let cannot = |error| ProcessError::CannotStart { program: name.clone(), error };
        self.find().map_err(cannot)?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg("sh").arg(&self.program).args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(cannot)?;
        let heard = Arc::new(Heard::default());
        // Two readers, one for each stream: the program never waits for somebody to read.
        heard.listen(0, child.stdout.take());
        heard.listen(1, child.stderr.take());
        Ok(Process { name, keeper: child.stdin.take(), child, heard })
    }

    /// Looks for the program as the shell will: an error before the shell is there tells more than its exit status.
    fn find(&self) -> io::Result<()> {
        let path = Path::new(&self.program);
        let folder = self.folder.clone().unwrap_or_default();
        if path.components().count() > 1 {
            return folder.join(path).metadata().map(drop);
        }
        let own = self.variables.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
        let folders = own.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        let found = std::env::split_paths(&folders).any(|folder| folder.join(path).is_file());
        found.then_some(()).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no folder of PATH holds it"))
    }
}

/// Lines that wait for [`Process::wait_for`] to look at them; older ones are given up.
const LINES_UNSEEN_MAX: usize = 1_000_000;

/// What a program has written.
#[derive(Debug, Default)]
struct Heard {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    /// The last ones of stdout and of stderr: apart, so that neither stream pushes out the last words of the other.
    lines: [VecDeque<String>; 2],
    /// Those that nobody has waited for yet.
    unseen: VecDeque<String>,
    /// Streams that have not ended.
    open: usize,
}

fn keep(lines: &mut VecDeque<String>, line: String, most: usize) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

impl Said {
    fn last(&self) -> Vec<String> {
        self.lines.iter().flatten().cloned().collect()
    }
}

impl Heard {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, which: usize, stream: Option<impl Read + Send + 'static>) {
        let Some(stream) = stream else { return };
        self.said().open += 1;
        let heard = self.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let mut said = heard.said();
                let text = String::from_utf8_lossy(&line).trim_end().to_string();
                keep(&mut said.lines[which], text.clone(), LINES_KEPT);
                keep(&mut said.unseen, text, LINES_UNSEEN_MAX);
                heard.changed.notify_all();
                line.clear();
            }
            heard.said().open -= 1;
            heard.changed.notify_all();
        });
    }
}

/// A child process that ends with its guard, and with this process at the latest.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// The end of this pipe is what the keeper waits for.
    keeper: Option<ChildStdin>,
    heard: Arc<Heard>,
}

impl Process {
    /// The program's number among the processes, which is its group's as well.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines that it wrote, at most [`LINES_KEPT`] to each stream: those of stdout, then those of stderr.
    pub fn lines(&self) -> Vec<String> {
        self.heard.said().last()
    }

    /// Waits until the program has written a line that `wanted` accepts, and returns that line. Lines written before
    /// the call are looked at too, but none up to the line returned last.
    ///
    /// # Errors
    /// [`ProcessError::EndedEarly`], or [`ProcessError::NotReady`] after `within`.
    pub fn wait_for(&mut self, wanted: impl Fn(&str) -> bool, within: Duration) -> Result<String, ProcessError> {
        let until = Instant::now() + within;
        let heard = self.heard.clone();
        let mut said = heard.said();
        loop {
            while let Some(line) = said.unseen.pop_front() {
                if wanted(&line) {
                    return Ok(line);
                }
            }
            if said.open == 0 {
                drop(said);
                return Err(self.ended_early());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let lines = said.last();
                return Err(ProcessError::NotReady { program: self.name.clone(), within, lines });
            }
            said = heard.changed.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Checks that the program is still running.
    ///
    /// # Errors
    /// [`ProcessError::EndedEarly`].
    pub fn running(&mut self) -> Result<(), ProcessError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(self.ended_early()),
        }
    }

    /// Ends the program and its group, and waits until the program is gone.
    pub fn end(self) {
        drop(self);
    }

    /// The error of a program that has closed what it writes to; it is ended if it has not, so that it has a status.
    fn ended_early(&mut self) -> ProcessError {
        let status = self.stop().unwrap_or_default();
        let said = self.heard.said();
        let waited = self.heard.changed.wait_timeout_while(said, LAST_WORDS_WITHIN, |said| said.open > 0);
        let said = waited.unwrap_or_else(PoisonError::into_inner).0;
        let lines = said.last();
        ProcessError::EndedEarly { program: self.name.clone(), status, lines }
    }

    /// Ends the group by way of the keeper, and the program itself in any case.
    fn stop(&mut self) -> io::Result<ExitStatus> {
        let ended = self.child.try_wait();
        drop(self.keeper.take());
        if let Ok(Some(status)) = ended {
            return Ok(status);
        }
        // Of one that has ended since there is nothing to kill.
        let _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to be done about a child that cannot be waited for.
        let _ = self.stop();
    }
}
