//! Recovery: faults for a while, then none, and a goal that has to be reached: liveness of the implementation itself.
//!
//! What a model promises of its runs is judged on its graph; that an implementation conforms says that it does nothing
//! else, not that it ever does what the model leaves open, nor anything of larger bounds. So it is driven into trouble
//! by a seeded walk, faults included, and from there along a fair schedule without them: what is new has its turn
//! first, then what has waited longest, and nothing waits for more than 64 turns. If the goal is not reached within so
//! many steps, it counts as never.
//!
//! Such a bound is no proof. A schedule that is fair and yet never reaches the goal is for the lasso search to find;
//! here is one schedule, the same for everybody, that an implementation worth its name gets well on.

use std::sync::Arc;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use stateright::Model;

use super::drive::{Deviating, Deviation, Driver, shrink};
use super::lts::Lts;
use super::narrate::{narrate, told};
use super::watch::{Watch, watched};
use super::{Agreement, Conformance, Divergence, Factory, Job, Make, Mode, Setting, boxed};
use crate::explore::ModelError;
use crate::model::{Counterpart, Interface};
use crate::trace::Trace;

/// Which inputs are faults.
type Fault<F> = Arc<dyn Fn(&<F as Interface>::Input) -> bool + Send + Sync>;

/// What has to be reached, as the model sees it.
type Goal<F> = Arc<dyn Fn(&<F as Interface>::Model, &<<F as Interface>::Model as Model>::State) -> bool + Send + Sync>;

/// How an implementation has to recover.
///
/// ```
/// # use counterpart::conform::Recovery;
/// # use counterpart::model::NoInterface;
/// # use stateright::{Model, Property};
/// # #[derive(Clone)] struct Plain;
/// # impl Model for Plain {
/// #     type State = (); type Action = ();
/// #     fn init_states(&self) -> Vec<()> { vec![()] }
/// #     fn actions(&self, _: &(), _: &mut Vec<()>) {}
/// #     fn next_state(&self, _: &(), _: ()) -> Option<()> { None }
/// # }
/// # type MyInterface = NoInterface<Plain>;
/// // Up to 100 steps with whatever the model offers, then no more failures: closed within 200 steps, 64 times over.
/// let recovery = Recovery::<MyInterface>::new(|_model, _state| true).without(|_input| false).after(100).within(200).runs(64);
/// ```
pub struct Recovery<F: Interface> {
    model: Option<Arc<F::Model>>,
    goal: Goal<F>,
    fault: Fault<F>,
    runs: usize,
    faulty_steps_max: usize,
    fair_steps_max: usize,
}

impl<F: Interface> Clone for Recovery<F> {
    fn clone(&self) -> Self {
        Recovery {
            model: self.model.clone(),
            goal: self.goal.clone(),
            fault: self.fault.clone(),
            runs: self.runs,
            faulty_steps_max: self.faulty_steps_max,
            fair_steps_max: self.fair_steps_max,
        }
    }
}

impl<F: Interface> Recovery<F> {
    /// To a state in which `goal` holds, wherever several states explain what was seen in all of them. No input is a
    /// fault; 64 runs of up to 100 steps, and 200 steps to recover in.
    pub fn new(goal: impl Fn(&F::Model, &<F::Model as Model>::State) -> bool + Send + Sync + 'static) -> Self {
        Recovery {
            model: None,
            goal: Arc::new(goal),
            fault: Arc::new(|_| false),
            runs: 64,
            faulty_steps_max: 100,
            fair_steps_max: 200,
        }
    }

    /// These inputs are faults: they come first, and then no more.
    #[must_use]
    pub fn without(self, fault: impl Fn(&F::Input) -> bool + Send + Sync + 'static) -> Self {
        Recovery { fault: Arc::new(fault), ..self }
    }

    /// In a model that may have larger bounds than the one that is explored.
    #[must_use]
    pub fn beside(self, model: impl Into<Arc<F::Model>>) -> Self {
        Recovery { model: Some(model.into()), ..self }
    }

    /// So many times, each from a fresh start.
    #[must_use]
    pub fn runs(self, runs: usize) -> Self {
        Recovery { runs, ..self }
    }

    /// Faults end after so many steps at most.
    #[must_use]
    pub fn after(self, faulty_steps_max: usize) -> Self {
        Recovery { faulty_steps_max, ..self }
    }

    /// Whatever is not reached within so many steps is never.
    #[must_use]
    pub fn within(self, fair_steps_max: usize) -> Self {
        Recovery { fair_steps_max, ..self }
    }

    /// Demanded of implementations that `factory` makes.
    pub fn of<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Arc<dyn Job<F>> {
        Arc::new(Recovering { recovery: self, factory: boxed(factory) })
    }

    fn setting(&self, setting: &Setting<F>) -> Setting<F> {
        let mut setting = setting.clone();
        if let Some(model) = &self.model {
            setting.model = model.clone();
        }
        setting
    }

    fn is_reached(&self, driver: &Driver<'_, F>) -> bool {
        let lts = driver.lts;
        driver.belief.iter().all(|node| (self.goal)(&lts.model, &lts.state(*node)))
    }
}

