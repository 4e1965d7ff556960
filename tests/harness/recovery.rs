//! Recovery: what is demanded of an implementation once the faults are over, and what shows that it was demanded.

use std::sync::Arc;

use counterpart::check::Options;
use counterpart::conform::{Agreement, Effort, Recovery};
use counterpart::model::Simulated;
use counterpart::trace::Trace;
use counterpart::{Case, Check, Counterpart};
use libtest_mimic::Trial;
use stateright::Property;

use crate::claim;
use crate::toy::{At, DONE, Edge, FACE, Face, Say, Toy, Word};

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
#[derive(Clone, Copy)]
struct Pump {
    may_be_scrapped: bool,
    noise_max: u16,
}

/// A state is one of these, and three times a noise.
const RUNS: At = 0;
const BROKEN: At = 1;
const SCRAPPED: At = 2;

impl Pump {
    fn toy(self) -> Toy {
        let mut toy = Toy::new([]).own(|| vec![Property::sometimes("it breaks", |_, at| at % 3 == BROKEN)]);
        for (noise, pumping) in (0..self.noise_max.max(1)).flat_map(|noise| [0, 1, 2].map(|pumping| (noise, pumping))) {
            let mut step = |name: Word, to: Option<At>| {
                let edge = Edge::new(3 * noise + pumping, to, name);
                toy.push(edge.says(to.map_or(pumping, |to| to % 3) == RUNS));
            };
            if self.noise_max > 0 {
                step(Word("Noise", Some(noise)), Some((noise + 1) % self.noise_max * 3 + pumping));
            }
            let becomes = |from, to| (pumping == from).then_some(3 * noise + to);
            step("Break".into(), becomes(RUNS, BROKEN));
            step("Repair".into(), becomes(BROKEN, RUNS));
            if self.may_be_scrapped {
                step("Scrap".into(), becomes(BROKEN, SCRAPPED));
            }
        }
        toy
    }
}

fn runs(_: &Toy, at: &At) -> bool {
    at % 3 == RUNS
}

fn recovery() -> Recovery<Face> {
    Recovery::new(runs).without(|input: &Word| ["Break", "Scrap"].contains(&input.0)).after(20).within(30)
}

fn simulated(pump: &Pump) -> impl Fn() -> Simulated<Face> + Send + Sync + 'static {
    let (model, interface) = (Arc::new(pump.toy()), Arc::new(FACE));
    move || Simulated::new(&model, &interface)
}

fn check(pump: &Pump, recovery: Recovery<Face>) -> Check<Toy, Face> {
    Check::of(pump.toy()).named("pump").interface(FACE).subject("pump", recovery.of(simulated(pump)))
}

const SOUND: Pump = Pump { may_be_scrapped: false, noise_max: 0 };

fn repaired() {
    let report = check(&SOUND, recovery()).run();
    report.assert();
    let subject = &report.cases[0].conformance[0];
    let Effort::Recovery { runs_needed: needed, .. } = subject.effort else { panic!("{subject:?}") };
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
    let always = Recovery::new(|_, _| true).without(|input: &Word| input.0 == "Break");
    let report = check(&SOUND, always).run();
    let subject = &report.cases[0].conformance[0];
    assert_eq!(subject.verdict, Agreement::Incomplete);
    assert!(subject.why.as_ref().is_some_and(|why| why.contains("had to recover from")), "{:?}", subject.why);
}

/// Two hundred kinds of noise, each new for a long time: a repair must have its turn among them.
fn crowded() {
    check(&Pump { noise_max: 200, ..SOUND }, recovery().within(70)).assert();
    let short = check(&Pump { noise_max: 200, ..SOUND }, recovery().within(0));
    short.diverges("pump").assert();
}

/// Warms up step by step, which nobody sees; whoever opens the window begins anew.
fn oven() -> Toy {
    let heats = |degrees: At| Edge::new(degrees, (degrees + 1).min(3), "heat").says(DONE);
    let opens = |degrees: At| Edge::new(degrees, 0, "open").says(DONE);
    Toy::new((0..=3).flat_map(|degrees| [heats(degrees), opens(degrees)])).starting(&[3])
}

/// With a window that goes on being opened in turn it would never be warm.
fn faults_end() {
    let check = |recovery: Recovery<Face>| {
        let simulated = || Simulated::new(&Arc::new(oven()), &Arc::new(FACE));
        Check::of(oven()).named("oven").interface(FACE).subject("oven", recovery.of(simulated))
    };
    let warm = || Recovery::new(|_: &Toy, degrees: &At| *degrees == 3);
    check(warm().without(|input: &Word| input.0 == "open")).assert();
    check(warm()).diverges("oven").assert();
}

/// A coin that nobody looks at: in the hand, heads, tails.
fn coin() -> Toy {
    Toy::new([("heads", 1), ("tails", 2)].map(|(side, to)| Edge::new(0, to, side).labelled("throw", DONE)))
}

fn elsewhere() {
    struct Thrown;
    impl Counterpart<Face> for Thrown {
        fn apply(&mut self, _: &Word) -> Say {
            DONE
        }
    }
    let check = |goal: fn(&Toy, &At) -> bool| {
        Check::of(coin()).named("coin").interface(FACE).subject("coin", Recovery::new(goal).after(1).of(|| Thrown))
    };
    check(|_, coin| *coin != 0).assert();
    check(|_, coin| *coin == 1).diverges("coin").assert();
}

fn wrong_answer() {
    struct Silent;
    impl Counterpart<Face> for Silent {
        fn apply(&mut self, _: &Word) -> Say {
            true.into()
        }
    }
    let check = Check::of(SOUND.toy()).interface(FACE).subject("silent", recovery().of(|| Silent));
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
    assert!(report.cases[0].errors[0].contains("run twice in mode recovery"), "{:?}", report.cases[0].errors);
}
