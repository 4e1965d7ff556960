//! Consistent hashing as one would ship it: a ring with virtual nodes, weights and zones, what moves when it changes,
//! bounded loads, and three placements without a ring. No clock, no randomness. The node that hands arcs over is
//! [`handoff::implementation`](super::handoff::implementation).

mod anchor;
mod arcs;
mod bounded;
mod functions;
mod ketama;
mod ring;

pub use self::anchor::{Anchor, AnchorError, BUCKETS_MAX, anchor_hash};
pub use self::arcs::{Arc, Migration, migrated_ranges};
pub use self::bounded::{BoundedLoads, LoadError};
pub use self::functions::{jump, rendezvous, score};
pub use self::ketama::{KETAMA_POINTS, Ketama};
pub use self::ring::{Hashed, Member, Placement, Ring, RingError, hash_of};
