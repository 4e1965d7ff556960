//! A broker whose log panics, and an effect that does.

use counterpart_models::broker::implementation::{EffectStore, Outcome, Token};
use libtest_mimic::Trial;

use super::raced_broker::implementation::{Change, Config, Core, Log, ProducerId, Recovered, StoreError};
use super::raced_broker::shared::Broker;
use super::{in_every_schedule, unwind, unwinds};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("broker::an_effect_that_unwinds_was_not_done", effect),
        claim("broker::who_waits_for_a_log_that_unwinds_is_told", waiter_is_told),
    ]
}

fn effect() {
    for mut effects in [EffectStore::fenced(), EffectStore::unfenced()] {
        let token = Token(1);
        unwinds(|| effects.apply(1, 0, token, || unwind()));
        assert!(!effects.is_done(1));
        let mut done = 0;
        assert_eq!(effects.apply(1, 0, token, || done += 1), Outcome::Applied, "delivered again it is done");
        assert_eq!(effects.apply(1, 0, token, || done += 1), Outcome::Duplicate);
        assert_eq!(done, 1);
    }
}

/// A log that unwinds at its second commit; the first is the broker's own.
struct Fragile(u32);

impl Log for Fragile {
    fn commit(&mut self, _: &[Change]) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0 > 1 { unwind() } else { Ok(()) }
    }
}

/// loom tells of a schedule in which somebody waits for ever.
fn waiter_is_told() {
    let schedules = in_every_schedule(|| {
        let core = Core::recover(Config::default(), Recovered::default()).expect("a configuration");
        let broker = loom::sync::Arc::new(Broker::new(core, Fragile(0)).expect("a log"));
        let start = |broker: &Broker<Fragile>, producer| {
            let started = || broker.start_producer(ProducerId(producer));
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(started)).ok()
        };
        let other = {
            let broker = broker.clone();
            loom::thread::spawn(move || start(&broker, 1))
        };
        let mine = start(&broker, 2);
        let other = other.join().expect("what it catches");
        let told = Some(Err(StoreError::Unwound));
        assert!([(None, told.clone()), (told, None)].contains(&(mine, other)), "one commits, and the other is told");
    });
    assert!(schedules > 5, "{schedules}");
}
