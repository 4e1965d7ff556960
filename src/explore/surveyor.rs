//! By which means a model is surveyed for a check, and what was found, its types forgotten.

use std::fmt;
use std::sync::Arc;

use stateright::actor::ActorModel;
use stateright::{Model, Representative};
use thiserror::Error;

use super::{
    Actors, Budget, Discovery, Disk, DiskError, History, ModelError, Pack, Path, Run, Stop, Survey, System, survey,
    survey_on_disk, survey_packed, survey_up_to_symmetry,
};
#[cfg(feature = "cluster")]
use super::{ClusterConfig, ClusterError, ClusterSurvey, survey_in_cluster, survey_packed_in_cluster};
use crate::model::CheckedModel;

/// How a model is explored of whose states alone something is asked: no transition is kept, and most means keep no state.
/// For [`Check::surveyed`](crate::Check::surveyed).
///
/// Counts, verdicts and traces are those of a check that keeps all, but where a means leaves states out and says so.
pub struct Surveyor<M: CheckedModel> {
    name: &'static str,
    survey: Arc<Means<M>>,
    /// The same in a cluster, where there is such a thing.
    #[cfg(feature = "cluster")]
    clustered: Option<Arc<Clustered<M>>>,
}

/// The text is what is surveyed: the case, and the bounds of its model.
type Means<M> = dyn Fn(Arc<M>, &Budget, &str) -> Result<Surveyed, SurveyError> + Send + Sync;

#[cfg(feature = "cluster")]
type Clustered<M> = dyn Fn(Arc<M>, &Budget, ClusterConfig) -> Result<Surveyed, SurveyError> + Send + Sync;

/// What was found.
pub(crate) struct Surveyed {
    pub(crate) states: usize,
    pub(crate) edges: usize,
    pub(crate) depth: usize,
    pub(crate) stop: Option<Stop>,
    pub(crate) incomplete: Option<String>,
    pub(crate) hashes_alike: bool,
    pub(crate) collision_odds: f64,
    /// Whether these are all of the model's states: no state stands for others.
    pub(crate) is_of_all: bool,
    /// By the name of an `always` or a `sometimes`, the first node that shows something of it, with a run that ends there.
    pub(crate) found: Vec<(&'static str, Option<(usize, Run)>)>,
}

/// Why a model was not surveyed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// It is no model, or not one for this means.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// What outgrows memory cannot be put on disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The processes of a cluster do not come together.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The actor system that is surveyed is not the one that is checked.
    #[error(
        "the actor system that the surveyor makes has the properties {theirs:?}, and the model that is checked {ours:?}"
    )]
    OtherActors {
        /// Names of properties of the system that the surveyor makes.
        theirs: Vec<&'static str>,
        /// Names of properties of the model that is checked.
        ours: Vec<&'static str>,
    },
}

impl<M: CheckedModel> Surveyor<M> {
    fn new(
        name: &'static str,
        survey: impl Fn(Arc<M>, &Budget, &str) -> Result<Surveyed, SurveyError> + Send + Sync + 'static,
    ) -> Self {
        Surveyor {
            name,
            survey: Arc::new(survey),
            #[cfg(feature = "cluster")]
            clustered: None,
        }
    }

    /// In memory, states as they are: [`survey`](super::survey()).
    pub fn plain() -> Self {
        Surveyor {
            #[cfg(feature = "cluster")]
            clustered: Some(Arc::new(clustered)),
            ..Surveyor::new("plain", |model, budget, _| Ok(Surveyed::new(&survey(model, budget)?, Path::into_run)))
        }
    }

    /// In memory, states packed into words: [`survey_packed`](super::survey_packed).
    pub fn packed<const N: usize>() -> Self
    where
        M: Model<State: Pack<N>>,
    {
        Surveyor {
            #[cfg(feature = "cluster")]
            clustered: Some(Arc::new(clustered_packed)),
            ..Surveyor::new("packed", |model, budget, _| {
                Ok(Surveyed::new(&survey_packed(model, budget)?, Path::into_run))
            })
        }
    }

