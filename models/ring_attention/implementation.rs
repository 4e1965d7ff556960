//! The rotation: what a host does next and whose blocks it holds, and the channels between hosts as plain data. No
//! threads in it, and no numbers but those that travel.
//!
//! ```
//! use counterpart_models::ring_attention::implementation::{Next, Order, Pass, Plan, PlanError, Rotation, Way};
//!
//! // All send first, and channels hold nothing: everybody would wait for everybody.
//! assert_eq!(Plan::new(3, Order::SendFirst, 0, Pass::Forward), Err(PlanError::StandsStill { hosts: 3 }));
//!
//! let plan = Plan::new(3, Order::SendFirst, 1, Pass::Forward)?;
//! let mut host = Rotation::new(plan, 0)?;
//! let mut met = Vec::new();
//! while let Some(next) = host.next() {
//!     if next == Next::Compute(Way::Up) {
//!         met.push(host.origin(Way::Up));
//!     }
//!     host.done();
//! }
//! assert_eq!(met, [0, 2, 1]);
//! # Ok::<(), PlanError>(())
//! ```
//!
//! [`Plan`] says which rings there are, [`Rotation`] goes through one host's lap of it, [`Lap`] does that with blocks,
//! and [`Inbox`] is where a host's blocks arrive. What brings them there is a [`Port`]: threads have one with locks
//! ([`shared`](super::shared)), and whoever has a network of their own writes another.

mod inbox;
mod lap;
mod plan;
mod rotation;

pub use self::inbox::{Gone, Inbox, Landing};
pub use self::lap::{Lap, Lost, Port, Step, Tagged};
pub use self::plan::{HOSTS_MAX, Keep, Order, Pass, Plan, PlanError, Way, Ways};
pub use self::rotation::{Next, Rotation};
