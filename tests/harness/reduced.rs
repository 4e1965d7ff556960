//! Actor systems explored with orders of steps left out: what is found is what is found of the whole system, and what
//! does not go together with that is refused by name.

use std::borrow::Cow;
use std::collections::BTreeSet;

use counterpart::check::Checkpoint;
use counterpart::explore::{Actors, Budget, ModelError, ReducedSurvey};
use libtest_mimic::Trial;
use stateright::actor::{Actor, ActorModel, Envelope, Id, LossyNetwork, Network, Out, model_timeout};
use stateright::{Expectation, Model};

use self::independent::FIRST;
use crate::claim;

#[path = "../../models/benches/measured/independent.rs"]
mod independent;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("reduced::of_a_thousand_drawn_systems_the_same_is_found", drawn),
        claim("reduced::of_independent_actors_one_order_is_enough", of_independent),
        claim("reduced::where_actors_may_crash_every_order_counts", crashing),
        claim("reduced::no_step_is_put_off_for_ever", never_put_off),
        claim("reduced::a_property_that_looks_at_more_is_found_out", looks_at_more),
        claim("reduced::what_does_not_go_with_it_is_refused_by_name", refused),
    ]
}

const ACTORS: usize = 4;

/// Does what is drawn for what it knows and what happens to it; sends so often, and only to those that are drawn for it.
#[derive(Clone)]
struct Drawn {
    seed: u64,
}

/// What is known, and how often something may still be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Knows {
    value: u8,
    sends: u8,
}

fn mixed(mut x: u64) -> u64 {
    for _ in 0..2 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    }
    x ^ (x >> 31)
}

impl Drawn {
    fn act(&self, id: Id, state: &mut Cow<Knows>, event: u64, out: &mut Out<Self>) {
        let own = usize::from(id) as u64;
        let mut drawn = mixed(self.seed << 20 ^ own << 16 ^ u64::from(state.value) << 12 ^ event);
        let mut next = |of: u64| {
            let value = drawn % of;
            drawn /= of;
            value
        };
        if next(3) > 0 {
            state.to_mut().value = next(3) as u8;
        }
        // Two at most that this actor ever sends to.
        let to = mixed(self.seed << 8 ^ own << 4 ^ next(2)) as usize % (ACTORS + 1);
        match next(8) {
            0..4 if state.sends > 0 => {
                state.to_mut().sends -= 1;
                out.send(Id::from(to), next(2) as u8);
            }
            4 => out.set_timer(next(2) as u8, model_timeout()),
            5 => out.cancel_timer(next(2) as u8),
            6 => out.choose_random("coin", (0..next(3) as u8).collect()),
            _ => {}
        }
    }
}

impl Actor for Drawn {
    type Msg = u8;
    type Timer = u8;
    type State = Knows;
    type Storage = ();
    type Random = u8;

    fn on_start(&self, id: Id, _: &Option<()>, out: &mut Out<Self>) -> Knows {
        let mut state = Cow::Owned(Knows { value: 0, sends: 2 });
        out.set_timer(0, model_timeout());
        self.act(id, &mut state, 7, out);
        state.into_owned()
    }

    fn on_msg(&self, id: Id, state: &mut Cow<Knows>, from: Id, message: u8, out: &mut Out<Self>) {
        self.act(id, state, 16 + u64::from(message) * 8 + usize::from(from) as u64, out);
    }

    fn on_timeout(&self, id: Id, state: &mut Cow<Knows>, timer: &u8, out: &mut Out<Self>) {
        self.act(id, state, 64 + u64::from(*timer), out);
    }

    fn on_random(&self, id: Id, state: &mut Cow<Knows>, random: &u8, out: &mut Out<Self>) {
        self.act(id, state, 128 + u64::from(*random), out);
    }
}

type System = ActorModel<Drawn, (), u8>;

const OF_HISTORY: &str = "the history is not 2";
const OF_ONE: &str = "the last knows 2";
const OF_TWO: &str = "the second and the third do not know 1 and 2";
/// The actors that each of the last two looks at.
const LOOKS_AT: [(&str, &[usize]); 2] = [(OF_ONE, &[3]), (OF_TWO, &[1, 2])];

