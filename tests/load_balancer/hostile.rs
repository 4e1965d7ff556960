//! Hostile configurations, lists, clocks and callers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use counterpart_models::load_balancer::{
    AnyPolicy, BoundedHash, Config, ConfigError, Core, LeastConnections, LoadBalancer, Outcome, Outliers, PeakEwma,
    PowerOfTwo, Refused, Request, RetryBudget, RoundRobin, ServerId, SmoothWeighted, Ticket, UnknownServer,
};
use libtest_mimic::Trial;
use proptest::prelude::{Strategy, any, prop_oneof};

use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("load_balancer::every_configuration_and_list_is_a_balancer_or_an_error", configurations),
        claim("load_balancer::errors_name_the_field_the_value_and_the_range", errors),
        claim("load_balancer::no_clock_and_no_order_of_calls_makes_it_panic_or_lose_count", hostile),
        claim("load_balancer::an_empty_list_refuses", empty),
        claim("load_balancer::a_caller_that_panics_or_goes_away_is_off_the_count", unwinding),
        claim("load_balancer::a_clock_set_back_by_years_keeps_nobody_out", clock_set_back),
        claim("load_balancer::health_of_strangers_is_an_error", strangers),
        claim("load_balancer::a_slow_answer_is_forgotten_however_many_quick_ones_follow", forgetting),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let count = || number(0..20_u32);
    let percent = || edgy(vec![50, 100, 101], number(any::<u8>()));
    let time = || number(0..10_000_u64);
    let outliers = drawn!(Outliers { failures: count(), ejection_us: time(), ejected_max_percent: percent() });
    drawn!(Config {
        outliers: proptest::option::of(outliers),
        panic_percent: percent(),
        slow_start_us: time(),
        slow_start_from_percent: percent(),
        retries: proptest::option::of(drawn!(RetryBudget { cost: count(), tokens_max: count() })),
        expected_us: time(),
        half_life_us: time(),
        failure_us: time(),
    })
}

/// A server of the list.
#[derive(Clone, Copy, Debug)]
struct Listed {
    id: u64,
    weight: u32,
}

fn servers() -> impl Strategy<Value = Vec<Listed>> {
    let weight = edgy(vec![1 << 16, (1 << 16) + 1], number(1..10_u32));
    proptest::collection::vec(drawn!(Listed { id: number(0..6_u64), weight: weight }), 0..6)
}

fn listed(servers: &[Listed]) -> Vec<(ServerId, u32)> {
    servers.iter().map(|server| (ServerId(server.id), server.weight)).collect()
}

fn policy() -> impl Strategy<Value = AnyPolicy> {
    proptest::sample::select(vec![
        AnyPolicy::RoundRobin(RoundRobin::default()),
        AnyPolicy::SmoothWeighted(SmoothWeighted::default()),
        AnyPolicy::LeastConnections(LeastConnections),
        AnyPolicy::PowerOfTwo(PowerOfTwo),
        AnyPolicy::PeakEwma(PeakEwma),
        AnyPolicy::BoundedHash(BoundedHash::new(u32::MAX).expect("a bound")),
        AnyPolicy::BoundedHash(BoundedHash::new(1).expect("a bound")),
    ])
}

/// A balancer that somebody asks for.
#[derive(Clone, Debug)]
struct Asked {
    config: Config,
    policy: AnyPolicy,
    servers: Vec<Listed>,
}

fn asked() -> impl Strategy<Value = Asked> {
    drawn!(Asked { config: config(), policy: policy(), servers: servers() })
}

