//! What happens, and what a configuration is made of.

use serde::Serialize;

use super::{Balancer, History, SERVERS_MAX, SLOTS_MAX};

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A request comes and is sent somewhere.
    Pick {
        /// Slot that it is kept in, 0-based.
        slot: u8,
        /// Whether it is a second attempt.
        retry: bool,
        /// What it draws or brings.
        draw: Draw,
    },
    /// A request is answered.
    Complete {
        /// The slot, 0-based.
        slot: u8,
        /// Whether it was answered; otherwise it failed.
        success: bool,
    },
    /// The maker of a request goes away.
    Cancel {
        /// The slot, 0-based.
        slot: u8,
    },
    /// The maker of a request panics.
    Panic {
        /// The slot, 0-based.
        slot: u8,
    },
    /// A health check reports.
    SetHealth {
        /// The server, 0-based.
        server: u8,
        /// Whether the server is healthy.
        healthy: bool,
    },
    /// The list of servers is replaced.
    SetServers {
        /// Servers in the list, as bits.
        list: u8,
    },
    /// Time passes.
    Tick,
}

/// What a request draws or brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Draw {
    /// The request draws nothing.
    Nothing,
    /// The request draws two numbers: the first among the candidates, the second among the others.
    Two {
        /// The first number, 0-based, among all candidates in order.
        first: u8,
        /// The second number, 0-based, among those left.
        second: u8,
        /// Number of candidates.
        of: u8,
    },
    /// The request brings a key.
    Key(u8),
}

/// A configuration.
///
/// Invariants, whatever the variant: no slot beyond the model's is used; a request that is not late is at a server of
/// the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Servers in the list, as bits.
    pub members: u8,
    /// Servers that are healthy as far as the balancer knows, as bits.
    pub healthy: u8,
    /// What is kept of each server.
    pub servers: [Server; SERVERS_MAX],
    /// The server chosen last, for a round robin; [`SERVERS_MAX`]: none yet. For a balancer that expands its weights,
    /// its cursor: the place that is next, 0-based.
    pub last: u8,
    /// Tokens in the bucket for retries.
    pub tokens: u8,
    /// What each slot holds.
    pub calls: [Call; SLOTS_MAX],
    /// History variables.
    pub history: History,
}

/// What is kept of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Server {
    /// Requests in flight.
    pub in_flight: u8,
    /// Ticks for which it is still ejected.
    pub ejected: u8,
    /// Failures in a row.
    pub failures: u8,
    /// Ticks since it came, up to those of slow start.
    pub age: u8,
    /// Requests that it is owed, in a smooth weighted round robin.
    pub current: i8,
    /// Time to respond, in units of which a tick has [`TICK_UNITS`](super::TICK_UNITS).
    pub estimate: u8,
    /// Ticks since the estimate was made, as long as they matter.
    pub estimated: u8,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Call {
    /// The slot holds nothing.
    #[default]
    Idle,
    /// The slot holds a request at a server.
    Running {
        /// The server, 0-based.
        server: u8,
        /// Ticks since it was sent, where they matter.
        ticks: u8,
        /// Whether the server has left the list since.
        late: bool,
    },
}

impl State {
    /// Whether the invariants hold.
    pub(super) fn is_consistent(&self, model: &Balancer) -> bool {
        let beyond = &self.calls[usize::from(model.slots)..];
        let placed = |call: &Call| match call {
            Call::Running { server, late: false, .. } => self.members >> server & 1 == 1,
            Call::Running { late: true, .. } | Call::Idle => true,
        };
        beyond.iter().all(|call| *call == Call::Idle) && self.calls.iter().all(placed)
    }
}
