//! The model: queues that fill and drain tick by tick, under a policy that does or does not see them.

use std::collections::BTreeMap;

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;
pub use super::properties::History;

/// Most servers that a state has room for.
pub const SERVERS_MAX: usize = 10;

/// One value for each server.
pub type Servers<T> = [T; SERVERS_MAX];

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Requests that each server serves in a tick, by server; also its weight.
    pub capacities: Vec<u8>,
    /// Requests that come in a tick.
    pub load: u8,
    /// Most requests that a queue holds, those of the tick included.
    pub queue_max: u8,
    /// The policy by which a server gets a request.
    pub policy: Policy,
    /// What becomes of a server whose queue overflows.
    pub overflow: Overflow,
    /// An event that happens once, at any time.
    pub trigger: Option<Trigger>,
    /// When slow servers are taken out; `None`: never.
    pub outliers: Option<Outliers>,
    /// Whether a cold server has the weight of what it can serve, and not its whole weight.
    pub slow_start: bool,
    /// Most requests that come again in a tick after they were shed. `None`: they do not come again.
    pub retries_max: Option<u8>,
    /// Number of ticks that are looked ahead, and only for the first overflow. `None`: for ever.
    pub horizon: Option<u8>,
    /// Whether to remember which servers have been sent requests.
    pub probes: bool,
    /// What the balancer does otherwise than it should.
    pub variant: Variant,
}

/// The policy by which a server gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The next server.
    RoundRobin,
    /// The next server by weight, spread out.
    SmoothWeighted,
    /// The server with the shortest queue for its capacity.
    LeastConnections,
    /// The server whose queue was the shortest some ticks ago.
    StaleLeastConnections {
        /// Ticks for which the balancer goes by what it saw.
        ticks: u8,
    },
    /// The server with the shorter of any two queues.
    PowerOfTwo,
    /// Any server.
    Random,
}

/// What becomes of a server whose queue overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It crashes with all that it has, comes back after some ticks, and is cold for some more: it serves half.
    Crash {
        /// Ticks out of service.
        restart_ticks: u8,
        /// Ticks at half its capacity.
        cold_ticks: u8,
    },
    /// It refuses what it has no room for.
    Shed,
}

/// An event that happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// More requests come.
    Spike {
        /// Requests in a tick, beside the load.
        more: u8,
        /// Ticks for which it lasts.
        ticks: u8,
    },
    /// All servers serve half: what they all depend on is slow.
    Slowdown {
        /// Ticks for which it lasts.
        ticks: u8,
    },
    /// One server is taken down and started again.
    Deploy {
        /// Ticks out of service.
        ticks: u8,
    },
}

/// When a server is taken out for being slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// Requests left in its queue at the end of a tick, at which it is taken out.
    pub queue: u8,
    /// Ticks for which it is taken out.
    pub ticks: u8,
    /// Most servers that are out at once.
    pub ejected_max: u8,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The balancer as it should be.
    #[default]
    Sound,
    /// Never hears that a server is up again.
    LosesRecovery,
    /// Ejects every slow server.
    EjectsWithoutLimit,
    /// Sends requests to nobody when all servers are ejected.
    NeverPanics,
    /// Sends every request again that was shed, and twice: two layers retry, and neither knows of the other.
    RetriesWithoutBudget,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick goes by.
    Tick {
        /// The requests that each server is sent, by server.
        assigned: Servers<u8>,
        /// Number of draws that come to the same, of all there are.
        ways: u64,
    },
    /// The event that happens once begins.
    Strike {
        /// The server that it strikes, if it strikes one.
        server: Option<u8>,
    },
}

/// A configuration at the end of a tick.
///
/// Invariants, whatever the variant: no queue is longer than the model allows, and none of a server that is down holds
/// anything; what is beyond the model's servers is zero; the whole is no further than the horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// Requests that wait, by server.
    pub queues: Servers<u8>,
    /// Ticks until each server is started again; 0 where it is up.
    pub down: Servers<u8>,
    /// Ticks for which each server is still cold.
    pub cold: Servers<u8>,
    /// Ticks for which each server is still ejected.
    pub ejected: Servers<u8>,
    /// Servers of which it was never heard that they are up again, as bits.
    pub forgotten: u16,
    /// The server whose turn it is.
    pub cursor: u8,
    /// Requests that each server is owed.
    pub owed: Servers<i8>,
    /// The queues as the balancer saw them.
    pub snapshot: Servers<u8>,
    /// Ticks for which the balancer still goes by that.
    pub snapshot_ticks: u8,
    /// Requests that come again in the next tick.
    pub retries: u8,
    /// Whether the trigger was pulled.
    pub struck: bool,
    /// Ticks for which it lasts.
    pub trigger_ticks: u8,
    /// Number of ticks so far, under a horizon.
    pub tick: u8,
    /// History variables.
    pub history: History,
}

