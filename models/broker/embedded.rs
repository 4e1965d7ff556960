//! Two producers and two consumers on one embedded broker, killed in the middle of their work and started again.
//!
//! `cargo run --example embedded_broker` starts itself as a process of its own, kills that five times, each after some
//! charges, lets it end, and says what became of every order: each is charged once.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::broker::implementation::{
    Config, ConsumerId, Core, ProducerId, Publish, Recovered, Store, StoreError,
};
use counterpart_models::broker::shared::Broker;

const PRODUCERS: u64 = 2;
const ORDERS: u64 = 60;
const KILLS: usize = 5;
/// Charges after which a run is killed: some orders are left after the last of them.
const CHARGES_BEFORE_KILL: usize = 15;
const VISIBILITY: Duration = Duration::from_millis(500);

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
    work.arg("work").arg(&folder).stdout(Stdio::piped());
    let orders = PRODUCERS * ORDERS;
    for _ in 0..KILLS {
        let mut child = work.spawn()?;
        // Heard until it is killed: it is not to fail for want of a listener.
        let _said = await_charges(&mut child, CHARGES_BEFORE_KILL)?;
        child.kill()?;
        child.wait()?;
        println!("killed: {} of {orders} orders are charged", fs::read_dir(folder.join("charges"))?.count());
    }
    let mut child = work.spawn()?;
    await_charges(&mut child, usize::MAX)?;
    let ended = child.wait()?;
    let charges = fs::read_dir(folder.join("charges"))?.count() as u64;
    fs::remove_dir_all(&folder)?;
    println!("ended: {charges} of {orders} orders are charged, each once");
    if ended.success() && charges == orders { Ok(()) } else { Err("not every order is charged".into()) }
}

/// Waits until a run has said that it has made so many charges, or has ended.
fn await_charges(child: &mut Child, charges: usize) -> Outcome<BufReader<ChildStdout>> {
    let mut said = BufReader::new(child.stdout.take().ok_or("nothing can be heard of the process")?);
    said.by_ref().lines().take(charges).try_for_each(|line| line.map(drop))?;
    Ok(said)
}

/// How often something has happened that may give a consumer work, and who waits for more.
#[derive(Debug, Default)]
struct News {
    count: Mutex<u64>,
    more: Condvar,
}

impl News {
    fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.more.notify_all();
    }

    /// Waits until more has happened than was `known`, or a lease may have run out.
    fn wait(&self, known: u64) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.more.wait_timeout_while(count, VISIBILITY, |count| *count == known));
    }
}

/// What producers and consumers share.
struct Shop {
    broker: Broker<Store>,
    /// Producers that are not done.
    sending: AtomicUsize,
    news: News,
    started: Instant,
    folder: PathBuf,
}

/// What is killed.
fn work(folder: &Path) -> Outcome<()> {
    let file = folder.join("orders.redb");
    let (store, recovered) = match Store::open(&file) {
        Err(StoreError::Absent { .. }) => (Store::create(&file)?, Recovered::default()),
        opened => opened?,
    };
    let config = Config { visibility_ms: u64::try_from(VISIBILITY.as_millis())?, ..Config::default() };
    let shop = Arc::new(Shop {
        broker: Broker::new(Core::recover(config, recovered)?, store)?,
        sending: AtomicUsize::new(PRODUCERS as usize),
        news: News::default(),
        started: Instant::now(),
        folder: folder.to_path_buf(),
    });
    let mut threads = Vec::new();
    for producer in 0..PRODUCERS {
        let shop = shop.clone();
        threads.push(thread::spawn(move || {
            let sent = shop.send(producer);
            shop.sending.fetch_sub(1, Ordering::SeqCst);
            shop.news.tell();
            sent
        }));
    }
    for consumer in 0..2 {
        let shop = shop.clone();
        threads.push(thread::spawn(move || shop.consume(ConsumerId(consumer))));
    }
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread has panicked")?)
}

impl Shop {
    /// Sends the orders that are not known to be confirmed.
    fn send(&self, producer: u64) -> Outcome<()> {
        let progress = self.folder.join(format!("producer-{producer}"));
        let confirmed: u64 = fs::read_to_string(&progress).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let epoch = self.broker.start_producer(ProducerId(producer))?;
        for (sequence, order) in (0..).zip(confirmed..ORDERS) {
            let idempotency_key = u128::from(producer) << 64 | u128::from(order);
            let payload = format!("charge order {order} of producer {producer}").into_bytes().into();
            let (producer, ordering_key) = (ProducerId(producer), order % 7);
            self.broker.publish(Publish { producer, epoch, sequence, ordering_key, idempotency_key, payload })??;
            self.news.tell();
            fs::write(&progress, (order + 1).to_string())?;
        }
        Ok(())
    }

    /// Charges, and acknowledges after that. The charge and its key are one file, which is there or is not.
    fn consume(&self, consumer: ConsumerId) -> Outcome<()> {
        self.broker.add_consumer(consumer, 1)?;
        loop {
            let known = self.news.count();
            let now_ms = u64::try_from(self.started.elapsed().as_millis())?;
            match self.broker.deliver(consumer, now_ms)?? {
                Some(delivery) => {
                    let charge = self.folder.join("charges").join(format!("{:x}", delivery.idempotency_key));
                    match fs::OpenOptions::new().write(true).create_new(true).open(charge) {
                        Ok(_) => println!("charged"),
                        // It was charged before: by a run that was killed before it could say so.
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                        Err(error) => return Err(error.into()),
                    }
                    // Somebody else may have it by now: they will find the charge made.
                    let _ = self.broker.ack(delivery.token)?;
                    self.news.tell();
                }
                None if self.sending.load(Ordering::SeqCst) == 0 && self.broker.message_count()? == 0 => return Ok(()),
                None => self.news.wait(known),
            }
        }
    }
}
