//! Effects in a database: every crash leaves an effect with its key, its fence and what is to be published of it, or without
//! all of them.

use std::collections::BTreeMap;

use counterpart_models::broker::disk::Disk;
use counterpart_models::broker::implementation::{Delivery, Ledger, MessageId, Outcome, StoreError, Token, Work};
use libtest_mimic::Trial;
use redb::{Builder, Database, Key, ReadableDatabase, ReadableTable, TableDefinition, TableError, Value};

use super::store::{Opened, Tally, survey};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("broker::an_effect_in_a_database_is_done_once_and_in_order", once_and_in_order),
        claim("broker::no_crash_parts_an_effect_from_its_key_or_its_outbox_row", every_crash),
        claim("broker::an_effect_and_its_key_in_two_transactions_are_found_out", two_transactions),
    ]
}

const FILE: &str = "charges.redb";
const CHARGES: TableDefinition<'_, u64, u64> = TableDefinition::new("charges");
const DONE: TableDefinition<'_, u128, ()> = TableDefinition::new("effects done");
const FENCES: TableDefinition<'_, u64, u64> = TableDefinition::new("fences of ordering keys");
const OUTBOX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outbox");

fn database(disk: &Disk) -> Database {
    let builder = Builder::new().set_check_integrity_on_open(true).create_with_backend(disk.clone());
    builder.expect("a disk that is whole")
}

/// Order `order` of ordering key 0, handed out by `token`.
fn delivery(order: u64, token: u64) -> Delivery {
    let payload = order.to_le_bytes().as_slice().into();
    let (message, token, idempotency_key) = (MessageId(order), Token(token), order.into());
    Delivery { message, token, attempt: 1, ordering_key: 0, idempotency_key, payload }
}

/// Charges, and has the receipt published.
fn charge(order: u64) -> impl FnOnce(&mut Work<'_>) -> Result<(), redb::Error> {
    move |work| {
        let mut charges = work.transaction.open_table(CHARGES)?;
        let before = charges.get(order)?.map_or(0, |charged| charged.value());
        charges.insert(order, before + 1)?;
        work.publish(&order.to_le_bytes()).map(drop)
    }
}

/// What a database has: charges by order, keys, the fence, and rows to be published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Has {
    charges: BTreeMap<u64, u64>,
    done: Vec<u128>,
    fence: Option<u64>,
    pending: Vec<u64>,
}

/// The keys and values of a table, if it is there.
fn rows<K: Key + 'static, V: Value + 'static, T>(
    database: &Database,
    table: TableDefinition<'_, K, V>,
    row: impl Fn(K::SelfType<'_>, V::SelfType<'_>) -> T,
) -> Option<Vec<T>> {
    let table = match database.begin_read().ok()?.open_table(table) {
        Err(TableError::TableDoesNotExist(_)) => return Some(Vec::new()),
        table => table.ok()?,
    };
    table.iter().ok()?.map(|entry| entry.ok().map(|(key, value)| row(key.value(), value.value()))).collect()
}

fn read(image: Vec<u8>) -> Option<Has> {
    // What is not a database yet is made one here.
    let database = Builder::new().set_check_integrity_on_open(true).create_with_backend(Disk::with(image)).ok()?;
    Some(Has {
        charges: rows(&database, CHARGES, |order, charged| (order, charged))?.into_iter().collect(),
        done: rows(&database, DONE, |key, ()| key)?,
        fence: rows(&database, FENCES, |_, token| token)?.pop(),
        pending: rows(&database, OUTBOX, |row, _| row)?,
    })
}

fn once_and_in_order() {
    let disk = Disk::default();
    let ledger = Ledger::new(database(&disk), FILE);
    assert_eq!(ledger.pending(), Ok(Vec::new()));
    assert_eq!(ledger.apply(&delivery(1, 5), charge(1)), Ok(Outcome::Applied));
    assert_eq!(ledger.apply(&delivery(1, 6), charge(1)), Ok(Outcome::Duplicate));
    assert_eq!(ledger.apply(&delivery(2, 5), charge(2)), Ok(Outcome::Fenced), "the fence rose with the duplicate");
    let refused = ledger.apply(&delivery(2, 7), |work| {
        charge(2)(work)?;
        Err(redb::Error::Corrupted("the shop says no".into()))
    });
    assert!(refused.is_err_and(|error| error.to_string().starts_with(FILE)));
    let has = |charges: &[(u64, u64)], done: &[u128], fence, pending: &[u64]| Has {
        charges: charges.iter().copied().collect(),
        done: done.to_vec(),
        fence: Some(fence),
        pending: pending.to_vec(),
    };
    assert_eq!(read(disk.octets()), Some(has(&[(1, 1)], &[1], 6, &[0])), "what failed has left nothing");
    assert_eq!(ledger.apply(&delivery(2, 7), charge(2)), Ok(Outcome::Applied));
    ledger.mark(0).expect("a disk");
    let pending = ledger.pending().expect("a disk");
    assert_eq!(
        pending.iter().map(|(row, payload)| (*row, &payload[..])).collect::<Vec<_>>(),
        [(1, &2_u64.to_le_bytes()[..])]
    );
    ledger.forget(1).expect("a disk");
    assert_eq!(ledger.apply(&delivery(1, 8), charge(1)), Ok(Outcome::Applied), "it was forgotten");
    assert_eq!(read(disk.octets()), Some(has(&[(1, 2), (2, 1)], &[1, 2], 8, &[1, 2])), "rows are never given again");
}

/// Makes three charges, the first two of one order, marks a receipt, and looks at every crash.
fn surveyed(apply: impl Fn(&Ledger, u64, u64) -> Result<Outcome, StoreError>) -> Tally {
    let disk = Disk::default();
    let ledger = Ledger::new(database(&disk), FILE);
    let (mut confirmed, mut states) = (vec![disk.call_count()], vec![Has::default()]);
    let steps: [&dyn Fn() -> bool; 4] =
        [&|| apply(&ledger, 1, 5).is_ok(), &|| apply(&ledger, 1, 6).is_ok(), &|| apply(&ledger, 2, 7).is_ok(), &|| {
            ledger.mark(0).is_ok()
        }];
    for step in steps {
        assert!(step(), "a disk that takes it");
        confirmed.push(disk.call_count());
        states.push(read(disk.octets()).expect("it is whole"));
    }
    let last = states.last().expect("there are some");
    assert_eq!((&last.charges, &last.pending), (&BTreeMap::from([(1, 1), (2, 1)]), &vec![1]));
    survey(&disk.calls(), &confirmed, &states, &mut Opened::new(), read)
}

fn every_crash() {
    let tally = surveyed(|ledger, order, token| ledger.apply(&delivery(order, token), charge(order)));
    assert!(tally.images > 500, "{tally:?}");
    assert_eq!((tally.lost, tally.strange), (0, 0), "{tally:?}");
}

/// Keeps the key of an effect in a transaction of its own: a defect. In the end it has what it should.
fn two_transactions() {
    let tally = surveyed(|ledger, order, token| {
        ledger.apply(&delivery(order, token), charge(order))?;
        ledger.forget(order.into())?;
        ledger.apply(&delivery(order, token), |_| Ok(()))
    });
    assert!(tally.strange > 0, "{tally:?}");
}
