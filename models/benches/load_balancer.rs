//! What a choice costs: a pick by power of two choices and the end of its request, ours and tower's, on one thread and
//! on two, as ratios of one run. tower's balancer is used by one caller at a time, so that threads share it behind a
//! mutex.
//!
//! A plain program and no statistics: the best of some runs each, within one process.
//! `cargo bench --bench load_balancer`.

use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::load_balancer::{
    Config, LeastConnections, LoadBalancer, Outcome, Policy, PowerOfTwo, Request, RoundRobin, ServerId, SmoothWeighted,
};
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PendingRequests};

const SERVERS: u64 = 10;
const PICKS: u32 = 200_000;
const RUNS: usize = 7;

struct Server;

impl Service<()> for Server {
    type Response = ();
    type Error = &'static str;
    type Future = Ready<Result<(), &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(()))
    }
}

/// The best of some runs, for one pick on each of `threads`.
fn best(threads: u32, one: impl Fn(u32) + Sync) -> Duration {
    let run = || {
        let begin = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..PICKS).for_each(&one));
            }
        });
        begin.elapsed() / PICKS
    };
    (0..RUNS).map(|_| run()).min().unwrap_or_default()
}

fn ours<P: Policy + Send>(policy: P, threads: u32) -> Duration {
    let servers = (0..SERVERS).map(|at| (ServerId(at), 1));
    let balancer = Arc::new(LoadBalancer::new(Config::default(), policy, servers, 0).expect("a balancer"));
    best(threads, |at| {
        // Multiplied by the golden ratio the numbers of picks are spread well enough.
        let random = u64::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let in_flight = balancer.pick(Request { random, key: random }, at.into()).expect("a server");
        in_flight.finish(Outcome::Success, at.into());
    })
}

fn towers(threads: u32) -> Duration {
    let servers = (0..SERVERS).map(|_| PendingRequests::new(Server, CompleteOnResponse::default()));
    let balance = Mutex::new(Balance::new(ServiceList::new(servers.collect::<Vec<_>>())));
    best(threads, |_| {
        let mut context = Context::from_waker(Waker::noop());
        let running = {
            let mut balance = balance.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(matches!(balance.poll_ready(&mut context), Poll::Ready(Ok(()))));
            balance.call(())
        };
        assert!(pin!(running).poll(&mut context).is_ready());
    })
}

fn main() {
    println!("{SERVERS} servers, {PICKS} picks a thread, the best of {RUNS} runs; per pick and end, wall time:");
    for threads in [1, 2] {
        let tower = towers(threads);
        println!("{threads} thread(s): tower 0.5.3 p2c {tower:?}");
        let ours = [
            ("power of two", ours(PowerOfTwo, threads)),
            ("round robin", ours(RoundRobin::default(), threads)),
            ("least connections", ours(LeastConnections, threads)),
            ("smooth weighted", ours(SmoothWeighted::default(), threads)),
        ];
        for (name, took) in ours {
            println!("    ours, {name}: {took:?}, {:.2} of tower's", took.as_secs_f64() / tower.as_secs_f64());
        }
    }
}
