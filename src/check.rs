//! The one entry: what is explored, what is run alongside, and what is expected of both.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::conform::{self, Agreement, Conformance, Divergence, Job, Mode, Setting};
use crate::explore::{Budget, Graph, ModelError, RefereeError, explore, referee};
use crate::model::{CheckedModel, Counterpart, Facade, Kind, NoFacade, PlainSpec, Spec, Temporal};
use crate::report::{
    CaseListing, CaseReport, ConformanceReport, NotRun, Outcome, PropertyListing, PropertyReport, RefereeReport, Report,
};
use crate::trace::{self, Evidence, FAIRNESS, STAY, Step, Trace, model_hash};
use crate::verdict::{self, Finding, Lasso, Verdict, check_lasso, check_trap, judge, judge_safety, promises};

/// Above this many states stateright's search is not asked.
pub const REFEREE_STATES_MAX: usize = 1_000_000;

/// A model, what is said of it, what is run alongside, and what is expected.
///
/// Nothing runs before [`run`](Check::run) or [`assert`](Check::assert).
pub struct Check<M: CheckedModel, F: Facade<Model = M> = NoFacade<M>> {
    name: String,
    model: Arc<M>,
    spec: Arc<dyn Spec<Model = M>>,
    facade: Arc<F>,
    subjects: Vec<Subject<F>>,
    not_run: Vec<(String, String)>,
    expected: BTreeMap<String, Expected>,
    because: BTreeMap<String, String>,
    allow_incomplete: Option<String>,
    judged: bool,
    options: Options,
}

struct Subject<F: Facade> {
    name: String,
    job: Arc<dyn Job<F>>,
}

/// What is expected where it is not the default, that all holds and conforms.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// The property is violated, the subject diverges.
    Refuted,
    /// It cannot be known, for this reason.
    Incomplete(String),
}

/// How a check is run; none of it changes what is true.
#[derive(Clone)]
pub struct Options {
    /// How far to explore.
    pub budget: Budget,
    /// Whether stateright's own search is asked for a second opinion.
    pub referee: bool,
    /// Of all that is drawn.
    pub seed: u64,
    /// An implementation that has not answered for this long never will.
    pub answer_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { budget: Budget::default(), referee: true, seed: 0, answer_within: Duration::from_secs(10) }
    }
}

impl<M: CheckedModel> Check<M> {
    /// A check of `model`: its own properties, explored exhaustively.
    pub fn of(model: M) -> Self {
        Check {
            name: std::any::type_name::<M>().split('<').next().unwrap_or_default().replace("::", "_"),
            model: Arc::new(model),
            spec: Arc::new(PlainSpec::default()),
            facade: Arc::new(NoFacade::default()),
            subjects: Vec::new(),
            not_run: Vec::new(),
            expected: BTreeMap::new(),
            because: BTreeMap::new(),
            allow_incomplete: None,
            judged: true,
            options: Options::default(),
        }
    }

    /// What the outside sees of the model; from here on implementations can be run alongside.
    pub fn facade<F: Facade<Model = M>>(self, facade: F) -> Check<M, F> {
        Check {
            name: self.name,
            model: self.model,
            spec: self.spec,
            facade: Arc::new(facade),
            subjects: Vec::new(),
            not_run: self.not_run,
            expected: self.expected,
            because: self.because,
            allow_incomplete: self.allow_incomplete,
            judged: self.judged,
            options: self.options,
        }
    }
}

impl<M: CheckedModel, F: Facade<Model = M>> Check<M, F> {
    /// The name in reports and traces; by default the model type's.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How the model reads, and what its runs promise.
    #[must_use]
    pub fn spec(mut self, spec: impl Spec<Model = M>) -> Self {
        self.spec = Arc::new(spec);
        self
    }

    /// At most this many states.
    #[must_use]
    pub fn states_max(mut self, states_max: usize) -> Self {
        self.options.budget.states_max = states_max;
        self
    }

