//! Logs of circuit breakers: real threads, a defect that only the log shows, and the logs that are kept.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use counterpart::Shared;
use counterpart::conform::Agreement;
use counterpart::conform::events::{Event, EventLog, Log, LogError, Recorded};
use counterpart::report::ConformanceReport;
use counterpart_models::circuit_breaker;
use counterpart_models::circuit_breaker::bindings::{Binding, SharedBreaker, config};
use counterpart_models::circuit_breaker::conformance::{Answer, BreakerInterface};
use counterpart_models::circuit_breaker::model::{Action, Outcome};
use counterpart_models::circuit_breaker::recorded::{BreakerReader, Logged, TARGET, model, status};
use counterpart_models::circuit_breaker::{
    CircuitBreaker, Config, ConfigError, Core, Outcome as Ended, Permit, PhaseName, Rejected, Status,
};
use libtest_mimic::Trial;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::{claim, root};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("breaker::a_breaker_on_real_threads_conforms_run_after_run", real_threads),
        claim("breaker::a_breaker_whose_log_leaves_out_time_conforms_too", time_left_out),
        claim("breaker::a_lost_update_is_in_the_log_and_in_no_answer", lost_update),
        claim("breaker::one_probe_too_many_is_named_though_each_may_be_let_through", too_many_probes),
        claim("breaker::the_kept_logs_are_what_is_recorded", kept),
    ]
}

const RECORDED: BreakerReader = BreakerReader { time_is_recorded: true };

fn judged(reader: BreakerReader, log: Log) -> ConformanceReport {
    let source = move || Log::new(log.events().to_vec());
    judged_live(reader, source)
}

fn judged_live(
    reader: BreakerReader,
    source: impl Fn() -> Result<Log, LogError> + Send + Sync + 'static,
) -> ConformanceReport {
    let check = circuit_breaker::check(model()).alongside_only();
    check.events(reader, source).run().cases.remove(0).conformance.remove(0)
}

