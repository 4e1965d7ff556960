//! A clock that stands still until it is moved, for one daemon: Debian's libfaketime reads it from a file each time.

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
    now: u64,
}

impl Clock {
    /// A clock that is kept in `folder`.
    pub(crate) fn in_folder(folder: &Folder) -> Self {
        let clock = Clock { folder: folder.path().to_owned(), now: START };
        clock.write();
        clock
    }

    /// `program`, run by this clock. The library is loaded into the program alone. Its timers run as they do, in real
    /// time.
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
            .args(["FAKETIME_FMT=%s", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "TZ=UTC"])
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
        fs::write(&fresh, self.now.to_string()).expect("the folder can be written");
        fs::rename(&fresh, self.file()).expect("the folder can be written");
    }
}
