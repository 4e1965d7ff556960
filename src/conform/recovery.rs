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

use std::fmt;
use std::sync::Arc;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use stateright::Model;

use super::again::told;
use super::drive::{Bench, Deviating, Driver};
use super::lts::Node;
use super::narrate;
use super::replay::{given, silent};
use super::typed::{Factory, boxed};
use super::watch::Watch;
use super::{Bound, CannotReplay, Conformance, Divergence, Effort, How, Job, Limits, Mode, Setting};
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

impl<F: Interface> fmt::Debug for Recovery<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut recovery = f.debug_struct("Recovery");
        recovery.field("runs", &self.runs).field("faulty_steps_max", &self.faulty_steps_max);
        recovery.field("fair_steps_max", &self.fair_steps_max).finish_non_exhaustive()
    }
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
    /// A demand to reach a state in which `goal` holds; where several states explain what was seen, it has to hold in
    /// all of them. By default no input is a fault, and there are 64 runs, of up to 100 steps with faults, and 200
    /// steps to recover in.
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

    /// Says which inputs are faults. They may be given at first, and none is given once the faults have ended.
    #[must_use]
    pub fn without(self, fault: impl Fn(&F::Input) -> bool + Send + Sync + 'static) -> Self {
        Recovery { fault: Arc::new(fault), ..self }
    }

    /// Drives it beside another model, which may have larger bounds than the one that is explored.
    #[must_use]
    pub fn beside(self, model: impl Into<Arc<F::Model>>) -> Self {
        Recovery { model: Some(model.into()), ..self }
    }

    /// Sets the number of runs, each from a fresh start.
    #[must_use]
    pub fn runs(self, runs: usize) -> Self {
        Recovery { runs, ..self }
    }

    /// Sets the most steps after which faults end.
    #[must_use]
    pub fn after(self, faulty_steps_max: usize) -> Self {
        Recovery { faulty_steps_max, ..self }
    }

    /// Sets the steps within which the goal has to be reached; what is not reached by then never is.
    #[must_use]
    pub fn within(self, fair_steps_max: usize) -> Self {
        Recovery { fair_steps_max, ..self }
    }

    /// The job that demands it of implementations that `factory` makes.
    pub fn of<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Arc<dyn Job<F>> {
        Arc::new(Recovering { recovery: self, factory: boxed(factory) })
    }
}

struct Recovering<F: Interface> {
    recovery: Recovery<F>,
    factory: Factory<F>,
}

impl<F: Interface> Job<F> for Recovering<F> {
    fn mode(&self) -> Mode {
        Mode::Recovery
    }

    fn model(&self) -> Option<Arc<F::Model>> {
        self.recovery.model.clone()
    }

    fn bind(&self, setting: &Setting<F>) -> Bound {
        let recovery = &self.recovery;
        let typed = setting.typed(recovery.model.as_ref());
        let (of_goal, of_fault) = (typed.clone(), typed.clone());
        let (goal, fault) = (recovery.goal.clone(), recovery.fault.clone());
        let bench = setting.bench_of(typed, &self.factory);
        let recovers = Recovers {
            demand: Demand {
                is_goal: Arc::new(move |node| goal(&of_goal.model, of_goal.state_of(node))),
                is_fault: Arc::new(move |input| fault(of_fault.inputs.at(input))),
                runs: recovery.runs,
                faulty_steps_max: recovery.faulty_steps_max,
                fair_steps_max: recovery.fair_steps_max,
            },
            bench,
        };
        Bound::new(&recovers.bench.lts.clone(), recovers)
    }
}

struct Recovers {
    bench: Bench,
    demand: Demand,
}

/// A [`Recovery`] by number.
#[derive(Clone)]
struct Demand {
    is_goal: Arc<dyn Fn(Node) -> bool + Send + Sync>,
    is_fault: Arc<dyn Fn(u32) -> bool + Send + Sync>,
    runs: usize,
    faulty_steps_max: usize,
    fair_steps_max: usize,
}

impl Demand {
    fn effort(&self, limits: &Limits, runs_needed: usize, steps: usize) -> Effort {
        Effort::Recovery {
            seed: limits.seed,
            runs: self.runs,
            runs_needed,
            faulty_steps_max: self.faulty_steps_max,
            fair_steps_max: self.fair_steps_max,
            steps,
        }
    }

    fn is_reached(&self, driver: &Driver<'_>) -> bool {
        driver.belief.iter().all(|node| (self.is_goal)(*node))
    }
}