fn makes_sense(Asked { config, policy, servers }: &Asked) -> bool {
    let mut ids: Vec<u64> = servers.iter().map(|server| server.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let reads_weights =
        matches!(policy, AnyPolicy::SmoothWeighted(_) | AnyPolicy::LeastConnections(_) | AnyPolicy::PowerOfTwo(_));
    config.panic_percent <= 100
        && config.half_life_us > 0
        && (1..=100).contains(&config.slow_start_from_percent)
        && (config.slow_start_us == 0 || reads_weights)
        && config.outliers.is_none_or(|outliers| outliers.failures > 0 && outliers.ejected_max_percent <= 100)
        && config.retries.is_none_or(|retries| retries.cost > 0 && retries.tokens_max >= retries.cost)
        && ids.len() == servers.len()
        && servers.iter().all(|server| (1..=1 << 16).contains(&server.weight))
}

fn configurations() {
    for_all(asked(), |asked| {
        let made = Core::new(asked.config.clone(), asked.policy.clone(), listed(&asked.servers), 0);
        assert_eq!(made.is_ok(), makes_sense(&asked), "{asked:?}");
    });
}

fn errors() {
    let refused = |config: Config, servers: &[(ServerId, u32)]| {
        Core::new(config, LeastConnections, servers.to_vec(), 0).expect_err("refused").to_string()
    };
    let one = [(ServerId(1), 1)];
    let config = Config { panic_percent: 101, ..Config::default() };
    assert_eq!(refused(config, &one), "panic_percent is 101, it must be between 0 and 100");
    assert_eq!(refused(Config::default(), &[(ServerId(1), 0)]), "weight is 0, it must be between 1 and 65536");
    assert_eq!(refused(Config::default(), &[one[0], one[0]]), "server ServerId(1) is listed twice");
    let slow = Config { slow_start_us: 7, ..Config::default() };
    assert_eq!(
        Core::new(slow, RoundRobin::default(), one, 0).expect_err("refused").to_string(),
        "slow_start_us is 7, and the policy reads no weights: a slow start would do nothing"
    );
    let budget = Some(RetryBudget { cost: 5, tokens_max: 4 });
    assert!(refused(Config { retries: budget, ..Config::default() }, &one).starts_with("retries.tokens_max is 4"));
    assert!(matches!(BoundedHash::new(0), Err(ConfigError::OutOfRange { field: "epsilon_percent", .. })));
    let long = (0..=1 << 12).map(|at| (ServerId(at), 1));
    let refused = Core::new(Config::default(), LeastConnections, long, 0).expect_err("refused").to_string();
    assert_eq!(refused, "servers is 4097, it must be between 0 and 4096");
}

#[derive(Clone, Debug)]
enum What {
    Pick {
        retry: bool,
        key: u64,
        random: u64,
    },
    /// Ends the request of that place among those in flight.
    End {
        place: usize,
        how: Outcome,
    },
    Health {
        id: u64,
        healthy: bool,
    },
    List {
        servers: Vec<Listed>,
    },
}

/// One input from outside.
#[derive(Clone, Debug)]
struct Event {
    now_us: u64,
    what: What,
}

#[derive(Clone, Debug)]
struct Hostile {
    asked: Asked,
    events: Vec<Event>,
}

fn hostile_input() -> impl Strategy<Value = Hostile> {
    let word = || number(any::<u64>());
    let how = proptest::sample::select(vec![Outcome::Success, Outcome::Failure, Outcome::Cancelled]);
    let what = prop_oneof![
        4 => drawn!(What::Pick { retry: any::<bool>(), key: word(), random: word() }),
        3 => drawn!(What::End { place: 0..8_usize, how: how }),
        1 => drawn!(What::Health { id: number(0..7_u64), healthy: any::<bool>() }),
        1 => drawn!(What::List { servers: servers() }),
    ];
    let event = drawn!(Event { now_us: number(prop_oneof![0..20_000_u64, any::<u64>()]), what: what });
    drawn!(Hostile { asked: asked(), events: proptest::collection::vec(event, 0..200) })
}

fn hostile() {
    for_all(hostile_input(), |Hostile { asked: Asked { config, policy, servers }, events }| {
        let Ok(mut core) = Core::new(config.clone(), policy, listed(&servers), 0) else { return };
        let ids = |servers: &[Listed]| servers.iter().map(|server| ServerId(server.id)).collect::<Vec<_>>();
        let mut known = ids(&servers);
        let mut tickets: Vec<Ticket> = Vec::new();
        for Event { now_us, what } in events {
            match what {
                What::Pick { retry, key, random } => {
                    let request = Request { key, random };
                    let sent = if retry { core.retry(request, now_us) } else { core.pick(request, now_us) };
                    match sent {
                        Ok(ticket) => {
                            assert!(known.contains(&ticket.server()), "{ticket:?} of {known:?}");
                            tickets.push(ticket);
                        }
                        Err(Refused::NoServer) => assert!(known.is_empty() || config.panic_percent < 100),
                        Err(Refused::RetryBudget) => assert!(retry),
                    }
                }
                What::End { place, how } => {
                    if place < tickets.len() {
                        core.finish(tickets.swap_remove(place), how, now_us);
                    }
                }
                What::Health { id, healthy } => {
                    let is_known = known.contains(&ServerId(id));
                    assert_eq!(core.set_health(ServerId(id), healthy, now_us).is_ok(), is_known);
                }
                What::List { servers } => {
                    if core.set_servers(listed(&servers), now_us).is_ok() {
                        known = ids(&servers);
                    }
                }
            }
            let counted: u64 = core.status(now_us).iter().map(|server| u64::from(server.in_flight)).sum();
            assert!(counted <= tickets.len() as u64, "{counted} counted, {} in flight", tickets.len());
        }
        let end_us = u64::MAX;
        tickets.into_iter().for_each(|ticket| core.finish(ticket, Outcome::Cancelled, end_us));
        assert!(core.status(end_us).iter().all(|server| server.in_flight == 0));
    });
}

fn empty() {
    let mut core = Core::new(Config::default(), PowerOfTwo, [], 0).expect("a balancer without servers");
    assert_eq!(core.pick(Request::default(), 0), Err(Refused::NoServer));
    core.set_servers([(ServerId(3), 1)], 0).expect("a list");
    assert_eq!(core.pick(Request::default(), 0).expect("a server").server(), ServerId(3));
    core.set_servers([], 0).expect("an empty list");
    assert_eq!(core.pick(Request::default(), 0), Err(Refused::NoServer));
    // A list that is refused leaves the one there is.
    core.set_servers([(ServerId(3), 1)], 0).expect("a list");
    core.set_servers([(ServerId(4), 0)], 0).expect_err("weight 0");
    assert_eq!(core.pick(Request::default(), 0).expect("a server").server(), ServerId(3));
}

fn unwinding() {
    let servers = [(ServerId(1), 1), (ServerId(2), 1)];
    let balancer = Arc::new(LoadBalancer::new(Config::default(), LeastConnections, servers, 0).expect("a balancer"));
    let counted = || balancer.status(0).iter().map(|server| server.in_flight).sum::<u32>();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _held = balancer.pick(Request::default(), 0).expect("a server");
        assert_eq!(counted(), 1);
        std::panic::panic_any("the caller panics")
    }));
    assert!(unwound.is_err());
    assert_eq!(counted(), 0);
    let in_flight = balancer.pick(Request::default(), 0).expect("a server");
    drop(in_flight);
    assert_eq!(counted(), 0);
}

