//! Our hosts without threads: each is asked to go on, and says where it stands. Plain data over plain channels, so that
//! it can be explored together with the model; over other channels it can be driven.

use std::task::Poll;

use counterpart::Counterpart;

use super::bindings::{laps, next_primitive, seen_holds};
use super::conformance::{Answer, Input, RingInterface, Seen, SeenHost, Standing};
use super::implementation::{Gone, Inbox, Landing, Lap, Next, Plan, Port, Step, Tagged, Way};
use super::model::Ring;
use super::numbers::{Block, Met, Numbers, Ours, Sums};

/// What lies between the hosts of a ring.
pub trait Medium {
    /// A host's ends of it.
    type Ends<'a>: Port<Tagged<Block>>
    where
        Self: 'a;

    /// With `capacity` blocks of room in each channel.
    fn of(plan: &Plan, capacity: usize) -> Self;

    /// The ends of `host`.
    fn ends(&mut self, host: usize) -> Self::Ends<'_>;

    /// Takes the ends of `host` away.
    fn sever(&mut self, host: usize);

    /// Blocks that `host` holds.
    fn held(&self, host: usize) -> usize;

    /// What has come to `host` that way and is not at hand yet.
    fn landed(&self, host: usize, way: Way) -> Option<Block>;

    /// Forgets what only grows.
    fn canonical(&mut self) {}
}

/// Our own channels, as data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inboxes {
    plan: Plan,
    inboxes: Vec<Inbox<Tagged<Block>>>,
}

impl Medium for Inboxes {
    type Ends<'a> = EndsOf<'a>;

    fn of(plan: &Plan, capacity: usize) -> Self {
        let inbox = |_| Inbox::new(capacity, plan.each_way().len(), plan.at_hand());
        Inboxes { plan: *plan, inboxes: (0..plan.hosts()).map(inbox).collect() }
    }

    fn ends(&mut self, host: usize) -> EndsOf<'_> {
        EndsOf { of: self, host }
    }

    fn sever(&mut self, host: usize) {
        self.inboxes[host].sever_receiver();
        for way in self.plan.each_way() {
            self.inboxes[self.plan.neighbour(host, *way)].sever_sender(*way);
        }
    }

    fn held(&self, host: usize) -> usize {
        self.inboxes[host].held()
    }

    fn landed(&self, host: usize, way: Way) -> Option<Block> {
        self.inboxes[host].landed(way).map(|(_, block)| block.clone())
    }

    fn canonical(&mut self) {
        self.inboxes.iter_mut().for_each(Inbox::forget_peak);
    }
}

/// One host's ends of [`Inboxes`].
#[derive(Debug)]
pub struct EndsOf<'a> {
    of: &'a mut Inboxes,
    host: usize,
}

impl EndsOf<'_> {
    fn neighbour(&mut self, way: Way) -> &mut Inbox<Tagged<Block>> {
        &mut self.of.inboxes[self.of.plan.neighbour(self.host, way)]
    }
}

impl Port<Tagged<Block>> for EndsOf<'_> {
    fn post(&mut self, way: Way, block: &mut Option<Tagged<Block>>) -> Poll<Result<(), Gone>> {
        self.neighbour(way).post(way, block).map(Ok)
    }

    fn taken(&mut self, way: Way) -> Poll<Result<(), Gone>> {
        self.neighbour(way).taken(way)
    }

    fn ask(&mut self, way: Way, landing: Landing) {
        self.of.inboxes[self.host].ask(way, landing);
    }

    fn given(&mut self, way: Way) -> Poll<Result<(), Gone>> {
        self.of.inboxes[self.host].given(way)
    }

    fn take(&mut self, way: Way, keeps: bool) -> Option<Tagged<Block>> {
        self.of.inboxes[self.host].take(way, keeps)
    }
}

/// A ring of hosts that are asked to go on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Polled<S = Ours, M = Inboxes> {
    medium: M,
    hosts: Vec<Seat<S>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seat<S> {
    lap: Lap<Block>,
    sums: S,
    /// In the order in which they came.
    computed: Vec<u8>,
    waits: bool,
    end: Option<Standing>,
}

impl<S: Sums, M: Medium> Polled<S, M> {
    /// The hosts of `model`'s ring, each before its first primitive.
    ///
    /// # Panics
    /// If ours has no such ring.
    pub fn new(model: &Ring) -> Self {
        Polled::by(model, |plan, host| plan.programme(host))
    }

