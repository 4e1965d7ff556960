//! The trace file: one behaviour, of a model and of an implementation beside it, as JSON in the Informal Trace Format.
//!
//! Why ITF: viewers for Quint's and Apalache's traces open it as it is. The format asks for flat string metadata and
//! knows neither `null` nor fractions, so [`itf_value`] maps those to strings.
//! Source: Apalache ADR-015, "Informal Trace Format in JSON".
//!
//! Everything in a file follows from the model, its bounds, the seed and the implementation's answers: no date, no
//! path of a machine, keys sorted. The same run writes the same bytes.

mod foreign;
mod names;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};
use siphasher::sip128::{Hasher128, SipHasher13};
use thiserror::Error;

use self::names::Names;
pub use self::whole::write_whole;

/// The versions that this build reads, the older first. A trace whose fields are called in a file as they are called
/// here is the same in both, and is written as the first.
pub const FORMAT_VERSIONS: [&str; 2] = ["1", "2"];

/// Where a file of the second version keeps the names of the fields that are called otherwise in it.
const FIELD_NAMES: &str = "field-names";

/// What each state of a trace carries, in the order of the file's `vars`.
const VARS: [&str; 6] = ["action", "actor", "implementation", "input", "output", "state"];

/// The action of a step in which none happens: a run may end where nothing has to happen, and goes on for ever there.
pub const STAY: &str = "(nothing happens)";

/// The name of what a way chosen by hand is evidence for: that it can be gone.
pub const CHOSEN: &str = "this way can be gone";

/// The name in [`Trace::extra`] of the fairness assumption that a lasso was judged under.
pub const FAIRNESS: &str = "fairness";

/// One behaviour and how it was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// `<protocol>/<case>`, or the name of a test outside the catalogue.
    pub case: String,
    /// What the behaviour is evidence for.
    pub evidence: Evidence,
    /// `holds` (a witness), `violated` or `diverges`.
    pub verdict: String,
    /// The model's bounds and variant, by name.
    pub parameters: BTreeMap<String, String>,
    /// Why it came to this, for a reader who knows only the story.
    pub because: String,
    /// The command that replays the file.
    pub replay: String,
    /// The steps; the first is the initial state.
    pub steps: Vec<Step>,
    /// Index of the step that the last one leads back to, for a lasso: the last state is the one there.
    pub loop_start: Option<usize>,
    /// What a mode needs beside the steps to run the same thing again: a script, a schedule, a seed.
    pub extra: BTreeMap<String, String>,
}

/// What a trace is evidence for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A property of the model, and its kind (`always` …).
    Property {
        /// Its name.
        name: String,
        /// Its kind, as in `list --json`.
        kind: String,
    },
    /// An implementation run alongside.
    Subject {
        /// `implementation`, a defect's name, or a crate with its version.
        name: String,
        /// `product`, `tour`, `walk`, `interleave` or `events`.
        mode: String,
    },
}

impl Evidence {
    /// The property's or the subject's name.
    pub fn name(&self) -> &str {
        match self {
            Evidence::Property { name, .. } | Evidence::Subject { name, .. } => name,
        }
    }
}

/// A state, and the step that led into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The model's action, as its `Debug` prints it; empty in the first step, and where the model has none; [`STAY`]
    /// where the run stays as it is.
    pub action: String,
    /// Who acts.
    pub actor: String,
    /// What the implementation is given; empty for a step that is internal to the model.
    pub input: String,
    /// What the model answers.
    pub output: String,
    /// What the implementation answered, where one was run.
    pub implementation: String,
    /// The model's state after the step.
    pub state: Value,
}

impl Step {
    /// What is done, as it is told: the model's action, or what the implementation is given where the model has none.
    pub(crate) fn told(&self) -> &str {
        if self.action.is_empty() { &self.input } else { &self.action }
    }
}

