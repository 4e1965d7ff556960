//! What a node keeps: stored responses by target and by what they vary on, within bounds of memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::date;
use super::freshness::{Policy, varies_on};
use super::message::{Headers, Request, Response, Target};
use super::select::{Part, selecting};

/// A stored response.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Number of the fill that stored it. A later one began later.
    pub began: u64,
    /// What it was selected by: the fields that it varies on, with what the request said.
    pub selected_by: Vec<(String, Option<String>)>,
    /// Its status.
    pub status: u16,
    /// Its fields, without those of a connection, and without `Age` and `Date`.
    pub headers: Headers,
    /// Its content.
    pub body: Arc<[u8]>,
    /// Where its content belongs, if it is a part (RFC 9111 §3.3). `None`: it is whole.
    pub part: Option<Part>,
    /// How it may be used.
    pub policy: Policy,
    /// When it was made, in seconds since 1970.
    pub date_s: i64,
    /// How old it was when it came.
    pub initial_age_ms: u64,
    /// When it came.
    pub received_ms: u64,
    /// It does not count as fresh, whatever its age.
    pub is_invalid: bool,
    /// The groups that it belongs to (RFC 9875).
    pub groups: Vec<String>,
    /// When it was used last, as a number that grows.
    used: u64,
}

impl Stored {
    /// What is stored of `response` to `request`.
    pub fn new(
        began: u64,
        request: &Request,
        response: &Response,
        policy: Policy,
        (date_s, initial_age_ms, received_ms): (i64, u64, u64),
    ) -> Self {
        let mut headers = response.headers.end_to_end();
        headers.remove("age");
        headers.remove("date");
        let selected_by = varies_on(&headers).into_iter().map(|field| {
            let value = selecting(&request.headers, &field);
            (field, value)
        });
        Stored {
            began,
            selected_by: selected_by.collect(),
            status: response.status,
            body: response.body.clone(),
            part: None,
            groups: super::control::strings(&headers, "cache-groups"),
            headers,
            policy,
            date_s,
            initial_age_ms,
            received_ms,
            is_invalid: false,
            used: 0,
        }
    }

    /// Its age, in milliseconds (RFC 9111 §4.2.3).
    pub fn age_ms(&self, now_ms: u64) -> u64 {
        self.initial_age_ms.saturating_add(now_ms.saturating_sub(self.received_ms))
    }

    /// Milliseconds since its life ended; 0 while it is fresh, to the very end. `None`: it is fresh.
    pub fn stale_for_ms(&self, now_ms: u64) -> Option<u64> {
        let (age_ms, lifetime_ms) = (self.age_ms(now_ms), self.policy.lifetime_s * 1000);
        if self.is_invalid {
            return Some(age_ms.saturating_sub(lifetime_ms));
        }
        (age_ms >= lifetime_ms).then(|| age_ms - lifetime_ms)
    }

    /// Whether it was selected by what `request` says.
    pub fn is_selected_by(&self, request: &Request) -> bool {
        self.selected_by.iter().all(|(field, value)| selecting(&request.headers, field) == *value)
    }

    /// Whether it was selected by what `request` says, and has all that this asks for.
    pub fn answers(&self, request: &Request) -> bool {
        self.is_selected_by(request) && self.part.is_none_or(|_| self.range(request).is_some())
    }

    fn range(&self, request: &Request) -> Option<(usize, usize)> {
        self.part?.answers(&self.body, self.headers.text("etag"), request)
    }

    /// Its part, the whole if it is whole.
    pub fn extent(&self) -> Part {
        self.part.unwrap_or(Part { first: 0, length: self.body.len() })
    }

    /// Whether it can be validated.
    pub fn has_validator(&self) -> bool {
        self.headers.has("etag") || self.headers.has("last-modified")
    }

    /// It as it answers `request`; of a part that which is asked for.
    pub fn response(&self, request: &Request, now_ms: u64) -> Response {
        let mut headers = self.headers.clone();
        headers.set("date", date::format(self.date_s));
        headers.set("age", (self.age_ms(now_ms) / 1000).to_string());
        if let (Some(part), Some((first, last))) = (self.part, self.range(request)) {
            let from = part.first;
            headers.set("content-range", format!("bytes {}-{}/{}", from + first, from + last, part.length));
            return Response { status: 206, headers, body: self.body[first..=last].into() };
        }
        Response { status: self.status, headers, body: self.body.clone() }
    }

    fn bytes(&self, target: &Target) -> usize {
        self.body.len() + self.headers.bytes() + target.path.len() + target.origin.len() + 256
    }
}

/// Stored responses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    entries: BTreeMap<Target, Vec<Stored>>,
    by_use: BTreeMap<u64, Target>,
    bytes: usize,
    uses: u64,
}

/// Bounds of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Bytes of all that is stored.
    pub bytes_max: usize,
    /// Bytes of one response, its fields included.
    pub entry_bytes_max: usize,
    /// Responses of one target.
    pub variants_max: usize,
}

impl Store {
    /// What is stored of `target`.
    pub fn variants(&self, target: &Target) -> &[Stored] {
        self.entries.get(target).map_or(&[], |variants| variants)
    }

