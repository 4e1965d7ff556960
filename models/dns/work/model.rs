//! Sub-model *work*: one client's question, and a world that makes it as dear as it can.
//!
//! Each question upstream is answered by whoever means ill: with an alias, with a referral to servers whose addresses
//! have to be looked for first, with nothing. One budget bounds it all.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Names that are aliases of one another.
pub const NAMES: usize = 6;

/// Servers of each zone.
pub const SERVERS: usize = 2;

/// Names that are looked for at once, at most.
pub const DEPTH_MAX: usize = 3;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Names that are aliases.
    pub names: u8,
    /// Questions upstream for one of a client's.
    pub questions_max: u8,
    /// Aliases that are followed.
    pub aliases_max: u8,
    /// Times that a server is asked the same.
    pub tries_max: u8,
    /// Names that are looked for at once.
    pub depth_max: u8,
    /// Servers that a referral names.
    pub referred_max: u8,
    /// The second server answers whatever it is asked; the first never does.
    pub one_is_good: bool,
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// Each alias begins with a full budget.
    RefillsBudget,
    /// All servers of a referral are looked for, and the budget does not know (NXNS, CVE-2020-8616).
    FetchesAllReferred,
    /// Aliases are followed that were followed before.
    ForgetsAliases,
    /// Aliases are followed for as long as there are any.
    FollowsEveryAlias,
    /// A server that says nothing is asked again and again.
    KeepsTrying,
    /// The first server alone is asked.
    AsksFirstAlone,
}

/// What the scheduler makes happen: what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// The address.
    Address,
    /// The name is an alias.
    Alias {
        /// The other name, 0-based.
        to: u8,
    },
    /// Servers without addresses.
    Referral {
        /// Their number.
        servers: u8,
    },
    /// Nothing.
    Nothing,
}

/// A configuration.
///
/// Invariants: names that are looked for stand without gaps, and there are none once the client's is resolved; no more
/// questions count than the budget has; aliases that were met are the model's, the client's name among them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Names that are looked for: the client's first.
    pub quests: [Option<Quest>; DEPTH_MAX],
    /// Names that were met.
    pub seen: u8,
    /// Questions that have gone upstream.
    pub asked: u8,
    /// Questions that count against the budget.
    pub counted: u8,
    /// Aliases that were followed.
    pub aliases: u8,
    /// How it has ended.
    pub over: Option<Outcome>,
    /// An alias was followed twice.
    pub repeated: bool,
}

/// A name that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quest {
    /// The name: an alias by its number, or a server's.
    pub name: u8,
    /// How often each server was asked.
    pub tries: [u8; SERVERS],
    /// The server that is asked.
    pub server: u8,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Outcome {
    /// The name is resolved.
    Resolved,
    /// The budget is spent.
    Budget,
    /// The alias was followed before.
    Loop,
    /// There are too many.
    Aliases,
    /// No server has answered.
    Servers,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// Questions that go upstream.
    pub asks: u8,
    /// The name that is asked for, and the server.
    pub asked: Option<(u8, u8)>,
    /// How it has ended.
    pub over: Option<Outcome>,
}

/// The number of a server's name.
pub const SERVER_NAME: u8 = NAMES as u8;