    /// One state for all that have the same representative: [`survey_up_to_symmetry`](super::survey_up_to_symmetry). The
    /// counts are of these, and stateright is asked for no second opinion.
    pub fn up_to_symmetry() -> Self
    where
        M: Model<State: Representative>,
    {
        Surveyor::new("up to symmetry", |model, budget, _| {
            let surveyed = Surveyed::new(&survey_up_to_symmetry(model, budget)?, Path::into_run);
            Ok(Surveyed { is_of_all: false, ..surveyed })
        })
    }

    /// States packed into words, and what is known in files: [`survey_on_disk`](super::survey_on_disk).
    pub fn on_disk<const N: usize>(disk: Disk) -> Self
    where
        M: Model<State: Pack<N>>,
    {
        Surveyor::new("on disk", move |model, budget, _| {
            let survey = survey_on_disk(model, budget, &disk)?;
            let found = survey.discoveries().iter().map(|Discovery { name, node, .. }| {
                let run = |node: usize| Ok::<_, DiskError>((node, survey.path_to(node)?.into_run()));
                Ok((*name, node.map(run).transpose()?))
            });
            Ok(Surveyed {
                states: survey.node_count(),
                edges: survey.edge_count(),
                depth: survey.depth(),
                stop: survey.stop().cloned(),
                incomplete: survey.incomplete(),
                hashes_alike: false,
                collision_odds: 0.0,
                is_of_all: true,
                found: found.collect::<Result<_, DiskError>>()?,
            })
        })
    }

    /// In several processes, each of which runs this check: [`survey_in_cluster`](super::survey_in_cluster). `config` says
    /// which of them this one is; what is surveyed is told to the others by the check's name and the model's bounds. All of
    /// them come to the same report.
    #[cfg(feature = "cluster")]
    pub fn in_cluster(config: impl Fn() -> Result<ClusterConfig, ClusterError> + Send + Sync + 'static) -> Self {
        Surveyor::new(IN_A_CLUSTER, move |model, budget, what| clustered(model, budget, config()?.describing(what)))
    }

    /// As [`in_cluster`](Surveyor::in_cluster), with states packed into words:
    /// [`survey_packed_in_cluster`](super::survey_packed_in_cluster).
    #[cfg(feature = "cluster")]
    pub fn packed_in_cluster<const N: usize>(
        config: impl Fn() -> Result<ClusterConfig, ClusterError> + Send + Sync + 'static,
    ) -> Self
    where
        M: Model<State: Pack<N>>,
    {
        Surveyor::new(IN_A_CLUSTER, move |model, budget, what| {
            clustered_packed(model, budget, config()?.describing(what))
        })
    }

    /// Its name in reports.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn survey(&self, model: Arc<M>, budget: &Budget, what: &str) -> Result<Surveyed, SurveyError> {
        (self.survey)(model, budget, what)
    }
}

/// What a model is surveyed with in several processes, by the same means as here; without a surveyor by none.
#[cfg(feature = "cluster")]
pub(crate) fn survey_with_others<M: CheckedModel>(
    surveyor: Option<&Surveyor<M>>,
    model: Arc<M>,
    budget: &Budget,
    config: ClusterConfig,
) -> Result<Surveyed, SurveyError> {
    match surveyor.map(|surveyor| (surveyor.name, &surveyor.clustered)) {
        None => clustered(model, budget, config),
        Some((_, Some(clustered))) => clustered(model, budget, config),
        Some((name, None)) => Err(ClusterError::Refused { what: format!("the check is surveyed {name}") }.into()),
    }
}

#[cfg(feature = "cluster")]
pub(crate) const IN_A_CLUSTER: &str = "in a cluster";

#[cfg(feature = "cluster")]
fn clustered<M: CheckedModel>(model: Arc<M>, budget: &Budget, config: ClusterConfig) -> Result<Surveyed, SurveyError> {
    Ok(Surveyed::of_cluster(&survey_in_cluster(model, budget, config)?))
}

