//! A log: what was recorded of a running implementation, in memory and as JSON lines.
//!
//! One event a line. Numbers order begins and ends and nothing else: no clock is read, so two machines' logs cannot be
//! mixed by accident, and the same run written twice has the same bytes. A log may come from anywhere, by any language:
//! whatever is wrong with one is an error that names the line, and what to do.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::event::Event;
use super::links::{self, Follows, Link};
use crate::conform::linear::Call;
use crate::trace::write_whole;

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
    /// Shared: a log may be large, and is judged more than once.
    events: Arc<Vec<Recorded>>,
    /// What events follow beside what their intervals say, by place.
    links: Arc<HashMap<usize, Follows>>,
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
    /// A history in EDN that makes no sense.
    #[error("{}:{line}: {what}", file.display())]
    Edn {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// What is wrong.
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
    /// An event follows one that is not in the log.
    #[error("{}:{line}: the event follows {number}, and no event of the log begins with that number", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// The number that it names.
        number: u64,
    },
    /// An event that follows itself, by others.
    #[error(
        "{}:{line}: the event would have to come before itself: what it follows, follows it, or began when it had ended",
        file.display()
    )]
    Circle {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
    },
    /// An actor that begins something while what it began before is open.
    #[error(
        "{}:{line}: {actor:?} begins this while what it began on line {other} is open; a client does one thing at a time: \
         name its callers apart, or leave the actor out",
        file.display()
    )]
    TwoOpen {
        /// The file.
        file: PathBuf,
        /// 1-based, of the event that begins later.
        line: usize,
        /// 1-based, of the one that is open then.
        other: usize,
        /// Who does both.
        actor: String,
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
        Log::linked(events, Vec::new())
    }

    /// A log of `events`, some of which follow others by name.
    ///
    /// # Errors
    /// As [`Log::new`]; or what follows what makes no order.
    pub fn linked(events: Vec<Recorded>, links: Vec<Link>) -> Result<Self, LogError> {
        Log::checked(Path::new("(in memory)"), events, links)
    }

    fn checked(file: &Path, events: Vec<Recorded>, links: Vec<Link>) -> Result<Self, LogError> {
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
        let links = Arc::new(links::checked(file, &events, links)?);
        Ok(Log { events: Arc::new(events), links })
    }

    /// The events, as they stand: the first on line 1.
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// Reads `file`.
    ///
    /// # Errors
    /// Names the line: unreadable, not JSON, cut off, of another shape, with numbers that make no intervals, or with two
    /// events of one actor open at once.
    pub fn read(file: &Path) -> Result<Self, LogError> {
        let text = fs::read(file).map_err(|source| LogError::Io { file: file.into(), source })?;
        Log::parse(file, &text)
    }

    /// Reads `text`, which came from `file` (named in errors only). An empty text is an empty log.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub fn parse(file: &Path, text: &[u8]) -> Result<Self, LogError> {
        let log = Log::parse_recorded(file, text)?;
        log.one_at_a_time(file)?;
        Ok(log)
    }

    /// Reads `text`, as [`Log::parse`] does; but a thread that recorded it may have begun one thing within another.
    pub(super) fn parse_recorded(file: &Path, text: &[u8]) -> Result<Self, LogError> {
        let whole = text.last().is_none_or(|last| *last == b'\n');
        let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').collect();
        if text.is_empty() {
            return Ok(Log::default());
        }
        let mut events = Vec::with_capacity(lines.len());
        let (mut links, mut clocks) = (Vec::new(), Vec::new());
        for (index, bytes) in lines.iter().enumerate() {
            let line = index + 1;
            let value: Line = serde_json::from_slice(bytes).map_err(|error| {
                if error.is_eof() && line == lines.len() && !whole {
                    return LogError::CutOff { file: file.into(), line };
                }
                LogError::Syntax { file: file.into(), line, column: error.column(), what: error.to_string() }
            })?;
            let shape = |(field, what)| LogError::Shape { file: file.into(), line, field, what };
            let (event, link, clock) = recorded(value, index).map_err(shape)?;
            events.push(event);
            links.extend(link);
            clocks.extend(clock.map(|clock| (index, clock)));
        }
        for (event, follows) in links::by_clocks(file, &events, &clocks)? {
            match links.iter_mut().find(|link: &&mut Link| link.event == event) {
                Some(link) => link.follows.extend(follows),
                None => links.push(Link { event, follows, is_unplaced: false }),
            }
        }
        Log::checked(file, events, links)
    }

    /// Refuses a log in which somebody who is named does two things at once. What took effect at a moment is no call.
    fn one_at_a_time(&self, file: &Path) -> Result<(), LogError> {
        let is_call = |event: &usize| {
            let recorded = &self.events[*event];
            let is_unplaced = self.links.get(event).is_some_and(|link| link.is_unplaced);
            !recorded.event.actor.is_empty() && recorded.end != Some(recorded.begin) && !is_unplaced
        };
        let mut calls: Vec<usize> = (0..self.events.len()).filter(is_call).collect();
        calls.sort_unstable_by_key(|event| self.events[*event].begin);
        let mut last: HashMap<&str, usize> = HashMap::new();
        for event in calls {
            let Recorded { begin, event: Event { actor, .. }, .. } = &self.events[event];
            let Some(other) = last.insert(actor, event) else { continue };
            if self.events[other].end.is_none_or(|end| end > *begin) {
                let (line, other) = (event + 1, other + 1);
                return Err(LogError::TwoOpen { file: file.into(), line, other, actor: actor.clone() });
            }
        }
        Ok(())
    }

    /// The log as JSON lines: `begin`, `end` (absent where there was none), `actor`, `name` and `fields`, keys sorted.
    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for (place, Recorded { begin, end, event }) in self.events.iter().enumerate() {
            let mut line = json!({"actor": event.actor, "name": event.name, "fields": event.fields});
            let link = self.links.get(&place);
            let key = if link.is_some_and(|link| link.is_unplaced) { "number" } else { "begin" };
            line[key] = json!(begin);
            if let Some(end) = end {
                line["end"] = json!(end);
            }
            if let Some(link) = link.filter(|link| !link.events.is_empty()) {
                let numbers = link.events.iter().map(|event| self.events[*event as usize].begin);
                line["follows"] = numbers.collect();
            }
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Writes the file whole or not at all, and not if it holds these bytes already. Returns whether it wrote.
    ///
    /// A file in which somebody who is named does two things at once is not [read](Log::read) again. A thread does so that
    /// records a span within a span: give such spans an `actor` each.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, file: &Path) -> Result<bool, LogError> {
        write_whole(file, self.to_json_lines().as_bytes()).map_err(|source| LogError::Io { file: file.into(), source })
    }

    /// When an event was, and what it follows.
    pub(super) fn call(&self, event: usize) -> Call {
        links::call(&self.events, &self.links, event)
    }

    /// Whether events follow others by name.
    pub(super) fn is_linked(&self) -> bool {
        !self.links.is_empty()
    }

    /// The first `count` lines; all of them where events follow others by name.
    pub(super) fn first(&self, count: usize) -> Log {
        match self.is_linked() {
            true => self.clone(),
            false => Log { events: Arc::new(self.events[..count].to_vec()), links: Arc::default() },
        }
    }
}

