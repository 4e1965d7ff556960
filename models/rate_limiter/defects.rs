//! Defects: each as a model and as an implementation, for one reason; and what goes wrong only between threads.

use std::collections::HashMap;

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;
use counterpart::conform::interleave::sync::atomic::{AtomicU64, Ordering};
use counterpart::conform::interleave::sync::{Mutex, PoisonError};
use counterpart::conform::interleave::{Interleave, LosesUpdates, Script};
use counterpart::model::Sequential;

use super::bindings::{Binding, Keys, SharedLimiter, last_one, limiter, quota};
use super::cases::{self, Shipped, broken};
use super::check;
use super::conformance::{Answer, start_ns};
use super::implementation::buckets::scheduled;
use super::implementation::{AnyLimiter, RateLimiter};
use super::model::{Action, Algorithm, Limiter, Variant};
use super::properties::{AT_MOST_LIMIT, ITS_CURVE, NO_DOUBLE_BURST, READY_AFTER_SILENCE};

/// A defect of an algorithm, under a monitor as a model, and as an implementation without.
fn defect(monitored_ticks: u8, model: Limiter, violates: &'static [&'static str]) -> Defect<Limiter> {
    let (name, why) = (named(&model), why(model.variant));
    let monitored = model.clone().monitored(monitored_ticks);
    Defect::new(name, why).as_a_model(monitored, violates).as_an_implementation(model)
}

fn named(model: &Limiter) -> String {
    format!("{}_{}", crate::snake(model.variant), crate::snake(model.algorithm))
}

/// The table of defects, each in the bounds in which it shows.
fn defects() -> Vec<Defect<Limiter>> {
    [of_counting(), of_clocks(), of_keys()].concat()
}

/// Defects in what is admitted, and in how long that is remembered.
fn of_counting() -> Vec<Defect<Limiter>> {
    use Variant::{AdmitsOneMore, DropsTheRemainder, ForgetsAtTheEdge};
    let of = |algorithm, variant| Limiter::of(algorithm, 4, 2).with(variant);
    vec![
        defect(8, of(Algorithm::FixedWindow, AdmitsOneMore), &[AT_MOST_LIMIT, NO_DOUBLE_BURST, ITS_CURVE]),
        defect(8, of(Algorithm::SlidingLog, AdmitsOneMore), &[AT_MOST_LIMIT, ITS_CURVE]),
        defect(8, of(Algorithm::Gcra, AdmitsOneMore), &[AT_MOST_LIMIT, ITS_CURVE]),
        defect(8, of(Algorithm::WindowFromFirstCall, ForgetsAtTheEdge), &[AT_MOST_LIMIT, ITS_CURVE]),
        defect(8, of(Algorithm::SlidingLog, ForgetsAtTheEdge), &[AT_MOST_LIMIT, ITS_CURVE]),
        defect(
            6,
            Limiter::of(Algorithm::TokenBucket, 6, 4).with(DropsTheRemainder),
            &[AT_MOST_LIMIT, READY_AFTER_SILENCE],
        ),
    ]
}

/// Defects under a clock that goes back.
fn of_clocks() -> Vec<Defect<Limiter>> {
    [Algorithm::WindowFromFirstCall, Algorithm::SlidingLog, Algorithm::TokenBucket]
        .map(|algorithm| {
            let backward = Limiter { skews_ticks: vec![0, -2], ..Limiter::of(algorithm, 4, 2) };
            defect(4, backward.with(Variant::WrapsBackwardClock), &[ITS_CURVE])
        })
        .into()
}

/// Defects in who is charged, and in what becomes of keys.
fn of_keys() -> Vec<Defect<Limiter>> {
    let of = |algorithm, variant| Limiter::of(algorithm, 4, 2).with(variant);
    let two = |algorithm, variant| Limiter { keys: 2, collects: true, ..of(algorithm, variant) };
    let shared_model =
        Limiter { keys: 2, ..Limiter::of(Algorithm::Gcra, 4, 2).monitored(4).with(Variant::SharesOneLimiter) };
    let shared = two(Algorithm::SlidingCounter, Variant::SharesOneLimiter);
    let collects_model =
        Limiter { collects: true, ..Limiter::of(Algorithm::Gcra, 4, 2).monitored(4).with(Variant::CollectsBusyKeys) };
    // What a limiter promises while its quota changes no curve says: it shows beside the sound one.
    let forgets = |algorithm| {
        let model = cases::changing(algorithm).with(Variant::ForgetsOnSetQuota);
        Defect::new(named(&model), why(Variant::ForgetsOnSetQuota)).as_an_implementation(model)
    };
    let once_used = Limiter::gcra(8, 2, 1).monitored(8).with(Variant::AdmitsOneMoreOnceUsed);
    vec![
        defect(8, of(Algorithm::SlidingLog, Variant::CountsDenied), &[READY_AFTER_SILENCE]),
        defect(8, of(Algorithm::Gcra, Variant::CountsDenied), &[AT_MOST_LIMIT, READY_AFTER_SILENCE]),
        defect(
            4,
            of(Algorithm::CoarseRefill, Variant::RefillsBeyondBurst),
            &[AT_MOST_LIMIT, NO_DOUBLE_BURST, ITS_CURVE],
        ),
        Defect::new(named(&collects_model), why(Variant::CollectsBusyKeys))
            .as_a_model(collects_model, &[AT_MOST_LIMIT, NO_DOUBLE_BURST, ITS_CURVE])
            .as_an_implementation(two(Algorithm::Gcra, Variant::CollectsBusyKeys)),
        Defect::new(named(&shared_model), why(Variant::SharesOneLimiter))
            .as_a_model(shared_model, &[AT_MOST_LIMIT, READY_AFTER_SILENCE]),
        Defect::new(named(&shared), why(Variant::SharesOneLimiter)).as_an_implementation(shared),
        forgets(Algorithm::SlidingLog),
        forgets(Algorithm::TokenBucket),
        forgets(Algorithm::Gcra),
        Defect::new(named(&once_used), why(Variant::AdmitsOneMoreOnceUsed))
            .as_a_model(once_used, &[AT_MOST_LIMIT, ITS_CURVE]),
    ]
}

