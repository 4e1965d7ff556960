//! Bounds and times of the whole resolver, and where it begins.

use std::net::SocketAddr;

use thiserror::Error;

use super::core::{Config, ConfigError};
use crate::dns::work::implementation::Limits;

/// Bounds, times and where to begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Of what is told to clients. Its `timeout_ms` is for all that one question takes.
    pub cache: Config,
    /// Of what one question may cost.
    pub limits: Limits,
    /// Servers of the root.
    pub roots: Vec<SocketAddr>,
    /// The port at which all other servers are asked: 53 but in trials.
    pub port: u16,
    /// Milliseconds after which a server that was asked has not answered.
    pub exchange_timeout_ms: u64,
    /// Questions on their way at once.
    pub exchanges_max: usize,
    /// Zones whose servers are known.
    pub zones_max: usize,
    /// Whether servers are asked at their IPv6 addresses too.
    pub uses_ipv6: bool,
    /// Whether servers are asked at addresses of this machine, which a stranger's referral may name.
    pub asks_loopback: bool,
}

impl Settings {
    /// The defaults, from these servers of the root. This machine is asked if one of them is on it.
    pub fn new(roots: Vec<SocketAddr>) -> Self {
        Settings {
            cache: Config::default(),
            limits: Limits::default(),
            asks_loopback: roots.iter().any(|root| root.ip().is_loopback()),
            roots,
            port: 53,
            exchange_timeout_ms: 800,
            exchanges_max: 256,
            zones_max: 10_000,
            uses_ipv6: false,
        }
    }
}

/// Why settings are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// What the cache's are.
    #[error(transparent)]
    Cache(#[from] ConfigError),
    /// Nobody could be asked.
    #[error("there is no server of the root")]
    NoRoot,
    /// Every question would have failed at once.
    #[error("exchange_timeout_ms is 0, it must be at least 1")]
    Timeout,
    /// Nothing could be asked.
    #[error("exchanges_max is 0, it must be at least 1")]
    Exchanges,
}
