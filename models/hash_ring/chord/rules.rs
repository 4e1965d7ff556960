//! The rules: what each step does to what a member knows.

use super::model::{Action, Chord, LIST_MAX, NONE, Peer, Query, Rules, State, Variant, between};
use super::properties;

impl Chord {
    /// `head`, and as much of `rest` as there is room for.
    fn prepended(&self, head: u8, rest: &[u8; LIST_MAX]) -> [u8; LIST_MAX] {
        let mut list = [NONE; LIST_MAX];
        list[0] = head;
        list[1..self.length()].copy_from_slice(&rest[..self.length() - 1]);
        list
    }

    /// A list whose head is dead, filled up: with the identifier after its last entry, whoever that may be.
    fn shifted(&self, list: &[u8; LIST_MAX]) -> [u8; LIST_MAX] {
        let mut shifted = *list;
        shifted.copy_within(1..self.length(), 0);
        let known = list[..self.length()].iter().rev().find(|entry| **entry != NONE);
        let last = known.copied().unwrap_or(0);
        shifted[self.length() - 1] = if self.is(Variant::PadsWithLast) { last } else { (last + 1) % self.nodes };
        shifted
    }

    /// What a node that joins begins with. `None`: not by way of this member.
    pub(super) fn joined(&self, state: &State, node: u8, by: u8) -> Option<Peer> {
        let member = state.of(by)?;
        if state.is_live(node) || !between(by, node, member.list[0]) {
            return None;
        }
        match self.rules {
            Rules::AdoptsTheLive if !state.is_live(member.list[0]) => None,
            Rules::Original | Rules::AdoptsTheLive => {
                Some(Peer { list: [member.list[0], NONE, NONE], predecessor: NONE })
            }
            Rules::Corrected if self.is(Variant::CopiesSuccessorOnly) => {
                Some(Peer { list: [member.list[0], NONE, NONE], predecessor: by })
            }
            Rules::Corrected => Some(Peer { list: member.list, predecessor: by }),
        }
    }

    /// Whether the operating assumption lets a member fail.
    pub(super) fn may_fail(&self, state: &State, node: u8) -> bool {
        if !self.fails {
            return false;
        }
        let mut after = state.clone();
        after.peers[usize::from(node)] = None;
        let strips = after.members().any(|(_, peer)| !peer.list.iter().any(|entry| after.is_live(*entry)));
        let enough = match self.rules {
            Rules::Original | Rules::AdoptsTheLive => after.members().next().is_some(),
            Rules::Corrected if self.is(Variant::ShrinksBase) => after.members().next().is_some(),
            Rules::Corrected => properties::principals(self, &after) > self.length(),
        };
        !strips && enough
    }

    /// The original stabilize, of `node`: it adopts its successor's predecessor, if that is closer.
    pub(super) fn adopt(&self, state: &mut State, node: u8) {
        let Some(successor) = state.of(node).map(|peer| peer.list[0]) else { return };
        let Some(closer) = state.of(successor).map(|peer| peer.predecessor) else { return };
        let adopts = closer != NONE
            && between(node, closer, successor)
            && (self.rules == Rules::Original || state.is_live(closer));
        if let Some(peer) = state.peer(node).filter(|_| adopts) {
            peer.list[0] = closer;
        }
    }

    /// The corrected stabilize, of `node`: it takes over its successor's list, or goes on without a dead successor.
    pub(super) fn take_over(&self, state: &mut State, node: u8, successor: u8) {
        let Some(own) = state.of(node).map(|peer| peer.list) else { return };
        let list = match state.of(successor) {
            Some(asked) => self.prepended(successor, &asked.list),
            // Not if something else has taken its place since it was asked.
            None if own[0] == successor => self.shifted(&own),
            None => own,
        };
        if let Some(peer) = state.peer(node) {
            peer.list = list;
        }
    }

    /// Whom `node` is to ask next: its successor's predecessor, if that is closer.
    pub(super) fn closer(&self, state: &State, node: u8) -> Option<u8> {
        let successor = state.of(node)?.list[0];
        let closer = state.of(successor)?.predecessor;
        (closer != NONE && between(node, closer, successor) && !self.is(Variant::NeverMovesCloser)).then_some(closer)
    }

    /// Puts `closer` in front, if it answers.
    pub(super) fn move_closer(&self, state: &mut State, node: u8, closer: u8) {
        let asked = if self.is(Variant::AdoptsUnasked) { node } else { closer };
        let Some(list) = state.of(asked).map(|peer| self.prepended(closer, &peer.list)) else { return };
        if let Some(peer) = state.peer(node) {
            peer.list = list;
        }
    }

    /// A query is answered, or its target is found dead.
    pub(super) fn answered(&self, state: &mut State, node: u8) {
        match std::mem::take(&mut state.queries[usize::from(node)]) {
            Query::None => {}
            Query::Successor(successor) => {
                self.take_over(state, node, successor);
                match self.closer(state, node).filter(|_| state.is_live(successor)) {
                    Some(closer) if self.is(Variant::AdoptsUnasked) => self.move_closer(state, node, closer),
                    Some(closer) => state.queries[usize::from(node)] = Query::Predecessor(closer),
                    None => {}
                }
            }
            Query::Predecessor(closer) => {
                let still = state.of(node).is_some_and(|peer| between(node, closer, peer.list[0]));
                if still {
                    self.move_closer(state, node, closer);
                }
            }
        }
    }

    /// Whether `node`, notified by `by`, takes it for its predecessor.
    fn rectifies(&self, state: &State, node: u8, by: u8) -> bool {
        let Some(peer) = state.of(node) else { return false };
        let dead = !state.is_live(peer.predecessor);
        match self.rules {
            Rules::Original | Rules::AdoptsTheLive => peer.predecessor == NONE || between(peer.predecessor, by, node),
            Rules::Corrected => {
                (dead && !self.is(Variant::KeepsDeadPredecessor)) || between(peer.predecessor, by, node)
            }
        }
    }

    /// `node` hears from `by`.
    pub(super) fn notify(&self, state: &mut State, node: u8, by: u8) {
        let rectifies = self.rectifies(state, node, by);
        if let Some(peer) = state.peer(node).filter(|_| rectifies) {
            peer.predecessor = by;
        }
    }

    /// What a member may do by itself.
    pub(super) fn maintenance(&self, state: &State, node: u8, peer: &Peer, actions: &mut Vec<Action>) {
        match self.rules {
            Rules::Original | Rules::AdoptsTheLive => {
                actions.extend([
                    Action::Stabilize { node },
                    Action::Flush { node },
                    Action::Update { node },
                    Action::Reconcile { node },
                ]);
                if !self.tells {
                    actions.push(Action::Notified { node: peer.list[0], by: node });
                }
            }
            Rules::Corrected if self.messages => {
                match state.queries[usize::from(node)] {
                    Query::None => actions.push(Action::Ask { node }),
                    Query::Successor(_) | Query::Predecessor(_) => actions.push(Action::Answered { node }),
                }
                actions.push(Action::Rectify { node: peer.list[0], by: node });
            }
            Rules::Corrected => {
                actions.extend([
                    Action::Stabilize { node },
                    Action::StabilizeFromPredecessor { node },
                    Action::Rectify { node: peer.list[0], by: node },
                ]);
            }
        }
    }
}
