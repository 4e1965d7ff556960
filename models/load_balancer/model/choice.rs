//! Which servers may be chosen, which one is, and what the rules say of it.

use super::{Balancer, Breach, Draw, History, Policy, SERVERS_MAX, State, TRIES_MAX, WEIGHT_PARTS, members};

impl Balancer {
    /// Servers that are healthy and not ejected, as bits.
    pub(crate) fn eligible(&self, state: &State) -> u8 {
        let healthy = members(state.healthy & state.members);
        healthy.filter(|at| state.servers[usize::from(*at)].ejected == 0).fold(0, |set, at| set | 1 << at)
    }

    /// Whether so few are eligible that all are chosen from.
    pub(crate) fn panics_now(&self, state: &State) -> bool {
        let eligible = self.eligible(state).count_ones() * 100;
        eligible < u32::from(self.panic_percent) * state.members.count_ones()
    }

    /// Servers that are chosen from, as bits.
    pub(super) fn candidates(&self, state: &State) -> u8 {
        let panics = self.panics_now(state) && !self.never_panics();
        if panics || self.ignores_health() { state.members } else { self.eligible(state) }
    }

    /// The weight that a server has at its age; where servers start slowly, in parts.
    fn weight(&self, state: &State, server: u8, grows: bool) -> u8 {
        let whole = self.weights[usize::from(server)];
        match self.policy {
            _ if self.has_no_weights() => 1,
            Policy::RoundRobin => 1,
            _ if self.slow_start_ticks == 0 => whole,
            _ => {
                let age = if grows { state.servers[usize::from(server)].age } else { self.slow_start_ticks };
                self.grown(whole, age)
            }
        }
    }

    /// The part of a `whole` weight that a server has at `age`, as [`WEIGHT_PARTS`] for each.
    fn grown(&self, whole: u8, age: u8) -> u8 {
        if let Some(grown) = self.grown_from_sixteenth(whole, age) {
            return grown;
        }
        let whole = u16::from(whole * WEIGHT_PARTS);
        let grown = whole * u16::from(age) / u16::from(self.slow_start_ticks);
        let least = whole * u16::from(self.slow_start_from_percent) / 100;
        self.whole_weights(grown.max(least)) as u8
    }

    fn weight_taken(&self, state: &State, server: u8) -> u8 {
        if self.forgets_weights() { 1 } else { self.weight(state, server, !self.starts_at_full_weight()) }
    }

    pub(super) fn all_weights(&self, state: &State) -> [u8; SERVERS_MAX] {
        std::array::from_fn(|at| if at < self.weights.len() { self.weight(state, at as u8, true) } else { 0 })
    }

    /// Number of requests in a whole cycle.
    pub(in crate::load_balancer) fn cycle(&self, state: &State) -> u8 {
        members(self.candidates(state)).map(|server| self.weight(state, server, true)).sum()
    }

    /// Whether `left` has fewer requests in flight for its weight.
    fn is_freer(&self, state: &State, left: u8, right: u8) -> bool {
        let cost = |at: u8| u16::from(state.servers[usize::from(at)].in_flight) + 1;
        let weight = |at: u8| u16::from(self.weight_taken(state, at));
        cost(left) * weight(right) < cost(right) * weight(left)
    }

    /// Whether `left` is expected to answer sooner.
    fn is_sooner(&self, state: &State, left: u8, right: u8) -> bool {
        let cost = |at: u8| {
            let server = state.servers[usize::from(at)];
            (u16::from(server.estimate) + 1) * (u16::from(server.in_flight) + 1)
        };
        cost(left) < cost(right)
    }

    /// Most requests that a server may have after this one.
    fn share(&self, state: &State, candidates: u8) -> u32 {
        let total: u32 = members(candidates).map(|at| u32::from(state.servers[usize::from(at)].in_flight)).sum();
        ((100 + u32::from(self.epsilon_percent)) * (total + 1)).div_ceil(100 * candidates.count_ones())
    }

    fn has_room(&self, state: &State, server: u8, candidates: u8) -> bool {
        u32::from(state.servers[usize::from(server)].in_flight) < self.share(state, candidates)
    }

    /// The two servers drawn.
    fn drawn(&self, candidates: u8, first: u8, second: u8) -> (u8, u8) {
        let list: Vec<u8> = members(candidates).collect();
        let other = if self.draws_same_twice() || second < first { second } else { second + 1 };
        (list[usize::from(first)], list[usize::from(other).min(list.len() - 1)])
    }

