//! `bench`: engines side by side on the same models, each in a process of its own, so that its peak of memory is its own.
//!
//! The rounds are interleaved and a row is the median of them, so that other work on the machine is borne by all alike.
//! The counts of states have to be equal; where they are not, nothing is said of speed.

#[cfg(all(feature = "cluster", unix))]
mod cluster;

use std::fmt;
use std::io::{self, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use globset::{Glob, GlobSetBuilder};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stateright::{Checker, Model};

use super::arguments::BenchArguments;
use super::{Exit, Host};
use crate::explore::{Actors, Budget, Disk, History, Pack, Survey, System, survey, survey_on_disk, survey_packed};
use crate::model::CheckedModel;
use crate::report::SCHEMA;

/// A model that engines are measured on.
pub struct Subject {
    name: String,
    /// Name of the subject with whose times by stateright it is compared.
    beside: String,
    engines: Vec<(Engine, Explore)>,
}

/// Memory that is given to what is known in files, in MiB.
const DISK_MIB: usize = 32;

type Explore = Box<dyn Fn(usize) -> Result<usize, String>>;

/// What explores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Engine {
    /// Ours.
    Graph,
    /// Ours for actor systems.
    Actors,
    /// Ours, with what is known in files.
    Disk,
    /// Ours, in so many processes instead of threads.
    #[cfg(all(feature = "cluster", unix))]
    Cluster,
    /// Ours for actor systems, with orders of steps left out.
    Reduced,
    StaterightBfs,
    StaterightDfs,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Engine::Graph => "graph",
            Engine::Actors => "actors",
            Engine::Disk => "disk",
            #[cfg(all(feature = "cluster", unix))]
            Engine::Cluster => "cluster",
            Engine::Reduced => "reduced",
            Engine::StaterightBfs => "stateright-bfs",
            Engine::StaterightDfs => "stateright-dfs",
        }
    }
}

