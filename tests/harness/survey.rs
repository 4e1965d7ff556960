//! Exploring for safety alone keeps neither states nor transitions, and tells the same as the engine that keeps both.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use counterpart::Check;
use counterpart::explore::{
    Budget, Equality, ModelError, Pack, Stop, explore, survey, survey_packed, survey_up_to_symmetry,
};
use counterpart::model::CheckedModel;
use libtest_mimic::Trial;
use stateright::{Expectation, Model, Property, Representative};

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("survey::tells_of_drawn_models_what_the_graph_tells", drawn),
        claim("survey::limits_leave_what_they_leave_of_the_graph", limited),
        claim("survey::what_outgrows_exact_comparison_is_told_alike", outgrown),
        claim("survey::states_that_share_a_hash_are_told_apart_by_comparing_them_alone", weak_hash),
        claim("survey::the_odds_of_a_collision_are_told", odds),
        claim("survey::a_model_that_answers_differently_late_is_refused", fickle),
        claim("survey::an_interrupt_is_heard", interrupted),
        claim("survey::what_is_not_symmetric_is_refused", not_symmetric),
        claim("survey::symmetry_is_refused_for_whole_runs", symmetric_runs),
        claim("survey::what_is_packed_with_loss_is_refused", packed_with_loss),
    ]
}

/// States are numbers, and where an action leads is drawn: to many states of the level before, of the same and of the
/// next, and outside now and then.
#[derive(Clone)]
pub(super) struct Drawn {
    pub(super) seed: u64,
    pub(super) states: u64,
    pub(super) actions: u64,
}

impl Drawn {
    fn draw(&self, state: u64, action: u64) -> u64 {
        let mut x = self.seed ^ (state << 20) ^ action.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for _ in 0..2 {
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        }
        x ^ (x >> 31)
    }
}

/// Of heap and number, so that states own memory where they are not packed.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) struct Owning(u64, Vec<u8>);

impl Owning {
    fn new(number: u64) -> Self {
        Owning(number, vec![number as u8])
    }
}

impl Pack<1> for Owning {
    fn pack(&self) -> [u64; 1] {
        [self.0]
    }

    fn unpack([number]: [u64; 1]) -> Self {
        Owning::new(number)
    }
}

impl Model for Drawn {
    type State = Owning;
    type Action = u64;

    fn init_states(&self) -> Vec<Self::State> {
        [0, 7, 0, self.states].map(Owning::new).to_vec()
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<u64>) {
        actions.extend(0..state.0 % self.actions);
    }

    fn next_state(&self, Owning(state, _): &Owning, action: u64) -> Option<Self::State> {
        let drawn = self.draw(*state, action);
        let where_to = drawn >> 8;
        let next = match drawn % 16 {
            0 => return None,
            1 => *state,
            2 if where_to.is_multiple_of(5) => self.states + where_to % 3,
            // Near by, so that ways cross; and anywhere, so that levels are wide enough for threads.
            3..9 => (state + where_to % 50) % self.states,
            _ => where_to % self.states,
        };
        Some(Owning::new(next))
    }

    fn within_boundary(&self, state: &Self::State) -> bool {
        state.0 < self.states
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("not divisible by 97", |_, state: &Owning| state.0 % 97 != 96),
            Property::sometimes("beyond all", |model: &Drawn, state: &Owning| state.0 > model.states),
            Property::eventually("not asked of states", |_, _| false),
            Property::sometimes("far", |model: &Drawn, state: &Owning| state.0 > model.states / 10 * 9),
            Property::always("small", |model: &Drawn, state: &Owning| state.0 < model.states / 2),
        ]
    }
}

const EQUALITIES: [Equality; 4] =
    [Equality::Automatic, Equality::Exact, Equality::Fingerprint64, Equality::Fingerprint128];

