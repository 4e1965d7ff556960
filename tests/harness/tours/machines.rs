//! Random machines and implementations of as many states, some of whose steps are wrong: a tour finds out each that can
//! be told from the machine at all, which a search of all pairs of states decides.

use std::collections::BTreeSet;

use counterpart::conform::{Agreement, Tour};
use counterpart::{Check, Counterpart};
use libtest_mimic::Trial;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::{case_report, only};
use crate::claim;
use crate::toy::{At, Edge, FACE, Face, Say, Toy, Word};

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("tours::every_implementation_of_as_many_states_is_found_out_if_it_differs", found_out)]
}

const INPUTS: u8 = 3;

/// By state and input, the next state and the answer.
#[derive(Clone, Debug)]
struct Machine {
    steps: Vec<[(u8, bool); INPUTS as usize]>,
}

impl Machine {
    /// Of `count` states, each reached from the one before.
    fn drawn(count: u8, random: &mut Pcg64) -> Self {
        let mut machine = Machine { steps: Vec::new() };
        for _ in 0..count {
            // One answer in four is the rare one, so that many states answer alike.
            let step = |random: &mut Pcg64| (below(count, random), below(4, random) == 0);
            machine.steps.push(std::array::from_fn(|_| step(random)));
        }
        for state in 1..count {
            machine.steps[usize::from(state) - 1][usize::from(below(INPUTS, random))].0 = state;
        }
        machine
    }

    /// With `faults` steps drawn anew, the answers right more often than not.
    fn mistaken(&self, faults: u8, random: &mut Pcg64) -> Self {
        let mut machine = self.clone();
        let count = self.steps.len() as u8;
        for _ in 0..faults {
            let (state, input) = (below(count, random), below(INPUTS, random));
            let (to, answer) = &mut machine.steps[usize::from(state)][usize::from(input)];
            *to = below(count, random);
            *answer ^= below(8, random) == 0;
        }
        machine
    }

    fn step(&self, state: u8, input: u8) -> (u8, bool) {
        self.steps[usize::from(state)][usize::from(input)]
    }

    /// Whether some inputs are answered otherwise by `other`.
    fn differs_from(&self, other: &Machine) -> bool {
        let mut seen = BTreeSet::from([(0, 0)]);
        let mut open = vec![(0, 0)];
        while let Some((here, there)) = open.pop() {
            for input in 0..INPUTS {
                let ((here, ours), (there, theirs)) = (self.step(here, input), other.step(there, input));
                if ours != theirs {
                    return true;
                }
                if seen.insert((here, there)) {
                    open.push((here, there));
                }
            }
        }
        false
    }
}

fn below(bound: u8, random: &mut Pcg64) -> u8 {
    (random.next_u64() % u64::from(bound)) as u8
}

impl Machine {
    fn toy(&self) -> Toy {
        let steps =
            self.steps.iter().zip(0..).flat_map(|(row, from)| row.iter().zip(0..).map(move |step| (from, step)));
        Toy::new(steps.map(|(from, ((to, answer), input))| {
            Edge::new(from, At::from(*to), Word("input", Some(input))).says(*answer)
        }))
    }
}

struct Running {
    machine: Machine,
    at: u8,
}

impl Counterpart<Face> for Running {
    fn apply(&mut self, input: &Word) -> Say {
        let input = input.1.expect("inputs are numbered") as u8;
        let (to, answer) = self.machine.step(self.at, input);
        self.at = to;
        answer.into()
    }
}

fn found_out() {
    let mut random = Pcg64::seed_from_u64(1_978);
    let (mut differ, mut missed_without) = (0, 0);
    let mut machines = 0;
    while machines < 30 {
        let machine = Machine::drawn(4 + below(6, &mut random), &mut random);
        let toured = |options: Tour, with: &Machine| {
            let with = with.clone();
            let job = options.of(move || Running { machine: with.clone(), at: 0 });
            only(case_report(Check::of(machine.toy()).interface(FACE).subject("subject", job)))
        };
        let own = toured(Tour::new(), &machine);
        let verified = super::verified(&own);
        assert_eq!((own.verdict, verified.edges_verified), (Agreement::Conforms, own.effort.edges().0));
        if verified.indistinguishable_classes > 0 {
            // As many states as the machine has are then more than it needs.
            continue;
        }
        machines += 1;
        for _ in 0..40 {
            let with = machine.mistaken(1 + below(3, &mut random), &mut random);
            let differs = machine.differs_from(&with);
            let verdict = toured(Tour::new(), &with).verdict;
            assert_eq!(verdict == Agreement::Diverges, differs, "{machine:?} and {with:?}: {verdict}");
            differ += u32::from(differs);
            let without = toured(Tour::new().suffixes(false), &with).verdict;
            missed_without += u32::from(differs && without != Agreement::Diverges);
        }
    }
    assert!(differ > 500 && missed_without > 20, "{differ} differ, of which a mere tour misses {missed_without}");
}
