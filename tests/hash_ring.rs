//! The hash ring: what meets someone who ships it, how evenly it spreads, and a handoff over real sockets.

#[path = "hash_ring/figures.rs"]
mod figures;
#[path = "hash_ring/hostile.rs"]
mod hostile;
#[path = "hash_ring/repair.rs"]
mod repair;
#[path = "hash_ring/sockets.rs"]
mod sockets;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [figures::trials(), hostile::trials(), repair::trials(), sockets::trials()].into_iter().flatten().collect()
}
