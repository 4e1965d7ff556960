//! A turnstile for threads: a schedule lets named workers pass one step at a time.
//!
//! At any moment one thread runs at most, the driver's or one worker's. A worker runs from one stop to the next: it
//! *parks* before a step that the schedule decides on ([`Gate::pass`]), it is *blocked* where it needs what another
//! worker has not done yet ([`Gate::wait_until`], or a lock or a condition variable of [`sync`]), it ends or it panics.
//! Because a worker says that it is blocked instead of being found asleep, "all are blocked" is an answer and no
//! time-out: it is a deadlock, and the same schedule gives it again.
//!
//! After each step the blocked workers are asked once more, in the order they were started, until none of them goes on.
//! So a run depends on the schedule alone.
//!
//! ```
//! use counterpart::conform::turnstile::{Answer, Turnstile};
//! use std::sync::{Arc, Mutex};
//!
//! let letters = Arc::new(Mutex::new(String::new()));
//! let mut turnstile = Turnstile::new();
//! for name in ["a", "b"] {
//!     let letters = letters.clone();
//!     turnstile.start(name, move |gate| {
//!         for _ in 0..2 {
//!             gate.pass("write");
//!             letters.lock().unwrap().push_str(name);
//!         }
//!     });
//! }
//! // From its start to its first stop, and from there on.
//! for name in ["a", "b", "b", "a"] {
//!     assert_eq!(turnstile.release(name), Ok(Answer::Parked { label: "write".into() }));
//! }
//! assert_eq!(turnstile.release("b"), Ok(Answer::Ended));
//! assert_eq!(*letters.lock().unwrap(), "bab");
//! ```
//!
//! What it does not see: a worker that waits for anything else (a channel or a lock of the standard library, a socket)
//! does not come back, and [`TurnstileError::NotBack`] says so after [`Turnstile::answer_within`].

pub mod sync;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::explore::panic_message;

/// Where a worker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// It stands before a step, and goes on when it is released.
    Parked {
        /// What [`Gate::pass`] was given; `start` before its first instruction.
        label: String,
    },
    /// It stands in a step that needs another worker, and goes on by itself when that has moved.
    Blocked {
        /// What it waits for.
        label: String,
    },
    /// It is under way. The driver sees it only of a worker that did not come back.
    Running,
    /// It returned.
    Ended,
    /// It panicked.
    Panicked {
        /// The panic's words.
        words: String,
    },
}

/// What came of releasing a worker. The first that applies: a panic of any worker, all blocked, its own place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// A worker panicked, not necessarily the one that was released.
    Panicked {
        /// Its name.
        worker: String,
        /// The panic's words.
        words: String,
    },
    /// No worker is parked, and some are blocked: nothing can go on any more.
    AllBlocked {
        /// Who waits, and for what, in the order they were started.
        waits: Vec<(String, String)>,
    },
    /// The worker stands before its next step.
    Parked {
        /// The label of that step.
        label: String,
    },
    /// The worker waits for another.
    Blocked {
        /// What it waits for.
        label: String,
    },
    /// The worker returned.
    Ended,
}

/// Why a worker could not be released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TurnstileError {
    /// Nobody bears that name.
    #[error("no worker is called {worker:?}; there are {}", names(known))]
    NoSuchWorker {
        /// The name that was asked for.
        worker: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Only a parked worker can be released.
    #[error("worker {worker:?} is not parked, it is {place:?}: release one that is")]
    NotParked {
        /// Its name.
        worker: String,
        /// Where it stands.
        place: Place,
    },
    /// The worker neither parked nor blocked nor ended in time.
    #[error(
        "worker {worker:?} did not come back within {} ms: it waits for what the turnstile does not see, or its steps \
         have no stop between them",
        within.as_millis()
    )]
    NotBack {
        /// Its name.
        worker: String,
        /// How long was waited.
        within: Duration,
    },
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// The driver's side: starts workers, and releases them one step at a time.
///
/// Dropped, it ends its workers: each is unwound from where it stands, with its destructors run. One that does not come
/// back is left behind, and ends with the process.
#[derive(Debug)]
pub struct Turnstile {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    answer_within: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    board: Mutex<Board>,
    /// Told whenever a worker stops or ends: the driver waits for it. Each worker has a condition of its own for its
    /// turn, so that a step wakes one thread and not all.
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct Board {
    workers: Vec<Worker>,
    /// Set when the turnstile is dropped: whoever stops is unwound.
    over: bool,
    /// Workers that have ended.
    gone: usize,
}

#[derive(Debug)]
struct Worker {
    name: String,
    place: Place,
    /// The last label that it passed.
    passed: String,
    /// How often it was blocked and got what it waited for.
    got: u64,
    /// Told when its turn has come, or all is over.
    turn: Arc<Condvar>,
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker is unwound with when its turnstile is dropped.
struct Over;

impl Default for Turnstile {
    fn default() -> Self {
        Turnstile::new()
    }
}

impl Turnstile {
    /// A turnstile without workers.
    pub fn new() -> Self {
        Turnstile { shared: Arc::default(), threads: Vec::new(), answer_within: Duration::from_secs(10) }
    }