impl Engine {
    /// Whether it is measured on several threads, or as several processes, beside one.
    fn takes_threads(self) -> bool {
        !matches!(self, Engine::Reduced | Engine::StaterightBfs | Engine::StaterightDfs)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Subject {
    /// A subject for the model that `make` makes, measured by our engine and by stateright's breadth-first and
    /// depth-first search. One of its properties has to hold and not be discovered, else stateright stops early.
    pub fn of<M: CheckedModel>(name: impl Into<String>, make: impl Fn() -> M + Clone + 'static) -> Self {
        let name = name.into();
        let (breadth, depth) = (make.clone(), make.clone());
        #[cfg(all(feature = "cluster", unix))]
        let in_processes = cluster::whole(&name, make.clone());
        let stateright = |states: usize| Ok::<usize, String>(states);
        let engines: Vec<(Engine, Explore)> = vec![
            (
                Engine::StaterightBfs,
                Box::new(move |threads| {
                    stateright(breadth().checker().threads(threads).spawn_bfs().join().unique_state_count())
                }),
            ),
            (
                Engine::StaterightDfs,
                Box::new(move |threads| {
                    stateright(depth().checker().threads(threads).spawn_dfs().join().unique_state_count())
                }),
            ),
            (Engine::Graph, Box::new(move |threads| ours(make(), threads))),
        ];
        #[cfg(all(feature = "cluster", unix))]
        let engines = engines.into_iter().chain([(Engine::Cluster, in_processes)]).collect();
        Subject { beside: name.clone(), name, engines }
    }

    /// The same, measured by our engine for actor systems as well.
    #[must_use]
    pub fn with_actors<A, C, H>(mut self, make: impl Fn() -> Actors<A, C, H> + 'static) -> Self
    where
        A: System,
        C: Send + Sync + 'static,
        H: History,
    {
        let explore: Explore = Box::new(move |threads| {
            let survey = make().survey(&Budget { threads, ..Budget::default() });
            counted(&survey.map_err(|error| error.to_string())?)
        });
        self.engines.push((Engine::Actors, explore));
        self
    }

    /// The same, measured with orders of steps left out as well. Its states are a part of the others'.
    #[must_use]
    pub fn with_reduced<A, C, H>(mut self, make: impl Fn() -> Actors<A, C, H> + 'static) -> Self
    where
        A: System,
        C: Send + Sync + 'static,
        H: History,
    {
        let explore: Explore = Box::new(move |threads| {
            let survey = make().survey_reduced(&Budget { threads, ..Budget::default() });
            let survey = survey.map_err(|error| error.to_string())?;
            survey.incomplete().map_or(Ok(survey.node_count()), Err)
        });
        self.engines.push((Engine::Reduced, explore));
        self
    }

    /// A subject with the same states as the one called `beside`, packed in words; our engine alone is measured on it, in
    /// memory and on disk.
    pub fn packed<M, const N: usize>(
        name: impl Into<String>,
        beside: impl Into<String>,
        make: impl Fn() -> M + 'static,
    ) -> Self
    where
        M: CheckedModel + Model<State: Pack<N>>,
    {
        let name = name.into();
        let make = Arc::new(make);
        let again = make.clone();
        #[cfg(all(feature = "cluster", unix))]
        let in_processes = cluster::packed(&name, make.clone());
        let budget = |threads| Budget { threads, states_max: usize::MAX, ..Budget::default() };
        let in_memory: Explore = Box::new(move |threads| {
            let survey = survey_packed(Arc::new(make()), &budget(threads));
            counted(&survey.map_err(|error| error.to_string())?)
        });
        let on_disk: Explore = Box::new(move |threads| {
            let disk = Disk::in_folder(std::env::temp_dir()).memory_mib(DISK_MIB);
            let survey = survey_on_disk(Arc::new(again()), &budget(threads), &disk);
            let survey = survey.map_err(|error| error.to_string())?;
            survey.incomplete().map_or(Ok(survey.node_count()), Err)
        });
        let engines = [
            (Engine::Graph, in_memory),
            (Engine::Disk, on_disk),
            #[cfg(all(feature = "cluster", unix))]
            (Engine::Cluster, in_processes),
        ];
        let engines = engines.into();
        Subject { name, beside: beside.into(), engines }
    }
}

fn ours<M: CheckedModel>(model: M, threads: usize) -> Result<usize, String> {
    let survey = survey(Arc::new(model), &Budget { threads, ..Budget::default() });
    counted(&survey.map_err(|error| error.to_string())?)
}

fn counted<M: CheckedModel>(survey: &Survey<M>) -> Result<usize, String> {
    match survey.incomplete() {
        None => Ok(survey.node_count()),
        Some(why) => Err(why),
    }
}

/// What is measured, or the medians of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    model: String,
    engine: Engine,
    threads: usize,
    states: usize,
    seconds: f64,
    /// Processor time of all threads together; absent where the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    cpu_seconds: Option<f64>,
    /// Peak memory of the process, all that it needed to begin with included; 0 where the system does not tell.
    peak_bytes: u64,
}

pub(super) fn run(subjects: &[Subject], arguments: &BenchArguments, host: &mut Host) -> io::Result<Exit> {
    if let Some(wanted) = &arguments.measure {
        return match measure(subjects, wanted) {
            Ok(row) => {
                writeln!(host.out, "{}", json!(row))?;
                Ok(Exit::AsExpected)
            }
            Err(error) => told(host, Exit::Usage, &error),
        };
    }
    let mut globs = GlobSetBuilder::new();
    for glob in &arguments.globs {
        match Glob::new(glob) {
            Ok(glob) => globs.add(glob),
            Err(error) => return told(host, Exit::Usage, &format!("{glob:?} is not a pattern: {}", error.kind())),
        };
    }
    let Ok(globs) = globs.build() else { return told(host, Exit::Usage, "the patterns are too large together") };
    let chosen = |subject: &&Subject| arguments.globs.is_empty() || globs.is_match(&subject.name);
    let chosen: Vec<&Subject> = subjects.iter().filter(chosen).collect();
    if chosen.is_empty() {
        let names: Vec<_> = subjects.iter().map(|subject| subject.name.as_str()).collect();
        return told(
            host,
            Exit::NothingMatched,
            &format!("nothing of that name is measured, only {}", names.join(", ")),
        );
    }
    let threads = arguments.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        |threads| usize::from(threads.get()),
    );
    match rows(&chosen, usize::from(arguments.runs.get()), threads, host)? {
        Err(error) => told(host, Exit::Unexpected, &error),
        Ok(rows) if arguments.json => {
            writeln!(host.out, "{:#}", json!({"schema": SCHEMA, "rows": rows}))?;
            Ok(Exit::AsExpected)
        }
        Ok(rows) => {
            write!(host.out, "{}", table(subjects, &rows))?;
            Ok(Exit::AsExpected)
        }
    }
}

fn told(host: &mut Host, exit: Exit, error: &str) -> io::Result<Exit> {
    // That nobody listens is no reason to do otherwise.
    let _ = writeln!(host.err, "error: {error}");
    Ok(exit)
}

/// One measurement in this process: the one that `wanted` names, as `MODEL,ENGINE,THREADS`.
fn measure(subjects: &[Subject], wanted: &str) -> Result<Row, String> {
    let no_such = || format!("there is nothing to measure that is called {wanted:?}");
    let [model, engine, threads] = wanted.split(',').collect::<Vec<_>>()[..] else { return Err(no_such()) };
    let threads = threads.parse().map_err(|_| no_such())?;
    let subject = subjects.iter().find(|subject| subject.name == model).ok_or_else(no_such)?;
    let (engine, explore) = subject.engines.iter().find(|(other, _)| other.name() == engine).ok_or_else(no_such)?;
    let started = Instant::now();
    let states = explore(threads)?;
    let seconds = started.elapsed().as_secs_f64();
    let peak_bytes = peak_bytes().unwrap_or_default();
    Ok(Row { model: model.into(), engine: *engine, threads, states, seconds, cpu_seconds: cpu_seconds(), peak_bytes })
}

/// Peak memory of this process. Linux tells it in KiB.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Processor time of this process and of those that it has waited for. Linux tells it in hundredths of a second, behind a
/// name in parentheses and eleven other fields.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()? + next()? + next()?) / 100.0)
}

/// Measures each of `subjects` so many times by every engine: ours on one thread and on `threads`.
fn rows(subjects: &[&Subject], runs: usize, threads: usize, host: &mut Host) -> io::Result<Result<Vec<Row>, String>> {
    let mut jobs: Vec<(String, Vec<Row>)> = Vec::new();
    for subject in subjects {
        for (engine, _) in &subject.engines {
            let several = engine.takes_threads() && threads > 1;
            for threads in [1].into_iter().chain(several.then_some(threads)) {
                jobs.push((format!("{},{},{threads}", subject.name, engine.name()), Vec::new()));
            }
        }
    }
    let program = std::env::current_exe()?;
    for round in 1..=runs {
        let _ = writeln!(host.err, "round {round} of {runs}");
        for (job, measured) in &mut jobs {
            if host.interrupted.load(Ordering::SeqCst) {
                return Ok(Err("interrupted".into()));
            }
            let output = Command::new(&program).args(["bench", "--measure", job]).output()?;
            match serde_json::from_slice(&output.stdout) {
                Ok(row) => measured.push(row),
                Err(_) => return Ok(Err(format!("{job}: {}", String::from_utf8_lossy(&output.stderr).trim()))),
            }
        }
    }
    let rows: Vec<Row> = jobs.into_iter().filter_map(|(_, measured)| medians(measured)).collect();
    for row in &rows {
        let differs = |other: &&Row| other.model == row.model && other.states != row.states;
        let whole = |row: &&Row| row.engine != Engine::Reduced;
        if let Some(other) = rows.iter().filter(whole).find(differs).filter(|_| whole(&row)) {
            return Ok(Err(format!("{}: {} states by one engine, {} by another", row.model, row.states, other.states)));
        }
    }
    Ok(Ok(rows))
}

fn medians(measured: Vec<Row>) -> Option<Row> {
    let middle = |of: fn(&Row) -> f64| {
        let mut values: Vec<f64> = measured.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let (seconds, peak) = (middle(|row| row.seconds), middle(|row| row.peak_bytes as f64));
    let cpu = middle(|row| row.cpu_seconds.unwrap_or_default());
    let first = measured.first()?.clone();
    Some(Row { seconds, cpu_seconds: first.cpu_seconds.map(|_| cpu), peak_bytes: peak as u64, ..first })
}

/// A line for each row, beside stateright's breadth-first search of the same states on one thread.
fn table(subjects: &[Subject], rows: &[Row]) -> String {
    const MIB: f64 = (1 << 20) as f64;
    let mut text = format!(
        "{:<14} {:<15} {:>7} {:>9} {:>7} {:>9} {:>9} {:>9} {:>8} {:>8}\n",
        "model", "engine", "threads", "states", "kept", "seconds", "CPU", "MiB", "speed", "memory"
    );
    for row in rows {
        let subject = subjects.iter().find(|subject| subject.name == row.model);
        let beside = subject.map_or(row.model.as_str(), |subject| subject.beside.as_str());
        let base = rows.iter().find(|base| base.model == beside && base.engine == Engine::StaterightBfs);
        let speed = base.map(|base| format!("{:.2}x", base.seconds / row.seconds)).unwrap_or_default();
        let whole = rows.iter().find(|other| other.model == row.model && other.engine != Engine::Reduced);
        let whole = whole.filter(|_| row.engine == Engine::Reduced);
        let kept = whole.map(|whole| format!("{:.4}", row.states as f64 / whole.states as f64));
        let memory = base.map(|base| format!("{:.2}x", row.peak_bytes as f64 / base.peak_bytes as f64));
        text += &format!(
            "{:<14} {:<15} {:>7} {:>9} {:>7} {:>9.2} {:>9.2} {:>9.0} {:>8} {:>8}\n",
            row.model,
            row.engine.name(),
            row.threads,
            row.states,
            kept.unwrap_or_default(),
            row.seconds,
            row.cpu_seconds.unwrap_or_default(),
            row.peak_bytes as f64 / MIB,
            speed,
            memory.unwrap_or_default()
        );
    }
    text
}
