//! Results as data: what `check --json` prints, what [`view`](crate::view) turns into text, what a test asserts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::conform::{Agreement, Effort, Mode};
use crate::model::Kind;
use crate::trace::Trace;
use crate::verdict::probability::{Bounds, Extreme};
use crate::verdict::{FairnessFound, Verdict};

/// The version of the JSON documents' shape.
pub const SCHEMA: u32 = 1;

/// The results of some cases.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The cases, in the catalogue's order.
    pub cases: Vec<CaseReport>,
    /// What is optional and did not run, by name.
    pub not_run: Vec<NotRun>,
    /// The cases that were begun, or were to be, and have no result, by name, with the reason where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<String>,
    /// Whether everything that was to run did, and is as expected.
    pub as_expected: bool,
}

/// The result of one case.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// `<protocol>/<case>`, or the name of a test outside the catalogue.
    pub case: String,
    /// The part before the slash.
    pub protocol: String,
    /// The model's bounds and variant.
    pub parameters: BTreeMap<String, String>,
    /// States reached.
    pub states: usize,
    /// Transitions between them, refusals not counted.
    pub edges: usize,
    /// Steps to the farthest state.
    pub depth: usize,
    /// Whether every reachable state was reached and no transition was cut.
    pub exhausted: bool,
    /// The counts that are expected, where any are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_counts: Option<Counts>,
    /// stateright's opinion; `None` where it was not asked.
    pub referee: Option<RefereeReport>,
    /// Whether states that differ have the same hash. stateright knows them by that alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hashes_alike: bool,
    /// An upper bound on the probability that two states were taken for one; 0 where all were compared by `==`.
    #[serde(skip_serializing_if = "is_none")]
    pub collision_odds: f64,
    /// By what means states alone were explored; `None` where transitions were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surveyed: Option<&'static str>,
    /// Verdicts, in the model's order.
    pub properties: Vec<PropertyReport>,
    /// Implementations run alongside, in the case's order.
    pub conformance: Vec<ConformanceReport>,
    /// What keeps the case from being judged, or its expectations from making sense.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Whether all of it is as expected.
    pub as_expected: bool,
    /// The folder that its traces are kept in.
    #[serde(skip)]
    pub traces: PathBuf,
}

/// So that odds are told only where there are any.
fn is_none(odds: &f64) -> bool {
    *odds == 0.0
}

/// How large an explored model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// States reached.
    pub states: usize,
    /// Transitions between them, refusals not counted.
    pub edges: usize,
}

/// What stateright's own search found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RefereeReport {
    /// Its unique-state count.
    pub states: usize,
    /// Whether it, and its safety verdicts, equal ours.
    pub agrees: bool,
}

/// One property's verdict.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PropertyReport {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// What is known of it.
    pub verdict: Verdict,
    /// Why the verdict is incomplete; for a probability or a reward out of bounds, why there is no trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The verdict that is expected.
    pub expected: Verdict,
    /// The value of a probability or a reward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// How far the value may be off: the interval that it lies in is no wider than this power of ten; 0 where it is
    /// exact. Absent where nothing is known above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_width: Option<f64>,
    /// Whether the value is the least (`min`) or the greatest (`max`) over all schedulers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extreme: Option<Extreme>,
    /// What `min` has to be at least, or `max` at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Steps of the trace that shows it (a counterexample or a witness).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Steps of its loop, for a lasso.
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    pub loop_len: Option<usize>,
    /// States that trigger a `leads_to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggered: Option<usize>,
    /// The fairness assumed, and how much of the model it speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairness: Option<FairnessFound>,
    /// Where the counterexample is kept, from the repository's root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<PathBuf>,
    /// The counterexample or witness itself.
    #[serde(skip)]
    pub evidence: Option<Trace>,
}

/// A probability, or an expected reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// The middle of the interval it lies in, to nine digits. In JSON a number.
    Finite(f64),
    /// A reward that some scheduler makes infinite, or that none can keep finite. In JSON, which knows no such number,
    /// the string `"infinite"`.
    Infinite,
}

