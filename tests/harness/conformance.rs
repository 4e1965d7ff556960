//! Every way in which an implementation can go wrong, and what is said of it. The subject is a counter that wraps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use counterpart::check::{Case, Options};
use counterpart::conform::{self, Agreement, Effort, Job, Mode};
use counterpart::model::Simulated;
use counterpart::report::{CaseReport, ConformanceReport};
use counterpart::{Check, Counterpart};
use libtest_mimic::Trial;

use crate::claim;
use crate::toy::{At, DONE, Edge, FACE, Face, REFUSED, Say, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("conformance::a_right_counter_conforms_in_every_mode", right),
        claim("conformance::a_tour_drives_every_transition_refused_ones_as_well", coverage),
        claim("conformance::one_call_runs_an_implementation_in_every_sequential_mode", sequential),
        claim("conformance::a_wrong_answer_is_found_by_a_shortest_run", wrong_answer),
        claim("conformance::a_refused_input_that_changes_something_is_found", refused_changes),
        claim("conformance::a_right_answer_with_a_wrong_snapshot_is_found", wrong_snapshot),
        claim("conformance::a_panic_is_named_with_its_words", panics),
        claim("conformance::a_panic_on_being_made_is_named", panics_at_start),
        claim("conformance::an_implementation_that_never_answers_is_given_up", hangs),
        claim("conformance::an_answer_that_is_nan_is_named", nan),
        claim("conformance::a_nondeterministic_implementation_is_named", nondeterministic),
        claim("conformance::state_that_leaks_from_run_to_run_is_named", leaks_between_runs),
        claim("conformance::a_canonical_that_changes_behaviour_is_named", canonical),
        claim("conformance::unsupported_inputs_are_counted_and_not_driven", unsupported),
        claim("conformance::choices_that_nobody_took_are_counted", unchosen),
        claim("conformance::internal_steps_are_followed", internal_steps),
        claim("conformance::an_interface_without_labels_is_incomplete_not_a_pass", no_labels),
        claim("conformance::walks_go_beyond_the_bound_and_are_shrunk", beyond),
        claim("conformance::another_seed_walks_elsewhere_and_the_same_seed_does_not", seeds),
        claim("conformance::a_limit_makes_the_modes_incomplete", limits),
        claim("conformance::a_cut_makes_product_and_tour_incomplete", cut),
        claim(REPLAYED, replayed_by_environment),
        claim("conformance::a_divergence_replays_and_a_mended_implementation_does_not", replays),
    ]
}

/// Counts to `max` and then no further; `Wrap` takes it from `max` to 0.
#[derive(Clone, Copy)]
struct Counter {
    max: At,
    /// `Tire` takes it to 0 without anybody seeing it.
    tires: bool,
    /// `Add` may also add two.
    generous: bool,
}

impl Counter {
    fn toy(self) -> Toy {
        Toy::new((0..=self.max).flat_map(|at| {
            let tries = |name, to: Option<At>| Edge::new(at, to, name).says(if to.is_some() { DONE } else { REFUSED });
            let two = Some(at + 2).filter(|to| self.generous && *to <= self.max);
            [
                Some(tries("Add", Some(at + 1).filter(|to| *to <= self.max))),
                Some(tries("Wrap", (at == self.max).then_some(0))),
                Some(Edge::new(at, None, "Read").says(Say::Number(at.into()))),
                two.map(|to| Edge::new(at, to, "AddTwo").labelled("Add", DONE)),
                (self.tires && at > 0).then(|| Edge::new(at, 0, "Tire")),
            ]
            .into_iter()
            .flatten()
        }))
    }
}

const SHOWING: Face = Face { shows: true, ..FACE };
const COUNTER: Counter = Counter { max: 3, tires: false, generous: false };

/// What is wrong with an implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flaw {
    None,
    /// Reads one more at 2.
    Misreads,
    /// A refused `Wrap` at 1 counts.
    RefusalCounts,
    /// At 2 it is already at 3, and says nothing of it.
    RunsAhead,
    Panics,
    PanicsAtStart,
    Hangs,
    NotANumber,
    /// `canonical` forgets a count.
    ForgetsWhenCanonical,
    /// Resets itself when it is asked to add at 3, as a machine that tires would.
    Tires,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Ours {
    flaw: Flaw,
    count: At,
    max: At,
    shows: bool,
    wraps: bool,
}

fn ours(flaw: Flaw) -> Ours {
    assert!(flaw != Flaw::PanicsAtStart, "no counter today");
    Ours { flaw, count: 0, max: COUNTER.max, shows: false, wraps: true }
}

