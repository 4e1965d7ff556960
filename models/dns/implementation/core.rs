//! A cache between clients and an upstream: it answers from what it has, asks for what it lacks, and never asks twice at
//! once for the same.
//!
//! Memory is bounded by the configuration: facts and their octets, questions under way, clients that wait for each, and failures that are
//! remembered each have a bound, and what comes beyond it is answered at once with a failure, or forgotten first.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::name::{Data, Denial, Name, Question, Record};
use super::store::{Fact, Rank, Store};

/// A TTL with its top bit set counts as 0 (RFC 2181 §8). RFC 8767 §4 reads it as large, and cuts it to the bound; 0 is the
/// reading that keeps nothing longer than anybody meant.
const TTL_S_MAX: u32 = i32::MAX as u32;

/// How long a failure is remembered (RFC 9520 §3.2): at least a second, at most five minutes.
const FAILURE_TTL_MS: std::ops::RangeInclusive<u64> = 1_000..=300_000;

/// Bounds and times.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Seconds that a record is kept for at most.
    pub ttl_s_max: u32,
    /// Seconds that a denial is kept for at most (RFC 2308 §5).
    pub negative_ttl_s_max: u32,
    /// Whether a record of TTL n is still told n seconds later, to the millisecond.
    pub serve_at_zero: bool,
    /// Milliseconds for which a failure is remembered: 1,000 to 300,000.
    pub failure_ttl_ms: u64,
    /// Milliseconds after which a question upstream has failed.
    pub timeout_ms: u64,
    /// Whether and when clients are told what has ended.
    pub stale: Option<Stale>,
    /// Facts that are kept.
    pub entries_max: usize,
    /// Octets that they take: see [`Store::octets`].
    pub octets_max: usize,
    /// Questions upstream at once, and failures that are remembered.
    pub fetches_max: usize,
    /// Clients that wait for one question.
    pub waiting_max: usize,
}

/// Telling what has ended, where nothing better can be had (RFC 8767).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stale {
    /// Milliseconds after its end for which a fact can still be told.
    pub keep_ms: u64,
    /// Milliseconds that a client waits for something better.
    pub client_timer_ms: u64,
    /// Milliseconds for which nobody asks again after asking has failed.
    pub retry_ms: u64,
    /// Seconds that a client is told it may keep it for.
    pub ttl_s: u32,
}

impl Default for Stale {
    /// The times that RFC 8767 recommends, and a day.
    fn default() -> Self {
        Stale { keep_ms: 86_400_000, client_timer_ms: 1_800, retry_ms: 30_000, ttl_s: 30 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            ttl_s_max: 86_400,
            negative_ttl_s_max: 10_800,
            serve_at_zero: false,
            failure_ttl_ms: 5_000,
            timeout_ms: 5_000,
            stale: None,
            entries_max: 100_000,
            octets_max: 64 << 20,
            fetches_max: 1_000,
            waiting_max: 100,
        }
    }
}

/// Why a configuration is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A failure is remembered for too short or too long.
    #[error("failure_ttl_ms is {found}, it must be between 1000 and 300000")]
    FailureTtl {
        /// What was asked for.
        found: u64,
    },
    /// A question would never, or always, have failed.
    #[error("timeout_ms is 0, it must be at least 1")]
    Timeout,
    /// There would be no room for a single question.
    #[error("fetches_max is 0, it must be at least 1")]
    Fetches,
    /// There would be no room for a single client.
    #[error("waiting_max is 0, it must be at least 1")]
    Waiting,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// What came of it.
    pub code: Code,
    /// The records, all of the type that was asked for; before them the CNAMEs that lead there.
    pub records: Arc<[Record]>,
    /// The SOA that vouches for what is not there, to be passed on (RFC 2308 §6).
    pub denial: Option<Arc<Denial>>,
    /// Seconds that the client may keep it for.
    pub ttl_s: u32,
    /// Whether its life has ended, and nothing better could be had.
    pub is_stale: bool,
}

/// What came of a question, as the header says it (RFC 1035 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The name exists; it need not have records of that type.
    NoError,
    /// The name does not exist.
    NxDomain,
    /// Nothing could be found out.
    ServFail,
}

impl Answer {
    /// Nothing could be found out.
    pub fn failure() -> Self {
        Answer { code: Code::ServFail, records: Arc::from([]), denial: None, ttl_s: 0, is_stale: false }
    }

