//! Ben-Or's randomised consensus for three processes, one of which may crash, as a Markov decision process.
//!
//! Everybody posts what it says in each round to a board; a process goes on with any two of the posts of its round.
//! Which two, and who goes on, the scheduler chooses, knowing everything that has happened, coins included; only the
//! coins that are still to be thrown it does not know.
//!
//! Rounds are counted from that of the slowest, so that there are finitely many states and any number of rounds: nobody
//! may be more than so many rounds ahead of the slowest that goes on.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// How many processes there are, numbered from 0.
pub const PROCESSES: usize = 3;

/// Number of posts that are waited for: those of all but the processes that may crash.
const QUORUM: usize = PROCESSES - CRASHES_MAX;

/// Most processes that may crash.
const CRASHES_MAX: usize = 1;

/// Most rounds that there is room for on the board.
pub const ROUNDS_MAX: usize = 4;

/// The protocol and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenOr {
    /// Rounds that a process may be ahead of the slowest.
    pub skew_max: u8,
    /// Number of processes that may crash, 0 or 1.
    pub crashes_max: u8,
    /// Where coins come from.
    pub coin: Coin,
    /// Whether it begins before anyone has an input.
    pub begins_without_inputs: bool,
    /// Last round that a process may begin, counted from 0; rounds then keep their numbers, and inputs are remembered.
    /// `None`: as many rounds as it takes.
    pub rounds_max: Option<u8>,
    /// What is wrong with it.
    pub variant: Variant,
}

/// Where coins come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coin {
    /// Each process throws its own coin.
    Local,
    /// One coin is thrown for each round and for everybody, when the first process asks.
    Common,
    /// The scheduler chooses what coins show, so that there is no coin at all.
    Adversarial,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Nothing is wrong.
    Sound,
    /// One proposal decides, where more than those who may crash are needed.
    DecidesOnOneProposal,
    /// Any report is proposed, not only one of more than half.
    ProposesAnyReport,
    /// A process decides its coin.
    DecidesItsCoin,
}

/// Where the rules deviate: each hook is asked by them once.
impl Variant {
    /// Whether a report is proposed that not more than half have made.
    fn proposes_any_report(self) -> bool {
        self == Variant::ProposesAnyReport
    }

    /// Number of proposals of a bit that decide it.
    fn proposals_needed(self) -> usize {
        if self == Variant::DecidesOnOneProposal { 1 } else { CRASHES_MAX + 1 }
    }

    /// Whether a process decides what its coin shows.
    fn decides_its_coin(self) -> bool {
        self == Variant::DecidesItsCoin
    }
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// Every process gets its input, and reports it.
    Begin {
        /// The inputs, by process.
        inputs: [u8; PROCESSES],
    },
    /// A process goes on with two posts of its round.
    Advance {
        /// The process.
        process: u8,
        /// The processes whose posts it has heard, in order.
        heard: [u8; QUORUM],
        /// What its coin shows, if it throws one.
        coin: Option<u8>,
    },
    /// A process stops for good.
    Crash {
        /// The process.
        process: u8,
    },
}

/// State of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Process {
    /// Number of its round, counted from that of the slowest.
    pub round: u8,
    /// Whether it waits for proposals, and not for reports.
    pub proposed: bool,
    /// The value that it has decided.
    pub decided: Option<u8>,
    /// Whether it has crashed.
    pub crashed: bool,
}

/// Posts of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Board {
    /// Reports, by process.
    pub reports: [Option<u8>; PROCESSES],
    /// Proposals, by process: each a bit, or that there was none.
    pub proposals: [Option<Option<u8>>; PROCESSES],
    /// Side of the common coin, once it was thrown.
    pub coin: Option<u8>,
}

/// What is known of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Inputs {
    /// Nobody has one yet.
    None,
    /// They were reported, and are of no other use.
    Forgotten,
    /// They are kept, by process, to compare decisions with.
    Kept([u8; PROCESSES]),
}

