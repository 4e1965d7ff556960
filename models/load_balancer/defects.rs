//! Defects: each as a model and as an implementation, for one reason; and what goes wrong only between threads.

use counterpart::check::Defect;
use counterpart::conform::Walk;
use counterpart::conform::interleave::sync::atomic::{AtomicU32, Ordering};
use counterpart::conform::interleave::{Interleave, LosesUpdates};
use counterpart::{Case, Check};

use super::bindings::{Binding, SharedBalancer, count_and_choose, two_picks, two_reports, two_retries};
use super::cases;
use super::check;
use super::conformance::BalancerInterface;
use super::implementation::{Config, Core, Outcome, Refused, Request, ServerId, Status};
use super::model::{Balancer, Variant};
use super::policies::AnyPolicy;
use super::properties::COMES_BACK;

/// The bounds in which each defect shows, and the properties that catch it.
fn variants() -> Vec<(Balancer, Variant, &'static [&'static str])> {
    const COUNTED: &str = "the requests counted at a server are those in flight there";
    const WHOLE: &str = "no server is a whole request ahead of its share, or behind";
    let least = || Balancer { slots: 3, ..cases::least_connections() };
    vec![
        (cases::smooth_weighted(), Variant::NaiveWeighted, &[WHOLE]),
        (
            cases::smooth_weighted(),
            Variant::ForgetsWeights,
            &["a whole cycle gives each server exactly its weight", WHOLE],
        ),
        (least(), Variant::KeepsCountOnCancel, &[COUNTED]),
        (least(), Variant::KeepsCountOnPanic, &[COUNTED]),
        (cases::least_connections(), Variant::CountsLateCompletion, &[COUNTED]),
        (
            cases::power_of_two(),
            Variant::DrawsSameTwice,
            &["of two choices never the server that is busier than all others"],
        ),
        (cases::outliers(), Variant::EjectsWithoutLimit, &["no more servers are ejected than the limit allows"]),
        (cases::outliers(), Variant::EjectsForGood, &[COMES_BACK]),
        (cases::round_robin(), Variant::NeverPanics, &["no request is turned away while there is a server"]),
        (
            cases::round_robin(),
            Variant::IgnoresHealth,
            &["only in panic mode are requests sent to servers that are not eligible"],
        ),
        (
            cases::round_robin(),
            Variant::LosesHealthUpdate,
            &["the balancer knows each server as the last health check reported it"],
        ),
        (
            cases::round_robin(),
            Variant::ResetsCursorOnChange,
            &["a server that could be chosen waits for no more requests than there are servers"],
        ),
        (cases::bounded_hash(), Variant::IgnoresBound, &["no server takes more than its share above the average"]),
        (cases::bounded_hash(), Variant::HashesByPosition, &["a key moves only when its server is gone or full"]),
        (cases::retry_budget(), Variant::RetriesForFree, &["retries stay within their budget"]),
        (cases::peak_ewma(), Variant::FailureLooksFast, &["a failure never makes a server look faster"]),
        (cases::slow_start(), Variant::StartsAtFullWeight, &[]),
        (cases::slow_start_of_ones(), Variant::JoinsAtFullWeight, &[]),
        (cases::slow_start_of_ones(), Variant::GrowsInWholeWeights, &[]),
    ]
}

/// What each defect does, for someone who knows only the story. Not told in traces, which have the reasons of the
/// properties.
fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "nothing is wrong with it",
        Variant::NaiveWeighted => "each server has its whole weight in requests at once, and then none for long",
        Variant::ForgetsWeights => "all servers are taken to weigh the same",
        Variant::KeepsCountOnCancel => "a request that is cancelled is still counted at its server",
        Variant::KeepsCountOnPanic => "a request whose caller panics is still counted at its server",
        Variant::CountsLateCompletion => "a server that has come back is charged for what its predecessor was sent",
        Variant::DrawsSameTwice => "the same server is drawn twice, and then there is no choice",
        Variant::EjectsWithoutLimit => "as many servers are taken out as fail, up to all of them",
        Variant::EjectsForGood => "what was taken out never comes back",
        Variant::NeverPanics => "with hardly a server that is well, requests are turned away and not tried",
        Variant::IgnoresHealth => "servers that are reported unhealthy are sent requests",
        Variant::LosesHealthUpdate => "a report is lost, and the server stays what it was taken for",
        Variant::ResetsCursorOnChange => {
            "the turn begins anew with every change of the list: the last are never reached"
        }
        Variant::IgnoresBound => "a key goes to its server however much that has to do",
        Variant::HashesByPosition => "keys go by places in the list: when one server goes, nearly all of them move",
        Variant::RetriesForFree => "retries take nothing from their budget",
        Variant::FailureLooksFast => "a server that fails at once looks fast, and is sent more",
        Variant::StartsAtFullWeight => "a server that comes back is sent its whole weight at once",
        Variant::JoinsAtFullWeight => "a server that joins the list is sent its whole weight at once",
        Variant::GrowsInWholeWeights => {
            "a server of weight 1 is sent its whole weight at once: there is nothing below it"
        }
    }
}

