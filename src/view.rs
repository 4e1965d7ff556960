//! Results as text for a terminal, as pictures and as pages. No input or output: whoever prints decides where, and
//! whether colours are kept.

mod choices;
mod diagram;
mod diff;
mod drawn;
mod export;
mod history;
mod image;
mod lanes;
mod line;
mod matrix;
mod overview;
mod page;
mod summary;
mod table;
mod trace;
mod valency;

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use self::table::{BAD, BOLD, DIM, GOOD, Table, count, counted, dim, plain, styled, verdict};
use crate::conform::events::Log;
use crate::conform::{Agreement, Coverage, Effort, Mode, Scheduled};
use crate::model::{Bound, Kind};
use crate::report::{CaseListing, CaseReport, Counts, Report};
use crate::trace::{Evidence, Trace};
use crate::verdict::Verdict;
use crate::verdict::probability::Extreme;

pub use self::choices::{Choice, Standing, explorer};
pub use self::diagram::state_diagram;
pub use self::diff::diff;
pub use self::export::{dot, mermaid};
pub use self::history::history;
pub use self::matrix::{FairRow, Matrix, PropertyRow};
pub use self::overview::{Picture, overview, page_place};
pub use self::page::page;
pub use self::summary::{Detail, Kept, Protocols, closing, explained};
pub use self::trace::{Show, actors, trace, trace_as};
pub use self::valency::ValencyPicture;

/// One case: what was explored, every property, every subject.
pub fn case(report: &CaseReport) -> String {
    let mut text = headline(report);
    if let Some(Counts { states, edges }) = report.expected_counts.filter(|_| !report.counts_as_expected()) {
        let expected = format!("{} and {} expected", counted(states, "state"), counted(edges, "transition"));
        let _ = writeln!(text, "    {}", styled(BAD, &expected));
    }
    if !report.parameters.is_empty() {
        let bounds: Vec<String> = report.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "    {}", styled(DIM, &bounds.join(", ")));
    }
    let mut table = Table::new();
    for property in &report.properties {
        let seen = match (property.verdict, property.steps) {
            (Verdict::Violated, Some(steps)) => match property.loop_len {
                Some(looped) if property.kind == Kind::AlmostSurely => format!(
                    "after {} a scheduler can keep away, in loops as one of {looped}",
                    counted(steps - looped, "step")
                ),
                Some(looped) => format!("after {}, then {looped} for ever", counted(steps - looped, "step")),
                None => format!("after {}", counted(steps, "step")),
            },
            (Verdict::Holds, Some(steps)) => format!("seen after {}", counted(steps, "step")),
            _ => property.why.clone().unwrap_or_default(),
        };
        table.row([
            dim(property.kind.to_string().replace('_', " ")),
            plain(property.name.clone()),
            verdict(property.verdict, property.expected, Verdict::Incomplete),
            dim([measured(property), seen, exercised(property)]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; ")),
        ]);
    }
    for subject in &report.conformance {
        table.row([
            dim(subject.mode.to_string()),
            plain(subject.subject.clone()),
            verdict(subject.verdict, subject.expected, Agreement::Incomplete),
            dim(effort(subject)),
        ]);
    }
    text.push_str(&table.render("    "));
    for subject in &report.conformance {
        let Some(coverage) = subject.effort.coverage() else { continue };
        for unchosen in &coverage.unchosen {
            let states = counted(unchosen.states, "state");
            let what = format!("{} ({} answered {})", unchosen.action, unchosen.input, unchosen.output);
            let by = format!("never chosen by {} ({})", subject.subject, subject.mode);
            let _ = writeln!(text, "    {}", styled(DIM, &format!("{by}: {what}, in {states}")));
        }
        let named: usize = coverage.unchosen.iter().map(|unchosen| unchosen.states).sum();
        if !coverage.unchosen.is_empty() && named < coverage.edges_unchosen {
            let rest = count(coverage.edges_unchosen - named);
            let _ = writeln!(text, "    {}", styled(DIM, &format!("    and {rest} more transitions")));
        }
    }
    for error in &report.errors {
        let _ = writeln!(text, "    {} {error}", styled(BAD, "error:"));
    }
    text
}

