//! Quotas that make no sense, clocks that go backwards or years ahead, and counts at the integer limit.

use std::num::NonZeroUsize;

use counterpart_models::rate_limiter::{
    AlgorithmName, AnyLimiter, AtomicFixedWindow, AtomicGcra, AtomicTokenBucket, Denied, Gcra, Hit, Keyed, MemoryStore,
    Quota, QuotaError, RateLimiter, SharedKeyed, Store, StoredError, StoredLimiter, TokenBucket, WhenUnreachable,
};
use libtest_mimic::Trial;
use proptest::prelude::{Strategy, any, prop_oneof};

use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("rate_limiter::every_quota_is_one_or_an_error", quotas),
        claim("rate_limiter::errors_name_the_field_and_the_values", errors),
        claim("rate_limiter::no_clock_makes_it_panic_and_denials_say_exactly_how_long", exact),
        claim("rate_limiter::a_clock_that_is_set_back_admits_nobody", set_back),
        claim("rate_limiter::no_instant_admits_more_than_the_burst_or_the_limit", at_once),
        claim("rate_limiter::the_end_of_time_is_not_passed", end_of_time),
        claim("rate_limiter::one_word_does_what_the_plain_limiter_does", words),
        claim("rate_limiter::what_is_too_fine_for_one_word_is_an_error", too_fine),
        claim("rate_limiter::collecting_changes_no_answer", collecting),
        claim("rate_limiter::idle_keys_cost_nothing", idle_keys),
        claim("rate_limiter::every_algorithm_gives_up_a_key_that_is_silent", silent),
        claim("rate_limiter::a_quota_that_changes_lets_nobody_through_twice_and_keeps_its_window", changing),
        claim("rate_limiter::a_store_that_does_not_answer_admits_only_if_told_to", unreachable),
        claim("rate_limiter::a_store_counts_up_to_the_integer_limit_and_stays_there", saturated),
    ]
}

const ALGORITHMS: [AlgorithmName; 7] = [
    AlgorithmName::FixedWindow,
    AlgorithmName::WindowFromFirstCall,
    AlgorithmName::CoarseRefill,
    AlgorithmName::SlidingLog,
    AlgorithmName::SlidingCounter,
    AlgorithmName::TokenBucket,
    AlgorithmName::Gcra,
];

/// What a quota is asked for by.
#[derive(Clone, Copy, Debug)]
struct Figures {
    limit: u32,
    window_ns: u64,
    burst: u32,
}

impl Figures {
    fn quota(self) -> Option<Quota> {
        Quota::new(self.limit, self.window_ns).and_then(|quota| quota.with_burst(self.burst)).ok()
    }
}

fn figures() -> impl Strategy<Value = Figures> {
    let window_ns = number(prop_oneof![0..10_000_u64, any::<u64>()]);
    drawn!(Figures { limit: number(0..20_u32), window_ns: window_ns, burst: number(0..20_u32) })
}

/// A limiter that somebody asks for, small enough to be used up.
#[derive(Clone, Copy, Debug)]
struct Small {
    algorithm: AlgorithmName,
    quota: Quota,
}

impl Small {
    fn limiter(self) -> AnyLimiter {
        AnyLimiter::new(self.algorithm, self.quota).expect("a limiter")
    }
}

fn small() -> impl Strategy<Value = Small> {
    let window_ns = edgy(vec![u64::MAX, u64::MAX - 1, 1 << 62], 6..2_000_u64);
    let figures = drawn!(Figures { limit: 1..6_u32, window_ns: window_ns, burst: 1..9_u32 });
    (proptest::sample::select(ALGORITHMS.to_vec()), figures).prop_map(|(algorithm, figures)| {
        // Of a window that is all of time GCRA's burst cannot be drained.
        let algorithm = if figures.window_ns > 2_000 { AlgorithmName::TokenBucket } else { algorithm };
        Small { algorithm, quota: figures.quota().expect("a quota") }
    })
}

fn instant() -> impl Strategy<Value = u64> {
    edgy(vec![u64::MAX / 2], number(prop_oneof![0..10_000_u64, any::<u64>()]))
}

