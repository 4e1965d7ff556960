//! A counter that clients share in a store, and the commands between which it goes wrong.
//!
//! A window's counter is a key with a time to live. To count and to give the key its time are two commands of Redis, to
//! look and to count are two more; whatever happens between two commands happens.
//!
//! # Sources
//! - Redis documentation, `INCR` ("Pattern: Rate limiter"), `EXPIRE` (option `NX`, since 7.0), "Scripting with Lua".
//!
//! # Abstracted away
//! - One key, one store that neither fails nor forgets; a command is one step and its answer arrives at once.
//! - The store's clock is the only one.

pub mod model;

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Case, Check, Spec};
use serde_json::{Value, json};

use self::model::{AT_MOST_LIMIT, Action, Commands, Distributed, State};

/// There is a way to be let through again.
pub const CAN_PASS: &str = "some schedule lets somebody through again";

/// It comes about by itself.
pub const EXPIRES: &str = "a full key expires";

/// Nobody rests for ever; crashes are few.
const LIFE_GOES_ON: &str = "time passes, clients ask again and again and finish what they began";

/// How the model reads, and what is asked of its runs.
pub struct DistributedSpec;

impl Spec for DistributedSpec {
    type Model = Distributed;

    fn temporal(&self) -> Vec<Temporal<Distributed>> {
        vec![
            Temporal::recoverable(CAN_PASS, Distributed::has_room),
            Temporal::leads_to(
                EXPIRES,
                |model: &Distributed, state| !model.has_room(state),
                |_, state| state.key.is_none(),
            )
            .under(LIFE_GOES_ON),
        ]
    }

    fn fairness(&self, _: &Distributed, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            Action::Begin { client } => vec![FairKey::weak(LIFE_GOES_ON).of_each(("begin", client))],
            Action::GoOn { client } => vec![FairKey::weak(LIFE_GOES_ON).of_each(("go on", client))],
            Action::Tick => vec![FairKey::weak(LIFE_GOES_ON).of_each("tick")],
            Action::Crash { .. } => Vec::new(),
        }
    }

    fn must_progress(&self, _: &Distributed, _: &State, action: &Action) -> bool {
        !matches!(action, Action::Crash { .. })
    }

    fn parameters(&self, model: &Distributed) -> BTreeMap<String, String> {
        [
            ("clients", model.clients.to_string()),
            ("limit", model.limit.to_string()),
            ("window", format!("{} ticks", model.window_ticks)),
            ("crashes", model.crashes_max.to_string()),
            ("commands", format!("{:?}", model.commands)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Begin { client } | Action::GoOn { client } | Action::Crash { client } => format!("client {client}"),
            Action::Tick => "clock".into(),
        }
    }

    fn state_json(&self, model: &Distributed, state: &State) -> Value {
        let key = state.key.map_or("none".into(), |key| match key.ttl_ticks {
            Some(ticks) => format!("{}, lives {ticks} more", key.count),
            None => format!("{}, lives for ever", key.count),
        });
        let between: Vec<String> = (0..model.clients)
            .filter(|client| state.between[usize::from(*client)])
            .map(|client| client.to_string())
            .collect();
        json!({ "key": key, "between two commands": between.join(" "), "admitted": state.admitted })
    }
}

fn check(commands: Commands) -> Check<Distributed> {
    check_of(Distributed { clients: 3, limit: 2, window_ticks: 3, crashes_max: 2, commands })
}

fn check_of(model: Distributed) -> Check<Distributed> {
    Check::of(model).spec(DistributedSpec)
}

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let split =
        Distributed { clients: 3, limit: 2, window_ticks: 3, crashes_max: 0, commands: Commands::IncrementThenExpire };
    vec![
        Case::new("rate_limiter/distributed_script", check(Commands::Script)),
        Case::new("rate_limiter/distributed_expire_if_none", check(Commands::IncrementThenExpireIfNone)),
        Case::new("rate_limiter/distributed_expire_without_crash", check_of(split)),
        Case::new(
            "rate_limiter/distributed_crash_before_expire",
            check(Commands::IncrementThenExpire)
                .violates(CAN_PASS)
                .violates(EXPIRES)
                .because(CAN_PASS, IMMORTAL)
                .because(EXPIRES, IMMORTAL),
        ),
        Case::new(
            "rate_limiter/distributed_expire_at_every_hit",
            check(Commands::ExpireAtEveryHit).violates(EXPIRES).because(
                EXPIRES,
                "each request that is denied gives the key its whole life again: as long as they keep asking nobody is let \
                 through",
            ),
        ),
        Case::new(
            "rate_limiter/distributed_get_then_increment",
            check(Commands::GetThenIncrement).violates(AT_MOST_LIMIT).because(
                AT_MOST_LIMIT,
                "all of them looked while there was room for one, and then all of them counted",
            ),
        ),
    ]
}

const IMMORTAL: &str = "the client that made the key crashed before it gave it a time to live, and only who makes a key does: \
                        this one lives for ever, and once it is full everybody is denied";