/// Why a file is not a trace that this build can use.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than any trace.
    #[error("{}: {bytes} bytes, and a trace has {BYTES_MAX} at most; name a file that `counterpart check` wrote", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// It is not JSON, or it ends in the middle.
    #[error("{}:{line}:{column}: not a complete JSON document ({what}); restore the file or write it again with `counterpart check`", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
        /// The parser's words.
        what: String,
    },
    /// It is JSON of another shape.
    #[error("{}: at {place}: {what}; this is not a counterpart trace, or it was edited", file.display())]
    Shape {
        /// The file.
        file: PathBuf,
        /// A path into the document, as `states[3].action`.
        place: String,
        /// What was expected there.
        what: String,
    },
    /// It is of a format this build does not read.
    #[error("{}: format version {found:?}, this build reads {}; write the trace again with `counterpart check`", file.display(), FORMAT_VERSIONS.map(|version| format!("{version:?}")).join(" and "))]
    Version {
        /// The file.
        file: PathBuf,
        /// The file's version.
        found: String,
    },
    /// Its states are not the ones its hash was taken of.
    #[error("{}: the content has hash {found}, the file says {recorded}; it was edited after it was written: restore it, or write it again with `counterpart check`", file.display())]
    Altered {
        /// The file.
        file: PathBuf,
        /// The hash that the file names.
        recorded: String,
        /// The hash of the content.
        found: String,
    },
}

/// Bytes of a trace file at most: more than a thousand times the largest that a case of the catalogue writes.
const BYTES_MAX: u64 = 256 << 20;

/// Bytes by which a file shows that it may be a trace.
const FIRST_BYTES: u64 = 4096;

impl Trace {
    /// A digest of case, parameters and the states along the path: 128 bits in hexadecimal.
    pub fn model_hash(&self) -> String {
        model_hash(&self.case, &self.parameters, self.steps.iter().map(|step| &step.state))
    }

    /// Steps taken, the initial state not counted.
    pub fn len(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }

    /// Whether the trace is an initial state and nothing more.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Steps in the loop of a lasso.
    pub fn loop_len(&self) -> Option<usize> {
        self.loop_start.map(|start| self.len() - start)
    }

    /// The part of the case's name before the slash.
    pub fn protocol(&self) -> &str {
        self.case.split('/').next().unwrap_or(&self.case)
    }

