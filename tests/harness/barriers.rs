//! Barriers: what came before one is told, and what proves nothing is an error.

use std::collections::VecDeque;

use counterpart::model::{BarrierError, Barriers, Ordered};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("barriers::what_came_before_is_told_and_nothing_is_nothing", told),
        claim("barriers::what_proves_nothing_is_an_error", no_proof),
    ]
}

/// Answers from a list, and pings last, with what is added to their number.
#[derive(Debug, Default)]
struct Line {
    coming: VecDeque<Option<u64>>,
    off_by: u64,
}

impl Ordered for Line {
    /// A number answers a ping.
    type Message = Option<u64>;
    type Error = &'static str;

    fn ping(&mut self, number: u64) -> Result<(), &'static str> {
        self.coming.push_back(Some(number + self.off_by));
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<u64>, &'static str> {
        self.coming.pop_front().ok_or("closed")
    }

    fn pong(&self, message: &Option<u64>) -> Option<u64> {
        *message
    }
}

fn told() {
    let mut line = Barriers::of(Line::default());
    assert_eq!(line.before_barrier(), Ok(vec![]));
    line.coming.extend([None, None]);
    assert_eq!(line.before_barrier(), Ok(vec![None, None]));
    assert_eq!(line.before_barrier(), Ok(vec![]));
}

fn no_proof() {
    // The answer to a ping that is not the last one.
    let mut line = Barriers::of(Line { off_by: 1, ..Line::default() });
    assert_eq!(line.before_barrier(), Err(BarrierError::OutOfOrder { expected: 0, found: 1 }));
    let mut line = Barriers::of(Line { coming: vec![None; 4].into(), off_by: 0 }).messages_max(3);
    assert_eq!(line.before_barrier(), Err(BarrierError::TooMany { messages_max: 3 }));
    /// Takes pings and answers none.
    struct Mute;
    impl Ordered for Mute {
        type Message = ();
        type Error = &'static str;
        fn ping(&mut self, _: u64) -> Result<(), &'static str> {
            Ok(())
        }
        fn receive(&mut self) -> Result<(), &'static str> {
            Err("silent for too long")
        }
        fn pong(&self, (): &()) -> Option<u64> {
            None
        }
    }
    let error = Barriers::of(Mute).before_barrier().expect_err("it is silent");
    assert_eq!(error.to_string(), "silent for too long");
}