/// Counts, numbers, findings and paths are those of the graph, whatever the number of threads, and however states are
/// held.
#[track_caller]
fn alike<M: CheckedModel + Model<State: Pack<1>> + Clone>(
    model: &M,
    budget: &Budget,
    equalities: &[Equality],
) -> usize {
    let graph = explore(Arc::new(model.clone()), budget).expect("a model");
    let wanted = model.properties().into_iter().filter(|property| property.expectation != Expectation::Eventually);
    let wanted: Vec<_> = wanted
        .map(|property| {
            let shows =
                |state| (property.condition)(graph.model(), state) == (property.expectation == Expectation::Sometimes);
            (property.name, graph.states().iter().position(shows))
        })
        .collect();
    for (equality, threads) in equalities.iter().flat_map(|equality| [1, 2, 5].map(|threads| (*equality, threads))) {
        let budget = budget.clone().equality(equality).threads(threads);
        let whole = survey(Arc::new(model.clone()), &budget).expect("a model");
        let packed = survey_packed(Arc::new(model.clone()), &budget).expect("a model");
        for (survey, form) in [(whole, "whole"), (packed, "packed")] {
            let told = format!("{form}, {equality:?}, {threads} threads");
            assert_eq!(
                (survey.node_count(), survey.initial_count(), survey.edge_count(), survey.cut_count(), survey.depth()),
                (graph.node_count(), graph.initial_count(), graph.edge_count(), graph.cut_count(), graph.depth()),
                "{told}"
            );
            assert_eq!(survey.stop(), graph.stop(), "{told}");
            assert_eq!(survey.incomplete(), graph.incomplete(), "{told}");
            let found: Vec<_> = survey.discoveries().iter().map(|found| (found.name, found.node)).collect();
            assert_eq!(found, wanted, "{told}");
            let last = graph.node_count() - 1;
            for node in wanted.iter().filter_map(|(_, node)| *node).chain([0, last / 2, last]) {
                assert_eq!(survey.depth_of(node), graph.depth_of(node), "{told}");
                let (ours, theirs) = (survey.path_to(node), graph.path_to(node));
                assert!(ours.initial == theirs.initial && ours.steps == theirs.steps, "{told}: the way to {node}");
            }
        }
    }
    graph.node_count()
}

fn drawn() {
    let mut reached = 0;
    for seed in 0..6 {
        reached += alike(&Drawn { seed, states: 6_000, actions: 9 }, &Budget::default(), &EQUALITIES);
    }
    assert!(reached > 20_000, "{reached} states try little");
}

fn limited() {
    let model = Drawn { seed: 3, states: 6_000, actions: 9 };
    let whole = explore(Arc::new(model.clone()), &Budget::default()).expect("a model");
    for states_max in [1, 2, 3, 70, 1_000, whole.node_count() - 1, whole.node_count()] {
        alike(&model, &Budget::default().states_max(states_max), &EQUALITIES);
    }
    for depth_max in [0, 1, 3, whole.depth(), whole.depth() + 1] {
        alike(&model, &Budget::default().depth_max(depth_max), &EQUALITIES);
    }
}

fn outgrown() {
    let states = Equality::EXACT_STATES_MAX as u64 * 5 / 2;
    let model = Drawn { seed: 1, states, actions: 9 };
    let reached = alike(&model, &Budget::default(), &[Equality::Automatic]);
    assert!(reached > Equality::EXACT_STATES_MAX, "{reached} states are compared to the end");
    alike(&model, &Budget::default().states_max(reached - 1_000), &[Equality::Automatic]);
}

/// A state that says too little of itself.
#[derive(Clone, Debug, PartialEq)]
struct Secretive(u32);

impl Hash for Secretive {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 / 2).hash(state);
    }
}

impl Pack<1> for Secretive {
    fn pack(&self) -> [u64; 1] {
        [self.0.into()]
    }

    fn unpack([number]: [u64; 1]) -> Self {
        Secretive(number as u32)
    }
}

#[derive(Clone)]
struct Pairs {
    states: u32,
}

impl Model for Pairs {
    type State = Secretive;
    type Action = u32;

    fn init_states(&self) -> Vec<Secretive> {
        vec![Secretive(0)]
    }

    fn actions(&self, _: &Secretive, actions: &mut Vec<u32>) {
        actions.extend([1, 2, 499]);
    }