    fn of(fact: Fact, ttl_s: u32, is_stale: bool) -> Self {
        let (code, records, denial) = match fact {
            Fact::Records(records) => (Code::NoError, records, None),
            Fact::NoData(denial) => (Code::NoError, Arc::from([]), denial),
            Fact::NxDomain(denial) => (Code::NxDomain, Arc::from([]), denial),
            Fact::Dangling { chain, exists: true, denial } => (Code::NoError, chain, denial),
            Fact::Dangling { chain, exists: false, denial } => (Code::NxDomain, chain, denial),
        };
        Answer { code, records, denial, ttl_s, is_stale }
    }
}

/// What comes back from upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// Records of the type that was asked for.
    Records(Vec<Record>),
    /// There are none of that type.
    NoData(Option<Denial>),
    /// There is no such name.
    NxDomain(Option<Denial>),
    /// The name is an alias.
    Alias {
        /// CNAMEs, each of the name that the one before it leads to.
        chain: Vec<Record>,
        /// What the last of those names has.
        end: Box<Response>,
    },
    /// The answer did not fit: what is there is a part.
    Truncated,
    /// The server could not answer, or would not.
    Failure,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<C> {
    /// A client is told.
    Tell {
        /// The client.
        client: C,
        /// What it had asked.
        question: Question,
        /// What came of it.
        answer: Answer,
    },
    /// Upstream is asked.
    Ask {
        /// What.
        question: Question,
        /// Whether over TCP, since the answer does not fit otherwise.
        over_tcp: bool,
    },
}

/// A question upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Fetch<C> {
    since_ms: u64,
    over_tcp: bool,
    waiting: Vec<C>,
}

/// A cache between clients of type `C` and an upstream. Times are of one monotonic clock, in milliseconds; one that goes
/// back is taken to stand still.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core<C> {
    config: Config,
    store: Store,
    fetches: BTreeMap<Question, Fetch<C>>,
    failed_until_ms: BTreeMap<Question, u64>,
    now_ms: u64,
}

