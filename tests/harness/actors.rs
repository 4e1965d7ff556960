//! Actor systems explored by the numbers of their parts tell what the same systems tell explored as they are: not the
//! counts alone, but each number of a node and each path.

use std::borrow::Cow;
use std::sync::Arc;

use counterpart::explore::{Actors, Budget, Equality, survey};
use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, Envelope, Id, LossyNetwork, Network, Out, model_timeout};

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    let networks = [
        ("unordered_duplicating", Network::new_unordered_duplicating([])),
        ("unordered_nonduplicating", Network::new_unordered_nonduplicating([])),
        ("ordered", Network::new_ordered([])),
    ];
    let mut trials: Vec<Trial> = networks
        .into_iter()
        .flat_map(|(name, network)| [LossyNetwork::No, LossyNetwork::Yes].map(|lossy| (name, network.clone(), lossy)))
        .map(|(name, network, lossy)| {
            let loses = if lossy == LossyNetwork::Yes { "_that_loses" } else { "" };
            claim(format!("actors::drawn_systems_on_{name}{loses}_are_told_alike"), move || drawn(&network, lossy))
        })
        .collect();
    trials.extend([
        claim("actors::a_property_that_looks_at_more_than_the_history_is_found_out", looks_at_more),
        claim("actors::a_boundary_that_was_denied_is_found_out", has_a_boundary),
        claim("actors::a_property_that_the_model_has_not_is_told", no_such_property),
    ]);
    trials
}

/// Three actors that do what is drawn for what they know and what happens to them.
#[derive(Clone)]
pub(super) struct Drawn {
    seed: u64,
}

const ACTORS: usize = 3;
const STATES: u64 = 3;

impl Drawn {
    fn act(&self, id: Id, state: &mut Cow<u8>, event: u64, out: &mut Out<Self>) {
        let mut drawn = self.seed ^ (usize::from(id) as u64) << 40 ^ u64::from(**state) << 32 ^ event;
        for _ in 0..2 {
            drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        }
        let mut next = |of: u64| {
            let value = drawn % of;
            drawn /= of;
            value
        };
        if next(2) == 0 {
            *state.to_mut() = next(STATES) as u8;
        }
        // One more than there are: what is sent to nobody is never delivered.
        let to = Id::from(next(ACTORS as u64 + 1) as usize);
        match next(9) {
            0 | 1 => out.send(to, next(2) as u8),
            2 => {
                out.send(to, 1);
                out.send(Id::from(next(ACTORS as u64) as usize), next(2) as u8);
            }
            3 => out.set_timer(next(2) as u8, model_timeout()),
            4 => out.cancel_timer(next(2) as u8),
            5 => out.choose_random(if next(2) == 0 { "left" } else { "right" }, (0..next(3) as u8).collect()),
            6 => out.save(next(2) as u8),
            _ => {}
        }
    }
}

impl Actor for Drawn {
    type Msg = u8;
    type Timer = u8;
    type State = u8;
    type Storage = u8;
    type Random = u8;

    fn on_start(&self, id: Id, storage: &Option<u8>, out: &mut Out<Self>) -> u8 {
        let mut state = Cow::Owned(storage.unwrap_or(0));
        if storage.is_some() {
            self.act(id, &mut state, 7, out);
        }
        out.send(Id::from((usize::from(id) + 1) % ACTORS), 0);
        out.set_timer(0, model_timeout());
        state.into_owned()
    }

    fn on_msg(&self, id: Id, state: &mut Cow<u8>, from: Id, message: u8, out: &mut Out<Self>) {
        self.act(id, state, 16 + u64::from(message) * 4 + usize::from(from) as u64, out);
    }

    fn on_timeout(&self, id: Id, state: &mut Cow<u8>, timer: &u8, out: &mut Out<Self>) {
        self.act(id, state, 64 + u64::from(*timer), out);
    }

    fn on_random(&self, id: Id, state: &mut Cow<u8>, random: &u8, out: &mut Out<Self>) {
        self.act(id, state, 128 + u64::from(*random), out);
    }
}

pub(super) type System = ActorModel<Drawn, (), u8>;

