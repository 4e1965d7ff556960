//! What a failing test leaves behind: a trace of its own, and a command that replays it from wherever cargo runs the
//! test. The failing test is this binary run once more, in another folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use counterpart::Check;
use counterpart::conform::{Product, Tour};
use counterpart::{Counterpart, view};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::claim;
use crate::toy::{Edge, FACE, Face, Say, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("surprise::the_command_that_a_failing_test_prints_replays_it_from_any_package", replays),
        claim("surprise::two_failing_tests_of_one_model_keep_two_traces", two_tests),
        claim("surprise::a_target_folder_elsewhere_is_named_whole", elsewhere),
        claim("surprise::a_report_that_is_printed_has_no_colours_and_names_no_file", printed),
        claim("surprise::of_two_modes_the_shorter_trace_is_shown", shorter),
        claim("surprise::a_deviation_that_only_product_sees_is_blamed_on_how_states_are_compared", only_product),
    ]
}

/// The variable that makes this binary a failing test of that name.
const FAILS: &str = "COUNTERPART_TRIAL_FAILS";

/// The test that this process was started to be, if it was.
pub(crate) fn failing() -> Option<ExitCode> {
    let name = std::env::var(FAILS).ok()?;
    let fails = || Check::of(lamp()).violates("nothing of the kind").assert();
    let test = thread::Builder::new().name(name).spawn(fails).expect("a thread starts");
    let panic = test.join().err()?;
    println!("{}", panic.downcast_ref::<String>().cloned().unwrap_or_default());
    Some(ExitCode::from(101))
}

const PRESS: Word = Word("Press", None);

/// Pressed twice it burns out, which it promises not to.
fn lamp() -> Toy {
    let toy = Toy::new([
        Edge::new(0, 1, PRESS).says(Say::Word("lit")),
        Edge::new(1, 2, PRESS).says(Say::Word("out")),
        Edge::new(2, None, PRESS).says(Say::Word("dark")),
    ]);
    toy.own(|| vec![stateright::Property::always("it never burns out", |_: &Toy, at| *at < 2)])
}

/// What the failing test `name` says, run as `binary` in `folder`.
fn said(binary: &Path, folder: &Path, name: &str, replay: Option<&str>) -> String {
    let mut command = Command::new(binary);
    command
        .current_dir(folder)
        .env(FAILS, name)
        .env_remove("COUNTERPART_REPLAY")
        .envs(replay.map(|file| ("COUNTERPART_REPLAY", file)));
    let output = command.output().expect("this binary runs");
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

/// The file and the test that the command in `text` names.
fn command(text: &str) -> (String, String) {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("COUNTERPART_REPLAY="))
        .unwrap_or_else(|| panic!("{text}"));
    let (file, test) = line.split_once(" cargo test ").unwrap_or_else(|| panic!("{line}"));
    (file.into(), test.into())
}

/// A workspace with a package in it, and this binary where cargo would have built it.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        let workspace = Workspace(tempfile::tempdir().expect("a folder for temporary files"));
        fs::create_dir_all(workspace.package()).expect("a folder can be made");
        fs::write(workspace.root().join("Cargo.lock"), "").expect("a file can be written");
        workspace
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().expect("it is there")
    }

    fn package(&self) -> PathBuf {
        self.0.path().join("packages/lamp")
    }

    /// This binary, below the folder `target`.
    fn binary(&self, target: &Path) -> PathBuf {
        let binary = target.join("debug/deps/lamp");
        fs::create_dir_all(binary.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(target.join("CACHEDIR.TAG"), "").expect("a file can be written");
        fs::copy(std::env::current_exe().expect("this binary has a place"), &binary).expect("it can be copied");
        binary
    }
}

const TEST: &str = "lamps::it_never_burns_out";

fn replays() {
    let workspace = Workspace::new();
    let binary = workspace.binary(&workspace.root().join("target"));
    let (file, test) = command(&said(&binary, &workspace.package(), TEST, None));
    assert_eq!(test, TEST);
    assert!(file.starts_with("target/counterpart/"), "it is named from the workspace: {file}");
    // cargo runs a test in the folder of its package, whichever folder it was called from.
    for from in [workspace.root(), workspace.package()] {
        let again = said(&binary, &from, &test, Some(&file));
        assert!(again.contains("at the end \"it never burns out\" is not satisfied"), "{again}");
        assert!(!again.contains('\u{1b}'), "a panic has no terminal to ask: {again}");
    }
}