fn instants() -> impl Strategy<Value = Vec<u64>> {
    let near = instant().prop_flat_map(|from| {
        proptest::collection::vec(0..5_000_u64, 1..40)
            .prop_map(move |steps| steps.into_iter().map(|step| from.saturating_add(step)).collect::<Vec<u64>>())
    });
    prop_oneof![proptest::collection::vec(instant(), 1..60), near]
}

/// A limiter, and when it is asked.
#[derive(Clone, Debug)]
struct Hostile {
    small: Small,
    instants: Vec<u64>,
}

fn hostile() -> impl Strategy<Value = Hostile> {
    drawn!(Hostile { small: small(), instants: instants() })
}

fn quotas() {
    for_all(figures(), |figures| {
        let Figures { limit, window_ns, burst } = figures;
        let makes_sense = limit > 0 && window_ns > 0 && u64::from(limit) <= window_ns && burst > 0;
        let quota = figures.quota();
        assert_eq!(quota.is_some(), makes_sense, "{figures:?}");
        let Some(quota) = quota else { return };
        for algorithm in ALGORITHMS {
            let drained = u128::from(window_ns.div_ceil(limit.into())) * u128::from(burst);
            let fits = algorithm != AlgorithmName::Gcra || drained <= u64::MAX.into();
            assert_eq!(AnyLimiter::new(algorithm, quota).is_ok(), fits, "{algorithm:?} of {quota:?}");
        }
    });
}

fn errors() {
    assert_eq!(Quota::new(0, 1).expect_err("refused").to_string(), "limit is 0, it must be 1 or more");
    assert_eq!(Quota::new(1, 0).expect_err("refused").to_string(), "window_ns is 0, it must be 1 or more");
    assert_eq!(Quota::new(3, 2).expect_err("refused"), QuotaError::TooFast { limit: 3, window_ns: 2 });
    let quota = Quota::per_second(1).expect("a quota");
    assert_eq!(quota.with_burst(0).expect_err("refused"), QuotaError::Zero { field: "burst" });
    // One an hour and ten million at once: a crate that multiplies the two admits less than half of them.
    let hourly = Quota::new(1, 3_600_000_000_000).and_then(|quota| quota.with_burst(10_000_000)).expect("a quota");
    let refused = Gcra::new(hourly).expect_err("refused");
    assert_eq!(refused, QuotaError::BurstBeyondTime { burst: 10_000_000, interval_ns: 3_600_000_000_000 });
    assert_eq!(Denied { retry_after_ns: 5 }.to_string(), "too many requests, the next one may pass in 5 ns");
}

fn exact() {
    for_all(hostile(), |Hostile { small, instants }| {
        let mut limiter = small.limiter();
        for now_ns in instants {
            let before = limiter.clone();
            let wait_ns = limiter.retry_after_ns(now_ns);
            match limiter.check(now_ns) {
                Ok(()) => assert_eq!(wait_ns, 0, "{before:?} at {now_ns}"),
                Err(Denied { retry_after_ns }) => {
                    assert_eq!(limiter, before, "a request that is denied changes nothing");
                    assert_eq!(retry_after_ns, wait_ns);
                    assert!(retry_after_ns > 0);
                    if retry_after_ns < u64::MAX {
                        let passes_ns = now_ns + retry_after_ns;
                        assert!(
                            limiter.clone().check(passes_ns).is_ok(),
                            "{before:?} at {now_ns}, {retry_after_ns} later"
                        );
                        assert!(
                            limiter.clone().check(passes_ns - 1).is_err(),
                            "{before:?} at {now_ns}, too long a wait"
                        );
                    }
                }
            }
            // Whoever is idle answers as a new one.
            if limiter.is_idle(now_ns) {
                let new = small.limiter();
                assert_eq!(limiter.retry_after_ns(now_ns), new.retry_after_ns(now_ns));
            }
        }
    });
}

fn set_back() {
    #[derive(Clone, Debug)]
    struct SetBack {
        small: Small,
        now_ns: u64,
        back: Vec<u64>,
    }
    for_all(
        drawn!(SetBack { small: small(), now_ns: instant(), back: instants() }),
        |SetBack { small, now_ns, back }| {
            let mut limiter = small.limiter();
            while limiter.check(now_ns).is_ok() {}
            // Where it denies because time is at its end it is not full.
            if limiter.retry_after_ns(now_ns) == u64::MAX {
                return;
            }
            for earlier_ns in back.into_iter().filter(|earlier_ns| *earlier_ns <= now_ns) {
                let answer = limiter.check(earlier_ns);
                assert!(answer.is_err(), "{small:?} is full at {now_ns} and admits at {earlier_ns}");
            }
        },
    );
}

