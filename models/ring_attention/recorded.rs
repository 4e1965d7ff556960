//! Logs of hosts that run freely: how their records read, and how they come to be recorded.
//!
//! Nobody drives these threads. Each lap is a span, and so is each computation in it, with the origin of the block: what
//! the model calls computing with that block has to be possible there and then. A lap ends with how near its numbers are.

use counterpart::Case;
use counterpart::conform::events::{Event, EventLog, Events, Labelled, Log, LogError, LogReader, Recorded};
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::bindings::laps;
use super::cases::overlapped;
use super::check;
use super::conformance::{Input, RingInterface, Standing, Tolerance};
use super::implementation::{Next, Way};
use super::model::{Directions, Mask, Order, Pass, Ring, State};
use super::numbers::{Block, Met, Numbers, Ours, Sums};
use super::shared::{self, Host};

/// The target of the spans.
pub const TARGET: &str = "ring_attention";

/// Reads the events `lap` (`host`, `standing`), `crash` (`host`) and `compute` (`host`, `origin`).
#[derive(Clone, Copy, Debug)]
pub struct RingReader;

impl LogReader<RingInterface> for RingReader {
    fn admits(&self, event: &Event, step: &Labelled<'_, RingInterface>) -> bool {
        let standing = step.output.standing;
        match step.input {
            Input::Lap { host } => {
                event.name == "lap" && event.agrees("host", host) && event.agrees_with_debug("standing", &standing)
            }
            Input::Crash { host } => event.name == "crash" && event.agrees("host", host),
            Input::Step { .. } => false,
        }
    }

    fn reads(&self, event: &Event, model: &Ring, state: &State) -> bool {
        let computes = |host: u8| {
            let origin = state.hosts[usize::from(host)].computing;
            event.agrees("host", host) && origin.is_some_and(|origin| event.agrees("origin", origin))
        };
        event.name == "compute" && (0..model.hosts).any(computes)
    }
}

fn computes(host: usize, origin: usize) {
    let _span = info_span!(target: TARGET, "compute", host = host as u64, origin = origin as u64);
}

/// A lap as it is recorded: `run` is given what records a computation, and says how near the output is, if it came to one.
pub fn lap(host: usize, run: impl FnOnce(&mut dyn FnMut(usize)) -> Option<Tolerance>) {
    let span: Span = info_span!(target: TARGET, "lap", host = host as u64, standing = Empty);
    let published = run(&mut |origin| computes(host, origin));
    let standing = published.map_or(Standing::Disconnected, Standing::Published);
    span.record("standing", tracing::field::debug(standing));
}

/// The log of `laps`, one a host, each on a thread of its own.
pub fn recorded<'work>(laps: impl IntoIterator<Item = Box<dyn FnOnce() + Send + 'work>>) -> Log {
    let log = EventLog::of(TARGET);
    log.on_threads(laps.into_iter().enumerate().map(|(host, lap)| (format!("host {host}"), lap)));
    log.recorded()
}

/// Our hosts with their numbers, run freely; `lost` is gone after it has computed with its own block.
///
/// # Panics
/// If ours has no such ring.
///
/// # Errors
/// None: the log is of this run.
pub fn free_run<S: Sums>(model: &Ring, lost: Option<usize>) -> Result<Log, LogError> {
    let numbers = Numbers::of(model);
    let (_, laps) = laps(model, |plan, host| plan.programme(host), |host| numbers.block(host));
    let laps = laps.into_iter().enumerate().map(|(host, lap)| lap.needing(numbers.needs(host))).collect();
    let hosts = shared::connect(laps).into_iter().enumerate();
    Ok(recorded(hosts.map(|(number, host)| -> Box<dyn FnOnce() + Send> {
        let sums = S::none(&numbers, number);
        if lost == Some(number) {
            Box::new(move || crash(number, host))
        } else {
            Box::new(move || lap(number, |computes| whole(host, sums, computes)))
        }
    })))
}

/// A whole lap, and how near its output is; none if a neighbour was gone.
fn whole<S: Sums>(mut host: Host<Block>, mut sums: S, computes: &mut dyn FnMut(usize)) -> Option<Tolerance> {
    loop {
        let step = host.progress().rotation().step();
        let done = host.step(|origin, block| {
            computes(origin);
            sums.compute(Met { step, origin, block, landed: None });
        });
        if done.ok()?? == Next::Publish {
            return Some(sums.tolerance(host.progress().block(Way::Up)));
        }
    }
}

/// The host is gone once it has computed.
fn crash(number: usize, mut host: Host<Block>) {
    let mut has_computed = false;
    while !has_computed {
        let compute = |origin: usize, _: &mut Block| {
            computes(number, origin);
            has_computed = true;
        };
        host.step(compute).expect("nobody is gone before it");
    }
    let _span = info_span!(target: TARGET, "crash", host = number as u64).entered();
    drop(host);
}

/// A host that numbers blocks by the step in which they come.
fn by_step() -> Result<Log, LogError> {
    let computed = |step: u64| Recorded {
        begin: 2 * step + 1,
        end: Some(2 * step + 2),
        event: Event::new("host 0", "compute").with("host", 0).with("origin", step),
    };
    Log::new((0..3).map(computed).collect())
}

pub(super) fn cases() -> Vec<Case> {
    let free = |name: &str, model: Ring| {
        let run = model.clone();
        let check = check(model).alongside_only().events(RingReader, move || free_run::<Ours>(&run, None));
        Case::new(format!("ring_attention/{name}"), check)
    };
    let of_a_defect = check(Ring::of(3))
        .alongside_only()
        .subject("numbers_blocks_by_step", Events::new(RingReader).of(by_step))
        .diverges("numbers_blocks_by_step")
        .because("numbers_blocks_by_step", "blocks come round backwards: after its own, host 0 has the one of host 2");
    vec![
        free("free_run", Ring::of(3)),
        free("free_run_rendezvous", Ring { order: Order::OddEven, capacity: 0, ..Ring::of(3) }),
        free("free_run_overlapped", Ring { mask: Mask::Causal, ..overlapped(3) }),
        free("free_run_both_ways", Ring { directions: Directions::Both, ..overlapped(3) }),
        free("free_run_backward", Ring { pass: Pass::Backward, ..Ring::of(3) }),
        Case::new("ring_attention/recorded_defect", of_a_defect),
    ]
}
