//! What sequential modes run again: the inputs of a trace, and the input that was never answered.

use super::drive::{Deviating, Deviation, Driver, Observed};
use super::lts::Lts;
use super::narrate::narrate;
use super::watch::{Hung, watched};
use super::{Divergence, Factory, Setting};
use crate::model::Interface;
use crate::trace::Trace;
use std::sync::Arc;

/// Gives the inputs of `trace` to a fresh subject.
pub(super) fn inputs<F: Interface>(
    setting: &Setting<F>,
    trace: &Trace,
    factory: &Factory<F>,
) -> Result<Option<Divergence>, String> {
    let lts = Arc::new(Lts::new(setting.model.clone(), setting.interface.clone()));
    let (lts_there, there, factory_there) = (lts.clone(), setting.clone(), factory.clone());
    let wanted: Vec<String> =
        trace.steps.iter().map(|step| step.input.clone()).filter(|input| !input.is_empty()).collect();
    let result = watched(setting.answer_within, move |watch| {
        let mut driver = match Driver::start(&lts_there, &*factory_there, watch) {
            Ok(driver) => driver,
            Err(deviation) => {
                return Ok(Some(narrate(&lts_there, &*there.spec, &Deviating::before_anything(deviation))));
            }
        };
        for (index, input) in wanted.iter().enumerate() {
            let offers = driver.offers();
            let Some(number) = offers.iter().find(|number| format!("{:?}", lts_there.input(**number)) == *input) else {
                let possible: Vec<String> =
                    offers.iter().map(|number| format!("{:?}", lts_there.input(*number))).collect();
                return Err(format!(
                    "input {} of the trace, {input}, is not possible there; possible are {}",
                    index + 1,
                    possible.join(", ")
                ));
            };
            if let Err(deviation) = driver.step(*number) {
                let run = Deviating { inputs: driver.inputs, observed: driver.observed, deviation };
                return Ok(Some(narrate(&lts_there, &*there.spec, &run)));
            }
        }
        Ok(None)
    });
    match result {
        Ok(outcome) => outcome,
        Err(hung) => Ok(Some(silent(&lts, setting, &hung, factory))),
    }
}

/// The run whose last input was never answered. The inputs before it are given again, to record what they were
/// answered.
pub(super) fn silent<F: Interface>(
    lts: &Arc<Lts<F>>,
    setting: &Setting<F>,
    hung: &Hung,
    factory: &Factory<F>,
) -> Divergence {
    let mut run = Deviating {
        inputs: hung.inputs.clone(),
        observed: Vec::new(),
        deviation: Deviation::Silent { waited_ms: hung.waited_ms },
    };
    let (lts_there, factory, answered) = (lts.clone(), factory.clone(), answered(&hung.inputs).to_vec());
    let again: Result<Option<Vec<Observed<F>>>, Hung> = watched(setting.answer_within, move |watch| {
        let mut driver = Driver::start(&lts_there, &*factory, watch).ok()?;
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
    narrate(lts, &*setting.spec, &run)
}

fn answered(inputs: &[u32]) -> &[u32] {
    &inputs[..inputs.len().saturating_sub(1)]
}
