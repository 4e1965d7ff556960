//! A small protocol to walk about in: seats of a theatre, and a box office that goes wrong once it was sold out.

use counterpart::conform::Tour;
use counterpart::{Case, Check, Counterpart, Interface};
use stateright::{Model, Property};

/// What is asked of the box office.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ask {
    Take,
    GiveBack,
}

/// The model; its state is how many seats are taken.
struct Seats {
    max: u8,
}

impl Model for Seats {
    type State = u8;
    type Action = Ask;

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, _: &u8, actions: &mut Vec<Ask>) {
        actions.extend([Ask::Take, Ask::GiveBack]);
    }

    fn next_state(&self, taken: &u8, ask: Ask) -> Option<u8> {
        match ask {
            Ask::Take => (*taken < self.max).then_some(taken + 1),
            Ask::GiveBack => taken.checked_sub(1),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no seat is sold twice", |seats: &Seats, taken| *taken <= seats.max),
            Property::sometimes("it is sold out", |seats: &Seats, taken| *taken == seats.max),
        ]
    }
}

struct Counter;

impl Interface for Counter {
    type Model = Seats;
    type Input = Ask;
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Seats, _: &u8, ask: &Ask, to: Option<&u8>) -> Option<(Ask, bool)> {
        Some((*ask, to.is_some()))
    }
}

struct Office {
    max: u8,
    taken: u8,
    /// Once it was sold out it takes nothing back any more.
    stubborn: bool,
    sold_out: bool,
}

impl Counterpart<Counter> for Office {
    fn apply(&mut self, ask: &Ask) -> bool {
        let next = match ask {
            Ask::Take => (self.taken < self.max).then_some(self.taken + 1),
            Ask::GiveBack if self.stubborn && self.sold_out => None,
            Ask::GiveBack => self.taken.checked_sub(1),
        };
        self.taken = next.unwrap_or(self.taken);
        self.sold_out |= self.taken == self.max;
        next.is_some()
    }
}

/// The case, with an office that does what the model does and one that does not.
pub(crate) fn case() -> Case {
    let office = |stubborn| move || Office { max: 2, taken: 0, stubborn, sold_out: false };
    let check = Check::of(Seats { max: 2 }).interface(Counter).subject("office", Tour::new().of(office(false)));
    Case::new("theatre/seats", check.subject("stubborn", Tour::new().of(office(true))).diverges("stubborn"))
}

/// The same, where nobody expects that it goes wrong.
pub(crate) fn surprising() -> Case {
    let office = || Office { max: 2, taken: 0, stubborn: true, sold_out: false };
    Case::new(
        "theatre/surprise",
        Check::of(Seats { max: 2 }).interface(Counter).subject("office", Tour::new().of(office)),
    )
}