impl<C: Clone> Core<C> {
    /// A cache that knows nothing.
    ///
    /// # Errors
    /// The configuration makes no sense.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        match config {
            Config { failure_ttl_ms, .. } if !FAILURE_TTL_MS.contains(&failure_ttl_ms) => {
                Err(ConfigError::FailureTtl { found: failure_ttl_ms })
            }
            Config { timeout_ms: 0, .. } => Err(ConfigError::Timeout),
            Config { fetches_max: 0, .. } => Err(ConfigError::Fetches),
            Config { waiting_max: 0, .. } => Err(ConfigError::Waiting),
            config => {
                let keep_ms = config.stale.map_or(0, |stale| stale.keep_ms);
                let store = Store::new(config.entries_max, keep_ms, config.serve_at_zero);
                let store = store.with_octets_max(config.octets_max);
                Ok(Core { config, store, fetches: BTreeMap::new(), failed_until_ms: BTreeMap::new(), now_ms: 0 })
            }
        }
    }

    /// What is known that answers `question` at `now_ms`, with the seconds that it still lives, rounded down.
    pub fn peek(&self, question: &Question, now_ms: u64) -> Option<(Fact, u32)> {
        let found = self.store.answer(question, now_ms)?;
        Some((found.fact, seconds(found.ends_ms.saturating_sub(now_ms))))
    }

    /// What is known of it at `now_ms`, of whatever rank: what has no [`Rank::Answer`] is good for asking only.
    pub fn hint(&self, question: &Question, now_ms: u64) -> Option<Fact> {
        self.store.live(question, now_ms).map(|found| found.fact)
    }

    /// Facts that are kept.
    pub fn facts(&self) -> usize {
        self.store.len()
    }

    /// Octets that they take.
    pub fn octets(&self) -> usize {
        self.store.octets()
    }

    /// Whether upstream is being asked.
    pub fn is_fetching(&self, question: &Question) -> bool {
        self.fetches.contains_key(question)
    }

    /// Questions under way.
    pub fn fetches(&self) -> usize {
        self.fetches.len()
    }

    /// A client asks.
    pub fn query(&mut self, client: C, question: Question, now_ms: u64) -> Vec<Effect<C>> {
        let now_ms = self.clock(now_ms);
        if let Some((fact, ttl_s)) = self.peek(&question, now_ms) {
            return vec![Effect::Tell { client, question, answer: Answer::of(fact, ttl_s, false) }];
        }
        let stale = self.stale(&question, now_ms);
        let patience_ms = self.config.stale.map_or(u64::MAX, |stale| stale.client_timer_ms);
        if self.failed_until_ms.get(&question).is_some_and(|until_ms| now_ms < *until_ms) {
            let answer = stale.unwrap_or_else(Answer::failure);
            return vec![Effect::Tell { client, question, answer }];
        }
        if let Some(fetch) = self.fetches.get_mut(&question) {
            let waited = now_ms.saturating_sub(fetch.since_ms) >= patience_ms;
            let full = fetch.waiting.len() >= self.config.waiting_max;
            let answer = match stale {
                Some(answer) if waited || full => answer,
                None if full => Answer::failure(),
                _ => {
                    fetch.waiting.push(client);
                    return Vec::new();
                }
            };
            return vec![Effect::Tell { client, question, answer }];
        }
        if self.fetches.len() >= self.config.fetches_max {
            let answer = stale.unwrap_or_else(Answer::failure);
            return vec![Effect::Tell { client, question, answer }];
        }
        let mut effects = vec![Effect::Ask { question: question.clone(), over_tcp: false }];
        let mut waiting = Vec::new();
        match stale {
            Some(answer) if patience_ms == 0 => {
                effects.push(Effect::Tell { client, question: question.clone(), answer });
            }
            _ => waiting.push(client),
        }
        self.fetches.insert(question, Fetch { since_ms: now_ms, over_tcp: false, waiting });
        effects
    }

    /// An answer comes from upstream. One that nobody waits for is ignored: nothing of it is kept.
    pub fn on_response(&mut self, question: &Question, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        let now_ms = self.clock(now_ms);
        let Some(fetch) = self.fetches.get_mut(question) else { return Vec::new() };
        if response == Response::Truncated && !fetch.over_tcp {
            fetch.over_tcp = true;
            return vec![Effect::Ask { question: question.clone(), over_tcp: true }];
        }
        let Some((fact, ttl_s)) = self.config.fact(question, response) else { return self.fail(question, now_ms) };
        self.failed_until_ms.remove(question);
        self.insert(question, fact.clone(), ttl_s, Rank::Answer, now_ms);
        self.end(question, &Answer::of(fact, ttl_s.unwrap_or(0), false))
    }

    /// What was found on the way to something else is kept as well. Whoever waits for it goes on waiting.
    pub fn keep(&mut self, question: &Question, response: Response, rank: Rank, now_ms: u64) {
        let now_ms = self.clock(now_ms);
        if let Some((fact, ttl_s)) = self.config.fact(question, response) {
            self.insert(question, fact, ttl_s, rank, now_ms);
        }
    }

    /// What does not say for how long it may be kept is not kept, nor does it end what is known. What may be kept for no
    /// time does end it.
    fn insert(&mut self, question: &Question, fact: Fact, ttl_s: Option<u32>, rank: Rank, now_ms: u64) {
        if let Some(ttl_s) = ttl_s {
            let ends_ms = now_ms.saturating_add(u64::from(ttl_s) * 1_000);
            self.store.insert(question, fact, rank, ends_ms, now_ms);
        }
    }

    /// Time has gone by: what has ended long enough ago is forgotten, what was asked for too long ago has failed, and who
    /// has waited long enough is told what has ended.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect<C>> {
        let now_ms = self.clock(now_ms);
        self.failed_until_ms.retain(|_, until_ms| now_ms < *until_ms);
        let waited = |fetch: &Fetch<C>, ms: u64| now_ms.saturating_sub(fetch.since_ms) >= ms;
        let over = self.fetches.iter().filter(|(_, fetch)| waited(fetch, self.config.timeout_ms));
        let over: Vec<Question> = over.map(|(question, _)| question.clone()).collect();
        let mut effects: Vec<Effect<C>> = over.iter().flat_map(|question| self.fail(question, now_ms)).collect();
        if let Some(Stale { client_timer_ms, .. }) = self.config.stale {
            let late = self.fetches.iter().filter(|(_, fetch)| waited(fetch, client_timer_ms));
            let late: Vec<Question> = late.map(|(question, _)| question.clone()).collect();
            for question in late {
                let Some(answer) = self.stale(&question, now_ms) else { continue };
                let clients = self.fetches.get_mut(&question).map(|fetch| std::mem::take(&mut fetch.waiting));
                effects.extend(tell(clients.unwrap_or_default(), &question, &answer));
            }
        }
        self.store.expire(now_ms);
        effects
    }

    /// Moves every instant by `by_ms` towards 0, as when the clock is begun anew.
    pub fn rebase(&mut self, by_ms: u64) {
        self.store.rebase(by_ms);
        self.now_ms = self.now_ms.saturating_sub(by_ms);
        for fetch in self.fetches.values_mut() {
            fetch.since_ms = fetch.since_ms.saturating_sub(by_ms);
        }
        for until_ms in self.failed_until_ms.values_mut() {
            *until_ms = until_ms.saturating_sub(by_ms);
        }
    }

    /// The latest that the clock has shown.
    fn clock(&mut self, now_ms: u64) -> u64 {
        self.now_ms = self.now_ms.max(now_ms);
        self.now_ms
    }

    fn stale(&self, question: &Question, now_ms: u64) -> Option<Answer> {
        let stale = self.config.stale?;
        let found = self.store.ended(question, now_ms)?;
        Some(Answer::of(found.fact, stale.ttl_s, true))
    }

    fn fail(&mut self, question: &Question, now_ms: u64) -> Vec<Effect<C>> {
        let stale = self.stale(question, now_ms);
        let retry_ms = self.config.stale.filter(|_| stale.is_some()).map_or(0, |stale| stale.retry_ms);
        let until_ms = now_ms.saturating_add(retry_ms.max(self.config.failure_ttl_ms));
        if self.failed_until_ms.len() < self.config.fetches_max {
            self.failed_until_ms.insert(question.clone(), until_ms);
        }
        self.end(question, &stale.unwrap_or_else(Answer::failure))
    }

    fn end(&mut self, question: &Question, answer: &Answer) -> Vec<Effect<C>> {
        let fetch = self.fetches.remove(question);
        tell(fetch.map(|fetch| fetch.waiting).unwrap_or_default(), question, answer)
    }
}