/// Each defect as a model. What the algorithm would break without the defect has its usual reason.
pub(super) fn as_models() -> Vec<Case> {
    let defects = defects();
    let of = |defect: &Defect<Limiter>| {
        let (model, violates) = defect.model.clone()?;
        let own = violates.iter().filter(|property| !broken(model.algorithm).contains(*property));
        let check = own.fold(check(model.clone()), |check, property| check.because(*property, defect.why));
        Some(Case::new(format!("rate_limiter/{}", defect.name), check.violates_all(violates)))
    };
    defects.iter().filter_map(of).collect()
}

/// Each defect as an implementation, beside its own sound model: product, tour and walks.
pub(super) fn as_implementations() -> Vec<Case> {
    let of = |defect: &Defect<Limiter>| {
        let model = defect.implementation.clone()?;
        let (name, one) = (defect.name.as_str(), std::slice::from_ref(defect));
        let sound = model.with(Variant::Sound);
        let ours = sound.clone();
        let check = check(sound).alongside_only().tour(move || Sequential(Shipped::new(&ours)));
        let check = check.defects(one).because_of(one).walked(one, name, Walk::new().runs(200).steps(60));
        Some(Case::new(format!("rate_limiter/defect_{name}"), check))
    };
    defects().iter().filter_map(of).collect()
}

/// What a limiter with the defect does, for someone who knows only the story.
fn why(variant: Variant) -> &'static str {
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
        Variant::RoundsRateDown => "a rate that is no whole number of its units is rounded down",
        Variant::FollowsBackwardClock => {
            "a clock that is behind sets the bucket's instant back: what has come since comes once more"
        }
        Variant::ForgetsOnSetQuota => "a quota that is changed lets everybody through anew",
        Variant::AdmitsOneMoreOnceUsed => {
            "the tolerance makes up for a first request that is charged more: after a pause one more than the burst passes"
        }
    }
}

/// What goes wrong only between threads.
pub(super) fn between_threads() -> Case {
    let gcra = Limiter { keys: 1, collects: false, ..Limiter::gcra(4, 2, 2).skewed() };
    let (split, counting, inserting) = (gcra.clone(), gcra.clone(), gcra.clone());
    let taking_back = gcra.clone();
    // Used up; a clock that is behind is denied while one that is ahead finds room.
    let check_by = |client| Action::Check { client, key: 0 };
    let ahead_and_behind = Script::after([check_by(0), check_by(0)]).thread([check_by(2)]).thread([check_by(1)]);
    let new_key = Script::after([]).thread([check_by(0), check_by(0)]).thread([check_by(0)]);
    let check = check(gcra)
        .alongside_only()
        .subject(
            "loads_then_stores",
            Interleave::new(vec![last_one()]).of(move || Binding::<LoadsThenStores>::new(&split)),
        )
        .subject(
            "charges_then_takes_back",
            Interleave::new(vec![ahead_and_behind]).of(move || Binding::<ChargesThenTakesBack>::new(&taking_back)),
        )
        .subject(
            "looks_then_inserts",
            Interleave::new(vec![new_key]).of(move || Binding::<LooksThenInserts>::new(&inserting)),
        )
        .subject(
            "checks_a_copy",
            Interleave::new(vec![last_one()]).of(move || Binding::<LosesUpdates<Keys>>::new(&counting)),
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
        let (interval_ns, tolerance_ns) = quota(model).spacing().expect("a GCRA that fits");
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
        let (interval_ns, tolerance_ns) = quota(model).spacing().expect("a GCRA that fits");
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