/// How many events of each actor were seen.
type Clock = std::collections::BTreeMap<String, u64>;

/// What one line holds.
enum Line {
    Keys(Map<String, Value>),
    /// This key is there twice.
    Twice(String),
    /// It is no object.
    Other,
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads)
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
        let (mut keys, mut twice) = (Map::new(), None);
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if keys.contains_key(&key) {
                twice.get_or_insert(key);
            } else {
                keys.insert(key, value);
            }
        }
        Ok(twice.map_or(Line::Keys(keys), Line::Twice))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Line, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Line::Other)
    }

    fn visit_unit<E>(self) -> Result<Line, E> {
        Ok(Line::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Line, E> {
        Ok(Line::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Line, E> {
        Ok(Line::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Line, E> {
        Ok(Line::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Line, E> {
        Ok(Line::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Line, E> {
        Ok(Line::Other)
    }
}

/// An event, and what it follows by name or by clock.
type Linked = (Recorded, Option<Link>, Option<Clock>);

/// The event that one line holds, or the field that is wrong and how.
fn recorded(line: Line, place: usize) -> Result<Linked, (String, String)> {
    /// The keys of a line.
    const KEYS: [&str; 8] = ["begin", "end", "actor", "name", "fields", "number", "follows", "clock"];
    let wrong = |field: &str, what: &str| (field.to_string(), what.to_string());
    let mut line = match line {
        Line::Keys(keys) => keys,
        Line::Twice(key) => return Err(wrong(&key, "it is there twice, and only one of them can be meant")),
        Line::Other => return Err(wrong("the line", "an object was expected")),
    };
    if let Some(unknown) = line.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let what = format!("the keys of a line are {}; what else an event says belongs into fields", KEYS.join(", "));
        return Err((unknown.clone(), what));
    }
    let number = |value: Value, field: &str| {
        value.as_u64().ok_or_else(|| wrong(field, "a whole number from 0 to 18446744073709551615 was expected"))
    };
    let missing = |field: &str| wrong(field, "it is missing, and no event can do without it");
    let (own, name) = (line.remove("number"), if line.contains_key("begin") { "begin" } else { "number" });
    let is_unplaced = own.is_some();
    if is_unplaced && (line.contains_key("begin") || line.contains_key("end")) {
        return Err(wrong("number", "an event has either this or begin and end"));
    }
    let begin = match own.or_else(|| line.remove("begin")) {
        Some(begin) => number(begin, name)?,
        None => return Err(missing("begin")),
    };
    let follows = match line.remove("follows") {
        None => Vec::new(),
        Some(Value::Array(follows)) => {
            follows.into_iter().map(|value| number(value, "follows")).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(wrong("follows", "a list of numbers was expected")),
    };
    let clock = match line.remove("clock") {
        None => None,
        Some(Value::Object(clock)) => {
            let count = |(actor, value)| number(value, "clock").map(|count| (actor, count));
            Some(clock.into_iter().map(count).collect::<Result<Clock, _>>()?)
        }
        Some(_) => return Err(wrong("clock", "an object was expected: how many events of each actor were seen")),
    };
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
    let event = Event { actor, name, fields: fields.into_iter().collect() };
    let link = (is_unplaced || !follows.is_empty()).then_some(Link { event: place, follows, is_unplaced });
    Ok((Recorded { begin, end, event }, link, clock))
}
