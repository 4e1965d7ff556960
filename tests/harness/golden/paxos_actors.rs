//! Single-decree Paxos as actors of stateright, three servers and two clients: a foreign `ActorModel` under our engine. The
//! model is that which `counterpart bench` measures.
//!
//! **Sources.** The protocol, the harness of clients and the count of 16,668 states are those of the example `paxos.rs`
//! of stateright 0.31.0 (Jonathan Nadal, MIT), retold here; Lamport, "Paxos made simple", 2001. The example publishes
//! no other figure: what was generated is compared with stateright's own count.

use std::sync::Arc;

use counterpart::explore::{Actors, Budget, survey};
use libtest_mimic::Trial;

use self::model::{LINEARIZABLE, PaxosModel, Variant};
use super::{can_fail, figures};
use crate::claim;

#[path = "../../../models/benches/measured/paxos.rs"]
mod model;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::paxos_of_stateright_has_16668_states", two_clients),
        claim("golden::paxos_of_stateright_is_told_alike_by_its_parts", by_parts),
        claim("golden::paxos_of_stateright_with_orders_left_out_is_judged_alike", reduced),
        claim("golden::paxos_of_stateright_that_ignores_what_was_accepted_is_not_linearizable", not_linearizable),
    ]
}

fn two_clients() {
    assert_eq!(figures(|| model(Variant::Sound)).states, 16_668);
}

fn by_parts() {
    for variant in [Variant::Sound, Variant::IgnoresWhatWasAccepted] {
        let plain = survey(Arc::new(model(variant)), &Budget::default()).expect("a model");
        for threads in [1, 2] {
            let ours = Actors::of(model(variant)).over_history(LINEARIZABLE).without_boundary();
            let ours = ours.survey(&Budget::default().threads(threads)).expect("a model");
            assert_eq!((ours.node_count(), ours.edge_count()), (plain.node_count(), plain.edge_count()));
            assert_eq!(ours.discoveries(), plain.discoveries());
            for node in plain.discoveries().iter().filter_map(|found| found.node) {
                let (ours, theirs) = (ours.model().path(ours.path_to(node)), plain.path_to(node));
                assert!(ours.initial == theirs.initial && ours.steps == theirs.steps, "{threads} threads");
            }
        }
    }
}

fn reduced() {
    for variant in [Variant::Sound, Variant::IgnoresWhatWasAccepted] {
        let mut model = model(variant);
        model.properties.retain(|property| property.name == LINEARIZABLE);
        let ours = Actors::of(model).over_history(LINEARIZABLE).without_boundary();
        let ours = ours.survey_reduced(&Budget::default()).expect("a model");
        assert_eq!(ours.discoveries()[0].node.is_some(), variant != Variant::Sound);
    }
}

fn not_linearizable() {
    can_fail(model(Variant::Sound), model(Variant::IgnoresWhatWasAccepted), LINEARIZABLE);
}

fn model(variant: Variant) -> PaxosModel {
    model::model(2, variant)
}
