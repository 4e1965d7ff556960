//! `trace`: looking at one, or at two beside each other.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::arguments::{Format, ShowArguments, TraceCommand};
use super::{Exit, Host, say};
use crate::check::{Case, named};
use crate::trace::{Trace, TraceError, write_whole};
use crate::view::{self, Show};

pub(super) fn run(cases: &[Case], command: TraceCommand, host: &mut Host) -> io::Result<Exit> {
    match looked(cases, &command, host) {
        Ok(exit) => Ok(exit),
        Err(Looked::Unreadable(error)) => {
            say!(host, "error: {error}");
            Ok(Exit::Trace)
        }
        Err(Looked::Ungiven(error)) => Err(error),
    }
}

/// Why there was nothing to see.
enum Looked {
    Unreadable(TraceError),
    Ungiven(io::Error),
}

impl From<TraceError> for Looked {
    fn from(error: TraceError) -> Self {
        Looked::Unreadable(error)
    }
}

impl From<io::Error> for Looked {
    fn from(error: io::Error) -> Self {
        Looked::Ungiven(error)
    }
}

fn looked(cases: &[Case], command: &TraceCommand, host: &mut Host) -> Result<Exit, Looked> {
    Ok(match command {
        TraceCommand::Show(arguments) => show(arguments, host)?,
        TraceCommand::Diff { left, right, width } => diff([left, right], *width, host)?,
        TraceCommand::Html { file, output } => {
            let trace = read(file)?;
            let case = cases.iter().find(|case| case.name() == trace.case);
            let page = view::page(&trace, case.map(|case| case.look(&trace)).as_ref());
            give(&page, output.as_deref(), host)?
        }
        TraceCommand::Export { file, format, output } => {
            let trace = read(file)?;
            let text = match format {
                Format::Itf if trace.is_foreign() => {
                    say!(host, "error: {} is ITF already, as another tool wrote it", file.display());
                    return Ok(Exit::Usage);
                }
                Format::Itf => trace.to_json(),
                Format::Mermaid => view::mermaid(&trace),
                Format::Dot => view::dot(&trace),
            };
            give(&text, output.as_deref(), host)?
        }
    })
}

fn read(file: &Path) -> Result<Trace, TraceError> {
    Trace::read_any(&named(file))
}

/// Writes `text` whole into a file, or to stdout.
fn give(text: &str, file: Option<&Path>, host: &mut Host) -> io::Result<Exit> {
    match file {
        None => {
            host.out.write_all(text.as_bytes())?;
            host.out.flush()?;
        }
        Some(file) => {
            if let Err(error) = write_whole(file, text.as_bytes()) {
                say!(host, "error: {}: {error}", file.display());
                return Ok(Exit::Usage);
            }
            say!(host, "written to {}", file.display());
        }
    }
    Ok(Exit::AsExpected)
}

/// Columns of a line: what is asked for, else those of the terminal, if there is one.
fn width(asked: Option<u16>, host: &Host) -> Option<usize> {
    let of_terminal = || {
        // Whoever reads a pipe has no width, and gets all.
        let out = io::stdout();
        if host.progress && out.is_terminal() {
            terminal_size::terminal_size_of(out).map(|(width, _)| width.0)
        } else {
            None
        }
    };
    asked.or_else(of_terminal).map(usize::from)
}

fn show(arguments: &ShowArguments, host: &mut Host) -> Result<Exit, Looked> {
    let trace = read(&arguments.file)?;
    if let Some(only) = &arguments.only {
        let takes_part = view::actors(&trace);
        if !takes_part.contains(only) {
            say!(host, "error: nobody is called {only:?} in this trace; there are {}", takes_part.join(", "));
            return Ok(Exit::Usage);
        }
    }
    let show = Show {
        width: width(arguments.width, host),
        only: arguments.only.clone(),
        full: arguments.full,
        ascii: arguments.ascii,
        replay: true,
    };
    Ok(give(&view::trace_as(&trace, &show), None, host)?)
}

fn diff(files: [&Path; 2], asked: Option<u16>, host: &mut Host) -> Result<Exit, Looked> {
    let [left, right] = [read(files[0])?, read(files[1])?];
    let told = view::diff(&left, &right, width(asked, host));
    if told.is_empty() {
        say!(host, "the traces are the same");
        return Ok(Exit::AsExpected);
    }
    let text = format!("A  {}\nB  {}\n{told}", files[0].display(), files[1].display());
    give(&text, None, host)?;
    Ok(Exit::Unexpected)
}
