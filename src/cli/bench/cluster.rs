//! The engine that explores in several processes, measured: process 0 is the one that measures, and starts the others.

use std::sync::Arc;

use stateright::Model;

use super::{Engine, Explore};
use crate::cli::cluster::{Member, Others, began};
use crate::explore::{
    Budget, ClusterConfig, ClusterError, ClusterSurvey, Pack, survey_in_cluster, survey_packed_in_cluster,
};
use crate::model::CheckedModel;

pub(super) fn whole<M: CheckedModel>(name: &str, make: impl Fn() -> M + 'static) -> Explore {
    explored(name, move |budget, config| survey_in_cluster(Arc::new(make()), budget, config))
}

pub(super) fn packed<M, const N: usize>(name: &str, make: Arc<impl Fn() -> M + 'static>) -> Explore
where
    M: CheckedModel + Model<State: Pack<N>>,
{
    explored(name, move |budget, config| survey_packed_in_cluster(Arc::new(make()), budget, config))
}

fn explored<M: CheckedModel>(
    name: &str,
    explore: impl Fn(&Budget, ClusterConfig) -> Result<ClusterSurvey<M>, ClusterError> + 'static,
) -> Explore {
    let name = name.to_string();
    Box::new(move |processes| {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let (config, mut others) = match Member::of_this_process() {
            Some(member) => (member.config()?, Others::default()),
            None => {
                let measured = format!("{name},{},{processes}", Engine::Cluster.name());
                began(&["bench", "--measure", &measured], processes).map_err(|error| told(&error))?
            }
        };
        let budget = Budget { states_max: usize::MAX, ..Budget::default() };
        let survey = explore(&budget, config.describing(&name));
        if survey.is_ok() {
            others.wait().map_err(|error| told(&error))?;
        }
        let survey = survey.map_err(|error| told(&error))?;
        tracing::info!(
            shares = ?survey.shares(),
            common = survey.common_count(),
            asked = survey.asked(),
            bytes_sent = survey.bytes_sent(),
            "explored in processes"
        );
        survey.incomplete().map_or(Ok(survey.node_count()), Err)
    })
}
