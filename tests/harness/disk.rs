//! What is explored with little memory and files tells what exploring in memory tells: not the counts alone, but each
//! number of a node and each path.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use counterpart::check::Checkpoint;
use counterpart::explore::{
    Budget, Disk, DiskError, DiskSurvey, Equality, ModelError, Pack, Stop, survey_on_disk, survey_packed,
};
use libtest_mimic::Trial;
use stateright::{Model, Property};

use crate::claim;
use crate::survey::Drawn;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("disk::of_drawn_models_the_same_is_told_as_in_memory", drawn),
        claim("disk::what_outgrows_its_memory_many_times_is_told_alike", outgrown),
        claim("disk::limits_leave_what_they_leave_in_memory", limited),
        claim("disk::a_violation_at_the_last_level_is_found_and_its_path_is_shortest", counters),
        claim("disk::an_interrupt_is_heard_and_leaves_whole_levels", interrupted),
        claim("disk::what_cannot_be_done_on_disk_is_refused_by_name", refused),
    ]
}

fn on_disk(model: &Drawn, budget: &Budget, memory_mib: usize) -> DiskSurvey<Drawn> {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let disk = Disk::in_folder(folder.path()).memory_mib(memory_mib);
    survey_on_disk(Arc::new(model.clone()), budget, &disk).expect("a model")
}

/// Returns how many states there are, and how many findings.
#[track_caller]
fn alike(model: &Drawn, budget: &Budget) -> (usize, usize) {
    let wanted = survey_packed(Arc::new(model.clone()), &budget.clone().equality(Equality::Exact)).expect("a model");
    for threads in [1, 3] {
        let told = format!("seed {}, {threads} threads", model.seed);
        let found = on_disk(model, &budget.clone().threads(threads), 1);
        assert_eq!(
            (found.node_count(), found.depth(), found.stop(), found.discoveries()),
            (wanted.node_count(), wanted.depth(), wanted.stop(), wanted.discoveries()),
            "{told}"
        );
        if wanted.stop().is_none() {
            let counts = (wanted.edge_count(), wanted.cut_count(), wanted.incomplete());
            assert_eq!((found.edge_count(), found.cut_count(), found.incomplete()), counts, "{told}");
        }
        let nodes = wanted.discoveries().iter().filter_map(|found| found.node);
        let last = wanted.node_count() - 1;
        for node in nodes.chain([0, last / 2, last]).collect::<BTreeSet<_>>() {
            let (ours, theirs) = (found.path_to(node).expect("readable"), wanted.path_to(node));
            assert!(ours.initial == theirs.initial && ours.steps == theirs.steps, "{told}: the way to {node}");
            assert_eq!(found.depth_of(node), wanted.depth_of(node), "{told}");
        }
    }
    (wanted.node_count(), wanted.discoveries().iter().filter(|found| found.node.is_some()).count())
}

fn drawn() {
    let (mut states, mut findings) = (0, 0);
    for seed in 0..60 {
        let model = Drawn { seed, states: 50 + 37 * seed, actions: 2 + seed % 5 };
        let (more, found) = alike(&model, &Budget::default());
        (states, findings) = (states + more, findings + found);
    }
    assert!(states > 10_000 && findings > 90, "of {states} states and {findings} findings nothing follows");
}

/// A mebibyte holds 24,576 candidates: here there are many times as many on each of the widest levels.
fn outgrown() {
    let model = Drawn { seed: 5, states: 400_000, actions: 5 };
    let (states, _) = alike(&model, &Budget::default());
    assert!(states > 200_000, "{states}");
}

/// So many counters, each of which goes from 0 to 9; one state of them all is not to be.
#[derive(Clone)]
struct Counters(u32);

/// By what the counters say, as decimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Digits(u64);

impl Pack<1> for Digits {
    fn pack(&self) -> [u64; 1] {
        [self.0]
    }

    fn unpack([digits]: [u64; 1]) -> Self {
        Digits(digits)
    }
}

impl Model for Counters {
    type State = Digits;
    /// The value of the digit that grows.
    type Action = u64;

    fn init_states(&self) -> Vec<Digits> {
        vec![Digits(0)]
    }

    fn actions(&self, state: &Digits, actions: &mut Vec<u64>) {
        let digits = (0..self.0).map(|nth| 10_u64.pow(nth));
        actions.extend(digits.filter(|digit| state.0 / digit % 10 < 9));
    }

    fn next_state(&self, state: &Digits, digit: u64) -> Option<Digits> {
        Some(Digits(state.0 + digit))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("one counter is not full", |model, state: &Digits| state.0 + 1 != 10_u64.pow(model.0))]
    }
}

