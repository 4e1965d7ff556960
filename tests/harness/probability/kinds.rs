//! Chance as kinds of property: judged, expected, reported, shown and replayed as the others are.

use counterpart::check::{Case, Options};
use counterpart::explore::Budget;
use counterpart::model::{Bound, Chance, FairKey, Kind, Spec, Temporal};
use counterpart::report::{CaseReport, Outcome, PropertyReport, Value};
use counterpart::trace::Trace;
use counterpart::verdict::{Lasso, LassoError, Verdict, check_end_component};
use counterpart::{Check, view};
use libtest_mimic::Trial;

use super::coin::{Coin, CoinSpec, Shared, Step};
use super::toy::{FAIR, Process, reaches_goal};
use crate::claim;
use crate::toy::{At, Edge, Take, Toy, ToySpec};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("probability::coin2_is_a_check", coin2),
        claim("probability::a_coin_that_is_not_drawn_is_laid_tails_up_for_ever", not_drawn),
        claim("probability::who_may_rest_must_be_fair", resting),
        claim("probability::what_is_enabled_now_and_then_asks_for_strong_fairness", strong),
        claim("probability::fairness_is_to_choices_and_not_to_outcomes", outcomes),
        claim("probability::a_cut_leaves_open_what_no_component_shows", cut),
        claim("probability::values_are_reported_with_their_extreme", values),
        claim("probability::a_bound_at_the_value_cannot_be_told", at_the_value),
        claim("probability::what_makes_no_sense_is_said", nonsense),
        claim("probability::a_trace_that_is_no_end_component_any_more_is_told", replayed),
    ]
}

fn report<M: counterpart::model::CheckedModel>(check: &Check<M>) -> CaseReport {
    check.run().cases.remove(0)
}

#[track_caller]
fn property<'a>(report: &'a CaseReport, name: &str) -> &'a PropertyReport {
    report.properties.iter().find(|property| property.name == name).unwrap_or_else(|| panic!("no {name:?}"))
}

/// The coin of two processes with what is promised of it.
struct Promising;

impl Spec for Promising {
    type Model = Coin;

    fn temporal(&self) -> Vec<Temporal<Coin>> {
        let all_one = |_: &Coin, state: &Shared| state.is_finished() && state.is_unanimous(true);
        let finished = |_: &Coin, state: &Shared| state.is_finished();
        vec![
            Temporal::eventually("both finish on every run", finished),
            Temporal::almost_surely("both finish", finished),
            Temporal::almost_surely("both decide 1", all_one),
            Temporal::probability("one is likely", all_one).at_least(0.38),
            Temporal::probability("one is likelier", all_one).at_least(0.39),
            Temporal::probability("one is not too likely", all_one).at_most(0.7),
            Temporal::reward("steps", finished, |_, _, _| 1.0).at_most(75.1),
            Temporal::reward("flips", finished, |_, _, step| f64::from(u8::from(matches!(step, Step::Flip { .. }))))
                .at_least(15.9),
            Temporal::reward("steps to agree", all_one, |_, _, _| 1.0).at_most(1e9),
        ]
    }

    fn chance(&self, coin: &Coin, state: &Shared, step: &Step) -> Option<Chance> {
        CoinSpec.chance(coin, state, step)
    }
}