    /// The same by a programme of their own.
    ///
    /// # Panics
    /// If ours has no such ring.
    pub fn by(model: &Ring, programme: impl Fn(&Plan, usize) -> Vec<Vec<Next>>) -> Self {
        let numbers = Numbers::of(model);
        let (plan, laps) = laps(model, programme, |host| numbers.block(host));
        let seat = |(host, lap): (usize, Lap<Block>)| {
            let lap = lap.needing(numbers.needs(host));
            Seat { lap, sums: S::none(&numbers, host), computed: Vec::new(), waits: false, end: None }
        };
        let hosts = laps.into_iter().enumerate().map(seat).collect();
        Polled { medium: M::of(&plan, usize::from(model.capacity)), hosts }
    }

    /// Lets a host go on to its next primitive, or to where it has to wait. Whether it has gone on at all.
    fn go_on(&mut self, number: usize) -> bool {
        let seat = &mut self.hosts[number];
        let mut has_gone_on = false;
        while seat.end.is_none() {
            let (step, next) = (seat.lap.rotation().step(), seat.lap.next());
            let landed = match next {
                Some(Next::Compute(way)) => self.medium.landed(number, way),
                _ => None,
            };
            let (sums, computed) = (&mut seat.sums, &mut seat.computed);
            let compute = |origin: usize, block: &mut Block| {
                computed.push(origin as u8);
                sums.compute(Met { step, origin, block, landed: landed.as_ref() });
            };
            match seat.lap.step(&mut self.medium.ends(number), compute) {
                Ok(Step::Waits(_)) => {
                    seat.waits = true;
                    return has_gone_on;
                }
                Ok(Step::Did(Next::Publish)) => {
                    seat.end = Some(Standing::Published(seat.sums.tolerance(seat.lap.block(Way::Up))));
                }
                Ok(Step::Did(_)) => {}
                Ok(Step::Over) | Err(_) => seat.end = Some(Standing::Disconnected),
            }
            has_gone_on = true;
            if next_primitive(seat.lap.next()).is_some() {
                break;
            }
        }
        seat.waits = false;
        if seat.end.is_some() {
            self.medium.sever(number);
        }
        has_gone_on
    }

    /// Asks all that wait again and again, until none goes on.
    fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for number in 0..self.hosts.len() {
                if self.hosts[number].waits && self.hosts[number].end.is_none() {
                    moved |= self.go_on(number);
                }
            }
        }
    }

    /// Where a host stands.
    pub fn standing(&self, number: usize) -> Standing {
        let seat = &self.hosts[number];
        match (seat.end, seat.lap.next()) {
            (Some(end), _) => end,
            (None, Some(Next::Post(_) | Next::AwaitTaken(_))) if seat.waits => Standing::WaitsToSend,
            (None, _) if seat.waits => Standing::WaitsToReceive,
            (None, next) => Standing::Before(next_primitive(next).expect("it stops before primitives")),
        }
    }

    fn computed(&self, number: usize) -> Vec<u8> {
        let mut computed = self.hosts[number].computed.clone();
        computed.sort_unstable();
        computed
    }
}

impl<S: Sums, M: Medium> Counterpart<RingInterface> for Polled<S, M> {
    fn apply(&mut self, input: &Input) -> Answer {
        let host = match *input {
            Input::Step { host } => {
                self.go_on(usize::from(host));
                host
            }
            Input::Crash { host } => {
                self.hosts[usize::from(host)].end = Some(Standing::Crashed);
                self.medium.sever(usize::from(host));
                host
            }
            Input::Lap { .. } => panic!("a lap is not driven step by step"),
        };
        self.settle();
        Answer { standing: self.standing(usize::from(host)), computed: self.computed(usize::from(host)) }
    }

    fn observe(&self) -> Option<Seen> {
        let seen = |number: usize| {
            let seat = &self.hosts[number];
            let running = seat.end.is_none();
            SeenHost {
                standing: self.standing(number),
                holds: if running { seen_holds(&seat.lap) } else { Vec::new() },
                computed: self.computed(number),
                blocks: running.then(|| self.medium.held(number) as u8),
            }
        };
        Some(Seen::of((0..self.hosts.len()).map(seen).collect()))
    }

    fn canonical(&mut self) {
        self.medium.canonical();
    }
}
