//! A host that is lost while the others run on threads of their own, at every place in its lap: each of them ends, none
//! publishes what is not whole, and what they record is explained by the model.

use std::thread;

use counterpart::report::ConformanceReport;
use counterpart_models::ring_attention::bindings::planned;
use counterpart_models::ring_attention::defective::ForgetsToRescale;
use counterpart_models::ring_attention::implementation::{Lap, Lost, Rotation, Way};
use counterpart_models::ring_attention::model::{Order, Pass, Ring};
use counterpart_models::ring_attention::numbers::{Ours, Sums};
use counterpart_models::ring_attention::recorded::{RingReader, free_run};
use counterpart_models::ring_attention::shared::{Host, connect};
use libtest_mimic::Trial;

use super::every_ring;
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ring_attention::wherever_a_host_is_lost_all_threads_end_and_its_neighbours_soon", lost_anywhere),
        claim("ring_attention::a_free_run_with_a_lost_host_conforms", lost_and_recorded),
        claim("ring_attention::a_free_run_that_forgets_to_rescale_is_seen", forgets),
    ]
}

/// How a host ended, and how often it had moved on.
type End = (Result<(), Lost>, usize);

/// Goes on for at most so many operations.
fn run(mut host: Host<usize>, operations: usize, met: &mut Vec<usize>) -> End {
    let mut end = Ok(());
    for _ in 0..operations {
        match host.step(|origin, _| met.push(origin)) {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(lost) => {
                end = Err(lost);
                break;
            }
        }
    }
    (end, host.progress().rotation().step())
}

/// Every ring that is not refused, of two to four hosts; host 1 is lost after each number of operations.
fn lost_anywhere() {
    const LOST: usize = 1;
    let mut runs = 0;
    for ring in every_ring(2..=4) {
        let Ok(plan) = planned(&ring, ring.capacity) else { continue };
        let all: usize = plan.programme(LOST).iter().map(Vec::len).sum();
        for operations in 0..all {
            let of = format!("{ring:?}, lost after {operations} of {all}");
            let lap = |host| Lap::new(Rotation::new(plan, host).expect("a host of this ring"), host);
            let hosts = connect((0..plan.hosts()).map(lap).collect());
            // All threads are joined here: one that waits for ever would hold this up.
            let ends: Vec<(End, Vec<usize>)> = thread::scope(|scope| {
                let start = |(number, host): (usize, Host<usize>)| {
                    let operations = if number == LOST { operations } else { usize::MAX };
                    scope.spawn(move || {
                        let mut met = Vec::new();
                        (run(host, operations, &mut met), met)
                    })
                };
                let running: Vec<_> = hosts.into_iter().enumerate().map(start).collect();
                running.into_iter().map(|thread| thread.join().expect("no host panics")).collect()
            });
            let ((_, lost_at), _) = ends[LOST];
            let hops = plan.each_way().iter().map(|way| plan.hops(*way)).max().unwrap_or_default();
            for (number, ((end, step), met)) in ends.iter().enumerate().filter(|(number, _)| *number != LOST) {
                assert!(matches!(end, Ok(()) | Err(Lost::Neighbour { .. })), "{of}: host {number} {end:?}");
                let mut met = met.clone();
                met.sort_unstable();
                let is_whole = met == (0..plan.hosts()).collect::<Vec<_>>();
                assert!(end.is_err() || is_whole, "{of}: host {number} published with {met:?}");
                assert!(operations > 0 || end.is_err(), "{of}: host {number} published without the lost one");
                let is_neighbour = [Way::Up, Way::Down].iter().any(|way| plan.neighbour(LOST, *way) == number);
                let steps_max = lost_at + usize::from(ring.capacity) + 1;
                assert!(!is_neighbour || *step.min(&hops) <= steps_max, "{of}: host {number} went on to {step}");
            }
            runs += 1;
        }
    }
    assert!(runs > 1_000, "{runs} runs");
}

fn judged<S: Sums>(model: Ring, lost: Option<usize>) -> ConformanceReport {
    let run = model.clone();
    let check = counterpart_models::ring_attention::check(model).alongside_only();
    check.events(RingReader, move || free_run::<S>(&run, lost)).run().cases.remove(0).conformance.remove(0)
}

fn lost_and_recorded() {
    let lost = Ring { crashes_max: 1, ..Ring::of(3) };
    let backward = Ring { pass: Pass::Backward, ..lost.clone() };
    let overlapped = Ring { order: Order::Overlapped, capacity: 0, ..lost.clone() };
    for model in [lost, backward, overlapped].into_iter().cycle().take(6) {
        let report = judged::<Ours>(model.clone(), Some(1));
        assert_eq!(report.verdict.to_string(), "conforms", "{model:?}: {:?}", report.why);
        // Its computation and its end, and the ends of the others, who may see it before they have computed at all.
        assert!(report.effort.steps() >= 4, "{} events", report.effort.steps());
    }
}

fn forgets() {
    let report = judged::<ForgetsToRescale>(Ring::of(3), None);
    assert_eq!(report.verdict.to_string(), "diverges");
    let why = report.why.unwrap_or_default();
    assert!(why.contains("Published(Beyond)"), "{why}");
}
