//! What each host does at each step, in which order: the programmes of which some come to a standstill.

use std::ops::Deref;

use serde::Serialize;

use super::model::{Ring, Variant};

/// In which order a host sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send, compute, receive.
    SendFirst,
    /// Receive, send, compute.
    ReceiveFirst,
    /// Even hosts send first, odd hosts receive first.
    OddEven,
    /// Post both, compute while blocks are under way, wait for both: two buffers.
    Overlapped,
}

/// Whether keys and values are one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// One.
    Together,
    /// Keys, then values.
    Apart,
}

/// What a message has of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Part {
    /// Keys and values.
    #[default]
    Both,
    /// Keys.
    Keys,
    /// Values.
    Values,
}

/// Which way blocks travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Up.
    One,
    /// Up and down at once, each half way round. Forward only.
    Both,
}

/// Which way a block travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Direction {
    /// To the host with the next number.
    Up,
    /// To the host with the number before.
    Down,
}

impl Direction {
    /// The other way.
    pub fn opposite(self) -> Self {
        match self {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        }
    }
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Outputs. Blocks travel n − 1 hops.
    Forward,
    /// Gradients. Each block travels with its own, n hops, until it is home.
    Backward,
}

/// What a host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Offers a part of the block at hand to the channel.
    Post(Direction, Part),
    /// Waits until the channel has it.
    AwaitTaken(Direction),
    /// Asks the channel for a part of the next block.
    Ask(Direction, Part),
    /// Waits until it is there.
    AwaitGiven(Direction),
    /// Begins to compute with the block at hand.
    Begin(Direction),
    /// Ends that.
    End(Direction),
    /// Takes the next block for the one at hand.
    Swap,
    /// Shows its output.
    Publish,
}

impl Op {
    /// Whether a thread is stopped before it: before it sends, receives, computes or publishes.
    pub fn is_primitive(self) -> bool {
        matches!(self, Op::Post(..) | Op::Ask(..) | Op::Begin(_) | Op::Publish)
    }
}

impl Ring {
    /// Which ways blocks travel.
    pub fn directions(&self) -> &'static [Direction] {
        match self.directions {
            Directions::One => &[Direction::Up],
            Directions::Both => &[Direction::Up, Direction::Down],
        }
    }

    /// Hops that a block makes in a direction.
    pub(super) fn hops(&self, direction: Direction) -> u8 {
        let hops = match (self.directions, direction, self.pass) {
            (Directions::One, _, Pass::Forward) => self.hosts - 1,
            (Directions::One, _, Pass::Backward) => self.hosts,
            (Directions::Both, Direction::Up, _) => self.hosts / 2,
            (Directions::Both, Direction::Down, _) => (self.hosts - 1) / 2,
        };
        match self.variant {
            Variant::PublishesEarly | Variant::StopsOneHopShort => hops - 1,
            Variant::CountsOppositeTwice if direction == Direction::Down => self.hosts / 2,
            _ => hops,
        }
    }

    /// What `host` does at `step`. After the last it publishes.
    pub(super) fn programme(&self, host: u8, step: u8) -> Programme {
        let mut programme = Programme::default();
        let steps = self.directions().iter().map(|way| self.hops(*way)).max().unwrap_or_default();
        if step > steps {
            return programme;
        }
        if step == steps {
            self.append(&mut programme, step, Phase::Compute);
            programme.push(Op::Publish);
            return programme;
        }
        let receives_first = match self.order {
            Order::SendFirst | Order::Overlapped => false,
            Order::ReceiveFirst => true,
            Order::OddEven => host % 2 == 1,
        };
        let adds_first = self.pass == Pass::Backward && self.variant != Variant::SendsBeforeAdding;
        let phases: &[Phase] = match (self.order, receives_first, adds_first) {
            (Order::Overlapped, _, true) => &[Phase::Compute, Phase::Post, Phase::Ask, Phase::Taken, Phase::Given],
            (Order::Overlapped, _, false) => &[Phase::Post, Phase::Ask, Phase::Compute, Phase::Taken, Phase::Given],
            (_, false, false) => &[Phase::Send, Phase::Compute, Phase::Receive],
            (_, false, true) => &[Phase::Compute, Phase::Send, Phase::Receive],
            (_, true, false) => &[Phase::Receive, Phase::Send, Phase::Compute],
            (_, true, true) => &[Phase::Compute, Phase::Receive, Phase::Send],
        };
        phases.iter().for_each(|phase| self.append(&mut programme, step, *phase));
        programme.push(Op::Swap);
        programme
    }

    fn append(&self, programme: &mut Programme, step: u8, phase: Phase) {
        // At the start both ways have the same block, the host's own. Backward, what has come home is not new.
        let comes_home = self.pass == Pass::Backward && step == self.hosts;
        let new = |way: Direction| !comes_home && if step == 0 { way == Direction::Up } else { step <= self.hops(way) };
        let parts: &[Part] = match self.parts {
            Parts::Together => &[Part::Both],
            Parts::Apart => &[Part::Keys, Part::Values],
        };
        if phase == Phase::Compute {
            for way in self.directions().iter().filter(|way| new(**way)) {
                programme.push(Op::Begin(*way));
                programme.push(Op::End(*way));
            }
            return;
        }
        for way in self.directions().iter().copied().filter(|way| step < self.hops(*way)) {
            for part in parts.iter().copied() {
                match phase {
                    Phase::Compute => {}
                    Phase::Post => programme.push(Op::Post(way, part)),
                    Phase::Taken if self.variant == Variant::OverwritesInFlight => {}
                    Phase::Taken => programme.push(Op::AwaitTaken(way)),
                    Phase::Send => {
                        programme.push(Op::Post(way, part));
                        programme.push(Op::AwaitTaken(way));
                    }
                    Phase::Ask => programme.push(Op::Ask(way, part)),
                    Phase::Given => programme.push(Op::AwaitGiven(way)),
                    Phase::Receive => {
                        programme.push(Op::Ask(way, part));
                        programme.push(Op::AwaitGiven(way));
                    }
                }
            }
        }
    }
}

/// What belongs together within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Compute,
    Post,
    Taken,
    /// Post and wait until it is taken.
    Send,
    Ask,
    Given,
    /// Ask and wait until it is given.
    Receive,
}

/// What a host does within a step, in order. It is asked for at every step of every path, and so lies where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Programme {
    ops: [Op; Programme::OPS_MAX],
    len: usize,
}

impl Programme {
    /// Both ways, in parts: four of each of posting, waiting, asking and waiting again, two computations, the swap.
    const OPS_MAX: usize = 4 * 4 + 2 * 2 + 1;

    fn push(&mut self, op: Op) {
        self.ops[self.len] = op;
        self.len += 1;
    }
}

impl Default for Programme {
    fn default() -> Self {
        Programme { ops: [Op::Swap; Programme::OPS_MAX], len: 0 }
    }
}

impl Deref for Programme {
    type Target = [Op];

    fn deref(&self) -> &[Op] {
        &self.ops[..self.len]
    }
}