fn coin2() {
    let check = Check::of(Coin { k: 2 })
        .spec(Promising)
        .violates("both finish on every run")
        .violates("both decide 1")
        .violates("one is likelier")
        .violates("steps to agree");
    check.assert();
    let report = report(&check);
    assert_eq!(report.referee.as_ref().map(|referee| referee.agrees), Some(true));
    let value = |name: &str| property(&report, name).value;
    // 49/128, as published rounded to 0.382812, is exact in nine digits.
    assert_eq!(value("one is likely"), Some(Value::Finite(0.382_812_5)));
    assert_eq!(value("one is likelier"), value("one is likely"));
    // Heads and tails are alike: the most for one is one less the least for the other, and their difference.
    assert!(matches!(value("one is not too likely"), Some(Value::Finite(value)) if (0.5..0.7).contains(&value)));
    assert_eq!(value("steps"), Some(Value::Finite(75.0)));
    // A third of the least 48 steps.
    assert_eq!(value("flips"), Some(Value::Finite(16.0)));
    assert_eq!(value("steps to agree"), Some(Value::Infinite));
    assert_eq!(value("both finish"), None);
    // Both stand still at the end, decided otherwise.
    let missed = property(&report, "both decide 1");
    assert_eq!(missed.loop_len, Some(1));
    let because = &missed.evidence.as_ref().expect("a trace").because;
    assert!(because.contains("in the last state for ever"), "{because}");
    let likelier = property(&report, "one is likelier");
    assert!(likelier.trace.is_none() && likelier.evidence.is_none());
    assert!(likelier.why.as_ref().is_some_and(|why| why.contains("no single run shows it")), "{:?}", likelier.why);
    assert_eq!(check.run().to_json(), check.run().to_json());
}

const HAND: At = 0;
const TAILS: At = 1;
const HEADS: At = 2;
const POCKET: At = 3;

/// A coin that is tossed until it shows heads, and, where it may `rest`, put away to be taken up again. It is `drawn`, or
/// laid as the scheduler likes, and tossing is under `fair`.
fn tossed(rest: bool, drawn: bool, fair: Option<FairKey>) -> Toy {
    let toss = |to, name: &'static str| Edge {
        keys: fair.into_iter().collect(),
        chance: drawn.then_some((0, 1)),
        ..Edge::new(HAND, to, name)
    };
    let away = rest.then(|| Edge::new(HAND, POCKET, "put away"));
    let up = [TAILS, POCKET].map(|from| Edge::new(from, HAND, "pick up"));
    Toy::new([toss(TAILS, "toss tails"), toss(HEADS, "toss heads")].into_iter().chain(up).chain(away))
}

fn is_toss(take: &Take) -> bool {
    take.name.0.starts_with("toss")
}

fn heads() -> Vec<Temporal<Toy>> {
    vec![Temporal::almost_surely("heads", |_, at| *at == HEADS)]
}

fn fair_heads() -> Vec<Temporal<Toy>> {
    heads().into_iter().map(|heads| heads.under(FAIR)).collect()
}

fn toss(rest: bool, drawn: bool, fair: Option<FairKey>, promises: fn() -> Vec<Temporal<Toy>>) -> Check<Toy> {
    Check::of(tossed(rest, drawn, fair)).named("toy/toss").spec(ToySpec::new(promises))
}

fn not_drawn() {
    toss(false, true, None, heads).assert();
    let check = toss(false, false, None, heads).violates("heads");
    check.assert();
    let report = report(&check);
    let heads = property(&report, "heads");
    let trace = heads.evidence.as_ref().expect("a trace");
    assert_eq!((heads.kind, heads.steps, heads.loop_len), (Kind::AlmostSurely, Some(2), Some(2)));
    let actions: Vec<&str> = trace.steps.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(actions, ["", "toss tails", "pick up"]);
    assert!(trace.because.contains("keep the run in 2 states for ever"), "{}", trace.because);
    let shown = view::trace(trace);
    assert!(shown.contains("violates almost surely \"heads\""), "{shown}");
    assert!(shown.contains("and on from step 0, round and round as it is drawn, for ever"), "{shown}");
    assert!(view::case(&report).contains("a scheduler can keep away, in loops as one of 2"), "{}", view::case(&report));
    let replayed = Case::new("toy/toss", check).replay(trace, &Options::default()).expect("it is followed");
    assert!(replayed.reproduces && replayed.as_expected, "{}", replayed.summary());
    assert!(replayed.summary().contains("into 2 states found again"), "{}", replayed.summary());
}