    /// Of all that is drawn; 0 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// An implementation that has not answered for this long never will; ten seconds by default.
    #[must_use]
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.options.answer_within = limit;
        self
    }

    /// Runs `subject` alongside, in the way that `job` says.
    #[must_use]
    pub fn subject(mut self, name: impl Into<String>, job: Arc<dyn Job<F>>) -> Self {
        self.subjects.push(Subject { name: name.into(), job });
        self
    }

    /// Explores the model together with implementations that `factory` makes.
    #[must_use]
    pub fn product<C>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self
    where
        C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static,
    {
        self.subject(IMPLEMENTATION, conform::product(factory))
    }

    /// Drives every transition of the model through implementations that `factory` makes.
    #[must_use]
    pub fn tour<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self {
        self.subject(IMPLEMENTATION, conform::tour(factory))
    }

    /// A tour, and then 256 seeded walks of up to 200 inputs.
    #[cfg(feature = "walk")]
    #[must_use]
    pub fn lockstep<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Self {
        let factory = Arc::new(factory);
        let again = factory.clone();
        self.tour(move || factory()).subject(IMPLEMENTATION, conform::walk(None, 256, 200, move || again()))
    }

    /// Runs `scripts` through every interleaving that loom distinguishes, on implementations made of loom's types.
    #[cfg(feature = "interleave")]
    #[must_use]
    pub fn interleave<S: crate::model::Shared<F> + 'static>(
        self,
        scripts: Vec<conform::interleave::Script<F::Input>>,
        factory: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        self.subject(IMPLEMENTATION, conform::interleave::interleave(scripts, factory))
    }

    /// Says that `subject` is not run here, and why.
    #[must_use]
    pub fn not_run(mut self, subject: impl Into<String>, why: impl Into<String>) -> Self {
        self.not_run.push((subject.into(), why.into()));
        self
    }

    /// Expects `property` to be violated.
    #[must_use]
    pub fn violates(mut self, property: impl Into<String>) -> Self {
        self.expected.insert(property.into(), Expected::Refuted);
        self
    }

    /// Expects `subject` to diverge, in every mode it is run in.
    #[must_use]
    pub fn diverges(mut self, subject: impl Into<String>) -> Self {
        self.expected.insert(subject.into(), Expected::Refuted);
        self
    }

    /// Expects that `name`, a property or a subject, cannot be judged, for `reason`.
    #[must_use]
    pub fn incomplete(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.expected.insert(name.into(), Expected::Incomplete(reason.into()));
        self
    }

    /// Why `name`, a property or a subject, comes to be violated or to diverge here: the last words of its trace.
    #[must_use]
    pub fn because(mut self, name: impl Into<String>, why: impl Into<String>) -> Self {
        self.because.insert(name.into(), why.into());
        self
    }

    /// Judges no property: the model only says what a subject does, for better or worse. The referee still counts.
    #[must_use]
    pub fn alongside_only(mut self) -> Self {
        self.judged = false;
        self
    }

    /// Allows whatever is incomplete to be so, for `reason`, which is printed.
    #[must_use]
    pub fn allow_incomplete(mut self, reason: impl Into<String>) -> Self {
        self.allow_incomplete = Some(reason.into());
        self
    }

    /// Explores the model and judges its properties; runs nothing alongside.
    pub fn explore(&self) -> Report {
        let mut report = self.case_report(&self.options, false);
        report.as_expected = report.outcome() == Outcome::AsExpected;
        Report::new(vec![report], Vec::new())
    }

    /// Explores the model and runs everything alongside.
    pub fn run(&self) -> Report {
        Report::new(vec![self.case_report(&self.options, true)], self.left_out())
    }

    /// Runs, and fails the test unless all is as expected.
    ///
    /// With `COUNTERPART_REPLAY=FILE` set, and a file that is this check's, only that trace is replayed.
    ///
    /// # Panics
    /// If a verdict differs from what is expected, an implementation diverges, or something is incomplete.
    #[track_caller]
    pub fn assert(&self) {
        if let Some(file) = std::env::var_os("COUNTERPART_REPLAY") {
            let trace = match Trace::read(Path::new(&file)) {
                Ok(trace) => trace,
                Err(error) => panic!("{error}"),
            };
            if trace.case == self.name {
                return match self.replay_trace(&trace, &self.options) {
                    Ok(replayed) if !replayed.reproduces => {}
                    Ok(replayed) => panic!("{}\n{}", crate::view::trace(&trace), replayed.summary()),
                    Err(error) => panic!("{error}"),
                };
            }
        }
        self.run().assert();
    }

    fn left_out(&self) -> Vec<NotRun> {
        self.not_run
            .iter()
            .map(|(subject, why)| NotRun { case: self.name.clone(), subject: Some(subject.clone()), why: why.clone() })
            .collect()
    }

    fn setting(&self, options: &Options) -> Setting<F> {
        Setting {
            model: self.model.clone(),
            spec: self.spec.clone(),
            facade: self.facade.clone(),
            budget: options.budget.clone(),
            answer_within: options.answer_within,
            seed: options.seed,
        }
    }

    fn case_report(&self, options: &Options, alongside: bool) -> CaseReport {
        let span = tracing::info_span!("case", name = %self.name);
        let _entered = span.enter();
        let mut report = CaseReport {
            case: self.name.clone(),
            protocol: self.name.split('/').next().unwrap_or_default().to_string(),
            parameters: self.spec.parameters(&self.model),
            states: 0,
            edges: 0,
            depth: 0,
            exhausted: false,
            referee: None,
            properties: Vec::new(),
            conformance: Vec::new(),
            errors: self.nonsense(),
            as_expected: false,
        };
        match explore(self.model.clone(), &options.budget) {
            Ok(graph) => {
                self.judge_model(&graph, options, &mut report);
                if alongside {
                    for subject in &self.subjects {
                        match self.run_subject(subject, options) {
                            Ok(conformance) => {
                                let kept = report
                                    .conformance
                                    .iter()
                                    .any(|other| other.subject == subject.name && other.trace.is_some());
                                report.conformance.push(self.conformance_report(subject, conformance, kept));
                            }
                            Err(error) => report.errors.push(error.to_string()),
                        }
                    }
                }
            }
            Err(error) => report.errors.push(error.to_string()),
        }
        report.as_expected = report.outcome() == Outcome::AsExpected;
        tracing::info!(states = report.states, as_expected = report.as_expected, "done");
        report
    }

    fn run_subject(&self, subject: &Subject<F>, options: &Options) -> Result<Conformance, ModelError> {
        let span = tracing::info_span!("subject", name = %subject.name, mode = %subject.job.mode());
        let _entered = span.enter();
        let conformance = subject.job.run(&self.setting(options))?;
        tracing::info!(verdict = %conformance.agreement, steps = conformance.steps, "run alongside");
        Ok(conformance)
    }

    /// Expectations that name nothing, and names that stand for two things.
    fn nonsense(&self) -> Vec<String> {
        let (properties, temporal) = (self.model.properties(), self.spec.temporal());
        let mut known: Vec<&str> = properties.iter().map(|property| property.name).collect();
        known.extend(temporal.iter().map(Temporal::name));
        let mut errors = Vec::new();
        let unchanged = |promise: &&Temporal<M>| promise.kind() == Kind::Recoverable && promise.assumption().is_some();
        for promise in temporal.iter().filter(unchanged) {
            errors.push(format!("recoverable {:?} is under fairness, which changes nothing of it", promise.name()));
        }
        for (index, name) in known.iter().enumerate() {
            if known[..index].contains(name) {
                errors.push(format!("two properties are called {name:?}: give each a name of its own"));
            }
        }
        known.extend(self.subjects.iter().map(|subject| subject.name.as_str()));
        known.extend(self.not_run.iter().map(|(subject, _)| subject.as_str()));
        let files: Vec<PathBuf> = known.iter().map(|name| trace::file_name(&self.name, name)).collect();
        for (index, name) in known.iter().enumerate() {
            // A subject may be run in several modes under one name.
            if (0..index).any(|other| files[other] == files[index] && known[other] != *name) {
                errors
                    .push(format!("the trace of {name:?} would be kept under the name of another's: tell them apart"));
            }
        }
        for name in self.expected.keys().filter(|name| !known.contains(&name.as_str())) {
            errors.push(format!("something is expected of {name:?}, which is neither a property nor a subject here"));
        }
        errors
    }

    fn judge_model(&self, graph: &Graph<M>, options: &Options, report: &mut CaseReport) {
        report.states = graph.states().len();
        report.edges = graph.edge_count();
        report.depth = graph.depth();
        report.exhausted = graph.incomplete().is_none();
        let findings = match self.judged {
            true => judge(graph, &*self.spec, &options.budget.interrupt),
            false => judge_safety(graph),
        };
        if options.referee && graph.stop().is_none() && report.states <= REFEREE_STATES_MAX {
            match referee(&self.model, &options.budget.interrupt) {
                Ok(second) => {
                    let ours = findings
                        .iter()
                        .filter(|finding| finding.kind.is_safety() && finding.evidence.is_some())
                        .map(|finding| finding.name.as_str())
                        .collect();
                    let agrees = second.states == report.states && second.discovered == ours;
                    if !agrees {
                        report.errors.push(disagreement(report.states, &ours, &second));
                    }
                    report.referee = Some(RefereeReport { states: second.states, agrees });
                }
                Err(RefereeError::Interrupted) => report.errors.push("interrupted before the referee was done".into()),
                Err(error) => report.errors.push(format!("no second opinion: {error}")),
            }
        }
        let findings = if self.judged { findings } else { Vec::new() };
        report.properties = findings.iter().map(|finding| self.property_report(graph, finding)).collect();
    }

    fn property_report(&self, graph: &Graph<M>, finding: &Finding<M>) -> PropertyReport {
        let evidence = finding.evidence.as_ref().map(|evidence| self.trace_of(graph, finding, evidence));
        let (verdict, why) = match &finding.verdict {
            Verdict::Holds => ("holds", None),
            Verdict::Violated => ("violated", None),
            Verdict::Incomplete(why) => ("incomplete", Some(why.clone())),
        };
        let kept = (verdict == "violated" && evidence.is_some()).then(|| kept_at(&self.name, &finding.name));
        PropertyReport {
            name: finding.name.clone(),
            kind: finding.kind,
            verdict,
            why,
            expected: self.expectation(&finding.name, verdict, "holds", "violated"),
            steps: evidence.as_ref().map(Trace::len),
            loop_len: evidence.as_ref().and_then(Trace::loop_len),
            triggered: finding.triggered,
            fairness: finding.fairness.clone(),
            trace: kept,
            evidence,
        }
    }

    fn conformance_report(&self, subject: &Subject<F>, found: Conformance, kept: bool) -> ConformanceReport {
        let (verdict, mut why) = match &found.agreement {
            Agreement::Conforms => ("conforms", None),
            Agreement::Diverges => ("diverges", None),
            Agreement::Incomplete(why) => ("incomplete", Some(why.clone())),
        };
        let mut place = None;
        let evidence = found.divergence.map(|divergence| {
            why = Some(divergence.what.clone());
            // A second mode's trace of the same subject says which mode it is of.
            let name = if kept { format!("{}--{}", subject.name, found.mode) } else { subject.name.clone() };
            place = Some(kept_at(&self.name, &name));
            self.trace_of_divergence(subject, found.mode, divergence, &name)
        });
        ConformanceReport {
            mode: found.mode,
            subject: subject.name.clone(),
            verdict,
            why,
            expected: self.expectation(&subject.name, verdict, "conforms", "diverges"),
            edges: found.edges,
            edges_driven: found.edges_driven,
            edges_unsupported: found.edges_unsupported,
            edges_unchosen: found.edges_unchosen,
            steps: found.steps,
            schedules: found.schedules,
            bounds: found.bounds,
            trace: place,
            evidence,
        }
    }

    fn expectation(
        &self,
        name: &str,
        verdict: &'static str,
        pass: &'static str,
        refuted: &'static str,
    ) -> &'static str {
        match self.expected.get(name) {
            _ if verdict == "incomplete" && self.allow_incomplete.is_some() => "incomplete",
            None => pass,
            Some(Expected::Refuted) => refuted,
            Some(Expected::Incomplete(_)) => "incomplete",
        }
    }

    fn trace_of(&self, graph: &Graph<M>, finding: &Finding<M>, evidence: &verdict::Evidence<M>) -> Trace {
        let mut because: Vec<String> = self.why(&finding.name).into_iter().collect();
        let mut loop_start = None;
        let (initial, steps) = match evidence {
            verdict::Evidence::Lasso(lasso) => {
                loop_start = Some(lasso.loop_start);
                (lasso.initial.clone(), lasso.steps.clone())
            }
            verdict::Evidence::State(node) | verdict::Evidence::Trap(verdict::Trap { node, .. }) => {
                let path = graph.path_to(*node);
                (path.initial, path.steps.into_iter().map(|(action, state)| (Some(action), state)).collect())
            }
        };
        if let verdict::Evidence::Trap(trap) = evidence {
            because.push(format!(
                "no schedule leads out of it: {} states can be reached from the last one, itself counted, and {:?} holds \
                 in none of them",
                trap.states, finding.name
            ));
        }
        let mut told = vec![Step { state: self.spec.state_json(&self.model, &initial), ..Step::default() }];
        let mut from = &initial;
        for (action, to) in &steps {
            told.push(match action {
                Some(action) => self.step(from, action, to),
                None => Step { action: STAY.into(), state: self.spec.state_json(&self.model, to), ..Step::default() },
            });
            from = to;
        }
        let assumption = finding.fairness.iter().map(|fairness| (FAIRNESS.into(), fairness.assumption.clone()));
        Trace {
            case: self.name.clone(),
            evidence: Evidence::Property { name: finding.name.clone(), kind: finding.kind.to_string() },
            verdict: finding.verdict.to_string(),
            parameters: self.spec.parameters(&self.model),
            because: because.join("; "),
            replay: replay_command(&self.name, &finding.name),
            steps: told,
            loop_start,
            extra: assumption.collect(),
        }
    }

    fn step(&self, from: &M::State, action: &M::Action, to: &M::State) -> Step {
        let label = self.facade.label(&self.model, from, action, Some(to));
        let (input, output) = match label {
            Some((input, output)) => (format!("{input:?}"), format!("{output:?}")),
            None => Default::default(),
        };
        Step {
            action: format!("{action:?}"),
            actor: self.spec.actor(action),
            input,
            output,
            implementation: String::new(),
            state: self.spec.state_json(&self.model, to),
        }
    }

    /// The bounds of the model that a job is run beside.
    fn parameters_beside(&self, job: &dyn Job<F>) -> BTreeMap<String, String> {
        self.spec.parameters(&job.model().unwrap_or_else(|| self.model.clone()))
    }

    fn why(&self, name: &str) -> Option<String> {
        self.because.get(name).cloned().or_else(|| self.spec.because(name))
    }

    fn trace_of_divergence(&self, subject: &Subject<F>, mode: Mode, divergence: Divergence, file: &str) -> Trace {
        let because = match self.why(&subject.name) {
            Some(because) => format!("{}: {because}", divergence.what),
            None => divergence.what,
        };
        Trace {
            case: self.name.clone(),
            evidence: Evidence::Subject { name: subject.name.clone(), mode: mode.to_string() },
            verdict: Agreement::Diverges.to_string(),
            parameters: self.parameters_beside(&*subject.job),
            because,
            replay: replay_command(&self.name, file),
            steps: divergence.steps,
            loop_start: None,
            extra: divergence.extra,
        }
    }

    fn replay_trace(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        if trace.steps.is_empty() {
            return Err(ReplayError::Cannot("the trace has not even an initial state".into()));
        }
        match &trace.evidence {
            Evidence::Property { name, .. } => self.replay_property(trace, name, options),
            Evidence::Subject { name, mode } => self.replay_subject(trace, name, mode, options),
        }
    }

    /// Follows the trace's actions in the model of today.
    fn follow(&self, trace: &Trace) -> Result<Lasso<M>, ReplayError> {
        let parameters = self.spec.parameters(&self.model);
        let mut states = Vec::new();
        let initial = self
            .model
            .init_states()
            .into_iter()
            .find(|state| self.spec.state_json(&self.model, state) == trace.steps[0].state);
        let mut lost = initial.is_none().then(|| "the initial state is none of the model's".to_string());
        states.extend(initial.iter().map(|state| self.spec.state_json(&self.model, state)));
        let mut steps: Vec<(Option<M::Action>, M::State)> = Vec::new();
        for (index, step) in trace.steps.iter().enumerate().skip(1) {
            let at = steps.last().map(|(_, state)| state).or(initial.as_ref());
            let Some(state) = at.filter(|_| lost.is_none()) else { break };
            let mut actions = Vec::new();
            self.model.actions(state, &mut actions);
            let action = actions.iter().find(|action| format!("{action:?}") == step.action).cloned();
            if action.is_none() && step.action != STAY {
                let possible: Vec<String> = actions.iter().map(|action| format!("{action:?}")).collect();
                lost = Some(format!(
                    "step {index}: {:?} is not possible there; possible are {}",
                    step.action,
                    possible.join(", ")
                ));
                break;
            }
            let to = action.clone().and_then(|action| self.model.next_state(state, action));
            let to = to.unwrap_or_else(|| state.clone());
            let now = match &action {
                Some(action) => self.step(state, action, &to),
                None => Step { state: self.spec.state_json(&self.model, &to), ..Step::default() },
            };
            if now.state != step.state {
                lost = Some(format!("step {index}: {:?} leads to another state now", step.action));
            } else if (&now.actor, &now.input, &now.output) != (&step.actor, &step.input, &step.output) {
                lost = Some(format!(
                    "step {index}: {:?} reads {:?}, {:?} -> {:?} now",
                    step.action, now.actor, now.input, now.output
                ));
            }
            states.push(now.state);
            steps.push((action, to));
        }
        let now = model_hash(&self.name, &parameters, states.iter());
        match initial {
            Some(initial) if lost.is_none() && now == trace.model_hash() => {
                Ok(Lasso { initial, steps, loop_start: trace.loop_start.unwrap_or(trace.len()) })
            }
            _ => Err(ReplayError::Stale {
                recorded: trace.model_hash(),
                now,
                what: lost.unwrap_or_else(|| "the model's parameters are not those of the trace".into()),
            }),
        }
    }

    /// Judges a run of the model of today once more. Returns whether it is judged as it was, and what there is to say.
    fn judge_again(
        &self,
        trace: &Trace,
        name: &str,
        run: &Lasso<M>,
        options: &Options,
    ) -> Result<(bool, String), ReplayError> {
        let followed = format!("model: {} steps followed", trace.len());
        if let Some(promise) = promises(&*self.model, &*self.spec).iter().find(|promise| promise.name() == name) {
            if promise.kind() != Kind::Recoverable {
                return Ok(match check_lasso(&*self.model, &*self.spec, promise, run) {
                    Ok(()) => {
                        (true, format!("{followed}, and from step {} on for ever; {name:?} is broken", run.loop_start))
                    }
                    Err(wrong) => (false, format!("{followed}; {name:?} is not broken by it: {wrong}")),
                });
            }
            let end = run.steps.last().map_or(&run.initial, |(_, state)| state);
            return match check_trap(&self.model, promise, end, &options.budget) {
                Ok(Some(true)) => Ok((true, format!("{followed}; no schedule leads on to {name:?}"))),
                Ok(Some(false)) => Ok((false, format!("{followed}; some schedule leads on to {name:?}"))),
                Ok(None) => {
                    Err(ReplayError::Cannot(format!("{followed}; what can follow is not known within the limits")))
                }
                Err(error) => Err(ReplayError::Cannot(error.to_string())),
            };
        }
        let property = self
            .model
            .properties()
            .into_iter()
            .find(|property| property.name == name)
            .ok_or_else(|| ReplayError::Cannot(format!("{} has no property {name:?} any more", self.name)))?;
        let end = run.steps.last().map_or(&run.initial, |(_, state)| state);
        let satisfied = (property.condition)(&self.model, end);
        let said = if satisfied { "satisfied" } else { "not satisfied" };
        Ok((satisfied == (trace.verdict == "holds"), format!("{followed}; at the end {name:?} is {said}")))
    }

    fn replay_property(&self, trace: &Trace, name: &str, options: &Options) -> Result<Replayed, ReplayError> {
        let (reproduces, said) = self.judge_again(trace, name, &self.follow(trace)?, options)?;
        let expects_refuted = self.expected.get(name) == Some(&Expected::Refuted);
        let mut said = vec![said];
        let mut done: Vec<&str> = Vec::new();
        for subject in &self.subjects {
            if subject.job.mode() == Mode::Interleave || done.contains(&subject.name.as_str()) {
                continue;
            }
            done.push(&subject.name);
            said.push(match subject.job.replay(&self.setting(options), trace) {
                Ok(None) => format!("{}: answers as the model does, to the end", subject.name),
                Ok(Some(divergence)) => {
                    format!(
                        "{}: leaves the model at step {}: {}",
                        subject.name,
                        divergence.steps.len() - 1,
                        divergence.what
                    )
                }
                Err(why) => format!("{}: {why}", subject.name),
            });
        }
        let as_expected = reproduces && (expects_refuted || trace.verdict == "holds");
        Ok(Replayed { reproduces: reproduces && trace.verdict != "holds", as_expected, said })
    }

    fn replay_subject(
        &self,
        trace: &Trace,
        name: &str,
        mode: &str,
        options: &Options,
    ) -> Result<Replayed, ReplayError> {
        let subject = self
            .subjects
            .iter()
            .find(|subject| subject.name == name && subject.job.mode().to_string() == mode)
            .ok_or_else(|| ReplayError::Cannot(format!("{} has no subject {name:?} in mode {mode} here", self.name)))?;
        let parameters = self.parameters_beside(&*subject.job);
        if trace.parameters != parameters {
            return Err(ReplayError::Stale {
                recorded: trace.model_hash(),
                now: model_hash(&self.name, &parameters, trace.steps.iter().map(|step| &step.state)),
                what: "the model's parameters are not those of the trace".into(),
            });
        }
        let divergence = subject.job.replay(&self.setting(options), trace).map_err(ReplayError::Cannot)?;
        let expects_refuted = self.expected.get(name) == Some(&Expected::Refuted);
        let (same, said) = match &divergence {
            None => {
                (false, format!("{name}: answers as the model does, to the end; it diverged when this was recorded"))
            }
            Some(divergence) if divergence.steps == trace.steps => {
                (true, format!("{name}: diverges as recorded, at step {}: {}", trace.len(), divergence.what))
            }
            Some(divergence) => {
                let states = divergence.steps.iter().map(|step| &step.state);
                let now = model_hash(&self.name, &trace.parameters, states);
                if now != trace.model_hash() && divergence.steps.len() == trace.steps.len() {
                    let what = "the model's states along the path are not those of the trace".into();
                    return Err(ReplayError::Stale { recorded: trace.model_hash(), now, what });
                }
                let at = divergence.steps.len() - 1;
                (false, format!("{name}: diverges otherwise than recorded, at step {at}: {}", divergence.what))
            }
        };
        let as_expected = if expects_refuted { same } else { divergence.is_none() };
        Ok(Replayed { reproduces: divergence.is_some(), as_expected, said: vec![said] })
    }
}

