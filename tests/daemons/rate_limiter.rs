//! nginx's `limit_req`, and our limiter whose counter is kept in Redis.

#[path = "rate_limiter/nginx.rs"]
mod nginx;
#[path = "rate_limiter/redis.rs"]
mod redis;

use counterpart::{Check, Counterpart};
use counterpart_models::rate_limiter::conformance::LimiterInterface;
use counterpart_models::rate_limiter::model::Limiter;

use crate::alongside::{Alongside, TRACES, k_of_k};
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    [nginx::cases(), redis::cases()].concat()
}

/// A check of `model` with `daemon` alongside: a deviation has to be shown three times of three.
fn check<C: Counterpart<LimiterInterface> + 'static>(
    daemon: &Daemon,
    model: Limiter,
    make: impl Fn(&Limiter) -> C + Send + Sync + 'static,
) -> Check<Limiter, LimiterInterface> {
    let beside = model.clone();
    counterpart_models::rate_limiter::check(model)
        .alongside_only()
        .traces_in(TRACES)
        .subject(daemon.subject, k_of_k().of(move || make(&beside)))
}
