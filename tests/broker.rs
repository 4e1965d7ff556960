//! The broker's parts as someone meets them who ships them: crashes at every call of the disk, files that are damaged, a disk
//! that is full, and configurations and calls that make no sense.

use std::collections::HashMap;
use std::sync::Arc;

use counterpart_models::broker::disk::{Call, Disk, Faults, crashes};
use counterpart_models::broker::implementation::{
    Change, Config, ConfigError, ConsumerId, Core, Log, MessageId, ProducerId, Publish, PublishError, Published,
    Recovered, Store, StoreError, Token, salvage,
};
use libtest_mimic::Trial;
use proptest::prelude::any;
use redb::{Builder, Database, Durability, TableDefinition};

use crate::claim;
use crate::drawn::{drawn, for_all, number};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("broker::every_configuration_is_a_broker_or_an_error", configurations),
        claim("broker::no_sequence_of_calls_makes_the_core_panic_or_break_its_word", hostile_calls),
        claim("broker::the_next_deadline_is_that_of_the_oldest_lease", deadline),
        claim("broker::no_crash_loses_what_was_confirmed_or_shows_what_was_not_written", every_crash),
        claim("broker::a_store_that_confirms_before_the_sync_is_found_out", confirms_early),
        claim("broker::a_disk_that_does_not_sync_is_found_out", never_syncs),
        claim("broker::a_full_disk_at_any_call_loses_nothing_that_was_confirmed", full_disk),
        claim("broker::a_damaged_file_is_an_error_that_names_it_or_nothing_is_lost", damaged_files),
        claim("broker::salvage_finds_every_record_whose_checksum_holds", salvages),
    ]
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

/// What a broker asks of a log, in order: each is answered once it is durable.
fn script() -> Vec<Vec<Change>> {
    let mut core = Core::recover(Config::default(), Recovered::default()).expect("a configuration");
    let mut commits = Vec::new();
    core.start_producer(ProducerId(1));
    core.add_consumer(ConsumerId(1), 9);
    commits.push(core.take_changes());
    let mut sync = |core: &mut Core| {
        let mut changes = core.take_changes();
        let unsynced: Vec<_> = core.unsynced().collect();
        let last = unsynced.last().map(|(unsynced, _)| unsynced.message);
        changes.extend(unsynced.into_iter().flat_map(|(_, changes)| changes));
        last.map(|last| core.synced(last));
        commits.push(changes);
    };
    for sequence in 0..4 {
        core.publish(publish(0, sequence, sequence % 2)).expect("it follows");
        // The last two are synced together.
        if sequence != 2 {
            sync(&mut core);
        }
    }
    let first = core.deliver(ConsumerId(1), 0).expect("known").expect("there are some");
    sync(&mut core);
    core.ack(first.token).expect("it is leased");
    sync(&mut core);
    core.start_producer(ProducerId(1));
    core.publish(publish(1, 0, 7)).expect("it follows");
    sync(&mut core);
    commits
}

/// What the log has after each commit of the script; the first is a new log.
fn states(commits: &[Vec<Change>]) -> Vec<Recovered> {
    let mut states = vec![Recovered::default()];
    for changes in commits {
        let mut next = states.last().cloned().unwrap_or_default();
        changes.iter().cloned().for_each(|change| next.keep(change));
        states.push(next);
    }
    states
}

const FILE: &str = "orders.redb";

/// Runs the script on a disk, until a commit fails. Gives the number of calls when each commit was confirmed: of the
/// creation, and of each of the script.
fn run(disk: &Disk, log: Result<impl Log, StoreError>, commits: &[Vec<Change>]) -> (Vec<usize>, Option<StoreError>) {
    let mut log = match log {
        Ok(log) => log,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut confirmed = vec![disk.call_count()];
    for changes in commits {
        if let Err(error) = log.commit(changes) {
            assert!(log.commit(changes).is_err(), "after a write that failed nothing more is taken");
            return (confirmed, Some(error));
        }
        confirmed.push(disk.call_count());
    }
    (confirmed, None)
}

/// How often each thing was seen.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    images: usize,
    lost: usize,
    strange: usize,
}

