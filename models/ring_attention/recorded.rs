//! Logs of hosts that run freely: how their records read, and how they come to be recorded.
//!
//! Nobody drives these threads. Each lap is a span, and so is each computation in it, with the origin of the block: what
//! the model calls computing with that block has to be possible there and then.

use counterpart::Case;
use counterpart::conform::events::{Event, EventLog, Events, Labelled, Log, LogError, LogReader, Recorded};
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::bindings::bare_laps;
use super::cases::overlapped;
use super::conformance::{Input, RingInterface, Standing, Tolerance};
use super::model::{Directions, Mask, Order, Ring, State};
use super::{check, shared};

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

/// A lap as it is recorded: `run` is given what records a computation, and says whether it came to an output.
pub fn lap(host: usize, run: impl FnOnce(&mut dyn FnMut(usize)) -> bool) {
    let span: Span = info_span!(target: TARGET, "lap", host = host as u64, standing = Empty);
    let published = run(&mut |origin| {
        let _span = info_span!(target: TARGET, "compute", host = host as u64, origin = origin as u64);
    });
    let standing = if published { Standing::Published(Tolerance::Within) } else { Standing::Disconnected };
    span.record("standing", tracing::field::debug(standing));
}

/// The log of `laps`, one a host, each on a thread of its own.
pub fn recorded<'work>(laps: impl IntoIterator<Item = Box<dyn FnOnce() + Send + 'work>>) -> Log {
    let log = EventLog::of(TARGET);
    log.on_threads(laps.into_iter().enumerate().map(|(host, lap)| (format!("host {host}"), lap)));
    log.recorded()
}

/// Our hosts, run freely.
fn free_run(model: &Ring) -> Result<Log, LogError> {
    let hosts = shared::connect(bare_laps(model));
    Ok(recorded(hosts.into_iter().enumerate().map(|(number, host)| -> Box<dyn FnOnce() + Send> {
        Box::new(move || lap(number, |computes| host.lap(|origin, ()| computes(origin)).is_ok()))
    })))
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
        let check = check(model).alongside_only().events(RingReader, move || free_run(&run));
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
        Case::new("ring_attention/recorded_defect", of_a_defect),
    ]
}
