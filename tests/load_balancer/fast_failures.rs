//! A server that fails at once: tower's peak EWMA takes it for the fastest, ours for one to be avoided.

use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use counterpart::conform::virtual_clock::{self, VirtualClock};
use counterpart_models::load_balancer::{Config, Core, Outcome, PeakEwma, Request, ServerId};
use libtest_mimic::Trial;
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PeakEwma as TowerEwma};
use tower::util::rng::Rng;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("load_balancer::fast_failures_attract_traffic_at_tower_and_not_here", fast_failures)]
}

const REQUESTS: u32 = 200;
const ANSWER: Duration = Duration::from_millis(100);

/// Draws that need no seed: the same everywhere.
struct Counting(u64);

impl Rng for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7
    }
}

/// Server 0 fails at once, server 1 answers after a while.
struct Server(u8);

impl Service<Arc<AtomicU8>> for Server {
    type Response = ();
    type Error = &'static str;
    type Future = Ready<Result<(), &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, sent_to: Arc<AtomicU8>) -> Self::Future {
        sent_to.store(self.0, Ordering::SeqCst);
        ready(if self.0 == 0 { Err("it fails at once") } else { Ok(()) })
    }
}

/// Of all requests, one after the other, those that tower sends to the failing server.
fn at_tower() -> u32 {
    let clock = VirtualClock::start_at(Duration::from_secs(1));
    let server = |name| {
        let default_rtt = ANSWER;
        TowerEwma::new(Server(name), default_rtt, 1e9, CompleteOnResponse::default())
    };
    let mut balance = Balance::from_rng(ServiceList::new(vec![server(0), server(1)]), Counting(0));
    let mut context = Context::from_waker(Waker::noop());
    let mut failed = 0;
    for _ in 0..REQUESTS {
        assert!(matches!(balance.poll_ready(&mut context), Poll::Ready(Ok(()))));
        let sent_to = Arc::new(AtomicU8::new(0));
        let mut running = pin!(balance.call(sent_to.clone()));
        if sent_to.load(Ordering::SeqCst) == 1 {
            clock.advance(ANSWER);
        } else {
            clock.advance(Duration::from_millis(1));
            failed += 1;
        }
        assert!(running.as_mut().poll(&mut context).is_ready());
    }
    assert!(virtual_clock::elapsed().is_some());
    failed
}

fn here() -> u32 {
    let servers = [(ServerId(0), 1), (ServerId(1), 1)];
    // What tower is given: the same first expectation, forgotten in the same time.
    let expected_us = ANSWER.as_micros() as u64;
    let config = Config { outliers: None, expected_us, half_life_us: 1_000_000, ..Config::default() };
    let mut core = Core::new(config, PeakEwma, servers, 0).expect("a balancer");
    let mut draws = Counting(0);
    let (mut now_us, mut failed) = (0, 0);
    for _ in 0..REQUESTS {
        let random = draws.next_u64() << 32 | draws.next_u64() >> 32;
        let ticket = core.pick(Request { random, key: 0 }, now_us).expect("a server");
        if ticket.server() == ServerId(0) {
            now_us += 1_000;
            failed += 1;
            core.finish(ticket, Outcome::Failure, now_us);
        } else {
            now_us += ANSWER.as_micros() as u64;
            core.finish(ticket, Outcome::Success, now_us);
        }
    }
    failed
}

fn fast_failures() {
    let (tower, ours) = (at_tower(), here());
    assert!(tower > REQUESTS * 9 / 10, "tower sends {tower} of {REQUESTS} to the server that fails");
    assert!(ours < REQUESTS / 10, "ours sends {ours} of {REQUESTS} to the server that fails");
}
