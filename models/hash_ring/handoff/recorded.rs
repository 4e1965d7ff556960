//! Logs of a running handoff: how its records read.
//!
//! Clients record their requests, the two nodes their steps; who was told what, and when, has to be explained by some
//! behaviour of the model.

use counterpart::conform::events::{Event, Labelled, LogReader};

use super::conformance::HandoffInterface;
use super::model::{Action, Handoff};

/// The target of what is recorded.
pub const TARGET: &str = "hash_ring";

/// Two keys, four writes, three clients, a connection that breaks once.
pub fn model() -> Handoff {
    Handoff { keys: 2, clients: 3, writes_max: 4, ..Handoff::small() }
}

/// Reads the events `write` and `read` (`client`, `key`, `answer`), `refresh` (`client`), and the steps by their names.
#[derive(Clone, Copy, Debug)]
pub struct HandoffReader;

impl LogReader<HandoffInterface> for HandoffReader {
    fn admits(&self, event: &Event, step: &Labelled<'_, HandoffInterface>) -> bool {
        let request = |name: &str, client: &u8, key: &u8| {
            event.name == name
                && event.agrees("client", client)
                && event.agrees("key", key)
                && event.agrees_with_debug("answer", step.output)
        };
        match step.input {
            Action::Write { client, key } => request("write", client, key),
            Action::Read { client, key } => request("read", client, key),
            Action::Refresh { client } => event.name == "refresh" && event.agrees("client", client),
            Action::Freeze => event.name == "freeze",
            Action::Copy => event.name == "copy",
            Action::Deliver => event.name == "deliver",
            Action::Acknowledge => event.name == "acknowledge",
            Action::Release => event.name == "release",
            Action::Activate => event.name == "activate",
            Action::Delete => event.name == "delete",
            Action::Crash => event.name == "crash",
        }
    }
}
