//! `check --checkpoint`: what the command line says of it, and what is refused before anything runs.

use std::time::Duration;

use super::arguments::CheckArguments;
use super::{Exit, Host, say};
use crate::check::{Case, Checkpoint, Options};

/// What the arguments ask for.
pub(super) fn asked(arguments: &CheckArguments) -> Option<Checkpoint> {
    let folder = arguments.checkpoint.as_ref()?;
    let checkpoint = Checkpoint::in_folder(folder).every(Duration::from_secs(arguments.checkpoint_every));
    Some(if arguments.resume { checkpoint.resume() } else { checkpoint })
}

/// Tells what each case goes on with, or why it does not.
pub(super) fn refused(cases: &[&Case], options: &Options, host: &mut Host) -> Option<Exit> {
    options.checkpoint.as_ref()?;
    for case in cases {
        match case.kept_parts(options) {
            Ok(0) => say!(host, "{}: no checkpoint yet, begins at the beginning", case.name()),
            Ok(parts) => say!(host, "{}: goes on with a checkpoint of {parts} parts", case.name()),
            Err(error) => {
                say!(host, "error: {}: {error}", case.name());
                return Some(Exit::Trace);
            }
        }
    }
    None
}
