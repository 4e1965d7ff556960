//! The ring: hosts in a circle, each with its queries at home, and key/value blocks that travel.
//!
//! A host works through a fixed programme of [`Op`]s. Sending is split: it *posts* a block, and goes on when the channel
//! has taken it; receiving likewise: it *asks*, and goes on when it has been given one. Whatever lies between is the
//! scheduler's.

use std::hash::{Hash, Hasher};

use serde::Serialize;
use stateright::{Model, Property};

pub use super::geometry::{Layout, Mask};
pub use super::programme::{Direction, Directions, Op, Order, Part, Parts, Pass};
use super::properties;
use super::rules::leave;

/// Most hosts that a state has room for.
pub const HOSTS_MAX: usize = 8;

/// Most parts of blocks that a channel has room for, also where it forgets that it is bounded.
pub(super) const QUEUE_MAX: usize = 4;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Hosts in the circle; as many blocks.
    pub hosts: u8,
    /// In which order a host sends and receives.
    pub order: Order,
    /// Messages that a channel holds: with 0 sender and receiver meet.
    pub capacity: u8,
    /// Whether keys and values are one message or two.
    pub parts: Parts,
    /// Whether each neighbour has one channel, or the hosts use two groups of channels by turns.
    pub channel_groups: Groups,
    /// Which way blocks travel.
    pub directions: Directions,
    /// Forward, or backward with gradients that travel home.
    pub pass: Pass,
    /// What a host keeps of the blocks that it has seen.
    pub scheme: Scheme,
    /// Which keys a query sees.
    pub mask: Mask,
    /// Which tokens a host holds.
    pub layout: Layout,
    /// Tokens of a block.
    pub tokens_per_host: u16,
    /// Hosts that may crash.
    pub crashes_max: u8,
    /// A host that may stand still for ever without having crashed.
    pub straggler: Option<u8>,
    /// How much happens at once.
    pub grain: Grain,
    /// What is done otherwise than it should be.
    pub variant: Variant,
}

/// Channels from one host to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// One.
    One,
    /// Two. Even hosts send in the first and receive in the second, odd hosts the other way about.
    ByParity,
}

/// What a host keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// The block at hand.
    Rotation,
    /// Every block that came by.
    AllGather,
}

/// How much happens at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Each operation, and each time that a channel takes or gives something.
    Operation,
    /// A host goes on to its next send, computation or receive; channels take and give at once, and whoever can go on
    /// by that does. So runs a thread that is stopped before each of these.
    Primitive,
}

/// What is done otherwise than it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// Nothing.
    #[default]
    Sound,
    /// The mask is taken from the number of the step instead of the origin of the block.
    MasksByStep,
    /// With an even number of hosts the block from opposite is waited for from both sides.
    CountsOppositeTwice,
    /// What was summed up is not scaled down when a greater score comes.
    ForgetsToRescale,
    /// A block is received over the one that is being computed with.
    OverwritesBeforeComputeEnds,
    /// The next block is swapped in before the channel has taken the one that was posted.
    OverwritesInFlight,
    /// A host whose neighbour is gone waits on.
    WaitsForTheDead,
    /// A host whose neighbour is gone publishes what it has.
    PublishesPartial,
    /// It publishes one rotation before the last.
    PublishesEarly,
    /// Channels take more than they have room for.
    IgnoresCapacity,
    /// Gradients go one hop less than they need to come home.
    StopsOneHopShort,
    /// A block's gradient is sent on before the host has added its own part.
    SendsBeforeAdding,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A host goes on.
    Step {
        /// 0-based.
        host: u8,
    },
    /// The channel takes what the host has posted; without room of its own it hands it to the neighbour who asks.
    Take {
        /// Who has posted.
        host: u8,
        /// Which way.
        direction: Direction,
    },
    /// The channel gives the host what it asked for.
    Give {
        /// Who has asked.
        host: u8,
        /// Which way the block travels.
        direction: Direction,
    },
    /// The host finds that its neighbour is gone.
    SeeDisconnect {
        /// 0-based.
        host: u8,
    },
    /// The host is gone.
    Crash {
        /// 0-based.
        host: u8,
    },
}

/// A block, or a part of one, under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Block {
    /// The host whose keys and values these are.
    pub origin: u8,
    /// Backward: the hosts whose parts its gradient has, as a set of bits.
    pub added: u8,
}

/// How a host stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Status {
    /// At work.
    #[default]
    Running,
    /// Done, its output there for all to see.
    Published,
    /// Given up, because a neighbour was gone.
    Disconnected,
    /// Crashed.
    Crashed,
}

/// One host. What belongs to a direction stands at its index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Host {
    /// How it stands.
    pub status: Status,
    /// Blocks that it has moved on from.
    pub step: u8,
    /// The operation of that step which comes next.
    pub at: u8,
    /// The block at hand.
    pub resident: [Block; 2],
    /// What has come of the next one.
    pub spare: [Option<Block>; 2],
    /// What it has posted and the channel has not taken.
    pub posted: [Option<Part>; 2],
    /// What it has asked for and was not given.
    pub asked: [Option<Part>; 2],
    /// The origin of the block that it computes with, as it was when it began.
    pub computing: Option<u8>,
    /// The origins it has computed with.
    pub computed: u8,
    /// Of an all-gather: the origins of the blocks it keeps.
    pub kept: u8,
    /// History.
    pub history: History,
}

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// It computed with a block a second time.
    pub twice: bool,
    /// It used the mask of another block.
    pub wrong_mask: bool,
    /// The block changed under a computation.
    pub torn: bool,
    /// A greater score came and what was there before was not scaled.
    pub unscaled: bool,
}

