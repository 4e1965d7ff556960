//! One host's way through the lap.

use super::{Plan, PlanError, Way};

/// What a host has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// Offer the block at hand to the neighbour that way.
    Post(Way),
    /// Wait until the channel has it.
    AwaitTaken(Way),
    /// Ask for the next block that comes that way.
    Ask(Way),
    /// Wait until it is there.
    AwaitGiven(Way),
    /// Compute with the block at hand.
    Compute(Way),
    /// Take the blocks that have come for those at hand.
    MoveOn,
    /// Show the output.
    Publish,
}

/// One host's way through the lap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rotation {
    plan: Plan,
    host: usize,
    programme: Vec<Vec<Next>>,
    step: usize,
    at: usize,
}

impl Rotation {
    /// At its beginning, with its own block at hand.
    ///
    /// # Errors
    /// There is no such host.
    pub fn new(plan: Plan, host: usize) -> Result<Self, PlanError> {
        Rotation::by(plan, host, plan.programme(host))
    }

    /// The same by a programme of one's own, a list for each step. Nothing is known of whether it ends.
    ///
    /// # Errors
    /// There is no such host.
    pub fn by(plan: Plan, host: usize, programme: Vec<Vec<Next>>) -> Result<Self, PlanError> {
        if host >= plan.hosts() {
            return Err(PlanError::NoSuchHost { host, hosts: plan.hosts() });
        }
        let mut rotation = Rotation { plan, host, programme, step: 0, at: 0 };
        rotation.skip_empty_steps();
        Ok(rotation)
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// 0-based.
    pub fn host(&self) -> usize {
        self.host
    }

    /// How often it has moved on.
    pub fn step(&self) -> usize {
        self.step
    }

    /// What is next; `None` at the end.
    pub fn next(&self) -> Option<Next> {
        self.programme.get(self.step)?.get(self.at).copied()
    }

    /// That was done.
    pub fn done(&mut self) {
        self.at += 1;
        self.skip_empty_steps();
    }

    fn skip_empty_steps(&mut self) {
        while self.programme.get(self.step).is_some_and(|step| self.at >= step.len()) {
            self.step += 1;
            self.at = 0;
        }
    }

    /// Whose block is at hand that way.
    pub fn origin(&self, way: Way) -> usize {
        let (hosts, hops) = (self.plan.hosts(), self.step.min(self.plan.hops(way)));
        match way {
            Way::Up => (self.host + hosts - hops % hosts) % hosts,
            Way::Down => (self.host + hops) % hosts,
        }
    }
}
