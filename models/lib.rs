//! Ready-made protocol models for [`counterpart`], each with an implementation one would ship, run alongside.
//!
//! A protocol is a folder: `model.rs` (the state machine, its variants and properties), `implementation.rs` (usable by
//! itself), `conformance.rs` (what the outside sees, and the bindings), `peers.rs` (third-party crates) and a README
//! with the story. [`catalogue`] lists every case.

use counterpart::Case;

#[cfg(feature = "cache")]
pub mod cache;
#[cfg(feature = "circuit_breaker")]
pub mod circuit_breaker;
#[cfg(feature = "flp")]
pub mod flp;
#[cfg(feature = "load_balancer")]
pub mod load_balancer;
#[cfg(feature = "rate_limiter")]
pub mod rate_limiter;

/// What a protocol's folder gives to the catalogue.
pub struct Protocol {
    /// Of its folder, and before the `/` in the names of its cases.
    pub name: &'static str,
    /// Its cases.
    pub cases: fn() -> Vec<Case>,
    /// What its folder shows of its models, beside the tables of verdicts and subjects that every README may have.
    pub generated: fn() -> Vec<Generated>,
}

/// Text that a run gives and the repository keeps; a test compares the two.
pub struct Generated {
    /// From the protocol's folder.
    pub file: &'static str,
    /// Between `<!-- part: generated -->` and `<!-- part: end -->`; `None`: the whole file.
    pub part: Option<&'static str>,
    /// What belongs there.
    pub text: String,
}

impl Generated {
    /// A part of the folder's README.
    pub fn part(part: &'static str, text: String) -> Self {
        Generated { file: "README.md", part: Some(part), text }
    }

    /// A file of its own.
    pub fn file(file: &'static str, text: String) -> Self {
        Generated { file, part: None, text }
    }
}

/// The protocols, each a feature of this crate: all by default.
pub const PROTOCOLS: &[Protocol] = &[
    #[cfg(feature = "flp")]
    flp::PROTOCOL,
    #[cfg(feature = "circuit_breaker")]
    circuit_breaker::PROTOCOL,
    #[cfg(feature = "rate_limiter")]
    rate_limiter::PROTOCOL,
    #[cfg(feature = "load_balancer")]
    load_balancer::PROTOCOL,
    #[cfg(feature = "cache")]
    cache::PROTOCOL,
];

/// Every case of every protocol.
pub fn catalogue() -> Vec<Case> {
    PROTOCOLS.iter().flat_map(|protocol| (protocol.cases)()).collect()
}

/// `IgnoresPromise` as `ignores_promise`: how a defect is named among cases and subjects.
#[allow(dead_code, reason = "not every protocol alone has a use for it")]
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
