//! A part of a block at work: its nodes, what they lead to, and which of that is new.

use std::cell::Cell;
use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::explore::ModelError;
use crate::explore::form::Form;
use crate::explore::shape::PackedTarget;
use crate::explore::table::{CANDIDATE, Fingerprint, SHARDS, Shard};
use crate::model::CheckedModel;

/// Some nodes that follow one another, and what became of them.
pub(super) struct Part<H> {
    pub(super) nodes: Range<usize>,
    pub(super) rows: Vec<Row>,
    /// Of the transitions, where they are wanted; [`PackedTarget::OPEN`] where a candidate's number is to be put.
    pub(super) targets: Vec<PackedTarget>,
    pub(super) candidates: Vec<Candidate>,
    /// Where states are compared, those of the candidates. In the end those of what is new.
    pub(super) held: Vec<H>,
    /// The candidates by shard, in their order.
    pub(super) buckets: Buckets,
    /// For each candidate [`NEW`], or the number in the block of the one it is equal to.
    pub(super) answers: Vec<AtomicU32>,
    /// The number in the block of the first candidate.
    pub(super) first_candidate: u32,
    pub(super) outcome: Result<(), ModelError>,
}

/// A node that was expanded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub(super) places: u32,
    pub(super) edges: u32,
    pub(super) cuts: u32,
    pub(super) candidates: u32,
}

/// A successor that was not known when its block was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) fingerprint: Fingerprint,
    pub(super) action: u32,
}

#[derive(Debug, Default)]
pub(super) struct Buckets {
    pub(super) order: Vec<u32>,
    pub(super) starts: [u32; SHARDS + 1],
}

pub(super) const NEW: u32 = u32::MAX;

/// Candidates of all parts that fall to one shard. `states`: of all nodes, where states themselves are compared.
pub(super) fn claim<M: CheckedModel, F: Form<M::State>>(
    index: usize,
    shard: &mut Shard<u32>,
    parts: &[Part<F::Held>],
    states: Option<&Vec<F::Held>>,
) {
    const TOUCHED: usize = 16;
    shard.reserve(parts.iter().map(|part| part.buckets.of(index).len()).sum());
    for part in parts {
        for batch in part.buckets.of(index).chunks(TOUCHED) {
            let touch = |at: &u32| shard.touch(part.candidates[*at as usize].fingerprint);
            black_box(batch.iter().fold(0, |sum, at| sum ^ touch(at)));
            for at in batch {
                let alike = Cell::new(false);
                let same = |number: u32| {
                    let other = match states {
                        None => return true,
                        Some(_) if number & CANDIDATE != 0 => candidate(parts, number & !CANDIDATE),
                        Some(states) => &states[number as usize],
                    };
                    let same = F::same(other, &part.held[*at as usize]);
                    alike.set(alike.get() || !same);
                    same
                };
                let fingerprint = part.candidates[*at as usize].fingerprint;
                let answer = shard.claim(fingerprint, part.first_candidate + at, same);
                shard.alike |= alike.get();
                part.answers[*at as usize].store(answer.map_or(NEW, |equal| equal & !CANDIDATE), Ordering::Relaxed);
            }
        }
    }
}

/// The candidate of this number in the block.
fn candidate<H>(parts: &[Part<H>], number: u32) -> &H {
    let part = &parts[parts.partition_point(|part| part.first_candidate <= number) - 1];
    &part.held[(number - part.first_candidate) as usize]
}

impl<H> Part<H> {
    pub(super) fn new(nodes: Range<usize>) -> Self {
        Part {
            nodes,
            rows: Vec::new(),
            targets: Vec::new(),
            candidates: Vec::new(),
            held: Vec::new(),
            buckets: Buckets::default(),
            answers: Vec::new(),
            first_candidate: 0,
            outcome: Ok(()),
        }
    }

    /// The candidates by shard.
    pub(super) fn sort(&mut self) {
        let Buckets { order, starts } = &mut self.buckets;
        for candidate in &self.candidates {
            starts[candidate.fingerprint.shard() + 1] += 1;
        }
        for shard in 0..SHARDS {
            starts[shard + 1] += starts[shard];
        }
        let mut next = *starts;
        order.resize(self.candidates.len(), 0);
        for (at, candidate) in self.candidates.iter().enumerate() {
            let place = &mut next[candidate.fingerprint.shard()];
            order[*place as usize] = at as u32;
            *place += 1;
        }
        self.answers.resize_with(self.candidates.len(), AtomicU32::default);
    }

    pub(super) fn drop_known(&mut self) {
        let mut answers = self.answers.iter();
        self.held.retain(|_| answers.next().is_some_and(is_new));
    }
}

pub(super) fn is_new(answer: &AtomicU32) -> bool {
    answer.load(Ordering::Relaxed) == NEW
}

impl Buckets {
    fn of(&self, shard: usize) -> &[u32] {
        &self.order[self.starts[shard] as usize..self.starts[shard + 1] as usize]
    }
}
