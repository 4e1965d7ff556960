//! What READMEs show of a run is what a run gives: the generated parts are compared, and written anew on request.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use counterpart::conform::{Agreement, Effort};
use counterpart::report::{CaseReport, ConformanceReport};
use counterpart::trace::{Trace, write_whole};
use counterpart::verdict::Verdict;
use counterpart::view::Protocols;
use counterpart_models::Protocol;
use libtest_mimic::Trial;

use crate::{catalogue, claim, root};

/// Set to write the generated parts instead of comparing them.
const UPDATE: &str = "COUNTERPART_UPDATE";

/// The protocol that takes most room, also where it is not built.
const LONGEST_NAME: &str = "circuit_breaker";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = counterpart_models::PROTOCOLS
        .iter()
        .map(|protocol| {
            claim(format!("readme::what_{}_shows_is_what_a_run_gives", protocol.name), || generated(protocol))
        })
        .collect();
    trials.push(claim("readme::the_first_screen_has_the_two_commands", || {
        let text = fs::read_to_string(root().join("README.md")).expect("a README");
        let first_screen: String = text.lines().take(40).collect::<Vec<_>>().join("\n");
        for command in ["cargo run --release -- check", "cargo test"] {
            assert!(first_screen.contains(command), "{command} is not on the first screen");
        }
    }));
    trials.push(claim("readme::links_lead_somewhere", links));
    trials.push(claim("readme::threads_that_take_other_schedules_are_not_just_written_anew", || {
        let line = |figure: &str| format!("| `races` | implementation | interleave | {figure} schedules |\n");
        let other = "| `races` | implementation | tour | 3 of 3 transitions |\n";
        assert!(warning(&line("5"), &line("6")).contains("a race"));
        assert_eq!((warning(&line("5"), &line("5")), warning(&line("5"), &(line("5") + other))), ("", ""));
        assert_eq!(warning(other, &line("5")), "", "a case that is new has no schedules of before");
    }));
    trials
}

/// The tables that all protocols may show, what this one's models give beside them, and no part without a source.
fn generated(protocol: &Protocol) {
    let folder = Path::new("models").join(protocol.name);
    let own = (protocol.generated)();
    for fresh in &own {
        match fresh.part {
            Some(part) => compare(&folder.join(fresh.file), part, &fresh.text),
            None => compare_file(&folder.join(fresh.file), &fresh.text),
        }
    }
    for picture in protocol.pictures {
        let ours = |ran: &&catalogue::Ran| ran.case.name() == picture.case;
        let case = catalogue::ran().iter().find(ours).unwrap_or_else(|| panic!("{}: no such case", picture.case));
        let drawn = case.case.pictures().into_iter().find(|drawn| drawn.caption == picture.caption);
        compare_file(&folder.join(picture.file), &drawn.expect("the catalogue gives a case its pictures").svg);
    }
    for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        let is_drawn = protocol.pictures.iter().any(|picture| picture.file == name);
        assert!(is_drawn || !name.ends_with(".svg"), "{}/{name}: nothing draws it", folder.display());
    }
    let reports = reports_of(protocol.name);
    compare_line(protocol.name, &reports);
    compare_crates(protocol.name, &reports);
    let readme = folder.join("README.md");
    let text = fs::read_to_string(root().join(&readme)).expect("a README");
    for part in text.split("<!-- ").skip(1).filter_map(|rest| rest.split_once(": generated -->")).map(|(part, _)| part)
    {
        let fresh = match part {
            "verdicts" => verdicts(&reports),
            "alongside" => alongside(&reports),
            "crates" => deviations(&reports, is_crate),
            "defects" => deviations(&reports, |subject| !is_crate(subject)),
            "deviations" => deviations(&reports, |_| true),
            _ if own.iter().any(|fresh| fresh.file == "README.md" && fresh.part == Some(part)) => continue,
            _ => panic!("{}: nothing generates the part {part:?}", readme.display()),
        };
        compare(&readme, part, &fresh);
    }
    assert!(text.contains("<!-- verdicts: generated -->"), "{} shows no verdicts", readme.display());
}

fn reports_of(protocol: &str) -> Vec<&'static CaseReport> {
    let of = |ran: &&catalogue::Ran| ran.case.name().split_once('/').is_some_and(|(its, _)| its == protocol);
    catalogue::ran().iter().filter(of).map(catalogue::Ran::report).collect()
}