/// Each defect as a model, and as an implementation beside the sound one.
pub(super) fn as_models_and_implementations() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sound, variant, violated) in variants() {
        let name = crate::snake(variant);
        let defective = sound.clone().with(variant);
        let defect = [Defect::new(name.as_str(), why(variant)).as_an_implementation(defective.clone())];
        if !violated.is_empty() {
            cases.push(Case::new(format!("load_balancer/{name}"), check(defective.clone()).violates_all(violated)));
        }
        // Fewer requests than where ours runs otherwise: the counts that are kept are many.
        let is_kept = matches!(variant, Variant::KeepsCountOnCancel | Variant::KeepsCountOnPanic);
        let beside = if is_kept { cases::with_ours(sound) } else { check(sound) };
        let mut check = beside.alongside_only().defects(&defect);
        if matches!(variant, Variant::KeepsCountOnCancel | Variant::ResetsCursorOnChange) {
            let make = check.simulating(defective);
            check = check.subject(name.as_str(), Walk::new().runs(200).steps(100).of(make));
        }
        cases.push(Case::new(format!("load_balancer/implemented_{name}"), check));
    }
    cases
}

/// What goes wrong only between threads.
pub(super) fn between_threads(turns: Balancer, counts: Balancer) -> Vec<Case> {
    let (picks, reports, reading) = (turns.clone(), turns.clone(), counts.clone());
    let ours = turns.clone();
    let check = |model: Balancer| -> Check<Balancer, BalancerInterface> { check(model).alongside_only() };
    vec![
        Case::new(
            "load_balancer/between_threads_round_robin",
            check(turns)
                .interleave(vec![two_picks(), two_reports()], move || cases::Raced::new(&ours))
                .subject(
                    "loses_cursor",
                    Interleave::new(vec![two_picks()]).of(move || Binding::<LosesUpdates<Core<AnyPolicy>>>::new(&picks)),
                )
                .because("loses_cursor", "both read the cursor before either wrote it, and both go to the same server")
                .diverges("loses_cursor")
                .subject(
                    "loses_health_report",
                    Interleave::new(vec![two_reports()]).of(move || Binding::<LosesUpdates<Core<AnyPolicy>>>::new(&reports)),
                )
                .because(
                    "loses_health_report",
                    "both checks change a copy of the same list, and the one that writes last undoes the other's report",
                )
                .diverges("loses_health_report"),
        ),
        Case::new(
            "load_balancer/between_threads_retries",
            check(cases::racing_retries())
                .subject(
                    "spends_a_token_twice",
                    Interleave::new(vec![two_retries()])
                        .of(|| Binding::<LosesUpdates<Core<AnyPolicy>>>::new(&cases::racing_retries())),
                )
                .because("spends_a_token_twice", "both read the bucket while it held the one token, and both took it")
                .diverges("spends_a_token_twice"),
        ),
        Case::new(
            "load_balancer/between_threads_least_connections",
            check(counts)
                .subject(
                    "reads_counters_one_by_one",
                    Interleave::new(vec![count_and_choose()]).of(move || Binding::<ReadsOneByOne>::new(&reading)),
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

/// Least connections over counters that are read one after the other, without a lock.
struct ReadsOneByOne(Vec<(ServerId, AtomicU32)>);

impl SharedBalancer for ReadsOneByOne {
    type InFlight = usize;

    fn of(_: Config, _: AnyPolicy, servers: Vec<(ServerId, u32)>, _: u64) -> Self {
        ReadsOneByOne(servers.into_iter().map(|(server, _)| (server, AtomicU32::new(0))).collect())
    }

    fn pick(&self, _: bool, _: Request, _: u64) -> Result<(ServerId, usize), Refused> {
        let counts = self.0.iter().map(|(_, count)| count.load(Ordering::SeqCst)).enumerate();
        let (at, _) = counts.min_by_key(|(at, count)| (*count, *at)).ok_or(Refused::NoServer)?;
        self.0[at].1.fetch_add(1, Ordering::SeqCst);
        Ok((self.0[at].0, at))
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
