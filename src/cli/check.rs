//! `check`: the cases that were named, run and told.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::arguments::{CheckArguments, TRACES};
use super::cluster::Together;
use super::pages::Pages;
use super::run::side_by_side;
use super::traces::Traces;
use super::{Data, Exit, Host, checkpoints, exit_of, matching, options, progress, say, unwritten, worst};
use crate::check::{Case, Options};
use crate::report::{CaseReport, NotRun, Report};
use crate::view::{self, Detail};

/// So many cases are told in full without being asked for it.
const CASES_FEW: usize = 5;

pub(super) fn run(cases: &[Case], arguments: &CheckArguments, in_full: bool, host: &mut Host) -> io::Result<Exit> {
    let chosen = match matching(cases, &arguments.globs, host)? {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    let mut options = options(&arguments.limits, !arguments.no_referee, &host.interrupted);
    options.checkpoint = checkpoints::asked(arguments);
    let folder = Some(arguments.traces.as_path()).filter(|folder| *folder != Path::new(TRACES));
    let (running, left_out): (Vec<&Case>, Vec<&Case>) =
        chosen.into_iter().partition(|case| arguments.large || !case.is_large());
    let threads = arguments.limits.threads.map(NonZeroUsize::from);
    let together = match Together::asked(&arguments.processes, &running, threads, &mut options, host) {
        Ok(together) => together,
        Err(exit) => return Ok(exit),
    };
    say!(host, "seed {}, {} threads", options.seed, options.budget.threads);
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
    let run = |case: &Case, options: &Options| together.run(case, options);
    side_by_side(&running, &options, &bar, run, |case, ran, took| {
        times.push((took, case));
        match ran {
            Ok((mut report, skipped)) => {
                if !together.is_silent() {
                    traces.keep(&mut report);
                    pages.keep(case, &report);
                }
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
    exits.extend(blame(&defects, host));
    if interrupted {
        let done = running.len() - report.unfinished.len();
        say!(host, "interrupted: {done} of {} cases were run to their end; the rest is not known", running.len());
        exits.push(Exit::Interrupted);
    }
    exits.extend(unkept(&traces, &mut pages, &report, host));
    exits.extend(unwritten(given, host)?);
    Ok(worst(&exits))
}

/// Tells what went wrong that is a defect.
fn blame(defects: &[String], host: &mut Host) -> Option<Exit> {
    for defect in defects {
        say!(host, "error: {defect}\nPlease report it with the command that led here.");
    }
    (!defects.is_empty()).then_some(Exit::Defect)
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
