//! Processes on threads, with channels between them: an attempt as it would run, and a log of what was done.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::{Event, Process, ProcessId, Refused, Sent};

/// How fast processes run, and which of them stops.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Least time that a process waits for a message before it is woken without one; it waits up to twice as long, by
    /// its own draw, so that no two go on in step.
    pub patience: Duration,
    /// How often a process is woken without a message before it gives up.
    pub wakes_max: usize,
    /// Seed of coins and of patience.
    pub seed: u64,
    /// A process that stops, and after how many steps.
    pub stops: Option<(ProcessId, usize)>,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { patience: Duration::from_millis(5), wakes_max: 10_000, seed: 0, stops: None }
    }
}

/// One step that a process took.
#[derive(Clone, Debug)]
pub struct Taken<P: Process> {
    /// The process.
    pub process: ProcessId,
    /// The event that it got.
    pub event: Event<P::Message>,
    /// Messages that it sent.
    pub sent: Vec<Sent<P::Message>>,
    /// The value that it has decided.
    pub decided: Option<P::Value>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Ran<P: Process> {
    /// Decisions, by process; `None` where it stopped or gave up before it decided.
    pub decisions: Vec<Option<P::Value>>,
    /// Every step, in an order in which each message is sent before it is received.
    pub taken: Vec<Taken<P>>,
    /// Messages that were refused, with who received them.
    pub refused: Vec<(ProcessId, Refused)>,
}

/// Runs `processes`, numbered as they stand there, until each of them has decided, stopped or given up.
pub fn run<P>(processes: Vec<P>, pace: &Pace) -> Ran<P>
where
    P: Process + Send,
{
    let count = processes.len();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| channel()).unzip();
    let undecided = AtomicUsize::new(count - usize::from(pace.stops.is_some_and(|(stops, _)| stops < count)));
    let (log, refused, over) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()), AtomicBool::new(false));
    let hall = Hall { senders, undecided, log, refused, over, pace };
    let decisions = thread::scope(|scope| {
        let hall = &hall;
        let running: Vec<_> = processes
            .into_iter()
            .zip(receivers)
            .enumerate()
            .map(|(id, (process, receiver))| scope.spawn(move || live(hall, id, process, &receiver)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Option<P::Value>>| match thread.join() {
            Ok(decision) => decision,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        running.into_iter().map(join).collect()
    });
    let whole = |error: PoisonError<_>| error.into_inner();
    Ran {
        decisions,
        taken: hall.log.into_inner().unwrap_or_else(whole),
        refused: hall.refused.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// What the threads share.
struct Hall<'a, P: Process> {
    senders: Vec<Sender<(ProcessId, P::Message)>>,
    undecided: AtomicUsize,
    log: Mutex<Vec<Taken<P>>>,
    refused: Mutex<Vec<(ProcessId, Refused)>>,
    over: AtomicBool,
    pace: &'a Pace,
}

fn live<P: Process>(
    hall: &Hall<'_, P>,
    id: ProcessId,
    mut process: P,
    inbox: &Receiver<(ProcessId, P::Message)>,
) -> Option<P::Value> {
    let mut random = Pcg64Mcg::seed_from_u64(hall.pace.seed ^ (id as u64) << 32);
    let stops_after = hall.pace.stops.filter(|(stops, _)| *stops == id).map(|(_, steps)| steps);
    let (mut steps, mut wakes) = (0, 0);
    let mut event = Event::Nothing;
    loop {
        if stops_after == Some(steps) || hall.over.load(Ordering::SeqCst) {
            return process.decision().cloned();
        }
        process = step(hall, id, process, event, stops_after.is_none());
        steps += 1;
        event = if process.wants_coin() {
            Event::Coin(random.next_u32() % 2 == 1)
        } else {
            let patience = hall.pace.patience.mul_f64(1.0 + f64::from(random.next_u32()) / f64::from(u32::MAX));
            match inbox.recv_timeout(patience) {
                Ok((from, message)) => Event::Message { from, message },
                Err(RecvTimeoutError::Disconnected) => return process.decision().cloned(),
                Err(RecvTimeoutError::Timeout) if wakes >= hall.pace.wakes_max => {
                    hall.over.store(true, Ordering::SeqCst);
                    return process.decision().cloned();
                }
                Err(RecvTimeoutError::Timeout) => {
                    wakes += 1;
                    process.awaited().map_or(Event::Nothing, |of| Event::Suspicion { of })
                }
            }
        };
    }
}

/// Takes one step of a process. It is logged before anyone can receive what it sends.
fn step<P: Process>(hall: &Hall<'_, P>, id: ProcessId, before: P, event: Event<P::Message>, counts: bool) -> P {
    let mut log = hall.log.lock().unwrap_or_else(PoisonError::into_inner);
    let (after, sent) = match before.step(&event) {
        Ok(stepped) => stepped,
        Err(refused) => {
            hall.refused.lock().unwrap_or_else(PoisonError::into_inner).push((id, refused));
            return before;
        }
    };
    let newly = before.decision().is_none() && after.decision().is_some();
    if newly && counts && hall.undecided.fetch_sub(1, Ordering::SeqCst) == 1 {
        hall.over.store(true, Ordering::SeqCst);
    }
    for message in &sent {
        // Whoever has returned receives nothing more.
        if let Some(to) = hall.senders.get(message.to) {
            let _ = to.send((id, message.message.clone()));
        }
    }
    log.push(Taken { process: id, event, sent, decided: after.decision().cloned() });
    after
}
