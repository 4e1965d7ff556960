//! Rate limiters: what is admitted in any stretch of time, and what only on average.
//!
//! 2:17 in the morning: a limiter that lets so many requests through a window lets twice as many through at once. It
//! has done nothing wrong by its own rules. Its windows are those of the clock; the limit was spent in the last tick of
//! one and again in the first tick of the next, and what stands behind it saw both.
//!
//! What a limiter promises is an *arrival curve*: for every length the most that any stretch of time of that length
//! admits. Two points of it matter, the shortest stretch (the burst) and the window. Here the curves are computed from
//! models, exhaustively ([`curves`]).
//!
//! # Check your own limiter
//! Here it is one of this folder; bind yours in the same words.
//! ```
//! use counterpart::{Check, Counterpart};
//! use counterpart_models::rate_limiter::conformance::{Answer, LimiterInterface, TICK_NS};
//! use counterpart_models::rate_limiter::model::{Action, Limiter};
//! use counterpart_models::rate_limiter::{Gcra, Quota, RateLimiter};
//!
//! struct Mine { limiter: Gcra, now_ns: u64 }
//!
//! impl Counterpart<LimiterInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         match input {
//!             Action::Check { .. } => self.limiter.check(self.now_ns).into(),
//!             Action::Tick => { self.now_ns += TICK_NS; Answer::Done }
//!             Action::Collect => Answer::Done,
//!         }
//!     }
//! }
//!
//! // Four in eight ticks, one every other; four at once.
//! let quota = Quota::new(4, 8 * TICK_NS)?;
//! let limiter = Gcra::new(quota)?;
//! Check::of(Limiter::gcra(8, 2, 4)).interface(LimiterInterface).lockstep(move || Mine { limiter: limiter.clone(), now_ns: 0 }).assert();
//! # Ok::<(), counterpart_models::rate_limiter::QuotaError>(())
//! ```
//!
//! # Sources
//! - ITU-T Recommendation I.371, "Traffic control and congestion control in B-ISDN", annex on the generic cell rate
//!   algorithm (virtual scheduling and the continuous-state leaky bucket).
//! - RFC 2697 and RFC 2698 (the words for token buckets: rate, burst).
//! - J.-Y. Le Boudec, P. Thiran, *Network Calculus*, Springer 2001, chapter 1 (arrival curves).
//! - Cloudflare, "How we built rate limiting capable of scaling to millions of domains", 2017 (the sliding counter, and
//!   the 0.003% that it was measured to be wrong by).
//! - governor issues 107, 249 and 251; tower issue 842.
//!
//! # Abstracted away
//! - A request costs one. What it asks for, and what stands behind the limiter, is nobody's concern here.
//! - Time is in ticks; many checks may happen in one, in any order.
//! - A clock is at most two ticks from the true time, and as far all the time; drift is not modelled.
//! - The monitor remembers a few ticks, and counts no further than three times the limit in one.

pub mod algorithms;
pub mod conformance;
pub mod curves;
mod defects;
pub mod distributed;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod recorded;
pub mod shared;
pub mod waiting;

use std::sync::Arc;

use counterpart::conform;
use counterpart::conform::interleave::Script;
use counterpart::explore::{Budget, explore};
use counterpart::model::Sequential;
use counterpart::{Case, Check};

use self::algorithms::Cell;
use self::conformance::{
    CoreBinding, LimiterInterface, LimiterSpec, SharedBinding, SharedLimiter, StoredBinding, keyed_scripts,
    more_scripts, scripts,
};
use self::model::{
    AT_MOST_LIMIT, Action, Algorithm, ITS_CURVE, Limiter, NO_DOUBLE_BURST, READY_AFTER_SILENCE, State, Variant,
};

pub use self::implementation::buckets::{Gcra, TokenBucket};
pub use self::implementation::keyed::Keyed;
pub use self::implementation::sliding::{SlidingCounter, SlidingLog};
pub use self::implementation::stored::{Hit, MemoryStore, Store, StoredError, StoredLimiter, WhenUnreachable};
pub use self::implementation::windows::{CoarseRefill, FirstCallWindow, FixedWindow};
pub use self::implementation::{AlgorithmName, AnyLimiter, Denied, Quota, QuotaError, RateLimiter};
pub use self::shared::{AtomicFixedWindow, AtomicGcra, AtomicTokenBucket, SharedKeyed};

use crate::{Generated, Protocol};

/// Locks and atomics as they are shipped.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

/// The shared limiters compiled a second time, on loom's locks and atomics.
#[path = "."]
mod loomed {
    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;

    mod sync {
        pub(super) use std::sync::PoisonError;

        pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
        pub(super) use loom::sync::{Mutex, MutexGuard};
    }
}

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "rate_limiter", cases, generated };

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated::part("curves", curves::table()),
        Generated::file("curves.svg", curves::picture()),
    ]
}

/// A check of `model` as it reads and looks from outside.
pub(crate) fn check(model: Limiter) -> Check<Limiter, LimiterInterface> {
    Check::of(model).interface(LimiterInterface).spec(LimiterSpec)
}

type Shipped = SharedBinding<SharedKeyed<u8, AnyLimiter>>;

/// A check with our own limiter in every sequential mode: alone in product, in its keyed store for the rest.
fn with_ours(model: Limiter) -> Check<Limiter, LimiterInterface> {
    let (core, toured, walked) = (model.clone(), model.clone(), larger(&model));
    let there = walked.clone();
    check(model).product(move || CoreBinding::new(&core)).tour(move || Sequential(Shipped::new(&toured))).subject(
        "implementation",
        conform::Walk::new().beside(walked).runs(100).steps(300).of(move || Sequential(Shipped::new(&there))),
    )
}

/// Beyond what can be explored: twice the window, twice the limit, another burst.
fn larger(model: &Limiter) -> Limiter {
    let (window_ticks, limit) = (2 * model.window_ticks, 2 * model.limit);
    let burst = if model.algorithm.has_burst() { 3 * model.burst } else { limit };
    Limiter { window_ticks, limit, burst, monitored_ticks: 0, ..model.clone() }
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = curves();
    cases.extend(skewed());
    cases.extend(shared_by_threads());
    cases.push(on_a_store());
    cases.extend(variants());
    cases.extend(waiting::cases());
    cases.extend(distributed::cases());
    cases.extend(defects::cases());
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases
}

/// What is not kept by algorithms that are otherwise as they should be.
fn broken(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::FixedWindow | Algorithm::CoarseRefill => &[AT_MOST_LIMIT, NO_DOUBLE_BURST],
        Algorithm::WindowFromFirstCall | Algorithm::SlidingCounter | Algorithm::TokenBucket | Algorithm::Gcra => {
            &[AT_MOST_LIMIT]
        }
        Algorithm::SlidingLog => &[],
    }
}

fn violating(check: Check<Limiter, LimiterInterface>, properties: &[&str]) -> Check<Limiter, LimiterInterface> {
    properties.iter().fold(check, |check, property| check.violates(*property))
}