fn at_once() {
    for_all(hostile(), |Hostile { small, instants }| {
        let mut limiter = small.limiter();
        for now_ns in instants {
            let most = small.quota.limit().max(small.quota.burst());
            let admitted = (0..=most).filter(|_| limiter.check(now_ns).is_ok()).count();
            assert!(admitted <= most as usize, "{small:?} admits {admitted} at {now_ns}");
        }
    });
}

fn end_of_time() {
    for algorithm in ALGORITHMS {
        let quota = Quota::new(2, 1_000).expect("a quota");
        let mut limiter = AnyLimiter::new(algorithm, quota).expect("a limiter");
        let admitted = (0..100).filter(|_| limiter.check(u64::MAX).is_ok()).count();
        assert!(admitted <= 2, "{algorithm:?} admits {admitted} in the last nanosecond");
        let mut limiter = AnyLimiter::new(algorithm, quota).expect("a limiter");
        let late = (0..100).filter(|early| limiter.check(u64::MAX - 99 + early).is_ok()).count();
        assert!(late <= 4, "{algorithm:?} admits {late} in the last 100 nanoseconds");
        // What cannot pass any more is told so, or when the last window is over.
        assert!(limiter.retry_after_ns(u64::MAX) > 0, "{algorithm:?}");
    }
}

fn words() {
    #[derive(Clone, Debug)]
    struct Words {
        figures: Figures,
        instants: Vec<u64>,
    }
    let whole = drawn!(Figures { limit: 1..6_u32, window_ns: 6..2_000_u64, burst: 1..9_u32 });
    let near = edgy(vec![0], 0..u64::MAX / 1_000).prop_flat_map(|from| {
        proptest::collection::vec(prop_oneof![0..5_000_u64, any::<u32>().prop_map(u64::from)], 1..40)
            .prop_map(move |steps| steps.into_iter().map(|step| from + step).collect::<Vec<u64>>())
    });
    for_all(drawn!(Words { figures: whole, instants: near }), |Words { figures, instants }| {
        let quota = figures.quota().expect("a quota");
        let (gcra, bucket, window) = (
            AtomicGcra::new(quota).expect("a GCRA"),
            AtomicTokenBucket::new(quota).expect("a bucket"),
            AtomicFixedWindow::new(quota),
        );
        let plain = |algorithm| AnyLimiter::new(algorithm, quota).expect("a limiter");
        let (mut plain_gcra, mut plain_bucket, mut plain_window) =
            (plain(AlgorithmName::Gcra), plain(AlgorithmName::TokenBucket), plain(AlgorithmName::FixedWindow));
        let mut latest_ns = 0;
        for now_ns in instants {
            assert_eq!(gcra.retry_after_ns(now_ns), plain_gcra.retry_after_ns(now_ns));
            assert_eq!(gcra.check(now_ns), plain_gcra.check(now_ns), "GCRA {quota:?} at {now_ns}");
            // The bucket of one word is GCRA in parts of a nanosecond, and that is the same on one clock only.
            if now_ns >= latest_ns {
                latest_ns = now_ns;
                assert_eq!(bucket.retry_after_ns(now_ns), plain_bucket.retry_after_ns(now_ns));
                assert_eq!(bucket.check(now_ns), plain_bucket.check(now_ns), "bucket {quota:?} at {now_ns}");
            }
            assert_eq!(window.retry_after_ns(now_ns), plain_window.retry_after_ns(now_ns));
            assert_eq!(window.check(now_ns), plain_window.check(now_ns), "window {quota:?} at {now_ns}");
        }
    });
}

