//! Histories as Jepsen writes them, and key-value logs of the same kind, as logs.
//!
//! Each line, or each map of one list, is one operation's beginning or end: `:process`, `:type`, `:f`, `:value`, and `:key`
//! where there is one. An `:index`, where there is one, only goes up. Other keys are left alone. An operation begins with
//! `:invoke`. It ends with `:ok`; with `:fail`, when it has not taken effect and is left out; or with `:info`, when nobody
//! knows, so that it never ended. A process does one thing at a time.
//!
//! | event | from |
//! |---|---|
//! | `actor` | `:process` |
//! | `name` | `:f` |
//! | `key` | `:key`, where there is one |
//! | `value` | the `:value` of `:invoke`, where it is not `nil` |
//! | `result` | the `:value` of `:ok`, where it is not that of `:invoke` |
//!
//! So are the key-value logs read that Porcupine's tests have, as
//! `{:process 2, :type :invoke, :f :get, :key "7", :value nil}`: what never ended there may or may not have taken effect.
//!
//! Keywords and symbols are read as strings without their colon, lists, vectors and sets as lists, maps by their keys as
//! text, tagged values without their tags. Lines of a log of Jepsen's (`INFO  jepsen.util - 3 :invoke :write 1`, parted by
//! tabs) are read as well: what stands before the dash is left alone.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::edn_text::{Reader, Wrong};
use super::event::Event;
use super::log::{Log, LogError, Recorded};

impl Log {
    /// Reads a history in EDN: Jepsen's, a key-value log of maps, or the lines of Jepsen's own log.
    ///
    /// # Errors
    /// Names the line: unreadable, not EDN, cut off, or an end without a beginning, or a process that does two things at
    /// once.
    pub fn read_edn(file: &Path) -> Result<Self, LogError> {
        let text = fs::read(file).map_err(|source| LogError::Io { file: file.into(), source })?;
        Log::parse_edn(file, &text)
    }

    /// Reads `text`, which came from `file` (named in errors only), as [`Log::read_edn`] does.
    ///
    /// # Errors
    /// As [`Log::read_edn`].
    pub fn parse_edn(file: &Path, text: &[u8]) -> Result<Self, LogError> {
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(LogError::Edn { file: file.into(), line: 1, what: "it is not UTF-8".into() });
        };
        let mut history = History { file, events: Vec::new(), open: HashMap::new(), number: 0, index: None };
        let mut reader = Reader::new(text);
        while let Some((line, operation)) = reader.operation().map_err(|wrong| wrong.of(file))? {
            history.take(line, &operation)?;
        }
        Log::new(history.events.into_iter().filter_map(|(kept, event)| kept.then_some(event)).collect())
    }
}

impl Wrong {
    fn of(self, file: &Path) -> LogError {
        LogError::Edn { file: file.into(), line: self.line, what: self.what }
    }
}

/// What was read so far.
struct History<'a> {
    file: &'a Path,
    /// Each with whether it may have taken effect.
    events: Vec<(bool, Recorded)>,
    /// The event that a process is about, and the line on which it began.
    open: HashMap<String, (usize, usize)>,
    /// The last number given to a begin or an end.
    number: u64,
    /// The last `:index`, and its line.
    index: Option<(u64, usize)>,
}

impl History<'_> {
    fn take(&mut self, line: usize, operation: &Map<String, Value>) -> Result<(), LogError> {
        let wrong = |what: String| LogError::Edn { file: self.file.into(), line, what };
        let text = |key: &str| match operation.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(_) => Err(wrong(format!(":{key} is neither a word nor a number"))),
            None => Err(wrong(format!("the operation has no :{key}"))),
        };
        let (process, kind) = (text("process")?, text("type")?);
        if let Some(index) = operation.get("index").and_then(Value::as_u64)
            && let Some((before, other)) = self.index.replace((index, line))
            && before >= index
        {
            return Err(wrong(format!("its :index is {index}, and that of line {other} is {before}: they only go up")));
        }
        self.number += 1;
        let number = self.number;
        let value = operation.get("value").filter(|value| !value.is_null());
        if kind == "invoke" {
            if let Some((_, other)) = self.open.get(&process) {
                return Err(wrong(format!(
                    "process {process} begins another operation, and the one of line {other} has not ended"
                )));
            }
            let mut event = Event::new(&process, text("f")?);
            event.fields.extend(operation.get("key").map(|key| ("key".to_string(), key.clone())));
            event.fields.extend(value.map(|value| ("value".to_string(), value.clone())));
            self.open.insert(process, (self.events.len(), line));
            self.events.push((true, Recorded { begin: number, end: None, event }));
            return Ok(());
        }
        if !["ok", "fail", "info"].contains(&kind.as_str()) {
            return Err(wrong(format!("the :type {kind} is unknown: it is invoke, ok, fail or info")));
        }
        let Some((place, began)) = self.open.remove(&process) else {
            // What a nemesis does, or says, begins nothing. A client is a number.
            if kind == "info" && !operation.get("process").is_some_and(Value::is_number) {
                return Ok(());
            }
            return Err(wrong(format!("an operation of process {process} ends, and none of it has begun")));
        };
        let (kept, recorded) = &mut self.events[place];
        let named = text("f")?;
        if named != recorded.event.name {
            let name = &recorded.event.name;
            return Err(wrong(format!(
                "{named} of process {process} ends, and what it began on line {began} is {name}"
            )));
        }
        match kind.as_str() {
            "ok" => {
                recorded.end = Some(number);
                let result = value.filter(|value| recorded.event.fields.get("value") != Some(value));
                recorded.event.fields.extend(result.map(|value| ("result".to_string(), value.clone())));
            }
            "fail" => *kept = false,
            _ => {}
        }
        Ok(())
    }
}
