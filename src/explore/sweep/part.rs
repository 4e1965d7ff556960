//! A block at work: its chunks, what they lead to, and who was the first to lead there.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{BATCH, CHUNK_NODES};
use crate::explore::ModelError;
use crate::explore::form::Form;
use crate::explore::shape::Origin;
use crate::explore::step::again;
use crate::explore::table::{Fingerprint, Shard};
use crate::model::CheckedModel;

/// Nodes of one level that follow one another and wait for their turn.
pub(super) struct Chunk<H> {
    pub(super) first: usize,
    pub(super) len: usize,
    pub(super) states: States<H>,
}

/// What the states of nodes that follow one another are had from.
pub(in crate::explore) enum States<H> {
    /// They are there.
    Themselves(Vec<H>),
    /// The nodes that they were found by, in their order.
    Others(Vec<(u32, H)>),
}

/// A chunk at work.
pub(super) struct Part<H> {
    pub(super) first: usize,
    pub(super) rows: Vec<Row>,
    pub(super) candidates: Vec<Candidate>,
    /// For each candidate whether it is new; all of them once for each who claims, since what several threads write to
    /// had better not lie together.
    pub(super) is_new: Vec<AtomicBool>,
    /// The candidates' states, or, where these are made again, the nodes that have found some. In the end of what is new.
    pub(super) held: Vec<(u32, H)>,
    pub(super) origins: Vec<Origin>,
    /// What waits then, cut into chunks: how many nodes each has, and their states.
    pub(super) chunks: Vec<(usize, States<H>)>,
    pub(super) found: Vec<Option<usize>>,
    pub(super) outcome: Result<(), ModelError>,
    pub(super) chunk: Option<Chunk<H>>,
}

/// A node that was expanded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub(super) edges: u32,
    pub(super) cuts: u32,
    /// Of what it was the first to lead to.
    pub(super) new: u32,
}

/// A successor that was not known when its block was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) fingerprint: Fingerprint,
    pub(super) node: u32,
    pub(super) action: u32,
}

/// Takes in the candidates that fall to these shards, so many `together`: the first of equals is new. `index`: of the one
/// who claims.
pub(super) fn claim<H>(index: usize, together: usize, shards: &mut [Shard<()>], parts: &[Part<H>]) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut take = |batch: &mut Vec<(Fingerprint, &AtomicBool)>| {
        let shard = |of: &Fingerprint| of.shard() % together;
        black_box(batch.iter().fold(0, |sum, (of, _)| sum ^ shards[shard(of)].touch(*of)));
        for (of, is_new) in batch.drain(..) {
            is_new.store(insert(&mut shards[shard(&of)], of), Ordering::Relaxed);
        }
    };
    for part in parts {
        let is_new = &part.is_new[part.candidates.len() * index..];
        for (Candidate { fingerprint: of, .. }, is_new) in part.candidates.iter().zip(is_new) {
            if of.shard() / together == index {
                batch.push((*of, is_new));
                if batch.len() == BATCH {
                    take(&mut batch);
                }
            }
        }
    }
    take(&mut batch);
}

/// Whether it was not there.
#[inline]
pub(in crate::explore) fn insert(shard: &mut Shard<()>, of: Fingerprint) -> bool {
    shard.reserve(1);
    shard.find_or_insert(of, (), |()| true).is_err()
}