fn too_fine() {
    let quota = Quota::new(999_983, 1_000_000_000).expect("a prime number a second");
    assert_eq!(
        AtomicTokenBucket::new(quota).expect_err("refused"),
        QuotaError::TooFine { parts: 999_983, parts_max: 584 }
    );
    assert!(AtomicTokenBucket::new(Quota::per_second(1_000_000).expect("a quota")).is_ok());
    let beyond = Quota::new(1, u64::MAX).and_then(|quota| quota.with_burst(2)).expect("a quota");
    assert!(AtomicTokenBucket::new(beyond).is_err());
    // Where 64 bits have no room for the instant it denies.
    let thirds = AtomicTokenBucket::new(Quota::new(3, 1_000).expect("a quota")).expect("a bucket");
    assert_eq!(thirds.check(u64::MAX / 2), Err(Denied { retry_after_ns: u64::MAX }));
    // A counter of 32 bits leaves 32 for the window.
    let wide = AtomicFixedWindow::new(Quota::new(u32::MAX, u64::from(u32::MAX)).expect("a quota"));
    assert!(wide.check(u64::from(u32::MAX)).is_ok());
    let narrow = AtomicFixedWindow::new(Quota::new(1 << 31, 1 << 31).expect("a quota"));
    assert_eq!(narrow.check(u64::MAX), Err(Denied { retry_after_ns: u64::MAX }), "its window has no room for 33 bits");
}

fn collecting() {
    #[derive(Clone, Debug)]
    struct Step {
        key: u8,
        later_ns: u64,
        collects: bool,
    }
    #[derive(Clone, Debug)]
    struct Collecting {
        small: Small,
        steps: Vec<Step>,
    }
    let step = drawn!(Step { key: 0..3_u8, later_ns: 0..700_u64, collects: any::<bool>() });
    let drawn = drawn!(Collecting { small: small(), steps: proptest::collection::vec(step, 1..80) });
    for_all(drawn, |Collecting { small, steps }| {
        let limiter = small.limiter();
        let (mut kept, mut collected) = (Keyed::<u8, _>::new(limiter.clone()), Keyed::<u8, _>::new(limiter.clone()));
        let shared = SharedKeyed::new(limiter, NonZeroUsize::new(3).expect("three"));
        let mut now_ns = 0;
        for Step { key, later_ns, collects } in steps {
            now_ns += later_ns;
            if collects {
                collected.collect(now_ns);
                shared.collect(now_ns);
            }
            let answer = kept.check(&key, now_ns);
            assert_eq!(collected.check(&key, now_ns), answer, "{small:?} at {now_ns}");
            assert_eq!(shared.check(&key, now_ns), answer, "{small:?} at {now_ns}");
            assert!(collected.len() <= kept.len());
        }
    });
}

fn idle_keys() {
    let mut keyed = Keyed::<String, _>::new(TokenBucket::new(Quota::per_second(1).expect("a quota")));
    for key in 0..1_000 {
        assert!(keyed.check(key.to_string().as_str(), 0).is_ok());
        assert!(keyed.check(key.to_string().as_str(), 0).is_err());
    }
    assert_eq!(keyed.len(), 1_000);
    keyed.collect(999_999_999);
    assert_eq!(keyed.len(), 1_000, "a nanosecond is missing");
    keyed.collect(1_000_000_000);
    assert!(keyed.is_empty());
    assert_eq!(keyed.retry_after_ns("7", 1_000_000_000), 0);
}

fn silent() {
    for_all(hostile(), |Hostile { small, instants }| {
        let (limiter, quota) = (small.limiter(), small.quota);
        let mut keyed = Keyed::<u8, _>::new(limiter.clone());
        let shared = SharedKeyed::new(limiter, NonZeroUsize::new(3).expect("three"));
        for (key, now_ns) in (0..).zip(&instants) {
            assert_eq!(keyed.check(&key, *now_ns), shared.check(&key, *now_ns));
        }
        assert_eq!((shared.len(), shared.is_empty()), (keyed.len(), keyed.is_empty()));
        // A counter that slides looks two windows back; a bucket is full after as many windows as its burst has
        // requests.
        let silence_ns = quota.window_ns().saturating_mul(u64::from(quota.burst()) + 2);
        let Some(later_ns) = instants.iter().max().and_then(|latest| latest.checked_add(silence_ns)) else { return };
        keyed.collect(later_ns);
        shared.collect(later_ns);
        assert!(keyed.is_empty() && shared.is_empty(), "{keyed:?} at {later_ns}");
    });
}

/// A time later at which it is asked, and the quota that it is given before.
#[derive(Clone, Debug)]
struct Change {
    later_ns: u64,
    limit: u32,
    burst: u32,
    keeps_window: bool,
}

