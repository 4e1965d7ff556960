//! A clock that is moved by hand, for one daemon: Debian's libfaketime reads it from a file each time. It stands still
//! otherwise, or goes as the true one does.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use counterpart::conform::process::Program;

use crate::daemon::{FAKETIME, Folder};

/// What it shows at first, in seconds since 1970: in November 2023.
const START: u64 = 1_700_000_000;

/// How a clock goes by itself. Unless it stands still the one for timers goes alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Stands,
    /// Ahead of the true one.
    Goes,
    /// [`HURRY`] times as fast as the true one, from the time when its program is started.
    Hurries,
}

/// How much faster than the true one a clock is that hurries.
const HURRY: u32 = 20;

/// The clock of one daemon.
pub(crate) struct Clock {
    folder: PathBuf,
    pace: Pace,
    /// What it shows, or by how much it is ahead, in seconds.
    now: u64,
}

impl Clock {
    /// A clock that is kept in `folder` and stands still. Timers run in real time.
    pub(crate) fn in_folder(folder: &Folder) -> Self {
        Clock::of(folder, Pace::Stands, START)
    }

    /// A clock that is kept in `folder` and goes as the true one does, for programs that measure by the time since they
    /// were started.
    pub(crate) fn relative_in(folder: &Folder) -> Self {
        Clock::of(folder, Pace::Goes, 0)
    }

    /// A clock that is kept in `folder` and goes [`HURRY`] times as fast as the true one, for programs that wait.
    pub(crate) fn hurried_in(folder: &Folder) -> Self {
        Clock::of(folder, Pace::Hurries, 0)
    }

    fn of(folder: &Folder, pace: Pace, now: u64) -> Self {
        let clock = Clock { folder: folder.path().to_owned(), pace, now };
        clock.write();
        clock
    }

    /// `program`, run by this clock. The library is loaded into the program alone.
    ///
    /// # Panics
    /// If there is no libfaketime.
    pub(crate) fn leads(&self, program: &Path) -> Program {
        let library = FAKETIME.installed_at();
        let variable = |name: &str, value: &Path| {
            let mut text = OsString::from(format!("{name}="));
            text.push(value);
            text
        };
        Program::new("env")
            .arg(variable("LD_PRELOAD", &library))
            .arg(variable("FAKETIME_TIMESTAMP_FILE", &self.file()))
            .args(["FAKETIME_NO_CACHE=1", "TZ=UTC"])
            .args(if self.pace == Pace::Stands {
                &["FAKETIME_FMT=%s", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
            } else {
                &[][..]
            })
            .arg(program)
            .folder(&self.folder)
    }

    /// Moves it on.
    pub(crate) fn advance(&mut self, seconds: u64) {
        self.now += seconds;
        self.write();
    }

    fn file(&self) -> PathBuf {
        self.folder.join("clock")
    }

    /// A file takes the place of another whole: nobody reads a half.
    fn write(&self) {
        let fresh = self.folder.join("clock.new");
        let text = match self.pace {
            Pace::Stands => self.now.to_string(),
            Pace::Goes => format!("+{}", self.now),
            Pace::Hurries => format!("+{} x{HURRY}", self.now),
        };
        fs::write(&fresh, text).expect("the folder can be written");
        fs::rename(&fresh, self.file()).expect("the folder can be written");
    }
}
