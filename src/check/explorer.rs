//! A way through a case's model, chosen action by action: where it leads, what can follow there and what cannot, and
//! what implementations do along it.

use std::collections::BTreeMap;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::Options;
use super::case::Case;
use super::face::AnyCheck;
use crate::conform::Mode;
use crate::explore::{Action, State};
use crate::model::Kind;
use crate::trace::{CHOSEN, Evidence, Step, Trace};
use crate::verdict::Verdict;
use crate::view::{Choice, Standing};

/// Steps of a way at most.
const STEPS_MAX: usize = 1_000;

impl Case {
    /// Where `way` leads: the index of an initial state, then for each step that of the action in the model's order.
    /// `None` where the model has no such way.
    pub fn stand(&self, way: &[usize], options: &Options) -> Option<Standing> {
        self.check().stand(way, options)
    }

    /// `way` and up to so many steps more, drawn by `seed`: of the actions that can be taken one that was taken least
    /// often on the way, so that none is put off for ever.
    pub fn wander(&self, way: &[usize], steps: usize, seed: u64) -> Vec<usize> {
        self.check().wander(way, steps, seed)
    }
}

impl AnyCheck {
    fn stand(&self, way: &[usize], options: &Options) -> Option<Standing> {
        let (mut steps, mut at) = self.begun(way)?;
        for index in &way[1..] {
            (at, steps) = self.taken(&at, *index, steps)?;
        }
        let mut trace = self.way_itself(steps);
        let broken = self.model.properties().iter().enumerate().find(|(property, asked)| {
            self.plan.judged && asked.kind == Kind::Always && !self.model.is_met(*property, &*at)
        });
        if let Some((_, asked)) = broken {
            trace.evidence = Evidence::Property { name: asked.name.clone(), kind: asked.kind.to_string() };
            trace.verdict = Verdict::Violated.to_string();
            trace.because = self.why(&asked.name).unwrap_or_default();
        }
        let mut standing = Standing::new(trace, self.model.init_states().len(), self.choices(&at));
        self.alongside(&mut standing, options);
        Some(standing)
    }

    /// The first step of a way, and its state.
    fn begun(&self, way: &[usize]) -> Option<(Vec<Step>, State)> {
        let first = way.first().filter(|_| way.len() <= STEPS_MAX)?;
        let at = self.model.init_states().into_iter().nth(*first)?;
        Some((vec![Step { state: self.model.state_json(&*at), ..Step::default() }], at))
    }

    fn taken(&self, at: &State, index: usize, mut steps: Vec<Step>) -> Option<(State, Vec<Step>)> {
        let of = self.model.actions(&**at);
        let to = (index < of.len()).then(|| self.model.next_state(&**at, &*of, index)).flatten()?;
        let to = Some(to).filter(|to| self.model.within_boundary(&**to))?;
        steps.push(self.step(&**at, &Action { of, index }, &*to));
        Some((to, steps))
    }

    fn choices(&self, at: &State) -> Vec<Choice> {
        let of = self.model.actions(&**at);
        let choice = |index| {
            let action = Action { of: of.clone(), index };
            match self.model.next_state(&**at, &*of, index) {
                Some(to) => Choice {
                    step: self.step(&**at, &action, &*to),
                    refused: (!self.model.within_boundary(&*to)).then_some("it leads out of the model's boundary"),
                },
                // What is answered to it is not known: only of steps that are taken.
                None => Choice {
                    step: Step { output: String::new(), input: String::new(), ..self.step(&**at, &action, &**at) },
                    refused: Some("the model refuses it in this state"),
                },
            }
        };
        (0..of.len()).map(choice).collect()
    }

    /// The way as evidence that it can be gone.
    fn way_itself(&self, steps: Vec<Step>) -> Trace {
        Trace {
            case: self.plan.name.clone(),
            evidence: Evidence::Property { name: CHOSEN.into(), kind: Kind::Sometimes.to_string() },
            verdict: Verdict::Holds.to_string(),
            parameters: self.model.parameters(),
            because: String::new(),
            replay: String::new(),
            steps,
            loop_start: None,
            extra: BTreeMap::new(),
        }
    }

    /// Drives the implementations of this very model along the way, and keeps how the first that leaves it does so.
    fn alongside(&self, standing: &mut Standing, options: &Options) {
        let options = options.within(&self.plan.options).begun();
        for subject in &self.subjects {
            // A schedule and a log are not run along a way of the model.
            let unled = matches!(subject.mode, Mode::Interleave | Mode::Events);
            let known = standing.alongside.iter().any(|(name, _)| *name == subject.name);
            if unled || known || subject.job.parameters() != standing.trace.parameters {
                continue;
            }
            let said = match subject.job.bind(&options).replay(&standing.trace) {
                Ok(None) => "answers as the model does, up to here".into(),
                Ok(Some(divergence)) => {
                    let said = format!("leaves the model at step {}: {}", divergence.steps.len() - 1, divergence.what);
                    let told = || self.trace_of_divergence(subject, subject.mode, divergence, &subject.name);
                    standing.deviation.get_or_insert_with(told);
                    said
                }
                Err(why) => why.to_string(),
            };
            standing.alongside.push((subject.name.clone(), said));
        }
    }

    fn wander(&self, way: &[usize], more: usize, seed: u64) -> Vec<usize> {
        let mut way = way.to_vec();
        let Some((mut steps, mut at)) = self.begun(&way) else { return way };
        for index in &way[1..] {
            match self.taken(&at, *index, steps) {
                Some(next) => (at, steps) = next,
                None => return way,
            }
        }
        for _ in 0..more.min(STEPS_MAX.saturating_sub(way.len())) {
            let choices = self.choices(&at);
            let times = |action: &str| steps.iter().filter(|step| step.action == action).count();
            let open = choices.iter().enumerate().filter(|(_, choice)| choice.refused.is_none());
            let open: Vec<(usize, usize)> = open.map(|(index, choice)| (times(&choice.step.action), index)).collect();
            let Some(fewest) = open.iter().map(|(times, _)| *times).min() else { break };
            let open: Vec<usize> = open.iter().filter(|(times, _)| *times == fewest).map(|(_, index)| *index).collect();
            let chosen = open[(drawn(&way, seed) % open.len() as u64) as usize];
            way.push(chosen);
            match self.taken(&at, chosen, steps) {
                Some(next) => (at, steps) = next,
                None => break,
            }
        }
        way
    }
}

/// A number that depends on the seed and on the way so far, on nothing else.
fn drawn(way: &[usize], seed: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, 0);
    way.iter().for_each(|index| hasher.write_usize(*index));
    hasher.finish()
}
