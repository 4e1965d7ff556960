//! Small catalogues made for a test, and the command line over them in process.
//!
//! A counter can be read at a glance, and its verdicts, counts and shortest traces can be worked out by hand; what a
//! test wants to be wrong about it is a field.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use counterpart::conform::interleave::Script;
use counterpart::{Case, Check, Counterpart, Interface, Shared, Spec, conform};
use loom::sync::atomic::AtomicU8;
use serde_json::{Value, json};
use stateright::{Model, Property};

use crate::trial::typed_until;

/// What no counter may reach; larger ones do.
pub(crate) const BELOW_FOUR: &str = "stays below four";

/// Counts from 0 to `max`, and begins again when reset.
#[derive(Clone, Default)]
struct Counter {
    max: u8,
    /// All states share one hash, so that an engine which keeps one state per hash sees a single one.
    weak_hash: bool,
    /// The model has a defect at 1.
    panics: bool,
    /// Set when the last state is expanded, as a signal would.
    interrupts: Option<Arc<AtomicBool>>,
}

#[derive(Clone, Debug, PartialEq)]
struct At {
    value: u8,
    weak_hash: bool,
}

impl Hash for At {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if !self.weak_hash {
            self.value.hash(hasher);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Move {
    Add,
    Reset,
}

impl Model for Counter {
    type State = At;
    type Action = Move;

    fn init_states(&self) -> Vec<At> {
        vec![At { value: 0, weak_hash: self.weak_hash }]
    }

    fn actions(&self, at: &At, actions: &mut Vec<Move>) {
        if let Some(flag) = self.interrupts.as_ref().filter(|_| at.value == self.max) {
            flag.store(true, Ordering::SeqCst);
        }
        actions.extend([Move::Add, Move::Reset]);
    }

    fn next_state(&self, at: &At, action: Move) -> Option<At> {
        if self.panics && at.value == 1 {
            // A panic without the hook's words, which would look like a failure of the test.
            std::panic::resume_unwind(Box::new("the toy breaks"));
        }
        let value = match action {
            Move::Add => (at.value + 1).min(self.max),
            Move::Reset => 0,
        };
        (value != at.value).then_some(At { value, ..*at })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(BELOW_FOUR, |_, at: &At| at.value < 4),
            Property::sometimes("reaches the end", |counter: &Counter, at: &At| at.value == counter.max),
        ]
    }
}

/// How a counter reads.
struct CounterSpec;

impl Spec for CounterSpec {
    type Model = Counter;

    fn parameters(&self, counter: &Counter) -> BTreeMap<String, String> {
        BTreeMap::from([("max".into(), counter.max.to_string())])
    }

    fn state_json(&self, _: &Counter, at: &At) -> Value {
        json!({"value": at.value})
    }
}

/// Every move is an input, also one that changes nothing; the answer is the count after it.
struct CounterInterface;

impl Interface for CounterInterface {
    type Model = Counter;
    type Input = Move;
    type Output = u8;
    type Snapshot = ();

    fn label(&self, _: &Counter, from: &At, action: &Move, to: Option<&At>) -> Option<(Move, u8)> {
        Some((*action, to.unwrap_or(from).value))
    }
}

/// An implementation for one thread.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Counting {
    value: u8,
    max: u8,
    never_resets: bool,
}

impl Counterpart<CounterInterface> for Counting {
    fn apply(&mut self, input: &Move) -> u8 {
        self.value = match input {
            Move::Add => (self.value + 1).min(self.max),
            Move::Reset if self.never_resets => self.value,
            Move::Reset => 0,
        };
        self.value
    }
}

/// An implementation for several threads.
struct Racing {
    value: AtomicU8,
    max: u8,
    loses_updates: bool,
}

impl Shared<CounterInterface> for Racing {
    fn call(&self, input: &Move) -> u8 {
        use loom::sync::atomic::Ordering::SeqCst;
        let added = |value: u8| (value + 1).min(self.max);
        match input {
            Move::Add if self.loses_updates => {
                let value = added(self.value.load(SeqCst));
                self.value.store(value, SeqCst);
                value
            }
            Move::Add => {
                let before = self.value.fetch_update(SeqCst, SeqCst, |value| Some(added(value)));
                added(before.expect("an update that is always made"))
            }
            Move::Reset => {
                self.value.store(0, SeqCst);
                0
            }
        }
    }
}

