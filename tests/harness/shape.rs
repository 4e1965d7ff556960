//! The house keeps its shape: protocol folders are alike, adding one touches few files, and nothing grows too long.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::floors::sources;
use crate::{claim, root};

/// What every protocol's folder holds, and every sub-model's inside it.
const SHAPE: [&str; 10] = [
    "mod.rs",
    "cases.rs",
    "model.rs",
    "properties.rs",
    "conformance.rs",
    "bindings.rs",
    "defects.rs",
    "implementation.rs",
    "peers.rs",
    "README.md",
];

/// Not driven: it says what happens, and no implementation is held to it.
const OF_A_STORY: [&str; 4] = ["bindings.rs", "defects.rs", "implementation.rs", "peers.rs"];

/// What may be absent, and why.
const ABSENT: &[(&str, &[&str], &str)] = &[
    ("broker", &["peers.rs"], "what is run alongside are daemons, and bound outside"),
    ("broker/credits", &["peers.rs"], "no crate has it"),
    ("broker/transactions", &OF_A_STORY, "what a broker with transactions does; ours has none"),
    ("broker/outbox", &["peers.rs"], "no crate has it"),
    ("cache/database", &OF_A_STORY, "a shop and its database; what differs is a policy"),
    ("cache/eviction", &["implementation.rs", "peers.rs"], "the store and the crates are the cache's own"),
    ("cache/expiry", &OF_A_STORY, "draws that are weighed; who draws is not driven"),
    ("cdn/collapse", &["implementation.rs", "peers.rs"], "what is driven is the cdn's own node; no crate has it"),
    ("cdn/latency", &["implementation.rs", "peers.rs"], "what is driven is the cdn's own node; no crate counts hops"),
    ("cdn/parts", &["implementation.rs", "peers.rs"], "what is driven is the cdn's own node; the crate keeps no parts"),
    (
        "cdn/reuse",
        &["implementation.rs", "peers.rs"],
        "what is driven is the cdn's own node; the crate knows no stale-if-error, and is run beside *purge*",
    ),
    (
        "cdn/storing",
        &["implementation.rs", "peers.rs"],
        "what is driven is the cdn's own node; the crate reckons freshness and has no store",
    ),
    ("circuit_breaker/storm", &OF_A_STORY, "many clients and one service; what differs is a policy"),
    ("dns/poison", &["peers.rs"], "the crate that has it brings a runtime: heavy.rs, behind a feature"),
    (
        "dns/walk",
        &["implementation.rs", "peers.rs"],
        "what is driven is the whole resolver; the crate that has it reads the clock itself as to how long a zone is asked",
    ),
    ("dns/work", &["peers.rs"], "the crate that has it brings a runtime: heavy.rs, behind a feature"),
    ("flp", &["peers.rs"], "the crate that is run is one of a replicated log, the sub-model"),
    ("flp/attempts", &SHAPE, "no sub-model: the attempts of the one model, a file each"),
    ("flp/ben_or", &["implementation.rs", "peers.rs"], "ours stands beside the other attempts, and no crate has it"),
    ("flp/replicated_log", &["bindings.rs", "implementation.rs"], "what is run is a crate, and bound in peers.rs"),
    ("load_balancer/cluster", &OF_A_STORY, "the world around a balancer; what differs is a policy"),
    ("ntp", &["peers.rs"], "crates that select stand in ntp/select, those that ask in ntp/query"),
    ("ntp/discipline", &["peers.rs"], "crates that discipline move the system's clock, or hide theirs"),
    ("hash_ring/chord", &["peers.rs"], "no crate has it"),
    ("hash_ring/handoff", &["peers.rs"], "no crate hands keys over"),
    ("ntp/leap", &["peers.rs"], "no published crate keeps timers of its own through a leap second"),
    ("ntp/query", &["implementation.rs"], "it is the exchange's, over sockets"),
    ("ntp/sources", &["peers.rs"], "the crates that follow several servers hide what those agree on, or move a clock"),
    ("rate_limiter/distributed", &OF_A_STORY, "the commands of a store; our limiter on one is bound outside"),
    ("rate_limiter/waiting", &OF_A_STORY, "callers; what differs is an order"),
];

/// What adding a protocol touches outside its folder.
const TOUCHED: [&str; 3] = ["models/Cargo.toml", "models/lib.rs", "tests/main.rs"];

/// Lines of a file, at most.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function, at most.
const FUNCTION_LINES_MAX: usize = 70;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("shape::protocol_folders_have_one_shape", protocol_folders),
        claim("shape::a_model_and_an_implementation_never_import_each_other", apart),
        claim("shape::adding_a_protocol_touches_three_files_outside_its_folder", touched),
        claim("shape::files_and_functions_are_short", sizes),
    ]
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).expect("a folder of the repository");
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn protocols() -> Vec<PathBuf> {
    let mut folders = folders(&root().join("models"));
    folders.retain(|path| !["benches", "examples", "target"].iter().any(|other| path.ends_with(other)));
    assert!(!folders.is_empty());
    folders
}

