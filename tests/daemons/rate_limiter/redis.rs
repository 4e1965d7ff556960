//! Our limiter whose counter is kept in a store, on Redis; and buckets that are kept there whole, by a script that takes
//! the time of whoever calls it.
//!
//! redis-server does not run by a clock of ours. A tick of an hour passes for a key when it has an hour less to live.

use std::cell::RefCell;
use std::convert::Infallible;

use counterpart::Counterpart;
use counterpart_models::rate_limiter::conformance::{Answer, LimiterInterface};
use counterpart_models::rate_limiter::model::{Action, Algorithm, Limiter, SKEW_MAX, Variant};
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
    let mut cases = vec![Alongside::new(DAEMON, "rate_limiter/redis_script", checked, check(DAEMON, model, make))];
    cases.extend(clocks());
    cases
}

/// Two keys, and two callers, one of whose clocks is behind.
fn clocks() -> [Alongside; 3] {
    let behind = vec![0, -SKEW_MAX];
    let model = Limiter { keys: 2, skews_ticks: behind, ..Limiter::of(Algorithm::TokenBucket, 3, 2) };
    let server = Server::default();
    let by = |clocks, model: Limiter| {
        let server = server.clone();
        check(DAEMON, model, move |model| Buckets::new(model, clocks, &server))
    };
    [
        Alongside::new(
            DAEMON,
            "rate_limiter/redis_careful_bucket",
            "a bucket in Redis, one script a request that takes the caller's time and never goes back, two keys, two clients \
             whose clocks differ",
            by(Clocks::Forward, model.clone()),
        ),
        Alongside::deviating(
            DAEMON,
            "rate_limiter/redis_bucket",
            "the same, where the script keeps the caller's time as it is",
            by(Clocks::AsTheyAre, model.clone()),
            "the caller whose clock is two ticks behind takes the last token, and the bucket is as old as that clock says: \
             for the next one, whose clock is right, two ticks have passed since, and their tokens are there once more",
        ),
        Alongside::new(
            DAEMON,
            "rate_limiter/redis_bucket_but_for_its_clock",
            "the same, where a bucket's instant follows a clock that is behind",
            by(Clocks::AsTheyAre, model.with(Variant::FollowsBackwardClock)),
        ),
    ]
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
        let keys = (0..model.keys).map(name).collect();
        Stored { limiter: StoredLimiter::new(quota, store, WhenUnreachable::Deny), keys }
    }
}

impl Counterpart<LimiterInterface> for Stored {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Check { key, .. } => return self.limiter.check(self.keys[usize::from(key)].as_str()).into(),
            Action::Tick => {
                let mut redis = self.limiter.store().0.borrow_mut();
                self.keys.iter().for_each(|key| pass_tick(&mut redis, key));
            }
            Action::Collect | Action::SetQuota { .. } => panic!("{input:?} is nothing that the limiter can be told"),
        }
        Answer::Done
    }
}

/// Takes a token: key the bucket, arguments the caller's time in ticks, parts that come in a tick, parts that the bucket
/// holds, parts of a token, milliseconds after which the bucket is full by anybody's clock, and which [`Clocks`].
const TAKE: &str = "
    local now, come, burst, token = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local kept = redis.call('HMGET', KEYS[1], 'parts', 'at')
    local parts, at = tonumber(kept[1] or burst), tonumber(kept[2] or now)
    parts = math.min(burst, parts + math.max(0, now - at) * come)
    if parts < token then return 0 end
    if ARGV[6] == 'Forward' then now = math.max(at, now) end
    redis.call('HSET', KEYS[1], 'parts', parts - token, 'at', now)
    redis.call('PEXPIRE', KEYS[1], ARGV[5])
    return 1";

/// What the script does with a caller's time.
#[derive(Clone, Copy, Debug)]
enum Clocks {
    /// It keeps it as it is.
    AsTheyAre,
    /// It keeps it unless that would go back.
    Forward,
}

/// A database of buckets, and the true time.
struct Buckets {
    model: Limiter,
    clocks: Clocks,
    redis: Redis,
    now_ticks: i64,
}

impl Buckets {
    fn new(model: &Limiter, clocks: Clocks, server: &Server) -> Self {
        Buckets { model: model.clone(), clocks, redis: server.empty(), now_ticks: 0 }
    }

    fn check(&mut self, client: u8, key: u8) -> Answer {
        let [window, limit, burst] = [self.model.window_ticks, self.model.limit, self.model.burst].map(i64::from);
        let at = self.now_ticks + i64::from(self.model.skews_ticks[usize::from(client)]);
        let full_ms = (window + i64::from(self.model.span_ticks())) * TICK_MS;
        let [now, come, burst, token, full_ms] =
            [at, limit, burst * window, window, full_ms].map(|number| number.to_string());
        let clocks = format!("{:?}", self.clocks);
        let command = ["EVAL", TAKE, "1", &name(key), &now, &come, &burst, &token, &full_ms, &clocks];
        if self.redis.ask(&command).number() == 1 { Answer::Admitted } else { Answer::Denied }
    }
}

impl Counterpart<LimiterInterface> for Buckets {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Check { client, key } => self.check(client, key),
            Action::Tick => {
                self.now_ticks += 1;
                (0..self.model.keys).for_each(|key| pass_tick(&mut self.redis, &name(key)));
                Answer::Done
            }
            Action::Collect | Action::SetQuota { .. } => panic!("{input:?} is nothing that the script can be told"),
        }
    }
}

fn name(key: u8) -> String {
    format!("key {key}")
}

/// A tick passes for `key`.
fn pass_tick(redis: &mut Redis, key: &str) {
    let left_ms = redis.ask(&["PTTL", key]).number();
    if left_ms >= 0 {
        redis.ask(&["PEXPIRE", key, &(left_ms - TICK_MS).to_string()]);
    }
}
