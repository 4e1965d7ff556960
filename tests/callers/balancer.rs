//! A balancer whose policy panics, and whose list of servers asks the balancer.

use counterpart_models::load_balancer::{Config, Core, Policy, Pool, Request, ServerId};
use libtest_mimic::Trial;

use super::raced_balancer::{implementation as raced, policies::RoundRobin, shared::LoadBalancer as Raced};
use super::{in_every_schedule, unwind, unwinds};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("load_balancer::a_policy_that_unwinds_leaves_nobody_of_an_old_list", policy),
        claim("load_balancer::a_list_may_ask_the_balancer_that_it_is_for", list),
    ]
}

/// Chooses the last server. It forgets for the list at the beginning, and never again.
struct Last {
    forgotten: u32,
}

impl Policy for Last {
    fn choose(&mut self, pool: &Pool<'_>, _: Request) -> Option<usize> {
        Some(pool.len() - 1)
    }

    fn forget(&mut self, _: &dyn Fn(ServerId) -> bool) {
        self.forgotten += 1;
        if self.forgotten > 1 {
            unwind();
        }
    }
}

fn policy() {
    let servers = |count: u64| (0..count).map(|id| (ServerId(id), 1));
    let mut core = Core::new(Config::default(), Last { forgotten: 0 }, servers(3), 0).expect("a balancer");
    assert_eq!(core.pick(Request::default(), 0).expect("a server").server(), ServerId(2));
    unwinds(|| core.set_servers(servers(1), 0));
    assert_eq!(core.pick(Request::default(), 0).expect("a server").server(), ServerId(0));
    assert_eq!(core.status(0).iter().map(|server| server.in_flight).sum::<u32>(), 1, "the other has left");
}

/// loom tells of a lock that is taken by whoever holds it.
fn list() {
    in_every_schedule(|| {
        let one = || [(raced::ServerId(1), 1)];
        let balancer = Raced::new(raced::Config::default(), RoundRobin::default(), one(), 0).expect("a balancer");
        let asks = one().into_iter().inspect(|(id, _)| assert_eq!(balancer.status(0)[0].id, *id));
        balancer.set_servers(asks, 0).expect("a list");
    });
}
