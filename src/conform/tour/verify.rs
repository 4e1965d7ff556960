//! After a tour: each transition once more, from a fresh start, and then the inputs that tell its target from all other
//! states. A transition into a wrong state that answers alike for a while is found so.
//!
//! A state is always reached the same way, so that a transition and the state that it starts from are verified on one
//! and the same path: with that, every implementation of at most `extra_states` more states than the model is found out that
//! is deterministic and does not conform.

use super::super::drive::{Bench, Deviating, Driver, Expected};
use super::super::lts::Node;
use super::super::watch::Watch;
use super::identify::Identifiers;
use super::{Tour, Verified};

pub(super) struct Verifying<'a> {
    pub(super) bench: &'a Bench,
    pub(super) watch: &'a Watch,
    pub(super) options: Tour,
    /// What a state shows is compared.
    pub(super) shows: bool,
}

/// What became of one transition.
enum Shown {
    /// Every other state would have answered otherwise.
    ByAnswers,
    /// Or does not offer what was asked.
    ByOffers,
    /// The model leaves open how it is reached or what is answered, or what tells its target apart was not found.
    No,
    /// There was no room for it.
    NoRoom,
}

impl Verifying<'_> {
    /// Verifies the targets of `edges`, each given as its state and input.
    pub(super) fn run(
        &self,
        identifiers: &Identifiers,
        edges: impl Iterator<Item = (Node, u32)>,
    ) -> Result<Verified, Box<Deviating>> {
        let sizes: Vec<usize> = identifiers.indistinguishable().collect();
        let mut verified = Verified {
            extra_states: self.options.extra_states,
            indistinguishable_classes: sizes.len(),
            indistinguishable_states: sizes.iter().sum(),
            is_complete: identifiers.is_complete,
            ..Verified::default()
        };
        let initial = self.bench.lts.initial();
        let ways = match initial[..] {
            [start] => identifiers.ways(start),
            // Where it begins is not known, so neither is what a transition starts from.
            _ => Vec::new(),
        };
        let start = initial.first().copied().unwrap_or_default();
        for (index, (node, input)) in edges.enumerate() {
            if index % 256 == 0 && (self.bench.limits.budget.interrupt)().is_some() {
                verified.is_complete = false;
                break;
            }
            verified.edges += 1;
            let access = match ways.is_empty() {
                true => None,
                false => way_to(&ways, start, node),
            };
            let shown = match access {
                None => Shown::No,
                Some(access) => self.transition(identifiers, (start, &access), (node, input), &mut verified)?,
            };
            match shown {
                Shown::ByAnswers => verified.edges_verified += 1,
                Shown::ByOffers => {
                    verified.edges_verified += 1;
                    verified.edges_by_offers += 1;
                }
                Shown::No => verified.edges_unsure += 1,
                Shown::NoRoom => verified.edges_beyond_cap += 1,
            }
        }
        Ok(verified)
    }

    fn transition(
        &self,
        identifiers: &Identifiers,
        (start, access): (Node, &[u32]),
        (node, input): (Node, u32),
        verified: &mut Verified,
    ) -> Result<Shown, Box<Deviating>> {
        let Some(step) = identifiers.step(node, input) else { return Ok(Shown::No) };
        // Not even for the step itself: what comes behind it need not be found.
        if verified.steps + access.len() + 1 > self.options.suffix_steps_max {
            return Ok(Shown::NoRoom);
        }
        let (suffixes, sure) = identifiers.suffixes(step.to, self.options.extra_states);
        let cost: usize = suffixes.iter().map(|suffix| access.len() + 1 + suffix.len()).sum();
        if verified.steps + cost > self.options.suffix_steps_max {
            return Ok(Shown::NoRoom);
        }
        let mut shown = true;
        for suffix in suffixes {
            let inputs = access.iter().copied().chain([input]).chain(suffix);
            shown &= self.drive(identifiers, start, inputs, verified)?;
        }
        Ok(match (shown && identifiers.is_told(step.to), sure) {
            (false, _) => Shown::No,
            (true, true) => Shown::ByAnswers,
            (true, false) => Shown::ByOffers,
        })
    }

    /// Gives `inputs` to a fresh subject. Whether every step was sure: nothing but the one state that was planned then
    /// explains what was answered.
    fn drive(
        &self,
        identifiers: &Identifiers,
        start: Node,
        inputs: impl Iterator<Item = u32>,
        verified: &mut Verified,
    ) -> Result<bool, Box<Deviating>> {
        verified.starts += 1;
        let mut driver = Driver::start(self.bench, self.watch)
            .map_err(|deviation| Box::new(Deviating::before_anything(deviation)))?;
        let mut at = start;
        for input in inputs {
            let Some(step) = identifiers.step(at, input) else { return Ok(false) };
            verified.steps += 1;
            let snapshot = if self.shows { self.bench.lts.shows(step.to) } else { None };
            if let Err(deviation) = driver.expect(input, Expected { output: step.output, snapshot, to: step.to }) {
                return Err(Box::new(Deviating::at(driver, deviation)));
            }
            at = step.to;
        }
        Ok(true)
    }
}

/// The inputs on the way to `node`.
fn way_to(ways: &[Option<(Node, u32)>], start: Node, node: Node) -> Option<Vec<u32>> {
    let mut inputs = Vec::new();
    let mut at = node;
    while at != start {
        let (before, input) = ways[at as usize]?;
        inputs.push(input);
        at = before;
    }
    inputs.reverse();
    Some(inputs)
}
