//! What the ten examples of stateright 0.31.0 are about, written anew: a second family of models by other people, under
//! both of our engines.
//!
//! **Sources.** The folder `examples` of stateright 0.31.0 (Jonathan Nadal and others, MIT). Two-phase commit and Paxos
//! stand beside this file; here are the other eight. Where an example publishes a count it is asserted. Three examples
//! have no end by themselves (`interaction`, `lww-register` and `timers` are run to a depth, `raft` until one loses
//! patience); they have a boundary here, which every search heeds alike.

mod abd;
mod counters;
mod interaction;
mod lww;
mod raft;
mod single_copy;
mod timers;

use std::collections::BTreeSet;
use std::sync::Arc;

use counterpart::explore::{Actors, Budget, History, ModelError, Survey, System, referee, survey};
use counterpart::model::CheckedModel;
use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::ActorModel;

pub(super) fn trials() -> Vec<Trial> {
    [
        abd::trials(),
        counters::trials(),
        interaction::trials(),
        lww::trials(),
        raft::trials(),
        single_copy::trials(),
        timers::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What our search says, after stateright's has said the same of states and of properties.
#[track_caller]
fn agreed<M: CheckedModel>(model: M) -> Survey<M> {
    let budget = Budget::default();
    let ours = survey(Arc::new(model), &budget).expect("a model");
    let theirs = referee(ours.model(), &budget.interrupt).expect("no more properties than it has room for");
    assert_eq!(theirs.states, ours.node_count(), "stateright's search");
    let discovered: BTreeSet<_> = ours.discoveries().iter().filter(|of| of.node.is_some()).map(|of| of.name).collect();
    assert_eq!(theirs.discovered, discovered, "stateright's search");
    ours
}

/// The same of actors, after the search by the parts of their states has said the same of everything.
#[track_caller]
fn agreed_by_parts<A, C, H>(model: impl Fn() -> ActorModel<A, C, H>) -> Survey<ActorModel<A, C, H>>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    let plain = agreed(model());
    agrees_by_parts(model, &plain, &Budget::default());
    plain
}

/// The search by the parts of states says the same as the one by states.
#[track_caller]
fn agrees_by_parts<A, C, H>(
    model: impl Fn() -> ActorModel<A, C, H>,
    plain: &Survey<ActorModel<A, C, H>>,
    budget: &Budget,
) where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    agrees_reduced(&model, plain);
    for threads in [1, 2] {
        let parts = Actors::of(model()).survey(&budget.clone().threads(threads)).expect("a model");
        assert_eq!(
            (parts.node_count(), parts.edge_count(), parts.cut_count(), parts.depth(), parts.stop()),
            (plain.node_count(), plain.edge_count(), plain.cut_count(), plain.depth(), plain.stop()),
            "{threads} threads"
        );
        assert_eq!(parts.discoveries(), plain.discoveries(), "{threads} threads");
        for node in plain.discoveries().iter().filter_map(|found| found.node) {
            let (ours, theirs) = (parts.model().path(parts.path_to(node)), plain.path_to(node));
            assert!(ours.initial == theirs.initial && ours.steps == theirs.steps, "{threads} threads, node {node}");
        }
    }
}

/// What is linearizable is so with orders of steps left out, and what is not is not; a system with a boundary is refused.
#[track_caller]
fn agrees_reduced<A, C, H>(model: impl Fn() -> ActorModel<A, C, H>, plain: &Survey<ActorModel<A, C, H>>)
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    const LINEARIZABLE: &str = "linearizable";
    let refused = Actors::of(model()).survey_reduced(&Budget::default());
    assert!(matches!(refused, Err(ModelError::NotReduced { .. })), "it may look at everything");
    let Some(wanted) = plain.discoveries().iter().find(|of| of.name == LINEARIZABLE) else { return };
    let mut model = model();
    model.properties.retain(|property| property.name == LINEARIZABLE);
    let reduced = Actors::of(model).over_history(LINEARIZABLE).without_boundary();
    let reduced = reduced.survey_reduced(&Budget::default()).expect("a model");
    assert_eq!(reduced.discoveries()[0].node.is_some(), wanted.node.is_some());
    assert!(plain.stop().is_some() || reduced.node_count() <= plain.node_count());
}

/// Steps to the nearest state that shows something of the property: a violation or a witness.
#[track_caller]
fn steps<M: CheckedModel>(survey: &Survey<M>, property: &str) -> Option<usize> {
    let found = survey.discoveries().iter().find(|found| found.name == property).expect("a property of the model");
    assert!(found.expectation != Expectation::Eventually);
    Some(survey.depth_of(found.node?))
}