impl<H> States<H> {
    /// Hands the states of nodes from `first` on to `each`. `origins`: the step that each of these was found by.
    #[inline]
    pub(in crate::explore) fn each<M, F>(
        self,
        model: &M,
        first: u32,
        origins: &[Origin],
        mut each: impl FnMut(u32, H) -> Result<(), ModelError>,
    ) -> Result<(), ModelError>
    where
        M: CheckedModel,
        F: Form<M::State, Held = H>,
    {
        let nodes = first..first + origins.len() as u32;
        let others = match self {
            States::Themselves(states) => return nodes.zip(states).try_for_each(|(node, held)| each(node, held)),
            States::Others(others) => others,
        };
        let mut waiting = nodes.zip(origins).peekable();
        let mut actions = Vec::new();
        for (other, held) in others {
            let state = F::state(&held);
            actions.clear();
            model.actions(&state, &mut actions);
            while let Some((node, origin)) = waiting.next_if(|(_, origin)| origin.node == other) {
                if let Some(held) = again::<M, F>(model, &state, &actions, origin.action) {
                    each(node, held)?;
                }
            }
        }
        Ok(())
    }
}

impl<H> Chunk<H> {
    /// Takes the states of so many nodes more, which come after its own; or gives them back, being of the other kind.
    pub(super) fn append(&mut self, len: usize, states: States<H>) -> Option<States<H>> {
        match (&mut self.states, states) {
            (States::Themselves(own), States::Themselves(mut more)) => own.append(&mut more),
            (States::Others(own), States::Others(mut more)) => own.append(&mut more),
            (_, states) => return Some(states),
        }
        self.len += len;
        None
    }
}

impl<H> Default for Part<H> {
    fn default() -> Self {
        Part {
            first: 0,
            rows: Vec::new(),
            candidates: Vec::new(),
            is_new: Vec::new(),
            held: Vec::new(),
            origins: Vec::new(),
            chunks: Vec::new(),
            found: Vec::new(),
            outcome: Ok(()),
            chunk: None,
        }
    }
}

impl<H> Part<H> {
    /// Takes a chunk, and lets go of all that is left of the last one.
    pub(super) fn begin(&mut self, chunk: Chunk<H>, wanted: usize) {
        self.first = chunk.first;
        self.rows.clear();
        self.rows.resize_with(chunk.len, Row::default);
        self.candidates.clear();
        self.is_new.clear();
        self.held.clear();
        self.origins.clear();
        self.chunks.clear();
        self.found.clear();
        self.found.resize(wanted, None);
        self.outcome = Ok(());
        self.chunk = Some(chunk);
    }

    /// What of it is new, cut into chunks.
    pub(super) fn merge(&mut self, together: usize, made_again: bool) {
        let count = self.candidates.len();
        let is_new = |(at, candidate): (usize, &Candidate)| {
            self.is_new[candidate.fingerprint.shard() / together * count + at].load(Ordering::Relaxed)
        };
        for (at, candidate) in self.candidates.iter().enumerate() {
            if is_new((at, candidate)) {
                self.rows[candidate.node as usize - self.first].new += 1;
                self.origins.push(Origin { node: candidate.node, action: candidate.action });
            }
        }
        if made_again {
            return self.cut_others();
        }
        let mut candidates = self.candidates.iter().enumerate();
        self.held.retain(|_| candidates.next().is_some_and(is_new));
        let mut held = self.held.drain(..).map(|(_, held)| held).peekable();
        while held.peek().is_some() {
            let states: Vec<H> = held.by_ref().take(CHUNK_NODES).collect();
            self.chunks.push((states.len(), States::Themselves(states)));
        }
    }

    fn cut_others(&mut self) {
        let new = |node: u32| self.rows[node as usize - self.first].new as usize;
        self.held.retain(|(node, _)| new(*node) > 0);
        let mut rest = self.held.iter().map(|(node, _)| new(*node)).peekable();
        let mut cuts = Vec::new();
        while rest.peek().is_some() {
            let (mut others, mut len) = (0, 0);
            while let Some(new) = rest.next_if(|new| len == 0 || len + new <= CHUNK_NODES) {
                (others, len) = (others + 1, len + new);
            }
            cuts.push((others, len));
        }
        let mut held = self.held.drain(..);
        let chunks = cuts.into_iter().map(|(others, len)| (len, States::Others(held.by_ref().take(others).collect())));
        self.chunks.extend(chunks);
    }
}
