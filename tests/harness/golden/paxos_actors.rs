//! Single-decree Paxos as actors of stateright, three servers and two clients: a foreign `ActorModel` under our engine. The
//! model is that which `counterpart bench` measures.
//!
//! **Sources.** The protocol, the harness of clients and the count of 16,668 states are those of the example `paxos.rs`
//! of stateright 0.31.0 (Jonathan Nadal, MIT), retold here; Lamport, "Paxos made simple", 2001. The example publishes
//! no other figure: what was generated is compared with stateright's own count.

use libtest_mimic::Trial;

use self::model::{LINEARIZABLE, PaxosModel, Variant};
use super::{can_fail, figures};
use crate::claim;

#[path = "../../../models/benches/measured/paxos.rs"]
mod model;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::paxos_of_stateright_has_16668_states", two_clients),
        claim("golden::paxos_of_stateright_that_ignores_what_was_accepted_is_not_linearizable", not_linearizable),
    ]
}

fn two_clients() {
    assert_eq!(figures(|| model(Variant::Sound)).states, 16_668);
}

fn not_linearizable() {
    can_fail(model(Variant::Sound), model(Variant::IgnoresWhatWasAccepted), LINEARIZABLE);
}

fn model(variant: Variant) -> PaxosModel {
    model::model(2, variant)
}