    /// Chooses, and keeps what the policy has to remember.
    pub(super) fn choose(&self, state: &mut State, draw: Draw) -> Option<u8> {
        let candidates = self.candidates(state);
        let list = || members(candidates);
        if self.expands_weights() {
            // A cursor moves on though nobody is chosen.
            return self.walk_expanded(state, candidates);
        }
        if candidates == 0 {
            return None;
        }
        if let Some(order) = self.own_cycle() {
            let place = usize::from(state.last);
            state.last = ((place + 1) % order.len()) as u8;
            return Some(order[place]);
        }
        let server = match (self.policy, draw) {
            (Policy::RoundRobin, _) => {
                let server = list().find(|at| usize::from(state.last) < SERVERS_MAX && *at > state.last);
                let server = server.or_else(|| list().next())?;
                state.last = server;
                server
            }
            (Policy::SmoothWeighted, _) if self.is_naive() => self.choose_in_one_go(state, candidates)?,
            (Policy::SmoothWeighted, _) => self.take_turns(state, candidates)?,
            (Policy::LeastConnections, _) if self.takes_longest_unchanged() => {
                let before = |left: u8, right: u8| {
                    let place = |at: u8| state.servers[usize::from(at)].current;
                    let freer = |left, right| self.is_idler(state, left, right);
                    freer(left, right) || !freer(right, left) && place(left) < place(right)
                };
                let server = list().reduce(|best, at| if before(at, best) { at } else { best })?;
                self.count_changed(state, server);
                server
            }
            (Policy::LeastConnections, _) if self.ties_in_turn() => {
                let least = list().filter(|at| !list().any(|other| self.is_less_busy(state, other, *at)));
                let tied: u8 = least.fold(0, |set, at| set | 1 << at);
                if tied.is_power_of_two() { tied.trailing_zeros() as u8 } else { self.take_turns(state, tied)? }
            }
            (Policy::LeastConnections, _) => {
                list().reduce(|best, at| if self.is_freer(state, at, best) { at } else { best })?
            }
            (Policy::PowerOfTwo, Draw::Two { first, second, .. }) => {
                let (first, second) = self.drawn(candidates, first, second);
                if self.is_freer(state, second, first) { second } else { first }
            }
            (Policy::PeakEwma, Draw::Two { first, second, .. }) => {
                let (first, second) = self.drawn(candidates, first, second);
                if self.is_sooner(state, second, first) { second } else { first }
            }
            (Policy::BoundedHash, Draw::Key(key)) if self.hashes_by_position() => {
                self.choose_by_position(state, candidates, key)?
            }
            (Policy::BoundedHash, Draw::Key(key)) => {
                let mut tried = self.tried(key, candidates);
                tried.find(|at| self.ignores_bound() || self.has_room(state, *at, candidates))?
            }
            (Policy::PowerOfTwo | Policy::PeakEwma | Policy::BoundedHash, _) => return None,
        };
        Some(server)
    }

    /// Chooses the one of `servers` that is owed most, once each is owed its weight more.
    fn take_turns(&self, state: &mut State, servers: u8) -> Option<u8> {
        let mut sum = 0;
        for at in members(servers) {
            let weight = self.weight_taken(state, at) as i8;
            state.servers[usize::from(at)].current += weight;
            sum += weight;
        }
        let owed = |at: &u8| state.servers[usize::from(*at)].current;
        let server = members(servers).reduce(|best, at| if owed(&at) > owed(&best) { at } else { best })?;
        state.servers[usize::from(server)].current -= sum;
        Some(server)
    }

    /// Whether `left` is idle and `right` is not, or both are busy, and `left` less so for its weight.
    fn is_idler(&self, state: &State, left: u8, right: u8) -> bool {
        let is_busy = |at: u8| state.servers[usize::from(at)].in_flight > 0;
        match (is_busy(left), is_busy(right)) {
            (true, true) => self.is_freer(state, left, right),
            (left, right) => !left && right,
        }
    }

    /// Puts `server` behind all others, for [`Quirk::LongestUnchanged`](super::Quirk::LongestUnchanged): of their places
    /// nothing is kept but the order.
    pub(super) fn count_changed(&self, state: &mut State, server: u8) {
        if !self.takes_longest_unchanged() {
            return;
        }
        state.servers[usize::from(server)].current = i8::MAX;
        let mut places: Vec<i8> = members(state.members).map(|at| state.servers[usize::from(at)].current).collect();
        places.sort_unstable();
        places.dedup();
        for at in members(state.members) {
            let place = &mut state.servers[usize::from(at)].current;
            *place = places.iter().position(|other| other == place).unwrap_or(0) as i8;
        }
    }

    /// Whether `left` has fewer requests in flight for its weight, where one that is to come is not counted.
    fn is_less_busy(&self, state: &State, left: u8, right: u8) -> bool {
        let busy = |at: u8| u16::from(state.servers[usize::from(at)].in_flight);
        let weight = |at: u8| u16::from(self.weight_taken(state, at));
        busy(left) * weight(right) < busy(right) * weight(left)
    }

    /// Chooses the same server until its weight is used up. What is owed is counted down from the weight before the
    /// next has its turn.
    fn choose_in_one_go(&self, state: &mut State, candidates: u8) -> Option<u8> {
        let list = || members(candidates);
        let owed = list().find(|at| state.servers[usize::from(*at)].current > 0);
        let server = owed.or_else(|| {
            for at in list() {
                state.servers[usize::from(at)].current = self.weight_taken(state, at) as i8;
            }
            list().next()
        })?;
        state.servers[usize::from(server)].current -= 1;
        Some(server)
    }

