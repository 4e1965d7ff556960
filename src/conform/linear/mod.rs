//! Linearization: whether some order of overlapping calls is a run of the model (Herlihy and Wing 1990).
//!
//! A call has to be explained by one step of the model, taken after everything that precedes the call and before
//! everything that the call precedes. The search is Wing and Gong's (1993) with the memory that Lowe added (2017):
//! calls are explained just in time, the one that ends first before all others, and what was tried is not tried again.
//!
//! A *way* is what was reached: the call that is due (of those not yet explained, the one that ends first), those
//! explained ahead of it, those explained though they never ended, and a state of the model. Two orders that lead to
//! the same way are one from there on. Four things keep ways few, and none of them changes a verdict:
//! - calls are tried by their ends and begins, and ways that explain much and pass over little before others;
//! - a call that changes nothing is explained as soon as it can be: nothing is lost by it;
//! - of calls that say the same, the one that ends first is explained first: the others can take its place later;
//! - a call that never ended is only explained where it leads somewhere else, and a way that needed fewer of them, all
//!   else being equal, stands for the others.
//!
//! Nothing is recursive, and nothing depends on the order in which states were numbered.

mod order;
mod pending;
mod search;
mod sets;

use crate::conform::lts::Node;
use crate::explore::Stop;

pub(crate) use self::order::{Call, Order};
pub(crate) use self::search::search;

/// In place of an edge: the state was read, and stays.
pub(crate) const READ: u32 = u32::MAX;

/// What calls mean. Calls of one class mean the same, and are asked about once in each state.
pub(crate) trait Meaning {
    /// The initial states.
    fn start(&mut self) -> Vec<Node>;

    /// The steps of a state that belong to no call: each its place among the state's, and where it leads.
    fn hidden(&mut self, node: Node) -> Vec<(u32, Node)>;

    /// The steps of a state that explain a call of `class`: each its place, or [`READ`], and where it leads.
    fn explains(&mut self, class: u32, node: Node) -> Vec<(u32, Node)>;

    /// Whether calls of `class` change nothing, in whatever state.
    fn changes_nothing(&self, _class: u32) -> bool {
        false
    }

    /// Whether all may end in a state.
    fn ends(&mut self, _node: Node) -> bool {
        true
    }

    /// Whether no more has to be known, once all calls are explained that are due before `due`.
    fn is_enough(&self, _due: u64) -> bool {
        false
    }

    /// So many more calls that have to be explained are.
    fn explained(&mut self, _more: u32) {}

    /// Whether to go on.
    fn interrupted(&mut self) -> Option<Stop> {
        None
    }
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Ways that are kept at most.
    pub(crate) ways_max: usize,
    /// Bytes that they take at most.
    pub(crate) bytes_max: usize,
}

/// What came of a search.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An order that explains all calls.
    Explained(Vec<Placed>),
    /// An order explains as many of them as is enough.
    Enough,
    /// No order does.
    Unexplained(Dead),
    /// All calls can be explained, but never so that they end where they may. The states where they end.
    #[cfg_attr(not(feature = "interleave"), allow(dead_code, reason = "a log may end anywhere"))]
    WrongEnd(Vec<Node>),
    /// More ways than are kept.
    TooMany,
    /// More bytes than are to be taken.
    TooMuch,
    /// A class that is said to change nothing changes this state.
    Changes { class: u32, node: Node },
    /// Interrupted.
    Stopped(Stop),
}

/// A state on a path, and how it was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) node: Node,
    pub(crate) by: By,
}

/// How a state was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// It is initial.
    Start,
    /// A step that belongs to no call, by its place among those of the state before.
    Hidden { edge: u32 },
    /// A call, by its number, explained by this step, or by [`READ`].
    Call { call: u32, edge: u32 },
}

/// Where the last way ended.
#[derive(Debug)]
pub(crate) struct Dead {
    /// The call that none explains. It is the first whose end leaves no order: up to there, there is one.
    pub(crate) call: u32,
    /// A longest order up to there.
    pub(crate) path: Vec<Placed>,
    /// All states in which the call would have had to be explained, in the order in which they were met.
    pub(crate) states: Vec<Node>,
}
