//! What each host does at each step, in which order: the programmes of which some come to a standstill.

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
    pub(super) fn programme(&self, host: u8, step: u8) -> Vec<Op> {
        let ways = self.directions().iter().copied();
        let sending: Vec<Direction> = ways.clone().filter(|way| step < self.hops(*way)).collect();
        let steps = ways.clone().map(|way| self.hops(way)).max().unwrap_or_default();
        if step > steps {
            return Vec::new();
        }
        // At the start both ways have the same block, the host's own. Backward, what has come home is not new.
        let comes_home = self.pass == Pass::Backward && step == self.hosts;
        let new = |way: Direction| !comes_home && if step == 0 { way == Direction::Up } else { step <= self.hops(way) };
        let compute: Vec<Op> = ways.filter(|way| new(*way)).flat_map(|way| [Op::Begin(way), Op::End(way)]).collect();
        if step == steps {
            return [compute, vec![Op::Publish]].concat();
        }
        let send: Vec<Op> = self.each(&sending, |way, part| vec![Op::Post(way, part), Op::AwaitTaken(way)]);
        let receive: Vec<Op> = self.each(&sending, |way, part| vec![Op::Ask(way, part), Op::AwaitGiven(way)]);
        let swap = vec![Op::Swap];
        let receives_first = match self.order {
            Order::SendFirst | Order::Overlapped => false,
            Order::ReceiveFirst => true,
            Order::OddEven => host % 2 == 1,
        };
        let adds_first = self.pass == Pass::Backward && self.variant != Variant::SendsBeforeAdding;
        match self.order {
            Order::Overlapped => {
                let post = self.each(&sending, |way, part| vec![Op::Post(way, part)]);
                let ask = self.each(&sending, |way, part| vec![Op::Ask(way, part)]);
                let taken = match self.variant {
                    Variant::OverwritesInFlight => Vec::new(),
                    _ => self.each(&sending, |way, _| vec![Op::AwaitTaken(way)]),
                };
                let given = self.each(&sending, |way, _| vec![Op::AwaitGiven(way)]);
                if adds_first {
                    [compute, post, ask, taken, given, swap].concat()
                } else {
                    [post, ask, compute, taken, given, swap].concat()
                }
            }
            _ => match (receives_first, adds_first) {
                (false, false) => [send, compute, receive, swap].concat(),
                (false, true) => [compute, send, receive, swap].concat(),
                (true, false) => [receive, send, compute, swap].concat(),
                (true, true) => [compute, receive, send, swap].concat(),
            },
        }
    }

    fn each(&self, ways: &[Direction], ops: impl Fn(Direction, Part) -> Vec<Op>) -> Vec<Op> {
        let parts: &[Part] = match self.parts {
            Parts::Together => &[Part::Both],
            Parts::Apart => &[Part::Keys, Part::Values],
        };
        ways.iter().flat_map(|way| parts.iter().flat_map(|part| ops(*way, *part))).collect()
    }
}
