//! What comes back from upstream.

use super::control::strings;
use super::freshness::{date_s, initial_age_ms, policy};
use super::message::{Headers, Response, Target};
use super::node::{Asked, Effect, Failure, Fill, Node, Purge, ttl_s};
use super::select::{Part, is_not_modified, not_modified, ranged};
use super::status::Told;
use super::store::Stored;

impl<C: Clone + PartialEq> Node<C> {
    /// Takes what came for `fill`. What is not, or no longer, waited for changes nothing.
    pub fn on_upstream(&mut self, fill: u64, came: Result<Response, Failure>, now_ms: u64) -> Vec<Effect<C>> {
        let Some(under_way) = self.fills.remove(&fill) else { return Vec::new() };
        let effects = match came {
            Err(failure) => self.failed(under_way, Response::new(failure.status()), now_ms),
            Ok(response) if !under_way.request.is_safe() => self.changed(under_way, response, now_ms),
            Ok(response) if under_way.request.method == "HEAD" => self.head(under_way, response, now_ms),
            Ok(response) if under_way.request.method != "GET" => self.pass(under_way, response, false, now_ms),
            Ok(response) if response.status == 304 && under_way.validates.is_some() => {
                self.validated(fill, under_way, response, now_ms)
            }
            Ok(response) if response.status == 206 && under_way.request.headers.has("range") => {
                let is_kept = self.keep_part(fill, &under_way, &response, now_ms);
                self.pass(under_way, response, is_kept, now_ms)
            }
            Ok(response) if [500, 502, 503, 504].contains(&response.status) => {
                self.erred(fill, under_way, response, now_ms)
            }
            Ok(response) => self.filled(fill, under_way, response, now_ms),
        };
        let earliest = self.fills.keys().next().copied();
        self.purged.retain(|(last, _)| earliest.is_some_and(|earliest| earliest <= *last));
        effects
    }

    /// Whether something that was purged since fill `number` began names the response.
    fn is_purged(&self, number: u64, target: &Target, groups: &[String]) -> bool {
        self.purged.iter().filter(|(last, _)| number <= *last).any(|(_, purge)| match purge {
            Purge::Target(purged) => purged == target,
            Purge::Group { origin, group } => **origin == *target.origin && groups.contains(group),
            Purge::All => true,
        })
    }

    /// An unsafe request was answered: what it changed is gone (RFC 9111 §4.4, RFC 9875 §3).
    fn changed(&mut self, fill: Fill<C>, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        if (200..400).contains(&response.status) {
            let target = fill.request.target.clone();
            let named = ["location", "content-location"].into_iter().filter_map(|field| response.headers.text(field));
            let others: Vec<Target> = named.filter_map(|reference| target.resolve(reference)).collect();
            for target in std::iter::once(target.clone()).chain(others) {
                self.purge(&Purge::Target(target));
            }
            for group in strings(&response.headers, "cache-group-invalidation") {
                self.purge(&Purge::Group { origin: target.origin.to_string(), group });
            }
        }
        self.pass(fill, response, false, now_ms)
    }

    /// RFC 9111 §4.3.5: what a HEAD says of a stored response that it does not match is that this is no longer so.
    fn head(&mut self, fill: Fill<C>, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        let found = self.store.find(&fill.request).map(|stored| {
            let same = |field: &str| {
                !response.headers.has(field) || response.headers.text(field) == stored.headers.text(field)
            };
            let length = response.headers.text("content-length");
            let is_as_long = length.is_none_or(|length| length == stored.body.len().to_string());
            (
                stored.began,
                response.status != stored.status || !["etag", "last-modified"].into_iter().all(same) || !is_as_long,
            )
        });
        if let Some((began, true)) = found {
            self.store.change(&fill.request.target, began, |stored| stored.is_invalid = true);
        }
        self.pass(fill, response, false, now_ms)
    }

    /// Answers who asked with what came; those that waited ask again, each by itself, if it is for one alone.
    fn pass(&mut self, fill: Fill<C>, response: Response, stored: bool, now_ms: u64) -> Vec<Effect<C>> {
        let told =
            Told { forward: Some(fill.forward), forward_status: Some(response.status), stored, ..Told::default() };
        let date_s = date_s(&response, (now_ms / 1000).cast_signed());
        let mut effects = Vec::new();
        for asked in fill.asked {
            // The one whose request it was may have left: what came is for nobody else.
            if asked.collapsed {
                effects.extend(self.ask(Asked { collapsed: false, ..asked }, now_ms));
            } else {
                effects.push(self.give(asked, with_date(&response, date_s), date_s, &told, now_ms));
            }
        }
        effects
    }

