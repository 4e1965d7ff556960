//! Sub-model `expiry`: keys that were stored together, and how many of them end together.
//!
//! All are loaded at one moment, as after a restart. With one time to live they all end in one tick, and all go to the
//! database at once. Jitter is drawn: an adversary who draws could always draw the same, so that no bound holds of
//! every run. What can be promised is a probability, and this is the one sub-model in which draws are weighed.

use std::collections::BTreeMap;

use counterpart::model::{Chance, Temporal};
use counterpart::{Case, Check, Spec};
use serde::Serialize;
use serde_json::{Value, json};
use stateright::{Model, Property};

/// Most keys that a state has room for.
const KEYS_MAX: usize = 6;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Keys that are stored together.
    pub keys: u8,
    /// Ticks over which their ends are spread.
    pub spread_ticks: u8,
    /// Loads at once that the database can bear.
    pub burst_max: u8,
    /// How they are spread.
    pub spread: Spread,
}

/// How ends are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Not at all: one time to live for all keys.
    OneTtl,
    /// By a draw for each key.
    Drawn,
    /// In turn: each key a tick later than the one before.
    InTurn,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// The next key is stored, to end in that tick of those there are.
    Store {
        /// 0-based.
        tick: u8,
    },
}

/// Keys stored so far, by the tick in which they end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    ends: [u8; KEYS_MAX],
}

impl State {
    fn stored(&self) -> u8 {
        self.ends.iter().sum()
    }
}

impl Model for Expiry {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let stored = state.stored();
        if stored < self.keys {
            match self.spread {
                Spread::OneTtl => actions.push(Action::Store { tick: 0 }),
                Spread::Drawn => actions.extend((0..self.spread_ticks).map(|tick| Action::Store { tick })),
                Spread::InTurn => actions.push(Action::Store { tick: stored % self.spread_ticks }),
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = *before;
        match action {
            Action::Store { tick } => after.ends[usize::from(tick)] += 1,
        }
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(WHATEVER_IS_DRAWN, |model: &Expiry, state: &State| !model.bursts(state))]
    }
}

impl Expiry {
    fn bursts(&self, state: &State) -> bool {
        state.ends.iter().any(|keys| *keys > self.burst_max)
    }
}

/// Of every run: what jitter cannot promise.
const WHATEVER_IS_DRAWN: &str = "no more end at once than the database can bear";

/// Of draws: what it can.
const LIKELY: &str = "more end at once than the database can bear: in one of a hundred cases at most";

struct ExpirySpec;

impl Spec for ExpirySpec {
    type Model = Expiry;

    fn temporal(&self) -> Vec<Temporal<Expiry>> {
        vec![Temporal::probability(LIKELY, |model: &Expiry, state: &State| model.bursts(state)).at_most(0.01)]
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

/// The cases of this sub-model.
pub(super) fn cases() -> Vec<Case> {
    let drawn = Expiry { keys: 6, spread_ticks: 6, burst_max: 4, spread: Spread::Drawn };
    let check = |model| Check::of(model).spec(ExpirySpec);
    vec![
        Case::new(
            "cache/expiry_with_jitter",
            check(drawn.clone()).violates(WHATEVER_IS_DRAWN).because(
                WHATEVER_IS_DRAWN,
                "draws are free to be all the same: jitter makes that unlikely, not impossible",
            ),
        ),
        Case::new("cache/expiry_in_turn", check(Expiry { spread: Spread::InTurn, ..drawn.clone() })),
        Case::new(
            "cache/expiry_with_one_ttl",
            check(Expiry { spread: Spread::OneTtl, ..drawn }).violates(WHATEVER_IS_DRAWN).violates(LIKELY),
        ),
    ]
}
