//! The engine that explores in several processes, measured: process 0 is the one that measures, and starts the others.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use stateright::Model;

use super::{Engine, Explore};
use crate::explore::{
    Budget, ClusterConfig, ClusterError, ClusterSurvey, Pack, survey_in_cluster, survey_packed_in_cluster,
};
use crate::model::CheckedModel;

/// What a process is that another one started: its number, and all addresses. It listens with its standard input.
const MEMBER: &str = "COUNTERPART_BENCH_MEMBER";

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
        let (config, others) = match std::env::var(MEMBER) {
            Ok(member) => (joined(&member)?, Vec::new()),
            Err(_) => began(&format!("{name},{},{processes}", Engine::Cluster.name()), processes)
                .map_err(|error| told(&error))?,
        };
        let budget = Budget { states_max: usize::MAX, ..Budget::default() };
        let survey = explore(&budget, config.describing(&name));
        for mut other in others {
            other.wait().map_err(|error| told(&error))?;
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

/// Starts all processes but this one, which is the first.
fn began(measured: &str, processes: usize) -> io::Result<(ClusterConfig, Vec<Child>)> {
    let mut configs = ClusterConfig::on_loopback(processes)?;
    let mut others = Vec::new();
    for (process, config) in configs.iter_mut().enumerate().skip(1) {
        let listener = config.take_listener().ok_or(io::ErrorKind::NotConnected)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "--measure", measured]);
        command.env(MEMBER, format!("{process} {}", config.addresses().join(" ")));
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::null());
        others.push(command.spawn()?);
    }
    Ok((configs.swap_remove(0), others))
}

/// The process that another one started this as.
fn joined(member: &str) -> Result<ClusterConfig, String> {
    let told = |error: &dyn std::fmt::Display| format!("{MEMBER}={member:?}: {error}");
    let mut words = member.split(' ');
    let process = words.next().unwrap_or_default().parse().map_err(|error| told(&error))?;
    let listener = io::stdin().as_fd().try_clone_to_owned().map(TcpListener::from).map_err(|error| told(&error))?;
    let config = ClusterConfig::new(words.map(String::from), process).map_err(|error| told(&error))?;
    Ok(config.listening(listener))
}
