//! The node: who asks, what is under way, what was purged since.

use std::collections::BTreeMap;

use super::Config;
use super::control::Directives;
use super::message::{Request, Response, Target};
use super::status::Told;
use super::store::{Store, Stored};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<C> {
    /// Send `request` upstream; its response, or that there is none, goes to [`Node::on_upstream`] with `fill`.
    Forward {
        /// Number of the fill.
        fill: u64,
        /// What to send.
        request: Request,
    },
    /// Give `response` to `client`.
    Reply {
        /// Who asked.
        client: C,
        /// What it gets.
        response: Response,
    },
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// Upstream cannot be reached, or closed the connection too early.
    #[error("upstream cannot be reached")]
    Unreachable,
    /// It takes too long.
    #[error("upstream takes too long")]
    TimedOut,
    /// What came is no response, or is longer or shorter than it said.
    #[error("what came from upstream is no response")]
    Malformed,
}

impl Failure {
    /// The status that says so (RFC 9110 §15.6).
    pub fn status(self) -> u16 {
        match self {
            Failure::TimedOut => 504,
            Failure::Unreachable | Failure::Malformed => 502,
        }
    }
}

/// What is to be gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purge {
    /// Every response of one target.
    Target(Target),
    /// What belongs to a group at an origin (RFC 9875).
    Group {
        /// The origin, as [`Target::origin`].
        origin: String,
        /// The group's name. Case counts.
        group: String,
    },
    /// Everything.
    All,
}

/// Who asked, and what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked<C> {
    pub(super) client: C,
    pub(super) request: Request,
    /// Whether it waits for what another's request brings.
    pub(super) collapsed: bool,
}

/// A request under way upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fill<C> {
    pub(super) request: Request,
    /// Who is answered with what comes: whose request it was, unless they have left, and who waits for it too.
    pub(super) asked: Vec<Asked<C>>,
    pub(super) sent_ms: u64,
    /// The fill whose stored response it has validated.
    pub(super) validates: Option<u64>,
    /// Whether requests may still wait for it.
    pub(super) is_joinable: bool,
    pub(super) forward: &'static str,
}

/// A cache between clients `C`, which are no more than names, and what is upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node<C> {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) fills: BTreeMap<u64, Fill<C>>,
    /// Number of the last fill.
    pub(super) last: u64,
    /// Targets that are asked for without waiting for one another, and until when.
    pub(super) passed: BTreeMap<Target, u64>,
    /// What was purged, and the last fill that had begun.
    pub(super) purged: Vec<(u64, Purge)>,
}

impl<C: Clone + PartialEq> Node<C> {
    /// A node with nothing stored.
    pub fn new(config: Config) -> Self {
        Node {
            config,
            store: Store::default(),
            fills: BTreeMap::new(),
            last: 0,
            passed: BTreeMap::new(),
            purged: Vec::new(),
        }
    }

    /// A node that begins with what another had stored: a restart.
    pub fn restore(config: Config, store: Store) -> Self {
        let last = store.fills().max().unwrap_or(0);
        Node { store, last, ..Node::new(config) }
    }

    /// Its bounds and habits.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it has stored, for [`restore`](Node::restore).
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Whether an answer to `fill` is waited for.
    pub fn is_under_way(&self, fill: u64) -> bool {
        self.fills.contains_key(&fill)
    }

    /// Whether a response may still be of use, though it be stale.
    pub(super) fn is_worth_keeping(&self, stored: &Stored, now_ms: u64) -> bool {
        let kept_s = stored.policy.while_revalidate_s.max(self.config.stale_kept_s);
        stored.stale_for_ms(now_ms).is_none_or(|stale_ms| stale_ms < kept_s * 1000)
    }

    /// What it has stored.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many requests are under way upstream.
    pub fn fills(&self) -> usize {
        self.fills.len()
    }

    /// Whether a request for `target` would wait for another's fill.
    pub fn is_filling(&self, target: &Target) -> bool {
        self.joinable(target).is_some()
    }

    fn joinable(&self, target: &Target) -> Option<u64> {
        let found = self.fills.iter().find(|(_, fill)| fill.is_joinable && fill.request.target == *target);
        found.map(|(number, _)| *number)
    }

    /// Takes a request. `client` gets exactly one response, now or later.
    pub fn handle(&mut self, client: C, request: Request, now_ms: u64) -> Vec<Effect<C>> {
        self.ask(Asked { client, request, collapsed: false }, now_ms)
    }

