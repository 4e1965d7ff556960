//! What planning a tour costs beside the unfolding of the model that it covers: both are timed on generated models of
//! about 1,000,000 transitions, and the ratio is printed, with how many steps the tour takes for each transition and how
//! often it starts afresh.
//!
//! A plain program and no statistics, and no limit on time: it fails only if a transition is left out.
//! `cargo bench --bench tour`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterpart::Facade;
use counterpart::conform::TourPlan;
use stateright::Model;

/// A token on a square board.
#[derive(Clone, Copy)]
enum Board {
    /// It goes right and down, refused at the edges, and comes back to the beginning when asked.
    WithReset,
    /// Nothing leads back but a fresh start.
    OneWay,
    /// It goes round in all four directions.
    Round,
}

const SIDE: u16 = 500;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Move {
    Right,
    Down,
    Left,
    Up,
    Reset,
    Read,
}

impl Model for Board {
    type State = (u16, u16);
    type Action = Move;

    fn init_states(&self) -> Vec<Self::State> {
        vec![(0, 0)]
    }

    fn actions(&self, _: &Self::State, actions: &mut Vec<Move>) {
        actions.extend(match self {
            Board::WithReset => [Move::Right, Move::Down, Move::Reset, Move::Read],
            Board::OneWay => [Move::Right, Move::Down, Move::Read, Move::Reset],
            Board::Round => [Move::Right, Move::Down, Move::Left, Move::Up],
        });
    }

    fn next_state(&self, (column, row): &Self::State, action: Move) -> Option<Self::State> {
        let round = matches!(self, Board::Round);
        let next = |at: u16| if round { Some((at + 1) % SIDE) } else { Some(at + 1).filter(|at| *at < SIDE) };
        match action {
            Move::Right => next(*column).map(|column| (column, *row)),
            Move::Down => next(*row).map(|row| (*column, row)),
            Move::Left => Some(((column + SIDE - 1) % SIDE, *row)),
            Move::Up => Some((*column, (row + SIDE - 1) % SIDE)),
            Move::Reset => matches!(self, Board::WithReset).then_some((0, 0)),
            Move::Read => None,
        }
    }
}

struct Face;

impl Facade for Face {
    type Model = Board;
    type Input = Move;
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Board, _: &(u16, u16), action: &Move, to: Option<&(u16, u16)>) -> Option<(Move, bool)> {
        Some((*action, to.is_some()))
    }
}

fn main() -> ExitCode {
    let mut passed = true;
    for (name, board) in [("round", Board::Round), ("with reset", Board::WithReset), ("one way", Board::OneWay)] {
        let (unfolded_in, plan) = timed(|| TourPlan::of(Arc::new(board), Arc::new(Face), usize::MAX));
        let Some(plan) = plan else {
            eprintln!("error: {name} has more states than there are");
            return ExitCode::FAILURE;
        };
        let (planned_in, planned) = timed(|| plan.plan());
        passed &= planned.edges_covered == planned.edges;
        println!(
            "{name:<12} {} transitions unfolded in {unfolded_in:.2?}, planned in {planned_in:.2?} ({:.2} of unfolding): \
             {:.2} steps for each, {} starts{}",
            planned.edges,
            planned_in.as_secs_f64() / unfolded_in.as_secs_f64(),
            planned.steps as f64 / planned.edges as f64,
            planned.starts,
            if planned.edges_covered == planned.edges { "" } else { "  LEFT OUT SOME" }
        );
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = what();
    (started.elapsed(), result)
}