fn system(seed: u64) -> System {
    let network =
        if seed.is_multiple_of(2) { Network::new_unordered_nonduplicating([]) } else { Network::new_ordered([]) };
    let lossy = if seed % 5 == 3 { LossyNetwork::Yes } else { LossyNetwork::No };
    let model = ActorModel::new((), 0)
        .actors((0..ACTORS).map(|_| Drawn { seed }))
        .init_network(network)
        .lossy_network(lossy)
        .max_crashes(usize::from(seed % 16 == 5));
    let sees_all = seed % 3 == 1;
    let model = match sees_all {
        true => model.record_msg_in(|(), history: &u8, _| Some((history + 1).min(3))),
        false => model.record_msg_in(|(), history, envelope: Envelope<&u8>| {
            (*envelope.msg == 1 && usize::from(envelope.dst) == 0).then_some((history + 1).min(3))
        }),
    };
    let property = match seed % 4 {
        0 => vec![OF_ONE],
        1 => vec![OF_TWO],
        2 => vec![OF_HISTORY],
        _ => vec![OF_HISTORY, OF_ONE, OF_TWO],
    };
    let mut model = model
        .property(Expectation::Always, OF_HISTORY, |_, state| state.history != 2)
        .property(Expectation::Sometimes, OF_ONE, |_, state| state.actor_states[3].value == 2)
        .property(Expectation::Always, OF_TWO, |_, state| {
            (state.actor_states[1].value, state.actor_states[2].value) != (1, 2)
        });
    model.properties.retain(|known| property.contains(&known.name));
    model
}

/// The system of `model`, with what its properties look at.
fn told(model: System) -> Actors<Drawn, (), u8> {
    let names: Vec<&str> = model.properties.iter().map(|property| property.name).collect();
    let mut system = Actors::of(model).without_boundary();
    for name in names {
        let actors = LOOKS_AT.iter().find(|(other, _)| *other == name);
        system = match actors {
            Some((name, actors)) => system.over_actors(name, actors.iter().copied()),
            None => system.over_history(name),
        };
    }
    system
}

fn found(discoveries: &[counterpart::explore::Discovery]) -> BTreeSet<&'static str> {
    discoveries.iter().filter(|found| found.node.is_some()).map(|found| found.name).collect()
}

/// The way to what was found is one that stateright's own model can go.
fn can_be_gone(survey: &ReducedSurvey<Drawn, (), u8>, told: &str) {
    for node in survey.discoveries().iter().filter_map(|found| found.node) {
        let system = survey.model();
        let path = system.path(survey.path_to(node));
        let mut at = path.initial;
        assert!(system.model().init_states().contains(&at), "{told}");
        for (action, to) in path.steps {
            at = system.model().next_state(&at, action).expect("a step of the model");
            assert!(at == to, "{told}");
        }
    }
}

fn drawn() {
    let (mut whole, mut kept, mut reduced, mut findings, mut systems, mut seed) = (0, 0, 0, 0, 0, 0);
    while systems < 1_000 {
        seed += 1;
        let wanted = told(system(seed)).survey(&Budget::default().states_max(3_000)).expect("a model");
        if wanted.stop().is_some() {
            continue;
        }
        let said = format!("seed {seed}");
        let ours = told(system(seed)).survey_reduced(&Budget::default()).expect("a model");
        assert_eq!((found(ours.discoveries()), ours.incomplete()), (found(wanted.discoveries()), None), "{said}");
        assert!(ours.node_count() <= wanted.node_count(), "{said}");
        can_be_gone(&ours, &said);
        systems += 1;
        (whole, kept) = (whole + wanted.node_count(), kept + ours.node_count());
        reduced += usize::from(ours.node_count() < wanted.node_count());
        findings += found(wanted.discoveries()).len();
    }
    assert!(
        kept * 10 < whole * 7 && reduced > systems / 2 && findings > 300,
        "{kept} of {whole}, {reduced}, {findings}"
    );
}

