#!/usr/bin/env bash
# itf 0.4.0: a list of one string that is a numeral is read as a number. Of the states of a trace in the format of Apalache
# and Quint, `["5"]` comes back as 5, while `["five"]`, `["5", "6"]` and `"5"` come back as they are.
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
itf = "=0.4.0"
serde_json = "=1.0.154"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    for text in [r#"["5"]"#, r#"["five"]"#, r#"["5","6"]"#, r#""5""#] {
        match serde_json::from_str::<itf::Value>(text) {
            Ok(value) => println!("{text} is {value:?}"),
            Err(error) => println!("{text}: {error}"),
        }
    }
}
RUST
cat > expected <<'TEXT'
["5"] is BigInt(5)
["five"] is List([String("five")])
["5","6"] is List([String("5"), String("6")])
"5" is String("5")
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
