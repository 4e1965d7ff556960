//! Defective limiters, which the conformance checks must catch: the model's variants run as implementations, and what
//! goes wrong only between threads.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use counterpart::Case;
use counterpart::conform::{
    self,
    interleave::{Interleave, Script},
};
use counterpart::model::Simulated;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU64, Ordering};

use super::conformance::{Answer, LimiterInterface, SharedBinding, SharedLimiter, last_one, limiter, start_ns};
use super::implementation::buckets::scheduled;
use super::implementation::{AnyLimiter, RateLimiter};
use super::model::{Algorithm, Limiter, Variant};

/// Each variant, under the algorithm and in the bounds in which it shows.
fn defective() -> Vec<(String, Limiter)> {
    let of = |algorithm| Limiter::of(algorithm, 4, 2);
    let named = |model: Limiter, variant| {
        (format!("{}_{}", crate::snake(variant), crate::snake(model.algorithm)), model.with(variant))
    };
    let backward = |algorithm| Limiter { skews_ticks: vec![0, -2], ..of(algorithm) };
    let two = |algorithm| Limiter { keys: 2, collects: true, ..of(algorithm) };
    vec![
        named(of(Algorithm::FixedWindow), Variant::AdmitsOneMore),
        named(of(Algorithm::SlidingLog), Variant::AdmitsOneMore),
        named(of(Algorithm::Gcra), Variant::AdmitsOneMore),
        named(of(Algorithm::WindowFromFirstCall), Variant::ForgetsAtTheEdge),
        named(of(Algorithm::SlidingLog), Variant::ForgetsAtTheEdge),
        named(Limiter::of(Algorithm::TokenBucket, 6, 4), Variant::DropsTheRemainder),
        named(backward(Algorithm::WindowFromFirstCall), Variant::WrapsBackwardClock),
        named(backward(Algorithm::SlidingLog), Variant::WrapsBackwardClock),
        named(backward(Algorithm::TokenBucket), Variant::WrapsBackwardClock),
        named(of(Algorithm::SlidingLog), Variant::CountsDenied),
        named(of(Algorithm::Gcra), Variant::CountsDenied),
        named(of(Algorithm::CoarseRefill), Variant::RefillsBeyondBurst),
        named(two(Algorithm::Gcra), Variant::CollectsBusyKeys),
        named(two(Algorithm::SlidingCounter), Variant::SharesOneLimiter),
    ]
}

/// All of them, each under its own model: what the properties say of it, and that the sound model's checks catch it.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, model) in defective() {
        let sound = model.clone().with(Variant::Sound);
        let why = why(model.variant);
        let make = maker(model);
        let check = super::check(sound)
            .alongside_only()
            .defective(name.as_str(), make.clone())
            .because(name.as_str(), why)
            .subject(name.as_str(), conform::Walk::new().runs(200).steps(60).of(make));
        cases.push(Case::new(format!("rate_limiter/defect_{name}"), check));
    }
    cases.push(racing());
    cases
}

/// What a limiter with the defect does, for someone who knows only the story.
pub(super) fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "nothing is wrong with it",
        Variant::AdmitsOneMore => {
            "what was admitted is compared with ≤ where < is meant: one more than the quota passes"
        }
        Variant::ForgetsAtTheEdge => {
            "an admission is forgotten in the last tick of its window: a tick too early, the quota is there again"
        }
        Variant::DropsTheRemainder => {
            "each check refills whole tokens and forgets the part that is left over: who asks often enough never gets any"
        }
        Variant::WrapsBackwardClock => {
            "the clock is behind, the time since the last admission comes out negative and is taken for a very long one: \
             everything is forgotten, and the whole quota passes again"
        }
        Variant::CountsDenied => "requests that were denied are charged: who keeps asking is kept out by asking",
        Variant::RefillsBeyondBurst => "tokens that nobody used are kept without end, and then pass at once",
        Variant::CollectsBusyKeys => "a key that is in use is collected, and begins anew with its whole quota",
        Variant::SharesOneLimiter => "what one key was admitted is missing for the other",
        Variant::AdmitsOneMoreOnceUsed => {
            "the tolerance makes up for a first request that is charged more: after a pause one more than the burst passes"
        }
    }
}

/// Makes `model` over and over, as an implementation.
fn maker(model: Limiter) -> impl Fn() -> Simulated<LimiterInterface> + Clone + Send + Sync + 'static {
    let (model, interface) = (Arc::new(model), Arc::new(LimiterInterface));
    move || Simulated::new(&model, &interface)
}