    /// An error of the origin: it is kept as it says, unless something stale is better.
    fn erred(&mut self, number: u64, fill: Fill<C>, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        let says = policy(&self.config, &fill.request, &response, now_ms);
        let has_stale = fill.asked.iter().any(|asked| self.store.find(&asked.request).is_some());
        match says {
            Ok(policy) if policy.lifetime_s > 0 && !has_stale => self.filled(number, fill, response, now_ms),
            _ => self.failed(fill, response, now_ms),
        }
    }

    /// Asking has failed: who asked gets what is stale if it may, and otherwise the failure, all of them.
    fn failed(&mut self, fill: Fill<C>, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        let told = Told { forward: Some(fill.forward), forward_status: Some(response.status), ..Told::default() };
        let mut effects = Vec::new();
        for asked in fill.asked {
            let stored = self.store.find(&asked.request).filter(|_| asked.request.is_lookup()).cloned();
            let usable = stored.filter(|stored| {
                let stale_ms = stored.stale_for_ms(now_ms).unwrap_or(0);
                let if_error_s = stored.policy.if_error_s;
                // A window of 0 is none.
                !stored.policy.must_revalidate && !stored.is_invalid && if_error_s > 0 && stale_ms <= if_error_s * 1000
            });
            let told = Told { collapsed: asked.collapsed, ..told.clone() };
            effects.push(match usable {
                Some(stored) => {
                    let told = Told { ttl_s: Some(ttl_s(&stored, now_ms)), ..told };
                    let response = stored.response(&asked.request, now_ms);
                    self.give(asked, response, stored.date_s, &told, now_ms)
                }
                None => self.tell(asked.client, response.clone(), &told),
            });
        }
        effects
    }

    /// A 304: the stored response is as good as new, if it is still there and the one that is meant.
    fn validated(&mut self, number: u64, fill: Fill<C>, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        let target = fill.request.target.clone();
        let known = self.store.variants(&target).iter().find(|stored| Some(stored.began) == fill.validates).cloned();
        let is_meant = |stored: &Stored| {
            let tag = response.headers.text("etag").filter(|tag| !tag.starts_with("W/"));
            tag.is_none_or(|tag| stored.headers.text("etag") == Some(tag))
        };
        let Some(stored) = known.filter(is_meant) else {
            // It was purged, or is another's: nothing comes back to life, and the whole is asked for.
            self.store.remove_if(&target, |stored| Some(stored.began) == fill.validates);
            let asks = |asked| self.ask(Asked { collapsed: false, ..asked }, now_ms);
            return fill.asked.into_iter().flat_map(asks).collect();
        };
        let headers = updated(&stored.headers, &response.headers);
        let merged = Response { status: stored.status, headers, body: stored.body.clone() };
        self.filled(number, fill, merged, now_ms)
    }

    /// A part: put together with what is there, if both have the same strong validator (RFC 9110 §15.3.7.3), and otherwise kept
    /// in its place. Answers whether it is kept; without a strong validator it is not.
    fn keep_part(&mut self, number: u64, fill: &Fill<C>, response: &Response, now_ms: u64) -> bool {
        let (target, tag) = (&fill.request.target, response.headers.text("etag"));
        let (Some(part), true) = (Part::of(response), tag.is_some_and(|tag| tag.starts_with('"'))) else {
            return false;
        };
        let is_same = |known: &&Stored| {
            let is_of_tag = known.status == 200 && known.headers.text("etag") == tag;
            known.is_selected_by(&fill.request) && is_of_tag && known.extent().length == part.length
        };
        let known = self.store.variants(target).iter().filter(is_same).max_by_key(|known| known.began);
        let joined = known.and_then(|known| {
            let (joined, body) = known.extent().joined(&known.body, part, &response.body)?;
            Some((joined, updated(&known.headers, &response.headers), body.into()))
        });
        let (part, mut headers, body) =
            joined.unwrap_or_else(|| (part, response.headers.clone(), response.body.clone()));
        let is_whole = body.len() == part.length;
        headers.remove("content-range");
        headers.remove("content-length");
        if is_whole {
            headers.set("content-length", part.length.to_string());
        }
        let whole = Response { status: 200, headers, body };
        let Ok(policy) = policy(&self.config, &fill.request, &whole, now_ms) else { return false };
        let date_s = date_s(response, (now_ms / 1000).cast_signed());
        let times = (date_s, initial_age_ms(response, fill.sent_ms, now_ms), now_ms);
        let mut stored = Stored::new(number, &fill.request, &whole, policy, times);
        stored.part = (!is_whole).then_some(part);
        !self.is_purged(number, target, &stored.groups)
            && stored.policy.lifetime_s > 0
            && self.is_worth_keeping(&stored, now_ms)
            && self.store.insert(target, stored, self.config.bounds)
    }

