//! Our node, bound: an origin that answers at once, or fails. A tick is a second.

use counterpart::Counterpart;

use super::conformance::{ReuseInterface, Seen};
use super::model::{Action, FORMS, Given, Origin, Reuse, Told};
use crate::cdn::implementation::{Config, Effect, Failure, Node, Request, Response, Target, date};

const TICK_MS: u64 = 1_000;

/// Later than anything that is remembered, and later than 1970 for the dates of responses.
const START_MS: u64 = 1_000_000_000_000;

/// A node, and how the origin is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    node: Node<()>,
    version: u8,
    form: u8,
    origin: Origin,
    now_ms: u64,
}

fn get() -> Request {
    Request::new("GET", Target::new("http", "example.com", "/"))
}

impl Bound {
    /// The node that `model` speaks of.
    pub(super) fn new(model: &Reuse) -> Self {
        let config = Config {
            stale_kept_s: model.stale_kept.into(),
            disconnected_s: 0,
            s_maxage_forbids_stale: model.s_maxage_forbids_stale,
            ..Config::default()
        };
        Bound { node: Node::new(config), version: 0, form: 0, origin: Origin::Answers, now_ms: START_MS }
    }

    /// What the origin answers. It names all fields, so that nothing is left of what a 304 is to replace.
    fn origin(&self, request: &Request) -> Result<Response, Failure> {
        match self.origin {
            Origin::IsAway => return Err(Failure::Unreachable),
            Origin::Errs => return Ok(Response::new(503)),
            Origin::Answers => {}
        }
        let form = FORMS[usize::from(self.form)];
        let said = [
            form.s_maxage.map(|life| format!("s-maxage={life}")),
            form.max_age.map(|life| format!("max-age={life}")),
            form.is_public.then(|| "public".into()),
            form.must_revalidate.then(|| "must-revalidate".into()),
            (form.if_error > 0).then(|| format!("stale-if-error={}", form.if_error)),
        ];
        let control: Vec<String> = said.into_iter().flatten().collect();
        let targeted = form.targeted.map_or(String::new(), |life| format!("max-age={life}"));
        let now_s = (self.now_ms / 1000).cast_signed();
        let expires = match form.expires {
            0 => "0".to_string(),
            ticks => date::format(now_s + i64::from(ticks)),
        };
        let tag = format!("\"{}\"", self.version);
        let is_same = request.headers.text("if-none-match") == Some(&tag);
        let response = Response::new(if is_same { 304 } else { 200 })
            .with("date", &date::format(now_s))
            .with("etag", &tag)
            .with("cache-control", &control.join(", "))
            .with("cdn-cache-control", &targeted)
            .with("expires", &expires);
        Ok(if is_same { response } else { response.of(&[self.version]) })
    }

    fn request(&mut self, is_authorized: bool) -> Told {
        let asked = if is_authorized { get().with("authorization", "Basic x") } else { get() };
        let mut told = Told::default();
        let mut effects = self.node.handle((), asked, self.now_ms);
        let forwarded = effects.iter().find_map(|effect| match effect {
            Effect::Forward { fill, request } => Some((*fill, request.clone())),
            Effect::Reply { .. } => None,
        });
        if let Some((fill, request)) = forwarded {
            (told.asked, told.validates) = (true, request.headers.has("if-none-match"));
            let came = self.origin(&request);
            effects.extend(self.node.on_upstream(fill, came, self.now_ms));
        }
        told.given = effects.into_iter().find_map(|effect| match effect {
            Effect::Reply { response, .. } => Some(match response.body[..] {
                [version] if response.status == 200 => Given::Content(version),
                _ => Given::Failure(response.status),
            }),
            Effect::Forward { .. } => None,
        });
        told
    }
}

impl Counterpart<ReuseInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Request { is_authorized } => return self.request(is_authorized),
            Action::Say { form } => self.form = form,
            Action::Change => self.version += 1,
            Action::Turn { origin } => self.origin = origin,
            Action::Tick => {
                self.now_ms += TICK_MS;
                self.node.tick(self.now_ms);
            }
        }
        Told::default()
    }

    fn observe(&self) -> Option<Seen> {
        let stored = self.node.store().find(&get());
        Some(Seen(stored.and_then(|stored| {
            let age_s = u8::try_from(stored.age_ms(self.now_ms) / 1000).ok()?;
            Some((*stored.body.first()?, age_s))
        })))
    }

    fn canonical(&mut self) {
        self.node.rebase(self.now_ms - START_MS);
        self.now_ms = START_MS;
    }
}
