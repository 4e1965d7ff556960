//! Values numbered by equality, in the order they are met. Of inputs, answers and snapshots nothing but `Debug` and
//! `==` is asked, so an index by text finds candidates, and equality decides.
//!
//! Two that differ and print alike would be one to whoever reads a trace: that is noted, and is an error of the run.

use std::fmt::Debug;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::lts::Node;
use super::shelf::Shelf;

/// Where a value was met first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// The label of an action, by its index among the state's.
    Step { node: Node, action: u32 },
    /// The label of an action that was asked for.
    Asked { node: Node },
    /// What the model's state shows.
    State(Node),
    /// The implementation's answer to an input.
    Answer { input: u32 },
    /// What the implementation shows.
    Shown,
    /// It was given by a script.
    #[cfg(feature = "interleave")]
    Script,
}

/// Two values that differ and print alike.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) text: String,
    pub(super) first: Origin,
    pub(super) second: Origin,
}

/// Values by number.
pub(super) struct Numbered<T> {
    values: Shelf<T>,
    index: Mutex<Index>,
}

/// Equal values may print otherwise, as 0.0 and -0.0 do. Among so many they are found; beyond that, only where one of
/// them was expected.
const COMPARED_MAX: u32 = 1024;

#[derive(Default)]
struct Index {
    /// With the hash of the text that it was found by.
    by_text: HashTable<(u64, u32)>,
    origins: Vec<Origin>,
    clash: Option<Clash>,
}

/// What the index has to know of a value and those that are numbered.
struct Asked<'a> {
    text: String,
    /// Whether it equals itself.
    is_comparable: bool,
    equals: &'a dyn Fn(u32) -> bool,
    printed: &'a dyn Fn(u32) -> String,
}

impl Index {
    /// The number of the value asked about, and whether it is new.
    fn number(&mut self, asked: &Asked<'_>, origin: Origin) -> (u32, bool) {
        let next = self.origins.len() as u32;
        if !asked.is_comparable {
            self.origins.push(origin);
            return (next, true);
        }
        let hash = FixedState::default().hash_one(&asked.text);
        let equals = |number: &u32| (asked.equals)(*number);
        if let Some((_, number)) = self.by_text.iter_hash(hash).find(|(other, number)| *other == hash && equals(number))
        {
            return (*number, false);
        }
        let equal = (0..next.min(COMPARED_MAX)).find(equals);
        if equal.is_none() && self.clash.is_none() {
            let alike = |number: u32| (asked.printed)(number) == asked.text;
            let other = self.by_text.iter_hash(hash).find(|(other, number)| *other == hash && alike(*number));
            self.clash = other.map(|(_, other)| Clash {
                text: asked.text.clone(),
                first: self.origins[*other as usize],
                second: origin,
            });
        }
        let number = equal.unwrap_or_else(|| {
            self.origins.push(origin);
            next
        });
        self.by_text.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        (number, equal.is_none())
    }
}

impl<T: Debug + PartialEq> Numbered<T> {
    pub(super) fn new() -> Self {
        Numbered { values: Shelf::new(), index: Mutex::default() }
    }

    pub(super) fn at(&self, number: u32) -> &T {
        self.values.at(number)
    }

    pub(super) fn text(&self, number: u32) -> String {
        format!("{:?}", self.values.at(number))
    }

    /// The number of `value`, quickly where it is one of `likely`. One that does not equal itself has a number of its
    /// own each time it is met: it equals none.
    pub(super) fn number(&self, value: T, likely: &[u32], origin: Origin) -> u32 {
        if let Some(number) = likely.iter().find(|number| *self.values.at(**number) == value) {
            return *number;
        }
        let asked = Asked {
            text: format!("{value:?}"),
            is_comparable: equals_itself(&value),
            equals: &|number| *self.values.at(number) == value,
            printed: &|number| self.text(number),
        };
        let mut index = self.index();
        let (number, is_new) = index.number(&asked, origin);
        if is_new {
            self.values.put(number, value);
        }
        number
    }

    /// The number of `value`, found quickly where it is among the first few that were met.
    #[cfg(feature = "interleave")]
    pub(super) fn number_of_few(&self, value: T, origin: Origin) -> u32 {
        const FEW: u32 = 8;
        let same = |number: &u32| self.values.get(*number).is_some_and(|other| *other == value);
        (0..FEW).find(same).unwrap_or_else(|| self.number(value, &[], origin))
    }

    /// Whether the value of this number equals itself.
    pub(super) fn is_comparable(&self, number: u32) -> bool {
        equals_itself(self.values.at(number))
    }

    pub(super) fn clash(&self) -> Option<Clash> {
        self.index().clash.clone()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[allow(clippy::eq_op, reason = "NaN does not equal itself")]
fn equals_itself<T: PartialEq>(value: &T) -> bool {
    value == value
}
