//! The store on a disk that forgets: every crash at every call, a disk that lies, a disk that is full.

use std::collections::HashMap;

use counterpart_models::broker::disk::{Call, Disk, Faults, crashes};
use counterpart_models::broker::implementation::{
    Change, Config, ConsumerId, Core, Log, ProducerId, Recovered, Store, StoreError,
};
use libtest_mimic::Trial;
use redb::{Builder, Database, Durability, TableDefinition};

use super::publish;
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("broker::no_crash_loses_what_was_confirmed_or_shows_what_was_not_written", every_crash),
        claim("broker::a_store_that_confirms_before_the_sync_is_found_out", confirms_early),
        claim("broker::a_disk_that_does_not_sync_is_found_out", never_syncs),
        claim("broker::a_full_disk_at_any_call_loses_nothing_that_was_confirmed", full_disk),
    ]
}

/// What a broker asks of a log, in order: each is answered once it is durable.
pub(super) fn script() -> Vec<Vec<Change>> {
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
pub(super) fn states(commits: &[Vec<Change>]) -> Vec<Recovered> {
    let mut states = vec![Recovered::default()];
    for changes in commits {
        let mut next = states.last().cloned().unwrap_or_default();
        changes.iter().cloned().for_each(|change| next.keep(change));
        states.push(next);
    }
    states
}

pub(super) const FILE: &str = "orders.redb";

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
pub(super) struct Tally {
    pub(super) images: usize,
    pub(super) lost: usize,
    pub(super) strange: usize,
}

/// What each image is when it is opened: nothing that can be, one of the states, or something else. Opening an image is
/// what takes long, and most crashes leave one that another has left.
pub(super) type Opened = HashMap<Vec<u8>, Option<usize>>;

/// Opens what is left on the disk by every crash.
pub(super) fn survey<S: PartialEq>(
    calls: &[Call],
    confirmed: &[usize],
    states: &[S],
    opened: &mut Opened,
    open: impl Fn(Vec<u8>) -> Option<S>,
) -> Tally {
    let mut tally = Tally::default();
    crashes(calls, |call_count, image| {
        tally.images += 1;
        let promised = confirmed.iter().filter(|at| **at <= call_count).count();
        let found = opened.entry(image).or_insert_with_key(|image| {
            let found = open(image.clone())?;
            Some(states.iter().position(|state| *state == found).map_or(usize::MAX, |at| at + 1))
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

/// What the store makes of what is left on a disk.
fn open(image: Vec<u8>) -> Option<Recovered> {
    Store::open_on(Disk::with(image), FILE.into()).ok().map(|(_, recovered)| recovered)
}

/// How many images a survey has, by a formula, and how many calls wait for a sync at most. After a call with `n` before it
/// that are not synced there are 2ⁿ parts of these; in 2ⁱ of them the one at place `i` is the last, and can be torn if it is a
/// write of more than an octet.
fn counted(calls: &[Call]) -> (usize, usize) {
    let (mut images, mut unsynced_max) = (0, 0);
    let mut can_tear = Vec::new();
    for call in calls {
        match call {
            Call::Sync => can_tear.clear(),
            Call::SetLength(_) => can_tear.push(false),
            Call::Write { octets, .. } => can_tear.push(octets.len() > 1),
        }
        unsynced_max = unsynced_max.max(can_tear.len());
        let torn = can_tear.iter().enumerate().filter(|(_, can_tear)| **can_tear).map(|(place, _)| 1 << place);
        images += (1 << can_tear.len()) + torn.sum::<usize>();
    }
    (images, unsynced_max)
}

fn every_crash() {
    let commits = script();
    let disk = Disk::default();
    let (confirmed, error) = run(&disk, Store::create_on(disk.clone(), FILE.into()), &commits);
    assert_eq!((confirmed.len(), error), (commits.len() + 1, None));
    let tally = survey(&disk.calls(), &confirmed, &states(&commits), &mut Opened::new(), open);
    let (images, unsynced_max) = counted(&disk.calls());
    assert_eq!(unsynced_max, 6, "as the specification has measured");
    assert_eq!(tally.images, images);
    assert!(images > 1_000, "{tally:?}");
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
    let tally = survey(&disk.calls(), &confirmed, &states(&commits), &mut Opened::new(), open);
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
    let tally = survey(&lying, &[begins, ends - syncs], &states(&commits), &mut Opened::new(), open);
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
        let tally = survey(&disk.calls(), &confirmed, &states, &mut opened, open);
        assert_eq!((tally.lost, tally.strange), (0, 0), "full from call {full_from}: {tally:?}");
    }
}
