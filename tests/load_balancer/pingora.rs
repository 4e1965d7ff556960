//! pingora-load-balancing: what its weighted round robin does with weights, and with servers that are not well.

use std::sync::Arc;

use counterpart::conform::{Tour, Walk};
use counterpart::{Check, Counterpart};
use counterpart_models::load_balancer::conformance::{Answer, BalancerInterface, BalancerSpec};
use counterpart_models::load_balancer::heavy::{PINGORA, Pingora};
use counterpart_models::load_balancer::model::{Action, Balancer, Draw, Policy, Quirk, SLOTS_MAX};
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("load_balancer::pingora_gives_weights_5_1_1_in_one_go", order),
        claim("load_balancer::pingora_refuses_when_no_server_is_healthy", none_healthy),
        claim("load_balancer::pingora_is_unfair_to_the_healthy_when_one_is_not", skewed),
        claim("load_balancer::pingora_starves_a_healthy_server", starved),
        claim("load_balancer::pingora_conforms_to_a_model_of_the_expanded_list", conforms),
        claim("load_balancer::pingora_diverges_from_a_smooth_order", not_smooth),
        claim("load_balancer::pingora_diverges_from_a_panic_mode", no_panic_mode),
        claim("load_balancer::pingora_diverges_from_a_cursor_that_is_kept", cursor_set_back),
    ]
}

fn weighted(weights: &[u8]) -> Balancer {
    Balancer::of(Policy::SmoothWeighted, weights, 2)
}

/// Sends `count` requests, each answered before the next; `-` is one that was refused.
fn sent(pingora: &mut Pingora, count: usize) -> String {
    let mut one = || {
        let answer = pingora.apply(&Action::Pick { slot: 0, retry: false, draw: Draw::Nothing });
        pingora.apply(&Action::Complete { slot: 0, success: true });
        match answer {
            Answer::Sent { server } => char::from(b'a' + server),
            _ => '-',
        }
    };
    (0..count).map(|_| one()).collect()
}

fn report(pingora: &mut Pingora, server: u8, healthy: bool) {
    pingora.apply(&Action::SetHealth { server, healthy });
}

fn order() {
    let mut pingora = Pingora::new(&weighted(&[5, 1, 1]));
    assert_eq!(sent(&mut pingora, 7), "aaaaabc");
    assert_eq!(sent(&mut pingora, 7), "aaaaabc", "and again");
    // From one cycle into the next nothing is spread either.
    assert_eq!(sent(&mut Pingora::new(&weighted(&[2, 3, 1])), 12), "aabbbcaabbbc");
}

fn none_healthy() {
    let mut pingora = Pingora::new(&weighted(&[5, 1, 1]));
    (0..3).for_each(|server| report(&mut pingora, server, false));
    assert_eq!(sent(&mut pingora, 4), "----");
    report(&mut pingora, 2, true);
    assert_eq!(sent(&mut pingora, 4), "cccc");
}

/// The cursor that looks for another server is the one that is in turn: what it skips nobody is given.
fn skewed() {
    let mut pingora = Pingora::new(&weighted(&[5, 1, 1]));
    report(&mut pingora, 0, false);
    let order = sent(&mut pingora, 100);
    assert!(order.starts_with("bbbccbbbbcbbbccbbbbc"), "{order}");
    let had = |server: char| order.chars().filter(|other| *other == server).count();
    assert_eq!((had('b'), had('c')), (70, 30), "of equal weight");
}

fn starved() {
    let mut pingora = Pingora::new(&weighted(&[2, 1, 1, 4]));
    assert_eq!(sent(&mut pingora, 8), "aabcdddd");
    report(&mut pingora, 1, false);
    let order = sent(&mut pingora, 7_000);
    assert_eq!(order, "aaddddd".repeat(1_000), "c is healthy, in the list, and has a weight");
}

fn alongside(model: Balancer) -> Check<Balancer, BalancerInterface> {
    let beside = model.clone();
    Check::of(model)
        .interface(BalancerInterface)
        .spec(BalancerSpec)
        .named("load_balancer/pingora")
        .alongside_only()
        .subject(PINGORA, Tour::new().of(move || Pingora::new(&beside)))
}

/// As it is: health that flips, a list that changes, no panic mode.
fn expanded() -> Balancer {
    Balancer {
        health_changes: true,
        panics: true,
        lists: vec![0b111, 0b011, 0b110, 0],
        panic_percent: 0,
        quirks: vec![Quirk::ExpandsWeights],
        ..weighted(&[5, 1, 1])
    }
}

fn conforms() {
    let larger = Balancer { slots: SLOTS_MAX as u8, ..expanded() };
    let beside = larger.clone();
    let walks = Walk::new().beside(larger).runs(100).steps(300).of(move || Pingora::new(&beside));
    let report = alongside(expanded()).subject(PINGORA, walks).run();
    report.assert();
    let case = &report.cases[0];
    let toured = &case.conformance[0];
    assert_eq!((case.states, toured.effort.edges()), (6_956, (75_058, 75_058)));
}

/// Its tour of `model` must end at this step, in these words.
#[track_caller]
fn diverges(model: Balancer, because: &str, steps: usize, words: &str) {
    let report = alongside(model).because(PINGORA, because).diverges(PINGORA).run();
    report.assert();
    let toured = &report.cases[0].conformance[0];
    let why = toured.why.as_deref().unwrap_or_default();
    assert!(why.contains(words) && toured.effort.steps() == steps, "after {}: {why}", toured.effort.steps());
}

fn not_smooth() {
    diverges(
        weighted(&[5, 1, 1]),
        "each server is given its weight in one go: the queue of the heaviest fills while the others wait",
        4,
        "answers Sent { server: 0 }, the model allows Sent { server: 1 }",
    );
}

fn no_panic_mode() {
    diverges(
        Balancer { panic_percent: 50, ..expanded() },
        "when most health checks fail it is more likely that the checks are wrong; it believes them all the same",
        108,
        "answers Sent { server: 2 }, the model allows Sent { server: 0 }",
    );
}

fn cursor_set_back() {
    // Where servers are alike the smooth order and the expanded list are the same.
    let model =
        Balancer { lists: vec![0b111, 0b011], panic_percent: 0, ..Balancer::of(Policy::RoundRobin, &[1; 3], 1) };
    diverges(
        model,
        "a list that changes begins again with its first server, and those at its end wait the longest",
        16,
        "answers Sent { server: 0 }, the model allows Sent { server: 1 }",
    );
}
