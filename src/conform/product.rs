//! Product: model and implementation explored together, as one `stateright::Model`.
//!
//! A state is the belief and the implementation itself, so the explorer visits every pair that inputs can bring about.
//! The implementation must not grow without end where it behaves alike: `Counterpart::canonical` sees to that, and
//! seeded walks see to it that `canonical` changes nothing else.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use stateright::Model;

use super::drive::{Bench, Deviating, Deviation, Driven, Driver, Likely, allowed, apply, explain, quietly, seen_as};
use super::lts::{Belief, Lts};
use super::narrate::narrate;
use super::replay::given;
use super::typed::WholeFactory;
use super::watch::{Hung, Watch, watched};
use super::{Bound, CannotReplay, Conformance, Divergence, Effort, How, Job, Limits, Mode, Setting};
use crate::explore::{Budget, ModelError, Stop, explore_until};
use crate::model::{Counterpart, Interface};
use crate::trace::Trace;

/// Model and implementation explored together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Product {}

impl Product {
    /// A product of whatever size: the budget of the check is its own.
    pub fn new() -> Self {
        Product::default()
    }

    /// The job that explores the model together with implementations that `factory` makes.
    pub fn of<F, C>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Arc<dyn Job<F>>
    where
        F: Interface,
        C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static,
    {
        Arc::new(Produced { factory: Arc::new(move || Box::new(factory())) })
    }
}

struct Produced<F: Interface> {
    factory: WholeFactory<F>,
}

impl<F: Interface> Job<F> for Produced<F> {
    fn mode(&self) -> Mode {
        Mode::Product
    }

    fn bind(&self, setting: &Setting<F>) -> Bound {
        let typed = setting.typed(None);
        let make = typed.explorable(&self.factory);
        let lts = Arc::new(Lts::new(typed));
        Bound::new(&lts.clone(), Produces { make, lts, limits: setting.limits.clone() })
    }
}

/// An implementation that speaks in numbers and can be part of a state.
pub(super) trait Explorable: Driven + Any + Send + Sync {
    fn cloned(&self) -> Box<dyn Explorable>;
    fn equals(&self, other: &dyn Any) -> bool;
    fn hash_into(&self, state: &mut dyn Hasher);
}

/// Makes a fresh one.
pub(super) type MakeExplorable = Arc<dyn Fn() -> Box<dyn Explorable> + Send + Sync>;

struct Produces {
    lts: Arc<Lts>,
    make: MakeExplorable,
    limits: Limits,
}

struct Explored(Box<dyn Explorable>);

impl Clone for Explored {
    fn clone(&self) -> Self {
        Explored(self.0.cloned())
    }
}

impl Hash for Explored {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_into(state);
    }
}

impl PartialEq for Explored {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn Any = &*other.0;
        self.0.equals(other)
    }
}

/// The bench for modes that go along one path.
fn plain(lts: &Arc<Lts>, make: &MakeExplorable, limits: &Limits) -> Bench {
    let make = make.clone();
    Bench { lts: lts.clone(), make: Arc::new(move || make()), limits: limits.clone(), times: 1 }
}

/// Model and implementation, side by side.
struct Pair {
    lts: Arc<Lts>,
    make: MakeExplorable,
    watch: Mutex<Option<Arc<Watch>>>,
    /// Calls that are known never to return, by state and input.
    silent: Vec<(u64, u32)>,
    answer_within_ms: u128,
}

/// What the explorer keeps.
#[derive(Clone, PartialEq)]
struct Both {
    belief: Belief,
    /// `None` once it deviated.
    subject: Option<Explored>,
    deviation: Option<Deviation>,
    /// The model's states are outside its boundary.
    beyond: bool,
}

impl fmt::Debug for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "belief {:?}, deviation {:?}", self.belief, self.deviation)
    }
}

impl Hash for Both {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.belief.hash(state);
        self.subject.hash(state);
    }
}

impl Both {
    fn deviating(deviation: Deviation) -> Self {
        Both { belief: Vec::new(), subject: None, deviation: Some(deviation), beyond: false }
    }
}

