//! A user who tells a counter to count and asks for what it has, after `interaction.rs`: what nobody sends is put in by a
//! timer of an actor.

use std::borrow::Cow;

use counterpart::Check;
use counterpart::verdict::Verdict;
use libtest_mimic::Trial;
use stateright::actor::{Actor, ActorModel, Id, Network, Out, model_timeout};
use stateright::{Checker, Expectation, Model};

use super::super::run;
use super::agreed_by_parts;
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("golden::examples::a_user_learns_what_was_counted_where_messages_keep_their_order", interaction)]
}

fn interaction() {
    // Messages that are delivered again and again are counted without end, so that there is a boundary.
    let again = agreed_by_parts(|| system(Network::new_unordered_duplicating([])));
    assert!(again.cut_count() > 0);
    for (network, verdict) in
        [(Network::new_unordered_nonduplicating([]), Verdict::Violated), (Network::new_ordered([]), Verdict::Holds)]
    {
        assert_eq!(agreed_by_parts(|| system(network.clone())).cut_count(), 0);
        let theirs = system(network.clone()).checker().threads(1).spawn_bfs().join().discovery(SUCCESS).is_some();
        let check = Check::of(system(network));
        let ours = run(if theirs { check.violates(SUCCESS) } else { check });
        let ours = ours.properties.iter().find(|judged| judged.name == SUCCESS).expect("a property of the model");
        assert_eq!((ours.verdict, theirs), (verdict, verdict == Verdict::Violated));
    }
}

const SUCCESS: &str = "the user has learned that three were counted";
const COUNTED: u32 = 3;

#[derive(Clone)]
enum Role {
    User { counter: Id },
    Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Count { by: u32 },
    Ask,
    Counted { all: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Input {
    Count,
    Ask,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    User { inputs: u32, has_learned: bool },
    Counter { counted: u32 },
}

impl Actor for Role {
    type Msg = Message;
    type State = State;
    type Timer = Input;
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> State {
        match self {
            Role::User { .. } => {
                out.set_timer(Input::Count, model_timeout());
                State::User { inputs: 0, has_learned: false }
            }
            Role::Counter => State::Counter { counted: 0 },
        }
    }

    fn on_msg(&self, _: Id, state: &mut Cow<State>, from: Id, message: Message, out: &mut Out<Self>) {
        match (&**state, message) {
            (State::Counter { counted }, Message::Count { by }) => {
                *state = Cow::Owned(State::Counter { counted: counted + by });
            }
            (State::Counter { counted }, Message::Ask) => out.send(from, Message::Counted { all: *counted }),
            (State::User { inputs, .. }, Message::Counted { all }) if all >= COUNTED => {
                *state = Cow::Owned(State::User { inputs: *inputs, has_learned: true });
            }
            _ => {}
        }
    }

    fn on_timeout(&self, _: Id, state: &mut Cow<State>, input: &Input, out: &mut Out<Self>) {
        let Role::User { counter } = *self else { return };
        if let State::User { inputs, .. } = state.to_mut() {
            *inputs += 1;
        }
        match input {
            Input::Count => {
                out.set_timer(Input::Ask, model_timeout());
                out.send(counter, Message::Count { by: COUNTED });
            }
            Input::Ask => out.send(counter, Message::Ask),
        }
    }
}

fn system(network: Network<Message>) -> ActorModel<Role, (), ()> {
    ActorModel::new((), ())
        .actors([Role::User { counter: Id::from(1) }, Role::Counter])
        .init_network(network)
        .property(Expectation::Eventually, SUCCESS, |_, state| {
            state.actor_states.iter().any(|state| matches!(**state, State::User { has_learned: true, .. }))
        })
        .property(Expectation::Always, "nothing is learned before it is asked for", |_, state| {
            !state.actor_states.iter().any(|state| matches!(**state, State::User { inputs: 0 | 1, has_learned: true }))
        })
        .within_boundary(|(), state| {
            !state
                .actor_states
                .iter()
                .any(|state| matches!(**state, State::Counter { counted } if counted > 4 * COUNTED))
        })
}