/// What goes wrong only between threads.
fn racing() -> Case {
    let gcra = Limiter { keys: 1, collects: false, ..Limiter::gcra(4, 2, 2).skewed() };
    let (split, counting, inserting) = (gcra.clone(), gcra.clone(), gcra.clone());
    let taking_back = gcra.clone();
    // Used up; a clock that is behind is denied while one that is ahead finds room.
    let check_by = |client| super::model::Action::Check { client, key: 0 };
    let ahead_and_behind = Script::after([check_by(0), check_by(0)]).thread([check_by(2)]).thread([check_by(1)]);
    let new_key = Script::after([]).thread([check_by(0), check_by(0)]).thread([check_by(0)]);
    let check = super::check(gcra)
        .alongside_only()
        .subject(
            "loads_then_stores",
            Interleave::new(vec![last_one()]).of(move || SharedBinding::<LoadsThenStores>::new(&split)),
        )
        .subject(
            "charges_then_takes_back",
            Interleave::new(vec![ahead_and_behind])
                .of(move || SharedBinding::<ChargesThenTakesBack>::new(&taking_back)),
        )
        .subject(
            "looks_then_inserts",
            Interleave::new(vec![new_key]).of(move || SharedBinding::<LooksThenInserts>::new(&inserting)),
        )
        .subject(
            "checks_a_copy",
            Interleave::new(vec![last_one()]).of(move || SharedBinding::<ChecksACopy>::new(&counting)),
        );
    let check = ["loads_then_stores", "charges_then_takes_back", "looks_then_inserts", "checks_a_copy"]
        .into_iter()
        .zip([
            "both read the same instant, and one of the two admissions is lost",
            "a request that is to be denied is charged for a moment, and another one, for which there is room by its clock, \
             is denied in that moment",
            "both find that the key is new, and each begins with a whole quota",
            "both check a copy of the same limiter, and one of the two copies is lost",
        ])
        .fold(check, |check, (subject, why)| check.diverges(subject).because(subject, why));
    Case::new("rate_limiter/defects_between_threads", check)
}

/// GCRA whose instant is loaded and stored, and may have changed in between.
struct LoadsThenStores {
    due: AtomicU64,
    interval_ns: u64,
    tolerance_ns: u64,
}

impl SharedLimiter for LoadsThenStores {
    fn of(model: &Limiter) -> Self {
        let (interval_ns, tolerance_ns) = super::conformance::quota(model).spacing().expect("a GCRA that fits");
        LoadsThenStores { due: AtomicU64::new(0), interval_ns, tolerance_ns }
    }

    fn check(&self, _: u8, now_ns: u64) -> Answer {
        match scheduled(self.due.load(Ordering::SeqCst), now_ns, self.interval_ns, self.tolerance_ns) {
            (since_ns, Some(due_ns)) if since_ns <= now_ns => {
                self.due.store(due_ns, Ordering::SeqCst);
                Answer::Admitted
            }
            _ => Answer::Denied,
        }
    }

    fn retry_after_ns(&self, _: u8, now_ns: u64) -> u64 {
        scheduled(self.due.load(Ordering::SeqCst), now_ns, self.interval_ns, self.tolerance_ns).0.saturating_sub(now_ns)
    }
}

/// GCRA that charges at once and takes it back where it should not have.
struct ChargesThenTakesBack {
    due: AtomicU64,
    interval_ns: u64,
    tolerance_ns: u64,
}

impl SharedLimiter for ChargesThenTakesBack {
    fn of(model: &Limiter) -> Self {
        let (interval_ns, tolerance_ns) = super::conformance::quota(model).spacing().expect("a GCRA that fits");
        ChargesThenTakesBack { due: AtomicU64::new(start_ns(model)), interval_ns, tolerance_ns }
    }

    fn check(&self, _: u8, now_ns: u64) -> Answer {
        self.due.fetch_max(now_ns, Ordering::SeqCst);
        let due_ns = self.due.fetch_add(self.interval_ns, Ordering::SeqCst);
        if due_ns.saturating_sub(self.tolerance_ns) <= now_ns {
            return Answer::Admitted;
        }
        self.due.fetch_sub(self.interval_ns, Ordering::SeqCst);
        Answer::Denied
    }

    fn retry_after_ns(&self, _: u8, now_ns: u64) -> u64 {
        self.due.load(Ordering::SeqCst).saturating_sub(self.tolerance_ns).saturating_sub(now_ns)
    }
}

/// A keyed store that lets go of its lock between looking for a key and inserting it.
struct LooksThenInserts {
    new: AnyLimiter,
    limiters: Mutex<HashMap<u8, AnyLimiter>>,
}

impl SharedLimiter for LooksThenInserts {
    fn of(model: &Limiter) -> Self {
        LooksThenInserts { new: limiter(model), limiters: Mutex::new(HashMap::new()) }
    }

    fn check(&self, key: u8, now_ns: u64) -> Answer {
        let lock = || self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limiter) = lock().get_mut(&key) {
            return limiter.check(now_ns).into();
        }
        let mut limiter = self.new.clone();
        let answer = limiter.check(now_ns).into();
        lock().insert(key, limiter);
        answer
    }

    fn retry_after_ns(&self, key: u8, now_ns: u64) -> u64 {
        let limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        limiters.get(&key).unwrap_or(&self.new).retry_after_ns(now_ns)
    }
}

/// A limiter that is copied out from under the lock, checked, and copied back.
struct ChecksACopy(Mutex<AnyLimiter>);

impl SharedLimiter for ChecksACopy {
    fn of(model: &Limiter) -> Self {
        ChecksACopy(Mutex::new(limiter(model)))
    }

    fn check(&self, _: u8, now_ns: u64) -> Answer {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = lock().clone();
        let answer = copy.check(now_ns).into();
        *lock() = copy;
        answer
    }

    fn retry_after_ns(&self, _: u8, now_ns: u64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retry_after_ns(now_ns)
    }
}