/// How many events a log has.
pub fn counted_events(log: &Log) -> String {
    counted(log.events().len(), "event")
}

/// Whether it is as expected, and how much was explored.
fn headline(report: &CaseReport) -> String {
    let mut text = String::new();
    let mark = if report.as_expected { styled(GOOD, "✓") } else { styled(BAD, "✗") };
    let referee = match &report.referee {
        Some(referee) if referee.agrees => "stateright agrees".into(),
        Some(referee) => format!("stateright counts {}", count(referee.states)),
        None => "stateright not asked".into(),
    };
    let cut = if report.exhausted { "" } else { ", not exhausted" };
    let explored = match (report.states, report.exhausted) {
        (0, false) => "not explored".into(),
        (states, _) => {
            let (states, edges) = (count(states), count(report.edges));
            let (means, odds) = (means(report), odds(report));
            format!("{states} states, {edges} transitions, depth {}{cut}{means}; {referee}{odds}", report.depth)
        }
    };
    let _ = writeln!(text, "{mark} {}  {}", styled(BOLD, &report.case), styled(DIM, &explored));
    text
}

/// By what means states alone were explored; nothing where transitions were kept.
fn means(report: &CaseReport) -> String {
    report.surveyed.map(|means| format!(", surveyed ({means})")).unwrap_or_default()
}

/// How likely it is that not all states were seen because two have the same hash; nothing where that cannot be.
fn odds(report: &CaseReport) -> String {
    match report.collision_odds {
        0.0 => String::new(),
        odds => format!("; odds that two states were taken for one below {odds:.1e}"),
    }
}

/// A value, over whom it is the extreme, and what it has to keep to.
fn measured(property: &crate::report::PropertyReport) -> String {
    let (Some(value), Some(extreme), Some(bound)) = (property.value, property.extreme, property.bound) else {
        return String::new();
    };
    let (asked, extreme) = match extreme {
        Extreme::Min => (Bound::AtLeast(bound), "least"),
        Extreme::Max => (Bound::AtMost(bound), "greatest"),
    };
    format!("{value}, {asked} asked: the {extreme} over all schedulers, which see all, coins drawn included")
}

/// How much of the model a promise had to do with: a pass that rests on little should look like it.
fn exercised(property: &crate::report::PropertyReport) -> String {
    let mut parts = Vec::new();
    if let Some(triggered) = property.triggered {
        parts.push(format!("triggered in {} states", count(triggered)));
    }
    if let Some(fairness) = &property.fairness {
        let keys = [(fairness.weak, "weakly"), (fairness.strong, "strongly")];
        let keys = keys.iter().filter(|(keys, _)| *keys > 0).map(|(keys, how)| format!("{} {how}", count(*keys)));
        let keys = keys.collect::<Vec<_>>().join(" and ");
        let keys = if keys.is_empty() { "0".into() } else { keys };
        let (name, states) = (&fairness.assumption, count(fairness.states));
        let same_state = match fairness.changing {
            0 => "a step into the same state counts".to_string(),
            all if all == fairness.weak + fairness.strong => "a step into the same state does not count".to_string(),
            some => format!("a step into the same state does not count for {}", count(some)),
        };
        parts.push(format!("under \"{name}\": {keys} fair sets of actions, enabled in {states} states; {same_state}"));
    }
    parts.join("; ")
}

