//! Which rings there are: those that do not come to a standstill.

use thiserror::Error;

use super::Next;

/// Most hosts of a ring. Each is a thread, or a machine.
pub const HOSTS_MAX: usize = 1_024;

/// In which order a host sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Send, compute, receive. Wants channels that hold a block.
    SendFirst,
    /// Hosts with an even number send first, the others receive first, into a second buffer. Needs no room in channels.
    OddEven,
    /// Offer the block at hand and ask for the next one, compute while both are under way, then wait for both: two
    /// buffers. Needs no room in channels.
    Overlapped,
}

/// What goes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Keys and values, n − 1 hops.
    Forward,
    /// Keys and values with their gradients, n hops, until they are home.
    Backward,
}

/// Which ways blocks go round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ways {
    /// Up.
    One,
    /// Up and down at once, each half way round: half as many steps, twice as many buffers. Forward only.
    Both,
}

/// A way that a block goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// To the host with the next number.
    Up,
    /// To the host with the number before.
    Down,
}

impl Way {
    /// Its place among the ways.
    pub fn index(self) -> usize {
        match self {
            Way::Up => 0,
            Way::Down => 1,
        }
    }
}

/// What a host keeps of the blocks that come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keep {
    /// The one at hand.
    AtHand,
    /// All of them: an all-gather.
    All,
}

/// A ring that does not come to a standstill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    hosts: usize,
    order: Order,
    capacity: usize,
    pass: Pass,
    ways: Ways,
    keep: Keep,
}

/// Why there is no such ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nobody is there.
    #[error("a ring of 0 hosts: give it 1 or more")]
    NoHosts,
    /// More than [`HOSTS_MAX`].
    #[error("a ring of {hosts} hosts: give it {HOSTS_MAX} at most")]
    TooManyHosts {
        /// How many.
        hosts: usize,
    },
    /// All would wait for each other.
    #[error(
        "{hosts} hosts in this order, with channels that hold nothing, wait for each other for ever: give channels room for a block, or let sending and receiving overlap"
    )]
    StandsStill {
        /// How many.
        hosts: usize,
    },
    /// Gradients have to meet every host.
    #[error("gradients go one way round: both ways are for the forward pass")]
    BackwardBothWays,
    /// No such host.
    #[error("host {host} of a ring of {hosts}: they are numbered from 0")]
    NoSuchHost {
        /// 0-based.
        host: usize,
        /// How many there are.
        hosts: usize,
    },
}

impl Plan {
    /// A ring of `hosts` one way round, whose channels hold `capacity` blocks each. Hosts keep the block at hand.
    ///
    /// # Errors
    /// There are no hosts or too many, or they would wait for each other for ever.
    pub fn new(hosts: usize, order: Order, capacity: usize, pass: Pass) -> Result<Self, PlanError> {
        match hosts {
            0 => Err(PlanError::NoHosts),
            1..=HOSTS_MAX => Plan { hosts, order, capacity, pass, ways: Ways::One, keep: Keep::AtHand }.checked(),
            _ => Err(PlanError::TooManyHosts { hosts }),
        }
    }

    /// The same with blocks that go this way or both.
    ///
    /// # Errors
    /// Gradients go one way only, and in some rings hosts would wait for each other for ever.
    pub fn ways(self, ways: Ways) -> Result<Self, PlanError> {
        Plan { ways, ..self }.checked()
    }

    /// The same ring for gradients: one way, whatever the forward pass does, and the block at hand alone is kept.
    ///
    /// # Errors
    /// Hosts would wait for each other for ever.
    pub fn backward(self) -> Result<Self, PlanError> {
        Plan::new(self.hosts, self.order, self.capacity, Pass::Backward)
    }

    /// The same with hosts that keep so much.
    #[must_use]
    pub fn keep(self, keep: Keep) -> Self {
        Plan { keep, ..self }
    }

    fn checked(self) -> Result<Self, PlanError> {
        if self.ways == Ways::Both && self.pass == Pass::Backward {
            return Err(PlanError::BackwardBothWays);
        }
        let stands_still = match self.order {
            Order::SendFirst => true,
            // Alone on the ring a host would wait for itself. With an odd number the first and the last both send
            // first, and both ways they do so to each other.
            Order::OddEven => self.hosts == 1 || self.ways == Ways::Both && self.hosts % 2 == 1,
            Order::Overlapped => false,
        };
        if stands_still && self.capacity == 0 && self.hops(Way::Up) > 0 {
            return Err(PlanError::StandsStill { hosts: self.hosts });
        }
        Ok(self)
    }