const IMPLEMENTATION: &str = "implementation";

/// Where a case's trace is kept, from the repository's root.
fn kept_at(case: &str, name: &str) -> PathBuf {
    Path::new("traces").join(trace::file_name(case, name))
}

fn replay_command(case: &str, name: &str) -> String {
    format!("cargo run --release -- replay {}", kept_at(case, name).display())
}

fn disagreement(states: usize, ours: &std::collections::BTreeSet<&str>, theirs: &crate::explore::Referee) -> String {
    format!(
        "the engines disagree: {states} states here, {} by stateright; discovered here {ours:?}, there {:?}. Either the \
         model's Hash and PartialEq contradict each other (stateright keeps one state per 64-bit hash), or this is a \
         defect of counterpart: please report it",
        theirs.states, theirs.discovered
    )
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Whether the violation or the deviation is there again.
    pub reproduces: bool,
    /// Whether that is what the case expects.
    pub as_expected: bool,
    /// What was seen, a line for the model and each implementation.
    pub said: Vec<String>,
}

impl Replayed {
    /// All that was seen.
    pub fn summary(&self) -> String {
        self.said.join("\n")
    }
}

/// Why a trace could not be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// It is of a model that has changed since.
    #[error(
        "stale trace: it was recorded with model hash {recorded}, the model of today gives {now} ({what}); write it again with `counterpart check`"
    )]
    Stale {
        /// The trace's.
        recorded: String,
        /// Today's.
        now: String,
        /// The first difference.
        what: String,
    },
    /// The case has not what the trace names.
    #[error("{0}")]
    Cannot(String),
}

