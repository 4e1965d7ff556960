//! A register in which the last write wins, after `lww-register.rs`: a state-based type without conflicts, whose copies
//! agree as soon as nothing is on the way. Clocks go forth and back by choice.
//!
//! **Sources.** Shapiro, Preguiça, Baquero and Zawirski, "A comprehensive study of convergent and commutative replicated
//! data types", 2011, 3.2.1.

use std::borrow::Cow;

use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, Id, Network, Out, model_peers};

use super::{agreed_by_parts, steps};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("golden::examples::last_writes_win_where_no_stamp_is_used_twice", last_write_wins)]
}

fn last_write_wins() {
    let sound = agreed_by_parts(|| system(Variant::Sound));
    assert_eq!(steps(&sound, AGREE), None);
    assert!(sound.cut_count() > 0 && sound.node_count() > 1_000, "{sound:?}");
    // The clock goes on, two values are written with its stamp, and they arrive out of order.
    assert_eq!(steps(&agreed_by_parts(|| system(Variant::ForgetsItsFirstStamp)), AGREE), Some(5));
}

const AGREE: &str = "copies agree when nothing is on the way";
const ACTORS: usize = 2;
const BEGUN_AT: u8 = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// The first stamp that an actor uses may be used again, as in the example.
    ForgetsItsFirstStamp,
}

#[derive(Clone)]
struct Keeper {
    peers: Vec<Id>,
    variant: Variant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    A,
    B,
}

/// A value, with what it is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Written {
    stamp: u8,
    by: usize,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Choice {
    Write { value: Value },
    SetClock { to: u8 },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    register: Option<Written>,
    clock: u8,
    /// The largest stamp used so far.
    used: u8,
}

impl Keeper {
    fn offer(clock: u8, out: &mut Out<Self>) {
        let values = [Value::A, Value::B].map(|value| Choice::Write { value });
        let clocks = [clock + 1, clock - 1].map(|to| Choice::SetClock { to });
        out.choose_random("what to do", values.into_iter().chain(clocks).collect());
    }
}

impl Actor for Keeper {
    type Msg = Written;
    type State = State;
    type Timer = ();
    type Random = Choice;
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> State {
        Keeper::offer(BEGUN_AT, out);
        State { register: None, clock: BEGUN_AT, used: BEGUN_AT }
    }

    fn on_random(&self, id: Id, state: &mut Cow<State>, choice: &Choice, out: &mut Out<Self>) {
        let state = state.to_mut();
        match *choice {
            Choice::Write { value } => {
                let stamp = match state.register {
                    None => state.clock,
                    Some(_) => state.clock.max(state.used + 1),
                };
                if state.register.is_some() || self.variant == Variant::Sound {
                    state.used = state.used.max(stamp);
                }
                let written = Written { stamp, by: id.into(), value };
                state.register = Some(written);
                out.broadcast(&self.peers, &written);
            }
            Choice::SetClock { to } => state.clock = to,
        }
        Keeper::offer(state.clock, out);
    }

    fn on_msg(&self, _: Id, state: &mut Cow<State>, _: Id, other: Written, _: &mut Out<Self>) {
        let order = |written: &Written| (written.stamp, written.by);
        if state.register.is_none_or(|own| order(&own) <= order(&other)) {
            state.to_mut().register = Some(other);
        }
    }
}

fn system(variant: Variant) -> ActorModel<Keeper, (), ()> {
    ActorModel::new((), ())
        .actors((0..ACTORS).map(|index| Keeper { peers: model_peers(index, ACTORS), variant }))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, AGREE, |_, state| {
            let first = state.actor_states[0].register;
            state.network.len() > 0 || state.actor_states.iter().all(|of| of.register == first)
        })
        .within_boundary(|(), state| {
            let is_near = |of: &State| of.clock.abs_diff(BEGUN_AT) <= 1 && of.used <= BEGUN_AT + 2;
            state.network.len() <= 2 && state.actor_states.iter().all(|of| is_near(of))
        })
}
