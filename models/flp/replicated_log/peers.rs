//! Three nodes of the published crate, unchanged, on a network that is a script.
//!
//! A step into a node is one call of `handle_incoming` or `tick`; what it then wants to send is taken and put on the
//! links, first in, first out. `reconnected` is called as the crate's documentation says: where a link is up again, and
//! by the neighbours of a node that was restarted.
//!
//! Without its optional features the crate reads no clock, draws no random numbers and iterates over no hash table:
//! what it sends and decides is a function of the calls. Nothing had to be sorted here for that.

use std::collections::VecDeque;

use counterpart::Counterpart;
use omnipaxos::messages::Message;
use omnipaxos::messages::sequence_paxos::PaxosMsg;
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, ServerConfig};

use super::conformance::{Answer, Input, LogInterface};
use super::model::{NODES, Node, Reader, ReplicatedLog, Value, link, nodes};
use super::storage::{Appended, Disk};

/// Ticks of a heartbeat round. A message and its answer have to arrive within one for a leader to be seen.
const ELECTION_TICKS: u64 = 3;

/// Ticks after which what may have been lost is sent again.
const RESEND_TICKS: u64 = 5;

/// What is done wrong around the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// Nothing is done wrong.
    None,
    /// A node is restarted on an empty disk.
    ForgetsDisk,
    /// The network changes a value on its way to a node that is to accept it.
    CorruptsValues,
    /// The network delivers each message twice.
    DeliversTwice,
    /// The application takes what is accepted for decided.
    ReadsUndecided,
    /// Nobody calls `reconnected`. The crate finds gaps by the numbers of its messages, so this is no defect.
    NeverReconnects,
}

/// Three nodes, their disks, and what is under way between them.
pub struct Cluster {
    nodes: [Option<OmniPaxos<Appended, Disk>>; NODES],
    disks: [Disk; NODES],
    /// Messages under way, by sender, then receiver; the oldest first.
    in_flight: [[VecDeque<Message<Appended>>; NODES]; NODES],
    cut: [bool; NODES],
    read: [usize; NODES],
    appended: Value,
    reader: Reader,
    misuse: Misuse,
}

/// Number of a node in the crate, 1-based.
fn pid(node: Node) -> u64 {
    u64::from(node) + 1
}

fn start(node: Node, disk: &Disk) -> OmniPaxos<Appended, Disk> {
    let cluster = ClusterConfig { configuration_id: 1, nodes: nodes().map(pid).collect(), flexible_quorum: None };
    let server = ServerConfig {
        pid: pid(node),
        election_tick_timeout: ELECTION_TICKS,
        resend_message_tick_timeout: RESEND_TICKS,
        ..ServerConfig::default()
    };
    cluster.build_for_server(server, disk.clone()).expect("the crate takes this configuration")
}

impl Cluster {
    /// Three nodes that have just been started, with an application as `model` has it.
    pub fn new(model: &ReplicatedLog, misuse: Misuse) -> Self {
        let disks: [Disk; NODES] = Default::default();
        let mut cluster = Cluster {
            nodes: [0, 1, 2].map(|node| Some(start(node, &disks[usize::from(node)]))),
            disks,
            in_flight: Default::default(),
            cut: [false; NODES],
            read: [0; NODES],
            appended: 0,
            reader: model.reader,
            misuse,
        };
        nodes().for_each(|node| cluster.send(node));
        cluster
    }

    /// Number of messages under way from one node to another.
    pub fn in_flight(&self, from: Node, to: Node) -> usize {
        self.in_flight[usize::from(from)][usize::from(to)].len()
    }

    /// Number of entries that are decided at `node`; 0 if it has stopped.
    pub fn decided_count(&self, node: Node) -> usize {
        self.nodes[usize::from(node)].as_ref().map_or(0, OmniPaxos::get_decided_idx)
    }

    /// The node that leads with the highest ballot, as it sees itself.
    pub fn leader(&self) -> Option<Node> {
        let leads = |node: &Node| {
            let node = self.nodes[usize::from(*node)].as_ref()?;
            (node.get_current_leader()? == (node.get_pid(), true)).then(|| node.get_promise())
        };
        nodes().filter(|node| leads(node).is_some()).max_by_key(leads)
    }

    /// Whether any link is cut.
    pub fn is_partitioned(&self) -> bool {
        self.cut.contains(&true)
    }

    /// Puts what `node` wants to send on its links.
    fn send(&mut self, node: Node) {
        let Some(sender) = &mut self.nodes[usize::from(node)] else { return };
        let mut outgoing = Vec::new();
        sender.take_outgoing_messages(&mut outgoing);
        for message in outgoing {
            let to = (message.get_receiver() - 1) as Node;
            if !self.cut[link(node, to)] && self.nodes[usize::from(to)].is_some() {
                self.in_flight[usize::from(node)][usize::from(to)].push_back(message);
            }
        }
    }

