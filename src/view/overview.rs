//! The report of a run as pages: what is not as expected first, then every trace, then every case. It needs no script.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::image::{encoded, image};
use super::page::{STYLE, STYLE_HASH, escaped, filled};
use super::summary::{COLUMNS, figures, surprising};
use super::table::{count, counted};
use super::{effort, means, measured, odds};
use crate::conform::Agreement;
use crate::report::{CaseReport, Report};
use crate::verdict::Verdict;

const TEMPLATE: &str = include_str!("page/overview.html");

/// Where the page of a trace stands beside the overview: `<protocol>/<name>.html`. `kept` is the trace's own place.
pub fn page_place(case: &str, kept: &Path) -> PathBuf {
    let protocol = case.split('/').next().unwrap_or(case);
    Path::new(protocol).join(kept.file_name().unwrap_or_default()).with_extension("html")
}

/// A picture that stands beside a case: a chart, say, or the valencies of its configurations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The case's full name.
    pub case: String,
    /// What is to be seen.
    pub caption: String,
    /// The picture, as SVG.
    pub svg: String,
}

/// A run as one page, with a link to the page of every trace (see [`page_place`]) and with the `pictures` of its cases.
pub fn overview(report: &Report, pictures: &[Picture]) -> String {
    let (mark, style, verdict) = match (report.cases.is_empty(), report.as_expected) {
        (true, _) => ("✗", "bad", "Nothing was run, so nothing is known"),
        (false, true) => ("✓", "good", "All as expected"),
        (false, false) => ("✗", "bad", "Not as expected"),
    };
    let properties: usize = report.cases.iter().map(|case| case.properties.len()).sum();
    let subjects: usize = report.cases.iter().map(|case| case.conformance.len()).sum();
    let states: usize = report.cases.iter().map(|case| case.states).sum();
    let figures = format!(
        "{}, {}, {}, {} of implementations",
        counted(report.cases.len(), "case"),
        counted(states, "state"),
        counted(properties, "propert"),
        counted(subjects, "run")
    );
    let headline = format!("<span class=\"{style}\" aria-hidden=\"true\">{mark}</span> {verdict}");
    let (surprises, traces) = (surprises(report), traces(report));
    let (chart, pictures, cases) = (chart(report), shown(pictures), protocols(report));
    filled(TEMPLATE, |name| match name {
        "style" => STYLE,
        "style-hash" => STYLE_HASH,
        "verdict" => verdict,
        "headline" => &headline,
        "figures" => &figures,
        "surprises" => &surprises,
        "traces" => &traces,
        "cases" => &cases,
        "chart" => &chart,
        "pictures" => &pictures,
        other => unreachable!("the template names {other}"),
    })
}

/// What is not as expected, in full, and what is not known.
fn surprises(report: &Report) -> String {
    let mut html = String::new();
    for case in report.cases.iter().filter(|case| !case.as_expected) {
        let _ = write!(
            html,
            "<li><strong>{}</strong>: {}</li>",
            escaped(&case.case),
            escaped(&surprising(case).join(", "))
        );
    }
    for name in &report.unfinished {
        let _ = write!(html, "<li><strong>{}</strong>: not finished</li>", escaped(name));
    }
    let mut html = match html.is_empty() {
        true => String::new(),
        false => format!("<section><h2>Not as expected</h2><ul>{html}</ul>"),
    };
    for case in report.cases.iter().filter(|case| !case.as_expected) {
        html.push_str(&table(case));
    }
    if !html.is_empty() {
        html.push_str("</section>");
    }
    if !report.not_run.is_empty() {
        html.push_str("<section><h2>Not run</h2><ul>");
        for left_out in &report.not_run {
            let subject = left_out.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
            let _ = write!(
                html,
                "<li>{}: {}</li>",
                escaped(&format!("{}{subject}", left_out.case)),
                escaped(&left_out.why)
            );
        }
        html.push_str("</ul></section>");
    }
    html
}

/// Every trace: first those of what is not as expected, then of what is violated or diverges as it should, then
/// witnesses.
fn traces(report: &Report) -> String {
    let mut found: Vec<(u8, String)> = Vec::new();
    for case in &report.cases {
        let of_surprise: Vec<&PathBuf> = case.surprises().map(|(place, _)| place).collect();
        for (place, trace) in case.counterexamples() {
            let (rank, mark, style) = match trace.verdict.as_str() {
                _ if of_surprise.contains(&place) => (0, "✗ not as expected", "bad"),
                "holds" => (2, "✓ seen, as expected", "good"),
                _ => (1, "✓ broken, as expected", "good"),
            };
            let link = format!(
                "<li><a href=\"{}\">{}</a> <span class=\"{style}\">{mark}</span> <span class=\"dim\">{}, {}</span></li>",
                address(&page_place(&case.case, place)),
                escaped(trace.evidence.name()),
                escaped(&trace.case),
                counted(trace.len(), "step"),
            );
            found.push((rank, link));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    if found.is_empty() {
        return "<li>None was kept.</li>".into();
    }
    found.into_iter().map(|(_, link)| link).collect()
}

fn by_protocol(report: &Report) -> BTreeMap<&str, Vec<&CaseReport>> {
    let mut protocols: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        protocols.entry(&case.protocol).or_default().push(case);
    }
    protocols
}

/// The figures of each protocol, with bars that compare those of one column.
fn chart(report: &Report) -> String {
    let rows: Vec<(&str, [usize; 6])> =
        by_protocol(report).into_iter().map(|(protocol, cases)| (protocol, figures(&cases))).collect();
    let most: Vec<usize> =
        (0..COLUMNS.len()).map(|column| rows.iter().map(|(_, row)| row[column]).max().unwrap_or(0)).collect();
    let mut html = String::from("<thead><tr><th scope=\"col\">protocol</th>");
    COLUMNS.iter().for_each(|(name, _)| html.push_str(&format!("<th scope=\"col\">{name}</th>")));
    html.push_str("</tr></thead><tbody>");
    for (protocol, row) in rows {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(protocol));
        for (figure, most) in row.into_iter().zip(&most) {
            // Of a thousand, so that no figure of a picture is a fraction.
            let wide = (figure * 1_000).checked_div(*most).unwrap_or(0);
            let _ = write!(
                html,
                "<td>{}<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
                 <rect class=\"yes\" width=\"{wide}\" height=\"10\"/></svg></td>",
                count(figure)
            );
        }
        html.push_str("</tr>");
    }
    html + "</tbody>"
}

