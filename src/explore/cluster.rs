//! Exploring for safety in several processes, which may be on several machines.
//!
//! Each process explores the beginning by itself, as [`survey`](super::survey) does, until a level is wide enough to be
//! divided. That level is cut into *lineages*, runs of nodes that follow one another, which are dealt out to the workers
//! (the threads of all processes). A worker expands the nodes of its lineages and what it was the first to find from them,
//! and so a lineage goes on as a run of nodes that follow one another, level after level.
//!
//! Who was the first is told by the owner of the fingerprint, a worker that is chosen by the fingerprint alone. It is asked
//! once a level is expanded, takes the questions in the order of the lineages, and answers with one bit each. So no state
//! travels, only fingerprints and bits, and any model will do whose hashes are the same in all processes. How many nodes a
//! lineage has is then told to all, and with that every node has the number that one process would have given it: counts,
//! findings and paths are those of [`survey`](super::survey).
//!
//! The path to a node lies in one worker, from the beginning on that all have.
//!
//! Messages and barriers are those of timely dataflow (Murray et al., *Naiad: a timely dataflow system*, SOSP 2013). Each
//! level has three times, for questions, answers and sums; its frontier says when all of a time has come.

mod begun;
mod hosts;
mod line;
mod meet;
mod post;
mod share;
mod told;
mod work;
mod worker;

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use stateright::Model;
use thiserror::Error;

use self::begun::{Begun, Prefix};
use self::meet::Fact;
use super::form::{Form, Whole};
use super::pack::{Words, round_trips};
use super::survey::asked;
use super::{Budget, Equality, ModelError, Pack, Packed};
use crate::model::CheckedModel;

pub use self::hosts::ClusterConfig;
pub use self::told::ClusterSurvey;

/// Why a cluster came to no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// As in one process.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Another process says what is wrong with the model.
    #[error("process {process} ({address}): {words}")]
    Elsewhere {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// What it says.
        words: String,
    },
    /// Processes and addresses do not go together.
    #[error("{what}; a line for each process, as host:port, the first being process 0")]
    Hosts {
        /// What is wrong, and where.
        what: String,
    },
    /// The address of this process is not to be had.
    #[error("{address}: {why}; see that it is this machine's, and that no other process listens there")]
    Address {
        /// The address.
        address: String,
        /// What the operating system says.
        why: String,
    },
    /// A process did not come.
    #[error("process {process} ({address}) did not come within {} s: {why}; start it, or wait longer", wait.as_secs_f64())]
    Absent {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// How long it was waited for.
        wait: Duration,
        /// What was seen of it last.
        why: String,
    },
    /// A process does something else.
    #[error("process {process} ({address}) does something else: {what} is {theirs:?} there and {ours:?} here")]
    Differs {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// In what it differs.
        what: String,
        /// What it is here.
        ours: String,
        /// What it is there.
        theirs: String,
    },
    /// A process ended before the run did.
    #[error("process {process} ({address}) ended before the run did: there is no verdict; begin again")]
    Lost {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
    },
    /// Something is not explored in a cluster.
    #[error("{what}: it is not explored in a cluster; explore in one process")]
    Refused {
        /// What it is.
        what: String,
    },
}

/// Explores `model` as [`survey`](super::survey) does, in this process and the others that `config` names. All of them
/// return the same.
///
/// The model's hashes have to be the same in all processes. In the beginning, which all explore, a difference is refused; one
/// that shows later only is not noticed, and what is told is then worth nothing: a state may be counted twice, or be taken for
/// another one. States of one fingerprint are taken for one from where the work is divided. [`Budget::threads`] of each process
/// expand states, as many in one as in the other.
///
/// Connections are neither encrypted nor authenticated: whoever can reach the ports has to be trusted. A machine that vanishes
/// without closing its connections is noticed when the operating system gives them up.
///
/// # Errors
/// As [`survey`](super::survey), in whichever process it is; a process does not come, does something else, or ends early;
/// or a checkpoint, states that are compared to the end, or a model of [`Actors`](super::Actors) is asked for.
///
/// # Panics
/// If a worker has more than 4,294,967,292 states.
pub fn survey_in_cluster<M: CheckedModel>(
    model: Arc<M>,
    budget: &Budget,
    config: ClusterConfig,
) -> Result<ClusterSurvey<M>, ClusterError> {
    surveyed::<M, Whole>(model, budget, config)
}

/// Explores `model` as [`survey_in_cluster`] does; its states are held as words.
///
/// # Errors
/// As [`survey_in_cluster`]; or an initial state is another once it was packed.
///
/// # Panics
/// As [`survey_in_cluster`].
pub fn survey_packed_in_cluster<M, const N: usize>(
    model: Arc<M>,
    budget: &Budget,
    config: ClusterConfig,
) -> Result<ClusterSurvey<M>, ClusterError>
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    round_trips(&*model)?;
    surveyed::<M, Words<N>>(model, budget, config)
}

fn surveyed<M, F>(model: Arc<M>, budget: &Budget, config: ClusterConfig) -> Result<ClusterSurvey<M>, ClusterError>
where
    M: CheckedModel,
    F: Form<M::State>,
{
    if let Some(what) = refused::<M>(budget) {
        return Err(ClusterError::Refused { what: what.into() });
    }
    let listener = config.listener()?;
    let (begun, names) = Begun::<M, F>::new(model, budget, asked, config.divided_from)?;
    let facts = facts::<M, F>(&begun.prefix, budget, &config);
    let met = meet::meet(&config, &listener, &facts)?;
    drop(listener);
    worker::run(begun, names, budget, &config, met)
}

fn refused<M: CheckedModel>(budget: &Budget) -> Option<&'static str> {
    if budget.checkpoint.is_some() {
        Some("a checkpoint is asked for")
    } else if budget.equality == Equality::Exact {
        Some("states are to be compared to the end, and they do not travel")
    } else if TypeId::of::<M::State>() == TypeId::of::<Packed>() {
        Some("the states of `Actors` bear numbers that mean something else in another process")
    } else {
        None
    }
}

/// What has to be the same in all processes.
fn facts<M: CheckedModel, F: 'static>(prefix: &Prefix, budget: &Budget, config: &ClusterConfig) -> Vec<Fact> {
    let fact = |what: &str, value: String| (what.to_string(), value);
    vec![
        fact("the version", env!("CARGO_PKG_VERSION").into()),
        fact("the list of addresses", config.addresses.join(", ")),
        fact("the model", std::any::type_name::<M>().into()),
        fact("what is said of it", config.what.clone()),
        fact("how states are held", std::any::type_name::<F>().into()),
        fact("the number of threads", budget.threads.max(1).to_string()),
        fact("the limit on states", budget.states_max.to_string()),
        fact("the limit on steps", budget.depth_max.to_string()),
        fact("what states are told apart by", format!("{:?}", budget.equality)),
        fact("whether states are expanded twice", budget.recheck.to_string()),
        fact("the level that is divided", config.divided_from.to_string()),
        fact("what the exploration begins with", prefix.told()),
    ]
}
