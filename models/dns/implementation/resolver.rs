//! The whole resolver, without sockets, clock or random source: a [`Core`] for the clients; and for each question that it
//! asks a walk down from the root, by [`Delegations`], with [`Exchanges`] that know an answer from a forged one, within the
//! [`Limits`](crate::dns::work::implementation::Limits) of one budget.
//!
//! Memory is bounded by the [`Settings`]: what the core bounds, zones, and questions on their way. There are no more walks
//! than questions under way, each remembers no more names than it may follow aliases, and no more than its depth.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::core::{Answer, Core, Effect, Response};
use super::delegations::Delegations;
use super::message::{Finding, Message};
use super::name::{Data, Name, Question, Record, Type};
use super::settings::{Settings, SettingsError};
use super::store::{Fact, Rank};
use super::walk::{Place, Walk};
use crate::dns::poison::implementation::{Draw, Exchanges, Ignored};
use crate::dns::work::implementation::{Next, Reply, Resolution};

/// Servers of one zone that are asked, at most; and addresses of one server.
const SERVERS_MAX: usize = 16;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act<C> {
    /// A client is told.
    Tell {
        /// The client.
        client: C,
        /// What it had asked.
        question: Question,
        /// What came of it.
        answer: Answer,
    },
    /// A server is asked.
    Send {
        /// The server.
        server: SocketAddr,
        /// Whether over TCP.
        over_tcp: bool,
        /// The port that it is sent from; of TCP 0.
        port: u16,
        /// The message.
        message: Message,
    },
}

/// Draws an id, and a port to send from to that server: port 0 over TCP, which is told. `None` if there is none to be had.
pub type Draws<'a> = &'a mut dyn FnMut(SocketAddr, bool) -> Option<Draw>;

/// A question on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flight {
    draw: Draw,
    deadline_ms: u64,
    walk: Question,
    /// Walks that need the same, and ask when it has come to an end.
    waiting: Vec<Question>,
}

/// A resolver for clients of type `C`. Times are of one monotonic clock, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolver<C> {
    settings: Settings,
    core: Core<C>,
    delegations: Delegations,
    exchanges: Exchanges,
    flights: BTreeMap<Question, Flight>,
    walks: BTreeMap<Question, Walk>,
    /// Goes round, so that not the same server is looked for each time.
    turn: usize,
}

