//! Names of a state's fields, as a file bears them: identifiers, since readers of the format make fields of records of
//! them, in Python named tuples. The words for people stand beside, in the file's `#meta`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Words that are no field names in Python, nor in most languages.
/// Source: <https://docs.python.org/3/reference/lexical_analysis.html#keywords>.
const RESERVED: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// What the format itself means by an object with one such field.
const OF_FORMAT: [&str; 5] = ["#bigint", "#map", "#set", "#tup", "#unserializable"];

/// The fields that are called otherwise in a file, each by its identifier there, with its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names(pub(super) BTreeMap<String, String>);

impl Names {
    /// Identifiers for the fields of `states` that need one; none bears the name of another field.
    pub(super) fn of<'a>(states: impl Iterator<Item = &'a Value>) -> Self {
        let mut known = BTreeSet::new();
        let mut refused = BTreeSet::new();
        states.for_each(|state| collect(state, &mut known, &mut refused));
        let fitting = |name: &&String| is_identifier(name) && !refused.contains(*name);
        let mut names = Names::default();
        for words in known.iter().filter(|name| !fitting(name)) {
            let plain = identifier(words);
            let numbered = (2..).map(|number| format!("{plain}_{number}"));
            let free = |name: &String| !known.contains(name) && !names.0.contains_key(name);
            let name = std::iter::once(plain.clone()).chain(numbered).find(free).expect("numbers do not end");
            names.0.insert(name, words.clone());
        }
        names
    }

    /// `state` as a file bears it.
    pub(super) fn written(&self, state: &Value) -> Value {
        let by_words: BTreeMap<&str, &str> = self.0.iter().map(|(name, words)| (&**words, &**name)).collect();
        renamed(state, &by_words)
    }

    /// What a file bears as `state`.
    pub(super) fn read(&self, state: &Value) -> Value {
        let by_name: BTreeMap<&str, &str> = self.0.iter().map(|(name, words)| (&**name, &**words)).collect();
        renamed(state, &by_name)
    }
}

/// Adds the names of all fields of `value`, and those that would make it read as something else.
fn collect(value: &Value, known: &mut BTreeSet<String>, refused: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, known, refused)),
        Value::Object(fields) if is_of_format(fields) => {
            fields.values().for_each(|field| collect(field, known, refused));
        }
        Value::Object(fields) => {
            // The format's variants have these two fields and no other.
            if fields.len() == 2 && fields.contains_key("value") && fields.contains_key("tag") {
                refused.insert("tag".into());
            }
            for (name, field) in fields {
                known.insert(name.clone());
                collect(field, known, refused);
            }
        }
        _ => {}
    }
}

fn renamed(value: &Value, names: &BTreeMap<&str, &str>) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| renamed(item, names)).collect(),
        Value::Object(fields) => {
            let names = if is_of_format(fields) { &BTreeMap::new() } else { names };
            let name = |name: &String| names.get(name.as_str()).map_or_else(|| name.clone(), |name| name.to_string());
            fields.iter().map(|(words, field)| (name(words), renamed(field, names))).collect::<Map<_, _>>().into()
        }
        plain => plain.clone(),
    }
}

fn is_of_format(fields: &Map<String, Value>) -> bool {
    fields.len() == 1 && fields.keys().all(|name| OF_FORMAT.contains(&name.as_str()))
}

fn is_identifier(name: &str) -> bool {
    let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    letters && name.starts_with(|first: char| first.is_ascii_alphabetic()) && !RESERVED.contains(&name)
}

/// An identifier that looks like `words`.
fn identifier(words: &str) -> String {
    let parts: Vec<&str> = words.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let name = parts.join("_");
    match name.chars().next() {
        None => "field".into(),
        Some(first) if first.is_ascii_digit() => format!("at_{name}"),
        Some(_) if is_identifier(&name) && name != words => name,
        Some(_) => format!("{name}_"),
    }
}