/// Every algorithm under a monitor of two windows, and the story.
fn curves() -> Vec<Case> {
    let mut cases = vec![Case::new(
        "rate_limiter/boundary_burst_2am",
        violating(check(Limiter::of(Algorithm::FixedWindow, 6, 4).monitored(6)), &[AT_MOST_LIMIT, NO_DOUBLE_BURST]),
    )];
    for algorithm in Algorithm::ALL {
        let check = with_ours(Limiter::of(algorithm, 4, 2).monitored(8));
        cases.push(Case::new(format!("rate_limiter/{}", crate::snake(algorithm)), violating(check, broken(algorithm))));
    }
    cases.extend([
        Case::new("rate_limiter/gcra_burst_1", with_ours(Limiter::gcra(8, 2, 1).monitored(16))),
        Case::new(
            "rate_limiter/coarse_refill_small_refill",
            with_ours(Limiter { burst: 5, ..Limiter::of(Algorithm::CoarseRefill, 3, 2) }),
        ),
        Case::new(
            "rate_limiter/token_bucket_parts",
            violating(with_ours(Limiter::of(Algorithm::TokenBucket, 6, 4).monitored(6)), &[AT_MOST_LIMIT]),
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

/// Three callers whose clocks differ by up to four ticks, and two keys.
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

/// Limiters of one word, and the keyed store: in sequence, and raced under loom.
fn shared_by_threads() -> Vec<Case> {
    use loomed::shared as raced;

    fn atomic<S: SharedLimiter + 'static, R: SharedLimiter + 'static>(
        model: Limiter,
        scripts: Vec<Script<Action>>,
    ) -> Check<Limiter, LimiterInterface> {
        let (toured, walked, there) = (model.clone(), larger(&model), model.clone());
        let far = walked.clone();
        check(model)
            .alongside_only()
            .tour(move || Sequential(SharedBinding::<S>::new(&toured)))
            .subject(
                "implementation",
                conform::Walk::new()
                    .beside(walked)
                    .runs(100)
                    .steps(300)
                    .of(move || Sequential(SharedBinding::<S>::new(&far))),
            )
            .interleave(scripts, move || SharedBinding::<R>::new(&there))
    }

    let one_key = |algorithm| Limiter { keys: 1, collects: false, ..Limiter::of(algorithm, 4, 2).skewed() };
    let keyed = Limiter { keys: 2, collects: true, ..Limiter::gcra(4, 2, 2) };
    let store = keyed.clone();
    vec![
        Case::new(
            "rate_limiter/atomic_gcra",
            atomic::<AtomicGcra, raced::AtomicGcra>(one_key(Algorithm::Gcra), [scripts(), more_scripts()].concat()),
        ),
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
                .interleave(keyed_scripts(), move || SharedBinding::<raced::SharedKeyed<u8, AnyLimiter>>::new(&store)),
        ),
    ]
}

/// The limiter that counts in a store is a window from the first call: what it counts of denied requests is not seen.
fn on_a_store() -> Case {
    let model = two_keys(Limiter::of(Algorithm::WindowFromFirstCall, 5, 3));
    let (toured, walked) = (model.clone(), larger(&model));
    let there = walked.clone();
    let check = check(model).alongside_only().tour(move || StoredBinding::new(&toured)).subject(
        "implementation",
        conform::Walk::new().beside(walked).runs(100).steps(300).of(move || StoredBinding::new(&there)),
    );
    Case::new("rate_limiter/on_a_store", check)
}

/// Each defect, with the properties that catch it.
fn variants() -> Vec<Case> {
    let of = |algorithm, variant| Limiter::of(algorithm, 4, 2).monitored(8).with(variant);
    let backward = |algorithm| Limiter {
        skews_ticks: vec![0, -2],
        ..Limiter::of(algorithm, 4, 2).monitored(4).with(Variant::WrapsBackwardClock)
    };
    let cases: [(Limiter, &[&str]); 15] = [
        (of(Algorithm::FixedWindow, Variant::AdmitsOneMore), &[AT_MOST_LIMIT, NO_DOUBLE_BURST, ITS_CURVE]),
        (of(Algorithm::SlidingLog, Variant::AdmitsOneMore), &[AT_MOST_LIMIT, ITS_CURVE]),
        (of(Algorithm::Gcra, Variant::AdmitsOneMore), &[AT_MOST_LIMIT, ITS_CURVE]),
        (of(Algorithm::WindowFromFirstCall, Variant::ForgetsAtTheEdge), &[AT_MOST_LIMIT, ITS_CURVE]),
        (of(Algorithm::SlidingLog, Variant::ForgetsAtTheEdge), &[AT_MOST_LIMIT, ITS_CURVE]),
        (
            Limiter::of(Algorithm::TokenBucket, 6, 4).monitored(6).with(Variant::DropsTheRemainder),
            &[AT_MOST_LIMIT, READY_AFTER_SILENCE],
        ),
        (backward(Algorithm::WindowFromFirstCall), &[ITS_CURVE]),
        (backward(Algorithm::SlidingLog), &[ITS_CURVE]),
        (backward(Algorithm::TokenBucket), &[ITS_CURVE]),
        (of(Algorithm::SlidingLog, Variant::CountsDenied), &[READY_AFTER_SILENCE]),
        (of(Algorithm::Gcra, Variant::CountsDenied), &[AT_MOST_LIMIT, READY_AFTER_SILENCE]),
        (
            of(Algorithm::CoarseRefill, Variant::RefillsBeyondBurst).monitored(4),
            &[AT_MOST_LIMIT, NO_DOUBLE_BURST, ITS_CURVE],
        ),
        (
            Limiter { collects: true, ..of(Algorithm::Gcra, Variant::CollectsBusyKeys).monitored(4) },
            &[AT_MOST_LIMIT, NO_DOUBLE_BURST, ITS_CURVE],
        ),
        (
            Limiter { keys: 2, ..of(Algorithm::Gcra, Variant::SharesOneLimiter).monitored(4) },
            &[AT_MOST_LIMIT, READY_AFTER_SILENCE],
        ),
        (Limiter::gcra(8, 2, 1).monitored(8).with(Variant::AdmitsOneMoreOnceUsed), &[AT_MOST_LIMIT, ITS_CURVE]),
    ];
    cases
        .into_iter()
        .map(|(model, violated)| {
            let name = format!("rate_limiter/{}_{}", crate::snake(model.variant), crate::snake(model.algorithm));
            // What the algorithm would break without the defect has its usual reason.
            let own = violated.iter().filter(|property| !broken(model.algorithm).contains(*property));
            let why = defects::why(model.variant);
            let check = own.fold(check(model.clone()), |check, property| check.because(*property, why));
            Case::new(name, violating(check, violated))
        })
        .collect()
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
    })
}
