//! What is at hand while a level is expanded: successors that are not looked up yet, and questions to their owners.

use std::hint::black_box;

use super::post::{Asks, Body, Post};
use crate::explore::table::{Fingerprint, Table};

/// Fingerprints in a message.
pub(super) const ASKS: usize = 1 << 12;
/// Successors that are looked up together.
pub(super) const BATCH: usize = 32;
/// Fingerprints that a worker remembers to have met: 4 MiB of them.
const SENT: usize = 1 << 18;

/// `A`: actions, `H`: what is held of states.
pub(super) struct Work<A, H> {
    pub(super) actions: Vec<A>,
    pub(super) open: Vec<Open>,
    pub(super) sent: Sent,
    /// By owner.
    pub(super) questions: Vec<Questions>,
    /// Nodes that were expanded and have led to something that is open.
    pub(super) expanded: Vec<(u32, H)>,
    /// Nodes that have led to something that an owner is asked about.
    pub(super) parents: Vec<(u32, H)>,
    /// Of each of the worker's nodes of this level how many transitions it has, and how many that are cut.
    pub(super) rows: Vec<(u32, u32)>,
    /// Each lineage with how many rows, and how many new nodes, there are up to its end.
    pub(super) lineage_ends: Vec<(u32, usize, usize)>,
    /// Fingerprints that other workers were asked about.
    pub(super) asked: u64,
}

/// A successor that is not looked up yet.
pub(super) struct Open {
    pub(super) fingerprint: Fingerprint,
    pub(super) node: u32,
    pub(super) action: u32,
}

/// What an owner is asked about.
#[derive(Default)]
pub(super) struct Questions {
    asks: Asks,
    /// The step to each fingerprint of this level that it was asked about, the node in the upper half.
    pub(super) steps: Vec<u64>,
}

/// What a worker has met of late, each in the only place it may have: its owner need not be asked again. A worker goes
/// through a level in its order, so what it meets again is not new.
pub(super) struct Sent(Vec<Fingerprint>);

/// The worker that owns a fingerprint: told by bits that say little of its place in a table.
#[inline]
pub(super) fn owner(of: Fingerprint, peers: usize) -> usize {
    ((u128::from(of.low.rotate_left(32)) * peers as u128) >> u64::BITS) as usize
}

impl Sent {
    /// Whether `of` was met of late; it is from now on.
    #[inline]
    pub(super) fn has(&mut self, of: Fingerprint) -> bool {
        let place = &mut self.0[of.low as usize % SENT];
        std::mem::replace(place, of) == of
    }
}

impl<A, H> Work<A, H> {
    pub(super) fn new(peers: usize) -> Self {
        Work {
            actions: Vec::new(),
            open: Vec::with_capacity(2 * BATCH),
            sent: Sent(vec![Fingerprint::default(); SENT]),
            questions: (0..peers).map(|_| Questions::default()).collect(),
            expanded: Vec::new(),
            parents: Vec::new(),
            rows: Vec::new(),
            lineage_ends: Vec::new(),
            asked: 0,
        }
    }

    /// A new level.
    pub(super) fn begin(&mut self) {
        self.rows.clear();
        self.lineage_ends.clear();
        for questions in &mut self.questions {
            questions.steps.clear();
            questions.asks.nth = 0;
        }
    }

    /// Looks up what is open, all of it of `lineage`, and puts what may be new among the questions.
    pub(super) fn flush(&mut self, lineage: u32, known: &Table<()>, me: usize, post: &mut Post<'_>) {
        let shard = |of: Fingerprint| known.shard(of);
        black_box(self.open.iter().fold(0, |sum, open| sum ^ shard(open.fingerprint).touch(open.fingerprint)));
        let peers = self.questions.len();
        let mut expanded = self.expanded.drain(..).peekable();
        for Open { fingerprint: of, node, action } in self.open.drain(..) {
            let owner = owner(of, peers);
            if owner == me && shard(of).find(of, |()| true).is_some() {
                continue;
            }
            self.asked += u64::from(owner != me);
            self.questions[owner].push(of, lineage, u64::from(node) << 32 | u64::from(action));
            while expanded.next_if(|(other, _)| *other < node).is_some() {}
            self.parents.extend(expanded.next_if(|(other, _)| *other == node));
            if self.questions[owner].asks.low.len() == ASKS {
                self.questions[owner].send(owner, post);
            }
        }
    }

    /// Asks what is left to ask.
    pub(super) fn send_all(&mut self, post: &mut Post<'_>) {
        for (owner, questions) in self.questions.iter_mut().enumerate() {
            if !questions.asks.low.is_empty() {
                questions.send(owner, post);
            }
        }
    }

    /// Transitions of all nodes of the level, and of these the cut ones.
    pub(super) fn sums(&self) -> (u64, u64) {
        self.rows.iter().fold((0, 0), |(edges, cuts), row| (edges + u64::from(row.0), cuts + u64::from(row.1)))
    }
}

impl Questions {
    #[inline]
    fn push(&mut self, of: Fingerprint, lineage: u32, step: u64) {
        match self.asks.runs.last_mut() {
            Some((last, count)) if *last == lineage => *count += 1,
            _ => self.asks.runs.push((lineage, 1)),
        }
        self.asks.low.push(of.low);
        if of.high != 0 {
            self.asks.high.push(of.high);
        }
        self.steps.push(step);
    }

    fn send(&mut self, owner: usize, post: &mut Post<'_>) {
        let next = Asks { nth: self.asks.nth + 1, ..Asks::default() };
        post.send(owner, Body::Asks(std::mem::replace(&mut self.asks, next)));
    }
}