    pub(super) fn ask(&mut self, asked: Asked<C>, now_ms: u64) -> Vec<Effect<C>> {
        let request = &asked.request;
        if !request.is_lookup() {
            return self.forward(asked, None, false, "method", now_ms);
        }
        let control = Directives::of(&request.headers);
        let pragma = !request.headers.has("cache-control") && request.headers.text("pragma") == Some("no-cache");
        let insists = control.has("no-cache") || pragma;
        let Some(stored) = self.store.find(request).cloned() else {
            if control.has("only-if-cached") {
                return vec![self.tell(asked.client, Response::new(504), &Told::default())];
            }
            let variants = self.store.variants(&request.target);
            let forward = match variants {
                [] => "uri-miss",
                _ if variants.iter().any(|stored| stored.is_selected_by(request)) => "partial",
                _ => "vary-miss",
            };
            return self.join_or_forward(asked, None, forward, now_ms);
        };
        let stale_for_ms = stored.stale_for_ms(now_ms);
        let is_usable = !stored.policy.no_cache && !insists && within(&control, &stored, now_ms);
        match stale_for_ms {
            None if is_usable => self.hit(asked, &stored, now_ms),
            Some(stale_ms) if is_usable && self.serves_stale(&control, &stored, stale_ms) => {
                let mut effects = Vec::new();
                if !self.is_filling(&asked.request.target) {
                    effects = self.refresh(&asked.request, &stored, now_ms);
                }
                effects.extend(self.hit(asked, &stored, now_ms));
                effects
            }
            _ if control.has("only-if-cached") => vec![self.tell(asked.client, Response::new(504), &Told::default())],
            _ if insists => {
                let is_whole = asked.request.method == "GET" && stored.part.is_none();
                let validates = (is_whole && stored.has_validator()).then_some(&stored);
                self.forward(asked, validates, false, "request", now_ms)
            }
            _ => self.join_or_forward(asked, Some(&stored), "stale", now_ms),
        }
    }

    /// Whether a stale response is served while it is asked for anew.
    fn serves_stale(&self, control: &Directives, stored: &Stored, stale_ms: u64) -> bool {
        let window_s = if self.config.serves_while_revalidating { stored.policy.while_revalidate_s } else { 0 };
        let asked_for = control.has("max-stale") && {
            let bound_s = control.seconds("max-stale");
            matches!(bound_s, super::control::Seconds::Of(bound_s) if stale_ms <= bound_s * 1000)
        };
        // What is a part is not asked for anew as a whole.
        let may_be = !stored.policy.must_revalidate && !stored.is_invalid && stored.part.is_none();
        may_be && (stale_ms < window_s * 1000 || asked_for)
    }

    fn hit(&mut self, asked: Asked<C>, stored: &Stored, now_ms: u64) -> Vec<Effect<C>> {
        self.store.touch(&asked.request.target, stored.began);
        let told = Told { ttl_s: Some(ttl_s(stored, now_ms)), collapsed: asked.collapsed, ..Told::default() };
        let response = stored.response(&asked.request, now_ms);
        vec![self.give(asked, response, stored.date_s, &told, now_ms)]
    }

    /// Asks anew for what is served stale: nobody waits for it.
    fn refresh(&mut self, request: &Request, stored: &Stored, now_ms: u64) -> Vec<Effect<C>> {
        if self.fills.len() >= self.config.fills_max {
            return Vec::new();
        }
        let request = Request { method: "GET".into(), ..plain(request) };
        self.begin(request, Vec::new(), Some(stored), true, "stale", now_ms)
    }

    fn join_or_forward(
        &mut self,
        mut asked: Asked<C>,
        stored: Option<&Stored>,
        forward: &'static str,
        now_ms: u64,
    ) -> Vec<Effect<C>> {
        let target = asked.request.target.clone();
        let is_passed = self.passed.get(&target).is_some_and(|until_ms| now_ms < *until_ms);
        let shares = asked.request.method == "GET"
            && !["authorization", "range"].iter().any(|field| asked.request.headers.has(field))
            && asked.request.body.is_empty();
        if !shares || is_passed {
            let stored = stored.filter(|_| shares);
            return self.forward(asked, stored, false, forward, now_ms);
        }
        let Some(number) = self.joinable(&target) else {
            return self.forward(asked, stored, true, forward, now_ms);
        };
        let waiters_max = self.config.waiters_max;
        match self.fills.get_mut(&number) {
            Some(fill) if fill.asked.len() <= waiters_max => {
                asked.collapsed = true;
                fill.asked.push(asked);
                Vec::new()
            }
            _ => vec![self.tell(asked.client, Response::new(503), &Told::default())],
        }
    }

    fn forward(
        &mut self,
        asked: Asked<C>,
        stored: Option<&Stored>,
        is_joinable: bool,
        forward: &'static str,
        now_ms: u64,
    ) -> Vec<Effect<C>> {
        if self.fills.len() >= self.config.fills_max {
            return vec![self.tell(asked.client, Response::new(503), &Told::default())];
        }
        // What a client has is compared with what comes: the whole of it is worth having.
        let request = if is_joinable || stored.is_some() { plain(&asked.request) } else { asked.request.clone() };
        self.begin(request, vec![asked], stored, is_joinable, forward, now_ms)
    }

