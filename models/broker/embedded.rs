//! Two producers and two consumers on one embedded broker, killed in the middle of their work and started again.
//!
//! `cargo run --example embedded_broker` starts itself as a process of its own, kills that five times, lets it end, and says
//! what became of every order: each is charged once.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::broker::implementation::{
    Config, ConsumerId, Core, ProducerId, Publish, Recovered, Store, StoreError,
};
use counterpart_models::broker::shared::Broker;

const PRODUCERS: u64 = 2;
const ORDERS: u64 = 60;
const KILLS: usize = 5;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let outcome = match (arguments.next().as_deref(), arguments.next()) {
        (Some("work"), Some(folder)) => work(Path::new(&folder)),
        _ => supervise(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the work, kills it, and starts it again.
fn supervise() -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("embedded-broker-{}", std::process::id()));
    fs::create_dir_all(folder.join("charges"))?;
    let mut work = Command::new(std::env::current_exe()?);
    work.arg("work").arg(&folder);
    for kill in 1..=KILLS {
        let mut child = work.spawn()?;
        thread::sleep(Duration::from_millis(40 * kill as u64));
        child.kill()?;
        child.wait()?;
        println!(
            "killed: {} of {} orders are charged",
            fs::read_dir(folder.join("charges"))?.count(),
            PRODUCERS * ORDERS
        );
    }
    let ended = work.status()?;
    let charges = fs::read_dir(folder.join("charges"))?.count() as u64;
    fs::remove_dir_all(&folder)?;
    println!("ended: {charges} of {} orders are charged, each once", PRODUCERS * ORDERS);
    if ended.success() && charges == PRODUCERS * ORDERS { Ok(()) } else { Err("not every order is charged".into()) }
}

/// What is killed.
fn work(folder: &Path) -> Outcome<()> {
    let file = folder.join("orders.redb");
    let (store, recovered) = match Store::open(&file) {
        Err(StoreError::Absent { .. }) => (Store::create(&file)?, Recovered::default()),
        opened => opened?,
    };
    let config = Config { visibility_ms: 500, ..Config::default() };
    let broker = Arc::new(Broker::new(Core::recover(config, recovered)?, store)?);
    let sending = Arc::new(AtomicUsize::new(PRODUCERS as usize));
    let started = Instant::now();
    let mut threads = Vec::new();
    for producer in 0..PRODUCERS {
        let (broker, sending, folder) = (broker.clone(), sending.clone(), folder.to_path_buf());
        threads.push(thread::spawn(move || -> Outcome<()> {
            let sent = send(&broker, producer, &folder);
            sending.fetch_sub(1, Ordering::SeqCst);
            sent
        }));
    }
    for consumer in 0..2 {
        let (broker, sending, folder) = (broker.clone(), sending.clone(), folder.to_path_buf());
        threads.push(thread::spawn(move || consume(&broker, ConsumerId(consumer), &sending, started, &folder)));
    }
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread has panicked")?)
}

/// Sends the orders that are not known to be confirmed.
fn send(broker: &Broker<Store>, producer: u64, folder: &Path) -> Outcome<()> {
    let progress = folder.join(format!("producer-{producer}"));
    let confirmed: u64 = fs::read_to_string(&progress).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let epoch = broker.start_producer(ProducerId(producer))?;
    for (sequence, order) in (0..).zip(confirmed..ORDERS) {
        let idempotency_key = u128::from(producer) << 64 | u128::from(order);
        let payload = format!("charge order {order} of producer {producer}").into_bytes().into();
        let producer = ProducerId(producer);
        broker.publish(Publish { producer, epoch, sequence, ordering_key: order % 7, idempotency_key, payload })??;
        fs::write(&progress, (order + 1).to_string())?;
    }
    Ok(())
}

/// Charges, and acknowledges after that. The charge and its key are one file, which is there or is not.
fn consume(
    broker: &Broker<Store>,
    consumer: ConsumerId,
    sending: &AtomicUsize,
    started: Instant,
    folder: &Path,
) -> Outcome<()> {
    broker.add_consumer(consumer, 1)?;
    loop {
        let now_ms = u64::try_from(started.elapsed().as_millis())?;
        match broker.deliver(consumer, now_ms)?? {
            Some(delivery) => {
                let charge = folder.join("charges").join(format!("{:x}", delivery.idempotency_key));
                match fs::OpenOptions::new().write(true).create_new(true).open(charge) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                    // It was charged before: by a run that was killed before it could say so.
                    Ok(_) | Err(_) => {}
                }
                // Somebody else has it by now: they will find the charge made.
                let _ = broker.ack(delivery.token)?;
            }
            None if sending.load(Ordering::SeqCst) == 0 && broker.message_count()? == 0 => return Ok(()),
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}