fn effort(subject: &crate::report::ConformanceReport) -> String {
    if let Some(count) = subject.evidence.as_ref().map(Trace::len) {
        return format!("after {}", counted(count, "step"));
    }
    let mut parts = match &subject.effort {
        Effort::Product { pairs, .. } => vec![format!("{pairs} pairs")],
        Effort::Tour(coverage) => covered(coverage),
        Effort::Walk { seed, steps, .. } => vec![format!("{} steps", count(*steps)), format!("seed {seed}")],
        Effort::Recovery { seed, steps, runs, runs_needed, .. } => vec![
            format!("{} steps", count(*steps)),
            format!("seed {seed}"),
            format!("{} of {} had to recover", count(*runs_needed), counted(*runs, "run")),
        ],
        Effort::Interleave { schedules, scripts, .. } => {
            let mut parts = vec![format!("{} schedules", count(*schedules))];
            parts.extend(preemptions(scripts).map(|bound| format!("preemptions {bound}")));
            parts
        }
        Effort::Events { events, .. } => vec![counted(*events, "event")],
    };
    if let (Some(why), Agreement::Incomplete) = (&subject.why, subject.verdict) {
        parts.push(why.clone());
    }
    parts.join(", ")
}

fn covered(coverage: &Coverage) -> Vec<String> {
    let mut parts = vec![
        format!("{} of {} transitions driven", count(coverage.edges_driven), count(coverage.edges)),
        format!("{:.1} steps for each", coverage.steps as f64 / coverage.edges_driven.max(1) as f64),
    ];
    parts.extend(coverage.starts.map(|starts| counted(starts, "start")));
    let notes = [
        (coverage.edges_unsupported, "unsupported"),
        (coverage.edges_unchosen, "never chosen"),
        (coverage.edges_ambiguous, "not told from others"),
    ];
    parts.extend(notes.iter().filter(|(edges, _)| *edges > 0).map(|(edges, what)| format!("{} {what}", count(*edges))));
    parts.extend(coverage.verified.iter().map(verified));
    parts
}

/// The bounds on interruptions that were met, and in how many scripts.
fn preemptions(scripts: &[Scheduled]) -> Option<String> {
    let mut bounded: BTreeMap<usize, usize> = BTreeMap::new();
    scripts.iter().filter_map(|script| script.preemptions_max).for_each(|max| *bounded.entry(max).or_default() += 1);
    let told = bounded.iter().map(|(max, scripts)| format!("at most {max} in {}", counted(*scripts, "script")));
    (!bounded.is_empty()).then(|| told.collect::<Vec<_>>().join(", "))
}

/// How much the suffixes of a tour have shown.
fn verified(verified: &crate::conform::Verified) -> String {
    // Rounded down: what is not all must not look like it.
    let share = |edges: usize| (edges * 1000 / verified.edges.max(1)) as f64 / 10.0;
    let mut text = format!("{} % of targets verified", share(verified.edges_verified));
    let mut notes = Vec::new();
    if verified.extra_states > 0 {
        notes.push(format!("up to {} allowed for", counted(verified.extra_states, "extra state")));
    }
    if verified.edges_by_offers > 0 {
        notes.push(format!("{} % in part by what is offered", share(verified.edges_by_offers)));
    }
    if verified.edges_beyond_cap > 0 {
        notes.push(format!("{} beyond the limit on suffixes", count(verified.edges_beyond_cap)));
    }
    if !verified.is_complete {
        notes.push("not all looked for".into());
    }
    if verified.indistinguishable_states > 0 {
        let (states, classes) = (verified.indistinguishable_states, verified.indistinguishable_classes);
        notes.push(format!("{} in {} alike to the outside", counted(states, "state"), counted(classes, "set")));
    }
    if !notes.is_empty() {
        text.push_str(&format!(" ({})", notes.join(", ")));
    }
    text
}

/// All cases, why each deviates, what did not run, and how it is to be taken. It speaks of no file: nobody has written
/// one.
pub fn report(report: &Report) -> String {
    let mut text = String::new();
    for case_report in &report.cases {
        text.push_str(&case(case_report));
        for (_, evidence) in case_report.counterexamples().filter(|(_, evidence)| !evidence.because.is_empty()) {
            let _ = writeln!(text, "    {}: {}", evidence.evidence.name(), evidence.because);
        }
        text.push('\n');
    }
    text.push_str(&closing(report, &Kept::default(), Detail::Whole));
    text
}

