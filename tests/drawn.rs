//! Hostile input: drawn by proptest, the same on every run, the limits of a type as often as what lies between them. All
//! that is drawn has names, so that a failure can be read.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Trial;
use proptest::prelude::{BoxedStrategy, Strategy, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![claim("drawn::what_has_no_name_is_told_from_what_has", names)]
}

/// A strategy of a struct, or of a variant, each of whose fields is drawn by its own.
macro_rules! drawn {
    ($($name:ident)::+ { $($field:ident: $strategy:expr),+ $(,)? }) => {
        proptest::strategy::Strategy::prop_map(($($strategy,)+), |($($field,)+)| $($name)::+ { $($field),+ })
    };
}
pub(crate) use drawn;

/// Draws whose names are looked at.
const LOOKED_AT: u32 = 16;

/// Runs `test` on what `strategy` draws, always the same.
///
/// # Panics
/// If `test` does; or if something that is drawn has no name.
#[track_caller]
pub(crate) fn for_all<S: Strategy>(strategy: S, test: impl Fn(S::Value)) {
    let config = Config { cases: 512, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let drawn = AtomicU32::new(0);
    let outcome = runner.run(&strategy, |value| {
        if drawn.fetch_add(1, Ordering::Relaxed) < LOOKED_AT {
            let shown = format!("{value:?}");
            assert!(unnamed(&shown).is_none(), "what is drawn has no name: {:?} in {shown}", unnamed(&shown));
        }
        test(value);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Pairs that an implementation's own types hold in a list, by the field that holds it.
const PAIRS: [&str; 1] = ["entries: "];

/// The first tuple in what [`Debug`] shows of a value that has no name: several things side by side that only their
/// places tell apart. One in a field of its own has that field's name, and that of a variant its variant's.
fn unnamed(shown: &str) -> Option<&str> {
    // For each bracket that is open: where it began, and whether what it holds has places and no names; of a list,
    // whether that is so of what it holds.
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut lists_of_pairs: Vec<usize> = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in shown.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => {
                let before = shown[..at].trim_end_matches("Some(");
                let of_a_pair = open.last().is_some_and(|(began, _)| lists_of_pairs.contains(began));
                let named = before.ends_with(": ") || before.ends_with(char::is_alphanumeric) || of_a_pair;
                open.push((at, !named));
            }
            '[' | '{' => {
                if PAIRS.iter().any(|field| shown[..at].ends_with(field)) {
                    lists_of_pairs.push(at);
                }
                open.push((at, false));
            }
            ')' | ']' | '}' => drop(open.pop()),
            ',' => {
                if let Some((began, true)) = open.last() {
                    return Some(&shown[*began..]);
                }
            }
            _ => {}
        }
    }
    None
}

fn names() {
    for named in [
        "Drawn { limit: 7, keys: [3, 0] }",
        "Some(ServerId(3))",
        "Drawn { pair: Some((4, 5)) }",
        "()",
        "Other(7, [0])",
        "Transfer { entries: [([1], [2]), ([3], [4])] }",
    ] {
        assert_eq!(unnamed(named), None, "{named}");
    }
    assert_eq!(unnamed(&format!("{:?}", ["(a, \"b)"])), None, "what is quoted is no tuple");
    for (unknown, tuple) in [
        ("[(7, 3), (0, 2)]", "(7, 3), (0, 2)]"),
        ("Some((7, 3))", "(7, 3))"),
        ("Drawn { steps: [(6, 7)] }", "(6, 7)] }"),
    ] {
        assert_eq!(unnamed(unknown), Some(tuple));
    }
}

/// A number that comes from outside: as often one of the limits of its type as one of `usual`.
pub(crate) fn number<T: Limits>(usual: impl Strategy<Value = T> + 'static) -> BoxedStrategy<T> {
    edgy(T::LIMITS.to_vec(), usual)
}

/// One of `edges`, or `any`.
pub(crate) fn edgy<T: Clone + Debug + 'static>(
    edges: Vec<T>,
    any: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![proptest::sample::select(edges), any].boxed()
}

/// Numbers at whose limits arithmetic goes wrong.
pub(crate) trait Limits: Copy + Debug + 'static {
    /// The least and the next, the last but one and the last.
    const LIMITS: [Self; 4];
}

macro_rules! limits {
    ($($type:ty),*) => {
        $(impl Limits for $type {
            const LIMITS: [Self; 4] = [<$type>::MIN, <$type>::MIN + 1, <$type>::MAX - 1, <$type>::MAX];
        })*
    };
}
limits!(u8, u16, u32, u64, u128, usize, i64);
