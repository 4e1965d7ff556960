//! The harness's own trials: everything that is claimed of `counterpart` by itself, of models small enough to know the
//! truth of. They need no model of the catalogue and are built while those are.
//!
//! A module gives a list of trials, most of them a claim and a closure.

mod conformance;
mod engine;
mod events;
mod floors;
mod golden;
mod interleave;
mod liveness;
mod probability;
mod recovery;
mod tours;
#[path = "../trial.rs"]
mod trial;
mod valency;
mod views;

use std::process::ExitCode;

use self::trial::{claim, root, snapshot};

fn main() -> ExitCode {
    let trials = [
        conformance::trials(),
        engine::trials(),
        events::trials(),
        floors::trials(),
        golden::trials(),
        interleave::trials(),
        liveness::trials(),
        probability::trials(),
        recovery::trials(),
        tours::trials(),
        valency::trials(),
        views::trials(),
    ];
    trial::run(trials.into_iter().flatten().collect())
}