impl Counterpart<Face> for Ours {
    fn apply(&mut self, ask: &Word) -> Say {
        match (self.flaw, ask.0, self.count) {
            (Flaw::Panics, "Add", 2) => panic!("cannot add to two"),
            (Flaw::Hangs, "Wrap", 2) => loop {
                std::thread::park();
            },
            (Flaw::NotANumber, "Read", 2) => return Say::Number(f32::NAN),
            (Flaw::Misreads, "Read", 2) => return Say::Number(3.0),
            (Flaw::RefusalCounts, "Wrap", 1) => {
                self.count += 1;
                return REFUSED;
            }
            (Flaw::RunsAhead, "Add", 1) => {
                self.count = 3;
                return DONE;
            }
            (Flaw::Tires, "Add", 3) => {
                self.count = 1;
                return DONE;
            }
            _ => {}
        }
        match ask.0 {
            "Add" if self.count < self.max => self.count += 1,
            "Wrap" if self.count == self.max => self.count = 0,
            "Read" => return Say::Number(self.count.into()),
            _ => return REFUSED,
        }
        DONE
    }

    fn observe(&self) -> Option<At> {
        self.shows.then_some(self.count)
    }

    fn supports(&self, ask: &Word) -> bool {
        self.wraps || ask.0 != "Wrap"
    }

    fn canonical(&mut self) {
        if self.flaw == Flaw::ForgetsWhenCanonical && self.count == 2 {
            self.count = 1;
        }
    }
}

/// Long enough that a busy machine is not taken for a hang.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

fn run_on(model: Counter, job: Arc<dyn Job<Face>>) -> ConformanceReport {
    let check = Check::of(model.toy()).interface(SHOWING).answer_within(ANSWER_WITHIN).subject("subject", job);
    case_report(check).conformance.remove(0)
}

fn case_report(check: Check<Toy, Face>) -> CaseReport {
    let report = Case::new("toy/counter", check).run(&Options::default()).0;
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    report
}

fn jobs(make: impl Fn() -> Ours + Clone + Send + Sync + 'static) -> [Arc<dyn Job<Face>>; 3] {
    let (first, second) = (make.clone(), make.clone());
    [
        conform::Product::new().of(first),
        conform::Tour::new().of(second),
        conform::Walk::new().runs(50).steps(40).of(make),
    ]
}

/// In each sequential mode the flaw is found, by a run of so many steps, and said in these words.
#[track_caller]
fn found(flaw: Flaw, steps: usize, words: &str) {
    for job in jobs(move || ours(flaw)) {
        let report = run_on(COUNTER, job);
        let why = report.why.clone().unwrap_or_default();
        assert_eq!((report.verdict, why.contains(words)), (Agreement::Diverges, true), "{why}");
        let trace = report.evidence.expect("a divergence leaves a trace");
        assert_eq!(trace.len(), steps, "{} by {}", counterpart::view::trace(&trace), report.mode);
    }
}

fn right() {
    for job in jobs(|| ours(Flaw::None)) {
        let report = run_on(COUNTER, job);
        assert_eq!(report.verdict, Agreement::Conforms, "{report:?}");
    }
}

fn coverage() {
    // Four states, three inputs each: 3 + 1 that change something, 4 reads, 4 refusals.
    let report = run_on(COUNTER, conform::Tour::new().of(|| ours(Flaw::None)));
    assert_eq!((report.effort.edges(), report.verdict), ((12, 12), Agreement::Conforms));
}

/// The core is explored with the model, what is shared is toured within the bound and walked beyond it: each is found
/// where it alone is wrong.
fn sequential() {
    let larger = Counter { max: 7, ..COUNTER };
    let verdicts = |core: Flaw, shared: fn(At) -> Flaw| {
        let check = Check::of(COUNTER.toy()).interface(SHOWING).sequential(
            larger.toy(),
            conform::Walk::new().runs(50).steps(40),
            move |model| Ours { max: top(model), ..ours(core) },
            move |model| Ours { max: top(model), ..ours(shared(top(model))) },
        );
        let reports = case_report(check).conformance;
        reports.into_iter().map(|report| (report.mode, report.verdict)).collect::<Vec<_>>()
    };
    let right = |_| Flaw::None;
    let (conforms, diverges) = (Agreement::Conforms, Agreement::Diverges);
    let expected = |product, tour, walk| [(Mode::Product, product), (Mode::Tour, tour), (Mode::Walk, walk)];
    assert_eq!(verdicts(Flaw::None, right), expected(conforms, conforms, conforms));
    assert_eq!(verdicts(Flaw::Misreads, right), expected(diverges, conforms, conforms));
    assert_eq!(verdicts(Flaw::None, |_| Flaw::Misreads), expected(conforms, diverges, diverges));
    let beyond = |max| if max > COUNTER.max { Flaw::Misreads } else { Flaw::None };
    assert_eq!(verdicts(Flaw::None, beyond), expected(conforms, conforms, diverges));
}

