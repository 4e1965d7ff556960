//! Sub-model `handoff`: one range of keys moves from its old owner to its new one, while clients read and write.
//!
//! Freeze, copy, acknowledge, release, activate, delete: each is a step, and between any two of them a request can come
//! from a client whose view is of before, a copy can arrive once more, and the connection can break.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most keys that a state has room for.
pub const KEYS_MAX: usize = 3;
/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 3;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// Keys in the range that moves.
    pub keys: u8,
    /// Clients, each with a view of its own.
    pub clients: u8,
    /// Writes that are accepted, over all keys.
    pub writes_max: u8,
    /// How often a connection breaks, or one of the two crashes.
    pub crashes_max: u8,
    /// What goes otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As it should be.
    #[default]
    Sound,
    /// The old owner goes on taking writes while the range is copied.
    WritesWhileCopying,
    /// The old owner answers whoever asks, whatever view the request is of.
    IgnoresEpoch,
    /// The range is handed over though no copy was acknowledged.
    CutsOverBeforeCopy,
    /// The old owner deletes once it has sent the copy.
    DeletesBeforeAcknowledgement,
    /// A copy that arrives once more is taken as the first was.
    CopyOverwritesNewer,
    /// The new owner serves as soon as it has the copy.
    ServesBeforeHandover,
    /// The copy is sent once and never again.
    NeverResends,
    /// The new owner acknowledges a copy and keeps only the first key of it that has a value.
    KeepsPartOfCopy,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client writes, where its view says.
    Write {
        /// 0-based.
        client: u8,
        /// 0-based.
        key: u8,
    },
    /// A client reads, where its view says.
    Read {
        /// 0-based.
        client: u8,
        /// 0-based.
        key: u8,
    },
    /// A client hears of the new view.
    Refresh {
        /// 0-based.
        client: u8,
    },
    /// The old owner takes no more writes.
    Freeze,
    /// The old owner sends what it has.
    Copy,
    /// What was sent arrives: for the first time, or once more.
    Deliver,
    /// The new owner's acknowledgement arrives.
    Acknowledge,
    /// The old owner stops serving and says so to the new one; or says it again.
    Release,
    /// The new owner hears that it serves now.
    Activate,
    /// The old owner drops its copy.
    Delete,
    /// One of the two crashes and comes back with what it had stored: all that was on its way between them is lost.
    Crash,
}

/// What the old owner is at, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Giving {
    /// Reads and writes.
    Owns,
    /// Reads only, until the copy is acknowledged.
    Frozen,
    /// Reads only; the new owner has the copy.
    Acknowledged,
    /// Nothing.
    Released,
}

/// What the new owner is at, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Taking {
    /// Has nothing.
    Empty,
    /// Has the copy and does not serve.
    Received,
    /// Reads and writes.
    Active,
}

/// Versions by key. 0: none.
pub type Values = [u8; KEYS_MAX];

/// A configuration.
///
/// A copy is on its way only of what the old owner froze; an acknowledgement only of what the new owner has stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The old owner.
    pub giving: Giving,
    /// What it has.
    pub old: Values,
    /// Whether it has dropped the range.
    pub deleted: bool,
    /// The new owner.
    pub taking: Taking,
    /// What it has.
    pub new: Values,
    /// The copy on its way. It stays there: what has arrived may arrive again.
    pub copy: Option<Values>,
    /// Whether an acknowledgement is on its way.
    pub acknowledgement: bool,
    /// Whether the news of the handover is on its way.
    pub handover: bool,
    /// Whose view is the new one.
    pub refreshed: [bool; CLIENTS_MAX],
    /// Writes so far. The next is of this version plus one.
    pub writes: u8,
    /// Crashes so far.
    pub crashes: u8,
    /// Whether a copy was ever sent; only a defect asks.
    pub sent: bool,
    /// History: the newest version of each key that a client was told is written.
    pub acknowledged: Values,
    /// History: whether a read gave less than that.
    pub ghost: bool,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// A value. 0: none.
    Value(u8),
    /// Written, as this version.
    Written(u8),
    /// Not now: the range is being copied.
    Frozen,
    /// Not here: the view is an older one.
    Moved,
    /// Not yet: the range is still with its old owner.
    NotYet,
}

impl Handoff {
    /// One key, two writes, two clients, a crash.
    pub const fn small() -> Self {
        Handoff { keys: 1, clients: 2, writes_max: 2, crashes_max: 1, variant: Variant::Sound }
    }

