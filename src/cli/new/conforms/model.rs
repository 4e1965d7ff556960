//! The protocol as a state machine: what can happen, what must hold, and what the outside sees of it.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec, Temporal};
use stateright::{Model, Property};

/// How many clients there are. Whatever is checked is checked for so many, and for no more.
const CLIENTS: usize = 2;

/// A lease and its clients, within the bounds that are its fields.
#[derive(Clone, Debug)]
pub struct Leases {
    /// How long a lease is held unless it is renewed, in ticks of the clock.
    pub term_ticks: u8,
    /// What is done wrong, if anything.
    pub variant: Variant,
}

/// The protocol as it is meant, then a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Sound,
    /// Hands the lease over one tick before its term is over: an error by one.
    HandsOverEarly,
}

/// What can happen. Time is an action like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Acquire { client: u32 },
    Renew { client: u32 },
    Release { client: u32 },
    Tick,
}

/// How many ticks each client may still write for, as far as it was told. It is plain data: two states are the same if
/// they are equal.
pub type State = [u8; CLIENTS];

impl Leases {
    /// A lease of three ticks.
    pub fn of(variant: Variant) -> Self {
        Leases { term_ticks: 3, variant }
    }
}

impl Model for Leases {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![[0; CLIENTS]]
    }

    /// All that the world may try, in any state; what is refused as well.
    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        for client in (0..).take(CLIENTS) {
            actions.extend([Action::Acquire { client }, Action::Renew { client }, Action::Release { client }]);
        }
        actions.push(Action::Tick);
    }

    /// What comes of it; `None` if it is refused.
    fn next_state(&self, left: &State, action: Action) -> Option<State> {
        let mut left = *left;
        let ticks_of = |client: u32| client as usize;
        match action {
            Action::Acquire { client } => {
                let taken_from = match self.variant {
                    Variant::Sound => 1,
                    Variant::HandsOverEarly => 2,
                };
                if left.iter().any(|ticks| *ticks >= taken_from) {
                    return None;
                }
                left[ticks_of(client)] = self.term_ticks;
            }
            Action::Renew { client } if left[ticks_of(client)] > 0 => left[ticks_of(client)] = self.term_ticks,
            Action::Release { client } if left[ticks_of(client)] > 0 => left[ticks_of(client)] = 0,
            Action::Renew { .. } | Action::Release { .. } => return None,
            Action::Tick => left = left.map(|ticks| ticks.saturating_sub(1)),
        }
        Some(left)
    }

    /// What must hold in every state, and what must be possible at all.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_HOLDER, |_, left: &State| left.iter().filter(|ticks| **ticks > 0).count() <= 1),
            Property::sometimes("the last client holds the lease", |_, left: &State| left[CLIENTS - 1] > 0),
        ]
    }
}

/// The promise that a lease is for.
pub const ONE_HOLDER: &str = "at most one client may write";

/// What is said of the model beside its transitions.
pub struct LeaseSpec;

impl Spec for LeaseSpec {
    type Model = Leases;

    /// The bounds, which are printed with what was found: a pass speaks of them, and of nothing larger.
    fn parameters(&self, model: &Leases) -> BTreeMap<String, String> {
        let bounds = [
            ("clients", CLIENTS.to_string()),
            ("term", format!("{} ticks", model.term_ticks)),
            ("variant", format!("{:?}", model.variant)),
        ];
        bounds.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    /// What its runs promise: here that nobody can hold the lease in a way that it never comes free. See
    /// `counterpart::Temporal` for the others (eventually, leads to …) and `Spec::fairness` for what they may assume.
    fn temporal(&self) -> Vec<Temporal<Leases>> {
        vec![Temporal::recoverable("the lease can come free", |_, left: &State| left.iter().all(|ticks| *ticks == 0))]
    }

    /// Whose column of a trace a step stands in.
    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Acquire { client } | Action::Renew { client } | Action::Release { client } => {
                format!("client {client}")
            }
            Action::Tick => "clock".into(),
        }
    }

    /// What a trace ends with, for a reader who knows only the story.
    fn because(&self) -> &[(&'static str, &'static str)] {
        &[(ONE_HOLDER, "two clients write at once, each in the belief that it is alone")]
    }
}

/// What someone sees who can only call and read answers. It is written once, and every way to check an implementation
/// goes by it.
pub struct LeaseInterface;

impl Interface for LeaseInterface {
    type Model = Leases;
    type Input = Action;
    /// Whether it was done.
    type Output = bool;
    /// Who holds the lease.
    type Snapshot = Option<u32>;

    fn label(&self, _: &Leases, _: &State, action: &Action, to: Option<&State>) -> Option<(Action, bool)> {
        Some((*action, to.is_some()))
    }

    /// Compared after each step with what the implementation shows.
    fn snapshot(&self, _: &Leases, left: &State) -> Option<Option<u32>> {
        Some((0..).zip(left).find(|(_, ticks)| **ticks > 0).map(|(client, _)| client))
    }
}
