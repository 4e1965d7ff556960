//! Our node, bound: two origins whose answers come at once. A tick is a second.

use counterpart::Counterpart;

use super::conformance::{Seen, StoringInterface};
use super::model::{Action, OBJECTS, OBJECTS_MAX, Object, Storing, Told, X, Y, objects};
use crate::cdn::implementation::{Config, Effect, Node, Request, Response, Target, date};

const TICK_MS: u64 = 1_000;

/// Later than anything that is remembered, and later than 1970 for the dates of responses.
const START_MS: u64 = 1_000_000_000_000;

/// The field that an item varies on.
const VARIES_ON: &str = "x";

/// A node, and what the origins have.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    node: Node<u8>,
    versions: [u8; OBJECTS_MAX],
    fails: bool,
    life_s: u8,
    now_ms: u64,
}

fn target(object: &Object) -> Target {
    Target::new("http", ["a.example", "b.example"][usize::from(object.origin)], &format!("/{}", object.path))
}

fn get(object: &Object) -> Request {
    Request::new("GET", target(object)).with(VARIES_ON, &object.variant.to_string())
}

/// A set of groups as a field has it.
fn names(groups: u8) -> String {
    let names = [(X, "\"x\""), (Y, "\"y\"")].into_iter().filter(|(group, _)| groups & group != 0);
    names.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

impl Bound {
    /// The node that `model` speaks of.
    pub(super) fn new(model: &Storing) -> Self {
        let config =
            Config { error_s_max: model.error_life.into(), stale_kept_s: 0, disconnected_s: 0, ..Config::default() };
        Bound {
            node: Node::new(config),
            versions: [0; OBJECTS_MAX],
            fails: false,
            life_s: model.life,
            now_ms: START_MS,
        }
    }

    /// What the origin answers who asks for an object.
    fn origin(&mut self, number: u8) -> Response {
        let object = &OBJECTS[usize::from(number)];
        let status = if std::mem::take(&mut self.fails) { 404 } else { 200 };
        let mut response = Response::new(status)
            .with("cache-control", &format!("max-age={}", self.life_s))
            .with("date", &date::format((self.now_ms / 1000).cast_signed()))
            .with("cache-groups", &names(object.groups))
            .of(&[number, self.versions[usize::from(number)]]);
        if object.names_groups != 0 {
            response = response.with("cache-group-invalidation", &names(object.names_groups));
        }
        let varies = objects().any(|(_, other)| other.has_target_of(object) && other.variant != object.variant);
        if varies { response.with("vary", VARIES_ON) } else { response }
    }

    fn request(&mut self, number: u8) -> Told {
        let asked = get(&OBJECTS[usize::from(number)]);
        let mut effects = self.node.handle(number, asked, self.now_ms);
        let fill = effects.iter().find_map(|effect| match effect {
            Effect::Forward { fill, .. } => Some(*fill),
            Effect::Reply { .. } => None,
        });
        if let Some(fill) = fill {
            let response = self.origin(number);
            effects.extend(self.node.on_upstream(fill, Ok(response), self.now_ms));
        }
        let reply = effects.into_iter().find_map(|effect| match effect {
            Effect::Reply { response, .. } => Some(response),
            Effect::Forward { .. } => None,
        });
        match reply.as_ref().map(|response| (&response.body[..], response.status)) {
            Some((&[of, version], status)) => {
                Told::Content { of, version, is_error: status == 404, asked: fill.is_some() }
            }
            // The model has no word for it: whoever answers so is found out.
            _ => Told::Done,
        }
    }

    fn write(&mut self, number: u8, group: bool) {
        let written = &OBJECTS[usize::from(number)];
        for (at, other) in objects() {
            let is_of_group = group && other.origin == written.origin && other.groups & X != 0;
            self.versions[at] += u8::from(other.has_target_of(written) || is_of_group);
        }
        let response = Response::new(200);
        let response = if group { response.with("cache-group-invalidation", &names(X)) } else { response };
        for effect in self.node.handle(number, Request::new("POST", target(written)), self.now_ms) {
            if let Effect::Forward { fill, .. } = effect {
                self.node.on_upstream(fill, Ok(response.clone()), self.now_ms);
            }
        }
    }
}

impl Counterpart<StoringInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Request { object } => return self.request(object),
            Action::Write { object, group } => self.write(object, group),
            Action::Fail => self.fails = true,
            Action::Tick => {
                self.now_ms += TICK_MS;
                self.node.tick(self.now_ms);
            }
        }
        Told::Done
    }

    fn observe(&self) -> Option<Seen> {
        let kept = |object: &Object| {
            let stored = self.node.store().find(&get(object))?;
            let &[of, version] = &stored.body[..] else { return None };
            Some((of, version, stored.status == 404))
        };
        Some(Seen(std::array::from_fn(|at| kept(&OBJECTS[at]))))
    }
}
