//! Sub-model `balancer`: one load balancer seen request by request.
//!
//! A request is pick → run → complete, or it is cancelled, or whoever made it panics; arbitrarily late. Health, the
//! list of servers, time and every random draw are inputs. A request that is still running when its server leaves the
//! list is *late*: if a server of the same name comes back, that is another server, and must not be charged for it.

mod choice;
mod state;

use stateright::{Model, Property};

pub use self::state::{Action, Call, Draw, Server, State};
pub use super::deviations::{Quirk, Variant};
use super::properties;
pub(crate) use super::properties::Breach;
pub use super::properties::History;

/// Most servers that a state has room for.
pub const SERVERS_MAX: usize = 4;

/// Most requests in flight that a state has room for.
pub const SLOTS_MAX: usize = 8;

/// Units of time to respond in a tick.
pub const TICK_UNITS: u8 = 8;

/// Parts of a weight that are told apart while servers may start slowly.
pub const WEIGHT_PARTS: u8 = 4;

/// Ticks after which nothing is left of a gap of [`TICK_UNITS`] that halves with each.
const DECAYED_TICKS: u8 = 4;

/// Most places that a balancer with [`Quirk::ExpandsWeights`] looks at before it refuses.
pub const TRIES_MAX: usize = 256;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balancer {
    /// Policy by which a server is chosen among those that may be.
    pub policy: Policy,
    /// Weight of each server, 1 or more; as many servers as weights.
    pub weights: Vec<u8>,
    /// Most requests in flight.
    pub slots: u8,
    /// Whether every idle slot is offered and not only the first: for threads, each with slots of its own.
    pub any_slot: bool,
    /// Lists of servers that may be set, as sets of bits; the first is the one at the beginning.
    pub lists: Vec<u8>,
    /// Whether health checks report changes.
    pub health_changes: bool,
    /// Whether requests fail too.
    pub failures: bool,
    /// Whether the maker of a request may panic, beside going away.
    pub panics: bool,
    /// When failing servers are taken out; `None`: never.
    pub outliers: Option<Outliers>,
    /// Share of eligible servers below which all servers are chosen from, in percent; 0: never.
    pub panic_percent: u8,
    /// Ticks in which a server that joins or comes back grows to its weight; 0: it has its weight at once.
    pub slow_start_ticks: u8,
    /// Share of its weight that such a server begins with, in percent: a quarter or more, in quarters.
    pub slow_start_from_percent: u8,
    /// Budget of retries; `None`: there are no retries.
    pub retries: Option<Retries>,
    /// Order in which each key tries the servers, for [`Policy::BoundedHash`].
    pub preferences: Vec<[u8; SERVERS_MAX]>,
    /// Load above the average that a server may take, in percent, for [`Policy::BoundedHash`].
    pub epsilon_percent: u8,
    /// What the balancer does otherwise than it should.
    pub variant: Variant,
    /// Rules of a published balancer that are not this model's.
    pub quirks: Vec<Quirk>,
}

/// Policy by which a server is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Each server in turn.
    RoundRobin,
    /// Each server in turn, as often as its weight, spread out.
    SmoothWeighted,
    /// The server with the fewest requests in flight for its weight.
    LeastConnections,
    /// The one of two drawn servers with fewer requests in flight for its weight.
    PowerOfTwo,
    /// The one of two drawn servers with the smaller product of peak-sensitive time to respond and requests in flight.
    PeakEwma,
    /// The server of the request's key, unless that server has more than its share.
    BoundedHash,
}

/// When a server is taken out because its answers are failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// Failures in a row at which it is taken out.
    pub failures: u8,
    /// Ticks for which it is taken out.
    pub ticks: u8,
    /// Most servers that are out at once, in percent of the list, rounded down.
    pub ejected_max_percent: u8,
}

/// A bucket of tokens: each first attempt puts one in, each retry takes some out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Tokens that a retry costs.
    pub cost: u8,
    /// Tokens that the bucket holds.
    pub tokens_max: u8,
}

/// The servers in a set of bits.
pub(crate) fn members(set: u8) -> impl Iterator<Item = u8> {
    (0..SERVERS_MAX as u8).filter(move |server| set >> server & 1 == 1)
}