    /// Chooses the server at the key's place in the list, or the next one with room.
    fn choose_by_position(&self, state: &State, candidates: u8, key: u8) -> Option<u8> {
        let list: Vec<u8> = members(candidates).collect();
        let turn = (0..list.len()).map(|step| list[(usize::from(key) + step) % list.len()]);
        turn.into_iter().find(|at| self.has_room(state, *at, candidates))
    }

    /// Chooses by a cursor over a list that holds each server as often as its weight
    /// ([`Quirk::ExpandsWeights`](super::Quirk::ExpandsWeights)).
    fn walk_expanded(&self, state: &mut State, candidates: u8) -> Option<u8> {
        let each_once: Vec<u8> = members(state.members).collect();
        let weight = |at: u8| usize::from(self.weights[usize::from(at)]);
        let expanded: Vec<u8> = each_once.iter().flat_map(|at| std::iter::repeat_n(*at, weight(*at))).collect();
        if each_once.is_empty() {
            return None;
        }
        // It counts without end; more than its remainders by both lengths is not read from it.
        let ends = each_once.len() * expanded.len();
        let mut cursor = usize::from(state.last);
        let mut step = || {
            let at = cursor;
            cursor = (cursor + 1) % ends;
            at
        };
        let mut found = Some(expanded[step() % expanded.len()]).filter(|at| candidates >> at & 1 == 1);
        for tried in 1..=TRIES_MAX {
            if found.is_some() {
                break;
            }
            let at = each_once[step() % each_once.len()];
            // Who comes after the last try has moved the cursor and is not looked at.
            found = (tried < TRIES_MAX && candidates >> at & 1 == 1).then_some(at);
        }
        state.last = cursor as u8;
        found
    }

    /// The candidates in the order in which `key` tries them.
    fn tried(&self, key: u8, candidates: u8) -> impl Iterator<Item = u8> {
        self.preferences[usize::from(key)].into_iter().filter(move |at| candidates >> at & 1 == 1)
    }

    /// Keeps the history variables; `before` is the state in which `server` was chosen.
    pub(super) fn remember_pick(&self, before: &State, server: u8, retry: bool, draw: Draw, history: &mut History) {
        let eligible = self.eligible(before);
        let due = if self.panics_now(before) { before.members } else { eligible };
        history.note(Breach::SentToUnhealthy, due >> server & 1 == 0);
        match self.policy {
            Policy::RoundRobin | Policy::SmoothWeighted => self.remember_turn(before, server, history),
            Policy::PowerOfTwo => {
                // Where all are the same weight, and nobody else has as many.
                let busy = |at: u8| before.servers[usize::from(at)].in_flight;
                let mut others = members(due).filter(|at| *at != server).peekable();
                let compared = others.peek().is_some();
                history.note(
                    Breach::ChoseBusiest,
                    compared && others.all(|at| self.is_freer(before, at, server) && busy(at) < busy(server)),
                );
            }
            Policy::BoundedHash => {
                history.note(Breach::OverShare, !self.has_room(before, server, due));
                if let Draw::Key(key) = draw {
                    let sound = self.tried(key, due).find(|at| self.has_room(before, *at, due));
                    let is_over = history.has(Breach::OverShare);
                    history.note(Breach::RemappedNeedlessly, !is_over && sound != Some(server));
                }
            }
            Policy::LeastConnections | Policy::PeakEwma => {}
        }
        if let Some(retries) = self.retries {
            if retry {
                history.note(Breach::RetriedOverBudget, history.tokens < retries.cost);
                history.tokens = history.tokens.saturating_sub(retries.cost);
            } else {
                history.tokens = (history.tokens + 1).min(retries.tokens_max);
            }
        }
    }

    fn remember_turn(&self, before: &State, server: u8, history: &mut History) {
        let candidates = self.candidates(before);
        if self.policy == Policy::RoundRobin {
            for at in members(candidates) {
                let waited = &mut history.waited[usize::from(at)];
                *waited = if at == server { 0 } else { (*waited + 1).min(SERVERS_MAX as u8) };
            }
        }
        if history.disturbed {
            return;
        }
        let cycle = self.cycle(before);
        for at in members(candidates) {
            let lead = &mut history.lead[usize::from(at)];
            let had = if at == server { cycle as i8 } else { 0 };
            *lead = (*lead + had - self.weight(before, at, true) as i8).clamp(-100, 100);
        }
        history.position = (history.position + 1) % cycle;
    }

    /// Stops counting shares, and ends the wait of servers that cannot be chosen.
    pub(super) fn disturb(&self, state: &mut State) {
        if matches!(self.policy, Policy::RoundRobin | Policy::SmoothWeighted) {
            (state.history.lead, state.history.position, state.history.disturbed) = ([0; SERVERS_MAX], 0, true);
        }
        let candidates = self.candidates(state);
        for at in (0..SERVERS_MAX as u8).filter(|at| candidates >> at & 1 == 0) {
            state.history.waited[usize::from(at)] = 0;
        }
    }
}