fn resting() {
    toss(true, true, None, heads).violates("heads").assert();
    // In the pocket nothing can be tossed: to toss is not enabled all the time.
    toss(true, true, Some(FairKey::weak(FAIR)), fair_heads).violates("heads").assert();
    toss(true, true, Some(FairKey::strong(FAIR)), fair_heads).assert();
    // Who rests with the coin in hand is in one state, in which it can be tossed.
    let idle = Process::of(&[(0, &[(0, 1)]), (0, &[(0, 1), (1, 1)])]);
    let idle = Process { goal: vec![1], keys: vec![(1, 0, FairKey::weak(FAIR)), (1, 1, FairKey::weak(FAIR))], ..idle };
    let check = Check::of(idle.toy()).spec(reaches_goal()).violates("under all schedulers");
    check.assert();
    let report = report(&check);
    let fairness = property(&report, "under fair ones").fairness.as_ref().expect("fairness was assumed");
    assert_eq!((fairness.weak, fairness.strong, fairness.states), (1, 0, 1));
    // Fairness that is never spoken of is none.
    let silent =
        Check::of(Process { goal: vec![1], ..Process::of(&[(0, &[(0, 1), (1, 1)])]) }.toy()).spec(reaches_goal()).run();
    let why = property(&silent.cases[0], "under fair ones").why.clone().unwrap_or_default();
    assert!(why.contains("vacuous: no enabled action is under"), "{why}");
}

fn strong() {
    // 0 and 1 in turn; at 0 a coin that may lead to the goal, 2.
    let turns = Process::of(&[(0, &[(1, 1)]), (1, &[(0, 1)]), (0, &[(0, 1), (2, 1)])]);
    let under = |key: FairKey| {
        let toy = Process { goal: vec![2], keys: vec![(2, 1, key)], ..turns.clone() };
        Check::of(toy.toy()).spec(reaches_goal()).violates("under all schedulers")
    };
    under(FairKey::weak(FAIR)).violates("under fair ones").assert();
    under(FairKey::strong(FAIR)).assert();
    // Taking out 0, where the coin can be tossed, leaves 1 and 3, where one can go round.
    let beside = Process {
        choices: [turns.choices.clone(), vec![(1, vec![(3, 1)]), (3, vec![(1, 1)])]].concat(),
        goal: vec![2],
        keys: vec![(2, 1, FairKey::strong(FAIR))],
        ..turns
    };
    let check =
        Check::of(beside.toy()).spec(reaches_goal()).violates("under all schedulers").violates("under fair ones");
    check.assert();
    let report = report(&check);
    let fair = property(&report, "under fair ones").evidence.as_ref().expect("a trace");
    assert_eq!((fair.len(), fair.loop_start), (3, Some(1)));
    assert!(fair.because.contains("in 2 states for ever, whatever that is, and be fair"), "{}", fair.because);
}

fn outcomes() {
    // Strong fairness to an outcome that the coin need not show: to toss again and again is to be fair to it, and with
    // it to come to the goal almost surely, or, where the outcome leads back, never.
    let to = |to: At| Process {
        goal: vec![2],
        keys: vec![(0, 1, FairKey::strong(FAIR))],
        ..Process::of(&[(0, &[(0, 1), (to, 1)]), (1, &[(0, 1)])])
    };
    Check::of(to(2).toy()).spec(reaches_goal()).assert();
    let check =
        Check::of(to(1).toy()).spec(reaches_goal()).violates("under all schedulers").violates("under fair ones");
    check.assert();
    // The key is on the outcome into 1, and the loop need not show it.
    let report = report(&check);
    assert_eq!(property(&report, "under fair ones").loop_len, Some(1));
}

fn cut() {
    let why = |process: Process, name: &str| {
        let report = report(&Check::of(process.toy()).spec(reaches_goal()));
        let property = property(&report, name);
        (property.verdict, property.why.clone().unwrap_or_default())
    };
    // What is drawn may lie outside the boundary, and that it comes back is not known.
    let coin = Process { bound: Some(1), goal: vec![1], ..Process::of(&[(0, &[(0, 1), (1, 1), (2, 1)])]) };
    let (verdict, words) = why(coin.clone(), "under all schedulers");
    assert!(verdict == Verdict::Incomplete && words.contains("outside the model's boundary"), "{verdict} {words}");
    // A component beside it shows what it shows.
    let beside = Process { choices: [coin.choices.clone(), vec![(0, vec![(0, 1)])]].concat(), ..coin };
    assert_eq!(why(beside, "under all schedulers").0, Verdict::Violated);
    // A limit on states is a cut as well.
    let limited = Check::of(tossed(false, true, None))
        .spec(ToySpec::new(heads))
        .states_max(2)
        .incomplete("heads", "two of three states")
        .run();
    assert_eq!(limited.outcome(), Outcome::AsExpected, "{limited}");
    let open = Process { bound: Some(1), ..Process::of(&[(0, &[(0, 1), (2, 1)])]) };
    assert_eq!(why(open, "under all schedulers").0, Verdict::Incomplete);
}

