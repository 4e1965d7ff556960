//! What `Debug` prints of a state, read back as structure: fields by name, maps by key, in an order that does not
//! depend on how a hash map keeps them. It is how a state reads of which a [`Spec`](super::Spec) says nothing.
//!
//! It reads what derived `Debug` and the standard collections print. What is written otherwise is kept as its text.

use std::cmp::Ordering;
use std::str::CharIndices;

use serde_json::{Map, Value};

/// The structure of `text`, which `{:?}` printed. The name of an outermost struct is left out.
pub fn printed(text: &str) -> Value {
    let mut reader = Reader { rest: text };
    match reader.value() {
        Some(value) if reader.rest.trim().is_empty() => match value {
            Printed::Named(_, inner) if matches!(*inner, Printed::Fields(_)) => inner.json(),
            value => value.json(),
        },
        _ => Value::String(text.into()),
    }
}

/// What was printed.
enum Printed {
    /// A number, a unit variant, or whatever is not written as one of the others.
    Plain(String),
    /// Without its quotes, its escapes as they were printed.
    Text(String),
    /// The name of a struct or a variant, before its parts.
    Named(String, Box<Printed>),
    Fields(Vec<(String, Printed)>),
    Tuple(Vec<Printed>),
    List(Vec<Printed>),
    Set(Vec<Printed>),
    Map(Vec<(Printed, Printed)>),
}

impl Printed {
    /// On one line, as `Debug` has it, what has no order of its own in order.
    fn line(&self) -> String {
        let joined = |parts: &mut dyn Iterator<Item = String>| parts.collect::<Vec<_>>().join(", ");
        match self {
            Printed::Plain(text) => text.clone(),
            Printed::Text(text) => format!("\"{text}\""),
            Printed::Named(name, inner) if matches!(**inner, Printed::Tuple(_)) => format!("{name}{}", inner.line()),
            Printed::Named(name, inner) => format!("{name} {}", inner.line()),
            Printed::Fields(fields) => {
                format!("{{ {} }}", joined(&mut fields.iter().map(|(name, field)| format!("{name}: {}", field.line()))))
            }
            Printed::Tuple(items) => format!("({})", joined(&mut items.iter().map(Printed::line))),
            Printed::List(items) => format!("[{}]", joined(&mut items.iter().map(Printed::line))),
            Printed::Set(items) => format!("{{{}}}", joined(&mut items.iter().map(Printed::line))),
            Printed::Map(entries) => {
                let entry = |(key, value): &(Printed, Printed)| format!("{}: {}", key.line(), value.line());
                format!("{{{}}}", joined(&mut entries.iter().map(entry)))
            }
        }
    }

    /// Whether it reads well on one line: nothing in it has parts that have parts.
    fn is_small(&self) -> bool {
        match self {
            Printed::Plain(_) | Printed::Text(_) => true,
            Printed::Named(_, inner) => match &**inner {
                Printed::Tuple(items) => items.iter().all(Printed::is_small),
                _ => false,
            },
            Printed::Tuple(items) => items.iter().all(Printed::is_small),
            Printed::Fields(_) | Printed::List(_) | Printed::Set(_) | Printed::Map(_) => false,
        }
    }

    fn json(self) -> Value {
        match self {
            Printed::Plain(text) => match text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number => number.parse::<i64>().map_or_else(|_| Value::String(text.clone()), Value::from),
            },
            Printed::Text(text) => Value::String(text),
            small if small.is_small() => Value::String(small.line()),
            Printed::Named(name, inner) => Value::Object(Map::from_iter([(name, inner.alone().json())])),
            Printed::Fields(fields) => fields.into_iter().map(|(name, field)| (name, field.json())).collect(),
            Printed::Tuple(items) | Printed::List(items) | Printed::Set(items) => {
                items.into_iter().map(Printed::json).collect()
            }
            Printed::Map(entries) => {
                let named: Vec<(String, Value)> =
                    entries.into_iter().map(|(key, value)| (key.key(), value.json())).collect();
                if named.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    let pairs = named.into_iter().map(|(key, value)| Value::Array(vec![Value::String(key), value]));
                    return pairs.collect();
                }
                named.into_iter().collect()
            }
        }
    }

    /// The one item of a tuple that has no other.
    fn alone(self) -> Printed {
        match self {
            Printed::Tuple(mut items) if items.len() == 1 => items.remove(0),
            other => other,
        }
    }

    /// As the name of a map's entry.
    fn key(&self) -> String {
        match self {
            Printed::Text(text) => text.clone(),
            other => other.line(),
        }
    }
}

