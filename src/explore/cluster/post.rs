//! What workers send to one another, and how they wait for it: a dataflow of timely with one exchange.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::operator::Operator;
use timely::dataflow::operators::probe::Handle;
use timely::dataflow::operators::{Input, Probe};
use timely::worker::Worker;

use super::line::Lines;

/// From worker to worker, at one time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Message {
    to: u32,
    pub(super) from: u32,
    time: u64,
    pub(super) body: Body,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Body {
    /// Which of these fingerprints are new.
    Asks(Asks),
    /// The answer to the asks of this number.
    Answers { nth: u32, is_new: Vec<u64> },
    /// What came of a level.
    Says(Says),
    /// The way to what was found of a property: a node of the beginning, and actions from there on.
    Way { property: u32, way: Vec<u32> },
}

/// Fingerprints that are asked about, in the order in which they were found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Asks {
    pub(super) nth: u32,
    /// Lineages, and how many of the fingerprints are of each.
    pub(super) runs: Vec<(u32, u32)>,
    pub(super) low: Vec<u64>,
    /// Empty where 64 bits are enough.
    pub(super) high: Vec<u64>,
}

/// What a worker says of a level to all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Says {
    /// Lineages that have new nodes, and how many.
    pub(super) counts: Vec<(u32, u32)>,
    pub(super) edges: u64,
    pub(super) cuts: u64,
    /// Fingerprints that other workers were asked about.
    pub(super) asked: u64,
    /// Of each property the number of the first node that shows something.
    pub(super) found: Vec<Option<u64>>,
    /// Why this worker stopped: a kind, and words.
    pub(super) stop: Option<(u8, String)>,
    /// What is wrong with the model.
    pub(super) error: Option<String>,
}

/// Another process was lost, or this one has failed.
pub(super) struct Broken;

/// How long a worker sleeps that has nothing to do before it looks whether another was lost.
const PARKED: Duration = Duration::from_millis(10);

type Inbox = Rc<RefCell<BTreeMap<u64, Vec<Message>>>>;

/// A worker's post.
pub(super) struct Post<'a> {
    worker: &'a mut Worker,
    input: InputHandle<u64, CapacityContainerBuilder<Vec<Message>>>,
    arrived: Handle<u64>,
    inbox: Inbox,
    time: u64,
    lines: &'a Arc<Lines>,
}

impl<'a> Post<'a> {
    pub(super) fn new(worker: &'a mut Worker, lines: &'a Arc<Lines>) -> Self {
        let inbox = Inbox::default();
        let mut input = InputHandle::new();
        let into = inbox.clone();
        let arrived = worker.dataflow(|scope| {
            let route = Exchange::new(|message: &Message| u64::from(message.to));
            let taken = scope.input_from(&mut input).unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                route,
                "post",
                |_, _| {
                    move |messages, _| {
                        messages.for_each(|_, some| {
                            let mut inbox = into.borrow_mut();
                            for message in some.drain(..) {
                                inbox.entry(message.time).or_default().push(message);
                            }
                        });
                    }
                },
            );
            taken.probe().0
        });
        Post { worker, input, arrived, inbox, time: 0, lines }
    }

    pub(super) fn me(&self) -> usize {
        self.worker.index()
    }

    pub(super) fn peers(&self) -> usize {
        self.worker.peers()
    }

    /// Sends something at the present time. What has come meanwhile is taken in.
    pub(super) fn send(&mut self, to: usize, body: Body) {
        let from = self.me() as u32;
        self.input.send(Message { to: to as u32, from, time: self.time, body });
        self.input.flush();
        self.worker.step();
    }

    pub(super) fn send_to_all(&mut self, body: &Body) {
        for to in 0..self.peers() {
            self.send(to, body.clone());
        }
    }

    /// Ends the present time: all that was sent to this worker at it, by whom it comes.
    pub(super) fn arrive(&mut self) -> Result<Vec<Message>, Broken> {
        let now = self.time;
        self.time += 1;
        self.input.advance_to(self.time);
        while self.arrived.less_than(&self.time) {
            if self.lines.lost().is_some() || self.lines.has_failed() {
                return Err(Broken);
            }
            self.worker.step_or_park(Some(PARKED));
        }
        let mut messages = self.inbox.borrow_mut().remove(&now).unwrap_or_default();
        messages.sort_by_key(|message| message.from);
        Ok(messages)
    }

    /// Nothing more is sent. Waits until nobody sends anything, unless one was lost.
    pub(super) fn close(self) {
        let Post { worker, input, lines, .. } = self;
        input.close();
        while worker.has_dataflows() && lines.lost().is_none() && !lines.has_failed() {
            worker.step_or_park(Some(PARKED));
        }
        for dataflow in worker.installed_dataflows() {
            worker.drop_dataflow(dataflow);
        }
    }
}