    /// How many hosts.
    pub fn hosts(&self) -> usize {
        self.hosts
    }

    /// Blocks that a channel holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What goes round.
    pub fn pass(&self) -> Pass {
        self.pass
    }

    /// The ways that blocks go.
    pub fn each_way(&self) -> &'static [Way] {
        match self.ways {
            Ways::One => &[Way::Up],
            Ways::Both => &[Way::Up, Way::Down],
        }
    }

    /// What a host keeps.
    pub fn keeps(&self) -> Keep {
        self.keep
    }

    /// Blocks that a host begins with: its own, in a buffer for each way; or one, where it keeps all.
    pub fn at_hand(&self) -> usize {
        match self.keep {
            Keep::AtHand => self.each_way().len(),
            Keep::All => 1,
        }
    }

    /// Whether a block that comes finds the one at hand still wanted.
    pub fn lands_in(&self) -> super::Landing {
        match self.order {
            Order::SendFirst => super::Landing::InPlace,
            Order::OddEven | Order::Overlapped => super::Landing::Spare,
        }
    }

    /// The neighbour that blocks go to that way.
    pub fn neighbour(&self, host: usize, way: Way) -> usize {
        match way {
            Way::Up => (host + 1) % self.hosts,
            Way::Down => (host + self.hosts - 1) % self.hosts,
        }
    }

    /// Blocks of keys and values that a host holds at once, at most, those that wait in its channels counted.
    pub fn resident_max(&self) -> usize {
        let buffers = match self.lands_in() {
            super::Landing::InPlace => 1,
            super::Landing::Spare => 2,
        };
        let ways = self.each_way().len();
        match self.keep {
            _ if self.hops(Way::Up) == 0 => self.at_hand(),
            Keep::AtHand => ways * (buffers + self.capacity),
            Keep::All => self.hosts,
        }
    }

    /// Hops that a block makes that way.
    pub fn hops(&self, way: Way) -> usize {
        match (self.pass, self.ways, way) {
            (Pass::Backward, _, _) => self.hosts,
            (Pass::Forward, Ways::One, _) => self.hosts - 1,
            // With an even number the block from opposite comes from below only.
            (Pass::Forward, Ways::Both, Way::Up) => self.hosts / 2,
            (Pass::Forward, Ways::Both, Way::Down) => (self.hosts - 1) / 2,
        }
    }

    /// What `host` does, step for step.
    pub fn programme(&self, host: usize) -> Vec<Vec<Next>> {
        (0..=self.hops(Way::Up)).map(|step| self.step(host, step)).collect()
    }

    fn step(&self, host: usize, step: usize) -> Vec<Next> {
        let each = |ways: &[Way], ops: &[fn(Way) -> Next]| -> Vec<Next> {
            ways.iter().flat_map(|way| ops.iter().map(|op| op(*way))).collect()
        };
        let ways = |chosen: &dyn Fn(Way) -> bool| -> Vec<Way> {
            self.each_way().iter().copied().filter(|way| chosen(*way)).collect()
        };
        // At the start both ways have the host's own block; and what has come home is not new.
        let is_new = |way: Way| match step {
            0 => way == Way::Up,
            _ => step <= self.hops(way) && !(self.pass == Pass::Backward && step == self.hosts),
        };
        let compute = each(&ways(&is_new), &[Next::Compute]);
        if step == self.hops(Way::Up) {
            return [compute, vec![Next::Publish]].concat();
        }
        let receives_first = self.order == Order::OddEven && host % 2 == 1;
        let moving = ways(&|way| step < self.hops(way));
        let send = each(&moving, &[Next::Post, Next::AwaitTaken]);
        let receive = each(&moving, &[Next::Ask, Next::AwaitGiven]);
        let (first, then) = match self.order {
            Order::OddEven if receives_first => (receive, send),
            Order::SendFirst | Order::OddEven => (send, receive),
            Order::Overlapped => (
                [each(&moving, &[Next::Post]), each(&moving, &[Next::Ask])].concat(),
                [each(&moving, &[Next::AwaitTaken]), each(&moving, &[Next::AwaitGiven])].concat(),
            ),
        };
        let parts = match self.pass {
            // A gradient leaves with this host's part in it.
            Pass::Backward => [compute, first, then],
            Pass::Forward if receives_first => [first, then, compute],
            Pass::Forward => [first, compute, then],
        };
        [parts.concat(), vec![Next::MoveOn]].concat()
    }
}
