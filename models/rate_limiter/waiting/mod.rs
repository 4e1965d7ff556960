//! Who waits at a limiter, and whether they are ever let through.
//!
//! A limiter that only says yes or no leaves it to its callers to try again, and then nobody is promised anything: the
//! one that tries right after the others can go away empty-handed for ever, though all of them try again and again. A
//! queue promises it.
//!
//! # Sources
//! - L. Lamport, "Proving the Correctness of Multiprocess Programs", IEEE TSE 3(2), 1977 (weak and strong fairness).
//!
//! # Abstracted away
//! - A limiter of one token a tick; what is about the order is about it.

pub mod model;

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Case, Check, Spec};
use serde_json::{Value, json};

use self::model::{Action, Order, State, Waiting};

/// Promised if every caller that can take a token all the time does so in the end.
pub const IN_THE_END: &str = "who waits is let through or gives up";

/// Promised only if nobody is unlucky for ever.
pub const WITH_LUCK: &str = "who waits is let through or gives up, if nobody is unlucky for ever";

const THEY_TRY: &str = "time passes and callers try";
const WITHOUT_BAD_LUCK: &str = "who could again and again take a token takes one";

/// How the model reads, and what is asked of its runs.
pub struct WaitingSpec;

impl Spec for WaitingSpec {
    type Model = Waiting;

    fn temporal(&self) -> Vec<Temporal<Waiting>> {
        // Callers are alike: what is promised to the first is promised to each.
        let waits = |_: &Waiting, state: &State| state.waits[0];
        let served = |_: &Waiting, state: &State| !state.waits[0];
        vec![
            Temporal::leads_to(IN_THE_END, waits, served).under(THEY_TRY),
            Temporal::leads_to(WITH_LUCK, waits, served).under(WITHOUT_BAD_LUCK),
        ]
    }

    fn fairness(&self, _: &Waiting, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            Action::Take { caller } => vec![
                FairKey::weak(THEY_TRY).of_each(("take", caller)),
                FairKey::strong(WITHOUT_BAD_LUCK).of_each(("take", caller)),
            ],
            Action::Tick => vec![FairKey::weak(THEY_TRY), FairKey::weak(WITHOUT_BAD_LUCK)],
            Action::Ask { .. } | Action::GiveUp { .. } => Vec::new(),
        }
    }

    fn must_progress(&self, _: &Waiting, _: &State, action: &Action) -> bool {
        matches!(action, Action::Take { .. } | Action::Tick)
    }

    fn parameters(&self, model: &Waiting) -> BTreeMap<String, String> {
        [("callers", model.callers.to_string()), ("order", format!("{:?}", model.order))]
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Ask { caller } | Action::Take { caller } | Action::GiveUp { caller } => format!("caller {caller}"),
            Action::Tick => "clock".into(),
        }
    }

    fn state_json(&self, model: &Waiting, state: &State) -> Value {
        let waiting: Vec<String> = (0..model.callers)
            .filter(|caller| state.waits[usize::from(*caller)])
            .map(|caller| caller.to_string())
            .collect();
        let mut shown = json!({ "token": state.token, "waiting": waiting.join(" ") });
        if model.order != Order::WhoeverTries {
            let queue: Vec<String> = state.queue.iter().map(u8::to_string).collect();
            shown["queue"] = queue.join(" ").into();
        }
        shown
    }
}

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let check = |order| Check::of(Waiting { callers: 3, order }).spec(WaitingSpec);
    vec![
        Case::new(
            "rate_limiter/waiting_without_a_queue",
            check(Order::WhoeverTries).violates(IN_THE_END).because(
                IN_THE_END,
                "each token is taken by another caller before the first one tries. It tries again and again, and each \
                 time there is none",
            ),
        ),
        Case::new("rate_limiter/waiting_in_a_queue", check(Order::FirstInFirstOut)),
        Case::new(
            "rate_limiter/waiting_last_in_first_out",
            [IN_THE_END, WITH_LUCK].into_iter().fold(check(Order::LastInFirstOut), |check, property| {
                check
                    .violates(property)
                    .because(property, "whoever comes later is served before, and somebody always comes")
            }),
        ),
        Case::new(
            "rate_limiter/waiting_behind_who_gave_up",
            [IN_THE_END, WITH_LUCK].into_iter().fold(check(Order::KeepsPlaceOfWhoGaveUp), |check, property| {
                check.violates(property).because(
                    property,
                    "the one at the head of the queue has gone away and takes no token, and the others wait for it to",
                )
            }),
        ),
    ]
}
