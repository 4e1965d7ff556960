//! The command line over a catalogue of cases: arguments, files, clock, progress, exit code.
//!
//! Data goes to stdout, all else to stderr. Everything below this floor is a function of its arguments; here are the
//! clock, the terminal and the signal.

mod arguments;
pub mod bench;
mod check;
mod checkpoints;
mod cluster;
mod explore;
mod log;
mod look;
mod new;
mod pages;
mod run;
mod traces;

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use globset::{GlobBuilder, GlobMatcher};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use self::arguments::{Arguments, Command, Limits, LogCommand};
use crate::check::{Case, Options, ReplayError, limited, named};
use crate::explore::{Budget, Interrupt, Stop};
use crate::report::{Outcome, Report, SCHEMA};
use crate::trace::Trace;
use crate::view;

/// Says something on stderr, beside the data. If nobody listens the command goes on.
macro_rules! say {
    ($host:expr, $($words:tt)*) => {{
        let _ = writeln!($host.err, $($words)*);
    }};
}
use say;

/// How a command ended. Where several apply, the first of 70, 130, 2, 5, 4, 1, 3, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything as expected.
    AsExpected = 0,
    /// A verdict differs from what is expected, or a replay does.
    Unexpected = 1,
    /// The arguments make no sense, or what they name cannot be written.
    Usage = 2,
    /// Something that was to be known is not known.
    Incomplete = 3,
    /// No case has such a name.
    NothingMatched = 4,
    /// A trace, or a checkpoint, is stale, foreign or unreadable.
    Trace = 5,
    /// A defect of this program, or two engines that disagree.
    Defect = 70,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The whole of a `main`: `counterpart::cli::main(my_cases())`.
pub fn main(cases: Vec<Case>) -> ExitCode {
    main_with(cases, &[])
}

/// The whole of a `main` that also has models for `bench` to measure.
pub fn main_with(cases: Vec<Case>, measured: &[bench::Subject]) -> ExitCode {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    // Where no handler can be set the signal ends the process as it always did.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    let mut host = Host {
        out: Box::new(anstream::stdout()),
        err: Box::new(anstream::stderr()),
        progress: io::stderr().is_terminal(),
        interrupted,
    };
    run_with(cases, measured, std::env::args_os(), &mut host).into()
}

/// What a command is run with.
pub struct Host {
    /// Where data goes.
    pub out: Box<dyn Write>,
    /// Where all else goes.
    pub err: Box<dyn Write>,
    /// Whether there is someone to show progress to.
    pub progress: bool,
    /// Set when the user wants the command to end.
    pub interrupted: Arc<AtomicBool>,
}

/// Runs one command. `arguments` begin with the program's name.
pub fn run(
    cases: Vec<Case>,
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    host: &mut Host,
) -> Exit {
    run_with(cases, &[], arguments, host)
}

fn run_with(
    cases: Vec<Case>,
    measured: &[bench::Subject],
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    host: &mut Host,
) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render().ansi().to_string();
            let (to, exit) =
                if error.use_stderr() { (&mut host.err, Exit::Usage) } else { (&mut host.out, Exit::AsExpected) };
            let _ = to.write_all(text.as_bytes());
            return exit;
        }
    };
    if let Err(error) = log_to_stderr(arguments.verbose) {
        let _ = writeln!(host.err, "warning: RUST_LOG is not a filter ({error}): -v decides");
    }
    match catch_unwind(AssertUnwindSafe(|| command(&cases, measured, arguments, host))) {
        Ok(Ok(exit)) => exit,
        // Whoever reads has seen enough.
        Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::AsExpected,
        Ok(Err(error)) => {
            say!(host, "error: {error}");
            Exit::Usage
        }
        Err(panic) => {
            let message = crate::explore::panic_message(&*panic);
            let _ = writeln!(
                host.err,
                "error: this is a defect, of a model in the catalogue or of counterpart: {message}\nPlease report it with \
                 the command that led here."
            );
            Exit::Defect
        }
    }
}

