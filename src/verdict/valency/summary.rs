//! What valency tells of a protocol, in a few lines.

use std::collections::BTreeMap;
use std::fmt;

use super::{Initial, Lemma2, Lemma3, Valencies, Valency};

/// What valency tells of a protocol. Its `Display` is a few lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many configurations are of each valency.
    pub configurations: BTreeMap<Valency, usize>,
    /// Configurations in which two values are decided.
    pub disagreements: usize,
    /// The initial configurations.
    pub initial: Vec<Initial>,
    /// What becomes of Lemma 2.
    pub lemma_2: Lemma2,
    /// Whether nothing is decided from either of Lemma 2's adjacent pair when the process in which they differ takes no
    /// step.
    pub pair_blocks: Option<bool>,
    /// How many configurations are critical.
    pub critical: usize,
    /// The critical configurations by their one decider; under `None` those that have none, or several.
    pub deciders: BTreeMap<Option<usize>, Deciding>,
    /// What becomes of Lemma 3.
    pub lemma_3: Lemma3,
}

/// The critical configurations of one decider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deciding {
    /// How many there are.
    pub critical: usize,
    /// Critical configurations in which nothing is ever decided if the decider stops there.
    pub blocking: usize,
}

impl Valencies<'_> {
    /// The summary of all that valency tells.
    pub fn summary(&self) -> Summary {
        let mut configurations = BTreeMap::new();
        for values in &self.open {
            *configurations.entry(Valency::from(*values)).or_default() += 1;
        }
        let lemma_2 = self.lemma_2();
        let pair_blocks = match &lemma_2 {
            Lemma2::Adjacent(pair) => {
                let blocks = |node| self.decision_without(node, pair.process).is_none();
                Some(blocks(pair.nodes.0) && blocks(pair.nodes.1))
            }
            Lemma2::Bivalent(_) | Lemma2::Uniform(_) | Lemma2::Apart => None,
        };
        let critical = self.critical();
        let mut deciders: BTreeMap<Option<usize>, Deciding> = BTreeMap::new();
        for configuration in &critical {
            let decider = configuration.decider();
            let blocks = |process| self.decision_without(configuration.node, process).is_none();
            let deciding = deciders.entry(decider).or_default();
            deciding.critical += 1;
            deciding.blocking += usize::from(decider.is_some_and(blocks));
        }
        Summary {
            configurations,
            disagreements: self.disagreements().count(),
            initial: self.initial.clone(),
            lemma_2,
            pair_blocks,
            critical: critical.len(),
            deciders,
            lemma_3: self.lemma_3(),
        }
    }
}

impl Summary {
    /// The inputs of the initial configuration `node`.
    fn inputs(&self, node: usize) -> String {
        self.initial.iter().find(|initial| initial.node == node).map(Initial::inputs_text).unwrap_or_default()
    }

    /// How often each valency occurs among the initial configurations, with their inputs.
    fn initial_text(&self) -> String {
        let mut of: BTreeMap<Valency, Vec<String>> = BTreeMap::new();
        for initial in &self.initial {
            of.entry(initial.valency).or_default().push(initial.inputs_text());
        }
        let some = |inputs: &[String]| match inputs.len() {
            0..=8 => inputs.join(" "),
            _ => format!("{} …", inputs[..8].join(" ")),
        };
        let parts = of.iter().map(|(valency, inputs)| format!("{} {valency} ({})", inputs.len(), some(inputs)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.configurations.values().sum();
        let parts = self.configurations.iter().map(|(valency, count)| format!("{count} {valency}"));
        writeln!(f, "configurations: {total}: {}", parts.collect::<Vec<_>>().join(", "))?;
        if self.disagreements > 0 {
            writeln!(f, "agreement: broken in {} configurations", self.disagreements)?;
        }
        writeln!(f, "initial: {}: {}", self.initial.len(), self.initial_text())?;
        match &self.lemma_2 {
            Lemma2::Bivalent(nodes) => writeln!(f, "Lemma 2: holds, {} initial are bivalent", nodes.len())?,
            Lemma2::Adjacent(pair) => writeln!(
                f,
                "Lemma 2: none is bivalent; {} and {} differ in process {} and decide {} and {}{}",
                self.inputs(pair.nodes.0),
                self.inputs(pair.nodes.1),
                pair.process,
                pair.values.0,
                pair.values.1,
                if self.pair_blocks == Some(true) { "; without it nothing is decided from either" } else { "" }
            )?,
            Lemma2::Uniform(valency) => writeln!(f, "Lemma 2: none is bivalent, all are {valency}")?,
            Lemma2::Apart => writeln!(f, "Lemma 2: none is bivalent, and no two adjacent ones decide differently")?,
        }
        write!(f, "critical: {}", self.critical)?;
        for (decider, Deciding { critical, blocking }) in &self.deciders {
            match decider {
                Some(process) => {
                    write!(f, "; process {process} decides in {critical}, and its stopping blocks in {blocking}")?;
                }
                None => write!(f, "; {critical} without one decider")?,
            }
        }
        writeln!(f)?;
        match (self.lemma_3.failures, self.lemma_3.nearest.first()) {
            (failures, Some(first)) => write!(
                f,
                "Lemma 3: fails for {failures} of {} pairs, first in configuration {} of {}",
                self.lemma_3.pairs, first.node, first.event
            ),
            _ => write!(f, "Lemma 3: holds for all {} pairs", self.lemma_3.pairs),
        }
    }
}
