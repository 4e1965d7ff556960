#!/usr/bin/env bash
# hashring 0.3.6: `get_with_replicas(key, n)` gives n + 1 nodes; where n is exactly how many nodes there are, one of them
# stands in the list twice; and with n larger than that, the list is whole again. Whoever writes to three replicas of
# three nodes writes to one of them twice.
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
hashring = "=0.3.6"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    let mut ring = hashring::HashRing::<&str>::new();
    ring.batch_add(vec!["a", "b", "c"]);
    for replicas in 0..5 {
        println!("{replicas}: {:?}", ring.get_with_replicas(&"user", replicas));
    }
}
RUST
cat > expected <<'TEXT'
0: Some(["c"])
1: Some(["c", "b"])
2: Some(["c", "b", "a"])
3: Some(["c", "b", "a", "c"])
4: Some(["c", "b", "a"])
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