    /// Two keys in the range, and a write more.
    pub const fn two_keys() -> Self {
        Handoff { keys: 2, writes_max: 3, ..Handoff::small() }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    /// Whether the old owner answers those whose view is of before.
    fn old_reads(&self, state: &State) -> bool {
        state.giving != Giving::Released || self.is(Variant::IgnoresEpoch)
    }

    /// Whether it takes their writes.
    pub fn old_writes(&self, state: &State) -> bool {
        match state.giving {
            Giving::Owns => true,
            Giving::Frozen | Giving::Acknowledged => self.is(Variant::WritesWhileCopying),
            Giving::Released => self.is(Variant::IgnoresEpoch),
        }
    }

    /// Whether the new owner serves those whose view is the new one.
    pub fn new_serves(&self, state: &State) -> bool {
        match state.taking {
            Taking::Empty => false,
            Taking::Received => self.is(Variant::ServesBeforeHandover),
            Taking::Active => true,
        }
    }

    /// The reply to a request, as things are. `None` for a write beyond the bound.
    pub fn reply(&self, state: &State, client: u8, key: u8, writes: bool) -> Option<Reply> {
        let (client, key) = (usize::from(client), usize::from(key));
        let (serves, values) = if state.refreshed[client] {
            if !self.new_serves(state) {
                return Some(Reply::NotYet);
            }
            (true, &state.new)
        } else {
            if !self.old_reads(state) {
                return Some(Reply::Moved);
            }
            (self.old_writes(state), &state.old)
        };
        match (writes, serves) {
            (false, _) => Some(Reply::Value(values[key])),
            (true, false) => Some(Reply::Frozen),
            (true, true) if state.writes < self.writes_max => Some(Reply::Written(state.writes + 1)),
            (true, true) => None,
        }
    }

    fn request(&self, state: &mut State, client: u8, key: u8, writes: bool) {
        let fresh = state.refreshed[usize::from(client)];
        match self.reply(state, client, key, writes) {
            Some(Reply::Value(version)) => state.ghost |= version < state.acknowledged[usize::from(key)],
            Some(Reply::Written(version)) => {
                let values = if fresh { &mut state.new } else { &mut state.old };
                values[usize::from(key)] = version;
                state.acknowledged[usize::from(key)] = version;
                state.writes = version;
            }
            Some(Reply::Moved) => state.refreshed[usize::from(client)] = true,
            Some(Reply::Frozen | Reply::NotYet) | None => {}
        }
    }

    pub(super) fn may_copy(&self, state: &State) -> bool {
        state.giving == Giving::Frozen && !state.deleted && !(self.is(Variant::NeverResends) && state.sent)
    }

    pub(super) fn may_release(&self, state: &State) -> bool {
        match state.giving {
            Giving::Owns => false,
            Giving::Frozen => self.is(Variant::CutsOverBeforeCopy),
            // Released already: the news is told again, for it may have been lost.
            Giving::Acknowledged | Giving::Released => true,
        }
    }

    fn may_delete(&self, state: &State) -> bool {
        let sent = self.is(Variant::DeletesBeforeAcknowledgement) && state.copy.is_some();
        !state.deleted && (state.giving == Giving::Released || sent)
    }

    fn deliver(&self, state: &mut State) {
        let Some(copy) = state.copy else { return };
        if state.taking == Taking::Empty || self.is(Variant::CopyOverwritesNewer) {
            state.new = copy;
            if self.is(Variant::KeepsPartOfCopy) {
                let first = copy.iter().position(|version| *version > 0).unwrap_or_default();
                state.new[first + 1..].fill(0);
            }
            state.taking = state.taking.max(Taking::Received);
        }
        // It is acknowledged each time: the first acknowledgement may have been lost.
        state.acknowledgement = true;
    }
}

impl Model for Handoff {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            giving: Giving::Owns,
            old: [0; KEYS_MAX],
            deleted: false,
            taking: Taking::Empty,
            new: [0; KEYS_MAX],
            copy: None,
            acknowledgement: false,
            handover: false,
            refreshed: [false; CLIENTS_MAX],
            writes: 0,
            crashes: 0,
            sent: false,
            acknowledged: [0; KEYS_MAX],
            ghost: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for client in 0..self.clients {
            for key in 0..self.keys {
                if self.reply(state, client, key, true).is_some() {
                    actions.push(Action::Write { client, key });
                }
                actions.push(Action::Read { client, key });
            }
            if !state.refreshed[usize::from(client)] {
                actions.push(Action::Refresh { client });
            }
        }
        actions.extend([
            Action::Freeze,
            Action::Copy,
            Action::Deliver,
            Action::Acknowledge,
            Action::Release,
            Action::Activate,
            Action::Delete,
        ]);
        if state.crashes < self.crashes_max {
            actions.push(Action::Crash);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Write { client, key } => self.request(&mut after, client, key, true),
            Action::Read { client, key } => self.request(&mut after, client, key, false),
            Action::Refresh { client } => after.refreshed[usize::from(client)] = true,
            Action::Freeze => after.giving = after.giving.max(Giving::Frozen),
            Action::Copy if self.may_copy(before) => {
                after.copy = Some(after.old);
                after.sent = self.is(Variant::NeverResends);
            }
            Action::Deliver => self.deliver(&mut after),
            Action::Acknowledge if before.acknowledgement => {
                after.acknowledgement = false;
                after.giving = after.giving.max(Giving::Acknowledged);
            }
            Action::Release if self.may_release(before) => {
                after.giving = Giving::Released;
                after.handover = true;
            }
            Action::Activate if before.handover => {
                after.handover = false;
                after.taking = Taking::Active;
            }
            Action::Delete if self.may_delete(before) => {
                after.deleted = true;
                after.old = [0; KEYS_MAX];
            }
            Action::Crash => {
                after.crashes += 1;
                after.copy = None;
                after.acknowledgement = false;
                after.handover = false;
            }
            Action::Copy | Action::Acknowledge | Action::Release | Action::Activate | Action::Delete => {}
        }
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
