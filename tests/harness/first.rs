//! The first test of the README, word for word, with the theatre that it is about.

use std::fs;

use libtest_mimic::Trial;

use crate::{claim, root};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("first::the_test_of_the_readme_passes", readme::the_theatre_does_what_the_model_does),
        claim("first::the_test_of_the_readme_is_this_one_in_less_than_40_lines", same),
    ]
}

struct Theatre {
    seats: u8,
    taken: u8,
}

impl Theatre {
    fn of(seats: u8) -> Self {
        Theatre { seats, taken: 0 }
    }

    fn take(&mut self) -> bool {
        let free = self.taken < self.seats;
        self.taken += u8::from(free);
        free
    }

    fn give_back(&mut self) -> bool {
        let some = self.taken > 0;
        self.taken -= u8::from(some);
        some
    }
}

#[rustfmt::skip]
mod readme {
    use super::Theatre;

    use counterpart::{Check, Counterpart, Interface};
    use stateright::Model;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Ask { Take, GiveBack }

    struct Seats { max: u8 }                        // the model; its state is how many are taken
    impl Model for Seats {
        type State = u8;
        type Action = Ask;
        fn init_states(&self) -> Vec<u8> { vec![0] }
        fn actions(&self, _: &u8, actions: &mut Vec<Ask>) { actions.extend([Ask::Take, Ask::GiveBack]); }
        fn next_state(&self, taken: &u8, ask: Ask) -> Option<u8> {
            match ask {
                Ask::Take => (*taken < self.max).then_some(taken + 1),
                Ask::GiveBack => taken.checked_sub(1),
            }
        }
    }

    struct Counter;                                 // what the outside sees: what is asked, and whether it was done
    impl Interface for Counter {
        type Model = Seats;
        type Input = Ask;
        type Output = bool;
        type Snapshot = ();
        fn label(&self, _: &Seats, _: &u8, ask: &Ask, to: Option<&u8>) -> Option<(Ask, bool)> {
            Some((*ask, to.is_some()))              // `to` is None where the model refuses
        }
    }

    impl Counterpart<Counter> for Theatre {         // yours
        fn apply(&mut self, ask: &Ask) -> bool { match ask { Ask::Take => self.take(), Ask::GiveBack => self.give_back() } }
    }

    pub(super) fn the_theatre_does_what_the_model_does() {
        Check::of(Seats { max: 3 }).interface(Counter).lockstep(|| Theatre::of(3)).assert();
    }
}

fn same() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let block = readme.split_once("```rust\n").and_then(|(_, rest)| rest.split_once("```")).expect("a block of Rust").0;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let this = fs::read_to_string(root().join("tests/harness/first.rs")).expect("this file");
    // This binary has no use for the attribute, and a use for the function.
    let block_here = block.replace("#[test]\nfn ", "pub(super) fn ");
    assert!(words(&this).contains(&words(&block_here)), "tests/harness/first.rs and the README differ");
    assert!(block.lines().count() < 40, "{} lines", block.lines().count());
}
