//! What can be typed.

use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::cluster::Processes;
use crate::check::Checkpoint;
use crate::explore::Equality;

/// Explore protocols exhaustively, and check that implementations do what their models do.
#[derive(Debug, Parser)]
#[command(
    name = "counterpart",
    version,
    after_help = "Exit: 0 all as expected, 1 a verdict or a replay differs, 2 usage, 3 incomplete, 4 nothing matched, \
                  5 stale or unreadable trace or checkpoint, 70 a defect of this program, 130 interrupted."
)]
pub(super) struct Arguments {
    /// Say more of what is done, on stderr (-vv and -vvv: still more; RUST_LOG overrides); `check` tells every case in full.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Name the cases, what they claim and what is run alongside.
    List {
        /// Names or patterns (`circuit_breaker`, `*/breaker*`); all cases if none is given.
        globs: Vec<String>,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Explore models, judge properties, run implementations alongside, compare with what is expected.
    Check(CheckArguments),
    /// Walk about in a model by hand, in a browser on this machine.
    Explore(ExploreArguments),
    /// Measure engines side by side on the same models, each in a process of its own.
    Bench(BenchArguments),
    /// Look at traces.
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Judge logs of what has run elsewhere.
    #[command(subcommand)]
    Log(LogCommand),
    /// Run a trace again, on the model and on the implementation.
    Replay {
        /// A trace file.
        file: PathBuf,
        #[command(flatten)]
        limits: Limits,
    },
    /// Write a crate to begin with: a model, an implementation, their test, and a defect to switch on.
    New(NewArguments),
}

#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// The crate's name, or a path that ends in it. The folder must not be there yet.
    pub(super) name: PathBuf,
    /// The folder of counterpart's Cargo.toml; by default that which this program was built from, and if that is gone the
    /// version in the registry.
    #[arg(long, value_name = "DIR")]
    pub(super) path: Option<PathBuf>,
}

/// Where traces are kept unless something else is said: each case's where the case says.
pub(super) const TRACES: &str = "traces";

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Names or patterns (`circuit_breaker`, `*/breaker*`); all cases if none is given.
    pub(super) globs: Vec<String>,
    /// Run the large cases as well.
    #[arg(long)]
    pub(super) large: bool,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
    /// Tell on stderr how long each case took, the slowest first.
    #[arg(long)]
    pub(super) timings: bool,
    /// Do not ask stateright's own search for a second opinion.
    #[arg(long)]
    pub(super) no_referee: bool,
    /// Write the run as pages into this folder: `index.html`, and a page for each trace.
    #[arg(long, value_name = "DIR")]
    pub(super) html: Option<PathBuf>,
    /// Where the traces of violations and deviations are kept.
    #[arg(long, value_name = "DIR", default_value = TRACES)]
    pub(super) traces: PathBuf,
    /// Leave the exploration of each case behind in this folder now and then, so that a later run can go on with it.
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoint: Option<PathBuf>,
    /// Go on with what is left behind there.
    #[arg(long, requires = "checkpoint")]
    pub(super) resume: bool,
    /// Seconds from one time that something is left behind to the next.
    #[arg(long, value_name = "SECONDS", requires = "checkpoint", default_value_t = Checkpoint::EVERY_S)]
    pub(super) checkpoint_every: u64,
    #[command(flatten)]
    pub(super) processes: Processes,
    #[command(flatten)]
    pub(super) limits: Limits,
}

#[derive(Debug, Args)]
pub(super) struct ExploreArguments {
    /// The case whose model it is.
    pub(super) case: String,
    #[command(flatten)]
    pub(super) limits: Limits,
}