impl Value {
    /// The value that is reported of an interval; `None` where it has no upper end.
    pub fn of(bounds: &Bounds) -> Option<Self> {
        match (bounds.lower.is_finite(), bounds.upper.is_finite()) {
            (true, true) => format!("{:.8e}", bounds.middle()).parse().ok().map(Value::Finite),
            (false, _) => Some(Value::Infinite),
            (true, false) => None,
        }
    }

    /// The power of ten next above `width`, which is finite; 0 for 0.
    pub(crate) fn rounded_up(width: f64) -> Option<f64> {
        if width == 0.0 {
            return Some(0.0);
        }
        let text = format!("{width:e}");
        let (_, exponent) = text.split_once('e')?;
        format!("1e{}", exponent.parse::<i32>().ok()? + 1).parse().ok()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Finite(value) => write!(f, "{value}"),
            Value::Infinite => f.write_str("infinite"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Finite(value) => serializer.serialize_f64(*value),
            Value::Infinite => serializer.serialize_str("infinite"),
        }
    }
}

/// One implementation's result in one mode. In JSON the figures that all modes have stand beside the verdict, and the
/// mode's own under `effort`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConformanceReport {
    /// How it was run.
    pub mode: Mode,
    /// `implementation`, a defect's name, or a crate with its version.
    pub subject: String,
    /// What is known of it.
    pub verdict: Agreement,
    /// Why it is incomplete, or how it diverges.
    pub why: Option<String>,
    /// The verdict that is expected.
    pub expected: Agreement,
    /// What was done for it.
    pub effort: Effort,
    /// Where the trace is kept, from the repository's root.
    pub trace: Option<PathBuf>,
    /// The run that shows a deviation.
    pub evidence: Option<Trace>,
}

impl Serialize for ConformanceReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            mode: Mode,
            subject: &'a str,
            verdict: Agreement,
            #[serde(skip_serializing_if = "Option::is_none")]
            why: Option<&'a str>,
            expected: Agreement,
            edges: usize,
            edges_driven: usize,
            steps: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            schedules: Option<usize>,
            effort: &'a Effort,
            #[serde(skip_serializing_if = "Option::is_none")]
            trace: Option<&'a Path>,
        }
        let (edges, edges_driven) = self.effort.edges();
        let row = Row {
            mode: self.mode,
            subject: &self.subject,
            verdict: self.verdict,
            why: self.why.as_deref(),
            expected: self.expected,
            edges,
            edges_driven,
            steps: self.effort.steps(),
            schedules: self.effort.schedules(),
            effort: &self.effort,
            trace: self.trace.as_deref(),
        };
        row.serialize(serializer)
    }
}

/// Something optional that did not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotRun {
    /// The case.
    pub case: String,
    /// The subject; `None` for the whole case.
    pub subject: Option<String>,
    /// Why, and what would run it.
    pub why: String,
}

/// What a catalogue says of a case before it is run.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseListing {
    /// `<protocol>/<case>`.
    pub case: String,
    /// The part before the slash.
    pub protocol: String,
    /// Whether it is left out unless asked for.
    pub large: bool,
    /// The model's properties.
    pub properties: Vec<PropertyListing>,
    /// The subjects' names.
    pub subjects: Vec<String>,
}

/// What a catalogue says of a property.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PropertyListing {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The verdict that is expected.
    pub expected: Verdict,
}

/// How a report as a whole is to be taken, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The two engines disagree: no verdict can be trusted.
    Broken,
    /// Some verdict differs from what is expected.
    Unexpected,
    /// Something is not known that was to be known.
    Incomplete,
    /// All as expected.
    AsExpected,
}

impl PropertyReport {
    /// Whether the verdict is the expected one.
    pub fn as_expected(&self) -> bool {
        self.verdict == self.expected
    }
}

impl ConformanceReport {
    /// Whether others have made it: a crate or a program, whose name ends in its version.
    pub fn is_of_others(&self) -> bool {
        let version = self.subject.rsplit_once(' ').map_or("", |(_, version)| version);
        version.contains('.') && version.starts_with(|letter: char| letter.is_ascii_digit())
    }

    /// Whether the verdict is the expected one.
    pub fn as_expected(&self) -> bool {
        self.verdict == self.expected
    }
}

