//! The shared coin of two processes, as PRISM's benchmark `coin2` has it.
//! Source: J. Aspnes, M. Herlihy, "Fast randomized consensus using shared memory", J. Algorithms 15(1), 1990;
//! M. Kwiatkowska, G. Norman, R. Segala, CAV 2001.

use counterpart::model::{Chance, Spec};
use stateright::Model;

/// Two processes flip coins and move a shared counter by what they see, until it is far enough on one side.
#[derive(Clone)]
pub(super) struct Coin {
    /// How far: farther makes it likelier that both decide the same.
    pub(super) k: i16,
}

const N: i16 = 2;

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum At {
    Flip,
    Write,
    Check,
    Done,
}

/// The counter, and each process with its coin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shared {
    counter: i16,
    processes: [(At, bool); 2],
}

impl Shared {
    pub(super) fn is_finished(&self) -> bool {
        self.processes.iter().all(|(at, _)| *at == At::Done)
    }

    pub(super) fn is_unanimous(&self, coin: bool) -> bool {
        self.processes.iter().all(|(_, own)| *own == coin)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Flip { process: usize, coin: bool },
    Go { process: usize },
    Rest,
}

impl Model for Coin {
    type State = Shared;
    type Action = Step;

    fn init_states(&self) -> Vec<Shared> {
        vec![Shared { counter: (self.k + 1) * N, processes: [(At::Flip, false); 2] }]
    }

    fn actions(&self, _: &Shared, actions: &mut Vec<Step>) {
        for process in 0..2 {
            actions.extend([false, true].map(|coin| Step::Flip { process, coin }));
            actions.push(Step::Go { process });
        }
        actions.push(Step::Rest);
    }

    fn next_state(&self, state: &Shared, step: Step) -> Option<Shared> {
        let range = 2 * (self.k + 1) * N;
        let mut next = state.clone();
        match step {
            Step::Flip { process, coin } => {
                let own = &mut next.processes[process];
                if own.0 != At::Flip {
                    return None;
                }
                *own = (At::Write, coin);
            }
            Step::Go { process } => {
                let own = &mut next.processes[process];
                match *own {
                    (At::Write, false) if next.counter > 0 => {
                        next.counter -= 1;
                        *own = (At::Check, false);
                    }
                    (At::Write, true) if next.counter < range => {
                        next.counter += 1;
                        *own = (At::Check, false);
                    }
                    (At::Check, _) if next.counter <= N => *own = (At::Done, false),
                    (At::Check, _) if next.counter >= range - N => *own = (At::Done, true),
                    (At::Check, _) => own.0 = At::Flip,
                    (At::Flip | At::Write | At::Done, _) => return None,
                }
            }
            Step::Rest => return state.is_finished().then_some(next),
        }
        Some(next)
    }
}

pub(super) struct CoinSpec;

impl Spec for CoinSpec {
    type Model = Coin;

    fn chance(&self, _: &Coin, _: &Shared, step: &Step) -> Option<Chance> {
        match step {
            Step::Flip { process, .. } => Some(Chance::of(process, 1)),
            Step::Go { .. } | Step::Rest => None,
        }
    }
}
