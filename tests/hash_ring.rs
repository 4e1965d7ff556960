//! The hash ring: what meets someone who ships it, how evenly it spreads, and a handoff over real sockets.

#[path = "hash_ring/figures.rs"]
mod figures;
#[path = "hash_ring/hostile.rs"]
mod hostile;
#[path = "hash_ring/repair.rs"]
mod repair;
#[path = "hash_ring/sockets.rs"]
mod sockets;
#[path = "hash_ring/toured.rs"]
mod toured;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let of_sockets = [sockets::trials(), toured::trials()];
    [figures::trials(), hostile::trials(), repair::trials()].into_iter().chain(of_sockets).flatten().collect()
}