/// How far a counter counts.
fn top(model: &Toy) -> At {
    model.edges.iter().map(|edge| edge.from).max().expect("a counter counts")
}

fn wrong_answer() {
    // Add, Add, Read.
    found(Flaw::Misreads, 3, "answers 3, the model allows 2");
}

fn refused_changes() {
    // Add, Wrap (refused, and counted), Read.
    found(Flaw::RefusalCounts, 3, "the model allows 1");
}

fn wrong_snapshot() {
    for job in jobs(|| Ours { shows: true, ..ours(Flaw::RunsAhead) }) {
        let report = run_on(COUNTER, job);
        let why = report.why.unwrap_or_default();
        assert!(why.contains("then shows 3, the model 2"), "{why}");
        assert_eq!(report.evidence.expect("a trace").len(), 2);
    }
}

fn panics() {
    found(Flaw::Panics, 3, "panics: cannot add to two");
}

fn panics_at_start() {
    found(Flaw::PanicsAtStart, 0, "no counter today");
}

fn hangs() {
    let [product, tour, walk] = jobs(|| ours(Flaw::Hangs));
    let report = run_on(COUNTER, product);
    assert!(report.why.as_ref().is_some_and(|why| why.contains("does not answer within 1500 ms")), "{report:?}");
    // Add, Add, Wrap: the product's run is a shortest one.
    assert_eq!(report.evidence.expect("a trace").len(), 3);
    for job in [tour, walk] {
        let report = run_on(COUNTER, job);
        assert_eq!(report.verdict, Agreement::Diverges);
        let trace = report.evidence.expect("a trace");
        let last = trace.steps.last().expect("a step");
        assert_eq!((last.input.as_str(), last.implementation.as_str()), ("Wrap", "no answer within 1500 ms"));
    }
}

fn nan() {
    found(Flaw::NotANumber, 3, "NaN does not equal itself");
}

/// One that answers by how often any of its kind was asked.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Moody(Ours);

static MOOD: AtomicU32 = AtomicU32::new(0);

impl Counterpart<Face> for Moody {
    fn apply(&mut self, ask: &Word) -> Say {
        match ask.0 {
            "Read" if MOOD.fetch_add(1, Ordering::SeqCst) % 97 == 96 => Say::Number(9.0),
            _ => self.0.apply(ask),
        }
    }
}

fn nondeterministic() {
    // It answers right 96 times, and what it does then does not come again.
    MOOD.store(0, Ordering::SeqCst);
    let report = run_on(COUNTER, conform::Walk::new().runs(50).steps(40).of(|| Moody(ours(Flaw::None))));
    let why = report.why.unwrap_or_default();
    assert!(report.verdict == Agreement::Diverges && why.contains("not deterministic"), "{why}");
    MOOD.store(90, Ordering::SeqCst);
    let report = run_on(COUNTER, conform::Product::new().of(|| Moody(ours(Flaw::None))));
    let why = report.why.unwrap_or_default();
    assert!(report.verdict == Agreement::Diverges && why.contains("not deterministic"), "{why}");
}

fn leaks_between_runs() {
    // A count that outlives the counter: the first run is right, the second begins where the first one ended.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    struct Leaky;
    impl Counterpart<Face> for Leaky {
        fn apply(&mut self, ask: &Word) -> Say {
            let mut inner = Ours { count: COUNT.load(Ordering::SeqCst) as At, ..ours(Flaw::None) };
            let say = inner.apply(ask);
            COUNT.store(inner.count.into(), Ordering::SeqCst);
            say
        }
    }
    let report = run_on(Counter { max: 3, ..COUNTER }, conform::Tour::new().of(|| Leaky));
    let why = report.why.unwrap_or_default();
    assert!(report.verdict == Agreement::Diverges && why.contains("not deterministic"), "{why}");
}