/// A check of `counter` as it reads and looks from outside.
fn check(counter: Counter) -> Check<Counter, CounterInterface> {
    Check::of(counter).interface(CounterInterface).spec(CounterSpec)
}

fn upto(max: u8) -> Counter {
    Counter { max, ..Counter::default() }
}

/// The cases called `toy/<name>` for each of `names`, which are parted by spaces.
///
/// | name | what it is |
/// |---|---|
/// | `sound` | all of it holds: 4 states |
/// | `over` | violated, as expected: 6 states, after 4 steps |
/// | `surprise` | violated, and nobody said so |
/// | `cut` | not known, by a limit of its own |
/// | `weak` | all states have one hash, and stateright keeps one state per hash |
/// | `broken` | the model panics |
/// | `impatient` | interrupted when all states are known, and one of them violates, as expected |
/// | `large` | `sound`, but left out unless asked for |
/// | `alongside` | implementations in every mode |
/// | `tree` | 8,191 states in 13 levels, the last of 4,096 |
pub(crate) fn cases(names: &str, interrupted: &Arc<AtomicBool>) -> Vec<Case> {
    let case = |name: &str| {
        let check = match name {
            "alongside" => alongside(),
            "broken" => check(Counter { panics: true, ..upto(3) }),
            "cut" => check(upto(3)).states_max(2),
            "impatient" => check(Counter { interrupts: Some(interrupted.clone()), ..upto(5) }).violates(BELOW_FOUR),
            "over" => check(upto(5)).violates(BELOW_FOUR),
            "sound" | "large" => check(upto(3)),
            "surprise" => check(upto(5)),
            "tree" => return Case::new("toy/tree", Check::of(Tree).violates(NO_999)),
            "weak" => check(Counter { weak_hash: true, ..upto(3) }),
            unknown => panic!("no toy is called {unknown:?}"),
        };
        let case = Case::new(format!("toy/{name}"), check);
        if name == "large" { case.large() } else { case }
    };
    names.split(' ').map(case).collect()
}

/// Implementations in every mode, one sound and two with a defect, and one that is not run.
fn alongside() -> Check<Counter, CounterInterface> {
    let counting = |never_resets| move || Counting { value: 0, max: 3, never_resets };
    let racing = |loses_updates| move || Racing { value: AtomicU8::new(0), max: 3, loses_updates };
    let scripts = || vec![Script::after([]).thread([Move::Add]).thread([Move::Add])];
    check(upto(3))
        .product(counting(false))
        .lockstep(counting(false))
        .interleave(scripts(), racing(false))
        .subject("never resets", conform::Product::new().of(counting(true)))
        .subject("never resets", conform::Tour::new().of(counting(true)))
        .subject("never resets", conform::Walk::new().runs(16).steps(20).of(counting(true)))
        .subject("loses updates", conform::interleave::Interleave::new(scripts()).of(racing(true)))
        .diverges("never resets")
        .diverges("loses updates")
        .not_run("somebody else's 1.0", "it is not installed")
}

/// Violated by 2999 and by 3999 on the same level: which of them is told depends on the order of a level's nodes.
const NO_999: &str = "no number from 2048 ends in 999";

/// A binary tree, wide enough that its last levels are shared out among threads.
#[derive(Clone)]
struct Tree;

impl Model for Tree {
    type State = u16;
    type Action = bool;

    fn init_states(&self) -> Vec<u16> {
        vec![1]
    }

    fn actions(&self, _: &u16, actions: &mut Vec<bool>) {
        actions.extend([false, true]);
    }

    fn next_state(&self, node: &u16, right: bool) -> Option<u16> {
        (*node < 4096).then_some(2 * node + u16::from(right))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(NO_999, |_, node| *node < 2048 || node % 1000 != 999)]
    }
}

/// What a command said and how it ended.
pub(crate) struct Ran {
    pub(crate) exit: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `counterpart ARGUMENTS` over the toys that `names` lists (as in [`cases`]), in this process.
pub(crate) fn run(names: &str, arguments: &[&str]) -> Ran {
    let interrupted = Arc::default();
    run_over(cases(names, &interrupted), arguments, interrupted)
}

/// Runs `counterpart ARGUMENTS` over `cases`, in this process; a case may set the flag that a signal sets.
pub(crate) fn run_over(cases: Vec<Case>, arguments: &[&str], interrupted: Arc<AtomicBool>) -> Ran {
    let (exit, out, err) = typed_until(cases, arguments, interrupted);
    Ran { exit: exit as u8, out, err }
}