fn clock_set_back() {
    let year_us = 31_536_000_000_000;
    let servers = (0..4).map(|at| (ServerId(at), 1));
    let outliers = Some(Outliers { failures: 1, ejection_us: 30_000_000, ejected_max_percent: 50 });
    let mut core =
        Core::new(Config { outliers, ..Config::default() }, RoundRobin::default(), servers, 0).expect("a balancer");
    let ticket = core.pick(Request::default(), year_us).expect("a server");
    let failed = ticket.server();
    core.finish(ticket, Outcome::Failure, year_us);
    let is_out = |core: &Core<RoundRobin>, now_us| core.status(now_us).iter().any(|at| at.id == failed && at.ejected);
    assert!(is_out(&core, year_us));
    // So that what it chooses from is known while the clock is right.
    for _ in 0..4 {
        assert_ne!(core.pick(Request::default(), year_us).expect("a server").server(), failed);
    }
    assert!(!is_out(&core, 0), "set back by a year it is not out for a year");
    let mut chosen: Vec<ServerId> = Vec::new();
    for _ in 0..4 {
        chosen.push(core.pick(Request::default(), 0).expect("a server").server());
    }
    assert!(chosen.contains(&failed), "{chosen:?}");
    assert!(!is_out(&core, u64::MAX));
}

fn strangers() {
    let mut core = Core::new(Config::default(), PeakEwma, [(ServerId(1), 1)], 0).expect("a balancer");
    let error = core.set_health(ServerId(2), true, 0).expect_err("a stranger");
    assert_eq!(error, UnknownServer(ServerId(2)));
    assert_eq!(error.to_string(), "there is no server ServerId(2) in the list");
}

fn forgetting() {
    let config = Config { expected_us: 1_000_000, half_life_us: 10_000_000, ..Config::default() };
    let mut core = Core::new(config, PeakEwma, [(ServerId(1), 1)], 0).expect("a balancer");
    let answer = |core: &mut Core<PeakEwma>, began_us: u64, took_us: u64| {
        let ticket = core.pick(Request::default(), began_us).expect("a server");
        core.finish(ticket, Outcome::Success, began_us + took_us);
    };
    let mut chosen_after = |quick: u64| {
        answer(&mut core, 0, 60_000_000);
        for tenth in 1..=quick {
            answer(&mut core, 60_000_000 + tenth * 1_000_000, 1_000);
        }
        let now_us = 60_000_000 + quick * 1_000_000 + 1_000;
        core.set_servers([(ServerId(1), 1), (ServerId(2), 1)], now_us).expect("a list");
        // Both are drawn, whatever is drawn.
        let ticket = core.pick(Request::default(), now_us).expect("a server");
        let server = ticket.server();
        core.finish(ticket, Outcome::Cancelled, now_us);
        core.set_servers([(ServerId(1), 1)], now_us).expect("a list");
        server
    };
    assert_eq!(chosen_after(20), ServerId(2), "two half-lives after 60 s: 15 s are expected, of a new server 1 s");
    assert_eq!(chosen_after(100), ServerId(1), "ten half-lives after: less than 1 s");
}
