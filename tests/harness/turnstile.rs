//! Threads by a schedule: one step at a time, and "all are blocked" as an answer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use counterpart::conform::turnstile::sync::{Condvar, Mutex};
use counterpart::conform::turnstile::{Answer, Gate, Place, Turnstile, TurnstileError};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("turnstile::threads_pass_in_the_order_of_the_schedule", in_order),
        claim("turnstile::one_that_waits_for_another_goes_on_when_that_has_moved", goes_on),
        claim("turnstile::all_blocked_is_an_answer_that_says_who_waits_for_what", all_blocked),
        claim("turnstile::a_lock_that_a_parked_worker_holds_blocks", lock_held),
        claim("turnstile::whoever_waits_longest_is_woken_first", woken_first),
        claim("turnstile::a_panic_is_told_with_its_worker_and_the_others_go_on", panics),
        claim("turnstile::one_that_does_not_come_back_is_named", not_back),
        claim("turnstile::only_what_is_parked_can_be_released", refused),
        claim("turnstile::dropped_it_unwinds_its_workers", dropped),
    ]
}

fn parked(label: &str) -> Result<Answer, TurnstileError> {
    Ok(Answer::Parked { label: label.into() })
}

/// Every order of two workers with two steps each.
fn in_order() {
    for bits in (0_u8..16).filter(|bits| bits.count_ones() == 2) {
        let schedule: Vec<&str> = (0..4).map(|turn| if bits >> turn & 1 == 1 { "a" } else { "b" }).collect();
        let passed = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut turnstile = Turnstile::new();
        for name in ["a", "b"] {
            let passed = passed.clone();
            turnstile.start(name, move |gate| {
                for _ in 0..2 {
                    gate.pass("step");
                    passed.lock().unwrap_or_else(PoisonError::into_inner).push(name);
                }
            });
            assert_eq!(turnstile.release(name), parked("step"));
        }
        for (turn, name) in schedule.iter().enumerate() {
            let last = !schedule[turn + 1..].contains(name);
            assert_eq!(turnstile.release(name), if last { Ok(Answer::Ended) } else { parked("step") });
        }
        assert_eq!(*passed.lock().unwrap_or_else(PoisonError::into_inner), schedule);
    }
}

/// A channel with room for `capacity`, as it would be shipped; with 0 a sender waits until its item was taken.
struct Channel {
    capacity: usize,
    items: Mutex<(VecDeque<usize>, usize)>,
    changed: Condvar,
}

impl Channel {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Channel { capacity, items: Mutex::default(), changed: Condvar::new() })
    }

    fn send(&self, item: usize) {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.capacity.max(1);
        let full = self.changed.wait_while(items, |(items, _)| items.len() >= room);
        let mut items = full.unwrap_or_else(PoisonError::into_inner);
        items.0.push_back(item);
        let turn = items.1 + items.0.len();
        self.changed.notify_all();
        if self.capacity == 0 {
            drop(self.changed.wait_while(items, |(_, taken)| *taken < turn));
        }
    }

    fn receive(&self) -> usize {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = self.changed.wait_while(items, |(items, _)| items.is_empty());
        let mut items = filled.unwrap_or_else(PoisonError::into_inner);
        items.1 += 1;
        let item = items.0.pop_front().expect("it is not empty");
        self.changed.notify_all();
        item
    }
}