impl History {
    /// Whether the sum is not what it should be.
    pub fn is_off(self) -> bool {
        self.twice || self.wrong_mask || self.torn || self.unscaled
    }
}

/// What a channel holds, oldest first. Invariant: what is beyond its length is as it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    parts: [(Block, Part); QUEUE_MAX],
    pub(super) len: u8,
}

impl Hash for Queue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.messages().hash(state);
    }
}

impl Queue {
    /// How many messages.
    pub fn len(&self) -> u8 {
        self.len
    }

    /// Whether none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> &[(Block, Part)] {
        &self.parts[..usize::from(self.len)]
    }

    pub(super) fn push(&mut self, message: (Block, Part)) {
        self.parts[usize::from(self.len)] = message;
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> (Block, Part) {
        let first = self.parts[0];
        self.parts.rotate_left(1);
        self.parts[QUEUE_MAX - 1] = Default::default();
        self.len -= 1;
        first
    }
}

/// A configuration.
///
/// Invariants, whatever the variant: hosts beyond the model's are as they began; who is not running has neither posted
/// nor asked for anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The hosts.
    pub hosts: [Host; HOSTS_MAX],
    /// The channel out of each host, for each direction.
    pub channels: [[Queue; 2]; HOSTS_MAX],
}

impl Ring {
    /// All send first, keys and values together, into channels of one.
    pub const fn of(hosts: u8) -> Self {
        Ring {
            hosts,
            order: Order::SendFirst,
            capacity: 1,
            parts: Parts::Together,
            channel_groups: Groups::One,
            directions: Directions::One,
            pass: Pass::Forward,
            scheme: Scheme::Rotation,
            mask: Mask::Full,
            layout: Layout::Contiguous,
            tokens_per_host: 4,
            crashes_max: 0,
            straggler: None,
            grain: Grain::Operation,
            variant: Variant::Sound,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// The host that blocks go to from `host`.
    pub fn next(&self, host: u8, direction: Direction) -> u8 {
        match direction {
            Direction::Up => (host + 1) % self.hosts,
            Direction::Down => (host + self.hosts - 1) % self.hosts,
        }
    }

    /// The host that blocks come from.
    pub fn previous(&self, host: u8, direction: Direction) -> u8 {
        self.next(host, direction.opposite())
    }

    /// Blocks that a host may hold at once, with those that wait for it in channels.
    pub fn resident_max(&self) -> u8 {
        let buffers = if self.receives_into_spare() { 2 } else { 1 };
        let waiting = if self.parts == Parts::Together { self.capacity } else { self.capacity.div_ceil(2) };
        (buffers + waiting) * self.directions().len() as u8
    }

    /// Whether some host still needs the block at hand when the next one comes.
    fn receives_into_spare(&self) -> bool {
        self.order != Order::SendFirst
    }

    /// Blocks that `host` holds now.
    pub fn resident(&self, state: &State, host: u8) -> u8 {
        let own = &state.hosts[usize::from(host)];
        let mut blocks = 0;
        for direction in self.directions() {
            let d = *direction as usize;
            let waiting = state.channels[usize::from(self.previous(host, *direction))][d].len;
            blocks += if self.parts == Parts::Together { waiting } else { waiting.div_ceil(2) };
            blocks += u8::from(own.spare[d].is_some() && self.receives_into_spare());
        }
        blocks
            + match self.scheme {
                Scheme::Rotation => self.directions().len() as u8,
                Scheme::AllGather => own.kept.count_ones() as u8,
            }
    }

    /// Whether the neighbours use the same group of channels where `host` sends.
    pub(super) fn groups_fit(&self, host: u8, direction: Direction) -> bool {
        self.channel_groups == Groups::One || host % 2 != self.next(host, direction) % 2
    }
}

impl Model for Ring {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut state = State { hosts: Default::default(), channels: Default::default() };
        for host in 0..self.hosts {
            let own = &mut state.hosts[usize::from(host)];
            own.resident = [Block { origin: host, added: 0 }; 2];
            own.kept = if self.scheme == Scheme::AllGather { 1 << host } else { 0 };
            self.pass_by(own, host);
        }
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let crashed = state.hosts.iter().filter(|host| host.status == Status::Crashed).count();
        for host in (0..self.hosts).filter(|host| state.hosts[usize::from(*host)].status == Status::Running) {
            if self.can_step(state, host) {
                actions.push(Action::Step { host });
            }
            if self.grain == Grain::Operation {
                for direction in self.directions() {
                    if self.can_take(state, host, *direction) {
                        actions.push(Action::Take { host, direction: *direction });
                    }
                    if self.can_give(state, host, *direction) {
                        actions.push(Action::Give { host, direction: *direction });
                    }
                }
                if self.sees_disconnect(state, host) {
                    actions.push(Action::SeeDisconnect { host });
                }
            }
            if crashed < usize::from(self.crashes_max) {
                actions.push(Action::Crash { host });
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Step { host } => self.step(&mut after, host),
            Action::Take { host, direction } => self.take(&mut after, host, direction),
            Action::Give { host, direction } => self.give(&mut after, host, direction),
            Action::SeeDisconnect { host } => self.disconnect(&mut after, host),
            Action::Crash { host } => leave(&mut after.hosts[usize::from(host)], Status::Crashed),
        }
        if self.grain == Grain::Primitive {
            self.settle(&mut after);
        }
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
