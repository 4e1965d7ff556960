//! The words in which traces are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::model::{Chance, Temporal};
use serde_json::{Value, json};

use super::model::{Action, Expiry, Spread, State};
use super::properties::{self, LIKELY, WHATEVER_IS_DRAWN};

/// How the model reads, and what is asked of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExpirySpec;

impl Spec for ExpirySpec {
    type Model = Expiry;

    fn temporal(&self) -> Vec<Temporal<Expiry>> {
        properties::temporal()
    }

    fn chance(&self, model: &Expiry, _: &State, _: &Action) -> Option<Chance> {
        (model.spread == Spread::Drawn).then(|| Chance::of("jitter", 1))
    }

    fn parameters(&self, model: &Expiry) -> BTreeMap<String, String> {
        [
            ("keys", model.keys.to_string()),
            ("spread", format!("{:?} over {} ticks", model.spread, model.spread_ticks)),
            ("burst", model.burst_max.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, _: &Action) -> String {
        "cache".into()
    }

    fn state_json(&self, model: &Expiry, state: &State) -> Value {
        let ends: Vec<String> = state.ends[..usize::from(model.spread_ticks)].iter().map(u8::to_string).collect();
        json!({ "keys that end, by tick": ends.join(" ") })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (WHATEVER_IS_DRAWN, "what was stored together ends together, and is loaded together"),
            (LIKELY, "with one time to live it is no matter of chance"),
        ]
    }
}