fn goes_on() {
    let channel = Channel::new(1);
    let (there, here) = (channel.clone(), channel);
    let mut turnstile = Turnstile::new();
    turnstile.start("receiver", move |gate| {
        for _ in 0..2 {
            gate.pass("receive");
            there.receive();
        }
    });
    turnstile.start("sender", move |gate| {
        for item in 0..3 {
            gate.pass(format!("send {item}"));
            here.send(item);
        }
    });
    assert_eq!(turnstile.release("receiver"), parked("receive"));
    let empty = Ok(Answer::Blocked { label: "wait, after receive".into() });
    assert_eq!(turnstile.release("receiver"), empty);
    assert_eq!(turnstile.release("sender"), parked("send 0"));
    // What is sent lets the receiver go on to its next step.
    assert_eq!(turnstile.release("sender"), parked("send 1"));
    assert_eq!(turnstile.places()[0].1, Place::Parked { label: "receive".into() });
    assert_eq!(turnstile.release("sender"), parked("send 2"));
    let full = Ok(Answer::Blocked { label: "wait, after send 2".into() });
    assert_eq!(turnstile.release("sender"), full);
    assert_eq!(turnstile.release("receiver"), Ok(Answer::Ended));
    assert_eq!(turnstile.places()[1].1, Place::Ended);
}

/// A ring of three in which everybody sends before it receives, a full lap of one step.
fn ring(capacity: usize) -> Turnstile {
    let channels: Vec<Arc<Channel>> = (0..3).map(|_| Channel::new(capacity)).collect();
    let mut turnstile = Turnstile::new();
    for host in 0..3 {
        let (to, from) = (channels[host].clone(), channels[(host + 2) % 3].clone());
        turnstile.start(format!("host {host}"), move |gate| {
            gate.pass("send");
            to.send(host);
            gate.pass("receive");
            assert_eq!(from.receive(), (host + 2) % 3);
        });
    }
    turnstile
}

const HOSTS: [&str; 3] = ["host 0", "host 1", "host 2"];

fn all_blocked() {
    for first in 0..3 {
        let order = [0, 1, 2].map(|turn| HOSTS[(first + turn) % 3]);
        let mut turnstile = ring(0);
        for host in order {
            assert_eq!(turnstile.release(host), parked("send"));
        }
        let waits = HOSTS.map(|host| (host.to_string(), "wait, after send".to_string())).to_vec();
        let blocked = || Ok(Answer::Blocked { label: "wait, after send".into() });
        assert_eq!(order.map(|host| turnstile.release(host)), [blocked(), blocked(), Ok(Answer::AllBlocked { waits })]);
        // With room for one it goes round.
        let mut turnstile = ring(1);
        for host in order.iter().chain(&order) {
            assert!(matches!(turnstile.release(host), Ok(Answer::Parked { .. })));
        }
        assert_eq!(
            order.map(|host| turnstile.release(host)),
            [Ok(Answer::Ended), Ok(Answer::Ended), Ok(Answer::Ended)]
        );
    }
}

fn lock_held() {
    let lock = Arc::new(Mutex::new(0));
    let mut turnstile = Turnstile::new();
    for name in ["a", "b"] {
        let lock = lock.clone();
        turnstile.start(name, move |gate| {
            let mut held = lock.lock().unwrap_or_else(PoisonError::into_inner);
            gate.pass("write");
            *held += 1;
        });
    }
    assert_eq!(turnstile.release("a"), parked("write"));
    assert_eq!(turnstile.release("b"), Ok(Answer::Blocked { label: "lock, after start".into() }));
    assert_eq!(turnstile.release("a"), Ok(Answer::Ended));
    assert_eq!(turnstile.release("b"), Ok(Answer::Ended));
    // Outside it is a lock as any other.
    assert_eq!(*lock.lock().unwrap_or_else(PoisonError::into_inner), 2);
}

fn woken_first() {
    let place = Arc::new((Mutex::new(()), Condvar::new()));
    let mut turnstile = Turnstile::new();
    for name in ["a", "b", "c"] {
        let place = place.clone();
        turnstile.start(name, move |_| {
            let guard = place.0.lock().unwrap_or_else(PoisonError::into_inner);
            drop(place.1.wait(guard));
        });
    }
    turnstile.start("wakes", move |gate| {
        for _ in 0..3 {
            gate.pass("notify one");
            place.1.notify_one();
        }
    });
    for name in ["b", "c", "a"] {
        assert!(matches!(turnstile.release(name), Ok(Answer::Blocked { .. })));
    }
    turnstile.release("wakes").expect("it is parked");
    let mut ended = Vec::new();
    for _ in 0..3 {
        turnstile.release("wakes").expect("it is parked");
        let places = turnstile.places().into_iter().filter(|(_, place)| *place == Place::Ended);
        ended.extend(
            places.map(|(name, _)| name).filter(|name| name != "wakes" && !ended.contains(name)).collect::<Vec<_>>(),
        );
    }
    assert_eq!(ended, ["b", "c", "a"]);
}