#[cfg(feature = "cluster")]
fn clustered_packed<M, const N: usize>(
    model: Arc<M>,
    budget: &Budget,
    config: ClusterConfig,
) -> Result<Surveyed, SurveyError>
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    Ok(Surveyed::of_cluster(&survey_packed_in_cluster(model, budget, config)?))
}

impl<A, C, H> Surveyor<ActorModel<A, C, H>>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
    ActorModel<A, C, H>: CheckedModel
        + Model<
            State = stateright::actor::ActorModelState<A, H>,
            Action = stateright::actor::ActorModelAction<A::Msg, A::Timer, A::Random>,
        >,
{
    /// An actor system with the parts of its states interned: [`Actors::survey`]. `make` makes the system that is checked
    /// once more, and says what its properties look at.
    pub fn actors(make: impl Fn() -> Actors<A, C, H> + Send + Sync + 'static) -> Self {
        Surveyor::new("actors", move |model: Arc<ActorModel<A, C, H>>, budget, _| {
            let actors = make();
            let ours: Vec<_> = super::survey::asked(&*model).into_iter().map(|asked| asked.name).collect();
            let theirs = actors.asked();
            if ours != theirs {
                return Err(SurveyError::OtherActors { theirs, ours });
            }
            let survey = actors.survey(budget)?;
            let actors = survey.model().clone();
            Ok(Surveyed::new(&survey, |path| {
                let mut from = path.initial;
                let initial = actors.state(&from);
                let steps = path.steps.into_iter().map(|(step, to)| {
                    let action = actors.action(&from, step);
                    from = to;
                    (Some(action), actors.state(&from))
                });
                let steps: Vec<_> = steps.collect();
                let end = steps.len();
                Run::new(initial, steps, end)
            }))
        })
    }
}

impl<M: CheckedModel> Path<M> {
    fn into_run(self) -> Run {
        let end = self.steps.len();
        Run::new(self.initial, self.steps.into_iter().map(|(action, to)| (Some(action), to)).collect(), end)
    }
}

impl Surveyed {
    fn new<M: CheckedModel>(survey: &Survey<M>, run: impl Fn(Path<M>) -> Run) -> Self {
        let found = survey.discoveries().iter().map(|Discovery { name, node, .. }| {
            let shown = node.map(|node| (node, run(survey.path_to(node))));
            (*name, shown)
        });
        Surveyed {
            states: survey.node_count(),
            edges: survey.edge_count(),
            depth: survey.depth(),
            stop: survey.stop().cloned(),
            incomplete: survey.incomplete(),
            hashes_alike: survey.hashes_alike(),
            collision_odds: survey.collision_odds(),
            is_of_all: true,
            found: found.collect(),
        }
    }

    #[cfg(feature = "cluster")]
    fn of_cluster<M: CheckedModel>(survey: &ClusterSurvey<M>) -> Self {
        let found = survey.discoveries().into_iter().enumerate().map(|(property, Discovery { name, node, .. })| {
            let path = survey.path_to(property);
            (name, node.zip(path.map(Path::into_run)))
        });
        Surveyed {
            states: survey.node_count(),
            edges: survey.edge_count(),
            depth: survey.depth(),
            stop: survey.stop().cloned(),
            incomplete: survey.incomplete(),
            hashes_alike: survey.hashes_alike(),
            collision_odds: survey.collision_odds(),
            is_of_all: true,
            found: found.collect(),
        }
    }
}

impl<M: CheckedModel> Clone for Surveyor<M> {
    fn clone(&self) -> Self {
        Surveyor {
            name: self.name,
            survey: self.survey.clone(),
            #[cfg(feature = "cluster")]
            clustered: self.clustered.clone(),
        }
    }
}

impl<M: CheckedModel> fmt::Debug for Surveyor<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Surveyor").field(&self.name).finish()
    }
}