impl Cluster {
    /// Four servers, one of them legacy: 4, 2, 2 and 1 requests a tick, of which 7 come.
    pub fn small(policy: Policy) -> Self {
        Cluster {
            capacities: vec![4, 2, 2, 1],
            load: 7,
            queue_max: 6,
            policy,
            overflow: Overflow::Crash { restart_ticks: 2, cold_ticks: 3 },
            trigger: None,
            outliers: None,
            slow_start: false,
            retries_max: None,
            horizon: None,
            probes: false,
            variant: Variant::Sound,
        }
    }

    /// Ten servers at a nominal 10 requests a tick (a tick is 10 ms), three of them newer and faster, three legacy; 90
    /// come, and round robin gives 9 to each.
    pub fn legacy(policy: Policy) -> Self {
        Cluster {
            capacities: vec![15, 15, 15, 10, 10, 10, 10, 6, 6, 6],
            load: 90,
            queue_max: 40,
            overflow: Overflow::Crash { restart_ticks: 10, cold_ticks: 5 },
            ..Cluster::small(policy)
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.capacities.len()
    }

    pub(super) fn all(&self) -> u16 {
        ((1_u32 << self.count()) - 1) as u16
    }

    pub(super) fn slowed(&self, state: &State) -> bool {
        matches!(self.trigger, Some(Trigger::Slowdown { .. })) && state.trigger_ticks > 0
    }

    /// Number of requests that a server serves in this tick.
    pub fn capacity(&self, state: &State, at: usize) -> u8 {
        let whole = self.capacities[at];
        if state.down[at] > 0 {
            0
        } else if state.cold[at] > 0 || self.slowed(state) {
            (whole / 2).max(1)
        } else {
            whole
        }
    }

    pub(super) fn weight(&self, state: &State, at: usize) -> u8 {
        if self.slow_start && state.cold[at] > 0 { (self.capacities[at] / 2).max(1) } else { self.capacities[at] }
    }

    pub(super) fn coming(&self, state: &State) -> u8 {
        let more = match self.trigger {
            Some(Trigger::Spike { more, .. }) if state.trigger_ticks > 0 => more,
            _ => 0,
        };
        self.load.saturating_add(more).saturating_add(state.retries)
    }

    /// The state after a tick in which `assigned` is sent out; `state` is as the balancer leaves it.
    fn tick(&self, mut state: State, assigned: &Servers<u8>) -> State {
        let sent: u32 = assigned.iter().map(|count| u32::from(*count)).sum();
        let capacity: u32 = (0..self.count()).map(|at| u32::from(self.capacity(&state, at))).sum();
        let coming = self.coming(&state);
        let room: u32 = (0..self.count())
            .filter(|at| state.down[*at] == 0)
            .map(|at| u32::from(self.queue_max - state.queues[at]))
            .sum();
        let up = (0..self.count()).any(|at| state.down[at] == 0);
        state.history.lost |= up && sent == 0 && coming > 0;
        if let Some(budget) = self.retries_max {
            state.history.over_budget |= state.retries > budget;
        }
        let mut shed = 0_u8;
        let before = state;
        for (at, sent) in assigned.iter().enumerate().take(self.count()) {
            state.history.probed |= u16::from(self.probes && *sent > 0) << at;
            let queue = before.queues[at].saturating_add(*sent);
            state.ejected[at] = before.ejected[at].saturating_sub(1);
            state.cold[at] = before.cold[at].saturating_sub(1);
            state.down[at] = before.down[at].saturating_sub(1);
            if before.down[at] == 1
                && let Overflow::Crash { cold_ticks, .. } = self.overflow
            {
                state.cold[at] = cold_ticks;
            }
            if queue > self.queue_max {
                state.history.overflowed |= self.horizon.is_some()
                    || (!state.struck && capacity >= u32::from(coming) && room >= u32::from(coming));
                match self.overflow {
                    Overflow::Crash { restart_ticks, .. } => {
                        state.history.cascaded |= state.history.crashed & !(1 << at) != 0;
                        if state.history.crashed == 0 {
                            state.history.crashed = 1 << at;
                        }
                        (state.queues[at], state.down[at], state.cold[at]) = (0, restart_ticks, 0);
                        state.forgotten |= self.forgotten(at);
                        continue;
                    }
                    Overflow::Shed => shed = shed.saturating_add(queue - self.queue_max),
                }
            }
            let left = queue.min(self.queue_max).saturating_sub(self.capacity(&before, at));
            state.queues[at] = left;
            self.take_out_if_slow(&mut state, at);
        }
        if before.history.probed == self.all() && self.probes {
            state.history.probed = (0..self.count()).fold(0, |set, at| set | u16::from(assigned[at] > 0) << at);
        }
        state.retries = self.retries_max.map_or(0, |budget| self.retried(shed, budget));
        state.trigger_ticks = state.trigger_ticks.saturating_sub(1);
        if self.horizon.is_some() {
            self.forget(&mut state);
        }
        if self.is_drawn() {
            self.sort_alike(&mut state);
        }
        state
    }

    /// Takes out a server whose queue is long, within the limit.
    fn take_out_if_slow(&self, state: &mut State, at: usize) {
        if let Some(outliers) = self.outliers
            && state.queues[at] >= outliers.queue
            && state.ejected[at] == 0
        {
            let out = state.ejected[..self.count()].iter().filter(|ticks| **ticks > 0).count();
            if out < usize::from(outliers.ejected_max) || self.ejects_without_limit() {
                state.ejected[at] = outliers.ticks;
            }
        }
    }

    /// Counts a tick under a horizon, and forgets everything else once a queue has overflowed, which is the end there.
    fn forget(&self, state: &mut State) {
        if state.history.overflowed {
            *state = State { history: History { overflowed: true, ..History::default() }, ..State::default() };
            return;
        }
        state.tick += 1;
    }

    /// Puts servers that are alike in order, so that they are not told apart where it is drawn which one gets a
    /// request.
    fn sort_alike(&self, state: &mut State) {
        let crashed = |state: &State, at: usize| state.history.crashed >> at & 1;
        for at in 1..self.count() {
            for to in (1..=at).rev().take_while(|to| self.capacities[*to] == self.capacities[to - 1]) {
                let key = |at: usize| {
                    (state.queues[at], state.down[at], state.cold[at], state.ejected[at], crashed(state, at))
                };
                if key(to - 1) > key(to) {
                    state.queues.swap(to - 1, to);
                    state.down.swap(to - 1, to);
                    state.cold.swap(to - 1, to);
                    state.ejected.swap(to - 1, to);
                    let differ = crashed(state, to - 1) ^ crashed(state, to);
                    state.history.crashed ^= differ << to | differ << (to - 1);
                }
            }
        }
    }
}

/// Where the rules deviate: each hook is asked by them.
impl Cluster {
    /// The server at `at` as a bit, if nobody will ever hear that it is up again.
    fn forgotten(&self, at: usize) -> u16 {
        u16::from(self.variant == Variant::LosesRecovery) << at
    }

