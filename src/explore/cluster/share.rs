//! A worker's share: the lineages that it expands, and the fingerprints that it answers for.

use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::begun::Begun;
use super::post::{Asks, Body, Message, Post, Says};
use super::told::rerun;
use super::work::{ASKS, BATCH, Open, Work, owner};
use crate::explore::form::Form;
use crate::explore::shape::{Origin, Shape};
use crate::explore::step::{Next, expand, is_rechecked, panic_message, panics_at};
use crate::explore::sweep::part::{States, insert};
use crate::explore::table::{Fingerprint, Table};
use crate::explore::{Budget, Equality, ModelError, Stop};
use crate::model::CheckedModel;

/// Lineages that the first level is cut into at most. So many that none is a large part of the work.
const LINEAGES_MAX: usize = 1 << 14;
/// Nodes between two questions to [`Budget::interrupt`].
const ASKED_NODES: usize = 1 << 13;

pub(super) struct Share<M: CheckedModel, F: Form<M::State>> {
    begun: Arc<Begun<M, F>>,
    budget: Budget,
    pub(super) me: usize,
    /// Of the fingerprints that this worker owns.
    known: Table<()>,
    /// The step that each of its own nodes was found by, whose node is another of its own; of the first of them the node
    /// of the beginning that it is.
    origins: Vec<Origin>,
    roots: usize,
    /// The first of its nodes that is of this level.
    first: usize,
    level: States<F::Held>,
    /// Lineages that have nodes of this level, and how many.
    lineages: Vec<(u32, u32)>,
    /// By lineage, the number of its first node of this level.
    pub(super) numbers: Vec<u64>,
    /// Of each property whether it is still looked for, and what this worker has found: the node's number, and which of
    /// its own it is.
    pub(super) is_wanted: Vec<bool>,
    pub(super) found: Vec<Option<(u64, u32)>>,
    pub(super) stop: Option<Stop>,
    pub(super) error: Option<ModelError>,
    work: Work<M::Action, F::Held>,
}

impl<M: CheckedModel, F: Form<M::State>> Share<M, F> {
    pub(super) fn new(begun: Arc<Begun<M, F>>, budget: &Budget, me: usize, peers: usize) -> Self {
        let first = begun.prefix.divided.unwrap_or_default();
        let width = begun.prefix.width();
        let lineages = width.min(LINEAGES_MAX);
        let begins = |lineage: usize| lineage * width / lineages;
        let own = || (me..lineages).step_by(peers);
        let counts = own().map(|lineage| (lineage as u32, (begins(lineage + 1) - begins(lineage)) as u32));
        let nodes = || own().flat_map(|lineage| begins(lineage)..begins(lineage + 1));
        let origins: Vec<_> = nodes().map(|node| Origin { node: (first + node) as u32, action: 0 }).collect();
        let mut known = Table::new(budget.equality == Equality::Fingerprint128);
        for of in begun.known.iter().filter(|of| owner(**of, peers) == me) {
            insert(&mut known.shards[of.shard()], *of);
        }
        Share {
            me,
            known,
            roots: origins.len(),
            origins,
            first: 0,
            level: States::Themselves(begun.take(nodes())),
            lineages: counts.collect(),
            numbers: (0..lineages).map(|lineage| (first + begins(lineage)) as u64).collect(),
            is_wanted: begun.wanted.iter().map(|(_, found)| found.is_none()).collect(),
            found: vec![None; begun.wanted.len()],
            stop: None,
            error: None,
            work: Work::new(peers),
            budget: budget.clone(),
            begun,
        }
    }

    /// Expands its nodes of this level, or, when `only_looks`, looks at them alone. Owners are asked about what they lead to.
    pub(super) fn expand(&mut self, only_looks: bool, post: &mut Post<'_>) {
        let begun = self.begun.clone();
        self.work.begin();
        let (origins, level) =
            (std::mem::take(&mut self.origins), std::mem::replace(&mut self.level, States::Themselves(Vec::new())));
        let (own, mut runs) = (&origins[self.first..], std::mem::take(&mut self.lineages).into_iter());
        // A lineage that has no nodes is followed by the next one.
        let (mut lineage, mut rest, mut done) = (0, 0, 0);
        let now = Cell::new(0);
        let mut kept = Vec::with_capacity(runs.len());
        let expanded = catch_unwind(AssertUnwindSafe(|| {
            level.each::<M, F>(&begun.model, self.first as u32, own, |node, held| {
                now.set(node);
                if rest == 0 {
                    self.work.flush(lineage, &self.known, self.me, post);
                    (lineage, rest) = runs.next().unwrap_or_default();
                    kept.push((lineage, rest));
                    done = 0;
                }
                let number = self.numbers[lineage as usize] + done;
                (rest, done) = (rest - 1, done + 1);
                if !only_looks && self.stop.is_none() && self.work.rows.len().is_multiple_of(ASKED_NODES) {
                    self.stop = (self.budget.interrupt)();
                }
                self.expand_one(node, number, held, only_looks || self.stop.is_some())?;
                if self.work.open.len() >= BATCH {
                    self.work.flush(lineage, &self.known, self.me, post);
                }
                Ok(())
            })
        }));
        (self.origins, self.lineages) = (origins, kept);
        self.error = expanded.unwrap_or_else(|panic| Err(self.blamed(now.get(), &*panic))).err();
        self.work.flush(lineage, &self.known, self.me, post);
        self.work.send_all(post);
    }

