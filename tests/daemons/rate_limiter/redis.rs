//! Our limiter whose counter is kept in a store, on Redis.
//!
//! redis-server does not run by a clock of ours. A tick of an hour passes for a key when it has an hour less to live.

use std::cell::RefCell;
use std::convert::Infallible;

use counterpart::Counterpart;
use counterpart_models::rate_limiter::conformance::{Answer, LimiterInterface};
use counterpart_models::rate_limiter::model::{Action, Algorithm, Limiter};
use counterpart_models::rate_limiter::{Hit, Quota, Store, StoredLimiter, WhenUnreachable};

use super::check;
use crate::alongside::Alongside;
use crate::daemon::{Daemon, REDIS};
use crate::redis::{Redis, Server};

const DAEMON: &Daemon = &REDIS;

/// How long a tick is, in milliseconds.
const TICK_MS: i64 = 3_600_000;

const NS_PER_MS: i64 = 1_000_000;

/// What the documentation of [`Store`] says that a store does.
const HIT: &str = "
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
    return {count, redis.call('PTTL', KEYS[1])}";

pub(super) fn cases() -> Vec<Alongside> {
    let model = Limiter { keys: 2, skews_ticks: vec![0, 0], ..Limiter::of(Algorithm::WindowFromFirstCall, 3, 2) };
    let server = Server::default();
    let make = move |model: &Limiter| Stored::new(model, &server);
    let checked =
        "our limiter with its counter in Redis, one script a request, two keys, two clients, the store's clock alone";
    vec![Alongside::new(DAEMON, "rate_limiter/redis_script", checked, check(DAEMON, model, make))]
}

/// A database as a store.
struct Database(RefCell<Redis>);

impl Store<str> for Database {
    type Error = Infallible;

    fn hit(&self, key: &str, window_ns: u64) -> Result<Hit, Infallible> {
        let window_ms = window_ns / NS_PER_MS.unsigned_abs();
        let hit = self.0.borrow_mut().ask(&["EVAL", HIT, "1", key, &window_ms.to_string()]);
        let [count, lives_ms] = [0, 1].map(|at: usize| hit.list()[at].number().unsigned_abs());
        Ok(Hit { count, lives_ns: lives_ms * NS_PER_MS.unsigned_abs() })
    }
}

/// The limiter, and the names of its keys.
struct Stored {
    limiter: StoredLimiter<Database>,
    keys: Vec<String>,
}

impl Stored {
    fn new(model: &Limiter, server: &Server) -> Self {
        let window_ns = i64::from(model.window_ticks) * TICK_MS * NS_PER_MS;
        let quota = Quota::new(model.limit.into(), window_ns.unsigned_abs()).expect("a quota");
        let store = Database(RefCell::new(server.empty()));
        let keys = (0..model.keys).map(|key| format!("key {key}")).collect();
        Stored { limiter: StoredLimiter::new(quota, store, WhenUnreachable::Deny), keys }
    }
}

impl Counterpart<LimiterInterface> for Stored {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Check { key, .. } => return self.limiter.check(self.keys[usize::from(key)].as_str()).into(),
            Action::Tick => {
                let mut redis = self.limiter.store().0.borrow_mut();
                for key in &self.keys {
                    let left_ms = redis.ask(&["PTTL", key]).number();
                    if left_ms >= 0 {
                        redis.ask(&["PEXPIRE", key, &(left_ms - TICK_MS).to_string()]);
                    }
                }
            }
            Action::Collect | Action::SetQuota { .. } => panic!("{input:?} is nothing that the limiter can be told"),
        }
        Answer::Done
    }
}
