//! Orders of a weighted round robin: which published one ours follows, and what that is good for.

use counterpart_models::load_balancer::{
    AnyPolicy, BoundedHash, Config, Core, Outcome, Policy, Request, RoundRobin, ServerId, SmoothWeighted,
};
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("load_balancer::weights_5_1_1_come_in_the_order_of_nginx", golden),
        claim("load_balancer::whole_cycles_are_exact_and_smooth", smooth),
        claim("load_balancer::a_weight_that_changes_counts_from_then_on", changed_weight),
        claim("load_balancer::who_stays_in_the_list_is_owed_what_it_was_and_who_comes_back_nothing", owed),
        claim("load_balancer::who_is_said_to_be_healthy_again_and_again_starts_slowly_once", said_twice),
        claim("load_balancer::a_flapping_list_does_not_starve_the_servers_at_its_end", flapping),
        claim("load_balancer::a_server_that_leaves_moves_its_own_keys_and_no_others", remap),
        claim("load_balancer::where_a_key_goes_is_the_same_on_every_machine", ranks),
        claim("load_balancer::one_key_does_not_overload_one_server", bound),
    ]
}

fn balancer<P: Policy>(policy: P, weights: &[u32]) -> Core<P> {
    let servers = weights.iter().enumerate().map(|(at, weight)| (ServerId(at as u64), *weight));
    Core::new(Config::default(), policy, servers, 0).expect("a balancer")
}

/// Sends `count` requests at `now_us`, each answered before the next.
fn order_at<P: Policy>(core: &mut Core<P>, count: usize, now_us: u64) -> Vec<u64> {
    let mut one = || {
        let ticket = core.pick(Request::default(), now_us).expect("a server");
        let server = ticket.server().0;
        core.finish(ticket, Outcome::Success, now_us);
        server
    };
    (0..count).map(|_| one()).collect()
}

fn order<P: Policy>(core: &mut Core<P>, count: usize) -> Vec<u64> {
    order_at(core, count, 0)
}

fn letters(order: &[u64]) -> String {
    order.iter().map(|server| char::from(b'a' + *server as u8)).collect()
}

/// Measured with weights 5, 1, 1.
const NGINX_1_22: &str = "aabacaa";
const HAPROXY_2_6: &str = "aaabaac";
const ENVOY_1_40: &str = "aaabcaa";

/// The longest run of one server, the cycle going round.
fn longest_run(order: &str) -> usize {
    let twice: Vec<char> = order.chars().chain(order.chars()).collect();
    twice.chunk_by(|left, right| left == right).map(<[char]>::len).max().unwrap_or(0)
}

/// By how much a server is ever ahead of its share or behind, in requests.
fn furthest_off(order: &str, weights: &[(char, f64)]) -> f64 {
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let off = |length: usize| {
        let had = |server: char| order.chars().take(length).filter(|other| *other == server).count() as f64;
        weights
            .iter()
            .map(move |(server, weight)| (had(*server) - length as f64 * weight / sum).abs())
            .fold(0.0, f64::max)
    };
    (1..=order.len()).map(off).fold(0.0, f64::max)
}

fn golden() {
    let mut core = balancer(SmoothWeighted::default(), &[5, 1, 1]);
    let ours = letters(&order(&mut core, 7));
    assert_eq!(ours, NGINX_1_22);
    assert_eq!(letters(&order(&mut core, 7)), NGINX_1_22, "and again");
    // Why this one: the heaviest server is nearest to its share. All three are within a request of it; a plain one is
    // not.
    let weights = [('a', 5.0), ('b', 1.0), ('c', 1.0)];
    let off = |order: &str| furthest_off(order, &weights);
    assert!(off(NGINX_1_22) < off(HAPROXY_2_6) && off(NGINX_1_22) < off(ENVOY_1_40) && off(ENVOY_1_40) <= 1.0);
    assert!(off("aaaaabc") > 1.0);
    assert_eq!([NGINX_1_22, HAPROXY_2_6, ENVOY_1_40, "aaaaabc"].map(longest_run), [4, 3, 5, 5]);
}

fn smooth() {
    for weights in [[4, 2, 1], [5, 1, 1], [3, 3, 1], [7, 2, 5]] {
        let mut core = balancer(SmoothWeighted::default(), &weights);
        let cycle: u32 = weights.iter().sum();
        for _ in 0..3 {
            let order = order(&mut core, cycle as usize);
            let named: Vec<(char, f64)> = weights
                .iter()
                .enumerate()
                .map(|(at, weight)| (char::from(b'a' + at as u8), f64::from(*weight)))
                .collect();
            for (at, weight) in weights.iter().enumerate() {
                let had = order.iter().filter(|server| **server == at as u64).count();
                assert_eq!(had, *weight as usize, "{weights:?}: {order:?}");
            }
            assert!(furthest_off(&letters(&order), &named) < 1.0, "{weights:?}: {order:?}");
        }
    }
}

