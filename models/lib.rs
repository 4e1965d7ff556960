//! Ready-made protocol models for [`counterpart`], each with an implementation one would ship, run alongside.
//!
//! A protocol is a folder: `model.rs` (the state machine, its variants and properties), `implementation.rs` (usable by
//! itself), `conformance.rs` (what the outside sees, and the bindings), `peers.rs` (third-party crates) and a README with
//! the story. [`catalogue`] lists every case.

use counterpart::Case;

pub mod circuit_breaker;
pub mod flp;

/// Every case of every protocol.
pub fn catalogue() -> Vec<Case> {
    [flp::cases(), circuit_breaker::cases()].into_iter().flatten().collect()
}

/// `IgnoresPromise` as `ignores_promise`: how a defect is named among cases and subjects.
fn snake(name: impl std::fmt::Debug) -> String {
    let mut snake = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