/// Five counters have 100,000 states. `COUNTERPART_TRIAL_COUNTERS` sets another number: 9 have 1,000,000,000, which takes
/// `COUNTERPART_TRIAL_MIB` of memory and room in the folder for temporary files.
fn counters() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<usize>().ok());
    let count = asked("COUNTERPART_TRIAL_COUNTERS");
    let model = Counters(count.unwrap_or(5) as u32);
    let states = 10_usize.pow(model.0);
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let disk = Disk::in_folder(folder.path()).memory_mib(asked("COUNTERPART_TRIAL_MIB").unwrap_or(1));
    let budget = Budget::default().states_max(states).threads(2);
    let began = std::time::Instant::now();
    let found = survey_on_disk(Arc::new(model.clone()), &budget, &disk).expect("a model");
    // By hand: each counter makes nine steps, and of ten states of it nine have one more.
    let steps = 9 * model.0 as usize;
    assert_eq!((found.node_count(), found.edge_count(), found.depth()), (states, states / 10 * steps, steps));
    let violation = found.discoveries()[0].node.expect("it is violated");
    assert_eq!((violation, found.incomplete()), (states - 1, None));
    let path = found.path_to(violation).expect("readable");
    assert_eq!(path.steps.len(), steps);
    assert_eq!(path.steps.last().map(|(_, state)| state.0 as usize), Some(states - 1));
    if count.is_some() {
        println!("{found:?}, depth {} in {:.0} s", found.depth(), began.elapsed().as_secs_f64());
    }
}

fn limited() {
    let model = Drawn { seed: 3, states: 20_000, actions: 6 };
    for states_max in [1, 2, 3, 10, 1_000, 10_000] {
        alike(&model, &Budget::default().states_max(states_max));
    }
    for depth_max in [0, 1, 3, 6] {
        alike(&model, &Budget::default().depth_max(depth_max));
    }
}

fn interrupted() {
    let model = Drawn { seed: 3, states: 20_000, actions: 6 };
    let asked = Arc::new(AtomicUsize::new(0));
    let interrupt = move || (asked.fetch_add(1, Ordering::SeqCst) == 4).then_some(Stop::Interrupted);
    let found = on_disk(&model, &Budget::default().interrupt(interrupt), 1);
    assert_eq!(found.stop(), Some(&Stop::Interrupted));
    assert!(found.incomplete().is_some());
    let whole = survey_packed(Arc::new(model), &Budget::default().depth_max(found.depth())).expect("a model");
    assert_eq!((found.node_count(), found.discoveries()), (whole.node_count(), whole.discoveries()));
    assert!(found.node_count() > 2, "so early nothing follows");
}

/// Counts to four, and forgets it when it is packed.
#[derive(Clone)]
struct Forgets(u64);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Count(u64);

impl Pack<1> for Count {
    fn pack(&self) -> [u64; 1] {
        [self.0 & 1]
    }

    fn unpack([word]: [u64; 1]) -> Self {
        Count(word)
    }
}

impl Model for Forgets {
    type State = Count;
    type Action = ();

    fn init_states(&self) -> Vec<Count> {
        vec![Count(self.0)]
    }

    fn actions(&self, state: &Count, actions: &mut Vec<()>) {
        actions.extend((state.0 < 4).then_some(()));
    }

    fn next_state(&self, state: &Count, (): ()) -> Option<Count> {
        Some(Count(state.0 + 1))
    }
}

fn refused() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let disk = Disk::in_folder(folder.path()).memory_mib(1);
    for first in [0, 2] {
        let lossy = survey_on_disk(Arc::new(Forgets(first)), &Budget::default(), &disk);
        assert!(matches!(lossy, Err(DiskError::Model(ModelError::PackedWithLoss { .. }))), "{lossy:?}");
    }
    let keeper = Checkpoint::in_folder(folder.path()).keeper("drawn", "").expect("the folder is free");
    let model = || Arc::new(Drawn { seed: 3, states: 20, actions: 6 });
    let error = survey_on_disk(model(), &Budget::default().checkpoint(keeper), &disk).expect_err("refused");
    assert!(error.to_string().starts_with("no checkpoint can be kept of what is explored on disk"), "{error}");
    let nowhere = Disk::in_folder(folder.path().join("nowhere"));
    let error = survey_on_disk(model(), &Budget::default(), &nowhere).expect_err("refused").to_string();
    assert!(error.contains("nowhere: ") && error.contains("see that the folder can be written to"), "{error}");
    let left = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(left, 1, "nothing is left but what the checkpoint has");
}
