//! What is kept, until when, and by which rank.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::name::{Denial, Name, Question, Record, Type};

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// These records, all of the type that was asked for; before them, where the name is an alias, the CNAMEs that lead
    /// to the name that has them.
    Records(Arc<[Record]>),
    /// It has none of the type that was asked for (RFC 2308 §2.2).
    NoData(Option<Arc<Denial>>),
    /// It does not exist, and nothing below it (RFC 8020 §2).
    NxDomain(Option<Arc<Denial>>),
    /// It is an alias, and the name that it leads to has none of that type or does not exist (RFC 2308 §2.1).
    Dangling {
        /// The CNAMEs.
        chain: Arc<[Record]>,
        /// Whether that name exists.
        exists: bool,
        /// What says so.
        denial: Option<Arc<Denial>>,
    },
}

impl Fact {
    /// Octets that it takes to keep, and a little for what holds it.
    fn octets(&self) -> usize {
        let of_denial = |denial: &Option<Arc<Denial>>| denial.as_ref().map_or(0, |denial| denial.zone.octets() + 40);
        let of_records = |records: &[Record]| records.iter().map(Record::octets).sum::<usize>();
        FACT_OCTETS
            + match self {
                Fact::Records(records) => of_records(records),
                Fact::NoData(denial) | Fact::NxDomain(denial) => of_denial(denial),
                Fact::Dangling { chain, denial, .. } => of_records(chain) + of_denial(denial),
            }
    }
}

/// What it takes to keep a fact that says nothing: its place in two trees.
const FACT_OCTETS: usize = 200;

/// How much a source is to be trusted (RFC 2181 §5.4.1), the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// The additional section, as glue.
    Additional,
    /// The authority section of a referral.
    Referral,
    /// The authority section of an authoritative answer.
    Authority,
    /// The answer section of an authoritative answer.
    Answer,
}

/// What of a name an entry is about. A denial of the name itself is about all types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum About {
    Name,
    Type(Type),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    fact: Fact,
    rank: Rank,
    ends_ms: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Found {
    /// What is known.
    pub fact: Fact,
    /// The rank of its source.
    pub rank: Rank,
    /// When its life ends, or has ended.
    pub ends_ms: u64,
}

type Key = (Name, About);

/// Facts by name and type. What ends first goes first when there is no room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    entries: BTreeMap<Key, Entry>,
    by_end: BTreeSet<(u64, Key)>,
    octets: usize,
    entries_max: usize,
    octets_max: usize,
    /// How long what has ended is kept, to be told when nothing better can be had.
    keep_ms: u64,
    serve_at_zero: bool,
}

impl Store {
    /// An empty store of at most `entries_max` facts, each kept for `keep_ms` after its end. `serve_at_zero`: a fact of
    /// TTL n still lives n seconds later, to the millisecond.
    pub fn new(entries_max: usize, keep_ms: u64, serve_at_zero: bool) -> Self {
        Store {
            entries: BTreeMap::new(),
            by_end: BTreeSet::new(),
            octets: 0,
            entries_max,
            octets_max: usize::MAX,
            keep_ms,
            serve_at_zero,
        }
    }

    /// The same, of at most so many octets: names, records, and 200 for each fact.
    pub fn with_octets_max(self, octets_max: usize) -> Self {
        Store { octets_max, ..self }
    }

    /// Octets that its facts take.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Whether what ends at `ends_ms` lives at `now_ms`.
    pub fn lives(&self, ends_ms: u64, now_ms: u64) -> bool {
        now_ms < ends_ms || (self.serve_at_zero && now_ms == ends_ms)
    }

    /// How many facts are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What lives that answers `question`: a fact about its type, or a denial of its name or of one above.
    pub fn live(&self, question: &Question, now_ms: u64) -> Option<Found> {
        self.find(question, |entry| self.lives(entry.ends_ms, now_ms))
    }

    /// What lives and may be told to whoever asks: glue and the NS records of a referral are good for asking only.
    pub fn answer(&self, question: &Question, now_ms: u64) -> Option<Found> {
        self.live(question, now_ms).filter(|found| found.rank == Rank::Answer)
    }