impl CaseReport {
    /// How the case is to be taken.
    pub fn outcome(&self) -> Outcome {
        let properties = self.properties.iter();
        let properties = properties.map(|property| (property.as_expected(), property.verdict == Verdict::Incomplete));
        let subjects = self.conformance.iter();
        let subjects = subjects.map(|subject| (subject.as_expected(), subject.verdict == Agreement::Incomplete));
        let verdicts = properties.chain(subjects).filter(|(as_expected, _)| !as_expected);
        let of_verdicts =
            verdicts.map(|(_, incomplete)| if incomplete { Outcome::Incomplete } else { Outcome::Unexpected });
        let of_counts = (!self.counts_as_expected()).then_some(Outcome::Unexpected);
        let of_errors = self.errors.iter().map(|_| Outcome::Incomplete);
        let of_referee = self.referee.iter().filter(|referee| !referee.agrees).map(|_| Outcome::Broken);
        of_verdicts.chain(of_counts).chain(of_errors).chain(of_referee).min().unwrap_or(Outcome::AsExpected)
    }

    /// Whether the case is as large as is expected, where that is said.
    pub fn counts_as_expected(&self) -> bool {
        self.expected_counts.is_none_or(|counts| (counts.states, counts.edges) == (self.states, self.edges))
    }

    /// Where a trace of this case that is kept at `kept` would be if all of them were below `folder`.
    pub(crate) fn below(&self, kept: &Path, folder: &Path) -> PathBuf {
        folder.join(kept.strip_prefix(&self.traces).unwrap_or(kept))
    }

    /// Forgets that a trace is kept at `place`: it could not be written.
    #[cfg(feature = "cli")]
    pub(crate) fn not_kept(&mut self, place: &Path) {
        let properties = self.properties.iter_mut().map(|property| &mut property.trace);
        let subjects = self.conformance.iter_mut().map(|subject| &mut subject.trace);
        properties.chain(subjects).filter(|kept| kept.as_deref() == Some(place)).for_each(|kept| *kept = None);
    }

    /// The traces of whatever is violated or diverges, in order, with where each is kept.
    pub fn counterexamples(&self) -> impl Iterator<Item = (&PathBuf, &Trace)> {
        let properties = self.properties.iter().map(|property| (&property.trace, &property.evidence));
        let subjects = self.conformance.iter().map(|subject| (&subject.trace, &subject.evidence));
        properties.chain(subjects).filter_map(|(path, trace)| Some((path.as_ref()?, trace.as_ref()?)))
    }

    /// The traces of what is violated or diverges and was not expected to, in order, with where each is kept.
    pub fn surprises(&self) -> impl Iterator<Item = (&PathBuf, &Trace)> {
        let properties = self.properties.iter().filter(|property| !property.as_expected());
        let subjects = self.conformance.iter().filter(|subject| !subject.as_expected());
        let properties = properties.map(|property| (&property.trace, &property.evidence));
        let subjects = subjects.map(|subject| (&subject.trace, &subject.evidence));
        properties.chain(subjects).filter_map(|(path, trace)| Some((path.as_ref()?, trace.as_ref()?)))
    }
}

impl Report {
    /// The report of `cases`.
    pub fn new(cases: Vec<CaseReport>, not_run: Vec<NotRun>) -> Self {
        let as_expected = cases.iter().all(|case| case.as_expected);
        Report { schema: SCHEMA, cases, not_run, unfinished: Vec::new(), as_expected }
    }

    /// The same, where `unfinished` have no result.
    #[must_use]
    pub fn lacking(mut self, unfinished: Vec<String>) -> Self {
        self.as_expected &= unfinished.is_empty();
        self.unfinished = unfinished;
        self
    }

    /// How it is to be taken: the worst of its cases.
    pub fn outcome(&self) -> Outcome {
        let lacking = self.unfinished.iter().map(|_| Outcome::Incomplete);
        self.cases.iter().map(CaseReport::outcome).chain(lacking).min().unwrap_or(Outcome::AsExpected)
    }

    /// One JSON document, indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report is strings, numbers and lists");
        text.push('\n');
        text
    }
}