    fn next_state(&self, state: &Secretive, by: u32) -> Option<Secretive> {
        (state.0 + by < self.states).then_some(Secretive(state.0 + by))
    }
}

fn weak_hash() {
    let few = Pairs { states: 100 };
    let states =
        |equality| survey(Arc::new(few.clone()), &Budget::default().equality(equality)).map(|it| it.node_count());
    assert_eq!(EQUALITIES.map(|equality| states(equality).expect("a model")), [100, 100, 50, 50]);
    // Once two of them were met, states are compared to the end, however many there are.
    let many = Pairs { states: Equality::EXACT_STATES_MAX as u32 * 5 / 2 };
    assert_eq!(alike(&many, &Budget::default(), &[Equality::Automatic]), 250_000);
    assert!(Check::of(few).run().cases[0].hashes_alike);
    assert!(!Check::of(Drawn { seed: 3, states: 6_000, actions: 9 }).run().cases[0].hashes_alike);
}

fn odds() {
    assert_eq!(Equality::Automatic.collision_odds(Equality::EXACT_STATES_MAX), 0.0);
    assert_eq!(Equality::Exact.collision_odds(usize::MAX), 0.0);
    // 2^32 states are some 2^63 pairs, and each of them is one of 2^64.
    let odds = Equality::Automatic.collision_odds(1 << 32);
    assert!((odds - 0.5).abs() < 1e-9, "{odds}");
    assert!(Equality::Fingerprint128.collision_odds(1 << 32) < 1e-19);
}

/// Counts on, and forgets it now and then when it was asked often enough.
struct Fickle {
    asked: AtomicUsize,
}

impl Model for Fickle {
    type State = usize;
    type Action = ();

    fn init_states(&self) -> Vec<usize> {
        vec![0]
    }

    fn actions(&self, _: &usize, actions: &mut Vec<()>) {
        actions.push(());
    }

    fn next_state(&self, state: &usize, (): ()) -> Option<usize> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        (*state < 20_000).then_some(if asked > 35_000 { state + 1 + asked % 2 } else { state + 1 })
    }
}

fn fickle() {
    for equality in [Equality::Automatic, Equality::Fingerprint64] {
        let model = Fickle { asked: AtomicUsize::new(0) };
        let error = survey(Arc::new(model), &Budget::default().equality(equality)).expect_err("refused");
        assert!(matches!(&error, ModelError::Nondeterministic { what, .. } if what.contains("next_state")), "{error}");
    }
}

fn interrupted() {
    let asked = Arc::new(AtomicUsize::new(0));
    let interrupt = move || (asked.fetch_add(1, Ordering::SeqCst) == 2).then_some(Stop::Interrupted);
    let budget = Budget::default().equality(Equality::Fingerprint64).interrupt(interrupt).threads(2);
    let survey = survey(Arc::new(Drawn { seed: 1, states: 200_000, actions: 9 }), &budget).expect("a model");
    assert_eq!(survey.stop(), Some(&Stop::Interrupted));
    assert!(survey.incomplete().is_some() && survey.node_count() > 1_000, "{survey:?}");
}

/// Two counters to 3 that may be exchanged, but for what a variant has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Counters {
    Alike,
    /// A property tells them apart.
    Told,
    /// One ends earlier.
    OneEnds,
    /// The boundary is of one.
    OneIsCut,
    /// There is an `eventually`.
    OfRuns,
}

/// Their model. `SORTS`: whether what represents a state is the same for both orders.
#[derive(Clone)]
pub(super) struct Symmetric<const SORTS: bool>(pub(super) Counters);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair<const SORTS: bool>([u8; 2]);

impl<const SORTS: bool> Representative for Pair<SORTS> {
    fn representative(&self) -> Self {
        let [first, second] = self.0;
        // Exchanged whatever they are, there is no representative.
        Pair(if !SORTS || first > second { [second, first] } else { [first, second] })
    }
}

impl<const SORTS: bool> Model for Symmetric<SORTS> {
    type State = Pair<SORTS>;
    type Action = usize;

    fn init_states(&self) -> Vec<Pair<SORTS>> {
        vec![Pair(if self.0 == Counters::OneIsCut { [2, 0] } else { [0, 0] })]
    }

