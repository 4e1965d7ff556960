//! What a user says beside a `stateright::Model`: how its states read and what its runs promise ([`Spec`],
//! [`Temporal`]), what the outside sees of it ([`Interface`]), and what an implementation is to the harness
//! ([`Counterpart`], [`Shared`]). A consensus protocol can be read as one ([`Consensus`]).
//!
//! All of them are values that *name* their model and not traits on it: a model may be foreign (stateright's
//! `ActorModel`), and one model may have several.

mod actors;
mod barrier;
mod binding;
mod consensus;
mod interface;
mod parts;
mod printed;
mod quantity;
mod spec;
mod temporal;

use std::fmt::Debug;
use std::hash::Hash;

use stateright::Model;

pub use actors::{ActorSpec, DELIVERS, DELIVERS_AT_LAST};
pub use barrier::{BarrierError, Barriers, Ordered};
pub use binding::{Counterpart, Sequential, Shared, Simulated};
pub use consensus::{Consensus, Event, Values};
pub use interface::{Interface, NoInterface};
pub use parts::{Hold, Plain, SettableClock, Slots};
pub use printed::printed;
pub use quantity::{Bound, Quantity};
pub use spec::{Chance, Kind, PlainSpec, Spec};
pub use temporal::{FairKey, Strength, Temporal};

/// A model that the engines can explore: any `stateright::Model` that stateright's own checker would take.
pub trait CheckedModel:
    Model<
        State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
        Action: Clone + Debug + PartialEq + Send + Sync + 'static,
    > + Send
    + Sync
    + 'static
{
}

impl<M> CheckedModel for M where
    M: Model<
            State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
            Action: Clone + Debug + PartialEq + Send + Sync + 'static,
        > + Send
        + Sync
        + 'static
{
}
