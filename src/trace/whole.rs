//! Files that are written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces `file` by `bytes` in one step, making its folder; does nothing where the bytes are there already.
///
/// # Errors
/// The file system's; the old content is untouched then.
pub fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::Builder::new().prefix(".new-").permissions_if_unix().tempfile_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(true)
}

/// Traces are files for everyone to read, which a temporary file by default is not.
trait PermissionsIfUnix {
    fn permissions_if_unix(&mut self) -> &mut Self;
}

impl PermissionsIfUnix for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_if_unix(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        self.permissions(fs::Permissions::from_mode(0o644))
    }
    #[cfg(not(unix))]
    fn permissions_if_unix(&mut self) -> &mut Self {
        self
    }
}
