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

use super::drive::{Deviating, Deviation, Driver, Observed, apply, explain, quietly, seen_as};
use super::lts::{Belief, Lts};
use super::narrate::narrate;
use super::watch::{Hung, Watch, watched};
use super::{Agreement, Conformance, Divergence, Factory, Job, Make, Mode, Setting};
use crate::explore::{Budget, Graph, ModelError, Stop, explore_until};
use crate::model::{Counterpart, Interface};
use crate::trace::Trace;

/// Model and implementation explored together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Product {}

impl Product {
    /// Of whatever size: the budget of the check is its own.
    pub fn new() -> Self {
        Product::default()
    }

    /// Explored with implementations that `factory` makes.
    pub fn of<F, C>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Arc<dyn Job<F>>
    where
        F: Interface,
        C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static,
    {
        Arc::new(Produced { factory: Arc::new(move || Explored::of(factory())) })
    }
}

struct Produced<F: Interface> {
    factory: Arc<dyn Fn() -> Explored<F> + Send + Sync>,
}

/// An implementation that can be part of a state, of whatever type.
struct Explored<F: Interface>(Box<dyn Explorable<F>>);

trait Explorable<F: Interface>: Counterpart<F> + Any + Send + Sync {
    fn cloned(&self) -> Box<dyn Explorable<F>>;
    fn equals(&self, other: &dyn Any) -> bool;
    fn hash_into(&self, state: &mut dyn Hasher);
}

impl<F: Interface, C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static> Explorable<F> for C {
    fn cloned(&self) -> Box<dyn Explorable<F>> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<C>().is_some_and(|other| other == self)
    }

    fn hash_into(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

impl<F: Interface> Explored<F> {
    fn of<C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static>(subject: C) -> Self {
        Explored(Box::new(subject))
    }
}

impl<F: Interface> Clone for Explored<F> {
    fn clone(&self) -> Self {
        Explored(self.0.cloned())
    }
}

impl<F: Interface> Hash for Explored<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_into(state);
    }
}

impl<F: Interface> PartialEq for Explored<F> {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn Any = &*other.0;
        self.0.equals(other)
    }
}

/// For modes that go along one path.
fn plain<F: Interface>(factory: &Arc<dyn Fn() -> Explored<F> + Send + Sync>) -> Factory<F> {
    let factory = factory.clone();
    Arc::new(move || factory().0)
}

/// Model and implementation, side by side.
struct Pair<F: Interface> {
    lts: Arc<Lts<F>>,
    factory: Arc<dyn Fn() -> Explored<F> + Send + Sync>,
    watch: Arc<Mutex<Option<Arc<Watch>>>>,
    /// Calls that are known never to return, by state and input.
    silent: Vec<(u64, u32)>,
    answer_within_ms: u128,
}

/// What the explorer keeps.
struct Both<F: Interface> {
    belief: Belief,
    /// `None` once it deviated.
    subject: Option<Explored<F>>,
    deviation: Option<Deviation>,
    /// The model's states are outside its boundary.
    beyond: bool,
}

impl<F: Interface> Clone for Both<F> {
    fn clone(&self) -> Self {
        Both {
            belief: self.belief.clone(),
            subject: self.subject.clone(),
            deviation: self.deviation.clone(),
            beyond: self.beyond,
        }
    }
}

impl<F: Interface> fmt::Debug for Both<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "belief {:?}, deviation {:?}", self.belief, self.deviation)
    }
}

impl<F: Interface> Hash for Both<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.belief.hash(state);
        self.subject.hash(state);
    }
}

impl<F: Interface> PartialEq for Both<F> {
    fn eq(&self, other: &Self) -> bool {
        self.belief == other.belief && self.subject == other.subject && self.deviation == other.deviation
    }
}

impl<F: Interface> Both<F> {
    fn deviating(deviation: Deviation) -> Self {
        Both { belief: Vec::new(), subject: None, deviation: Some(deviation), beyond: false }
    }
}

impl<F: Interface> Pair<F> {
    fn start(&self) -> Both<F> {
        let made = quietly(|| {
            let mut subject = (self.factory)();
            let snapshot = subject.0.observe();
            subject.0.canonical();
            (subject, snapshot)
        });
        match made {
            Err(message) => Both::deviating(Deviation::Panicked(message)),
            Ok((subject, snapshot)) => match seen_as(&self.lts, self.lts.initial(), snapshot.as_ref()) {
                Err(deviation) => Both::deviating(deviation),
                Ok(belief) => Both { belief, subject: Some(subject), deviation: None, beyond: false },
            },
        }
    }