/// Spans and events of the harness, as `-v` and `RUST_LOG` ask.
fn log_to_stderr(verbose: u8) -> Result<(), String> {
    use tracing_subscriber::EnvFilter;
    let by_flag = || {
        EnvFilter::new(match verbose {
            0 => "counterpart=warn",
            1 => "counterpart=info",
            2 => "counterpart=debug",
            _ => "counterpart=trace",
        })
    };
    let asked = std::env::var("RUST_LOG").ok().filter(|filter| !filter.trim().is_empty());
    let (filter, outcome) = match asked.map(EnvFilter::try_new) {
        None => (by_flag(), Ok(())),
        Some(Ok(filter)) => (filter, Ok(())),
        Some(Err(error)) => (by_flag(), Err(error.to_string())),
    };
    // A second command in one process keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        .try_init();
    outcome
}

fn command(cases: &[Case], measured: &[bench::Subject], typed: Arguments, host: &mut Host) -> io::Result<Exit> {
    match typed.command {
        Command::List { globs, json } => list(cases, &globs, json, host),
        Command::Explore(arguments) => explore::run(cases, &arguments, host),
        Command::Bench(arguments) => bench::run(measured, &arguments, host),
        Command::Check(arguments) => check::run(cases, &arguments, typed.verbose > 0, host),
        Command::Trace(command) => look::run(cases, command, host),
        Command::Log(LogCommand::Check(arguments)) => log::check(cases, &arguments, host),
        Command::Replay { file, limits } => replay(cases, &file, &limits, host),
        Command::New(arguments) => new::run(&arguments, host),
    }
}

/// The cases that `globs` name, in the catalogue's order; all where there are none.
fn matching<'a>(cases: &'a [Case], globs: &[String], host: &mut Host) -> io::Result<Result<Vec<&'a Case>, Exit>> {
    let mut matchers: Vec<(&String, GlobMatcher)> = Vec::new();
    for glob in globs {
        match GlobBuilder::new(glob).literal_separator(true).build() {
            Ok(compiled) => matchers.push((glob, compiled.compile_matcher())),
            Err(error) => {
                say!(host, "error: {glob:?} is not a pattern: {}", error.kind());
                return Ok(Err(Exit::Usage));
            }
        }
    }
    // A pattern of protocols stands for all of their cases.
    let names = |(_, matcher): &(&String, GlobMatcher), case: &Case| {
        matcher.is_match(case.name()) || matcher.is_match(protocol_of(case))
    };
    for matcher in &matchers {
        if !cases.iter().any(|case| names(matcher, case)) {
            say!(host, "error: no case is called {:?}", matcher.0);
            if let Some(near) = nearest(cases, matcher.0) {
                say!(host, "did you mean {near:?}?");
            }
            say!(host, "`counterpart list` names them all");
            return Ok(Err(Exit::NothingMatched));
        }
    }
    let chosen = |case: &&Case| matchers.is_empty() || matchers.iter().any(|matcher| names(matcher, case));
    let chosen: Vec<&Case> = cases.iter().filter(chosen).collect();
    if chosen.is_empty() {
        say!(host, "error: the catalogue has no cases");
        return Ok(Err(Exit::NothingMatched));
    }
    Ok(Ok(chosen))
}

