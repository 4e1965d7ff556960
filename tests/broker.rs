//! The broker's parts as someone meets them who ships them: configurations and calls that make no sense, what a delivery
//! allocates, crashes at every call of the disk, files that are damaged, a disk that is full.

mod damage;
mod ledger;
mod raced;
mod store;

use std::sync::Arc;

use counterpart_models::broker::implementation::{
    Config, ConfigError, ConsumerId, Core, MessageId, ProducerId, Publish, PublishError, Published, Recovered, Token,
};
use libtest_mimic::Trial;
use proptest::prelude::any;

use crate::allocations::{Allocated, allocated};

use crate::claim;
use crate::drawn::{drawn, for_all, number};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("broker::every_configuration_is_a_broker_or_an_error", configurations),
        claim("broker::no_sequence_of_calls_makes_the_core_panic_or_break_its_word", hostile_calls),
        claim("broker::the_next_deadline_is_that_of_the_oldest_lease", deadline),
        claim("broker::a_delivery_allocates_no_more_in_a_long_queue", long_queue),
        claim("broker::what_allocates_more_in_a_long_queue_is_found_out", long_queue_is_seen),
    ];
    trials.extend(store::trials());
    trials.extend(damage::trials());
    trials.extend(ledger::trials());
    trials.extend(raced::trials());
    trials
}

fn configurations() {
    #[derive(Clone, Debug)]
    struct Asked {
        visibility_ms: u64,
        attempts_max: Option<u32>,
    }
    let asked =
        drawn!(Asked { visibility_ms: number(any::<u64>()), attempts_max: proptest::option::of(number(any::<u32>())) });
    for_all(asked, |Asked { visibility_ms, attempts_max }| {
        let config = Config { visibility_ms, attempts_max, ..Config::default() };
        let makes_sense = visibility_ms > 0 && attempts_max != Some(0);
        assert_eq!(Core::recover(config, Recovered::default()).is_ok(), makes_sense);
    });
    let refused = Core::recover(Config { visibility_ms: 0, ..Config::default() }, Recovered::default());
    assert_eq!(refused.expect_err("refused"), ConfigError::Visibility);
}

fn publish(epoch: u32, sequence: u64, ordering_key: u64) -> Publish {
    let payload: Arc<[u8]> = Arc::from(format!("{epoch}/{sequence}").as_bytes());
    let idempotency_key = u128::from(epoch) << 64 | u128::from(sequence);
    Publish { producer: ProducerId(1), epoch, sequence, ordering_key, idempotency_key, payload }
}

/// 200 calls a run, 512 runs: above 100,000.
fn hostile_calls() {
    #[derive(Clone, Debug)]
    struct Call {
        what: u8,
        first: u64,
        second: u64,
    }
    let call = drawn!(Call { what: 0..10_u8, first: number(0..6_u64), second: number(0..6_u64) });
    for_all(proptest::collection::vec(call, 200), |calls| {
        let config = Config { messages_max: 4, payload_octets_max: 8, visibility_ms: 2, ..Config::default() };
        let mut core = Core::recover(config, Recovered::default()).expect("a configuration");
        let mut disk = Recovered::default();
        let mut tokens: Vec<Token> = vec![Token(0), Token(u64::MAX)];
        for Call { what, first, second } in calls {
            let token = tokens[first as usize % tokens.len()];
            match what {
                0 => drop(core.start_producer(ProducerId(first))),
                1 => match core.publish(publish(first as u32, second, first)) {
                    Ok(Published::Stored(id)) => assert!(core.messages().any(|(known, ..)| known == id)),
                    Err(PublishError::TooLarge { octets, .. }) => assert!(octets > 8),
                    Ok(Published::Duplicate { .. }) | Err(_) => {}
                },
                2 => drop(core.synced(MessageId(first))),
                3 => core.add_consumer(ConsumerId(first), second as u32),
                4 => core.remove_consumer(ConsumerId(first)),
                5 => {
                    if let Ok(Some(delivery)) = core.deliver(ConsumerId(first), second) {
                        assert!(delivery.token > Token(0) && delivery.attempt > 0 && delivery.attempt <= 5);
                        tokens.push(delivery.token);
                    }
                }
                6 => assert!(core.ack(token).is_err() || core.ack(token).is_err(), "settled twice"),
                7 => drop(core.give_back(token).is_err() || core.renew(token, second).is_ok()),
                8 => drop(core.expire(second)),
                _ => {
                    let used_up: Vec<MessageId> = core.used_up().collect();
                    used_up.into_iter().for_each(|id| core.bury(id).expect("it was listed"));
                    let _ = core.redrive(MessageId(first));
                }
            }
            core.take_changes().into_iter().for_each(|change| disk.keep(change));
            assert!(core.messages().count() <= 4);
        }
        // What is durable is a broker again.
        Core::recover(config, disk).expect("what it has given out can be read");
    });
}

