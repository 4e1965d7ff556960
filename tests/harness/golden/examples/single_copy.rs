//! A register that each server has its own copy of, after `single-copy-register.rs`: linearizable with one server (93
//! states with two clients), not with two.

use std::borrow::Cow;

use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::register::{RegisterActor, RegisterMsg};
use stateright::actor::{Actor, ActorModel, Id, Network, Out};
use stateright::semantics::LinearizabilityTester;
use stateright::semantics::register::Register;

use super::{agreed_by_parts, steps};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("golden::examples::a_register_of_one_copy_has_93_states_and_one_of_two_is_not_linearizable", copies)]
}

fn copies() {
    let one = agreed_by_parts(|| system(1));
    assert_eq!(one.node_count(), 93);
    assert_eq!((steps(&one, LINEARIZABLE), steps(&one, CHOSEN)), (None, Some(3)));
    // A value is put to one server and asked of the other.
    let two = agreed_by_parts(|| system(2));
    assert_eq!(steps(&two, LINEARIZABLE), Some(4));
}

const LINEARIZABLE: &str = "linearizable";
const CHOSEN: &str = "a value that was put is on its way to a client";

#[derive(Clone)]
struct Keeper;

impl Actor for Keeper {
    type Msg = RegisterMsg<u64, char, ()>;
    type State = char;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, _: &mut Out<Self>) -> char {
        char::default()
    }

    fn on_msg(&self, _: Id, value: &mut Cow<char>, from: Id, message: Self::Msg, out: &mut Out<Self>) {
        match message {
            RegisterMsg::Put(request, put) => {
                *value.to_mut() = put;
                out.send(from, RegisterMsg::PutOk(request));
            }
            RegisterMsg::Get(request) => out.send(from, RegisterMsg::GetOk(request, **value)),
            RegisterMsg::PutOk(_) | RegisterMsg::GetOk(..) | RegisterMsg::Internal(()) => {}
        }
    }
}

type Registers = ActorModel<RegisterActor<Keeper>, (), LinearizabilityTester<Id, Register<char>>>;

fn system(servers: usize) -> Registers {
    ActorModel::new((), LinearizabilityTester::new(Register(char::default())))
        .actors((0..servers).map(|_| RegisterActor::Server(Keeper)))
        .actors((0..2).map(|_| RegisterActor::Client { put_count: 1, server_count: servers }))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, LINEARIZABLE, |_, state| state.history.serialized_history().is_some())
        .property(Expectation::Sometimes, CHOSEN, |_, state| {
            let is_chosen = |message: &_| matches!(message, RegisterMsg::GetOk(_, value) if *value != char::default());
            state.network.iter_deliverable().any(|envelope| is_chosen(envelope.msg))
        })
        .record_msg_in(RegisterMsg::record_returns)
        .record_msg_out(RegisterMsg::record_invocations)
}
