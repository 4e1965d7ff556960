//! Bounds stay sound in numbers that round: sums are chosen whose exact value lies between two of them.

use counterpart::explore::Stop;
use counterpart::verdict::probability::{Bounds, Extreme, Precision};

use super::goal;
use super::toy::Process;

/// What a chain is worth that goes through nodes with `rewards` and ends in the goal.
fn chain(rewards: &[f64]) -> [Bounds; 2] {
    let count = rewards.len() as u16;
    let choices = (0..count).map(|node| (node, vec![(node + 1, 1)])).collect();
    let mdp = Process { inits: vec![0], choices, ..Process::default() }.mdp().expect("complete");
    // The last node has a stay.
    let rewards: Vec<f64> = rewards.iter().copied().chain([0.0]).collect();
    [Extreme::Min, Extreme::Max]
        .map(|extreme| mdp.reward(&goal(&mdp, &[count.into()]), &rewards, extreme, &Precision::default())[0])
}

pub(super) fn sums() {
    for bounds in chain(&[0.1; 10]) {
        // As a number 0.1 is a little more, 0.1000000000000000055…, and ten times that a little more than 1. Rounded to
        // the nearest, each sum less than its due, it comes to 0.9999999999999999.
        assert!(bounds.lower <= 1.0 && bounds.upper > 1.0, "{bounds:?}");
    }
    for bounds in chain(&[0.1, 0.2]) {
        // 0.1000000000000000055… + 0.2000000000000000111… lies below 0.30000000000000004, to which it is rounded.
        assert!(bounds.lower <= 0.3 && bounds.upper >= 0.300_000_000_000_000_04, "{bounds:?}");
    }
    for bounds in chain(&[0.25, 0.5, 4.0]) {
        assert_eq!(bounds, Bounds::exactly(4.75), "what is exact is not rounded");
    }
}

/// Nothing but the guess is known where the iteration is interrupted at its first question, since a guess is found in
/// fewer sweeps than are between two.
pub(super) fn guess() {
    for leave in 2..60 {
        // Out of the loop once in `leave` times: so many steps are expected.
        let mdp = Process::of(&[(0, &[(0, leave - 1), (1, 1)])]).mdp().expect("complete");
        for extreme in [Extreme::Min, Extreme::Max] {
            let stop = Precision::default().interrupt(|| Some(Stop::Interrupted));
            let bounds = mdp.reward(&goal(&mdp, &[1]), &[1.0, 0.0], extreme, &stop)[0];
            assert!(bounds.lower <= leave as f64 && leave as f64 <= bounds.upper, "{leave}: {bounds:?}");
            assert!(bounds.upper <= 2.0 * leave as f64 + 1.0, "{leave}: {bounds:?} is a poor guess");
        }
    }
}