impl How for Recovers {
    fn run(&self) -> Result<Conformance, ModelError> {
        let demand = self.demand.clone();
        let result = self.bench.watched(move |bench, watch| recover(bench, &demand, watch));
        let effort = self.demand.effort(&self.bench.limits, 0, 0);
        Ok(result.unwrap_or_else(|hung| self.bench.silent(effort, &hung)))
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        let Some(ended) = trace.extra.get(FAULTS_END) else {
            return super::replay::inputs(&self.bench, trace);
        };
        let ended: usize = ended.parse().map_err(|_| {
            CannotReplay::Nonsense(format!("{FAULTS_END:?} says {ended:?}, which is no number of steps"))
        })?;
        if let Some(divergence) = super::replay::inputs(&self.bench, trace)? {
            return Ok(Some(divergence));
        }
        let (wanted, demand) = (given(trace), self.demand.clone());
        let again = self.bench.watched(move |bench, watch| {
            let mut driver = Driver::start(bench, watch).ok()?;
            let mut reached = false;
            for (place, input) in wanted.iter().enumerate() {
                driver.step(driver.offered(input)?).ok()?;
                reached |= place >= ended && demand.is_reached(&driver);
            }
            (!reached).then(|| never(&driver, ended))
        });
        Ok(again.unwrap_or_else(|hung| Some(silent(&self.bench, &hung))))
    }
}

/// Where a trace keeps after how many inputs the faults ended.
const FAULTS_END: &str = "faults-end-after";

/// How one run came out.
enum Came<'a> {
    /// It needed to recover, or did not, and has.
    Well { needed: bool, steps: usize },
    /// It did something that the model does not.
    Deviates(Deviating),
    /// It is not where it has to be.
    Stuck { driver: Driver<'a>, ended: usize },
}

fn recover(bench: &Bench, demand: &Demand, watch: &Watch) -> Conformance {
    let limits = &bench.limits;
    let mut random = Pcg64::seed_from_u64(limits.seed);
    let (mut runs_needed, mut given) = (0, 0);
    for _ in 0..demand.runs {
        if let Some(stop) = (limits.budget.interrupt)() {
            return demand.effort(limits, runs_needed, given).incomplete(stop.to_string());
        }
        let length = random.next_u64() as usize % (demand.faulty_steps_max + 1);
        let mut draws = (0..length).map(|_| random.next_u64() as usize).collect::<Vec<_>>().into_iter();
        let came = one_run(bench, demand, watch, |offers| {
            draws.next().filter(|_| !offers.is_empty()).map(|draw| offers[draw % offers.len()])
        });
        match came {
            Came::Well { needed, steps } => {
                given += steps;
                runs_needed += usize::from(needed);
            }
            Came::Deviates(found) => {
                return told(bench, watch, demand.effort(limits, runs_needed, given), found);
            }
            Came::Stuck { driver, ended } => {
                given += driver.inputs.len();
                let (driver, ended) = shortened(bench, demand, watch, driver, ended);
                return demand.effort(limits, runs_needed, given).diverges(never(&driver, ended));
            }
        }
    }
    let result = demand.effort(limits, runs_needed, given);
    if runs_needed == 0 {
        return result.incomplete(
            "no run left it anywhere that it had to recover from; say which inputs are faults, or let them go on for longer",
        );
    }
    result.conforms()
}

/// Steps where `choose` leads until it has no more to say, and then fairly, without faults.
fn one_run<'a>(
    bench: &'a Bench,
    demand: &Demand,
    watch: &'a Watch,
    mut choose: impl FnMut(&[u32]) -> Option<u32>,
) -> Came<'a> {
    let mut driver = match Driver::start(bench, watch) {
        Ok(driver) => driver,
        Err(deviation) => return Came::Deviates(Deviating::before_anything(deviation)),
    };
    while let Some(input) = choose(&driver.offers()) {
        if let Err(deviation) = driver.step(input) {
            return Came::Deviates(Deviating::at(driver, deviation));
        }
    }
    let ended = driver.inputs.len();
    let needed = !demand.is_reached(&driver);
    let mut queue = Queue::default();
    for _ in 0..demand.fair_steps_max {
        if demand.is_reached(&driver) {
            return Came::Well { needed, steps: driver.inputs.len() };
        }
        let mut offers = driver.offers();
        offers.retain(|input| !(demand.is_fault)(*input));
        let Some(input) = queue.next(&offers) else { break };
        if let Err(deviation) = driver.step(input) {
            return Came::Deviates(Deviating::at(driver, deviation));
        }
    }
    match demand.is_reached(&driver) {
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

/// Leaves out what it can of the steps before the faults ended, single inputs at last.
fn shortened<'a>(
    bench: &'a Bench,
    demand: &Demand,
    watch: &'a Watch,
    mut driver: Driver<'a>,
    mut ended: usize,
) -> (Driver<'a>, usize) {
    let mut chunk = ended.div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < ended {
            let mut rest = driver.inputs[..ended].to_vec();
            rest.drain(from..ended.min(from + chunk));
            let mut left = rest.into_iter();
            // What is not possible any more without what was left out is passed over.
            let came = one_run(bench, demand, watch, |offers| left.find(|input| offers.contains(input)));
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

fn never(driver: &Driver<'_>, ended: usize) -> Divergence {
    let what = format!(
        "no fault after step {ended}, and {} steps later, everything possible having had its turn, it has not recovered",
        driver.inputs.len() - ended
    );
    let steps = narrate::told(driver.lts, &driver.inputs, &driver.observed);
    Divergence { steps, what, extra: [(FAULTS_END.to_string(), ended.to_string())].into() }
}
