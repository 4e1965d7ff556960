//! The cases of the catalogue: every algorithm alone, shared and on a store, clocks that differ, each defect, crates.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::conform::interleave::Script;
use counterpart::explore::{Budget, explore};
use counterpart::model::{Plain, Sequential};
use counterpart::{Case, Check};

use super::algorithms::Cell;
use super::bindings::{
    Binding, Keys, SharedLimiter, StoredBinding, keyed_scripts, more_scripts, more_scripts_bounded, quota_scripts,
    scripts,
};
use super::conformance::LimiterInterface;
use super::model::{Action, Algorithm, Limiter, Quota, State};
use super::properties::{AT_MOST_LIMIT, NO_DOUBLE_BURST};
use super::{
    AnyLimiter, AtomicFixedWindow, AtomicGcra, AtomicTokenBucket, SharedKeyed, check, defects, distributed, loomed,
    waiting,
};
use crate::{Drawn, Generated, Protocol};

type Alone = Binding<Plain<Keys>>;
pub(super) type Shipped = Binding<SharedKeyed<u8, AnyLimiter>>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "rate_limiter", cases, generated, pictures: PICTURES };

/// What is drawn of its cases.
const PICTURES: &[Drawn] = &[
    #[cfg(feature = "cli")]
    Drawn {
        file: "curves.svg",
        case: "rate_limiter/boundary_burst_2am",
        caption: "the most that any stretch of time admits, by its length, for each algorithm",
        draw: super::curves::picture,
    },
];

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        #[cfg(feature = "cli")]
        Generated::part("curves", super::curves::table()),
    ]
}

/// A check with our own limiter in every sequential mode: alone in product, in its keyed store for the rest.
fn with_ours(model: Limiter) -> Check<Limiter, LimiterInterface> {
    let (larger, walk) = (larger(&model), Walk::new().runs(100).steps(300));
    check(model).sequential(
        larger,
        walk,
        |model| Sequential(Alone::new(model)),
        |model| Sequential(Shipped::new(model)),
    )
}

/// A model beyond what can be explored: twice the window, twice the limit, another burst.
fn larger(model: &Limiter) -> Limiter {
    let (window_ticks, limit) = (2 * model.window_ticks, 2 * model.limit);
    let burst = if model.algorithm.has_burst() { 3 * model.burst } else { limit };
    let twice = |quota: &Quota| Quota { limit: 2 * quota.limit, burst: 3 * quota.burst };
    let quotas = model.quotas.iter().map(twice).collect();
    Limiter { window_ticks, limit, burst, quotas, monitored_ticks: 0, ..model.clone() }
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = curves();
    cases.extend(skewed());
    cases.extend(shared_by_threads());
    cases.push(on_a_store());
    cases.extend(quotas());
    cases.extend(defects::as_models());
    cases.extend(waiting::cases());
    cases.extend(distributed::cases());
    cases.extend(defects::as_implementations());
    cases.push(defects::between_threads());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

/// Promises that algorithms do not keep that are otherwise as they should be.
pub(super) fn broken(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::FixedWindow | Algorithm::CoarseRefill => &[AT_MOST_LIMIT, NO_DOUBLE_BURST],
        Algorithm::WindowFromFirstCall | Algorithm::SlidingCounter | Algorithm::TokenBucket | Algorithm::Gcra => {
            &[AT_MOST_LIMIT]
        }
        Algorithm::SlidingLog => &[],
    }
}

/// Cases of every algorithm under a monitor of two windows, and the story.
fn curves() -> Vec<Case> {
    let mut cases = vec![Case::new(
        "rate_limiter/boundary_burst_2am",
        check(Limiter::of(Algorithm::FixedWindow, 6, 4).monitored(6)).violates_all(&[AT_MOST_LIMIT, NO_DOUBLE_BURST]),
    )];
    for algorithm in Algorithm::ALL {
        let check = with_ours(Limiter::of(algorithm, 4, 2).monitored(8));
        cases.push(Case::new(
            format!("rate_limiter/{}", crate::snake(algorithm)),
            check.violates_all(broken(algorithm)),
        ));
    }
    cases.extend([
        Case::new("rate_limiter/gcra_burst_1", with_ours(Limiter::gcra(8, 2, 1).monitored(16))),
        Case::new(
            "rate_limiter/coarse_refill_small_refill",
            with_ours(Limiter { burst: 5, ..Limiter::of(Algorithm::CoarseRefill, 3, 2) }),
        ),
        Case::new(
            "rate_limiter/token_bucket_parts",
            with_ours(Limiter::of(Algorithm::TokenBucket, 6, 4).monitored(6)).violates(AT_MOST_LIMIT),
        ),
        Case::new(
            "rate_limiter/sliding_log_two_windows",
            check(Limiter::of(Algorithm::SlidingLog, 6, 4).monitored(12)),
        ),
        Case::new(
            "rate_limiter/sliding_log_two_keys",
            check(two_keys(Limiter::of(Algorithm::SlidingLog, 10, 3).monitored(10))),
        ),
        Case::new(
            "rate_limiter/sliding_log_two_keys_large",
            check(two_keys(Limiter::of(Algorithm::SlidingLog, 9, 4).monitored(9))),
        )
        .large(),
    ]);
    cases
}

fn two_keys(model: Limiter) -> Limiter {
    Limiter { keys: 2, collects: true, ..model }
}