/// A configuration.
///
/// Invariants: whoever goes on is no further ahead of the slowest than the model allows, and in no round beyond the
/// bound; a board holds no post of a process that has not come to its round, unless that process has crashed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The inputs, as far as they are known.
    pub inputs: Inputs,
    /// The processes.
    pub processes: [Process; PROCESSES],
    /// Boards, by round.
    pub boards: [Board; ROUNDS_MAX],
}

impl State {
    pub(super) fn decided(&self) -> impl Iterator<Item = u8> + '_ {
        self.processes.iter().filter_map(|process| process.decided)
    }

    /// Whether the invariants hold.
    fn is_consistent(&self, model: &BenOr) -> bool {
        let slowest = model.slowest(self);
        self.processes.iter().enumerate().filter(|(_, process)| !process.crashed).all(|(number, process)| {
            let beyond = &self.boards[usize::from(process.round) + 1..];
            process.round <= slowest + model.skew_max
                && model.rounds_max.is_none_or(|max| process.round <= max)
                && beyond.iter().all(|board| board.reports[number].is_none() && board.proposals[number].is_none())
        })
    }
}

/// What a process makes of what it has heard.
enum Outcome {
    Proposes(Option<u8>),
    Reports { bit: u8, decides: bool },
    ThrowsCoin,
}

impl BenOr {
    /// The protocol as published, with local coins, nobody crashing.
    pub fn sound(skew_max: u8) -> Self {
        BenOr {
            skew_max,
            crashes_max: 0,
            coin: Coin::Local,
            begins_without_inputs: false,
            rounds_max: None,
            variant: Variant::Sound,
        }
    }

    /// Whether all who go on have decided.
    pub fn all_have_decided(&self, state: &State) -> bool {
        state.inputs != Inputs::None
            && state.processes.iter().all(|process| process.crashed || process.decided.is_some())
    }

    fn begin(&self, inputs: Option<[u8; PROCESSES]>) -> State {
        let process = Process { round: 0, proposed: false, decided: None, crashed: false };
        let mut boards = [Board::default(); ROUNDS_MAX];
        boards[0].reports = inputs.map_or([None; PROCESSES], |inputs| inputs.map(Some));
        let inputs = match (inputs, self.rounds_max) {
            (None, _) => Inputs::None,
            (Some(_), None) => Inputs::Forgotten,
            (Some(inputs), Some(_)) => Inputs::Kept(inputs),
        };
        State { inputs, processes: [process; PROCESSES], boards }
    }

    fn slowest(&self, state: &State) -> u8 {
        state.processes.iter().filter(|process| !process.crashed).map(|process| process.round).min().unwrap_or(0)
    }

    fn outcome(&self, state: &State, process: &Process, heard: [u8; QUORUM]) -> Option<Outcome> {
        let board = &state.boards[usize::from(process.round)];
        if !process.proposed {
            let report = |from: u8| board.reports[usize::from(from)];
            let (first, second) = (report(heard[0])?, report(heard[1])?);
            let is_proposed = first == second || self.variant.proposes_any_report();
            return Some(Outcome::Proposes(is_proposed.then_some(first)));
        }
        let proposal = |from: u8| board.proposals[usize::from(from)];
        let proposals = [proposal(heard[0])?, proposal(heard[1])?];
        let bits = proposals.iter().flatten();
        Some(match (proposals[0].or(proposals[1]), bits.count()) {
            (Some(bit), count) => Outcome::Reports { bit, decides: count >= self.variant.proposals_needed() },
            (None, _) => Outcome::ThrowsCoin,
        })
    }

