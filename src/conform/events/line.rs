//! One line of a log, as it is read.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::event::Event;
use super::links::Link;
use super::log::Recorded;

/// How many events of each actor were seen.
pub(super) type Clock = std::collections::BTreeMap<String, u64>;

/// The keys of a line.
const KEYS: [&str; 8] = ["begin", "end", "actor", "name", "fields", "number", "follows", "clock"];

/// What one line holds: the values of [`KEYS`], if nothing else.
pub(super) struct Line(Result<[Option<Value>; KEYS.len()], Other>);

/// What is no line of a log.
enum Other {
    /// This key is there twice.
    Twice(&'static str),
    /// This key is none of a line's.
    Unknown(String),
    NoObject,
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
        let (mut said, mut twice, mut unknown) = ([const { None }; KEYS.len()], None, None);
        while let Some((Key(key), value)) = map.next_entry::<Key, Value>()? {
            match key {
                Ok(key) if said[key].is_some() => _ = twice.get_or_insert(KEYS[key]),
                Ok(key) => said[key] = Some(value),
                Err(key) => _ = unknown.get_or_insert(key),
            }
        }
        Ok(Line(match (twice, unknown) {
            (Some(key), _) => Err(Other::Twice(key)),
            (None, Some(key)) => Err(Other::Unknown(key)),
            (None, None) => Ok(said),
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Line, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Line(Err(Other::NoObject)))
    }

    fn visit_unit<E>(self) -> Result<Line, E> {
        Ok(Line(Err(Other::NoObject)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Line, E> {
        Ok(Line(Err(Other::NoObject)))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Line, E> {
        Ok(Line(Err(Other::NoObject)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Line, E> {
        Ok(Line(Err(Other::NoObject)))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Line, E> {
        Ok(Line(Err(Other::NoObject)))
    }

    fn visit_str<E>(self, _: &str) -> Result<Line, E> {
        Ok(Line(Err(Other::NoObject)))
    }
}

/// A key by its place among [`KEYS`], or as it reads.
struct Key(Result<usize, String>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ReadsKey)
    }
}

struct ReadsKey;

impl Visitor<'_> for ReadsKey {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key(KEYS.iter().position(|known| *known == key).ok_or_else(|| key.to_string())))
    }
}

/// An event, and what it follows by name or by clock.
pub(super) type Linked = (Recorded, Option<Link>, Option<Clock>);

/// The event that one line holds, or the field that is wrong and how.
pub(super) fn recorded(line: Line, place: usize) -> Result<Linked, (String, String)> {
    let wrong = |field: &str, what: &str| (field.to_string(), what.to_string());
    let [begin, end, actor, name, fields, own, follows, clock] = match line.0 {
        Ok(said) => said,
        Err(Other::Twice(key)) => return Err(wrong(key, "it is there twice, and only one of them can be meant")),
        Err(Other::Unknown(key)) => {
            let what =
                format!("the keys of a line are {}; what else an event says belongs into fields", KEYS.join(", "));
            return Err((key, what));
        }
        Err(Other::NoObject) => return Err(wrong("the line", "an object was expected")),
    };
    let number = |value: Value, field: &str| {
        value.as_u64().ok_or_else(|| wrong(field, "a whole number from 0 to 18446744073709551615 was expected"))
    };
    let missing = |field: &str| wrong(field, "it is missing, and no event can do without it");
    let is_unplaced = own.is_some();
    if is_unplaced && (begin.is_some() || end.is_some()) {
        return Err(wrong("number", "an event has either this or begin and end"));
    }
    let begin = match (own, begin) {
        (Some(own), _) => number(own, "number")?,
        (None, Some(begin)) => number(begin, "begin")?,
        (None, None) => return Err(missing("begin")),
    };
    let follows = match follows {
        None => Vec::new(),
        Some(Value::Array(follows)) => {
            follows.into_iter().map(|value| number(value, "follows")).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(wrong("follows", "a list of numbers was expected")),
    };
    let clock = match clock {
        None => None,
        Some(Value::Object(clock)) => {
            let count = |(actor, value)| number(value, "clock").map(|count| (actor, count));
            Some(clock.into_iter().map(count).collect::<Result<Clock, _>>()?)
        }
        Some(_) => return Err(wrong("clock", "an object was expected: how many events of each actor were seen")),
    };
    let end = match end {
        None | Some(Value::Null) => None,
        Some(end) => Some(number(end, "end")?),
    };
    let name = match name {
        Some(Value::String(name)) => name,
        Some(_) => return Err(wrong("name", "a string was expected")),
        None => return Err(missing("name")),
    };
    let actor = match actor {
        None => String::new(),
        Some(Value::String(actor)) => actor,
        Some(_) => return Err(wrong("actor", "a string was expected")),
    };
    let fields = match fields {
        None => Map::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(wrong("fields", "an object was expected")),
    };
    let event = Event { actor, name, fields: fields.into() };
    let link = (is_unplaced || !follows.is_empty()).then_some(Link { event: place, follows, is_unplaced });
    Ok((Recorded { begin, end, event }, link, clock))
}
