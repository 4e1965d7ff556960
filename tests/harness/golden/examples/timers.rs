//! Actors that ping those of even and those of odd number, each by a timer, after `timers.rs`. A third timer does nothing.
//! Pings have no end; here each actor sends few.

use std::borrow::Cow;

use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, Id, Network, Out, model_peers, model_timeout};

use super::{agreed_by_parts, steps};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("golden::examples::timers_are_told_alike_on_every_network", pings)]
}

fn pings() {
    for network in
        [Network::new_unordered_nonduplicating([]), Network::new_unordered_duplicating([]), Network::new_ordered([])]
    {
        let told = agreed_by_parts(|| system(network.clone()));
        assert!(told.cut_count() > 0, "{told:?}");
        // A timer, a ping, a pong; only what is delivered again is answered more often than it was sent.
        assert_eq!(steps(&told, ANSWERED), Some(3));
        let is_repeated = matches!(network, Network::UnorderedDuplicating(..));
        assert_eq!(steps(&told, ANSWERED_ONCE).is_some(), is_repeated);
    }
}

const ANSWERED: &str = "a ping was answered";
const ANSWERED_ONCE: &str = "no ping was answered more often than it was sent";
const ACTORS: usize = 3;
const SENT_MAX: u8 = 3;

#[derive(Clone)]
struct Pinger {
    peers: Vec<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    Even,
    Odd,
    Idle,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pings {
    sent: u8,
    received: u8,
}

impl Actor for Pinger {
    type Msg = Message;
    type State = Pings;
    type Timer = Timer;
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> Pings {
        for timer in [Timer::Even, Timer::Odd, Timer::Idle] {
            out.set_timer(timer, model_timeout());
        }
        Pings { sent: 0, received: 0 }
    }

    fn on_msg(&self, _: Id, pings: &mut Cow<Pings>, from: Id, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Ping => out.send(from, Message::Pong),
            Message::Pong => pings.to_mut().received += 1,
        }
    }

    fn on_timeout(&self, _: Id, pings: &mut Cow<Pings>, timer: &Timer, out: &mut Out<Self>) {
        out.set_timer(*timer, model_timeout());
        let rest = match timer {
            Timer::Even => 0,
            Timer::Odd => 1,
            Timer::Idle => return,
        };
        for peer in self.peers.iter().filter(|peer| usize::from(**peer) % 2 == rest) {
            pings.to_mut().sent += 1;
            out.send(*peer, Message::Ping);
        }
    }
}

fn system(network: Network<Message>) -> ActorModel<Pinger, (), ()> {
    ActorModel::new((), ())
        .actors((0..ACTORS).map(|index| Pinger { peers: model_peers(index, ACTORS) }))
        .init_network(network)
        .property(Expectation::Sometimes, ANSWERED, |_, state| state.actor_states.iter().any(|of| of.received > 0))
        .property(Expectation::Always, ANSWERED_ONCE, |_, state| {
            state.actor_states.iter().all(|of| of.received <= of.sent)
        })
        .within_boundary(|(), state| {
            let count = |of: fn(&Pings) -> u8| state.actor_states.iter().map(|pings| of(pings)).sum::<u8>();
            count(|pings| pings.sent) <= SENT_MAX && count(|pings| pings.received) <= SENT_MAX + 1
        })
}
