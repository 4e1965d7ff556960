//! Consistent hashing: who owns which key, and how it stays so while nodes come and go.
//!
//! A cache of three servers finds a key by its hash modulo three. A fourth server is added, and three keys of four are
//! looked for where they are not: all of them fall through to the database at once. On a ring a fourth server takes
//! over a quarter of the keys and nobody else's are touched. That is the promise; what it takes to keep it, with weights,
//! replicas, collisions, plans for what has to be copied, clients that have not heard yet, and members that find out by
//! themselves who is there, is what this protocol is about.
//!
//! - The protocol's own sub-model is placement ([`model`]).
//! - [`handoff`]: no key is lost while its owner changes.
//! - [`chord`]: who is a member, found out by asking neighbours.
//!
//! # Check your own ring
//! Here it is the one of this folder; bind yours in the same words.
//! ```
//! use std::num::NonZeroU32;
//!
//! use counterpart::Counterpart;
//! use counterpart_models::hash_ring::conformance::{Answer, PlacementInterface};
//! use counterpart_models::hash_ring::implementation::{Member, Placement as Placing, Ring};
//! use counterpart_models::hash_ring::model::{Action, Placement, Policy};
//! use counterpart_models::hash_ring;
//!
//! /// Points where the model has them: node n at 4n.
//! #[derive(Clone, Debug)]
//! struct Fourths;
//!
//! impl Placing<u8> for Fourths {
//!     fn point(&self, node: &u8, _: u32) -> u64 { 4 * u64::from(*node) }
//!     fn key(&self, key: &[u8]) -> u64 { key[0].into() }
//! }
//!
//! struct Mine(Ring<u8, Fourths>);
//!
//! impl Counterpart<PlacementInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         match *input {
//!             Action::Join { node, .. } => self.0.add(node, Member::default()).map_or(Answer::Refused, |()| Answer::Done),
//!             Action::Leave { node } => self.0.remove(&node).map_or(Answer::Refused, |_| Answer::Done),
//!             Action::Owner { key } => Answer::Owner(self.0.owner(&[key]).ok().copied()),
//!             _ => panic!("not asked"),
//!         }
//!     }
//!     fn supports(&self, input: &Action) -> bool {
//!         matches!(input, Action::Join { .. } | Action::Leave { .. } | Action::Owner { .. })
//!     }
//! }
//!
//! let points = vec![vec![0], vec![4], vec![8], vec![12]];
//! let model = Placement::by(Policy::Ring { points, points_per_weight: 1 });
//! hash_ring::check(model).lockstep(|| Mine(Ring::new(Fourths, NonZeroU32::MIN))).assert();
//! ```
//!
//! # Sources
//! - D. Karger et al., "Consistent Hashing and Random Trees", STOC 1997 (monotonicity, balance, spread, load).
//! - G. DeCandia et al., "Dynamo: Amazon's Highly Available Key-value Store", SOSP 2007 (virtual nodes, preference lists).
//! - V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018.
//! - J. Lamping, E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014 (jump).
//! - D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016 (the table).
//!
//! # Abstracted away
//! - Hash functions: points and scores are parameters of the model. Balance is measured, not proved.
//! - A view changes by one node at a time, which is what monotonicity composes of.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod chord;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
pub mod handoff;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
mod peers;
#[cfg(feature = "catalogue")]
mod picture;
mod placing;
pub mod properties;

use counterpart::Check;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases};
use self::conformance::{PlacementInterface, PlacementSpec};
use self::model::Placement;

/// A check of `model`: what the outside sees of it, and the words in which its traces are told.
pub fn check(model: Placement) -> Check<Placement, PlacementInterface> {
    Check::of(model).interface(PlacementInterface).spec(PlacementSpec)
}
