//! Our node, bound: clients of one target, and an origin that answers when the model says so. No time passes.

use std::collections::BTreeMap;

use counterpart::Counterpart;

use super::conformance::{CollapseInterface, Seen};
use super::model::{Action, Answer, Collapse, Told};
use crate::cdn::implementation::{Config, Effect, Failure, Node, Request, Response, Target};

/// Later than 1970, for the dates of responses.
const NOW_MS: u64 = 1_000_000_000_000;

/// The field by which a request that is sent upstream tells whose it is.
const OF: &str = "client";

/// A node, and the requests of it that are under way, by client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    node: Node<u8>,
    fills: BTreeMap<u8, u64>,
}

fn target() -> Target {
    Target::new("http", "example.com", "/")
}

impl Bound {
    /// The node that `model` speaks of.
    pub(super) fn new(_: &Collapse) -> Self {
        Bound { node: Node::new(Config::default()), fills: BTreeMap::new() }
    }

    fn act(&mut self, effects: Vec<Effect<u8>>) -> Told {
        let mut told = Told::default();
        for effect in effects {
            match effect {
                Effect::Forward { fill, request } => {
                    let client: u8 = request.headers.text(OF).and_then(|text| text.parse().ok()).unwrap_or(u8::MAX);
                    self.fills.insert(client, fill);
                    told.asked |= 1_u8.checked_shl(client.into()).unwrap_or(0);
                }
                Effect::Reply { client, response } if response.status == 200 => told.given |= 1 << client,
                Effect::Reply { client, .. } => told.failed |= 1 << client,
            }
        }
        told
    }
}

impl Counterpart<CollapseInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let effects = match *input {
            Action::Ask { client } => {
                let request = Request::new("GET", target()).with(OF, &client.to_string());
                self.node.handle(client, request, NOW_MS)
            }
            Action::Come { client, answer } => {
                let response = |control: &str| Response::new(200).with("cache-control", control).of(&[client]);
                let came = match answer {
                    Answer::Public => Ok(response("max-age=1000")),
                    Answer::Private => Ok(response("private")),
                    Answer::Error => Err(Failure::TimedOut),
                };
                let fill = self.fills.remove(&client).unwrap_or(0);
                self.node.on_upstream(fill, came, NOW_MS)
            }
            Action::Leave { client } => {
                self.node.cancel(&client);
                Vec::new()
            }
        };
        self.act(effects)
    }

    fn observe(&self) -> Option<Seen> {
        Some(Seen {
            stored: !self.node.store().is_empty(),
            fetches: self.node.fills() as u8,
            shared: self.node.is_filling(&target()),
        })
    }
}
