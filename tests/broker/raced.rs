//! The ack of a lease, under loom: against whoever asks once the lease is over, and against the end of the consumer's
//! connection.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;

use crate::callers::in_every_schedule;
use crate::callers::raced_broker::implementation::{
    Change, Config, ConsumerId, Core, Delivery, Log, Place, ProducerId, Publish, Recovered, StoreError, Token,
};
use crate::callers::raced_broker::shared::Broker;
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("broker::an_ack_settles_a_lease_or_it_has_run_out_in_every_schedule", ours),
        claim("broker::an_ack_in_two_steps_settles_what_another_holds_and_is_found_out", two_steps),
        claim("broker::an_ack_settles_a_lease_or_its_consumer_is_gone_in_every_schedule", crash),
    ]
}

const FIRST: ConsumerId = ConsumerId(1);
const SECOND: ConsumerId = ConsumerId(2);
const VISIBILITY_MS: u64 = 10;

/// A log in memory. Whoever commits has it alone.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Recovered>>);

impl Log for Memory {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.iter().cloned().for_each(|change| kept.keep(change));
        Ok(())
    }
}

fn core() -> Core {
    let config = Config { visibility_ms: VISIBILITY_MS, ..Config::default() };
    Core::recover(config, Recovered::default()).expect("a configuration")
}

fn publish() -> Publish {
    let payload = [1].as_slice().into();
    Publish { producer: ProducerId(1), epoch: 0, sequence: 0, ordering_key: 0, idempotency_key: 0, payload }
}

/// A broker whose one message the first consumer holds.
fn broker(log: Memory) -> (loom::sync::Arc<Broker<Memory>>, Delivery) {
    let broker = Broker::new(core(), log).expect("a log in memory");
    broker.start_producer(ProducerId(1)).expect("a log in memory");
    broker.publish(publish()).expect("a log in memory").expect("it follows");
    for consumer in [FIRST, SECOND] {
        broker.add_consumer(consumer, 1).expect("a log in memory");
    }
    let held = broker.deliver(FIRST, 0).expect("a log in memory").expect("known").expect("there is one");
    (loom::sync::Arc::new(broker), held)
}

/// Whether the first lease was settled, and the delivery by which the second consumer has the message.
type Seen = (bool, bool);

/// Each schedule ends in one of two ways, and both are seen: the message is settled, or it is with the other.
const EITHER: [Seen; 2] = [(false, true), (true, false)];

/// Runs `race` in every schedule, and gathers how they end.
fn ends(race: impl Fn() -> Seen + Send + Sync + 'static) -> Vec<Seen> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let gathered = seen.clone();
    let schedules = in_every_schedule(move || {
        gathered.lock().unwrap_or_else(PoisonError::into_inner).insert(race());
    });
    assert!(schedules > 1, "{schedules}");
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.iter().copied().collect()
}

/// Races an ack of the first lease against `other`, which may give the message to the second consumer.
fn race(other: impl Fn(&Broker<Memory>) -> Option<Delivery>) -> Seen {
    let log = Memory::default();
    let (broker, held) = broker(log.clone());
    let acks = {
        let broker = broker.clone();
        loom::thread::spawn(move || broker.ack(held.token).expect("a log in memory").is_ok())
    };
    let given = other(&broker);
    let settled = acks.join().expect("it does not panic");
    let kept = log.0.lock().unwrap_or_else(PoisonError::into_inner).messages.len();
    assert_eq!(kept, usize::from(!settled), "what was settled is out of the log, and nothing else is");
    if let Some(again) = &given {
        assert!(again.attempt == 2 && again.token > held.token);
        assert_eq!(broker.ack(again.token).expect("a log in memory"), Ok(()), "nobody else has settled it");
    }
    (settled, given.is_some())
}

fn ours() {
    let asks =
        |broker: &Broker<Memory>| broker.deliver(SECOND, VISIBILITY_MS).expect("a log in memory").expect("known");
    assert_eq!(ends(move || race(asks)), EITHER);
}

fn crash() {
    let ends_connection = |broker: &Broker<Memory>| {
        broker.remove_consumer(FIRST).expect("a log in memory");
        broker.deliver(SECOND, 0).expect("a log in memory").expect("known")
    };
    assert_eq!(ends(move || race(ends_connection)), EITHER);
}

/// Looks whose message it is, and settles it in a step of its own, whoever has it then: a defect.
fn acks_in_two_steps(core: &loom::sync::Mutex<Core>, token: Token) -> bool {
    let lock = || core.lock().unwrap_or_else(PoisonError::into_inner);
    let leased = |core: &Core| {
        core.messages().find_map(|(_, _, place)| match place {
            Place::Leased { token, .. } => Some(token),
            Place::Ready | Place::Dead => None,
        })
    };
    if leased(&lock()) != Some(token) {
        return false;
    }
    let mut core = lock();
    leased(&core).is_some_and(|token| core.ack(token).is_ok())
}

fn two_steps() {
    let found = ends(|| {
        let mut core = core();
        core.start_producer(ProducerId(1));
        core.publish(publish()).expect("it follows");
        let last = core.unsynced().last().expect("it was stored").0.message;
        core.synced(last);
        [FIRST, SECOND].into_iter().for_each(|consumer| core.add_consumer(consumer, 1));
        let held = core.deliver(FIRST, 0).expect("known").expect("there is one");
        let core = loom::sync::Arc::new(loom::sync::Mutex::new(core));
        let acks = {
            let core = core.clone();
            loom::thread::spawn(move || acks_in_two_steps(&core, held.token))
        };
        let given = {
            let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
            core.expire(VISIBILITY_MS);
            core.deliver(SECOND, VISIBILITY_MS).expect("known")
        };
        (acks.join().expect("it does not panic"), given.is_some())
    });
    assert_eq!(found, [EITHER[0], EITHER[1], (true, true)], "settled under the hands of the second");
}
