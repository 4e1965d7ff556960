//! Actors that have nothing to do with each other: each counts by its own timer.

use std::borrow::Cow;

use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, Id, Network, Out, model_timeout};

/// Counts so far, and then no more.
#[derive(Clone)]
pub(super) struct Counter(u8);

impl Actor for Counter {
    type Msg = ();
    type State = u8;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, out: &mut Out<Self>) -> u8 {
        out.set_timer((), model_timeout());
        0
    }

    fn on_timeout(&self, _: Id, count: &mut Cow<u8>, (): &(), out: &mut Out<Self>) {
        *count.to_mut() += 1;
        if **count < self.0 {
            out.set_timer((), model_timeout());
        }
    }
}

/// What the first of them does not do.
pub(super) const FIRST: &str = "the first does not count further";

pub(super) fn model(actors: usize, count: u8) -> ActorModel<Counter, u8, ()> {
    ActorModel::new(count, ())
        .actors((0..actors).map(|_| Counter(count)))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, FIRST, |model, state| *state.actor_states[0] <= model.cfg)
}