/// The case, or the protocol, whose name is most like `name`, if it is much like it. Without a slash it was a protocol
/// that was meant.
fn nearest<'a>(cases: &'a [Case], name: &str) -> Option<&'a str> {
    const ALIKE_MIN: f64 = 0.6;
    let of_protocols = cases.iter().map(protocol_of).filter(|_| !name.contains('/'));
    let of_cases = cases.iter().map(Case::name).filter(|_| name.contains('/'));
    of_protocols
        .chain(of_cases)
        .map(|other| (strsim::normalized_damerau_levenshtein(other, name), other))
        .filter(|(ratio, _)| *ratio >= ALIKE_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// The part of the case's name before the slash.
fn protocol_of(case: &Case) -> &str {
    case.name().split_once('/').map_or(case.name(), |(protocol, _)| protocol)
}

fn list(cases: &[Case], globs: &[String], as_json: bool, host: &mut Host) -> io::Result<Exit> {
    let chosen = match matching(cases, globs, host)? {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    let listings: Vec<_> = chosen.into_iter().map(Case::listing).collect();
    if as_json {
        let document = json!({"schema": SCHEMA, "cases": listings});
        writeln!(host.out, "{document:#}")?;
    } else {
        write!(host.out, "{}", view::list(&listings))?;
    }
    host.out.flush()?;
    Ok(Exit::AsExpected)
}

fn exit_of(report: &Report) -> Exit {
    match report.outcome() {
        Outcome::Broken => Exit::Defect,
        Outcome::Unexpected => Exit::Unexpected,
        Outcome::Incomplete => Exit::Incomplete,
        Outcome::AsExpected if report.cases.is_empty() => Exit::Incomplete,
        Outcome::AsExpected => Exit::AsExpected,
    }
}

/// The exit when data could not be written.
fn unwritten(given: io::Result<()>, host: &mut Host) -> io::Result<Option<Exit>> {
    match given {
        // Whoever reads has seen enough; how it ended is still told by the code.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            say!(host, "error: {error}");
            Ok(Some(Exit::Usage))
        }
        _ => Ok(None),
    }
}

/// The exit that counts where several apply.
fn worst(exits: &[Exit]) -> Exit {
    const ORDER: [Exit; 7] = [
        Exit::Defect,
        Exit::Interrupted,
        Exit::Usage,
        Exit::Trace,
        Exit::NothingMatched,
        Exit::Unexpected,
        Exit::Incomplete,
    ];
    ORDER.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::AsExpected)
}

/// Data on its way out. After the first error nothing more is given, and the error is kept.
struct Data<'a> {
    to: &'a mut Box<dyn Write>,
    outcome: io::Result<()>,
}

impl Data<'_> {
    fn give(&mut self, text: &str) {
        if self.outcome.is_ok() {
            self.outcome = self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush());
        }
    }
}

fn replay(cases: &[Case], file: &Path, limits: &Limits, host: &mut Host) -> io::Result<Exit> {
    let trace = match Trace::read(&named(file)) {
        Ok(trace) => trace,
        Err(error) => {
            say!(host, "error: {error}");
            return Ok(Exit::Trace);
        }
    };
    let Some(case) = cases.iter().find(|case| case.name() == trace.case) else {
        say!(
            host,
            "error: {}: it is of {:?}, which is not in this catalogue; a test's trace is replayed by \
             COUNTERPART_REPLAY={} cargo test",
            file.display(),
            trace.case,
            file.display()
        );
        return Ok(Exit::Trace);
    };
    match case.replay(&trace, &options(limits, false, &host.interrupted)) {
        Ok(replayed) => {
            write!(host.out, "{}", view::trace(&trace))?;
            writeln!(host.out, "\n{}", replayed.summary())?;
            host.out.flush()?;
            Ok(if replayed.as_expected { Exit::AsExpected } else { Exit::Unexpected })
        }
        Err(error @ (ReplayError::Stale { .. } | ReplayError::Cannot(_))) => {
            say!(host, "error: {}: {error}", file.display());
            Ok(Exit::Trace)
        }
    }
}

fn options(limits: &Limits, referee: bool, interrupted: &Arc<AtomicBool>) -> Options {
    let default = Options::default();
    let threads = limits.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        |threads| usize::from(threads.get()),
    );
    Options {
        time_max: None,
        memory_max_mib: None,
        budget: Budget {
            states_max: limits.max_states.map_or(default.budget.states_max, NonZeroUsize::get),
            depth_max: limits.max_depth.unwrap_or(default.budget.depth_max),
            threads,
            interrupt: interrupt(limits, interrupted.clone()),
            equality: limits.equality(),
            ..default.budget
        },
        referee,
        seed: limits.seed,
        ..default
    }
}

/// The user, the clock and the memory, as reasons to stop. The time is that of the command as a whole.
fn interrupt(limits: &Limits, interrupted: Arc<AtomicBool>) -> Interrupt {
    let asked = move || interrupted.load(Ordering::SeqCst).then_some(Stop::Interrupted);
    limited(limits.max_time.map(Duration::from_secs), limits.max_memory, Arc::new(asked))
}

fn progress(cases: usize, shown: bool) -> ProgressBar {
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(cases as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
