//! `check --html`: a run as pages, written beside each other.

use std::io;
use std::path::{Path, PathBuf};

use crate::check::Case;
use crate::report::{CaseReport, Report};
use crate::trace::write_whole;
use crate::view::{self, Picture};

/// Pages that are written while cases run.
pub(super) struct Pages<'a> {
    folder: Option<&'a Path>,
    pictures: Vec<Picture>,
    /// Those that could not be written.
    pub(super) errors: Vec<String>,
}

impl<'a> Pages<'a> {
    /// All of them below `folder`; none without one.
    pub(super) fn below(folder: Option<&'a Path>) -> Self {
        Pages { folder, pictures: Vec::new(), errors: Vec::new() }
    }

    /// A page for each trace of `case`, and its pictures for the page that leads to all.
    pub(super) fn keep(&mut self, case: &Case, report: &CaseReport) {
        if self.folder.is_some() {
            self.pictures.extend(case.pictures());
        }
        for (place, trace) in report.counterexamples().filter(|_| self.folder.is_some()) {
            let page = view::page(trace, Some(&case.look(trace)));
            self.errors.extend(self.write(&view::page_place(&report.case, place), &page).err());
        }
    }

    /// The page that leads to all others. Returns where it stands.
    pub(super) fn finish(&mut self, report: &Report) -> Option<PathBuf> {
        self.folder?;
        match self.write(Path::new("index.html"), &view::overview(report, &self.pictures)) {
            Ok(file) => Some(file),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    fn write(&self, place: &Path, page: &str) -> Result<PathBuf, String> {
        let file = self.folder.unwrap_or(Path::new(".")).join(place);
        let written: io::Result<bool> = write_whole(&file, page.as_bytes());
        written.map(|_| file.clone()).map_err(|error| format!("{}: {error}", file.display()))
    }
}