fn changing() {
    #[derive(Clone, Debug)]
    struct Changing {
        small: Small,
        changes: Vec<Change>,
    }
    let change = drawn!(Change {
        later_ns: number(0..3_000_u64),
        limit: number(1..6_u32),
        burst: number(1..9_u32),
        keeps_window: proptest::bool::weighted(0.9),
    });
    let drawn = drawn!(Changing { small: small(), changes: proptest::collection::vec(change, 1..40) });
    for_all(drawn, |Changing { small, changes }| {
        let mut limiter = small.limiter();
        let (mut keyed, shared) =
            (Keyed::<u8, _>::new(limiter.clone()), SharedKeyed::new(limiter.clone(), NonZeroUsize::MIN));
        let mut now_ns = 0_u64;
        for Change { later_ns, limit, burst, keeps_window } in changes {
            now_ns = now_ns.saturating_add(later_ns);
            let window_ns = small.quota.window_ns() - u64::from(!keeps_window);
            let Some(quota) = (Figures { limit, window_ns, burst }).quota() else { continue };
            let before = limiter.clone();
            let set = limiter.set_quota(quota, now_ns);
            assert_eq!(keyed.set_quota(quota, now_ns), set);
            assert_eq!(shared.set_quota(quota, now_ns), set);
            if let Err(error) = set {
                assert_eq!(limiter, before, "{error}");
                assert!(!keeps_window || matches!(error, QuotaError::BurstBeyondTime { .. }), "{error}");
            } else {
                assert!(keeps_window);
            }
            let before = limiter.clone();
            let answer = limiter.check(now_ns);
            assert_eq!((keyed.check(&0, now_ns), shared.check(&0, now_ns)), (answer, answer));
            let Err(Denied { retry_after_ns }) = answer else { continue };
            let passes_ns = now_ns.checked_add(retry_after_ns).filter(|_| retry_after_ns < u64::MAX);
            if let Some(passes_ns) = passes_ns {
                assert!(limiter.clone().check(passes_ns).is_ok(), "{before:?} at {now_ns}, {retry_after_ns} later");
                assert!(limiter.clone().check(passes_ns - 1).is_err(), "{before:?} at {now_ns}, too long a wait");
            }
        }
    });
    let mut bucket = TokenBucket::new(Quota::new(2, 1_000).expect("a quota"));
    let other = bucket.set_quota(Quota::new(2, 999).expect("a quota"), 0).expect_err("another window");
    assert_eq!(other.to_string(), "its window is 1000 ns and stays so, 999 ns were asked for: make another limiter");
}

struct Down;

impl Store<str> for Down {
    type Error = &'static str;

    fn hit(&self, _: &str, _: u64) -> Result<Hit, &'static str> {
        Err("no route")
    }
}

fn unreachable() {
    let quota = Quota::per_second(1).expect("a quota");
    let limiter = |when| StoredLimiter::new(quota, Down, when);
    assert_eq!(limiter(WhenUnreachable::default()).check("key"), Err(StoredError::Store("no route")));
    assert_eq!(limiter(WhenUnreachable::Admit).check("key"), Ok(()));
}

struct Full(u64);

impl Store<str> for Full {
    type Error = std::convert::Infallible;

    fn hit(&self, _: &str, _: u64) -> Result<Hit, Self::Error> {
        Ok(Hit { count: self.0, lives_ns: 7 })
    }
}

fn saturated() {
    let quota = Quota::new(u32::MAX, u64::MAX).expect("a quota");
    let denied = Err(StoredError::Denied(Denied { retry_after_ns: 7 }));
    let checked = |count| StoredLimiter::new(quota, Full(count), WhenUnreachable::Deny).check("key");
    assert_eq!(checked(u32::MAX.into()), Ok(()));
    assert_eq!(checked(u64::from(u32::MAX) + 1), denied);
    assert_eq!(checked(u64::MAX), denied);
    // The store in memory, at the end of time and with a clock that is set back.
    let store = MemoryStore::at(u64::MAX);
    let quota = Quota::new(1, 1_000).expect("a quota");
    let limiter = StoredLimiter::new(quota, store, WhenUnreachable::Deny);
    assert_eq!(limiter.check(&1_u8), Ok(()));
    assert!(limiter.check(&1_u8).is_err());
    limiter.store().set_now_ns(0);
    assert!(limiter.check(&1_u8).is_err());
}