/// The pictures, each with its case.
fn shown(pictures: &[Picture]) -> String {
    let figure = |picture: &Picture| {
        let (case, caption) = (escaped(&picture.case), escaped(&picture.caption));
        let address = image(&picture.svg);
        format!(
            "<figure><div class=\"scrolls\" tabindex=\"0\" role=\"group\" aria-label=\"{caption}\"><img src=\"{address}\" \
             alt=\"{caption}\"></div><figcaption>{caption} <span class=\"dim\">{case}</span></figcaption></figure>"
        )
    };
    match pictures.is_empty() {
        true => String::new(),
        false => format!("<section><h2>Pictures</h2>{}</section>", pictures.iter().map(figure).collect::<String>()),
    }
}

fn protocols(report: &Report) -> String {
    let mut html = String::new();
    for (protocol, cases) in by_protocol(report) {
        let good = cases.iter().filter(|case| case.as_expected).count();
        let (mark, style) = if good == cases.len() { ("✓", "good") } else { ("✗", "bad") };
        let _ = write!(
            html,
            "<details><summary><span class=\"{style}\">{mark}</span> {} <span class=\"dim\">{}, {} as expected</span></summary>",
            escaped(protocol),
            counted(cases.len(), "case"),
            count(good)
        );
        cases.iter().for_each(|case| html.push_str(&table(case)));
        html.push_str("</details>");
    }
    html
}

fn table(case: &CaseReport) -> String {
    let cut = if case.exhausted { "" } else { ", not exhausted" };
    let (means, odds) = (means(case), odds(case));
    let mut html = format!(
        "<h3>{} {}</h3><p class=\"dim\">{}, {}, depth {}{cut}{means}{odds}</p><div class=\"scrolls\" tabindex=\"0\" role=\"group\" \
         aria-label=\"{}\"><table><thead><tr><th scope=\"col\">how</th><th scope=\"col\">what</th><th scope=\"col\">verdict\
         </th><th scope=\"col\">seen</th></tr></thead><tbody>",
        if case.as_expected { "✓" } else { "✗" },
        escaped(&case.case),
        counted(case.states, "state"),
        counted(case.edges, "transition"),
        case.depth,
        escaped(&case.case)
    );
    for property in &case.properties {
        let open = property.verdict == Verdict::Incomplete;
        let steps = property.steps.map(|steps| counted(steps, "step"));
        let seen = [Some(measured(property)), steps, property.why.clone()].into_iter().flatten();
        let seen: Vec<String> = seen.filter(|part| !part.is_empty()).collect();
        let verdict = said(&property.verdict.to_string(), &property.expected.to_string(), property.as_expected(), open);
        let kind = property.kind.to_string().replace('_', " ");
        html.push_str(&row(case, [&kind, &property.name], &verdict, &seen.join("; "), property.trace.as_deref()));
    }
    for subject in &case.conformance {
        let open = subject.verdict == Agreement::Incomplete;
        let verdict = said(&subject.verdict.to_string(), &subject.expected.to_string(), subject.as_expected(), open);
        let mode = subject.mode.to_string();
        html.push_str(&row(case, [&mode, &subject.subject], &verdict, &effort(subject), subject.trace.as_deref()));
    }
    html.push_str("</tbody></table></div>");
    for error in &case.errors {
        let _ = write!(html, "<p class=\"bad\">{}</p>", escaped(error));
    }
    html
}

fn said(found: &str, expected: &str, as_expected: bool, open: bool) -> String {
    match (as_expected, open) {
        (true, true) => format!("<span class=\"open\">{found}</span>"),
        (true, false) => format!("<span class=\"good\">✓ {found}</span>"),
        (false, _) => format!("<span class=\"bad\">✗ {found}, {expected} expected</span>"),
    }
}

fn row(case: &CaseReport, [how, what]: [&str; 2], verdict: &str, seen: &str, trace: Option<&Path>) -> String {
    let what = match trace {
        Some(place) => format!("<a href=\"{}\">{}</a>", address(&page_place(&case.case, place)), escaped(what)),
        None => escaped(what),
    };
    format!(
        "<tr><td class=\"dim\">{}</td><td>{what}</td><td>{verdict}</td><td class=\"dim\">{}</td></tr>",
        escaped(how),
        escaped(seen)
    )
}

/// A path as an address that is relative to the overview.
fn address(place: &Path) -> String {
    encoded(&place.to_string_lossy().replace('\\', "/"))
}
