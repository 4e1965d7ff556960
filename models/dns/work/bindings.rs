//! Our resolution, bound.

use counterpart::Counterpart;

use super::super::implementation::Name;
use super::conformance::WorkInterface;
use super::implementation::{Limits, Next, Reason, Reply, Resolution};
use super::model::{Action, Outcome, SERVER_NAME, SERVERS, Told, Work};

/// A question of a client under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound(Resolution);

fn alias(number: u8) -> Name {
    format!("n{number}.zz").parse().expect("a name")
}

fn server(number: u8) -> Name {
    format!("ns{number}.zz").parse().expect("a name")
}

impl Bound {
    pub(super) fn new(model: &Work) -> Self {
        let limits = Limits {
            questions_max: model.questions_max.into(),
            aliases_max: model.aliases_max.into(),
            tries_max: model.tries_max.into(),
            depth_max: model.depth_max.into(),
        };
        Bound(Resolution::new(alias(0), SERVERS, limits))
    }
}

impl Counterpart<WorkInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let before = self.0.asked();
        self.0.on_reply(match *input {
            Action::Address => Reply::Address,
            Action::Alias { to } => Reply::Alias(alias(to)),
            Action::Referral { servers } => Reply::Referral((0..servers).map(server).collect()),
            Action::Nothing => Reply::Nothing,
        });
        let (asked, over) = match self.0.next() {
            Next::Ask { name, server: which } => {
                let number = (0..SERVER_NAME).find(|number| alias(*number) == name).unwrap_or(SERVER_NAME);
                (Some((number, which as u8)), None)
            }
            Next::Resolved => (None, Some(Outcome::Resolved)),
            Next::GivesUp(reason) => {
                let outcome = match reason {
                    Reason::Budget => Outcome::Budget,
                    Reason::Loop => Outcome::Loop,
                    Reason::Aliases => Outcome::Aliases,
                    Reason::Servers => Outcome::Servers,
                };
                (None, Some(outcome))
            }
        };
        Told { asks: (self.0.asked() - before) as u8, asked, over }
    }

    fn observe(&self) -> Option<u8> {
        u8::try_from(self.0.asked()).ok()
    }
}
