//! Ready-made protocol models for [`counterpart`], each with an implementation one would ship, run alongside.
//!
//! A protocol is a folder, and all have one shape: see the README beside this file for where a thing is. What a user
//! needs to check an implementation of their own is there with no feature but the protocol's: the model, its properties,
//! what the outside sees of it, our implementation, and `check(model)`.
//!
//! # Features
//! - Each protocol by its name.
//! - `catalogue`: the cases, with our implementation bound and every defect; it turns on all modes of `counterpart`.
//! - `cli`: the binary `counterpart`, and the pictures of the READMEs.
//! - `peers`: third-party crates, run alongside as they are published. `peers-heavy`: those that bring a whole server or a
//!   runtime, or want a newer compiler; `peers-heavy-dns` and `peers-heavy-ntp` are its parts that compile no C.
//!
//! All but the last are on by default.

#[cfg(feature = "catalogue")]
mod catalogue;

#[cfg(feature = "catalogue")]
#[allow(unused_imports, reason = "not every protocol alone has a use for it")]
use self::catalogue::snake;
#[cfg(feature = "catalogue")]
pub use self::catalogue::{Drawn, Generated, Protocol, catalogue};

#[cfg(feature = "broker")]
pub mod broker;
#[cfg(feature = "cache")]
pub mod cache;
#[cfg(feature = "cdn")]
pub mod cdn;
#[cfg(feature = "circuit_breaker")]
pub mod circuit_breaker;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "flp")]
pub mod flp;
#[cfg(feature = "hash_ring")]
pub mod hash_ring;
#[cfg(feature = "load_balancer")]
pub mod load_balancer;
#[cfg(feature = "ntp")]
pub mod ntp;
#[cfg(feature = "rate_limiter")]
pub mod rate_limiter;
#[cfg(feature = "ring_attention")]
pub mod ring_attention;

/// The protocols, each a feature of this crate: all by default.
#[cfg(feature = "catalogue")]
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
    #[cfg(feature = "ntp")]
    ntp::PROTOCOL,
    #[cfg(feature = "ring_attention")]
    ring_attention::PROTOCOL,
    #[cfg(feature = "hash_ring")]
    hash_ring::PROTOCOL,
    #[cfg(feature = "dns")]
    dns::PROTOCOL,
    #[cfg(feature = "cdn")]
    cdn::PROTOCOL,
    #[cfg(feature = "broker")]
    broker::PROTOCOL,
];
