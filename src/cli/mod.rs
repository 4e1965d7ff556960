//! The command line over a catalogue of cases: arguments, files, clock, progress, exit code.
//!
//! Data goes to stdout, all else to stderr. Everything below this floor is a function of its arguments; here are the
//! clock, the terminal and the signal.

mod arguments;
pub mod bench;
mod checkpoints;
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
use std::time::{Duration, Instant};

use clap::Parser;
use globset::{GlobBuilder, GlobMatcher};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use self::arguments::{Arguments, CheckArguments, Command, Limits, LogCommand, TRACES};
use self::pages::Pages;
use self::run::side_by_side;
use self::traces::Traces;
use crate::check::{Case, Options, ReplayError, limited, named};
use crate::explore::{Budget, Interrupt, Stop};
use crate::report::{CaseReport, NotRun, Outcome, Report, SCHEMA};
use crate::trace::Trace;
use crate::view::{self, Detail};

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
        Command::Check(arguments) => check(cases, &arguments, typed.verbose > 0, host),
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

/// So many cases are told in full without being asked for it.
const CASES_FEW: usize = 5;

fn check(cases: &[Case], arguments: &CheckArguments, in_full: bool, host: &mut Host) -> io::Result<Exit> {
    let chosen = match matching(cases, &arguments.globs, host)? {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    let mut options = options(&arguments.limits, !arguments.no_referee, &host.interrupted);
    options.checkpoint = checkpoints::asked(arguments);
    let folder = Some(arguments.traces.as_path()).filter(|folder| *folder != Path::new(TRACES));
    say!(host, "seed {}, {} threads", options.seed, options.budget.threads);
    let (running, left_out): (Vec<&Case>, Vec<&Case>) =
        chosen.into_iter().partition(|case| arguments.large || !case.is_large());
    if let Some(refused) = checkpoints::refused(&running, &options, host) {
        return Ok(refused);
    }
    let bar = progress(running.len(), host.progress);
    let detail = if in_full || running.len() <= CASES_FEW { Detail::Whole } else { Detail::Brief };
    let mut out = Data { to: &mut host.out, outcome: Ok(()) };
    let began = Instant::now();
    let (mut reports, mut not_run) = (Vec::new(), Vec::new());
    let mut defects = Vec::new();
    let mut traces = Traces::below(folder);
    let mut pages = Pages::below(arguments.html.as_deref());
    let mut times = Vec::new();
    side_by_side(&running, &options, &bar, |case, ran, took| {
        times.push((took, case));
        match ran {
            Ok((mut report, skipped)) => {
                traces.keep(&mut report);
                pages.keep(case, &report);
                if !arguments.json && (detail == Detail::Whole || !report.as_expected) {
                    bar.suspend(|| out.give(&format!("{}\n", view::explained(&report))));
                }
                reports.push(report);
                not_run.extend(skipped);
            }
            Err(defect) => defects.push(defect),
        }
    });
    bar.finish_and_clear();
    not_run.extend(left_out.into_iter().map(|case| NotRun {
        case: case.name().to_string(),
        subject: None,
        why: "it is large: add --large".into(),
    }));
    let interrupted = host.interrupted.load(Ordering::SeqCst);
    let names = running.iter().map(|case| case.name().to_string());
    let unfinished = names.filter(|name| !reports.iter().any(|report| is_whole(report, name, interrupted))).collect();
    let report = Report::new(reports, not_run).lacking(unfinished);
    let mut exits = vec![exit_of(&report)];
    out.give(&if arguments.json { report.to_json() } else { view::closing(&report, &traces.kept, detail) });
    let given = out.outcome;
    timings(began.elapsed(), times, arguments.timings, host);
    for defect in &defects {
        say!(host, "error: {defect}\nPlease report it with the command that led here.");
        exits.push(Exit::Defect);
    }
    if interrupted {
        let done = running.len() - report.unfinished.len();
        say!(host, "interrupted: {done} of {} cases were run to their end; the rest is not known", running.len());
        exits.push(Exit::Interrupted);
    }
    exits.extend(unkept(&traces, &mut pages, &report, host));
    exits.extend(unwritten(given, host)?);
    Ok(worst(&exits))
}

/// Writes the page that leads to the others, and tells what could not be written.
fn unkept(traces: &Traces<'_>, pages: &mut Pages<'_>, report: &Report, host: &mut Host) -> Option<Exit> {
    if let Some(index) = pages.finish(report) {
        say!(host, "pages are written to {}", index.display());
    }
    for error in &pages.errors {
        say!(host, "error: a page could not be written: {error}");
    }
    for error in &traces.errors {
        say!(host, "error: a trace could not be kept: {error}");
    }
    if !traces.errors.is_empty() {
        say!(host, "name a folder that can be written to with --traces");
    }
    (!traces.errors.is_empty() || !pages.errors.is_empty()).then_some(Exit::Usage)
}

/// Whether `report` is that of the case `name`, and was not cut short by whoever interrupted the command.
fn is_whole(report: &CaseReport, name: &str, interrupted: bool) -> bool {
    report.case == name && (!interrupted || report.exhausted && report.errors.is_empty())
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

/// Tells how long the whole took by the clock, and the slowest cases, or `each`. They ran beside each other.
fn timings(whole: Duration, mut times: Vec<(Duration, &Case)>, each: bool, host: &mut Host) {
    const SLOWEST: usize = 3;
    times.sort_by(|left, right| (right.0, left.1.name()).cmp(&(left.0, right.1.name())));
    let mut told = format!("took {:.1} s", whole.as_secs_f64());
    if times.len() > SLOWEST {
        let of_case = |(took, case): &(Duration, &Case)| format!("{} {:.1} s", case.name(), took.as_secs_f64());
        let slowest: Vec<String> = times.iter().take(SLOWEST).map(of_case).collect();
        told = format!("{told}; the slowest: {}", slowest.join(", "));
    }
    say!(host, "{told}");
    for (took, case) in times.into_iter().filter(|_| each) {
        say!(host, "{:9.3} s  {}", took.as_secs_f64(), case.name());
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