/// What each image is when it is opened: nothing that can be, one of the states, or something else. Opening an image is
/// what takes long, and most crashes leave one that another has left.
type Opened = HashMap<Vec<u8>, Option<usize>>;

/// Opens what is left on the disk by every crash.
fn survey(calls: &[Call], confirmed: &[usize], states: &[Recovered], opened: &mut Opened) -> Tally {
    let mut tally = Tally::default();
    crashes(calls, |call_count, image| {
        tally.images += 1;
        let promised = confirmed.iter().filter(|at| **at <= call_count).count();
        let found = opened.entry(image).or_insert_with_key(|image| {
            let (_, recovered) = Store::open_on(Disk::with(image.clone()), FILE.into()).ok()?;
            Some(states.iter().position(|state| *state == recovered).map_or(usize::MAX, |at| at + 1))
        });
        match *found {
            // Unreadable is lost, once the creation was confirmed.
            None => tally.lost += usize::from(promised > 0),
            Some(usize::MAX) => tally.strange += 1,
            Some(has) => tally.lost += usize::from(has < promised),
        }
    });
    tally
}

fn every_crash() {
    let commits = script();
    let disk = Disk::default();
    let (confirmed, error) = run(&disk, Store::create_on(disk.clone(), FILE.into()), &commits);
    assert_eq!((confirmed.len(), error), (commits.len() + 1, None));
    let tally = survey(&disk.calls(), &confirmed, &states(&commits), &mut Opened::new());
    assert!(tally.images > 1_000, "{tally:?}");
    assert_eq!((tally.lost, tally.strange), (0, 0), "{tally:?}");
}

/// What a store does that confirms before it has synced: a defect.
struct ConfirmsEarly(Database);

impl Log for ConfirmsEarly {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("early");
        let wrote = || -> Result<(), redb::Error> {
            let mut transaction = self.0.begin_write()?;
            transaction.set_durability(Durability::None)?;
            transaction.open_table(TABLE)?.insert(changes.len() as u64, [0_u8].as_slice())?;
            transaction.commit()?;
            Ok(())
        };
        wrote().map_err(|error| StoreError::Io { file: FILE.into(), what: error.to_string() })
    }
}

fn confirms_early() {
    let commits = script();
    let disk = Disk::default();
    let (created, _) = run(&disk, Store::create_on(disk.clone(), FILE.into()), &[]);
    let database = Builder::new().create_with_backend(disk.clone()).expect("it was created");
    let (confirmed, error) = run(&disk, Ok(ConfirmsEarly(database)), &commits[..1]);
    assert_eq!(error, None);
    let confirmed = [created, confirmed[1..].to_vec()].concat();
    let tally = survey(&disk.calls(), &confirmed, &states(&commits), &mut Opened::new());
    assert!(tally.lost > 0, "{tally:?}");
}

fn never_syncs() {
    let commits = script();
    let disk = Disk::default();
    let (confirmed, _) = run(&disk, Store::create_on(disk.clone(), FILE.into()), &commits[..1]);
    // The same calls on a disk that does not do what it is told while the commit is made.
    let (begins, ends) = (confirmed[0], confirmed[1]);
    let skipped = |at: usize, call: &Call| *call == Call::Sync && (begins..ends).contains(&at);
    let calls = disk.calls();
    let lying: Vec<Call> =
        calls.iter().enumerate().filter(|(at, call)| !skipped(*at, call)).map(|(_, call)| call.clone()).collect();
    let syncs = calls.iter().enumerate().filter(|(at, call)| skipped(*at, call)).count();
    let tally = survey(&lying, &[begins, ends - syncs], &states(&commits), &mut Opened::new());
    assert!(tally.lost > 0, "{tally:?}");
}

