#!/usr/bin/env bash
# anchorhash 0.2.2: `add_resource` with a resource that is there already says `Ok`, and the resource then has two shares
# of three; `remove_resource` takes one of the two away and says `Ok` as well, and the resource still gets keys. A
# server that was announced twice and withdrawn once goes on receiving half of the load. (Keys are hashed with a random
# seed, so shares are compared, not printed.)
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
anchorhash = "=0.2.2"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    let mut ring = anchorhash::Builder::default().with_resources(["a", "b"]).build(8);
    let share = |ring: &anchorhash::AnchorHash<u64, &str, _>| {
        (0..30_000).filter(|key| ring.get_resource(*key) == Some(&"a")).count() * 100 / 30_000
    };
    println!("more than 60%: {}", share(&ring) > 60);
    println!("added again: {:?}, more than 60%: {}", ring.add_resource("a"), share(&ring) > 60);
    println!("removed: {:?}, more than 40%: {}", ring.remove_resource(&"a"), share(&ring) > 40);
}
RUST
cat > expected <<'TEXT'
more than 60%: false
added again: Ok(()), more than 60%: true
removed: Ok(()), more than 40%: true
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