/// A check under a name in a catalogue.
pub struct Case {
    name: String,
    large: bool,
    check: Box<dyn AnyCheck>,
}

impl Case {
    /// `check`, under `name`: `<protocol>/<case>`.
    pub fn new<M: CheckedModel, F: Facade<Model = M>>(name: impl Into<String>, check: Check<M, F>) -> Self {
        let name = name.into();
        Case { large: false, check: Box::new(check.named(name.clone())), name }
    }

    /// Left out unless asked for.
    #[must_use]
    pub fn large(mut self) -> Self {
        self.large = true;
        self
    }

    /// `<protocol>/<case>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is left out unless asked for.
    pub fn is_large(&self) -> bool {
        self.large
    }

    /// What is known before it runs.
    pub fn listing(&self) -> CaseListing {
        CaseListing { large: self.large, ..self.check.listing() }
    }

    /// Runs it. Limits in `options` that the case sets tighter stay as the case has them.
    pub fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>) {
        self.check.run(options)
    }

    /// Replays `trace` on the model and on the implementation.
    ///
    /// # Errors
    /// The trace is of another model, or names what the case has not.
    pub fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        self.check.replay(trace, options)
    }
}

/// A [`Check`] whose types are forgotten.
trait AnyCheck: Send + Sync {
    fn listing(&self) -> CaseListing;
    fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>);
    fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError>;
}