/// Counts a thread that is done, or has panicked: nobody waits for it then.
struct Gone<'a>(&'a AtomicUsize);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Three callers, a clock and an operator, each a thread.
fn run_on_threads(seed: u64) -> Result<Log, LogError> {
    let (model, log) = (model(), EventLog::of(TARGET));
    let breaker = Logged::new(Binding::<CircuitBreaker>::new(&model), RECORDED);
    let breaker = &breaker;
    // Who is turned away waits for time to pass, and time passes when somebody waits for it.
    let (waiting, ticks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (callers_gone, clocks_gone) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (waiting, ticks, callers_gone, clocks_gone) = (&waiting, &ticks, &callers_gone, &clocks_gone);
    let mut threads: Vec<(String, Box<dyn FnOnce() + Send + '_>)> = Vec::new();
    for client in 0..model.clients {
        let work = move || {
            let _gone = Gone(callers_gone);
            let mut random = Pcg64::seed_from_u64(seed * 8 + u64::from(client));
            for _ in 0..40 {
                if breaker.call(&Action::Acquire { client }) == Answer::Admitted {
                    thread::yield_now();
                    breaker.call(&Action::Report { client, outcome: drawn(&mut random) });
                    continue;
                }
                let turned_away_at = ticks.load(Ordering::SeqCst);
                waiting.fetch_add(1, Ordering::SeqCst);
                while ticks.load(Ordering::SeqCst) == turned_away_at && clocks_gone.load(Ordering::SeqCst) == 0 {
                    thread::yield_now();
                }
                waiting.fetch_sub(1, Ordering::SeqCst);
            }
        };
        threads.push((format!("client {client}"), Box::new(work)));
    }
    let time_passes = || {
        let _gone = Gone(clocks_gone);
        while callers_gone.load(Ordering::SeqCst) < usize::from(model.clients) {
            if waiting.load(Ordering::SeqCst) > 0 {
                breaker.call(&Action::Tick);
                ticks.fetch_add(1, Ordering::SeqCst);
            }
            thread::yield_now();
        }
    };
    threads.push(("clock".into(), Box::new(time_passes)));
    let looks = || {
        (0..40).for_each(|_| {
            status(breaker);
            thread::yield_now();
        })
    };
    threads.push(("operator".into(), Box::new(looks)));
    log.on_threads(threads);
    Ok(log.recorded())
}

fn drawn(random: &mut Pcg64) -> Outcome {
    const LIKELY: [Outcome; 10] = [
        Outcome::Success,
        Outcome::Success,
        Outcome::Success,
        Outcome::Success,
        Outcome::Failure,
        Outcome::Failure,
        Outcome::Failure,
        Outcome::Panicked,
        Outcome::Cancelled,
        Outcome::Ignored,
    ];
    LIKELY[below(random, LIKELY.len())]
}

fn below(random: &mut Pcg64, bound: usize) -> usize {
    (random.next_u64() % bound as u64) as usize
}

fn real_threads() {
    for seed in 0..8 {
        let report = judged_live(RECORDED, move || run_on_threads(seed));
        assert_eq!(report.verdict, Agreement::Conforms, "{:?}", report.why);
        assert!(report.effort.steps() >= 200, "{} events were recorded", report.effort.steps());
    }
}

fn time_left_out() {
    let log = run_on_threads(0).expect("a log");
    let without = log.events().iter().filter(|recorded| recorded.event.name != "tick").cloned().collect();
    let without = Log::new(without).expect("a log");
    let hidden = judged(BreakerReader { time_is_recorded: false }, without.clone());
    assert_eq!(hidden.verdict, Agreement::Conforms, "{:?}", hidden.why);
    // It opened, and was asked again after the wait: nothing but time explains that.
    assert_eq!(judged(RECORDED, without).verdict, Agreement::Diverges);
}

/// Reads its state under the lock, changes a copy, and writes that back; as many callers as it has probes race, always.
struct LosesUpdates<const CALLERS: usize> {
    core: Mutex<Core>,
    together: Barrier,
}

impl<const CALLERS: usize> LosesUpdates<CALLERS> {
    fn change<T>(&self, change: impl FnOnce(&mut Core) -> T, races: impl FnOnce(&Core, &T) -> bool) -> T {
        let lock = || self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = lock().clone();
        let result = change(&mut copy);
        if races(&copy, &result) {
            self.together.wait();
        }
        *lock() = copy;
        result
    }
}

impl<const CALLERS: usize> SharedBreaker for LosesUpdates<CALLERS> {
    fn new(config: Config) -> Result<Self, ConfigError> {
        Core::new(config).map(|core| LosesUpdates { core: Mutex::new(core), together: Barrier::new(CALLERS) })
    }

    fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected> {
        let races = |core: &Core, result: &Result<Permit, Rejected>| {
            result.is_ok() && core.status(now_ms).phase == PhaseName::HalfOpen
        };
        self.change(|core| core.try_acquire(now_ms), races)
    }

    fn report(&self, permit: Permit, outcome: Ended, now_ms: u64) {
        self.change(|core| core.report(permit, outcome, now_ms), |_, ()| false);
    }

    fn status(&self, now_ms: u64) -> Status {
        self.core.lock().unwrap_or_else(PoisonError::into_inner).status(now_ms)
    }
}

/// Opens a breaker, waits, and lets `CALLERS` of its clients ask at once; then the operator looks.
fn race<const CALLERS: usize>() -> Log {
    let log = EventLog::of(TARGET);
    let breaker = Logged::new(Binding::<LosesUpdates<CALLERS>>::new(&model()), RECORDED);
    log.here(|| open(&breaker));
    thread::scope(|scope| {
        for client in 0..CALLERS as u8 {
            let (log, breaker) = (&log, &breaker);
            scope.spawn(move || log.here(|| breaker.call(&Action::Acquire { client })));
        }
    });
    log.here(|| status(&breaker));
    log.recorded()
}

fn open(breaker: &Logged<impl Shared<BreakerInterface>>) {
    for _ in 0..2 {
        breaker.call(&Action::Acquire { client: 0 });
        breaker.call(&Action::Report { client: 0, outcome: Outcome::Failure });
    }
    for _ in 0..model().open_wait_ticks {
        breaker.call(&Action::Tick);
    }
}

fn without(log: &Log, left_out: impl Fn(&Event) -> bool) -> Log {
    let rest: Vec<Recorded> = log.events().iter().filter(|recorded| !left_out(&recorded.event)).cloned().collect();
    Log::new(rest).expect("a part of a log is one")
}

fn lost_update() {
    let log = race::<2>();
    let answers = without(&log, |event| event.name == "status");
    assert_eq!(judged(RECORDED, answers).verdict, Agreement::Conforms, "the answers are those of a sound breaker");
    let report = judged(RECORDED, log.clone());
    assert_eq!(report.verdict, Agreement::Diverges);
    let why = report.why.unwrap_or_default();
    assert!(why.starts_with(&format!("line {}, status", log.events().len())), "{why}");
    assert!(why.contains("permits_left=1 phase=half-open"), "{why}");
    assert!(why.ends_with("; it could be explained if it did not say permits_left"), "{why}");
}

fn too_many_probes() {
    let log = race::<3>();
    let log = without(&log, |event| event.name == "status");
    let report = judged(RECORDED, log.clone());
    assert_eq!(report.verdict, Agreement::Diverges);
    // The last of the three to come back.
    let last = log.events().iter().max_by_key(|recorded| recorded.end).map(|recorded| recorded.event.clone());
    let last = last.expect("an event");
    let why = report.why.unwrap_or_default();
    assert!(why.contains(&format!("{last} by {}", last.actor)) && why.contains("answer=Admitted"), "{why}");
    let lines = log.events().len();
    for asked_at_once in lines - 3..lines {
        let mut two = log.events().to_vec();
        two.remove(asked_at_once);
        let two = Log::new(two).expect("a log");
        assert_eq!(judged(RECORDED, two).verdict, Agreement::Conforms, "any two of the three may be let through");
    }
}

/// Records on one thread what actors do one after the other, their calls overlapping.
#[derive(Default)]
struct Scribe {
    number: u64,
    events: Vec<Recorded>,
}

impl Scribe {
    fn begin(&mut self, event: Event) -> usize {
        self.number += 1;
        self.events.push(Recorded { begin: self.number, end: None, event });
        self.events.len() - 1
    }

    fn say(&mut self, place: usize, field: &str, value: impl serde::Serialize) {
        let event = std::mem::take(&mut self.events[place].event);
        self.events[place].event = event.with(field, value);
    }

    fn end(&mut self, place: usize) {
        self.number += 1;
        self.events[place].end = Some(self.number);
    }

    fn log(self) -> Log {
        Log::new(self.events).expect("numbers that only go up")
    }
}

/// What one of them is at.
#[derive(Clone, Copy)]
enum At {
    Idle,
    Begun(usize),
    Done(usize),
}

/// A run of the shipped breaker: whose turn it is to begin, to take effect and to end is drawn.
fn recorded_run(seed: u64, events: usize) -> Log {
    let (breaker, mut scribe) = (Binding::<CircuitBreaker>::new(&model()), Scribe::default());
    let mut random = Pcg64::seed_from_u64(seed);
    // Three clients, the clock, the operator; clients come more often.
    const TURNS: [usize; 14] = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4];
    let mut at = [At::Idle; 5];
    let mut admitted = [false; 3];
    let mut inputs = [Action::Tick; 4];
    while scribe.events.len() < events || at.iter().any(|at| !matches!(at, At::Idle)) {
        let actor = TURNS[below(&mut random, TURNS.len())];
        at[actor] = match at[actor] {
            At::Idle if scribe.events.len() == events => At::Idle,
            At::Idle => At::Begun(scribe.begin(match actor {
                4 => Event::new("operator", "status"),
                3 => Event::new("clock", "tick"),
                client => {
                    let (who, number) = (format!("client {client}"), client as u8);
                    if admitted[client] {
                        let outcome = drawn(&mut random);
                        inputs[client] = Action::Report { client: number, outcome };
                        let outcome = format!("{outcome:?}");
                        Event::new(who, "report").with("client", number).with("outcome", outcome)
                    } else {
                        inputs[client] = Action::Acquire { client: number };
                        Event::new(who, "acquire").with("client", number)
                    }
                }
            })),
            At::Begun(place) if actor == 4 => {
                let seen = breaker.observe().expect("a breaker shows its state");
                scribe.say(place, "phase", seen.phase);
                scribe.say(place, "calls", seen.calls);
                if let Some(permits_left) = seen.permits_left {
                    scribe.say(place, "permits_left", permits_left);
                }
                At::Done(place)
            }
            At::Begun(place) => {
                let answer = breaker.call(&inputs[actor]);
                if let Action::Acquire { .. } = inputs[actor] {
                    scribe.say(place, "answer", format!("{answer:?}"));
                }
                if actor < 3 {
                    admitted[actor] = answer == Answer::Admitted;
                }
                At::Done(place)
            }
            At::Done(place) => {
                scribe.end(place);
                At::Idle
            }
        };
    }
    scribe.log()
}

/// A run of a breaker that loses updates, in the one order that shows it.
fn recorded_run_of_a_defect() -> Log {
    let mut core = Core::new(config(&model())).expect("the model describes a breaker");
    let mut scribe = Scribe::default();
    let acquire = |scribe: &mut Scribe, client: u8| {
        scribe.begin(Event::new(format!("client {client}"), "acquire").with("client", client))
    };
    let answered = |scribe: &mut Scribe, place: usize, result: &Result<Permit, Rejected>| {
        scribe.say(place, "answer", if result.is_ok() { "Admitted" } else { "Rejected" });
        scribe.end(place);
    };
    for _ in 0..2 {
        let place = acquire(&mut scribe, 0);
        let result = core.try_acquire(0);
        answered(&mut scribe, place, &result);
        let event = Event::new("client 0", "report").with("client", 0).with("outcome", "Failure");
        let place = scribe.begin(event);
        core.report(result.expect("a closed breaker admits"), Ended::Failure, 0);
        scribe.end(place);
    }
    for _ in 0..model().open_wait_ticks {
        let place = scribe.begin(Event::new("clock", "tick"));
        scribe.end(place);
    }
    let now_ms = config(&model()).open_wait_ms;
    let places = [acquire(&mut scribe, 0), acquire(&mut scribe, 1)];
    let mut copies = [core.clone(), core];
    for (place, copy) in places.into_iter().zip(&mut copies) {
        let result = copy.try_acquire(now_ms);
        answered(&mut scribe, place, &result);
    }
    let [_, written_last] = copies;
    let status = written_last.status(now_ms);
    let place = scribe.begin(Event::new("operator", "status").with("phase", "half-open"));
    scribe.say(place, "permits_left", status.permits_left);
    scribe.end(place);
    scribe.log()
}

/// Set to write the kept logs instead of comparing them.
const UPDATE: &str = "COUNTERPART_UPDATE";

fn kept() {
    for (name, log) in [("breaker", recorded_run(2015, 240)), ("loses_updates", recorded_run_of_a_defect())] {
        let file: PathBuf = root().join("models/circuit_breaker/logs").join(name).with_extension("jsonl");
        if std::env::var_os(UPDATE).is_some() {
            log.write(&file).expect("the log can be written");
        }
        let text = fs::read_to_string(&file).expect("a log is kept");
        assert_eq!(text, log.to_json_lines(), "{name} is not what is recorded; write it anew with {UPDATE}=1");
        assert_eq!(Log::read(&file).expect("a log"), log);
    }
}