impl Pair {
    fn start(&self) -> Both {
        let watch = self.watch();
        let made = quietly(|| {
            let _call = watch.making();
            let mut subject = (self.make)();
            let snapshot = subject.observe(self.lts.initially_shown());
            subject.canonical();
            (subject, snapshot)
        });
        match made {
            Err(message) => Both::deviating(Deviation::Panicked(message)),
            Ok((subject, snapshot)) => match seen_as(&self.lts, self.lts.initial(), snapshot) {
                Err(deviation) => Both::deviating(deviation),
                Ok(belief) => Both { belief, subject: Some(Explored(subject)), deviation: None, beyond: false },
            },
        }
    }

    fn watch(&self) -> Arc<Watch> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watch.unwrap_or_else(Watch::new)
    }

    fn step(&self, from: &Both, input: u32) -> Result<Option<Both>, Deviation> {
        let Some(subject) = &from.subject else { return Ok(None) };
        let place = (FixedState::default().hash_one(from), input);
        if self.silent.contains(&place) {
            return Err(Deviation::Silent { waited_ms: self.answer_within_ms });
        }
        let watch = self.watch();
        watch.at(place.0, input);
        let lts = &*self.lts;
        // A clone of the same state, given the same, must do the same.
        let (mut after, mut again) = (subject.clone(), subject.clone());
        let (outputs, snapshots) = allowed(lts, &from.belief, input);
        let likely = Likely { outputs: &outputs, snapshots: &snapshots };
        let first = apply(lts, &mut *after.0, input, likely, &watch)?;
        let second = apply(lts, &mut *again.0, input, likely, &watch)?;
        if first != second {
            return Err(Deviation::Nondeterministic { first: first.told(lts), second: second.told(lts) });
        }
        if again != after {
            let second = "the same, but ends in another state".into();
            return Err(Deviation::Nondeterministic { first: first.told(lts), second });
        }
        let explained = explain(lts, &from.belief, input, first)?;
        let beyond = explained.steps.iter().any(|(_, edge)| edge.beyond);
        after.0.canonical();
        Ok(Some(Both { belief: explained.belief, subject: Some(after), deviation: None, beyond }))
    }
}

impl Model for Pair {
    type State = Both;
    type Action = u32;

    fn init_states(&self) -> Vec<Both> {
        vec![self.start()]
    }

    fn actions(&self, state: &Both, actions: &mut Vec<u32>) {
        if let Some(subject) = &state.subject {
            let offers = self.lts.offers(&state.belief);
            actions.extend(offers.into_iter().filter(|input| subject.0.supports(*input)));
        }
    }

    fn next_state(&self, state: &Both, input: u32) -> Option<Both> {
        self.step(state, input).unwrap_or_else(|deviation| Some(Both::deviating(deviation)))
    }

    fn within_boundary(&self, state: &Both) -> bool {
        !state.beyond
    }
}

impl How for Produces {
    fn run(&self) -> Result<Conformance, ModelError> {
        let mut silent = Vec::new();
        loop {
            let pair = Arc::new(Pair {
                lts: self.lts.clone(),
                make: self.make.clone(),
                watch: Mutex::new(None),
                silent: silent.clone(),
                answer_within_ms: self.limits.answer_within.as_millis(),
            });
            let limits = self.limits.clone();
            match watched(&self.limits, move |watch| product(&pair, &limits, watch)) {
                Ok(result) => return result,
                // Explored again, with this call known never to return: the trace to it is then a shortest one.
                Err(Hung { at: Some(place), .. }) if !silent.contains(&place) => silent.push(place),
                Err(hung) => {
                    let divergence = super::replay::silent(&plain(&self.lts, &self.make, &self.limits), &hung);
                    return Ok(Effort::Product { pairs: 0, edges: 0 }.diverges(divergence));
                }
            }
        }
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        let bench = plain(&self.lts, &self.make, &self.limits);
        if !trace.extra.contains_key(COMPARED) {
            return super::replay::inputs(&bench, trace);
        }
        let mut wanted = given(trace).into_iter();
        let run = with_and_without(&bench, &Watch::new(), |offers| {
            let input = wanted.next()?;
            offers.iter().copied().find(|number| self.lts.words().input(*number) == input)
        });
        Ok(run.map(|run| compared(&self.lts, &run)))
    }
}

/// Marks a trace of two subjects, one made canonical after each input and one never.
const COMPARED: &str = "canonical";

fn compared(lts: &Lts, run: &Deviating) -> Divergence {
    let mut divergence = narrate(lts, run);
    divergence.extra.insert(COMPARED.into(), "compared with and without".into());
    divergence
}

