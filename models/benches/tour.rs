//! What planning a tour costs beside the unfolding of the model that it covers: both are timed on generated models of
//! about 1,000,000 transitions, and the ratio is printed, with how many steps the tour takes for each transition and
//! how often it starts afresh, beside what no tour can do without.
//!
//! A plain program and no statistics, and no limit on time: it fails only if a transition is left out.
//! `cargo bench --bench tour`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterpart::Interface;
use counterpart::conform::TourPlan;
use stateright::Model;

/// The board on which moves take a token from place to place.
#[derive(Clone, Copy, Debug)]
enum Map {
    /// A square board that moves go around, in all four directions.
    Round,
    /// A square board whose moves go right and down, are refused at the edges, and look in between. Nothing leads back
    /// but a fresh start.
    OneWay,
    /// A number of which each digit goes up, is refused at the highest, and looked at in between. The last move sets
    /// all of them to zero.
    Digits,
    /// Places with moves that lead anywhere.
    Random,
    /// Places with moves that lead anywhere in the same stage, and once in a thousand into the next; the last move goes
    /// round the stage.
    Stages,
}

const MAPS: [Map; 5] = [Map::Round, Map::OneWay, Map::Digits, Map::Random, Map::Stages];

/// Side of a square board.
const SIDE: u32 = 500;
/// Digits of a number.
const DIGITS: u32 = 6;
/// Base of each digit.
const BASE: u32 = 7;
/// Places where moves lead anywhere.
const PLACES: u32 = 250_000;
/// Places in each stage.
const STAGE: u32 = 25_000;

impl Map {
    fn moves(self) -> u32 {
        match self {
            Map::Digits => DIGITS + 2,
            _ => 4,
        }
    }

    fn next(self, at: u32, by: u32) -> Option<u32> {
        let (column, row) = (at % SIDE, at / SIDE);
        match (self, by) {
            (Map::Round, 0) => Some(row * SIDE + (column + 1) % SIDE),
            (Map::Round, 1) => Some(row * SIDE + (column + SIDE - 1) % SIDE),
            (Map::Round, 2) => Some((row + 1) % SIDE * SIDE + column),
            (Map::Round, _) => Some((row + SIDE - 1) % SIDE * SIDE + column),
            (Map::OneWay, 0) => (column + 1 < SIDE).then(|| at + 1),
            (Map::OneWay, 1) => (row + 1 < SIDE).then(|| at + SIDE),
            (Map::OneWay, _) => None,
            (Map::Digits, digit) if digit < DIGITS => {
                let unit = BASE.pow(digit);
                (at / unit % BASE + 1 < BASE).then(|| at + unit)
            }
            (Map::Digits, DIGITS) => None,
            (Map::Digits, _) => Some(0),
            (Map::Random, _) => Some(mixed(at, by) % PLACES),
            (Map::Stages, _) => {
                let place = if by == 3 { at + 1 } else { mixed(at, by) };
                Some((at / STAGE + u32::from(leaves_stage(at, by))) * STAGE + place % STAGE)
            }
        }
    }

    /// Steps and starts that no tour can do without, as far as it is plain from the shape.
    fn least(self, edges: usize) -> (usize, usize) {
        match self {
            // The last moves before the long diagonal: no run passes two of them.
            Map::OneWay => (edges, 2 * (SIDE as usize - 1)),
            // All that look and that are refused, and for each return to zero a way from there.
            Map::Digits => {
                let digit_sum = |at: u32| (0..DIGITS).map(|digit| at / BASE.pow(digit) % BASE).sum::<u32>();
                let numbers = BASE.pow(DIGITS);
                let returns: usize = (0..numbers).map(|at| digit_sum(at) as usize + 1).sum();
                let highest = DIGITS * BASE.pow(DIGITS - 1);
                (returns + (numbers + highest) as usize, 1)
            }
            // All that leave one stage: no run does so twice.
            Map::Stages => {
                let leaving = |stage: u32| {
                    let places = stage * STAGE..(stage + 1) * STAGE;
                    places.map(|at| (0..self.moves()).filter(|by| leaves_stage(at, *by)).count()).sum::<usize>()
                };
                (edges, (0..PLACES / STAGE).map(leaving).max().unwrap_or(0))
            }
            Map::Round | Map::Random => (edges, 1),
        }
    }
}

fn leaves_stage(at: u32, by: u32) -> bool {
    by < 3 && at + STAGE < PLACES && mixed(at, by + 4).is_multiple_of(1_000)
}

/// A number that looks random and always is the same (the finalizer of `SplitMix64`).
fn mixed(at: u32, by: u32) -> u32 {
    let mut mixed = (u64::from(by) << 32 | u64::from(at)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as u32
}

impl Model for Map {
    type State = u32;
    type Action = u32;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, _: &u32, actions: &mut Vec<u32>) {
        actions.extend(0..self.moves());
    }

    fn next_state(&self, at: &u32, by: u32) -> Option<u32> {
        self.next(*at, by)
    }
}

struct Face;

impl Interface for Face {
    type Model = Map;
    type Input = u32;
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Map, _: &u32, action: &u32, to: Option<&u32>) -> Option<(u32, bool)> {
        Some((*action, to.is_some()))
    }
}

fn main() -> ExitCode {
    let mut passed = true;
    for map in MAPS {
        let (unfolded_in, plan) = timed(|| TourPlan::of(Arc::new(map), Arc::new(Face), usize::MAX));
        let Some(plan) = plan else {
            eprintln!("error: {map:?} has more states than there are");
            return ExitCode::FAILURE;
        };
        let (planned_in, planned) = timed(|| plan.plan());
        let covered = planned.edges_covered == planned.edges;
        let (steps, starts) = map.least(planned.edges);
        let each = |steps: usize| steps as f64 / planned.edges as f64;
        passed &= covered;
        println!(
            "{:<7} {} transitions unfolded in {unfolded_in:.2?}, planned in {planned_in:.2?} ({:.2} of unfolding): \
             {:.2} steps for each (at least {:.2}), {} starts (at least {starts}){}",
            format!("{map:?}"),
            planned.edges,
            planned_in.as_secs_f64() / unfolded_in.as_secs_f64(),
            each(planned.steps),
            each(steps),
            planned.starts,
            if covered { "" } else { "  LEFT OUT SOME" }
        );
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = what();
    (started.elapsed(), result)
}
