//! The traces that a run keeps: those that could be written, and the words of the others.

use std::path::{Path, PathBuf};

use crate::check::in_workspace;
use crate::report::CaseReport;
use crate::trace::TraceError;
use crate::view::Kept;

/// Writes traces, and knows which could be.
pub(super) struct Traces<'a> {
    /// Where all of them go; `None`: each where its case says.
    folder: Option<&'a Path>,
    pub(super) kept: Kept,
    /// Whether those that are named are of something unexpected.
    of_surprise: bool,
    pub(super) errors: Vec<TraceError>,
}

impl<'a> Traces<'a> {
    /// All of them below `folder`, or each where its case says.
    pub(super) fn below(folder: Option<&'a Path>) -> Self {
        Traces { folder, kept: Kept::default(), of_surprise: false, errors: Vec::new() }
    }

    /// Writes those of `report`, which then names no other.
    pub(super) fn keep(&mut self, report: &mut CaseReport) {
        let surprises: Vec<PathBuf> = report.surprises().map(|(place, _)| place.clone()).collect();
        let mut lost = Vec::new();
        for (place, trace) in report.counterexamples() {
            let (told, file) = match self.folder {
                Some(folder) => (report.below(place, folder), report.below(place, folder)),
                None => (place.clone(), in_workspace(place)),
            };
            if let Err(error) = trace.write(&file) {
                self.errors.push(error);
                lost.push(place.clone());
                continue;
            }
            self.kept.count += 1;
            let of_surprise = surprises.contains(place);
            if of_surprise && !std::mem::replace(&mut self.of_surprise, of_surprise) {
                self.kept.shown.clear();
            }
            if of_surprise || self.kept.shown.is_empty() {
                self.kept.shown.push(told);
            }
        }
        lost.iter().for_each(|place| report.not_kept(place));
    }
}