    /// Time that a worker has to come to its next stop. Default 10 s.
    #[must_use]
    pub fn answer_within(mut self, within: Duration) -> Self {
        self.answer_within = within;
        self
    }

    /// Starts a worker, parked at the label `start`: no instruction of `work` runs before it is released.
    ///
    /// # Panics
    /// If there is a worker of that name, or the system gives no thread.
    pub fn start(&mut self, name: impl Into<String>, work: impl FnOnce(&Gate) + Send + 'static) {
        let name = name.into();
        let index = {
            let mut board = self.shared.board();
            assert!(board.workers.iter().all(|worker| worker.name != name), "there is a worker {name:?} already");
            let place = Place::Parked { label: "start".into() };
            let turn = Arc::default();
            board.workers.push(Worker { name: name.clone(), place, passed: "start".into(), got: 0, turn });
            board.workers.len() - 1
        };
        let gate = Gate { shared: self.shared.clone(), index, turn: self.shared.board().workers[index].turn.clone() };
        let thread = thread::Builder::new().name(name).spawn(move || gate.run(work));
        self.threads.push(thread.expect("the system gives a thread"));
    }

    /// Lets a parked worker go to its next stop, and then all that were blocked and can go on now.
    ///
    /// # Errors
    /// Of a name that nobody bears, of a worker that is not parked, and of one that does not come back in time.
    pub fn release(&mut self, worker: &str) -> Result<Answer, TurnstileError> {
        let index = {
            let board = self.shared.board();
            let Some(index) = board.workers.iter().position(|known| known.name == worker) else {
                let known = board.workers.iter().map(|worker| worker.name.clone()).collect();
                return Err(TurnstileError::NoSuchWorker { worker: worker.into(), known });
            };
            let place = board.workers[index].place.clone();
            if !matches!(place, Place::Parked { .. }) {
                return Err(TurnstileError::NotParked { worker: worker.into(), place });
            }
            index
        };
        let until = Instant::now() + self.answer_within;
        self.run(index, until)?;
        self.settle(until)?;
        Ok(self.answer(index))
    }

    /// Every worker and where it stands, in the order they were started.
    pub fn places(&self) -> Vec<(String, Place)> {
        let board = self.shared.board();
        board.workers.iter().map(|worker| (worker.name.clone(), worker.place.clone())).collect()
    }

