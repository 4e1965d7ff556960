//! One step of the model, and what comes of it.

use super::model::{Breach, Cache, DENIED, Fetch, Held, How, Kind, Phase, QUESTIONS, Reply, Seen, Stale, State, Told};

/// A step being made.
pub(super) struct Step<'a> {
    model: &'a Cache,
    pub(super) state: State,
    pub(super) told: Told,
}

/// Where an answer to a client comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Cache,
    Stale,
    Upstream,
}

impl<'a> Step<'a> {
    pub(super) fn new(model: &'a Cache, before: &State) -> Self {
        Step { model, state: State { seen: Seen::default(), ..before.clone() }, told: Told::default() }
    }

    pub(super) fn fetch(&self, layer: u8, question: u8) -> Option<Fetch> {
        self.state.layers[usize::from(layer)].fetches[usize::from(question)]
    }

    fn set_phase(&mut self, layer: u8, question: u8, phase: Phase) {
        if let Some(fetch) = &mut self.state.layers[usize::from(layer)].fetches[usize::from(question)] {
            fetch.phase = phase;
        }
    }

    /// What a cache holds that answers `question` and `counts`: a fact of its own, or that `n` does not exist.
    fn held(&self, layer: u8, question: u8, counts: impl Fn(&Held) -> bool) -> Option<Held> {
        let of_layer = &self.state.layers[usize::from(layer)];
        let has_soa = !self.model.shares_soa() || of_layer.soa_left.is_some();
        let is_told = |held: &Held| counts(held) && (has_soa || held.kind == Kind::Address);
        let of = |slot: usize| of_layer.held[slot].filter(is_told);
        let denied = (question < 2 || !self.model.covers_name_only()).then(|| of(DENIED)).flatten();
        let other = (self.model.no_data_covers_name() && question == 0).then(|| of(1)).flatten();
        of(question.into()).or(denied).or(other.filter(|held| held.kind == Kind::NoData))
    }

    fn ended(&self, layer: u8, question: u8) -> Option<(Held, Stale)> {
        let stale = self.model.stale?;
        let ended = |held: &Held| !self.model.lives(held) && self.model.is_kept(held);
        self.held(layer, question, ended).map(|held| (held, stale))
    }

    fn breach(&mut self, breach: Breach) {
        self.state.seen.breach.get_or_insert(breach);
    }

    pub(super) fn query(&mut self, client: u8, question: u8) {
        match self.ask(0, question) {
            Some((reply, from)) => self.tell(client, question, reply, from),
            None => self.state.clients[usize::from(client)] = Some(question),
        }
    }

    /// A cache is asked. `None`: whoever asks waits.
    fn ask(&mut self, layer: u8, question: u8) -> Option<(Reply, From)> {
        let model = self.model;
        if let Some(held) = self.held(layer, question, |held| model.lives(held)) {
            let lives = held.left > 0 || (model.serve_at_zero && held.left == 0);
            if !lives {
                self.breach(Breach::ToldEnded);
            }
            let reply = model.reply_of(&held);
            let ttl = self.soa_left(layer, reply.kind).or(reply.ttl);
            return Some((Reply { ttl, ..reply }, From::Cache));
        }
        let ended = self.ended(layer, question);
        let stale = ended.map(|(held, stale)| (model.stale_reply(&held, stale), From::Stale));
        let failed = self.state.layers[usize::from(layer)].failed[usize::from(question)] > 0;
        if failed && !model.asks_again_after_failure(stale.is_some()) {
            return Some(stale.unwrap_or((FAILURE, From::Upstream)));
        }
        let age = self.fetch(layer, question).map_or(0, |fetch| fetch.age);
        let waited = ended.is_some_and(|(_, stale)| age >= stale.client_timer);
        if self.fetch(layer, question).is_none() {
            if failed {
                self.breach(Breach::AskedFailed);
            }
            if self.is_denied(layer) {
                self.breach(Breach::AskedDenied);
            }
            let fetch = Fetch { age: 0, phase: Phase::Asked { over_tcp: false } };
            self.state.layers[usize::from(layer)].fetches[usize::from(question)] = Some(fetch);
            self.told.asked += 1;
        }
        if ended.is_some() && !waited && model.tells_stale_at_once() {
            self.breach(Breach::ToldStaleAtOnce);
            return stale;
        }
        stale.filter(|_| waited)
    }

