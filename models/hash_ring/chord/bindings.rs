//! Members of our own, bound to the model: whoever asks is answered at once, or learns that nobody is there. At the level
//! of messages a query is remembered, and answered in a step of its own.

use counterpart::Counterpart;

use super::conformance::ChordInterface;
use super::implementation::{Answer, Peer};
use super::model::{Action, Chord};

/// Members by identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Members {
    space: u64,
    peers: Vec<Option<Peer>>,
    /// By identifier; what was asked and not answered, at the level of messages.
    asked: Vec<Option<Asked>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asked {
    Successor(u64),
    Closer(u64),
}

impl Members {
    /// The least ring that the corrected rules allow, as `model` begins.
    ///
    /// # Panics
    /// If the model has fewer identifiers than that ring has members.
    pub fn new(model: &Chord) -> Self {
        let (space, base) = (u64::from(model.nodes), u64::from(model.list) + 1);
        let founding = |id: u64| {
            let successors = (1..=u64::from(model.list)).map(|step| (id + step) % base).collect();
            let knows = Answer { id, successors, predecessor: (id + base - 1) % base };
            Peer::founding(space, knows).expect("a model in the catalogue has room for its first ring")
        };
        let peers: Vec<Option<Peer>> = (0..space).map(|id| (id < base).then(|| founding(id))).collect();
        Members { space, asked: vec![None; peers.len()], peers }
    }

    fn ask(&self, id: u64) -> Option<Answer> {
        self.peers.get(usize::try_from(id).ok()?)?.as_ref().map(|peer| peer.answer().clone())
    }

    fn stabilize(&mut self, node: u8) -> Option<()> {
        let asked = self.peers[usize::from(node)].as_ref()?.successor();
        let answer = self.ask(asked);
        self.peers[usize::from(node)].as_mut()?.successor_answered(asked, answer.as_ref());
        Some(())
    }

    fn answered(&mut self, node: u8) -> Option<()> {
        let node = usize::from(node);
        match self.asked[node].take()? {
            Asked::Successor(id) => {
                let answer = self.ask(id);
                let closer = self.peers[node].as_mut()?.successor_answered(id, answer.as_ref());
                self.asked[node] = closer.map(Asked::Closer);
            }
            Asked::Closer(id) => {
                let answer = self.ask(id)?;
                self.peers[node].as_mut()?.closer_answered(&answer);
            }
        }
        Some(())
    }

    fn stabilize_from_predecessor(&mut self, node: u8) -> Option<()> {
        let successor = self.peers[usize::from(node)].as_ref()?.successor();
        let closer = self.ask(self.ask(successor)?.predecessor)?;
        self.peers[usize::from(node)].as_mut()?.closer_answered(&closer);
        Some(())
    }
}

impl Counterpart<ChordInterface> for Members {
    fn apply(&mut self, input: &Action) {
        match *input {
            Action::Join { node, by } => {
                let by = self.ask(by.into()).expect("a node joins by way of a member");
                let joined = Peer::joining(self.space, node.into(), &by).expect("by one that precedes it");
                self.peers[usize::from(node)] = Some(joined);
            }
            Action::Fail { node } => {
                self.peers[usize::from(node)] = None;
                self.asked[usize::from(node)] = None;
            }
            Action::Ask { node } => {
                let successor = self.peers[usize::from(node)].as_ref().map(Peer::successor);
                self.asked[usize::from(node)] = successor.map(Asked::Successor);
            }
            Action::Answered { node } => self.answered(node).unwrap_or_default(),
            Action::Settle => {}
            Action::Stabilize { node } => self.stabilize(node).unwrap_or_default(),
            Action::StabilizeFromPredecessor { node } => self.stabilize_from_predecessor(node).unwrap_or_default(),
            Action::Rectify { node, by } => {
                let predecessor = self.ask(node.into()).map(|answer| answer.predecessor);
                let is_alive = predecessor.is_some_and(|predecessor| self.ask(predecessor).is_some());
                if let Some(peer) = &mut self.peers[usize::from(node)] {
                    peer.notified(by.into(), is_alive);
                }
            }
            Action::Notified { .. } | Action::Flush { .. } | Action::Update { .. } | Action::Reconcile { .. } => {
                panic!("{input:?} is not of the corrected rules")
            }
        }
    }

    fn observe(&self) -> Option<Vec<Option<(Vec<u8>, Option<u8>)>>> {
        let of = |peer: &Peer| {
            let knows = peer.answer();
            let successors = knows.successors.iter().map(|id| *id as u8).collect();
            (successors, Some(knows.predecessor as u8))
        };
        Some(self.peers.iter().map(|peer| peer.as_ref().map(of)).collect())
    }
}
