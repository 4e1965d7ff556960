#!/usr/bin/env bash
# stateright 0.31.0: states that differ only in which actor has set a timer are taken for one. A set of timers is hashed
# without its length, so that the list "a timer, none" has the hash of "none, a timer", and the checkers know a state by
# its hash alone. Two actors that wake each other in turn have four states; the checkers see two, and take the state
# in which the second actor is to wake for the first one, whose way on they know: whatever lies behind it is not seen,
# and a violation there is missed without a word.
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
use std::borrow::Cow;

use stateright::actor::{model_timeout, Actor, ActorModel, Id, Network, Out};
use stateright::{Checker, Expectation, Model};

/// Sleeps, and wakes its neighbour.
struct Sleeper(usize);

impl Actor for Sleeper {
    type Msg = &'static str;
    type State = ();
    type Timer = &'static str;
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) {
        if self.0 == 0 {
            out.set_timer("asleep", model_timeout());
        }
    }

    fn on_timeout(&self, _: Id, _: &mut Cow<()>, _: &&'static str, out: &mut Out<Self>) {
        out.send(Id::from(1 - self.0), "good morning");
    }

    fn on_msg(&self, _: Id, _: &mut Cow<()>, _: Id, _: &'static str, out: &mut Out<Self>) {
        out.set_timer("asleep", model_timeout());
    }
}

fn main() {
    let model = || {
        ActorModel::new((), ())
            .actors([Sleeper(0), Sleeper(1)])
            .init_network(Network::new_unordered_nonduplicating([]))
            .property(Expectation::Always, "the first is never woken", |_, state| {
                state.network.iter_deliverable().all(|envelope| envelope.dst != Id::from(0))
            })
    };
    let bfs = model().checker().spawn_bfs().join();
    let dfs = model().checker().spawn_dfs().join();
    println!("states: {} and {}", bfs.unique_state_count(), dfs.unique_state_count());
    println!("violated: {} and {}", !bfs.discoveries().is_empty(), !dfs.discoveries().is_empty());
}
RUST
# Four states, and a violation in the fourth.
cat > expected <<'TEXT'
states: 2 and 2
violated: false and false
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
