//! Modules import from lower floors only, and every file says what it is. That protocol folders are alike: `shape.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::{claim, root};

/// Lowest first.
const FLOORS: [&str; 10] =
    ["trace", "model", "explore", "verdict", "conform", "report", "view", "check", "cli", "guide"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("floors::modules_import_from_lower_floors_only", imports),
        claim("floors::every_module_of_the_harness_has_a_floor", every_module_has_a_floor),
        claim("floors::every_file_opens_by_saying_what_it_is", openings),
    ]
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn floor_of(file: &Path) -> Option<usize> {
    let inside = file.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_string();
    FLOORS.iter().position(|floor| *floor == first)
}

/// Every `crate::module` that a line of code, not of documentation, names.
fn named(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

fn imports() {
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let Some(floor) = floor_of(&file) else { continue };
        for module in named(&fs::read_to_string(&file).expect("readable")) {
            match FLOORS.iter().position(|name| *name == module) {
                Some(other) if other <= floor => {}
                _ => wrong.push(format!("{} imports crate::{module}", file.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "upwards: {wrong:#?}");
}

fn every_module_has_a_floor() {
    for file in sources(&root().join("src")).iter().filter(|file| !file.ends_with("src/lib.rs")) {
        assert!(floor_of(file).is_some(), "{} stands on no floor", file.display());
    }
}

fn openings() {
    for folder in ["src", "models", "tests"] {
        for file in sources(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("readable");
            assert!(text.starts_with("//! "), "{} does not open with //!", file.display());
        }
    }
}
