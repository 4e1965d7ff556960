//! A log: what was recorded of a running implementation, in memory and as JSON lines.
//!
//! One event a line. Numbers order begins and ends and nothing else: no clock is read, so two machines' logs cannot be
//! mixed by accident, and the same run written twice has the same bytes. A log may come from anywhere, by any language:
//! whatever is wrong with one is an error that names the line, and what to do.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use super::event::{Event, Fields};
use super::line::{Line, recorded};
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
        let backwards = events.iter().position(|recorded| recorded.end.is_some_and(|end| end < recorded.begin));
        let numbers = |(line, recorded): (usize, &Recorded)| {
            let end = recorded.end.filter(|end| *end != recorded.begin);
            [Some(recorded.begin), end].into_iter().flatten().map(move |number| (number, line))
        };
        let mut numbers: Vec<(u64, usize)> = (1..).zip(&events).flat_map(numbers).collect();
        numbers.sort_unstable();
        let twice = numbers.windows(2).filter(|two| two[0].0 == two[1].0);
        let twice = twice.map(|two| (two[1].1, two[0].1, two[0].0)).min();
        match (backwards, twice) {
            (Some(event), twice) if twice.is_none_or(|(line, ..)| event < line) => {
                let Recorded { begin, end, .. } = events[event];
                let (line, end) = (event + 1, end.unwrap_or_default());
                return Err(LogError::Backwards { file: file.into(), line, begin, end });
            }
            (_, Some((line, other, number))) => {
                return Err(LogError::Duplicate { file: file.into(), line, other, number });
            }
            (_, None) => {}
        }
        drop(numbers);
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
        self.first_lines(self.events.len())
    }

    /// The first `count` lines; all of them where events follow others by name.
    pub(super) fn first_lines(&self, count: usize) -> String {
        let count = if self.is_linked() { self.events.len() } else { count };
        let mut text = Vec::new();
        for (place, Recorded { begin, end, event }) in self.events[..count].iter().enumerate() {
            let link = self.links.get(&place);
            let is_unplaced = link.is_some_and(|link| link.is_unplaced);
            let follows = link.map(|link| link.events.iter().map(|event| self.events[*event as usize].begin).collect());
            let line = WrittenLine {
                actor: &event.actor,
                begin: (!is_unplaced).then_some(*begin),
                end: *end,
                fields: &event.fields,
                follows: follows.unwrap_or_default(),
                name: &event.name,
                number: is_unplaced.then_some(*begin),
            };
            serde_json::to_writer(&mut text, &line).expect("an event is plain data");
            text.push(b'\n');
        }
        String::from_utf8(text).expect("JSON is text")
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
}

/// A line, its keys sorted.
#[derive(Serialize)]
struct WrittenLine<'a> {
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    begin: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    fields: &'a Fields,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    follows: Vec<u64>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
}
