//! What a person sees, word for word: traces, tables, and what a failing test says.

use counterpart::check::{Case, Options};
use counterpart::report::Report;
use counterpart::trace::Trace;
use counterpart::{Check, view};
use insta::{Settings, assert_snapshot};
use libtest_mimic::Trial;
use stateright::{Model, Property};

use crate::{claim, root};

/// Traces that someone who has read only the story should be able to follow.
const TRACES: [&str; 14] = [
    "cache/collapse_at_99_percent--again-and-again-an-expensive-request-is-answered-in-time",
    "cache/stores_despite_delete--what-is-cached-is-what-the-database-has",
    "circuit_breaker/trusts_late_results--only-results-of-the-current-generation-move-it",
    "circuit_breaker/leaks_permit_on_cancel--every-permit-out-belongs-to-a-running-or-successful-probe",
    "circuit_breaker/defects_between_threads--moves_gate_late",
    "circuit_breaker/failsafe_but_for_unlimited_probes--failsafe-1.3.0",
    "flp/bivalent_for_ever--some-process-decides",
    "flp/last_message_crash--some-process-decides-though-p0-may-stop",
    "flp/ben_or_common_coin_skew_2--all-who-go-on-decide-with-probability-1",
    "circuit_breaker/crates--tower-resilience-circuitbreaker-0.14.0",
    "rate_limiter/boundary_burst_2am--two-neighbouring-ticks-admit-less-than-twice-the-limit",
    "rate_limiter/distributed_crash_before_expire--some-schedule-lets-somebody-through-again",
    "load_balancer/queues_round_robin--no-queue-overflows-while-the-servers-that-are-up-can-serve-the-load",
    "load_balancer/between_threads_least_connections--reads_counters_one_by_one",
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = TRACES
        .into_iter()
        .map(|name| {
            claim(format!("views::trace_show::{name}"), move || {
                let file = root().join("traces").join(format!("{name}.json"));
                let trace = Trace::read(&file).unwrap_or_else(|error| panic!("{error}"));
                snapshot(name, &view::trace(&trace));
            })
        })
        .collect();
    trials.push(claim("views::a_case_as_expected", as_expected));
    trials.push(claim("views::what_a_failing_test_says", failing));
    trials.push(claim("views::the_catalogue", || {
        let listings: Vec<_> = counterpart_models::catalogue().iter().map(Case::listing).collect();
        snapshot("list", &view::list(&listings));
    }));
    trials
}

/// Compares without colours.
pub(crate) fn snapshot(name: &str, text: &str) {
    let plain = anstream::adapter::strip_str(text).to_string();
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(root().join("tests").join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, plain));
}

/// Two lamps; one day somebody wires them so that both can burn.
struct Lamps {
    interlocked: bool,
}

impl Model for Lamps {
    type State = (bool, bool);
    type Action = &'static str;

    fn init_states(&self) -> Vec<(bool, bool)> {
        vec![(false, false)]
    }

    fn actions(&self, _: &(bool, bool), actions: &mut Vec<&'static str>) {
        actions.extend(["left", "right"]);
    }

    fn next_state(&self, (left, right): &(bool, bool), lamp: &'static str) -> Option<(bool, bool)> {
        match lamp {
            "left" if *right && self.interlocked => None,
            "right" if *left && self.interlocked => None,
            "left" => Some((!left, *right)),
            _ => Some((*left, !right)),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("at most one burns", |_, (left, right)| !(*left && *right)),
            Property::sometimes("the right one burns", |_, (_, right)| *right),
        ]
    }
}

fn as_expected() {
    let (report, not_run) = Case::new("toy/lamps", Check::of(Lamps { interlocked: true })).run(&Options::default());
    snapshot("toy/lamps", &Report::new(vec![report], not_run).to_string());
}

fn failing() {
    let (report, not_run) = Case::new("toy/lamps", Check::of(Lamps { interlocked: false })).run(&Options::default());
    let files = [Ok("target/counterpart/toy/lamps--at-most-one-burns.json".into())];
    let text = view::failure(&Report::new(vec![report], not_run), &files);
    assert!(!text.contains('\u{1b}'), "a panic message goes without colours");
    snapshot("toy/lamps--failure", &text);
}