struct Recovering<F: Interface> {
    recovery: Recovery<F>,
    factory: Factory<F>,
}

impl<F: Interface> Job<F> for Recovering<F> {
    fn mode(&self) -> Mode {
        Mode::Walk
    }

    fn model(&self) -> Option<Arc<F::Model>> {
        self.recovery.model.clone()
    }

    fn run(&self, setting: &Setting<F>) -> Result<Conformance, ModelError> {
        let setting = self.recovery.setting(setting);
        let lts = Arc::new(Lts::new(setting.model.clone(), setting.interface.clone()));
        let (lts_there, there) = (lts.clone(), setting.clone());
        let (recovery, factory) = (self.recovery.clone(), self.factory.clone());
        let result =
            watched(setting.answer_within, move |watch| recover(&lts_there, &there, &recovery, &*factory, watch));
        Ok(match result {
            Ok(conformance) => conformance,
            Err(hung) => {
                Conformance::new(Mode::Walk).diverges(super::replay::silent(&lts, &setting, &hung, &self.factory))
            }
        })
    }

    fn replay(&self, setting: &Setting<F>, trace: &Trace) -> Result<Option<Divergence>, String> {
        let setting = self.recovery.setting(setting);
        let Some(ended) = trace.extra.get(FAULTS_END) else {
            return super::replay::inputs(&setting, trace, &self.factory);
        };
        let ended: usize =
            ended.parse().map_err(|_| format!("{FAULTS_END:?} says {ended:?}, which is no number of steps"))?;
        let wanted: Vec<String> =
            trace.steps.iter().map(|step| step.input.clone()).filter(|input| !input.is_empty()).collect();
        if let Some(divergence) = super::replay::inputs(&setting, trace, &self.factory)? {
            return Ok(Some(divergence));
        }
        let lts = Arc::new(Lts::new(setting.model.clone(), setting.interface.clone()));
        let (lts_there, there) = (lts.clone(), setting.clone());
        let (recovery, factory) = (self.recovery.clone(), self.factory.clone());
        let again = watched(setting.answer_within, move |watch| {
            let mut driver = Driver::start(&lts_there, &*factory, watch).ok()?;
            let mut reached = false;
            for (place, input) in wanted.iter().enumerate() {
                let offers = driver.offers();
                let number = offers.into_iter().find(|number| format!("{:?}", lts_there.input(*number)) == *input)?;
                driver.step(number).ok()?;
                reached |= place >= ended && recovery.is_reached(&driver);
            }
            (!reached).then(|| never(&lts_there, &there, &driver, ended))
        });
        match again {
            Ok(outcome) => Ok(outcome),
            Err(hung) => Ok(Some(super::replay::silent(&lts, &setting, &hung, &self.factory))),
        }
    }
}

/// Where a trace keeps after how many inputs the faults ended.
const FAULTS_END: &str = "faults-end-after";

/// How one run came out.
enum Came<'a, F: Interface> {
    /// It needed to recover, or did not, and has.
    Well { needed: bool, steps: usize },
    /// It did something that the model does not.
    Deviates(Deviating<F>),
    /// It is not where it has to be.
    Stuck { driver: Driver<'a, F>, ended: usize },
}

fn recover<F: Interface>(
    lts: &Lts<F>,
    setting: &Setting<F>,
    recovery: &Recovery<F>,
    factory: &Make<F>,
    watch: &Watch,
) -> Conformance {
    let mut result = Conformance::new(Mode::Walk);
    result.bounds.insert("seed".into(), setting.seed.to_string());
    result.bounds.insert("runs".into(), recovery.runs.to_string());
    result.bounds.insert("faults end after at most".into(), format!("{} steps", recovery.faulty_steps_max));
    result.bounds.insert("recovers within".into(), format!("{} steps", recovery.fair_steps_max));
    let mut random = Pcg64::seed_from_u64(setting.seed);
    let mut needed_count = 0;
    for _ in 0..recovery.runs {
        if let Some(stop) = (setting.budget.interrupt)() {
            return result.incomplete(stop.to_string());
        }
        let length = random.next_u64() as usize % (recovery.faulty_steps_max + 1);
        let mut draws = (0..length).map(|_| random.next_u64() as usize).collect::<Vec<_>>().into_iter();
        let came = one_run(lts, recovery, factory, watch, |offers| {
            draws.next().filter(|_| !offers.is_empty()).map(|draw| offers[draw % offers.len()])
        });
        match came {
            Came::Well { needed, steps } => {
                result.steps += steps;
                needed_count += usize::from(needed);
            }
            Came::Deviates(found) => {
                let found = shrink(lts, factory, watch, found);
                return result.diverges(narrate(lts, &*setting.spec, &found));
            }
            Came::Stuck { driver, ended } => {
                result.steps += driver.inputs.len();
                let (driver, ended) = shortened(lts, recovery, factory, watch, driver, ended);
                return result.diverges(never(lts, setting, &driver, ended));
            }
        }
    }
    result.bounds.insert("runs that had to recover".into(), needed_count.to_string());
    if needed_count == 0 {
        return result.incomplete(
            "no run left it anywhere that it had to recover from; say which inputs are faults, or let them go on for longer",
        );
    }
    result.agreement = Agreement::Conforms;
    result
}

