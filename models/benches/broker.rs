//! Confirmed publishes in a second, on the same disk in the same run: a sync for each, and group commit.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::broker::implementation::{Config, Core, ProducerId, Publish, Recovered, Store};
use counterpart_models::broker::shared::Broker;

const PUBLISHERS: [u64; 4] = [1, 16, 64, 256];

fn main() {
    let folder = std::env::temp_dir().join(format!("broker-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the stores");
    println!("| publishers | confirmed publishes a second | of one publisher |");
    println!("|---|---|---|");
    let mut each = None;
    for publishers in PUBLISHERS {
        let rate = rate(&folder.join(format!("{publishers}.redb")), publishers);
        let one = *each.get_or_insert(rate);
        println!("| {publishers} | {rate:.0} | {:.1}x |", rate / one);
    }
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}

/// With one publisher there is a sync for each publish; with many they share it.
fn rate(file: &std::path::Path, publishers: u64) -> f64 {
    let store = Store::create(file).expect("a new store");
    let core = Core::recover(Config::default(), Recovered::default()).expect("a configuration");
    let broker = Arc::new(Broker::new(core, store).expect("a store that can be written"));
    let (started, lasts) = (Instant::now(), Duration::from_secs(3));
    let publisher = |producer: u64| {
        let broker = broker.clone();
        thread::spawn(move || {
            let producer = ProducerId(producer);
            let epoch = broker.start_producer(producer).expect("the store can be written");
            let mut sequence = 0;
            while started.elapsed() < lasts {
                let payload = Arc::from([0; 100].as_slice());
                let ordering_key = producer.0;
                let idempotency_key = u128::from(producer.0) << 64 | u128::from(sequence);
                let publish = Publish { producer, epoch, sequence, ordering_key, idempotency_key, payload };
                broker.publish(publish).expect("the store can be written").expect("it follows");
                sequence += 1;
            }
            sequence
        })
    };
    let threads: Vec<_> = (0..publishers).map(publisher).collect();
    let published: u64 = threads.into_iter().map(|thread| thread.join().expect("it ends")).sum();
    published as f64 / started.elapsed().as_secs_f64()
}