    fn step(&self, from: &Both<F>, input: u32) -> Option<Both<F>> {
        let subject = from.subject.as_ref()?;
        let place = (FixedState::default().hash_one(from), input);
        if self.silent.contains(&place) {
            return Some(Both::deviating(Deviation::Silent { waited_ms: self.answer_within_ms }));
        }
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let watch = watch.unwrap_or_else(Watch::new);
        watch.at(place.0, input);
        let given = self.lts.input(input);
        let mut after = subject.clone();
        let observed: Observed<F> = match apply(&mut *after.0, &given, &watch) {
            Ok(observed) => observed,
            Err(deviation) => return Some(Both::deviating(deviation)),
        };
        // A clone of the same state, given the same, must do the same.
        let mut again = subject.clone();
        match apply::<F>(&mut *again.0, &given, &watch) {
            Ok(second) if second == observed && again == after => {}
            Ok(second) if second == observed => {
                return Some(Both::deviating(Deviation::Nondeterministic {
                    first: observed.to_string(),
                    second: "the same, but ends in another state".into(),
                }));
            }
            Ok(second) => {
                return Some(Both::deviating(Deviation::Nondeterministic {
                    first: observed.to_string(),
                    second: second.to_string(),
                }));
            }
            Err(deviation) => return Some(Both::deviating(deviation)),
        }
        let explained = match explain(&self.lts, &from.belief, input, &observed) {
            Ok(explained) => explained,
            Err(deviation) => return Some(Both::deviating(deviation)),
        };
        let beyond = explained.steps.iter().any(|(_, edge)| edge.beyond);
        after.0.canonical();
        Some(Both { belief: explained.belief, subject: Some(after), deviation: None, beyond })
    }
}

impl<F: Interface> Model for Pair<F> {
    type State = Both<F>;
    type Action = u32;

    fn init_states(&self) -> Vec<Both<F>> {
        vec![self.start()]
    }

    fn actions(&self, state: &Both<F>, actions: &mut Vec<u32>) {
        if let Some(subject) = &state.subject {
            let offers = self.lts.offers(&state.belief);
            actions.extend(offers.into_iter().filter(|input| subject.0.supports(&self.lts.input(*input))));
        }
    }

    fn next_state(&self, state: &Both<F>, input: u32) -> Option<Both<F>> {
        self.step(state, input)
    }

    fn within_boundary(&self, state: &Both<F>) -> bool {
        !state.beyond
    }
}

impl<F: Interface> Job<F> for Produced<F> {
    fn mode(&self) -> Mode {
        Mode::Product
    }

    fn run(&self, setting: &Setting<F>) -> Result<Conformance, ModelError> {
        let lts = Arc::new(Lts::new(setting.model.clone(), setting.interface.clone()));
        let mut silent = Vec::new();
        loop {
            let pair = Arc::new(Pair {
                lts: lts.clone(),
                factory: self.factory.clone(),
                watch: Arc::new(Mutex::new(None)),
                silent: silent.clone(),
                answer_within_ms: setting.answer_within.as_millis(),
            });
            let there = setting.clone();
            let result = watched(setting.answer_within, move |watch| product(&pair, &there, watch));
            match result {
                Ok(result) => return result,
                // Explored again, with this call known never to return: the trace to it is then a shortest one.
                Err(Hung { at: Some(place), .. }) if !silent.contains(&place) => silent.push(place),
                Err(hung) => {
                    let divergence = super::replay::silent(&lts, setting, &hung, &plain(&self.factory));
                    return Ok(Conformance::new(Mode::Product).diverges(divergence));
                }
            }
        }
    }

    fn replay(&self, setting: &Setting<F>, trace: &Trace) -> Result<Option<Divergence>, String> {
        if !trace.extra.contains_key(COMPARED) {
            return super::replay::inputs(setting, trace, &plain(&self.factory));
        }
        let lts = Lts::new(setting.model.clone(), setting.interface.clone());
        let mut wanted = trace.steps.iter().map(|step| &step.input).filter(|input| !input.is_empty());
        let run = with_and_without(&lts, &*plain(&self.factory), &Watch::new(), |offers| {
            let input = wanted.next()?;
            offers.iter().copied().find(|number| format!("{:?}", lts.input(*number)) == *input)
        });
        Ok(run.map(|run| compared(&lts, setting, &run)))
    }
}

/// Marks a trace of two subjects, one made canonical after each input and one never.
const COMPARED: &str = "canonical";

