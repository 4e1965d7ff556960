//! What sequential modes run again: the inputs of a trace, and the input that was never answered.

use super::drive::{Bench, Deviating, Driver};
use super::narrate::narrate;
use super::watch::Hung;
use super::{CannotReplay, Divergence};
use crate::trace::Trace;

/// The inputs that a trace gives, as they read.
pub(super) fn given(trace: &Trace) -> Vec<String> {
    trace.steps.iter().map(|step| step.input.clone()).filter(|input| !input.is_empty()).collect()
}

/// Gives the inputs of `trace` to a fresh subject.
pub(super) fn inputs(bench: &Bench, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
    let wanted = given(trace);
    let result = bench.watched(move |bench, watch| {
        let lts = &bench.lts;
        let mut driver = match Driver::start(bench, watch) {
            Ok(driver) => driver,
            Err(deviation) => return Ok(Some(narrate(lts, &Deviating::before_anything(deviation)))),
        };
        for (index, input) in wanted.into_iter().enumerate() {
            let Some(number) = driver.offered(&input) else {
                let possible = driver.offers().into_iter().map(|number| lts.words().input(number)).collect();
                return Err(CannotReplay::NotPossible { place: index + 1, input, possible });
            };
            if let Err(deviation) = driver.step(number) {
                return Ok(Some(narrate(lts, &Deviating::at(driver, deviation))));
            }
        }
        Ok(None)
    });
    match result {
        Ok(outcome) => outcome,
        Err(hung) => Ok(Some(silent(bench, &hung))),
    }
}

/// The run whose last input was never answered. The inputs before it are given again, to record what they were
/// answered.
pub(super) fn silent(bench: &Bench, hung: &Hung) -> Divergence {
    if hung.is_making {
        return narrate(&bench.lts, &Deviating::before_anything(hung.deviation()));
    }
    let mut run = Deviating { inputs: hung.inputs.clone(), observed: Vec::new(), deviation: hung.deviation() };
    let answered = hung.inputs[..hung.inputs.len().saturating_sub(1)].to_vec();
    let again = bench.watched(move |bench, watch| {
        let mut driver = Driver::start(bench, watch).ok()?;
        for input in answered {
            driver.step(input).ok()?;
        }
        Some(driver.observed)
    });
    match again {
        Ok(Some(observed)) => run.observed = observed,
        // It does not come that far again: tell what is certain, the first state alone.
        Ok(None) | Err(_) => run.inputs.truncate(1),
    }
    narrate(&bench.lts, &run)
}
