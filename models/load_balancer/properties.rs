//! What is always so, and the history variables that remember whether it was.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{Balancer, Call, SERVERS_MAX, State};

/// The promise that what was taken out comes back.
pub const COMES_BACK: &str = "some schedule makes every server in the list eligible again";

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Requests that each server had times all weights, less requests that it was due: 0 on time, all weights one
    /// request ahead.
    pub lead: [i8; SERVERS_MAX],
    /// Requests since the weights last changed, modulo their sum.
    pub position: u8,
    /// Whether servers or weights have changed.
    pub disturbed: bool,
    /// Requests that others had while each server could have been chosen.
    pub waited: [u8; SERVERS_MAX],
    /// Servers that are healthy by the last report, as bits.
    pub told: u8,
    /// Tokens in the bucket for retries, as they should be.
    pub tokens: u8,
    /// The rules that were broken, as bits.
    pub breaches: u16,
}

/// A rule that a history can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Breach {
    EjectedTooMany,
    TurnedAway,
    SentToUnhealthy,
    OverShare,
    RemappedNeedlessly,
    RetriedOverBudget,
    ChoseBusiest,
    FailureSpedUp,
}

impl History {
    pub(super) fn note(&mut self, breach: Breach, broken: bool) {
        self.breaches |= u16::from(broken) << breach as u8;
    }

    pub(super) fn has(&self, breach: Breach) -> bool {
        self.breaches >> breach as u8 & 1 == 1
    }
}

/// All properties.
pub(super) fn all() -> Vec<Property<Balancer>> {
    fn unbroken(state: &State, breach: Breach) -> bool {
        !state.history.has(breach)
    }
    vec![
        Property::always("a whole cycle gives each server exactly its weight", |_, state: &State| {
            state.history.position != 0 || state.history.lead.iter().all(|lead| *lead == 0)
        }),
        Property::always(
            "no server is a whole request ahead of its share, or behind",
            |model: &Balancer, state: &State| {
                let whole = model.cycle(state);
                state.history.lead.iter().all(|lead| i16::from(*lead).abs() < i16::from(whole).max(1))
            },
        ),
        Property::always(
            "a server that could be chosen waits for no more requests than there are servers",
            |model: &Balancer, state: &State| {
                state.history.waited.iter().all(|waited| usize::from(*waited) < model.weights.len())
            },
        ),
        Property::always("the requests counted at a server are those in flight there", |_, state: &State| {
            (0..SERVERS_MAX as u8).all(|at| {
                let running = |call: &&Call| matches!(call, Call::Running { server, late: false, .. } if *server == at);
                usize::from(state.servers[usize::from(at)].in_flight) == state.calls.iter().filter(running).count()
            })
        }),
        Property::always("no server takes more than its share above the average", |_, state: &State| {
            unbroken(state, Breach::OverShare)
        }),
        Property::always("a key moves only when its server is gone or full", |_, state: &State| {
            unbroken(state, Breach::RemappedNeedlessly)
        }),
        Property::always("no more servers are ejected than the limit allows", |_, state: &State| {
            unbroken(state, Breach::EjectedTooMany)
        }),
        Property::always("no request is turned away while there is a server", |_, state: &State| {
            unbroken(state, Breach::TurnedAway)
        }),
        Property::always(
            "only in panic mode are requests sent to servers that are not eligible",
            |_, state: &State| unbroken(state, Breach::SentToUnhealthy),
        ),
        Property::always("the balancer knows each server as the last health check reported it", |_, state: &State| {
            state.healthy == state.history.told
        }),
        Property::always("retries stay within their budget", |_, state: &State| {
            unbroken(state, Breach::RetriedOverBudget)
        }),
        Property::always("of two choices never the server that is busier than all others", |_, state: &State| {
            unbroken(state, Breach::ChoseBusiest)
        }),
        Property::always("a failure never makes a server look faster", |_, state: &State| {
            unbroken(state, Breach::FailureSpedUp)
        }),
        Property::sometimes("the last server has a request", |model: &Balancer, state: &State| {
            state.servers[model.weights.len() - 1].in_flight > 0
        }),
    ]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Balancer>> {
    vec![Temporal::recoverable(COMES_BACK, |model: &Balancer, state: &State| model.eligible(state) == state.members)]
}