#[derive(Debug, Args)]
pub(super) struct BenchArguments {
    /// Names or patterns (`2pc-*`); all models if none is given.
    pub(super) globs: Vec<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
    /// Rounds; a row is the median of them.
    #[arg(long, value_name = "N", default_value = "5")]
    pub(super) runs: NonZeroU16,
    /// Threads that our engine is measured on beside one; all cores by default.
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroU16>,
    /// The one measurement that a child process makes.
    #[arg(long, hide = true, value_name = "MODEL,ENGINE,THREADS")]
    pub(super) measure: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TraceCommand {
    /// Print a trace step by step. A trace of Quint's or Apalache's can be looked at as well.
    Show(ShowArguments),
    /// Tell two traces apart: what they are of, how long they go together, how each goes on.
    Diff {
        /// A trace file.
        left: PathBuf,
        /// Another.
        right: PathBuf,
        /// Columns of a line; by default those of the terminal, else as many as it wants.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(WIDTH_MIN..))]
        width: Option<u16>,
    },
    /// Make a page of a trace: one HTML file that needs nothing else.
    Html {
        /// A trace file.
        file: PathBuf,
        /// Write it here; by default to stdout.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Give a trace in the words of another tool.
    Export {
        /// A trace file.
        file: PathBuf,
        /// Informal Trace Format, a sequence diagram for Mermaid, or a graph for Graphviz.
        #[arg(long, value_enum)]
        format: Format,
        /// Write it here; by default to stdout.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// What a trace is given as.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    Itf,
    Mermaid,
    Dot,
}

/// Narrower than this nothing can be told.
const WIDTH_MIN: i64 = 20;

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// A trace file.
    pub(super) file: PathBuf,
    /// Columns of a line; by default those of the terminal, else as many as it wants.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(WIDTH_MIN..))]
    pub(super) width: Option<u16>,
    /// Steps of this actor alone, and messages to and from it.
    #[arg(long, value_name = "ACTOR")]
    pub(super) only: Option<String>,
    /// Wrap what is wider than the terminal, and cut nothing.
    #[arg(long)]
    pub(super) full: bool,
    /// Draw with letters of ASCII alone.
    #[arg(long)]
    pub(super) ascii: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Look for a behaviour of a case's model that explains a log.
    Check(LogArguments),
}

/// What a log is written in.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// A history in EDN: Jepsen's, or a key-value log of the same kind.
    Edn,
}

#[derive(Debug, Args)]
pub(super) struct LogArguments {
    /// The case whose model is to explain it.
    pub(super) case: String,
    /// The log: one JSON object a line, or a history in EDN.
    pub(super) file: PathBuf,
    /// What the log is written in. By default EDN if the file's name ends in `.edn`, and JSON lines otherwise.
    #[arg(long, value_enum)]
    pub(super) format: Option<LogFormat>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
    /// Draw who did what when, and the order that explains it, as SVG into this file.
    #[arg(long, value_name = "FILE")]
    pub(super) picture: Option<PathBuf>,
    #[command(flatten)]
    pub(super) limits: Limits,
}

#[derive(Debug, Args)]
pub(super) struct Limits {
    /// Threads that explore; all cores by default. No result depends on it.
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroU16>,
    /// Seed of everything that is drawn.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Stop a case at this many states.
    #[arg(long, value_name = "N")]
    pub(super) max_states: Option<NonZeroUsize>,
    /// Stop a case at this many steps from an initial state.
    #[arg(long, value_name = "N")]
    pub(super) max_depth: Option<usize>,
    /// Stop after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(super) max_time: Option<u64>,
    /// Stop when the process holds this much memory.
    #[arg(long, value_name = "MIB")]
    pub(super) max_memory: Option<usize>,
    /// Compare states by `==` however many there are; by default up to 100,000, and then by 64 bits of their hash.
    #[arg(long, conflicts_with = "fingerprint")]
    pub(super) exact: bool,
    /// Compare states by so many bits of their hash, however few there are.
    #[arg(long, value_name = "BITS")]
    pub(super) fingerprint: Option<Fingerprint>,
}

/// How many bits of a state's hash are compared.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Fingerprint {
    #[value(name = "64")]
    Bits64,
    #[value(name = "128")]
    Bits128,
}

impl Limits {
    pub(super) fn equality(&self) -> Equality {
        match self.fingerprint {
            Some(Fingerprint::Bits64) => Equality::Fingerprint64,
            Some(Fingerprint::Bits128) => Equality::Fingerprint128,
            None if self.exact => Equality::Exact,
            None => Equality::Automatic,
        }
    }
}
