//! A system written with stateright's actors: a server that lends one lock, and clients who want it, over a network that
//! delivers in any order. stateright's own `ActorModel` is checked as it is.

use std::borrow::Cow;

use counterpart::Check;
use counterpart::model::ActorSpec;
use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, ActorModelState, Id, Network, Out};

#[derive(Clone)]
enum Node {
    Server {
        /// The defect: it lends the lock to whoever asks.
        forgets: bool,
    },
    Client {
        server: Id,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Message {
    Ask,
    Lent,
    Work,
    Returned,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Lends { to: Option<Id>, waiting: Vec<Id> },
    Waits,
    Holds,
    Done,
}

impl Actor for Node {
    type Msg = Message;
    type State = Stage;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> Stage {
        match self {
            Node::Server { .. } => Stage::Lends { to: None, waiting: Vec::new() },
            Node::Client { server } => {
                out.send(*server, Message::Ask);
                Stage::Waits
            }
        }
    }

    fn on_msg(&self, own: Id, stage: &mut Cow<'_, Stage>, from: Id, message: Message, out: &mut Out<Self>) {
        match (self, stage.to_mut(), message) {
            (Node::Server { forgets: false }, Stage::Lends { to: Some(_), waiting }, Message::Ask) => {
                waiting.push(from)
            }
            (Node::Server { .. }, Stage::Lends { to, .. }, Message::Ask) => {
                *to = Some(from);
                out.send(from, Message::Lent);
            }
            (Node::Server { .. }, Stage::Lends { to, waiting }, Message::Returned) => {
                *to = (!waiting.is_empty()).then(|| waiting.remove(0));
                to.iter().for_each(|next| out.send(*next, Message::Lent));
            }
            (Node::Client { .. }, stage @ Stage::Waits, Message::Lent) => {
                *stage = Stage::Holds;
                out.send(own, Message::Work);
            }
            (Node::Client { server }, stage @ Stage::Holds, Message::Work) => {
                *stage = Stage::Done;
                out.send(*server, Message::Returned);
            }
            _ => {}
        }
    }
}

const ONE: &str = "one client at a time holds the lock";

fn count(state: &ActorModelState<Node>, wanted: Stage) -> usize {
    state.actor_states.iter().filter(|stage| ***stage == wanted).count()
}

fn system(forgets: bool) -> ActorModel<Node> {
    let server = Id::from(0);
    ActorModel::new((), ())
        .actor(Node::Server { forgets })
        .actors((0..3).map(|_| Node::Client { server }))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, ONE, |_, state| count(state, Stage::Holds) <= 1)
        .property(Expectation::Eventually, "everyone has had it", |_, state| count(state, Stage::Done) == 3)
}

/// `ActorSpec` says whose step is whose, and that what can be delivered is delivered: without that nothing ever need be.
#[test]
fn everyone_gets_the_lock_and_no_two_at_once() {
    Check::of(system(false)).spec(ActorSpec::new()).assert();
}

#[test]
fn a_server_that_forgets_to_whom_it_lent_the_lock_is_found() {
    Check::of(system(true)).spec(ActorSpec::new()).violates(ONE).assert();
}
