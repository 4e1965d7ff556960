//! The same histories judged by Porcupine, where its sources and Go are: in turns, each in a process of its own.
//!
//! Both sides read the same file of JSON lines. *Judged* is the time from what was read to the verdict, with all that it
//! takes to get there: here a log is events with named fields, there a history is typed calls. *All* is the whole process,
//! reading included; its memory is the most that it has held.

use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use counterpart::conform::Agreement;
use counterpart::conform::events::Log;
use tempfile::TempDir;

use super::store::{Kind, Run};
use super::{RUN, peak_kib, verdict};

/// Names the folder of Porcupine's sources.
const SOURCES: &str = "PORCUPINE";

/// Each side judges each history so often; medians are compared.
const TIMES: usize = 5;

/// So long Porcupine judges one at most, in seconds.
const JUDGED_SECONDS_MAX: u32 = 10;

const CLIENTS: [usize; 3] = [10, 30, 100];

/// A sort of histories.
struct Sort {
    name: &'static str,
    kind: Kind,
    keys: u32,
    splits: bool,
    /// How busy so many clients are: with many more open at once, for what is judged together, neither side ends.
    busy_percents: [u64; CLIENTS.len()],
    /// So many calls at most, where all is right, and where one answer is wrong: what is larger Porcupine judges no longer
    /// within its time.
    calls_max: [usize; 2],
}

const SORTS: [Sort; 4] = [
    Sort {
        name: "a register, whole",
        kind: Kind::Register,
        keys: 1,
        splits: false,
        busy_percents: [50, 10, 3],
        calls_max: [10_000, 10_000],
    },
    Sort {
        name: "ten registers, split",
        kind: Kind::Register,
        keys: 10,
        splits: true,
        busy_percents: [50, 50, 50],
        calls_max: [100_000, 100_000],
    },
    Sort {
        name: "ten texts, whole",
        kind: Kind::Texts,
        keys: 10,
        splits: false,
        busy_percents: [20, 5, 1],
        calls_max: [1_000, 1_000],
    },
    Sort {
        name: "ten texts, split",
        kind: Kind::Texts,
        keys: 10,
        splits: true,
        busy_percents: [50, 50, 10],
        calls_max: [100_000, 100_000],
    },
];

impl Sort {
    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        CLIENTS.into_iter().zip(self.busy_percents).flat_map(move |(clients, busy_percent)| {
            let of = Run { kind: self.kind, keys: self.keys, clients, busy_percent, ..RUN };
            [1_000, 10_000, 100_000].into_iter().flat_map(move |calls| {
                let wrong = [None, Some(80)].into_iter().zip(self.calls_max);
                let judged = wrong.filter(move |(_, calls_max)| calls <= *calls_max);
                judged.map(move |(wrong_at_percent, _)| Run { calls, wrong_at_percent, ..of })
            })
        })
    }
}

/// Reads and judges a file, and prints what it took as the driver of Porcupine does.
pub(super) fn judge(file: &Path, splits: bool) -> Result<(), String> {
    let begun = Instant::now();
    let log = Log::read(file).map_err(|error| error.to_string())?;
    let read = begun.elapsed();
    let judging = Instant::now();
    let verdict = verdict(&log, splits, true).verdict;
    let judged = judging.elapsed();
    println!("{verdict} {} {} {}", read.as_secs_f64(), judged.as_secs_f64(), peak_kib());
    Ok(())
}

/// Compares histories of the sorts whose names contain `only`.
///
/// # Errors
/// Verdicts differ, or some side does not run.
pub(super) fn compare(only: &str) -> Result<(), String> {
    let Some(sources) = env::var_os(SOURCES) else {
        println!("Porcupine is not compared: {SOURCES} names no folder of its sources.");
        return Ok(());
    };
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let porcupine = built(folder.path(), Path::new(&sources))?;
    println!(
        "{:<22} {:>7} {:>7} {:<10} {:>9} {:>9} {:>6} {:>6} {:>7} {:>7}",
        "beside Porcupine", "clients", "calls", "verdict", "judged", "theirs", "ratio", "all", "MiB", "theirs"
    );
    let mut ratios = Ratios::default();
    for sort in SORTS.iter().filter(|sort| sort.name.contains(only)) {
        for run in sort.runs() {
            let (ours, theirs) = beside(&folder, &porcupine, &run, sort.splits)?;
            let (judged, all) = (ours.judged_seconds / theirs.judged_seconds, ours.all() / theirs.all());
            println!(
                "{:<22} {:>7} {:>7} {:<10} {:>9.4} {:>9.4} {judged:>6.2} {all:>6.2} {:>7} {:>7}{}",
                sort.name,
                run.clients,
                run.calls,
                ours.verdict,
                ours.judged_seconds,
                theirs.judged_seconds,
                ours.peak_kib / 1024,
                theirs.peak_kib / 1024,
                if theirs.is_incomplete() { "  they come to no verdict" } else { "" }
            );
            if !theirs.is_incomplete() {
                ratios.judged.push(judged);
                ratios.all.push(all);
                ratios.memory.push(ours.peak_kib as f64 / theirs.peak_kib as f64);
            }
        }
    }
    ratios.tell();
    Ok(())
}