impl<M: CheckedModel, F: Facade<Model = M>> Check<M, F> {
    fn limited(&self, options: &Options) -> Options {
        let own = &self.options;
        let mut options = options.clone();
        options.budget.states_max = options.budget.states_max.min(own.budget.states_max);
        options.budget.depth_max = options.budget.depth_max.min(own.budget.depth_max);
        options.answer_within = options.answer_within.min(own.answer_within);
        options
    }
}

impl<M: CheckedModel, F: Facade<Model = M>> AnyCheck for Check<M, F> {
    fn listing(&self) -> CaseListing {
        let of_states = self.model.properties().into_iter();
        let of_states = of_states.map(|property| (property.name.to_string(), Kind::from(&property.expectation)));
        let of_runs = self.spec.temporal().into_iter().map(|promise| (promise.name().to_string(), promise.kind()));
        let properties = of_states
            .chain(of_runs)
            .filter(|_| self.judged)
            .map(|(name, kind)| PropertyListing {
                expected: self.expectation(&name, "", "holds", "violated"),
                name,
                kind,
            })
            .collect();
        let mut subjects: Vec<String> = Vec::new();
        for subject in &self.subjects {
            if !subjects.contains(&subject.name) {
                subjects.push(subject.name.clone());
            }
        }
        CaseListing {
            case: self.name.clone(),
            protocol: self.name.split('/').next().unwrap_or_default().to_string(),
            large: false,
            properties,
            subjects,
        }
    }

    fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>) {
        (self.case_report(&self.limited(options), true), self.left_out())
    }

    fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        self.replay_trace(trace, &self.limited(options))
    }
}

impl Report {
    /// Fails a test unless everything is as expected, with the traces of what is not, the files they are in, and the
    /// command that replays each.
    ///
    /// # Panics
    /// If a verdict differs from what is expected, or is incomplete and not allowed to be.
    #[track_caller]
    pub fn assert(&self) {
        if !self.as_expected {
            panic!("{}", crate::view::failure(self, &keep_surprises(self)));
        }
    }
}

/// Writes the traces of what is not as expected where a test may write. Returns the file of each, from the folder that
/// holds `target` if it is below it.
fn keep_surprises(report: &Report) -> Vec<Result<PathBuf, String>> {
    let target = target_folder();
    let folder = target.clone().unwrap_or_else(std::env::temp_dir).join("counterpart");
    let from_root = |file: PathBuf| match target.as_deref().and_then(Path::parent) {
        Some(root) => file.strip_prefix(root).map(Path::to_path_buf).unwrap_or(file),
        None => file,
    };
    let surprises = report.cases.iter().flat_map(CaseReport::surprises);
    surprises
        .map(|(kept, trace)| {
            let file = folder.join(kept.strip_prefix("traces").unwrap_or(kept));
            trace.write(&file).map(|_| from_root(file)).map_err(|error| error.to_string())
        })
        .collect()
}

/// The `target` folder that the running test was built in.
fn target_folder() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok()?;
    executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_path_buf)
}
