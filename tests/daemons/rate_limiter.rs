//! nginx's `limit_req`, and our limiter whose counter is kept in Redis.

#[path = "rate_limiter/nginx.rs"]
mod nginx;
#[path = "rate_limiter/redis.rs"]
mod redis;

use counterpart::{Check, Counterpart};
use counterpart_models::rate_limiter::conformance::LimiterInterface;
use counterpart_models::rate_limiter::model::Limiter;

use crate::alongside::{Alongside, beside};
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    [nginx::cases(), redis::cases()].concat()
}

/// A check of `model` with `daemon` alongside.
fn check<C: Counterpart<LimiterInterface> + 'static>(
    daemon: &Daemon,
    model: Limiter,
    make: impl Fn(&Limiter) -> C + Send + Sync + 'static,
) -> Check<Limiter, LimiterInterface> {
    let there = model.clone();
    beside(daemon, counterpart_models::rate_limiter::check(model), move || make(&there))
}