/// Compares the protocol's line in the picture of `check`.
#[track_caller]
fn compare_line(protocol: &str, reports: &[&CaseReport]) {
    let file = root().join("README.md");
    let text = fs::read_to_string(&file).expect("a README");
    let line = Protocols::of([LONGEST_NAME]).line(protocol, reports, 0);
    let fresh = anstream::adapter::strip_str(&line).to_string();
    let begin = format!("✓ {protocol} ");
    let shown = text.split_inclusive('\n').find(|line| line.starts_with(&begin));
    let shown = shown.unwrap_or_else(|| panic!("README.md has no line {begin:?}"));
    if shown == fresh {
        return;
    }
    assert!(
        std::env::var_os(UPDATE).is_some(),
        "README.md shows\n{shown}and a run gives\n{fresh}write it anew with\n    {UPDATE}=1 cargo test --test suite readme"
    );
    write_whole(&file, text.replace(shown, &fresh).as_bytes()).expect("the README can be written");
}

/// The table of all crates, a part a protocol.
const CRATES: &str = "models/alongside.md";

/// Compares the protocol's part in the table of all crates.
#[track_caller]
fn compare_crates(protocol: &str, reports: &[&CaseReport]) {
    if !cfg!(feature = "peers") {
        return;
    }
    let mut rows = String::new();
    for report in reports {
        for subject in report.conformance.iter().filter(|subject| is_crate(subject)) {
            let (driven, came) = match &subject.evidence {
                Some(trace) if subject.verdict == Agreement::Diverges => {
                    let shown = format!("deviates: {}", trace.because);
                    let linked = subject.trace.as_ref().map(|file| format!("[{shown}](../{})", file.display()));
                    (format!("after {} steps", trace.len()), linked.unwrap_or(shown))
                }
                _ => (driven(&subject.effort), subject.verdict.to_string()),
            };
            let (name, case, mode) = (&subject.subject, short(&report.case), subject.mode);
            let _ = writeln!(rows, "| {name} | `{case}` | {mode} | {driven} | {came} |");
        }
    }
    if rows.is_empty() {
        let text = fs::read_to_string(root().join(CRATES)).expect("a table");
        assert!(
            !text.contains(&format!("<!-- {protocol}: generated -->")),
            "{CRATES}: no crate is run beside {protocol}"
        );
        return;
    }
    let head = "| crate | case | mode | driven | what came of it |\n|---|---|---|---|---|\n";
    compare(Path::new(CRATES), protocol, &format!("{head}{rows}"));
}

/// Whether a subject is a published crate: those have their version in the name.
fn is_crate(subject: &ConformanceReport) -> bool {
    subject.subject.contains('.')
}

/// Compares the part of a README between its two comments with `fresh`.
#[track_caller]
fn compare(readme: &Path, part: &str, fresh: &str) {
    let file = root().join(readme);
    let text = fs::read_to_string(&file).expect("a README");
    let named = readme.display();
    let (begin, end) = (format!("<!-- {part}: generated -->\n"), format!("<!-- {part}: end -->"));
    let start = text.find(&begin).unwrap_or_else(|| panic!("{named} has no {begin:?}")) + begin.len();
    let stop = start + text[start..].find(&end).unwrap_or_else(|| panic!("{named} has no {end:?}"));
    if text[start..stop] == *fresh {
        return;
    }
    assert!(
        std::env::var_os(UPDATE).is_some(),
        "{named}: the part {part:?} is not what a run gives; {}write it anew with\n    {UPDATE}=1 cargo test \
         --test suite readme\n{}",
        warning(&text[start..stop], fresh),
        similar::TextDiff::from_lines(&text[start..stop], fresh).unified_diff()
    );
    let anew = format!("{}{fresh}{}", &text[..start], &text[stop..]);
    write_whole(&file, anew.as_bytes()).expect("the README can be written");
}

/// What to do first, where threads of ours are seen to take other schedules than they did: they lock otherwise, or there
/// is a race that no script shows.
fn warning(old: &str, fresh: &str) -> &'static str {
    let raced = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.ends_with(" schedules |")).map(String::from).collect()
    };
    let cases = |lines: &[String]| -> Vec<String> {
        lines.iter().filter_map(|line| line.rsplit_once("interleave").map(|(case, _)| case.to_string())).collect()
    };
    let (before, after) = (raced(old), raced(fresh));
    if before != after && cases(&before) == cases(&after) {
        "threads take other schedules than they did, in the same scripts: find out why, it may be a race that no script \
         shows; only then "
    } else {
        ""
    }
}

