//! A worker's way through the levels, which all workers go at once.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use timely::WorkerConfig;
use timely::communication::Hooks;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::worker::Worker;

use super::begun::{Begun, Names};
use super::line::Lines;
use super::post::{Body, Broken, Message, Post, Says};
use super::share::Share;
use super::told::Sum;
use super::{ClusterConfig, ClusterError, ClusterSurvey};
use crate::explore::form::Form;
use crate::explore::{Budget, ModelError, Stop};
use crate::model::CheckedModel;

/// How long a process that has lost another one keeps its other connections, so that all of them notice by themselves who
/// was lost, and do not take this one for it.
const GRACE: Duration = Duration::from_secs(1);

/// How it ended for a worker.
enum Ended {
    Told(Sum, Vec<Vec<u32>>),
    /// The model is wrong, as this worker found.
    Wrong(ModelError),
    /// The model is wrong, as that worker said.
    Elsewhere(usize, String),
    Broken,
}

/// Explores what is left after the beginning, with the threads of this process and those of the others.
pub(super) fn run<M: CheckedModel, F: Form<M::State>>(
    begun: Begun<M, F>,
    names: Names,
    budget: &Budget,
    config: &ClusterConfig,
    sockets: Vec<Option<TcpStream>>,
) -> Result<ClusterSurvey<M>, ClusterError> {
    let threads = budget.threads.max(1);
    let address = || config.addresses[config.process].clone();
    let told = |why: String| ClusterError::Address { address: address(), why };
    let (lines, streams) = Lines::over(sockets).map_err(|error| told(error.to_string()))?;
    let hooks = Hooks::default();
    let inside = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), None);
    let (builders, guard) = initialize_networking_from_sockets(inside, streams, config.process, threads, hooks)
        .map_err(|error| told(error.to_string()))?;
    let builders = builders.into_iter().map(AllocatorBuilder::Tcp).collect();
    let begun = Arc::new(begun);
    let (shared, at, limits) = (begun.clone(), lines.clone(), budget.clone());
    let workers = timely::execute::execute_from(builders, Box::new(()), WorkerConfig::default(), move |worker| {
        let _careful = Careful(&at);
        worked(worker, &at, &shared, &limits)
    });
    let ended = workers.map_err(&told)?.join();
    lines.end();
    drop(guard);
    let mut result = None;
    for ended in ended {
        match ended {
            Ok(Ended::Told(..)) if result.is_some() => {}
            Ok(Ended::Told(sum, ways)) => result = Some(Ok((sum, ways))),
            Ok(Ended::Wrong(error)) => return Err(ClusterError::Model(error)),
            Ok(Ended::Elsewhere(worker, words)) => {
                let process = worker / threads;
                let address = config.addresses[process].clone();
                result = Some(Err(ClusterError::Elsewhere { process, address, words }));
            }
            Ok(Ended::Broken) => result = Some(Err(config.lost(lines.lost().unwrap_or(config.process)))),
            Err(panic) => std::panic::resume_unwind(Box::new(panic)),
        }
    }
    let (sum, ways) = result.unwrap_or_else(|| Err(config.lost(config.process)))?;
    let bytes_sent = lines.bytes_sent.load(Ordering::Relaxed);
    let Some(begun) = Arc::into_inner(begun) else { return Err(config.lost(config.process)) };
    let (model, divided, prefix) = (begun.model, begun.prefix.divided, begun.prefix.shape);
    Ok(ClusterSurvey { model, prefix, divided, names, equality: budget.equality, sum, ways, bytes_sent })
}

/// A worker that panics takes the others along.
struct Careful<'a>(&'a Lines);

impl Drop for Careful<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

fn worked<M: CheckedModel, F: Form<M::State>>(
    worker: &mut Worker,
    lines: &Arc<Lines>,
    begun: &Arc<Begun<M, F>>,
    budget: &Budget,
) -> Ended {
    let mut post = Post::new(worker, lines);
    let share = Share::new(begun.clone(), budget, post.me(), post.peers());
    let sum = Sum::new(begun, post.peers());
    let mut going = Going { sum, share, states_max: budget.states_max as u64, depth_max: budget.depth_max };
    let ended = going.go(begun.prefix.divided.is_some(), &mut post);
    if ended.is_err() {
        if lines.lost().is_some() {
            std::thread::sleep(GRACE);
        }
        lines.fail();
    }
    post.close();
    ended.unwrap_or(Ended::Broken)
}

struct Going<M: CheckedModel, F: Form<M::State>> {
    sum: Sum,
    share: Share<M, F>,
    states_max: u64,
    depth_max: usize,
}

impl<M: CheckedModel, F: Form<M::State>> Going<M, F> {
    fn go(&mut self, is_divided: bool, post: &mut Post<'_>) -> Result<Ended, Broken> {
        if !is_divided {
            self.sum.shares.clear();
            return Ok(Ended::Told(self.sum.clone(), Vec::new()));
        }
        loop {
            if let Some(ended) = self.level(post)? {
                return Ok(ended);
            }
            let level = self.sum.levels.last().copied().unwrap_or_default();
            if level == self.sum.node_count || self.sum.stop.is_some() {
                break;
            }
            if self.sum.levels.len() > self.depth_max {
                self.sum.stop = Some(Stop::Depth(self.depth_max));
                break;
            }
            self.sum.levels.push(self.sum.node_count);
        }
        if let [.., last] = self.sum.levels[..]
            && last == self.sum.node_count
            && self.sum.levels.len() > 1
        {
            self.sum.levels.pop();
        }
        if self.sum.stop.is_some() {
            // States that are not expanded because of a limit show something as well.
            self.share.expand(true, post);
            post.send_to_all(&Body::Says(self.share.says()));
            let all = said(post.arrive()?);
            if let Some(ended) = self.wrong(&all) {
                return Ok(ended);
            }
            self.find(&all);
        }
        self.tell(post)
    }