/// Ours to Porcupine's.
#[derive(Default)]
struct Ratios {
    judged: Vec<f64>,
    all: Vec<f64>,
    memory: Vec<f64>,
}

impl Ratios {
    fn tell(self) {
        for (what, mut ratios) in [("judged", self.judged), ("all", self.all), ("memory", self.memory)] {
            ratios.sort_by(f64::total_cmp);
            let (median, most) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
            println!(
                "{what}: {median:.2} of Porcupine's in the median of {} histories, at most {most:.2}",
                ratios.len()
            );
        }
    }
}

/// What came of judging a history once, or in the median.
#[derive(Clone)]
pub(super) struct Taken {
    pub(super) verdict: String,
    read_seconds: f64,
    judged_seconds: f64,
    pub(super) peak_kib: u64,
}

impl Taken {
    pub(super) fn all(&self) -> f64 {
        self.read_seconds + self.judged_seconds
    }

    fn is_incomplete(&self) -> bool {
        self.verdict == Agreement::Incomplete.to_string()
    }

    /// Runs a side.
    pub(super) fn by(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = said.split_whitespace().collect();
        let [verdict, read, judged, peak] = words[..] else {
            return Err(format!("{} said {said:?}: {}", program.display(), String::from_utf8_lossy(&output.stderr)));
        };
        let number = |word: &str| word.parse::<f64>().map_err(|error| format!("{word:?}: {error}"));
        Ok(Taken {
            verdict: verdict.into(),
            read_seconds: number(read)?,
            judged_seconds: number(judged)?,
            peak_kib: number(peak)? as u64,
        })
    }

    fn median(taken: &[Taken]) -> Taken {
        let of = |figure: fn(&Taken) -> f64| {
            let mut figures: Vec<f64> = taken.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Taken {
            verdict: taken[0].verdict.clone(),
            read_seconds: of(|taken| taken.read_seconds),
            judged_seconds: of(|taken| taken.judged_seconds),
            peak_kib: of(|taken| taken.peak_kib as f64) as u64,
        }
    }
}

/// Judges one history on both sides, in turns: once, where Porcupine comes to no verdict within its time.
fn beside(folder: &TempDir, porcupine: &Path, run: &Run, splits: bool) -> Result<(Taken, Taken), String> {
    let file = folder.path().join("history.jsonl");
    run.log().write(&file).map_err(|error| error.to_string())?;
    let file = file.to_string_lossy();
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        ours.push(Taken::by(&program, &["judge", &file, if splits { "split" } else { "whole" }])?);
        // A store of one key is no map there.
        let is_map = !splits && run.keys > 1;
        let seconds = JUDGED_SECONDS_MAX.to_string();
        theirs.push(Taken::by(porcupine, &[&file, if is_map { "whole" } else { "split" }, &seconds])?);
        if theirs[0].is_incomplete() {
            break;
        }
    }
    let wanted = if run.wrong_at_percent.is_some() { Agreement::Diverges } else { Agreement::Conforms };
    let is_wrong = |taken: &&Taken| taken.verdict != wanted.to_string();
    // Where Porcupine does not come to a verdict, ours may meet its limit as well.
    let is_open = |taken: &&Taken| theirs[0].is_incomplete() && taken.is_incomplete();
    if let Some(taken) = ours.iter().chain(&theirs).find(|taken| is_wrong(taken) && !is_open(taken)) {
        return Err(format!("{run:?}: {} is said, and it is known that it {wanted}", taken.verdict));
    }
    Ok((Taken::median(&ours), Taken::median(&theirs)))
}

/// Builds the driver with Go, from `sources` alone.
fn built(folder: &Path, sources: &Path) -> Result<std::path::PathBuf, String> {
    let sources = fs::canonicalize(sources).map_err(|error| format!("{}: {error}", sources.display()))?;
    let module = format!(
        "module beside\n\ngo 1.16\n\nrequire github.com/anishathalye/porcupine v0.0.0\n\n\
         replace github.com/anishathalye/porcupine => {}\n",
        sources.display()
    );
    let written = fs::write(folder.join("go.mod"), module)
        .and_then(|()| fs::write(folder.join("main.go"), include_str!("porcupine.go")));
    written.map_err(|error| error.to_string())?;
    let mut build = Command::new("go");
    build.args(["build", "-o", "beside", "."]).current_dir(folder).env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
    let output = build.output().map_err(|error| format!("go, which builds Porcupine: {error}"))?;
    if !output.status.success() {
        return Err(format!("go does not build Porcupine: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(folder.join("beside"))
}
