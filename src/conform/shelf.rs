//! Values kept by number, added and never moved: read by many threads without a lock.

use std::sync::OnceLock;

/// Values by number. The first part has room for 32, each one after it for twice as many as the one before.
pub(super) struct Shelf<T> {
    parts: [OnceLock<Box<[OnceLock<T>]>>; PARTS],
}

const FIRST: u64 = 32;

/// Room for every `u32`.
const PARTS: usize = 28;

/// The part that `number` stands in, and its place there.
fn place(number: u32) -> (usize, usize) {
    let at = u64::from(number) + FIRST;
    let part = at.ilog2() - FIRST.ilog2();
    (part as usize, (at - (FIRST << part)) as usize)
}

impl<T> Shelf<T> {
    pub(super) fn new() -> Self {
        Shelf { parts: [const { OnceLock::new() }; PARTS] }
    }

    fn cell(&self, number: u32) -> &OnceLock<T> {
        let (part, place) = place(number);
        let room = || (0..FIRST << part).map(|_| OnceLock::new()).collect();
        &self.parts[part].get_or_init(room)[place]
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let (part, place) = place(number);
        self.parts[part].get()?[place].get()
    }

    /// The value of this number.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn at(&self, number: u32) -> &T {
        self.get(number).expect("a number that was given to a value")
    }

    pub(super) fn get_or_init(&self, number: u32, make: impl FnOnce() -> T) -> &T {
        self.cell(number).get_or_init(make)
    }

    /// Keeps `value` under `number`, unless there is one already.
    pub(super) fn put(&self, number: u32, value: T) {
        // A number is given once.
        let _ = self.cell(number).set(value);
    }
}