impl Balancer {
    /// A balancer by `policy` over servers of these weights, with nothing beside picks and completions.
    pub fn of(policy: Policy, weights: &[u8], slots: u8) -> Self {
        Balancer {
            policy,
            weights: weights.to_vec(),
            slots,
            any_slot: false,
            lists: vec![(1 << weights.len()) - 1],
            health_changes: false,
            failures: false,
            panics: false,
            outliers: None,
            panic_percent: 50,
            slow_start_ticks: 0,
            slow_start_from_percent: 25,
            retries: None,
            preferences: Vec::new(),
            epsilon_percent: 25,
            variant: Variant::Sound,
            quirks: Vec::new(),
        }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    fn keeps_time(&self) -> bool {
        self.outliers.is_some() || self.slow_start_ticks > 0 || self.policy == Policy::PeakEwma
    }

    fn fresh(&self, age: u8) -> Server {
        let estimate = if self.policy == Policy::PeakEwma { TICK_UNITS } else { 0 };
        Server { age, estimate, ..Server::default() }
    }

    fn pick(&self, state: &mut State, slot: u8, retry: bool, draw: Draw) {
        if let Some(retries) = self.retries {
            if retry && state.tokens < retries.cost {
                return;
            }
            if retry {
                state.tokens -= self.price(retries.cost);
            }
        }
        let before = *state;
        let Some(server) = self.choose(state, draw) else {
            if retry {
                state.tokens += self.retries.map_or(0, |retries| self.price(retries.cost));
            }
            state.history.note(Breach::TurnedAway, state.members != 0 && self.panic_percent > 0);
            return;
        };
        if let Some(retries) = self.retries
            && !retry
        {
            state.tokens = (state.tokens + 1).min(retries.tokens_max);
        }
        state.servers[usize::from(server)].in_flight += 1;
        state.calls[usize::from(slot)] = Call::Running { server, ticks: 0, late: false };
        self.remember_pick(&before, server, retry, draw, &mut state.history);
    }

    fn complete(&self, state: &mut State, slot: u8, ended: Ended) {
        let Call::Running { server, ticks, late } = std::mem::take(&mut state.calls[usize::from(slot)]) else {
            return;
        };
        let all = state.members.count_ones();
        let ejected = members(state.members).filter(|at| state.servers[usize::from(*at)].ejected > 0).count() as u32;
        let running =
            |call: &&Call| matches!(call, Call::Running { server: there, late: false, .. } if *there == server);
        let running = state.calls.iter().filter(running).count();
        let at = &mut state.servers[usize::from(server)];
        if late {
            at.in_flight = self.after_late(at.in_flight);
            return;
        }
        if !self.keeps_count(ended, at.in_flight, running) {
            at.in_flight = at.in_flight.saturating_sub(1);
        }
        self.count_changed(state, server);
        let at = &mut state.servers[usize::from(server)];
        let took = ticks * TICK_UNITS;
        match ended {
            Ended::Cancelled | Ended::Panicked => {}
            Ended::Success => {
                at.failures = 0;
                self.estimate(at, took);
            }
            Ended::Failure => {
                if self.policy == Policy::PeakEwma {
                    let before = at.estimate;
                    self.estimate_failure(at, took);
                    state.history.note(Breach::FailureSpedUp, at.estimate < before);
                }
                if let Some(outliers) = self.outliers {
                    at.failures = (at.failures + 1).min(outliers.failures);
                    let has_room = (ejected + 1) * 100 <= all * u32::from(outliers.ejected_max_percent);
                    let may = has_room || self.ejects_without_limit();
                    if at.failures == outliers.failures && at.ejected == 0 && may {
                        (at.ejected, at.failures) = (outliers.ticks, 0);
                        state.history.note(Breach::EjectedTooMany, !has_room);
                    }
                }
            }
        }
    }

    /// Counts an answer that took `took`: a longer one than expected at once, a shorter one the more the older the
    /// estimate is.
    pub(super) fn estimate(&self, at: &mut Server, took: u8) {
        if self.policy == Policy::PeakEwma {
            let left = at.estimate.saturating_sub(took) >> at.estimated;
            (at.estimate, at.estimated) = (took + left, 0);
        }
    }

    fn set_health(&self, state: &mut State, server: u8, healthy: bool) {
        let bit = 1 << server;
        state.history.told = if healthy { state.history.told | bit } else { state.history.told & !bit };
        if healthy && self.loses_recovery() {
            return;
        }
        state.healthy = if healthy { state.healthy | bit } else { state.healthy & !bit };
        if healthy {
            state.servers[usize::from(server)].age = 0;
            self.count_changed(state, server);
        }
        state.last = self.cursor_after_change(state.last);
    }

    fn set_servers(&self, state: &mut State, list: u8) {
        for server in members(state.members & !list) {
            state.servers[usize::from(server)] = Server::default();
        }
        for server in members(list & !state.members) {
            state.servers[usize::from(server)] = self.fresh(self.age_of_newcomer());
        }
        for call in &mut state.calls {
            if let Call::Running { server, ticks, late } = call
                && list >> *server & 1 == 0
            {
                (*ticks, *late) = (0, true);
            }
        }
        state.healthy = list & (state.healthy | !state.members);
        state.history.told = list & (state.history.told | !state.members);
        state.members = list;
        state.last = self.cursor_after_change(self.cursor_of_new_list(state.last));
    }

    /// Place of a cursor that has not moved: at no server, or at the place 0 of a list.
    pub(super) fn cursor(&self) -> u8 {
        if self.expands_weights() || self.own_cycle().is_some() { 0 } else { SERVERS_MAX as u8 }
    }

    fn tick(&self, state: &mut State) {
        let before = self.all_weights(state);
        for server in members(state.members) {
            let at = &mut state.servers[usize::from(server)];
            if !self.ejects_for_good() {
                at.ejected = at.ejected.saturating_sub(1);
            }
            at.age = (at.age + 1).min(self.slow_start_ticks);
            if self.policy == Policy::PeakEwma {
                at.estimated = (at.estimated + 1).min(DECAYED_TICKS);
            }
        }
        let after = self.all_weights(state);
        for server in members(state.healthy).filter(|at| before[usize::from(*at)] != after[usize::from(*at)]) {
            self.count_changed(state, server);
        }
        if self.policy == Policy::PeakEwma {
            for call in &mut state.calls {
                if let Call::Running { ticks, late: false, .. } = call {
                    *ticks += 1;
                }
            }
        }
    }

    fn draws(&self, state: &State) -> Vec<Draw> {
        match self.policy {
            Policy::RoundRobin | Policy::SmoothWeighted | Policy::LeastConnections => vec![Draw::Nothing],
            Policy::PowerOfTwo | Policy::PeakEwma => {
                let count = self.candidates(state).count_ones() as u8;
                let seconds = 0..count.saturating_sub(1).max(1);
                let pairs = (0..count.max(1)).flat_map(|first| seconds.clone().map(move |second| (first, second)));
                pairs.map(|(first, second)| Draw::Two { first, second, of: count }).collect()
            }
            Policy::BoundedHash => (0..self.preferences.len() as u8).map(Draw::Key).collect(),
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Success,
    Failure,
    Cancelled,
    Panicked,
}

impl Model for Balancer {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let all = self.lists[0];
        let mut servers = [Server::default(); SERVERS_MAX];
        for server in members(all) {
            servers[usize::from(server)] = self.fresh(self.slow_start_ticks);
        }
        vec![State {
            members: all,
            healthy: all,
            servers,
            last: self.cursor(),
            tokens: 0,
            calls: [Call::Idle; SLOTS_MAX],
            history: History { told: all, ..History::default() },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut idle_seen = false;
        for slot in 0..self.slots {
            if state.calls[usize::from(slot)] != Call::Idle {
                actions.extend([Action::Complete { slot, success: true }, Action::Cancel { slot }]);
                if self.failures {
                    actions.push(Action::Complete { slot, success: false });
                }
                if self.panics {
                    actions.push(Action::Panic { slot });
                }
            } else if self.any_slot || !std::mem::replace(&mut idle_seen, true) {
                for draw in self.draws(state) {
                    actions.push(Action::Pick { slot, retry: false, draw });
                    if self.retries.is_some() {
                        actions.push(Action::Pick { slot, retry: true, draw });
                    }
                }
            }
        }
        if self.health_changes {
            actions.extend(
                members(state.members)
                    .map(|server| Action::SetHealth { server, healthy: state.history.told >> server & 1 == 0 }),
            );
        }
        actions.extend(
            self.lists.iter().filter(|list| **list != state.members).map(|list| Action::SetServers { list: *list }),
        );
        // The world brings no request that takes longer than a tick, where it matters how long they take.
        let in_time = state.calls.iter().all(|call| !matches!(call, Call::Running { ticks: 1, .. }));
        if self.keeps_time() && in_time {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = *before;
        match action {
            Action::Pick { slot, retry, draw } => self.pick(&mut after, slot, retry, draw),
            Action::Complete { slot, success: true } => self.complete(&mut after, slot, Ended::Success),
            Action::Complete { slot, success: false } => self.complete(&mut after, slot, Ended::Failure),
            Action::Cancel { slot } => self.complete(&mut after, slot, Ended::Cancelled),
            Action::Panic { slot } => self.complete(&mut after, slot, Ended::Panicked),
            Action::SetHealth { server, healthy } => self.set_health(&mut after, server, healthy),
            Action::SetServers { list } => self.set_servers(&mut after, list),
            Action::Tick => self.tick(&mut after),
        }
        if self.candidates(before) != self.candidates(&after) || self.all_weights(before) != self.all_weights(&after) {
            self.disturb(&mut after);
        }
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
