#!/usr/bin/env bash
# insta 1.49.0: `glob!` collects the failures of its snapshots on one stack for all threads. Where two tests are inside
# `glob!` at once, as under `cargo test`, a snapshot that does not match fails the test that entered last, and the test
# it belongs to passes. Whoever is told to look at the one test finds nothing wrong there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p src tests/snapshots tests/input
touch src/lib.rs
echo text > tests/input/file.txt
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
insta = { version = "=1.49.0", features = ["glob"] }
TOML
cat > tests/globs.rs <<'RUST'
use std::sync::Barrier;

static FIRST_INSIDE: Barrier = Barrier::new(2);
static LAST_INSIDE: Barrier = Barrier::new(2);
static COMPARED: Barrier = Barrier::new(2);
static LAST_DONE: Barrier = Barrier::new(2);

#[test]
fn enters_first_and_does_not_match() {
    insta::glob!("input/*.txt", |_| {
        FIRST_INSIDE.wait();
        LAST_INSIDE.wait();
        insta::assert_snapshot!("seen", "new text");
        COMPARED.wait();
        LAST_DONE.wait();
    });
}

/// Dropped when the test returns or panics.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        LAST_DONE.wait();
    }
}

#[test]
fn enters_last_and_compares_nothing() {
    let _done = Done;
    FIRST_INSIDE.wait();
    insta::glob!("input/*.txt", |_| {
        LAST_INSIDE.wait();
        COMPARED.wait();
    });
}
RUST
cat > expected <<'TEXT'
test enters_first_and_does_not_match ... ok
test enters_last_and_compares_nothing ... FAILED
TEXT
INSTA_UPDATE=no INSTA_FORCE_PASS=0 cargo test --quiet --no-run
INSTA_UPDATE=no INSTA_FORCE_PASS=0 cargo test --test globs -- --test-threads=2 2> log | grep '^test enters' | sort > seen || true
diff expected seen && echo "as described"
