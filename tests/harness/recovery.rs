//! Recovery: what is demanded of an implementation once the faults are over, and what shows that it was demanded.

use std::sync::Arc;

use counterpart::check::Options;
use counterpart::conform::Recovery;
use counterpart::model::Simulated;
use counterpart::trace::Trace;
use counterpart::{Case, Check, Counterpart, Interface};
use libtest_mimic::Trial;
use stateright::{Model, Property};

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("recovery::a_pump_that_is_repaired_runs_again", repaired),
        claim("recovery::one_that_stays_broken_is_shown_by_a_shortest_way_into_it", stays_broken),
        claim("recovery::where_nothing_had_to_recover_nothing_was_shown", vacuous),
        claim("recovery::nothing_waits_for_ever_behind_what_is_always_new", crowded),
        claim("recovery::faults_end", faults_end),
        claim("recovery::where_it_may_be_elsewhere_it_has_not_recovered", elsewhere),
        claim("recovery::a_wrong_answer_on_the_way_is_a_wrong_answer", wrong_answer),
        claim("recovery::a_trace_of_it_replays", replays),
        claim("recovery::two_runs_of_one_name_and_mode_are_refused", twice),
    ]
}

/// A pump that breaks down and is repaired, or scrapped, and makes noises.
#[derive(Clone, Debug)]
struct Pump {
    may_be_scrapped: bool,
    noise_max: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pumping {
    Runs,
    Broken,
    Scrapped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Break,
    Repair,
    Scrap,
    Noise(u8),
}

impl Model for Pump {
    type State = (Pumping, u8);
    type Action = Does;

    fn init_states(&self) -> Vec<(Pumping, u8)> {
        vec![(Pumping::Runs, 0)]
    }

    fn actions(&self, (_, noise): &(Pumping, u8), actions: &mut Vec<Does>) {
        if self.noise_max > 0 {
            actions.push(Does::Noise(*noise));
        }
        actions.extend([Does::Break, Does::Repair]);
        if self.may_be_scrapped {
            actions.push(Does::Scrap);
        }
    }

    fn next_state(&self, (pumping, noise): &(Pumping, u8), action: Does) -> Option<(Pumping, u8)> {
        match (pumping, action) {
            (_, Does::Noise(_)) => Some((*pumping, (noise + 1) % self.noise_max)),
            (Pumping::Runs, Does::Break) => Some((Pumping::Broken, *noise)),
            (Pumping::Broken, Does::Repair) => Some((Pumping::Runs, *noise)),
            (Pumping::Broken, Does::Scrap) => Some((Pumping::Scrapped, *noise)),
            _ => None,
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::sometimes("it breaks", |_, (pumping, _)| *pumping == Pumping::Broken)]
    }
}

struct PumpInterface;

impl Interface for PumpInterface {
    type Model = Pump;
    type Input = Does;
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Pump, from: &(Pumping, u8), action: &Does, to: Option<&(Pumping, u8)>) -> Option<(Does, bool)> {
        Some((*action, to.unwrap_or(from).0 == Pumping::Runs))
    }
}

fn runs(_: &Pump, (pumping, _): &(Pumping, u8)) -> bool {
    *pumping == Pumping::Runs
}

fn recovery() -> Recovery<PumpInterface> {
    Recovery::new(runs).without(|input| matches!(input, Does::Break | Does::Scrap)).after(20).within(30)
}

fn simulated(pump: &Pump) -> impl Fn() -> Simulated<PumpInterface> + Send + Sync + 'static {
    let (model, interface) = (Arc::new(pump.clone()), Arc::new(PumpInterface));
    move || Simulated::new(&model, &interface)
}

fn check(pump: &Pump, recovery: Recovery<PumpInterface>) -> Check<Pump, PumpInterface> {
    Check::of(pump.clone()).named("pump").interface(PumpInterface).subject("pump", recovery.of(simulated(pump)))
}

const SOUND: Pump = Pump { may_be_scrapped: false, noise_max: 0 };

fn repaired() {
    let report = check(&SOUND, recovery()).run();
    report.assert();
    let subject = &report.cases[0].conformance[0];
    let needed: usize = subject.bounds["runs that had to recover"].parse().expect("a number");
    assert!(needed > 10 && needed < 64, "{needed}");
}

/// Nothing it answers is wrong: a scrapped pump does not run, and the model says so.
fn stays_broken() {
    let report = check(&Pump { may_be_scrapped: true, ..SOUND }, recovery()).diverges("pump").run();
    report.assert();
    let trace = report.cases[0].conformance[0].evidence.as_ref().expect("a trace");
    let faults: Vec<&str> = trace.steps[1..3].iter().map(|step| step.input.as_str()).collect();
    assert_eq!(faults, ["Break", "Scrap"]);
    assert_eq!(trace.steps.len(), 1 + 2 + 30);
    assert!(trace.because.contains("no fault after step 2, and 30 steps later"), "{}", trace.because);
}

fn vacuous() {
    let always = Recovery::new(|_, _| true).without(|input| *input == Does::Break);
    let report = check(&SOUND, always).run();
    let subject = &report.cases[0].conformance[0];
    assert_eq!(subject.verdict, "incomplete");
    assert!(subject.why.as_ref().is_some_and(|why| why.contains("had to recover from")), "{:?}", subject.why);
}

