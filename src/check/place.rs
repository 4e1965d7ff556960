//! Where traces stand, whatever folder a command or a test runs in: cargo runs a test in the folder of its package, a
//! person runs a command anywhere.

use std::path::{Path, PathBuf};

/// The nearest folder, from the current one upwards, that has a `Cargo.lock`: the workspace's. Where there is none, the
/// current one.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let root = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).map(Path::to_path_buf);
    root.unwrap_or(here)
}

/// `path`, which is relative to the workspace unless it is absolute.
pub(crate) fn in_workspace(path: &Path) -> PathBuf {
    root().join(path)
}

/// A file that somebody named: seen from the current folder if it is there, else from the workspace's.
pub(crate) fn named(file: &Path) -> PathBuf {
    if file.exists() {
        file.to_path_buf()
    } else {
        Some(in_workspace(file)).filter(|there| there.exists()).unwrap_or(file.into())
    }
}

/// `file` as it is named from the workspace, where it is below that; else whole.
pub(super) fn from_workspace(file: &Path) -> PathBuf {
    file.strip_prefix(root()).unwrap_or(file).to_path_buf()
}

/// The `target` folder that the running test was built in.
pub(super) fn target() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok()?;
    executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_path_buf)
}