/// Protocols, and their sub-models: folders that are modules with a `mod.rs` of their own.
fn models() -> Vec<(String, PathBuf)> {
    let mut models = Vec::new();
    for protocol in protocols() {
        let subs = folders(&protocol).into_iter().filter(|folder| folder.join("mod.rs").is_file());
        for folder in std::iter::once(protocol.clone()).chain(subs) {
            let name = folder.strip_prefix(root().join("models")).expect("below models").display().to_string();
            models.push((name, folder));
        }
    }
    models
}

fn protocol_folders() {
    let models = models();
    for (name, folder) in &models {
        let absent = ABSENT.iter().find(|(model, _, _)| model == name).map_or(&[] as &[&str], |(_, files, _)| files);
        for file in SHAPE {
            let there = folder.join(file).is_file();
            if absent == SHAPE {
                continue;
            }
            assert!(
                there || absent.contains(&file),
                "models/{name} has no {file}, and tests/harness/shape.rs no reason why"
            );
            assert!(
                !(there && absent.contains(&file)),
                "models/{name} has a {file}: it need not be excused for having none"
            );
        }
        let opening = fs::read_to_string(folder.join("mod.rs")).expect("readable");
        for heading in ["//! # Sources", "//! # Abstracted away"] {
            assert!(absent == SHAPE || opening.contains(heading), "models/{name}/mod.rs has no {heading:?}");
        }
        assert!(absent == SHAPE || opening.contains("\npub fn check"), "models/{name}/mod.rs gives no `check(model)`");
    }
    for (name, _, _) in ABSENT {
        assert!(models.iter().any(|(model, _)| model == name), "there is no models/{name} to be excused");
    }
}

fn apart() {
    for (name, folder) in models() {
        for (part, other) in [("model", "implementation"), ("implementation", "model")] {
            let own = [vec![folder.join(part).with_extension("rs")], sources_if(&folder.join(part))].concat();
            for file in own.iter().filter(|file| file.is_file()) {
                let text = fs::read_to_string(file).expect("readable");
                let imports =
                    |line: &str| line.trim_start().starts_with("use ") && line.contains(&format!("::{other}"));
                assert!(!text.lines().any(imports), "models/{name}: {} imports {other}", file.display());
            }
        }
    }
}

fn sources_if(folder: &Path) -> Vec<PathBuf> {
    if folder.is_dir() { sources(folder) } else { Vec::new() }
}

/// Code that names every protocol is what a new one has to be named in.
fn touched() {
    let protocols = protocols();
    let names: Vec<&str> = protocols.iter().filter_map(|folder| folder.file_name()?.to_str()).collect();
    let mut files: Vec<PathBuf> =
        ["src", "models", "tests"].iter().flat_map(|folder| sources(&root().join(folder))).collect();
    files.extend(["Cargo.toml", "models/Cargo.toml"].map(|file| root().join(file)));
    let mut naming = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        if names.iter().all(|name| names_it(&text, name)) {
            naming.insert(file.strip_prefix(root()).expect("in the repository").display().to_string());
        }
    }
    assert_eq!(naming, TOUCHED.map(String::from).into());
}

/// Whether code, and neither a comment nor the name of a case, says `name`.
fn names_it(text: &str, name: &str) -> bool {
    let whole = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(name).any(|(at, _)| {
            let after = line[at + name.len()..].chars().next();
            whole(line[..at].chars().last()) && whole(after) && after != Some('/')
        })
    })
}

fn sizes() {
    let mut long = BTreeSet::new();
    for file in ["src", "models", "tests"].iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = fs::read_to_string(&file).expect("readable");
        let name = file.strip_prefix(root()).expect("in the repository").display().to_string();
        if text.lines().count() > FILE_LINES_MAX {
            long.insert(name.clone());
        }
        let lines: Vec<&str> = text.lines().collect();
        let functions = functions(&lines).into_iter().filter(|(_, length)| *length > FUNCTION_LINES_MAX);
        long.extend(functions.map(|(function, _)| format!("{name} {function}")));
    }
    assert!(long.is_empty(), "more than {FILE_LINES_MAX} lines, or {FUNCTION_LINES_MAX} of a function: {long:#?}");
}

/// Each function's name and lines: formatted code closes it at the column where it began.
fn functions<'a>(lines: &[&'a str]) -> Vec<(&'a str, usize)> {
    let begins = |line: &'a str| {
        let rest = line.trim_start().split("fn ").nth(1)?;
        let head = line.trim_start().split("fn ").next()?;
        let modifiers = |word: &str| {
            word.starts_with("pub") || word.starts_with("in") || ["const", "async", "unsafe"].contains(&word)
        };
        let is_one = head.split_whitespace().all(modifiers) && !line.ends_with(';') && !line.ends_with('}');
        is_one.then(|| rest.split(['(', '<']).next().unwrap_or_default())
    };
    let mut functions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = begins(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closes = |line: &&str| line.len() == indent + 1 && line.ends_with('}');
        if let Some(length) = lines[at..].iter().position(closes) {
            functions.push((name, length + 1));
        }
    }
    functions
}