    /// Whether a cache holds a living denial of `n`, under whatever question.
    fn is_denied(&self, layer: u8) -> bool {
        let held = &self.state.layers[usize::from(layer)].held;
        let denies =
            |slot: usize| held[slot].is_some_and(|held| held.kind == Kind::NxDomain && self.model.lives(&held));
        denies(DENIED) || denies(0) || denies(1)
    }

    pub(super) fn read(&mut self, layer: u8, question: u8, how: How) {
        let phase = if layer + 1 == self.model.layers {
            Phase::Replied(self.model.authority(self.state.version, question, how))
        } else {
            self.ask(layer + 1, question).map_or(Phase::Above, |(reply, _)| Phase::Replied(reply))
        };
        self.set_phase(layer, question, phase);
    }

    pub(super) fn deliver(&mut self, layer: u8, question: u8) {
        let Some(Fetch { phase: Phase::Replied(reply), .. }) = self.fetch(layer, question) else { return };
        if reply.partial && !self.model.caches_truncated() {
            self.set_phase(layer, question, Phase::Asked { over_tcp: true });
            self.told.asked += 1;
            self.told.over_tcp = true;
            return;
        }
        if reply.kind == Kind::Failure {
            return self.fail(layer, question);
        }
        self.state.layers[usize::from(layer)].failed[usize::from(question)] = 0;
        let uncapped = reply.ttl.filter(|_| self.model.tells_uncapped());
        let reply = Reply { ttl: reply.ttl.map(|ttl| self.model.cut_down(ttl)), ..reply };
        self.keep_soa(layer, reply);
        let told = self.soa_left(layer, reply.kind).or(uncapped);
        if let Some(ttl) = reply.ttl {
            self.store(layer, question, reply, ttl);
        }
        self.finish(layer, question, Reply { ttl: told.or(reply.ttl), ..reply }, From::Upstream);
    }

    /// Keeps the SOA record that a denial has brought, where they share it and there is none.
    fn keep_soa(&mut self, layer: u8, reply: Reply) {
        if let (Some(ttl), Kind::NoData | Kind::NxDomain, true) = (reply.ttl, reply.kind, self.model.shares_soa()) {
            self.state.layers[usize::from(layer)].soa_left.get_or_insert(ttl.cast_signed());
        }
    }

    /// What is left of the SOA record that a denial is told with, where they share it.
    fn soa_left(&self, layer: u8, kind: Kind) -> Option<u8> {
        let left = self.state.layers[usize::from(layer)].soa_left.filter(|_| kind != Kind::Address)?;
        Some(left.cast_unsigned())
    }

    fn store(&mut self, layer: u8, question: u8, reply: Reply, ttl: u8) {
        let model = self.model;
        let held = &mut self.state.layers[usize::from(layer)].held;
        let own = usize::from(question);
        let type_only = model.covers_type_only();
        let denies_name = reply.kind == Kind::NxDomain && own < 2 && !type_only;
        let before = *held;
        if ttl > 0 || !model.keeps_ended_on_zero_ttl() {
            match (denies_name, type_only) {
                (true, _) if model.covers_name_only() => [held[0], held[1], held[DENIED]] = [None; 3],
                (true, _) => *held = [None; QUESTIONS + 1],
                (false, true) => held[own] = None,
                (false, false) => {
                    held[own] = None;
                    if reply.kind != Kind::NxDomain {
                        held[DENIED] = None;
                    }
                }
            }
        }
        let Reply { kind, version, due, partial, .. } = reply;
        let fresh = Held { kind, version, left: ttl.cast_signed(), due, partial };
        if model.lives(&fresh) && !(ttl == 0 && model.keeps_nothing_for_zero()) {
            held[if denies_name { DENIED } else { own }] = Some(fresh);
        }
        let lived = |slot: &usize| before[*slot].is_some_and(|held| held.kind == Kind::Address && model.lives(&held));
        if model.soa.is_none() && kind == Kind::NxDomain && (0..=DENIED).any(|slot| lived(&slot)) {
            self.breach(Breach::DroppedForNothing);
        }
    }

