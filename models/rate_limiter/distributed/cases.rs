//! The cases of this sub-model.

use counterpart::{Case, Check};

use super::check;
use super::model::{Commands, Distributed};
use super::properties::{AT_MOST_LIMIT, CAN_PASS, EXPIRES};

fn of(commands: Commands) -> Check<Distributed> {
    check(Distributed { clients: 3, limit: 2, window_ticks: 3, crashes_max: 2, commands })
}

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let split =
        Distributed { clients: 3, limit: 2, window_ticks: 3, crashes_max: 0, commands: Commands::IncrementThenExpire };
    vec![
        Case::new("rate_limiter/distributed_script", of(Commands::Script)),
        Case::new("rate_limiter/distributed_expire_if_none", of(Commands::IncrementThenExpireIfNone)),
        Case::new("rate_limiter/distributed_expire_without_crash", check(split)),
        Case::new(
            "rate_limiter/distributed_crash_before_expire",
            of(Commands::IncrementThenExpire)
                .violates(CAN_PASS)
                .violates(EXPIRES)
                .because(CAN_PASS, IMMORTAL)
                .because(EXPIRES, IMMORTAL),
        ),
        Case::new(
            "rate_limiter/distributed_expire_at_every_hit",
            of(Commands::ExpireAtEveryHit).violates(EXPIRES).because(
                EXPIRES,
                "each request that is denied gives the key its whole life again: as long as they keep asking nobody is let \
                 through",
            ),
        ),
        Case::new(
            "rate_limiter/distributed_get_then_increment",
            of(Commands::GetThenIncrement).violates(AT_MOST_LIMIT).because(
                AT_MOST_LIMIT,
                "all of them looked while there was room for one, and then all of them counted",
            ),
        ),
    ]
}

const IMMORTAL: &str = "the client that made the key crashed before it gave it a time to live, and only who makes a key does: \
                        this one lives for ever, and once it is full everybody is denied";