/// Two hundred kinds of noise, each new for a long time: a repair must have its turn among them.
fn crowded() {
    check(&Pump { noise_max: 200, ..SOUND }, recovery().within(70)).assert();
    let short = check(&Pump { noise_max: 200, ..SOUND }, recovery().within(0));
    short.diverges("pump").assert();
}

/// Warms up step by step; whoever opens the window begins anew.
struct Oven;

impl Model for Oven {
    type State = u8;
    type Action = &'static str;

    fn init_states(&self) -> Vec<u8> {
        vec![3]
    }

    fn actions(&self, _: &u8, actions: &mut Vec<&'static str>) {
        actions.extend(["heat", "open"]);
    }

    fn next_state(&self, degrees: &u8, action: &'static str) -> Option<u8> {
        Some(if action == "heat" { (degrees + 1).min(3) } else { 0 })
    }
}

/// Nobody sees how warm it is.
struct OvenInterface;

impl Interface for OvenInterface {
    type Model = Oven;
    type Input = &'static str;
    type Output = ();
    type Snapshot = ();

    fn label(&self, _: &Oven, _: &u8, action: &&'static str, _: Option<&u8>) -> Option<(&'static str, ())> {
        Some((action, ()))
    }
}

/// With a window that goes on being opened in turn it would never be warm.
fn faults_end() {
    let check = |recovery: Recovery<OvenInterface>| {
        let oven = || Simulated::new(&Arc::new(Oven), &Arc::new(OvenInterface));
        Check::of(Oven).named("oven").interface(OvenInterface).subject("oven", recovery.of(oven))
    };
    let warm = || Recovery::new(|_: &Oven, degrees: &u8| *degrees == 3);
    check(warm().without(|input| *input == "open")).assert();
    check(warm()).diverges("oven").assert();
}

/// A coin that nobody looks at.
struct Coin;

impl Model for Coin {
    type State = &'static str;
    type Action = &'static str;

    fn init_states(&self) -> Vec<&'static str> {
        vec!["in the hand"]
    }

    fn actions(&self, coin: &&'static str, actions: &mut Vec<&'static str>) {
        if *coin == "in the hand" {
            actions.extend(["heads", "tails"]);
        }
    }

    fn next_state(&self, _: &&'static str, side: &'static str) -> Option<&'static str> {
        Some(side)
    }
}

struct CoinInterface;

impl Interface for CoinInterface {
    type Model = Coin;
    type Input = ();
    type Output = ();
    type Snapshot = ();

    fn label(&self, _: &Coin, _: &&'static str, _: &&'static str, _: Option<&&'static str>) -> Option<((), ())> {
        Some(((), ()))
    }
}

fn elsewhere() {
    struct Thrown;
    impl Counterpart<CoinInterface> for Thrown {
        fn apply(&mut self, (): &()) {}
    }
    let check = |goal: fn(&Coin, &&'static str) -> bool| {
        Check::of(Coin)
            .named("coin")
            .interface(CoinInterface)
            .subject("coin", Recovery::new(goal).after(1).of(|| Thrown))
    };
    check(|_, coin| *coin != "in the hand").assert();
    check(|_, coin| *coin == "heads").diverges("coin").assert();
}

fn wrong_answer() {
    struct Silent;
    impl Counterpart<PumpInterface> for Silent {
        fn apply(&mut self, _: &Does) -> bool {
            true
        }
    }
    let check = Check::of(SOUND).interface(PumpInterface).subject("silent", recovery().of(|| Silent));
    let report = check.diverges("silent").run();
    report.assert();
    let trace = report.cases[0].conformance[0].evidence.as_ref().expect("a trace");
    assert_eq!(trace.steps.len(), 2, "to break is enough");
}

fn replays() {
    let pump = Pump { may_be_scrapped: true, ..SOUND };
    let case = Case::new("toy/pump", check(&pump, recovery()).diverges("pump"));
    let (report, _) = case.run(&Options::default());
    let trace = report.conformance[0].evidence.clone().expect("a trace");
    let replayed = case.replay(&trace, &Options::default()).expect("it replays");
    assert!(replayed.reproduces, "{}", replayed.summary());

    // One that is repaired at last reproduces nothing, and a count that is none is said to be none.
    let mut doctored = trace.clone();
    doctored.extra.insert("faults-end-after".into(), "many".into());
    let error = case.replay(&doctored, &Options::default()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("no number of steps"), "{error}");
    let earlier = ending_early(trace);
    let replayed = case.replay(&earlier, &Options::default()).expect("it replays");
    assert!(!replayed.reproduces, "the pump ran after the first step of it");
}

/// As if faults had ended before the first step, after which the pump still ran.
fn ending_early(mut trace: Trace) -> Trace {
    trace.extra.insert("faults-end-after".into(), "0".into());
    let mut first = trace.steps[1].clone();
    (first.action, first.input) = ("Repair".into(), "Repair".into());
    (first.output, first.implementation) = ("true".into(), "true".into());
    first.state = trace.steps[0].state.clone();
    trace.steps.insert(1, first);
    trace
}

fn twice() {
    let check = check(&SOUND, recovery()).subject("pump", recovery().of(simulated(&SOUND)));
    let report = check.run();
    assert!(!report.as_expected);
    assert!(report.cases[0].errors[0].contains("run twice in mode walk"), "{:?}", report.cases[0].errors);
}