    #[inline]
    fn expand_one(&mut self, node: u32, number: u64, held: F::Held, only_looks: bool) -> Result<(), ModelError> {
        let Share { begun, budget, work, .. } = self;
        let state = F::state(&held);
        for (((looked, _), is_wanted), found) in begun.wanted.iter().zip(&self.is_wanted).zip(&mut self.found) {
            if *is_wanted && found.is_none() && looked.shows(&begun.model, &state) {
                *found = Some((number, node));
            }
        }
        if only_looks {
            work.rows.push((0, 0));
            return Ok(());
        }
        let rechecked = budget.recheck && is_rechecked(number as usize);
        if rechecked {
            F::recheck(&*begun.model, &state)?;
        }
        let Work { actions, open, sent, rows, .. } = work;
        let (mut edges, mut cuts) = (0, 0);
        let before = open.len();
        expand(&*begun.model, &state, rechecked, actions, |action, next| match next {
            Next::Refused => {}
            Next::Cut => cuts += 1,
            Next::State(next) => {
                edges += 1;
                let fingerprint = F::fingerprint(&F::hold(next), budget.equality);
                if !sent.has(fingerprint) {
                    open.push(Open { fingerprint, node, action });
                }
            }
        })?;
        rows.push((edges, cuts));
        if open.len() > before {
            drop(state);
            work.expanded.push((node, held));
        }
        Ok(())
    }

    /// Answers what it was asked, the questions about earlier lineages first.
    pub(super) fn claim(&mut self, messages: Vec<Message>, post: &mut Post<'_>) {
        let mut asked = Vec::with_capacity(messages.len());
        for Message { from, body, .. } in messages {
            if let Body::Asks(asks) = body {
                let is_new = vec![0_u64; asks.low.len().div_ceil(64)];
                asked.push((from, asks, is_new));
            }
        }
        let mut runs = Vec::new();
        for (index, (_, asks, _)) in asked.iter().enumerate() {
            let mut at = 0;
            for (lineage, count) in &asks.runs {
                runs.push((*lineage, asks.nth, index, at..at + *count as usize));
                at += *count as usize;
            }
        }
        runs.sort_unstable_by_key(|(lineage, nth, ..)| (*lineage, *nth));
        let mut batch: Vec<(Fingerprint, usize, usize)> = Vec::with_capacity(BATCH);
        let mut take = |batch: &mut Vec<(Fingerprint, usize, usize)>, asked: &mut Vec<(u32, Asks, Vec<u64>)>| {
            let shards = &mut self.known.shards;
            black_box(batch.iter().fold(0, |sum, (of, ..)| sum ^ shards[of.shard()].touch(*of)));
            for (of, index, at) in batch.drain(..) {
                if insert(&mut shards[of.shard()], of) {
                    asked[index].2[at / 64] |= 1 << (at % 64);
                }
            }
        };
        for (_, _, index, places) in runs {
            for at in places {
                let (_, asks, _) = &asked[index];
                let high = asks.high.get(at).copied().unwrap_or_default();
                batch.push((Fingerprint { low: asks.low[at], high }, index, at));
                if batch.len() == BATCH {
                    take(&mut batch, &mut asked);
                }
            }
        }
        take(&mut batch, &mut asked);
        for (from, asks, is_new) in asked {
            post.send(from as usize, Body::Answers { nth: asks.nth, is_new });
        }
    }

