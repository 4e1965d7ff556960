//! The page of a way that is being chosen: the page of a trace, and above it what can happen next.

use std::fmt::Write;

use super::matrix::Matrix;
use super::page::{escaped, page_above};
use super::table::counted;
use super::trace::news;
use crate::trace::{Step, Trace};

/// Where a chosen way leads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Standing {
    /// The way, as a trace: of what is broken at its end, or of itself.
    pub trace: Trace,
    /// How the first implementation that leaves the model on the way does so.
    pub deviation: Option<Trace>,
    /// How many initial states there are to choose from.
    pub beginnings: usize,
    /// Every action of the last state, in the model's order, those that cannot be taken too.
    pub choices: Vec<Choice>,
    /// What each implementation does along the way, by name.
    pub alongside: Vec<(String, String)>,
}

impl Standing {
    /// Where the way `trace` leads, of a model with so many initial states.
    pub fn new(trace: Trace, beginnings: usize, choices: Vec<Choice>) -> Self {
        Standing { trace, deviation: None, beginnings, choices, alongside: Vec::new() }
    }
}

/// An action that may be chosen, or may not.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What happens, and the state after it. Of an action that cannot be taken the state is the one before it.
    pub step: Step,
    /// Why it cannot be taken.
    pub refused: Option<&'static str>,
}

/// The page of a place, which is addressed by its way: `0.3.1` beside other ways. `walked` is a longer way, to go on by
/// chance.
pub fn explorer(standing: &Standing, way: &[usize], walked: &[usize], matrix: &Matrix) -> String {
    let mut html = String::from("<section id=\"choices\" aria-labelledby=\"choices-title\">\n");
    html.push_str("<h2 id=\"choices-title\">What can happen next</h2>\n<p class=\"moves\">");
    if let Some((_, back)) = way.split_last().filter(|(_, back)| !back.is_empty()) {
        html.push_str(&link(back, "Undo", " rel=\"prev\""));
    }
    if walked.len() > way.len() {
        let steps = counted(walked.len() - way.len(), "step");
        html.push_str(&link(walked, &format!("Walk {steps} at random, fairly"), ""));
    }
    let here = address(way);
    let _ = write!(html, "<a href=\"{here}/save\" download>Save as a trace</a> ");
    if standing.deviation.is_some() {
        let _ = write!(html, "<a class=\"bad\" href=\"{here}/deviation\">Look at the deviation</a> ");
    }
    let others = (0..standing.beginnings).filter(|other| *other != way[0]);
    others.for_each(|other| html.push_str(&link(&[other], &format!("Begin in initial state {other}"), "")));
    html.push_str(
        "</p>\n<p class=\"dim\">Every place has an address: open a choice in another tab, and both go on.</p>\n",
    );
    if !standing.alongside.is_empty() {
        html.push_str("<ul>");
        for (subject, said) in &standing.alongside {
            let _ = write!(html, "<li><strong>{}</strong>: {}</li>", escaped(subject), escaped(said));
        }
        html.push_str("</ul>\n");
    }
    html.push_str(&table(standing, way));
    html.push_str("</section>\n");
    page_above(&html, &standing.trace, Some(matrix))
}

fn table(standing: &Standing, way: &[usize]) -> String {
    if standing.choices.is_empty() {
        return "<p>Nothing: the model has no action in this state.</p>\n".into();
    }
    let mut html = String::from(
        "<div class=\"scrolls\" tabindex=\"0\" role=\"group\" aria-label=\"Actions of this state\"><table><thead><tr>\
         <th scope=\"col\">action</th><th scope=\"col\">who</th><th scope=\"col\">the model answers</th>\
         <th scope=\"col\">what changes</th></tr></thead><tbody>\n",
    );
    for (index, choice) in standing.choices.iter().enumerate() {
        let Choice { step, refused } = choice;
        let next = [way, &[index]].concat();
        let (row, action, outcome) = match refused {
            Some(why) => (" class=\"off\"", escaped(&step.action), format!("not possible: {}", escaped(why))),
            None => ("", link(&next, &step.action, ""), escaped(&preview(&standing.trace, step))),
        };
        let _ = writeln!(
            html,
            "<tr{row}><td class=\"code\">{action}</td><td>{}</td><td class=\"code\">{}</td><td class=\"code\">{outcome}</td></tr>",
            escaped(&step.actor),
            escaped(&step.output)
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// What of the state is new after `step`.
fn preview(trace: &Trace, step: &Step) -> String {
    let before = trace.steps.last().cloned().unwrap_or_default();
    let both = Trace { steps: vec![before, step.clone()], loop_start: None, ..trace.clone() };
    match news(&both, 1) {
        changed if changed.is_empty() => "nothing".into(),
        changed => changed,
    }
}

/// A link to the last step of a way.
fn link(way: &[usize], words: &str, more: &str) -> String {
    format!("<a href=\"{}#step={}\"{more}>{}</a> ", address(way), way.len() - 1, escaped(words))
}

fn address(way: &[usize]) -> String {
    way.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
}
