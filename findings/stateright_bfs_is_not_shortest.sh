#!/usr/bin/env bash
# stateright 0.31.0: with more than one property, the counterexamples of breadth-first search are not shortest. A later
# discovery of an `always` property overwrites an earlier one as long as another property is still open. Whoever reads
# the trace looks for the cause among steps that have nothing to do with it; with one property it is a shortest one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
stateright = "=0.31.0"
TOML
cat > src/main.rs <<'RUST'
use stateright::{Checker, Model, Property};

/// Adds 1 or 5, up to 40.
struct Adder {
    properties: usize,
}

impl Model for Adder {
    type State = u32;
    type Action = u32;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, _: &u32, actions: &mut Vec<u32>) {
        actions.extend([1, 5]);
    }

    fn next_state(&self, state: &u32, by: u32) -> Option<u32> {
        (state + by <= 40).then_some(state + by)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let below_12 = Property::always("below 12", |_, state: &u32| *state < 12);
        let below_40 = Property::always("below 40", |_, state: &u32| *state < 40);
        [below_12, below_40].into_iter().take(self.properties).collect()
    }
}

fn main() {
    for properties in [1, 2] {
        let checker = Adder { properties }.checker().threads(1).spawn_bfs().join();
        let steps = checker.discovery("below 12").expect("it is violated").into_actions().len();
        println!("{properties} properties: 12 or more after {steps} steps");
    }
}
RUST
cat > expected <<'TEXT'
1 properties: 12 or more after 3 steps
2 properties: 12 or more after 8 steps
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