    fn actions(&self, _: &Pair<SORTS>, actions: &mut Vec<usize>) {
        actions.extend([0, 1]);
    }

    fn next_state(&self, state: &Pair<SORTS>, index: usize) -> Option<Pair<SORTS>> {
        let end = if index == 1 && self.0 == Counters::OneEnds { 2 } else { 3 };
        let mut next = state.0;
        next[index] += 1;
        (next[index] <= end).then_some(Pair(next))
    }

    fn within_boundary(&self, state: &Pair<SORTS>) -> bool {
        self.0 != Counters::OneIsCut || state.0[1] < 2
    }

    fn properties(&self) -> Vec<Property<Self>> {
        match self.0 {
            Counters::Told => {
                vec![Property::always("the first is not ahead", |_, state: &Pair<SORTS>| state.0[0] <= state.0[1])]
            }
            Counters::OfRuns => vec![Property::eventually("both end", |_, state: &Pair<SORTS>| state.0 == [3, 3])],
            _ => vec![Property::sometimes("both end", |_, state: &Pair<SORTS>| state.0 == [3, 3])],
        }
    }
}

fn not_symmetric() {
    let alike = survey_up_to_symmetry(Arc::new(Symmetric::<true>(Counters::Alike)), &Budget::default());
    let alike = alike.expect("the two may be exchanged");
    // Of 4 numbers, 2 at a time, in any order.
    assert_eq!(alike.node_count(), 10);
    assert!(alike.discoveries()[0].node.is_some());
    let refused = |refused: Result<_, ModelError>, wanted: &str| match refused {
        Err(ModelError::NotSymmetric { what, .. }) => assert_eq!(what, wanted),
        Err(other) => panic!("{wanted}: {other}"),
        Ok(()) => panic!("{wanted}: it passed"),
    };
    for (model, wanted) in [
        (Counters::Told, "the property \"the first is not ahead\""),
        (Counters::OneEnds, "where its actions lead, up to symmetry,"),
        (Counters::OneIsCut, "`within_boundary`"),
    ] {
        let survey = survey_up_to_symmetry(Arc::new(Symmetric::<true>(model)), &Budget::default());
        refused(survey.map(|_| ()), wanted);
    }
    let survey = survey_up_to_symmetry(Arc::new(Symmetric::<false>(Counters::Alike)), &Budget::default());
    refused(survey.map(|_| ()), "the representative");
}

fn symmetric_runs() {
    let refused = survey_up_to_symmetry(Arc::new(Symmetric::<true>(Counters::OfRuns)), &Budget::default());
    assert_eq!(refused.err(), Some(ModelError::OfRuns { property: "both end".into() }));
}

/// Counts from where it begins to 200. What is packed has room for 128 only.
#[derive(Clone)]
pub(super) struct Narrow {
    pub(super) begins_at: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Count(u8);

impl Pack<1> for Count {
    fn pack(&self) -> [u64; 1] {
        [u64::from(self.0 & 127)]
    }

    fn unpack([word]: [u64; 1]) -> Self {
        Count(word as u8)
    }
}

impl Model for Narrow {
    type State = Count;
    type Action = ();

    fn init_states(&self) -> Vec<Count> {
        vec![Count(self.begins_at)]
    }

    fn actions(&self, state: &Count, actions: &mut Vec<()>) {
        actions.extend((state.0 < 200).then_some(()));
    }

    fn next_state(&self, state: &Count, (): ()) -> Option<Count> {
        Some(Count(state.0 + 1))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("small", |_, state: &Count| state.0 < 128)]
    }
}

/// Found out where a state is reached, and of an initial one.
fn packed_with_loss() {
    for (begins_at, lost) in [(0, 128), (199, 199)] {
        let refused = survey_packed(Arc::new(Narrow { begins_at }), &Budget::default()).expect_err("a bit is lost");
        let ModelError::PackedWithLoss { state, unpacked } = refused else { panic!("{refused}") };
        assert_eq!((state, unpacked), (format!("Count({lost})"), format!("Count({})", lost - 128)));
    }
}
