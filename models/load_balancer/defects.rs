//! Defective balancers, which the checks must catch: every variant as a model and as an implementation, and what goes
//! wrong only between threads.

use std::sync::{Arc, PoisonError};

use counterpart::conform::{self, interleave::Interleave};
use counterpart::model::Simulated;
use counterpart::{Case, Check};
use loom::sync::atomic::{AtomicU32, Ordering};

use super::conformance::{
    BalancerInterface, COMES_BACK, SharedBalancer, SharedBinding, count_and_choose, two_picks, two_reports,
};
use super::implementation::{Config, Core, Outcome, Refused, Request, ServerId, Status, Ticket};
use super::model::{Balancer, Variant};
use super::policies::AnyPolicy;

/// Each defect in whose bounds it shows, and the properties that catch it.
fn variants() -> Vec<(Balancer, Variant, &'static [&'static str])> {
    const COUNTED: &str = "the requests counted at a server are those in flight there";
    const WHOLE: &str = "no server is a whole request ahead of its share, or behind";
    let least = || Balancer { slots: 3, ..super::least_connections() };
    vec![
        (super::smooth_weighted(), Variant::NaiveWeighted, &[WHOLE]),
        (
            super::smooth_weighted(),
            Variant::ForgetsWeights,
            &["a whole cycle gives each server exactly its weight", WHOLE],
        ),
        (least(), Variant::KeepsCountOnCancel, &[COUNTED]),
        (least(), Variant::KeepsCountOnPanic, &[COUNTED]),
        (super::least_connections(), Variant::CountsLateCompletion, &[COUNTED]),
        (
            super::power_of_two(),
            Variant::DrawsSameTwice,
            &["of two choices never the server that is busier than all others"],
        ),
        (super::outliers(), Variant::EjectsWithoutLimit, &["no more servers are ejected than the limit allows"]),
        (super::outliers(), Variant::EjectsForGood, &[COMES_BACK]),
        (super::round_robin(), Variant::NeverPanics, &["no request is turned away while there is a server"]),
        (
            super::round_robin(),
            Variant::IgnoresHealth,
            &["only in panic mode are requests sent to servers that are not eligible"],
        ),
        (
            super::round_robin(),
            Variant::LosesHealthUpdate,
            &["the balancer knows each server as the last health check reported it"],
        ),
        (
            super::round_robin(),
            Variant::ResetsCursorOnChange,
            &["a server that could be chosen waits for no more requests than there are servers"],
        ),
        (super::bounded_hash(), Variant::IgnoresBound, &["no server takes more than its share above the average"]),
        (super::bounded_hash(), Variant::HashesByPosition, &["a key moves only when its server is gone or full"]),
        (super::retry_budget(), Variant::RetriesForFree, &["retries stay within their budget"]),
        (super::peak_ewma(), Variant::FailureLooksFast, &["a failure never makes a server look faster"]),
        (super::slow_start(), Variant::StartsAtFullWeight, &[]),
    ]
}

/// Each variant as a model, and as an implementation beside the sound one.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sound, variant, violated) in variants() {
        let name = crate::snake(variant);
        if !violated.is_empty() {
            let check = super::check(sound.clone().with(variant));
            let check = violated.iter().fold(check, |check, property| check.violates(*property));
            cases.push(Case::new(format!("load_balancer/{name}"), check));
        }
        let mut check = super::check(sound.clone()).alongside_only();
        let make = maker(sound.with(variant));
        check = check.defective(name.as_str(), make.clone());
        if matches!(variant, Variant::KeepsCountOnCancel | Variant::ResetsCursorOnChange) {
            check = check.subject(name.as_str(), conform::Walk::new().runs(200).steps(100).of(make));
        }
        cases.push(Case::new(format!("load_balancer/implemented_{name}"), check));
    }
    cases
}

/// Makes `model` over and over, as an implementation.
fn maker(model: Balancer) -> impl Fn() -> Simulated<BalancerInterface> + Clone + Send + Sync + 'static {
    let (model, interface) = (Arc::new(model), Arc::new(BalancerInterface));
    move || Simulated::new(&model, &interface)
}