    fn fail(&mut self, layer: u8, question: u8) {
        let ended = self.ended(layer, question);
        let retry = ended.map_or(0, |(_, stale)| stale.retry);
        self.state.layers[usize::from(layer)].failed[usize::from(question)] = retry.max(self.model.failure_ttl);
        let stale = ended.map(|(held, stale)| (self.model.stale_reply(&held, stale), From::Stale));
        let (reply, from) = stale.unwrap_or((FAILURE, From::Upstream));
        self.finish(layer, question, reply, from);
    }

    /// A question is over, and whoever waits is told.
    fn finish(&mut self, layer: u8, question: u8, reply: Reply, from: From) {
        self.state.layers[usize::from(layer)].fetches[usize::from(question)] = None;
        self.release(layer, question, reply, from);
    }

    fn release(&mut self, layer: u8, question: u8, reply: Reply, from: From) {
        if let Some(below) = layer.checked_sub(1) {
            if self.fetch(below, question).is_some_and(|fetch| fetch.phase == Phase::Above) {
                self.set_phase(below, question, Phase::Replied(reply));
            }
            return;
        }
        for client in 0..self.model.clients {
            if self.state.clients[usize::from(client)] == Some(question) {
                self.state.clients[usize::from(client)] = None;
                self.tell(client, question, reply, from);
            }
        }
    }

    fn tell(&mut self, client: u8, question: u8, reply: Reply, from: From) {
        let Reply { kind, version, ttl, due, .. } = reply;
        let version_told = if kind == Kind::Address { version } else { 0 };
        self.told.clients[usize::from(client)] = Some((kind, version_told, ttl.unwrap_or(0)));
        if kind == Kind::Failure {
            return;
        }
        let now = self.state.version;
        let is_true = kind == self.model.truth(now, question) && (kind != Kind::Address || version == now);
        let seen = &mut self.state.seen;
        seen.outdated |= !is_true;
        seen.hit |= from == From::Cache;
        seen.stale |= from == From::Stale;
        if from != From::Stale {
            seen.overdue = seen.overdue.max(due.min(0).unsigned_abs());
        }
        if kind != self.model.truth(version, question) {
            self.breach(Breach::ToldUntrue);
        }
        if from == From::Stale && ttl != self.model.stale.map(|stale| stale.ttl) {
            self.breach(Breach::ToldStaleTtl);
        }
    }

    pub(super) fn tick(&mut self) {
        for layer in 0..self.model.layers {
            let model = self.model;
            let of = &mut self.state.layers[usize::from(layer)];
            for slot in &mut of.held {
                slot.iter_mut().for_each(Held::age);
                *slot = slot.filter(|held| model.is_kept(held));
            }
            of.soa_left = of.soa_left.and_then(|left| left.checked_sub(1)).filter(|left| *left >= 0);
            of.failed.iter_mut().for_each(|ticks| *ticks = ticks.saturating_sub(1));
            for question in 0..model.questions {
                self.wait_longer(layer, question);
            }
        }
    }

    /// A question is a tick older: it may have failed, and who waits may have waited long enough.
    fn wait_longer(&mut self, layer: u8, question: u8) {
        let timeout = self.model.timeout;
        let Some(fetch) = &mut self.state.layers[usize::from(layer)].fetches[usize::from(question)] else { return };
        fetch.age += 1;
        if self.model.never_times_out() {
            fetch.age = fetch.age.min(timeout - 1);
        }
        let age = fetch.age;
        if age >= timeout {
            self.fail(layer, question);
        } else if let Some((held, stale)) = self.ended(layer, question)
            && age >= stale.client_timer
        {
            self.release(layer, question, self.model.stale_reply(&held, stale), From::Stale);
        }
    }

    pub(super) fn set_back(&mut self) {
        self.state.setbacks += 1;
        if self.model.trusts_wall_clock() {
            let held = self.state.layers.iter_mut().flat_map(|layer| &mut layer.held);
            held.flatten().for_each(|held| held.left += 1);
        }
    }
}

const FAILURE: Reply = Reply { kind: Kind::Failure, version: 0, ttl: None, due: 0, partial: false };