    /// Expands the level, and numbers what is new.
    fn level(&mut self, post: &mut Post<'_>) -> Result<Option<Ended>, Broken> {
        self.share.expand(false, post);
        let questions = post.arrive()?;
        self.share.claim(questions, post);
        let answers = post.arrive()?;
        post.send_to_all(&Body::Says(self.share.keep(answers)));
        let all = said(post.arrive()?);
        if let Some(ended) = self.wrong(&all) {
            return Ok(Some(ended));
        }
        self.find(&all);
        let mut counts = vec![0_u64; self.share.numbers.len()];
        for (lineage, count) in all.iter().flat_map(|(_, says)| &says.counts) {
            counts[*lineage as usize] = u64::from(*count);
        }
        let before = self.sum.node_count;
        let mut next = before;
        for count in counts {
            self.share.numbers.push(next);
            next += count;
        }
        let lineages = self.share.numbers.len() / 2;
        self.share.numbers.drain(..lineages);
        let stop = all.iter().find_map(|(_, says)| says.stop.clone());
        self.sum.stop = stop.map(|(kind, words)| match kind {
            0 => Stop::Time(words),
            1 => Stop::Memory(words),
            _ => Stop::Interrupted,
        });
        let mut sums = all;
        if next > self.states_max {
            next = self.states_max;
            self.sum.stop.get_or_insert(Stop::States(self.states_max as usize));
            let numbers = std::mem::take(&mut self.share.numbers);
            let (edges, cuts) = self.share.truncate(self.states_max, before, &numbers);
            self.share.numbers = numbers;
            post.send_to_all(&Body::Says(Says { edges, cuts, ..Says::default() }));
            sums = said(post.arrive()?);
        } else {
            for (from, says) in &sums {
                self.sum.shares[*from].1 = says.asked;
            }
        }
        self.sum.node_count = next;
        self.sum.edge_count += sums.iter().map(|(_, says)| says.edges).sum::<u64>();
        self.sum.cut_count += sums.iter().map(|(_, says)| says.cuts).sum::<u64>();
        tracing::trace!(depth = self.sum.levels.len() - 1, states = next, "level done");
        Ok(None)
    }

    /// What a worker says is wrong with the model; of several the first.
    fn wrong(&mut self, all: &[(usize, Says)]) -> Option<Ended> {
        let (from, words) = all.iter().find_map(|(from, says)| Some((*from, says.error.clone()?)))?;
        match self.share.error.take().filter(|_| from == self.share.me) {
            Some(error) => Some(Ended::Wrong(error)),
            None => Some(Ended::Elsewhere(from, words)),
        }
    }

    /// The first node that any worker has found something at.
    fn find(&mut self, all: &[(usize, Says)]) {
        for (property, found) in self.sum.found.iter_mut().enumerate() {
            let first = all.iter().filter_map(|(_, says)| says.found[property]).min();
            *found = found.or(first);
            self.share.is_wanted[property] = found.is_none();
        }
    }

    /// Whoever has found something first tells all of the way to it.
    fn tell(&mut self, post: &mut Post<'_>) -> Result<Ended, Broken> {
        for (property, first) in self.sum.found.iter().enumerate() {
            if let Some((number, node)) = self.share.found[property]
                && Some(number) == *first
            {
                post.send_to_all(&Body::Way { property: property as u32, way: self.share.way_to(node) });
            }
        }
        let own = self.share.own_count() as u32;
        post.send_to_all(&Body::Says(Says { edges: u64::from(own), ..Says::default() }));
        let mut ways = vec![Vec::new(); self.sum.found.len()];
        for Message { from, body, .. } in post.arrive()? {
            match body {
                Body::Way { property, way } => ways[property as usize] = way,
                Body::Says(says) => self.sum.shares[from as usize].0 = says.edges,
                Body::Asks(_) | Body::Answers { .. } => {}
            }
        }
        Ok(Ended::Told(self.sum.clone(), ways))
    }
}

/// What each worker says, in their order.
fn said(messages: Vec<Message>) -> Vec<(usize, Says)> {
    let says = messages.into_iter().filter_map(|message| match message.body {
        Body::Says(says) => Some((message.from as usize, says)),
        _ => None,
    });
    says.collect()
}

impl Sum {
    fn new<M: CheckedModel, F: Form<M::State>>(begun: &Begun<M, F>, peers: usize) -> Self {
        let shape = &begun.prefix.shape;
        Sum {
            levels: shape.levels.iter().map(|first| *first as u64).collect(),
            node_count: shape.node_count() as u64,
            edge_count: shape.edge_count as u64,
            cut_count: shape.cut_count as u64,
            stop: shape.stop.clone(),
            found: begun.wanted.iter().map(|(_, node)| node.map(|node| node as u64)).collect(),
            shares: vec![(0, 0); peers],
        }
    }
}
