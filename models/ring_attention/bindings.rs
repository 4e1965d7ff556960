//! Our own hosts, bound to the model's words: as threads that a turnstile lets go on one primitive at a time, and as
//! threads that loom races. [`polled`](super::polled) has them without threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use counterpart::conform::interleave::Script;
use counterpart::conform::turnstile::{Place, Turnstile};
use counterpart::{Counterpart, Shared};

use super::conformance::{Answer, Input, Primitive, RingInterface, Seen, SeenHost, Standing, Tolerance};
use super::implementation::{self, Keep, Lap, Next, Plan, PlanError, Rotation, Tagged, Way, Ways};
use super::model::{Directions, Order, Pass, Ring, Scheme};
use super::numbers::{Block, Met, Numbers, Ours, Sums};
use super::{loomed, turnstiled};

/// The plan of a ring; of one that comes to a standstill, which has none, that of the same with room in its channels.
///
/// # Panics
/// If the model is one of an order, or of hosts, that ours has not.
pub fn plan(model: &Ring) -> Plan {
    let plan = |capacity: u8| planned(model, capacity);
    let plan = match plan(model.capacity) {
        Err(PlanError::StandsStill { .. }) => plan(1),
        plan => plan,
    };
    plan.expect("a ring of the model's bounds")
}

/// The plan of `model`'s ring with room for `capacity` blocks in its channels.
///
/// # Errors
/// Ours refuses such a ring.
///
/// # Panics
/// If the model is one of an order that ours has not.
pub fn planned(model: &Ring, capacity: u8) -> Result<Plan, PlanError> {
    let order = match model.order {
        Order::SendFirst => implementation::Order::SendFirst,
        Order::OddEven => implementation::Order::OddEven,
        Order::Overlapped => implementation::Order::Overlapped,
        Order::ReceiveFirst => panic!("ours has no order {:?}", model.order),
    };
    let pass = match model.pass {
        Pass::Forward => implementation::Pass::Forward,
        Pass::Backward => implementation::Pass::Backward,
    };
    let ways = match model.directions {
        Directions::One => Ways::One,
        Directions::Both => Ways::Both,
    };
    let keep = match model.scheme {
        Scheme::Rotation => Keep::AtHand,
        Scheme::AllGather => Keep::All,
    };
    let plan = Plan::new(usize::from(model.hosts), order, usize::from(capacity), pass)?;
    Ok(plan.ways(ways)?.keep(keep))
}

/// The laps of a ring: by `programme`, each with the block that `block` gives to its host.
pub(super) fn laps<B: Clone>(
    model: &Ring,
    programme: impl Fn(&Plan, usize) -> Vec<Vec<Next>>,
    block: impl Fn(usize) -> B,
) -> (Plan, Vec<Lap<B>>) {
    let plan = plan(model);
    let lap = |host| {
        let rotation = Rotation::by(plan, host, programme(&plan, host)).expect("a host of this ring");
        Lap::new(rotation, block(host))
    };
    (plan, (0..plan.hosts()).map(lap).collect())
}

/// The laps of a ring without numbers.
pub(super) fn bare_laps(model: &Ring) -> Vec<Lap<()>> {
    let numbers = Numbers::of(model);
    let (_, laps) = laps(model, |plan, host| plan.programme(host), |_| ());
    laps.into_iter().enumerate().map(|(host, lap)| lap.needing(numbers.needs(host))).collect()
}

/// What a thread is stopped before: that, if it is one.
pub(super) fn next_primitive(next: Option<Next>) -> Option<Primitive> {
    match next? {
        Next::Post(_) => Some(Primitive::Send),
        Next::Ask(_) => Some(Primitive::Receive),
        Next::Compute(_) => Some(Primitive::Compute),
        Next::Publish => Some(Primitive::Publish),
        Next::AwaitTaken(_) | Next::AwaitGiven(_) | Next::MoveOn => None,
    }
}

/// The origins of the blocks at hand, a way after the other.
pub(super) fn seen_holds<B: Clone>(lap: &Lap<B>) -> Vec<u8> {
    let plan = lap.rotation().plan();
    plan.each_way().iter().filter_map(|way| lap.origin(*way)).map(|origin| origin as u8).collect()
}

/// What is known of a host beside where its thread stands.
#[derive(Clone, Debug, Default)]
struct Spot {
    end: Option<Standing>,
    /// What it does, or is stopped before.
    next: Option<Next>,
    holds: Vec<u8>,
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

type Handle = turnstiled::shared::Handle<Tagged<Block>>;

/// Whom the operator is to take down next.
type Down = Arc<Mutex<Option<usize>>>;

/// The one who takes hosts down: a thread as well, so that the turnstile asks those who wait afterwards.
const OPERATOR: &str = "operator";

/// Hosts as threads, each stopped before its next primitive.
pub struct Threads {
    turnstile: Turnstile,
    board: Board,
    handles: Vec<Handle>,
    down: Down,
}

impl Threads {
    /// The hosts of `model`'s ring, each before its first primitive, with the numbers of the implementation.
    ///
    /// # Panics
    /// If ours has no such ring.
    pub fn new(model: &Ring) -> Self {
        Threads::with::<Ours>(model)
    }