    /// Requests that come again in the next tick, of `shed` that were refused in this one.
    fn retried(&self, shed: u8, budget: u8) -> u8 {
        match self.variant {
            Variant::RetriesWithoutBudget => shed.saturating_mul(2).min(10 * self.load),
            _ => shed.min(budget),
        }
    }

    /// Whether servers are taken out however few are left.
    fn ejects_without_limit(&self) -> bool {
        self.variant == Variant::EjectsWithoutLimit
    }

    /// Whether requests are sent to nobody when all servers are ejected.
    pub(super) fn never_panics(&self) -> bool {
        self.variant == Variant::NeverPanics
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Cluster) -> bool {
        let count = model.count();
        let beyond = |values: &Servers<u8>| values[count..].iter().all(|value| *value == 0);
        let queues = self.queues.iter().zip(self.down);
        queues.into_iter().all(|(queue, down)| *queue <= if down > 0 { 0 } else { model.queue_max })
            && [self.queues, self.down, self.cold, self.ejected, self.snapshot].iter().all(beyond)
            && self.forgotten >> count == 0
            && model.horizon.is_none_or(|horizon| self.tick <= horizon)
    }
}

impl Model for Cluster {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if let Some(horizon) = self.horizon
            && (state.history.overflowed || state.tick == horizon)
        {
            return;
        }
        if self.is_drawn() {
            // Draws after which everything is the same are one.
            let mut outcomes: BTreeMap<State, (Servers<u8>, u64)> = BTreeMap::new();
            for (assigned, count) in self.drawn(state) {
                outcomes.entry(self.tick(*state, &assigned)).or_insert((assigned, 0)).1 += count;
            }
            actions.extend(outcomes.into_values().map(|(assigned, ways)| Action::Tick { assigned, ways }));
        } else {
            actions.push(Action::Tick { assigned: self.turn(state).0, ways: 1 });
        }
        if !state.struck {
            match self.trigger {
                None => {}
                Some(Trigger::Spike { .. } | Trigger::Slowdown { .. }) => actions.push(Action::Strike { server: None }),
                Some(Trigger::Deploy { .. }) => {
                    let up = (0..self.count()).filter(|at| state.down[*at] == 0);
                    actions.extend(up.map(|at| Action::Strike { server: Some(at as u8) }));
                }
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let after = match action {
            Action::Tick { assigned, .. } if self.is_drawn() => self.tick(*before, &assigned),
            Action::Tick { assigned, .. } => self.tick(self.turn(before).1, &assigned),
            Action::Strike { server } => {
                let mut after = *before;
                after.struck = true;
                match self.trigger? {
                    Trigger::Spike { ticks, .. } | Trigger::Slowdown { ticks } => after.trigger_ticks = ticks,
                    Trigger::Deploy { ticks } => {
                        let at = usize::from(server?);
                        (after.down[at], after.queues[at]) = (ticks, 0);
                        after.forgotten |= self.forgotten(at);
                    }
                }
                after
            }
        };
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
