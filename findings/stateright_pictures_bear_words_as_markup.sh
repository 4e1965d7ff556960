#!/usr/bin/env bash
# stateright 0.31.0: `ActorModel::as_svg` writes messages into its picture as `Debug` has them. A message with `<` or `&`
# in it, as any generic type's name or text may have, makes a file that no reader of SVG takes; and the viewport is named
# `viewbox`, which SVG does not know, so that what lies left of its origin or above it is cut off wherever the picture is not inside
# a page of HTML. Whoever keeps the picture in a file, or shows it as an image, sees nothing or a part.
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

use stateright::actor::{Actor, ActorModel, Id, Network, Out};
use stateright::{Model, Path};

#[derive(Clone)]
struct Greets(Id);

impl Actor for Greets {
    type Msg = &'static str;
    type State = bool;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, own: Id, _: &Option<()>, out: &mut Out<Self>) -> bool {
        if own != self.0 {
            out.send(self.0, "1 < 2 & 3");
        }
        false
    }

    fn on_msg(&self, _: Id, greeted: &mut Cow<bool>, _: Id, _: &'static str, _: &mut Out<Self>) {
        *greeted.to_mut() = true;
    }
}

fn main() {
    let model = ActorModel::<_, (), ()>::new((), ())
        .actors([Greets(Id::from(1)), Greets(Id::from(1))])
        .init_network(Network::new_unordered_nonduplicating([]));
    let initial = model.init_states().remove(0);
    let mut actions = Vec::new();
    model.actions(&initial, &mut actions);
    let path = Path::from_actions(&model, initial, &actions).expect("one delivery");
    let svg = model.as_svg(path).expect("a picture");
    println!("viewBox: {}, viewbox: {}", svg.contains("viewBox"), svg.contains("viewbox"));
    svg.lines().filter(|line| line.contains("event-label")).for_each(|line| println!("{line}"));
}
RUST
cat > expected <<'TEXT'
viewBox: false, viewbox: true
<text x='100' y='30' class='svg-event-label'>"1 < 2 & 3"</text>
TEXT
cargo run --quiet > seen
diff expected seen && echo "as described"
