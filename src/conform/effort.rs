//! What came of running an implementation in one mode: a verdict, the mode's own figures, and the run that shows a
//! deviation.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::tour::{Unchosen, Verified};
use crate::trace::Step;

/// How an implementation was run alongside the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Model and implementation explored together.
    Product,
    /// Every transition of the bounded model driven.
    Tour,
    /// Seeded long walks.
    Walk,
    /// Faults for a while, then none, and a goal to be reached.
    Recovery,
    /// Real threads through every interleaving.
    Interleave,
    /// A log of a running implementation, judged afterwards.
    Events,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Product => "product",
            Mode::Tour => "tour",
            Mode::Walk => "walk",
            Mode::Recovery => "recovery",
            Mode::Interleave => "interleave",
            Mode::Events => "events",
        })
    }
}

/// What is known of an implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// It answered as the model allows, wherever the mode looks.
    Conforms,
    /// It does what the model does not allow; a trace shows it.
    Diverges,
    /// It is not known; the report says why.
    Incomplete,
}

impl Agreement {
    /// Its name in reports and traces.
    pub fn name(self) -> &'static str {
        match self {
            Agreement::Conforms => "conforms",
            Agreement::Diverges => "diverges",
            Agreement::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The figures of a mode: what was done, and within which bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Effort {
    /// Figures of [`Mode::Product`].
    Product {
        /// Pairs of a belief and an implementation's state.
        pairs: usize,
        /// Transitions between them, all of which were driven.
        edges: usize,
    },
    /// Figures of [`Mode::Tour`].
    Tour(Box<Coverage>),
    /// Figures of [`Mode::Walk`].
    Walk {
        /// Seed of every random choice.
        seed: u64,
        /// Walks at most.
        walks: u32,
        /// Inputs given.
        steps: usize,
    },
    /// Figures of [`Mode::Recovery`].
    Recovery {
        /// Seed of every random choice.
        seed: u64,
        /// Runs at most.
        runs: usize,
        /// Runs that had to recover when the faults ended.
        runs_needed: usize,
        /// Steps at most after which the faults end.
        faulty_steps_max: usize,
        /// Steps within which it has to recover.
        fair_steps_max: usize,
        /// Inputs given.
        steps: usize,
    },
    /// Figures of [`Mode::Interleave`].
    Interleave {
        /// Scripts to run.
        script_count: usize,
        /// The scripts that were begun, in order.
        scripts: Vec<Scheduled>,
        /// Schedules run in all.
        schedules: usize,
        /// Calls made in all.
        steps: usize,
    },
    /// Figures of [`Mode::Events`].
    Events {
        /// Events of the log.
        events: usize,
        /// Ways of explaining it that are followed at most.
        explanations_max: usize,
    },
}

/// What a tour covered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Coverage {
    /// Labelled transitions of the bounded model, refused inputs included.
    pub edges: usize,
    /// Transitions that were driven.
    pub edges_driven: usize,
    /// Transitions that the subject has no input for.
    pub edges_unsupported: usize,
    /// Transitions that the model allows and the subject did not choose when given the input.
    pub edges_unchosen: usize,
    /// Transitions that explain an answer which others explain as well, and that were never told apart from these.
    pub edges_ambiguous: usize,
    /// Names for the transitions never chosen, the first few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchosen: Vec<Unchosen>,
    /// Inputs given, without those of the suffixes.
    pub steps: usize,
    /// Fresh starts, the first one included; `None` where the tour did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts: Option<usize>,
    /// What the suffixes have shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// What one script came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Scheduled {
    /// Schedules run.
    pub schedules: usize,
    /// Interruptions of running threads at most in one schedule; `None` where all schedules were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions_max: Option<usize>,
}

impl Effort {
    /// The mode that the figures are of.
    pub fn mode(&self) -> Mode {
        match self {
            Effort::Product { .. } => Mode::Product,
            Effort::Tour(_) => Mode::Tour,
            Effort::Walk { .. } => Mode::Walk,
            Effort::Recovery { .. } => Mode::Recovery,
            Effort::Interleave { .. } => Mode::Interleave,
            Effort::Events { .. } => Mode::Events,
        }
    }

    /// Transitions to be driven, and those that were; both 0 in a mode that counts none.
    pub fn edges(&self) -> (usize, usize) {
        match self {
            Effort::Product { edges, .. } => (*edges, *edges),
            Effort::Tour(coverage) => (coverage.edges, coverage.edges_driven),
            Effort::Walk { .. } | Effort::Recovery { .. } | Effort::Interleave { .. } | Effort::Events { .. } => (0, 0),
        }
    }

    /// Inputs given; of a tour without those of its suffixes, of a log its events.
    pub fn steps(&self) -> usize {
        match self {
            Effort::Product { edges: steps, .. } | Effort::Events { events: steps, .. } => *steps,
            Effort::Tour(coverage) => coverage.steps,
            Effort::Walk { steps, .. } | Effort::Recovery { steps, .. } | Effort::Interleave { steps, .. } => *steps,
        }
    }

    /// Schedules run, where there were any to run.
    pub fn schedules(&self) -> Option<usize> {
        match self {
            Effort::Interleave { schedules, .. } => Some(*schedules),
            _ => None,
        }
    }

    /// What a tour covered.
    pub fn coverage(&self) -> Option<&Coverage> {
        match self {
            Effort::Tour(coverage) => Some(coverage),
            _ => None,
        }
    }

    pub(super) fn conforms(self) -> Conformance {
        Conformance { agreement: Agreement::Conforms, why: None, effort: self, divergence: None }
    }

    pub(super) fn incomplete(self, why: impl Into<String>) -> Conformance {
        Conformance { agreement: Agreement::Incomplete, why: Some(why.into()), effort: self, divergence: None }
    }

    pub(super) fn diverges(self, divergence: Divergence) -> Conformance {
        let why = Some(divergence.what.clone());
        Conformance { agreement: Agreement::Diverges, why, effort: self, divergence: Some(divergence) }
    }
}

/// An implementation's result in one mode.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conformance {
    /// What is known of it.
    pub agreement: Agreement,
    /// Why it is incomplete, or how it diverges.
    pub why: Option<String>,
    /// How it was run, and how far.
    pub effort: Effort,
    /// The run that shows the deviation.
    pub divergence: Option<Divergence>,
}

/// A run at whose end the model cannot follow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Divergence {
    /// The run as a trace carries it; the last step is the one that deviates.
    pub steps: Vec<Step>,
    /// What happened there, in a sentence.
    pub what: String,
    /// What replay needs beside the steps.
    pub extra: BTreeMap<String, String>,
}
