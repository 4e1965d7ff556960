//! Traces in the Informal Trace Format that others have written, Quint or Apalache: to be looked at, not to be replayed.
//! Sources: Apalache ADR-015, "Informal Trace Format in JSON"; Quint's options `--mbt` and `--out-itf`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Evidence, Reader, Step, Trace, TraceError, content};

/// Where Quint puts the name of the action that a step has taken, and what was chosen for it.
const QUINT_ACTION: &str = "mbt::actionTaken";
const QUINT_PICKS: &str = "mbt::nondetPicks";

impl Trace {
    /// Whether another tool wrote it: it is evidence for a property without a name.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(&self.evidence, Evidence::Property { name, .. } if name.is_empty())
    }

    /// Reads `file`, which may be of another tool: such a trace can be looked at, and no case replays it.
    ///
    /// # Errors
    /// As [`Trace::read`].
    pub fn read_any(file: &Path) -> Result<Trace, TraceError> {
        Trace::parse_any(file, &content(file)?)
    }

    /// Reads `text`, which came from `file` (named in errors only), as [`Trace::read_any`] does.
    ///
    /// # Errors
    /// As [`Trace::read`].
    pub fn parse_any(file: &Path, text: &[u8]) -> Result<Trace, TraceError> {
        match serde_json::from_slice(text) {
            Ok(document) if is_foreign(&document) => read(file, &document),
            _ => Trace::parse(file, text),
        }
    }
}

/// Whether a document is a trace, and not one of ours, also not one that has lost what it says of itself.
fn is_foreign(document: &Value) -> bool {
    let says_ours = ["/#meta/format-version", "/#meta/model-hash"].iter().any(|at| document.pointer(at).is_some());
    let vars = document.get("vars");
    let has_ours = vars.is_some_and(|vars| *vars == serde_json::json!(super::VARS));
    vars.is_some() && document.get("states").is_some() && !says_ours && !has_ours
}

/// Reads `document`, which came from `file`. Nothing is claimed of the trace but what it says itself: it is evidence for
/// a property without a name.
fn read(file: &Path, document: &Value) -> Result<Trace, TraceError> {
    let reader = Reader { file };
    let document = reader.object(document, "the document")?;
    let meta = |key: &str| document.get("#meta").and_then(|meta| meta.get(key)).and_then(Value::as_str);
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Value::Array(states) = reader.field(document, "states", "")? else {
        return Err(reader.shape("states".into(), "a list was expected".into()));
    };
    let mut steps = Vec::with_capacity(states.len());
    for (index, state) in states.iter().enumerate() {
        let mut state = reader.object(state, &format!("states[{index}]"))?.clone();
        state.remove("#meta");
        let action = state.remove(QUINT_ACTION).map(plain).as_ref().map(text).unwrap_or_default();
        let picks = state.remove(QUINT_PICKS).map(plain);
        let picks = picks.as_ref().and_then(Value::as_object).map(chosen).unwrap_or_default();
        let action = if index == 0 && action == "init" { String::new() } else { format!("{action}{picks}") };
        steps.push(Step { action, state: plain(Value::Object(state)), ..Step::default() });
    }
    if steps.is_empty() {
        return Err(reader.shape("states".into(), "at least the initial state was expected".into()));
    }
    let loop_start = reader.loop_start(document, steps.len())?;
    Ok(Trace {
        case: meta("source").map_or(name, str::to_string),
        evidence: Evidence::Property { name: String::new(), kind: String::new() },
        verdict: meta("status").unwrap_or_default().to_string(),
        parameters: Default::default(),
        because: meta("description").unwrap_or_default().to_string(),
        replay: String::new(),
        steps,
        loop_start,
        extra: Default::default(),
    })
}

/// What was chosen for an action, without what was not.
fn chosen(picks: &Map<String, Value>) -> String {
    let made = picks.iter().filter(|(_, value)| value.as_str() != Some("None"));
    let made = made.map(|(name, value)| match value.get("Some") {
        Some(value) => format!("{name}: {}", text(value)),
        None => format!("{name}: {}", text(value)),
    });
    let made: Vec<String> = made.collect();
    if made.is_empty() { String::new() } else { format!(" {{ {} }}", made.join(", ")) }
}

/// A value of the format as plain JSON: sets, tuples and sequences as lists, maps as objects, variants by their tags.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(mut fields) => {
            if let Some(Value::String(digits)) = fields.get("#bigint") {
                return digits.parse::<i64>().map_or_else(|_| json!(digits), |small| json!(small));
            }
            if let Some(Value::String(words)) = fields.get("#unserializable") {
                return json!(words);
            }
            for list in ["#tup", "#set"] {
                if let Some(Value::Array(items)) = fields.get_mut(list) {
                    return std::mem::take(items).into_iter().map(plain).collect();
                }
            }
            if let Some(Value::Array(pairs)) = fields.get_mut("#map") {
                return std::mem::take(pairs).into_iter().filter_map(entry).collect::<Map<_, _>>().into();
            }
            if fields.len() == 2
                && let Some(Value::String(tag)) = fields.get("tag").cloned()
                && let Some(value) = fields.remove("value")
            {
                let value = plain(value);
                let unit = value == json!([]) || value == json!({}) || value == "U_OF_UNIT" || value == "UNIT";
                return if unit { json!(tag) } else { json!({ tag: value }) };
            }
            fields.remove("#meta");
            fields.into_iter().map(|(name, field)| (name, plain(field))).collect::<Map<_, _>>().into()
        }
        plain => plain,
    }
}

fn entry(pair: Value) -> Option<(String, Value)> {
    let Value::Array(pair) = pair else { return None };
    let [key, value]: [Value; 2] = pair.try_into().ok()?;
    Some((text(&plain(key)), plain(value)))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}