/// Steps where `choose` leads until it has no more to say, and then fairly, without faults.
fn one_run<'a, F: Interface>(
    lts: &'a Lts<F>,
    recovery: &Recovery<F>,
    factory: &Make<F>,
    watch: &'a Watch,
    mut choose: impl FnMut(&[u32]) -> Option<u32>,
) -> Came<'a, F> {
    let mut driver = match Driver::start(lts, factory, watch) {
        Ok(driver) => driver,
        Err(deviation) => return Came::Deviates(Deviating::before_anything(deviation)),
    };
    while let Some(input) = choose(&driver.offers()) {
        if let Err(deviation) = driver.step(input) {
            return deviates(driver, deviation);
        }
    }
    let ended = driver.inputs.len();
    let needed = !recovery.is_reached(&driver);
    let mut queue = Queue::default();
    for _ in 0..recovery.fair_steps_max {
        if recovery.is_reached(&driver) {
            return Came::Well { needed, steps: driver.inputs.len() };
        }
        let mut offers = driver.offers();
        offers.retain(|input| !(recovery.fault)(&lts.input(*input)));
        let Some(input) = queue.next(&offers) else { break };
        if let Err(deviation) = driver.step(input) {
            return deviates(driver, deviation);
        }
    }
    match recovery.is_reached(&driver) {
        true => Came::Well { needed, steps: driver.inputs.len() },
        false => Came::Stuck { driver, ended },
    }
}

/// What waits for its turn.
#[derive(Default)]
struct Queue {
    /// Since when an input has been possible without having had a turn, and whether it ever had one.
    waiting: Vec<(u32, usize, bool)>,
    turns: usize,
}

/// Turns that nothing waits for more than.
const PATIENCE: usize = 64;

impl Queue {
    /// Whose turn it is. What never had one goes first, in the order in which it became possible: a message that was
    /// just sent, before the clock ticks again. Then whatever has waited longest.
    fn next(&mut self, offers: &[u32]) -> Option<u32> {
        self.waiting.retain(|(input, _, had)| *had || offers.contains(input));
        for input in offers {
            match self.waiting.iter_mut().find(|(waiting, ..)| waiting == input) {
                Some((_, since, true)) if *since == usize::MAX => *since = self.turns,
                Some(_) => {}
                None => self.waiting.push((*input, self.turns, false)),
            }
        }
        let possible = || self.waiting.iter().filter(|(input, ..)| offers.contains(input));
        let oldest = possible().min_by_key(|(_, since, _)| *since)?;
        let overdue = self.turns.saturating_sub(oldest.1) > PATIENCE;
        let (input, ..) = *if overdue { oldest } else { possible().min_by_key(|(_, since, had)| (*had, *since))? };
        self.turns += 1;
        let turn = self.waiting.iter_mut().find(|(waiting, ..)| *waiting == input)?;
        // It waits again from when it is possible again.
        *turn = (input, usize::MAX, true);
        Some(input)
    }
}

fn deviates<'a, F: Interface>(driver: Driver<'_, F>, deviation: Deviation) -> Came<'a, F> {
    Came::Deviates(Deviating { inputs: driver.inputs, observed: driver.observed, deviation })
}

/// Leaves out what it can of the steps before the faults ended, single inputs at last.
fn shortened<'a, F: Interface>(
    lts: &'a Lts<F>,
    recovery: &Recovery<F>,
    factory: &Make<F>,
    watch: &'a Watch,
    mut driver: Driver<'a, F>,
    mut ended: usize,
) -> (Driver<'a, F>, usize) {
    let mut chunk = ended.div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < ended {
            let mut rest = driver.inputs[..ended].to_vec();
            rest.drain(from..ended.min(from + chunk));
            let mut left = rest.into_iter();
            // What is not possible any more without what was left out is passed over.
            let came = one_run(lts, recovery, factory, watch, |offers| left.find(|input| offers.contains(input)));
            match came {
                Came::Stuck { driver: shorter, ended: earlier } if earlier < ended => {
                    (driver, ended) = (shorter, earlier);
                }
                Came::Well { .. } | Came::Deviates(_) | Came::Stuck { .. } => from += chunk,
            }
        }
        chunk /= 2;
    }
    (driver, ended)
}

fn never<F: Interface>(lts: &Lts<F>, setting: &Setting<F>, driver: &Driver<'_, F>, ended: usize) -> Divergence {
    let what = format!(
        "no fault after step {ended}, and {} steps later, everything possible having had its turn, it has not recovered",
        driver.inputs.len() - ended
    );
    let steps = told(lts, &*setting.spec, &driver.inputs, &driver.observed);
    Divergence { steps, what, extra: [(FAULTS_END.to_string(), ended.to_string())].into() }
}
