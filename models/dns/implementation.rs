//! What a caching resolver is made of, without sockets, clocks or random sources: all three are passed in.
//!
//! [`name`] and its records are what is spoken of, a [`store`] keeps them, and a [`core`] answers clients from it and
//! asks upstream for what it lacks.

pub mod core;
pub mod message;
pub mod name;
pub mod store;

pub use self::core::{Answer, Code, Config, ConfigError, Core, Denial, Effect, Response, Stale};
pub use self::message::{Finding, Message, sift};
pub use self::name::{Data, Name, NameError, Question, Record, Soa, Type};
pub use self::store::{Fact, Found, Rank, Store};
