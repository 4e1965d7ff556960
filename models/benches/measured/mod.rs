//! What `counterpart bench` measures: models that stateright's own examples are of, written anew with states of the same
//! parts, so that what is compared is the exploring.
//!
//! They stand here and not among the protocols because nobody is to check an implementation against them; and not in the
//! harness, which knows no protocol. The trials that reproduce published figures use the same Paxos.

#[path = "independent.rs"]
mod independent;
#[path = "paxos.rs"]
mod paxos;
#[path = "two_phase.rs"]
mod two_phase;
#[path = "two_phase_packed.rs"]
mod two_phase_packed;

use counterpart::cli::bench::Subject;
use counterpart::explore::Actors;

pub(super) fn subjects() -> Vec<Subject> {
    let two_phase = |managers| Subject::of(format!("2pc-{managers}"), move || two_phase::TwoPhase { managers });
    let packed = |managers| {
        Subject::packed(format!("2pc-{managers}-packed"), format!("2pc-{managers}"), move || {
            two_phase_packed::TwoPhase { managers: managers as u8 }
        })
    };
    let paxos = |clients| {
        let model = move || paxos::model(clients, paxos::Variant::Sound);
        Subject::of(format!("paxos-{clients}"), model)
            .with_actors(move || Actors::of(model()).over_history(paxos::LINEARIZABLE).without_boundary())
            .with_reduced(move || {
                let mut model = model();
                model.properties.retain(|property| property.name == paxos::LINEARIZABLE);
                Actors::of(model).over_history(paxos::LINEARIZABLE).without_boundary()
            })
    };
    let independent = || Actors::of(independent::model(6, 6)).over_actors(independent::FIRST, [0]).without_boundary();
    let independent =
        Subject::of("independent-6", || independent::model(6, 6)).with_actors(independent).with_reduced(independent);
    vec![independent, two_phase(7), two_phase(8), packed(8), packed(9), paxos(2), paxos(3)]
}