const OF_HISTORY: &str = "the history is not 2";
const OF_NETWORK: &str = "nothing is sent to nobody";

pub(super) fn system(seed: u64, network: &Network<u8>, lossy: LossyNetwork) -> System {
    ActorModel::new((), 0)
        .actors((0..ACTORS).map(|_| Drawn { seed }))
        .init_network(network.clone())
        .lossy_network(lossy)
        .max_crashes(1)
        .record_msg_in(|(), history, envelope: Envelope<&u8>| (*envelope.msg == 0).then_some((history + 1) % 3))
        .record_msg_out(|(), history, envelope| {
            (*envelope.msg == 1 && usize::from(envelope.dst) == 0).then_some(2 - history)
        })
        .property(Expectation::Always, OF_HISTORY, |_, state| state.history != 2)
        .property(Expectation::Sometimes, "all know 2", |_, state| state.actor_states.iter().all(|own| **own == 2))
        .property(Expectation::Eventually, "not asked of states", |_, _| false)
        .property(Expectation::Always, OF_NETWORK, |model: &System, state| {
            state.network.iter_deliverable().all(|envelope| usize::from(envelope.dst) < model.actors.len())
        })
        .within_boundary(|(), state| state.network.len() <= 4)
}

fn drawn(network: &Network<u8>, lossy: LossyNetwork) {
    let (mut states, mut asked) = (0, 0);
    for seed in 0..12 {
        let model = || system(seed, network, lossy);
        let budget = Budget::default().states_max(3_000);
        let plain = survey(Arc::new(model()), &budget).expect("a model");
        states += plain.node_count();
        for threads in [1, 3] {
            let budget = budget.clone().threads(threads).equality(Equality::Automatic);
            let ours = Actors::of(model()).over_history(OF_HISTORY).survey(&budget).expect("a model");
            let told = format!("seed {seed}, {threads} threads");
            assert_eq!(
                (ours.node_count(), ours.edge_count(), ours.cut_count(), ours.depth(), ours.stop()),
                (plain.node_count(), plain.edge_count(), plain.cut_count(), plain.depth(), plain.stop()),
                "{told}"
            );
            assert_eq!(ours.discoveries(), plain.discoveries(), "{told}");
            let found = plain.discoveries().iter().filter_map(|found| found.node);
            for node in found.chain([0, plain.node_count() / 2, plain.node_count() - 1]) {
                let (ours, theirs) = (ours.model().path(ours.path_to(node)), plain.path_to(node));
                assert!(ours.initial == theirs.initial && ours.steps == theirs.steps, "{told}: the way to {node}");
            }
            asked += ours.model().asked_count();
        }
    }
    assert!(states > 5_000, "of {states} states nothing follows");
    assert!(asked > 0);
}

fn looks_at_more() {
    let liar = || {
        for seed in 0..12 {
            let model = system(seed, &Network::new_unordered_nonduplicating([]), LossyNetwork::No);
            let surveyed = Actors::of(model).over_history(OF_NETWORK).survey(&Budget::default().states_max(20_000));
            surveyed.unwrap_or_else(|error| panic!("{error}"));
        }
    };
    let words = panic_of(liar);
    assert!(words.contains("the property \"nothing is sent to nobody\" does not look at the history alone"), "{words}");
}

fn has_a_boundary() {
    let liar = || {
        let model = system(1, &Network::new_unordered_nonduplicating([]), LossyNetwork::No);
        let surveyed = Actors::of(model).without_boundary().survey(&Budget::default().states_max(20_000));
        surveyed.unwrap_or_else(|error| panic!("{error}"));
    };
    let words = panic_of(liar);
    assert!(words.contains("the model has a boundary"), "{words}");
}

fn no_such_property() {
    let model = system(1, &Network::new_ordered([]), LossyNetwork::No);
    let words = panic_of(move || drop(Actors::of(model).over_history("all now 2")));
    assert!(words.contains("the model has no property \"all now 2\"; it has [\"the history is not 2\""), "{words}");
}

fn panic_of(work: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(work).expect_err("it is found out");
    let words = panic.downcast_ref::<String>().cloned();
    words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).into())).expect("a panic with words")
}