    /// The same with other sums.
    ///
    /// # Panics
    /// If ours has no such ring.
    pub fn with<S: Sums>(model: &Ring) -> Self {
        let numbers = Numbers::of(model);
        let (_, laps) = laps(model, |plan, host| plan.programme(host), |host| numbers.block(host));
        let laps = laps.into_iter().enumerate().map(|(host, lap)| lap.needing(numbers.needs(host))).collect();
        let hosts = turnstiled::shared::connect_by(usize::from(model.capacity), laps);
        let handles: Vec<Handle> = hosts.iter().map(turnstiled::shared::Host::handle).collect();
        let spot = |host: &turnstiled::shared::Host<Block>| {
            let lap = host.progress();
            Spot { next: lap.next(), holds: seen_holds(lap), ..Spot::default() }
        };
        let board: Board = Arc::new(Mutex::new(hosts.iter().map(spot).collect()));
        let down = Down::default();
        let mut turnstile = Turnstile::new();
        for (number, host) in hosts.into_iter().enumerate() {
            let (board, sums) = (board.clone(), S::none(&numbers, number));
            turnstile.start(name(number), move |gate| run(host, sums, &board, |label| gate.pass(label)));
        }
        let (told, ends) = (down.clone(), handles.clone());
        turnstile.start(OPERATOR, move |gate| {
            loop {
                gate.pass("take a host down");
                if let Some(number) = told.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    ends[number].sever();
                }
            }
        });
        let mut threads = Threads { turnstile, board, handles, down };
        for number in 0..threads.handles.len() {
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
        self.handles.iter().map(Handle::held_max).max().unwrap_or_default()
    }

    fn standing(&self, number: usize) -> Standing {
        let spot = &lock(&self.board)[number];
        if let Some(end) = spot.end {
            return end;
        }
        match (&self.turnstile.places()[number].1, spot.next) {
            (Place::Parked { .. }, next) => {
                Standing::Before(next_primitive(next).expect("it is stopped before primitives"))
            }
            (Place::Blocked { .. }, Some(Next::Post(_) | Next::AwaitTaken(_))) => Standing::WaitsToSend,
            (Place::Blocked { .. }, _) => Standing::WaitsToReceive,
            (other, _) => panic!("host {number} is {other:?}, and said nothing"),
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

/// One host's lap, on its thread.
fn run<S: Sums>(mut host: turnstiled::shared::Host<Block>, mut sums: S, board: &Board, stop: impl Fn(&'static str)) {
    let (number, handle) = (host.progress().rotation().host(), host.handle());
    while let Some(next) = host.progress().next() {
        if let Some(primitive) = next_primitive(Some(next)) {
            stop(match primitive {
                Primitive::Send => "send",
                Primitive::Receive => "receive",
                Primitive::Compute => "compute",
                Primitive::Publish => "publish",
            });
        }
        let step = host.progress().rotation().step();
        let landed = match next {
            Next::Compute(way) => handle.landed(way).map(|(_, block)| block),
            _ => None,
        };
        let done = host.step(|origin, block| {
            lock(board)[number].computed.push(origin as u8);
            sums.compute(Met { step, origin, block, landed: landed.as_ref() });
        });
        let lap = host.progress();
        let spot = &mut lock(board)[number];
        (spot.next, spot.holds) = (lap.next(), seen_holds(lap));
        match done {
            Ok(Some(Next::Publish)) => spot.end = Some(Standing::Published(sums.tolerance(lap.block(Way::Up)))),
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
                holds: if running { spot.holds.clone() } else { Vec::new() },
                computed: spot.computed(),
                blocks: running.then(|| self.handles[number].held() as u8),
            }
        };
        Some(Seen::of((0..self.handles.len()).map(seen).collect()))
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
        let hosts = loomed::shared::connect_by(usize::from(model.capacity), bare_laps(model));
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
pub fn laps_at_once(hosts: u8) -> Script<Input> {
    (0..hosts).fold(Script::default(), |script, host| script.thread([Input::Lap { host }]))
}

/// All hosts at once, and one of them is gone before it has done anything.
pub fn a_host_is_gone(hosts: u8) -> Script<Input> {
    let of = |host| if host == 1 { Input::Crash { host } } else { Input::Lap { host } };
    (0..hosts).fold(Script::default(), |script, host| script.thread([of(host)])).preemptions_max(2)
}
