//! The model: queues that fill and drain tick by tick, under a policy that does or does not see them.

use std::collections::BTreeMap;

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;
pub use super::properties::History;

/// Most servers that a state has room for.
pub const SERVERS_MAX: usize = 10;

/// By server.
pub type Servers<T> = [T; SERVERS_MAX];

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// By server, the requests that it serves in a tick; also its weight.
    pub capacities: Vec<u8>,
    /// Requests that come in a tick.
    pub load: u8,
    /// Requests that a queue holds, those of the tick included.
    pub queue_max: u8,
    /// Who gets a request.
    pub policy: Policy,
    /// What becomes of a server whose queue overflows.
    pub overflow: Overflow,
    /// What happens once, at any time.
    pub trigger: Option<Trigger>,
    /// Taking slow servers out.
    pub outliers: Option<Outliers>,
    /// Whether a cold server has the weight of what it can serve, and not its whole.
    pub slow_start: bool,
    /// Requests that are shed come again, in a tick at most so many. `None`: they do not come again.
    pub retries_max: Option<u8>,
    /// Look so many ticks ahead and no further, and only for the first overflow. `None`: for ever.
    pub horizon: Option<u8>,
    /// Whether to remember who has been sent requests.
    pub probes: bool,
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// Who gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The next.
    RoundRobin,
    /// The next by weight, spread out.
    SmoothWeighted,
    /// The shortest queue for its capacity.
    LeastConnections,
    /// The shortest queue, as it was some ticks ago.
    StaleLeastConnections {
        /// For so many ticks the balancer goes by what it saw.
        ticks: u8,
    },
    /// The shorter of two queues, whichever two.
    PowerOfTwo,
    /// Whichever.
    Random,
}

/// What becomes of a server whose queue overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It crashes with all that it has, comes back after some ticks, and is cold for some more: it serves half.
    Crash {
        /// Out of service.
        restart_ticks: u8,
        /// At half its capacity.
        cold_ticks: u8,
    },
    /// It refuses what it has no room for.
    Shed,
}

/// What happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// More requests.
    Spike {
        /// In a tick, beside the load.
        more: u8,
        /// For so long.
        ticks: u8,
    },
    /// All servers serve half: what they all depend on is slow.
    Slowdown {
        /// For so long.
        ticks: u8,
    },
    /// One server is taken down and started again.
    Deploy {
        /// Out of service.
        ticks: u8,
    },
}

/// When a server is taken out for being slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// Requests left in its queue at the end of a tick.
    pub queue: u8,
    /// For so long.
    pub ticks: u8,
    /// Servers at once.
    pub ejected_max: u8,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As it should be.
    #[default]
    Sound,
    /// Never hears that a server is up again.
    LosesRecovery,
    /// Ejects every slow server.
    EjectsWithoutLimit,
    /// With all servers ejected, sends requests to nobody.
    NeverPanics,
    /// Sends every request again that was shed, and twice: two layers retry, and neither knows of the other.
    RetriesWithoutBudget,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick goes by.
    Tick {
        /// By server, the requests it is sent.
        assigned: Servers<u8>,
        /// Draws that come to the same, of all there are.
        ways: u64,
    },
    /// What happens once begins.
    Strike {
        /// Where, if it is at one server.
        server: Option<u8>,
    },
}

/// A configuration at the end of a tick.
///
/// Invariants: a server is not down and out for being slow at once; no queue is longer than the model allows, and what is
/// beyond the model's servers is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// Requests waiting.
    pub queues: Servers<u8>,
    /// Ticks until it is started again; 0: it is up.
    pub down: Servers<u8>,
    /// Ticks for which it is still cold.
    pub cold: Servers<u8>,
    /// Ticks for which it is still ejected.
    pub ejected: Servers<u8>,
    /// Never heard to be up again, as bits.
    pub forgotten: u16,
    /// The server whose turn it is.
    pub cursor: u8,
    /// What each is owed.
    pub owed: Servers<i8>,
    /// The queues as the balancer saw them.
    pub snapshot: Servers<u8>,
    /// Ticks for which it goes by that.
    pub snapshot_ticks: u8,
    /// Requests that come again in the next tick.
    pub retries: u8,
    /// Whether the trigger was pulled.
    pub struck: bool,
    /// Ticks for which it lasts.
    pub trigger_ticks: u8,
    /// Ticks so far, under a horizon.
    pub tick: u8,
    /// History.
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

    /// What a server serves in this tick.
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

    /// A tick in which `assigned` is sent out; `state` as the balancer leaves it.
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
                        if self.variant == Variant::LosesRecovery {
                            state.forgotten |= 1 << at;
                        }
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
        state.retries = match self.retries_max {
            None => 0,
            Some(_) if self.variant == Variant::RetriesWithoutBudget => shed.saturating_mul(2).min(10 * self.load),
            Some(budget) => shed.min(budget),
        };
        state.trigger_ticks = state.trigger_ticks.saturating_sub(1);
        if self.horizon.is_some() {
            self.forget(&mut state);
        }
        if self.is_drawn() {
            self.sort_alike(&mut state);
        }
        state
    }

    /// A server whose queue is long is taken out, within the limit.
    fn take_out_if_slow(&self, state: &mut State, at: usize) {
        if let Some(outliers) = self.outliers
            && state.queues[at] >= outliers.queue
            && state.ejected[at] == 0
        {
            let out = state.ejected[..self.count()].iter().filter(|ticks| **ticks > 0).count();
            if out < usize::from(outliers.ejected_max) || self.variant == Variant::EjectsWithoutLimit {
                state.ejected[at] = outliers.ticks;
            }
        }
    }

    /// Under a horizon an overflow is the end.
    fn forget(&self, state: &mut State) {
        if state.history.overflowed {
            *state = State { history: History { overflowed: true, ..History::default() }, ..State::default() };
            return;
        }
        state.tick += 1;
    }

    /// Where it is drawn who gets a request, servers that are alike are not told apart.
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
                        if self.variant == Variant::LosesRecovery {
                            after.forgotten |= 1 << at;
                        }
                    }
                }
                after
            }
        };
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