    fn begin(
        &mut self,
        mut request: Request,
        asked: Vec<Asked<C>>,
        stored: Option<&Stored>,
        is_joinable: bool,
        forward: &'static str,
        now_ms: u64,
    ) -> Vec<Effect<C>> {
        self.last += 1;
        request.headers = request.headers.end_to_end();
        let validates = stored.filter(|stored| stored.has_validator());
        if let Some(stored) = validates {
            for (validator, condition) in [("etag", "if-none-match"), ("last-modified", "if-modified-since")] {
                if let Some(value) = stored.headers.text(validator) {
                    request.headers.set(condition, value);
                }
            }
        }
        let validates = validates.map(|stored| stored.began);
        let fill = Fill { request: request.clone(), asked, sent_ms: now_ms, validates, is_joinable, forward };
        self.fills.insert(self.last, fill);
        vec![Effect::Forward { fill: self.last, request }]
    }

    /// Takes everything that `purge` names out, and keeps fills under way from bringing it back. Answers how many stored
    /// responses there were.
    pub fn purge(&mut self, purge: &Purge) -> usize {
        for fill in self.fills.values_mut() {
            let concerns = match purge {
                Purge::Target(target) => fill.request.target == *target,
                // Its response may turn out to be of the group: nobody else is to wait for it.
                Purge::Group { origin, .. } => *fill.request.target.origin == **origin,
                Purge::All => true,
            };
            fill.is_joinable &= !concerns;
        }
        if !self.fills.is_empty() {
            self.purged.retain(|(_, known)| known != purge);
            self.purged.push((self.last, purge.clone()));
        }
        match purge {
            Purge::Target(target) => self.store.remove_if(target, |_| true),
            Purge::Group { origin, group } => self.store.remove_groups(origin, std::slice::from_ref(group)),
            Purge::All => {
                let stored = self.store.len();
                self.store = Store::default();
                stored
            }
        }
    }

    /// Lets go of a client that does not want a response any more. The fill goes on: others may wait for it.
    pub fn cancel(&mut self, client: &C) {
        for fill in self.fills.values_mut() {
            fill.asked.retain(|asked| asked.client != *client);
        }
    }

    /// Gives up what takes too long, and lets go of what is too old to be of use.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect<C>> {
        let old: Vec<(Target, u64)> = self
            .store
            .iter()
            .filter(|(_, stored)| !self.is_worth_keeping(stored, now_ms))
            .map(|(target, stored)| (target.clone(), stored.began))
            .collect();
        for (target, began) in old {
            self.store.remove_if(&target, |stored| stored.began == began);
        }
        let timeout_ms = self.config.timeout_ms;
        let is_late = |fill: &Fill<C>| now_ms.saturating_sub(fill.sent_ms) >= timeout_ms;
        let late: Vec<u64> = self.fills.iter().filter(|(_, fill)| is_late(fill)).map(|(number, _)| *number).collect();
        self.passed.retain(|_, until_ms| now_ms < *until_ms);
        late.into_iter().flat_map(|number| self.on_upstream(number, Err(Failure::TimedOut), now_ms)).collect()
    }

    /// Moves all times back by `by_ms`, whole seconds, and numbers fills anew in their order, so that what can no longer be
    /// told apart is equal. Answers with the new number of each.
    pub fn rebase(&mut self, by_ms: u64) -> BTreeMap<u64, u64> {
        let mut known: Vec<u64> = self.store.fills().chain(self.fills.keys().copied()).collect();
        known.extend(self.purged.iter().map(|(last, _)| *last));
        known.extend(self.fills.values().filter_map(|fill| fill.validates));
        known.sort_unstable();
        known.dedup();
        let numbers: BTreeMap<u64, u64> = known.into_iter().zip(1..).collect();
        let number = |old: u64| numbers.get(&old).copied().unwrap_or(0);
        self.store.rebase(by_ms, &numbers);
        self.last = numbers.len() as u64;
        self.purged.iter_mut().for_each(|(last, _)| *last = number(*last));
        self.passed.values_mut().for_each(|until_ms| *until_ms = until_ms.saturating_sub(by_ms));
        self.fills = std::mem::take(&mut self.fills)
            .into_iter()
            .map(|(old, fill)| {
                let validates = fill.validates.map(number);
                (number(old), Fill { sent_ms: fill.sent_ms - by_ms, validates, ..fill })
            })
            .collect();
        numbers
    }
}

/// Seconds of life left, negative where it is over.
pub(super) fn ttl_s(stored: &Stored, now_ms: u64) -> i64 {
    stored.policy.lifetime_s.cast_signed() - (stored.age_ms(now_ms) / 1000).cast_signed()
}

/// Whether it is young enough for what the request says (RFC 9111 §5.2.1).
fn within(control: &Directives, stored: &Stored, now_ms: u64) -> bool {
    let young = control.seconds("max-age").or_zero().is_none_or(|max_s| stored.age_ms(now_ms) / 1000 <= max_s);
    let left = control.seconds("min-fresh").or_zero().is_none_or(|min_s| ttl_s(stored, now_ms) >= min_s.cast_signed());
    young && left
}

/// The request without conditions and ranges, as it is sent to get the whole of what there is.
fn plain(request: &Request) -> Request {
    let mut plain = request.clone();
    for field in ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"] {
        plain.headers.remove(field);
    }
    plain
}