fn of_independent() {
    let system = || Actors::of(independent::model(5, 6)).without_boundary().over_actors(FIRST, [0]);
    let whole = system().survey(&Budget::default()).expect("a model").node_count();
    assert_eq!(whole, 7_usize.pow(5), "each has counted to one of seven");
    let ours = system().survey_reduced(&Budget::default()).expect("a model");
    assert!(ours.node_count() * 10 <= whole, "{} of {whole}", ours.node_count());
}

/// Whoever crashes takes from all others that they may: no actor's steps are its own then.
fn crashing() {
    let system = || Actors::of(independent::model(3, 3).max_crashes(1)).without_boundary().over_actors(FIRST, [0]);
    let whole = system().survey(&Budget::default()).expect("a model").node_count();
    let ours = system().survey_reduced(&Budget::default()).expect("a model");
    assert_eq!((ours.node_count(), ours.reduced_count()), (whole, 0));
}

/// The first goes round for ever; the second takes one step, which is not to be.
#[derive(Clone)]
struct Turns;

impl Actor for Turns {
    type Msg = ();
    type State = u8;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> u8 {
        out.set_timer((), model_timeout());
        0
    }

    fn on_timeout(&self, id: Id, state: &mut Cow<u8>, (): &(), out: &mut Out<Self>) {
        *state.to_mut() = (**state + 1) % 3;
        if id == Id::from(0) {
            out.set_timer((), model_timeout());
        }
    }
}

const STANDS: &str = "the second stands";

fn turns(looks_at: usize) -> Actors<Turns, (), ()> {
    let model = ActorModel::new((), ())
        .actors([Turns, Turns])
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, STANDS, |_, state| *state.actor_states[1] == 0);
    Actors::of(model).without_boundary().over_actors(STANDS, [looks_at])
}

fn never_put_off() {
    let ours = turns(1).survey_reduced(&Budget::default()).expect("a model");
    assert_eq!(found(ours.discoveries()), BTreeSet::from([STANDS]));
    assert!(ours.reduced_count() > 0, "where nothing is left out nothing is put off");
}

fn looks_at_more() {
    let panic = std::panic::catch_unwind(|| turns(0).survey_reduced(&Budget::default()).map(drop));
    let panic = panic.expect_err("it is found out");
    let words = panic.downcast_ref::<String>().expect("it says what");
    assert!(words.contains(r#"the property "the second stands" looks at more than it was said to"#), "{words}");
}

fn refused() {
    let said = |system: Actors<Drawn, (), u8>, budget: &Budget| match system.survey_reduced(budget) {
        Err(error @ ModelError::NotReduced { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    };
    let plain = Budget::default();
    let error = said(Actors::of(system(4)).without_boundary(), &plain);
    assert!(error.starts_with(r#"the property "the last knows 2" may look at everything"#), "{error}");
    let error = said(Actors::of(system(4)).over_actors(OF_ONE, [3]), &plain);
    assert!(error.starts_with("the boundary may look at everything"), "{error}");
    let of_runs = system(4).property(Expectation::Eventually, "all is well", |_, _| true);
    let error = said(Actors::of(of_runs).without_boundary().over_actors(OF_ONE, [3]), &plain);
    assert!(error.starts_with(r#"the property "all is well" is of whole runs"#), "{error}");
    let again = system(4).init_network(Network::new_unordered_duplicating([]));
    let error = said(told(again), &plain);
    assert!(error.starts_with("a network that delivers again"), "{error}");
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let keeper = Checkpoint::in_folder(folder.path()).keeper("drawn", "").expect("the folder is free");
    let error = said(told(system(4)), &Budget::default().checkpoint(keeper));
    assert!(error.starts_with("no checkpoint can be kept of it"), "{error}");
    let few = told(system(4)).survey_reduced(&Budget::default().states_max(3)).expect("a model");
    assert_eq!(few.incomplete().as_deref(), Some("the limit of 3 states was reached"));
}
