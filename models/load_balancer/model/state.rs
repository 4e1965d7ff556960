//! What happens, and what a configuration is made of.

use serde::Serialize;

use super::{Balancer, History, SERVERS_MAX, SLOTS_MAX};

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A request comes and is sent somewhere.
    Pick {
        /// Where it is kept, 0-based.
        slot: u8,
        /// Whether it is a second attempt.
        retry: bool,
        /// What it draws or brings.
        draw: Draw,
    },
    /// A request is answered.
    Complete {
        /// 0-based.
        slot: u8,
        /// Or it failed.
        success: bool,
    },
    /// Whoever waits for it goes away.
    Cancel {
        /// 0-based.
        slot: u8,
    },
    /// Whoever made it panics.
    Panic {
        /// 0-based.
        slot: u8,
    },
    /// A health check reports.
    SetHealth {
        /// 0-based.
        server: u8,
        /// What it found.
        healthy: bool,
    },
    /// The list of servers is replaced.
    SetServers {
        /// The set of those in it, as bits.
        list: u8,
    },
    /// Time passes.
    Tick,
}

/// What a request draws or brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Draw {
    /// Nothing.
    Nothing,
    /// Two numbers: the first among the candidates, the second among the others.
    Two {
        /// 0-based, among all candidates in order.
        first: u8,
        /// 0-based, among those left.
        second: u8,
        /// How many candidates there are.
        of: u8,
    },
    /// A key.
    Key(u8),
}

/// A configuration.
///
/// Invariants, whatever the variant: no slot beyond the model's is used; a request that is not late is at a server of the
/// list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// In the list, as bits.
    pub members: u8,
    /// Healthy as far as the balancer knows, as bits.
    pub healthy: u8,
    /// By server.
    pub servers: [Server; SERVERS_MAX],
    /// The server chosen last, for a round robin; [`SERVERS_MAX`]: none yet. For a balancer that expands its weights,
    /// its cursor: the place that is next, 0-based.
    pub last: u8,
    /// In the bucket for retries.
    pub tokens: u8,
    /// By slot.
    pub calls: [Call; SLOTS_MAX],
    /// History.
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
    /// What it is owed, in a smooth weighted round robin.
    pub current: i8,
    /// Time to respond, in units of which a tick has [`TICK_UNITS`](super::TICK_UNITS).
    pub estimate: u8,
    /// Ticks since then, as long as they matter.
    pub estimated: u8,
}

/// What a slot is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Call {
    /// Nothing.
    #[default]
    Idle,
    /// A request at a server.
    Running {
        /// 0-based.
        server: u8,
        /// Ticks, where they matter.
        ticks: u8,
        /// Whether the server left the list since.
        late: bool,
    },
}

impl State {
    /// What the type cannot say of it.
    pub(super) fn is_consistent(&self, model: &Balancer) -> bool {
        let beyond = &self.calls[usize::from(model.slots)..];
        let placed = |call: &Call| match call {
            Call::Running { server, late: false, .. } => self.members >> server & 1 == 1,
            Call::Running { late: true, .. } | Call::Idle => true,
        };
        beyond.iter().all(|call| *call == Call::Idle) && self.calls.iter().all(placed)
    }
}
