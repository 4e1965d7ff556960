//! Published rate limiters, unchanged, driven through the same model.
//!
//! Each is held to the model of the algorithm that it is, to which it must conform over every transition, and to one of
//! which it falls short. governor 0.7.0 stands beside 0.10.4 for good: it was released with a defect that was found by
//! its users (its issues 107 and 249), and every run finds it again.
//!
//! Two of them keep time with tokio; its paused clock is moved by hand, so that nothing sleeps.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Counterpart};
use tower::Service as _;

use super::conformance::{Answer, LimiterInterface, TICK_NS};
use super::model::{Action, Algorithm, Limiter, Variant};

const GOVERNOR: &str = "governor 0.10.4";
const GOVERNOR_OLD: &str = "governor 0.7.0";
const LEAKY_BUCKET: &str = "leaky-bucket 1.1.2";
const RATELIMIT: &str = "ratelimit 2.0.0";
const TOWER: &str = "tower 0.5.3";

const TICK: Duration = Duration::from_nanos(TICK_NS);

/// A crate's limiter, and its clock.
pub struct Driven {
    check: Box<dyn FnMut() -> bool>,
    tick: Box<dyn FnMut()>,
}

impl Driven {
    fn new(check: impl FnMut() -> bool + 'static, tick: impl FnMut() + 'static) -> Self {
        Driven { check: Box::new(check), tick: Box::new(tick) }
    }
}

impl Counterpart<LimiterInterface> for Driven {
    fn apply(&mut self, input: &Action) -> Answer {
        match input {
            Action::Check { .. } if (self.check)() => Answer::Admitted,
            Action::Check { .. } => Answer::Denied,
            Action::Tick => {
                (self.tick)();
                Answer::Done
            }
            Action::Collect | Action::SetQuota { .. } => Answer::Done,
        }
    }
}

fn count(count: u8) -> NonZeroU32 {
    NonZeroU32::new(count.into()).expect("a limit of the catalogue is not 0")
}

fn window(model: &Limiter) -> Duration {
    u32::from(model.window_ticks) * TICK
}

/// governor, with the quota that `model` describes.
pub fn governor(model: &Limiter) -> Driven {
    let quota = governor::Quota::with_period(window(model) / u32::from(model.limit)).expect("a period that is not 0");
    let clock = governor::clock::FakeRelativeClock::default();
    let limiter = governor::RateLimiter::direct_with_clock(quota.allow_burst(count(model.burst)), clock.clone());
    Driven::new(move || limiter.check().is_ok(), move || clock.advance(TICK))
}

/// governor in the release before the defect was fixed.
pub fn governor_old(model: &Limiter) -> Driven {
    let quota =
        governor_0_7::Quota::with_period(window(model) / u32::from(model.limit)).expect("a period that is not 0");
    let clock = governor_0_7::clock::FakeRelativeClock::default();
    let limiter = governor_0_7::RateLimiter::direct_with_clock(quota.allow_burst(count(model.burst)), clock.clone());
    Driven::new(move || limiter.check().is_ok(), move || clock.advance(TICK))
}

/// A clock for ratelimit: time since it was made.
#[derive(Clone, Default)]
pub struct Elapsed(Arc<AtomicU64>);

impl Elapsed {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl ratelimit::Clock for Elapsed {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// ratelimit, with a full bucket of the burst.
pub fn ratelimit(model: &Limiter) -> Driven {
    let clock = Elapsed::default();
    let limiter = ratelimit::Builder::with_clock(model.limit.into(), clock.clone())
        .period(window(model))
        .max_tokens(model.burst.into())
        .initial_available(model.burst.into())
        .build()
        .expect("a limiter");
    Driven::new(move || limiter.try_wait().is_ok(), move || clock.advance(TICK))
}

/// A runtime whose clock stands still until it is moved.
fn paused() -> Rc<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    Rc::new(runtime.expect("a runtime without threads and sockets"))
}

/// leaky-bucket, with a bucket of the burst, refilled by the limit at each window.
pub fn leaky_bucket(model: &Limiter) -> Driven {
    let runtime = paused();
    let limiter = {
        let _entered = runtime.enter();
        leaky_bucket::RateLimiter::builder()
            .initial(model.burst.into())
            .max(model.burst.into())
            .refill(model.limit.into())
            .interval(window(model))
            .build()
    };
    let ticking = runtime.clone();
    let check = move || {
        let _entered = runtime.enter();
        limiter.try_acquire(1)
    };
    Driven::new(check, move || ticking.block_on(tokio::time::advance(TICK)))
}

/// tower's limiter: it is asked whether it is ready, and if it is, called at once.
pub fn tower(model: &Limiter) -> Driven {
    let runtime = paused();
    let answers = tower::service_fn(|(): ()| std::future::ready(Ok::<(), std::convert::Infallible>(())));
    let service = {
        let _entered = runtime.enter();
        let rate = tower::limit::rate::Rate::new(model.limit.into(), window(model));
        Rc::new(RefCell::new(tower::limit::RateLimit::new(answers, rate)))
    };
    let ticking = runtime.clone();
    let check = move || {
        let _entered = runtime.enter();
        let mut service = service.borrow_mut();
        let ready = matches!(service.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())));
        if ready {
            drop(service.call(()));
        }
        ready
    };
    Driven::new(check, move || ticking.block_on(tokio::time::advance(TICK)))
}