fn panics() {
    let lock = Arc::new(Mutex::new(0));
    let mut turnstile = Turnstile::new();
    for (name, falls) in [("a", true), ("b", false)] {
        let lock = lock.clone();
        turnstile.start(name, move |gate| {
            let _held = lock.lock();
            gate.pass("divide");
            assert!(!falls, "divided by {}", 0);
        });
    }
    assert_eq!(turnstile.release("a"), parked("divide"));
    assert!(matches!(turnstile.release("b"), Ok(Answer::Blocked { .. })));
    // The lock is poisoned and free, so that the other is parked now.
    let told = Ok(Answer::Panicked { worker: "a".into(), words: "divided by 0".into() });
    assert_eq!(turnstile.release("a"), told);
    assert_eq!(turnstile.places()[1].1, Place::Parked { label: "divide".into() });
    assert_eq!(turnstile.release("b"), told, "a panic is not forgotten");
    assert_eq!(turnstile.places()[1].1, Place::Ended);
}

fn not_back() {
    let within = Duration::from_millis(50);
    let mut turnstile = Turnstile::new().answer_within(within);
    turnstile.start("a", |_| {
        loop {
            std::thread::park();
        }
    });
    assert_eq!(turnstile.release("a"), Err(TurnstileError::NotBack { worker: "a".into(), within }));
    assert_eq!(turnstile.places()[0].1, Place::Running);
    // Two that keep each other going and never park.
    let mut turnstile = Turnstile::new().answer_within(within);
    let turn = Arc::new(AtomicUsize::new(0));
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        let turn = turn.clone();
        turnstile.start(name, move |gate| {
            loop {
                gate.wait_until("turn", || (turn.load(Ordering::SeqCst) % 2 == index).then_some(()));
                turn.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    assert!(matches!(turnstile.release("a"), Ok(Answer::Blocked { .. })));
    assert!(matches!(turnstile.release("b"), Err(TurnstileError::NotBack { .. })));
}

fn refused() {
    let mut turnstile = Turnstile::new();
    turnstile.start("a", |gate| gate.wait_until("never", || None));
    let error = turnstile.release("b").expect_err("there is no b");
    assert_eq!(error.to_string(), "no worker is called \"b\"; there are a");
    let waits = vec![("a".to_string(), "never".to_string())];
    assert_eq!(turnstile.release("a"), Ok(Answer::AllBlocked { waits }));
    let place = Place::Blocked { label: "never".into() };
    assert_eq!(turnstile.release("a"), Err(TurnstileError::NotParked { worker: "a".into(), place }));
}

/// Counts itself when it is dropped, under a lock that others hold.
struct Counted(Arc<Mutex<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

fn dropped() {
    let count = Arc::new(Mutex::new(0));
    let held = Arc::new(Mutex::new(()));
    let mut turnstile = Turnstile::new();
    for name in ["parked", "blocked", "not started"] {
        let (counted, held) = (Counted(count.clone()), held.clone());
        turnstile.start(name, move |_| {
            let _counted = counted;
            let _held = held.lock();
            Gate::current().expect("a worker has a gate").pass("on");
        });
    }
    assert_eq!(turnstile.release("parked"), parked("on"));
    assert!(matches!(turnstile.release("blocked"), Ok(Answer::Blocked { .. })));
    drop(turnstile);
    assert_eq!(*count.lock().unwrap_or_else(PoisonError::into_inner), 3);
    assert!(Gate::current().is_none());
}