/// What goes wrong only between threads.
pub(super) fn racing_cases(turns: Balancer, counts: Balancer) -> Vec<Case> {
    let (picks, reports, reading) = (turns.clone(), turns.clone(), counts.clone());
    let check = |model: Balancer| -> Check<Balancer, BalancerInterface> { super::check(model).alongside_only() };
    vec![
        Case::new(
            "load_balancer/between_threads_round_robin",
            check(turns)
                .subject(
                    "loses_cursor",
                    Interleave::new(vec![two_picks()]).of(move || SharedBinding::<LosesUpdates>::new(&picks)),
                )
                .because("loses_cursor", "both read the cursor before either wrote it, and both go to the same server")
                .diverges("loses_cursor")
                .subject(
                    "loses_health_report",
                    Interleave::new(vec![two_reports()]).of(move || SharedBinding::<LosesUpdates>::new(&reports)),
                )
                .because(
                    "loses_health_report",
                    "both checks change a copy of the same list, and the one that writes last undoes the other's report",
                )
                .diverges("loses_health_report"),
        ),
        Case::new(
            "load_balancer/between_threads_least_connections",
            check(counts)
                .subject(
                    "reads_counters_one_by_one",
                    Interleave::new(vec![count_and_choose()]).of(move || SharedBinding::<ReadsOneByOne>::new(&reading)),
                )
                .because(
                    "reads_counters_one_by_one",
                    "the first count was read before its request ended, the second after: it looks as if only the later of \
                     the two had ended",
                )
                .diverges("reads_counters_one_by_one"),
        ),
    ]
}

/// A balancer that reads its state under the lock, changes a copy, and writes the copy back under the lock.
struct LosesUpdates(loom::sync::Mutex<Core<AnyPolicy>>);

impl LosesUpdates {
    fn change<T>(&self, change: impl FnOnce(&mut Core<AnyPolicy>) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = lock().clone();
        let result = change(&mut copy);
        *lock() = copy;
        result
    }
}

impl SharedBalancer for LosesUpdates {
    type InFlight = Ticket;

    fn new(config: Config, policy: AnyPolicy, servers: Vec<(ServerId, u32)>, now_us: u64) -> Self {
        let core = Core::new(config, policy, servers, now_us).expect("a model in the catalogue describes a balancer");
        LosesUpdates(loom::sync::Mutex::new(core))
    }

    fn pick(this: &Arc<Self>, retry: bool, request: Request, now_us: u64) -> Result<(ServerId, Ticket), Refused> {
        let sent = this.change(|core| if retry { core.retry(request, now_us) } else { core.pick(request, now_us) });
        sent.map(|ticket| (ticket.server(), ticket))
    }

    fn finish(&self, request: Ticket, outcome: Outcome, now_us: u64) {
        self.change(|core| core.finish(request, outcome, now_us));
    }

    fn set_health(&self, server: ServerId, healthy: bool, now_us: u64) {
        let _ = self.change(|core| core.set_health(server, healthy, now_us));
    }

    fn set_servers(&self, servers: Vec<(ServerId, u32)>, now_us: u64) {
        let _ = self.change(|core| core.set_servers(servers, now_us));
    }

    fn status(&self, now_us: u64) -> Vec<Status> {
        self.change(|core| core.status(now_us))
    }
}

/// Least connections over counters that are read one after the other, without a lock.
struct ReadsOneByOne(Vec<(ServerId, AtomicU32)>);

impl SharedBalancer for ReadsOneByOne {
    type InFlight = usize;

    fn new(_: Config, _: AnyPolicy, servers: Vec<(ServerId, u32)>, _: u64) -> Self {
        ReadsOneByOne(servers.into_iter().map(|(server, _)| (server, AtomicU32::new(0))).collect())
    }

    fn pick(this: &Arc<Self>, _: bool, _: Request, _: u64) -> Result<(ServerId, usize), Refused> {
        let counts = this.0.iter().map(|(_, count)| count.load(Ordering::SeqCst)).enumerate();
        let (at, _) = counts.min_by_key(|(at, count)| (*count, *at)).ok_or(Refused::NoServer)?;
        this.0[at].1.fetch_add(1, Ordering::SeqCst);
        Ok((this.0[at].0, at))
    }

    fn finish(&self, at: usize, _: Outcome, _: u64) {
        self.0[at].1.fetch_sub(1, Ordering::SeqCst);
    }

    fn set_health(&self, _: ServerId, _: bool, _: u64) {}

    fn set_servers(&self, _: Vec<(ServerId, u32)>, _: u64) {}

    fn status(&self, _: u64) -> Vec<Status> {
        let status = |(id, count): &(ServerId, AtomicU32)| Status {
            id: *id,
            healthy: true,
            ejected: false,
            in_flight: count.load(Ordering::SeqCst),
        };
        self.0.iter().map(status).collect()
    }
}
