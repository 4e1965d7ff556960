//! The model keeps its promises, the lease does what the model does, and a defect is found.

mod model;

use std::sync::Arc;

use counterpart::model::Simulated;
use counterpart::{Check, Counterpart};

use my_protocol::Lease;

use self::model::{Action, LeaseInterface, LeaseSpec, Leases, ONE_HOLDER, Variant};

/// The variant that has to keep its promises. Make it `Variant::HandsOverEarly` and run `cargo test`: the first test
/// below fails and prints a counterexample, the shortest way to two holders. It also prints the file that this trace is
/// kept in, and the command that runs it again.
const VARIANT: Variant = Variant::Sound;

#[test]
fn the_model_keeps_its_promises() {
    check(VARIANT).assert();
}

#[test]
fn the_lease_does_what_the_model_does() {
    let term_ms = u64::from(Leases::of(Variant::Sound).term_ticks) * TICK_MS;
    check(Variant::Sound).lockstep(move || Driven { lease: Lease::new(term_ms), now_ms: 0 }).assert();
}

/// A check that cannot fail shows nothing. Here are the defect in the model and the same in an implementation, and both
/// are found.
#[test]
fn a_lease_that_is_handed_over_early_is_found() {
    check(Variant::HandsOverEarly).violates(ONE_HOLDER).assert();
    let implementation = (Arc::new(Leases::of(Variant::HandsOverEarly)), Arc::new(LeaseInterface));
    let simulated = move || Simulated::new(&implementation.0, &implementation.1);
    check(Variant::Sound).defective("hands over early", simulated).assert();
}

/// A check of the model: what the outside sees of it, and what is promised of it.
fn check(variant: Variant) -> Check<Leases, LeaseInterface> {
    Check::of(Leases::of(variant)).named("lease").interface(LeaseInterface).spec(LeaseSpec)
}

/// A tick of the model's clock, in milliseconds.
const TICK_MS: u64 = 1_000;

/// The lease, driven in the model's words. A binding to your own code is no more than this.
struct Driven {
    lease: Lease,
    now_ms: u64,
}

impl Counterpart<LeaseInterface> for Driven {
    fn apply(&mut self, action: &Action) -> bool {
        match *action {
            Action::Acquire { client } => self.lease.acquire(client, self.now_ms).is_ok(),
            Action::Renew { client } => self.lease.renew(client, self.now_ms).is_ok(),
            Action::Release { client } => self.lease.release(client, self.now_ms).is_ok(),
            Action::Tick => {
                self.now_ms += TICK_MS;
                true
            }
        }
    }

    fn observe(&self) -> Option<Option<u32>> {
        Some(self.lease.holder(self.now_ms))
    }
}
