//! What is always so of the queues, the history variables that remember whether it was, and what whole runs promise.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{Cluster, State};

/// The promise B1: no queue overflows that need not.
pub const OVERFLOWS: &str = "no queue overflows while the servers that are up can serve the load";
/// The promise B6: a crash does not lead to another.
pub const CASCADES: &str = "no more than one server ever crashes";
/// The promise B9: retries have a budget.
pub const OVER_BUDGET: &str = "no more requests come again in a tick than the budget allows";
/// The promise B5: few servers are out at once.
pub const OVER_LIMIT: &str = "no more servers are out for being slow than the limit allows";
/// The promise B5: requests are sent to someone.
pub const LOST: &str = "while a server is up, requests are sent to somebody";
/// The promise B7: some schedule leads back from wherever it is.
pub const RECOVERS: &str = "some schedule makes all servers well again";
/// The promise B8: nobody is given up.
pub const PROBES: &str = "again and again every server has been sent requests";
/// The promise B1 where requests are drawn: how likely an overflow is.
pub const LIKELY: &str = "a queue overflows within the horizon";

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct History {
    /// Whether a queue has overflowed though the servers that were up together had the room and could have served the
    /// load, and no trigger was pulled; under a horizon, whether any queue has.
    pub overflowed: bool,
    /// The first server that crashed, as a bit.
    pub crashed: u16,
    /// Whether another server crashed too.
    pub cascaded: bool,
    /// Servers that were sent requests since all were, as bits.
    pub probed: u16,
    /// Whether more requests came again than may.
    pub over_budget: bool,
    /// Whether requests were sent to nobody while a server was up.
    pub lost: bool,
}

impl Cluster {
    /// Whether all servers are up and warm, and none has more requests than it serves in a tick.
    pub fn is_well(&self, state: &State) -> bool {
        (0..self.count()).all(|at| {
            state.down[at] == 0
                && state.cold[at] == 0
                && state.ejected[at] == 0
                && state.forgotten >> at & 1 == 0
                && state.queues[at] <= self.capacities[at]
        }) && state.retries == 0
    }

    /// Whether every server was sent requests since all of them last were.
    pub fn has_probed_all(&self, state: &State) -> bool {
        state.history.probed == self.all()
    }
}

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<Cluster>> {
    vec![
        Property::always(OVERFLOWS, |_, state: &State| !state.history.overflowed),
        Property::always(CASCADES, |_, state: &State| !state.history.cascaded),
        Property::always(OVER_BUDGET, |_, state: &State| !state.history.over_budget),
        Property::always(OVER_LIMIT, |model: &Cluster, state: &State| {
            let out = state.ejected.iter().filter(|ticks| **ticks > 0).count();
            model.outliers.is_none_or(|outliers| out <= usize::from(outliers.ejected_max))
        }),
        Property::always(LOST, |_, state: &State| !state.history.lost),
    ]
}

/// What is asked of whole runs.
pub(super) fn temporal(probes: bool, overflow_at_most: Option<f64>) -> Vec<Temporal<Cluster>> {
    let mut temporal = Vec::new();
    match overflow_at_most {
        Some(bound) => {
            let overflowed = |_: &Cluster, state: &State| state.history.overflowed;
            temporal.push(Temporal::probability(LIKELY, overflowed).at_most(bound));
        }
        None => temporal.push(Temporal::recoverable(RECOVERS, Cluster::is_well)),
    }
    if probes {
        temporal.push(Temporal::infinitely_often(PROBES, Cluster::has_probed_all));
    }
    temporal
}
