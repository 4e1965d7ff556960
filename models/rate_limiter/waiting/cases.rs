//! The cases of this sub-model.

use counterpart::Case;

use super::check;
use super::model::{Order, Waiting};
use super::properties::{IN_THE_END, WITH_LUCK};

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let check = |order| check(Waiting { callers: 3, order });
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