fn owed() {
    let listed =
        |servers: &[(u64, u32)]| servers.iter().map(|(id, weight)| (ServerId(*id), *weight)).collect::<Vec<_>>();
    let plain = &mut balancer(SmoothWeighted::default(), &[5, 1, 1]);
    let configured = &mut balancer(AnyPolicy::SmoothWeighted(SmoothWeighted::default()), &[5, 1, 1]);
    assert_eq!(letters(&order(plain, 2)), "aa");
    assert_eq!(letters(&order(configured, 2)), "aa");
    for list in [listed(&[(0, 5), (2, 1)]), listed(&[(0, 5), (1, 1), (2, 1)])] {
        plain.set_servers(list.clone(), 0).expect("a list");
        configured.set_servers(list, 0).expect("a list");
    }
    // All are owed -4, 0 and 2; had b kept its 2 it would be first, and a if all had been forgotten.
    assert_eq!(letters(&order(plain, 1)), "c");
    assert_eq!(letters(&order(configured, 1)), "c");
}

fn said_twice() {
    let config = Config { slow_start_us: 1_000_000, ..Config::default() };
    let servers = [(ServerId(0), 4), (ServerId(1), 4)];
    let mut core = Core::new(config, SmoothWeighted::default(), servers, 0).expect("a balancer");
    core.set_health(ServerId(1), false, 0).expect("it is listed");
    core.set_health(ServerId(1), true, 0).expect("it is listed");
    assert_eq!(letters(&order_at(&mut core, 5, 250_000)), "aabaa", "a quarter of its weight");
    core.set_health(ServerId(1), true, 999_999).expect("it is listed");
    assert_eq!(letters(&order_at(&mut core, 8, 1_000_000)), "abababab");
}

fn changed_weight() {
    let mut core = balancer(SmoothWeighted::default(), &[1, 1]);
    assert_eq!(letters(&order(&mut core, 4)), "abab");
    core.set_servers([(ServerId(0), 3), (ServerId(1), 1)], 0).expect("a list");
    assert_eq!(letters(&order(&mut core, 8)), "aabaaaba");
}

fn flapping() {
    let mut core = balancer(RoundRobin::default(), &[1, 1, 1]);
    let mut had = [0; 4];
    for round in 0..300_u64 {
        // A fourth server comes and goes, as in a deploy.
        let servers = (0..3 + round % 2).map(|at| (ServerId(at), 1));
        core.set_servers(servers, round).expect("a list");
        had[order(&mut core, 1)[0] as usize] += 1;
    }
    assert!(had[..3].iter().all(|count| *count >= 60), "{had:?}");
}

fn remap() {
    let mut core = balancer(BoundedHash::new(25).expect("a bound"), &[1; 10]);
    let send = |core: &mut Core<BoundedHash>| -> Vec<u64> {
        (0..2_000)
            .map(|key| {
                let ticket = core.pick(Request { key, random: 0 }, 0).expect("a server");
                let server = ticket.server().0;
                core.finish(ticket, Outcome::Success, 0);
                server
            })
            .collect()
    };
    let before = send(&mut core);
    core.set_servers((0..9).map(|at| (ServerId(at), 1)), 0).expect("a list");
    let after = send(&mut core);
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    let orphaned = before.iter().filter(|server| **server == 9).count();
    assert_eq!(moved, orphaned, "only the keys of the server that left");
    for server in 0..10 {
        let had = before.iter().filter(|other| **other == server).count();
        assert!((150..250).contains(&had), "a tenth of them: {had} at {server}");
    }
}

/// Balancers that do not know of each other have to agree: these values, worked out from the formula elsewhere, are for
/// good.
fn ranks() {
    assert_eq!(BoundedHash::rank(0, ServerId(0)), 0);
    assert_eq!(BoundedHash::rank(1, ServerId(2)), 0x37ad_5fdd_5756_bd3d);
    assert_eq!(BoundedHash::rank(0x0123_4567_89ab_cdef, ServerId(u64::MAX)), 0xfe89_04be_93dd_e407);
    // The first number that SplitMix64 gives from the seed 0, as published with it.
    assert_eq!(BoundedHash::rank(0x7f4a_7c15_9e37_79b9, ServerId(0)), 0xe220_a839_7b1d_cdaf);
}

fn bound() {
    let mut core = balancer(BoundedHash::new(25).expect("a bound"), &[1; 8]);
    let mut tickets = Vec::new();
    for requests in 1..=200_usize {
        tickets.push(core.pick(Request { key: 7, random: 0 }, 0).expect("a server"));
        let share = (requests * 125).div_ceil(100 * 8) as u32;
        let most = core.status(0).iter().map(|server| server.in_flight).max().expect("servers");
        assert!(most <= share, "{most} of {requests} at one server, of a share of {share}");
    }
    tickets.into_iter().for_each(|ticket| core.finish(ticket, Outcome::Success, 0));
    assert!(core.status(0).iter().all(|server| server.in_flight == 0));
}
