//! Tests to copy: each module is one, whole, and runs with `cargo test --test examples`.
//!
//! | you have | see |
//! |---|---|
//! | a component that there is a ready-made model of | `own_breaker`, and the few dozen lines of the breaker itself |
//! | a system written with stateright's actors | `actors` |
//! | a log of something that has run | `log` |
//! | a type that threads share | `threads` |
//! | a history of thousands of operations, in EDN | `history` |

mod actors;
mod history;
mod log;
mod own_breaker;
mod threads;

#[test]
fn a_breaker_of_your_own_is_checked_in_less_than_40_lines() {
    assert!(include_str!("own_breaker.rs").lines().count() < 40);
}
