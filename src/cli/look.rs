//! `trace`: looking at one.

use std::io;
use std::path::Path;

use super::arguments::TraceCommand;
use super::{Exit, Host, say};
use crate::check::{Case, named};
use crate::trace::{Trace, TraceError, write_whole};
use crate::view;

pub(super) fn run(cases: &[Case], command: TraceCommand, host: &mut Host) -> io::Result<Exit> {
    let (text, output) = match looked(cases, &command) {
        Ok(text) => (text, command.output()),
        Err(error) => {
            say!(host, "error: {error}");
            return Ok(Exit::Trace);
        }
    };
    match output {
        Some(file) => {
            if let Err(error) = write_whole(file, text.as_bytes()) {
                say!(host, "error: {}: {error}", file.display());
                return Ok(Exit::Usage);
            }
            say!(host, "written to {}", file.display());
        }
        None => {
            host.out.write_all(text.as_bytes())?;
            host.out.flush()?;
        }
    }
    Ok(Exit::AsExpected)
}

fn looked(cases: &[Case], command: &TraceCommand) -> Result<String, TraceError> {
    let read = |file: &Path| Trace::read(&named(file));
    Ok(match command {
        TraceCommand::Show { file } => view::trace(&read(file)?),
        TraceCommand::Html { file, .. } => {
            let trace = read(file)?;
            let case = cases.iter().find(|case| case.name() == trace.case);
            view::page(&trace, case.map(|case| case.look(&trace)).as_ref())
        }
    })
}
