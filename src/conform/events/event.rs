//! What a log says of one event, apart from when it was.
//!
//! A log may have a million of them, and each has few fields: they are kept in a list.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// What a log says of one event, apart from when it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Who did it: a thread, a caller, a process. May be empty.
    pub actor: String,
    /// What was done, in the log's words.
    pub name: String,
    /// What it was done with, and what came of it. What was not recorded is not there.
    pub fields: Fields,
}

impl Event {
    /// An event called `name`.
    pub fn new(actor: impl Into<String>, name: impl Into<String>) -> Self {
        Event { actor: actor.into(), name: name.into(), fields: Fields::default() }
    }

    /// The event, which also says that `field` is `value`.
    ///
    /// # Panics
    /// If `value` cannot be written as JSON, as a map whose keys are not strings.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a field's value is plain data");
        self.fields.insert(field.into(), value);
        self
    }

    /// Whether the event says that `field` is `value`, or says nothing of it: what was not recorded contradicts
    /// nothing.
    pub fn agrees(&self, field: &str, value: impl Serialize) -> bool {
        match self.fields.get(field) {
            None => true,
            Some(said) => serde_json::to_value(value).is_ok_and(|value| *said == value),
        }
    }

    /// Whether the event agrees, as [`agrees`](Event::agrees) says, where `field` holds `value` as `Debug` prints it.
    pub fn agrees_with_debug(&self, field: &str, value: &dyn fmt::Debug) -> bool {
        match self.fields.get(field) {
            None => true,
            Some(said) => said.as_str().is_some_and(|said| said == format!("{value:?}")),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (field, value) in self.fields.iter() {
            match value {
                Value::String(text) => write!(f, " {field}={text}")?,
                value => write!(f, " {field}={value}")?,
            }
        }
        Ok(())
    }
}

/// The fields of an event, each by its name, in the order of names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(String, Value)>);

impl Fields {
    fn place(&self, field: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| name.as_str().cmp(field))
    }

    /// The value of `field`, if it was recorded.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.place(field).ok().map(|place| &self.0[place].1)
    }

    /// Sets `field`. Returns what it was before.
    pub fn insert(&mut self, field: impl Into<String>, value: Value) -> Option<Value> {
        let field = field.into();
        match self.place(&field) {
            Ok(place) => Some(std::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (field, value));
                None
            }
        }
    }

    /// Takes `field` out. Returns what it was.
    pub fn remove(&mut self, field: &str) -> Option<Value> {
        self.place(field).ok().map(|place| self.0.remove(place).1)
    }

    /// Fields and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().map(|(field, value)| (field, value))
    }
}

impl IntoIterator for Fields {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, Value)> for Fields {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(fields: T) -> Self {
        let mut all = Fields::default();
        all.extend(fields);
        all
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(fields: Map<String, Value>) -> Self {
        // They are by name already, unless a map keeps them as they were written.
        let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        Fields(fields)
    }
}

impl Extend<(String, Value)> for Fields {
    fn extend<T: IntoIterator<Item = (String, Value)>>(&mut self, fields: T) {
        for (field, value) in fields {
            self.insert(field, value);
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
