//! Our own hosts, bound to the model's words: as threads that a turnstile lets go on one primitive at a time, and as
//! threads that loom races.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use counterpart::conform::interleave::Script;
use counterpart::conform::turnstile::{Place, Turnstile};
use counterpart::{Counterpart, Shared};

use super::conformance::{Answer, Input, Primitive, RingInterface, Seen, SeenHost, Standing, Tolerance};
use super::implementation::{self, Next, Plan, PlanError, Rotation};
use super::model::{Order, Pass, Ring};
use super::{loomed, turnstiled};

/// The rotations of a ring, and the capacity of its channels, which a ring that comes to a standstill has not from a
/// plan.
///
/// # Panics
/// If the model is one of an order, or of hosts, that ours has not.
pub fn rotations(model: &Ring) -> (usize, Vec<Rotation>) {
    let hosts = usize::from(model.hosts);
    let order = match model.order {
        Order::SendFirst => implementation::Order::SendFirst,
        Order::OddEven => implementation::Order::OddEven,
        Order::ReceiveFirst | Order::Overlapped => panic!("ours has no order {:?}", model.order),
    };
    let pass = match model.pass {
        Pass::Forward => implementation::Pass::Forward,
        Pass::Backward => implementation::Pass::Backward,
    };
    let capacity = usize::from(model.capacity);
    // A plan that would stand still is refused: it is made with room, and connected without.
    let plan = match Plan::new(hosts, order, capacity, pass) {
        Err(PlanError::StandsStill { .. }) => Plan::new(hosts, order, 1, pass),
        plan => plan,
    };
    let plan = plan.expect("a ring of the model's bounds");
    let rotations = (0..hosts).map(|host| Rotation::new(plan, host).expect("a host of this ring"));
    (capacity, rotations.collect())
}

/// What is known of a host beside where its thread stands.
#[derive(Clone, Debug, Default)]
struct Spot {
    end: Option<Standing>,
    origin: u8,
    computed: Vec<u8>,
}

impl Spot {
    fn computed(&self) -> Vec<u8> {
        let mut computed = self.computed.clone();
        computed.sort_unstable();
        computed
    }
}

type Board = Arc<Mutex<Vec<Spot>>>;

fn lock(board: &Board) -> MutexGuard<'_, Vec<Spot>> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

type Handle = turnstiled::shared::Handle<(usize, ())>;

/// The channels of a ring, seen from outside: into each host, and out of it.
type Ends = Arc<Vec<(Handle, Handle)>>;

/// Whom the operator is to take down next.
type Down = Arc<Mutex<Option<usize>>>;

/// The one who takes hosts down: a thread as well, so that the turnstile asks those who wait afterwards.
const OPERATOR: &str = "operator";

/// Hosts as threads, each stopped before its next primitive.
pub struct Threads {
    turnstile: Turnstile,
    board: Board,
    ends: Ends,
    down: Down,
}

impl Threads {
    /// The hosts of `model`'s ring, each before its first primitive.
    ///
    /// # Panics
    /// If ours has no such ring.
    pub fn new(model: &Ring) -> Self {
        let (capacity, rotations) = rotations(model);
        let count = rotations.len();
        let hosts = turnstiled::shared::connect_by(capacity, rotations, vec![(); count]);
        let ends: Ends = Arc::new(hosts.iter().map(|host| (host.inbound(), host.outbound())).collect());
        let spots = (0..count as u8).map(|origin| Spot { origin, ..Spot::default() });
        let board: Board = Arc::new(Mutex::new(spots.collect()));
        let down = Down::default();
        let mut turnstile = Turnstile::new();
        for (number, host) in hosts.into_iter().enumerate() {
            let board = board.clone();
            turnstile.start(name(number), move |gate| run(host, number, &board, |label| gate.pass(label)));
        }
        let (told, channels) = (down.clone(), ends.clone());
        turnstile.start(OPERATOR, move |gate| {
            loop {
                gate.pass("take a host down");
                if let Some(number) = told.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    let (into, out): &(Handle, Handle) = &channels[number];
                    into.sever_receiver();
                    out.sever_sender();
                }
            }
        });
        let mut threads = Threads { turnstile, board, ends, down };
        for number in 0..count {
            threads.release(&name(number));
        }
        threads.release(OPERATOR);
        threads
    }

    fn release(&mut self, worker: &str) {
        if let Err(error) = self.turnstile.release(worker) {
            panic!("{error}");
        }
    }

    /// Most blocks that any host ever held.
    pub fn held_max(&self) -> usize {
        self.ends.iter().map(|(into, _)| into.held_max()).max().unwrap_or_default()
    }

    fn standing(&self, number: usize) -> Standing {
        if let Some(end) = lock(&self.board)[number].end {
            return end;
        }
        match &self.turnstile.places()[number].1 {
            Place::Parked { label } => Standing::Before(primitive(label)),
            Place::Blocked { label } if label.ends_with("send") => Standing::WaitsToSend,
            Place::Blocked { .. } => Standing::WaitsToReceive,
            other => panic!("host {number} is {other:?}, and said nothing"),
        }
    }

    fn answer(&self, host: u8) -> Answer {
        let number = usize::from(host);
        let standing = self.standing(number);
        Answer { standing, computed: lock(&self.board)[number].computed() }
    }
}

