//! What an event follows, where that is known by other means than its interval: by name, or by a vector clock (Fidge 1988,
//! Mattern 1989). Then what precedes what is a partial order: intervals, names, and what follows from both.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::log::{LogError, Recorded};
use crate::conform::linear::{Call, Order};

/// What one event follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The event, by its place in the log (0-based).
    pub event: usize,
    /// The numbers of the begins of those that it follows: they took effect before it.
    pub follows: Vec<u64>,
    /// It has taken effect, and nothing else is known of when: its `begin` is a name and no moment, and it has no `end`.
    pub is_unplaced: bool,
}

/// What an event follows, by places in the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Follows {
    pub(super) events: Vec<u32>,
    pub(super) is_unplaced: bool,
}

/// The links of `events` by place, where they make an order.
pub(super) fn checked(file: &Path, events: &[Recorded], links: Vec<Link>) -> Result<HashMap<usize, Follows>, LogError> {
    if links.is_empty() {
        return Ok(HashMap::new());
    }
    let places: HashMap<u64, u32> = events.iter().map(|recorded| recorded.begin).zip(0..).collect();
    let mut checked = HashMap::with_capacity(links.len());
    for Link { event, follows, is_unplaced } in links {
        let unknown = |number: u64| LogError::Unknown { file: file.into(), line: event + 1, number };
        let place = |number: u64| places.get(&number).copied().ok_or_else(|| unknown(number));
        let events = follows.into_iter().map(place).collect::<Result<_, _>>()?;
        checked.insert(event, Follows { events, is_unplaced });
    }
    let calls: Vec<Call> = (0..events.len()).map(|event| call(events, &checked, event)).collect();
    match Order::new(&calls) {
        Ok(_) => Ok(checked),
        Err(unordered) => Err(LogError::Circle { file: file.into(), line: unordered.call as usize + 1 }),
    }
}

/// When an event was, and what it follows.
pub(super) fn call(events: &[Recorded], links: &HashMap<usize, Follows>, event: usize) -> Call {
    let (recorded, link) = (&events[event], links.get(&event));
    let is_unplaced = link.is_some_and(|link| link.is_unplaced);
    Call {
        begin: if is_unplaced { 0 } else { recorded.begin },
        end: recorded.end,
        required: is_unplaced || recorded.end.is_some(),
        class: 0,
        follows: link.map(|link| link.events.clone()).unwrap_or_default(),
    }
}

/// What events follow by their vector clocks: of each actor that a clock names, the last that it had seen. A clock counts
/// an actor's events from 1, and its own with them.
pub(super) fn by_clocks(
    file: &Path,
    events: &[Recorded],
    clocks: &[(usize, BTreeMap<String, u64>)],
) -> Result<Vec<(usize, Vec<u64>)>, LogError> {
    let mut known: HashMap<&str, BTreeMap<u64, usize>> = HashMap::new();
    let wrong = |event: usize, what: String| LogError::Shape {
        file: file.into(),
        line: event + 1,
        field: "clock".into(),
        what,
    };
    for (event, clock) in clocks {
        let actor = events[*event].event.actor.as_str();
        let Some(own) = clock.get(actor).filter(|own| **own > 0) else {
            return Err(wrong(*event, format!("it does not count the events of {actor:?} itself, from 1")));
        };
        if let Some(other) = known.entry(actor).or_default().insert(*own, *event) {
            return Err(wrong(*event, format!("line {} is event {own} of {actor:?} already", other + 1)));
        }
    }
    let mut links = Vec::with_capacity(clocks.len());
    for (event, clock) in clocks {
        let mut follows = Vec::new();
        for (actor, count) in clock {
            let seen = if *actor == events[*event].event.actor { count - 1 } else { *count };
            let last = known.get(actor.as_str()).and_then(|known| known.range(..=seen).next_back());
            follows.extend(last.map(|(_, other)| events[*other].begin));
        }
        links.push((*event, follows));
    }
    Ok(links)
}
