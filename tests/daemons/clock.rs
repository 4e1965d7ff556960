//! A clock that is moved by hand, for one daemon: Debian's libfaketime reads it from a file each time. It stands still
//! otherwise, or goes as the true one does.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use counterpart::conform::process::Program;

use crate::daemon::Folder;

/// Where Debian keeps the library.
const LIBRARIES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];

/// What it shows at first, in seconds since 1970: in November 2023.
const START: u64 = 1_700_000_000;

/// The library; `None` if it is not installed.
pub(crate) fn library() -> Option<PathBuf> {
    LIBRARIES.iter().map(PathBuf::from).find(|library| library.is_file())
}

/// The clock of one daemon.
pub(crate) struct Clock {
    folder: PathBuf,
    /// Whether it goes by itself; it is then ahead of the true one, that for timers as well.
    is_relative: bool,
    /// What it shows, or by how much it is ahead, in seconds.
    now: u64,
}

impl Clock {
    /// A clock that is kept in `folder` and stands still. Timers run in real time.
    pub(crate) fn in_folder(folder: &Folder) -> Self {
        let clock = Clock { folder: folder.path().to_owned(), is_relative: false, now: START };
        clock.write();
        clock
    }

    /// A clock that is kept in `folder` and goes as the true one does, for programs that measure by the time since they
    /// were started.
    pub(crate) fn relative_in(folder: &Folder) -> Self {
        let clock = Clock { folder: folder.path().to_owned(), is_relative: true, now: 0 };
        clock.write();
        clock
    }

    /// `program`, run by this clock. The library is loaded into the program alone.
    ///
    /// # Panics
    /// If there is no libfaketime.
    pub(crate) fn leads(&self, program: &Path) -> Program {
        let library = library().expect("libfaketime is installed");
        let variable = |name: &str, value: &Path| {
            let mut text = OsString::from(format!("{name}="));
            text.push(value);
            text
        };
        Program::new("env")
            .arg(variable("LD_PRELOAD", &library))
            .arg(variable("FAKETIME_TIMESTAMP_FILE", &self.file()))
            .args(["FAKETIME_NO_CACHE=1", "TZ=UTC"])
            .args(if self.is_relative { &[][..] } else { &["FAKETIME_FMT=%s", "FAKETIME_DONT_FAKE_MONOTONIC=1"] })
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
        let sign = if self.is_relative { "+" } else { "" };
        fs::write(&fresh, format!("{sign}{}", self.now)).expect("the folder can be written");
        fs::rename(&fresh, self.file()).expect("the folder can be written");
    }
}
