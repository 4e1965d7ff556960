#!/usr/bin/env bash
# stateright 0.31.0: a network without order or duplication counts how often a message was sent. `Network::len` says two
# of a message that was sent twice; `Network::iter_all` yields it three times, and four times if it was sent three times.
# A property that counts or sums what is under way (money in transfer, tokens) by `iter_all` judges a state that there
# is not. `iter_deliverable` yields each message once, as it says.
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
use stateright::actor::{Envelope, Id, Network};

fn main() {
    for sent in 1..=3 {
        let coin = Envelope { src: Id::from(0), dst: Id::from(1), msg: "a coin" };
        let network = Network::new_unordered_nonduplicating(std::iter::repeat(coin).take(sent));
        let (len, all, kinds) = (network.len(), network.iter_all().count(), network.iter_deliverable().count());
        println!("sent {sent}: len {len}, iter_all {all}, iter_deliverable {kinds}");
    }
}
RUST
cat > expected <<'TEXT'
sent 1: len 1, iter_all 1, iter_deliverable 1
sent 2: len 2, iter_all 3, iter_deliverable 1
sent 3: len 3, iter_all 4, iter_deliverable 1
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