    /// Gives the turn to one worker, until it stops.
    fn run(&self, index: usize, until: Instant) -> Result<(), TurnstileError> {
        let mut board = self.shared.board();
        board.workers[index].place = Place::Running;
        board.workers[index].turn.notify_one();
        while board.workers[index].place == Place::Running {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.not_back(&board, index));
            }
            board = self.shared.stopped.wait_timeout(board, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Asks the blocked ones again and again, until none of them has got what it waits for.
    fn settle(&self, until: Instant) -> Result<(), TurnstileError> {
        let count = self.shared.board().workers.len();
        let mut went_on = true;
        while went_on {
            went_on = false;
            for index in 0..count {
                let before = {
                    let board = self.shared.board();
                    let worker = &board.workers[index];
                    if !matches!(worker.place, Place::Blocked { .. }) {
                        continue;
                    }
                    if Instant::now() >= until {
                        return Err(self.not_back(&board, index));
                    }
                    worker.got
                };
                self.run(index, until)?;
                let board = self.shared.board();
                let worker = &board.workers[index];
                went_on |= worker.got != before || !matches!(worker.place, Place::Blocked { .. });
            }
        }
        Ok(())
    }

    fn not_back(&self, board: &Board, index: usize) -> TurnstileError {
        TurnstileError::NotBack { worker: board.workers[index].name.clone(), within: self.answer_within }
    }

    fn answer(&self, index: usize) -> Answer {
        let board = self.shared.board();
        let panicked = board.workers.iter().find_map(|worker| match &worker.place {
            Place::Panicked { words } => Some(Answer::Panicked { worker: worker.name.clone(), words: words.clone() }),
            _ => None,
        });
        if let Some(panicked) = panicked {
            return panicked;
        }
        let waits: Vec<(String, String)> = board
            .workers
            .iter()
            .filter_map(|worker| match &worker.place {
                Place::Blocked { label } => Some((worker.name.clone(), label.clone())),
                _ => None,
            })
            .collect();
        let none_parked = !board.workers.iter().any(|worker| matches!(worker.place, Place::Parked { .. }));
        if none_parked && !waits.is_empty() {
            return Answer::AllBlocked { waits };
        }
        match board.workers[index].place.clone() {
            Place::Parked { label } => Answer::Parked { label },
            Place::Blocked { label } => Answer::Blocked { label },
            Place::Ended => Answer::Ended,
            Place::Running | Place::Panicked { .. } => unreachable!("a panic was told, and the worker has stopped"),
        }
    }
}

impl Drop for Turnstile {
    fn drop(&mut self) {
        let until = Instant::now() + self.answer_within;
        let mut board = self.shared.board();
        board.over = true;
        board.workers.iter().for_each(|worker| worker.turn.notify_one());
        while board.gone < board.workers.len() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            board = self.shared.stopped.wait_timeout(board, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(board);
        for thread in self.threads.drain(..) {
            // A worker's panic was caught and told.
            let _ = thread.join();
        }
    }
}

thread_local! {
    /// The gate of the worker that this thread is.
    static CURRENT: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// A worker's side: where it stops.
#[derive(Clone)]
pub struct Gate {
    shared: Arc<Shared>,
    index: usize,
    turn: Arc<Condvar>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({:?})", self.shared.board().workers[self.index].name)
    }
}

impl Gate {
    /// The gate of the worker that runs on this thread; `None` on any other thread.
    pub fn current() -> Option<Gate> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Parks before the step `label`, until the worker is released.
    pub fn pass(&self, label: impl Into<String>) {
        let label = label.into();
        self.shared.board().workers[self.index].passed.clone_from(&label);
        self.stop(Place::Parked { label });
    }

    /// Tries `ready` until it gives something. In between the worker is blocked, and it is asked again whenever another
    /// has moved. `ready` must not wait for anything itself.
    pub fn wait_until<T>(&self, label: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        loop {
            let gone = self.shared.board().gone;
            if let Some(value) = ready() {
                self.shared.board().workers[self.index].got += 1;
                return value;
            }
            self.stop(Place::Blocked { label: label.into() });
            // A destructor that waits while its worker is unwound: nobody gives turns any more, and what it waits for
            // comes from another that is unwound, or not at all.
            let mut board = self.shared.board();
            while board.over && board.gone == gone {
                board = self.shared.stopped.wait(board).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The label of something that is no step: it says after which step it comes.
    fn after(&self, what: &str) -> String {
        format!("{what}, after {}", self.shared.board().workers[self.index].passed)
    }

    fn stop(&self, place: Place) {
        let mut board = self.shared.board();
        if !board.over {
            board.workers[self.index].place = place;
            self.shared.stopped.notify_all();
        }
        if self.is_over_before_its_turn(board) && !thread::panicking() {
            resume_unwind(Box::new(Over));
        }
    }

    /// Waits for the worker's turn, or until all is over; whether that is so.
    fn is_over_before_its_turn(&self, mut board: MutexGuard<'_, Board>) -> bool {
        while board.workers[self.index].place != Place::Running && !board.over {
            board = self.turn.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
        board.over
    }

    fn run(self, work: impl FnOnce(&Gate)) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.begin();
            CURRENT.set(Some(self.clone()));
            work(&self);
        }));
        CURRENT.set(None);
        let mut board = self.shared.board();
        board.workers[self.index].place = match outcome {
            Ok(()) => Place::Ended,
            Err(panic) => ended_by(panic),
        };
        board.gone += 1;
        self.shared.stopped.notify_all();
    }

    /// Waits for the first turn; the place was set before the thread was there.
    fn begin(&self) {
        if self.is_over_before_its_turn(self.shared.board()) {
            resume_unwind(Box::new(Over));
        }
    }
}

fn ended_by(panic: Box<dyn Any + Send>) -> Place {
    if panic.is::<Over>() { Place::Ended } else { Place::Panicked { words: panic_message(&*panic) } }
}