    /// What answers `question` and has ended, no longer ago than it is kept.
    pub fn ended(&self, question: &Question, now_ms: u64) -> Option<Found> {
        self.find(question, |entry| {
            !self.lives(entry.ends_ms, now_ms) && now_ms.saturating_sub(entry.ends_ms) <= self.keep_ms
        })
    }

    fn find(&self, question: &Question, counts: impl Fn(&Entry) -> bool) -> Option<Found> {
        // Each drives out the other when it comes: at most one of these lives.
        let denials = question.name.ancestors().map(|name| (name, About::Name));
        let own = std::iter::once((question.name.clone(), About::Type(question.kind)));
        own.chain(denials).filter_map(|key| self.entries.get(&key)).find(|entry| counts(entry)).map(|entry| Found {
            fact: entry.fact.clone(),
            rank: entry.rank,
            ends_ms: entry.ends_ms,
        })
    }

    /// Keeps `fact` about `question` until `ends_ms`, and forgets what it contradicts. Where any of that lives and is of a
    /// higher rank all stays as it is (RFC 2181 §5.4.1). Returns whether the fact is kept.
    pub fn insert(&mut self, question: &Question, fact: Fact, rank: Rank, ends_ms: u64, now_ms: u64) -> bool {
        let about = if matches!(fact, Fact::NxDomain(_)) { About::Name } else { About::Type(question.kind) };
        let key = (question.name.clone(), about);
        let contradicted = self.contradicted(question, &fact);
        let outranks = |entry: &Entry| entry.rank > rank && self.lives(entry.ends_ms, now_ms);
        if contradicted.iter().filter_map(|key| self.entries.get(key)).any(outranks) {
            return false;
        }
        contradicted.iter().for_each(|key| self.remove(key));
        let octets = key.0.octets() + fact.octets();
        if !self.lives(ends_ms, now_ms) || self.entries_max == 0 || octets > self.octets_max {
            return false;
        }
        while self.entries.len() >= self.entries_max || self.octets > self.octets_max - octets {
            let Some((_, first)) = self.by_end.first().cloned() else { break };
            self.remove(&first);
        }
        self.octets += octets;
        self.by_end.insert((ends_ms, key.clone()));
        self.entries.insert(key, Entry { fact, rank, ends_ms });
        true
    }

    /// What cannot be so any more once `fact` is known, whether or not that is kept: a fact that lives for no time still
    /// ends what was known before.
    fn contradicted(&self, question: &Question, fact: &Fact) -> Vec<Key> {
        match fact {
            Fact::NxDomain(_) => {
                let from = (question.name.clone(), About::Name);
                let below = self.entries.range(from..).map(|(key, _)| key);
                below.take_while(|(name, _)| name.is_within(&question.name)).cloned().collect()
            }
            Fact::Records(_) | Fact::NoData(_) | Fact::Dangling { .. } => {
                let own = (question.name.clone(), About::Type(question.kind));
                let denials = question.name.ancestors().map(|name| (name, About::Name));
                std::iter::once(own).chain(denials).collect()
            }
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.octets -= key.0.octets() + entry.fact.octets();
            self.by_end.remove(&(entry.ends_ms, key.clone()));
        }
    }

    /// Forgets what has ended longer ago than it is kept.
    pub fn expire(&mut self, now_ms: u64) {
        while let Some((ends_ms, key)) = self.by_end.first().cloned() {
            if self.lives(ends_ms, now_ms) || (self.keep_ms > 0 && now_ms.saturating_sub(ends_ms) <= self.keep_ms) {
                return;
            }
            self.remove(&key);
        }
    }

    /// Moves every end by `by_ms` towards 0, as when the clock is begun anew.
    pub fn rebase(&mut self, by_ms: u64) {
        for entry in self.entries.values_mut() {
            entry.ends_ms = entry.ends_ms.saturating_sub(by_ms);
        }
        self.by_end = self.entries.iter().map(|(key, entry)| (entry.ends_ms, key.clone())).collect();
    }
}