/// A function that makes a crate's limiter.
type Make = fn(&Limiter) -> Driven;

/// The crates, each as the algorithm that it is.
fn alike() -> Vec<(&'static str, &'static str, Make, Limiter)> {
    let (bucket, smooth) = (Limiter::of(Algorithm::TokenBucket, 6, 4), Limiter::of(Algorithm::TokenBucket, 4, 2));
    vec![
        ("governor", GOVERNOR, governor as Make, Limiter::gcra(8, 2, 4)),
        ("governor_burst_1", GOVERNOR, governor, Limiter::gcra(8, 2, 1)),
        // Its interval need not be whole: it is the bucket that is refilled all the time.
        ("governor_as_a_bucket", GOVERNOR, governor, bucket),
        (
            "governor_0_7_as_it_is",
            GOVERNOR_OLD,
            governor_old,
            Limiter::gcra(8, 2, 2).with(Variant::AdmitsOneMoreOnceUsed),
        ),
        ("leaky_bucket", LEAKY_BUCKET, leaky_bucket, Limiter::of(Algorithm::CoarseRefill, 6, 4)),
        (
            "leaky_bucket_small_refill",
            LEAKY_BUCKET,
            leaky_bucket,
            Limiter { burst: 5, ..Limiter::of(Algorithm::CoarseRefill, 4, 2) },
        ),
        ("ratelimit", RATELIMIT, ratelimit, smooth),
        ("tower", TOWER, tower, Limiter::of(Algorithm::WindowFromFirstCall, 6, 4)),
    ]
}

/// The cases of published crates.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = alike()
        .into_iter()
        .map(|(name, subject, make, model)| {
            let (toured, walked) = (model.clone(), model.clone());
            let check = super::check(model)
                .alongside_only()
                .subject(subject, Tour::new().of(move || make(&toured)))
                .subject(subject, Walk::new().runs(100).steps(300).of(move || make(&walked)));
            Case::new(format!("rate_limiter/{name}"), check)
        })
        .collect();
    let parts = |name: &str, model: Limiter, parting: &[(&'static str, Make, &str)]| {
        let check = parting.iter().fold(super::check(model.clone()).alongside_only(), |check, (subject, make, why)| {
            let (model, make) = (model.clone(), *make);
            check.subject(*subject, Tour::new().of(move || make(&model))).diverges(*subject).because(*subject, *why)
        });
        Case::new(format!("rate_limiter/{name}"), check)
    };
    cases.push(after_a_pause());
    cases.push(parts(
        "ratelimit_drops_the_remainder",
        Limiter::of(Algorithm::TokenBucket, 6, 4),
        &[(
            RATELIMIT,
            ratelimit,
            "it counts in millionths of a token and drops what is left over at every refill, which any check is: whoever is \
             denied and tries again makes the next one come later",
        )],
    ));
    // What each of them is not, whatever its name: a limit for every window.
    cases.push(parts(
        "crates_in_every_window",
        Limiter::of(Algorithm::SlidingLog, 4, 2),
        &[
            (GOVERNOR, governor, "the burst is beside the rate: what the rate brings back passes within the window too"),
            (LEAKY_BUCKET, leaky_bucket, "all tokens of a window come at once, however late in the last one they were used"),
            (RATELIMIT, ratelimit, "the burst is beside the rate: what the rate brings back passes within the window too"),
            (TOWER, tower, "its window begins with the first call: all the others may come at its end, and all of the next right after"),
        ],
    ));
    cases
}

/// Case of governor's two releases, where they differ. The model cannot tell a limiter that was used before and is idle
/// from one that never was, so that no transition asks for the difference: the tour allows for two states more than the
/// model has.
fn after_a_pause() -> Case {
    let model = Limiter::gcra(4, 1, 1);
    let toured = |make: Make| {
        let model = model.clone();
        Tour::new().extra_states(2).of(move || make(&model))
    };
    let walked = |make: Make| {
        let model = model.clone();
        Walk::new().runs(200).steps(60).of(move || make(&model))
    };
    let check = super::check(model.clone())
        .alongside_only()
        .subject(GOVERNOR, toured(governor))
        .subject(GOVERNOR, walked(governor))
        .subject(GOVERNOR_OLD, toured(governor_old))
        .subject(GOVERNOR_OLD, walked(governor_old))
        .diverges(GOVERNOR_OLD)
        .because(
            GOVERNOR_OLD,
            "the very first request is charged an interval more than any later one, and the tolerance makes up for it: \
             after a pause one request more passes at once than the quota's burst",
        );
    Case::new("rate_limiter/governor_after_a_pause", check)
}