fn values() {
    fn promises() -> Vec<Temporal<Toy>> {
        let heads = |_: &Toy, at: &At| *at == HEADS;
        let tosses = |_: &Toy, _: &At, take: &Take| f64::from(u8::from(is_toss(take)));
        vec![
            Temporal::probability("heads", heads).at_least(0.5),
            Temporal::reward("tosses at least", heads, tosses).at_least(2.5),
            Temporal::reward("tosses at most", heads, tosses).at_most(2.5),
        ]
    }
    let mut run = report(&toss(false, true, None, promises).violates("tosses at least"));
    assert!(run.as_expected);
    let json = serde_json::to_value(&run).expect("a report is JSON");
    assert_eq!(
        json["properties"],
        serde_json::json!([
            {"name": "heads", "kind": "probability", "verdict": "holds", "expected": "holds", "value": 1.0,
             "value_width": 0.0, "extreme": "min", "bound": 0.5},
            {"name": "tosses at least", "kind": "reward", "verdict": "violated", "expected": "violated", "value": 2.0,
             "value_width": 1e-9, "extreme": "min", "bound": 2.5,
             "why": "no single run shows it: it speaks of all runs together, under the worst of all schedulers"},
            {"name": "tosses at most", "kind": "reward", "verdict": "holds", "expected": "holds", "value": 2.0,
             "value_width": 1e-9, "extreme": "max", "bound": 2.5},
        ])
    );
    let shown = view::case(&run);
    for line in [
        "2, at least 2.5 asked: the least over all schedulers, which see all, coins drawn included; no single run",
        "2, at most 2.5 asked: the greatest over all schedulers, which see all, coins drawn included",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    // Who rests for ever never shows heads, and tosses without end in no run.
    run = report(&toss(true, true, None, promises));
    let of = |name: &str| (property(&run, name).verdict, property(&run, name).value);
    assert_eq!(of("heads"), (Verdict::Violated, Some(Value::Finite(0.0))));
    assert_eq!(of("tosses at least").0, Verdict::Violated);
    assert_eq!(of("tosses at most"), (Verdict::Violated, Some(Value::Infinite)));
    assert!(serde_json::to_string(&run).expect("JSON").contains("\"value\":\"infinite\""));
}

fn at_the_value() {
    fn promises() -> Vec<Temporal<Toy>> {
        vec![
            Temporal::reward("tosses", |_, at| *at == HEADS, |_, at, _| if *at == HAND { 0.7 } else { 0.0 })
                .at_most(1.4),
        ]
    }
    let run = toss(false, true, None, promises).run();
    assert_eq!(run.outcome(), Outcome::Incomplete);
    let tosses = property(&run.cases[0], "tosses");
    let why = tosses.why.clone().unwrap_or_default();
    assert!(
        why.starts_with("it lies between 1.3") && why.contains("whether that is at most 1.4 is not known"),
        "{why}"
    );
    assert_eq!(tosses.value, Some(Value::Finite(1.4)));
}

fn nonsense() {
    fn promises() -> Vec<Temporal<Toy>> {
        let heads = |_: &Toy, at: &At| *at == HEADS;
        let uneven = |_: &Toy, _: &At, take: &Take| f64::from(u8::from(take.name.0 == "toss heads"));
        vec![
            Temporal::probability("fair", heads).at_least(0.5).under(FAIR),
            Temporal::probability("in any case", heads).at_least(0.0),
            Temporal::probability("never more", heads).at_most(1.0),
            Temporal::probability("no probability", heads).at_most(1.5),
            Temporal::probability("no number", heads).at_least(f64::NAN),
            Temporal::reward("endless", heads, |_, _, _| 1.0).at_most(f64::INFINITY),
            Temporal::reward("uneven", heads, uneven).at_most(2.0),
            Temporal::reward("below nothing", heads, |_, _, _| -1.0).at_most(2.0),
        ]
    }
    let run = toss(false, true, None, promises).run();
    let report = &run.cases[0];
    for (name, words) in [
        ("fair", "is under fairness, \"fair\": at least 0.5 speaks of every scheduler"),
        ("in any case", "at least 0 is a probability in any case"),
        ("never more", "at most 1 is a probability in any case"),
        ("no probability", "1.5 is not a probability"),
        ("no number", "NaN is not a probability"),
        ("endless", "inf is not an expected reward"),
    ] {
        assert!(report.errors.iter().any(|error| error.contains(name) && error.contains(words)), "{:?}", report.errors);
        assert_eq!(property(report, name).verdict, Verdict::Incomplete, "{name}");
    }
    let why = |name: &str| property(report, name).why.clone().unwrap_or_default();
    assert!(why("uneven").contains("the rewards of a distribution in state 0 differ"), "{}", why("uneven"));
    assert!(why("below nothing").contains("is -1; rewards are finite and not negative"), "{}", why("below nothing"));
    assert_eq!(Bound::AtMost(0.0).nonsense(Kind::Probability), None);
    assert_eq!(Bound::AtLeast(1.0).nonsense(Kind::Probability), None);
    // A weight of 0 makes no process of any of them.
    let weightless = Process { goal: vec![1], ..Process::of(&[(0, &[(0, 1), (1, 0)])]) };
    let run = Check::of(weightless.toy()).spec(reaches_goal()).run();
    assert!(run.cases[0].properties.iter().all(|property| property.verdict == Verdict::Incomplete), "{run}");
}

/// A coin that is laid tails up for ever.
fn laid_tails_up() -> Trace {
    let adversarial = report(&toss(false, false, None, heads).violates("heads"));
    property(&adversarial, "heads").evidence.clone().expect("a trace")
}

fn replayed() {
    let trace = laid_tails_up();
    // Once the coin is drawn the same run is possible, and no scheduler can make it go on so.
    let drawn = Case::new("toy/toss", toss(false, true, None, heads));
    let replayed = drawn.replay(&trace, &Options::default()).expect("it is followed");
    assert!(!replayed.reproduces, "{}", replayed.summary());
    assert!(replayed.summary().contains("without letting chance lead out of it"), "{}", replayed.summary());
    // Beside a loop that can be kept to, one that cannot, of the same states.
    let two = Process { goal: vec![1], ..Process::of(&[(0, &[(0, 1)]), (0, &[(0, 1), (1, 1)])]) };
    let graph = two.graph();
    let promise = reaches_goal().temporal().remove(0);
    let round = |place| Lasso { initial: 0, steps: vec![(Some(place), 0)], loop_start: 0 };
    let avoids = |lasso: Lasso| {
        check_end_component(&graph, reaches_goal(), promise.name(), &lasso, &Budget::default().interrupt)
    };
    assert_eq!(avoids(round(0)), Ok(1));
    assert_eq!(avoids(round(1)), Err(LassoError::LeftByChance));
    // The trace tells which: the first action from 0 to 0 is not always the one.
    let turned = Process { choices: two.choices.iter().rev().cloned().collect(), ..two };
    let report = report(&Check::of(turned.toy()).spec(reaches_goal()));
    let trace = property(&report, "under all schedulers").evidence.as_ref().expect("a trace");
    // Its edges are those of the coin, and then it.
    assert_eq!(trace.steps[1].action, "2");
    // What was not explored far enough is not called wrong.
    let small = Case::new("toy/toss", toss(false, true, None, heads).states_max(2));
    let error = small.replay(&laid_tails_up(), &Options::default()).expect_err("two of three states say nothing");
    assert!(error.to_string().contains("what can follow is not known"), "{error}");
}
