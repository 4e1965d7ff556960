//! Figures measured by a prototype, against those of the catalogue's own runs.

use counterpart::report::{CaseReport, Value};
use counterpart::verdict::Verdict;
use libtest_mimic::Trial;

use crate::catalogue::{Ran, ran};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("load_balancer::policies_over_unequal_servers", policies),
        claim("load_balancer::overflow_is_as_likely_as_was_measured", likelihoods),
        claim("load_balancer::the_legacy_servers_fall_first_and_take_all_others_along", legacy),
    ]
}

fn report(case: &str) -> &'static CaseReport {
    let ran = ran().iter().find(|ran| ran.case.name() == format!("load_balancer/{case}"));
    ran.map(Ran::report).unwrap_or_else(|| panic!("there is no case {case}"))
}

const OVERFLOWS: &str = "no queue overflows while the servers that are up can serve the load";
const RECOVERS: &str = "some schedule makes all servers well again";

/// After how many steps a property is violated; `None`: it holds.
fn violated_after(report: &CaseReport, name: &str) -> Option<usize> {
    let property = report.properties.iter().find(|property| property.name == name).expect("a property of the case");
    (property.verdict == Verdict::Violated).then(|| property.steps.expect("a violation has a trace"))
}

/// Capacities 4, 2, 2 and 1, load 7, queue 6: the tick of the first overflow, and whether it is a trap.
fn policies() {
    let rows = [
        ("queues_round_robin", Some(8), true),
        ("queues_smooth_weighted", None, false),
        ("queues_least_connections", None, false),
        ("queues_least_connections_of_three_ticks_ago", Some(1), true),
        ("queues_power_of_two_at_worst", Some(3), false),
        ("queues_random_at_worst", Some(1), false),
    ];
    for (case, overflow, is_trap) in rows {
        assert_eq!(violated_after(report(case), OVERFLOWS), overflow, "{case}");
        assert_eq!(violated_after(report(case), RECOVERS).is_some(), is_trap, "{case}");
    }
    // Where the encoding is the prototype's, so are the states.
    let states = |case: &str| report(case).states;
    assert_eq!(states("queues_smooth_weighted"), 9);
    assert_eq!(states("queues_least_connections"), 1);
    assert_eq!(states("queues_least_connections_of_three_ticks_ago"), 6);
}

/// Queue 8, load 7, within 50 ticks.
fn likelihoods() {
    let likely = |case: &str| {
        let value = report(case).properties.iter().find_map(|property| property.value);
        let Some(Value::Finite(value)) = value else { panic!("{case}: {value:?}") };
        value
    };
    assert!((likely("likely_round_robin") - 1.0).abs() < 1e-12);
    assert!((likely("likely_random") - 0.999_999).abs() < 5e-7);
    assert!((likely("likely_power_of_two") - 2.3e-11).abs() < 5e-13);
    // The same claim as an invariant is false of all three, which says nothing of any.
    for case in ["likely_round_robin", "likely_random", "likely_power_of_two"] {
        assert!(violated_after(report(case), OVERFLOWS).is_some(), "{case}");
    }
}

fn legacy() {
    use counterpart_models::load_balancer::cluster::model::{Cluster, Policy};
    use stateright::Model;

    let model = Cluster::legacy(Policy::RoundRobin);
    let sum: u32 = model.capacities.iter().map(|capacity| u32::from(*capacity)).sum();
    let legacy = *model.capacities.iter().min().expect("servers");
    assert!(u32::from(model.load) <= sum && u32::from(model.load) > 10 * u32::from(legacy));
    let mut state = model.init_states()[0];
    let mut fell: Vec<(usize, usize)> = Vec::new();
    for tick in 1..=60 {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        let after = model.next_state(&state, actions[0]).expect("a tick goes by");
        for at in 0..model.capacities.len() {
            if state.down[at] == 0 && after.down[at] > 0 && !fell.iter().any(|(_, other)| *other == at) {
                fell.push((tick, at));
            }
        }
        state = after;
    }
    assert_eq!(fell.len(), model.capacities.len(), "every server falls once: {fell:?}");
    let kinds: Vec<u8> = fell.iter().map(|(_, at)| model.capacities[*at]).collect();
    assert!(kinds.is_sorted(), "the weakest first: {fell:?}");
    assert_eq!(Some(fell[0].0), violated_after(report("round_robin_legacy"), OVERFLOWS));
}
