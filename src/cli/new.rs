//! A crate to begin with: a model, an implementation, the test that holds one against the other, and a defect to switch
//! on.
//!
//! What is copied are the files in the folder beside this one. They are the sources of a member of the workspace as well
//! (`tests/new`), so that what is written has been compiled and tested. It appears whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};

use thiserror::Error;

use super::arguments::NewArguments;
use super::{Exit, Host, say};

/// The files of a crate that is called [`PLACEHOLDER`], and what stands in them.
const FILES: [(&str, &str); 6] = [
    (".gitignore", include_str!("new/gitignore")),
    ("Cargo.toml", include_str!("new/manifest.toml")),
    ("README.md", include_str!("new/README.md")),
    ("src/lib.rs", include_str!("new/lib.rs")),
    ("tests/conforms/main.rs", include_str!("new/conforms/main.rs")),
    ("tests/conforms/model.rs", include_str!("new/conforms/model.rs")),
];

/// What the crate is called in the files.
const PLACEHOLDER: &str = "my-protocol";

/// What stands in the manifest for the way to counterpart.
const COUNTERPART: &str = "COUNTERPART";

/// Rust's words, its own crates and what the new crate depends on: no crate can be called so.
const TAKEN: &str = "abstract alloc as async await become box break const continue core counterpart crate do dyn else \
                     enum extern false final fn for gen if impl in let loop macro match mod move mut override priv \
                     proc_macro pub ref return self static std stateright struct super test trait true try type typeof \
                     unsafe unsized use virtual where while yield";

/// The most characters that a registry takes as a name.
const NAME_CHARS_MAX: usize = 64;

/// Why nothing was written.
#[derive(Debug, Error)]
enum NewError {
    #[error(
        "{0:?} cannot be the name of a crate: it has to be lower-case letters of a to z and digits, begin with a letter, \
         have single dashes or underscores between them, and be {NAME_CHARS_MAX} characters long at most"
    )]
    NoName(String),
    #[error("{0:?} is a word of Rust, or a crate that the new one depends on: choose another name")]
    Taken(String),
    #[error("{}: it is there already; nothing was changed", .0.display())]
    Exists(PathBuf),
    #[error("{}: nothing was written there: {source}", .folder.display())]
    Unwritable { folder: PathBuf, source: io::Error },
    #[error("{}: there is no package `counterpart` in it; --path wants the folder of counterpart's Cargo.toml", .0.display())]
    NoCounterpart(PathBuf),
}

/// Writes the crate that `arguments` name, or says why not.
pub(super) fn run(arguments: &NewArguments, host: &mut Host) -> io::Result<Exit> {
    let from = match written(arguments) {
        Ok(from) => from,
        Err(wrong) => {
            say!(host, "error: {wrong}");
            return Ok(Exit::Usage);
        }
    };
    let folder = arguments.name.display();
    writeln!(host.out, "{folder} is written; it takes {from}:")?;
    for (file, _) in FILES {
        writeln!(host.out, "  {file}")?;
    }
    writeln!(host.out, "\nIt passes, and its README says how to see it fail:\n  cd {folder}\n  cargo test")?;
    host.out.flush()?;
    Ok(Exit::AsExpected)
}

/// Writes the crate, and says where it takes counterpart from.
fn written(arguments: &NewArguments) -> Result<Source, NewError> {
    let folder = &arguments.name;
    let name = name_of(folder)?;
    if folder.symlink_metadata().is_ok() {
        return Err(NewError::Exists(folder.clone()));
    }
    let source = match &arguments.path {
        Some(path) => Source::of(path).ok_or_else(|| NewError::NoCounterpart(path.clone()))?,
        None => Source::built_from(Path::new(env!("CARGO_MANIFEST_DIR"))),
    };
    write(folder, &name, &source).map_err(|error| NewError::Unwritable { folder: folder.clone(), source: error })?;
    Ok(source)
}

/// The last part of `folder`, if a crate can be called so.
fn name_of(folder: &Path) -> Result<String, NewError> {
    let last = folder.file_name().unwrap_or(folder.as_os_str());
    let name = last.to_string_lossy().into_owned();
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_name = name.len() <= NAME_CHARS_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split(['-', '_']).all(is_part);
    match is_name {
        false => Err(NewError::NoName(name)),
        true if TAKEN.split(' ').any(|taken| taken == name.replace('-', "_")) => Err(NewError::Taken(name)),
        true => Ok(name),
    }
}

/// Where the new crate takes counterpart from.
#[derive(Debug, PartialEq)]
enum Source {
    /// This folder.
    Folder(PathBuf),
    /// The registry, in this version.
    Registry,
}

impl Source {
    /// The package in `folder`, if that is counterpart's.
    fn of(folder: &Path) -> Option<Source> {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let is_it = manifest.lines().any(|line| line.replace(' ', "") == "name=\"counterpart\"");
        Some(Source::Folder(path::absolute(folder).ok()?)).filter(|_| is_it)
    }

    /// The sources that this program was built from, while they are there. Those that were packed for the registry are
    /// to be had from there.
    fn built_from(folder: &Path) -> Source {
        let is_packed = folder.join("Cargo.toml.orig").exists();
        Source::of(folder).filter(|_| !is_packed).unwrap_or(Source::Registry)
    }

    /// The dependency, as it stands in a manifest.
    fn dependency(&self) -> io::Result<String> {
        match self {
            Source::Registry => Ok(format!("version = {:?}", env!("CARGO_PKG_VERSION"))),
            // A string of JSON is one of TOML.
            Source::Folder(folder) => Ok(format!("path = {}", serde_json::to_string(folder)?)),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Registry => write!(f, "counterpart {} from the registry", env!("CARGO_PKG_VERSION")),
            Source::Folder(folder) => write!(f, "counterpart from {}", folder.display()),
        }
    }
}

/// Writes all files beside where they are to be, then moves them there in one step.
fn write(folder: &Path, name: &str, source: &Source) -> io::Result<()> {
    let beside = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = tempfile::Builder::new().prefix(".new-").tempdir_in(beside)?;
    let dependency = source.dependency()?;
    for (file, text) in FILES {
        let text = text.replace(PLACEHOLDER, name).replace(&PLACEHOLDER.replace('-', "_"), &name.replace('-', "_"));
        let text = if file == "Cargo.toml" { text.replace(COUNTERPART, &dependency) } else { text };
        let file = new.path().join(file);
        file.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(file, text)?;
    }
    fs::rename(new.path(), folder)?;
    // There is nothing left to be removed.
    let _ = new.keep();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Source;

    #[test]
    fn counterpart_is_taken_from_its_sources_unless_they_are_gone_or_were_packed() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let write = |file: &str, text| fs::write(folder.path().join(file), text).expect("a file can be written");
        assert_eq!(Source::built_from(folder.path()), Source::Registry, "there is nothing");
        write("Cargo.toml", "[package]\nname = \"counterparty\"\n");
        assert_eq!(Source::built_from(folder.path()), Source::Registry, "there is something else");
        write("Cargo.toml", "[package]\nname = \"counterpart\"\n");
        assert_eq!(Source::built_from(folder.path()), Source::Folder(folder.path().into()));
        write("Cargo.toml.orig", "");
        assert_eq!(Source::built_from(folder.path()), Source::Registry, "it was packed");
        let dependency = Source::Folder(Path::new("/a \"b\"\\c").into()).dependency().expect("a path of text");
        assert_eq!(dependency, r#"path = "/a \"b\"\\c""#);
    }
}
