//! A log: what was recorded of a running implementation, in memory and as JSON lines.
//!
//! One event a line. Numbers order begins and ends and nothing else: no clock is read, so two machines' logs cannot be
//! mixed by accident, and the same run written twice has the same bytes. A log may come from anywhere, by any language:
//! whatever is wrong with one is an error that names the line, and what to do.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::trace::write_whole;

/// What a log says of one event, apart from when it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Who did it: a thread, a caller, a process. May be empty.
    pub actor: String,
    /// What was done, in the log's words.
    pub name: String,
    /// What it was done with, and what came of it. What was not recorded is not there.
    pub fields: BTreeMap<String, Value>,
}

impl Event {
    /// An event called `name`.
    pub fn new(actor: impl Into<String>, name: impl Into<String>) -> Self {
        Event { actor: actor.into(), name: name.into(), fields: BTreeMap::new() }
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
        for (field, value) in &self.fields {
            match value {
                Value::String(text) => write!(f, " {field}={text}")?,
                value => write!(f, " {field}={value}")?,
            }
        }
        Ok(())
    }
}

/// An event, and the interval in which it took effect.
///
/// One precedes another only if it ended before the other began. Between events that overlap, neither the order of
/// their numbers nor that of their lines says which took effect first.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The number of its begin. No two begins or ends of a log share one.
    pub begin: u64,
    /// The number of its end, at least `begin`; the same for an event that took effect at this very moment. `None`
    /// where it had not ended when the log did: it may or may not have taken effect.
    pub end: Option<u64>,
    /// The event.
    pub event: Event,
}

/// Events recorded of one run, from its fresh start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    events: Vec<Recorded>,
}

/// Why something is not a log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is not JSON.
    #[error("{}:{line}:{column}: not JSON ({what}); a log has one JSON object on each line", file.display())]
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
    /// The last line ends in the middle.
    #[error(
        "{}:{line}: the last line is cut off; whoever wrote it was stopped: remove it, and mind that what it would have \
         said is then missing",
        file.display()
    )]
    CutOff {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
    },
    /// A line that is JSON of another shape.
    #[error("{}:{line}: at {field}: {what}", file.display())]
    Shape {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// The field's name.
        field: String,
        /// What was expected there.
        what: String,
    },
    /// An event that ends before it begins.
    #[error(
        "{}:{line}: the event begins at {begin} and ends at {end}; number begins and ends by one counter that only \
         goes up",
        file.display()
    )]
    Backwards {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// Its begin.
        begin: u64,
        /// Its end.
        end: u64,
    },
    /// A number that two begins or ends share.
    #[error(
        "{}:{line}: the number {number} is on line {other} already; number begins and ends of all actors by one counter",
        file.display()
    )]
    Duplicate {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// 1-based, of the line that has it first.
        other: usize,
        /// The number.
        number: u64,
    },
}

impl Log {
    /// A log of `events`, which stand on lines 1, 2 … in this order.
    ///
    /// # Errors
    /// An event ends before it begins, or a number is there twice.
    pub fn new(events: Vec<Recorded>) -> Result<Self, LogError> {
        Log::checked(Path::new("(in memory)"), events)
    }

    fn checked(file: &Path, events: Vec<Recorded>) -> Result<Self, LogError> {
        let mut lines: HashMap<u64, usize> = HashMap::with_capacity(2 * events.len());
        for (index, recorded) in events.iter().enumerate() {
            let (begin, line) = (recorded.begin, index + 1);
            if let Some(end) = recorded.end.filter(|end| *end < begin) {
                return Err(LogError::Backwards { file: file.into(), line, begin, end });
            }
            for number in [Some(begin), recorded.end.filter(|end| *end != begin)].into_iter().flatten() {
                if let Some(other) = lines.insert(number, line) {
                    return Err(LogError::Duplicate { file: file.into(), line, other, number });
                }
            }
        }
        Ok(Log { events })
    }

    /// The events, as they stand: the first on line 1.
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// Reads `file`.
    ///
    /// # Errors
    /// Names the line: unreadable, not JSON, cut off, of another shape, or with numbers that make no intervals.
    pub fn read(file: &Path) -> Result<Self, LogError> {
        let text = fs::read(file).map_err(|source| LogError::Io { file: file.into(), source })?;
        Log::parse(file, &text)
    }

    /// Reads `text`, which came from `file` (named in errors only). An empty text is an empty log.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub fn parse(file: &Path, text: &[u8]) -> Result<Self, LogError> {
        let whole = text.last().is_none_or(|last| *last == b'\n');
        let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').collect();
        if text.is_empty() {
            return Ok(Log::default());
        }
        let mut events = Vec::with_capacity(lines.len());
        for (index, bytes) in lines.iter().enumerate() {
            let line = index + 1;
            let value: Value = serde_json::from_slice(bytes).map_err(|error| {
                if error.is_eof() && line == lines.len() && !whole {
                    return LogError::CutOff { file: file.into(), line };
                }
                LogError::Syntax { file: file.into(), line, column: error.column(), what: error.to_string() }
            })?;
            events.push(recorded(value).map_err(|(field, what)| LogError::Shape {
                file: file.into(),
                line,
                field,
                what,
            })?);
        }
        Log::checked(file, events)
    }

    /// The log as JSON lines: `begin`, `end` (absent where there was none), `actor`, `name` and `fields`, keys sorted.
    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for Recorded { begin, end, event } in &self.events {
            let mut line = json!({"begin": begin, "actor": event.actor, "name": event.name, "fields": event.fields});
            if let Some(end) = end {
                line["end"] = json!(end);
            }
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Writes the file whole or not at all, and not if it holds these bytes already. Returns whether it wrote.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, file: &Path) -> Result<bool, LogError> {
        write_whole(file, self.to_json_lines().as_bytes()).map_err(|source| LogError::Io { file: file.into(), source })
    }

    /// The first `count` lines.
    pub(super) fn first(&self, count: usize) -> Log {
        Log { events: self.events[..count].to_vec() }
    }
}

/// The event that one line holds, or the field that is wrong and how.
fn recorded(value: Value) -> Result<Recorded, (String, String)> {
    /// The keys of a line.
    const KEYS: [&str; 5] = ["begin", "end", "actor", "name", "fields"];
    let wrong = |field: &str, what: &str| (field.to_string(), what.to_string());
    let Value::Object(mut line) = value else { return Err(wrong("the line", "an object was expected")) };
    if let Some(unknown) = line.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let what = format!("the keys of a line are {}; what else an event says belongs into fields", KEYS.join(", "));
        return Err((unknown.clone(), what));
    }
    let number = |value: Value, field: &str| {
        value.as_u64().ok_or_else(|| wrong(field, "a whole number from 0 to 18446744073709551615 was expected"))
    };
    let missing = |field: &str| wrong(field, "it is missing, and no event can do without it");
    let begin = number(line.remove("begin").ok_or_else(|| missing("begin"))?, "begin")?;
    let end = match line.remove("end") {
        None | Some(Value::Null) => None,
        Some(end) => Some(number(end, "end")?),
    };
    let name = match line.remove("name") {
        Some(Value::String(name)) => name,
        Some(_) => return Err(wrong("name", "a string was expected")),
        None => return Err(missing("name")),
    };
    let actor = match line.remove("actor") {
        None => String::new(),
        Some(Value::String(actor)) => actor,
        Some(_) => return Err(wrong("actor", "a string was expected")),
    };
    let fields = match line.remove("fields") {
        None => Map::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(wrong("fields", "an object was expected")),
    };
    Ok(Recorded { begin, end, event: Event { actor, name, fields: fields.into_iter().collect() } })
}