fn deadline() {
    let config = Config { visibility_ms: 30, ..Config::default() };
    let mut core = Core::recover(config, Recovered::default()).expect("a configuration");
    core.start_producer(ProducerId(1));
    core.add_consumer(ConsumerId(1), 9);
    for sequence in 0..2 {
        let taken = core.publish(publish(0, sequence, sequence)).expect("it follows");
        let Published::Stored(id) = taken else { panic!("it is new: {taken:?}") };
        core.synced(id);
    }
    assert_eq!(core.next_deadline_ms(), None);
    let mut deliver = |now_ms| core.deliver(ConsumerId(1), now_ms).expect("known").expect("there are some").token;
    let (first, second) = (deliver(5), deliver(9));
    assert_eq!(core.next_deadline_ms(), Some(35));
    core.renew(first, 20).expect("it is leased");
    assert_eq!(core.next_deadline_ms(), Some(39));
    core.ack(second).expect("it is leased");
    assert_eq!((core.next_deadline_ms(), core.expire(49)), (Some(50), 0));
    assert_eq!((core.expire(50), core.next_deadline_ms()), (1, None));
}

/// A broker with so many messages, each of a key of its own but for every tenth, and a consumer.
fn queue_of(length: u64) -> Core {
    let mut core = Core::recover(Config::default(), Recovered::default()).expect("a configuration");
    core.start_producer(ProducerId(1));
    core.add_consumer(ConsumerId(1), 9);
    for sequence in 0..length {
        core.publish(publish(0, sequence, sequence / 10 * 10)).expect("it follows");
    }
    core.synced(MessageId(length));
    core.take_changes();
    core
}

/// What a thousand deliveries allocate in a queue of so many, with what each has to make durable and its ack; `besides` is
/// done for each.
fn delivering(length: u64, besides: impl Fn(&Core)) -> Allocated {
    let mut core = queue_of(length);
    allocated(|| {
        for _ in 0..1_000 {
            core.expire(0);
            core.bury_used_up();
            let delivery = core.deliver(ConsumerId(1), 0).expect("known").expect("there are enough");
            besides(&core);
            core.ack(delivery.token).expect("it is leased");
            assert_eq!((core.take_changes().len(), core.unsynced().count()), (2, 0));
        }
    })
}

fn long_queue() {
    let (short, long) = (delivering(2_000, |_| ()), delivering(200_000, |_| ()));
    // Trees are as full as they happen to be: within a tenth.
    let is_no_more = |long: usize, short: usize| long <= short + short / 10;
    let grows = !is_no_more(long.calls, short.calls) || !is_no_more(long.octets, short.octets);
    assert!(short.calls > 0 && !grows, "{short:?} and {long:?}");
}

/// Who lists what is there to hand one out.
fn long_queue_is_seen() {
    let lists = |core: &Core| drop(std::hint::black_box(core.messages().map(|(id, ..)| id).collect::<Vec<_>>()));
    let (short, long) = (delivering(2_000, lists), delivering(20_000, lists));
    assert!(long.octets > 5 * short.octets, "{short:?} and {long:?}");
}
