//! A register replicated by quorums, after `linearizable-register.rs`: 544 states with two servers and two clients.
//!
//! **Sources.** Attiya, Bar-Noy and Dolev, "Sharing memory robustly in message-passing systems", 1995: whoever reads or
//! writes asks a majority for what it has, and tells a majority what is newest then.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use counterpart::explore::{Budget, survey};
use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::register::{RegisterActor, RegisterMsg};
use stateright::actor::{Actor, ActorModel, Id, Network, Out, majority, model_peers};
use stateright::semantics::LinearizabilityTester;
use stateright::semantics::register::Register;

use super::{agreed_by_parts, agrees_by_parts, steps};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::examples::a_replicated_register_has_544_states", linearizable),
        claim("golden::examples::a_replicated_register_whose_servers_ask_nobody_is_not_linearizable", tells_old),
    ]
}

fn linearizable() {
    let told = agreed_by_parts(|| system(2, Variant::Sound, Network::new_unordered_nonduplicating([])));
    assert_eq!(told.node_count(), 544);
    assert_eq!((steps(&told, LINEARIZABLE), steps(&told, CHOSEN)), (None, Some(11)));
    agreed_by_parts(|| system(2, Variant::Sound, Network::new_ordered([])));
}

/// A client puts a value to one server and asks the other, which answers at once with what it has itself.
fn tells_old() {
    let model = || system(2, Variant::AsksNobody, Network::new_unordered_nonduplicating([]));
    let budget = Budget::default().depth_max(4);
    let told = survey(Arc::new(model()), &budget).expect("a model");
    agrees_by_parts(model, &told, &budget);
    assert_eq!(steps(&told, LINEARIZABLE), Some(4));
}

const LINEARIZABLE: &str = "linearizable";
const CHOSEN: &str = "a value that was put is on its way to a client";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// A server's own word is a quorum.
    AsksNobody,
}