/// Numbers by their value, before all else; the rest by its text.
fn in_order(left: &str, right: &str) -> Ordering {
    match (left.parse::<i128>(), right.parse::<i128>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

/// Goes on to behind the `quote` that ends what the last one began.
fn quoted(letters: &mut CharIndices<'_>, quote: char) {
    while let Some((_, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            letter if letter == quote => return,
            _ => {}
        }
    }
}

/// What is still to be read.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Printed> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '"' => self.text().map(Printed::Text),
            '(' => self.items('(', ')').map(Printed::Tuple),
            '[' => self.items('[', ']').map(Printed::List),
            '{' => self.braced(),
            _ => self.plain(),
        }
    }

    /// A name with its parts, a number, or any other text up to where its parent goes on.
    fn plain(&mut self) -> Option<Printed> {
        let word = self.rest.find(|letter: char| !(letter.is_alphanumeric() || "_:#".contains(letter)));
        let (name, after) = self.rest.split_at(word.unwrap_or(self.rest.len()));
        let is_name = name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
        let inner = match after.chars().next() {
            Some('(') if is_name => {
                self.rest = after;
                self.items('(', ')').map(Printed::Tuple)
            }
            Some(' ') if is_name && after.starts_with(" {") => {
                self.rest = &after[1..];
                self.fields().map(Printed::Fields)
            }
            _ => return self.other(),
        };
        Some(Printed::Named(name.into(), Box::new(inner?)))
    }

    /// Any text up to where its parent goes on.
    fn other(&mut self) -> Option<Printed> {
        let mut depth = 0_usize;
        let mut end = self.rest.len();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '(' | '[' | '{' | '<' => depth += 1,
                ')' | ']' | '}' if depth == 0 => {
                    end = at;
                    break;
                }
                ')' | ']' | '}' => depth -= 1,
                '>' => depth = depth.saturating_sub(1),
                '\'' | '"' => quoted(&mut letters, letter),
                ',' | ':' if depth == 0 => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let text = text.trim_end();
        (!text.is_empty()).then(|| Printed::Plain(text.into()))
    }

    fn text(&mut self) -> Option<String> {
        let mut letters = self.rest.char_indices();
        letters.next()?;
        quoted(&mut letters, '"');
        let (text, rest) = self.rest.split_at(letters.offset());
        self.rest = rest;
        Some(text.strip_prefix('"')?.strip_suffix('"')?.into())
    }

    fn items(&mut self, open: char, close: char) -> Option<Vec<Printed>> {
        self.take(open)?;
        let mut items = Vec::new();
        while self.take(close).is_none() {
            items.push(self.value()?);
            self.between(close)?;
        }
        Some(items)
    }

    fn fields(&mut self) -> Option<Vec<(String, Printed)>> {
        self.take('{')?;
        let mut fields = Vec::new();
        while self.take('}').is_none() {
            self.rest = self.rest.trim_start();
            // What is not told of a struct.
            if let Some(rest) = self.rest.strip_prefix("..") {
                self.rest = rest;
                continue;
            }
            let (name, rest) = self.rest.split_once(':')?;
            let is_name = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '#');
            self.rest = rest;
            fields.push((is_name.then(|| name.to_string())?, self.value()?));
            self.between('}')?;
        }
        Some(fields)
    }

    /// A map or a set.
    fn braced(&mut self) -> Option<Printed> {
        self.take('{')?;
        let (mut items, mut entries) = (Vec::new(), Vec::new());
        while self.take('}').is_none() {
            let item = self.value()?;
            match self.take(':') {
                Some(()) => entries.push((item, self.value()?)),
                None => items.push(item),
            }
            self.between('}')?;
        }
        match (items.is_empty(), entries.is_empty()) {
            (true, false) => {
                entries.sort_by(|(left, _), (right, _)| in_order(&left.line(), &right.line()));
                Some(Printed::Map(entries))
            }
            (_, true) => {
                items.sort_by(|left, right| in_order(&left.line(), &right.line()));
                Some(Printed::Set(items))
            }
            (false, false) => None,
        }
    }

    /// Takes `letter` if it is next.
    fn take(&mut self, letter: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(letter)?;
        Some(())
    }

    /// Between two items there is a comma; after the last there is one at most.
    fn between(&mut self, close: char) -> Option<()> {
        match self.take(',') {
            Some(()) => Some(()),
            None => self.rest.trim_start().starts_with(close).then_some(()),
        }
    }
}