fn two_tests() {
    let workspace = Workspace::new();
    let binary = workspace.binary(&workspace.root().join("target"));
    let of = |name: &str| command(&said(&binary, &workspace.package(), name, None)).0;
    let (one, other) = (of("lamps::one"), of("lamps::other"));
    assert_ne!(one, other);
    assert!(workspace.root().join(&one).is_file() && workspace.root().join(&other).is_file(), "{one} {other}");
}

fn elsewhere() {
    let (workspace, target) = (Workspace::new(), tempfile::tempdir().expect("a folder for temporary files"));
    let binary = workspace.binary(target.path());
    let (file, test) = command(&said(&binary, &workspace.package(), TEST, None));
    assert!(Path::new(&file).is_absolute() && Path::new(&file).is_file(), "{file}");
    assert!(said(&binary, &workspace.root(), &test, Some(&file)).contains("is not satisfied"));
}

/// Answers as the lamp does until it was pressed so often, counted from the start or, wrongly, not compared by.
#[derive(Clone)]
struct Ours {
    pressed: u16,
    wrong_from: u16,
}

impl Counterpart<Face> for Ours {
    fn apply(&mut self, _: &Word) -> Say {
        self.pressed += 1;
        match self.pressed {
            pressed if pressed >= self.wrong_from => Say::Word("broken"),
            1 => Say::Word("lit"),
            2 => Say::Word("out"),
            _ => Say::Word("dark"),
        }
    }
}

impl PartialEq for Ours {
    fn eq(&self, other: &Self) -> bool {
        self.pressed == other.pressed
    }
}

impl Eq for Ours {}

impl std::hash::Hash for Ours {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.pressed.hash(hasher);
    }
}

fn printed() {
    let ours = || Ours { pressed: 0, wrong_from: 2 };
    let report = Check::of(lamp())
        .interface(FACE)
        .alongside_only()
        .subject("ours", Tour::new().of(ours))
        .diverges("ours")
        .because("ours", "it is cheap")
        .run();
    let text = report.to_string();
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("ours: ") && text.contains("it is cheap"), "the reason is told: {text}");
    assert!(!text.contains("kept") && !text.contains("trace show"), "nobody has written a file: {text}");
}

fn shorter() {
    let ours = |wrong_from| move || Ours { pressed: 0, wrong_from };
    let check = Check::of(lamp()).interface(FACE).alongside_only();
    let report = check.subject("ours", Tour::new().of(ours(3))).subject("ours", Product::new().of(ours(2))).run();
    let lens: Vec<usize> = report.cases[0].surprises().map(|(_, trace)| trace.len()).collect();
    let text = view::failure(&report, &[]);
    assert_eq!(text.matches("diverges from").count(), 1, "{text}");
    assert_eq!(lens, [3, 2], "the longer comes first");
    assert_eq!(text.lines().filter(|line| line.contains("Press")).count(), 2, "{text}");
}

/// Two that answer alike and are told apart by nothing but what `canonical` keeps of them.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Forgets {
    pressed: u16,
}

impl Counterpart<Face> for Forgets {
    fn apply(&mut self, _: &Word) -> Say {
        self.pressed += 1;
        match self.pressed {
            1 => Say::Word("lit"),
            2 => Say::Word("out"),
            _ => Say::Word("dark"),
        }
    }

    fn canonical(&mut self) {
        // As if it had never been pressed.
        self.pressed = 0;
    }
}

fn only_product() {
    let ours = || Forgets { pressed: 0 };
    let check = Check::of(lamp()).interface(FACE).alongside_only();
    let report = check.subject("ours", Product::new().of(ours)).subject("ours", Tour::new().of(ours)).run();
    let text = view::failure(&report, &[]);
    assert!(text.contains("ours: only product sees it diverge") && text.contains("canonical()"), "{text}");
}