    /// The document, with sorted keys and a line break at its end.
    pub fn to_json(&self) -> String {
        let mut meta: BTreeMap<&str, String> = self.extra.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        meta.insert("format", "ITF".into());
        let names = Names::of(self.steps.iter().map(|step| &step.state));
        meta.insert("format-version", FORMAT_VERSIONS[usize::from(!names.0.is_empty())].into());
        if !names.0.is_empty() {
            meta.insert(FIELD_NAMES, json!(names.0).to_string());
        }
        meta.insert("protocol", self.protocol().into());
        meta.insert("case", self.case.clone());
        match &self.evidence {
            Evidence::Property { name, kind } => {
                meta.insert("property", name.clone());
                meta.insert("kind", kind.clone());
            }
            Evidence::Subject { name, mode } => {
                meta.insert("subject", name.clone());
                meta.insert("mode", mode.clone());
            }
        }
        meta.insert("verdict", self.verdict.clone());
        meta.insert("description", self.because.clone());
        meta.insert("model-hash", self.model_hash());
        meta.insert("tool-version", env!("CARGO_PKG_VERSION").into());
        meta.insert("replay", self.replay.clone());
        meta.insert("parameters", json!(self.parameters).to_string());

        let states: Vec<Value> = self
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                json!({
                    "#meta": {"index": index},
                    "action": step.action,
                    "actor": step.actor,
                    "implementation": step.implementation,
                    "input": step.input,
                    "output": step.output,
                    "state": names.written(&step.state),
                })
            })
            .collect();
        let mut document = json!({"#meta": meta, "params": [], "vars": VARS, "states": states});
        if let Some(start) = self.loop_start {
            document["loop"] = json!(start);
        }
        let mut text =
            serde_json::to_string_pretty(&document).expect("a document of strings, numbers and lists has a JSON text");
        text.push('\n');
        text
    }

    /// Reads `file`.
    ///
    /// # Errors
    /// Names the place in the file: unreadable, not JSON, of another shape or version, or edited since it was written.
    pub fn read(file: &Path) -> Result<Trace, TraceError> {
        Trace::parse(file, &content(file)?)
    }

    /// Reads `text`, which came from `file` (named in errors only).
    ///
    /// # Errors
    /// As [`Trace::read`].
    pub fn parse(file: &Path, text: &[u8]) -> Result<Trace, TraceError> {
        let document: Value = serde_json::from_slice(text).map_err(|error| TraceError::Syntax {
            file: file.into(),
            line: error.line(),
            column: error.column(),
            what: error.to_string(),
        })?;
        let reader = Reader { file };
        let document = reader.object(&document, "the document")?;
        let mut meta = BTreeMap::new();
        for (key, value) in reader.object(reader.field(document, "#meta", "")?, "#meta")? {
            meta.insert(key.clone(), reader.string(value, &format!("#meta.{key}"))?);
        }
        let mut take = |key: &str| meta.remove(key).ok_or_else(|| reader.shape("#meta".into(), format!("no {key:?}")));
        let version = take("format-version")?;
        if !FORMAT_VERSIONS.contains(&version.as_str()) {
            return Err(TraceError::Version { file: file.into(), found: version });
        }
        let case = take("case")?;
        let verdict = take("verdict")?;
        if !["holds", "violated", "diverges"].contains(&verdict.as_str()) {
            let what = format!("{verdict:?} is none of holds, violated and diverges");
            return Err(reader.shape("#meta.verdict".into(), what));
        }
        let because = take("description")?;
        let replay = take("replay")?;
        let recorded = take("model-hash")?;
        let parameters: BTreeMap<String, String> = serde_json::from_str(&take("parameters")?)
            .map_err(|error| reader.shape("#meta.parameters".into(), error.to_string()))?;
        let names = match meta.remove(FIELD_NAMES) {
            None => Names::default(),
            Some(names) => serde_json::from_str(&names)
                .map(Names)
                .map_err(|error| reader.shape(format!("#meta.{FIELD_NAMES}"), error.to_string()))?,
        };
        let evidence = match (meta.remove("property"), meta.remove("subject")) {
            (Some(name), None) => Evidence::Property { name, kind: meta.remove("kind").unwrap_or_default() },
            (None, Some(name)) => Evidence::Subject { name, mode: meta.remove("mode").unwrap_or_default() },
            _ => {
                return Err(
                    reader.shape("#meta".into(), "exactly one of \"property\" and \"subject\" was expected".into())
                );
            }
        };
        for known in ["format", "protocol", "tool-version"] {
            meta.remove(known);
        }

        let steps = reader.steps(document, &names)?;
        let loop_start = reader.loop_start(document, steps.len())?;
        let trace = Trace { case, evidence, verdict, parameters, because, replay, steps, loop_start, extra: meta };
        let found = trace.model_hash();
        if found != recorded {
            return Err(TraceError::Altered { file: file.into(), recorded, found });
        }
        Ok(trace)
    }

    /// Writes the file whole or not at all, and not if it holds these bytes already. Returns whether it wrote.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, file: &Path) -> Result<bool, TraceError> {
        write_whole(file, self.to_json().as_bytes()).map_err(|source| TraceError::Io { file: file.into(), source })
    }
}

/// The bytes of `file`, if it may be a trace.
fn content(file: &Path) -> Result<Vec<u8>, TraceError> {
    let refused = |source| TraceError::Io { file: file.into(), source };
    let mut opened = fs::File::open(file).map_err(refused)?;
    let bytes = opened.metadata().map_err(refused)?.len();
    if bytes > BYTES_MAX {
        return Err(TraceError::TooLarge { file: file.into(), bytes });
    }
    let mut text = Vec::new();
    // What does not begin as a document is not read to its end.
    (&mut opened).take(FIRST_BYTES).read_to_end(&mut text).map_err(refused)?;
    if text.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'{') {
        opened.take(BYTES_MAX).read_to_end(&mut text).map_err(refused)?;
    }
    Ok(text)
}

