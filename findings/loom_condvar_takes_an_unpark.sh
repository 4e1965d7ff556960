#!/usr/bin/env bash
# loom 0.7.2: `Condvar::wait` returns although nobody notifies, in every schedule, if the thread was unparked before. A
# condition variable and `park` share one token there. A test of a lost wake-up passes where the thread that forgets to
# notify has unparked the waiting one.
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
loom = "=0.7.2"
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::sync::{Arc, Condvar, Mutex};

static RETURNED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    loom::model(|| {
        let shared = Arc::new((Mutex::new(()), Condvar::new()));
        let there = shared.clone();
        let waiting = loom::thread::spawn(move || {
            let guard = there.0.lock().expect("not poisoned");
            drop(there.1.wait(guard).expect("not poisoned"));
            RETURNED.fetch_add(1, Ordering::Relaxed);
        });
        waiting.thread().unpark();
        waiting.join().expect("it returned");
    });
    println!("schedules in which it returned: {}", RETURNED.load(Ordering::Relaxed));
}
RUST
cat > expected <<'TEXT'
schedules in which it returned: 1
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
