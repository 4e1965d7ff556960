//! A deviation that was found, done again: to see that it is shown as often as it has to be, and to make it short.

use super::drive::{Bench, Deviating, Deviation, Driver, drive};
use super::narrate::narrate;
use super::watch::{Hung, Watch};
use super::{Conformance, Effort};

/// Tells what was found, shortened, if it is shown as often as it has to be, and otherwise that it is not.
pub(crate) fn told(bench: &Bench, watch: &Watch, effort: Effort, found: Deviating) -> Conformance {
    match shrink(bench, watch, found) {
        Ok(found) => effort.diverges(narrate(&bench.lts, &found)),
        Err(why) => effort.incomplete(why),
    }
}

/// Shows `found` again, as often as it has to be shown.
///
/// # Errors
/// Something else was seen: both answers, in a sentence.
pub(crate) fn repeated(bench: &Bench, watch: &Watch, found: &Deviating) -> Result<(), String> {
    let seen = match &found.deviation {
        Deviation::Nondeterministic { second, .. } => second.clone(),
        deviation => deviation.observed(),
    };
    for time in 1..bench.times {
        let (given, again) = last_seen(bench, watch, &found.inputs);
        if given != found.inputs.len() || again != seen {
            return Err(bench.not_always(time, found.inputs.len(), &seen, &again));
        }
    }
    Ok(())
}

/// How many of `inputs` a fresh subject was given, and what it did at the last of them.
fn last_seen(bench: &Bench, watch: &Watch, inputs: &[u32]) -> (usize, String) {
    let mut driver = match Driver::start(bench, watch) {
        Ok(driver) => driver,
        Err(deviation) => return (0, deviation.observed()),
    };
    for input in inputs {
        if let Err(deviation) = driver.step(*input) {
            return (driver.inputs.len(), deviation.observed());
        }
    }
    let last = driver.observed.last().map(|last| last.told(&bench.lts));
    (inputs.len(), last.unwrap_or_else(|| "as the model allows".into()))
}

impl Bench {
    /// What is said of a deviation that was not shown every time.
    fn not_always(&self, shown: usize, place: usize, seen: &str, again: &str) -> String {
        format!(
            "a deviation was shown {shown} of {} times: at input {place}, {seen} at first and {again} when all was done \
             again; what depends on time or chance shows nothing of it",
            self.times
        )
    }

    /// Tells of a subject that does not answer, or is not made.
    pub(crate) fn silent(&self, effort: Effort, hung: &Hung) -> Conformance {
        for time in 1..self.times {
            let inputs = hung.inputs.clone();
            if let Ok((_, again)) = self.watched(move |bench, watch| last_seen(bench, watch, &inputs)) {
                let seen = hung.deviation().observed();
                return effort.incomplete(self.not_always(time, hung.inputs.len(), &seen, &again));
            }
        }
        effort.diverges(super::replay::silent(self, hung))
    }
}

/// Leaves out what it can of a deviating run: first halves, then quarters, at last single inputs, until no single one
/// can be left out. The result is 1-minimal, not shortest.
///
/// # Errors
/// It has to be shown several times, and was not.
pub(crate) fn shrink(bench: &Bench, watch: &Watch, found: Deviating) -> Result<Deviating, String> {
    repeated(bench, watch, &found)?;
    let always = |inputs: &[u32]| {
        let found = drive(bench, watch, inputs)?;
        repeated(bench, watch, &found).is_ok().then_some(found)
    };
    let Some(mut best) = always(&found.inputs) else {
        let (first, second) = (found.deviation.observed(), "as the model allows".to_string());
        if bench.times > 1 {
            return Err(bench.not_always(bench.times, found.inputs.len(), &first, &second));
        }
        return Ok(Deviating { deviation: Deviation::Nondeterministic { first, second }, ..found });
    };
    let mut chunk = best.inputs.len().div_ceil(2);
    while chunk > 0 {
        let mut shorter = false;
        let mut from = 0;
        while from < best.inputs.len() {
            let mut rest = best.inputs.clone();
            rest.drain(from..best.inputs.len().min(from + chunk));
            match always(&rest) {
                Some(deviating) if deviating.inputs.len() < best.inputs.len() => {
                    best = deviating;
                    shorter = true;
                }
                _ => from += chunk,
            }
        }
        if chunk == 1 && !shorter {
            break;
        }
        chunk = if shorter { chunk.min(best.inputs.len().div_ceil(2)) } else { chunk / 2 };
    }
    Ok(best)
}