/// The digest that ties a trace to its model.
pub fn model_hash<'a>(
    case: &str,
    parameters: &BTreeMap<String, String>,
    states: impl Iterator<Item = &'a Value>,
) -> String {
    let mut hasher = SipHasher13::new();
    let mut add = |text: &str| {
        hasher.write_u64(text.len() as u64);
        hasher.write(text.as_bytes());
    };
    add(case);
    for (name, value) in parameters {
        add(name);
        add(value);
    }
    for state in states {
        add(&state.to_string());
    }
    format!("{:032x}", hasher.finish128().as_u128())
}

/// `value` as the Informal Trace Format can carry it: `null` and fractions become strings, integers beyond 2^53 a
/// `#bigint`.
pub fn itf_value(value: Value) -> Value {
    /// JavaScript's largest exact integer, the bound that the format names.
    const EXACT_MAX: i64 = (1 << 53) - 1;
    match value {
        Value::Null => json!("none"),
        Value::Number(number) => match number.as_i64() {
            Some(small) if (-EXACT_MAX..=EXACT_MAX).contains(&small) => json!(small),
            _ if number.is_f64() => json!(number.to_string()),
            _ => json!({"#bigint": number.to_string()}),
        },
        Value::Array(items) => items.into_iter().map(itf_value).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, itf_value(field))).collect::<Map<_, _>>().into()
        }
        plain => plain,
    }
}

/// `state` as a trace carries it, by way of serde.
pub fn itf_state(state: &impl Serialize) -> Value {
    match serde_json::to_value(state) {
        Ok(value) => itf_value(value),
        Err(error) => json!(format!("not serialisable: {error}")),
    }
}

/// The name under which a trace is kept: `<protocol>/<case>--<property-or-subject>.json`.
pub fn file_name(case: &str, name: &str) -> PathBuf {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    PathBuf::from(format!("{case}--{plain}.json"))
}

/// Finds its way in a document and says where it got lost.
struct Reader<'a> {
    file: &'a Path,
}

impl Reader<'_> {
    fn steps(&self, document: &Map<String, Value>, names: &Names) -> Result<Vec<Step>, TraceError> {
        let Value::Array(states) = self.field(document, "states", "")? else {
            return Err(self.shape("states".into(), "a list was expected".into()));
        };
        let mut steps = Vec::with_capacity(states.len());
        for (index, state) in states.iter().enumerate() {
            let place = format!("states[{index}]");
            let state = self.object(state, &place)?;
            let text = |key: &str| self.string(self.field(state, key, &place)?, &format!("{place}.{key}"));
            steps.push(Step {
                action: text("action")?,
                actor: text("actor")?,
                input: text("input")?,
                output: text("output")?,
                implementation: text("implementation")?,
                state: names.read(self.field(state, "state", &place)?),
            });
        }
        if steps.is_empty() {
            return Err(self.shape("states".into(), "at least the initial state was expected".into()));
        }
        Ok(steps)
    }

    fn loop_start(&self, document: &Map<String, Value>, count: usize) -> Result<Option<usize>, TraceError> {
        let Some(start) = document.get("loop") else { return Ok(None) };
        let start = start.as_u64().and_then(|start| usize::try_from(start).ok()).filter(|start| *start < count);
        start.map(Some).ok_or_else(|| self.shape("loop".into(), "the index of a state was expected".into()))
    }

    fn shape(&self, place: String, what: String) -> TraceError {
        TraceError::Shape { file: self.file.into(), place, what }
    }

    fn object<'v>(&self, value: &'v Value, place: &str) -> Result<&'v Map<String, Value>, TraceError> {
        value.as_object().ok_or_else(|| self.shape(place.into(), "an object was expected".into()))
    }

    fn field<'v>(&self, object: &'v Map<String, Value>, key: &str, place: &str) -> Result<&'v Value, TraceError> {
        object.get(key).ok_or_else(|| {
            self.shape(if place.is_empty() { "the document".into() } else { place.into() }, format!("no {key:?}"))
        })
    }

    fn string(&self, value: &Value, place: &str) -> Result<String, TraceError> {
        value.as_str().map(str::to_string).ok_or_else(|| self.shape(place.into(), "a string was expected".into()))
    }
}