impl<C: Clone> Resolver<C> {
    /// A resolver that knows the root's servers and nothing else.
    ///
    /// # Errors
    /// The settings make no sense.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        match settings {
            Settings { ref roots, .. } if roots.is_empty() => Err(SettingsError::NoRoot),
            Settings { exchange_timeout_ms: 0, .. } => Err(SettingsError::Timeout),
            Settings { exchanges_max: 0, .. } => Err(SettingsError::Exchanges),
            settings => Ok(Resolver {
                core: Core::new(settings.cache.clone())?,
                delegations: Delegations::new(settings.zones_max, settings.cache.ttl_s_max),
                exchanges: Exchanges::new(settings.exchanges_max),
                flights: BTreeMap::new(),
                walks: BTreeMap::new(),
                turn: 0,
                settings,
            }),
        }
    }

    /// What is kept.
    pub fn core(&self) -> &Core<C> {
        &self.core
    }

    /// Zones whose servers are known.
    pub fn delegations(&self) -> &Delegations {
        &self.delegations
    }

    /// Questions that are being looked for.
    pub fn walks(&self) -> usize {
        self.walks.len()
    }

    /// Whether an answer to what was asked with `draw` would still count.
    pub fn is_on_its_way(&self, question: &Question, draw: Draw) -> bool {
        self.flights.get(question).is_some_and(|flight| flight.draw == draw)
    }

    /// A client asks.
    pub fn query(&mut self, client: C, question: Question, now_ms: u64, draws: Draws<'_>) -> Vec<Act<C>> {
        let effects = self.core.query(client, question, now_ms);
        let mut acts = Vec::with_capacity(effects.len());
        let mut begun = VecDeque::new();
        for effect in effects {
            match effect {
                Effect::Tell { client, question, answer } => acts.push(Act::Tell { client, question, answer }),
                Effect::Ask { question, .. } => {
                    self.begin(question.clone(), now_ms);
                    begun.push_back(question);
                }
            }
        }
        self.go_on(begun, now_ms, draws, &mut acts);
        acts
    }

    /// A message has come from `from` to our `port`; of TCP, 0.
    ///
    /// # Errors
    /// It answers nothing, and why. It is as if it had not come.
    pub fn receive(
        &mut self,
        message: &Message,
        from: SocketAddr,
        port: u16,
        now_ms: u64,
        draws: Draws<'_>,
    ) -> Result<Vec<Act<C>>, Ignored> {
        let (question, finding) = self.exchanges.receive(message, from, port)?;
        Ok(self.land(&question, Some(finding), now_ms, draws))
    }

    /// What was asked with `draw` cannot be answered: it could not be sent, or the connection has ended.
    pub fn lose(&mut self, question: &Question, draw: Draw, now_ms: u64, draws: Draws<'_>) -> Vec<Act<C>> {
        if !self.is_on_its_way(question, draw) {
            return Vec::new();
        }
        self.exchanges.give_up(question);
        self.land(question, None, now_ms, draws)
    }

    /// Time has gone by: who was asked too long ago will not answer, and what nobody waits for any more is not looked for.
    pub fn tick(&mut self, now_ms: u64, draws: Draws<'_>) -> Vec<Act<C>> {
        let tells = self.core.tick(now_ms);
        let mut acts: Vec<Act<C>> = tells.into_iter().filter_map(told).collect();
        let core = &self.core;
        self.walks.retain(|question, _| core.is_fetching(question));
        self.delegations.expire(now_ms);
        let (walks, flights) = (&self.walks, &mut self.flights);
        flights.values_mut().for_each(|flight| flight.waiting.retain(|walk| walks.contains_key(walk)));
        let is_over = |flight: &Flight| flight.deadline_ms <= now_ms || !walks.contains_key(&flight.walk);
        let over = flights.iter().filter(|(_, flight)| is_over(flight));
        let over: Vec<Question> = over.map(|(question, _)| question.clone()).collect();
        for question in over {
            self.exchanges.give_up(&question);
            acts.extend(self.land(&question, None, now_ms, draws));
        }
        acts
    }

    /// Moves every instant by `by_ms` towards 0, as when the clock is begun anew. What never ends still does not.
    pub fn rebase(&mut self, by_ms: u64) {
        self.core.rebase(by_ms);
        self.delegations.rebase(by_ms);
        for flight in self.flights.values_mut().filter(|flight| flight.deadline_ms < u64::MAX) {
            flight.deadline_ms = flight.deadline_ms.saturating_sub(by_ms);
        }
    }

    fn begin(&mut self, question: Question, now_ms: u64) {
        let place = self.place(question.clone(), now_ms);
        let resolution = Resolution::new(question.name.clone(), place.servers.len(), self.settings.limits);
        self.walks.insert(question, Walk { resolution, places: vec![place], chain: Vec::new(), end: None });
    }

    /// Where to ask for it: the nearest zone of which a server's address is known, or the root.
    fn place(&self, question: Question, now_ms: u64) -> Place {
        let near = self.delegations.of(&question.name, now_ms).find_map(|(zone, names)| {
            let servers = self.addresses(&names, now_ms);
            (!servers.is_empty()).then_some((zone, servers, names))
        });
        let root = || (Name::root(), self.settings.roots.clone(), Arc::from([]));
        let (zone, servers, names) = near.unwrap_or_else(root);
        Place { question, zone, servers, names, over_tcp: false }
    }

    fn addresses(&self, names: &[Name], now_ms: u64) -> Vec<SocketAddr> {
        let kinds: &[Type] = if self.settings.uses_ipv6 { &[Type::A, Type::AAAA] } else { &[Type::A] };
        let questions =
            names.iter().flat_map(|name| kinds.iter().map(|kind| Question { name: name.clone(), kind: *kind }));
        let facts = questions.filter_map(|question| self.core.hint(&question, now_ms));
        let of_fact = |fact: Fact| match fact {
            Fact::Records(records) => records.iter().filter_map(address).collect(),
            Fact::NoData(_) | Fact::NxDomain(_) | Fact::Dangling { .. } => Vec::new(),
        };
        let asked = facts.flat_map(|fact| of_fact(fact).into_iter().take(SERVERS_MAX));
        asked.filter(|ip| self.may_ask(*ip)).take(SERVERS_MAX).map(|ip| (ip, self.settings.port).into()).collect()
    }

    /// Nobody is asked at an address that is no single machine's.
    fn may_ask(&self, ip: IpAddr) -> bool {
        let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        let is_one = !(ip.is_unspecified() || ip.is_multicast() || is_broadcast);
        is_one && (self.settings.asks_loopback || !ip.to_canonical().is_loopback())
    }

    /// A question is on its way no more. What has come of it is kept, and its walk goes on, as do those that waited.
    fn land(&mut self, question: &Question, finding: Option<Finding>, now_ms: u64, draws: Draws<'_>) -> Vec<Act<C>> {
        let Some(flight) = self.flights.remove(question) else { return Vec::new() };
        self.found(&flight.walk, finding.unwrap_or(Finding::Failure), now_ms);
        let mut ready = VecDeque::from([flight.walk]);
        ready.extend(flight.waiting);
        let mut acts = Vec::new();
        self.go_on(ready, now_ms, draws, &mut acts);
        acts
    }

    /// What `finding` means for the walk of `key`.
    fn found(&mut self, key: &Question, finding: Finding, now_ms: u64) {
        let Some(mut walk) = self.walks.remove(key) else { return };
        let at_clients = walk.is_at_clients();
        if let Some(place) = walk.places.last_mut() {
            let question = place.question.clone();
            let was_over_tcp = std::mem::take(&mut place.over_tcp);
            match finding {
                Finding::Truncated if !was_over_tcp => {
                    place.over_tcp = true;
                    walk.resolution.on_reply(Reply::Truncated);
                }
                Finding::Truncated | Finding::Failure => walk.resolution.on_reply(Reply::Nothing),
                Finding::Records(records) => self.arrive(&mut walk, Response::Records(records), now_ms),
                Finding::NoData(denial) => self.arrive(&mut walk, Response::NoData(denial), now_ms),
                Finding::NxDomain(denial) => self.arrive(&mut walk, Response::NxDomain(denial), now_ms),
                Finding::Alias { record, target } => {
                    let alias = Question { name: question.name, kind: Type::CNAME };
                    self.core.keep(&alias, Response::Records(vec![record.clone()]), Rank::Answer, now_ms);
                    // The name of a server is no alias (RFC 2181 §10.3).
                    if at_clients {
                        self.follow(&mut walk, record, target, now_ms)
                    } else {
                        walk.resolution.on_reply(Reply::Nothing)
                    }
                }
                Finding::Referral { zone, servers, glue } => self.refer(&mut walk, &zone, &servers, glue, now_ms),
            }
        }
        self.walks.insert(key.clone(), walk);
    }

    /// What was looked for last is known.
    fn arrive(&mut self, walk: &mut Walk, response: Response, now_ms: u64) {
        let Some(place) = walk.places.last() else { return };
        // The client's own question is kept when it is answered.
        if !(walk.is_at_clients() && walk.chain.is_empty()) {
            self.core.keep(&place.question, response.clone(), Rank::Answer, now_ms);
        }
        if walk.is_at_clients() {
            walk.end = Some(response);
            return walk.resolution.on_reply(Reply::Address);
        }
        let Response::Records(records) = response else { return walk.resolution.on_reply(Reply::Nothing) };
        let ips = records.iter().filter_map(address).filter(|ip| self.may_ask(*ip));
        let servers: Vec<SocketAddr> = ips.take(SERVERS_MAX).map(|ip| (ip, self.settings.port).into()).collect();
        if servers.is_empty() {
            return walk.resolution.on_reply(Reply::Nothing);
        }
        walk.places.pop();
        walk.resolution.on_reply(Reply::Server(servers.len()));
        if let Some(place) = walk.places.last_mut() {
            place.servers = servers;
        }
    }

    fn follow(&mut self, walk: &mut Walk, record: Record, target: Name, now_ms: u64) {
        let Some(kind) = walk.places.last().map(|place| place.question.kind) else { return };
        let place = self.place(Question { name: target.clone(), kind }, now_ms);
        walk.resolution.begin_with(place.servers.len());
        walk.resolution.on_reply(Reply::Alias(target));
        walk.chain.push(record);
        walk.places.pop();
        walk.places.push(place);
    }

    fn refer(&mut self, walk: &mut Walk, zone: &Name, servers: &[Record], glue: Vec<Record>, now_ms: u64) {
        let Some(place) = walk.places.last_mut() else { return };
        let ttl_s = servers.iter().map(|record| record.ttl_s).min().unwrap_or(0);
        let names = servers.iter().filter_map(|record| match &record.data {
            Data::Ns(name) => Some(name.clone()),
            _ => None,
        });
        let names: Arc<[Name]> = names.take(SERVERS_MAX).collect();
        self.delegations.refer(zone, names.clone(), ttl_s, &place.zone, now_ms);
        let mut addresses: Vec<SocketAddr> = Vec::new();
        let mut by_question: BTreeMap<Question, Vec<Record>> = BTreeMap::new();
        for record in glue {
            let question = Question { name: record.name.clone(), kind: record.data.kind() };
            by_question.entry(question).or_default().push(record);
        }
        for (question, records) in by_question {
            let is_used = question.kind == Type::A || self.settings.uses_ipv6;
            let ips = records.iter().filter_map(address).filter(|ip| is_used && self.may_ask(*ip));
            addresses.extend(ips.take(SERVERS_MAX).map(|ip| SocketAddr::from((ip, self.settings.port))));
            self.core.keep(&question, Response::Records(records), Rank::Additional, now_ms);
        }
        // What is known better than by glue goes before it.
        let known = self.addresses(&names, now_ms);
        let mut servers = if known.is_empty() { addresses } else { known };
        servers.truncate(SERVERS_MAX);
        if !servers.is_empty() {
            walk.resolution.on_reply(Reply::Delegation(servers.len()));
            (place.zone, place.servers, place.names) = (zone.clone(), servers, names);
            return;
        }
        let is_looked_for = |name: &Name| walk.places.iter().any(|place| place.question.name == *name);
        let mut named: Vec<Name> =
            names.iter().filter(|name| !name.is_within(zone) && !is_looked_for(name)).cloned().collect();
        if named.is_empty() || walk.places.len() >= self.settings.limits.depth_max {
            return walk.resolution.on_reply(Reply::Nothing);
        }
        self.turn = self.turn.wrapping_add(1);
        let turns = self.turn % named.len();
        named.rotate_left(turns);
        named.truncate(1);
        if let Some(place) = walk.places.last_mut() {
            (place.zone, place.servers, place.names) = (zone.clone(), Vec::new(), names);
        }
        let server = Question { name: named[0].clone(), kind: Type::A };
        let place = self.place(server, now_ms);
        walk.resolution.begin_with(place.servers.len());
        walk.resolution.on_reply(Reply::Referral(named));
        walk.places.push(place);
    }

    /// Walks that can go on do, until each waits for an answer or is over.
    fn go_on(&mut self, mut ready: VecDeque<Question>, now_ms: u64, draws: Draws<'_>, acts: &mut Vec<Act<C>>) {
        while let Some(key) = ready.pop_front() {
            let Some(walk) = self.walks.get(&key) else { continue };
            let (Next::Ask { server, .. }, Some(place)) = (walk.resolution.next(), walk.places.last()) else {
                self.end(&key, now_ms, acts);
                continue;
            };
            if let Some(finding) = self.known(&place.question, now_ms) {
                self.found(&key, finding, now_ms);
                ready.push_back(key);
                continue;
            }
            if let Some(flight) = self.flights.get_mut(&place.question) {
                flight.waiting.push(key);
                continue;
            }
            let Some(address) = place.servers.get(server).copied() else {
                self.found(&key, Finding::Failure, now_ms);
                ready.push_back(key);
                continue;
            };
            let (question, zone, over_tcp) = (place.question.clone(), place.zone.clone(), place.over_tcp);
            let drawn = draws(address, over_tcp);
            let asked = drawn.and_then(|draw| {
                self.exchanges.ask(question.clone(), zone, address, draw).ok().map(|message| (draw, message))
            });
            match asked {
                Some((draw, message)) => {
                    let deadline_ms = now_ms.saturating_add(self.settings.exchange_timeout_ms);
                    self.flights.insert(question, Flight { draw, deadline_ms, walk: key, waiting: Vec::new() });
                    acts.push(Act::Send { server: address, over_tcp, port: draw.port, message });
                }
                // There is no room: whoever waits is told so at once.
                None => self.end(&key, now_ms, acts),
            }
        }
    }

    /// What is kept of it, as if a server had said it now; what is left of its life is its life.
    fn known(&self, question: &Question, now_ms: u64) -> Option<Finding> {
        let aged =
            |records: &[Record], ttl_s| records.iter().map(|record| Record { ttl_s, ..record.clone() }).collect();
        let (fact, ttl_s) = match self.core.peek(question, now_ms) {
            Some((Fact::Records(records), ttl_s))
                if records.iter().all(|record| record.data.kind() == question.kind) =>
            {
                return Some(Finding::Records(aged(&records, ttl_s)));
            }
            Some((Fact::NoData(Some(denial)), ttl_s)) => {
                return Some(Finding::NoData(Some(super::name::Denial { ttl_s, ..(*denial).clone() })));
            }
            Some((Fact::NxDomain(Some(denial)), ttl_s)) => {
                return Some(Finding::NxDomain(Some(super::name::Denial { ttl_s, ..(*denial).clone() })));
            }
            // It is an alias, whose first step is kept by itself.
            _ => self.core.peek(&Question { name: question.name.clone(), kind: Type::CNAME }, now_ms)?,
        };
        let Fact::Records(records) = fact else { return None };
        let [record] = &records[..] else { return None };
        let Data::Cname(target) = &record.data else { return None };
        Some(Finding::Alias { record: Record { ttl_s, ..record.clone() }, target: target.clone() })
    }

    fn end(&mut self, key: &Question, now_ms: u64, acts: &mut Vec<Act<C>>) {
        if let Some(walk) = self.walks.remove(key) {
            let effects = self.core.on_response(key, walk.response(), now_ms);
            acts.extend(effects.into_iter().filter_map(told));
        }
    }
}

/// A walk asks for itself: the core is never told that an answer was truncated, and so asks for nothing more.
fn told<C>(effect: Effect<C>) -> Option<Act<C>> {
    match effect {
        Effect::Tell { client, question, answer } => Some(Act::Tell { client, question, answer }),
        Effect::Ask { .. } => None,
    }
}

fn address(record: &Record) -> Option<IpAddr> {
    match record.data {
        Data::A(ip) => Some(ip.into()),
        Data::Aaaa(ip) => Some(ip.into()),
        _ => None,
    }
}
