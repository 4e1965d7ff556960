//! Files that are damaged: every bit of a store, flipped; files that are cut, empty, or another program's; what is salvaged.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use counterpart_models::broker::disk::Disk;
use counterpart_models::broker::implementation::{Log, Recovered, Store, salvage};
use libtest_mimic::Trial;
use redb::{Builder, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};

use super::store::{FILE, script, states};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("broker::every_flipped_bit_is_an_error_that_names_the_file_or_nothing_is_lost", every_bit),
        claim("broker::every_flipped_bit_of_a_store_that_was_killed_is_an_error_or_nothing_is_lost", every_bit_killed),
        claim("broker::a_one_phase_store_falls_back_a_commit_and_is_found_out", one_phase),
        claim("broker::two_phases_alone_fall_back_a_commit_by_one_bit", two_phases),
        claim("broker::a_foreign_or_cut_file_is_an_error_that_names_it", foreign),
        claim("broker::salvage_finds_every_record_whose_checksum_holds_whatever_bit_flips", salvages),
        claim("broker::salvage_reads_a_file_whose_structure_is_gone", salvages_without_structure),
    ]
}

/// A store of the script: its octets, closed or as a kill leaves them, and what it has.
struct Written {
    closed: Vec<u8>,
    killed: Vec<u8>,
    was: Recovered,
}

/// The store after so many commits of the script.
fn written(commit_count: usize) -> Written {
    let commits = &script()[..commit_count];
    let disk = Disk::default();
    let mut store = Store::create_on(disk.clone(), FILE.into()).expect("an empty disk");
    commits.iter().for_each(|changes| store.commit(changes).expect("a disk that takes it"));
    let killed = disk.octets();
    drop(store);
    Written { closed: disk.octets(), killed, was: states(commits).pop().expect("there are some") }
}

/// What becomes of a file when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Opened {
    /// All is there.
    Whole,
    /// It is refused, by an error that names it.
    Refused,
    /// It is served, and is not what was confirmed.
    Other(Recovered),
}

fn open(octets: Vec<u8>, was: &Recovered) -> Opened {
    match Store::open_on(Disk::with(octets), FILE.into()) {
        Ok((_, recovered)) if recovered == *was => Opened::Whole,
        Ok((_, recovered)) => Opened::Other(recovered),
        Err(error) => {
            assert!(error.to_string().starts_with(FILE), "no name: {error}");
            Opened::Refused
        }
    }
}

/// A disk that notes which of its octets are read.
#[derive(Clone, Debug)]
struct Noted {
    disk: Disk,
    read: Arc<Mutex<Vec<Range<usize>>>>,
}

impl StorageBackend for Noted {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).expect("it is small");
        self.read.lock().expect("nobody panics").push(from..from + out.len());
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset, data)
    }
}

/// The octets that opening a file looks at: a bit flipped anywhere else changes nothing of what it does.
fn looked_at(octets: &[u8]) -> Vec<usize> {
    let noted = Noted { disk: Disk::with(octets.to_vec()), read: Arc::default() };
    drop(Store::open_on(noted.clone(), FILE.into()).expect("it is whole"));
    let read = noted.read.lock().expect("nobody panics").clone();
    read.into_iter().flatten().collect::<BTreeSet<usize>>().into_iter().collect()
}

/// Zeros on either side that make an octet one of the empty rest of a page.
const REST_OCTETS: usize = 32;

/// The bits of an octet that are flipped: all, and in the empty rest of a page one, another in each octet.
fn bits(octets: &[u8], at: usize) -> Range<u8> {
    let around = &octets[at.saturating_sub(REST_OCTETS)..octets.len().min(at + REST_OCTETS)];
    let bit = (at % 8) as u8;
    if around.iter().all(|octet| *octet == 0) { bit..bit + 1 } else { 0..8 }
}

/// Flips bits of `places`. Answers how many are refused, and what is served as something else, the first octet first.
fn flip_each(octets: &[u8], places: &[usize], was: &Recovered) -> (usize, Vec<(usize, u8, Recovered)>) {
    let part = |places: &[usize]| {
        let (mut refused, mut served) = (0, Vec::new());
        for (at, bit) in places.iter().flat_map(|at| bits(octets, *at).map(|bit| (*at, bit))) {
            let mut flipped = octets.to_vec();
            flipped[at] ^= 1 << bit;
            match open(flipped, was) {
                Opened::Whole => {}
                Opened::Refused => refused += 1,
                Opened::Other(other) => served.push((at, bit, other)),
            }
        }
        (refused, served)
    };
    let half = places.len() / 2;
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| part(&places[half..]));
        (part(&places[..half]), second.join().expect("it does not panic"))
    });
    (first.0 + second.0, [first.1, second.1].concat())
}

/// Every bit that opening looks at is flipped, and nothing is served but what was confirmed.
fn flip_every(octets: &[u8], was: &Recovered) {
    assert_eq!(open(octets.to_vec(), was), Opened::Whole);
    let (refused, served) = flip_each(octets, &looked_at(octets), was);
    assert_eq!(served, []);
    assert!(refused > 1_000, "{refused}");
}

fn every_bit() {
    let Written { closed, was, .. } = written(script().len());
    flip_every(&closed, &was);
}

fn every_bit_killed() {
    let Written { killed, was, .. } = written(script().len());
    flip_every(&killed, &was);
}

/// The store's own table.
const RECORDS: TableDefinition<'_, (u8, u64), &[u8]> = TableDefinition::new("records");