/// What orders values: how many were before, and who wrote.
type Stamp = (u64, Id);
type Message = RegisterMsg<u64, char, Internal>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Internal {
    Ask { request: u64 },
    Has { request: u64, stamp: Stamp, value: char },
    Store { request: u64, stamp: Stamp, value: char },
    Stored { request: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Replica {
    stamp: Stamp,
    value: char,
    at_work: Option<Work>,
}

/// A client's request that a replica serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Work {
    request: u64,
    client: Id,
    phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Asking { put: Option<char>, known: BTreeMap<Id, (Stamp, char)> },
    Storing { read: Option<char>, stored: BTreeSet<Id> },
}

#[derive(Clone)]
struct Server {
    peers: Vec<Id>,
    variant: Variant,
}

impl Server {
    fn quorum(&self) -> usize {
        match self.variant {
            Variant::Sound => majority(self.peers.len() + 1),
            Variant::AsksNobody => 1,
        }
    }

    fn begin(&self, id: Id, replica: &mut Replica, work: (u64, Id, Option<char>), out: &mut Out<Self>) {
        let (request, client, put) = work;
        let known = BTreeMap::from([(id, (replica.stamp, replica.value))]);
        replica.at_work = Some(Work { request, client, phase: Phase::Asking { put, known } });
        out.broadcast(&self.peers, &RegisterMsg::Internal(Internal::Ask { request }));
        self.go_on(id, replica, out);
    }

    /// Goes on with the request as far as a quorum has answered.
    fn go_on(&self, id: Id, replica: &mut Replica, out: &mut Out<Self>) {
        let Some(work) = &mut replica.at_work else { return };
        if let Phase::Asking { put, known } = &work.phase
            && known.len() == self.quorum()
        {
            let (newest, has) = known.values().copied().max().expect("a quorum is somebody");
            let (stamp, value) = put.map_or((newest, has), |put| ((newest.0 + 1, id), put));
            let read = put.is_none().then_some(value);
            let request = work.request;
            out.broadcast(&self.peers, &RegisterMsg::Internal(Internal::Store { request, stamp, value }));
            work.phase = Phase::Storing { read, stored: BTreeSet::from([id]) };
            if stamp > replica.stamp {
                (replica.stamp, replica.value) = (stamp, value);
            }
        }
        if let Phase::Storing { read, stored } = &work.phase
            && stored.len() == self.quorum()
        {
            let request = work.request;
            out.send(work.client, read.map_or(RegisterMsg::PutOk(request), |read| RegisterMsg::GetOk(request, read)));
            replica.at_work = None;
        }
    }

    fn on_internal(&self, id: Id, replica: &mut Cow<Replica>, from: Id, message: Internal, out: &mut Out<Self>) {
        let mut reply = |message| out.send(from, RegisterMsg::Internal(message));
        match message {
            Internal::Ask { request } => {
                reply(Internal::Has { request, stamp: replica.stamp, value: replica.value });
            }
            Internal::Store { request, stamp, value } => {
                reply(Internal::Stored { request });
                if stamp > replica.stamp {
                    let replica = replica.to_mut();
                    (replica.stamp, replica.value) = (stamp, value);
                }
            }
            Internal::Has { request, stamp, value } => {
                if let Some(Work { request: own, phase: Phase::Asking { .. }, .. }) = &replica.at_work
                    && *own == request
                {
                    let replica = replica.to_mut();
                    if let Some(Work { phase: Phase::Asking { known, .. }, .. }) = &mut replica.at_work {
                        known.insert(from, (stamp, value));
                    }
                    self.go_on(id, replica, out);
                }
            }
            Internal::Stored { request } => {
                if let Some(Work { request: own, phase: Phase::Storing { stored, .. }, .. }) = &replica.at_work
                    && *own == request
                    && !stored.contains(&from)
                {
                    let replica = replica.to_mut();
                    if let Some(Work { phase: Phase::Storing { stored, .. }, .. }) = &mut replica.at_work {
                        stored.insert(from);
                    }
                    self.go_on(id, replica, out);
                }
            }
        }
    }
}

impl Actor for Server {
    type Msg = Message;
    type State = Replica;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, id: Id, _: &Option<()>, _: &mut Out<Self>) -> Replica {
        Replica { stamp: (0, id), value: char::default(), at_work: None }
    }

    fn on_msg(&self, id: Id, replica: &mut Cow<Replica>, from: Id, message: Message, out: &mut Out<Self>) {
        match message {
            RegisterMsg::Put(request, value) if replica.at_work.is_none() => {
                self.begin(id, replica.to_mut(), (request, from, Some(value)), out);
            }
            RegisterMsg::Get(request) if replica.at_work.is_none() => {
                self.begin(id, replica.to_mut(), (request, from, None), out);
            }
            RegisterMsg::Internal(message) => self.on_internal(id, replica, from, message, out),
            RegisterMsg::Put(..) | RegisterMsg::Get(_) | RegisterMsg::PutOk(_) | RegisterMsg::GetOk(..) => {}
        }
    }
}

type Registers = ActorModel<RegisterActor<Server>, (), LinearizabilityTester<Id, Register<char>>>;

fn system(servers: usize, variant: Variant, network: Network<Message>) -> Registers {
    ActorModel::new((), LinearizabilityTester::new(Register(char::default())))
        .actors((0..servers).map(|at| RegisterActor::Server(Server { peers: model_peers(at, servers), variant })))
        .actors((0..2).map(|_| RegisterActor::Client { put_count: 1, server_count: servers }))
        .init_network(network)
        .property(Expectation::Always, LINEARIZABLE, |_, state| state.history.serialized_history().is_some())
        .property(Expectation::Sometimes, CHOSEN, |_, state| {
            let is_chosen = |message: &_| matches!(message, RegisterMsg::GetOk(_, value) if *value != char::default());
            state.network.iter_deliverable().any(|envelope| is_chosen(envelope.msg))
        })
        .record_msg_in(RegisterMsg::record_returns)
        .record_msg_out(RegisterMsg::record_invocations)
}
