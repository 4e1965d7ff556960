//! Every public function of an implementation is called by a binding or a trial: `called.txt` says by which, and what is
//! public is read off the sources, so that a function without a caller has no entry and is named here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::{claim, root};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("called::every_public_function_of_an_implementation_has_a_caller", everything_is_called),
        claim("called::what_is_public_is_read_off_the_source", reading),
    ]
}

/// What a file of an implementation shows, by `Type::function`, and who calls it.
type Callers = BTreeMap<String, BTreeMap<String, String>>;

fn everything_is_called() {
    let listed = listed(&fs::read_to_string(root().join("tests/called.txt")).expect("a list"));
    let mut wrong = Vec::new();
    for file in implementations() {
        let named = listed.get(&file).cloned().unwrap_or_default();
        let found = public(&fs::read_to_string(root().join(&file)).expect("readable"));
        wrong.extend(
            found
                .iter()
                .filter(|name| !named.contains_key(*name))
                .map(|name| format!("{file}: {name} is public, and nobody is said to call it")),
        );
        for (name, caller) in &named {
            if !found.contains(name) {
                wrong.push(format!("{file}: {name} is listed, and is not public there"));
            } else if !calls_or_renames(&fs::read_to_string(root().join(caller)).unwrap_or_default(), name) {
                wrong.push(format!("{file}: {name} is not called in {caller}"));
            }
        }
    }
    let there = implementations();
    wrong.extend(listed.keys().filter(|file| !there.contains(file)).map(|file| format!("{file} is not there")));
    assert!(wrong.is_empty(), "see tests/called.txt:\n{}", wrong.join("\n"));
}

/// `tests/called.txt`: a file, and below it a line for each of its functions, with the file that calls it.
fn listed(text: &str) -> Callers {
    let mut listed = Callers::new();
    let mut file = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => file = line.to_string(),
            Some(entry) => {
                let (name, caller) = entry.split_once("  ").expect("a function and its caller");
                listed.entry(file.clone()).or_default().insert(name.into(), caller.trim().into());
            }
        }
    }
    listed
}

/// The sources of all implementations, seen from the repository's root.
fn implementations() -> Vec<String> {
    let mut files = Vec::new();
    collect(&root().join("models"), &mut files);
    let is_one = |file: &String| {
        let below = file.strip_prefix("models/").unwrap_or_default();
        below.ends_with("/implementation.rs")
            || below.contains("/implementation/")
            || below.ends_with("/shared.rs")
            || (below.matches('/').count() == 1 && below.ends_with("/policies.rs"))
    };
    files.retain(is_one);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    for path in paths {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path.strip_prefix(root()).expect("in the repository").display().to_string());
        }
    }
}

/// What is public in formatted code: functions, and those of types by `Type::function`.
fn public(text: &str) -> Vec<String> {
    let mut of = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("impl") {
            of = implemented(line);
        } else if line.starts_with('}') {
            of = None;
        }
        let Some(name) = function(line.trim_start()) else { continue };
        match (&of, line.starts_with("    ")) {
            (Some(of), true) => found.push(format!("{of}::{name}")),
            (None, false) => found.push(name.to_string()),
            // Of a module inside the file, or a macro's.
            _ => {}
        }
    }
    found
}

/// The type that an `impl` is of; none where it is of a trait.
fn implemented(line: &str) -> Option<String> {
    let mut rest = line.strip_prefix("impl")?;
    if rest.starts_with('<') {
        let mut depth = 0_usize;
        let end = rest.char_indices().find(|(at, letter)| {
            match letter {
                '<' => depth += 1,
                '>' if !rest[..*at].ends_with('-') => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        rest = &rest[end?.0 + 1..];
    }
    let name: String = rest.trim_start().chars().take_while(|letter| letter.is_alphanumeric()).collect();
    (!rest.contains(" for ")).then_some(name)
}

fn function(line: &str) -> Option<&str> {
    let mut rest = line.strip_prefix("pub ")?;
    for modifier in ["const ", "async "] {
        rest = rest.strip_prefix(modifier).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// Whether code calls `Type::function`, also where it has imported the type `as` something else.
fn calls_or_renames(text: &str, name: &str) -> bool {
    let renamed = || {
        let (of, function) = name.split_once("::")?;
        let (_, after) = text.split_once(&format!("{of} as "))?;
        let other: String = after.chars().take_while(|letter| letter.is_alphanumeric()).collect();
        Some(calls(text, &format!("{other}::{function}")))
    };
    calls(text, name) || renamed().unwrap_or(false)
}

/// Whether code, and no comment, calls what is known by `Type::function` or by `function` alone.
fn calls(text: &str, name: &str) -> bool {
    let (of, function) = name.split_once("::").map_or((None, name), |(of, function)| (Some(of), function));
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(function).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + function.len()..]);
            let whole = !after.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            let called = after.starts_with('(') || after.starts_with("::<");
            match of {
                // By its path, also handed on as a value; or on a value.
                Some(of) => {
                    let path = before.strip_suffix("::").map(|path| path.trim_end_matches('>'));
                    let by_path = path.is_some_and(|path| {
                        path.ends_with(of) || path.ends_with("Self") || path.contains(&format!("{of}::<"))
                    });
                    whole && (by_path || (before.ends_with('.') && called))
                }
                None => {
                    called
                        && !before.ends_with("fn ")
                        && !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
                }
            }
        })
    })
}

fn reading() {
    let text = "\
pub const fn alone(of: u8) {}
impl<K: Fn() -> u8> Core<K> {
    pub fn new() {}
    pub(super) fn hidden() {}
    fn own() {}
}
impl Clone for Core<u8> {
    fn clone() {}
}
";
    assert_eq!(public(text), ["alone", "Core::new"]);
    for (line, name, is_call) in [
        ("let core = Core::new(3);", "Core::new", true),
        ("makes.map(Core::new)", "Core::new", true),
        ("Core::<u8>::new(3)", "Core::new", true),
        ("Other::new(3)", "Core::new", false),
        ("core.get(3)", "Core::get", true),
        ("core.get_all(3)", "Core::get", false),
        ("core.get", "Core::get", false),
        ("// core.get(3)", "Core::get", false),
        ("alone(3)", "alone", true),
        ("fn alone(of: u8)", "alone", false),
        ("not_alone(3)", "alone", false),
    ] {
        assert_eq!(calls(line, name), is_call, "{line}");
    }
}