/// What a store has, as it is written.
fn rows(octets: Vec<u8>) -> BTreeMap<(u8, u64), Vec<u8>> {
    let database = Builder::new().create_with_backend(Disk::with(octets)).expect("it is whole");
    let read = database.begin_read().expect("it is whole");
    let table = read.open_table(RECORDS).expect("there is one");
    let whole = table.iter().expect("it is whole").map(|row| row.expect("it is whole"));
    whole.map(|(key, value)| (key.value(), value.value().to_vec())).collect()
}

/// The last commit of the script by a store that commits once, in `phases`. Gives what is served as something else when a bit
/// of it is flipped, after a kill.
fn commits_once(two_phases: bool) -> (Recovered, Vec<(usize, u8, Recovered)>) {
    let commits = script();
    let (before, after) = (written(commits.len() - 1), written(commits.len()));
    let disk = Disk::with(before.closed.clone());
    let database = Builder::new().create_with_backend(disk.clone()).expect("it is whole");
    let (had, has) = (rows(before.closed.clone()), rows(after.closed));
    let mut transaction = database.begin_write().expect("a disk that takes it");
    transaction.set_two_phase_commit(two_phases);
    {
        let mut table = transaction.open_table(RECORDS).expect("there is one");
        for key in had.keys().filter(|key| !has.contains_key(key)) {
            table.remove(key).expect("a disk that takes it");
        }
        for (key, value) in has.iter().filter(|(key, value)| had.get(key) != Some(value)) {
            table.insert(key, value.as_slice()).expect("a disk that takes it");
        }
    }
    transaction.commit().expect("a disk that takes it");
    let killed = disk.octets();
    assert_eq!(open(killed.clone(), &after.was), Opened::Whole);
    let written: Vec<usize> = (0..killed.len()).filter(|at| before.closed.get(*at) != Some(&killed[*at])).collect();
    (before.was, flip_each(&killed, &written, &after.was).1)
}

/// As redb commits unless it is told otherwise: a defect.
fn one_phase() {
    let (before, served) = commits_once(false);
    assert!(served.len() > 100, "many a bit of the last commit is flipped, and nothing is said");
    assert!(served.iter().all(|(.., served)| *served == before), "what was confirmed last is gone");
}

/// The bit that says which of two commits is the later is covered by nothing: a defect of the format.
fn two_phases() {
    let (before, served) = commits_once(true);
    let [(at, bit, served)] = &served[..] else { panic!("{} bits are not told of", served.len()) };
    assert_eq!((*at, *bit, served), (9, 0, &before));
}

fn foreign() {
    let Written { closed, was, .. } = written(script().len());
    let foreign: [&[u8]; 5] = [b"", b"x", b"SQLite format 3\0", &[0; 4096], &[0xff; 65_536]];
    for foreign in foreign {
        assert_eq!(open(foreign.to_vec(), &was), Opened::Refused);
    }
    for length in (0..closed.len()).step_by(509) {
        assert_eq!(open(closed[..length].to_vec(), &was), Opened::Refused, "cut to {length}");
    }
}

/// Where records stand in a file, with the kind and the id of each: read here by the words of `record.rs` alone.
fn records(octets: &[u8]) -> Vec<(Range<usize>, u8, u64)> {
    let starts = octets.windows(8).enumerate().filter(|(_, window)| *window == b"\x89BROKER\n").map(|(at, _)| at);
    let number = |octets: &[u8]| octets.iter().rev().fold(0, |sum, octet| sum << 8 | u64::from(*octet));
    let record = |at: usize| {
        let body = number(&octets[at + 17..at + 21]) as usize;
        (at..at + 21 + body + 4, octets[at + 8], number(&octets[at + 9..at + 17]))
    };
    starts.map(record).collect()
}

const MESSAGE: u8 = 1;

/// Each bit of each record is flipped: that record is not believed, and each of the others is.
fn salvages() {
    let Written { closed, was, .. } = written(script().len());
    let found = records(&closed);
    let (first, last) = (found.first().expect("there are some"), found.last().expect("there are some"));
    let part = &closed[first.0.start..last.0.end];
    let whole = salvage(part).recovered;
    assert!(was.messages.iter().all(|(id, row)| whole.messages[id].payload == row.payload));
    for (hit, (place, ..)) in found.iter().enumerate() {
        let others = found.iter().enumerate().filter(|(other, _)| *other != hit).map(|(_, record)| record);
        let messages: BTreeSet<u64> = others.filter(|(_, kind, _)| *kind == MESSAGE).map(|(.., id)| *id).collect();
        for (at, bit) in place.clone().flat_map(|at| (0..8).map(move |bit| (at - first.0.start, bit))) {
            let mut flipped = part.to_vec();
            flipped[at] ^= 1 << bit;
            let salvaged = salvage(&flipped).recovered.messages;
            assert!(salvaged.keys().map(|id| id.0).eq(messages.iter().copied()), "bit {bit} of {at}");
            assert!(salvaged.iter().all(|(id, row)| row.payload == whole.messages[id].payload), "bit {bit} of {at}");
        }
    }
}

/// Whatever became of the file's own structure: each record is there as it was.
fn salvages_without_structure() {
    let Written { mut closed, was, .. } = written(script().len());
    closed[..4096].fill(0xee);
    let salvaged = salvage(&closed);
    assert_eq!(salvaged.damaged, 0);
    for (id, row) in &was.messages {
        let found = salvaged.recovered.messages.get(id).expect("its checksum holds");
        assert_eq!((&found.payload, found.ordering_key), (&row.payload, row.ordering_key));
    }
    assert_eq!(salvaged.recovered.producers, was.producers);
}
