//! As much of EDN as histories are written in, read as JSON values.

use serde_json::{Map, Number, Value};

/// So deep a value may be nested.
const DEPTH_MAX: usize = 64;

/// What is wrong, and on which line.
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) what: String,
}

type Read<T> = Result<T, Wrong>;

/// A text that is read from its beginning.
pub(super) struct Reader<'a> {
    rest: &'a str,
    /// 1-based.
    line: usize,
    /// Lists that operations stand in and that are not closed.
    lists: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Reader { rest: text, line: 1, lists: 0 }
    }

    /// The next operation and the line that it begins on.
    pub(super) fn operation(&mut self) -> Read<Option<(usize, Map<String, Value>)>> {
        loop {
            self.skip();
            let line = self.line;
            match self.peek() {
                None if self.lists > 0 => return Err(self.wrong("it is cut off: a list is not closed")),
                None => return Ok(None),
                Some('[' | '(') => {
                    self.lists += 1;
                    self.next();
                }
                Some(']' | ')') if self.lists > 0 => {
                    self.lists -= 1;
                    self.next();
                }
                Some('{' | '#') => match self.value(0)? {
                    Value::Object(operation) => return Ok(Some((line, operation))),
                    other => return Err(Wrong { line, what: format!("{other} is no operation: a map was expected") }),
                },
                Some(letter) if letter.is_ascii_uppercase() => {
                    let said = self.rest.split('\n').next().unwrap_or_default();
                    let is_last = said.len() == self.rest.len();
                    self.rest = &self.rest[said.len()..];
                    if let Some(operation) = logged(said, line, is_last)? {
                        return Ok(Some((line, operation)));
                    }
                }
                Some(letter) => return Err(self.wrong(&format!("{letter:?} begins no operation"))),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.line += usize::from(letter == '\n');
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    fn wrong(&self, what: &str) -> Wrong {
        Wrong { line: self.line, what: what.into() }
    }

    fn cut_off(&self) -> Wrong {
        self.wrong("it is cut off; whoever wrote it was stopped")
    }

    /// Goes past blanks, commas and comments.
    fn skip(&mut self) {
        while let Some(letter) = self.peek() {
            match letter {
                ';' => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.next();
                    }
                }
                ',' => _ = self.next(),
                letter if letter.is_whitespace() => _ = self.next(),
                _ => return,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        self.skip();
        if depth > DEPTH_MAX {
            return Err(self.wrong(&format!("it is nested more than {DEPTH_MAX} deep")));
        }
        match self.peek() {
            None => Err(self.cut_off()),
            Some('{') => self.map(depth),
            Some('[') => self.list(']', depth),
            Some('(') => self.list(')', depth),
            Some('"') => self.string(),
            Some('#') => self.tagged(depth),
            Some('\\') => {
                self.next();
                let first = self.next().ok_or_else(|| self.cut_off())?;
                Ok(Value::String(format!("{first}{}", self.word())))
            }
            Some(letter @ ('}' | ']' | ')')) => Err(self.wrong(&format!("{letter:?} closes nothing"))),
            Some(_) => Ok(atom(self.word())),
        }
    }

    /// What is no bracket, blank or quote.
    fn word(&mut self) -> &'a str {
        let ends = |letter: char| letter.is_whitespace() || "{}[]()\",;".contains(letter);
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    fn tagged(&mut self, depth: usize) -> Read<Value> {
        self.next();
        match self.peek() {
            Some('{') => self.list('}', depth),
            Some('_') => {
                self.next();
                self.value(depth + 1)?;
                self.value(depth + 1)
            }
            _ => {
                self.word();
                self.value(depth + 1)
            }
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Read<Value> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.skip();
            match self.peek() {
                Some(letter) if letter == end => {
                    self.next();
                    return Ok(Value::Array(items));
                }
                _ => items.push(self.value(depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Read<Value> {
        self.next();
        let mut map = Map::new();
        loop {
            self.skip();
            if self.peek() == Some('}') {
                self.next();
                return Ok(Value::Object(map));
            }
            let key = match self.value(depth + 1)? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            let value = self.value(depth + 1)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(self.wrong(&format!(":{key} is there twice")));
            }
        }
    }

    fn string(&mut self) -> Read<Value> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next().ok_or_else(|| self.cut_off())? {
                '"' => return Ok(Value::String(text)),
                '\\' => text.push(match self.next().ok_or_else(|| self.cut_off())? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    letter @ ('"' | '\\') => letter,
                    letter => return Err(self.wrong(&format!("\\{letter} stands for nothing"))),
                }),
                letter => text.push(letter),
            }
        }
    }
}

/// A word that is no string.
fn atom(word: &str) -> Value {
    match word {
        "nil" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    let number = word.strip_suffix(['N', 'M']).unwrap_or(word);
    if let Ok(whole) = number.parse::<i64>() {
        return Value::from(whole);
    }
    let is_numeric = number.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
    match number.parse::<f64>().ok().filter(|_| is_numeric).and_then(Number::from_f64) {
        Some(number) => Value::Number(number),
        None => Value::String(word.strip_prefix(':').unwrap_or(word).into()),
    }
}

/// The operation that a line of Jepsen's log tells of: process, type, what and with what, apart by tabulators, after a
/// dash. Other lines tell of none.
fn logged(said: &str, line: usize, is_last: bool) -> Read<Option<Map<String, Value>>> {
    let Some((_, told)) = said.split_once(" - ") else { return Ok(None) };
    let parts: Vec<&str> = told.trim_end().splitn(4, '\t').collect();
    if parts.len() < 2 || !parts[1].starts_with(':') {
        return Ok(None);
    }
    let [process, kind, what, value] = parts[..] else {
        let what = if is_last {
            "it is cut off; whoever wrote it was stopped"
        } else {
            "process, type, f and value were expected"
        };
        return Err(Wrong { line, what: what.into() });
    };
    let mut reader = Reader { rest: value, line, lists: 0 };
    let value = reader.value(0)?;
    let operation = [("process", atom(process)), ("type", atom(kind)), ("f", atom(what)), ("value", value)];
    Ok(Some(operation.into_iter().map(|(key, value)| (key.to_string(), value)).collect()))
}