    /// A response: stored if it may be, and given to all that it answers.
    fn filled(&mut self, number: u64, fill: Fill<C>, response: Response, now_ms: u64) -> Vec<Effect<C>> {
        let target = fill.request.target.clone();
        let policy = policy(&self.config, &fill.request, &response, now_ms);
        let times =
            (date_s(&response, (now_ms / 1000).cast_signed()), initial_age_ms(&response, fill.sent_ms, now_ms), now_ms);
        let Ok(policy) = policy else {
            if fill.is_joinable {
                self.passed.insert(target.clone(), now_ms.saturating_add(self.config.hit_for_miss_ms));
                self.bound_passed();
            }
            // What it stands in the place of is no longer so.
            self.store.remove_if(&target, |stored| Some(stored.began) == fill.validates);
            return self.pass(fill, response, false, now_ms);
        };
        let stored = Stored::new(number, &fill.request, &response, policy, times);
        let may_keep = !self.is_purged(number, &target, &stored.groups)
            && (stored.policy.lifetime_s > 0 || stored.has_validator())
            && self.is_worth_keeping(&stored, now_ms);
        let is_kept = may_keep && self.store.insert(&target, stored.clone(), self.config.bounds);
        if is_kept {
            self.passed.remove(&target);
        }
        let told = Told {
            forward: Some(fill.forward),
            forward_status: Some(response.status),
            stored: is_kept,
            ttl_s: Some(ttl_s(&stored, now_ms)),
            ..Told::default()
        };
        let mut effects = Vec::new();
        for asked in fill.asked {
            if asked.collapsed && (!stored.answers(&asked.request) || stored.policy.no_cache) {
                effects.extend(self.ask(Asked { collapsed: false, ..asked }, now_ms));
                continue;
            }
            let told = Told { collapsed: asked.collapsed, ..told.clone() };
            let response = stored.response(&asked.request, now_ms);
            effects.push(self.give(asked, response, stored.date_s, &told, now_ms));
        }
        effects
    }

    /// Keeps the list of what is not waited for from growing with what is asked.
    fn bound_passed(&mut self) {
        while self.passed.len() > self.config.fills_max {
            self.passed.pop_first();
        }
    }

    /// The response as this client asked for it: not at all if it has it, or a part.
    pub(super) fn give(&self, asked: Asked<C>, response: Response, date_s: i64, told: &Told, now_ms: u64) -> Effect<C> {
        let now_s = (now_ms / 1000).cast_signed();
        let is_whole = asked.request.is_lookup();
        let response = if is_whole && is_not_modified(&asked.request, &response, date_s, now_s) {
            not_modified(&response)
        } else if is_whole {
            ranged(&asked.request, response, now_s)
        } else {
            response
        };
        self.tell(asked.client, response, told)
    }

    pub(super) fn tell(&self, client: C, mut response: Response, told: &Told) -> Effect<C> {
        response.headers = response.headers.end_to_end();
        told.tell(&self.config.name, &mut response);
        Effect::Reply { client, response }
    }
}

/// Stored fields, with what a later response says anew: all but the length and the place of its content (RFC 9111 §3.2).
fn updated(stored: &Headers, news: &Headers) -> Headers {
    let (mut headers, news) = (stored.clone(), news.end_to_end());
    let is_new = |(name, _): &(&str, &[u8])| !["content-length", "content-range"].contains(name);
    news.iter().filter(is_new).for_each(|(name, _)| headers.remove(name));
    news.iter().filter(is_new).for_each(|(name, value)| headers.append(name, value));
    headers
}

/// RFC 9110 §6.6.1: a response without a date gets the time at which it came.
fn with_date(response: &Response, date_s: i64) -> Response {
    let mut dated = response.clone();
    if !dated.headers.has("date") {
        dated.headers.set("date", super::date::format(date_s));
    }
    dated
}
