//! Our own processes, bound to the model's words.

use counterpart::Counterpart;

use super::conformance::{Answer, BenOrInterface, Posted};
use super::model::{Action, PROCESSES};
use crate::flp::implementation::ben_or::{self, Message};
use crate::flp::implementation::{Event, Group, Process};

/// Our processes, and a board with everything that they posted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Processes {
    processes: Vec<ben_or::BenOr>,
    /// Reports and proposals of each process, by round.
    posted: Vec<[Vec<Message>; 2]>,
}

impl Processes {
    /// Lets `number` take a step, and puts what it sends on the board. Returns the last of it.
    fn step(&mut self, number: usize, event: &Event<Message>) -> Posted {
        let stepped = self.processes[number].step(event);
        let (after, sent) = stepped.unwrap_or_else(|refused| panic!("refused: {refused}"));
        self.processes[number] = after;
        let mut posted = Posted::Nothing;
        // Everybody is sent the same.
        for sent in sent.into_iter().filter(|sent| sent.to == number) {
            let (kind, told) = match sent.message {
                Message::Report { bit, .. } => (0, Posted::Report(bit.into())),
                Message::Proposal { bit, .. } => (1, Posted::Proposal(bit.map(u8::from))),
            };
            assert_eq!(posted, Posted::Nothing, "it posts one thing at a time");
            self.posted[number][kind].push(sent.message);
            posted = told;
        }
        posted
    }
}

impl Counterpart<BenOrInterface> for Processes {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Begin { inputs } => {
                let group = Group::of(PROCESSES).expect("three processes are a group");
                let process = |id: usize| ben_or::BenOr::new(group, id, inputs[id] == 1).expect("a member");
                self.processes = group.members().map(process).collect();
                self.posted = vec![Default::default(); PROCESSES];
                for process in group.members() {
                    self.step(process, &Event::Nothing);
                }
                Answer { posted: Posted::Nothing, decided: None }
            }
            Action::Crash { .. } => Answer { posted: Posted::Nothing, decided: None },
            Action::Advance { process, heard, coin } => {
                let number = usize::from(process);
                // It waits for what is of the kind that it posted last, and of that round.
                let [reports, proposals] = &self.posted[number];
                let (round, kind) = (reports.len() - 1, usize::from(proposals.len() == reports.len()));
                let mut posted = Posted::Nothing;
                for from in heard.map(usize::from) {
                    let message = self.posted[from][kind][round];
                    posted = self.step(number, &Event::Message { from, message });
                }
                if let Some(shown) = coin {
                    assert!(self.processes[number].wants_coin(), "it throws no coin here");
                    posted = self.step(number, &Event::Coin(shown == 1));
                }
                Answer { posted, decided: self.processes[number].decision().map(|bit| u8::from(*bit)) }
            }
        }
    }

    fn observe(&self) -> Option<[Option<u8>; PROCESSES]> {
        let decided = |number: usize| self.processes.get(number).and_then(|process| process.decision().copied());
        Some(std::array::from_fn(|number| decided(number).map(u8::from)))
    }
}