fn full_disk() {
    let commits = script();
    let states = states(&commits);
    let whole = Disk::default();
    run(&whole, Store::create_on(whole.clone(), FILE.into()), &commits);
    let mut opened = Opened::new();
    for full_from in 0..whole.call_count() {
        let disk = Disk::failing(Faults { full_from: Some(full_from) });
        let (confirmed, error) = run(&disk, Store::create_on(disk.clone(), FILE.into()), &commits);
        match error {
            Some(error) => assert!(error.to_string().starts_with(FILE), "{error}"),
            // What is written when the store is closed has nothing that was not confirmed before.
            None => assert_eq!(confirmed.len(), commits.len() + 1, "the disk is full from call {full_from}"),
        }
        let tally = survey(&disk.calls(), &confirmed, &states, &mut opened);
        assert_eq!((tally.lost, tally.strange), (0, 0), "full from call {full_from}: {tally:?}");
    }
}

fn written() -> (Vec<u8>, Recovered) {
    let commits = script();
    let disk = Disk::default();
    run(&disk, Store::create_on(disk.clone(), FILE.into()), &commits);
    let last = states(&commits).pop().expect("there are some");
    (disk.octets(), last)
}

/// Whether what is left of a file is an error that names it, or all that was there.
fn honest(octets: Vec<u8>, was: &Recovered) -> Result<bool, String> {
    match Store::open_on(Disk::with(octets), FILE.into()) {
        Ok((_, recovered)) if recovered == *was => Ok(true),
        Ok((_, recovered)) => Err(format!("{recovered:?}")),
        Err(error) if error.to_string().starts_with(FILE) => Ok(false),
        Err(error) => Err(format!("no name: {error}")),
    }
}

fn damaged_files() {
    let (octets, was) = written();
    assert_eq!(honest(octets.clone(), &was), Ok(true));
    let foreign: [&[u8]; 5] = [b"", b"x", b"SQLite format 3\0", &[0; 4096], &[0xff; 65_536]];
    for foreign in foreign {
        assert_eq!(honest(foreign.to_vec(), &was), Ok(false));
    }
    let used: Vec<usize> = (0..octets.len()).filter(|at| octets[*at] != 0).collect();
    let mut refused = 0;
    for (round, at) in used.iter().enumerate().filter(|(round, _)| round % 3 == 0) {
        let mut flipped = octets.clone();
        flipped[*at] ^= 1 << (round / 3 % 8);
        let seen = honest(flipped, &was).unwrap_or_else(|seen| panic!("octet {at}: {seen}"));
        refused += usize::from(!seen);
    }
    assert!(refused > 100, "{refused} of {}", used.len());
    for length in (0..octets.len()).step_by(509) {
        assert_eq!(honest(octets[..length].to_vec(), &was), Ok(false), "cut to {length}");
    }
}

fn salvages() {
    let (octets, was) = written();
    // Whatever became of the file's own structure: each message is there as it was.
    let mut broken = octets.clone();
    broken[..4096].fill(0xee);
    let salvaged = salvage(&broken);
    assert_eq!(salvaged.damaged, 0);
    for (id, row) in &was.messages {
        let found = salvaged.recovered.messages.get(id).expect("its checksum holds");
        assert_eq!((&found.payload, found.ordering_key), (&row.payload, row.ordering_key));
    }
    assert_eq!(salvaged.recovered.producers, was.producers);
    // One octet of a payload: that record is not believed, and the others are.
    let (id, row) = was.messages.first_key_value().expect("there are some");
    let places = octets.windows(row.payload.len()).enumerate().filter(|(_, window)| **window == *row.payload);
    let mut broken = octets.clone();
    places.for_each(|(at, _)| broken[at] ^= 1);
    let salvaged = salvage(&broken);
    assert!(salvaged.damaged > 0 && !salvaged.recovered.messages.contains_key(id));
    assert!(was.messages.keys().skip(1).all(|id| salvaged.recovered.messages.contains_key(id)));
}