fn compared<F: Interface>(lts: &Lts<F>, setting: &Setting<F>, run: &Deviating<F>) -> Divergence {
    let mut divergence = narrate(lts, &*setting.spec, run);
    divergence.extra.insert(COMPARED.into(), "compared with and without".into());
    divergence
}

fn product<F: Interface>(
    pair: &Arc<Pair<F>>,
    setting: &Setting<F>,
    watch: &Arc<Watch>,
) -> Result<Conformance, ModelError> {
    let _span = tracing::debug_span!("product").entered();
    *pair.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch.clone());
    // One thread: a call that hangs must be told from the others. Each call is made twice as it is: no recheck.
    let budget = Budget { threads: 1, recheck: false, ..setting.budget.clone() };
    let graph = explore_until(pair.clone(), &budget, |both: &Both<F>| both.deviation.is_some())?;
    let mut result = Conformance::new(Mode::Product);
    result.edges = graph.edge_count();
    result.edges_driven = graph.edge_count();
    result.steps = graph.edge_count();
    result.bounds.insert("pairs".into(), graph.states().len().to_string());
    if graph.stop() == Some(&Stop::Found) {
        let inputs = inputs_to(&graph, graph.states().len() - 1);
        let deviation = graph.states().last().and_then(|both| both.deviation.clone());
        let run = again(pair, inputs, deviation);
        return Ok(result.diverges(narrate(&pair.lts, &*setting.spec, &run)));
    }
    if let Some(why) = graph.incomplete() {
        return Ok(result.incomplete(why));
    }
    if graph.edge_count() == 0 {
        return Ok(result.incomplete("no input could be given: has the interface labels?"));
    }
    if let Some(run) = canonical_changes_nothing(pair, setting, watch) {
        return Ok(result.diverges(compared(&pair.lts, setting, &run)));
    }
    result.agreement = Agreement::Conforms;
    Ok(result)
}

fn inputs_to<F: Interface>(graph: &Graph<Pair<F>>, node: usize) -> Vec<u32> {
    graph.path_to(node).steps.into_iter().map(|(input, _)| input).collect()
}

/// The answers along `inputs`, whose last deviates.
fn again<F: Interface>(pair: &Pair<F>, inputs: Vec<u32>, deviation: Option<Deviation>) -> Deviating<F> {
    let watch = Watch::new();
    let mut observed = Vec::new();
    if let Ok(mut driver) = Driver::start(&pair.lts, &*plain(&pair.factory), &watch) {
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
fn canonical_changes_nothing<F: Interface>(
    pair: &Pair<F>,
    setting: &Setting<F>,
    watch: &Watch,
) -> Option<Deviating<F>> {
    let mut random = Pcg64::seed_from_u64(setting.seed);
    (0..WALKS).find_map(|_| {
        let mut left = WALK_STEPS;
        with_and_without(&pair.lts, &*plain(&pair.factory), watch, |offers| {
            left = left.checked_sub(1).filter(|_| !offers.is_empty())?;
            Some(offers[(random.next_u32() as usize) % offers.len()])
        })
    })
}

/// Gives the inputs that `choose` picks to a subject that is made canonical after each, and to one that never is.
fn with_and_without<F: Interface>(
    lts: &Lts<F>,
    factory: &Make<F>,
    watch: &Watch,
    mut choose: impl FnMut(&[u32]) -> Option<u32>,
) -> Option<Deviating<F>> {
    let mut plain = Driver::start(lts, factory, watch).ok()?;
    let mut canonical = Driver::start(lts, factory, watch).ok()?;
    while let Some(input) = choose(&plain.offers()) {
        // The product has shown that the canonical one conforms; so the plain one is judged here, and against it.
        let differs = match (plain.step(input), canonical.step(input)) {
            (Ok(_), Ok(_)) => (plain.observed.last() != canonical.observed.last())
                .then(|| (last(&plain.observed), last(&canonical.observed))),
            (Err(deviation), Ok(_)) => Some((deviation.observed(), last(&canonical.observed))),
            (Ok(_), Err(deviation)) => Some((last(&plain.observed), deviation.observed())),
            (Err(left), Err(right)) => Some((left.observed(), right.observed())),
        };
        let deviation = match differs {
            Some((plain, canonical)) => Some(Deviation::Canonical { plain, canonical }),
            None => canonical.canonicalise().err(),
        };
        if let Some(deviation) = deviation {
            return Some(Deviating { inputs: plain.inputs, observed: plain.observed, deviation });
        }
    }
    None
}

fn last<F: Interface>(observed: &[Observed<F>]) -> String {
    observed.last().map(ToString::to_string).unwrap_or_default()
}