/// Compares a whole file with `fresh`.
#[track_caller]
fn compare_file(file: &Path, fresh: &str) {
    let path = root().join(file);
    if fs::read_to_string(&path).is_ok_and(|text| text == *fresh) {
        return;
    }
    assert!(
        std::env::var_os(UPDATE).is_some(),
        "{} is not what a run gives; write it anew with\n    {UPDATE}=1 cargo test --test suite readme",
        file.display()
    );
    write_whole(&path, fresh.as_bytes()).expect("the file can be written");
}

/// Cases whose properties are judged.
fn verdicts(reports: &[&CaseReport]) -> String {
    let mut table = String::from("| case | states | depth | verdicts |\n|---|---|---|---|\n");
    for report in reports.iter().filter(|report| !report.properties.is_empty()) {
        let violated: Vec<String> = report
            .properties
            .iter()
            .filter(|property| property.verdict == Verdict::Violated)
            .map(|property| {
                let after = property.steps.map(|steps| format!(" after {steps}")).unwrap_or_default();
                let value = property.value.map(|value| format!(" ({value})")).unwrap_or_default();
                format!("violated{after}: {}{value}", linked(&property.name, property.trace.as_deref()))
            })
            .collect();
        let verdicts = if violated.is_empty() { "all hold".to_string() } else { violated.join("<br>") };
        let _ = writeln!(table, "| `{}` | {} | {} | {verdicts} |", short(&report.case), report.states, report.depth);
    }
    table
}

/// Subjects that conform.
fn alongside(reports: &[&CaseReport]) -> String {
    let mut table = String::from("| case | subject | mode | driven |\n|---|---|---|---|\n");
    for report in reports {
        for subject in report.conformance.iter().filter(|subject| subject.verdict == Agreement::Conforms) {
            let driven = driven(&subject.effort);
            let _ =
                writeln!(table, "| `{}` | {} | {} | {driven} |", short(&report.case), subject.subject, subject.mode);
        }
    }
    table
}

/// How much of it was done.
fn driven(effort: &Effort) -> String {
    match effort {
        Effort::Interleave { schedules, .. } => format!("{schedules} schedules"),
        Effort::Product { pairs, .. } => format!("{pairs} pairs"),
        Effort::Tour(tour) => format!("{} of {} transitions", tour.edges_driven, tour.edges),
        Effort::Events { events, .. } => format!("{events} events"),
        other => format!("{} steps", other.steps()),
    }
}

/// Subjects that diverge.
fn deviations(reports: &[&CaseReport], wanted: impl Fn(&ConformanceReport) -> bool) -> String {
    let mut table = String::from("| case | subject | mode | after | |\n|---|---|---|---|---|\n");
    for report in reports {
        for subject in
            report.conformance.iter().filter(|subject| subject.verdict == Agreement::Diverges && wanted(subject))
        {
            let steps = subject.evidence.as_ref().map_or(0, Trace::len);
            let why = subject.evidence.as_ref().map(|trace| trace.because.as_str()).unwrap_or_default();
            let _ = writeln!(
                table,
                "| `{}` | {} | {} | {steps} | {} |",
                short(&report.case),
                subject.subject,
                subject.mode,
                linked(why, subject.trace.as_deref())
            );
        }
    }
    table
}

fn short(case: &str) -> &str {
    case.split_once('/').map_or(case, |(_, short)| short)
}

/// A link from a protocol's folder.
fn linked(text: &str, trace: Option<&Path>) -> String {
    match trace {
        Some(trace) => format!("[{text}](../../{})", trace.display()),
        None => text.to_string(),
    }
}

fn links() {
    let mut readmes = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|page| root().join(page)).to_vec();
    let mut folders = vec![root().join("models")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("readable").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("README.md") {
                readmes.push(path);
            }
        }
    }
    assert!(readmes.len() > 2);
    for file in readmes {
        let text = fs::read_to_string(&file).expect("a README");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let path = link.split('#').next().unwrap_or(link);
            let target = file.parent().expect("a folder").join(path);
            assert!(target.exists(), "{} links to {link}, which is not there", file.display());
        }
    }
}