fn canonical() {
    let report = run_on(COUNTER, conform::Product::new().of(|| ours(Flaw::ForgetsWhenCanonical)));
    assert_eq!(report.verdict, Agreement::Diverges, "{report:?}");
    // Where it happens to stay a behaviour of the model, the walks beside the product find it: in a model that tires,
    // forgetting is allowed, and yet canonical() must not be what does it.
    let tiring = Counter { tires: true, ..COUNTER };
    let check = || {
        Check::of(tiring.toy())
            .interface(SHOWING)
            .subject("subject", conform::Product::new().of(|| ours(Flaw::ForgetsWhenCanonical)))
    };
    let report = case_report(check()).conformance.remove(0);
    assert_eq!(report.verdict, Agreement::Diverges, "{report:?}");
    let trace = report.evidence.expect("a trace");
    let again = Case::new("toy/counter", check().diverges("subject")).replay(&trace, &Options::default());
    assert!(again.as_ref().is_ok_and(|again| again.reproduces && again.as_expected), "{again:?}");
}

fn unsupported() {
    let report = run_on(COUNTER, conform::Tour::new().of(|| Ours { wraps: false, ..ours(Flaw::None) }));
    // Four states have a Wrap.
    assert_eq!((report.verdict, report.effort.edges()), (Agreement::Conforms, (12, 8)));
    assert_eq!(report.effort.coverage().map(|coverage| coverage.edges_unsupported), Some(4));
}

fn unchosen() {
    // AddTwo from 0 and from 1 has the label of Add. One that shows its state never takes it; of one that does not,
    // Read tells.
    for shows in [false, true] {
        let make = move || Ours { shows, ..ours(Flaw::None) };
        let report = run_on(Counter { generous: true, ..COUNTER }, conform::Tour::new().of(make));
        assert_eq!((report.verdict, report.effort.edges()), (Agreement::Conforms, (14, 12)), "{report:?}");
        let coverage = report.effort.coverage().expect("it is a tour");
        assert_eq!((coverage.edges_unchosen, coverage.edges_ambiguous), (2, 0), "{report:?}");
        let [named] = &coverage.unchosen[..] else { panic!("{:?}", coverage.unchosen) };
        let named =
            (named.action.as_str(), named.input.as_str(), named.output.as_str(), named.state.as_str(), named.states);
        assert_eq!(named, ("AddTwo", "Add", "Done", "0", 2));
    }
    let check = Check::of(Counter { generous: true, ..COUNTER }.toy()).interface(SHOWING);
    let check = check.subject("subject", conform::Tour::new().of(|| ours(Flaw::None)));
    let printed = counterpart::view::case(&case_report(check));
    assert!(printed.contains("never chosen by subject (tour): AddTwo (Add answered Done), in 2 states"), "{printed}");
}

fn internal_steps() {
    // The model may fall back to 0 unseen. One that falls back by itself conforms to it, and not to the strict one.
    let tiring = Counter { tires: true, ..COUNTER };
    for job in jobs(|| ours(Flaw::None)) {
        assert_eq!(run_on(tiring, job).verdict, Agreement::Conforms);
    }
    let report = run_on(tiring, conform::Tour::new().of(|| ours(Flaw::Tires)));
    assert_eq!(report.verdict, Agreement::Conforms, "{report:?}");
    assert_eq!(run_on(COUNTER, conform::Tour::new().of(|| ours(Flaw::Tires))).verdict, Agreement::Diverges);
}

fn no_labels() {
    let mute = Face { mute: true, ..FACE };
    let (model, interface) = (Arc::new(COUNTER.toy()), Arc::new(mute));
    let make = move || Simulated::new(&model, &interface);
    let (first, second) = (make.clone(), make.clone());
    let check = Check::of(COUNTER.toy())
        .interface(mute)
        .subject("product", conform::Product::new().of(first))
        .subject("tour", conform::Tour::new().of(second))
        .subject("walk", conform::Walk::new().runs(5).steps(5).of(make));
    let report = Case::new("toy/mute", check).run(&Options::default()).0;
    let verdicts: BTreeMap<&str, &str> =
        report.conformance.iter().map(|subject| (subject.subject.as_str(), subject.verdict.name())).collect();
    assert_eq!(verdicts, BTreeMap::from([("product", "incomplete"), ("tour", "incomplete"), ("walk", "incomplete")]));
}

fn beyond() {
    // It counts to 3 as the explored model does, and stops there although the walked one goes on to 9.
    let larger = Arc::new(Counter { max: 9, ..COUNTER }.toy());
    let report = run_on(COUNTER, conform::Walk::new().beside(larger).runs(50).steps(60).of(|| ours(Flaw::None)));
    assert_eq!(report.verdict, Agreement::Diverges);
    // Add four times, and be refused.
    assert_eq!(report.evidence.expect("a trace").len(), 4);
}

