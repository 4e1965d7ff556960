//! `log check`: a log of what has run elsewhere, judged on a case's model.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::arguments::{LogArguments, LogFormat};
use super::{Exit, Host, nearest, options, say};
use crate::check::{Case, JudgedLog};
use crate::conform::Agreement;
use crate::conform::events::{Log, LogError};
use crate::report::SCHEMA;
use crate::trace::write_whole;
use crate::view;

pub(super) fn check(cases: &[Case], arguments: &LogArguments, host: &mut Host) -> io::Result<Exit> {
    let Some(case) = cases.iter().find(|case| case.name() == arguments.case) else {
        say!(host, "error: no case is called {:?}", arguments.case);
        if let Some(near) = nearest(cases, &arguments.case) {
            say!(host, "did you mean {near:?}?");
        }
        say!(host, "`counterpart list` names them all");
        return Ok(Exit::NothingMatched);
    };
    let bar = spinner(host.progress);
    bar.set_message(format!("reads {}", arguments.file.display()));
    let log = match read(arguments) {
        Ok(log) => log,
        Err(error) => {
            bar.finish_and_clear();
            say!(host, "error: {error}");
            return Ok(Exit::Trace);
        }
    };
    let options = options(&arguments.limits, false, &host.interrupted);
    let judged = beside(&bar, &options.explained, log.events().len(), || case.judge(&log, &options));
    bar.finish_and_clear();
    let exit = match judged.judgement.conformance.agreement {
        _ if host.interrupted.load(Ordering::SeqCst) => Exit::Interrupted,
        Agreement::Conforms => Exit::AsExpected,
        Agreement::Diverges => Exit::Unexpected,
        Agreement::Incomplete => Exit::Incomplete,
    };
    if let Some(file) = &arguments.picture {
        write_whole(file, view::history(&log, &judged.judgement).as_bytes())?;
    }
    let text = if arguments.json { document(arguments, &log, &judged) } else { told(arguments, &log, &judged) };
    host.out.write_all(text.as_bytes())?;
    host.out.flush()?;
    Ok(exit)
}

fn read(arguments: &LogArguments) -> Result<Log, LogError> {
    let is_edn = arguments.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("edn"));
    match arguments.format.unwrap_or(if is_edn { LogFormat::Edn } else { LogFormat::Json }) {
        LogFormat::Json => Log::read(&arguments.file),
        LogFormat::Edn => Log::read_edn(&arguments.file),
    }
}

/// What `judge` finds, while `bar` says how many of so many events are explained.
fn beside<R>(bar: &ProgressBar, explained: &Arc<AtomicUsize>, events: usize, judge: impl FnOnce() -> R) -> R {
    const EVERY: Duration = Duration::from_millis(200);
    let (done, is_done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let so_far = explained.load(Ordering::Relaxed);
                bar.set_message(format!("has explained {so_far} of {events} events"));
                if is_done.recv_timeout(EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        let judged = judge();
        drop(done);
        judged
    })
}

fn spinner(shown: bool) -> ProgressBar {
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn document(arguments: &LogArguments, log: &Log, judged: &JudgedLog) -> String {
    let found = &judged.judgement.conformance;
    let line = judged.judgement.unexplained.map(|event| event + 1);
    let mut document = json!({
        "schema": SCHEMA, "case": arguments.case, "log": arguments.file, "events": log.events().len(),
        "verdict": found.agreement, "why": found.why, "line": line,
    });
    if let Some(document) = document.as_object_mut() {
        document.retain(|_, value| !value.is_null());
    }
    format!("{document:#}\n")
}

fn told(arguments: &LogArguments, log: &Log, judged: &JudgedLog) -> String {
    let found = &judged.judgement.conformance;
    let mut text = format!("{}  {}: {}", arguments.file.display(), view::counted_events(log), found.agreement);
    if let Some(why) = &found.why {
        text += &format!("\n    {why}");
    }
    text.push('\n');
    if let Some(trace) = &judged.evidence {
        text += &format!("\n{}", view::trace(trace));
    }
    text
}