fn product(pair: &Arc<Pair>, limits: &Limits, watch: &Arc<Watch>) -> Result<Conformance, ModelError> {
    let _span = tracing::debug_span!("product").entered();
    *pair.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch.clone());
    // One thread: a call that hangs must be told from the others. Each call is made twice as it is: no recheck.
    let budget = Budget { threads: 1, recheck: false, ..limits.budget.clone() };
    let graph = explore_until(pair.clone(), &budget, |both: &Both| both.deviation.is_some())?;
    let bench = plain(&pair.lts, &pair.make, limits);
    let result = Effort::Product { pairs: graph.states().len(), edges: graph.edge_count() };
    if graph.stop() == Some(&Stop::Found) {
        let path = graph.path_to(graph.states().len() - 1);
        let inputs = path.steps.into_iter().map(|(input, _)| input).collect();
        let deviation = graph.states().last().and_then(|both| both.deviation.clone());
        let run = again(&bench, inputs, deviation);
        return Ok(result.diverges(narrate(&pair.lts, &run)));
    }
    if let Some(why) = graph.incomplete() {
        return Ok(result.incomplete(why));
    }
    if graph.edge_count() == 0 {
        return Ok(result.incomplete("no input could be given: does the interface label any step?"));
    }
    if let Some(run) = canonical_changes_nothing(&bench, watch) {
        return Ok(result.diverges(compared(&pair.lts, &run)));
    }
    Ok(result.conforms())
}

/// The answers along `inputs`, whose last deviates.
fn again(bench: &Bench, inputs: Vec<u32>, deviation: Option<Deviation>) -> Deviating {
    let watch = Watch::new();
    let mut observed = Vec::new();
    if let Ok(mut driver) = Driver::start(bench, &watch) {
        for input in &inputs[..inputs.len().saturating_sub(1)] {
            if driver.step(*input).is_err() || driver.canonicalise().is_err() {
                break;
            }
        }
        observed = driver.observed;
    }
    let deviation = deviation.unwrap_or_else(|| Deviation::Panicked("without a message".into()));
    Deviating { inputs, observed, deviation }
}

/// Walks on which `canonical` is compared with its absence.
const WALKS: usize = 64;
const WALK_STEPS: usize = 64;

/// Walks with and without `canonical`, given the same inputs; the first answer that differs.
fn canonical_changes_nothing(bench: &Bench, watch: &Watch) -> Option<Deviating> {
    let mut random = Pcg64::seed_from_u64(bench.limits.seed);
    (0..WALKS).find_map(|_| {
        let mut left = WALK_STEPS;
        with_and_without(bench, watch, |offers| {
            left = left.checked_sub(1).filter(|_| !offers.is_empty())?;
            Some(offers[(random.next_u32() as usize) % offers.len()])
        })
    })
}

/// Gives the inputs that `choose` picks to a subject that is made canonical after each, and to one that never is.
fn with_and_without(bench: &Bench, watch: &Watch, mut choose: impl FnMut(&[u32]) -> Option<u32>) -> Option<Deviating> {
    let mut plain = Driver::start(bench, watch).ok()?;
    let mut canonical = Driver::start(bench, watch).ok()?;
    let last = |driver: &Driver<'_>| driver.observed.last().map(|last| last.told(&bench.lts)).unwrap_or_default();
    while let Some(input) = choose(&plain.offers()) {
        // The product has shown that the canonical one conforms; so the plain one is judged here, and against it.
        let differs = match (plain.step(input), canonical.step(input)) {
            (Ok(_), Ok(_)) => {
                (plain.observed.last() != canonical.observed.last()).then(|| (last(&plain), last(&canonical)))
            }
            (Err(deviation), Ok(_)) => Some((deviation.observed(), last(&canonical))),
            (Ok(_), Err(deviation)) => Some((last(&plain), deviation.observed())),
            (Err(left), Err(right)) => Some((left.observed(), right.observed())),
        };
        let deviation = match differs {
            Some((plain, canonical)) => Some(Deviation::Canonical { plain, canonical }),
            None => canonical.canonicalise().err(),
        };
        if let Some(deviation) = deviation {
            return Some(Deviating::at(plain, deviation));
        }
    }
    None
}
