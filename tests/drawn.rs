//! Hostile input: drawn by proptest, the same on every run, the edges of a type as often as what lies between them.

use std::fmt::Debug;

use proptest::prelude::{Strategy, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs `test` on what `strategy` draws, always the same.
#[track_caller]
pub(crate) fn for_all<S: Strategy>(strategy: S, test: impl Fn(S::Value)) {
    let config = Config { cases: 512, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let outcome = runner.run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// One of `edges`, or `any`.
pub(crate) fn edgy<T: Clone + Debug + 'static>(
    edges: Vec<T>,
    any: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![proptest::sample::select(edges), any]
}