impl Work {
    /// Four aliases, a budget of eight.
    pub fn small() -> Self {
        Work {
            names: 4,
            questions_max: 8,
            aliases_max: 2,
            tries_max: 2,
            depth_max: 3,
            referred_max: 3,
            one_is_good: false,
            variant: Variant::Sound,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Work { variant, ..self }
    }

    fn quest(name: u8) -> Quest {
        Quest { name, tries: [0; SERVERS], server: 0 }
    }

    /// The place of the name that is looked for now.
    fn last(state: &State) -> Option<usize> {
        state.quests.iter().rposition(Option::is_some)
    }

    /// The next server is asked, or it is over.
    fn turn(&self, state: &mut State) {
        if state.counted >= self.questions_max {
            state.over = Some(Outcome::Budget);
            return;
        }
        let Some(quest) = Work::last(state).and_then(|last| state.quests[last].as_mut()) else { return };
        let least = (0..self.servers()).filter(|server| quest.tries[*server] < self.tries_max());
        match least.min_by_key(|server| quest.tries[*server]) {
            Some(server) => {
                quest.tries[server] += 1;
                quest.server = server as u8;
                state.asked = (state.asked + 1).min(self.questions_max + 1);
                state.counted += 1;
            }
            None => state.over = Some(Outcome::Servers),
        }
    }

    fn follow(&self, state: &mut State, last: usize, to: u8) -> Result<(), Outcome> {
        let again = state.seen & 1 << to != 0;
        if state.aliases >= self.aliases_max && !self.follows_every_alias() {
            return Err(Outcome::Aliases);
        }
        if again && !self.forgets_aliases() {
            return Err(Outcome::Loop);
        }
        state.repeated |= again;
        state.seen |= 1 << to;
        state.aliases += 1;
        state.quests[last] = Some(Work::quest(to));
        if self.refills_budget() {
            state.counted = 0;
        }
        Ok(())
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = before.clone();
        let Some(last) = Work::last(before).filter(|_| before.over.is_none()) else {
            return (state, self.told(before, before));
        };
        match action {
            Action::Address => {
                state.quests[last] = None;
                if last == 0 {
                    state.over = Some(Outcome::Resolved);
                }
            }
            Action::Alias { to } => state.over = self.follow(&mut state, last, to).err(),
            Action::Referral { servers } => {
                if last + 1 < usize::from(self.depth_max) && servers > 0 {
                    state.quests[last + 1] = Some(Work::quest(SERVER_NAME));
                }
                if self.fetches_all_referred() {
                    state.asked = (state.asked + servers).min(self.questions_max + 1);
                }
            }
            Action::Nothing => {}
        }
        if state.over.is_none() {
            self.turn(&mut state);
        }
        let told = self.told(before, &state);
        (state, told)
    }

    fn told(&self, before: &State, after: &State) -> Told {
        let quest = Work::last(after).and_then(|last| after.quests[last]).filter(|_| after.over.is_none());
        Told {
            asks: after.asked - before.asked,
            asked: quest.map(|quest| (quest.name, quest.server)),
            over: after.over,
        }
    }
}

/// Where the model deviates: the rules ask these.
impl Work {
    /// Servers of a zone that are asked.
    fn servers(&self) -> usize {
        if self.variant == Variant::AsksFirstAlone { 1 } else { SERVERS }
    }

    /// How often a server is asked the same.
    fn tries_max(&self) -> u8 {
        if self.variant == Variant::KeepsTrying { u8::MAX } else { self.tries_max }
    }

    /// Whether aliases are followed however many there were.
    fn follows_every_alias(&self) -> bool {
        self.variant == Variant::FollowsEveryAlias
    }

    /// Whether an alias is followed that was followed before.
    fn forgets_aliases(&self) -> bool {
        self.variant == Variant::ForgetsAliases
    }

    /// Whether each alias has a budget of its own.
    fn refills_budget(&self) -> bool {
        self.variant == Variant::RefillsBudget
    }

    /// Whether the address of every server of a referral is looked for.
    fn fetches_all_referred(&self) -> bool {
        self.variant == Variant::FetchesAllReferred
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Work) -> bool {
        let quests = self.quests.iter().filter(|quest| quest.is_some()).count();
        let resolved = self.over == Some(Outcome::Resolved);
        quests <= model.depth_max.into()
            && self.quests[quests..].iter().all(Option::is_none)
            && resolved == (quests == 0)
            && self.counted <= model.questions_max
            && u16::from(self.seen) >> model.names == 0
            && self.seen & 1 == 1
            && (self.aliases <= model.aliases_max || model.follows_every_alias())
    }
}

impl Model for Work {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut state = State {
            quests: [Some(Work::quest(0)), None, None],
            seen: 1,
            asked: 0,
            counted: 0,
            aliases: 0,
            over: None,
            repeated: false,
        };
        self.turn(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let quest = Work::last(state).and_then(|last| state.quests[last]);
        if self.one_is_good {
            let good = quest.is_some_and(|quest| quest.server == 1);
            actions.push(if good { Action::Address } else { Action::Nothing });
            return;
        }
        actions.extend([Action::Address, Action::Nothing]);
        actions.extend((0..self.names).map(|to| Action::Alias { to }));
        actions.extend((1..=self.referred_max).map(|servers| Action::Referral { servers }));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
