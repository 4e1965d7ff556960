//! hickory's recursor through the model, as far as aliases go: one client, a chain of aliases, and a server that answers.
//!
//! It asks for servers on the way to each name (NS), which the model does not know; those are answered here and do not
//! count. Referrals and servers that say nothing are not driven: it asks for the addresses of several servers at once, and
//! chooses among servers by a draw.

use counterpart::{Counterpart, Interface};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::RecordType;
use serde::Serialize;
use stateright::{Model, Property};

use super::super::heavy::{Asked, Outcome, ROOT, Recursing, address, alias, found, no_data, record, referral};
use super::model::{Action, Outcome as Over, State, Work};
use std::net::Ipv4Addr;

const ZZ: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const WWW: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);

/// The model, with addresses and aliases alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliases(pub Work);

impl Model for Aliases {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.0.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.0.actions(state, actions);
        actions.retain(|action| matches!(action, Action::Address | Action::Alias { .. }));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        self.0.next_state(before, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }
}

/// What the outside sees of it: no reasons.
#[derive(Clone, Copy, Debug)]
pub struct AliasesInterface;

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The name whose address is asked for upstream.
    pub asks: Option<u8>,
    /// Whether the name is resolved, once it is over.
    pub resolved: Option<bool>,
}

impl Interface for AliasesInterface {
    type Model = Aliases;
    type Input = Action;
    type Output = Told;
    type Snapshot = ();

    fn label(&self, model: &Aliases, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Told)> {
        // What comes when all is over nobody has asked for.
        to.filter(|_| from.over.is_none())?;
        let told = model.0.step(from, *action).1;
        let resolved = told.over.map(|over| over == Over::Resolved);
        Some((*action, Told { asks: told.asked.map(|(name, _)| name), resolved }))
    }
}

/// The recursor, which was asked for the first name.
pub struct Chasing {
    recursing: Recursing,
    over: Option<bool>,
}

fn text(number: u8) -> String {
    format!("n{number}.zz.")
}

/// Servers on the way, and that nothing begins at a name. Addresses of names are held.
fn script(asked: &Asked) -> Option<Message> {
    match asked.kind {
        RecordType::NS if asked.server == ROOT => Some(referral("zz.", &[("ns.zz.".into(), Some(ZZ))])),
        RecordType::A if asked.name.starts_with('n') => None,
        _ => Some(no_data("zz.")),
    }
}

impl Default for Chasing {
    fn default() -> Self {
        let mut chasing = Chasing { recursing: Recursing::new(script), over: None };
        let told = chasing.recursing.ask(&text(0), RecordType::A);
        chasing.note(&told);
        chasing
    }
}

impl Chasing {
    fn note(&mut self, told: &[Outcome]) {
        let has_address =
            |message: &Message| message.answers.iter().any(|record| record.record_type() == RecordType::A);
        self.over = told.last().map(|outcome| outcome.as_ref().is_ok_and(has_address)).or(self.over);
    }
}

impl Counterpart<AliasesInterface> for Chasing {
    fn apply(&mut self, input: &Action) -> Told {
        let held = self.recursing.held();
        let owner = held.first().map_or_else(|| text(0), |asked| asked.name.clone());
        let data = match input {
            Action::Alias { to } => alias(&text(*to)),
            _ => address(WWW),
        };
        let told = self.recursing.answer(found(vec![record(&owner, data)]));
        self.note(&told);
        let asks = self.recursing.held().first().and_then(|asked| asked.name[1..2].parse().ok());
        Told { asks, resolved: self.over }
    }
}