fn name(number: usize) -> String {
    format!("host {number}")
}

fn label(next: Next) -> &'static str {
    match next {
        Next::Send => "send",
        Next::Receive => "receive",
        Next::Compute => "compute",
        Next::Publish => "publish",
    }
}

fn primitive(label: &str) -> Primitive {
    match label {
        "send" => Primitive::Send,
        "receive" => Primitive::Receive,
        "compute" => Primitive::Compute,
        _ => Primitive::Publish,
    }
}

/// One host's lap, on its thread.
fn run(mut host: turnstiled::shared::Host<()>, number: usize, board: &Board, stop: impl Fn(&'static str)) {
    while let Some(next) = host.next() {
        stop(label(next));
        let done = host.step(&mut |origin, ()| lock(board)[number].computed.push(origin as u8));
        let spot = &mut lock(board)[number];
        spot.origin = host.origin().unwrap_or(number) as u8;
        match done {
            Ok(Some(Next::Publish)) => spot.end = Some(Standing::Published(Tolerance::Within)),
            Ok(_) => {}
            Err(_) => {
                // Who has crashed says nothing any more.
                spot.end.get_or_insert(Standing::Disconnected);
                return;
            }
        }
    }
}

impl Counterpart<RingInterface> for Threads {
    fn apply(&mut self, input: &Input) -> Answer {
        match *input {
            Input::Step { host } => {
                self.release(&name(usize::from(host)));
                self.answer(host)
            }
            Input::Crash { host } => {
                lock(&self.board)[usize::from(host)].end = Some(Standing::Crashed);
                *self.down.lock().unwrap_or_else(PoisonError::into_inner) = Some(usize::from(host));
                self.release(OPERATOR);
                self.answer(host)
            }
            Input::Lap { .. } => panic!("a lap is not driven step by step"),
        }
    }

    fn observe(&self) -> Option<Seen> {
        let seen = |number: usize| {
            let standing = self.standing(number);
            let spot = lock(&self.board)[number].clone();
            let running = spot.end.is_none();
            SeenHost {
                standing,
                holds: running.then_some(spot.origin),
                computed: spot.computed(),
                blocks: running.then(|| self.ends[number].0.held() as u8),
            }
        };
        Some(Seen::of((0..self.ends.len()).map(seen).collect()))
    }
}

/// Hosts that loom races, each a whole lap.
pub struct Raced {
    /// Taken by who runs it; no lock is held while it does.
    hosts: Mutex<Vec<Option<loomed::shared::Host<()>>>>,
}

impl Raced {
    /// The hosts of `model`'s ring.
    ///
    /// # Panics
    /// If ours has no such ring.
    pub fn new(model: &Ring) -> Self {
        let (capacity, rotations) = rotations(model);
        let count = rotations.len();
        let hosts = loomed::shared::connect_by(capacity, rotations, vec![(); count]);
        Raced { hosts: Mutex::new(hosts.into_iter().map(Some).collect()) }
    }

    fn take(&self, host: u8) -> loomed::shared::Host<()> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts[usize::from(host)].take().expect("each host runs once")
    }
}

impl Shared<RingInterface> for Raced {
    fn call(&self, input: &Input) -> Answer {
        match *input {
            Input::Lap { host } => {
                let mut computed = Vec::new();
                let lap = self.take(host).lap(|origin, ()| computed.push(origin as u8));
                computed.sort_unstable();
                let standing = match lap {
                    Ok(_) => Standing::Published(Tolerance::Within),
                    Err(_) => Standing::Disconnected,
                };
                Answer { standing, computed }
            }
            Input::Crash { host } => {
                drop(self.take(host));
                Answer { standing: Standing::Crashed, computed: Vec::new() }
            }
            Input::Step { .. } => panic!("hosts that run are not driven step by step"),
        }
    }
}

/// All hosts at once.
pub fn laps(hosts: u8) -> Script<Input> {
    (0..hosts).fold(Script::default(), |script, host| script.thread([Input::Lap { host }])).preemptions_max(2)
}

/// All hosts at once, and one of them is gone before it has done anything.
pub fn a_host_is_gone(hosts: u8) -> Script<Input> {
    let of = |host| if host == 1 { Input::Crash { host } } else { Input::Lap { host } };
    (0..hosts).fold(Script::default(), |script, host| script.thread([of(host)])).preemptions_max(2)
}
