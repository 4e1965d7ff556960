//! A breaker of your own, against the model of `counterpart-models`: all that there is to write.

use counterpart::Counterpart;
use counterpart_models::circuit_breaker;
use counterpart_models::circuit_breaker::conformance::{Answer, BreakerInterface, TICK_MS};
use counterpart_models::circuit_breaker::model::{Action, Breaker, CLIENTS_MAX, Outcome};

mod yours;

#[derive(Default)]
struct Mine(yours::Breaker, u64, [Option<yours::Permit>; CLIENTS_MAX]);

impl Counterpart<BreakerInterface> for Mine {
    fn apply(&mut self, action: &Action) -> Answer {
        let Mine(breaker, now_ms, permits) = self;
        match *action {
            Action::Acquire { client } => match breaker.admit(*now_ms) {
                Some(permit) => permits[usize::from(client)] = Some(permit),
                None => return Answer::Rejected,
            },
            Action::Report { client, outcome } => match (permits[usize::from(client)].take(), outcome) {
                (Some(permit), Outcome::Success | Outcome::Slow) => breaker.ended(permit, Some(true), *now_ms),
                (Some(permit), Outcome::Failure | Outcome::Panicked) => breaker.ended(permit, Some(false), *now_ms),
                (Some(permit), Outcome::Ignored | Outcome::Cancelled) => breaker.ended(permit, None, *now_ms),
                (None, _) => {}
            },
            Action::Tick | Action::StepBack => *now_ms += TICK_MS,
        }
        if matches!(action, Action::Acquire { .. }) { Answer::Admitted } else { Answer::Done }
    }
}

#[test]
fn my_breaker_does_what_the_model_does() {
    circuit_breaker::check(Breaker { clients: 2, ..Breaker::small() }).lockstep(Mine::default).assert();
}