impl Config {
    /// What `response` says of `question`, and the seconds that it may be kept for, if it says so. `None` of what is no
    /// answer to it.
    fn fact(&self, question: &Question, response: Response) -> Option<(Fact, Option<u32>)> {
        let ttl_s = |records: &[Record]| records.iter().map(|record| capped(record.ttl_s, self.ttl_s_max)).min();
        let negative_ttl_s = |denial: &Option<Denial>| denial.as_ref().map(|denial| self.negative_ttl_s(denial));
        match response {
            Response::Records(records) if records.iter().any(|record| !answers(record, question)) => None,
            Response::Records(records) if records.is_empty() => Some((Fact::NoData(None), None)),
            Response::Records(records) => {
                let ttl_s = ttl_s(&records);
                Some((Fact::Records(records.into()), ttl_s))
            }
            Response::NoData(denial) => {
                let ttl_s = negative_ttl_s(&denial);
                Some((Fact::NoData(denial.map(Arc::new)), ttl_s))
            }
            Response::NxDomain(denial) => {
                let ttl_s = negative_ttl_s(&denial);
                Some((Fact::NxDomain(denial.map(Arc::new)), ttl_s))
            }
            Response::Alias { chain, end } => {
                let name = leads_to(&chain, &question.name)?;
                let (end, end_ttl_s) = self.fact(&Question { name, kind: question.kind }, *end)?;
                let ttl_s = end_ttl_s.and_then(|end_s| ttl_s(&chain).map(|chain_s| chain_s.min(end_s)));
                let dangling = |exists, denial| Fact::Dangling { chain: chain.clone().into(), exists, denial };
                let fact = match end {
                    Fact::Records(records) => Fact::Records(chain.iter().chain(records.iter()).cloned().collect()),
                    Fact::NoData(denial) => dangling(true, denial),
                    Fact::NxDomain(denial) => dangling(false, denial),
                    Fact::Dangling { .. } => return None,
                };
                Some((fact, ttl_s))
            }
            Response::Truncated | Response::Failure => None,
        }
    }

    /// RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM.
    fn negative_ttl_s(&self, denial: &Denial) -> u32 {
        capped(denial.ttl_s, self.negative_ttl_s_max).min(denial.soa.minimum_s)
    }
}

fn tell<C>(clients: Vec<C>, question: &Question, answer: &Answer) -> Vec<Effect<C>> {
    let told = |client| Effect::Tell { client, question: question.clone(), answer: answer.clone() };
    clients.into_iter().map(told).collect()
}

fn answers(record: &Record, question: &Question) -> bool {
    record.name == question.name && record.data.kind() == question.kind
}

/// The name that `chain` leads to from `name`, if it leads anywhere.
fn leads_to(chain: &[Record], name: &Name) -> Option<Name> {
    let step = |name: Name, record: &Record| match &record.data {
        Data::Cname(target) if record.name == name => Some(target.clone()),
        _ => None,
    };
    chain.iter().try_fold(name.clone(), step)
}

fn capped(ttl_s: u32, ttl_s_max: u32) -> u32 {
    if ttl_s > TTL_S_MAX { 0 } else { ttl_s.min(ttl_s_max) }
}

fn seconds(ms: u64) -> u32 {
    u32::try_from(ms / 1_000).unwrap_or(u32::MAX)
}
