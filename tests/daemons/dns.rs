//! unbound and dnsmasq as caches before an authority of ours.
//!
//! Time stands still but for the ticks, which are seconds. What is asked upstream waits until the model has it read and
//! delivered. That nothing more comes of a step is proved by a barrier: a question for a name that nobody has asked for,
//! which has to go the whole way and back.
//!
//! Each run has a zone of its own, so that a daemon serves many runs, one after the other.

#[path = "dns/authority.rs"]
mod authority;
#[path = "dns/dnsmasq.rs"]
mod dnsmasq;
#[path = "dns/unbound.rs"]
mod unbound;

use std::sync::{Arc, Mutex, PoisonError};

use counterpart::conform::Recovery;
use counterpart::{Check, Counterpart};
use counterpart_models::dns::conformance::CacheInterface;
use counterpart_models::dns::model::{Action, Cache, Kind, QUESTIONS, State, Told};

use self::authority::{Asked, Bench, Zone};
use crate::alongside::{Alongside, beside, walked};
use crate::daemon::Daemon;

pub(crate) fn cases() -> Vec<Alongside> {
    [unbound::cases(), dnsmasq::cases()].concat()
}

/// One cache and one client, where nothing fails, and time stands still as long as a question is under way: a daemon's
/// timers run by another clock.
fn one_client() -> Cache {
    Cache { clients: 1, fails: false, answers_at_once: true, ..Cache::small() }
}

/// How a resolver is started.
type Start = fn(&Cache) -> Bench;

/// Resolvers that serve one run after the other.
type Pool = Arc<Mutex<Vec<Bench>>>;

/// A daemon that is a resolver.
struct Resolver {
    daemon: &'static Daemon,
    start: Start,
}

impl Resolver {
    fn check(&self, model: Cache) -> Check<Cache, CacheInterface> {
        let make = self.made_for(&model);
        beside(self.daemon, counterpart_models::dns::check(model), make)
    }

    fn made_for(&self, model: &Cache) -> impl Fn() -> Driven + Send + Sync + 'static {
        let (there, start, pool) = (model.clone(), self.start, Pool::default());
        move || Driven::begin(&there, start, &pool)
    }

    /// A demand that in the end nothing is held any more that the zone no longer says.
    fn recovery(&self, model: Cache) -> Check<Cache, CacheInterface> {
        let is_current =
            |_: &Cache, state: &State| state.layers[0].held.iter().flatten().all(|held| held.version == state.version);
        let recovery = Recovery::new(is_current).runs(RUNS).after(STEPS_MAX).within(FAIR_STEPS_MAX);
        let recovery = recovery.of(self.made_for(&model));
        walked(self.daemon, counterpart_models::dns::check(model), recovery)
    }

    fn conforms(&self, name: &str, checked: &'static str, model: Cache) -> Alongside {
        Alongside::new(self.daemon, &format!("dns/{name}"), checked, self.check(model)).by_our_clock()
    }

    fn recovers(&self, name: &str, checked: &'static str, model: Cache) -> Alongside {
        Alongside::new(self.daemon, &format!("dns/{name}"), checked, self.recovery(model)).by_our_clock()
    }

    fn never_recovers(&self, name: &str, checked: &'static str, model: Cache, because: &str) -> Alongside {
        let check = self.recovery(model);
        Alongside::deviating(self.daemon, &format!("dns/{name}"), checked, check, because).by_our_clock()
    }

    fn deviates(&self, name: &str, checked: &'static str, model: Cache, because: &str) -> Alongside {
        Alongside::deviating(self.daemon, &format!("dns/{name}"), checked, self.check(model), because).by_our_clock()
    }
}

/// Of a recovery.
const RUNS: usize = 32;

/// Steps of a run before it has to recover: enough to be denied and to have the zone changed.
const STEPS_MAX: usize = 24;

/// Steps to recover in: some ten questions, each answered, with a second after it.
const FAIR_STEPS_MAX: usize = 48;

/// A resolver in one run.
struct Driven {
    model: Cache,
    version: u8,
    zone: Zone,
    /// The client's question, as long as it is not answered.
    waits: Option<u8>,
    /// Questions that have gone upstream, and the version of the zone that they were read of.
    upstream: [Option<(Asked, Option<u8>)>; QUESTIONS],
    // Given back at the end of the run.
    bench: Option<Bench>,
    pool: Pool,
}

impl Driven {
    fn begin(model: &Cache, start: Start, pool: &Pool) -> Self {
        let idle = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bench = idle.unwrap_or_else(|| start(model));
        let zone = bench.fresh_zone();
        let (model, pool) = (model.clone(), pool.clone());
        Driven { model, version: 0, zone, waits: None, upstream: Default::default(), bench: Some(bench), pool }
    }

    /// Waits until all has come of a step that comes of it.
    fn settle(&mut self) -> Told {
        let mut told = Told::default();
        let Some(bench) = &mut self.bench else { return told };
        for asked in bench.barrier() {
            let question = self.zone.question(&asked);
            let question = question.unwrap_or_else(|| panic!("{asked} is asked, which nobody wants to know"));
            told.asked += 1;
            self.upstream[usize::from(question)] = Some((asked, None));
        }
        for answer in bench.answers() {
            if self.waits.take().is_some() {
                told.clients[0] = Some(authority::told(&answer));
            }
        }
        told
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let Some(mut bench) = self.bench.take() else { return };
        if !std::thread::panicking() {
            // What is still open is answered, and what is asked again meanwhile, so that the next run finds nothing of it.
            let open = self.upstream.iter_mut().filter_map(Option::take).map(|(asked, _)| asked);
            let mut open: Vec<Asked> = open.collect();
            while !open.is_empty() {
                open.iter().for_each(|asked| bench.reply(asked, &self.zone.reply(asked, &self.model, self.version)));
                open = bench.barrier();
            }
            bench.answers();
            self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(bench);
        }
    }
}

impl Counterpart<CacheInterface> for Driven {
    fn apply(&mut self, input: &Action) -> Told {
        let Some(bench) = &mut self.bench else { return Told::default() };
        match *input {
            Action::Query { question, .. } => {
                bench.ask(&self.zone.name(question));
                self.waits = Some(question);
                self.settle()
            }
            Action::Read { question, .. } => {
                if let Some((_, read)) = &mut self.upstream[usize::from(question)] {
                    *read = Some(self.version);
                }
                Told::default()
            }
            Action::Deliver { question, .. } => {
                // An answer that nobody has asked for is not sent: it would not be valid.
                let read = self.upstream[usize::from(question)].take_if(|(_, version)| version.is_some());
                let Some((asked, Some(version))) = read else { return Told::default() };
                bench.reply(&asked, &self.zone.reply(&asked, &self.model, version));
                self.settle()
            }
            Action::Change => {
                self.version += 1;
                Told::default()
            }
            Action::Tick => {
                bench.clock.advance(1);
                Told::default()
            }
            Action::SetBack => panic!("no clock of a daemon's is set back"),
        }
    }
}

/// What is told of a denial, where a client is not told for how long.
const UNTOLD: (Kind, u8, u8) = (Kind::Failure, 0, 0);