fn seeds() {
    let steps = |seed| {
        let check = Check::of(COUNTER.toy())
            .interface(SHOWING)
            .subject("subject", conform::Walk::new().runs(20).steps(100).of(|| ours(Flaw::None)));
        let mut options = Options::default();
        options.seed = seed;
        let report = Case::new("toy/counter", check).run(&options).0;
        let Effort::Walk { seed: walked, steps, .. } = report.conformance[0].effort else { panic!("{report:?}") };
        assert_eq!(walked, seed);
        steps
    };
    assert_eq!(steps(1), steps(1));
    assert_ne!(steps(1), steps(2));
}

fn limits() {
    let mut options = Options::default();
    options.budget.states_max = 2;
    let check = jobs(|| ours(Flaw::None))
        .into_iter()
        .fold(Check::of(COUNTER.toy()).interface(SHOWING), |check, job| check.subject("subject", job));
    let report = Case::new("toy/counter", check).run(&options).0;
    for subject in &report.conformance {
        let incomplete = subject.verdict == Agreement::Incomplete;
        assert_eq!(incomplete, subject.mode != Mode::Walk, "{subject:?}");
    }
}

/// What lies beyond the boundary was not looked at: that the rest conforms is not the whole of it.
fn cut() {
    let [product, tour, walk] = jobs(|| ours(Flaw::None));
    for (job, verdict) in [(product, Agreement::Incomplete), (tour, Agreement::Incomplete), (walk, Agreement::Conforms)]
    {
        let check = Check::of(COUNTER.toy().bound(2)).interface(SHOWING).answer_within(ANSWER_WITHIN);
        let report = case_report(check.subject("subject", job)).conformance.remove(0);
        assert_eq!(report.verdict, verdict, "{report:?}");
    }
}

fn replays() {
    let with = |flaw| {
        let check =
            Check::of(COUNTER.toy()).interface(SHOWING).subject("subject", conform::Tour::new().of(move || ours(flaw)));
        Case::new("toy/counter", if flaw == Flaw::None { check } else { check.diverges("subject") })
    };
    let (report, _) = with(Flaw::Misreads).run(&Options::default());
    let trace = report.conformance[0].evidence.clone().expect("a trace");
    let again = with(Flaw::Misreads).replay(&trace, &Options::default()).expect("it replays");
    assert!(again.reproduces && again.as_expected, "{again:?}");
    let mended = with(Flaw::None).replay(&trace, &Options::default()).expect("it replays");
    assert!(!mended.reproduces && mended.as_expected, "{mended:?}");
    let otherwise = with(Flaw::Panics).replay(&trace, &Options::default()).expect("it replays");
    assert!(!otherwise.as_expected, "{otherwise:?}");
}

const REPLAYED: &str = "conformance::a_test_outside_the_catalogue_replays_the_file_it_is_given";

/// Runs itself again with the variable set: the test then does nothing but replay, and fails as the file says.
fn replayed_by_environment() {
    let check = || {
        let check = Check::of(COUNTER.toy()).interface(SHOWING).named("a_test_of_mine");
        check.subject("subject", conform::Tour::new().of(|| ours(Flaw::Misreads)))
    };
    const VARIABLE: &str = "COUNTERPART_REPLAY";
    if std::env::var_os(VARIABLE).is_some() {
        return check().assert();
    }
    let report = check().run();
    let trace = report.cases[0].conformance[0].evidence.clone().expect("a trace");
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("mine.json");
    trace.write(&file).expect("the folder can be written");
    let this = std::env::current_exe().expect("a test has a binary");
    let child = std::process::Command::new(this).args(["--exact", REPLAYED]).env(VARIABLE, &file).output();
    let child = child.expect("the binary runs");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(!child.status.success() && said.contains("diverges as recorded, at step 3"), "{said}");
    // A file that is none is an error of the test, with its place.
    std::fs::write(&file, "no trace").expect("the folder can be written");
    let this = std::env::current_exe().expect("a test has a binary");
    let child = std::process::Command::new(this).args(["--exact", REPLAYED]).env(VARIABLE, &file).output();
    let said = child.expect("the binary runs").stdout;
    assert!(String::from_utf8_lossy(&said).contains("mine.json:1:2: not a complete JSON document"));
}
