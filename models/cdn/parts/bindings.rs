//! Our node, bound: an origin whose content has one octet a half, and that answers at once. No time passes.

use counterpart::Counterpart;

use super::conformance::{PartsInterface, Seen};
use super::model::{Action, HALVES, Parts, Tag, Told, Wanted};
use crate::cdn::implementation::{Config, Effect, Node, Request, Response, Target};

/// Later than 1970, for the dates of responses.
const NOW_MS: u64 = 1_000_000_000_000;

/// A node, and what the origin has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    node: Node<()>,
    version: u8,
    tag: Tag,
}

fn target() -> Target {
    Target::new("http", "example.com", "/")
}

/// The half that a range is.
fn half(range: &str) -> Option<usize> {
    let (first, last) = range.strip_prefix("bytes=").or(range.strip_prefix("bytes "))?.split_once('-')?;
    let last = last.split('/').next()?;
    first.parse().ok().filter(|_| first == last)
}

impl Bound {
    /// The node that `model` speaks of.
    pub(super) fn new(_: &Parts) -> Self {
        Bound { node: Node::new(Config::default()), version: 0, tag: Tag::Strong }
    }

    fn origin(&self, request: &Request) -> Response {
        let half = request.headers.text("range").and_then(half);
        let response = match half {
            None => Response::new(200).of(&[self.version; HALVES]),
            Some(half) => {
                Response::new(206).with("content-range", &format!("bytes {half}-{half}/{HALVES}")).of(&[self.version])
            }
        };
        let response = response.with("cache-control", "max-age=1000");
        match self.tag {
            Tag::Strong => response.with("etag", &format!("\"{}\"", self.version)),
            Tag::Weak => response.with("etag", "W/\"x\""),
            Tag::Absent => response,
        }
    }

    fn request(&mut self, wanted: Wanted) -> Told {
        let get = Request::new("GET", target());
        let asked = match wanted {
            Wanted::Half(half) => get.with("range", &format!("bytes={half}-{half}")),
            Wanted::Whole => get,
        };
        let mut told = Told::default();
        let mut effects = self.node.handle((), asked, NOW_MS);
        let forwarded = effects.iter().find_map(|effect| match effect {
            Effect::Forward { fill, request } => Some((*fill, request.clone())),
            Effect::Reply { .. } => None,
        });
        if let Some((fill, request)) = forwarded {
            told.asked = true;
            effects.extend(self.node.on_upstream(fill, Ok(self.origin(&request)), NOW_MS));
        }
        for effect in effects {
            let Effect::Reply { response, .. } = effect else { continue };
            match (response.status, &response.body[..]) {
                (200, [first, second]) => told.given = [Some(*first), Some(*second)],
                (206, [one]) => {
                    let half = response.headers.text("content-range").and_then(half);
                    told.given = std::array::from_fn(|at| (Some(at) == half).then_some(*one));
                }
                // The model has no word for it: whoever answers so is found out.
                _ => {}
            }
        }
        told
    }
}

impl Counterpart<PartsInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Request { wanted } => return self.request(wanted),
            Action::Name { tag } => self.tag = tag,
            Action::Change => self.version += 1,
        }
        Told::default()
    }

    fn observe(&self) -> Option<Seen> {
        let stored = self.node.store().variants(&target()).first();
        Some(Seen(stored.map(|stored| {
            let from = stored.extent().first;
            std::array::from_fn(|half| stored.body.get(half.checked_sub(from)?).copied())
        })))
    }

    fn canonical(&mut self) {
        self.node.rebase(0);
    }
}
