//! Single-decree Paxos as actors of stateright, three servers and some clients.
//!
//! **Sources.** The protocol and the harness of clients are those of the example `paxos.rs` of stateright 0.31.0 (Jonathan
//! Nadal, MIT), retold here; Lamport, "Paxos made simple", 2001.

use std::borrow::Cow;

use stateright::Expectation;
use stateright::actor::register::{RegisterActor, RegisterMsg};
use stateright::actor::{Actor, ActorModel, Id, Network, Out, majority, model_peers};
use stateright::semantics::LinearizabilityTester;
use stateright::semantics::register::Register;
use stateright::util::{HashableHashMap, HashableHashSet};

pub(super) const LINEARIZABLE: &str = "linearizable";
const SERVERS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "what is measured is sound")]
pub(super) enum Variant {
    Sound,
    /// A leader proposes its own client's value, whatever its quorum has accepted.
    IgnoresWhatWasAccepted,
}

/// A round and the server that leads it.
pub(super) type Ballot = (u32, Id);
pub(super) type Value = char;
/// A request, the client that made it, and the value it puts.
pub(super) type Proposal = (u64, Id, Value);
pub(super) type Accepted = Option<(Ballot, Proposal)>;
pub(super) type Message = RegisterMsg<u64, Value, Internal>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Internal {
    Prepare { ballot: Ballot },
    Prepared { ballot: Ballot, accepted: Accepted },
    Accept { ballot: Ballot, proposal: Proposal },
    Accepted { ballot: Ballot },
    Decided { ballot: Ballot, proposal: Proposal },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerState {
    ballot: Ballot,
    accepted: Accepted,
    is_decided: bool,
    /// What it does as a leader: what it proposes, who has joined its ballot with what accepted before, and who has
    /// accepted.
    proposal: Option<Proposal>,
    prepared: HashableHashMap<Id, Accepted>,
    accepted_by: HashableHashSet<Id>,
}

#[derive(Clone)]
pub(super) struct Server {
    peers: Vec<Id>,
    variant: Variant,
}

impl Server {
    /// A leader counts itself among the servers without sending itself messages.
    fn quorum(&self) -> usize {
        majority(self.peers.len() + 1)
    }
}

impl Actor for Server {
    type Msg = Message;
    type State = ServerState;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, _: &mut Out<Self>) -> ServerState {
        ServerState {
            ballot: (0, Id::from(0)),
            accepted: None,
            is_decided: false,
            proposal: None,
            prepared: HashableHashMap::default(),
            accepted_by: HashableHashSet::default(),
        }
    }

    fn on_msg(&self, id: Id, state: &mut Cow<ServerState>, from: Id, message: Message, out: &mut Out<Self>) {
        if state.is_decided {
            // An undecided server stays silent: it cannot know what was decided elsewhere.
            if let RegisterMsg::Get(request) = message {
                let (_, (_, _, value)) = state.accepted.expect("a decided server has accepted");
                out.send(from, RegisterMsg::GetOk(request, value));
            }
            return;
        }
        match message {
            RegisterMsg::Put(request, value) if state.proposal.is_none() => {
                let state = state.to_mut();
                state.ballot = (state.ballot.0 + 1, id);
                state.proposal = Some((request, from, value));
                state.prepared = HashableHashMap::default();
                state.prepared.insert(id, state.accepted);
                state.accepted_by = HashableHashSet::default();
                out.broadcast(&self.peers, &RegisterMsg::Internal(Internal::Prepare { ballot: state.ballot }));
            }
            RegisterMsg::Put(..) | RegisterMsg::Get(_) | RegisterMsg::PutOk(_) | RegisterMsg::GetOk(..) => {}
            RegisterMsg::Internal(message) => self.on_internal(id, state, from, message, out),
        }
    }
}

impl Server {
    fn on_internal(&self, id: Id, state: &mut Cow<ServerState>, from: Id, message: Internal, out: &mut Out<Self>) {
        match message {
            Internal::Prepare { ballot } if state.ballot < ballot => {
                state.to_mut().ballot = ballot;
                out.send(from, RegisterMsg::Internal(Internal::Prepared { ballot, accepted: state.accepted }));
            }
            Internal::Prepared { ballot, accepted } if ballot == state.ballot => {
                let state = state.to_mut();
                state.prepared.insert(from, accepted);
                if state.prepared.len() != self.quorum() {
                    return;
                }
                let latest = match self.variant {
                    Variant::Sound => state.prepared.values().copied().max().flatten(),
                    Variant::IgnoresWhatWasAccepted => None,
                };
                let own = state.proposal.expect("a leader has a proposal");
                let proposal = latest.map_or(own, |(_, proposal)| proposal);
                state.proposal = Some(proposal);
                state.accepted = Some((ballot, proposal));
                state.accepted_by.insert(id);
                out.broadcast(&self.peers, &RegisterMsg::Internal(Internal::Accept { ballot, proposal }));
            }
            Internal::Accept { ballot, proposal } if state.ballot <= ballot => {
                let state = state.to_mut();
                state.ballot = ballot;
                state.accepted = Some((ballot, proposal));
                out.send(from, RegisterMsg::Internal(Internal::Accepted { ballot }));
            }
            Internal::Accepted { ballot } if ballot == state.ballot => {
                let state = state.to_mut();
                state.accepted_by.insert(from);
                if state.accepted_by.len() != self.quorum() {
                    return;
                }
                state.is_decided = true;
                let proposal = state.proposal.expect("a leader has a proposal");
                out.broadcast(&self.peers, &RegisterMsg::Internal(Internal::Decided { ballot, proposal }));
                let (request, client, _) = proposal;
                out.send(client, RegisterMsg::PutOk(request));
            }
            Internal::Decided { ballot, proposal } => {
                let state = state.to_mut();
                state.ballot = ballot;
                state.accepted = Some((ballot, proposal));
                state.is_decided = true;
            }
            // Of a ballot that is over.
            Internal::Prepare { .. }
            | Internal::Prepared { .. }
            | Internal::Accept { .. }
            | Internal::Accepted { .. } => {}
        }
    }
}

pub(super) type PaxosModel = ActorModel<RegisterActor<Server>, (), LinearizabilityTester<Id, Register<Value>>>;

pub(super) fn model(clients: usize, variant: Variant) -> PaxosModel {
    ActorModel::new((), LinearizabilityTester::new(Register(Value::default())))
        .actors((0..SERVERS).map(|index| RegisterActor::Server(Server { peers: model_peers(index, SERVERS), variant })))
        .actors((0..clients).map(|_| RegisterActor::Client { put_count: 1, server_count: SERVERS }))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, LINEARIZABLE, |_, state| state.history.serialized_history().is_some())
        .property(Expectation::Sometimes, "value chosen", |_, state| {
            state.network.iter_deliverable().any(|envelope| match envelope.msg {
                RegisterMsg::GetOk(_, value) => *value != Value::default(),
                RegisterMsg::Internal(_) | RegisterMsg::Put(..) | RegisterMsg::Get(_) | RegisterMsg::PutOk(_) => false,
            })
        })
        .record_msg_in(RegisterMsg::record_returns)
        .record_msg_out(RegisterMsg::record_invocations)
}