    /// Keeps what is new by the answers: it is the next level. What there is to say of this one.
    pub(super) fn keep(&mut self, messages: Vec<Message>) -> Says {
        let mut new = Vec::new();
        for Message { from, body, .. } in messages {
            let Body::Answers { nth, is_new } = body else { continue };
            let steps = &self.work.questions[from as usize].steps;
            let places = nth as usize * ASKS..steps.len().min((nth as usize + 1) * ASKS);
            let answered = steps[places].iter().enumerate();
            new.extend(answered.filter(|(at, _)| is_new[at / 64] >> (at % 64) & 1 == 1).map(|(_, step)| *step));
        }
        // By owner, each in order.
        new.sort();
        let level_first = self.first;
        self.first = self.origins.len();
        assert!(self.first + new.len() < Shape::NODES_MAX, "a worker has no numbers for more nodes");
        self.origins.extend(new.iter().map(|step| Origin { node: (step >> 32) as u32, action: *step as u32 }));
        let mut counts = Vec::new();
        let (mut end, mut from) = (level_first, 0);
        for (lineage, nodes) in std::mem::take(&mut self.lineages) {
            end += nodes as usize;
            let to = from + new[from..].partition_point(|step| ((step >> 32) as usize) < end);
            self.work.lineage_ends.push((lineage, end - level_first, to));
            if to > from {
                counts.push((lineage, (to - from) as u32));
            }
            from = to;
        }
        let mut steps = new.iter().map(|step| (step >> 32) as u32).peekable();
        self.work.parents.retain(|(node, _)| {
            let has_new = steps.peek() == Some(node);
            while steps.next_if_eq(node).is_some() {}
            has_new
        });
        self.level = States::Others(std::mem::take(&mut self.work.parents));
        self.lineages.clone_from(&counts);
        let (edges, cuts) = self.work.sums();
        Says { counts, edges, cuts, asked: self.work.asked, ..self.says() }
    }

    /// Keeps only nodes whose numbers are below `states_max`. `numbers`: by lineage, of the first that is new. Returns how
    /// many transitions, and cut ones, the nodes have that count as expanded: those all of whose transitions are known.
    pub(super) fn truncate(&mut self, states_max: u64, node_count: u64, numbers: &[u64]) -> (u64, u64) {
        let level_first = self.first - self.work.rows.len();
        let (mut edges, mut cuts) = (0, 0);
        let (mut row, mut new, mut kept) = (0, self.first, self.first);
        for (lineage, row_end, new_count) in &self.work.lineage_ends {
            let mut number = numbers[*lineage as usize].max(node_count);
            for row in row..*row_end {
                while self.origins.get(new).is_some_and(|origin| origin.node as usize == level_first + row) {
                    (new, number) = (new + 1, number + 1);
                    kept += usize::from(number <= states_max);
                }
                if number <= states_max {
                    edges += u64::from(self.work.rows[row].0);
                    cuts += u64::from(self.work.rows[row].1);
                }
            }
            row = *row_end;
            debug_assert_eq!(new, self.first + new_count, "a lineage is found by its own nodes");
        }
        self.origins.truncate(kept);
        for (lineage, count) in &mut self.lineages {
            *count = (*count).min(states_max.saturating_sub(numbers[*lineage as usize]) as u32);
        }
        self.lineages.retain(|(_, count)| *count > 0);
        (edges, cuts)
    }

    /// What there is to say of this worker apart from counts.
    pub(super) fn says(&self) -> Says {
        let stop = self.stop.as_ref().map(|stop| match stop {
            Stop::Time(limit) => (0, limit.clone()),
            Stop::Memory(limit) => (1, limit.clone()),
            _ => (2, String::new()),
        });
        Says {
            found: self.found.iter().map(|found| found.map(|(number, _)| number)).collect(),
            stop,
            error: self.error.as_ref().map(ToString::to_string),
            ..Says::default()
        }
    }

    /// How many states it has expanded, or would have.
    pub(super) fn own_count(&self) -> usize {
        self.origins.len()
    }

    /// The way to one of its nodes: the node of the beginning that it starts from, and the actions from there on.
    pub(super) fn way_to(&self, node: u32) -> Vec<u32> {
        let mut way = Vec::new();
        let mut at = node as usize;
        while at >= self.roots {
            way.push(self.origins[at].action);
            at = self.origins[at].node as usize;
        }
        way.push(self.origins[at].node);
        way.reverse();
        way
    }

    /// What the model panics at.
    #[cold]
    fn blamed(&self, node: u32, panic: &(dyn std::any::Any + Send)) -> ModelError {
        let model = &*self.begun.model;
        let way = rerun(model, &self.begun.prefix.shape, &self.way_to(node));
        let state = way.steps.last().map_or(&way.initial, |(_, state)| state);
        ModelError::Panics {
            what: panics_at(model, state).unwrap_or_else(|| "what it is asked once".into()),
            state: format!("{state:?}"),
            path: way.steps.iter().map(|(action, _)| model.format_action(action)).collect(),
            words: panic_message(panic),
        }
    }
}
