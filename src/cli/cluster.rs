//! Several processes that explore together: which of them this one is, and how those of one machine are started.

#[cfg(all(feature = "cluster", unix))]
mod started;

use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[cfg(all(feature = "cluster", unix))]
pub(super) use self::started::{Member, Others, began};
use super::{Exit, Host, say};
use crate::check::{Case, Options};
use crate::report::{CaseReport, NotRun};

#[derive(Debug, Args)]
pub(super) struct Processes {
    /// What explores. In a cluster it is one case, of which `always` and `sometimes` alone are judged.
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = Engine::Graph)]
    pub(super) engine: Engine,
    /// The processes of a cluster: a line `host:port` for each, the first being process 0.
    #[arg(long, value_name = "FILE", requires = "process")]
    pub(super) hosts: Option<PathBuf>,
    /// Which of them this one is.
    #[arg(long, value_name = "I", requires = "hosts")]
    pub(super) process: Option<usize>,
    /// Start so many processes on this machine instead, this one counted.
    #[arg(long, value_name = "N", conflicts_with = "hosts")]
    pub(super) processes: Option<NonZeroU16>,
}

/// What explores the model of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// One process that keeps every transition, unless the case says otherwise.
    Graph,
    /// Several processes, that keep none.
    Cluster,
}

/// The processes that explore together, made out of what was typed.
pub(super) enum Together {
    /// This one alone.
    Alone,
    #[cfg(all(feature = "cluster", unix))]
    With(std::sync::Mutex<Option<crate::explore::ClusterConfig>>, Others),
}

impl Together {
    /// Starts the others where that is asked for. The threads are dealt out among processes of one machine unless it is said
    /// how many each has.
    pub(super) fn asked(
        typed: &Processes,
        cases: &[&Case],
        threads: Option<NonZeroUsize>,
        options: &mut Options,
        host: &mut Host,
    ) -> Result<Together, Exit> {
        let refused = |host: &mut Host, why: &str| {
            say!(host, "error: {why}");
            Err(Exit::Usage)
        };
        let named = typed.hosts.is_some() || typed.processes.is_some();
        match (typed.engine, named) {
            (Engine::Graph, false) => return Ok(Together::Alone),
            (Engine::Graph, true) => {
                return refused(host, "--hosts and --processes are for several processes: add --engine cluster");
            }
            (Engine::Cluster, false) => {
                let why = "a cluster needs its processes: add --processes N for those of this machine, or --hosts FILE \
                           --process I";
                return refused(host, why);
            }
            (Engine::Cluster, true) => {}
        }
        if cases.len() != 1 {
            let large = if cases.is_empty() { " without --large" } else { "" };
            return refused(host, &format!("a cluster explores one case, and {} are named{large}", cases.len()));
        }
        if options.checkpoint.is_some() {
            return refused(host, "a cluster keeps no checkpoint: leave --checkpoint out");
        }
        if let (Some(processes), None) = (typed.processes, threads) {
            options.budget.threads = (options.budget.threads / usize::from(processes.get())).max(1);
        }
        started(typed, host)
    }

    /// Runs `case`, here or together with the others.
    pub(super) fn run(&self, case: &Case, options: &Options) -> (CaseReport, Vec<NotRun>) {
        match self {
            Together::Alone => case.run(options),
            #[cfg(all(feature = "cluster", unix))]
            Together::With(config, _) => {
                let config = config.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
                case.run_in_cluster(options, config.expect("there is one case"))
            }
        }
    }

    /// Whether this process was started by another one that tells what is found, and keeps it.
    pub(super) fn is_silent(&self) -> bool {
        match self {
            Together::Alone => false,
            #[cfg(all(feature = "cluster", unix))]
            Together::With(_, others) => others.began_this_one,
        }
    }
}

#[cfg(not(all(feature = "cluster", unix)))]
fn started(_: &Processes, host: &mut Host) -> Result<Together, Exit> {
    say!(
        host,
        "error: this program was built without clusters: build it with the feature `cluster` (cargo run --release \
         --features cluster -- check …), on a Unix"
    );
    Err(Exit::Usage)
}

#[cfg(all(feature = "cluster", unix))]
fn started(typed: &Processes, host: &mut Host) -> Result<Together, Exit> {
    use std::sync::Mutex;

    use crate::explore::ClusterConfig;

    let with = |config, others| Together::With(Mutex::new(Some(config)), others);
    let began = match (&typed.hosts, typed.process, typed.processes) {
        (Some(hosts), Some(process), _) => ClusterConfig::from_file(hosts, process)
            .map(|config| with(config, Others::default()))
            .map_err(|error| error.to_string()),
        (_, _, processes) => match Member::of_this_process() {
            Some(member) => member.config().map(|config| with(config, Others::of_another())),
            None => {
                let same: Vec<_> = std::env::args_os().skip(1).collect();
                let processes = processes.map_or(1, |processes| usize::from(processes.get()));
                began(&same, processes).map(|(config, others)| with(config, others)).map_err(|error| error.to_string())
            }
        },
    };
    let together = began.map_err(|error| {
        say!(host, "error: {error}");
        Exit::Usage
    })?;
    if together.is_silent() {
        (host.out, host.err) = (Box::new(std::io::sink()), Box::new(std::io::sink()));
    }
    Ok(together)
}
