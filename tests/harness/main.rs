//! The harness's own trials: everything that is claimed of `counterpart` by itself, of models small enough to know the
//! truth of. They need no model of the catalogue and are built while those are.
//!
//! A module gives a list of trials, most of them a claim and a closure.

mod actor_spec;
mod actors;
mod barriers;
mod checkpoints;
#[cfg(feature = "cluster")]
mod cluster;
mod conformance;
mod disk;
mod engine;
mod events;
mod explores;
mod first;
mod floors;
mod golden;
mod interleave;
mod limits;
mod liveness;
mod looks;
mod new;
mod pages;
mod printed;
mod probability;
#[cfg(unix)]
mod process;
mod recovery;
mod reduced;
#[path = "../trial/served.rs"]
mod served;
mod settings;
mod shape;
mod summary;
mod surprise;
mod survey;
mod surveyed;
mod terminal;
mod tours;
mod toy;
#[path = "../trial.rs"]
mod trial;
mod tried;
mod turnstile;
mod valency;
mod views;
mod words;

use std::process::ExitCode;

use self::trial::{claim, root, snapshot, typed};

fn main() -> ExitCode {
    if let Some(failed) = surprise::failing() {
        return failed;
    }
    if let Some(ended) = checkpoints::going_on() {
        return ended;
    }
    #[cfg(all(feature = "cluster", unix))]
    if let Some(ended) = cluster::member() {
        return ended;
    }
    let trials = [
        actor_spec::trials(),
        actors::trials(),
        barriers::trials(),
        checkpoints::trials(),
        #[cfg(feature = "cluster")]
        cluster::trials(),
        #[cfg(not(feature = "cluster"))]
        not_run("cluster::", "cluster"),
        conformance::trials(),
        disk::trials(),
        engine::trials(),
        events::trials(),
        explores::trials(),
        first::trials(),
        floors::trials(),
        golden::trials(),
        interleave::trials(),
        limits::trials(),
        liveness::trials(),
        looks::trials(),
        new::trials(),
        pages::trials(),
        printed::trials(),
        probability::trials(),
        #[cfg(unix)]
        process::trials(),
        recovery::trials(),
        reduced::trials(),
        settings::trials(),
        shape::trials(),
        summary::trials(),
        surprise::trials(),
        survey::trials(),
        surveyed::trials(),
        terminal::trials(),
        tours::trials(),
        tried::trials(),
        turnstile::trials(),
        valency::trials(),
        views::trials(),
        words::trials(),
    ];
    trial::run(trials.into_iter().flatten().collect())
}

/// What is tried only with a feature, by name.
#[cfg(not(feature = "cluster"))]
fn not_run(trials: &str, feature: &str) -> Vec<libtest_mimic::Trial> {
    let name = format!("{trials}is_tried_with_the_feature_{feature}");
    vec![claim(name, || unreachable!("it is left out")).with_ignored_flag(true)]
}