/// Cases of three callers whose clocks differ by up to four ticks, and of two keys.
fn skewed() -> Vec<Case> {
    let mut cases: Vec<Case> = Algorithm::ALL
        .into_iter()
        .map(|algorithm| {
            let check = with_ours(Limiter::of(algorithm, 4, 2).skewed()).alongside_only();
            Case::new(format!("rate_limiter/{}_skewed", crate::snake(algorithm)), check)
        })
        .collect();
    // Both keys monitored at once.
    cases.push(
        Case::new(
            "rate_limiter/sliding_log_skewed_curve_large",
            check(Limiter::of(Algorithm::SlidingLog, 4, 2).skewed().monitored(4)),
        )
        .large(),
    );
    // Its curve under clocks that differ, monitored; one key is enough for that.
    cases.extend(Algorithm::ALL.into_iter().map(|algorithm| {
        let model = Limiter { keys: 1, ..Limiter::of(algorithm, 4, 2).skewed().monitored(4) };
        Case::new(format!("rate_limiter/{}_skewed_curve", crate::snake(algorithm)), check(model))
    }));
    cases
}

/// Cases of limiters of one word, and of the keyed store: in sequence, and raced under loom.
fn shared_by_threads() -> Vec<Case> {
    use loomed::shared as raced;

    fn atomic<S: SharedLimiter + 'static, R: SharedLimiter + 'static>(
        model: Limiter,
        scripts: Vec<Script<Action>>,
    ) -> Check<Limiter, LimiterInterface> {
        let (larger, there) = (larger(&model), model.clone());
        check(model)
            .alongside_only()
            .driven(larger, Walk::new().runs(100).steps(300), |model| Sequential(Binding::<S>::new(model)))
            .interleave(scripts, move || Binding::<R>::new(&there))
    }

    let one_key = |algorithm| Limiter { keys: 1, collects: false, ..Limiter::of(algorithm, 4, 2).skewed() };
    let keyed = Limiter { keys: 2, collects: true, ..Limiter::gcra(4, 2, 2) };
    let store = keyed.clone();
    vec![
        Case::new(
            "rate_limiter/atomic_gcra",
            atomic::<AtomicGcra, raced::AtomicGcra>(
                one_key(Algorithm::Gcra),
                [scripts(), more_scripts_bounded()].concat(),
            ),
        ),
        Case::new("rate_limiter/atomic_gcra_more_schedules", {
            let (model, there) = (one_key(Algorithm::Gcra), one_key(Algorithm::Gcra));
            let check = check(model).alongside_only();
            check.interleave(more_scripts(), move || Binding::<raced::AtomicGcra>::new(&there))
        })
        .large(),
        Case::new(
            "rate_limiter/atomic_fixed_window",
            atomic::<AtomicFixedWindow, raced::AtomicFixedWindow>(one_key(Algorithm::FixedWindow), scripts()),
        ),
        Case::new(
            "rate_limiter/atomic_token_bucket",
            // With clocks that differ it keeps to GCRA's rule, which is stricter.
            atomic::<AtomicTokenBucket, raced::AtomicTokenBucket>(
                Limiter { burst: 2, ..Limiter::of(Algorithm::TokenBucket, 6, 4) },
                scripts(),
            ),
        ),
        Case::new(
            "rate_limiter/keyed_store",
            check(keyed)
                .alongside_only()
                .interleave(keyed_scripts(), move || Binding::<raced::SharedKeyed<u8, AnyLimiter>>::new(&store)),
        ),
    ]
}

/// Case of the limiter that counts in a store, which is a window from the first call: what it counts of denied requests
/// is not seen.
fn on_a_store() -> Case {
    let model = two_keys(Limiter::of(Algorithm::WindowFromFirstCall, 5, 3));
    let (larger, walk) = (larger(&model), Walk::new().runs(100).steps(300));
    let check = check(model).alongside_only().driven(larger, walk, StoredBinding::new);
    Case::new("rate_limiter/on_a_store", check)
}

/// A limiter whose quota is lowered and raised while it runs: another limit, and another burst where there is one.
pub(super) fn changing(algorithm: Algorithm) -> Limiter {
    let quotas = [(1, 3), (4, 1), (2, 2)].map(|(limit, burst)| Quota { limit, burst });
    Limiter { quotas: quotas.to_vec(), ..Limiter::of(algorithm, 4, 2) }
}

/// Cases of quotas that change.
fn quotas() -> Vec<Case> {
    let mut cases: Vec<Case> = Algorithm::ALL
        .into_iter()
        .map(|algorithm| {
            let check = with_ours(changing(algorithm)).alongside_only();
            Case::new(format!("rate_limiter/{}_set_quota", crate::snake(algorithm)), check)
        })
        .collect();
    let keyed = Limiter { keys: 2, collects: true, ..changing(Algorithm::Gcra) };
    let store = keyed.clone();
    cases.push(Case::new(
        "rate_limiter/keyed_store_set_quota",
        check(keyed)
            .alongside_only()
            .interleave(quota_scripts(), move || Binding::<loomed::shared::SharedKeyed<u8, AnyLimiter>>::new(&store)),
    ));
    cases
}

/// What a limiter goes through, read off the explored model of a window from the first call.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let model = Limiter::of(Algorithm::WindowFromFirstCall, 6, 4);
    let graph = explore(Arc::new(model), &Budget::default()).expect("the sound model can be explored");
    let phase = |state: &State| match state.cells[0] {
        Cell::Window { count: 4, .. } => "Full".to_string(),
        Cell::Window { .. } => "Counting".to_string(),
        _ => "Fresh".to_string(),
    };
    counterpart::view::state_diagram(&graph, phase, |action| match action {
        Action::Check { .. } => "check".into(),
        Action::Tick => "tick".into(),
        Action::Collect => "collect".into(),
        Action::SetQuota { .. } => "set quota".into(),
    })
}