/// Without colours: nobody knows where it is printed.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_colours(&report(self)))
    }
}

/// A trace that a failing test has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub file: PathBuf,
    /// What replays it.
    pub replay: String,
}

/// Why a test fails: the report, each surprising trace, the file it is in and the command that replays it. `files` are
/// those of the report's surprises, in order.
pub fn failure(report: &Report, files: &[Result<Written, String>]) -> String {
    let mut text = String::new();
    for case_report in report.cases.iter().filter(|case| !case.as_expected) {
        text.push_str(&case(case_report));
        text.push('\n');
    }
    let mut surprises: Vec<(&Trace, Option<&Result<Written, String>>)> = Vec::new();
    for (index, (_, trace)) in report.cases.iter().flat_map(CaseReport::surprises).enumerate() {
        surprises.push((trace, files.get(index)));
    }
    let name = |trace: &'_ Trace| (trace.case.clone(), trace.evidence.name().to_string());
    let mut told = Vec::new();
    for (surprise, file) in &surprises {
        // The same subject in another mode mostly shows the same thing: the shortest is shown, of the others the file.
        let shorter = |(other, _): &(&Trace, _)| name(other) == name(surprise) && other.len() < surprise.len();
        if !told.contains(&name(surprise)) && !surprises.iter().any(shorter) {
            told.push(name(surprise));
            text.push_str(&trace(surprise));
        }
        match file {
            Some(Ok(Written { file, replay })) => {
                let by = match &surprise.evidence {
                    Evidence::Subject { mode, .. } => format!(" (by {mode})"),
                    Evidence::Property { .. } => String::new(),
                };
                let _ = writeln!(text, "written to {}{by}; replay it with\n    {replay}", file.display());
            }
            Some(Err(error)) => {
                let _ = writeln!(text, "the trace could not be written: {error}");
            }
            None => {}
        }
    }
    for case in &report.cases {
        text.push_str(&blamed_on_canonical(case));
    }
    without_colours(&text)
}

/// Where exploring a subject with the model shows a deviation, and driving it from the start shows none.
fn blamed_on_canonical(case: &CaseReport) -> String {
    let mut text = String::new();
    for product in case.conformance.iter().filter(|found| found.mode == Mode::Product && !found.as_expected()) {
        let mut driven = case.conformance.iter().filter(|other| other.subject == product.subject);
        let drives = |mode: Mode| matches!(mode, Mode::Tour | Mode::Walk);
        if product.verdict == Agreement::Diverges
            && driven.any(|other| drives(other.mode) && other.verdict == Agreement::Conforms)
        {
            let _ = writeln!(
                text,
                "{}: only product sees it diverge, which compares states by `canonical()` and `==`: see whether either \
                 takes two for one that answer differently",
                product.subject
            );
        }
    }
    text
}

/// Neither a panic message nor a text of unknown use has a terminal to ask: they go without colours.
pub(crate) fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\u{1b}') {
        plain.push_str(&rest[..start]);
        rest = rest[start..].split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// The catalogue, a line a case.
pub fn list(cases: &[CaseListing]) -> String {
    let mut table = Table::new();
    table.row([dim("case"), dim("properties"), dim("run alongside")]);
    for case in cases {
        let violated = case.properties.iter().filter(|property| property.expected == Verdict::Violated).count();
        let mut properties = case.properties.len().to_string();
        if violated > 0 {
            let _ = write!(properties, ", {violated} violated");
        }
        let name = if case.large { format!("{} (large)", case.case) } else { case.case.clone() };
        table.row([plain(name), plain(properties), plain(case.subjects.join(", "))]);
    }
    table.render("")
}