    /// Does something to `node` and sends what it answers to that. A node that has stopped does nothing.
    fn step(&mut self, node: Node, step: impl FnOnce(&mut OmniPaxos<Appended, Disk>)) {
        if let Some(running) = &mut self.nodes[usize::from(node)] {
            step(running);
            self.send(node);
        }
    }

    fn deliver(&mut self, from: Node, to: Node) {
        let Some(mut message) = self.in_flight[usize::from(from)][usize::from(to)].pop_front() else { return };
        if self.misuse == Misuse::CorruptsValues {
            corrupt(&mut message);
        }
        if self.misuse == Misuse::DeliversTwice {
            let again = message.clone();
            self.step(to, |node| node.handle_incoming(again));
        }
        self.step(to, |node| node.handle_incoming(message));
    }

    /// Loses what is under way between two nodes.
    fn disconnect(&mut self, one: Node, other: Node) {
        self.in_flight[usize::from(one)][usize::from(other)].clear();
        self.in_flight[usize::from(other)][usize::from(one)].clear();
    }

    fn restart(&mut self, node: Node) {
        let index = usize::from(node);
        nodes().filter(|other| *other != node).for_each(|other| self.disconnect(node, other));
        if self.misuse == Misuse::ForgetsDisk {
            self.disks[index] = Disk::default();
        }
        self.nodes[index] = Some(start(node, &self.disks[index]));
        if self.reader == Reader::StartsAnew {
            self.read[index] = 0;
        }
        self.send(node);
        for other in nodes().filter(|other| *other != node) {
            if !self.cut[link(node, other)] {
                self.reconnect(other, node);
            }
        }
    }

    /// Tells `node` that its link to `other` is up again.
    fn reconnect(&mut self, node: Node, other: Node) {
        if self.misuse != Misuse::NeverReconnects {
            self.step(node, |node| node.reconnected(pid(other)));
        }
    }

    /// Lets the application of `node` read one entry more.
    fn read(&mut self, node: Node) -> Answer {
        let at = self.read[usize::from(node)];
        let Some(running) = &self.nodes[usize::from(node)] else { return Answer::NothingNew };
        match running.read(at) {
            Some(LogEntry::Decided(Appended(value))) => {
                self.read[usize::from(node)] += 1;
                Answer::Decided(value)
            }
            Some(LogEntry::Undecided(Appended(value))) if self.misuse == Misuse::ReadsUndecided => {
                self.read[usize::from(node)] += 1;
                Answer::Decided(value)
            }
            None | Some(LogEntry::Undecided(_)) => Answer::NothingNew,
            Some(other) => panic!("nothing is trimmed and nobody reconfigures: {other:?}"),
        }
    }
}

/// Sets the highest bit of every value that is to be accepted.
fn corrupt(message: &mut Message<Appended>) {
    let Message::SequencePaxos(message) = message else { return };
    let values = match &mut message.msg {
        PaxosMsg::AcceptDecide(accept) => &mut accept.entries,
        PaxosMsg::AcceptSync(accept) => &mut accept.log_sync.suffix,
        _ => return,
    };
    values.iter_mut().for_each(|Appended(value)| *value |= 0x80);
}

impl Counterpart<LogInterface> for Cluster {
    fn apply(&mut self, input: &Input) -> Answer {
        match *input {
            Input::Append { node } => {
                self.appended += 1;
                let value = Appended(self.appended);
                self.step(node, |node| node.append(value).expect("nobody reconfigures"));
            }
            Input::Tick { node } => {
                self.step(node, OmniPaxos::tick);
                return self.read(node);
            }
            Input::Deliver { from, to } => {
                self.deliver(from, to);
                return self.read(to);
            }
            Input::Lose { from, to } => {
                self.in_flight[usize::from(from)][usize::from(to)].pop_front();
            }
            Input::Cut { one, other } => {
                self.cut[link(one, other)] = true;
                self.disconnect(one, other);
            }
            Input::Heal { one, other } => {
                self.cut[link(one, other)] = false;
                self.reconnect(one, other);
                self.reconnect(other, one);
            }
            Input::Restart { node } => self.restart(node),
            Input::Stop { node } => {
                self.nodes[usize::from(node)] = None;
                nodes().for_each(|from| self.in_flight[usize::from(from)][usize::from(node)].clear());
            }
        }
        Answer::Done
    }

    /// Whether the input can be given. The model knows of no messages: where none is under way, none can arrive or be
    /// lost.
    fn supports(&self, input: &Input) -> bool {
        match *input {
            Input::Deliver { from, to } | Input::Lose { from, to } => self.in_flight(from, to) > 0,
            Input::Append { .. }
            | Input::Tick { .. }
            | Input::Cut { .. }
            | Input::Heal { .. }
            | Input::Restart { .. }
            | Input::Stop { .. } => true,
        }
    }
}
