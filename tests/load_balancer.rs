//! The load balancer: the figures of its story, and what meets someone who ships it.

#[cfg(all(feature = "peers", target_os = "linux", target_pointer_width = "64"))]
#[path = "load_balancer/fast_failures.rs"]
mod fast_failures;
#[path = "load_balancer/figures.rs"]
mod figures;
#[path = "load_balancer/hostile.rs"]
mod hostile;
#[path = "load_balancer/orders.rs"]
mod orders;
#[cfg(feature = "peers-heavy")]
#[path = "load_balancer/pingora.rs"]
mod pingora;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        figures::trials(),
        hostile::trials(),
        orders::trials(),
        #[cfg(all(feature = "peers", target_os = "linux", target_pointer_width = "64"))]
        fast_failures::trials(),
        #[cfg(feature = "peers-heavy")]
        pingora::trials(),
    ];
    trials.into_iter().flatten().collect()
}