    /// Every stored response, with its target.
    pub fn iter(&self) -> impl Iterator<Item = (&Target, &Stored)> {
        self.entries.iter().flat_map(|(target, variants)| variants.iter().map(move |stored| (target, stored)))
    }

    /// The newest stored response that answers `request`.
    pub fn find(&self, request: &Request) -> Option<&Stored> {
        self.variants(&request.target).iter().filter(|stored| stored.answers(request)).max_by_key(|stored| stored.began)
    }

    /// Notes that the response of fill `began` is used.
    pub fn touch(&mut self, target: &Target, began: u64) {
        let stored = self.entries.get_mut(target).and_then(|all| all.iter_mut().find(|stored| stored.began == began));
        if let Some(stored) = stored {
            self.uses += 1;
            if let Some(target) = self.by_use.remove(&stored.used) {
                self.by_use.insert(self.uses, target);
            }
            stored.used = self.uses;
        }
    }

    /// Stores it in the place of what the same request would select. What began earlier than what is there is not stored.
    /// Answers whether it was.
    pub fn insert(&mut self, target: &Target, mut stored: Stored, bounds: Bounds) -> bool {
        let bytes = stored.bytes(target);
        let is_older = |other: &Stored| other.selected_by == stored.selected_by && other.began > stored.began;
        if bytes > bounds.entry_bytes_max.min(bounds.bytes_max) || self.variants(target).iter().any(is_older) {
            return false;
        }
        let selected_by = stored.selected_by.clone();
        self.remove_if(target, |other| other.selected_by == selected_by);
        while self.variants(target).len() >= bounds.variants_max.max(1) {
            let oldest = self.variants(target).iter().map(|other| other.used).min();
            self.remove_if(target, |other| Some(other.used) == oldest);
        }
        while self.bytes + bytes > bounds.bytes_max {
            let Some((used, victim)) = self.by_use.first_key_value().map(|(used, target)| (*used, target.clone()))
            else {
                break;
            };
            self.remove_if(&victim, |other| other.used == used);
        }
        self.uses += 1;
        stored.used = self.uses;
        self.by_use.insert(self.uses, target.clone());
        self.bytes += bytes;
        self.entries.entry(target.clone()).or_default().push(stored);
        true
    }

    /// Takes out what `is_gone` says of `target`, and counts it.
    pub fn remove_if(&mut self, target: &Target, is_gone: impl Fn(&Stored) -> bool) -> usize {
        let Some(variants) = self.entries.get_mut(target) else { return 0 };
        let before = variants.len();
        let (by_use, bytes) = (&mut self.by_use, &mut self.bytes);
        variants.retain(|stored| {
            let is_gone = is_gone(stored);
            if is_gone {
                by_use.remove(&stored.used);
                *bytes -= stored.bytes(target);
            }
            !is_gone
        });
        let removed = before - variants.len();
        if variants.is_empty() {
            self.entries.remove(target);
        }
        removed
    }

    /// Takes out what belongs to one of `groups` at `origin`, and counts it. It does not cascade (RFC 9875 §2.2.1).
    pub fn remove_groups(&mut self, origin: &str, groups: &[String]) -> usize {
        let targets: Vec<Target> = self.entries.keys().filter(|target| *target.origin == *origin).cloned().collect();
        let is_of = |stored: &Stored| stored.groups.iter().any(|group| groups.contains(group));
        targets.iter().map(|target| self.remove_if(target, is_of)).sum()
    }

    /// Changes the response of fill `began`, where it is still there; what it takes in memory is counted anew.
    pub fn change(&mut self, target: &Target, began: u64, change: impl FnOnce(&mut Stored)) {
        let found = self.entries.get_mut(target).and_then(|all| all.iter_mut().find(|stored| stored.began == began));
        if let Some(stored) = found {
            let before = stored.bytes(target);
            change(stored);
            self.bytes = self.bytes + stored.bytes(target) - before;
        }
    }

    /// Bytes of all that is stored.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many responses are stored.
    pub fn len(&self) -> usize {
        self.by_use.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.by_use.is_empty()
    }

    /// Moves all times back, and numbers fills and uses anew, in their order.
    pub(super) fn rebase(&mut self, by_ms: u64, numbers: &BTreeMap<u64, u64>) {
        let by_s = (by_ms / 1000).cast_signed();
        let uses: BTreeMap<u64, u64> = (1..).zip(self.by_use.keys()).map(|(new, old)| (*old, new)).collect();
        for stored in self.entries.values_mut().flatten() {
            stored.received_ms -= by_ms;
            stored.date_s -= by_s;
            stored.used = uses.get(&stored.used).copied().unwrap_or(0);
            stored.began = numbers.get(&stored.began).copied().unwrap_or(0);
        }
        self.by_use =
            std::mem::take(&mut self.by_use).into_values().zip(1..).map(|(target, used)| (used, target)).collect();
        self.uses = self.by_use.len() as u64;
    }

    pub(super) fn fills(&self) -> impl Iterator<Item = u64> {
        self.entries.values().flatten().map(|stored| stored.began)
    }
}