    /// The sides that the coin of a process may show.
    fn coins(&self, state: &State, process: &Process) -> &'static [u8] {
        match (self.coin, state.boards[usize::from(process.round)].coin) {
            (Coin::Common, Some(0)) => &[0],
            (Coin::Common, Some(_)) => &[1],
            (Coin::Common, None) | (Coin::Local | Coin::Adversarial, _) => &[0, 1],
        }
    }

    /// Whether `action` throws a coin that nobody has seen yet.
    pub fn throws(&self, state: &State, action: &Action) -> bool {
        match action {
            Action::Advance { process, coin: Some(_), .. } => {
                let process = &state.processes[usize::from(*process)];
                self.coins(state, process).len() > 1
            }
            Action::Advance { .. } | Action::Begin { .. } | Action::Crash { .. } => false,
        }
    }

    fn advance(&self, state: &mut State, number: usize, heard: [u8; QUORUM], coin: Option<u8>) -> Option<()> {
        let process = state.processes[number];
        let round = usize::from(process.round);
        let (bit, decides) = match (self.outcome(state, &process, heard)?, coin) {
            (Outcome::Proposes(proposal), None) => {
                state.boards[round].proposals[number] = Some(proposal);
                state.processes[number].proposed = true;
                return Some(());
            }
            (Outcome::Reports { bit, decides }, None) => (bit, decides),
            (Outcome::ThrowsCoin, Some(bit)) if self.coins(state, &process).contains(&bit) => {
                if self.coin == Coin::Common {
                    state.boards[round].coin = Some(bit);
                }
                (bit, self.variant.decides_its_coin())
            }
            (Outcome::Proposes(_) | Outcome::Reports { .. }, Some(_)) | (Outcome::ThrowsCoin, _) => return None,
        };
        let next = process.round + 1;
        let too_far = next > self.slowest(state) + self.skew_max || self.rounds_max.is_some_and(|max| next > max);
        if too_far || usize::from(next) >= ROUNDS_MAX {
            return None;
        }
        let decided = process.decided.or(decides.then_some(bit));
        state.processes[number] = Process { round: next, proposed: false, decided, ..process };
        state.boards[usize::from(next)].reports[number] = Some(bit);
        Some(())
    }

    /// Counts rounds from that of the slowest.
    fn rename(&self, state: &mut State) {
        if self.rounds_max.is_some() {
            return;
        }
        let over = self.slowest(state);
        for process in &mut state.processes {
            process.round = process.round.saturating_sub(over);
            if process.crashed {
                // Where it stopped does not matter any more, only what it said.
                (process.round, process.proposed) = (0, false);
            }
        }
        state.boards.rotate_left(usize::from(over));
        state.boards[ROUNDS_MAX - usize::from(over)..].fill(Board::default());
    }
}

impl Model for BenOr {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        if self.begins_without_inputs {
            return vec![self.begin(None)];
        }
        inputs().map(|inputs| self.begin(Some(inputs))).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.inputs == Inputs::None {
            actions.extend(inputs().map(|inputs| Action::Begin { inputs }));
            return;
        }
        for number in 0..PROCESSES as u8 {
            let process = &state.processes[usize::from(number)];
            if process.crashed {
                continue;
            }
            for heard in [[0, 1], [0, 2], [1, 2]] {
                match self.outcome(state, process, heard) {
                    None => {}
                    Some(Outcome::ThrowsCoin) => {
                        let coins = self.coins(state, process).iter();
                        actions.extend(coins.map(|coin| Action::Advance { process: number, heard, coin: Some(*coin) }));
                    }
                    Some(Outcome::Proposes(_) | Outcome::Reports { .. }) => {
                        actions.push(Action::Advance { process: number, heard, coin: None });
                    }
                }
            }
            let crashed = state.processes.iter().filter(|process| process.crashed).count();
            if crashed < usize::from(self.crashes_max) {
                actions.push(Action::Crash { process: number });
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Begin { inputs } => after = self.begin(Some(inputs)),
            Action::Advance { process, heard, coin } => self.advance(&mut after, process.into(), heard, coin)?,
            Action::Crash { process } => after.processes[usize::from(process)].crashed = true,
        }
        self.rename(&mut after);
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}

fn inputs() -> impl Iterator<Item = [u8; PROCESSES]> {
    (0..8).map(|bits| [bits >> 2 & 1, bits >> 1 & 1, bits & 1])
}
