//! What liveness costs beside the exploration it rests on: both are timed on one graph of 1,000,000 states and
//! 5,000,000 transitions, once for each kind of promise, and the ratio is printed. It is to stay below 2.
//!
//! A plain program and no statistics: one run takes seconds, and what is asked for is a ratio within one process.
//! `cargo bench --bench liveness`; it fails if a ratio is too high.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterpart::explore::{Budget, explore};
use counterpart::model::{FairKey, Spec, Temporal};
use counterpart::verdict::{Verdict, judge};
use stateright::Model;

/// Five processes that go round ten phases each, and a clock that moves on when the last of them comes round. All of it
/// is one component, the most that a search can meet, and a state is as flat as the harness asks models to be: what is
/// measured against is a cheap exploration.
#[derive(Clone)]
struct Phases;

const PROCESSES: usize = 5;
const PHASES: u8 = 10;

/// The phase of each process, and at the end the clock.
type State = [u8; PROCESSES + 1];

impl Model for Phases {
    type State = State;
    type Action = usize;

    fn init_states(&self) -> Vec<State> {
        vec![[0; PROCESSES + 1]]
    }

    fn actions(&self, _: &State, actions: &mut Vec<usize>) {
        actions.extend(0..PROCESSES);
    }

    fn next_state(&self, state: &State, process: usize) -> Option<State> {
        let mut next = *state;
        next[process] = (next[process] + 1) % PHASES;
        if process + 1 == PROCESSES && next[process] == 0 {
            next[PROCESSES] = (next[PROCESSES] + 1) % PHASES;
        }
        Some(next)
    }
}

/// One promise, broken or not.
struct Promised {
    promise: fn() -> Temporal<Phases>,
}

const WEAK: &str = "every process moves on";
const STRONG: &str = "the last process comes round";

impl Spec for Promised {
    type Model = Phases;

    fn temporal(&self) -> Vec<Temporal<Phases>> {
        vec![(self.promise)()]
    }

    fn fairness(&self, _: &Phases, state: &State, process: &usize) -> Vec<FairKey> {
        let mut keys = vec![FairKey::weak(WEAK).of_each(process), FairKey::weak(STRONG).of_each(process)];
        if process + 1 == PROCESSES && state[*process] + 1 == PHASES {
            keys.push(FairKey::strong(STRONG));
        }
        keys
    }
}

type Row = (&'static str, fn() -> Temporal<Phases>, Verdict);

fn noon(_: &Phases, state: &State) -> bool {
    state[PROCESSES] == PHASES - 1
}

fn never(_: &Phases, _: &State) -> bool {
    false
}

fn aligned(_: &Phases, state: &State) -> bool {
    state[0] == state[1]
}

const ROWS: [Row; 10] = [
    ("eventually, broken", || Temporal::eventually("p", never), Verdict::Violated),
    ("eventually, weakly fair, broken", || Temporal::eventually("p", never).under(WEAK), Verdict::Violated),
    ("eventually, strongly fair, broken", || Temporal::eventually("p", never).under(STRONG), Verdict::Violated),
    ("eventually, weakly fair, held", || Temporal::eventually("p", noon).under(WEAK), Verdict::Holds),
    ("eventually, strongly fair, held", || Temporal::eventually("p", noon).under(STRONG), Verdict::Holds),
    ("leads to, strongly fair, held", || Temporal::leads_to("p", aligned, noon).under(STRONG), Verdict::Holds),
    ("infinitely often, broken", || Temporal::infinitely_often("p", noon), Verdict::Violated),
    ("infinitely often, fair, held", || Temporal::infinitely_often("p", noon).under(STRONG), Verdict::Holds),
    ("eventually always, fair, broken", || Temporal::eventually_always("p", aligned).under(WEAK), Verdict::Violated),
    ("recoverable, held", || Temporal::recoverable("p", noon), Verdict::Holds),
];

/// Most time that judging may take, as a multiple of the time that exploring took.
const RATIO_MAX: f64 = 2.0;

fn main() -> ExitCode {
    let model = Arc::new(Phases);
    let budget = Budget::default();
    let (explored_in, graph) = timed(|| explore(model, &budget));
    let graph = match graph {
        Ok(graph) => graph,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{} states, {} transitions explored in {explored_in:.2?}", graph.states().len(), graph.edge_count());
    let mut passed = true;
    for (name, promise, truth) in ROWS {
        let (judged_in, findings) = timed(|| judge(&graph, Promised { promise }, &budget.interrupt));
        let ratio = judged_in.as_secs_f64() / explored_in.as_secs_f64();
        let as_expected = findings.iter().all(|finding| finding.verdict == truth);
        passed &= as_expected && ratio <= RATIO_MAX;
        println!(
            "{name:<34} {judged_in:>8.2?}  {ratio:.2} of exploring{}",
            if as_expected { "" } else { "  WRONG VERDICT" }
        );
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = what();
    (started.elapsed(), result)
}
