//! The command line over a catalogue of cases: arguments, files, clock, progress, exit code.
//!
//! Data goes to stdout, all else to stderr. Everything below this floor is a function of its arguments; here are the
//! clock, the terminal and the signal.

mod arguments;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use globset::{GlobBuilder, GlobMatcher};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use self::arguments::{Arguments, CheckArguments, Command, Limits, TraceCommand};
use crate::check::{Case, Options, ReplayError};
use crate::explore::{Budget, Interrupt, Stop};
use crate::report::{CaseReport, NotRun, Outcome, Report, SCHEMA};
use crate::trace::Trace;
use crate::view;

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
    /// Something is not known that was to be known.
    Incomplete = 3,
    /// No case has such a name.
    NothingMatched = 4,
    /// A trace is stale, foreign or unreadable.
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
    run(cases, std::env::args_os(), &mut host).into()
}

/// What a command is run with.
pub struct Host {
    /// Data.
    pub out: Box<dyn Write>,
    /// All else.
    pub err: Box<dyn Write>,
    /// Whether there is someone to show progress to.
    pub progress: bool,
    /// Set when the user wants it to end.
    pub interrupted: Arc<AtomicBool>,
}

/// Runs one command. `arguments` begin with the program's name.
pub fn run(
    cases: Vec<Case>,
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
    log_to_stderr(arguments.verbose);
    match catch_unwind(AssertUnwindSafe(|| command(&cases, arguments.command, host))) {
        Ok(Ok(exit)) => exit,
        // Whoever reads has seen enough.
        Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::AsExpected,
        Ok(Err(error)) => {
            let _ = writeln!(host.err, "error: {error}");
            Exit::Usage
        }
        Err(panic) => {
            let message = crate::conform::panic_message(&*panic);
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
fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let default = match verbose {
        0 => "counterpart=warn",
        1 => "counterpart=info",
        2 => "counterpart=debug",
        _ => "counterpart=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // A second command in one process keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        .try_init();
}

fn command(cases: &[Case], command: Command, host: &mut Host) -> io::Result<Exit> {
    match command {
        Command::List { globs, json } => list(cases, &globs, json, host),
        Command::Check(arguments) => check(cases, &arguments, host),
        Command::Trace(TraceCommand::Show { file }) => show(&file, host),
        Command::Replay { file, limits } => replay(cases, &file, &limits, host),
    }
}

/// The cases that `globs` name, in the catalogue's order; all where there are none.
fn matching<'a>(cases: &'a [Case], globs: &[String], host: &mut Host) -> io::Result<Result<Vec<&'a Case>, Exit>> {
    let mut matchers: Vec<(&String, GlobMatcher)> = Vec::new();
    for glob in globs {
        match GlobBuilder::new(glob).literal_separator(true).build() {
            Ok(compiled) => matchers.push((glob, compiled.compile_matcher())),
            Err(error) => {
                writeln!(host.err, "error: {glob:?} is not a pattern: {}", error.kind())?;
                return Ok(Err(Exit::Usage));
            }
        }
    }
    // A protocol's name alone stands for all of its cases.
    let names = |(glob, matcher): &(&String, GlobMatcher), case: &Case| {
        matcher.is_match(case.name()) || case.name().split_once('/').is_some_and(|(protocol, _)| protocol == *glob)
    };
    for matcher in &matchers {
        if !cases.iter().any(|case| names(matcher, case)) {
            writeln!(host.err, "error: no case is called {:?}", matcher.0)?;
            if let Some(near) = nearest(cases, matcher.0) {
                writeln!(host.err, "did you mean {near:?}?")?;
            }
            writeln!(host.err, "`counterpart list` names them all")?;
            return Ok(Err(Exit::NothingMatched));
        }
    }
    let chosen = |case: &&Case| matchers.is_empty() || matchers.iter().any(|matcher| names(matcher, case));
    let chosen: Vec<&Case> = cases.iter().filter(chosen).collect();
    if chosen.is_empty() {
        writeln!(host.err, "error: the catalogue has no cases")?;
        return Ok(Err(Exit::NothingMatched));
    }
    Ok(Ok(chosen))
}

/// The case whose name is most like `name`, if it is much like it.
fn nearest<'a>(cases: &'a [Case], name: &str) -> Option<&'a str> {
    const ALIKE_MIN: f32 = 0.6;
    cases
        .iter()
        .map(|case| (similar::TextDiff::from_chars(case.name(), name).ratio(), case.name()))
        .filter(|(ratio, _)| *ratio >= ALIKE_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
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

fn check(cases: &[Case], arguments: &CheckArguments, host: &mut Host) -> io::Result<Exit> {
    let chosen = match matching(cases, &arguments.globs, host)? {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    let options = options(&arguments.limits, !arguments.no_referee, &host.interrupted);
    writeln!(host.err, "seed {}, {} threads", options.seed, options.budget.threads)?;
    let (running, left_out): (Vec<&Case>, Vec<&Case>) =
        chosen.into_iter().partition(|case| arguments.large || !case.is_large());
    let bar = progress(running.len(), host.progress);
    let (mut reports, mut not_run) = (Vec::new(), Vec::new());
    let finished = side_by_side(&running, &options, &bar, |report, skipped| {
        for (file, trace) in report.counterexamples() {
            let file = arguments.traces.join(file.strip_prefix("traces").unwrap_or(file));
            if let Err(error) = trace.write(&file) {
                return Err(io::Error::other(format!(
                    "a trace could not be kept: {error}; name a folder with --traces"
                )));
            }
        }
        if !arguments.json {
            let text = view::case(&report);
            bar.suspend(|| writeln!(host.out, "{text}").and_then(|()| host.out.flush()))?;
        }
        reports.push(report);
        not_run.extend(skipped);
        Ok(())
    });
    if let Err(error) = finished {
        bar.finish_and_clear();
        return Err(error);
    }
    bar.finish_and_clear();
    not_run.extend(left_out.into_iter().map(|case| NotRun {
        case: case.name().to_string(),
        subject: None,
        why: "it is large: add --large".into(),
    }));
    if host.interrupted.load(Ordering::SeqCst) {
        writeln!(host.err, "interrupted: {} cases were run, what was not is not known", reports.len())?;
        return Ok(Exit::Interrupted);
    }
    let report = Report::new(reports, not_run);
    if arguments.json {
        write!(host.out, "{}", report.to_json())?;
    } else {
        write!(host.out, "{}", view::closing(&report))?;
    }
    host.out.flush()?;
    Ok(match report.outcome() {
        Outcome::Broken => Exit::Defect,
        Outcome::Unexpected => Exit::Unexpected,
        Outcome::Incomplete => Exit::Incomplete,
        Outcome::AsExpected => Exit::AsExpected,
    })
}

/// Runs cases on as many threads as the options say, and hands their reports over in the catalogue's order. A case that is
/// begun after the user asked to end is not run.
fn side_by_side(
    cases: &[&Case],
    options: &Options,
    bar: &ProgressBar,
    mut done: impl FnMut(CaseReport, Vec<NotRun>) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let given_up = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        for _ in 0..options.budget.threads.min(cases.len()) {
            let (sender, next, given_up) = (sender.clone(), &next, &given_up);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = cases.get(index) else { break };
                    let interrupted = (options.budget.interrupt)() == Some(Stop::Interrupted);
                    if interrupted || given_up.load(Ordering::SeqCst) {
                        break;
                    }
                    bar.set_message(case.name().to_string());
                    let ran = catch_unwind(AssertUnwindSafe(|| case.run(options)));
                    bar.inc(1);
                    // Nobody listens any more if something went wrong with a case before.
                    let _ = sender.send((index, ran));
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (index, ran) in receiver {
            waiting.insert(index, ran);
            while let Some(ran) = waiting.remove(&turn) {
                turn += 1;
                let (report, not_run) = ran.unwrap_or_else(|panic| {
                    given_up.store(true, Ordering::SeqCst);
                    resume_unwind(panic)
                });
                done(report, not_run).inspect_err(|_| given_up.store(true, Ordering::SeqCst))?;
            }
        }
        Ok(())
    })
}

fn show(file: &Path, host: &mut Host) -> io::Result<Exit> {
    match Trace::read(file) {
        Ok(trace) => {
            write!(host.out, "{}", view::trace(&trace))?;
            host.out.flush()?;
            Ok(Exit::AsExpected)
        }
        Err(error) => {
            writeln!(host.err, "error: {error}")?;
            Ok(Exit::Trace)
        }
    }
}

fn replay(cases: &[Case], file: &Path, limits: &Limits, host: &mut Host) -> io::Result<Exit> {
    let trace = match Trace::read(file) {
        Ok(trace) => trace,
        Err(error) => {
            writeln!(host.err, "error: {error}")?;
            return Ok(Exit::Trace);
        }
    };
    let Some(case) = cases.iter().find(|case| case.name() == trace.case) else {
        writeln!(
            host.err,
            "error: {}: it is of {:?}, which is not in this catalogue; a test's trace is replayed by \
             COUNTERPART_REPLAY={} cargo test",
            file.display(),
            trace.case,
            file.display()
        )?;
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
            writeln!(host.err, "error: {}: {error}", file.display())?;
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
        budget: Budget {
            states_max: limits.max_states.unwrap_or(default.budget.states_max),
            depth_max: limits.max_depth.unwrap_or(default.budget.depth_max),
            threads,
            interrupt: interrupt(limits, interrupted.clone()),
            recheck: true,
        },
        referee,
        seed: limits.seed,
        answer_within: default.answer_within,
    }
}

/// The clock, the memory and the user, as reasons to stop.
fn interrupt(limits: &Limits, interrupted: Arc<AtomicBool>) -> Interrupt {
    const BYTES_PER_MIB: usize = 1 << 20;
    let started = Instant::now();
    let time_max = limits.max_time.map(Duration::from_secs);
    let memory_max_mib = limits.max_memory;
    Arc::new(move || {
        if interrupted.load(Ordering::SeqCst) {
            return Some(Stop::Interrupted);
        }
        if let Some(max) = time_max
            && started.elapsed() >= max
        {
            return Some(Stop::Time(format!("{} s", max.as_secs())));
        }
        if let Some(max) = memory_max_mib
            && memory_stats::memory_stats().is_some_and(|memory| memory.physical_mem / BYTES_PER_MIB >= max)
        {
            return Some(Stop::Memory(format!("{max} MiB")));
        }
        None
    })
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
