//! `counterpart new`: what it writes is what the workspace builds and tests as a member (`tests/new`), it is written whole
//! or not at all, and what its README says can be done.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use counterpart::cli::Exit;
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::{claim, root, typed};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("new::what_is_written_is_what_is_tested_under_the_name_that_was_asked_for", as_tested),
        claim("new::what_the_readme_tells_to_change_is_there", told),
        claim("new::it_says_where_counterpart_is_taken_from_and_what_to_do_next", says),
        claim("new::whatever_is_there_already_is_left_as_it_is", there_already),
    ];
    for (name, says) in REFUSED {
        trials.push(claim(format!("new::{name:?}_is_refused"), || refused(name, says)));
    }
    trials
}

/// Names that no crate can have, or places that none can be in, and what is said of it.
#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    ("", "a value is required"),
    ("..", "/..\" cannot be the name of a crate"),
    ("2phase", "begin with a letter"),
    ("Lease", "lower-case letters"),
    ("a lease", "\"a lease\" cannot be the name"),
    ("lease!", "\"lease!\" cannot be the name"),
    ("a--b", "single dashes"),
    ("lease-", "single dashes"),
    ("größe", "letters of a to z"),
    ("fn", "\"fn\" is a word of Rust"),
    ("proc-macro", "choose another name"),
    ("counterpart", "a crate that the new one depends on"),
    ("a_name_of_more_than_sixty_four_characters_is_more_than_is_taken_by_any", "64 characters"),
    ("nowhere/lease", "nowhere/lease: nothing was written there: No such file"),
    ("file/lease", "file/lease: nothing was written there: Not a directory"),
];

/// An empty folder but for the file `file`.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().expect("a folder for temporary files"));
        fs::write(place.0.path().join("file"), "mine").expect("a file can be written");
        place
    }

    /// `counterpart new NAME` in this folder, with more arguments.
    fn run(&self, name: &str, more: &[&str]) -> (Exit, String, String) {
        let path = if name.is_empty() { String::new() } else { format!("{}/{name}", self.0.path().display()) };
        typed(Vec::new(), &[&["new", &path], more].concat())
    }

    /// All files in the folder, by their paths from there.
    fn files(&self) -> BTreeMap<String, String> {
        files(self.0.path(), self.0.path())
    }
}

fn files(folder: &Path, from: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path, from));
        } else {
            let name = path.strip_prefix(from).expect("it is in there").display().to_string();
            found.insert(name, fs::read_to_string(&path).expect("text"));
        }
    }
    found
}

/// A file that is copied, as it stands in the sources.
fn source(file: &str) -> String {
    fs::read_to_string(root().join("src/cli/new").join(file)).expect("a source")
}

fn as_tested() {
    let place = Place::new();
    let (exit, _, err) = place.run("two-locks", &["--path", root().to_str().expect("text")]);
    assert_eq!((exit, err.as_str()), (Exit::AsExpected, ""));
    let mut written = place.files();
    assert_eq!(written.remove("file").as_deref(), Some("mine"));
    let manifest = written.remove("two-locks/Cargo.toml").expect("a manifest");
    let dependency = format!("counterpart = {{ path = {:?}, features = [\"walk\"] }}", root());
    assert!(manifest.contains("name = \"two-locks\"") && manifest.contains(&dependency), "{manifest}");
    let expected = [
        (".gitignore", "gitignore"),
        ("README.md", "README.md"),
        ("src/lib.rs", "lib.rs"),
        ("tests/conforms/main.rs", "conforms/main.rs"),
        ("tests/conforms/model.rs", "conforms/model.rs"),
    ];
    let named = |text: String| text.replace("my_protocol", "two_locks").replace("my-protocol", "two-locks");
    let expected = expected.map(|(file, from)| (format!("two-locks/{file}"), named(source(from))));
    assert_eq!(written, BTreeMap::from(expected));
    // The member is made of these very files, and is tested whenever the workspace is.
    let member = fs::read_to_string(root().join("tests/new/Cargo.toml")).expect("a manifest");
    for file in ["lib.rs", "conforms/main.rs"] {
        assert!(member.contains(&format!("path = \"../../src/cli/new/{file}\"")), "{member}");
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let tested = workspace.lines().find(|line| line.starts_with("default-members")).expect("there are some");
    assert!(tested.contains("\"tests/new\""), "{tested}");
    let version = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_string);
        line.unwrap_or_else(|| panic!("{name} in {text}")).replace("\"0.31.0\"", "\"0.31\"")
    };
    for name in ["edition", "rust-version", "stateright"] {
        assert_eq!(version(&manifest, name), version(&workspace, name), "as here");
    }
}

/// The README says which words to change for which, in which file.
fn told() {
    let readme = source("README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let main = source("conforms/main.rs");
    assert!(readme.contains("in `tests/conforms/main.rs` make `VARIANT` a `Variant::HandsOverEarly`"), "{readme}");
    assert_eq!(main.matches("const VARIANT: Variant = Variant::Sound;").count(), 1);
    assert!(main.contains("Make it `Variant::HandsOverEarly` and run `cargo test`"), "the constant's comment says it");
    assert!(readme.contains("in `src/lib.rs`, in `held_at`, make `now_ms < held.until_ms` a `<=`"), "{readme}");
    assert_eq!(source("lib.rs").matches("now_ms < held.until_ms").count(), 1);
}

fn says() {
    let place = Place::new();
    let here = root().display().to_string();
    for more in [&["--path", &here][..], &[]] {
        let name = format!("lease{}", more.len());
        let (exit, out, err) = place.run(&name, more);
        assert_eq!((exit, err.as_str()), (Exit::AsExpected, ""));
        let folder = place.0.path().join(&name).display().to_string();
        assert!(out.starts_with(&format!("{folder} is written; it takes counterpart from {here}:\n")), "{out}");
        assert!(out.contains("  tests/conforms/main.rs\n") && out.ends_with("  cargo test\n"), "{out}");
    }
    let (exit, out, err) = place.run("lease", &["--path", &place.0.path().display().to_string()]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    assert!(err.contains("there is no package `counterpart` in it; --path wants"), "{err}");
    assert!(!place.0.path().join("lease").exists(), "nothing was written");
}

fn there_already() {
    let place = Place::new();
    fs::create_dir(place.0.path().join("folder")).expect("a folder can be made");
    let before = place.files();
    let mut names = vec!["file", "folder"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", place.0.path().join("link")).expect("a link can be made");
        names.push("link");
    }
    for name in names {
        let (exit, out, err) = place.run(name, &[]);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
        assert!(err.contains(&format!("{name}: it is there already; nothing was changed")), "{err}");
    }
    let _ = fs::remove_file(place.0.path().join("link"));
    assert_eq!(place.files(), before, "nothing is written beside them either");
}

fn refused(name: &str, says: &str) {
    let place = Place::new();
    let (exit, out, err) = place.run(name, &[]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{err}");
    assert!(err.starts_with("error: ") && err.contains(says), "{err}");
    assert_eq!(place.files(), BTreeMap::from([("file".into(), "mine".into())]), "nothing half written");
}
