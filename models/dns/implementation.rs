//! What a caching resolver is made of, without sockets, clocks or random sources: all three are passed in.
//!
//! [`name`] and its records are what is spoken of, a [`store`] keeps them, and a [`core`] answers clients from it and
//! asks upstream for what it lacks. A [`resolver`] is that core, joined with what walks down from the root: with
//! [`delegations`], with questions on their way ([`poison`](super::poison)) and with the bounds of what one question may
//! cost ([`work`](super::work)). [`wire`] is how it is written, and a [`front`] puts it on sockets.

pub mod core;
pub mod delegations;
pub mod front;
pub mod message;
pub mod name;
pub mod resolver;
pub mod settings;
pub mod store;
mod walk;
pub mod wire;

pub use self::core::{Answer, Code, Config, ConfigError, Core, Effect, Response, Stale};
pub use self::message::{Finding, Message, sift};
pub use self::name::{Data, Denial, Name, NameError, Question, Record, Soa, Type};
pub use self::store::{Fact, Found, Rank, Store};
