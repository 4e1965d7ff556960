//! The rotation: what a host does next and whose block it holds, with neither numbers nor threads in it.
//!
//! ```
//! use counterpart_models::ring_attention::implementation::{Next, Order, Pass, Plan, PlanError, Rotation};
//!
//! // All send first, and channels hold nothing: everybody would wait for everybody.
//! assert_eq!(Plan::new(3, Order::SendFirst, 0, Pass::Forward), Err(PlanError::StandsStill { hosts: 3 }));
//!
//! let plan = Plan::new(3, Order::SendFirst, 1, Pass::Forward)?;
//! let mut host = Rotation::new(plan, 0)?;
//! let mut met = Vec::new();
//! while let Some(next) = host.next() {
//!     if next == Next::Compute {
//!         met.push(host.origin());
//!     }
//!     host.done();
//! }
//! assert_eq!(met, [0, 2, 1]);
//! # Ok::<(), PlanError>(())
//! ```

use thiserror::Error;

/// In which order a host sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Send, compute, receive. Wants channels that hold a block.
    SendFirst,
    /// Hosts with an even number send first, the others receive first, into a second buffer. Needs no room in channels.
    OddEven,
}

/// What goes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Keys and values, n − 1 hops.
    Forward,
    /// Keys and values with their gradients, n hops, until they are home.
    Backward,
}

/// A ring that does not come to a standstill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    hosts: usize,
    order: Order,
    capacity: usize,
    pass: Pass,
}

/// Why there is no such ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nobody is there.
    #[error("a ring of 0 hosts: give it 1 or more")]
    NoHosts,
    /// All would wait for each other.
    #[error(
        "{hosts} hosts that all send first into channels that hold nothing wait for ever: give channels room for a block, or let odd hosts receive first"
    )]
    StandsStill {
        /// How many.
        hosts: usize,
    },
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
    /// A ring of `hosts`, whose channels hold `capacity` blocks each.
    ///
    /// # Errors
    /// There are no hosts, or they would wait for each other for ever.
    pub fn new(hosts: usize, order: Order, capacity: usize, pass: Pass) -> Result<Self, PlanError> {
        let sends = hosts > 1 || pass == Pass::Backward;
        match order {
            _ if hosts == 0 => Err(PlanError::NoHosts),
            Order::SendFirst if capacity == 0 && sends => Err(PlanError::StandsStill { hosts }),
            // Alone on the ring it would wait for itself.
            Order::OddEven if capacity == 0 && hosts == 1 && sends => Err(PlanError::StandsStill { hosts }),
            Order::SendFirst | Order::OddEven => Ok(Plan { hosts, order, capacity, pass }),
        }
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

    /// Blocks of keys and values that a host holds at once, at most, those that wait in its channel counted.
    pub fn resident_max(&self) -> usize {
        match self.order {
            Order::SendFirst => 1 + self.capacity,
            Order::OddEven => 2 + self.capacity,
        }
    }

    /// Hops that a block makes.
    fn hops(&self) -> usize {
        match self.pass {
            Pass::Forward => self.hosts - 1,
            Pass::Backward => self.hosts,
        }
    }

    /// What `host` does at `step`, in order.
    fn programme(&self, host: usize, step: usize) -> &'static [Next] {
        use Next::{Compute, Publish, Receive, Send};
        if step > self.hops() {
            return &[];
        }
        let last = step == self.hops();
        let receives_first = self.order == Order::OddEven && host % 2 == 1;
        match (self.pass, last, receives_first) {
            (Pass::Forward, true, _) => &[Compute, Publish],
            (Pass::Backward, true, _) => &[Publish],
            (Pass::Forward, false, false) => &[Send, Compute, Receive],
            (Pass::Forward, false, true) => &[Receive, Send, Compute],
            (Pass::Backward, false, false) => &[Compute, Send, Receive],
            (Pass::Backward, false, true) => &[Compute, Receive, Send],
        }
    }
}

/// What a host has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// Give the block at hand to the host with the next number.
    Send,
    /// Take a block from the host before.
    Receive,
    /// Compute with the block at hand.
    Compute,
    /// Show the output.
    Publish,
}

/// One host's way through the lap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rotation {
    plan: Plan,
    host: usize,
    step: usize,
    at: usize,
}

impl Rotation {
    /// At its beginning, with its own block at hand.
    ///
    /// # Errors
    /// There is no such host.
    pub fn new(plan: Plan, host: usize) -> Result<Self, PlanError> {
        if host >= plan.hosts {
            return Err(PlanError::NoSuchHost { host, hosts: plan.hosts });
        }
        Ok(Rotation { plan, host, step: 0, at: 0 })
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// 0-based.
    pub fn host(&self) -> usize {
        self.host
    }

    /// What is next; `None` at the end.
    pub fn next(&self) -> Option<Next> {
        self.plan.programme(self.host, self.step).get(self.at).copied()
    }

    /// That was done.
    pub fn done(&mut self) {
        self.at += 1;
        let programme = self.plan.programme(self.host, self.step);
        if self.at >= programme.len() {
            self.step += 1;
            self.at = 0;
        }
    }

    /// Whose block is at hand.
    pub fn origin(&self) -> usize {
        (self.host + self.plan.hosts - self.step % self.plan.hosts) % self.plan.hosts
    }

    /// Whose block comes next.
    pub fn origin_to_come(&self) -> usize {
        (self.origin() + self.plan.hosts - 1) % self.plan.hosts
    }

    /// Whether the block at hand is still wanted when the next one comes.
    pub fn receives_into_spare(&self) -> bool {
        self.plan.programme(self.host, self.step).iter().skip(self.at + 1).any(|next| *next != Next::Receive)
    }
}
