//! A cache node as a service would ship it: [`Node::handle`], [`Node::on_upstream`], [`Node::purge`], time passed in. It does
//! no IO: what it wants sent and told it gives back as [`Effect`]s. An edge, a shield, a cache before an origin are such
//! nodes; what one asks upstream is another's request.
//!
//! A fill has a number. A purge, or an unsafe request that succeeded, is written down with the number of the last fill: the
//! answer to an earlier one is passed on to whoever asked, and not stored. It is written down for as long as an earlier
//! fill is under way.

mod answers;
pub mod control;
pub mod date;
pub mod freshness;
pub mod message;
mod node;
pub mod select;
mod status;
pub mod store;

pub use self::message::{Headers, Request, Response, Target};
pub use self::node::{Effect, Failure, Node, Purge};
pub use self::store::{Bounds, Store};

/// The bounds and habits of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Its name in `Cache-Status` (RFC 9211), a token.
    pub name: String,
    /// Fields that are targeted at it, the first that is valid counts (RFC 9213). Default `CDN-Cache-Control`.
    pub targets: Vec<String>,
    /// Bounds of memory. Default 256 MiB, 8 MiB for each response, 64 variants of a target.
    pub bounds: Bounds,
    /// Fills under way at most; beyond, a request is answered with 503. Default 10,000.
    pub fills_max: usize,
    /// Requests that wait for one fill at most; beyond, a request is answered with 503. Default 10,000.
    pub waiters_max: usize,
    /// Milliseconds after which a fill is given up. Default 30,000.
    pub timeout_ms: u64,
    /// Seconds that are given at most to what says nothing of its life (RFC 9111 §4.2.2). Default a day.
    pub heuristic_s_max: u64,
    /// Seconds that an error is kept for at most, whatever it says. Default 60.
    pub error_s_max: u64,
    /// Seconds after its life for which a response is used if upstream cannot be reached, unless it forbids that
    /// (RFC 9111 §4.2.4). Default 60.
    pub disconnected_s: u64,
    /// Seconds after its life for which a response is kept, to be validated or for when upstream fails. Default an hour.
    pub stale_kept_s: u64,
    /// Milliseconds for which a target whose response was not stored is asked for without waiting for one another.
    /// Default 10,000.
    pub hit_for_miss_ms: u64,
    /// Whether `s-maxage` forbids stale use, as RFC 9111 §5.2.2.10 says and many do not heed. Default true.
    pub s_maxage_forbids_stale: bool,
    /// Whether `stale-while-revalidate` is heeded. A shield does better without: what it serves stale the edges keep.
    /// Default true.
    pub serves_while_revalidating: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: "cdn".into(),
            targets: vec!["cdn-cache-control".into()],
            bounds: Bounds { bytes_max: 256 << 20, entry_bytes_max: 8 << 20, variants_max: 64 },
            fills_max: 10_000,
            waiters_max: 10_000,
            timeout_ms: 30_000,
            heuristic_s_max: 86_400,
            error_s_max: 60,
            disconnected_s: 60,
            stale_kept_s: 3_600,
            hit_for_miss_ms: 10_000,
            s_maxage_forbids_stale: true,
            serves_while_revalidating: true,
        }
    }
}
